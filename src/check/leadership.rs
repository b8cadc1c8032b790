//! Z-1, Z-7, Z-8, Z-12: who leads an epoch, and what a leader must have before it leads.
//!
//! A leader *begins* when it tells the first learner to adopt its history (NEWLEADER): a quorum has promised to follow nobody older, so
//! nothing more can be committed without it, and its history is fixed (Z-8). It is *established* when a quorum has adopted that history;
//! from then on clients may see what is committed, and it must be all that was committed before (Z-12).

use std::collections::BTreeMap;

use super::Invariant::{CommittedLogMonotonicity, InitialHistoryIntegrity, Leadership as OneLeader, PrimaryIntegrity};
use super::history::{Found, Place};
use super::reigns::Reign;
use super::replication::{Change, Replication, Step};
use super::verdict::{Breach, Fact, Facts};
use crate::proto::{Epoch, NodeId, ServerId};
use crate::trace::{Event, Note};

/// Who led each epoch, and the event since which it did.
#[derive(Clone, Debug, Default)]
pub struct Leadership {
    leaders: BTreeMap<Epoch, (ServerId, u64)>,
}

impl Leadership {
    pub fn check(&mut self, world: &Replication, change: &Change, event: &Event) -> Option<Breach> {
        match change {
            Change::Leads { committed, event: since } => self.begins(world, *committed, *since, event),
            Change::Proposed(step) => proposes(world, step, event),
            _ => None,
        }
    }

    fn begins(&mut self, world: &Replication, committed: Place, since: u64, event: &Event) -> Option<Breach> {
        let me = event.node.and_then(NodeId::as_server)?;
        let reign = world.reigns.of(me)?;
        let established = matches!(event.note(), Some(Note::Established { .. }));
        let (leader, first) = *self.leaders.entry(reign.epoch).or_insert((me, event.n));
        let leads = || Fact::new(event.n, if established { event.to_string() } else { format!("{me} leads epoch {} too", reign.epoch) });
        if leader != me {
            return Some((OneLeader, [Fact::new(first, format!("{leader} leads epoch {}", reign.epoch)), leads()]));
        }
        if !lacks(world, me, committed) {
            return None;
        }
        let had: Facts = [Fact::new(since, format!("the committed history ends at {}", committed.zxid)), lack(world, me, established, event)];
        Some((if established { CommittedLogMonotonicity } else { InitialHistoryIntegrity }, had))
    }
}

/// Whether it is the first transaction that the leader proposes.
#[inline]
pub fn is_first(reign: &Reign, step: &Step) -> bool {
    reign.first == Some(step.txn.zxid)
}

/// Whether the history that a leader starts from is not all that was committed.
fn lacks(world: &Replication, leader: ServerId, committed: Place) -> bool {
    let Some(replica) = world.of(leader) else { return false };
    let differs = match replica.disk.at(committed.zxid) {
        Found::Here(prefix) => prefix.differs(committed.prefix),
        Found::Missing => true,
        Found::Forgotten => false,
    };
    let behind = replica.memory.zxid < committed.zxid;
    (differs || behind) && replica.memory.prefix.differs(committed.prefix)
}

fn lack(world: &Replication, leader: ServerId, established: bool, event: &Event) -> Fact {
    let end = world.of(leader).map_or(Place::start(), |replica| replica.disk.end()).zxid;
    let does = if established { "is established" } else { "tells others to adopt its history" };
    Fact::new(event.n, format!("{leader} {does}, which ends at {end} and does not hold that"))
}

/// With its first proposal a leader has delivered all that anybody delivered of older epochs.
fn proposes(world: &Replication, step: &Step, event: &Event) -> Option<Breach> {
    let me = event.node.and_then(NodeId::as_server)?;
    let reign = world.reigns.of(me).filter(|reign| is_first(reign, step))?;
    let own = world.of(me)?.delivered.zxid;
    let (other, replica) = world.replicas().find(|(_, other)| other.delivered.zxid.epoch() < reign.epoch && other.delivered.zxid > own)?;
    let delivered = Fact::new(replica.delivered_event, format!("{other} has delivered {}", replica.delivered.zxid));
    let proposes = Fact::new(event.n, format!("{me} proposes {}, and has delivered nothing after {own}", step.txn.zxid));
    Some((PrimaryIntegrity, [delivered, proposes]))
}

