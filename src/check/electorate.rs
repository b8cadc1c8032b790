//! Who may vote, what a quorum is, which vote is better: the checks' own arithmetic.
//!
//! Written apart from `election` on purpose. What a known bug switches there must not change what is right here.

use std::collections::{BTreeMap, BTreeSet};

use crate::proto::{Membership, ServerId, Vote};

/// The voters of a membership. Everybody else, observers and strangers, has no say.
///
/// While the membership changes there are two, and both must agree.
#[derive(Clone, Debug)]
pub struct Electorate {
    voters: BTreeMap<ServerId, Voter>,
    observers: BTreeSet<ServerId>,
    /// That of the membership which is proposed.
    next: Option<Box<Electorate>>,
    /// The same by id: asked for at every answer to a client.
    is_voter: Vec<bool>,
    /// Quorums count groups and weights, not heads.
    hierarchical: bool,
}

#[derive(Clone, Copy, Debug)]
struct Voter {
    group: u32,
    weight: u64,
}

impl Electorate {
    pub fn new(members: &Membership) -> Electorate {
        let hierarchical = members.is_hierarchical();
        let voter = |id: ServerId| {
            let member = members.members[&id];
            let weight = if hierarchical { u64::from(member.weight) } else { 1 };
            (id, Voter { group: member.group.unwrap_or(0), weight })
        };
        let voters: BTreeMap<ServerId, Voter> = members.voters().map(voter).collect();
        let last = voters.keys().next_back().map_or(0, |id| id.0);
        let observers = members.members.keys().copied().filter(|id| !members.is_voter(*id)).collect();
        Electorate { is_voter: (0..=last).map(|id| voters.contains_key(&ServerId(id))).collect(), voters, observers, next: None, hierarchical }
    }

    /// The same while another membership is proposed.
    pub fn changing_to(members: &Membership, next: Option<&Membership>) -> Electorate {
        Electorate { next: next.map(|next| Box::new(Electorate::new(next))), ..Electorate::new(members) }
    }

    /// Whether a server is listed as an observer.
    pub fn is_observer(&self, id: ServerId) -> bool {
        self.observers.contains(&id)
    }

    /// Whether it is in one of the lists at all.
    pub fn lists(&self, id: ServerId) -> bool {
        self.is_voter(id) || self.is_observer(id) || self.next.as_ref().is_some_and(|next| next.lists(id))
    }

    /// Whether it may vote, in one membership or the other.
    pub fn has_say(&self, id: ServerId) -> bool {
        self.is_voter(id) || self.next.as_ref().is_some_and(|next| next.is_voter(id))
    }

    #[inline]
    pub fn is_voter(&self, id: ServerId) -> bool {
        self.is_voter.get(id.0 as usize) == Some(&true)
    }

    /// Whether a server may be elected: voters without weight may not.
    pub fn may_lead(&self, id: ServerId) -> bool {
        self.voters.get(&id).is_some_and(|voter| voter.weight > 0) || self.next.as_ref().is_some_and(|next| next.may_lead(id))
    }

    /// More than half of the voters, by heads.
    pub fn is_majority(&self, set: &BTreeSet<ServerId>) -> bool {
        2 * set.iter().filter(|id| self.is_voter(**id)).count() > self.voters.len()
    }

    /// A majority; in a hierarchy more than half of the weight in more than half of the groups that have any. Of both memberships, if there are
    /// two.
    pub fn is_quorum(&self, set: &BTreeSet<ServerId>) -> bool {
        self.is_own_quorum(set) && self.next.as_ref().is_none_or(|next| next.is_quorum(set))
    }

    fn is_own_quorum(&self, set: &BTreeSet<ServerId>) -> bool {
        if !self.hierarchical {
            return self.is_majority(set);
        }
        // By group: the weight that is present, and all of it.
        let mut groups: BTreeMap<u32, (u64, u64)> = BTreeMap::new();
        for (id, voter) in self.voters.iter().filter(|(_, voter)| voter.weight > 0) {
            let (present, total) = groups.entry(voter.group).or_default();
            *present += if set.contains(id) { voter.weight } else { 0 };
            *total += voter.weight;
        }
        let won = groups.values().filter(|(present, total)| 2 * present > *total).count();
        2 * won > groups.len()
    }

