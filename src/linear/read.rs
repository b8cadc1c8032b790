//! Reading a history: one JSON object a line, one line an operation, in call order.
//!
//! | field | meaning |
//! | --- | --- |
//! | `id` | number of the operation, no two alike |
//! | `p` | process: a client, with at most one operation open; one whose operation never returns asks for nothing more |
//! | `f`, `in` | the operation and its argument |
//! | `out` | its answer; `null` was never known, `{"unknown":true}` a read that told nothing |
//! | `call`, `ret` | places in one total order, no two alike; `ret` is `null` if it never returned |

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::flaw::{Flaw, Wrong};
use super::history::{History, Operation};
use super::model::{Kv, Model, Register, Znode};

/// A history of one of the models.
#[derive(Clone, Debug)]
pub enum AnyHistory {
    Register(History<Register>),
    Kv(History<Kv>),
    Znode(History<Znode>),
}

/// Which model a history is held against.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ModelName {
    Register,
    Kv,
    Znode,
}

impl ModelName {
    pub const ALL: [ModelName; 3] = [ModelName::Register, ModelName::Kv, ModelName::Znode];

    /// As users write it.
    pub fn name(self) -> &'static str {
        match self {
            ModelName::Register => Register::NAME,
            ModelName::Kv => Kv::NAME,
            ModelName::Znode => Znode::NAME,
        }
    }

    /// The operations that it knows.
    pub fn operations(self) -> &'static [&'static str] {
        match self {
            ModelName::Register => Register::OPERATIONS,
            ModelName::Kv => Kv::OPERATIONS,
            ModelName::Znode => Znode::OPERATIONS,
        }
    }

    /// The model that knows an operation; no two share one.
    fn of_operation(name: &str) -> Option<ModelName> {
        ModelName::ALL.into_iter().find(|model| model.operations().contains(&name))
    }
}

impl AnyHistory {
    /// Reads a whole file, up to the first line that is wrong. Without a model it is the one that knows the first operation.
    pub fn read(text: &str, model: Option<ModelName>) -> Result<AnyHistory, Flaw> {
        let lines = lines(text)?;
        let Some(first) = lines.first() else {
            return Err(Wrong::told("the file holds no operation", "one JSON object a line, one line an operation").at(1));
        };
        let known = || {
            let name = first.operation();
            ModelName::of_operation(name).ok_or_else(|| unknown_operation(name, &ModelName::ALL).at(first.number))
        };
        match model.map_or_else(known, Ok)? {
            ModelName::Register => history(&lines, ModelName::Register).map(AnyHistory::Register),
            ModelName::Kv => history(&lines, ModelName::Kv).map(AnyHistory::Kv),
            ModelName::Znode => history(&lines, ModelName::Znode).map(AnyHistory::Znode),
        }
    }
}

/// A line that has the fields it needs.
struct Line {
    number: usize,
    fields: Map<String, Value>,
    id: u64,
    process: u64,
    call: u64,
    ret: Option<u64>,
}

const FIELDS: [&str; 7] = ["id", "p", "f", "in", "out", "call", "ret"];

impl Line {
    fn read(number: usize, text: &str) -> Result<Line, Wrong> {
        let value: Value =
            serde_json::from_str(text).map_err(|error| Wrong::told(format!("no JSON: {error}"), "one JSON object a line, one line an operation"))?;
        let Value::Object(fields) = value else { return Err(Wrong::new("the line", &value, "a JSON object")) };
        if let Some(unknown) = fields.keys().find(|name| !FIELDS.contains(&name.as_str())) {
            return Err(Wrong::told(format!("unknown field {unknown:?}"), format!("allowed: {}", FIELDS.join(", "))));
        }
        if let Some(missing) = FIELDS.iter().find(|name| !fields.contains_key(**name)) {
            return Err(Wrong::told(format!("the field `{missing}` is missing"), format!("needed: {}", FIELDS.join(", "))));
        }
        let whole = |name: &str| fields[name].as_u64().ok_or_else(|| Wrong::new(name, &fields[name], "a whole number from 0"));
        let (id, process, call) = (whole("id")?, whole("p")?, whole("call")?);
        let ret = if fields["ret"].is_null() { None } else { Some(whole("ret")?) };
        if ret.is_some_and(|ret| ret <= call) {
            return Err(Wrong::new("ret", &fields["ret"], &format!("a place after `call`, {call}")));
        }
        if ret.is_none() && !fields["out"].is_null() {
            return Err(Wrong::new("out", &fields["out"], "null where `ret` is null: nothing is known of what never returned"));
        }
        if !fields["f"].is_string() {
            return Err(Wrong::new("f", &fields["f"], "the name of an operation"));
        }
        Ok(Line { number, id, process, call, ret, fields })
    }

    fn operation(&self) -> &str {
        self.fields["f"].as_str().unwrap_or_default()
    }
}

/// All lines, each good in itself, and together a history.
fn lines(text: &str) -> Result<Vec<Line>, Flaw> {
    let numbered = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    let lines: Vec<Line> =
        numbered.map(|(index, line)| Line::read(index + 1, line).map_err(|wrong| wrong.at(index + 1))).collect::<Result<_, _>>()?;
    let mut ids = BTreeMap::new();
    let mut places = BTreeMap::new();
    let mut last_of = BTreeMap::new();
    let mut last_call = None;
    for line in &lines {
        let wrong = |name: &str, rule: String| Err(Wrong::new(name, &line.fields[name], &rule).at(line.number));
        if let Some(other) = ids.insert(line.id, line.number) {
            return wrong("id", format!("a number of its own: line {other} has the same"));
        }
        if let Some(last) = last_call.replace(line.call)
            && last >= line.call
        {
            return wrong("call", format!("lines in call order: the one before was called at {last}"));
        }
        for (name, place) in [("call", Some(line.call)), ("ret", line.ret)] {
            if let Some(other) = place.and_then(|place| places.insert(place, line.number)) {
                return wrong(name, format!("a place of its own: line {other} has the same"));
            }
        }
        match last_of.insert(line.process, line.ret) {
            Some(None) => return wrong("p", "a process whose operation never returns asks for nothing more".into()),
            Some(Some(ret)) if ret > line.call => {
                return wrong("p", format!("one operation at a time: its last one returned at {ret}, and this one was called at {}", line.call));
            }
            _ => {}
        }
    }
    Ok(lines)
}

fn history<M: Model>(lines: &[Line], model: ModelName) -> Result<History<M>, Flaw> {
    let mut operations = Vec::with_capacity(lines.len());
    for line in lines {
        let Line { number, fields, id, process, call, ret } = line;
        let name = line.operation();
        if !M::OPERATIONS.contains(&name) {
            return Err(unknown_operation(name, &[model]).at(*number));
        }
        // An answer that was never known may have become true at any later moment, whenever the client gave up waiting for it.
        let ret = ret.filter(|_| !fields["out"].is_null());
        let action = M::read(name, &fields["in"], &fields["out"], ret.is_some()).map_err(|wrong| wrong.at(*number))?;
        if let Some(action) = action {
            operations.push(Operation { id: *id, process: *process, call: *call, ret, action });
        }
    }
    Ok(History::new(operations))
}

fn unknown_operation(name: &str, models: &[ModelName]) -> Wrong {
    let known: Vec<String> = models.iter().map(|model| format!("{} ({})", model.operations().join(", "), model.name())).collect();
    Wrong::told(format!("unknown operation {name:?}"), format!("allowed: {}", known.join("; ")))
}
