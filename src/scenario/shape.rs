//! Whether a document has the shape of a scenario file: keys, JSON types, ranges of numbers. The schema says what is right.

use jsonc_parser::ast::{Object, Value};
use jsonc_parser::common::Ranged;
use serde_json::{Map, Value as Json};

use super::document::Document;
use super::problem::{Path, Problem};
use crate::sim::action::text::one_of;

/// The parts of the document that have the right shape, and what is wrong with the rest.
///
/// Unknown and misshapen optional keys are left out, so that the meaning of the others can still be checked; without a required key
/// there is nothing to go on with.
pub(super) fn fit(document: &Document, schema: &Json) -> (Option<Json>, Vec<Problem>) {
    let mut shape = Shape { schema, problems: document.duplicates() };
    let fitting = shape.value(&document.root, schema, &Path::root());
    (fitting, shape.problems)
}

struct Shape<'s> {
    schema: &'s Json,
    problems: Vec<Problem>,
}

impl<'s> Shape<'s> {
    fn value(&mut self, value: &Value, schema: &'s Json, path: &Path) -> Option<Json> {
        let schema = self.resolve(schema);
        if let Some(alternatives) = schema["anyOf"].as_array() {
            let fitting = alternatives.iter().find(|alternative| allows(self.resolve(alternative), value));
            return match fitting {
                Some(fitting) => self.value(value, fitting, path),
                None => {
                    let kinds: Vec<_> =
                        alternatives.iter().filter_map(|alternative| self.resolve(alternative)["type"].as_str()).map(article).collect();
                    self.wrong(value, path, format!("{} is not allowed here", found(value)), format!("expected {}", kinds.join(" or ")))
                }
            };
        }
        if !allows(schema, value) {
            let expected = schema["type"].as_str().map_or("something else", article);
            return self.wrong(value, path, format!("{} is not {expected}", found(value)), format!("expected {expected}"));
        }
        match value {
            Value::Object(object) => self.object(object, schema, path),
            Value::Array(array) => {
                let items: Vec<_> =
                    array.elements.iter().enumerate().map(|(index, item)| self.value(item, &schema["items"], &path.index(index))).collect();
                items.into_iter().collect::<Option<Vec<_>>>().map(Json::Array)
            }
            Value::NumberLit(number) => self.number(value, number.value, schema, path),
            Value::StringLit(text) => self.text(value, &text.value, schema, path),
            Value::BooleanLit(switch) => Some(Json::Bool(switch.value)),
            Value::NullKeyword(_) => Some(Json::Null),
        }
    }

    fn object(&mut self, object: &Object, schema: &'s Json, path: &Path) -> Option<Json> {
        let known = schema["properties"].as_object();
        let mut fitting = Map::new();
        for property in &object.properties {
            let key = property.name.as_str();
            let path = path.key(key);
            let of_key = known
                .and_then(|known| known.get(key))
                .or_else(|| Some(&schema["additionalProperties"]).filter(|schema| schema.is_object() || **schema == true));
            let Some(of_key) = of_key else {
                let help = one_of(key, known.into_iter().flat_map(Map::keys).map(String::as_str));
                self.problems.push(Problem {
                    place: path,
                    span: property.name.start()..property.name.end(),
                    message: format!("unknown key `{key}`"),
                    help: Some(help),
                });
                continue;
            };
            if let Some(value) = self.value(&property.value, of_key, &path) {
                fitting.insert(key.into(), value);
            }
        }
        self.required(object, schema, path, &fitting).then_some(Json::Object(fitting))
    }

    /// Whether every required key is there and fits.
    fn required(&mut self, object: &Object, schema: &Json, path: &Path, fitting: &Map<String, Json>) -> bool {
        let mut complete = true;
        for key in schema["required"].as_array().into_iter().flatten().filter_map(Json::as_str) {
            complete &= fitting.contains_key(key);
            if object.properties.iter().any(|property| property.name.as_str() == key) {
                continue;
            }
            let help = schema["properties"][key]["description"].as_str().map(|what| format!("`{key}`: {what}"));
            let span = object.start()..object.start() + 1;
            self.problems.push(Problem { place: path.clone(), span, message: format!("`{key}` is missing"), help });
        }
        complete
    }

