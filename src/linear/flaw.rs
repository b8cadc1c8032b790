//! What is wrong with a file of operations: the line, what was found, what is allowed.

use std::fmt;

use serde_json::Value;

/// Why a file is no history.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Flaw {
    /// In the file, from 1.
    pub line: usize,
    /// What was found there.
    pub message: String,
    /// What would be right.
    pub help: Option<String>,
}

impl fmt::Display for Flaw {
    fn fmt(&self, out: &mut fmt::Formatter) -> fmt::Result {
        write!(out, "line {}: {}", self.line, self.message)
    }
}

/// A [`Flaw`] of which the line is not known yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wrong {
    pub message: String,
    pub help: Option<String>,
}

impl Wrong {
    /// A value that may not stand at its place.
    pub fn new(place: &str, found: &Value, allowed: &str) -> Wrong {
        Wrong { message: format!("`{place}` is {}", short(found)), help: Some(format!("allowed: {allowed}")) }
    }

    /// Anything else.
    pub fn told(message: impl Into<String>, help: impl Into<String>) -> Wrong {
        Wrong { message: message.into(), help: Some(help.into()) }
    }

    /// Found in this line.
    pub fn at(self, line: usize) -> Flaw {
        Flaw { line, message: self.message, help: self.help }
    }
}

/// The value as JSON, cut where it gets long.
fn short(value: &Value) -> String {
    const LONGEST: usize = 60;
    let text = value.to_string();
    if text.chars().count() <= LONGEST { text } else { text.chars().take(LONGEST).chain(['…']).collect() }
}

/// A field of an object that stands at `place`.
pub fn field<'a>(place: &str, object: &'a Value, name: &str) -> Result<&'a Value, Wrong> {
    object.get(name).ok_or_else(|| Wrong::new(place, object, &format!("an object with the field `{name}`")))
}

/// The answer that says whether something was done.
pub fn done(place: &str, output: &Value) -> Result<bool, Wrong> {
    let wrong = || Wrong::new(place, output, r#"{"done":true} or {"done":false}"#);
    output.get("done").and_then(Value::as_bool).ok_or_else(wrong)
}

/// The answer that says only that it returned.
pub fn returned(place: &str, output: &Value) -> Result<(), Wrong> {
    if done(place, output) == Ok(true) { Ok(()) } else { Err(Wrong::new(place, output, r#"{"done":true}, or null if it is not known"#)) }
}

/// The answer of a read that timed out.
pub fn is_unknown(output: &Value) -> bool {
    output.get("unknown") == Some(&Value::Bool(true))
}
