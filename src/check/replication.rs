//! Everything that is known of the replicated history: every server's part of it, what leaders proposed, what is committed.
//!
//! [`Replication::observe`] learns from an event and tells what it changed, with the places before and after, so that each check is a few
//! comparisons. Nearly all events of a busy run come here; what they cost decides what the checks cost.

use std::collections::BTreeMap;

use super::committed::Committed;
use super::history::{Found, Place, Prefix};
use super::reigns::Reigns;
use super::replica::{Offer, Replica, Sync};
use crate::proto::{DiskError, DiskOp, DiskTag, Epoch, FileName, NodeId, Packet, QuorumData, QuorumKind, ServerId, TxnRef, Zxid};
use crate::trace::{ApplyHow, EpochFile, Event, Note, Record, SnapshotSource, SyncHow, What};

/// See the module.
#[derive(Clone, Debug, Default)]
pub struct Replication {
    /// By server id, small numbers all of them.
    replicas: Vec<Replica>,
    pub committed: Committed,
    pub reigns: Reigns,
    /// Transactions that scenarios gave their servers, with the hash of each.
    installed: BTreeMap<Zxid, u64>,
}

/// What an event did to the ghosts of its server, where a check wants to know more than the event says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// A transaction went into the log.
    Appended(Step),
    /// A transaction went into the database.
    Applied(Applied),
    /// The database was replaced as a whole, and ends at the server's memory.
    Loaded {
        digest: u64,
    },
    Proposed(Step),
    /// `place` is where the leader had proposed it, if it had.
    Committed {
        place: Option<Place>,
        /// An older proposal of the leader is still not committed.
        overtakes: Option<Zxid>,
    },
    /// A leader's history is to be adopted; or a quorum has adopted it. Until then so much was committed.
    Leads {
        committed: Place,
        event: u64,
    },
    /// A learner acknowledges that it has adopted its leader's history.
    AcksNewLeader,
    /// It acknowledges a proposal.
    Acks(Zxid),
    /// What had been durable and was not found again, if anything, and since when it was.
    Booted {
        lost: Option<(Zxid, u64)>,
    },
    Other,
}

/// One more transaction in a database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Applied {
    pub how: ApplyHow,
    pub step: Step,
    /// Of the database after it.
    pub digest: u64,
    /// The event of the one before.
    pub since: u64,
}

/// One more transaction in a history.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step {
    pub txn: TxnRef,
    pub before: Place,
    pub after: Place,
}

impl Replication {
    /// What is known of a server.
    #[inline]
    pub fn of(&self, server: ServerId) -> Option<&Replica> {
        self.replicas.get(usize::try_from(server.0).ok()?)
    }

    /// The same by position.
    #[inline]
    pub fn at(&self, position: usize) -> &Replica {
        &self.replicas[position]
    }

    /// All servers that have run, with their ids.
    pub fn replicas(&self) -> impl Iterator<Item = (ServerId, &Replica)> {
        let all = self.replicas.iter().enumerate().map(|(id, replica)| (ServerId(id as i64), replica));
        all.filter(|(_, replica)| replica.has_run())
    }

    /// The history of a leader up to a zxid: its log, or what it proposed and its log does not have yet.
    pub fn history_of(&self, leader: ServerId, zxid: Zxid) -> Found {
        let Some(replica) = self.of(leader) else { return Found::Forgotten };
        if replica.memory.zxid == zxid {
            return Found::Here(replica.memory.prefix);
        }
        let proposed = || self.reigns.of(leader).and_then(|reign| reign.proposed(zxid)).map(|place| Found::Here(place.prefix));
        match replica.disk.at(zxid) {
            Found::Missing => proposed().unwrap_or_else(|| self.committed.at(zxid)),
            Found::Forgotten => self.committed.at(zxid),
            here => here,
        }
    }

