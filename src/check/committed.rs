//! The longest history that any established leader has committed: `G.committed` of the specifications.

use super::history::{Found, History, Place};
use crate::proto::{TxnRef, Zxid};

/// Committed transactions that are remembered at most, whoever may still need them.
const MOST: usize = 1 << 16;

/// What is remembered of a committed transaction.
#[derive(Clone, Copy, Debug)]
pub struct Deed {
    /// The event that committed it.
    pub event: u64,
    /// Digest of the database of the server that delivered it first, and the event; zero while nobody has.
    pub digest: u64,
    pub digest_event: u64,
}

/// See the module.
#[derive(Clone, Debug)]
pub struct Committed {
    history: History<Deed>,
    /// The event that brought the last part of it.
    pub event: u64,
}

impl Default for Committed {
    fn default() -> Committed {
        Committed { history: History::from(Place::start()), event: 0 }
    }
}

impl Committed {
    /// What came before all that is remembered.
    pub fn base(&self) -> Place {
        self.history.base()
    }

    /// The committed transactions after a zxid that are remembered, each with the event that committed it.
    pub fn after(&self, zxid: Zxid) -> impl Iterator<Item = (&Place, u64)> {
        self.history.after(zxid).iter().map(|(place, deed)| (place, deed.event))
    }

    #[inline]
    pub fn end(&self) -> Place {
        self.history.end()
    }

    #[inline]
    pub fn at(&self, zxid: Zxid) -> Found {
        self.history.at(zxid)
    }

    pub fn holds(&self, place: Place) -> bool {
        self.history.holds(place)
    }

    pub fn of(&self, zxid: Zxid) -> Option<&Deed> {
        self.history.of(zxid)
    }

    /// What is remembered of the transaction at this place; `None` when another history, or none, is committed there.
    #[inline]
    pub fn of_mut(&mut self, place: Place) -> Option<&mut Deed> {
        self.history.of_mut(place)
    }

    /// The event that committed what is at `zxid`, or the last one that is known.
    pub fn event_of(&self, zxid: Zxid) -> u64 {
        self.of(zxid).map_or(self.event, |deed| deed.event)
    }

    /// Whether this very transaction is committed under its zxid, payload included. `None` when nothing is known under it.
    pub fn has_payload(&self, txn: TxnRef) -> Option<bool> {
        let before = self.history.before(txn.zxid)?;
        let Found::Here(prefix) = self.at(txn.zxid) else { return None };
        let from_before_the_run = prefix == Place::before_the_run(txn.zxid).prefix;
        Some(from_before_the_run || !prefix.differs(before.prefix.then(txn)))
    }

    /// The leader has committed one more. What `needed` is the end of is still needed by a server that lags.
    #[inline]
    pub fn push(&mut self, place: Place, event: u64, needed: impl FnOnce() -> Zxid) {
        self.history.push(place, Deed { event, digest: 0, digest_event: 0 });
        self.event = event;
        self.history.forget(needed, MOST);
    }

    /// An established leader has committed its whole history, which ends at `initial`; `log` is what is known of it.
    pub fn adopt(&mut self, log: &History, initial: Place, event: u64) {
        self.event = event;
        let end = self.end();
        if initial.zxid <= end.zxid {
            return;
        }
        // The part between is not known: what came before it is forgotten with it.
        if log.at(end.zxid) == Found::Forgotten {
            self.history = History::from(log.base());
        }
        let from = self.end().zxid;
        let deed = Deed { event, digest: 0, digest_event: 0 };
        for (place, ()) in log.places().filter(|(place, ())| place.zxid > from && place.zxid <= initial.zxid) {
            self.history.push(*place, deed);
        }
        // A leader whose log does not hold what it starts from.
        if initial.zxid.counter() != 0 && self.end().zxid < initial.zxid {
            self.history = History::from(initial);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn txn(counter: u32, hash: u64) -> TxnRef {
        TxnRef { zxid: Zxid::new(1, counter), hash }
    }

    fn log(base: Place, txns: impl IntoIterator<Item = u32>) -> History {
        let mut log = History::from(base);
        for counter in txns {
            log.push(log.end().then(txn(counter, 7)), ());
        }
        log
    }

    #[test]
    fn the_history_of_an_established_leader_is_committed() {
        let mut committed = Committed::default();
        let log = log(Place::start(), 1..=3);
        committed.adopt(&log, log.end(), 40);
        assert_eq!((committed.end(), committed.event_of(Zxid::new(1, 2))), (log.end(), 40));
        assert_eq!(committed.has_payload(txn(2, 7)), Some(true));
        assert_eq!((committed.has_payload(txn(2, 8)), committed.has_payload(txn(4, 7))), (Some(false), None));
    }

    #[test]
    fn a_leader_that_began_with_a_snapshot_leaves_a_gap_that_is_forgotten() {
        let mut committed = Committed::default();
        let log = log(Place::before_the_run(Zxid::new(1, 5)), 6..=7);
        committed.adopt(&log, log.end(), 40);
        assert_eq!((committed.at(Zxid::new(1, 4)), committed.end()), (Found::Forgotten, log.end()));
    }

    #[test]
    fn what_was_committed_stays_when_a_leader_has_less() {
        let mut committed = Committed::default();
        let log = log(Place::start(), 1..=3);
        committed.adopt(&log, log.end(), 40);
        let Found::Here(prefix) = log.at(Zxid::new(1, 1)) else { panic!("it is there") };
        committed.adopt(&log, Place { zxid: Zxid::new(1, 1), prefix }, 50);
        assert_eq!(committed.end(), log.end());
    }
}
