//! What is known of one server's data: the database in its memory, the log on its disk, and how much of that a power loss would leave.
//!
//! Ghosts like those of elections. A server tells what it appends, applies and reads back; the kernel tells what became durable. What a
//! server reads from its disk is the truth about the disk, whatever was thought before.

use super::durable::Durable;
use super::history::{Found, History, Place, Prefix};
use crate::proto::{Epoch, ServerId, Zxid};
use crate::trace::SyncHow;

/// Snapshots that are remembered of each server: it keeps few, and starts from the newest.
const SNAPSHOTS_MAX: usize = 8;

/// Transactions that are remembered of a log at most.
const LOG_MOST: usize = 1 << 14;

/// See the module.
#[derive(Clone, Debug)]
pub struct Replica {
    /// What the database in memory is the result of.
    pub memory: Place,
    /// Digest of that database, as the server said last, and the event.
    pub digest: u64,
    pub digest_event: u64,
    /// A fuzzy snapshot may hold more than its name says: before this zxid digests mean nothing.
    pub exact_from: Zxid,
    /// The whole tree was taken over from a leader, up to here: transactions before it may come again.
    pub snapped: Zxid,
    /// What a process that starts now would read.
    pub disk: History,
    pub durable: Durable,
    /// What it has shown to others as committed, in any of its lives.
    pub delivered: Place,
    pub delivered_event: u64,
    /// The epoch files.
    pub accepted_epoch: Epoch,
    pub current_epoch: Epoch,
    /// The leader that it connects to or follows.
    pub following: Option<ServerId>,
    pub sync: Option<Sync>,
    /// What its leader has in store for it, until it hears of it.
    pub offer: Option<Offer>,
    /// Disk faults have made its disk unreliable: what it loses is not held against it.
    pub damaged: bool,
    /// Its disk fails operations, or may: what it cannot read or write now is not held against it.
    pub faulty: bool,
    /// An operation of its present process has failed, whatever its disk does now.
    pub failed: bool,
    /// Its disk is emptied: the next process starts from nothing.
    pub wiped: bool,
    /// It has told of its database. Without that nothing is known of what it should report.
    pub tells: bool,
    /// A process of it has been up to its first vote.
    booted: bool,
    lost_power: bool,
    snapshots: Vec<Snapshot>,
    /// The latest `exact_from` of those that were remembered once.
    exact_from_forgotten: Zxid,
    /// The snapshot that is being written.
    walking: Option<Place>,
    /// The disk is being read, and gave this so far.
    reading: Option<History>,
    starting: bool,
}

/// A synchronisation with a leader, from its first packet until the learner serves.
#[derive(Clone, Copy, Debug)]
pub struct Sync {
    pub leader: ServerId,
    pub how: SyncHow,
    /// What it must have before it may acknowledge NEWLEADER, and since when the leader wants it to.
    pub due: Option<(Place, u64)>,
    /// The last transaction in its log, when it began, that was committed when the leader decided.
    pub had: Place,
    pub acknowledged: bool,
}

/// How far a leader has decided to bring a learner.
#[derive(Clone, Copy, Debug)]
pub struct Offer {
    pub leader: ServerId,
    pub up_to: Place,
    /// What was committed when the leader decided. A transaction that a learner is told to cut may be committed before it is cut: by others, and it
    /// is told again.
    pub committed: Zxid,
    pub event: u64,
    /// The last chunk of the tree was sent when the leader had applied so much.
    pub snapshot_end: Option<Zxid>,
}

#[derive(Clone, Copy, Debug)]
struct Snapshot {
    place: Place,
    exact_from: Zxid,
}

impl Default for Replica {
    fn default() -> Replica {
        Replica {
            memory: Place::start(),
            digest: 0,
            digest_event: 0,
            exact_from: Zxid::ZERO,
            snapped: Zxid::ZERO,
            disk: History::from(Place::start()),
            durable: Durable::default(),
            delivered: Place::start(),
            delivered_event: 0,
            accepted_epoch: Epoch(0),
            current_epoch: Epoch(0),
            following: None,
            sync: None,
            offer: None,
            damaged: false,
            faulty: false,
            failed: false,
            wiped: false,
            tells: false,
            booted: false,
            lost_power: false,
            snapshots: Vec::new(),
            exact_from_forgotten: Zxid::ZERO,
            walking: None,
            reading: None,
            starting: false,
        }
    }
}

