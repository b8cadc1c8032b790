//! Z-10, Z-13: the log of a follower is a beginning of its leader's, and synchronisation takes nothing from it that was committed.
//!
//! Observers log what they are told after it is committed, and nothing depends on their logs; they are not judged here.

use super::Invariant::{CommittedLogDurability, HistoryConsistency};
use super::electorate::Electorate;
use super::history::Found;
use super::replica::{Replica, Sync};
use super::replication::{Change, Replication, Step};
use super::verdict::{Breach, Fact};
use crate::proto::NodeId;
use crate::trace::{EpochFile, Event, Note};

pub fn check(electorate: &Electorate, world: &Replication, change: &Change, event: &Event) -> Option<Breach> {
    match change {
        Change::Appended(step) if !agrees(world, step) => another_history(electorate, world, step, event),
        Change::AcksNewLeader => adopted(electorate, world, event),
        Change::Other => kept(world, event),
        _ => None,
    }
}

/// A proposal goes into the log after the same history as at its leader.
#[inline]
pub fn agrees(world: &Replication, step: &Step) -> bool {
    !matches!(world.proposed(step.txn.zxid), Found::Here(prefix) if prefix.differs(step.after.prefix))
}

fn another_history(electorate: &Electorate, world: &Replication, step: &Step, event: &Event) -> Option<Breach> {
    let me = event.node.and_then(NodeId::as_server).filter(|me| electorate.is_voter(*me))?;
    let zxid = step.txn.zxid;
    let reign = world.reigns.with(zxid.epoch()).next();
    let leader = match reign {
        Some(reign) => {
            Fact::new(reign.initial.map_or(0, |(_, event)| event), format!("{} leads epoch {} with another history", reign.leader, reign.epoch))
        }
        None => Fact::new(world.committed.event_of(zxid), format!("{zxid} was committed after another history")),
    };
    Some((HistoryConsistency, [leader, Fact::new(event.n, format!("{me} appends {zxid} after {}", step.before.zxid))]))
}

/// NEWLEADER is acknowledged with a log that the leader's history begins with.
fn adopted(electorate: &Electorate, world: &Replication, event: &Event) -> Option<Breach> {
    let me = event.node.and_then(NodeId::as_server).filter(|me| electorate.is_voter(*me))?;
    let replica = world.of(me)?;
    let Sync { leader, due, .. } = replica.sync?;
    let end = replica.disk.end();
    let what = match world.history_of(leader, end.zxid) {
        Found::Here(prefix) if prefix.differs(end.prefix) => format!("{leader} has another history up to {}", end.zxid),
        Found::Missing => format!("the history of {leader} has no {}", end.zxid),
        _ => return None,
    };
    let acknowledges = Fact::new(event.n, format!("{me} adopts it with a log that ends at {}", end.zxid));
    Some((HistoryConsistency, [Fact::new(due.map_or(event.n, |(_, event)| event), what), acknowledges]))
}

/// What was committed and in the log when the synchronisation began is still there after a cut, and when it ends.
fn kept(world: &Replication, event: &Event) -> Option<Breach> {
    let ends = match event.note()? {
        Note::LogTruncated { .. } => "cuts its log, which ends at",
        Note::EpochWritten { file: EpochFile::CurrentEpoch, .. } => "ends its synchronisation with a history up to",
        _ => return None,
    };
    let me = event.node.and_then(NodeId::as_server)?;
    let replica = world.of(me)?;
    let sync = replica.sync?;
    if holds(replica, &sync) {
        return None;
    }
    let had = Fact::new(world.committed.event_of(sync.had.zxid), format!("{} was committed, and {me} had it", sync.had.zxid));
    Some((CommittedLogDurability, [had, Fact::new(event.n, format!("{me} {ends} {}", replica.disk.end().zxid))]))
}

fn holds(replica: &Replica, sync: &Sync) -> bool {
    let end = replica.disk.end();
    (end.zxid >= sync.had.zxid || end.prefix == sync.had.prefix) && replica.disk.holds(sync.had)
}

#[cfg(test)]
mod tests {
    use crate::check::Invariant;
    use crate::check::replication_story::{Commit, zxid};
    use crate::check::tests::Story;
    use crate::trace::{EpochFile, Note, SnapshotSource, SyncHow};

    fn cuts(story: &mut Story, node: i64, to: (u32, u32)) {
        story.notes(node, Note::LogTruncated { to: zxid(to) });
    }

