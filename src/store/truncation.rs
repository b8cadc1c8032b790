//! The disk forgets what the leader does not have: TRUNC, and the log under a SNAP. Source: `ZKDatabase.truncateLog`, `FileTxnLog.truncate`;
//! storage reference §6.
//!
//! The order is that of a crash at any moment: a server that starts again finds either what it had, or a beginning of that with everything up
//! to the zxid in it. So nothing is touched before it is certain that the disk can give the state at that zxid; then snapshots newer than
//! it go (the log still holds what they hold), then whole log files, the youngest first, then the end of the file that the zxid is in.
//! ZooKeeper cuts that file first and deletes later ones after it, and a crash in between leaves a hole. It also needs a record of that zxid
//! or later in the log; here a snapshot of exactly that zxid will do.

use std::sync::Arc;

use crate::actor::{Cx, Effect};
use crate::bugs::Bug;
use crate::proto::{Config, DiskError, DiskOp, DiskReply, DiskTag, FileImage, FileName, Zxid};
use crate::trace::Note;

use super::format::{self, LogRecord};
use super::listing::Listing;
use super::purge::Purge;
use super::recovery::{Recovered, Recovery, RecoveryEvent};
use super::replay::Place;
use super::request_logger::RequestLogger;
use super::sequence::{Sequence, Step};
use super::snapshotter::Snapshotter;

const TAG: DiskTag = DiskTag::Truncation;

/// Takes everything after a zxid from the disk. All of its operations carry `DiskTag::Truncation`.
#[derive(Clone, Debug)]
pub struct Truncation {
    config: Arc<Config>,
    cut: Cut,
    phase: Phase,
    /// The state at the zxid, as the disk gives it.
    recovered: Option<Box<Recovered>>,
}

/// What is to be cut back, and for whom.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cut {
    /// The leader said TRUNC to this zxid: log and snapshots, and the database is read again. Memory is to be cleared.
    Trunc(Zxid),
    /// The leader said SNAP, as of this zxid: the log alone (a repair; Zk2832: nothing), before the image is taken over. Snapshots newer than
    /// the zxid go when the image is forced ([`super::Image::AfterSnap`]): until then they are what the server can restart from.
    Snap(Zxid),
}

#[derive(Clone, Debug)]
enum Phase {
    /// TRUNC: can the disk give the state, and where is its end?
    Surveying(Recovery),
    /// SNAP: which logs are there?
    Listing,
    /// SNAP: the log that the zxid should be in is being loaded.
    Loading(Listing),
    Cutting(Sequence),
    /// The database is read once more, because it may not be what was surveyed.
    Reloading(Recovery),
}

/// What a step came to.
#[derive(Clone, Debug)]
pub enum TruncationEvent {
    Continues,
    /// Nothing newer than the zxid is left. After [`Cut::Trunc`] with the database as the disk now gives it, its `last_processed` set to that
    /// zxid as ZooKeeper does (only with Zk4837, Zk1156 or Zk3701 that may not be so).
    Done(Option<Box<Recovered>>),
    /// The disk cannot give the state at that zxid, because that part of the history came as the image of a later one. Nothing was changed.
    /// `has` is the newest zxid below it that the disk can give. The learner asks its leader for a SNAP instead.
    ///
    /// ZooKeeper sees it only if its log has nothing at or after that zxid, and exits 13 (the switch unreachable-truncation: always); else
    /// it cuts behind the first later record, a state that nobody has.
    Unreachable {
        has: Zxid,
    },
    /// The disk could not be read or changed: exit 13. (Zk3701: reported as done instead.)
    Failed(String),
}

