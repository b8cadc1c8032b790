//! Z-2, Z-4, Z-5, Z-6, Z-9, Z-11: what is delivered, and in which order.
//!
//! A commit delivers; so does serving, which delivers all that a synchronisation applied. Replay does not: it puts transactions into the tree
//! that nobody may have committed. One look at the committed history tells whether a delivered transaction is right; how it is wrong tells the
//! name:
//!
//! - Z-6, Z-5: it is of an older epoch than the last, or not the successor of the last of its epoch.
//! - Z-2: nobody proposed it, or not with this payload.
//! - Z-9: its leader has not committed it.
//! - Z-11: others have delivered past it without it.
//! - Z-4: others have delivered it after other transactions.

use super::Invariant::{self, CommitConsistency, GlobalPrimaryOrder, Integrity, LocalPrimaryOrder, PrefixConsistency, TotalOrder};
use super::history::Found;
use super::reigns::follows;
use super::replication::{Applied, Change, Replication, Step};
use super::verdict::{Breach, Fact, Facts};
use crate::proto::{NodeId, ServerId, Zxid};
use crate::trace::{ApplyHow, Event, Note};

pub fn check(world: &Replication, change: &Change, event: &Event) -> Option<Breach> {
    match change {
        Change::Applied(one) => applied(world, one, event),
        Change::Committed { overtakes, .. } => overtakes.map(|oldest| overtaken(oldest, event)),
        Change::Other => serving(world, event),
        _ => None,
    }
}

/// Whether it is the next transaction of the committed history, in the place of that one. Replay delivers nothing.
#[inline]
pub fn is_right(world: &Replication, Applied { how, step, .. }: &Applied) -> bool {
    *how == ApplyHow::Replay || in_order(world, step) && world.committed.at(step.txn.zxid) == Found::Here(step.after.prefix)
}

#[inline]
fn in_order(world: &Replication, step: &Step) -> bool {
    let next = step.txn.zxid;
    follows(step.before.zxid, next, || world.reigns.first_of(next.epoch()))
}

fn applied(world: &Replication, one: &Applied, event: &Event) -> Option<Breach> {
    let step = &one.step;
    if is_right(world, one) {
        return None;
    }
    if !in_order(world, step) {
        return Some(out_of_order(step, one.since, event));
    }
    deviates(world, step, one.how == ApplyHow::Commit, event)
}

/// The leader commits a proposal that is not its oldest.
fn overtaken(oldest: Zxid, event: &Event) -> Breach {
    let waits = Fact::new(event.n, format!("{oldest} is proposed and not committed"));
    (LocalPrimaryOrder, [waits, told(event)])
}

fn out_of_order(step: &Step, since: u64, event: &Event) -> Breach {
    let (last, next) = (step.before.zxid, step.txn.zxid);
    let invariant = if next.epoch() < last.epoch() { GlobalPrimaryOrder } else { LocalPrimaryOrder };
    (invariant, [Fact::new(since, format!("{} has applied all up to {last}", subject(event))), told(event)])
}

/// It is not known as committed. With a synchronisation that may be right: the leader may not be established yet.
fn deviates(world: &Replication, step: &Step, is_commit: bool, event: &Event) -> Option<Breach> {
    match world.committed.at(step.txn.zxid) {
        Found::Here(prefix) => differs(world, step, prefix.differs(step.after.prefix), event),
        Found::Missing if is_commit => Some(not_committed(world, step, event)),
        Found::Missing | Found::Forgotten => None,
    }
}

/// It is committed under its zxid, perhaps with another payload or after other transactions.
fn differs(world: &Replication, step: &Step, history: bool, event: &Event) -> Option<Breach> {
    let zxid = step.txn.zxid;
    let since = world.committed.event_of(zxid);
    if world.committed.has_payload(step.txn) == Some(false) {
        return Some((Integrity, [Fact::new(since, format!("{zxid} was proposed and committed with another payload")), told(event)]));
    }
    history
        .then(|| (TotalOrder, [Fact::new(since, format!("{zxid} was committed after other transactions than {} has", subject(event))), told(event)]))
}

fn not_committed(world: &Replication, step: &Step, event: &Event) -> Breach {
    let (zxid, end) = (step.txn.zxid, world.committed.end().zxid);
    let because = |invariant: Invariant, text: String| -> Breach { (invariant, [Fact::new(world.committed.event, text), told(event)]) };
    if zxid < end {
        return because(PrefixConsistency, format!("the committed history goes up to {end}, and {zxid} is not in it"));
    }
    match world.reigns.proposed(zxid) {
        Some(_) => because(CommitConsistency, format!("all that is committed ends at {end}")),
        None => because(Integrity, format!("nobody has proposed anything after {end}")),
    }
}

/// Who serves has delivered all that it was synchronised with; all of that is committed, for its leader is established.
fn serving(world: &Replication, event: &Event) -> Option<Breach> {
    let Some(Note::Serving { .. }) = event.note() else { return None };
    let replica = world.of(event.node.and_then(NodeId::as_server)?)?;
    let facts = |text| -> Facts { [Fact::new(world.committed.event, text), told(event)] };
    match world.committed.at(replica.memory.zxid) {
        Found::Here(prefix) if prefix.differs(replica.memory.prefix) => {
            Some((CommitConsistency, facts(format!("another history was committed up to {}", replica.memory.zxid))))
        }
        Found::Missing => {
            Some((CommitConsistency, facts(format!("{} is not committed, and {} has applied it", replica.memory.zxid, subject(event)))))
        }
        _ => None,
    }
}