    /// The same for servers that are told one by one. Of plain majorities only heads are counted.
    #[inline]
    pub fn is_quorum_of(&self, servers: impl Iterator<Item = ServerId>) -> bool {
        if self.hierarchical || self.next.is_some() {
            return self.is_quorum(&servers.collect());
        }
        2 * servers.filter(|id| self.is_voter(*id)).count() > self.voters.len()
    }

    /// Whether a vote must be adopted by a server that proposes `current`: (epoch, zxid, id) is larger, and its candidate has weight.
    pub fn beats(&self, new: &Vote, current: &Vote) -> bool {
        let weightless = self.hierarchical && !self.may_lead(new.leader);
        !weightless && (new.epoch, new.zxid, new.leader) > (current.epoch, current.zxid, current.leader)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bugs::Bugs;
    use crate::election::{quorum, vote_order};
    use crate::proto::{Epoch, LearnerType, Member, Zxid};

    fn memberships() -> Vec<Membership> {
        let mut weighted = Membership::of(6, 1);
        for ((id, member), weight) in weighted.members.iter_mut().zip([3, 1, 1, 2, 0, 0]) {
            *member = Member { role: LearnerType::Participant, weight, group: Some((id.0 as u32 - 1) / 2) };
        }
        vec![Membership::of(1, 0), Membership::of(3, 0), Membership::of(4, 2), Membership::of(5, 1), weighted]
    }

    /// Two independent writings of one rule agree on every set of seven servers.
    #[test]
    fn quorums_are_those_of_the_protocol() {
        for members in memberships() {
            let electorate = Electorate::new(&members);
            for bits in 0..1_u32 << 7 {
                let set: BTreeSet<ServerId> = (0..7).filter(|bit| bits >> bit & 1 == 1).map(|bit| ServerId(bit + 1)).collect();
                assert_eq!(electorate.is_quorum(&set), quorum::contains_quorum(&members, &set), "{set:?} of {members:?}");
                assert_eq!(electorate.is_quorum(&set), electorate.is_quorum_of(set.iter().copied()), "{set:?} of {members:?}");
            }
        }
    }

    #[test]
    fn votes_are_ordered_as_in_the_protocol() {
        for members in memberships() {
            let electorate = Electorate::new(&members);
            let vote = |code: i64| Vote { leader: ServerId(code % 3 + 1), zxid: Zxid(code / 3 % 3), epoch: Epoch(code / 9) };
            for (new, current) in (0..27 * 27).map(|code| (vote(code / 27), vote(code % 27))) {
                assert_eq!(electorate.beats(&new, &current), vote_order::supersedes(&members, Bugs::NONE, &new, &current), "{new}, {current}");
            }
        }
    }

    #[test]
    fn while_the_membership_changes_both_must_agree() {
        let mut next = Membership::of(5, 0);
        next.members.retain(|id, _| id.0 >= 3);
        let electorate = Electorate::changing_to(&Membership::of(3, 0), Some(&next));
        for (ids, expected) in [(&[1, 2][..], false), (&[4, 5], false), (&[1, 2, 4], false), (&[2, 3, 4], true), (&[1, 2, 4, 5], true)] {
            let set: BTreeSet<ServerId> = ids.iter().copied().map(ServerId).collect();
            assert_eq!((electorate.is_quorum(&set), electorate.is_quorum_of(set.iter().copied())), (expected, expected), "{ids:?}");
        }
        assert!(electorate.has_say(ServerId(5)) && electorate.may_lead(ServerId(5)) && !electorate.is_voter(ServerId(5)));
    }

    #[test]
    fn observers_and_the_weightless_do_not_lead() {
        let grouped = Electorate::new(&memberships()[4]);
        assert!(grouped.may_lead(ServerId(1)) && !grouped.may_lead(ServerId(5)) && !grouped.may_lead(ServerId(7)) && !grouped.may_lead(ServerId(9)));
        assert!(grouped.is_voter(ServerId(5)) && !grouped.is_voter(ServerId(7)));
    }
}
