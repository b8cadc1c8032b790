//! Old snapshots and logs are deleted. Source: `DatadirCleanupManager`, `PurgeTxnLog`; storage reference §5.
//!
//! A repair of ours: what is kept is forced before anything is deleted. Background snapshots never are, so a power loss could take
//! all of those that purging relied on.

use std::collections::VecDeque;
use std::sync::Arc;

use crate::actor::{Cx, Effect};
use crate::bugs::Bug;
use crate::proto::{Config, DiskError, DiskOp, DiskReply, DiskTag, FileName, Micros, Timer, Zxid};
use crate::trace::Note;

use super::format;
use super::listing::{DatedFile, Listing};
use super::sequence::{Sequence, Step};

const TAG: DiskTag = DiskTag::Purge;

/// Fewer snapshots are never kept. Source: `DatadirCleanupManager`, `PurgeTxnLog.purge`.
const RETAINED_AT_LEAST: usize = 3;

/// Off unless `autopurge.purgeInterval` is set.
#[derive(Clone, Debug)]
pub struct Purge {
    config: Arc<Config>,
    phase: Phase,
}

#[derive(Clone, Debug)]
enum Phase {
    Idle,
    Listing,
    /// The newest snapshot not judged yet is being loaded.
    Judging {
        listing: Listing,
        candidates: VecDeque<DatedFile>,
        kept: Vec<DatedFile>,
    },
    Cleaning {
        sequence: Sequence,
        oldest: Zxid,
        files: Vec<FileName>,
    },
    /// Given up; one more answer comes.
    Abandoned,
}

impl Purge {
    pub fn new(config: Arc<Config>) -> Purge {
        Purge { config, phase: Phase::Idle }
    }

    /// At boot, once the database is read: runs, and again after every interval.
    pub fn start(&mut self, cx: &mut Cx) {
        self.on_timer(cx, false);
    }

    /// For `Timer::Purge`. `truncating`: a [`super::Truncation`] is under way, and the purge waits for the next interval.
    pub fn on_timer(&mut self, cx: &mut Cx, truncating: bool) {
        if self.config.purge_interval == Micros::ZERO {
            return;
        }
        cx.arm(Timer::Purge, self.config.purge_interval);
        if !truncating && matches!(self.phase, Phase::Idle) {
            self.phase = Phase::Listing;
            cx.emit(Effect::Disk { tag: TAG, op: DiskOp::List });
        }
    }

    /// Leaves everything as it is until the next interval.
    pub(super) fn abandon(&mut self) {
        if !matches!(self.phase, Phase::Idle) {
            self.phase = Phase::Abandoned;
        }
    }

    /// For `DiskTag::Purge`. A failure is told in a note, and all is left as it is until the next interval.
    pub fn on_disk(&mut self, cx: &mut Cx, outcome: Result<DiskReply, DiskError>) {
        self.phase = match (std::mem::replace(&mut self.phase, Phase::Idle), outcome) {
            (Phase::Idle | Phase::Abandoned, _) => Phase::Idle,
            (Phase::Listing, Ok(DiskReply::Listed(files))) => {
                let listing = Listing::of(&files);
                let candidates = listing.snapshots.iter().rev().cloned().collect();
                self.judge_next(cx, listing, candidates, Vec::new())
            }
            (Phase::Listing, _) => failed(cx, "the listing"),
            (Phase::Judging { listing, mut candidates, mut kept }, outcome) => {
                let snapshot = candidates.pop_front().expect("one was being loaded");
                // ZOOKEEPER-3231: torn ones counted like the others.
                if is_valid(&outcome) || cx.bugs.has(Bug::Zk3231) {
                    kept.push(snapshot);
                }
                self.judge_next(cx, listing, candidates, kept)
            }
            (Phase::Cleaning { mut sequence, oldest, files }, outcome) => match sequence.on_disk(cx, outcome) {
                Step::Continues => Phase::Cleaning { sequence, oldest, files },
                Step::Done => {
                    cx.note(Note::Purged { oldest, files });
                    Phase::Idle
                }
                Step::Failed(op, error) => failed(cx, &format!("{op}: {error}")),
            },
        };
    }

    /// Goes on until enough valid ones are found; with fewer there is nothing to delete.
    fn judge_next(&self, cx: &mut Cx, listing: Listing, candidates: VecDeque<DatedFile>, kept: Vec<DatedFile>) -> Phase {
        if kept.len() == RETAINED_AT_LEAST.max(self.config.snap_retain_count as usize) {
            return self.clean(cx, &listing, &kept);
        }
        match candidates.front() {
            Some(next) => {
                cx.emit(Effect::Disk { tag: TAG, op: DiskOp::Load { file: next.file.clone() } });
                Phase::Judging { listing, candidates, kept }
            }
            None => Phase::Idle,
        }
    }