impl Replica {
    /// A process starts with blank memory and reads its disk.
    pub fn started(&mut self) {
        if self.wiped {
            // What others saw of it stays seen.
            let Replica { delivered, delivered_event, faulty, .. } = *self;
            *self = Replica { delivered, delivered_event, faulty, ..Replica::default() };
        }
        self.failed = false;
        self.memory = Place::start();
        self.digest = 0;
        self.exact_from = Zxid::ZERO;
        self.snapped = Zxid::ZERO;
        self.reading = Some(History::from(Place::start()));
        self.starting = true;
        self.left_role();
    }

    /// A snapshot that was being written may have become a file, and nobody is left to tell.
    pub fn ended(&mut self, lost_power: bool) {
        if let Some(place) = self.walking.take() {
            self.remember_snapshot(place);
        }
        self.lost_power |= lost_power;
        self.durable.process_ended(lost_power);
        self.left_role();
    }

    pub fn left_role(&mut self) {
        self.following = None;
        self.sync = None;
    }

    pub fn has_run(&self) -> bool {
        self.starting || self.booted
    }

    /// Whether it starts from what the scenario gave it, which nobody saw coming about.
    pub fn starts_from_before_the_run(&self) -> bool {
        self.starting && !self.booted
    }

    /// A snapshot from its own disk has become the database; transactions after it follow.
    pub fn loaded(&mut self, zxid: Zxid, committed: Found) {
        let known = self.snapshots.iter().rev().find(|snapshot| snapshot.place.zxid == zxid).copied();
        let snapshot = known.unwrap_or_else(|| {
            let place = match (self.starts_from_before_the_run(), self.disk.at(zxid), committed) {
                (true, ..) => Place::before_the_run(zxid),
                (_, Found::Here(prefix), _) | (_, _, Found::Here(prefix)) => Place { zxid, prefix },
                _ => Place { zxid, prefix: Prefix::UNKNOWN },
            };
            Snapshot { place, exact_from: zxid.max(self.exact_from_forgotten) }
        });
        self.memory = snapshot.place;
        self.exact_from = snapshot.exact_from;
        self.snapped = Zxid::ZERO;
        self.reading = Some(History::from(snapshot.place));
    }

    /// A leader's tree has become the database.
    pub fn took_over(&mut self, place: Place) {
        let end = self.offer.and_then(|offer| offer.snapshot_end);
        self.memory = place;
        self.exact_from = end.map_or(place.zxid, |end| end.max(place.zxid));
        self.snapped = place.zxid;
        self.reading = None;
    }

    /// Memory has gone on to `place`, read back from the log.
    #[cold]
    pub fn replayed(&mut self, place: Place) {
        self.memory = place;
        self.durable.replayed(place.zxid);
        if let Some(reading) = &mut self.reading {
            reading.push(place, ());
            reading.forget(|| Zxid(i64::MAX), LOG_MOST);
        }
    }

    /// All is read and the process votes. Returns what had been durable before, if it is not there any more.
    pub fn has_booted(&mut self, event: u64) -> Option<(Zxid, u64)> {
        let reading = self.reading.take()?;
        let recovered = reading.end().zxid;
        let lost = Some((self.durable.known, self.durable.event)).filter(|(known, _)| self.booted && !self.damaged && *known > recovered);
        // A process crash leaves the page cache; what a power loss left is on the medium.
        if !self.booted || self.lost_power || self.durable.known > recovered {
            self.durable.reset(recovered, event);
        }
        self.disk = reading;
        (self.booted, self.starting, self.lost_power) = (true, false, false);
        lost
    }

    /// Whatever was read again while running (after a cut, after memory was dropped) is what the disk holds.
    #[inline]
    pub fn finish_reading(&mut self) {
        if self.reading.is_some() && !self.starting {
            self.take_for_disk();
        }
    }

