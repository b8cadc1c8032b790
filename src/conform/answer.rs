//! What a request came to, as the format writes it: result, number of the last transaction, notifications.

use std::fmt;

use serde_json::{Map, Value, json};

use super::fields::{Fields, Wrong, whole};

/// The right half of a line: `res`, `z` and `ev`. Two of them are the same when these values are, in whatever order an object has its keys.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer(Map<String, Value>);

/// A notification: who was told what of which path.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Event {
    pub session: String,
    pub path: String,
    /// `NodeDeleted`.
    pub kind: String,
    /// It reached the session that asked before the reply did.
    pub before_reply: bool,
}

/// A value in which two answers differ.
#[derive(Clone, Debug, PartialEq)]
pub struct FieldDifference {
    /// `res.stat.cv`, `ev[2].p`.
    pub place: String,
    /// `None` where there is no such field.
    pub expected: Option<Value>,
    pub got: Option<Value>,
}

impl Answer {
    /// No events are written as no field.
    pub fn new(result: Map<String, Value>, number: i64, events: &[Event]) -> Answer {
        let mut all = Map::new();
        all.insert("res".into(), Value::Object(result));
        all.insert("z".into(), number.into());
        if !events.is_empty() {
            all.insert("ev".into(), events.iter().map(Event::to_json).collect());
        }
        Answer(all)
    }

    /// What a transcript expects. Only its shape is looked at: what values there may be is for the comparison to say.
    pub(super) fn read(line: &mut Fields) -> Result<Answer, Wrong> {
        let (result, number) = (line.need("res")?, line.need("z")?);
        let any = i64::MIN..=i64::MAX;
        let mut fields = Fields::of(line.at("res"), result)?;
        fields.number("rc", any.clone())?;
        whole(&line.at("z"), number, any)?;
        let mut all = Map::new();
        all.insert("res".into(), result.clone());
        all.insert("z".into(), number.clone());
        if let Some(events) = line.get("ev") {
            for mut event in line.objects("ev")? {
                for name in ["s", "t", "p"] {
                    event.text(name)?;
                }
                event.flag("pre", false)?;
                event.finish()?;
            }
            all.insert("ev".into(), events.clone());
        }
        Ok(Answer(all))
    }

    /// Where the two differ, value by value, in the order of the fields; none when they are the same.
    pub fn differences(&self, got: &Answer) -> Vec<FieldDifference> {
        let mut found = Vec::new();
        differ_within("", &self.0, &got.0, &mut found);
        found
    }

    /// As JSON, for programs.
    pub fn to_json(&self) -> Value {
        Value::Object(self.0.clone())
    }
}

/// In one line, as a transcript has it between its braces: `"res":{"rc":0},"z":4`.
impl fmt::Display for Answer {
    fn fmt(&self, out: &mut fmt::Formatter) -> fmt::Result {
        for (index, (key, value)) in self.0.iter().enumerate() {
            write!(out, "{}\"{key}\":{value}", if index == 0 { "" } else { "," })?;
        }
        Ok(())
    }
}

impl Event {
    fn to_json(&self) -> Value {
        let mut event = json!({ "s": self.session, "t": self.kind, "p": self.path });
        if self.before_reply {
            event["pre"] = true.into();
        }
        event
    }
}

fn differ(place: &str, expected: Option<&Value>, got: Option<&Value>, found: &mut Vec<FieldDifference>) {
    match (expected, got) {
        (Some(Value::Object(expected)), Some(Value::Object(got))) => differ_within(place, expected, got, found),
        (Some(Value::Array(expected)), Some(Value::Array(got))) => {
            for index in 0..expected.len().max(got.len()) {
                differ(&format!("{place}[{index}]"), expected.get(index), got.get(index), found);
            }
        }
        _ if expected == got => {}
        _ => found.push(FieldDifference { place: place.into(), expected: expected.cloned(), got: got.cloned() }),
    }
}

fn differ_within(place: &str, expected: &Map<String, Value>, got: &Map<String, Value>, found: &mut Vec<FieldDifference>) {
    let only_got = got.keys().filter(|key| !expected.contains_key(*key));
    for key in expected.keys().chain(only_got) {
        let place = if place.is_empty() { key.clone() } else { format!("{place}.{key}") };
        differ(&place, expected.get(key), got.get(key), found);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(text: &str) -> Answer {
        let value: Value = serde_json::from_str(text).expect("JSON");
        Answer::read(&mut Fields::of("", &value).expect("an object")).expect("an answer")
    }

    #[test]
    fn answers_are_the_same_whatever_the_order_of_their_keys() {
        let one = answer(r#"{"res":{"rc":0,"path":"/o"},"z":2}"#);
        assert!(one.differences(&answer(r#"{"z":2,"res":{"path":"/o","rc":0}}"#)).is_empty());
        assert_eq!(one.to_string(), r#""res":{"rc":0,"path":"/o"},"z":2"#);
    }

    #[test]
    fn each_differing_value_is_named() {
        let one = answer(r#"{"res":{"rc":0,"stat":{"cv":1,"eo":null}},"z":2,"ev":[{"s":"s1","t":"NodeCreated","p":"/o"}]}"#);
        let other = answer(r#"{"res":{"rc":0,"stat":{"cv":2}},"z":3}"#);
        let places: Vec<_> = one.differences(&other).into_iter().map(|it| it.place).collect();
        assert_eq!(places, ["res.stat.cv", "res.stat.eo", "z", "ev"]);
        let more = answer(
            r#"{"res":{"rc":0,"stat":{"cv":1,"eo":null}},"z":2,"ev":[{"s":"s1","t":"NodeCreated","p":"/o","pre":true},{"s":"s2","t":"NodeCreated","p":"/o"}]}"#,
        );
        let places: Vec<_> = one.differences(&more).into_iter().map(|it| it.place).collect();
        assert_eq!(places, ["ev[0].pre", "ev[1]"]);
    }
}