    /// The history that some leader gave a transaction, committed or not.
    #[inline]
    pub fn proposed(&self, zxid: Zxid) -> Found {
        match self.committed.at(zxid) {
            Found::Missing => self.reigns.proposed(zxid).map_or(Found::Missing, |place| Found::Here(place.prefix)),
            found => found,
        }
    }

    /// Where the server is among the replicas to whom an event happened; `None` for a client, and before the first event of a server.
    #[inline]
    pub fn position(&self, node: Option<NodeId>) -> Option<(usize, ServerId)> {
        let Some(NodeId::Server(id)) = node else { return None };
        Some((id.0 as usize, id)).filter(|(position, _)| *position < self.replicas.len())
    }

    /// Learns from an event, before the checks look at it.
    pub fn observe(&mut self, event: &Event) -> Change {
        let me = match event.node {
            Some(NodeId::Server(me)) => me,
            Some(NodeId::Client(_)) => return Change::Other,
            None => {
                self.on_action(event);
                return Change::Other;
            }
        };
        let Ok(index) = usize::try_from(me.0) else { return Change::Other };
        if index >= self.replicas.len() {
            self.replicas.resize(index + 1, Replica::default());
        }
        match &event.what {
            What::Note(note) => self.on_note(index, note, event.n),
            What::Record(record) => self.on_record(index, record, event.n),
        }
    }

    fn on_record(&mut self, me: usize, record: &Record, event: u64) -> Change {
        match record {
            Record::DiskStarted { tag, op } => self.on_disk_started(me, *tag, op),
            Record::DiskDone { tag, error } => self.on_disk_done(me, *tag, *error, event),
            Record::Sent { to, packet: Packet::Quorum { kind, zxid, data }, .. } => return self.on_sent(me, *to, *kind, *zxid, data, event),
            Record::Started { .. } => self.replicas[me].started(),
            Record::Crashed | Record::Exited { .. } => self.replicas[me].ended(false),
            Record::PowerLost { .. } => self.replicas[me].ended(true),
            _ => {}
        }
        Change::Other
    }

    #[inline]
    pub fn on_disk_started(&mut self, me: usize, tag: DiskTag, op: &DiskOp) {
        self.replicas[me].durable.started(tag, op);
    }

    #[inline]
    pub fn on_disk_done(&mut self, me: usize, tag: DiskTag, error: Option<DiskError>, event: u64) {
        let replica = &mut self.replicas[me];
        // A missing file is no failure of the disk.
        replica.failed |= error.is_some_and(|error| error != DiskError::NotFound);
        replica.durable.done(tag, error.is_none(), event);
    }

    fn on_sent(&mut self, me: usize, to: NodeId, kind: QuorumKind, zxid: Zxid, data: &QuorumData, event: u64) -> Change {
        let leader = ServerId(me as i64);
        match (kind, data) {
            (QuorumKind::Ack, _) if zxid.counter() != 0 => return Change::Acks(zxid),
            // It is sent once more when the learner serves.
            (QuorumKind::Ack, _) => {
                let sync = self.replicas[me].sync.as_mut().filter(|sync| !sync.acknowledged);
                return sync.map_or(Change::Other, |sync| {
                    sync.acknowledged = true;
                    Change::AcksNewLeader
                });
            }
            // Told to the first learner, the initial history is fixed.
            (QuorumKind::NewLeader, _) => {
                let memory = self.replicas[me].memory;
                let Some(reign) = self.reigns.of_mut(leader).filter(|reign| reign.initial.is_none()) else { return Change::Other };
                reign.initial = Some((memory, event));
                return Change::Leads { committed: self.committed.end(), event: self.committed.event };
            }
            (QuorumKind::Snap, QuorumData::Snapshot { last: true, .. }) => {
                let end = self.replicas[me].memory.zxid;
                if let Some(offer) = self.learner(to).and_then(|replica| replica.offer.as_mut()).filter(|offer| offer.leader == leader) {
                    offer.snapshot_end = Some(end);
                }
            }
            _ => {}
        }
        Change::Other
    }

