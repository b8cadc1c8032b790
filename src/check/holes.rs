//! D-3: no holes. In a log each transaction is the successor of the one before, or the first of a newer epoch.
//!
//! Judged when a server appends, and again when a server reads its log back: the first transaction after a snapshot must follow on it.

use super::Invariant::NoHoles;
use super::reigns::follows;
use super::replication::{Applied, Change, Replication, Step};
use super::verdict::{Breach, Fact};
use crate::proto::NodeId;
use crate::trace::{ApplyHow, Event};

pub fn check(world: &Replication, change: &Change, event: &Event) -> Option<Breach> {
    match change {
        Change::Appended(step) if !continues(world, step) => hole(world, step, None, event),
        Change::Applied(applied) if !rereads(world, applied) => hole(world, &applied.step, Some(applied.since), event),
        _ => None,
    }
}

/// Whether what is appended may come next.
#[inline]
pub fn continues(world: &Replication, step: &Step) -> bool {
    let next = step.txn.zxid;
    follows(step.before.zxid, next, || world.reigns.first_of(next.epoch()))
}

/// Whether what is applied may come next in the log, if that is where it comes from.
#[inline]
pub fn rereads(world: &Replication, applied: &Applied) -> bool {
    applied.how != ApplyHow::Replay || continues(world, &applied.step)
}

fn hole(world: &Replication, Step { before, .. }: &Step, since: Option<u64>, event: &Event) -> Option<Breach> {
    let me = event.node.and_then(NodeId::as_server)?;
    let replica = world.of(me)?;
    if replica.damaged {
        return None;
    }
    let ends = format!("the history on the disk of {me} goes up to {}", before.zxid);
    Some((NoHoles, [Fact::new(since.unwrap_or(replica.durable.event), ends), Fact::new(event.n, event.to_string())]))
}

#[cfg(test)]
mod tests {
    use crate::check::Invariant;
    use crate::check::tests::Story;

    #[test]
    fn successors_and_first_of_epochs_may_follow() {
        let mut story = Story::ensemble();
        story
            .replicates((1, 1))
            .recovers(1, (0, 0), &[(1, 1)])
            .leads(3, 2, &[1, 3])
            .establishes(3, 2, &[1, 3])
            .proposes(3, (2, 1))
            .appends(1, (2, 1));
        assert_eq!(story.violation(), None);
    }

    /// ZOOKEEPER-4882, 3642: what memory had was never logged.
    #[test]
    fn a_log_has_no_hole() {
        let mut story = Story::ensemble();
        story.replicates((1, 1)).proposes(3, (1, 2)).proposes(3, (1, 3)).appends(1, (1, 3));
        let violation = story.breaks(Invariant::NoHoles);
        assert_eq!(violation.facts[0].text, "the history on the disk of s1 goes up to 1:1");
    }

    #[test]
    fn a_log_follows_on_its_snapshot() {
        let mut story = Story::of(3);
        story.records(1, crate::trace::Record::Started { life: 1 }).reads_disk(1, (1, 5), &[(1, 6), (1, 8)]);
        story.breaks(Invariant::NoHoles);
        let mut story = Story::of(3);
        story.records(1, crate::trace::Record::Started { life: 1 }).reads_disk(1, (1, 5), &[(1, 7)]);
        story.breaks(Invariant::NoHoles);
    }

    #[test]
    fn a_rotten_log_may_have_holes() {
        let mut story = Story::ensemble();
        story.replicates((1, 1)).replicates((1, 2)).replicates((1, 3)).action("disk s1 rot log.newest").restarts(1).reads_disk(
            1,
            (0, 0),
            &[(1, 1), (1, 3)],
        );
        assert_eq!(story.violation(), None);
    }
}
