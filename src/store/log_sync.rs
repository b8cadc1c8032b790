//! A leader reads its own log for learners that its memory cannot serve. Source: `ZKDatabase.getProposalsFromTxnLog`; zab reference §4, row 5.

use std::sync::Arc;

use crate::actor::Cx;
use crate::proto::{Config, ConnId, DiskError, DiskReply, Proposal, Zxid};

/// Serves one learner after the other. All of its operations carry `DiskTag::LearnerSync`.
#[derive(Clone, Debug)]
pub struct LogSync {}

/// What the log gives a learner.
#[derive(Clone, Debug)]
pub struct LogRead {
    pub learner: ConnId,
    /// From the first transaction of the log file that should hold the learner's zxid, to the end of the log, oldest first: the first is not
    /// newer than that zxid. Empty when the log cannot serve it: unreadable, too large, begins later, or switched off.
    pub proposals: Vec<Arc<Proposal>>,
}

impl LogSync {
    pub fn new(config: Arc<Config>) -> LogSync {
        let _ = config;
        todo!()
    }

    /// The learner's history ends at `peer`. Answered by a [`LogRead`], later, in the order of asking.
    pub fn request(&mut self, cx: &mut Cx, learner: ConnId, peer: Zxid) {
        let _ = (cx, learner, peer);
    }

    /// For `DiskTag::LearnerSync`.
    pub fn on_disk(&mut self, cx: &mut Cx, outcome: Result<DiskReply, DiskError>) -> Option<LogRead> {
        let _ = (cx, outcome);
        todo!()
    }
}
