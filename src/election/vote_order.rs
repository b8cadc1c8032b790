//! Which of two votes is better. Source: `FastLeaderElection.totalOrderPredicate`; election reference §2.3.

use super::quorum;
use crate::bugs::{Bug, Bugs};
use crate::proto::{Membership, Vote};
use crate::trace::Better;

/// What makes `new` beat `current`, or [`Better::No`]: newer epoch, else newer zxid, else larger id; a candidate of weight 0 never wins.
///
/// The epoch is the candidate's currentEpoch, not the round. The id has no safety meaning; it only makes the winner unique.
pub fn compare(members: &Membership, bugs: Bugs, new: &Vote, current: &Vote) -> Better {
    if quorum::weight(members, new.leader) == 0 {
        return Better::No;
    }
    if new.epoch > current.epoch {
        return Better::Epoch;
    }
    if new.epoch == current.epoch && new.zxid > current.zxid {
        return Better::Zxid;
    }
    // ZOOKEEPER-1419 forgot that ids are compared only when the epochs are equal too.
    let epochs_equal = new.epoch == current.epoch || bugs.has(Bug::Zk1419);
    if epochs_equal && new.zxid == current.zxid && new.leader > current.leader {
        return Better::Id;
    }
    Better::No
}

/// Whether `new` beats `current`.
pub fn supersedes(members: &Membership, bugs: Bugs, new: &Vote, current: &Vote) -> bool {
    compare(members, bugs, new, current) != Better::No
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proto::{Epoch, ServerId, Zxid};

    fn vote(leader: i64, counter: u32, epoch: i64) -> Vote {
        Vote { leader: ServerId(leader), zxid: Zxid::new(1, counter), epoch: Epoch(epoch) }
    }

    fn all_votes() -> Vec<Vote> {
        let mut votes = Vec::new();
        for leader in 1..=3 {
            for counter in 0..3 {
                for epoch in 0..3 {
                    votes.push(vote(leader, counter, epoch));
                }
            }
        }
        votes
    }

    #[test]
    fn epoch_then_zxid_then_id() {
        let members = Membership::of(3, 0);
        let better = |new, current| compare(&members, Bugs::NONE, &new, &current);
        assert_eq!(better(vote(1, 0, 2), vote(3, 9, 1)), Better::Epoch);
        assert_eq!(better(vote(1, 4, 1), vote(3, 3, 1)), Better::Zxid);
        assert_eq!(better(vote(3, 3, 1), vote(2, 3, 1)), Better::Id);
        assert_eq!(better(vote(2, 3, 1), vote(2, 3, 1)), Better::No);
    }

    /// E-1 rests on this: of any two different votes exactly one is better, and better is transitive.
    #[test]
    fn it_is_a_strict_total_order() {
        let members = Membership::of(3, 0);
        let better = |new: &Vote, current: &Vote| supersedes(&members, Bugs::NONE, new, current);
        for a in &all_votes() {
            for b in &all_votes() {
                assert_eq!(better(a, b) ^ better(b, a), a != b, "{a} and {b}");
                for c in &all_votes() {
                    assert!(!(better(a, b) && better(b, c)) || better(a, c), "{a}, {b}, {c}");
                }
            }
        }
    }

    #[test]
    fn zk1419_makes_a_cycle() {
        let members = Membership::of(3, 0);
        let bugs = Bugs::from_iter([Bug::Zk1419]);
        let (newer_epoch, larger_id) = (vote(1, 0, 2), vote(3, 0, 1));
        assert!(supersedes(&members, bugs, &newer_epoch, &larger_id) && supersedes(&members, bugs, &larger_id, &newer_epoch));
    }

    #[test]
    fn without_weight_nobody_is_elected() {
        let mut members = Membership::of(3, 0);
        for member in members.members.values_mut() {
            member.group = Some(1);
        }
        members.members.get_mut(&ServerId(3)).expect("s3 is a member").weight = 0;
        assert!(!supersedes(&members, Bugs::NONE, &vote(3, 9, 9), &vote(1, 0, 0)));
    }
}
