//! The request logger: transactions go into the log in batches, and on when they are durable. Source: `SyncRequestProcessor`; storage
//! reference §4.
//!
//! With `flushDelay` and `maxWriteQueuePollTime` at zero, their defaults since 3.6, a batch is what waits in the queue when the flush before it
//! ends, and never more than `maxBatchSize`. Left out: those two settings, `txnLogSizeLimitInKb` and `snapSizeLimitInKb`.

use std::collections::VecDeque;
use std::sync::Arc;

use crate::actor::Cx;
use crate::proto::{Config, DiskError, DiskReply, Proposal, Stage, Zxid};

use super::txn_log::{Progress, TxnLog};

/// One for a whole life of the process: roles change around it, as they do around Java's `FileTxnLog`.
#[derive(Clone, Debug)]
pub struct RequestLogger {
    config: Arc<Config>,
    log: TxnLog,
    /// Waiting for the next batch.
    queue: VecDeque<Arc<Proposal>>,
    /// Appended, and not durable yet (`toFlush`).
    batch: Vec<Arc<Proposal>>,
    state: State,
    /// Batches follow each other without the stage, until the queue is empty.
    draining: bool,
    /// Appended since the log was last rolled.
    since_roll: u32,
    /// The next snapshot is due when `since_roll` exceeds this; drawn when it is first needed.
    threshold: Option<u32>,
    /// To be told with the next event.
    snapshot_due: bool,
    /// The oldest transaction that was dropped after a failure, until the log is past it again.
    lost: Option<Zxid>,
    /// The snapshot taker waits for the next batch.
    is_awaited: bool,
}

/// Whether the log holds what a snapshot does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Coverage {
    All,
    NotYet,
    /// Some of it was lost.
    Never,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Blocked on the queue.
    Waiting,
    /// Blocked on the disk.
    Flushing,
    /// The thread has died of an I/O error.
    Failed,
    /// The log is being cut back to what is durable.
    Repairing,
}

/// What a step of the logger came to; several of these may hold at once.
#[derive(Clone, Debug, Default)]
pub struct LoggerEvent {
    /// These are durable now, oldest first: acknowledge them. Empty after most steps.
    pub logged: Vec<Arc<Proposal>>,
    /// Enough was logged since the last one: start a background snapshot, unless one is still being written
    /// ([`super::Snapshotter::take_in_background`] knows). The log goes on in a new file in any case.
    pub snapshot_due: bool,
    pub failed: Option<LogFailure>,
}

/// The log could not be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFailure {
    /// Nothing of the batch will be reported as logged, and nothing queued behind it. The server leaves its role
    /// ([`RequestLogger::drain`]), drops its database (unless ZK-4882) and reads it again.
    Append(DiskError),
    /// Also the repair that `drain` starts then has failed: the log holds what may not be durable, and the process must end.
    Repair(DiskError),
}

impl RequestLogger {
    pub fn new(config: Arc<Config>) -> RequestLogger {
        RequestLogger {
            log: TxnLog::new(&config),
            config,
            queue: VecDeque::new(),
            batch: Vec::new(),
            state: State::Waiting,
            draining: false,
            since_roll: 0,
            threshold: None,
            snapshot_due: false,
            lost: None,
            is_awaited: false,
        }
    }

    /// Queues a transaction; it takes part in the next batch. A logger that has failed keeps it until it is drained.
    pub fn log(&mut self, cx: &mut Cx, proposal: Arc<Proposal>) {
        self.queue.push_back(proposal);
        if self.state == State::Waiting {
            cx.wake(Stage::SyncRequestProcessor);
        }
    }

    /// A learner at NEWLEADER: appends and forces these in the learner's own thread, past the queue. Answered by `logged` with exactly
    /// these. The logger must be idle. False when there is nothing to append, and so nothing to wait for.
    pub fn append_now(&mut self, cx: &mut Cx, proposals: Vec<Arc<Proposal>>) -> bool {
        assert!(self.is_idle(), "the processors start after the synchronisation");
        if proposals.is_empty() {
            return false;
        }
        // `ZKDatabase.append` counts them, but only the logger's own thread asks whether a snapshot is due.
        self.since_roll += proposals.len() as u32;
        proposals.iter().for_each(|proposal| self.log.append(proposal.clone()));
        self.lost = None;
        self.batch = proposals;
        self.state = State::Flushing;
        self.log.commit(cx);
        true
    }

    /// For `Stage::SyncRequestProcessor`.
    pub fn on_stage(&mut self, cx: &mut Cx) -> LoggerEvent {
        if self.state == State::Waiting {
            self.begin_batch(cx);
        }
        self.event()
    }

