//! What each leader proposed, and where the history began that it proposed to extend: `G.proposed` and `G.leaderOf` of the specifications.

use std::collections::VecDeque;

use super::history::Place;
use crate::proto::{Epoch, ServerId, TxnRef, Zxid};

/// Reigns that are remembered; no server follows so old a leader any more.
const REIGNS_MAX: usize = 64;

/// One server with an epoch of its own, from the moment a quorum has told it their promises.
#[derive(Clone, Debug)]
pub struct Reign {
    pub leader: ServerId,
    pub epoch: Epoch,
    /// Where its history ended when it told the first learner to adopt it (NEWLEADER), and the event. `None` before.
    pub initial: Option<(Place, u64)>,
    /// The event with which a quorum had adopted it.
    pub established: Option<u64>,
    /// The first transaction that it proposed.
    pub first: Option<Zxid>,
    /// The end of its history, proposals included.
    pub end: Place,
    /// Proposals that it has not committed, oldest first, with their events.
    proposals: VecDeque<(Place, u64)>,
}

impl Reign {
    #[inline]
    pub fn propose(&mut self, txn: TxnRef, event: u64) {
        self.first.get_or_insert(txn.zxid);
        self.end = self.end.then(txn);
        self.proposals.push_back((self.end, event));
    }

    /// Takes out the proposal that is committed, and those before it. `None` when it was not proposed.
    #[inline]
    pub fn commit(&mut self, zxid: Zxid) -> Option<Place> {
        while let Some((place, _)) = self.proposals.front().copied().filter(|(place, _)| place.zxid <= zxid) {
            self.proposals.pop_front();
            if place.zxid == zxid {
                return Some(place);
            }
        }
        None
    }

    /// The place of a transaction that is proposed and not committed.
    #[inline]
    pub fn proposed(&self, zxid: Zxid) -> Option<Place> {
        let first = self.proposals.front()?.0.zxid;
        let guess = usize::try_from(zxid.0 - first.0).ok()?;
        self.proposals.get(guess).map(|(place, _)| *place).filter(|place| place.zxid == zxid)
    }

    /// The oldest proposal that is not committed.
    #[inline]
    pub fn oldest(&self) -> Option<Zxid> {
        self.proposals.front().map(|(place, _)| place.zxid)
    }
}

/// All reigns that are remembered, in the order in which their epochs were chosen.
#[derive(Clone, Debug, Default)]
pub struct Reigns(Vec<Reign>);

impl Reigns {
    /// A quorum has told `leader` its promises, and it has chosen `epoch`.
    #[cold]
    pub fn begin(&mut self, leader: ServerId, epoch: Epoch, end: Place) {
        if self.0.len() == REIGNS_MAX {
            self.0.remove(0);
        }
        let (initial, established, first) = (None, None, None);
        self.0.push(Reign { leader, epoch, initial, established, first, end, proposals: VecDeque::new() });
    }

    /// The latest reign of this server.
    #[inline]
    pub fn of(&self, leader: ServerId) -> Option<&Reign> {
        self.0.iter().rev().find(|reign| reign.leader == leader)
    }

    #[inline]
    pub fn of_mut(&mut self, leader: ServerId) -> Option<&mut Reign> {
        self.0.iter_mut().rev().find(|reign| reign.leader == leader)
    }

    /// The latest reign of this server; it begins with `epoch` and this history if nobody has told of it.
    #[inline]
    pub fn of_mut_or_begin(&mut self, leader: ServerId, epoch: Epoch, end: Place) -> &mut Reign {
        let latest = self.0.iter().rposition(|reign| reign.leader == leader);
        let index = latest.unwrap_or_else(|| {
            self.begin(leader, epoch, end);
            self.0.len() - 1
        });
        &mut self.0[index]
    }

    /// Who led an epoch, the latest first if there are several.
    pub fn with(&self, epoch: Epoch) -> impl Iterator<Item = &Reign> {
        self.0.iter().rev().filter(move |reign| reign.epoch == epoch)
    }

    /// The first transaction of an epoch, as far as any was proposed.
    pub fn first_of(&self, epoch: Epoch) -> Option<Zxid> {
        self.with(epoch).find_map(|reign| reign.first)
    }

    /// The place of a transaction that somebody proposed and nobody has committed.
    #[inline]
    pub fn proposed(&self, zxid: Zxid) -> Option<Place> {
        self.0.iter().rev().find_map(|reign| reign.proposed(zxid))
    }
}

/// Whether `next` may come right after `last`: its successor, or the first transaction of a newer epoch (`first`, if it is known).
#[inline]
pub fn follows(last: Zxid, next: Zxid, first: impl FnOnce() -> Option<Zxid>) -> bool {
    if next.0 == last.0 + 1 && next.counter() != 0 {
        return true;
    }
    begins_epoch(last, next, first)
}

#[cold]
fn begins_epoch(last: Zxid, next: Zxid, first: impl FnOnce() -> Option<Zxid>) -> bool {
    let new_epoch = next.epoch() > last.epoch() || last.counter() == 0 && next.epoch() == last.epoch();
    new_epoch && next.counter() != 0 && first().is_none_or(|first| first == next)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn txn(counter: u32) -> TxnRef {
        TxnRef { zxid: Zxid::new(2, counter), hash: 7 }
    }

    #[test]
    fn proposals_wait_for_their_commit() {
        let mut reigns = Reigns::default();
        reigns.begin(ServerId(1), Epoch(2), Place::start());
        let reign = reigns.of_mut(ServerId(1)).expect("it reigns");
        (1..=3).for_each(|counter| reign.propose(txn(counter), 1));
        let second = Place::start().then(txn(1)).then(txn(2));
        assert_eq!(reign.proposed(Zxid::new(2, 2)), Some(second));
        assert_eq!(reign.commit(Zxid::new(2, 2)), Some(second));
        assert_eq!((reign.oldest(), reign.first, reign.commit(Zxid::new(2, 1))), (Some(Zxid::new(2, 3)), Some(Zxid::new(2, 1)), None));
        assert_eq!((reigns.proposed(Zxid::new(2, 1)), reigns.first_of(Epoch(2))), (None, Some(Zxid::new(2, 1))));
    }

    #[test]
    fn the_latest_reign_of_a_server_counts() {
        let mut reigns = Reigns::default();
        for epoch in 1..=100 {
            reigns.begin(ServerId(epoch % 2), Epoch(epoch), Place::start());
        }
        assert_eq!(reigns.of(ServerId(1)).map(|reign| reign.epoch), Some(Epoch(99)));
        assert_eq!((reigns.with(Epoch(98)).count(), reigns.with(Epoch(1)).count()), (1, 0));
    }

    #[test]
    fn successors_have_the_next_counter_or_begin_an_epoch() {
        let zxid = |(epoch, counter)| Zxid::new(epoch, counter);
        let may = |last, next| follows(zxid(last), zxid(next), || Some(zxid((3, 7))));
        assert!(may((2, 4), (2, 5)) && may((2, 4), (3, 7)) && may((3, 0), (3, 7)));
        assert!(!may((2, 4), (2, 6)) && !may((2, 4), (3, 8)) && !may((2, 4), (2, 4)) && !may((3, 9), (2, 9)));
        assert!(!may((2, u32::MAX), (3, 0)), "no transaction has counter 0 (ZOOKEEPER-1277)");
        assert!(follows(zxid((2, 4)), zxid((3, 1)), || None));
    }
}