    fn number(&mut self, value: &Value, digits: &str, schema: &Json, path: &Path) -> Option<Json> {
        let allowed = range(schema);
        let Some((low, high)) = allowed else { return serde_json::from_str(digits).ok() };
        match digits.parse::<i128>() {
            Ok(number) if (low..=high).contains(&number) => serde_json::from_str(digits).ok(),
            Ok(_) => self.wrong(value, path, format!("{} is out of range", found(value)), format!("allowed: {low} to {high}")),
            Err(_) => self.wrong(value, path, format!("{} is not a whole number", found(value)), format!("allowed: {low} to {high}")),
        }
    }

    fn text(&mut self, value: &Value, text: &str, schema: &Json, path: &Path) -> Option<Json> {
        if let Some(allowed) = schema["enum"].as_array() {
            let names = allowed.iter().filter_map(Json::as_str).collect::<Vec<_>>();
            if !names.contains(&text) {
                return self.wrong(value, path, format!("{} is not allowed here", found(value)), one_of(text, names));
            }
        }
        Some(Json::String(text.into()))
    }

    fn wrong(&mut self, value: &Value, path: &Path, message: String, help: String) -> Option<Json> {
        let end = if matches!(value, Value::Object(_) | Value::Array(_)) { value.start() + 1 } else { value.end() };
        self.problems.push(Problem { place: path.clone(), span: value.start()..end, message, help: Some(help) });
        None
    }

    fn resolve(&self, mut schema: &'s Json) -> &'s Json {
        while let Some(name) = schema["$ref"].as_str().and_then(|reference| reference.strip_prefix("#/$defs/")) {
            schema = &self.schema["$defs"][name];
        }
        schema
    }
}

/// Whether the JSON type is one that the schema takes. A schema without a type takes anything.
fn allows(schema: &Json, value: &Value) -> bool {
    match schema["type"].as_str() {
        Some("object") => matches!(value, Value::Object(_)),
        Some("array") => matches!(value, Value::Array(_)),
        Some("string") => matches!(value, Value::StringLit(_)),
        Some("integer" | "number") => matches!(value, Value::NumberLit(_)),
        Some("boolean") => matches!(value, Value::BooleanLit(_)),
        _ => true,
    }
}

fn article(json_type: &str) -> &str {
    match json_type {
        "object" => "an object",
        "array" => "a list",
        "string" => "a text in quotes",
        "integer" | "number" => "a number",
        "boolean" => "true or false",
        other => other,
    }
}

/// The value as a message names it, cut short when it is long.
fn found(value: &Value) -> String {
    let text = match value {
        Value::Object(_) => return "an object".into(),
        Value::Array(_) => return "a list".into(),
        Value::NullKeyword(_) => return "null".into(),
        Value::BooleanLit(switch) => switch.value.to_string(),
        Value::NumberLit(number) => number.value.to_string(),
        Value::StringLit(text) => text.value.to_string(),
    };
    let short: String = text.chars().take(40).collect();
    format!("`{short}{}`", if short.len() < text.len() { "…" } else { "" })
}

/// Bounds of a whole number, from the schema's own and from its format; `None` when it need not be whole.
fn range(schema: &Json) -> Option<(i128, i128)> {
    let (low, high) = match schema["format"].as_str() {
        Some("uint32") => (0, i128::from(u32::MAX)),
        Some("uint64") => (0, i128::from(u64::MAX)),
        Some("int32") => (i128::from(i32::MIN), i128::from(i32::MAX)),
        _ if schema["type"] == "integer" => (i128::from(i64::MIN), i128::from(i64::MAX)),
        _ => return None,
    };
    let bound = |name: &str, default| schema[name].as_i64().map_or(default, i128::from);
    Some((bound("minimum", low), bound("maximum", high)))
}