fn subject(event: &Event) -> ServerId {
    event.node.and_then(NodeId::as_server).unwrap_or(ServerId::NOBODY)
}

fn told(event: &Event) -> Fact {
    Fact::new(event.n, event.to_string())
}

#[cfg(test)]
mod tests {
    use crate::check::Invariant;
    use crate::check::replication_story::{Commit, Sync, digest, txn};
    use crate::check::tests::Story;
    use crate::proto::TxnRef;
    use crate::trace::{Note, SyncHow};

    #[test]
    fn writes_are_delivered_in_order() {
        let mut story = Story::ensemble();
        for counter in 1..=5 {
            story.replicates((1, counter));
        }
        assert_eq!(story.violation(), None);
    }

    #[test]
    fn a_follower_does_not_deliver_before_the_commit() {
        let mut story = Story::ensemble();
        story.proposes(3, (1, 1)).logs(1, (1, 1)).applies(1, Commit, (1, 1));
        story.breaks(Invariant::CommitConsistency);
    }

    #[test]
    fn nobody_delivers_what_nobody_proposed() {
        let mut story = Story::ensemble();
        story.applies(1, Commit, (1, 1));
        story.breaks(Invariant::Integrity);
        let mut story = Story::ensemble();
        story.proposes(3, (1, 1)).commits(3, (1, 1), &[]);
        let other = TxnRef { hash: 77, ..txn((1, 1)) };
        story.notes(1, Note::Applied { txn: other, how: Commit, digest: 1 });
        story.breaks(Invariant::Integrity);
    }

    #[test]
    fn nothing_is_left_out_of_an_epoch() {
        let mut story = Story::ensemble();
        story.proposes(3, (1, 1)).proposes(3, (1, 2)).commits(3, (1, 1), &[]).commits(3, (1, 2), &[]).applies(1, Commit, (1, 2));
        story.breaks(Invariant::LocalPrimaryOrder);
        let mut story = Story::ensemble();
        story.proposes(3, (1, 1)).proposes(3, (1, 2)).commits(3, (1, 2), &[]);
        story.breaks(Invariant::LocalPrimaryOrder);
    }

    /// ZOOKEEPER-1277: the counter runs over into the epoch.
    #[test]
    fn no_transaction_has_counter_0() {
        let mut story = Story::of(3);
        story.boots_from(3, (1, u32::MAX), 1, 1).leads(3, 1, &[1, 3]).establishes(3, 1, &[1, 3]);
        story.proposes(3, (2, 0)).commits(3, (2, 0), &[]).applies(3, Commit, (2, 0));
        story.breaks(Invariant::LocalPrimaryOrder);
    }

    #[test]
    fn an_older_epoch_does_not_come_after_a_newer_one() {
        let mut story = Story::ensemble();
        story.replicates((1, 1)).leads(3, 2, &[1, 3]).establishes(3, 2, &[1, 3]).proposes(3, (2, 1)).commits(3, (2, 1), &[]);
        story.applies(3, Commit, (2, 1)).applies(3, Commit, (1, 2));
        story.breaks(Invariant::GlobalPrimaryOrder);
    }

    /// An old leader that needs no quorum goes on, while others follow a new one.
    #[test]
    fn two_leaders_do_not_deliver_different_histories() {
        let mut story = Story::ensemble();
        story.replicates((1, 1)).proposes(3, (1, 2));
        story.leads(2, 2, &[1, 2]).synchronizes(2, 1, 2, (1, 1)).establishes(2, 2, &[1, 2]).serves(1, 2, 2);
        story.proposes(2, (2, 1)).commits(2, (2, 1), &[]).applies(2, Commit, (2, 1)).commits(3, (1, 2), &[]);
        assert_eq!(story.violation(), None);
        story.applies(3, Commit, (1, 2));
        let violation = story.breaks(Invariant::PrefixConsistency);
        assert_eq!(violation.facts[0].text, "the committed history goes up to 2:1, and 1:2 is not in it");
    }

    /// ZOOKEEPER-1154: s1 has logged 1:2 alone, and is sent only what follows.
    #[test]
    fn what_others_do_not_have_is_not_delivered_before_what_they_have() {
        let mut story = Story::ensemble();
        story.replicates((1, 1)).proposes(3, (1, 2)).logs(1, (1, 2)).recovers(1, (0, 0), &[(1, 1), (1, 2)]);
        story.leads(2, 2, &[2, 3]).synchronizes(2, 3, 2, (1, 1)).establishes(2, 2, &[2, 3]);
        story.proposes(2, (2, 1)).commits(2, (2, 1), &[]).applies(2, Commit, (2, 1));
        story.begins_sync(2, 1, 2, SyncHow::Diff, (1, 2), (2, 1)).applies(1, Sync, (2, 1));
        story.breaks(Invariant::TotalOrder);
    }

    #[test]
    fn who_serves_has_only_what_is_committed() {
        let mut story = Story::ensemble();
        story.replicates((1, 1)).proposes(3, (1, 2)).logs(1, (1, 2));
        story.notes(1, Note::Applied { txn: txn((1, 2)), how: Sync, digest: digest((1, 2)) }).serves(1, 3, 1);
        story.breaks(Invariant::CommitConsistency);
    }
}
