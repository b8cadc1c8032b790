//! Mutants of transcripts: one value of one answer is another one. Drawn from a seed, so that they are the same everywhere.

use serde_json::{Map, Value, json};
use zoolab::sim::Stream;

/// What is changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// The result becomes an error, or another one.
    Result,
    /// The name of an error alone.
    ErrorName,
    /// The path that was made, or a sync's.
    Path,
    /// Data that was read.
    Data,
    /// A child, an ephemeral or an id more.
    ListEntry,
    /// A count of descendants.
    Count,
    /// A version, a length or a count in a stat.
    StatNumber,
    /// A transaction's number in a stat.
    StatZxid,
    /// Who owns a node.
    StatOwner,
    /// One part of a multi.
    Part,
    /// The number of the last transaction.
    Number,
    /// An event that there was not.
    EventMore,
    EventLess,
    EventType,
    EventPath,
    EventSession,
    /// It came before the reply, or it did not.
    EventEarly,
    /// Two that follow each other.
    EventOrder,
    /// Somebody else is told.
    EventToOther,
    /// An error becomes a success that says nothing more.
    Success,
    /// Nothing is said of the node's stat.
    StatGone,
    /// A part of a multi less.
    PartLess,
    /// Whether the server hung up.
    Closed,
}

pub const KINDS: [Kind; 23] = [
    Kind::Result,
    Kind::ErrorName,
    Kind::Path,
    Kind::Data,
    Kind::ListEntry,
    Kind::Count,
    Kind::StatNumber,
    Kind::StatZxid,
    Kind::StatOwner,
    Kind::Part,
    Kind::Number,
    Kind::EventMore,
    Kind::EventLess,
    Kind::EventType,
    Kind::EventPath,
    Kind::EventSession,
    Kind::EventEarly,
    Kind::EventOrder,
    Kind::EventToOther,
    Kind::Success,
    Kind::StatGone,
    Kind::PartLess,
    Kind::Closed,
];

/// A changed transcript, which ends with the line that was changed.
#[derive(Debug)]
pub struct Mutant {
    pub kind: Kind,
    pub text: String,
    /// In the file, from 1.
    pub line: usize,
}

/// Changes a line that is drawn from those where it is possible; `None` when there is none.
pub fn mutate(text: &str, kind: Kind, stream: &mut Stream) -> Option<Mutant> {
    let lines: Vec<&str> = text.lines().collect();
    let first = stream.below(lines.len() as u64 - 1) as usize;
    let mut round = (1..lines.len()).cycle().skip(first).take(lines.len() - 1);
    round.find_map(|index| {
        let before: Value = serde_json::from_str(lines[index]).expect("a line of JSON");
        let mut after = before.clone();
        change(&mut after, kind, stream)?;
        assert_ne!(before, after, "{kind:?} changes nothing");
        let text = lines[..index].iter().map(|line| format!("{line}\n")).collect::<String>() + &after.to_string() + "\n";
        Some(Mutant { kind, text, line: index + 1 })
    })
}

