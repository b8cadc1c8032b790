//! Who may vote, what a quorum is, which vote is better: the checks' own arithmetic.
//!
//! Written apart from `election` on purpose. What a known bug switches there must not change what is right here.

use std::collections::{BTreeMap, BTreeSet};

use crate::proto::{Membership, ServerId, Vote};

/// The voters of a membership. Everybody else, observers and strangers, has no say.
#[derive(Clone, Debug)]
pub struct Electorate {
    voters: BTreeMap<ServerId, Voter>,
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
        Electorate { is_voter: (0..=last).map(|id| voters.contains_key(&ServerId(id))).collect(), voters, hierarchical }
    }

    #[inline]
    pub fn is_voter(&self, id: ServerId) -> bool {
        self.is_voter.get(id.0 as usize) == Some(&true)
    }

    /// Whether a server may be elected: voters without weight may not.
    pub fn may_lead(&self, id: ServerId) -> bool {
        self.voters.get(&id).is_some_and(|voter| voter.weight > 0)
    }

    /// More than half of the voters, by heads.
    pub fn is_majority(&self, set: &BTreeSet<ServerId>) -> bool {
        2 * set.iter().filter(|id| self.is_voter(**id)).count() > self.voters.len()
    }

    /// A majority; in a hierarchy more than half of the weight in more than half of the groups that have any.
    pub fn is_quorum(&self, set: &BTreeSet<ServerId>) -> bool {
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
        if self.hierarchical { self.is_quorum(&servers.collect()) } else { 2 * servers.filter(|id| self.is_voter(*id)).count() > self.voters.len() }
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
    fn observers_and_the_weightless_do_not_lead() {
        let grouped = Electorate::new(&memberships()[4]);
        assert!(grouped.may_lead(ServerId(1)) && !grouped.may_lead(ServerId(5)) && !grouped.may_lead(ServerId(7)) && !grouped.may_lead(ServerId(9)));
        assert!(grouped.is_voter(ServerId(5)) && !grouped.is_voter(ServerId(7)));
    }
}