#[cfg(test)]
mod tests {
    use crate::check::Invariant;
    use crate::check::replication_story::{Commit, Replay, txn};
    use crate::check::tests::Story;
    use crate::proto::TxnRef;
    use crate::trace::Note;

    #[test]
    fn a_leader_with_all_that_was_committed_may_lead() {
        let mut story = Story::ensemble();
        story.replicates((1, 1)).leads(2, 2, &[1, 2]).synchronizes(2, 1, 2, (1, 1)).establishes(2, 2, &[1, 2]).serves(1, 2, 2);
        story.proposes(2, (2, 1));
        assert_eq!(story.violation(), None);
    }

    #[test]
    fn an_epoch_has_one_leader() {
        let mut story = Story::of(3);
        story.establishes(3, 5, &[1, 3]).establishes(2, 6, &[1, 2]).establishes(2, 5, &[1, 2]);
        let violation = story.breaks(Invariant::Leadership);
        assert_eq!((violation.facts[0].event, violation.event), (1, 3));
    }

    #[test]
    fn to_tell_the_first_learner_is_to_lead() {
        let mut story = Story::of(5);
        story.leads(3, 5, &[1, 2, 3]).leads(2, 5, &[2, 4, 5]);
        story.sends_new_leader(3, 1, 5);
        assert_eq!(story.violation(), None, "both have proposed it, and only one was promised");
        story.sends_new_leader(2, 4, 5);
        story.breaks(Invariant::Leadership);
    }

    #[test]
    fn a_new_leader_has_what_was_committed() {
        let mut story = Story::ensemble();
        story.replicates((1, 1)).proposes(3, (1, 2)).logs(1, (1, 2)).logs(3, (1, 2)).commits(3, (1, 2), &[1, 3]);
        story.leads(2, 2, &[2, 3]).sends_new_leader(2, 3, 2);
        let violation = story.breaks(Invariant::InitialHistoryIntegrity);
        assert_eq!(violation.facts[0].text, "the committed history ends at 1:2");
    }

    /// What is committed after the new leader has fixed its history is missing from it.
    #[test]
    fn an_established_leader_has_what_was_committed_meanwhile() {
        let mut story = Story::ensemble();
        story.replicates((1, 1)).leads(2, 2, &[1, 2]).synchronizes(2, 1, 2, (1, 1));
        story.proposes(3, (1, 2)).logs(3, (1, 2)).commits(3, (1, 2), &[3]).establishes(2, 2, &[1, 2]);
        story.breaks(Invariant::CommittedLogMonotonicity);
    }

    /// Both histories end at 1:2, and only one of them was committed.
    #[test]
    fn another_history_is_not_the_committed_one() {
        let mut story = Story::ensemble();
        story.replicates((1, 1)).proposes(3, (1, 2)).logs(3, (1, 2)).logs(1, (1, 2)).commits(3, (1, 2), &[1, 3]);
        let other = TxnRef { hash: 77, ..txn((1, 2)) };
        story.notes(2, Note::Applied { txn: other, how: Replay, digest: 1 }).leads(2, 2, &[2, 3]).sends_new_leader(2, 3, 2);
        story.breaks(Invariant::InitialHistoryIntegrity);
    }

    #[test]
    fn a_leader_delivers_before_it_proposes() {
        let mut story = Story::ensemble();
        story.replicates((1, 1)).recovers(2, (0, 0), &[(1, 1)]).leads(2, 2, &[1, 2]).proposes(2, (2, 1));
        assert_eq!(story.violation(), None, "it had delivered that itself");
        let mut story = Story::ensemble();
        story.proposes(3, (1, 1)).logs(2, (1, 1)).logs(3, (1, 1)).commits(3, (1, 1), &[2, 3]).applies(3, Commit, (1, 1));
        story.recovers(2, (0, 0), &[(1, 1)]).leads(2, 2, &[1, 2]).proposes(2, (2, 1));
        story.breaks(Invariant::PrimaryIntegrity);
    }
}