/// Changes the line, if it has what it takes.
fn change(line: &mut Value, kind: Kind, stream: &mut Stream) -> Option<()> {
    match kind {
        Kind::Result => {
            let (code, name) = if line["res"]["rc"] == -101 { (-103, "BadVersion") } else { (-101, "NoNode") };
            line["res"] = json!({ "rc": code, "err": name });
        }
        Kind::ErrorName => {
            let name = line["res"].get_mut("err")?;
            *name = if name == "NoNode" { "NodeExists" } else { "NoNode" }.into();
        }
        Kind::Path => longer(line["res"].get_mut("path")?)?,
        Kind::Data => {
            let data = line["res"].get_mut("data")?;
            *data = if data.is_null() { "".into() } else { Value::Null };
        }
        Kind::ListEntry => {
            let name = ["children", "paths", "ids", "acl"].into_iter().find(|name| line["res"].get(name).is_some())?;
            let list = line["res"][name].as_array_mut()?;
            if list.pop().is_none() {
                list.push("x".into());
            }
        }
        Kind::Count => shift(line["res"].get_mut("count")?, stream)?,
        Kind::StatNumber => shift(stat(line)?.get_mut(pick(&["v", "cv", "av", "dl", "nc"], stream))?, stream)?,
        Kind::StatZxid => shift(stat(line)?.get_mut(pick(&["cz", "mz", "pz"], stream))?, stream)?,
        Kind::StatOwner => {
            let owner = stat(line)?.get_mut("eo")?;
            *owner = if owner.is_null() { "s1".into() } else { Value::Null };
        }
        Kind::Part => {
            let parts = line["res"].get_mut("results")?.as_array_mut()?;
            let at = stream.below(parts.len() as u64) as usize;
            let part = parts.get_mut(at)?;
            *part = if part["rc"] == -2 { json!({ "rc": 0 }) } else { json!({ "rc": -2, "err": "RuntimeInconsistency" }) };
        }
        Kind::Number => shift(line.get_mut("z")?, stream)?,
        Kind::EventMore => {
            let mut events = line.get("ev").and_then(Value::as_array).cloned().unwrap_or_default();
            events.push(json!({ "s": "s1", "t": "NodeDataChanged", "p": "/o" }));
            line["ev"] = events.into();
        }
        Kind::EventLess => {
            let at = event_index(line, stream)?;
            let events = line["ev"].as_array_mut()?;
            events.remove(at);
            if events.is_empty() {
                line.as_object_mut()?.shift_remove("ev");
            }
        }
        Kind::EventType => {
            let kind = &mut event(line, stream)?["t"];
            *kind = if kind == "NodeDeleted" { "NodeCreated" } else { "NodeDeleted" }.into();
        }
        Kind::EventPath => longer(&mut event(line, stream)?["p"])?,
        Kind::EventSession => longer(&mut event(line, stream)?["s"])?,
        Kind::EventEarly => {
            let event = event(line, stream)?.as_object_mut()?;
            if event.shift_remove("pre").is_none() {
                event.insert("pre".into(), true.into());
            }
        }
        Kind::EventOrder => {
            let events = line.get_mut("ev")?.as_array_mut()?;
            let at = (1..events.len()).find(|at| events[at - 1] != events[*at])?;
            events.swap(at - 1, at);
        }
        Kind::EventToOther => {
            let session = &mut event(line, stream)?["s"];
            *session = if session == "s1" { "s2" } else { "s1" }.into();
        }
        Kind::Success => {
            line["res"].get("err")?;
            line["res"] = json!({ "rc": 0 });
        }
        Kind::StatGone => drop(line["res"].as_object_mut()?.shift_remove("stat")?),
        Kind::PartLess => drop(line["res"].get_mut("results")?.as_array_mut()?.pop()?),
        Kind::Closed => {
            let closed = line["res"].get_mut("closed")?;
            *closed = (!closed.as_bool()?).into();
        }
    }
    Some(())
}

/// One of the answer's stats.
fn stat(line: &mut Value) -> Option<&mut Map<String, Value>> {
    line["res"].get_mut("stat")?.as_object_mut()
}

fn event_index(line: &Value, stream: &mut Stream) -> Option<usize> {
    let events = line.get("ev")?.as_array()?;
    (!events.is_empty()).then(|| stream.below(events.len() as u64) as usize)
}

fn event<'a>(line: &'a mut Value, stream: &mut Stream) -> Option<&'a mut Value> {
    let at = event_index(line, stream)?;
    line["ev"].get_mut(at)
}

fn longer(text: &mut Value) -> Option<()> {
    *text = format!("{}9", text.as_str()?).into();
    Some(())
}

/// One more, or one less.
fn shift(number: &mut Value, stream: &mut Stream) -> Option<()> {
    let by = if stream.chance(500_000) { 1 } else { -1 };
    *number = (number.as_i64()? + by).into();
    Some(())
}

fn pick<'a>(names: &[&'a str], stream: &mut Stream) -> &'a str {
    names[stream.below(names.len() as u64) as usize]
}
