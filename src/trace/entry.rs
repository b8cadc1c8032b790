//! What every form of an event can tell about itself.

use super::{Event, What};
use crate::proto::{Micros, NodeId, Packet};

/// An event, as it happened or as it was read back from a stored trace. Text, filters and comparisons work on either.
pub trait Entry {
    /// Position in the run, from 1.
    fn n(&self) -> u64;
    fn at(&self) -> Micros;
    fn node(&self) -> Option<NodeId>;
    /// The snake_case name of its kind.
    fn kind(&self) -> &str;
    /// The kind of the packet it is about (`NOTIFICATION`), if it is about one.
    fn packet_kind(&self) -> Option<&str>;
    /// What happened, without its subject, which is the node.
    fn sentence(&self) -> String;
    /// Whether it belongs to the story rather than to the mechanics.
    fn is_headline(&self) -> bool;
}

impl Entry for Event {
    fn n(&self) -> u64 {
        self.n
    }

    fn at(&self) -> Micros {
        self.at
    }

    fn node(&self) -> Option<NodeId> {
        self.node
    }

    fn kind(&self) -> &str {
        Event::kind(self)
    }

    fn packet_kind(&self) -> Option<&str> {
        self.record()?.packet().map(Packet::kind)
    }

    fn sentence(&self) -> String {
        match &self.what {
            What::Record(record) => record.to_string(),
            What::Note(note) => note.to_string(),
        }
    }

    fn is_headline(&self) -> bool {
        match &self.what {
            What::Record(record) => record.is_headline(),
            What::Note(note) => note.is_headline(),
        }
    }
}
