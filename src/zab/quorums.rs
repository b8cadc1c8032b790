//! Who decides for a leader while the membership changes: two configurations, both of which must agree. Source: `SyncedLearnerTracker`,
//! `Leader.propose`, `tryToCommit`.
//!
//! A proposal needs the quorums that were asked for when it was made, also when the configuration has come into force meanwhile: those before
//! the reconfiguration one, those from it on two, those behind its commit one again, that of the new configuration.

use std::sync::Arc;

use crate::proto::{Membership, ServerId, Zxid};

use super::voters::{ServerSet, Voters};

/// The configuration in force, and the change that is under way, if one is.
#[derive(Clone, Debug)]
pub struct Quorums {
    current: Voters,
    change: Option<Box<Change>>,
}

/// A second configuration that has its say.
#[derive(Clone, Debug)]
struct Change {
    /// The next one until it is in force, then the one before it.
    other: Voters,
    other_membership: Arc<Membership>,
    /// The first proposal that needs both.
    from: Zxid,
    /// The last; `None` while the next configuration is not in force.
    until: Option<Zxid>,
    /// Another server leads the next configuration: nothing is committed here any more (`allowedToCommit`).
    stopped: bool,
    /// A quorum of the first configuration is enough: `mutant-one-quorum`.
    ignored: bool,
}

impl Quorums {
    pub fn of(current: Arc<Membership>) -> Quorums {
        Quorums { current: Voters::of(current), change: None }
    }

    /// From the proposal `from` on both configurations decide. `ignored`: the second is not asked.
    pub fn begin_change(&mut self, next: Arc<Membership>, from: Zxid, ignored: bool) {
        let other = Voters::of(next.clone());
        self.change = Some(Box::new(Change { other, other_membership: next, from, until: None, stopped: false, ignored }));
    }

    /// The configuration that is proposed and not in force.
    pub fn next(&self) -> Option<&Arc<Membership>> {
        self.change.as_ref().filter(|change| change.until.is_none()).map(|change| &change.other_membership)
    }

    /// The next configuration is in force. What was proposed up to `last` needs both. `stopped`: and is not committed here.
    pub fn activate(&mut self, last: Zxid, stopped: bool) {
        if let Some(change) = &mut self.change {
            std::mem::swap(&mut self.current, &mut change.other);
            change.until = Some(last);
            change.stopped = stopped;
        }
    }

    /// All up to `zxid` is committed: the change may be over.
    pub fn committed(&mut self, zxid: Zxid) {
        self.change.take_if(|change| !change.stopped && change.until.is_some_and(|until| zxid >= until));
    }

    #[inline]
    pub fn is_changing(&self) -> bool {
        self.change.is_some()
    }

    /// Whether anybody asks this server.
    #[inline]
    pub fn contains(&self, id: ServerId) -> bool {
        self.current.contains(id) || self.change.as_ref().is_some_and(|change| change.other.contains(id))
    }

    /// Whether `set` is a quorum of the configuration in force.
    pub fn decide(&self, set: &ServerSet) -> bool {
        self.current.decide(set)
    }

    /// Whether it is one of the next configuration too.
    pub fn decide_both(&self, set: &ServerSet) -> bool {
        let next = self.change.as_ref().filter(|change| change.until.is_none());
        self.current.decide(set) && next.is_none_or(|change| change.ignored || change.other.decide(set))
    }

    /// Whether these acknowledgements commit the proposal `zxid`.
    #[inline]
    pub fn commit(&self, zxid: Zxid, acks: &ServerSet) -> bool {
        match &self.change {
            None => self.current.decide(acks),
            Some(change) => self.commit_in_change(change, zxid, acks),
        }
    }

    #[cold]
    #[inline(never)]
    fn commit_in_change(&self, change: &Change, zxid: Zxid, acks: &ServerSet) -> bool {
        let needs_both = zxid >= change.from && change.until.is_none_or(|until| zxid <= until);
        !change.stopped && self.current.decide(acks) && (change.ignored || !needs_both || change.other.decide(acks))
    }

    /// The voters of the configuration in force among `set`.
    pub fn current_voters(&self, set: &ServerSet) -> ServerSet {
        self.current.among(set)
    }

    /// The voters of the next configuration among `set`.
    pub fn next_voters(&self, set: &ServerSet) -> ServerSet {
        let next = self.next().map(|next| next.voters().collect()).unwrap_or_default();
        set.and(&next)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn zxid(counter: u32) -> Zxid {
        Zxid::new(2, counter)
    }

    fn set(ids: &[i64]) -> ServerSet {
        ids.iter().copied().map(ServerId).collect()
    }

    /// From s1 s2 s3 to s3 s4 s5, with 2:5.
    fn changing() -> Quorums {
        let mut next = Membership::of(5, 0).with_version(zxid(5));
        next.members.retain(|id, _| id.0 >= 3);
        let mut quorums = Quorums::of(Arc::new(Membership::of(3, 0)));
        quorums.begin_change(Arc::new(next), zxid(5), false);
        quorums
    }

    #[test]
    fn both_decide_from_the_proposal_on() {
        let quorums = changing();
        assert!(quorums.commit(zxid(4), &set(&[1, 2])) && !quorums.commit(zxid(5), &set(&[1, 2])), "what was proposed before needs the old one");
        assert!(quorums.commit(zxid(5), &set(&[2, 3, 4])) && !quorums.commit(zxid(6), &set(&[3, 4, 5])) && !quorums.decide_both(&set(&[1, 2, 5])));
        assert!(quorums.decide(&set(&[1, 2])) && !quorums.decide(&set(&[4, 5])), "the one in force is in force");
        assert!(quorums.contains(ServerId(1)) && quorums.contains(ServerId(5)) && !quorums.contains(ServerId(6)));
        assert_eq!(quorums.next_voters(&set(&[1, 3, 5])), set(&[3, 5]));
    }

    #[test]
    fn what_was_proposed_meanwhile_needs_both_to_its_end() {
        let mut quorums = changing();
        quorums.activate(zxid(7), false);
        assert!(!quorums.commit(zxid(7), &set(&[4, 5])) && quorums.commit(zxid(7), &set(&[2, 3, 4])) && quorums.commit(zxid(8), &set(&[4, 5])));
        assert!(quorums.decide_both(&set(&[4, 5])) && quorums.next().is_none());
        quorums.committed(zxid(6));
        assert!(quorums.is_changing());
        quorums.committed(zxid(7));
        assert!(!quorums.is_changing() && !quorums.contains(ServerId(1)) && quorums.commit(zxid(9), &set(&[3, 5])));
    }

    #[test]
    fn who_does_not_lead_the_next_one_commits_nothing_more() {
        let mut quorums = changing();
        quorums.activate(zxid(7), true);
        quorums.committed(zxid(7));
        assert!(!quorums.commit(zxid(8), &set(&[3, 4, 5])));
    }
}
