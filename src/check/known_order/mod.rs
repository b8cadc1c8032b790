//! The known-order check: what clients were told, held against the one order in which everything happened.
//!
//! Zxids say what the order is, so nothing has to be searched for (the project's checkers.md §3). The agreed log is replayed, transaction
//! by transaction, in a model of one process ([`Model`]), and every answer is compared with the model's at that place:
//!
//! 1. a write that was acknowledged at a zxid is the transaction with it (`lost_write`); every transaction was asked for
//!    (`phantom`, `read_takes_no_zxid`), once (`doubled`);
//! 2. who is numbered later was not answered before an earlier one was asked for (`linearizable_writes`);
//! 3. what is decided and answered is what the model says (`wrong_result`, `version_guards`, `versions_rise`, `sequential_names`,
//!    `all_or_nothing`, `tree_shape`);
//! 4. a session's writes and views rise with its requests (`session_order`), and each gets one answer in turn (`one_reply_each`);
//! 5. a read is told the tree as it was at the zxid of its answer (`bad_read`);
//! 6. nobody is shown what is asked for only later (`future_read`);
//! 7. behind a sync one sees what was acknowledged before it (`sync_stale`);
//! 8. an event comes before what shows the change (`watch_order`, and `watch_lost`, `watch_phantom`,
//!    `watch_renewal`);
//! 9. the nodes of a session go with it, and no others do (`ephemeral`); nobody is answered in its name then (`dead_session`), nor is
//!    anything done for it through a server that it has left (`session_owner`).
//!
//! If 1 to 3 hold, the order of zxids is a witness that writes are linearizable; 4 and 5 add what a session is promised. That is stricter than
//! what clients could find out: a history that breaks 2 or 3 may be explained by some other order.
//!
//! A request is called when its packet leaves the client and returns when the server sends the answer: no interval that a client could
//! measure is shorter. Answers wait until no server shows the past any more, then a batch is replayed; what it costs stays the same however
//! long the run is. An answer about a past that is gone is counted and not looked at; there is none in a run of a few hundred writes.
//!
//! Not looked at: what servers without a leader tell, for they promise nothing; and everything from the moment on when what is committed
//! is not known (after a leader that brought a history nobody saw coming about).

mod calls;
mod listen;
mod owners;
mod replay;
mod tell;
mod watching;

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

pub use calls::{Answered, Asked};
pub use replay::Logged;
pub use watching::Told;

use super::Invariant;
use super::history::Prefix;
use super::model::Model;
use super::recipes::Chronicle;
use super::verdict::{Fact, Violation};
use crate::proto::{Config, Micros, SessionId, Zxid};
use calls::{Due, Session};
use listen::Listener;
use owners::Owners;
use watching::Watching;

/// See the module.
#[derive(Clone, Debug)]
pub struct KnownOrder {
    config: Arc<Config>,
    listener: Listener,
    owners: Owners,
    sessions: Vec<Session>,
    by_id: BTreeMap<SessionId, usize>,
    /// The largest zxid that a write was acknowledged with, and the largest that a read was answered with.
    written: Shown,
    read: Shown,
    /// Transactions in their order, to be replayed.
    log: VecDeque<Logged>,
    /// All of them, for those who want to have them.
    kept: Option<Vec<Logged>>,
    /// Answers to be held against the model.
    due: Vec<Due>,
    /// Events that were sent and wait to be looked at.
    events: VecDeque<Told>,
    /// By the number of the connection.
    watching: BTreeMap<u32, Watching>,
    /// Connections so far.
    conns: u32,
    model: Model,
    /// What the servers had before the run.
    began: Zxid,
    /// The zxid that the model stands at.
    position: Zxid,
    /// The last transaction that was replayed.
    last: Replayed,
    /// What became of the nodes, once a recipe has begun.
    chronicle: Option<Box<Chronicle>>,
    counts: Counts,
    /// What the whole log comes to, once somebody has asked.
    whole: Option<Whole>,
    found: Option<Box<Violation>>,
}

/// What was looked at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Answers that were held against the model.
    pub checked: u64,
    /// Answers that came too late for that, or that nobody can judge since what is committed is not known.
    pub unchecked: u64,
    /// Transactions that were replayed.
    pub txns: u64,
    /// Databases of servers that were held against what the whole log comes to.
    pub databases: u64,
}

