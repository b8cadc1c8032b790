//! E-6, D-5: what is acknowledged is durable.
//!
//! A follower's acknowledgement of NEWLEADER stands for its promise, the history that its leader wanted it to have, and its epoch; that of
//! a proposal for the proposal and everything before it. A leader counts itself among those who have logged a proposal, and owes the same.
//! Durable is what the kernel's fsyncs have made so, whatever the server believes. Observers acknowledge NEWLEADER too, and nobody counts it.

use super::Invariant::{AckDurable, NewLeaderDurable};
use super::electorate::Electorate;
use super::replica::{Replica, Sync};
use super::replication::{Change, Replication};
use super::verdict::{Breach, Fact};
use crate::proto::{Epoch, NodeId, Packet, QuorumKind, ServerId, Zxid};
use crate::trace::{Event, Note, Record, What};

pub fn check(electorate: &Electorate, world: &Replication, change: &Change, event: &Event) -> Option<Breach> {
    match change {
        Change::Acks(zxid) => {
            let me = event.node.and_then(NodeId::as_server)?;
            not_logged(world, me, *zxid, event, format!("{me} acknowledges {zxid}"))
        }
        Change::Committed { .. } => {
            let me = event.node.and_then(NodeId::as_server)?;
            let Some(Note::Committed { txn, quorum }) = event.note() else { return None };
            if quorum.contains(&me) { not_logged(world, me, txn.zxid, event, event.to_string()) } else { None }
        }
        Change::AcksNewLeader => adopted(electorate, world, event),
        _ => None,
    }
}

/// Whether a follower may acknowledge this proposal.
#[inline]
pub fn has_logged(replica: &Replica, zxid: Zxid) -> bool {
    replica.durable.known >= zxid
}

/// Whether a leader may commit with this quorum: it is itself among those that it counts.
#[inline]
pub fn may_count(replica: &Replica, me: ServerId, zxid: Zxid, quorum: &[ServerId]) -> bool {
    has_logged(replica, zxid) || !quorum.contains(&me)
}

fn not_logged(world: &Replication, me: ServerId, zxid: Zxid, event: &Event, claims: String) -> Option<Breach> {
    let replica = world.of(me).filter(|replica| !has_logged(replica, zxid))?;
    let durable = &replica.durable;
    let known = Fact::new(durable.event, format!("what is durable of the log of {me} ends at {}", durable.known));
    Some((AckDurable, [known, Fact::new(event.n, claims)]))
}

fn adopted(electorate: &Electorate, world: &Replication, event: &Event) -> Option<Breach> {
    let me = event.node.and_then(NodeId::as_server).filter(|me| electorate.is_voter(*me))?;
    let What::Record(Record::Sent { packet: Packet::Quorum { kind: QuorumKind::Ack, zxid, .. }, .. }) = &event.what else { return None };
    let replica = world.of(me)?;
    let missing = epochs(replica, zxid.epoch()).or_else(|| history(replica, replica.sync.as_ref()?))?;
    let fact = Fact::new(missing.0.unwrap_or(event.n), format!("{me} {}", missing.1));
    Some((NewLeaderDurable, [fact, Fact::new(event.n, format!("{me} acknowledges NEWLEADER of epoch {}", zxid.epoch()))]))
}

/// Since when something is amiss, if that is known, and what.
type Missing = (Option<u64>, String);

fn epochs(replica: &Replica, epoch: Epoch) -> Option<Missing> {
    let files = [("acceptedEpoch", replica.accepted_epoch), ("currentEpoch", replica.current_epoch)];
    let (file, written) = files.into_iter().find(|(_, written)| *written != epoch)?;
    Some((None, format!("has {file} {written} on disk and not {epoch}")))
}

fn history(replica: &Replica, sync: &Sync) -> Option<Missing> {
    let (due, _) = sync.due.filter(|(due, _)| !replica.is_durable(*due))?;
    let known = replica.durable.known;
    Some((
        Some(replica.durable.event),
        format!("is to adopt the history of {} up to {}, and what is durable of it ends at {known}", sync.leader, due.zxid),
    ))
}

#[cfg(test)]
mod tests {
    use crate::check::Invariant;
    use crate::check::replication_story::{Commit, Sync};
    use crate::check::tests::Story;
    use crate::proto::{DiskError, DiskOp, DiskTag};
    use crate::trace::{EpochFile, SnapshotSource, SyncHow};