    /// For `DiskTag::Log`.
    pub fn on_disk(&mut self, cx: &mut Cx, outcome: Result<DiskReply, DiskError>) -> LoggerEvent {
        let repairing = self.state == State::Repairing;
        let progress = self.log.on_disk(cx, outcome);
        if progress != Progress::Continues && std::mem::take(&mut self.is_awaited) {
            cx.wake(Stage::SnapshotTaker);
        }
        match progress {
            Progress::Continues => self.event(),
            Progress::Done => {
                self.state = State::Waiting;
                let logged = std::mem::take(&mut self.batch);
                self.go_on(cx);
                LoggerEvent { logged, ..self.event() }
            }
            Progress::Failed(error) => {
                self.state = State::Failed;
                self.lost = self.oldest().or(self.lost);
                self.batch.clear();
                self.draining = false;
                let failure = if repairing { LogFailure::Repair(error) } else { LogFailure::Append(error) };
                LoggerEvent { failed: Some(failure), ..self.event() }
            }
        }
    }

    /// What was logged is dealt with: its room serves for another batch.
    #[inline]
    pub fn take_room(&mut self, mut logged: Vec<Arc<Proposal>>) {
        if self.batch.capacity() == 0 {
            logged.clear();
            self.batch = logged;
        }
    }

    /// Shutdown: everything queued is flushed without waiting for the stage's turn; events keep coming until [`RequestLogger::is_idle`].
    /// After a failure it drops the queue instead, and cuts the log back to what is known to be durable.
    pub fn drain(&mut self, cx: &mut Cx) {
        match self.state {
            State::Waiting | State::Flushing => {
                self.draining = true;
                if self.state == State::Waiting {
                    self.go_on(cx);
                }
            }
            State::Failed => {
                self.queue.clear();
                self.state = if self.log.repair(cx) { State::Repairing } else { State::Waiting };
            }
            State::Repairing => {}
        }
    }

    /// Nothing queued, nothing under way, nothing broken.
    pub fn is_idle(&self) -> bool {
        self.state == State::Waiting && self.queue.is_empty()
    }

    /// The next append opens a new file. The logger must be idle. [`super::Truncation`] calls it before it cuts.
    pub fn close_file(&mut self) {
        self.log.close();
    }

    /// Whether everything up to `zxid` that came here is durable. If not yet, `Stage::SnapshotTaker` is woken when there is more to say.
    pub(super) fn coverage(&mut self, zxid: Zxid) -> Coverage {
        if self.lost.is_some_and(|lost| lost <= zxid) {
            return Coverage::Never;
        }
        self.is_awaited = self.oldest().is_some_and(|oldest| oldest <= zxid);
        if self.is_awaited { Coverage::NotYet } else { Coverage::All }
    }

    /// The oldest transaction that is not durable.
    fn oldest(&self) -> Option<Zxid> {
        self.batch.first().or(self.queue.front()).map(|proposal| proposal.zxid())
    }

    /// A batch is done: the next one, if there is any.
    fn go_on(&mut self, cx: &mut Cx) {
        match (self.queue.is_empty(), self.draining) {
            (true, _) => self.draining = false,
            (false, true) => self.begin_batch(cx),
            (false, false) => cx.wake(Stage::SyncRequestProcessor),
        }
    }

    /// Everything that waits goes into the buffer, then to the disk.
    fn begin_batch(&mut self, cx: &mut Cx) {
        let count = self.queue.len().min(self.config.max_batch_size.max(1) as usize);
        for proposal in self.queue.drain(..count) {
            self.log.append(proposal.clone());
            self.batch.push(proposal);
            self.lost = None;
            self.since_roll += 1;
            let threshold = *self.threshold.get_or_insert_with(|| snapshot_threshold(cx, &self.config));
            if self.since_roll > threshold {
                self.since_roll = 0;
                self.threshold = None;
                self.log.roll();
                self.snapshot_due = true;
            }
        }
        if count > 0 {
            self.state = State::Flushing;
            self.log.commit(cx);
        }
    }

    fn event(&mut self) -> LoggerEvent {
        LoggerEvent { logged: Vec::new(), snapshot_due: std::mem::take(&mut self.snapshot_due), failed: None }
    }
}

/// Half of `snapCount` and a drawn part of the other half, so that not all servers take snapshots at once.
fn snapshot_threshold(cx: &mut Cx, config: &Config) -> u32 {
    let half = config.snap_count.max(2) / 2;
    half + cx.draw_below(u64::from(half)) as u32
}

#[cfg(test)]
mod tests {
    use super::super::bench::{Bench, config, txn};
    use super::*;

    fn counters(events: &[LoggerEvent]) -> Vec<Vec<u32>> {
        let logged = events.iter().filter(|event| !event.logged.is_empty());
        logged.map(|event| event.logged.iter().map(|proposal| proposal.zxid().counter()).collect()).collect()
    }

