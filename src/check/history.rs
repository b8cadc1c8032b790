//! Histories of transactions, small enough to be kept for every server and compared at every event.
//!
//! A history is known by its [`Prefix`], one number that all its transactions went into, so that "is this log a prefix of that one?" is one
//! look-up and one comparison. Only the recent end of a history is kept ([`WINDOW`] transactions or a little more); what lies before it is
//! *forgotten* and held against nobody.
//!
//! Histories that a scenario gives its servers are from before the run. Nobody saw how they came about, and some begin in a snapshot: they
//! are known by the zxid they end at, since equal zxids are equal histories there.

use crate::proto::{TxnRef, Zxid};

/// All transactions up to some point, in one number: equal prefixes are equal histories.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Prefix(u64);

impl Prefix {
    /// How the history came about was not seen: it differs from nothing.
    pub const UNKNOWN: Prefix = Prefix(0);

    /// The history that a scenario lets end at `last`.
    pub fn before_the_run(last: Zxid) -> Prefix {
        Prefix(mixed(0x5a6f_6f4b_6565_7065, last.0 as u64))
    }

    /// This history with one more transaction.
    pub fn then(self, txn: TxnRef) -> Prefix {
        if self == Prefix::UNKNOWN { self } else { Prefix(mixed(mixed(self.0, txn.zxid.0 as u64), txn.hash)) }
    }

    /// Whether these are two histories for certain.
    pub fn differs(self, other: Prefix) -> bool {
        self != other && self != Prefix::UNKNOWN && other != Prefix::UNKNOWN
    }
}

/// A step of a multiply-and-rotate hash, never zero.
fn mixed(state: u64, word: u64) -> u64 {
    (state.rotate_left(23) ^ word).wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1 << 63
}

/// A history up to and including one of its transactions. A zxid `(epoch, 0)`, which no transaction has, is the end of all before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    pub zxid: Zxid,
    pub prefix: Prefix,
}

impl Place {
    /// No transaction at all.
    pub fn start() -> Place {
        Place::before_the_run(Zxid::ZERO)
    }

    pub fn before_the_run(last: Zxid) -> Place {
        Place { zxid: last, prefix: Prefix::before_the_run(last) }
    }

    pub fn then(self, txn: TxnRef) -> Place {
        Place { zxid: txn.zxid, prefix: self.prefix.then(txn) }
    }
}

/// What a history says of a zxid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Found {
    /// It goes so far, and this is all of it up to there.
    Here(Prefix),
    /// It has no such transaction: it goes past that zxid without it, or ends before.
    Missing,
    /// It goes further back than is remembered.
    Forgotten,
}

/// Transactions that a history keeps at least, as long as it has so many.
pub const WINDOW: usize = 1024;

/// The recent end of a history; `T` is what is remembered of each transaction besides.
#[derive(Clone, Debug)]
pub struct History<T = ()> {
    /// What came before the places.
    base: Place,
    /// One for each transaction, in rising order of zxids.
    places: Vec<(Place, T)>,
}

impl<T: Copy> History<T> {
    pub fn from(base: Place) -> History<T> {
        History { base, places: Vec::new() }
    }

    pub fn base(&self) -> Place {
        self.base
    }

    #[inline]
    pub fn end(&self) -> Place {
        self.places.last().map_or(self.base, |(place, _)| *place)
    }

    /// The places after the base, oldest first.
    pub fn places(&self) -> impl DoubleEndedIterator<Item = &(Place, T)> {
        self.places.iter()
    }

    /// Those of the places that come after a zxid.
    pub fn after(&self, zxid: Zxid) -> &[(Place, T)] {
        &self.places[self.places.partition_point(|(place, _)| place.zxid <= zxid)..]
    }

    /// How many transactions are remembered.
    #[cfg(test)]
    pub fn len(&self) -> usize {
        self.places.len()
    }

