//! The two epochs of a server, with their copies in memory. Source: `QuorumPeer.setAcceptedEpoch`, `setCurrentEpoch`; storage reference §6, §7.

use crate::actor::Cx;
use crate::proto::{DiskError, DiskReply, Epoch, SmallFile};
use crate::trace::{EpochFile, Note};

use super::small_file::{AtomicWriter, Progress};

/// Both epochs. A copy in memory changes only after its file did.
#[derive(Clone, Debug, Default)]
pub struct Epochs {
    /// Highest epoch promised to a leader.
    pub accepted: Epoch,
    /// Epoch of the last leader whose history was adopted; `current <= accepted`.
    pub current: Epoch,
    writer: AtomicWriter,
}

impl Epochs {
    pub(super) fn of(accepted: Epoch, current: Epoch) -> Epochs {
        Epochs { accepted, current, writer: AtomicWriter::default() }
    }

    /// Starts to write a promise. Answered by [`Progress::Written`].
    pub fn write_accepted(&mut self, cx: &mut Cx, epoch: Epoch) {
        self.writer.write(cx, SmallFile::AcceptedEpoch, epoch.0);
    }

    /// Starts to write the epoch whose history is adopted.
    pub fn write_current(&mut self, cx: &mut Cx, epoch: Epoch) {
        self.writer.write(cx, SmallFile::CurrentEpoch, epoch.0);
    }

    /// Whether a write is under way: a server joins the thread that writes before it looks for a leader.
    pub fn is_writing(&self) -> bool {
        self.writer.is_busy()
    }

    /// For `DiskTag::Atomic`: an operation of a write ended; the copies in memory follow the files.
    pub fn on_disk(&mut self, cx: &mut Cx, outcome: Result<DiskReply, DiskError>) -> Progress {
        let progress = self.writer.on_disk(cx, outcome);
        match progress {
            Progress::Written(SmallFile::AcceptedEpoch, epoch) => {
                self.accepted = Epoch(epoch);
                cx.note(Note::EpochWritten { file: EpochFile::AcceptedEpoch, epoch: Epoch(epoch) });
            }
            Progress::Written(SmallFile::CurrentEpoch, epoch) => {
                self.current = Epoch(epoch);
                cx.note(Note::EpochWritten { file: EpochFile::CurrentEpoch, epoch: Epoch(epoch) });
            }
            Progress::Continues | Progress::Failed(..) => {}
        }
        progress
    }
}
