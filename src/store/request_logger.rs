//! The request logger: transactions go into the log in batches, and on when they are durable. Source: `SyncRequestProcessor`; storage
//! reference §4.

use std::sync::Arc;

use crate::actor::Cx;
use crate::proto::{Config, DiskError, DiskReply, Proposal};

/// One for a whole life of the process: roles change around it.
#[derive(Clone, Debug)]
pub struct RequestLogger {}

/// What a step of the logger came to; several of these may hold at once.
#[derive(Clone, Debug, Default)]
pub struct LoggerEvent {
    /// These are durable now, oldest first: acknowledge them. Empty after most steps.
    pub logged: Vec<Arc<Proposal>>,
    /// Enough was logged since the last one: start a background snapshot, unless one is still being written
    /// ([`super::Snapshotter::take_in_background`] knows). The log goes on in a new file in any case.
    pub snapshot_due: bool,
    /// The log could not be written. Nothing of the batch will be reported as logged, and nothing queued behind it. The server leaves its role
    /// ([`RequestLogger::drain`]), drops its database (unless ZK-4882) and reads it again. A second failure, from the repair that `drain`
    /// starts, leaves a log that cannot be trusted: the process must end.
    pub failed: Option<DiskError>,
}

impl RequestLogger {
    pub fn new(config: Arc<Config>) -> RequestLogger {
        let _ = config;
        todo!()
    }

    /// Queues a transaction; it takes part in the next batch.
    pub fn log(&mut self, cx: &mut Cx, proposal: Arc<Proposal>) {
        let _ = (cx, proposal);
    }

    /// A learner at NEWLEADER: appends and forces these in the learner's own thread. Answered by `logged` with exactly these. The logger
    /// must be idle. False when there is nothing to append, and so nothing to wait for.
    pub fn append_now(&mut self, cx: &mut Cx, proposals: Vec<Arc<Proposal>>) -> bool {
        let _ = (cx, proposals);
        todo!()
    }

    /// For `Stage::SyncRequestProcessor`.
    pub fn on_stage(&mut self, cx: &mut Cx) -> LoggerEvent {
        let _ = cx;
        todo!()
    }

    /// For `DiskTag::Log`.
    pub fn on_disk(&mut self, cx: &mut Cx, outcome: Result<DiskReply, DiskError>) -> LoggerEvent {
        let _ = (cx, outcome);
        todo!()
    }

    /// Shutdown: everything queued is flushed without waiting for the stage's turn; events keep coming until [`RequestLogger::is_idle`].
    /// After a failure it drops the queue instead, and cuts the log back to what is known to be durable.
    pub fn drain(&mut self, cx: &mut Cx) {
        let _ = cx;
    }

    /// Nothing queued, nothing under way, nothing broken.
    pub fn is_idle(&self) -> bool {
        todo!()
    }

    /// The next append opens a new file. [`super::Truncation`] calls it before it cuts.
    pub fn close_file(&mut self) {}
}
