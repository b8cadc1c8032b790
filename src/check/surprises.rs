//! Z-14 to Z-18: nobody is told what it cannot understand.
//!
//! Whether a message fits is known to its receiver alone, so most of this rests on the servers' own notes of messages out of place. Two
//! things can be seen from outside: a follower that serves must have applied the whole history that its leader began with (Z-14), and the
//! first thing that it acknowledges is NEWLEADER, since its leader can match nothing else before (Z-15).

use super::Invariant::{AckConsistent, CommitConsistent, MessageLegal, ProposalConsistent, StateConsistent};
use super::electorate::Electorate;
use super::replica::{Replica, Sync};
use super::replication::{Change, Replication};
use super::verdict::{Breach, Fact};
use crate::proto::{Epoch, NodeId, PeerState, ServerId};
use crate::trace::{Event, Note, Surprise};

pub fn check(electorate: &Electorate, world: &Replication, change: &Change, event: &Event) -> Option<Breach> {
    if let Change::Acks(zxid) = change {
        let me = event.node.and_then(NodeId::as_server)?;
        let sync = awaits_new_leader(world.of(me)?)?;
        let waits = Fact::new(sync.due.map_or(event.n, |(_, event)| event), format!("{} waits for {me} to acknowledge NEWLEADER", sync.leader));
        return Some((AckConsistent, [waits, Fact::new(event.n, format!("{me} acknowledges {zxid} first"))]));
    }
    match event.note()? {
        Note::Unexpected { what, expected, .. } => {
            let invariant = match what {
                Surprise::State => StateConsistent,
                Surprise::Ack => AckConsistent,
                Surprise::Proposal => ProposalConsistent,
                Surprise::Commit => CommitConsistent,
                Surprise::Message => MessageLegal,
            };
            let me = event.node.map_or(String::new(), |node| node.to_string());
            Some((invariant, [Fact::new(event.n, format!("{me} has come to {expected}")), Fact::new(event.n, event.to_string())]))
        }
        Note::Serving { leader, epoch, state: PeerState::Following } => serving(electorate, world, *leader, *epoch, event),
        _ => None,
    }
}

/// A synchronisation of this learner whose end it has not acknowledged yet.
#[inline]
pub fn awaits_new_leader(replica: &Replica) -> Option<&Sync> {
    replica.sync.as_ref().filter(|sync| !sync.acknowledged)
}

fn serving(electorate: &Electorate, world: &Replication, leader: ServerId, epoch: Epoch, event: &Event) -> Option<Breach> {
    let me = event.node.and_then(NodeId::as_server).filter(|me| electorate.is_voter(*me))?;
    let (initial, since) = world.reigns.with(epoch).find(|reign| reign.leader == leader)?.initial?;
    let memory = world.of(me)?.memory;
    if memory.zxid >= initial.zxid || memory.prefix == initial.prefix {
        return None;
    }
    let began = Fact::new(since, format!("{leader} leads epoch {epoch} with a history up to {}", initial.zxid));
    Some((StateConsistent, [began, Fact::new(event.n, format!("{me} serves, and has applied it up to {}", memory.zxid))]))
}

#[cfg(test)]
mod tests {
    use crate::check::Invariant;
    use crate::check::tests::Story;
    use crate::proto::Zxid;
    use crate::trace::{Note, Surprise, SyncHow};

    #[test]
    fn each_kind_of_surprise_has_its_name() {
        let named = [
            (Surprise::State, Invariant::StateConsistent),
            (Surprise::Ack, Invariant::AckConsistent),
            (Surprise::Proposal, Invariant::ProposalConsistent),
            (Surprise::Commit, Invariant::CommitConsistent),
            (Surprise::Message, Invariant::MessageLegal),
        ];
        for (what, invariant) in named {
            let mut story = Story::ensemble();
            story.notes(1, Note::Unexpected { what, zxid: Zxid::new(1, 3), expected: Zxid::new(1, 2) });
            story.breaks(invariant);
        }
    }

    /// ZOOKEEPER-4685.
    #[test]
    fn new_leader_is_acknowledged_first() {
        let mut story = Story::ensemble();
        story.replicates((1, 1)).goes_looking(1, (1, 1)).begins_sync(3, 1, 1, SyncHow::Diff, (1, 1), (1, 1));
        story.proposes(3, (1, 2)).logs(1, (1, 2)).acks(1, 3, (1, 2));
        story.breaks(Invariant::AckConsistent);
    }

    /// ZOOKEEPER-3023.
    #[test]
    fn who_serves_has_applied_the_initial_history() {
        let serves = |applies: bool| {
            let mut story = Story::ensemble();
            story.replicates((1, 1)).goes_looking(1, (1, 1)).recovers(1, (0, 0), &[(1, 1)]).leads(2, 2, &[1, 2]);
            story.recovers(3, (0, 0), &[(1, 1)]);
            story.begins_sync(2, 1, 2, SyncHow::Diff, (1, 1), (1, 1)).adopts(1, 2, 2).establishes(2, 2, &[1, 2]);
            if !applies {
                story.notes(1, Note::MemoryCleared { why: "to see".into() });
            }
            story.serves(1, 2, 2);
            story
        };
        assert_eq!(serves(true).violation(), None);
        serves(false).breaks(Invariant::StateConsistent);
    }
}
