//! Reading a JSON object field by field, with mistakes that say where, what was found and what is allowed.

use std::fmt;
use std::ops::RangeInclusive;

use serde_json::{Map, Value};

use crate::proto::{Acl, AclList, Bytes};
use crate::trace::nearest;

/// What is wrong in a line, and what would be right.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wrong {
    pub message: String,
    pub help: Option<String>,
}

impl Wrong {
    pub fn new(message: impl Into<String>) -> Wrong {
        Wrong { message: message.into(), help: None }
    }

    pub fn with_help(self, help: impl Into<String>) -> Wrong {
        Wrong { help: Some(help.into()), ..self }
    }

    /// A name that is none of those allowed.
    pub fn unknown(place: &str, what: &str, found: &str, allowed: &[&str]) -> Wrong {
        let help = match nearest(found, allowed.iter().copied()) {
            Some(meant) => format!("did you mean `{meant}`?"),
            None => format!("allowed: {}", allowed.join(", ")),
        };
        Wrong::new(format!("{place}: `{}` is no {what}", plain(found))).with_help(help)
    }

    fn type_of(place: &str, found: &Value, wanted: &str) -> Wrong {
        Wrong::new(format!("{place}: {} where {wanted} is needed", Found(found)))
    }
}

/// Any text in one line.
fn plain(text: &str) -> String {
    text.chars().map(|letter| if letter.is_control() { '\u{fffd}' } else { letter }).collect()
}

/// A value as a message names it, cut where it becomes long.
struct Found<'a>(&'a Value);

impl fmt::Display for Found<'_> {
    fn fmt(&self, out: &mut fmt::Formatter) -> fmt::Result {
        let text = self.0.to_string();
        match text.char_indices().nth(60) {
            Some((end, _)) => write!(out, "{}…", &text[..end]),
            None => out.write_str(&text),
        }
    }
}

/// The fields of one object, asked for by name; what nobody asked for is a mistake.
pub struct Fields<'a> {
    place: String,
    object: &'a Map<String, Value>,
    asked: Vec<&'static str>,
}