impl Truncation {
    /// Starts to cut. The logger must be idle; its next append opens a new file. A background snapshot and a purge under way are abandoned:
    /// nobody else may touch logs and snapshots until this is over (so no `purge.on_timer` meanwhile). The note FollowerTruncates is the
    /// caller's, who knows where its history ended; LogTruncated comes from here.
    pub fn start(
        cx: &mut Cx,
        config: Arc<Config>,
        cut: Cut,
        logger: &mut RequestLogger,
        snapshotter: &mut Snapshotter,
        purge: &mut Purge,
    ) -> Truncation {
        logger.close_file();
        purge.abandon();
        if !cx.bugs.has(Bug::Zk4837) {
            snapshotter.abandon(cx);
        }
        let phase = match cut {
            Cut::Trunc(zxid) => {
                let read_again = cx.bugs.has(Bug::Zk4837) || cx.bugs.has(Bug::Zk1156);
                Phase::Surveying(Recovery::up_to(cx, config.clone(), zxid, TAG, read_again))
            }
            Cut::Snap(_) => {
                cx.emit(Effect::Disk { tag: TAG, op: DiskOp::List });
                Phase::Listing
            }
        };
        Truncation { config, cut, phase, recovered: None }
    }

    /// For `DiskTag::Truncation`.
    pub fn on_disk(&mut self, cx: &mut Cx, outcome: Result<DiskReply, DiskError>) -> TruncationEvent {
        match (&mut self.phase, outcome) {
            (Phase::Surveying(survey), outcome) => match survey.on_disk(cx, outcome) {
                RecoveryEvent::Continues => TruncationEvent::Continues,
                RecoveryEvent::Recovered(recovered) => self.on_surveyed(cx, recovered),
                RecoveryEvent::Refused(reason) => self.failed(cx, reason),
            },
            (Phase::Listing, Ok(DiskReply::Listed(files))) => self.on_listed(cx, &Listing::of(&files)),
            (Phase::Loading(listing), Ok(DiskReply::Loaded(image))) => {
                let listing = std::mem::take(listing);
                self.on_loaded(cx, &listing, &image)
            }
            (Phase::Cutting(sequence), outcome) => match sequence.on_disk(cx, outcome) {
                Step::Continues => TruncationEvent::Continues,
                Step::Done => self.on_cut(cx),
                Step::Failed(op, error) => self.failed(cx, format!("{op}: {error}")),
            },
            (Phase::Reloading(recovery), outcome) => match recovery.on_disk(cx, outcome) {
                RecoveryEvent::Continues => TruncationEvent::Continues,
                RecoveryEvent::Recovered(recovered) => {
                    self.recovered = Some(recovered);
                    self.done()
                }
                RecoveryEvent::Refused(reason) => TruncationEvent::Failed(reason),
            },
            (Phase::Listing | Phase::Loading(_), Err(error)) => self.failed(cx, format!("reading the log: {error}")),
            (Phase::Listing | Phase::Loading(_), Ok(other)) => unreachable!("an answer to another question: {other:?}"),
        }
    }
}

impl Truncation {
    fn on_surveyed(&mut self, cx: &mut Cx, recovered: Box<Recovered>) -> TruncationEvent {
        let (Cut::Trunc(to), Phase::Surveying(survey)) = (self.cut, &self.phase) else {
            unreachable!("only TRUNC surveys");
        };
        let has = recovered.database.last_processed;
        if has != to {
            return TruncationEvent::Unreachable { has: has.max(Zxid::ZERO) };
        }
        let listing = survey.listing();
        // ZOOKEEPER-4837: snapshots were left alone, and the newest one is loaded.
        let kept = cx.bugs.has(Bug::Zk4837);
        let snapshots = listing.snapshots_after(to).filter(|_| !kept).map(|snapshot| delete(&snapshot.file));
        // ZOOKEEPER-1156: the position was that before the last record read, not behind it.
        let replay = survey.replay();
        let end = if cx.bugs.has(Bug::Zk1156) { &replay.last_place } else { &replay.end };
        let ops: Vec<DiskOp> = snapshots.chain(listing.logs_after(to).map(delete)).chain(end.as_ref().map(cut_at)).collect();
        self.recovered = Some(recovered);
        self.begin_cutting(cx, ops)
    }

