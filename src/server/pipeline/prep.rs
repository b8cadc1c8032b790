//! The leader makes transactions of requests, one after the other. Source: `PrepRequestProcessor`; zab reference §8.3, data-model reference §9.
//!
//! All judgement is before the proposal ([`super::writes`]): conditions are tested against the tree and the changes already proposed, and the
//! transaction carries the outcome (final version, final path, list of ephemerals), so that applying it needs no judgement anywhere. A write
//! that fails takes a zxid too.

use std::collections::VecDeque;
use std::sync::Arc;

use crate::actor::Cx;
use crate::bugs::{Bug, Bugs};
use crate::proto::{Config, ErrorCode, Op, Proposal, Stage, Txn, TxnHeader, Zxid};
use crate::trace::Note;
use crate::tree::Database;

use super::changes::OutstandingChanges;
use super::local_sessions::creates_ephemeral;
use super::request::Request;
use super::sessions::SessionTracker;
use super::writes::Writer;

#[derive(Clone, Debug)]
pub struct Prep {
    config: Arc<Config>,
    /// Requests in the order they came.
    queue: VecDeque<Request>,
    /// The last zxid given away (`hzxid`).
    zxid: Zxid,
    changes: OutstandingChanges,
    /// The epoch's zxids are used up and the thread has ended, or it waits for a reconfiguration to be judged and written down.
    stopped: bool,
    /// The reconfiguration that is to be judged.
    reconfiguring: Option<Box<(TxnHeader, Request)>>,
}

/// What a request became.
#[derive(Clone, Debug)]
pub enum Prepared {
    Proposal(Arc<Proposal>),
    /// The zxid that it would have is never proposed (ZOOKEEPER-1277).
    RolledOver(Zxid),
    /// What becomes of it the server knows; see [`super::Pipeline::prepare_reconfig`].
    Reconfig,
}

impl Prep {
    /// The next transaction gets the zxid after `first`.
    pub fn new(config: Arc<Config>, first: Zxid) -> Prep {
        Prep { config, queue: VecDeque::new(), zxid: first, changes: OutstandingChanges::default(), stopped: false, reconfiguring: None }
    }

    pub fn submit(&mut self, cx: &mut Cx, request: Request) {
        if self.queue.is_empty() {
            cx.wake(Stage::PrepRequestProcessor);
        }
        self.queue.push_back(request);
    }

    /// The next request, unless there is none or the thread has stopped.
    pub fn next(&mut self) -> Option<Request> {
        if self.stopped { None } else { self.queue.pop_front() }
    }

    /// The reconfiguration at which it has stopped.
    pub fn stopped_at(&mut self) -> Option<(TxnHeader, Request)> {
        self.reconfiguring.take().map(|stopped| *stopped)
    }

    /// It goes on behind a reconfiguration.
    pub fn go_on(&mut self, cx: &mut Cx) {
        self.stopped = false;
        if !self.queue.is_empty() {
            cx.wake(Stage::PrepRequestProcessor);
        }
    }

    /// For the request that is made a transaction.
    pub fn writer<'a>(&'a mut self, bugs: Bugs, db: &'a Database, zxid: Zxid, request: &'a Request) -> Writer<'a> {
        Writer { config: &self.config, db, changes: &mut self.changes, zxid, session: request.session, ids: &request.auth, bugs }
    }

    /// Makes a transaction of a write.
    pub fn prepare(&mut self, cx: &mut Cx, db: &Database, tracker: &mut SessionTracker, request: &Request) -> Prepared {
        self.zxid = Zxid(self.zxid.0 + 1);
        // ZOOKEEPER-1277: the counter runs over into the epoch.
        if self.zxid.counter() == u32::MAX && !cx.bugs.has(Bug::Zk1277) {
            self.stopped = true;
            return Prepared::RolledOver(self.zxid);
        }
        let mut header = TxnHeader { session: request.session, cxid: request.cxid, zxid: self.zxid, time: (cx.wall.0 / 1_000) as i64 };
        // Whatever a leader does by itself has no number.
        if request.cxid == 0 && *request.op() == Op::CloseSession && cx.bugs.has(Bug::MutantClosesInItsClientsName) {
            header.cxid = i32::MAX;
        }
        self.changes.begin();
        if let Op::Reconfig(_) = request.op()
            && self.config.reconfig_enabled
        {
            self.stopped = true;
            self.reconfiguring = Some(Box::new((header, request.clone())));
            return Prepared::Reconfig;
        }
        let txn = self.transaction(cx, db, tracker, request).unwrap_or_else(|code| Txn::Error { code });
        Prepared::Proposal(Proposal::new(header, txn))
    }

    /// The last zxid given away (`ZooKeeperServer.getZxid`).
    pub const fn last_zxid(&self) -> Zxid {
        self.zxid
    }

    /// The transaction `zxid` is applied.
    pub fn applied(&mut self, zxid: Zxid) {
        self.changes.forget(zxid);
    }

    fn transaction(&mut self, cx: &mut Cx, db: &Database, tracker: &mut SessionTracker, request: &Request) -> Result<Txn, ErrorCode> {
        let mut writer = self.writer(cx.bugs, db, self.zxid, request);
        match request.op() {
            Op::CreateSession { timeout } => {
                tracker.track(cx.now, request.session, *timeout);
                tracker.set_owner(request.session, request.owner());
                Ok(Txn::CreateSession { timeout: *timeout })
            }
            // Not checked: the tracker closes sessions that it does not own. ZOOKEEPER-450: checked like everything else.
            Op::CloseSession => {
                if cx.bugs.has(Bug::Zk450) {
                    tracker.check_owner(request.session, request.owner())?;
                }
                tracker.set_closing(request.session);
                let closed = writer.close_session();
                // ZOOKEEPER-3145: whoever applies it looks for them.
                Ok(if cx.bugs.has(Bug::Zk3145) { Txn::CloseSession { paths: None } } else { closed })
            }
            // Nobody's session asks for it.
            Op::DeleteContainer { path } => writer.delete_container(path),
            Op::Reconfig(_) => Err(ErrorCode::ReconfigDisabled),
            Op::Multi(parts) => writer.multi(parts, |part| check_session(cx, tracker, request, part)),
            op => writer.write(op, |op| check_session(cx, tracker, request, op)),
        }
    }
}

/// Whether the session may ask for this at all: the request, or a part of it.
pub fn check_session(cx: &mut Cx, tracker: &mut SessionTracker, request: &Request, op: &Op) -> Result<(), ErrorCode> {
    let needs_global = creates_ephemeral(op);
    // A local session that cannot become everybody's.
    if let Some(code) = request.refused.filter(|_| needs_global) {
        return Err(code);
    }
    let checked = match (request.session, request.owner()) {
        // ZOOKEEPER-1208: a session that is being closed was served like any other.
        (session, owner) if cx.bugs.has(Bug::Zk1208) => tracker.check_owner(session, owner),
        (session, owner) if needs_global => tracker.check_global(session, owner),
        _ if request.of_local_session => Ok(()),
        // `mutant-anybody-owns`: it has moved, and is asked for nothing.
        (session, owner) => match tracker.check(session, owner) {
            Err(ErrorCode::SessionMoved) if cx.bugs.has(Bug::MutantAnybodyOwns) => Ok(()),
            checked => checked,
        },
    };
    if checked == Err(ErrorCode::SessionMoved) {
        cx.note(Note::SessionMoved { session: request.session });
    }
    checked
}