    fn learner(&mut self, node: NodeId) -> Option<&mut Replica> {
        let index = usize::try_from(node.as_server()?.0).ok()?;
        self.replicas.get_mut(index)
    }

    fn on_note(&mut self, me: usize, note: &Note, event: u64) -> Change {
        match note {
            Note::Applied { txn, how, digest } => return self.on_applied(me, *txn, *how, *digest, event).map_or(Change::Other, Change::Applied),
            Note::Appended { txn, file } => return Change::Appended(self.on_appended(me, *txn, file)),
            Note::Proposed { txn, .. } => return Change::Proposed(self.on_proposed(me, *txn, event)),
            Note::Committed { txn, .. } => {
                let (place, overtakes) = self.on_committed(me, txn.zxid, event);
                return Change::Committed { place, overtakes };
            }
            Note::SnapshotLoaded { zxid, from, digest, .. } => {
                self.on_loaded(me, *zxid, *from);
                self.replicas[me].tells = true;
                (self.replicas[me].digest, self.replicas[me].digest_event) = (*digest, event);
                return Change::Loaded { digest: *digest };
            }
            Note::EpochProposed { epoch, .. } => self.reigns.begin(ServerId(me as i64), *epoch, self.replicas[me].memory),
            Note::Established { epoch, .. } => return self.on_established(me, *epoch, event),
            Note::SyncChosen { learner, .. } => self.on_sync_chosen(me, *learner, event),
            Note::Booted { accepted_epoch, current_epoch, .. } => {
                (self.replicas[me].accepted_epoch, self.replicas[me].current_epoch) = (*accepted_epoch, *current_epoch);
                return Change::Booted { lost: self.replicas[me].has_booted(event) };
            }
            Note::LogTruncated { to } => {
                let committed = self.committed.at(*to);
                self.replicas[me].truncated(*to, committed);
            }
            _ => self.on_own_note(me, note, event),
        }
        Change::Other
    }

    /// Notes that concern nobody but the server itself.
    fn on_own_note(&mut self, me: usize, note: &Note, event: u64) {
        let committed = &self.committed;
        let replica = &mut self.replicas[me];
        match note {
            Note::LogSynced { .. } => {}
            Note::LookingStarted { .. } | Note::Synced { .. } => replica.finish_reading(),
            Note::SnapshotStarted { zxid } => {
                replica.finish_reading();
                replica.snapshot_started(*zxid);
            }
            Note::SnapshotTaken { zxid, synced } => replica.snapshot_taken(*zxid, *synced, event),
            Note::EpochWritten { file, epoch } => {
                replica.finish_reading();
                match file {
                    EpochFile::AcceptedEpoch => replica.accepted_epoch = *epoch,
                    EpochFile::CurrentEpoch => replica.current_epoch = *epoch,
                }
            }
            Note::MemoryCleared { .. } => replica.memory = Place::start(),
            Note::FollowingStarted { leader, .. } => replica.following = Some(*leader),
            Note::FollowerTruncates { to, .. } => replica.may_forget(*to),
            Note::SyncStarted { leader, how, zxid } => {
                if *how == SyncHow::Snap {
                    replica.may_forget(*zxid);
                }
                let due = replica.offer.take().filter(|offer| offer.leader == *leader);
                let had = last_committed(replica, committed, due.map_or(committed.end().zxid, |due| due.committed));
                replica.sync = Some(Sync { leader: *leader, how: *how, due: due.map(|due| (due.up_to, due.event)), had, acknowledged: false });
                // The end of the snapshot stream is still to come.
                replica.offer = due;
            }
            Note::Serving { .. } => {
                replica.sync = None;
                replica.deliver(event);
            }
            Note::WentLooking { .. } | Note::RoleAssigned { .. } => replica.left_role(),
            _ => {}
        }
    }

