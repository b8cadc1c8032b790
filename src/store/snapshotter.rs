//! Snapshots of the live tree. Source: `FileTxnSnapLog.save`, `FileSnap.serialize`, `SyncRequestProcessor`; storage reference §5.
//!
//! One is written at a time, a few nodes at a wake-up, while the tree goes on changing: its name is the zxid at its beginning, its content
//! partly younger (fuzzy), and replaying the log from that name on makes it right.
//!
//! A repair of ours: the last bytes of a background snapshot, without which it counts for nothing, wait until the log holds all that it may
//! hold. Memory is ahead of the log, since a quorum of others may commit a transaction first; after a crash ZooKeeper may then load a
//! tree with parts of transactions that its log does not have. They are committed and come again, so nobody sees it; but a restarted
//! server would not have the state of the zxid that it votes with.

use std::collections::VecDeque;

use crate::actor::{Cx, Effect};
use crate::bugs::{Bug, Bugs};
use crate::proto::{Bytes, DiskError, DiskOp, DiskReply, DiskTag, FileName, Stage, WriteAt, Zxid};
use crate::trace::Note;
use crate::tree::Database;

use super::format::{SnapshotWalker, snapshot_name};
use super::listing::Listing;
use super::request_logger::{Coverage, RequestLogger};

/// The process ends when a snapshot cannot be written. Source: `ExitCode.TXNLOG_ERROR_TAKING_SNAPSHOT`.
pub const EXIT_SNAPSHOT_FAILED: i32 = 10;

/// Nodes that are written at a wake-up: between two of them the tree may change.
const NODES_PER_WAKE_UP: usize = 32;

/// Writes one snapshot after the other (`FileSnap.serialize` is synchronized).
#[derive(Clone, Debug, Default)]
pub struct Snapshotter {
    /// The one under way first.
    jobs: VecDeque<Job>,
}

#[derive(Clone, Debug)]
struct Job {
    /// The name: `lastProcessedZxid` when it was asked for.
    zxid: Zxid,
    kind: Kind,
    /// The tree as it was when it stopped being the live one; `None`: the live one.
    frozen: Option<Database>,
    walker: Option<SnapshotWalker>,
    /// A file was created for it.
    is_begun: bool,
    /// Bytes written.
    position: u64,
    /// The last bytes, with the zxid that the tree had when they were taken from it.
    last: Option<(Bytes, Zxid)>,
    phase: Phase,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Background,
    Awaited(Image),
}

/// How a snapshot is written that somebody waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Image {
    /// A leader at the start of `lead()`: temporary file, forced, renamed. A repair: ZooKeeper writes it over the file that has its name and forces
    /// nothing (UnsyncedImage), and that may be the only snapshot there is; a power loss then leaves a log without any, and the server refuses
    /// to boot.
    Leading,
    /// A learner at NEWLEADER after SNAP: temporary file, forced, renamed. `to` is the zxid of the SNAP packet. Afterwards other snapshots
    /// newer than it are deleted: they are of a history that the leader does not share. (Zk2872: not forced. Zk2832: nothing deleted.)
    AfterSnap { to: Zxid },
    /// The same after TRUNC, when nothing newer is left to delete. (UnsyncedTruncation: not forced.)
    AfterTrunc,
}

/// What is under way.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Phase {
    /// Others come first.
    Waiting,
    /// Is there a file of this name already?
    Looking,
    Creating,
    /// Nothing: it is the stage's turn.
    Walking,
    Writing(Bytes),
    Forcing,
    Renaming,
    ForcingName,
    Listing,
    /// Of other snapshots, the first of these.
    Deleting(VecDeque<FileName>),
    /// The sync of any file makes older changes of names durable.
    ForcingDeletions,
    /// It was given up while an operation was under way; its file goes next.
    Abandoned,
    Discarding,
}

/// What a step came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SnapshotEvent {
    Continues,
    /// The snapshot is a file. `background`: nobody waits for it.
    Taken {
        zxid: Zxid,
        background: bool,
    },
    /// It could not be written: the process ends with [`EXIT_SNAPSHOT_FAILED`].
    Failed(DiskError),
}

impl Snapshotter {
    /// Starts a snapshot that nobody waits for. False, and nothing happens, while another such one is being written ("too busy").
    pub fn take_in_background(&mut self, cx: &mut Cx, database: &Database) -> bool {
        let busy = self.jobs.iter().any(|job| job.kind == Kind::Background && !job.is_given_up());
        if !busy {
            self.enqueue(cx, database, Kind::Background);
        }
        !busy
    }

    /// Starts a snapshot that somebody waits for. It begins when those before it are done, but is named after the zxid of now. Answered by
    /// [`SnapshotEvent::Taken`] with `background: false`.
    pub fn take(&mut self, cx: &mut Cx, database: &Database, image: Image) {
        self.enqueue(cx, database, Kind::Awaited(image));
    }

