//! D-4, D-6: equal histories give equal databases.
//!
//! The first server that delivers a transaction says what the database looks like after it, and every other must agree (D-4). A server that
//! reads its disk must come to the same (D-6), even from a snapshot that was taken while the tree changed: such a snapshot holds more than
//! its name says, so that nothing is compared before the transaction with which it was finished.

use super::Invariant::{FuzzySnapshot, ReplicaConvergence};
use super::committed::Deed;
use super::history::Place;
use super::replication::{Applied, Change, Replication};
use super::verdict::{Breach, Fact};
use crate::proto::{NodeId, ServerId};
use crate::trace::{ApplyHow, Event, Note, SnapshotSource};

pub fn check(world: &mut Replication, change: &Change, event: &Event) -> Option<Breach> {
    let me = event.node.and_then(NodeId::as_server)?;
    let (place, digest, delivers, invariant) = match change {
        Change::Applied(Applied { how: ApplyHow::Replay, step, digest, .. }) => (step.after, *digest, false, FuzzySnapshot),
        Change::Applied(Applied { step, digest, .. }) => (step.after, *digest, true, ReplicaConvergence),
        Change::Loaded { digest } => {
            let from_leader = matches!(event.note(), Some(Note::SnapshotLoaded { from: SnapshotSource::Leader, .. }));
            (world.of(me)?.memory, *digest, false, if from_leader { ReplicaConvergence } else { FuzzySnapshot })
        }
        _ => return None,
    };
    let deed = differing(world, me, place, digest, delivers, event.n)?;
    let other = Fact::new(deed.digest_event, format!("the database after {} has digest {:016x}", place.zxid, deed.digest));
    Some((invariant, [other, Fact::new(event.n, format!("that of {me} has digest {digest:016x}"))]))
}

/// Whether the database is what it is elsewhere after this transaction. Who delivers it first says what it must be.
#[inline]
pub fn agrees(world: &mut Replication, me: ServerId, Applied { how, step, digest, .. }: &Applied, event: u64) -> bool {
    differing(world, me, step.after, *digest, *how != ApplyHow::Replay, event).is_none()
}

/// What others say of the database at this place, if that is another.
#[inline]
fn differing(world: &mut Replication, me: ServerId, place: Place, digest: u64, delivers: bool, event: u64) -> Option<Deed> {
    let replica = world.of(me)?;
    let (means_something, excused) = (place.zxid >= replica.exact_from, replica.damaged && !delivers);
    if !means_something || excused {
        return None;
    }
    let deed = world.committed.of_mut(place)?;
    if deed.digest == 0 && delivers {
        (deed.digest, deed.digest_event) = (digest, event);
    }
    if deed.digest == 0 || deed.digest == digest { None } else { Some(*deed) }
}

/// A recovered copy of a disk gave `digest` at `place`: what the committed history says to that.
pub fn recovered(world: &mut Replication, place: Place, digest: u64, event: &Event) -> Option<Breach> {
    let deed = *world.committed.of_mut(place)?;
    if deed.digest == 0 || deed.digest == digest {
        return None;
    }
    let other = Fact::new(deed.digest_event, format!("the database after {} has digest {:016x}", place.zxid, deed.digest));
    Some((FuzzySnapshot, [other, Fact::new(event.n, event.to_string())]))
}

#[cfg(test)]
mod tests {
    use crate::check::Invariant;
    use crate::check::replication_story::{At, Commit, Replay, digest, txn, zxid};
    use crate::check::tests::Story;
    use crate::trace::{ApplyHow, Note, SnapshotSource};

    fn applies_wrongly(story: &mut Story, node: i64, how: ApplyHow, at: At) {
        story.notes(node, Note::Applied { txn: txn(at), how, digest: 4711 });
    }

    #[test]
    fn who_delivers_the_same_has_the_same() {
        let mut story = Story::ensemble();
        story.proposes(3, (1, 1)).commits(3, (1, 1), &[]).applies(3, Commit, (1, 1)).applies(2, Commit, (1, 1));
        assert_eq!(story.violation(), None);
        applies_wrongly(&mut story, 1, Commit, (1, 1));
        story.breaks(Invariant::ReplicaConvergence);
    }

    #[test]
    fn what_nobody_has_delivered_is_compared_with_nothing() {
        let mut story = Story::ensemble();
        story.proposes(3, (1, 1)).logs(1, (1, 1)).records(1, crate::trace::Record::Crashed).records(1, crate::trace::Record::Started { life: 2 });
        applies_wrongly(&mut story, 1, Replay, (1, 1));
        assert_eq!(story.violation(), None);
    }

    #[test]
    fn a_disk_gives_back_what_memory_had() {
        let mut story = Story::ensemble();
        story.replicates((1, 1)).restarts(1);
        applies_wrongly(&mut story, 1, Replay, (1, 1));
        story.breaks(Invariant::FuzzySnapshot);
    }

    /// Of the oldest files of many the check only knows that none was finished after 1:3.
    #[test]
    fn a_fuzzy_snapshot_that_is_long_forgotten_counts_as_the_worst_of_them() {
        let mut story = Story::ensemble();
        story.replicates((1, 1)).notes(1, Note::SnapshotStarted { zxid: zxid((1, 1)) }).replicates((1, 2)).replicates((1, 3));
        story.notes(1, Note::SnapshotTaken { zxid: zxid((1, 1)), synced: false });
        for counter in 4..20 {
            story.replicates((1, counter)).notes(1, Note::SnapshotStarted { zxid: zxid((1, counter)) });
            story.notes(1, Note::SnapshotTaken { zxid: zxid((1, counter)), synced: false });
        }
        story.restarts(1).loads(1, SnapshotSource::Disk, (1, 1));
        applies_wrongly(&mut story, 1, Replay, (1, 2));
        assert_eq!(story.violation(), None);
    }

    /// While it is written 1:2 and 1:3 are applied: until then the restored database is none that ever was.
    #[test]
    fn a_fuzzy_snapshot_counts_from_where_it_was_finished() {
        let restored = |wrong: At| {
            let mut story = Story::ensemble();
            story.replicates((1, 1)).notes(1, Note::SnapshotStarted { zxid: zxid((1, 1)) }).replicates((1, 2)).replicates((1, 3));
            story.notes(1, Note::SnapshotTaken { zxid: zxid((1, 1)), synced: false }).restarts(1).loads(1, SnapshotSource::Disk, (1, 1));
            for at in [(1, 2), (1, 3)] {
                let digest = if at == wrong { 4711 } else { digest(at) };
                story.notes(1, Note::Applied { txn: txn(at), how: Replay, digest });
            }
            story
        };
        assert_eq!(restored((1, 2)).violation(), None);
        restored((1, 3)).breaks(Invariant::FuzzySnapshot);
    }
}
