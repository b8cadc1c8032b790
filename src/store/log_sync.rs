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

#[cfg(test)]
mod tests {
    use super::super::bench::{Bench, config, log_of, named, snapshot_of, zxids};
    use super::*;

    fn conn(slot: u32) -> ConnId {
        ConnId { slot, generation: 0 }
    }

    /// A snapshot of 2, and logs of 3 to 6 and 7 to 9.
    fn disk() -> Bench {
        let mut bench = Bench::default();
        bench.install([snapshot_of(Zxid::new(1, 2)), log_of(zxids(3..=6)), log_of(zxids(7..=9))]);
        bench
    }

    /// The counters of what a learner at `peer` is given.
    fn read(bench: &mut Bench, percent: Option<u32>, peer: Zxid) -> Vec<u32> {
        let mut config = Config::clone(&config(1000));
        config.snapshot_size_factor = percent;
        let mut sync = LogSync::new(Arc::new(config));
        bench.step(|cx| sync.request(cx, conn(1), peer));
        let reads: Vec<LogRead> = bench.run(|cx, outcome| sync.on_disk(cx, outcome)).into_iter().flatten().collect();
        assert_eq!(reads.len(), 1);
        reads[0].proposals.iter().map(|proposal| proposal.zxid().counter()).collect()
    }

    #[test]
    fn the_log_from_the_file_on_that_holds_the_peer() {
        let bench = &mut disk();
        assert_eq!(read(bench, Some(0), Zxid::new(1, 5)), [3, 4, 5, 6, 7, 8, 9]);
        assert_eq!(read(bench, Some(0), Zxid::new(1, 7)), [7, 8, 9]);
        assert_eq!(read(bench, Some(0), Zxid::new(1, 2)), [0; 0], "the log begins later");
        assert_eq!(read(bench, Some(0), Zxid::UNTRUSTED), [0; 0]);
        assert_eq!(read(bench, None, Zxid::new(1, 5)), [0; 0], "switched off");
    }

    #[test]
    fn a_log_larger_than_its_part_of_the_snapshot_is_not_worth_it() {
        let bench = &mut disk();
        let snapshot = bench.files[&named("snapshot.100000002")].len();
        let log = bench.files[&named("log.100000007")].len();
        let enough = (log * 100).div_ceil(snapshot) as u32;
        assert_eq!(read(bench, Some(enough), Zxid::new(1, 8)), [7, 8, 9]);
        assert_eq!(read(bench, Some(enough - 1), Zxid::new(1, 8)), [0; 0]);
    }

    #[test]
    fn it_ends_where_the_log_cannot_be_read() {
        let mut bench = disk();
        bench.files.get_mut(&named("log.100000007")).expect("it is there").write(0, b"x");
        assert_eq!(read(&mut bench, Some(0), Zxid::new(1, 5)), [3, 4, 5, 6]);
        bench.fault = Some(("load version-2/log.100000003", DiskError::NotFound));
        assert_eq!(read(&mut bench, Some(0), Zxid::new(1, 5)), [0; 0], "purged in the meantime");
    }

    #[test]
    fn learners_are_served_in_their_order() {
        let mut bench = disk();
        let mut config = Config::clone(&config(1000));
        config.snapshot_size_factor = Some(0);
        let mut sync = LogSync::new(Arc::new(config));
        bench.step(|cx| sync.request(cx, conn(1), Zxid::new(1, 7)));
        bench.step(|cx| sync.request(cx, conn(2), Zxid::new(1, 3)));
        let reads = bench.run(|cx, outcome| sync.on_disk(cx, outcome)).into_iter().flatten();
        assert_eq!(reads.map(|read| (read.learner.slot, read.proposals.len())).collect::<Vec<_>>(), [(1, 3), (2, 7)]);
    }
}