    /// Snapshots first, and the oldest first: a snapshot never stays without the log behind it.
    fn clean(&self, cx: &mut Cx, listing: &Listing, kept: &[DatedFile]) -> Phase {
        let oldest = kept.iter().map(|snapshot| snapshot.zxid).min().expect("at least three are kept");
        let needed = listing.logs_from(oldest).first().map(|log| log.zxid);
        let old_snapshots = listing.snapshots.iter().filter(|snapshot| snapshot.zxid < oldest);
        let old_logs = listing.logs.iter().filter(|log| needed.is_some_and(|needed| log.zxid < needed));
        let files: Vec<FileName> = old_snapshots.chain(old_logs).map(|old| old.file.clone()).collect();
        if files.is_empty() {
            return Phase::Idle;
        }
        let forced = kept.iter().map(|snapshot| DiskOp::Sync { file: snapshot.file.clone() });
        let deleted = files.iter().map(|file| DiskOp::Delete { file: file.clone() });
        match Sequence::start(cx, TAG, forced.chain(deleted)) {
            Some(sequence) => Phase::Cleaning { sequence, oldest, files },
            None => Phase::Idle,
        }
    }
}

fn is_valid(outcome: &Result<DiskReply, DiskError>) -> bool {
    matches!(outcome, Ok(DiskReply::Loaded(image)) if format::is_complete_snapshot(image))
}

fn failed(cx: &mut Cx, error: &str) -> Phase {
    cx.note(Note::PurgeFailed { why: error.into() });
    Phase::Idle
}

#[cfg(test)]
mod tests {
    use super::super::bench::{Bench, config, log_of, named, snapshot_of, zxids};
    use super::*;
    use crate::bugs::Bugs;

    fn purging() -> Purge {
        let mut config = Config::clone(&config(1000));
        config.purge_interval = Micros::from_secs(3600);
        Purge::new(Arc::new(config))
    }

    /// Five snapshots, each in the middle of a log.
    fn disk(bugs: Bugs) -> Bench {
        let mut bench = Bench::with(bugs);
        for place in 1..=5 {
            bench.install([snapshot_of(Zxid::new(1, 10 * place)), log_of(zxids(10 * place - 4..=10 * place + 5))]);
        }
        bench
    }

    fn purge(bench: &mut Bench) {
        let mut purge = purging();
        bench.step(|cx| purge.start(cx));
        bench.run(|cx, outcome| purge.on_disk(cx, outcome));
        assert!(matches!(purge.phase, Phase::Idle));
    }

    #[test]
    fn three_snapshots_stay_and_the_log_from_the_oldest_of_them_on() {
        let mut bench = disk(Bugs::NONE);
        purge(&mut bench);
        assert_eq!(
            bench.names(),
            ["log.10000001a", "log.100000024", "log.10000002e", "snapshot.10000001e", "snapshot.100000028", "snapshot.100000032"]
        );
        let ops = bench.take_ops();
        let first = |verb: &str| ops.iter().position(|op| op.starts_with(verb));
        let last = |verb: &str| ops.iter().rposition(|op| op.starts_with(verb));
        assert!(last("sync") < first("delete"), "what is kept is on the medium before the rest goes");
        assert!(last("delete snapshot") < first("delete log"), "no snapshot is left without its log");
        assert!(matches!(&bench.notes[..], [Note::Purged { oldest, files }] if *oldest == Zxid::new(1, 30) && files.len() == 4));
    }

    #[test]
    fn a_torn_snapshot_does_not_count() {
        for (bugs, oldest) in [(Bugs::NONE, "snapshot.10000000a"), (Bugs::from_iter([Bug::Zk3231]), "snapshot.10000001e")] {
            let mut bench = disk(bugs);
            for torn in ["snapshot.100000028", "snapshot.100000032"] {
                bench.install([(named(torn), b"ZKSN".to_vec())]);
            }
            purge(&mut bench);
            assert_eq!(bench.names().into_iter().find(|name| name.starts_with("snapshot")).as_deref(), Some(oldest));
        }
    }

    #[test]
    fn with_fewer_than_three_nothing_goes() {
        let mut bench = disk(Bugs::NONE);
        bench.files.retain(|file, _| !file.contains("snapshot") || file.ends_with("32") || file.ends_with("28"));
        let before = bench.files.clone();
        purge(&mut bench);
        assert!(bench.files == before);
    }

    #[test]
    fn a_failure_leaves_the_rest_for_the_next_time() {
        for fault in ["list", "sync", "delete"] {
            let mut bench = disk(Bugs::NONE);
            bench.fault = Some((fault, DiskError::Io));
            purge(&mut bench);
            assert!(matches!(&bench.notes[..], [Note::PurgeFailed { .. }]), "{fault}");
            purge(&mut bench);
            assert_eq!(bench.names().len(), 6, "{fault}");
        }
    }

    #[test]
    fn it_stops_for_a_truncation() {
        let (mut bench, mut purge) = (disk(Bugs::NONE), purging());
        bench.step(|cx| purge.on_timer(cx, true));
        assert!(bench.run(|cx, outcome| purge.on_disk(cx, outcome)).is_empty(), "not now");
        bench.step(|cx| purge.on_timer(cx, false));
        purge.abandon();
        bench.run(|cx, outcome| purge.on_disk(cx, outcome));
        assert_eq!(bench.take_ops(), ["list"]);
        assert!(matches!(purge.phase, Phase::Idle));
    }
}
