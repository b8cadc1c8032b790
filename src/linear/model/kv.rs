//! A map from keys to texts: get, put, append. Every key is a part of its own, and holds the empty text at first.

use std::fmt;

use serde_json::Value;

use super::{Access, Model, Outcome};
use crate::linear::flaw::{self, Wrong, field, is_unknown};

/// The model `kv`.
#[derive(Clone, Copy, Debug)]
pub struct Kv;

/// What is done to the text of one key.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct KvAction {
    key: String,
    verb: Verb,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
enum Verb {
    /// Found this text.
    Get(String),
    /// Wrote it.
    Put(String),
    /// Added it at the end.
    Append(String),
}

/// The text of one key.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Text(String);

impl Model for Kv {
    type State = Text;
    type Action = KvAction;
    type Value = String;

    const NAME: &'static str = "kv";
    const OPERATIONS: &'static [&'static str] = &["get", "put", "append"];

    // The next get tells which appends came first; what is after it seldom tells more.
    const LOOKAHEAD: usize = 8;

    fn initial() -> Text {
        Text(String::new())
    }

    fn apply(Text(state): &Text, action: &KvAction) -> Outcome<Text> {
        match &action.verb {
            Verb::Get(found) if found == state => Outcome::Unchanged,
            Verb::Get(_) => Outcome::Refused,
            Verb::Put(text) => Outcome::Becomes(Text(text.clone())),
            Verb::Append(text) => {
                let mut longer = String::with_capacity(state.len() + text.len());
                longer.push_str(state);
                longer.push_str(text);
                Outcome::Becomes(Text(longer))
            }
        }
    }

    fn answer(state: &Text, action: &KvAction) -> String {
        match action.verb {
            Verb::Get(_) => state.to_string(),
            Verb::Put(_) | Verb::Append(_) => "done".into(),
        }
    }

    fn is_pure(action: &KvAction) -> bool {
        match &action.verb {
            Verb::Get(_) => true,
            Verb::Put(_) => false,
            Verb::Append(text) => text.is_empty(),
        }
    }

    fn is_total(action: &KvAction) -> bool {
        !matches!(action.verb, Verb::Get(_))
    }

    fn part(action: &KvAction) -> &str {
        &action.key
    }

    // Appending leads only to texts that begin as the state does.
    fn is_ahead(Text(state): &Text, goal: &KvAction) -> bool {
        match &goal.verb {
            Verb::Get(found) => found.starts_with(state.as_str()),
            Verb::Put(_) | Verb::Append(_) => true,
        }
    }

    fn rescues(action: &KvAction, goal: &KvAction) -> bool {
        match (&action.verb, &goal.verb) {
            (Verb::Put(text), Verb::Get(found)) => found.starts_with(text.as_str()),
            _ => false,
        }
    }

    fn bears_on(action: &KvAction, goal: &KvAction) -> bool {
        match (&action.verb, &goal.verb) {
            (Verb::Put(text) | Verb::Append(text), Verb::Get(found)) => found.contains(text.as_str()),
            _ => false,
        }
    }

    fn access(action: &KvAction) -> Option<Access<String>> {
        match &action.verb {
            Verb::Get(found) => Some(Access::Reads(found.clone())),
            Verb::Put(text) => Some(Access::Writes(text.clone())),
            Verb::Append(_) => None,
        }
    }

    fn value(Text(state): &Text) -> Option<String> {
        Some(state.clone())
    }

    fn weight(Text(state): &Text) -> usize {
        state.capacity()
    }

    fn read(operation: &str, input: &Value, output: &Value, returned: bool) -> Result<Option<KvAction>, Wrong> {
        let key = text("in.key", field("in", input, "key")?)?;
        let verb = match operation {
            "get" if !returned || is_unknown(output) => return Ok(None),
            "get" => Verb::Get(text("out.value", field("out", output, "value")?)?),
            _ => {
                if returned {
                    flaw::returned("out", output)?;
                }
                let value = text("in.value", field("in", input, "value")?)?;
                if operation == "put" { Verb::Put(value) } else { Verb::Append(value) }
            }
        };
        Ok(Some(KvAction { key, verb }))
    }
}

fn text(place: &'static str, value: &Value) -> Result<String, Wrong> {
    value.as_str().map(String::from).ok_or_else(|| Wrong::new(place, value, "a text"))
}

/// Longer texts are shown by their end, which is where they differ.
const SHOWN: usize = 40;

/// A text in quotes, in one line; of a long one the end.
fn quoted(text: &str) -> String {
    let length = text.chars().count();
    if length <= SHOWN { format!("{text:?}") } else { format!("…{:?} ({length} letters)", text.chars().skip(length - SHOWN).collect::<String>()) }
}

impl fmt::Display for Text {
    fn fmt(&self, out: &mut fmt::Formatter) -> fmt::Result {
        out.write_str(&quoted(&self.0))
    }
}

impl fmt::Display for KvAction {
    fn fmt(&self, out: &mut fmt::Formatter) -> fmt::Result {
        let key = &self.key;
        match &self.verb {
            Verb::Get(found) => write!(out, "get {key:?}: {}", quoted(found)),
            Verb::Put(text) => write!(out, "put {key:?} {}", quoted(text)),
            Verb::Append(text) => write!(out, "append {key:?} {}", quoted(text)),
        }
    }
}
