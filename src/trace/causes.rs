//! Why something happened: the events from which it follows.
//!
//! A trace is a happens-before graph. Its skeleton are the causes the kernel records (a delivery follows from the sending, an effect from
//! the input that was being handled). Two sorts of edges are added, for what went through a node's memory: a note follows from the node's
//! headline before it, and a note that names a sender from the last packet that came from it. Full program order is left out on purpose:
//! with it everything follows from everything, and a slice explains nothing.

use std::collections::{BTreeMap, BTreeSet};

use petgraph::graph::{DiGraph, NodeIndex};
use petgraph::visit::Bfs;

use super::{Event, Note, Record, What};
use crate::proto::{NodeId, Packet, QuorumKind, ServerId};

/// The events nearest to `roots` (numbers of events) among those from which they follow, in the order in which they happened: headlines
/// and the packets that carry votes and epochs. At most `lines`, the roots included. What was not recorded is stepped over.
pub fn causal_slice<'a>(events: &'a [Event], roots: &[u64], lines: usize) -> Vec<&'a Event> {
    let (mut graph, positions) = happens_before(events);
    let start = graph.add_node(());
    let roots: BTreeSet<usize> = roots.iter().filter_map(|root| positions.get(root).copied()).collect();
    for root in &roots {
        graph.add_edge(start, NodeIndex::new(*root), ());
    }
    let mut nearest_first = Bfs::new(&graph, start);
    let mut slice = BTreeSet::new();
    while let Some(index) = nearest_first.next(&graph)
        && slice.len() < lines
    {
        // The start itself is no event.
        if let Some(event) = events.get(index.index())
            && (roots.contains(&index.index()) || matters(event))
        {
            slice.insert(index.index());
        }
    }
    slice.into_iter().map(|position| &events[position]).collect()
}

/// The graph, with an edge from each event to those it follows from; and the position of each event by its number.
fn happens_before(events: &[Event]) -> (DiGraph<(), ()>, BTreeMap<u64, usize>) {
    let mut graph = DiGraph::with_capacity(events.len() + 1, 2 * events.len());
    let mut positions = BTreeMap::new();
    let mut last_headline: BTreeMap<NodeId, NodeIndex> = BTreeMap::new();
    let mut last_from: BTreeMap<(NodeId, ServerId), NodeIndex> = BTreeMap::new();
    for (position, event) in events.iter().enumerate() {
        let index = graph.add_node(());
        positions.insert(event.n, position);
        let cause = event.cause.and_then(|cause| positions.get(&cause)).map(|cause| NodeIndex::new(*cause));
        let (headline, packet) = match (event.node, event.note()) {
            (Some(node), Some(note)) => {
                let heard = heard_from(note).and_then(|sender| last_from.get(&(node, sender)).copied());
                (if note.is_headline() { last_headline.insert(node, index) } else { last_headline.get(&node).copied() }, heard)
            }
            _ => (None, None),
        };
        for follows_from in [cause, headline, packet].into_iter().flatten() {
            graph.add_edge(index, follows_from, ());
        }
        if let (Some(node), Some(sender)) = (event.node, sender_of(event)) {
            last_from.insert((node, sender), index);
        }
    }
    (graph, positions)
}

/// Whether a reader of a slice wants to see it.
fn matters(event: &Event) -> bool {
    match &event.what {
        What::Note(note) => note.is_headline(),
        What::Record(Record::Delivered { packet, .. } | Record::DatagramDelivered { packet, .. }) => carries_votes_or_epochs(packet),
        What::Record(record) => record.is_headline(),
    }
}

fn carries_votes_or_epochs(packet: &Packet) -> bool {
    match packet {
        Packet::Notification(_) | Packet::ElectionReply(_) => true,
        Packet::Quorum { kind, .. } => matches!(kind, QuorumKind::LeaderInfo | QuorumKind::AckEpoch),
        _ => false,
    }
}

/// Who sent the vote that this event delivers, if it delivers one.
fn sender_of(event: &Event) -> Option<ServerId> {
    match event.record()? {
        Record::Delivered { from, packet: Packet::Notification(_), .. } => from.as_server(),
        Record::DatagramDelivered { from, packet: Packet::ElectionReply(_), .. } => from.as_server(),
        _ => None,
    }
}

/// The server whose packet made the node note this.
fn heard_from(note: &Note) -> Option<ServerId> {
    match note {
        Note::VoteChanged { sender, .. }
        | Note::RoundRaised { sender, .. }
        | Note::VoteCounted { sender, .. }
        | Note::DrainBroken { sender, .. }
        | Note::JoinWaits { sender, .. }
        | Note::ReplyCounted { from: sender, .. } => Some(*sender),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::proto::{ConnId, Epoch, Micros, Notification, PeerState, Round, Stage, Vote, Zxid};
    use crate::trace::Better;

    const CONN: ConnId = ConnId { slot: 0, generation: 1 };

    fn vote(leader: i64) -> Vote {
        Vote { leader: ServerId(leader), zxid: Zxid::ZERO, epoch: Epoch(0) }
    }

    fn packet() -> Packet {
        let note = Notification { state: PeerState::Looking, vote: vote(2), round: Round(1), config_version: 0, config: "".into() };
        Packet::Notification(Arc::new(note))
    }

    fn event(n: u64, node: i64, cause: u64, what: What) -> Event {
        Event { n, at: Micros(n), node: Some(NodeId::server(node)), cause: Some(cause), what }
    }

    /// s2 starts and sends; s1 receives, changes its vote in a later stage. s3 does something unrelated.
    fn story() -> Vec<Event> {
        let changed = Note::VoteChanged { round: Round(1), sender: ServerId(2), from: vote(1).into(), to: vote(2).into(), because: Better::Id };
        vec![
            event(1, 1, 0, What::Note(Note::LookingStarted { round: Round(1), vote: vote(1) })),
            event(2, 2, 0, What::Note(Note::LookingStarted { round: Round(1), vote: vote(2) })),
            event(3, 3, 0, What::Note(Note::LookingStarted { round: Round(1), vote: vote(3) })),
            event(4, 2, 2, What::Record(Record::Sent { to: NodeId::server(1), conn: CONN, packet: packet() })),
            event(5, 1, 4, What::Record(Record::Delivered { from: NodeId::server(2), conn: CONN, packet: packet() })),
            event(6, 1, 1, What::Record(Record::Stage { stage: Stage::QuorumPeer })),
            event(7, 1, 6, What::Note(changed)),
        ]
    }

    fn slice(roots: &[u64], lines: usize) -> Vec<u64> {
        causal_slice(&story(), roots, lines).iter().map(|event| event.n).collect()
    }

    #[test]
    fn a_vote_follows_from_the_packet_and_from_the_vote_before() {
        assert_eq!(slice(&[7], 20), [1, 2, 5, 7], "neither the bystander nor the mechanics");
    }

    #[test]
    fn a_short_slice_keeps_what_is_nearest() {
        assert_eq!(slice(&[7], 2).len(), 2);
        assert!(slice(&[7], 3).contains(&5) && slice(&[7], 3).contains(&7));
    }

    #[test]
    fn the_slice_of_two_facts_holds_both() {
        assert_eq!(slice(&[3, 4], 20), [2, 3, 4], "a root is shown whatever it is");
        assert_eq!(slice(&[99], 20), [0; 0], "what was not recorded has no causes");
    }
}
