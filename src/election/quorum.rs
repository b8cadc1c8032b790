//! Which sets of servers decide. Source: `flexible.QuorumMaj`, `flexible.QuorumHierarchical`; election reference §5.

use std::collections::{BTreeMap, BTreeSet};

use crate::proto::{LearnerType, Membership, ServerId};

/// Whether `set` is a quorum of `members`. Ids that are no voters are not counted.
///
/// Majority: more than half of the voters. Hierarchical (any `group.*` key): more than half of the groups are won, a group is won
/// by more than half of its weight, and groups without weight do not exist.
pub fn contains_quorum(members: &Membership, set: &BTreeSet<ServerId>) -> bool {
    let voting = |id: &&ServerId| members.is_voter(**id);
    if !members.is_hierarchical() {
        return set.iter().filter(voting).count() > members.voters().count() / 2;
    }
    let mut groups: BTreeMap<u32, GroupWeight> = BTreeMap::new();
    for (id, member) in members.members.iter().filter(|(_, member)| member.role == LearnerType::Participant) {
        let group = groups.entry(member.group.unwrap_or(0)).or_default();
        group.total += member.weight;
        if set.contains(id) {
            group.present += member.weight;
        }
    }
    groups.retain(|_, group| group.total > 0);
    let won = groups.values().filter(|group| group.present > group.total / 2).count();
    won > groups.len() / 2
}

#[derive(Default)]
struct GroupWeight {
    total: u32,
    present: u32,
}

/// The weight of `id` as a candidate: 1 for everybody under majority quorums, its `weight.N` under hierarchical ones (0 when unknown).
pub fn weight(members: &Membership, id: ServerId) -> u32 {
    if members.is_hierarchical() { members.members.get(&id).map_or(0, |member| member.weight) } else { 1 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proto::Member;

    fn set(ids: &[i64]) -> BTreeSet<ServerId> {
        ids.iter().copied().map(ServerId).collect()
    }

    /// Three groups of three; `weights` of s1..s9.
    fn grouped(weights: [u32; 9]) -> Membership {
        let mut members = Membership::of(9, 0);
        for ((id, member), weight) in members.members.iter_mut().zip(weights) {
            *member = Member { role: LearnerType::Participant, weight, group: Some((id.0 as u32 - 1) / 3 + 1) };
        }
        members
    }

    #[test]
    fn a_majority_is_more_than_half_of_the_voters() {
        for (voters, ids, expected) in
            [(3, &[1, 2][..], true), (3, &[1], false), (4, &[1, 2], false), (4, &[1, 2, 3], true), (5, &[1, 2, 9], false), (1, &[1], true)]
        {
            assert_eq!(contains_quorum(&Membership::of(voters, 0), &set(ids)), expected, "{ids:?} of {voters}");
        }
    }

    #[test]
    fn observers_are_in_no_quorum() {
        let members = Membership::of(3, 2);
        assert!(!contains_quorum(&members, &set(&[1, 4, 5])));
        assert!(contains_quorum(&members, &set(&[1, 3])));
    }

    #[test]
    fn four_of_nine_suffice_in_three_groups() {
        let even = grouped([1; 9]);
        assert!(contains_quorum(&even, &set(&[1, 2, 4, 5])));
        assert!(!contains_quorum(&even, &set(&[1, 2, 3, 4, 7])), "only one group is won");
    }

    #[test]
    fn weightless_groups_do_not_exist() {
        let members = grouped([1, 1, 1, 0, 0, 0, 0, 0, 0]);
        assert!(contains_quorum(&members, &set(&[1, 2])));
        assert!(!contains_quorum(&members, &set(&[1, 4, 5, 6, 7, 8, 9])));
        assert_eq!((weight(&members, ServerId(1)), weight(&members, ServerId(4)), weight(&members, ServerId(99))), (1, 0, 0));
    }
}