    #[cold]
    fn take_for_disk(&mut self) {
        let Some(reading) = self.reading.take() else { return };
        let end = reading.end();
        if end.zxid < self.disk.end().zxid && self.disk.holds(end) {
            self.disk.cut(end.zxid);
        } else if end.zxid != self.disk.end().zxid || !self.disk.holds(end) {
            self.disk = reading;
        }
        self.durable.cut(end.zxid);
    }

    #[inline]
    pub fn appended(&mut self, place: Place) {
        self.disk.push(place, ());
        let durable = self.durable.known;
        self.disk.forget(|| durable, LOG_MOST);
    }

    /// The log ends at `to`; `committed` is the history up to there, if the log itself does not remember it.
    pub fn truncated(&mut self, to: Zxid, committed: Found) {
        self.disk.cut(to);
        if to < self.disk.base().zxid {
            let prefix = if let Found::Here(prefix) = committed { prefix } else { Prefix::UNKNOWN };
            self.disk = History::from(Place { zxid: to, prefix });
        }
        self.durable.cut(to);
    }

    pub fn snapshot_started(&mut self, zxid: Zxid) {
        self.walking = Some(self.place_in_memory(zxid));
        self.durable.snapshot_forced = false;
    }

    /// It may forget what comes after `to` from now on, and has not said that it did.
    pub fn may_forget(&mut self, to: Zxid) {
        self.durable.cut(to);
    }

    /// A snapshot is a file. One that ends a synchronisation by SNAP or TRUNC holds what no log of this server does.
    pub fn snapshot_taken(&mut self, zxid: Zxid, synced: bool, event: u64) {
        let place = self.walking.take().filter(|place| place.zxid == zxid).unwrap_or_else(|| self.place_in_memory(zxid));
        self.remember_snapshot(place);
        let forced = synced && self.durable.snapshot_forced;
        let replaces_log = self.sync.is_some_and(|sync| sync.how != SyncHow::Diff) && !self.disk.holds(place);
        if replaces_log {
            self.disk = History::from(place);
            self.durable.reset(if forced { zxid } else { Zxid::ZERO }, event);
        } else if forced {
            self.durable.raise(zxid, event);
        }
    }

    /// A fuzzy one may hold all that memory does.
    fn remember_snapshot(&mut self, place: Place) {
        if self.snapshots.len() == SNAPSHOTS_MAX {
            let oldest = self.snapshots.remove(0);
            self.exact_from_forgotten = self.exact_from_forgotten.max(oldest.exact_from);
        }
        self.snapshots.push(Snapshot { place, exact_from: self.memory.zxid.max(self.exact_from) });
    }

    fn place_in_memory(&self, zxid: Zxid) -> Place {
        match self.disk.at(zxid) {
            _ if zxid == self.memory.zxid => self.memory,
            Found::Here(prefix) => Place { zxid, prefix },
            _ => Place { zxid, prefix: Prefix::UNKNOWN },
        }
    }

    #[inline]
    pub fn deliver(&mut self, event: u64) {
        if self.memory.zxid > self.delivered.zxid {
            (self.delivered, self.delivered_event) = (self.memory, event);
        }
    }

    /// Whether all of `place` would survive a power loss. The same history may end at another (epoch, 0), which is no transaction: as a leader
    /// that proposed nothing names it, while its snapshot has the name of an older one.
    pub fn is_durable(&self, place: Place) -> bool {
        let end = self.disk.end();
        self.durable.known >= place.zxid || (self.durable.known >= end.zxid && end.prefix == place.prefix)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A leader that proposed nothing: its snapshot has the name of one epoch, and its successor calls the same history by that of another.
    #[test]
    fn a_history_may_end_at_any_first_zxid() {
        let mut replica = Replica::default();
        replica.durable.raise(Zxid::new(4, 0), 1);
        assert!(replica.is_durable(Place { zxid: Zxid::new(5, 0), ..replica.disk.end() }));
        let txn = crate::proto::TxnRef { zxid: Zxid::new(4, 1), hash: 7 };
        replica.disk.push(replica.disk.end().then(txn), ());
        assert!(!replica.is_durable(Place { zxid: Zxid::new(5, 0), ..replica.disk.end() }), "its last transaction is not");
    }
}