    #[test]
    fn what_is_forced_may_be_acknowledged() {
        let mut story = Story::ensemble();
        story.proposes(3, (1, 1)).logs(1, (1, 1)).acks(1, 3, (1, 1));
        assert_eq!(story.violation(), None);
    }

    #[test]
    fn what_is_only_written_may_not() {
        let mut story = Story::ensemble();
        story.proposes(3, (1, 1)).appends(1, (1, 1)).acks(1, 3, (1, 1));
        let violation = story.breaks(Invariant::AckDurable);
        assert_eq!(violation.facts[1].text, "s1 acknowledges 1:1");
    }

    #[test]
    fn a_failed_fsync_forces_nothing() {
        let mut story = Story::ensemble();
        let sync = DiskOp::Sync { file: "version-2/log.1".into() };
        story.proposes(3, (1, 1)).appends(1, (1, 1)).disk(1, DiskTag::Log, sync, Some(DiskError::Io)).acks(1, 3, (1, 1));
        story.breaks(Invariant::AckDurable);
    }

    #[test]
    fn a_leader_that_counts_itself_has_logged_it() {
        let mut story = Story::ensemble();
        story.proposes(3, (1, 1)).logs(1, (1, 1)).logs(2, (1, 1)).commits(3, (1, 1), &[1, 2]);
        assert_eq!(story.violation(), None, "a quorum without it may be faster");
        story.logs(3, (1, 1)).proposes(3, (1, 2)).appends(3, (1, 2)).commits(3, (1, 2), &[1, 3]);
        story.breaks(Invariant::AckDurable);
    }

    /// s3 has committed 1:1 and 1:2 without s1.
    fn behind() -> Story {
        let mut story = Story::ensemble();
        for at in [(1, 1), (1, 2)] {
            story.proposes(3, at).logs(2, at).logs(3, at).acks(2, 3, at).commits(3, at, &[2, 3]).applies(3, Commit, at);
        }
        story.goes_looking(1, (0, 0)).begins_sync(3, 1, 1, SyncHow::Diff, (0, 0), (1, 2));
        story
    }

    #[test]
    fn a_follower_adopts_what_it_has_on_disk() {
        let mut story = behind();
        story.appends(1, (1, 1)).applies(1, Sync, (1, 1)).appends(1, (1, 2)).applies(1, Sync, (1, 2)).forces(1).adopts(1, 3, 1).serves(1, 3, 1);
        assert_eq!(story.violation(), None);
    }

    /// ZOOKEEPER-3911: not logged at all. ZOOKEEPER-4646: not forced yet.
    #[test]
    fn a_follower_does_not_adopt_what_it_has_in_memory_only() {
        let mut story = behind();
        story.adopts(1, 3, 1);
        story.breaks(Invariant::NewLeaderDurable);
        let mut story = behind();
        story.logs(1, (1, 1)).appends(1, (1, 2)).adopts(1, 3, 1);
        story.breaks(Invariant::NewLeaderDurable);
    }

    /// ZOOKEEPER-1282.
    #[test]
    fn the_epoch_is_written_before() {
        let mut story = behind();
        story.writes(3, EpochFile::AcceptedEpoch, 2).offers(3, 1, 2).writes(1, EpochFile::AcceptedEpoch, 2);
        story.logs(1, (1, 1)).logs(1, (1, 2)).acks(1, 3, (2, 0));
        let violation = story.breaks(Invariant::NewLeaderDurable);
        assert_eq!(violation.facts[0].text, "s1 has currentEpoch 1 on disk and not 2");
    }

    /// ZOOKEEPER-2872.
    #[test]
    fn a_snapshot_of_the_leader_is_forced() {
        for forced in [true, false] {
            let mut story = behind();
            story.loads(1, SnapshotSource::Leader, (1, 2)).begins_sync(3, 1, 1, SyncHow::Snap, (0, 0), (1, 2));
            story.loads(1, SnapshotSource::Leader, (1, 2)).takes_snapshot(1, (1, 2), forced).adopts(1, 3, 1);
            if forced {
                assert_eq!(story.violation(), None);
            } else {
                story.breaks(Invariant::NewLeaderDurable);
            }
        }
    }
}