    /// For `Stage::SnapshotTaker`: a few nodes more. `database` is the live one. `logger` is asked whether its log holds what a background
    /// snapshot does.
    pub fn on_stage(&mut self, cx: &mut Cx, database: &Database, logger: &mut RequestLogger) -> SnapshotEvent {
        let Some(job) = self.jobs.front_mut().filter(|job| job.phase == Phase::Walking) else {
            return SnapshotEvent::Continues;
        };
        if job.last.is_none() {
            match job.walk(database) {
                Some(bytes) => job.begin(cx, Phase::Writing(bytes)),
                None if job.last.is_some() => {}
                None if job.is_forced(cx.bugs) => job.begin(cx, Phase::Forcing),
                None => return self.written(cx),
            }
        }
        if let Some((bytes, zxid)) = &job.last {
            match logger.coverage(*zxid) {
                Coverage::NotYet => {}
                Coverage::Never => self.abandon(cx),
                Coverage::All => {
                    let bytes = bytes.clone();
                    job.last = None;
                    job.begin(cx, Phase::Writing(bytes));
                }
            }
        }
        SnapshotEvent::Continues
    }

    /// For `DiskTag::Snapshot`.
    pub fn on_disk(&mut self, cx: &mut Cx, outcome: Result<DiskReply, DiskError>) -> SnapshotEvent {
        let job = self.jobs.front_mut().expect("only our own operations complete");
        match (&mut job.phase, outcome) {
            (Phase::Abandoned, _) if job.is_begun => job.begin(cx, Phase::Discarding),
            (Phase::Abandoned, _) => self.next_job(cx),
            (Phase::Discarding, _) => self.next_job(cx),
            // ZooKeeper does not look, so it does not end of that, either. The log keeps what the snapshot would have held.
            (Phase::Looking, Err(_)) => self.next_job(cx),
            (Phase::Deleting(files), Ok(_) | Err(DiskError::NotFound)) => {
                let rest = files.split_off(1);
                let phase = if rest.is_empty() { Phase::ForcingDeletions } else { Phase::Deleting(rest) };
                job.begin(cx, phase);
            }
            (_, Err(error)) => return job.fail(cx, error),
            (Phase::Looking, Ok(DiskReply::Listed(files))) => {
                let name = snapshot_name(job.zxid);
                if files.iter().any(|(other, _)| *other == name) {
                    self.next_job(cx);
                } else {
                    job.create(cx);
                }
            }
            (Phase::Listing, Ok(DiskReply::Listed(files))) => {
                let superseded = job.superseded(&files);
                if superseded.is_empty() {
                    return self.taken(cx);
                }
                job.begin(cx, Phase::Deleting(superseded));
            }
            (Phase::Writing(bytes), Ok(_)) => {
                job.position += bytes.len() as u64;
                job.await_stage(cx);
            }
            (Phase::Creating, Ok(_)) => job.await_stage(cx),
            (Phase::Forcing, Ok(_)) => job.begin(cx, Phase::Renaming),
            (Phase::Renaming, Ok(_)) if !cx.bugs.has(Bug::UnsyncedRename) => job.begin(cx, Phase::ForcingName),
            (Phase::Renaming | Phase::ForcingName, Ok(_)) => return self.written(cx),
            (Phase::ForcingDeletions, Ok(_)) => return self.taken(cx),
            (Phase::Waiting | Phase::Looking | Phase::Walking | Phase::Listing, Ok(_)) => unreachable!("no such operation is under way"),
        }
        SnapshotEvent::Continues
    }

    /// To be called with the live database before it changes otherwise than by commits: before it is cleared, replaced by a SNAP, and before
    /// the own log is replayed into it. Snapshots under way go on with the tree as it is now.
    ///
    /// For clear and SNAP that is what Java's reference to the old tree does. For the replay it is a repair: ZooKeeper lets uncommitted
    /// transactions slip into a snapshot named after an older zxid, where no TRUNC finds them.
    pub fn freeze(&mut self, database: &Database) {
        for job in self.jobs.iter_mut().filter(|job| job.frozen.is_none() && !job.is_given_up()) {
            job.frozen = Some(database.clone());
        }
    }

    /// Nothing is being written or waits to be.
    pub fn is_idle(&self) -> bool {
        self.jobs.is_empty()
    }

    /// Gives up what is under way, and deletes what there is of it. ZooKeeper lets a background snapshot of the tree before a TRUNC finish, and it
    /// is then newer than the zxid that the log was cut back to: part of the repair of ZK-4837.
    pub(super) fn abandon(&mut self, cx: &mut Cx) {
        self.jobs.truncate(1);
        let Some(job) = self.jobs.front_mut() else { return };
        match job.phase {
            Phase::Abandoned | Phase::Discarding => {}
            Phase::Waiting | Phase::Walking => job.begin(cx, Phase::Discarding),
            _ => job.phase = Phase::Abandoned,
        }
    }

    fn enqueue(&mut self, cx: &mut Cx, database: &Database, kind: Kind) {
        let zxid = database.last_processed;
        self.jobs.push_back(Job { zxid, kind, frozen: None, walker: None, is_begun: false, position: 0, last: None, phase: Phase::Waiting });
        if self.jobs.len() == 1 {
            self.start(cx);
        }
    }

