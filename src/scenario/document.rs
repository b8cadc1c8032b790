//! A JSON text with the place of every value in it.

use std::collections::BTreeMap;
use std::ops::Range;

use jsonc_parser::ast::Value;
use jsonc_parser::common::Ranged;

use super::problem::{Part, Path, Problem};

/// A file that is JSON in the strict sense, with no key twice in one object.
pub(super) struct Document<'a> {
    source: &'a str,
    pub root: Value<'a>,
}

impl<'a> Document<'a> {
    /// Reads a JSON text. serde_json decides what JSON is; jsonc-parser, more lenient, then tells where things are.
    pub fn read(source: &'a str) -> Result<Document<'a>, Problem> {
        if let Err(error) = serde_json::from_str::<serde_json::Value>(source) {
            return Err(syntax_problem(source, &error));
        }
        let at_start = |message: String| Problem { place: Path::root(), span: 0..0, message, help: None };
        let parsed = jsonc_parser::parse_to_ast(source, &Default::default(), &Default::default());
        let root = parsed.map_err(|error| at_start(format!("not JSON: {error}")))?.value;
        root.map(|root| Document { source, root }).ok_or_else(|| at_start("the file is empty".into()))
    }

    /// Keys that stand twice in one object; the second would silently win.
    pub fn duplicates(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        self.find_duplicates(&self.root, &Path::root(), &mut problems);
        problems
    }

    fn find_duplicates(&self, value: &Value, path: &Path, problems: &mut Vec<Problem>) {
        match value {
            Value::Object(object) => {
                let mut starts = BTreeMap::new();
                for property in &object.properties {
                    let (key, span) = (property.name.as_str(), property.name.start()..property.name.end());
                    let place = path.key(key);
                    self.find_duplicates(&property.value, &place, problems);
                    if let Some(earlier) = starts.insert(key, span.start) {
                        let line = self.source[..earlier].matches('\n').count() + 1;
                        let message = format!("`{key}` stands twice in one object");
                        problems.push(Problem { place, span, message, help: Some(format!("it stands on line {line} already")) });
                    }
                }
            }
            Value::Array(array) => {
                array.elements.iter().enumerate().for_each(|(index, value)| self.find_duplicates(value, &path.index(index), problems));
            }
            _ => {}
        }
    }

    /// Where the value at `path` stands; where its nearest existing parent stands when there is no such value.
    pub fn span(&self, path: &Path) -> Range<usize> {
        let mut value = &self.root;
        for part in path.parts() {
            match child(value, part) {
                Some(child) => value = child,
                None => break,
            }
        }
        // An object is shown by its opening brace: the whole of it would be pages.
        match value {
            Value::Object(_) | Value::Array(_) => value.start()..value.start() + 1,
            _ => value.start()..value.end(),
        }
    }

    /// Where the key that ends `path` stands.
    pub fn key_span(&self, path: &Path) -> Range<usize> {
        let Some((Part::Key(key), parents)) = path.parts().split_last() else { return self.span(path) };
        let object = parents.iter().try_fold(&self.root, child).and_then(Value::as_object);
        let found = object.and_then(|object| object.properties.iter().find(|property| property.name.as_str() == key));
        found.map_or_else(|| self.span(path), |property| property.name.start()..property.name.end())
    }

    /// Where `inner`, bytes of the text at `path`, stand in the source.
    pub fn text_span(&self, path: &Path, inner: &Range<usize>) -> Range<usize> {
        let whole = self.span(path);
        let raw = &self.source[whole.clone()];
        if !raw.starts_with('"') {
            return whole;
        }
        let at = |offset: usize| whole.start + 1 + raw_offset(&raw[1..raw.len() - 1], offset);
        let (start, end) = (at(inner.start), at(inner.end));
        start..end
    }
}

fn child<'v, 'a>(value: &'v Value<'a>, part: &Part) -> Option<&'v Value<'a>> {
    match (value, part) {
        (Value::Object(object), Part::Key(key)) => object.properties.iter().find(|property| property.name.as_str() == key).map(|found| &found.value),
        (Value::Array(array), Part::Index(index)) => array.elements.get(*index),
        _ => None,
    }
}

/// What serde_json says, without its own words for the place.
fn syntax_problem(source: &str, error: &serde_json::Error) -> Problem {
    let line_start: usize = source.split_inclusive('\n').take(error.line().saturating_sub(1)).map(str::len).sum();
    let at = (line_start + error.column().saturating_sub(1)).min(source.len());
    let said = error.to_string();
    let message = said.rsplit_once(" at line ").map_or(said.as_str(), |(message, _)| message);
    let help = match message {
        "trailing comma" => Some("the last item has no comma after it".into()),
        "recursion limit exceeded" => Some("lists and objects stand within each other at most 127 deep".into()),
        _ if source[..].trim().is_empty() => Some("`zoolab new NAME` writes a scenario to start from".into()),
        _ if source.starts_with('\u{feff}') => Some("the file begins with a byte order mark: save it as plain UTF-8".into()),
        _ => Some("scenarios are strict JSON: no comments, double quotes, no comma after the last item".into()),
    };
    Problem { place: Path::root(), span: at..at + 1, message: format!("not JSON: {message}"), help }
}

/// The byte of `raw`, a JSON string without its quotes, where byte `offset` of its value comes from.
fn raw_offset(raw: &str, offset: usize) -> usize {
    let (mut at, mut value) = (0, 0);
    while value < offset && at < raw.len() {
        let rest = &raw[at..];
        let (taken, given) = match rest.as_bytes() {
            [b'\\', b'u', ..] => unicode_escape(rest),
            [b'\\', ..] => (2, 1),
            _ => rest.chars().next().map_or((1, 1), |letter| (letter.len_utf8(), letter.len_utf8())),
        };
        at += taken;
        value += given;
    }
    at.min(raw.len())
}

/// Length of a `\uXXXX` escape (or of a pair) and of the letter it stands for.
fn unicode_escape(rest: &str) -> (usize, usize) {
    let unit = |from: usize| rest.get(from..from + 4).and_then(|digits| u32::from_str_radix(digits, 16).ok()).unwrap_or(0);
    match unit(2) {
        0xd800..=0xdbff => (12, 4),
        code => (6, char::from_u32(code).map_or(3, char::len_utf8)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_inside_texts_survive_escapes() {
        let source = r#"{ "do": "cut \"\u00e9\" \ud83d\ude00 wrong" }"#;
        let document = Document::read(source).expect("JSON");
        let path = Path::root().key("do");
        let value = "cut \"é\" 😀 wrong";
        let at = value.find("wrong").expect("it is there");
        assert_eq!(&source[document.text_span(&path, &(at..at + 5))], "wrong");
        assert_eq!(&source[document.text_span(&path, &(value.len()..value.len()))], "");
        assert_eq!(&source[document.key_span(&path)], "\"do\"");
    }

    #[test]
    fn only_strict_json_is_json() {
        for source in
            ["", "{", "{\"a\": 1,}", "{a: 1}", "// x\n{}", "{'a': 1}", "{\"a\": 0x1}", "{\"a\": 01}", "{} {}", "[1 2]", "\u{feff}{}", "\"\t\""]
        {
            assert!(Document::read(source).is_err(), "{source}");
        }
        assert!(Document::read(&"[".repeat(100_000)).is_err());
        assert!(Document::read(&format!("{}1{}", "[".repeat(120), "]".repeat(120))).is_ok());
    }

    #[test]
    fn keys_stand_once() {
        let document = Document::read(r#"{ "a": { "b": 1, "b": 2 }, "c": [{ "d": 1, "\u0064": 2 }] }"#).expect("JSON");
        let places: Vec<_> = document.duplicates().iter().map(|problem| problem.place.to_string()).collect();
        assert_eq!(places, ["a.b", "c[0].d"]);
    }
}
