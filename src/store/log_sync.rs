//! A leader reads its own log for learners that its memory cannot serve. Source: `ZKDatabase.getProposalsFromTxnLog`,
//! `calculateTxnLogSizeLimit`; zab reference §4, row 5.
//!
//! A gap: ZooKeeper measures against its newest snapshot that passes the cheap test; here the newest one counts, torn or not.

use std::collections::VecDeque;
use std::sync::Arc;

use crate::actor::{Cx, Effect};
use crate::proto::{Config, ConnId, DiskError, DiskOp, DiskReply, DiskTag, FileImage, FileName, Proposal, Zxid};

use super::format::{self, LogRecord};
use super::listing::Listing;

/// Serves one learner after the other. All of its operations carry `DiskTag::LearnerSync`.
#[derive(Clone, Debug)]
pub struct LogSync {
    config: Arc<Config>,
    /// Learners with the last zxid of each, the one being served first.
    queue: VecDeque<(ConnId, Zxid)>,
    /// Log files to read, the one being loaded first; empty while the listing is.
    files: VecDeque<FileName>,
    proposals: Vec<Arc<Proposal>>,
}

/// What the log gives a learner.
#[derive(Clone, Debug)]
pub struct LogRead {
    pub learner: ConnId,
    /// From the first transaction of the log file that should hold the learner's zxid, to the end of the log or to where it cannot be read,
    /// oldest first: the first is not newer than that zxid. Empty when the log cannot serve it: too large, begins later, or switched off.
    pub proposals: Vec<Arc<Proposal>>,
}

impl LogSync {
    pub fn new(config: Arc<Config>) -> LogSync {
        LogSync { config, queue: VecDeque::new(), files: VecDeque::new(), proposals: Vec::new() }
    }

    /// The learner's history ends at `peer`. Answered by a [`LogRead`], later, in the order of asking; also for learners that are gone by then.
    pub fn request(&mut self, cx: &mut Cx, learner: ConnId, peer: Zxid) {
        self.queue.push_back((learner, peer));
        if self.queue.len() == 1 {
            self.list(cx);
        }
    }

    /// For `DiskTag::LearnerSync`.
    pub fn on_disk(&mut self, cx: &mut Cx, outcome: Result<DiskReply, DiskError>) -> Option<LogRead> {
        let peer = self.queue.front().expect("only our own operations complete").1;
        match outcome {
            Ok(DiskReply::Listed(files)) => self.files = self.files_for(peer, &Listing::of(&files)),
            Ok(DiskReply::Loaded(image)) => {
                self.files.pop_front();
                if !self.read(&image) {
                    self.files.clear();
                }
            }
            Ok(other) => unreachable!("an answer to another question: {other:?}"),
            // Purged in the meantime, or not readable: what was read before is still the log.
            Err(_) => self.files.clear(),
        }
        if let Some(file) = self.files.front() {
            cx.emit(Effect::Disk { tag: DiskTag::LearnerSync, op: DiskOp::Load { file: file.clone() } });
            return None;
        }
        let (learner, peer) = self.queue.pop_front()?;
        let mut proposals = std::mem::take(&mut self.proposals);
        if proposals.first().is_some_and(|first| first.zxid() > peer) {
            proposals.clear();
        }
        if !self.queue.is_empty() {
            self.list(cx);
        }
        Some(LogRead { learner, proposals })
    }

    fn list(&self, cx: &mut Cx) {
        cx.emit(Effect::Disk { tag: DiskTag::LearnerSync, op: DiskOp::List });
    }

    /// The log from the file on that should hold `peer`; none of it when sending a snapshot is cheaper.
    fn files_for(&self, peer: Zxid, listing: &Listing) -> VecDeque<FileName> {
        let Some(percent) = self.config.snapshot_size_factor else {
            return VecDeque::new();
        };
        let logs = listing.logs_from(peer);
        let limit = listing.snapshots.last().map_or(0, |newest| newest.size) * u64::from(percent) / 100;
        let size: u64 = logs.iter().map(|log| log.size).sum();
        if limit > 0 && size > limit { VecDeque::new() } else { logs.iter().map(|log| log.file.clone()).collect() }
    }

    /// Adds a file's transactions. False when the log cannot be read any further.
    fn read(&mut self, image: &FileImage) -> bool {
        let Ok(records) = format::read_log(image) else {
            return false;
        };
        for record in records {
            match record {
                LogRecord::Txn { proposal, .. } => self.proposals.push(proposal),
                LogRecord::Tail { .. } => {}
                LogRecord::Broken { .. } => return false,
            }
        }
        true
    }
}