/// A transaction that was replayed, and when it was committed.
#[derive(Clone, Copy, Debug, Default)]
struct Replayed {
    zxid: Zxid,
    event: u64,
    at: Micros,
}

/// The database that the whole log comes to.
#[derive(Clone, Copy, Debug)]
pub struct Whole {
    pub zxid: Zxid,
    /// The event with which the last transaction was committed.
    pub event: u64,
    pub digest: u64,
}

/// A zxid that was shown to somebody.
#[derive(Clone, Copy, Debug, Default)]
struct Shown {
    zxid: Zxid,
    /// The event of the answer.
    event: u64,
    /// Who was shown it, by its place among the sessions, and the number of its request.
    session: u32,
    xid: i32,
}

/// The name of a session among those that the check knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct SessionNumber(u32);

impl KnownOrder {
    pub fn new(config: &Config) -> KnownOrder {
        KnownOrder {
            config: Arc::new(config.clone()),
            listener: Listener::default(),
            owners: Owners::default(),
            sessions: Vec::new(),
            by_id: BTreeMap::new(),
            written: Shown::default(),
            read: Shown::default(),
            log: VecDeque::new(),
            kept: None,
            due: Vec::new(),
            events: VecDeque::new(),
            watching: BTreeMap::new(),
            conns: 0,
            model: Model::new(config),
            began: Zxid::ZERO,
            position: Zxid::ZERO,
            last: Replayed::default(),
            chronicle: None,
            counts: Counts::default(),
            whole: None,
            found: None,
        }
    }

    /// The history begins with what a scenario gave its servers.
    pub fn begin_at(&mut self, last: Zxid) {
        self.model = Model::before_the_run(&self.config, last);
        (self.began, self.position) = (last, last);
        self.last.zxid = last;
    }

    /// The last zxid of what a scenario gave its servers to begin with.
    pub fn began(&self) -> Zxid {
        self.began
    }

    /// What was looked at so far.
    pub fn counts(&self) -> Counts {
        self.counts
    }

    /// From now on the log is kept.
    pub fn keep_log(&mut self) {
        self.kept.get_or_insert_default();
    }

    /// What was kept of it.
    pub fn take_log(&mut self) -> Vec<Logged> {
        self.kept.take().unwrap_or_default()
    }

    /// A recipe begins: from now on it is kept what becomes of nodes.
    #[cold]
    pub fn begin_chronicle(&mut self) {
        if self.chronicle.is_none() {
            let mut chronicle = Chronicle::from(self.position);
            self.model.nodes().for_each(|(path, node)| chronicle.found(path.clone(), node.session(), node.czxid(), node.data.clone()));
            self.chronicle = Some(Box::new(chronicle));
        }
    }

    /// What became of the nodes; nothing without recipes.
    pub fn chronicle(&self) -> Option<&Chronicle> {
        self.chronicle.as_deref()
    }

    /// What the log comes to, if it is known to its end and this is all of it.
    #[cold]
    pub fn replayed_to(&mut self, end: Prefix) -> Option<Whole> {
        if end == Prefix::UNKNOWN || self.listener.end_of_log()? != end || !self.log.is_empty() {
            return None;
        }
        self.counts.databases += 1;
        let (model, last) = (&self.model, self.last);
        Some(*self.whole.get_or_insert_with(|| Whole { zxid: last.zxid, event: last.event, digest: model.digest() }))
    }

    /// The violation that was found, once.
    pub fn take_found(&mut self) -> Option<Violation> {
        self.found.take().map(|found| *found)
    }

    #[inline]
    pub fn is_fine(&self) -> bool {
        self.found.is_none()
    }

    /// The first is kept.
    #[cold]
    fn find(&mut self, invariant: Invariant, facts: [Fact; 2], involved: &[(SessionNumber, i32)]) {
        if self.found.is_none() {
            let mut violation = self.told(invariant, facts);
            violation.involved = involved.iter().filter_map(|(session, xid)| self.row(*session, *xid)).collect();
            violation.involved.dedup();
            self.found = Some(Box::new(violation));
        }
    }
}