    /// One more transaction. Zxids must rise: one that does not takes the place of those from it on.
    #[inline]
    pub fn push(&mut self, place: Place, of: T) {
        if place.zxid <= self.end().zxid {
            self.cut_before(place.zxid);
        }
        self.places.push((place, of));
    }

    /// The history up to this zxid.
    #[inline]
    pub fn at(&self, zxid: Zxid) -> Found {
        if zxid < self.base.zxid {
            return Found::Forgotten;
        }
        if zxid.counter() == 0 {
            return Found::Here(self.all_up_to(zxid));
        }
        if zxid == self.base.zxid {
            return Found::Here(self.base.prefix);
        }
        self.index_of(zxid).map_or(Found::Missing, |index| Found::Here(self.places[index].0.prefix))
    }

    /// No transaction has such a zxid: meant is all that came before.
    #[cold]
    fn all_up_to(&self, zxid: Zxid) -> Prefix {
        let before = self.places.partition_point(|(place, _)| place.zxid <= zxid);
        before.checked_sub(1).map_or(self.base, |last| self.places[last].0).prefix
    }

    /// Whether `place` may be a place of this history: it is one, or nobody remembers.
    pub fn holds(&self, place: Place) -> bool {
        match self.at(place.zxid) {
            Found::Here(prefix) => !prefix.differs(place.prefix),
            Found::Missing => false,
            Found::Forgotten => true,
        }
    }

    /// What is remembered of the transaction with this zxid.
    pub fn of(&self, zxid: Zxid) -> Option<&T> {
        self.index_of(zxid).map(|index| &self.places[index].1)
    }

    /// The same, if it stands at this very place.
    #[inline]
    pub fn of_mut(&mut self, place: Place) -> Option<&mut T> {
        let index = self.index_of(place.zxid)?;
        let (found, of) = &mut self.places[index];
        (found.prefix == place.prefix).then_some(of)
    }

    /// The place before the one with this zxid.
    pub fn before(&self, zxid: Zxid) -> Option<Place> {
        let index = self.index_of(zxid)?;
        Some(index.checked_sub(1).map_or(self.base, |before| self.places[before].0))
    }

    /// Counters of an epoch run without gaps, so that a zxid nearly always stands where counting back from the end says.
    #[inline]
    fn index_of(&self, zxid: Zxid) -> Option<usize> {
        let end = self.places.last()?.0.zxid;
        if zxid > end {
            return None;
        }
        let guess = self.places.len().wrapping_sub(1 + (end.0 - zxid.0) as usize);
        let is_there = self.places.get(guess).is_some_and(|(place, _)| place.zxid == zxid);
        if is_there { Some(guess) } else { self.search(zxid) }
    }

    #[cold]
    fn search(&self, zxid: Zxid) -> Option<usize> {
        self.places.binary_search_by_key(&zxid, |(place, _)| place.zxid).ok()
    }

    /// The history now ends at `to`, or at the last transaction before it.
    pub fn cut(&mut self, to: Zxid) {
        self.places.truncate(self.places.partition_point(|(place, _)| place.zxid <= to));
    }

    #[cold]
    fn cut_before(&mut self, zxid: Zxid) {
        self.places.truncate(self.places.partition_point(|(place, _)| place.zxid < zxid));
    }

    /// Forgets all but the [`WINDOW`] youngest transactions and those that are needed after `keep`, and more when there are more than `most`.
    /// To be called for each transaction; it works for few.
    #[inline]
    pub fn forget(&mut self, keep: impl FnOnce() -> Zxid, most: usize) {
        let count = self.places.len();
        if count >= 2 * WINDOW && count.is_multiple_of(WINDOW / 4) {
            self.forget_now(keep(), most);
        }
    }

