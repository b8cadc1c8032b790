//! The log is applied to what a snapshot, or memory, holds. Source: `FileTxnSnapLog.fastForwardFromEdits`, `FileTxnLog.FileTxnIterator`; storage
//! reference §6.4, §6.5.

use std::sync::Arc;

use crate::actor::Cx;
use crate::proto::{FileImage, FileName, Proposal, Zxid};
use crate::trace::{ApplyHow, Note};
use crate::tree::Database;

use super::format::{self, LogRecord};

/// A database on its way through the log files, oldest first.
#[derive(Clone, Debug)]
pub struct Replay {
    pub database: Database,
    /// Everything up to here was in the database when the replay began.
    base: Zxid,
    /// Transactions after this one are too new; `None`: all are wanted.
    until: Option<Zxid>,
    /// No notes: the same will be read once more.
    silent: bool,
    /// A transaction beyond the base was met: from here on all are applied, whatever their zxids.
    is_applying: bool,
    /// The last transaction that was read, applied or not; zero when there was none.
    pub last_read: Zxid,
    /// Where it begins.
    pub last_place: Option<Place>,
    /// Where the first transaction begins that is too new.
    pub end: Option<Place>,
}

/// A byte of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    pub file: FileName,
    pub byte: u64,
}

impl Replay {
    pub fn new(database: Database, until: Option<Zxid>, silent: bool) -> Replay {
        let base = database.last_processed;
        Replay { database, base, until, silent, is_applying: false, last_read: Zxid::ZERO, last_place: None, end: None }
    }

    /// Where the replay began.
    pub fn base(&self) -> Zxid {
        self.base
    }

    /// Reads a file to its end, torn or not. The error says why nothing can be loaded from this log.
    pub fn file(&mut self, cx: &mut Cx, file: &FileName, image: &FileImage) -> Result<(), String> {
        for record in format::read_log(image).map_err(|error| format!("{file}: {error}"))? {
            match record {
                LogRecord::Txn { at, proposal } => {
                    let place = Place { file: file.clone(), byte: at };
                    if self.until.is_some_and(|until| proposal.zxid() > until) {
                        self.end = Some(place);
                        break;
                    }
                    self.txn(cx, &proposal, place)?;
                }
                LogRecord::Tail { at, why } => self.note(cx, || Note::TailIgnored { file: file.clone(), at, why: why.to_string() }),
                LogRecord::Broken { at, why } => return Err(format!("{file}, byte {at}: {why}")),
            }
        }
        Ok(())
    }

    fn txn(&mut self, cx: &mut Cx, proposal: &Arc<Proposal>, place: Place) -> Result<(), String> {
        let zxid = proposal.zxid();
        self.is_applying |= zxid > self.base;
        if self.is_applying {
            if let Some(last) = self.database.gap_before(zxid) {
                return Err(format!("{} goes on with {zxid} after {last}: transactions are missing", place.file));
            }
            // Errors are those of a replay over a fuzzy snapshot.
            let _ = self.database.apply_again(proposal, cx.bugs);
            self.note(cx, || Note::Applied { txn: proposal.id(), how: ApplyHow::Replay, digest: self.database.digest() });
        }
        self.last_read = self.last_read.max(zxid);
        self.last_place = Some(place);
        Ok(())
    }

    pub fn note(&self, cx: &mut Cx, note: impl FnOnce() -> Note) {
        if !self.silent {
            cx.note(note());
        }
    }
}
