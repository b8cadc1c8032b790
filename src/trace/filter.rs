//! Which events of a trace are wanted.

use std::collections::BTreeSet;
use std::fmt;

use super::{Entry, kinds, nearest};
use crate::proto::{Micros, NodeId, PACKET_KINDS};

/// Conditions that an event must all meet. The default lets everything through.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// Only these nodes; everybody when empty. What concerns the whole world passes only then.
    nodes: BTreeSet<NodeId>,
    /// Only these kinds of events, or events about these kinds of packets; all when empty.
    kinds: BTreeSet<&'static str>,
    /// Not before.
    from: Option<Micros>,
    /// Not at or after.
    until: Option<Micros>,
    /// Only what belongs to the story.
    story: bool,
}

/// A condition that cannot be understood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FilterError {
    NotANode(String),
    UnknownKind { found: String, nearest: Option<&'static str> },
    NotATimeRange { found: String, why: String },
}

impl Filter {
    /// Lets a node through: `s1`, `c2`.
    pub fn node(mut self, name: &str) -> Result<Filter, FilterError> {
        self.nodes.insert(NodeId::parse(name).ok_or_else(|| FilterError::NotANode(name.into()))?);
        Ok(self)
    }

    /// Lets a kind of event through (`vote_changed`, `delivered`), or all records about a kind of packet (`NOTIFICATION`).
    pub fn kind(mut self, name: &str) -> Result<Filter, FilterError> {
        let known = filterable().find(|kind| *kind == name);
        self.kinds.insert(known.ok_or_else(|| FilterError::UnknownKind { found: name.into(), nearest: nearest(name, filterable()) })?);
        Ok(self)
    }

    /// Lets a stretch of virtual time through: `1s..2s`, `1s..`, `..2s`. The end is not part of it.
    pub fn time(mut self, range: &str) -> Result<Filter, FilterError> {
        let wrong = |why: String| FilterError::NotATimeRange { found: range.into(), why };
        let (from, until) = range.split_once("..").ok_or_else(|| wrong("a range is written 1s..2s, 1s.. or ..2s".into()))?;
        let end = |text: &str| if text.is_empty() { Ok(None) } else { Micros::parse(text).map(Some) };
        (self.from, self.until) = (end(from).map_err(wrong)?, end(until).map_err(wrong)?);
        match (self.from, self.until) {
            (Some(from), Some(until)) if from >= until => Err(wrong("nothing lies in it".into())),
            _ => Ok(self),
        }
    }

    /// Lets only headlines through.
    pub fn story(mut self) -> Filter {
        self.story = true;
        self
    }

    pub fn admits(&self, entry: &impl Entry) -> bool {
        let at = entry.at();
        (self.nodes.is_empty() || entry.node().is_some_and(|node| self.nodes.contains(&node)))
            && (self.kinds.is_empty() || self.kinds.contains(entry.kind()) || entry.packet_kind().is_some_and(|kind| self.kinds.contains(kind)))
            && self.from.is_none_or(|from| at >= from)
            && self.until.is_none_or(|until| at < until)
            && (!self.story || entry.is_headline())
    }
}

fn filterable() -> impl Iterator<Item = &'static str> {
    kinds().chain(PACKET_KINDS)
}

impl fmt::Display for FilterError {
    fn fmt(&self, out: &mut fmt::Formatter) -> fmt::Result {
        match self {
            FilterError::NotANode(found) => write!(out, "`{found}` is not a node: s1, s2, … are servers, c1, c2, … are clients"),
            FilterError::UnknownKind { found, nearest: Some(nearest) } => {
                write!(out, "no kind of event is called `{found}`; did you mean `{nearest}`?")
            }
            FilterError::UnknownKind { found, nearest: None } => write!(out, "no kind of event is called `{found}`"),
            FilterError::NotATimeRange { found, why } => write!(out, "`{found}` is not a range of times: {why}"),
        }
    }
}

impl std::error::Error for FilterError {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proto::{ConnId, Packet, Port, ServerId};
    use crate::trace::{Event, Note, Record, What};

    fn events() -> Vec<Event> {
        let packet = Packet::Initial { sid: ServerId(1) };
        let whats = [
            (1, What::Note(Note::BootRefused { reason: "x".into() })),
            (2, What::Note(Note::PeerLost { peer: ServerId(1) })),
            (2, What::Record(Record::Delivered { from: NodeId::server(1), conn: ConnId { slot: 0, generation: 1 }, packet: packet.clone() })),
            (3, What::Record(Record::DatagramLost { to: NodeId::server(1), port: Port::Quorum, packet })),
        ];
        let mut events: Vec<Event> = whats
            .into_iter()
            .zip(1..)
            .map(|((node, what), n)| Event { n, at: Micros::from_secs(n), node: Some(NodeId::server(node)), cause: None, what })
            .collect();
        events.push(Event { n: 5, at: Micros::from_secs(5), node: None, cause: None, what: What::Record(Record::Action { action: "heal".into() }) });
        events
    }

    fn admitted(filter: &Filter) -> Vec<u64> {
        events().iter().filter(|event| filter.admits(*event)).map(|event| event.n).collect()
    }

    #[test]
    fn conditions_of_one_sort_add_up_and_sorts_narrow_down() {
        let all = Filter::default;
        assert_eq!(admitted(&all()), [1, 2, 3, 4, 5]);
        assert_eq!(admitted(&all().node("s1").unwrap().node("s2").unwrap()), [1, 2, 3]);
        assert_eq!(admitted(&all().kind("peer_lost").unwrap().kind("action").unwrap()), [2, 5]);
        assert_eq!(admitted(&all().kind("INITIAL").unwrap()), [3, 4]);
        assert_eq!(admitted(&all().kind("INITIAL").unwrap().node("s3").unwrap()), [4]);
        assert_eq!(admitted(&all().time("2s..4s").unwrap()), [2, 3]);
        assert_eq!((admitted(&all().time("4s..").unwrap()), admitted(&all().time("..2s").unwrap())), (vec![4, 5], vec![1]));
        assert_eq!(admitted(&all().story()), [1, 5]);
    }

    #[test]
    fn mistakes_are_told_with_what_was_meant() {
        let message = |result: Result<Filter, FilterError>| result.expect_err("a mistake").to_string();
        assert_eq!(message(Filter::default().kind("vote_changd")), "no kind of event is called `vote_changd`; did you mean `vote_changed`?");
        assert_eq!(message(Filter::default().kind("qqq")), "no kind of event is called `qqq`");
        assert!(message(Filter::default().node("x1")).starts_with("`x1` is not a node"));
        for range in ["1s", "2s..1s", "1s..1s", "1..2s", "a..b"] {
            assert!(Filter::default().time(range).is_err(), "{range}");
        }
    }
}
