//! From snapshot and log to a database. Source: `FileTxnSnapLog.restore`, `FileTxnSnapLog.fastForwardFromEdits`; storage reference §6.
//!
//! Three repairs of ours. A snapshot that the disk fails to give, while it may be whole, is not passed over for an older one: if it came
//! from a leader, no log leads from the older one to what this server has acknowledged, and a passing error would be enough to lose that.
//! The server refuses to start, as it does when it is a log that cannot be read.
//!
//! The others are there because a process that was killed leaves bytes in the page cache that were never forced, and its successor reads them
//! like any others. What a database was loaded from is forced before the server may speak of it: otherwise a vote or an ACKEPOCH claims
//! transactions that the next power loss takes. And the image of an empty database is forced: a log without any snapshot refuses to boot.

use std::collections::VecDeque;
use std::sync::Arc;

use crate::actor::{Cx, Effect};
use crate::bugs::{Bug, Bugs};
use crate::proto::{Config, DiskError, DiskOp, DiskReply, DiskTag, FileImage, FileName, WriteAt, Zxid};
use crate::trace::{Note, SnapshotSource};
use crate::tree::Database;

use super::format::{self, SnapshotWalker, snapshot_name};
use super::listing::{DatedFile, INITIALIZE, Listing};
use super::replay::Replay;
use super::sequence::{Sequence, Step};

/// How many snapshots are tried. Source: `FileSnap.deserialize`.
const SNAPSHOTS_TRIED: u32 = 100;