    fn start(&mut self, cx: &mut Cx) {
        match self.jobs.front_mut() {
            // Nothing would be new in it, and an image that was forced under this name would be emptied first, perhaps the only one there is.
            // (A deviation: ZooKeeper writes over it.)
            Some(job) if job.kind == Kind::Background => job.begin(cx, Phase::Looking),
            Some(job) => job.create(cx),
            None => {}
        }
    }

    fn next_job(&mut self, cx: &mut Cx) {
        self.jobs.pop_front();
        self.start(cx);
    }

    /// The file is complete. What it makes void goes after it: until now it was what a restart would have stood on.
    fn written(&mut self, cx: &mut Cx) -> SnapshotEvent {
        let job = self.jobs.front_mut().expect("it was just written");
        cx.note(Note::SnapshotTaken { zxid: job.zxid, synced: job.is_forced(cx.bugs) });
        if matches!(job.kind, Kind::Awaited(Image::AfterSnap { .. })) && !cx.bugs.has(Bug::Zk2832) {
            job.begin(cx, Phase::Listing);
            return SnapshotEvent::Continues;
        }
        self.taken(cx)
    }

    fn taken(&mut self, cx: &mut Cx) -> SnapshotEvent {
        let job = self.jobs.front().expect("it is done");
        let event = SnapshotEvent::Taken { zxid: job.zxid, background: job.kind == Kind::Background };
        self.next_job(cx);
        event
    }
}

impl Job {
    fn create(&mut self, cx: &mut Cx) {
        self.is_begun = true;
        cx.note(Note::SnapshotStarted { zxid: self.zxid });
        self.begin(cx, Phase::Creating);
    }

    fn is_forced(&self, bugs: Bugs) -> bool {
        match self.kind {
            Kind::Background => false,
            // All releases: it is written over whatever has its name.
            Kind::Awaited(Image::Leading) => !bugs.has(Bug::UnsyncedImage),
            // ZOOKEEPER-2872: the leader's snapshot was written like any other.
            Kind::Awaited(Image::AfterSnap { .. }) => !bugs.has(Bug::Zk2872),
            // All releases: nothing forces it, though transactions that followed the TRUNC are in no log.
            Kind::Awaited(Image::AfterTrunc) => !bugs.has(Bug::UnsyncedTruncation),
        }
    }

    fn is_given_up(&self) -> bool {
        matches!(self.phase, Phase::Abandoned | Phase::Discarding)
    }

    /// The next bytes that may be written. The last ones of a background snapshot are put aside.
    fn walk(&mut self, live: &Database) -> Option<Bytes> {
        let database = self.frozen.as_ref().unwrap_or(live);
        let walker = self.walker.get_or_insert_with(|| SnapshotWalker::new(database));
        let bytes = walker.next(database, NODES_PER_WAKE_UP)?;
        if walker.is_finished() && self.kind == Kind::Background {
            self.last = Some((bytes, database.last_processed));
            return None;
        }
        Some(bytes)
    }

    fn await_stage(&mut self, cx: &mut Cx) {
        self.phase = Phase::Walking;
        cx.wake(Stage::SnapshotTaker);
    }

    /// Starts the operation of a phase.
    fn begin(&mut self, cx: &mut Cx, phase: Phase) {
        let name = snapshot_name(self.zxid);
        let written: FileName = if self.is_forced(cx.bugs) { format!("{name}.tmp").into() } else { name.clone() };
        let op = match &phase {
            Phase::Creating => DiskOp::Create { file: written },
            Phase::Writing(bytes) => DiskOp::Write { file: written, at: WriteAt::Byte(self.position), bytes: bytes.clone(), forced: false },
            Phase::Forcing => DiskOp::Sync { file: written },
            Phase::Renaming => DiskOp::Rename { from: written, to: name },
            Phase::ForcingName | Phase::ForcingDeletions => DiskOp::Sync { file: name },
            Phase::Looking | Phase::Listing => DiskOp::List,
            Phase::Deleting(files) => DiskOp::Delete { file: files[0].clone() },
            Phase::Discarding => DiskOp::Delete { file: written },
            Phase::Waiting | Phase::Walking | Phase::Abandoned => unreachable!("nothing to do while {phase:?}"),
        };
        self.phase = phase;
        cx.emit(Effect::Disk { tag: DiskTag::Snapshot, op });
    }

    /// An empty file would count as one of the snapshots that purging keeps; nobody waits for its deletion, since the process ends.
    fn fail(&mut self, cx: &mut Cx, error: DiskError) -> SnapshotEvent {
        cx.note(Note::StorageFailed { what: format!("the snapshot of {}", self.zxid), error: error.to_string() });
        if self.position == 0 {
            self.begin(cx, Phase::Discarding);
        }
        SnapshotEvent::Failed(error)
    }

    /// Other snapshots that are newer than what the leader said: the newest first, so that whatever is left belongs together.
    fn superseded(&self, files: &[(FileName, u64)]) -> VecDeque<FileName> {
        let Kind::Awaited(Image::AfterSnap { to }) = self.kind else {
            return VecDeque::new();
        };
        Listing::of(files).snapshots_after(to).filter(|other| other.zxid != self.zxid).map(|other| other.file.clone()).collect()
    }
}

#[cfg(test)]
mod tests;
