//! Sets of servers as bits, and which of them decide: every acknowledgement asks, so the question must cost nothing.

use std::sync::Arc;

use crate::election::quorum;
use crate::proto::{Membership, ServerId};

/// Servers by id, 1 to 255.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ServerSet([u64; 4]);

impl ServerSet {
    pub fn insert(&mut self, id: ServerId) {
        debug_assert!((1..=255).contains(&id.0), "{id} is no server of an ensemble");
        self.0[(id.0 >> 6) as usize & 3] |= 1 << (id.0 & 63);
    }

    pub fn remove(&mut self, id: ServerId) {
        self.0[(id.0 >> 6) as usize & 3] &= !(1 << (id.0 & 63));
    }

    pub fn contains(&self, id: ServerId) -> bool {
        self.0[(id.0 >> 6) as usize & 3] & 1 << (id.0 & 63) != 0
    }

    /// In the order of the ids.
    pub fn iter(&self) -> impl Iterator<Item = ServerId> {
        (1..=255).map(ServerId).filter(|id| self.contains(*id))
    }

    /// As notes tell it.
    pub fn to_vec(self) -> Vec<ServerId> {
        let mut ids = Vec::with_capacity(self.len() as usize);
        for (word, bits) in self.0.iter().enumerate() {
            let mut rest = *bits;
            while rest != 0 {
                ids.push(ServerId(word as i64 * 64 + i64::from(rest.trailing_zeros())));
                rest &= rest - 1;
            }
        }
        ids
    }

    fn len(&self) -> u32 {
        self.0.iter().map(|bits| bits.count_ones()).sum()
    }

    pub fn and(&self, other: &ServerSet) -> ServerSet {
        ServerSet(std::array::from_fn(|word| self.0[word] & other.0[word]))
    }
}

impl FromIterator<ServerId> for ServerSet {
    fn from_iter<I: IntoIterator<Item = ServerId>>(ids: I) -> ServerSet {
        let mut set = ServerSet::default();
        ids.into_iter().for_each(|id| set.insert(id));
        set
    }
}

/// The quorums of one configuration. The same rule as [`quorum::contains_quorum`], prepared for being asked often.
#[derive(Clone, Debug)]
pub struct Voters {
    all: ServerSet,
    /// A majority has more than this; `None` when quorums are hierarchical.
    half: Option<u32>,
    membership: Arc<Membership>,
}

impl Voters {
    pub fn of(membership: Arc<Membership>) -> Voters {
        let all: ServerSet = membership.voters().collect();
        Voters { all, half: (!membership.is_hierarchical()).then_some(all.len() / 2), membership }
    }

    #[inline]
    pub fn contains(&self, id: ServerId) -> bool {
        self.all.contains(id)
    }

    /// The voters in `set`.
    pub fn among(&self, set: &ServerSet) -> ServerSet {
        set.and(&self.all)
    }

    /// Whether the voters in `set` are a quorum.
    #[inline]
    pub fn decide(&self, set: &ServerSet) -> bool {
        match self.half {
            Some(half) => set.and(&self.all).len() > half,
            None => quorum::contains_quorum(&self.membership, &set.iter().collect()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(ids: &[i64]) -> ServerSet {
        ids.iter().copied().map(ServerId).collect()
    }

    #[test]
    fn a_set_holds_what_was_put_in() {
        let ids = [1, 3, 63, 64, 200, 255];
        let set = set(&ids);
        assert_eq!(set.to_vec(), ids.map(ServerId));
        assert_eq!(set.iter().collect::<Vec<_>>(), ids.map(ServerId));
        assert!(set.contains(ServerId(64)) && !set.contains(ServerId(128)));
    }

    #[test]
    fn it_decides_as_the_verifier_does() {
        let plain = Membership::of(5, 2);
        let mut grouped = Membership::of(6, 0);
        for (id, member) in &mut grouped.members {
            member.group = Some((id.0 as u32 - 1) / 2);
        }
        for membership in [plain, grouped] {
            let voters = Voters::of(Arc::new(membership.clone()));
            for bits in 0..1 << 7 {
                let ids: Vec<ServerId> = (1..=7).filter(|id| bits & 1 << (id - 1) != 0).map(ServerId).collect();
                let expected = quorum::contains_quorum(&membership, &ids.iter().copied().collect());
                assert_eq!(voters.decide(&ids.iter().copied().collect()), expected, "{ids:?}");
            }
        }
    }
}