    #[cold]
    fn forget_now(&mut self, keep: Zxid, most: usize) {
        let unneeded = self.places.partition_point(|(place, _)| place.zxid <= keep);
        let surplus = (self.places.len() - WINDOW).min(unneeded).max(self.places.len().saturating_sub(most));
        if let Some(last) = surplus.checked_sub(1) {
            self.base = self.places[last].0;
            self.places.drain(..surplus);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn txn(epoch: u32, counter: u32) -> TxnRef {
        TxnRef { zxid: Zxid::new(epoch, counter), hash: 7 }
    }

    fn log(txns: &[(u32, u32)]) -> History {
        let mut log = History::from(Place::start());
        for (epoch, counter) in txns {
            log.push(log.end().then(txn(*epoch, *counter)), ());
        }
        log
    }

    #[test]
    fn a_prefix_is_found_where_it_ends() {
        let (short, long) = (log(&[(1, 1), (1, 2)]), log(&[(1, 1), (1, 2), (2, 1)]));
        assert!(long.holds(short.end()) && long.holds(Place::start()));
        assert!(!short.holds(long.end()), "it ends before");
        let other = log(&[(1, 2)]);
        assert_eq!(other.end().zxid, short.end().zxid);
        assert!(!long.holds(other.end()), "another history with the same end");
    }

    #[test]
    fn the_first_zxid_of_an_epoch_is_the_end_of_what_came_before() {
        let log = log(&[(1, 1), (1, 2), (3, 1)]);
        let Found::Here(first_epoch) = log.at(Zxid::new(1, 2)) else { panic!("it is there") };
        assert_eq!(log.at(Zxid::new(2, 0)), Found::Here(first_epoch));
        assert_eq!(log.at(Zxid::new(3, 0)), Found::Here(first_epoch));
        assert_eq!(log.at(Zxid::new(2, 1)), Found::Missing);
        assert_eq!(log.at(Zxid::new(9, 0)), Found::Here(log.end().prefix));
    }

    #[test]
    fn histories_from_before_the_run_are_known_by_their_end() {
        let old: History = History::from(Place::before_the_run(Zxid::new(2, 5)));
        assert_eq!(old.at(Zxid::new(2, 4)), Found::Forgotten);
        assert!(old.holds(Place::before_the_run(Zxid::new(2, 5))));
        assert!(old.holds(Place::before_the_run(Zxid::new(2, 4))), "nobody remembers");
    }

    #[test]
    fn what_is_not_known_differs_from_nothing() {
        let unknown = Place { zxid: Zxid::new(1, 2), prefix: Prefix::UNKNOWN };
        assert!(log(&[(1, 1), (1, 2)]).holds(unknown));
        assert_eq!(unknown.then(txn(1, 3)).prefix, Prefix::UNKNOWN);
    }

    #[test]
    fn a_cut_and_a_step_back_forget_the_tail() {
        let mut log = log(&[(1, 1), (1, 2), (1, 3)]);
        log.cut(Zxid::new(1, 2));
        assert_eq!(log.end().zxid, Zxid::new(1, 2));
        let again = log.at(Zxid::new(1, 1));
        log.push(log.end().then(txn(1, 1)), ());
        assert_eq!((log.len(), log.at(Zxid::new(1, 1)) == again), (1, false));
    }

    #[test]
    fn old_places_are_forgotten_unless_somebody_needs_them() {
        let mut log = log(&[]);
        for counter in 1..=4 * WINDOW as u32 {
            log.push(log.end().then(txn(1, counter)), ());
            log.forget(|| Zxid::new(1, 10), 3 * WINDOW);
        }
        assert!(log.len() <= 3 * WINDOW + WINDOW / 4, "{}", log.len());
        assert_eq!(log.at(Zxid::new(1, 11)), Found::Forgotten, "it was needed, and there are too many");
        while log.len() >= 2 * WINDOW {
            log.push(log.end().then(txn(1, log.end().zxid.counter() + 1)), ());
            log.forget(|| Zxid::new(1, u32::MAX), 3 * WINDOW);
        }
        assert_eq!(log.len(), WINDOW);
        assert!(log.holds(log.end()));
    }
}
