//! What a run comes to.

use std::fmt;

use super::Invariant;
use crate::proto::{Micros, NodeId, ServerId, SessionId, Zxid};
use crate::trace::Event;

/// The answer to "is everything as it must be?".
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    Pass,
    Violation(Violation),
    /// Virtual time cannot go on.
    Stuck {
        why: String,
    },
    /// The run does not tell.
    Unknown {
        why: String,
    },
}

impl Verdict {
    /// The name scenarios use: `pass`, the invariant's, `stuck` or `unknown`.
    pub fn name(&self) -> &'static str {
        match self {
            Verdict::Pass => "pass",
            Verdict::Violation(violation) => violation.invariant.info().name,
            Verdict::Stuck { .. } => "stuck",
            Verdict::Unknown { .. } => "unknown",
        }
    }
}

/// A broken invariant: two facts that may not both be true.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    pub invariant: Invariant,
    pub at: Micros,
    /// The event that broke it.
    pub event: u64,
    pub node: Option<NodeId>,
    /// In the order in which they became true.
    pub facts: Facts,
    /// The requests of clients that it is about, where it is about any.
    pub involved: Vec<Involved>,
}

/// A request of a client that is part of a violation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Involved {
    /// The number of the client.
    pub client: u32,
    pub session: SessionId,
    pub op: String,
    /// The events between which it was under way; it may never have been answered.
    pub called: u64,
    pub returned: Option<u64>,
    pub server: Option<ServerId>,
    /// Of its transaction, or the view of its answer.
    pub zxid: Option<Zxid>,
    pub result: Option<String>,
}

/// The two facts of a violation.
pub type Facts = [Fact; 2];

/// The invariant that an event breaks, and how.
pub type Breach = (Invariant, Facts);

/// Something that is known to be true since an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fact {
    pub event: u64,
    /// A sentence without its full stop.
    pub text: String,
}

impl Fact {
    pub fn new(event: u64, text: impl Into<String>) -> Fact {
        Fact { event, text: text.into() }
    }
}

impl Violation {
    /// `event` has broken `invariant`.
    #[cold]
    pub fn new(invariant: Invariant, event: &Event, facts: Facts) -> Violation {
        Violation { invariant, at: event.at, event: event.n, node: event.node, facts, involved: Vec::new() }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, out: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Verdict::Pass => write!(out, "pass"),
            Verdict::Violation(violation) => violation.fmt(out),
            Verdict::Stuck { why } => write!(out, "stuck: {why}"),
            Verdict::Unknown { why } => write!(out, "unknown: {why}"),
        }
    }
}

/// One line: `violation epoch_promise at 912ms: s2 … (event 40), but s2 … (event 77)`.
impl fmt::Display for Violation {
    fn fmt(&self, out: &mut fmt::Formatter) -> fmt::Result {
        let [first, second] = &self.facts;
        write!(out, "violation {} at {}: {first}, but {second}", self.invariant, self.at)
    }
}

impl fmt::Display for Fact {
    fn fmt(&self, out: &mut fmt::Formatter) -> fmt::Result {
        write!(out, "{} (event {})", self.text, self.event)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_violation_reads_as_one_line() {
        let facts = [Fact::new(40, "s2 promised epoch 5 to s1"), Fact::new(77, "s2 promises epoch 5 to s3")];
        let violation =
            Violation { invariant: Invariant::EpochPromise, at: Micros::from_millis(912), event: 77, node: None, facts, involved: Vec::new() };
        let verdict = Verdict::Violation(violation);
        let line = "violation epoch_promise at 912ms: s2 promised epoch 5 to s1 (event 40), but s2 promises epoch 5 to s3 (event 77)";
        assert_eq!((verdict.name(), verdict.to_string().as_str()), ("epoch_promise", line));
    }
}