impl<'a> Fields<'a> {
    /// `place` is the way from the line to the object; empty for the line itself.
    pub fn of(place: impl Into<String>, value: &'a Value) -> Result<Fields<'a>, Wrong> {
        let place = place.into();
        match value {
            Value::Object(object) => Ok(Fields { place, object, asked: Vec::new() }),
            _ => Err(Wrong::type_of(if place.is_empty() { "the line" } else { &place }, value, "an object")),
        }
    }

    /// Where a field is.
    pub fn at(&self, name: &str) -> String {
        if self.place.is_empty() { name.into() } else { format!("{}.{name}", self.place) }
    }

    pub fn get(&mut self, name: &'static str) -> Option<&'a Value> {
        if !self.asked.contains(&name) {
            self.asked.push(name);
        }
        self.object.get(name)
    }

    pub fn need(&mut self, name: &'static str) -> Result<&'a Value, Wrong> {
        let found = self.get(name);
        found.ok_or_else(|| Wrong::new(format!("{}: `{name}` is missing", if self.place.is_empty() { "the line" } else { &self.place })))
    }

    pub fn text(&mut self, name: &'static str) -> Result<&'a str, Wrong> {
        let found = self.need(name)?;
        found.as_str().ok_or_else(|| Wrong::type_of(&self.at(name), found, "text"))
    }

    /// `absent` when it is not there.
    pub fn flag(&mut self, name: &'static str, absent: bool) -> Result<bool, Wrong> {
        self.get(name).map_or(Ok(absent), |found| found.as_bool().ok_or_else(|| Wrong::type_of(&self.at(name), found, "true or false")))
    }

    pub fn number(&mut self, name: &'static str, allowed: RangeInclusive<i64>) -> Result<i64, Wrong> {
        let found = self.need(name)?;
        whole(&self.at(name), found, allowed)
    }

    /// Any 32-bit number; `absent` when it is not there.
    pub fn int(&mut self, name: &'static str, absent: i32) -> Result<i32, Wrong> {
        let allowed = i64::from(i32::MIN)..=i64::from(i32::MAX);
        self.get(name).map_or(Ok(absent), |found| whole(&self.at(name), found, allowed).map(|number| number as i32))
    }

    /// Data: null, text, or `{"hex": …}`; no bytes when it is not there.
    pub fn data(&mut self, name: &'static str) -> Result<Option<Bytes>, Wrong> {
        self.get(name).map_or_else(|| Ok(Some(Bytes::from([]))), |found| data(&self.at(name), found))
    }

    /// Access control lists: `[[perms, scheme, id], …]`; open to everybody when there is none.
    pub fn acl(&mut self, name: &'static str) -> Result<AclList, Wrong> {
        self.get(name).map_or_else(|| Ok(Acl::open()), |found| acl(&self.at(name), found))
    }

    /// The objects of a list.
    pub fn objects(&mut self, name: &'static str) -> Result<Vec<Fields<'a>>, Wrong> {
        let (found, place) = (self.need(name)?, self.at(name));
        let list = found.as_array().ok_or_else(|| Wrong::type_of(&place, found, "a list"))?;
        list.iter().enumerate().map(|(index, value)| Fields::of(format!("{place}[{index}]"), value)).collect()
    }

    /// All fields have been asked for.
    pub fn finish(self) -> Result<(), Wrong> {
        match self.object.keys().find(|key| !self.asked.contains(&key.as_str())) {
            Some(key) => Err(Wrong::unknown(if self.place.is_empty() { "the line" } else { &self.place }, "field here", key, &self.asked)),
            None => Ok(()),
        }
    }
}

/// A whole number in a range.
pub fn whole(place: &str, found: &Value, allowed: RangeInclusive<i64>) -> Result<i64, Wrong> {
    let number = found.as_i64().filter(|number| allowed.contains(number));
    number.ok_or_else(|| Wrong::type_of(place, found, &format!("a whole number, {} to {},", allowed.start(), allowed.end())))
}

fn data(place: &str, found: &Value) -> Result<Option<Bytes>, Wrong> {
    let hex = |object: &Map<String, Value>| match object.iter().next() {
        Some((key, Value::String(digits))) if key == "hex" && object.len() == 1 => unhex(digits),
        _ => None,
    };
    match found {
        Value::Null => Ok(None),
        Value::String(text) => Ok(Some(text.as_bytes().into())),
        Value::Object(object) => hex(object).map(|bytes| Some(bytes.into())).ok_or_else(|| Wrong::type_of(place, found, "{\"hex\": \"00ff\"}")),
        _ => Err(Wrong::type_of(place, found, "data (text, null, or {\"hex\": \"00ff\"})")),
    }
}

fn unhex(digits: &str) -> Option<Vec<u8>> {
    let digits: Option<Vec<u8>> = digits.chars().map(|digit| digit.to_digit(16).map(|value| value as u8)).collect();
    digits.filter(|digits| digits.len().is_multiple_of(2)).map(|digits| digits.chunks_exact(2).map(|pair| pair[0] << 4 | pair[1]).collect())
}

fn acl(place: &str, found: &Value) -> Result<AclList, Wrong> {
    let entry = |value: &Value| match value.as_array()?.as_slice() {
        [perms, Value::String(scheme), Value::String(id)] => {
            Some(Acl { perms: i32::try_from(perms.as_i64()?).ok()?, scheme: scheme.as_str().into(), id: id.as_str().into() })
        }
        _ => None,
    };
    let list = found.as_array().and_then(|list| list.iter().map(entry).collect::<Option<Vec<Acl>>>());
    list.map(AclList::from).ok_or_else(|| Wrong::type_of(place, found, "a list of [perms, scheme, id]"))
}
