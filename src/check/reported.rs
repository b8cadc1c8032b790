//! D-2: the last zxid that a server reports is that of its log, and durable.
//!
//! Reported it is in two places: with the first vote of an election, and to a leader in ACKEPOCH. Less than the log would let an election
//! forget what a quorum has logged; more, or what a power loss could take back, would let a leader count on what is not there. A server
//! that led may report `(epoch, 0)`, which is the end of all it has.

use super::Invariant::ReportedZxidDurable;
use super::electorate::Electorate;
use super::replication::Replication;
use super::verdict::{Breach, Fact};
use crate::proto::{NodeId, Packet, QuorumKind, ServerId, Zxid};
use crate::trace::{Event, Note, Record, What};

pub fn check(electorate: &Electorate, world: &Replication, event: &Event) -> Option<Breach> {
    let me = event.node.and_then(NodeId::as_server).filter(|me| electorate.is_voter(*me))?;
    match &event.what {
        What::Note(Note::LookingStarted { vote, .. }) if vote.leader == me => judge(world, me, vote.zxid, event, "votes"),
        What::Record(Record::Sent { packet: Packet::Quorum { kind: QuorumKind::AckEpoch, zxid, .. }, .. }) => {
            judge(world, me, *zxid, event, "tells its leader of a history up to")
        }
        _ => None,
    }
}

fn judge(world: &Replication, me: ServerId, reported: Zxid, event: &Event, how: &str) -> Option<Breach> {
    let replica = world.of(me)?;
    if !replica.tells || reported == Zxid::UNTRUSTED || reported == Zxid::NONE {
        return None;
    }
    let (log, durable) = (replica.disk.end().zxid, replica.durable.known);
    let means_all = reported.counter() == 0 && reported >= log && reported == replica.memory.zxid;
    let problem = if reported != log && !means_all {
        format!("the log of {me} ends at {log}")
    } else if durable < log {
        format!("what is durable of the log of {me} ends at {durable}")
    } else {
        return None;
    };
    let how = if how == "votes" { format!("{me} votes for itself with {reported}") } else { format!("{me} {how} {reported}") };
    Some((ReportedZxidDurable, [Fact::new(replica.durable.event, problem), Fact::new(event.n, how)]))
}

#[cfg(test)]
mod tests {
    use crate::check::Invariant;
    use crate::check::replication_story::{Commit, Sync};
    use crate::check::tests::Story;
    use crate::trace::{Record, SyncHow};

    #[test]
    fn the_end_of_the_log_is_told() {
        let mut story = Story::ensemble();
        story.replicates((1, 1)).goes_looking(1, (1, 1)).goes_looking(3, (1, 1));
        assert_eq!(story.violation(), None);
    }

    /// Before it proposes anything.
    #[test]
    fn who_led_may_tell_the_epoch_that_it_led() {
        let mut story = Story::ensemble();
        story.replicates((1, 1)).leads(3, 2, &[1, 3]).establishes(3, 2, &[1, 3]).goes_looking(3, (2, 0));
        assert_eq!(story.violation(), None);
        story.goes_looking(1, (2, 0));
        story.breaks(Invariant::ReportedZxidDurable);
    }

    /// ZOOKEEPER-2845: memory does not have what the log has. ZOOKEEPER-2355: it claims what it has not got.
    #[test]
    fn neither_less_nor_more_is_told() {
        for told in [(1, 1), (1, 3)] {
            let mut story = Story::ensemble();
            story.replicates((1, 1)).proposes(3, (1, 2)).logs(1, (1, 2)).goes_looking(1, told);
            let violation = story.breaks(Invariant::ReportedZxidDurable);
            assert_eq!(violation.facts[0].text, "the log of s1 ends at 1:2");
        }
    }

    #[test]
    fn what_is_told_is_durable() {
        let mut story = Story::ensemble();
        story.replicates((1, 1)).proposes(3, (1, 2)).appends(1, (1, 2)).goes_looking(1, (1, 2));
        story.breaks(Invariant::ReportedZxidDurable);
    }

    /// A process crash leaves it in the page cache, a power loss on the medium or nowhere.
    #[test]
    fn what_was_read_back_is_durable_only_after_a_power_loss() {
        let comes_back = |power: bool| {
            let mut story = Story::ensemble();
            story.replicates((1, 1)).proposes(3, (1, 2)).appends(1, (1, 2));
            if power {
                story.loses_power(1);
            } else {
                story.records(1, Record::Crashed);
            }
            story.records(1, Record::Started { life: 2 }).reads_disk(1, (0, 0), &[(1, 1), (1, 2)]).boots_from(1, (1, 2), 1, 1).votes(1, (1, 2));
            story
        };
        assert_eq!(comes_back(true).violation(), None);
        comes_back(false).breaks(Invariant::ReportedZxidDurable);
    }

    #[test]
    fn the_same_holds_for_what_a_leader_is_told() {
        let mut story = Story::ensemble();
        story.replicates((1, 1)).goes_looking(1, (1, 1)).begins_sync(3, 1, 1, SyncHow::Diff, (1, 1), (1, 1));
        assert_eq!(story.violation(), None);
        story.goes_looking(1, (1, 1)).acks_epoch_at(1, 3, (1, 2));
        story.breaks(Invariant::ReportedZxidDurable);
    }

    /// ZOOKEEPER-4882: applied, and the log does not have it.
    #[test]
    fn memory_that_is_ahead_of_the_log_is_not_told() {
        let mut story = Story::ensemble();
        story.replicates((1, 1)).proposes(3, (1, 2)).logs(2, (1, 2)).logs(3, (1, 2)).commits(3, (1, 2), &[2, 3]).applies(1, Commit, (1, 2));
        story.goes_looking(1, (1, 2));
        story.breaks(Invariant::ReportedZxidDurable);
        let mut story = Story::ensemble();
        story.replicates((1, 1)).replicates((1, 2)).goes_looking(1, (1, 2)).begins_sync(3, 1, 1, SyncHow::Trunc, (1, 2), (1, 2));
        story.proposes(3, (1, 3)).commits(3, (1, 3), &[]).applies(1, Sync, (1, 3)).goes_looking(1, (1, 3));
        story.breaks(Invariant::ReportedZxidDurable);
    }
}
