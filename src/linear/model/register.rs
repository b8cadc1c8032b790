//! A register that holds a number, or nothing yet: read, write, compare and swap.

use std::collections::BTreeSet;
use std::fmt;

use serde_json::Value;

use super::{Access, Model, Outcome};
use crate::linear::flaw::{self, Wrong, done, field, is_unknown};

/// The model `cas-register`.
#[derive(Clone, Copy, Debug)]
pub struct Register;

/// What is done to a register.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum RegisterAction {
    /// Found this value.
    Read(Content),
    /// Wrote it; the answer says nothing.
    Write(i64),
    /// Swaps exactly when the register holds `from`.
    Cas {
        from: i64,
        to: i64,
        /// `None` if it never returned.
        swapped: Option<bool>,
    },
}

/// What a register holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Content(pub Option<i64>);

impl Model for Register {
    type State = Content;
    type Action = RegisterAction;
    type Value = Option<i64>;

    const NAME: &'static str = "cas-register";
    const OPERATIONS: &'static [&'static str] = &["read", "write", "cas"];

    // Where values are many, what was overwritten is read by somebody soon or by nobody. Looking further costs more than it spares.
    const LOOKAHEAD: usize = 16;

    fn initial() -> Content {
        Content(None)
    }

    fn apply(state: &Content, action: &RegisterAction) -> Outcome<Content> {
        match *action {
            RegisterAction::Read(value) if value == *state => Outcome::Unchanged,
            RegisterAction::Write(value) => Outcome::Becomes(Content(Some(value))),
            RegisterAction::Cas { from, to, swapped } if swapped.is_none_or(|swapped| swapped == (state.0 == Some(from))) => {
                if state.0 == Some(from) { Outcome::Becomes(Content(Some(to))) } else { Outcome::Unchanged }
            }
            RegisterAction::Read(_) | RegisterAction::Cas { .. } => Outcome::Refused,
        }
    }

    fn answer(state: &Content, action: &RegisterAction) -> String {
        match *action {
            RegisterAction::Read(_) => state.to_string(),
            RegisterAction::Write(_) => "done".into(),
            RegisterAction::Cas { from, .. } => swap_text(state.0 == Some(from)).into(),
        }
    }

    fn is_pure(action: &RegisterAction) -> bool {
        match action {
            RegisterAction::Read(_) => true,
            RegisterAction::Write(_) => false,
            RegisterAction::Cas { from, to, swapped } => from == to || *swapped == Some(false),
        }
    }

    fn is_total(action: &RegisterAction) -> bool {
        matches!(action, RegisterAction::Write(_) | RegisterAction::Cas { swapped: None, .. })
    }

    fn effective(action: &RegisterAction) -> RegisterAction {
        match *action {
            RegisterAction::Cas { from, to, swapped: None } => RegisterAction::Cas { from, to, swapped: Some(true) },
            ref other => other.clone(),
        }
    }

    // Each value comes from an action that leaves it there.
    fn is_ahead(_: &Content, _: &RegisterAction) -> bool {
        false
    }

    fn rescues(action: &RegisterAction, goal: &RegisterAction) -> bool {
        let leaves = match *action {
            RegisterAction::Write(value) => value,
            RegisterAction::Cas { to, swapped, .. } if swapped != Some(false) => to,
            _ => return false,
        };
        match *goal {
            RegisterAction::Read(value) => value.0 == Some(leaves),
            RegisterAction::Write(_) => false,
            RegisterAction::Cas { from, swapped, .. } => swapped.is_none_or(|swapped| swapped == (leaves == from)),
        }
    }

    fn access(action: &RegisterAction) -> Option<Access<Option<i64>>> {
        match *action {
            RegisterAction::Read(Content(value)) => Some(Access::Reads(value)),
            RegisterAction::Write(value) => Some(Access::Writes(Some(value))),
            RegisterAction::Cas { .. } => None,
        }
    }

    fn value(state: &Content) -> Option<Option<i64>> {
        Some(state.0)
    }

    fn openings(actions: &[&RegisterAction]) -> Option<Vec<RegisterAction>> {
        let values = actions.iter().filter_map(|action| match **action {
            RegisterAction::Write(value) | RegisterAction::Cas { to: value, .. } => Some(value),
            RegisterAction::Read(_) => None,
        });
        Some(values.collect::<BTreeSet<i64>>().into_iter().map(RegisterAction::Write).collect())
    }

    fn read(operation: &str, input: &Value, output: &Value, returned: bool) -> Result<Option<RegisterAction>, Wrong> {
        match operation {
            "read" if input.is_null() => {
                let unknown = !returned || is_unknown(output);
                if unknown { Ok(None) } else { content(field("out", output, "value")?).map(|value| Some(RegisterAction::Read(value))) }
            }
            "read" => Err(Wrong::new("in", input, "null")),
            "write" => {
                if returned {
                    flaw::returned("out", output)?;
                }
                Ok(Some(RegisterAction::Write(number("in", input)?)))
            }
            _ => {
                let [from, to] = input.as_array().map_or(&[][..], Vec::as_slice) else { return Err(Wrong::new("in", input, "[from, to]")) };
                let (from, to) = (number("in", from)?, number("in", to)?);
                let swapped = if returned { Some(done("out", output)?) } else { None };
                Ok(Some(RegisterAction::Cas { from, to, swapped }))
            }
        }
    }
}

fn number(place: &'static str, value: &Value) -> Result<i64, Wrong> {
    value.as_i64().ok_or_else(|| Wrong::new(place, value, "a whole number of 64 bits"))
}

fn content(value: &Value) -> Result<Content, Wrong> {
    if value.is_null() { Ok(Content(None)) } else { number("out.value", value).map(|value| Content(Some(value))) }
}

fn swap_text(swapped: bool) -> &'static str {
    if swapped { "swapped" } else { "not swapped" }
}

impl fmt::Display for Content {
    fn fmt(&self, out: &mut fmt::Formatter) -> fmt::Result {
        match self.0 {
            None => out.write_str("nothing"),
            Some(value) => write!(out, "{value}"),
        }
    }
}

impl fmt::Display for RegisterAction {
    fn fmt(&self, out: &mut fmt::Formatter) -> fmt::Result {
        match self {
            RegisterAction::Read(value) => write!(out, "read: {value}"),
            RegisterAction::Write(value) => write!(out, "write {value}"),
            RegisterAction::Cas { from, to, swapped } => {
                write!(out, "cas {from} to {to}: {}", swapped.map_or("?", swap_text))
            }
        }
    }
}