/// Reads the database from disk. All of its operations carry `DiskTag::Recovery`.
#[derive(Clone, Debug)]
pub struct Recovery {
    config: Arc<Config>,
    mode: Mode,
    tag: Tag,
    phase: Phase,
    listing: Listing,
    replay: Replay,
    /// Logs to read, the one being loaded first.
    logs: VecDeque<FileName>,
    /// Snapshots that passed the cheap test and could not be read.
    broken: u32,
    /// What the database was loaded from.
    stands_on: Vec<FileName>,
    /// A log file without a single byte, to be deleted.
    empty_log: Option<FileName>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    Load {
        db_autocreate: bool,
    },
    FastForward,
    /// For a truncation: nothing newer than this, and the disk stays as it is. Silent when it will be read once more.
    UpTo {
        zxid: Zxid,
        silent: bool,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Tag {
    /// `DiskTag::Recovery` with the number of the next operation.
    Counted(u32),
    Fixed(DiskTag),
}

#[derive(Clone, Debug)]
enum Phase {
    Listing,
    /// The newest snapshot not tried yet is being loaded; older ones follow.
    Snapshot(VecDeque<DatedFile>),
    Log,
    /// All is read; what the disk still needs is being done.
    Housekeeping(Sequence),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Progress {
    Continues,
    Finished,
}

/// What the disk gave.
#[derive(Clone, Debug)]
pub struct Recovered {
    /// With its committed ring filled from the replayed log. `last_processed` is [`Zxid::UNTRUSTED`] for an empty disk that is not trusted.
    pub database: Database,
    /// The zxid to vote with: that of the database. (Zk582: the last one of the log alone, zero without a log.)
    pub last_logged: Zxid,
}

/// What a step came to.
#[derive(Clone, Debug)]
pub enum RecoveryEvent {
    Continues,
    Recovered(Box<Recovered>),
    /// The database cannot be loaded, and why: at boot the process ends; a fast-forward that fails means clear and [`Recovery::load`].
    Refused(String),
}

impl Recovery {
    /// The whole database: at boot (through [`super::boot::Boot`]) and again after memory was cleared. `db_autocreate`: an empty disk is an
    /// empty database (config reference), a setting of this very server.
    pub fn load(cx: &mut Cx, config: Arc<Config>, db_autocreate: bool) -> Recovery {
        Recovery::start(cx, config, Mode::Load { db_autocreate }, Tag::Counted(0), None)
    }

    /// On leaving a role: what the log holds beyond `database` is replayed into it (ZOOKEEPER-2845; whether at all is the caller's switch
    /// Zk2845). The logger must be idle. Answered by the same database, further on, with the note FastForwarded if it moved.
    pub fn fast_forward(cx: &mut Cx, config: Arc<Config>, database: Database) -> Recovery {
        Recovery::start(cx, config, Mode::FastForward, Tag::Counted(0), Some(database))
    }

    /// The database as it was at `zxid`, for a truncation; changes nothing on disk. `silent`: it will be read once more, so nothing is told.
    pub(super) fn up_to(cx: &mut Cx, config: Arc<Config>, zxid: Zxid, tag: DiskTag, silent: bool) -> Recovery {
        Recovery::start(cx, config, Mode::UpTo { zxid, silent }, Tag::Fixed(tag), None)
    }

    /// As [`Recovery::load`], under another tag.
    pub(super) fn reload(cx: &mut Cx, config: Arc<Config>, tag: DiskTag) -> Recovery {
        Recovery::start(cx, config, Mode::Load { db_autocreate: true }, Tag::Fixed(tag), None)
    }

    fn start(cx: &mut Cx, config: Arc<Config>, mode: Mode, tag: Tag, database: Option<Database>) -> Recovery {
        let database = database.unwrap_or_else(|| Database::new(config.commit_log_count));
        let mut recovery = Recovery {
            config,
            mode,
            tag,
            phase: Phase::Listing,
            listing: Listing::default(),
            replay: mode.replay(database),
            logs: VecDeque::new(),
            broken: 0,
            stands_on: Vec::new(),
            empty_log: None,
        };
        recovery.ask(cx, DiskOp::List);
        recovery
    }

    /// How far it came, and what was too new.
    pub(super) fn replay(&self) -> &Replay {
        &self.replay
    }

    pub(super) fn listing(&self) -> &Listing {
        &self.listing
    }

    /// For `DiskTag::Recovery`, unless a [`super::boot::Boot`] is under way.
    pub fn on_disk(&mut self, cx: &mut Cx, outcome: Result<DiskReply, DiskError>) -> RecoveryEvent {
        match self.go_on(cx, outcome) {
            Ok(Progress::Continues) => RecoveryEvent::Continues,
            Ok(Progress::Finished) => RecoveryEvent::Recovered(Box::new(self.recovered(cx))),
            Err(reason) => RecoveryEvent::Refused(reason),
        }
    }

    fn go_on(&mut self, cx: &mut Cx, outcome: Result<DiskReply, DiskError>) -> Result<Progress, String> {
        match (&mut self.phase, outcome) {
            (Phase::Housekeeping(sequence), outcome) => match sequence.on_disk(cx, outcome) {
                Step::Continues => Ok(Progress::Continues),
                Step::Done => Ok(Progress::Finished),
                Step::Failed(op, error) => Err(format!("{op}: {error}")),
            },
            (Phase::Listing, Ok(DiskReply::Listed(files))) => self.on_listed(cx, &files),
            (Phase::Snapshot(candidates), outcome) => {
                let candidates = std::mem::take(candidates);
                self.on_snapshot(cx, candidates, outcome)
            }
            (Phase::Log, Ok(DiskReply::Loaded(image))) => self.on_log(cx, &image),
            (Phase::Log, Err(error)) => Err(format!("reading {}: {error}", self.logs[0])),
            (Phase::Listing, Err(error)) => Err(format!("listing the data directory: {error}")),
            (Phase::Listing | Phase::Log, Ok(other)) => unreachable!("an answer to another question: {other:?}"),
        }
    }

    fn on_listed(&mut self, cx: &mut Cx, files: &[(FileName, u64)]) -> Result<Progress, String> {
        self.listing = Listing::of(files);
        if self.mode == Mode::FastForward {
            return self.begin_replay(cx);
        }
        let wanted = |snapshot: &&DatedFile| self.mode.wants(snapshot.zxid);
        let newest_first = self.listing.snapshots.iter().rev().filter(wanted).cloned().collect();
        self.try_snapshot(cx, newest_first)
    }

    fn try_snapshot(&mut self, cx: &mut Cx, candidates: VecDeque<DatedFile>) -> Result<Progress, String> {
        if let Some(newest) = candidates.front().filter(|_| self.broken < SNAPSHOTS_TRIED) {
            self.ask(cx, DiskOp::Load { file: newest.file.clone() });
            self.phase = Phase::Snapshot(candidates);
            return Ok(Progress::Continues);
        }
        if self.broken > 0 {
            return Err(format!("none of {} snapshots can be read", self.broken));
        }
        self.without_snapshot(cx)
    }

    fn on_snapshot(&mut self, cx: &mut Cx, mut candidates: VecDeque<DatedFile>, outcome: Result<DiskReply, DiskError>) -> Result<Progress, String> {
        let DatedFile { zxid, file, .. } = candidates.pop_front().expect("one was being loaded");
        if let Err(error) = &outcome
            && *error != DiskError::NotFound
            && !cx.bugs.has(Bug::Zk2325)
        {
            return Err(format!("reading {file}: {error}"));
        }
        match self.read_snapshot(zxid, outcome) {
            Ok(database) => {
                self.replay.note(cx, || {
                    let (nodes, digest) = (database.tree().len() as u32, database.digest());
                    Note::SnapshotLoaded { zxid, from: SnapshotSource::Disk, nodes, digest }
                });
                self.replay = self.mode.replay(database);
                self.stands_on.push(file);
                self.begin_replay(cx)
            }
            Err(why) => {
                self.replay.note(cx, || Note::SnapshotSkipped { zxid, why });
                self.try_snapshot(cx, candidates)
            }
        }
    }

    /// One that fails the cheap test counts as if it were not there; one that passes it and cannot be read is a loss.
    fn read_snapshot(&mut self, zxid: Zxid, outcome: Result<DiskReply, DiskError>) -> Result<Database, String> {
        let image = match outcome {
            Ok(DiskReply::Loaded(image)) => image,
            Ok(other) => unreachable!("an answer to another question: {other:?}"),
            Err(error) => return Err(error.to_string()),
        };
        if !format::is_complete_snapshot(&image) {
            return Err("it is cut short".into());
        }
        format::read_snapshot(&image, zxid, self.config.commit_log_count).map_err(|error| {
            self.broken += 1;
            error.to_string()
        })
    }

    /// Source: `FileTxnSnapLog.restore`, as of ZOOKEEPER-2325.
    fn without_snapshot(&mut self, cx: &mut Cx) -> Result<Progress, String> {
        let Mode::Load { db_autocreate } = self.mode else {
            self.replay.database.last_processed = Zxid::UNTRUSTED;
            return Ok(Progress::Finished);
        };
        if !self.listing.logs.is_empty() {
            return match self.config.trust_empty_snapshot {
                // ZOOKEEPER-2325: there being no snapshot was enough to be taken for a new server.
                _ if cx.bugs.has(Bug::Zk2325) => Ok(Progress::Finished),
                true => self.begin_replay(cx),
                false => Err("there is a log but no valid snapshot: something is broken".into()),
            };
        }
        if db_autocreate || self.listing.initialize {
            let image = image_of_nothing(&self.replay.database, cx.bugs);
            return self.housekeeping(cx, image);
        }
        self.replay.database.last_processed = Zxid::UNTRUSTED;
        Ok(Progress::Finished)
    }

    fn begin_replay(&mut self, cx: &mut Cx) -> Result<Progress, String> {
        let wanted = |log: &&DatedFile| self.mode.wants(log.zxid);
        let first = Zxid(self.replay.database.last_processed.0 + 1);
        self.logs = self.listing.logs_from(first).iter().filter(wanted).map(|log| log.file.clone()).collect();
        self.next_log(cx)
    }

    fn next_log(&mut self, cx: &mut Cx) -> Result<Progress, String> {
        match self.logs.front() {
            Some(file) => {
                let file = file.clone();
                self.ask(cx, DiskOp::Load { file });
                self.phase = Phase::Log;
                Ok(Progress::Continues)
            }
            None => self.housekeeping(cx, Vec::new()),
        }
    }

    fn on_log(&mut self, cx: &mut Cx, image: &FileImage) -> Result<Progress, String> {
        let file = self.logs.pop_front().expect("one was being loaded");
        let is_last = self.listing.logs.last().is_some_and(|last| last.file == file);
        if image.is_empty() && is_last {
            // ZOOKEEPER-2332: created, and nothing of it was on disk when the power went.
            self.replay.note(cx, || Note::TailIgnored { file: file.clone(), at: 0, why: "the file is empty".into() });
            self.empty_log = Some(file);
            return self.next_log(cx);
        }
        self.replay.file(cx, &file, image)?;
        self.stands_on.push(file);
        if self.replay.end.is_some() {
            self.logs.clear();
        }
        self.next_log(cx)
    }

    /// What the disk still needs before the server may speak of what it read; `image`: how to write the first snapshot, if there is none.
    fn housekeeping(&mut self, cx: &mut Cx, image: Vec<DiskOp>) -> Result<Progress, String> {
        if !matches!(self.mode, Mode::Load { .. }) {
            return Ok(Progress::Finished);
        }
        let delete = |file| DiskOp::Delete { file };
        let empty_log = self.empty_log.take().map(delete);
        // unsynced-replay: what could be read is taken for granted.
        let forces = self.config.force_sync && !cx.bugs.has(Bug::UnsyncedReplay);
        let stands_on = if forces { std::mem::take(&mut self.stands_on) } else { Vec::new() };
        let forced = stands_on.into_iter().map(|file| DiskOp::Sync { file });
        let initialize = self.listing.initialize.then(|| delete(INITIALIZE.into()));
        match Sequence::start(cx, self.tag(), empty_log.into_iter().chain(forced).chain(image).chain(initialize)) {
            Some(sequence) => {
                self.phase = Phase::Housekeeping(sequence);
                Ok(Progress::Continues)
            }
            None => Ok(Progress::Finished),
        }
    }

    fn recovered(&mut self, cx: &mut Cx) -> Recovered {
        let database = std::mem::replace(&mut self.replay.database, Database::new(0));
        let (from, to) = (self.replay.base(), database.last_processed);
        if self.mode == Mode::FastForward && from != to {
            cx.note(Note::FastForwarded { from, to });
        }
        // ZOOKEEPER-582: a snapshot newer than the log was not asked.
        let last_logged = if cx.bugs.has(Bug::Zk582) { self.replay.last_read } else { to };
        Recovered { database, last_logged }
    }

    fn tag(&mut self) -> DiskTag {
        match &mut self.tag {
            Tag::Fixed(tag) => *tag,
            Tag::Counted(asked) => {
                *asked += 1;
                DiskTag::Recovery(*asked - 1)
            }
        }
    }

    fn ask(&mut self, cx: &mut Cx, op: DiskOp) {
        let tag = self.tag();
        cx.emit(Effect::Disk { tag, op });
    }
}

impl Mode {
    fn replay(self, database: Database) -> Replay {
        match self {
            Mode::UpTo { zxid, silent } => Replay::new(database, Some(zxid), silent),
            Mode::Load { .. } | Mode::FastForward => Replay::new(database, None, false),
        }
    }

    /// Whether a file with this zxid in its name may matter.
    fn wants(self, name: Zxid) -> bool {
        if let Mode::UpTo { zxid, .. } = self { name <= zxid } else { true }
    }
}

/// The first snapshot of a new server, forced. (unsynced-image: written like any other.)
fn image_of_nothing(database: &Database, bugs: Bugs) -> Vec<DiskOp> {
    let mut walker = SnapshotWalker::new(database);
    let bytes: Vec<u8> = std::iter::from_fn(|| walker.next(database, usize::MAX)).flat_map(|chunk| chunk.to_vec()).collect();
    let target = snapshot_name(database.last_processed);
    if bugs.has(Bug::UnsyncedImage) {
        return vec![
            DiskOp::Create { file: target.clone() },
            DiskOp::Write { file: target, at: WriteAt::Byte(0), bytes: bytes.into(), forced: false },
        ];
    }
    let temporary: FileName = format!("{target}.tmp").into();
    vec![
        DiskOp::Create { file: temporary.clone() },
        DiskOp::Write { file: temporary.clone(), at: WriteAt::Byte(0), bytes: bytes.into(), forced: false },
        DiskOp::Sync { file: temporary.clone() },
        DiskOp::Rename { from: temporary, to: target.clone() },
        DiskOp::Sync { file: target },
    ]
}

#[cfg(test)]
mod tests;
