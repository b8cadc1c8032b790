//! Splitting one line of the grammar into words, and the errors that point at them.

use std::ops::Range;

use crate::trace::nearest;

/// A word of a line, or a quoted piece of text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Word {
    /// Without its quotes, escapes replaced.
    pub text: String,
    /// Bytes of the line it takes, quotes included.
    pub span: Range<usize>,
    pub quoted: bool,
}

/// What is wrong with a line, and where in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TextError {
    /// Bytes of the line; empty and at its end when something is missing.
    pub span: Range<usize>,
    pub message: String,
    /// What is allowed there, with the nearest valid name when there is one.
    pub help: Option<String>,
}

impl TextError {
    pub fn new(span: Range<usize>, message: impl Into<String>) -> TextError {
        TextError { span, message: message.into(), help: None }
    }

    pub fn with_help(mut self, help: impl Into<String>) -> TextError {
        self.help = Some(help.into());
        self
    }
}

/// What stands between the parts of a multi, with space around it: within a word it is text, as in a server's address.
pub const SEPARATOR: &str = ";";

/// Splits at white space; `|` and `->` are words of their own even without space around them.
///
/// `"…"` is one word whatever it holds; inside, `\"`, `\\`, `\n`, `\t` and `\0` are escapes. A quote that is never closed is an error.
pub fn words(line: &str) -> Result<Vec<Word>, TextError> {
    let mut words = Vec::new();
    let mut at = 0;
    while let Some(first) = line[at..].chars().next() {
        let rest = &line[at..];
        let word = if first.is_whitespace() {
            at += first.len_utf8();
            continue;
        } else if first == '"' {
            quoted(line, at)?
        } else if first == '|' {
            plain(line, at, 1)
        } else if rest.starts_with("->") {
            plain(line, at, 2)
        } else {
            plain(line, at, word_length(rest))
        };
        at = word.span.end;
        words.push(word);
    }
    Ok(words)
}

fn plain(line: &str, at: usize, length: usize) -> Word {
    Word { text: line[at..at + length].into(), span: at..at + length, quoted: false }
}

fn word_length(rest: &str) -> usize {
    let ends = |index: usize, letter: char| letter.is_whitespace() || matches!(letter, '"' | '|') || rest[index..].starts_with("->");
    rest.char_indices().find(|(index, letter)| ends(*index, *letter)).map_or(rest.len(), |(index, _)| index)
}

fn quoted(line: &str, start: usize) -> Result<Word, TextError> {
    let mut text = String::new();
    let mut letters = line[start + 1..].char_indices().map(|(index, letter)| (start + 1 + index, letter));
    while let Some((at, letter)) = letters.next() {
        match letter {
            '"' => return Ok(Word { text, span: start..at + 1, quoted: true }),
            '\\' => match letters.next().map(|(_, escape)| escape) {
                Some('"') => text.push('"'),
                Some('\\') => text.push('\\'),
                Some('n') => text.push('\n'),
                Some('t') => text.push('\t'),
                Some('0') => text.push('\0'),
                Some(other) => {
                    let message = format!("unknown escape `\\{other}`");
                    return Err(TextError::new(at..at + 1 + other.len_utf8(), message).with_help("escapes are \\\" \\\\ \\n \\t \\0"));
                }
                None => break,
            },
            _ => text.push(letter),
        }
    }
    Err(TextError::new(start..line.len(), "this quote is never closed"))
}

/// `text` as a word of a line: in quotes if it would not be read back as it is, or holds what looks like a separator.
pub fn written(text: &str) -> String {
    if text.contains(SEPARATOR) { quoted_text(text) } else { written_plainly(text) }
}

/// The same for what may hold separators, as a server's address does.
pub fn written_plainly(text: &str) -> String {
    let as_it_is = |words: &[Word]| matches!(words, [word] if !word.quoted && word.text == text) && !text.starts_with("0x") && text != SEPARATOR;
    if words(text).is_ok_and(|words| as_it_is(&words)) { text.into() } else { quoted_text(text) }
}

