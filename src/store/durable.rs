//! The persistent numbers of a server, with their copies in memory. Source: `QuorumPeer.loadDataBase`; storage reference §6.

use crate::actor::{Cx, Effect};
use crate::proto::{DiskError, DiskOp, DiskReply, DiskTag, Epoch, SmallFile, Zxid};
use crate::trace::{EpochFile, Note};

use super::small_file::{self, AtomicWriter, Progress};

const FILES: [SmallFile; 3] = [SmallFile::LastZxid, SmallFile::CurrentEpoch, SmallFile::AcceptedEpoch];

/// Both epochs and the end of the history. A copy in memory changes only after its file did.
#[derive(Clone, Debug)]
pub struct Durable {
    /// Highest epoch promised to a leader.
    pub accepted_epoch: Epoch,
    /// Epoch of the last leader whose history was adopted; `current_epoch <= accepted_epoch`.
    pub current_epoch: Epoch,
    /// lastProcessedZxid of the database in memory: may be `(epoch, 0)`, which no disk holds, on a server that led.
    pub last_zxid: Zxid,
    writer: AtomicWriter,
}

/// Reading the files at boot.
#[derive(Clone, Debug, Default)]
pub struct Boot {
    /// What each file held, in the order of [`FILES`]; `None` inside when there is no such file.
    read: [Option<Option<i64>>; FILES.len()],
}

impl Boot {
    /// Asks for all files.
    pub fn start(cx: &mut Cx) -> Boot {
        for file in FILES {
            cx.emit(Effect::Disk { tag: DiskTag::Boot(file), op: DiskOp::Load { file: small_file::name(file).into() } });
        }
        Boot::default()
    }

    /// One file was read. `Some` when all were: the state they give, or why the server must not start from them.
    pub fn on_loaded(&mut self, cx: &mut Cx, file: SmallFile, outcome: Result<DiskReply, DiskError>) -> Option<Result<Durable, String>> {
        let number = match outcome {
            Ok(DiskReply::Loaded(image)) => small_file::number_in(file, &image).map(Some),
            Ok(_) | Err(DiskError::NotFound) => Ok(None),
            Err(error) => Err(format!("reading {}: {error}", small_file::name(file))),
        };
        match number {
            Ok(number) => self.read[FILES.iter().position(|known| *known == file)?] = Some(number),
            Err(reason) => return Some(Err(reason)),
        }
        let [Some(last), Some(current), Some(accepted)] = self.read else {
            return None;
        };
        Some(Durable::recover(cx, last, current, accepted))
    }
}

impl Durable {
    /// Before anything was read.
    pub fn blank() -> Durable {
        Durable { accepted_epoch: Epoch(0), current_epoch: Epoch(0), last_zxid: Zxid::ZERO, writer: AtomicWriter::default() }
    }

    /// A missing epoch file means the epoch of the last zxid, and is written.
    ///
    /// A history newer than `currentEpoch` was adopted just before a crash, and the epoch follows it. A deviation: ZooKeeper does so only when
    /// it finds `currentEpoch.tmp` (ZOOKEEPER-4269), and refuses to boot without. It belongs to the file that stands in for the log.
    fn recover(cx: &mut Cx, last: Option<i64>, current: Option<i64>, accepted: Option<i64>) -> Result<Durable, String> {
        let last_zxid = last.map_or(Zxid::ZERO, Zxid);
        let history = if last_zxid == Zxid::UNTRUSTED { Epoch(0) } else { last_zxid.epoch() };
        let current_epoch = current.map_or(history, Epoch).max(history);
        let accepted_epoch = accepted.map_or(history, Epoch);
        if accepted_epoch < current_epoch {
            return Err(format!("the accepted epoch, {accepted_epoch}, is less than the current epoch, {current_epoch}"));
        }
        let mut durable = Durable { accepted_epoch, current_epoch, last_zxid, writer: AtomicWriter::default() };
        if current != Some(current_epoch.0) {
            durable.writer.write(cx, SmallFile::CurrentEpoch, current_epoch.0);
        }
        if accepted.is_none() {
            durable.writer.write(cx, SmallFile::AcceptedEpoch, accepted_epoch.0);
        }
        Ok(durable)
    }

    /// Starts to write a promise. Answered by [`Progress::Written`].
    pub fn write_accepted_epoch(&mut self, cx: &mut Cx, epoch: Epoch) {
        self.writer.write(cx, SmallFile::AcceptedEpoch, epoch.0);
    }

    /// Starts to write the epoch whose history is adopted.
    pub fn write_current_epoch(&mut self, cx: &mut Cx, epoch: Epoch) {
        self.writer.write(cx, SmallFile::CurrentEpoch, epoch.0);
    }

    /// Starts to write where the adopted history ends. Stands in for log and snapshot.
    pub fn write_last_zxid(&mut self, cx: &mut Cx, zxid: Zxid) {
        self.writer.write(cx, SmallFile::LastZxid, zxid.0);
    }

    /// Whether a write is under way: a server joins the thread that writes before it looks for a leader.
    pub fn is_writing(&self) -> bool {
        self.writer.is_busy()
    }

    /// An operation of a write ended; the copies in memory follow the files.
    pub fn on_disk(&mut self, cx: &mut Cx, outcome: Result<DiskReply, DiskError>) -> Progress {
        let progress = self.writer.on_disk(cx, outcome);
        match progress {
            Progress::Written(SmallFile::AcceptedEpoch, epoch) => {
                self.accepted_epoch = Epoch(epoch);
                cx.note(Note::EpochWritten { file: EpochFile::AcceptedEpoch, epoch: Epoch(epoch) });
            }
            Progress::Written(SmallFile::CurrentEpoch, epoch) => {
                self.current_epoch = Epoch(epoch);
                cx.note(Note::EpochWritten { file: EpochFile::CurrentEpoch, epoch: Epoch(epoch) });
            }
            Progress::Written(SmallFile::LastZxid, zxid) => self.last_zxid = Zxid(zxid),
            Progress::Continues | Progress::Failed(..) => {}
        }
        progress
    }
}