    #[inline]
    pub fn on_applied(&mut self, me: usize, txn: TxnRef, how: ApplyHow, digest: u64, event: u64) -> Option<Applied> {
        if how != ApplyHow::Replay {
            self.replicas[me].finish_reading();
        } else if self.replicas[me].starts_from_before_the_run() {
            self.installed.entry(txn.zxid).or_insert(txn.hash);
        }
        let before = self.replicas[me].memory;
        // What a snapshot from the leader already holds may come once more.
        if txn.zxid <= before.zxid && txn.zxid <= self.replicas[me].snapped {
            return None;
        }
        let after = self.next(me, before, txn);
        let replica = &mut self.replicas[me];
        let since = replica.digest_event;
        (replica.digest, replica.digest_event) = (digest, event);
        match how {
            ApplyHow::Replay => replica.replayed(after),
            ApplyHow::Sync => replica.memory = after,
            ApplyHow::Commit => {
                replica.memory = after;
                replica.deliver(event);
            }
        }
        Some(Applied { how, step: Step { txn, before, after }, digest, since })
    }

    #[inline]
    pub fn on_appended(&mut self, me: usize, txn: TxnRef, file: &FileName) -> Step {
        self.replicas[me].finish_reading();
        self.replicas[me].durable.appended(txn.zxid, file);
        let before = self.replicas[me].disk.end();
        let after = self.next(me, before, txn);
        self.replicas[me].tells = true;
        self.replicas[me].appended(after);
        Step { txn, before, after }
    }

    /// One transaction further. Those of the scenario are known by their zxid; where the beginning is not known, others may know it.
    #[inline]
    fn next(&self, me: usize, before: Place, txn: TxnRef) -> Place {
        if !self.installed.is_empty() && self.installed.get(&txn.zxid) == Some(&txn.hash) {
            return Place::before_the_run(txn.zxid);
        }
        if before.prefix == Prefix::UNKNOWN { self.known_elsewhere(me, txn) } else { before.then(txn) }
    }

    #[cold]
    fn known_elsewhere(&self, me: usize, txn: TxnRef) -> Place {
        let prefix = match (self.replicas[me].disk.at(txn.zxid), self.proposed(txn.zxid)) {
            (Found::Here(prefix), _) | (_, Found::Here(prefix)) => prefix,
            _ => Prefix::UNKNOWN,
        };
        Place { zxid: txn.zxid, prefix }
    }

    fn on_loaded(&mut self, me: usize, zxid: Zxid, from: SnapshotSource) {
        match from {
            SnapshotSource::Disk => {
                let committed = self.committed.at(zxid);
                self.replicas[me].loaded(zxid, committed);
            }
            SnapshotSource::Leader => {
                let found = self.replicas[me].following.map(|leader| self.history_of(leader, zxid));
                let prefix = if let Some(Found::Here(prefix)) = found { prefix } else { Prefix::UNKNOWN };
                self.replicas[me].took_over(Place { zxid, prefix });
            }
        }
    }

    #[inline]
    pub fn on_proposed(&mut self, me: usize, txn: TxnRef, event: u64) -> Step {
        let memory = self.replicas[me].memory;
        let reign = self.reigns.of_mut_or_begin(ServerId(me as i64), txn.zxid.epoch(), memory);
        if reign.first.is_none() {
            reign.end = memory;
        }
        let before = reign.end;
        reign.propose(txn, event);
        Step { txn, before, after: reign.end }
    }

    /// Where the leader had proposed what it commits, if it had, and an older proposal of it that is still not committed.
    #[inline]
    pub fn on_committed(&mut self, me: usize, zxid: Zxid, event: u64) -> (Option<Place>, Option<Zxid>) {
        let Some(reign) = self.reigns.of_mut(ServerId(me as i64)) else { return (None, None) };
        let overtakes = reign.oldest().filter(|oldest| *oldest < zxid);
        let place = reign.commit(zxid);
        if let Some(place) = place.filter(|place| place.zxid > self.committed.end().zxid) {
            let replicas = &self.replicas;
            let runs = || replicas.iter().filter(|replica| replica.has_run());
            let needed = || runs().map(|replica| replica.disk.end().zxid.min(replica.memory.zxid)).min().unwrap_or(zxid);
            self.committed.push(place, event, needed);
        }
        (place, overtakes)
    }

