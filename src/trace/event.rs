//! One entry of a trace.

use std::fmt;

use serde::Serialize;

use super::{Note, Record};
use crate::proto::{Micros, NodeId};

/// Something that happened: a kernel record or a node's note.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Event {
    /// Position in the run, from 1; without gaps when everything is recorded.
    pub n: u64,
    pub at: Micros,
    /// Whom it happened to; `None` for what concerns the whole world (a partition).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub node: Option<NodeId>,
    /// The event that brought it about, so that a trace is a happens-before graph; `None` at the roots (a step of the scenario).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cause: Option<u64>,
    #[serde(flatten)]
    pub what: What,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub enum What {
    Record(Record),
    Note(Note),
}

impl Event {
    /// The snake_case name of its kind.
    pub fn kind(&self) -> &'static str {
        match &self.what {
            What::Record(record) => record.kind(),
            What::Note(note) => note.kind(),
        }
    }

    pub fn note(&self) -> Option<&Note> {
        match &self.what {
            What::Note(note) => Some(note),
            What::Record(_) => None,
        }
    }

    pub fn record(&self) -> Option<&Record> {
        match &self.what {
            What::Record(record) => Some(record),
            What::Note(_) => None,
        }
    }
}

/// Subject and sentence: `s2 changes its vote from s2 to s3: …`.
impl fmt::Display for Event {
    fn fmt(&self, out: &mut fmt::Formatter) -> fmt::Result {
        if let Some(node) = self.node {
            write!(out, "{node} ")?;
        }
        match &self.what {
            What::Record(record) => record.fmt(out),
            What::Note(note) => note.fmt(out),
        }
    }
}