    fn on_listed(&mut self, cx: &mut Cx, listing: &Listing) -> TruncationEvent {
        let Cut::Snap(to) = self.cut else { unreachable!("only SNAP lists") };
        // ZOOKEEPER-2832: the log stays, and a restart replays into the image what comes after it.
        if cx.bugs.has(Bug::Zk2832) {
            return TruncationEvent::Done(None);
        }
        match listing.logs_from(to).first().filter(|log| log.zxid <= to) {
            Some(log) => {
                cx.emit(Effect::Disk { tag: TAG, op: DiskOp::Load { file: log.file.clone() } });
                self.phase = Phase::Loading(listing.clone());
                TruncationEvent::Continues
            }
            None => self.begin_cutting(cx, listing.logs_after(to).map(delete).collect()),
        }
    }

    /// What cannot be read stays: cutting there might take what was acknowledged, and would hide the damage.
    fn on_loaded(&mut self, cx: &mut Cx, listing: &Listing, image: &FileImage) -> TruncationEvent {
        let Cut::Snap(to) = self.cut else { unreachable!("only SNAP loads a log by itself") };
        let too_new = |record: LogRecord| match record {
            LogRecord::Txn { at, proposal } => (proposal.zxid() > to).then_some(at),
            LogRecord::Tail { .. } | LogRecord::Broken { .. } => None,
        };
        let byte = format::read_log(image).ok().and_then(|mut records| records.find_map(too_new));
        let file = listing.logs_from(to).first().map(|log| log.file.clone());
        let end = file.zip(byte).map(|(file, byte)| cut_at(&Place { file, byte }));
        self.begin_cutting(cx, listing.logs_after(to).map(delete).chain(end).collect())
    }

    fn begin_cutting(&mut self, cx: &mut Cx, ops: Vec<DiskOp>) -> TruncationEvent {
        match Sequence::start(cx, TAG, ops) {
            Some(sequence) => {
                self.phase = Phase::Cutting(sequence);
                TruncationEvent::Continues
            }
            None => self.done(),
        }
    }

    fn on_cut(&mut self, cx: &mut Cx) -> TruncationEvent {
        let (Cut::Trunc(to) | Cut::Snap(to)) = self.cut;
        cx.note(Note::LogTruncated { to });
        let survey_holds = !cx.bugs.has(Bug::Zk4837) && !cx.bugs.has(Bug::Zk1156);
        if matches!(self.cut, Cut::Snap(_)) || survey_holds {
            return self.done();
        }
        self.reload(cx)
    }

    fn reload(&mut self, cx: &mut Cx) -> TruncationEvent {
        self.phase = Phase::Reloading(Recovery::reload(cx, self.config.clone(), TAG));
        TruncationEvent::Continues
    }

    fn done(&mut self) -> TruncationEvent {
        let (Cut::Trunc(to) | Cut::Snap(to)) = self.cut;
        TruncationEvent::Done(self.recovered.take().map(|mut recovered| {
            recovered.database.last_processed = to;
            recovered.last_logged = to;
            recovered
        }))
    }

    fn failed(&mut self, cx: &mut Cx, reason: String) -> TruncationEvent {
        let (Cut::Trunc(to) | Cut::Snap(to)) = self.cut;
        cx.note(Note::StorageFailed { what: format!("cutting the log back to {to}"), error: reason.clone() });
        match self.cut {
            // ZOOKEEPER-3701: the error was lost on its way, and the server went on with what its disk still holds.
            Cut::Trunc(_) if cx.bugs.has(Bug::Zk3701) => self.reload(cx),
            _ => TruncationEvent::Failed(reason),
        }
    }
}

fn delete(file: &FileName) -> DiskOp {
    DiskOp::Delete { file: file.clone() }
}

fn cut_at(place: &Place) -> DiskOp {
    DiskOp::Truncate { file: place.file.clone(), len: place.byte }
}

#[cfg(test)]
mod tests;