    /// s1 has logged 1:3 alone; s2 leads epoch 2 with 1:2.
    fn deposed() -> Story {
        let mut story = Story::ensemble();
        story.replicates((1, 1)).replicates((1, 2)).proposes(3, (1, 3)).logs(1, (1, 3)).goes_looking(1, (1, 3));
        story.leads(2, 2, &[2, 3]).synchronizes(2, 3, 2, (1, 2)).establishes(2, 2, &[2, 3]);
        story
    }

    #[test]
    fn what_was_not_committed_is_cut_off() {
        let mut story = deposed();
        story.begins_sync(2, 1, 2, SyncHow::Trunc, (1, 3), (1, 2));
        cuts(&mut story, 1, (1, 2));
        story.reads_disk(1, (0, 0), &[]).takes_snapshot(1, (1, 2), true).adopts(1, 2, 2).serves(1, 2, 2);
        story.proposes(2, (2, 1)).logs(1, (2, 1));
        assert_eq!(story.violation(), None);
    }

    /// ZOOKEEPER-1154, 2832, 3701: it stays, and NEWLEADER is acknowledged all the same.
    #[test]
    fn what_the_leader_does_not_have_must_go() {
        let mut story = deposed();
        story.synchronizes(2, 1, 2, (1, 3));
        let violation = story.breaks(Invariant::HistoryConsistency);
        assert_eq!(violation.facts[0].text, "the history of s2 has no 1:3");
    }

    #[test]
    fn what_a_leader_proposes_is_appended_after_its_history() {
        let mut story = deposed();
        story.proposes(2, (2, 1)).appends(1, (2, 1));
        story.breaks(Invariant::HistoryConsistency);
    }

    /// ZOOKEEPER-1156: the position is miscounted.
    #[test]
    fn what_was_committed_is_not_cut_off() {
        let mut story = deposed();
        story.begins_sync(2, 1, 2, SyncHow::Trunc, (1, 3), (1, 2));
        cuts(&mut story, 1, (1, 1));
        story.breaks(Invariant::CommittedLogDurability);
    }

    /// It says that it cut at the right place; what it reads back says otherwise.
    #[test]
    fn what_is_read_back_after_a_cut_is_the_truth() {
        let mut story = Story::ensemble();
        story.replicates((1, 1)).replicates((1, 2)).proposes(3, (1, 3)).logs(1, (1, 3)).takes_snapshot(1, (1, 1), true).goes_looking(1, (1, 3));
        story.leads(2, 2, &[2, 3]).synchronizes(2, 3, 2, (1, 2)).begins_sync(2, 1, 2, SyncHow::Trunc, (1, 3), (1, 2));
        cuts(&mut story, 1, (1, 2));
        story.reads_disk(1, (1, 1), &[]).writes(1, EpochFile::CurrentEpoch, 2);
        story.breaks(Invariant::CommittedLogDurability);
    }

    #[test]
    fn a_snapshot_of_the_leader_replaces_the_log() {
        let mut story = deposed();
        story.proposes(2, (2, 1)).logs(3, (2, 1)).logs(2, (2, 1)).commits(2, (2, 1), &[2, 3]).applies(2, Commit, (2, 1));
        story.begins_sync(2, 1, 2, SyncHow::Snap, (1, 3), (2, 1)).loads(1, SnapshotSource::Leader, (2, 1));
        story.takes_snapshot(1, (2, 1), true).adopts(1, 2, 2).serves(1, 2, 2).proposes(2, (2, 2)).logs(1, (2, 2));
        assert_eq!(story.violation(), None);
    }

    /// ZOOKEEPER-2832: a restart would read the tail behind the snapshot.
    #[test]
    fn a_log_that_goes_on_after_the_snapshot_is_cut() {
        for is_cut in [true, false] {
            let mut story = deposed();
            story.begins_sync(2, 1, 2, SyncHow::Snap, (1, 3), (1, 2)).loads(1, SnapshotSource::Leader, (1, 2));
            if is_cut {
                cuts(&mut story, 1, (1, 2));
            }
            story.takes_snapshot(1, (1, 2), true).adopts(1, 2, 2);
            if is_cut {
                assert_eq!(story.violation(), None);
            } else {
                story.breaks(Invariant::HistoryConsistency);
            }
        }
    }
}