    /// The whole history of an established leader is committed, and delivered by the leader.
    fn on_established(&mut self, me: usize, epoch: Epoch, event: u64) -> Change {
        let leader = ServerId(me as i64);
        let change = Change::Leads { committed: self.committed.end(), event: self.committed.event };
        let memory = self.replicas[me].memory;
        if self.reigns.of(leader).is_none_or(|reign| reign.epoch != epoch) {
            self.reigns.begin(leader, epoch, memory);
        }
        if let Some(reign) = self.reigns.of_mut(leader) {
            reign.established = Some(event);
            reign.initial.get_or_insert((memory, event));
            if reign.first.is_none() {
                reign.end = memory;
            }
        }
        self.committed.adopt(&self.replicas[me].disk, memory, event);
        let replica = &mut self.replicas[me];
        replica.memory.zxid = epoch.first_zxid().max(memory.zxid);
        replica.deliver(event);
        change
    }

    /// The leader brings the learner to where it is itself, commits that nobody has applied yet included.
    fn on_sync_chosen(&mut self, me: usize, learner: ServerId, event: u64) {
        let leader = ServerId(me as i64);
        let reigns = self.reigns.of(leader).is_some_and(|reign| reign.established.is_some());
        let (memory, committed) = (self.replicas[me].memory, self.committed.end());
        let up_to = if reigns && committed.zxid > memory.zxid && committed.zxid.epoch() == memory.zxid.epoch() { committed } else { memory };
        if let Some(replica) = self.learner(NodeId::Server(learner)) {
            replica.offer = Some(Offer { leader, up_to, committed: committed.zxid, event, snapshot_end: None });
        }
    }

    /// What was done to disks, as the texts of actions tell. An action is recorded before it is tried.
    fn on_action(&mut self, event: &Event) {
        let What::Record(Record::Action { action } | Record::ActionFailed { action, .. }) = &event.what else { return };
        let happens = matches!(event.what, What::Record(Record::Action { .. }));
        if let Some(servers) = action.strip_prefix("wipe ") {
            servers.split_whitespace().filter_map(NodeId::parse).for_each(|node| {
                if let Some(replica) = self.learner(node) {
                    replica.wiped = happens;
                }
            });
        }
        let mut words = action.split_whitespace();
        match (words.next(), words.next().and_then(NodeId::parse), words.next()) {
            (Some("disk"), Some(server), Some(fault)) if happens => {
                if let Some(replica) = self.learner(server) {
                    replica.faulty = fault != "behave" && (replica.faulty || FAILING.contains(&fault));
                    replica.damaged |= DAMAGING.contains(&fault);
                }
            }
            (Some("quiet"), ..) => self.replicas.iter_mut().for_each(|replica| replica.faulty = false),
            _ => {}
        }
    }
}

/// Faults with which a disk may refuse what a server needs to boot.
const FAILING: [&str; 4] = ["fail-read", "fail-write", "fail-fsync", "full"];

/// Faults after which a disk may lose what it had promised: bits rot, writes go astray, an fsync loses what it was to make durable, nothing
/// is kept in order.
const DAMAGING: [&str; 4] = ["rot", "misdirect", "fail-fsync", "loose"];

/// The last transaction up to `limit` that a server's log has in common with what is committed.
fn last_committed(replica: &Replica, committed: &Committed, limit: Zxid) -> Place {
    let log = &replica.disk;
    let places = log.places().rev().map(|(place, ())| *place).chain([log.base()]);
    places.into_iter().find(|place| place.zxid <= limit && committed.holds(*place)).unwrap_or(Place::start())
}