    fn log(bench: &mut Bench, logger: &mut RequestLogger, counters: impl IntoIterator<Item = u32>) {
        counters.into_iter().for_each(|counter| bench.step(|cx| logger.log(cx, txn(counter))));
    }

    fn run(bench: &mut Bench, logger: &mut RequestLogger) -> Vec<LoggerEvent> {
        bench.run(|cx, outcome| logger.on_disk(cx, outcome))
    }

    #[test]
    fn what_waits_while_the_disk_works_is_the_next_batch() {
        let (mut bench, mut logger) = (Bench::default(), RequestLogger::new(config(1000)));
        log(&mut bench, &mut logger, [1]);
        assert_eq!(bench.woken, [Stage::SyncRequestProcessor]);
        bench.step(|cx| logger.on_stage(cx));
        log(&mut bench, &mut logger, [2, 3]);
        bench.step(|cx| assert!(logger.on_stage(cx).logged.is_empty(), "its thread is blocked"));
        assert_eq!(counters(&run(&mut bench, &mut logger)), [[1]]);
        assert!(!logger.is_idle());
        bench.step(|cx| logger.on_stage(cx));
        assert_eq!(counters(&run(&mut bench, &mut logger)), [[2, 3]]);
        assert!(logger.is_idle());
    }

    #[test]
    fn a_batch_has_a_limit() {
        let mut config = Config::clone(&config(1000));
        config.max_batch_size = 2;
        let (mut bench, mut logger) = (Bench::default(), RequestLogger::new(Arc::new(config)));
        log(&mut bench, &mut logger, 1..=3);
        bench.step(|cx| logger.on_stage(cx));
        assert_eq!(counters(&run(&mut bench, &mut logger)), [[1, 2]]);
    }

    #[test]
    fn a_snapshot_is_due_after_half_of_snap_count_and_what_is_drawn() {
        let (mut bench, mut logger) = (Bench::default(), RequestLogger::new(config(6)));
        log(&mut bench, &mut logger, 1..=9);
        // The bench draws zero: more than three.
        assert!(bench.step(|cx| logger.on_stage(cx)).snapshot_due);
        let events = run(&mut bench, &mut logger);
        assert_eq!(counters(&events).concat(), (1..=9).collect::<Vec<_>>());
        assert!(events.iter().all(|event| !event.snapshot_due), "told once");
        let logs: Vec<_> = bench.files.keys().map(|file| file.replace("version-2/", "")).collect();
        assert_eq!(logs, ["log.100000001", "log.100000005", "log.100000009"], "rolled after every fourth");
    }

    #[test]
    fn draining_flushes_all_that_is_queued() {
        let mut config = Config::clone(&config(1000));
        config.max_batch_size = 2;
        let (mut bench, mut logger) = (Bench::default(), RequestLogger::new(Arc::new(config)));
        log(&mut bench, &mut logger, 1..=5);
        bench.step(|cx| logger.drain(cx));
        assert_eq!(counters(&run(&mut bench, &mut logger)), [vec![1, 2], vec![3, 4], vec![5]]);
        assert!(logger.is_idle());
    }

    #[test]
    fn a_learner_appends_past_the_queue() {
        let (mut bench, mut logger) = (Bench::default(), RequestLogger::new(config(2)));
        assert!(!bench.step(|cx| logger.append_now(cx, Vec::new())), "nothing to wait for");
        assert!(bench.step(|cx| logger.append_now(cx, vec![txn(1), txn(2), txn(3)])));
        let events = run(&mut bench, &mut logger);
        assert_eq!(counters(&events), [[1, 2, 3]]);
        assert!(events.iter().all(|event| !event.snapshot_due));
    }

    #[test]
    fn after_a_failure_nothing_is_reported_and_draining_repairs() {
        let (mut bench, mut logger) = (Bench::default(), RequestLogger::new(config(1000)));
        log(&mut bench, &mut logger, [1]);
        bench.step(|cx| logger.on_stage(cx));
        log(&mut bench, &mut logger, [2]);
        bench.fault = Some(("sync", DiskError::Io));
        let events = run(&mut bench, &mut logger);
        assert!(counters(&events).is_empty());
        assert_eq!(events.last().and_then(|event| event.failed), Some(LogFailure::Append(DiskError::Io)));
        bench.step(|cx| assert!(logger.on_stage(cx).logged.is_empty(), "the thread is dead"));
        assert!(!logger.is_idle());

        bench.fault = Some(("delete", DiskError::Io));
        bench.step(|cx| logger.drain(cx));
        let failure = run(&mut bench, &mut logger).pop().and_then(|event| event.failed);
        assert_eq!(failure, Some(LogFailure::Repair(DiskError::Io)));

        bench.step(|cx| logger.drain(cx));
        assert!(counters(&run(&mut bench, &mut logger)).is_empty());
        assert!(logger.is_idle() && bench.files.is_empty());
    }
}