fn quoted_text(text: &str) -> String {
    let mut quoted = String::from("\"");
    for letter in text.chars() {
        match letter {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '\n' => quoted.push_str("\\n"),
            '\t' => quoted.push_str("\\t"),
            '\0' => quoted.push_str("\\0"),
            other => quoted.push(other),
        }
    }
    quoted + "\""
}

/// Whether the word writes bytes in hexadecimal: `0x` and an even number of digits.
pub fn binary(word: &Word) -> Option<Result<Vec<u8>, TextError>> {
    let digits = word.text.strip_prefix("0x").filter(|_| !word.quoted)?;
    let wrong =
        || TextError::new(word.span.clone(), format!("`{}` is not binary data", word.text)).with_help("0x and two hexadecimal digits for each byte");
    if digits.len() % 2 != 0 || !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
        return Some(Err(wrong()));
    }
    let bytes = (0..digits.len()).step_by(2).map(|at| u8::from_str_radix(&digits[at..at + 2], 16).map_err(|_| wrong()));
    Some(bytes.collect())
}

/// Help for a name that is not one of `candidates`: the nearest, and all of them.
pub fn one_of<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str> + Clone) -> String {
    let all = candidates.clone().into_iter().collect::<Vec<_>>().join(", ");
    match nearest(name, candidates) {
        Some(meant) => format!("did you mean `{meant}`? allowed: {all}"),
        None => format!("allowed: {all}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(line: &str) -> Vec<String> {
        words(line).expect("a good line").into_iter().map(|word| word.text).collect()
    }

    #[test]
    fn words_end_at_space_bars_and_arrows() {
        assert_eq!(texts("  cut s1->s2 "), ["cut", "s1", "->", "s2"]);
        assert_eq!(texts("partition s1|s2 s3"), ["partition", "s1", "|", "s2", "s3"]);
        assert_eq!(texts("multi delete /a ; delete /b;2"), ["multi", "delete", "/a", ";", "delete", "/b;2"]);
        assert_eq!(texts("power-loss s2"), ["power-loss", "s2"]);
        assert_eq!(texts(r#"c1 create /a "two words \"here\"""#), ["c1", "create", "/a", r#"two words "here""#]);
        assert!(texts("").is_empty());
    }

    #[test]
    fn quotes_must_close_and_escapes_be_known() {
        assert_eq!(words(r#"c1 set /a "x"#).expect_err("never closed").span, 10..12);
        assert_eq!(words(r#"c1 set /a "x\"#).expect_err("never closed").span, 10..13);
        assert_eq!(words(r#"a "\q""#).expect_err("unknown escape").span, 3..5);
    }

    #[test]
    fn what_is_written_is_one_word_again() {
        for (text, word) in [
            ("plain", "plain"),
            ("käse=1", "käse=1"),
            ("", "\"\""),
            ("two words", "\"two words\""),
            ("a|b", "\"a|b\""),
            ("a->b", "\"a->b\""),
            ("->", "->"),
            ("a;b", "\"a;b\""),
            (";", "\";\""),
            ("0xff", "\"0xff\""),
            ("say \"hi\"\n\t\0\\", "\"say \\\"hi\\\"\\n\\t\\0\\\\\""),
        ] {
            assert_eq!(written(text), word);
            assert_eq!(texts(&written(text)), [text]);
        }
    }

    #[test]
    fn binary_data_is_hexadecimal() {
        let one = |text: &str| binary(&words(text).expect("a word")[0]);
        assert_eq!(one("0x00ff"), Some(Ok(vec![0, 255])));
        assert_eq!(one("0x"), Some(Ok(vec![])));
        assert!(matches!(one("0x0"), Some(Err(_))));
        assert!(matches!(one("0xé1"), Some(Err(_))));
        assert_eq!(one("\"0x00\""), None);
    }
}
