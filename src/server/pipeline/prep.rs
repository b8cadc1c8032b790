//! The leader makes transactions of requests. Source: `PrepRequestProcessor`; zab reference §8.3, data-model reference §5, §9.
//!
//! All judgement is here: conditions are tested against the tree and the changes already proposed, and the transaction carries the outcome
//! (final version, final path, list of ephemerals), so that applying it needs no judgement anywhere. A write that fails takes a zxid too.
//! Not modelled yet: quotas, multi and the operations beyond create, delete and set.

use std::collections::VecDeque;
use std::sync::Arc;

use crate::actor::Cx;
use crate::bugs::Bug;
use crate::proto::{
    AclList, Bytes, CreateForm, CreateMode, ErrorCode, Op, Path, Proposal, SPECIAL_PATHS, Stage, Txn, TxnHeader, Zxid, is_valid_path, parent_path,
};
use crate::trace::Note;
use crate::tree::{Database, Owner};

use super::access::{self, CREATE, DELETE, WRITE};
use super::changes::{AclOf, OutstandingChanges, Record};
use super::local_sessions::creates_ephemeral;
use super::request::Request;
use super::sessions::SessionTracker;

#[derive(Clone, Debug)]
pub struct Prep {
    /// Requests in the order they came.
    queue: VecDeque<Request>,
    /// The last zxid given away (`hzxid`).
    zxid: Zxid,
    changes: OutstandingChanges,
    /// The epoch's zxids are used up: the thread has ended.
    ended: bool,
}

/// What a request became.
#[derive(Clone, Debug)]
pub enum Prepared {
    Proposal(Arc<Proposal>),
    /// The zxid that it would have is never proposed (ZOOKEEPER-1277).
    RolledOver(Zxid),
}

impl Prep {
    /// The next transaction gets the zxid after `first`.
    pub fn new(first: Zxid) -> Prep {
        Prep { queue: VecDeque::new(), zxid: first, changes: OutstandingChanges::default(), ended: false }
    }

    pub fn submit(&mut self, cx: &mut Cx, request: Request) {
        if self.queue.is_empty() {
            cx.wake(Stage::PrepRequestProcessor);
        }
        self.queue.push_back(request);
    }

    /// The next request, unless there is none or the thread has ended.
    pub fn next(&mut self) -> Option<Request> {
        if self.ended { None } else { self.queue.pop_front() }
    }

    /// Whether the session may ask at all.
    pub fn check_session(&self, cx: &mut Cx, tracker: &mut SessionTracker, request: &Request) -> Result<(), ErrorCode> {
        // A local session that cannot become everybody's.
        if let Some(code) = request.refused {
            return Err(code);
        }
        let checked = match (request.session, request.owner()) {
            // ZOOKEEPER-1208: a session that is being closed was served like any other.
            (session, owner) if cx.bugs.has(Bug::Zk1208) => tracker.check_owner(session, owner),
            (session, owner) if creates_ephemeral(request.op()) => tracker.check_global(session, owner),
            _ if request.of_local_session => Ok(()),
            (session, owner) => tracker.check(session, owner),
        };
        if checked == Err(ErrorCode::SessionMoved) {
            cx.note(Note::SessionMoved { session: request.session });
        }
        checked
    }

    /// Makes a transaction of a write.
    pub fn prepare(&mut self, cx: &mut Cx, db: &Database, tracker: &mut SessionTracker, request: &Request) -> Prepared {
        self.zxid = Zxid(self.zxid.0 + 1);
        // ZOOKEEPER-1277: the counter runs over into the epoch.
        if self.zxid.counter() == u32::MAX && !cx.bugs.has(Bug::Zk1277) {
            self.ended = true;
            return Prepared::RolledOver(self.zxid);
        }
        let header = TxnHeader { session: request.session, cxid: request.cxid, zxid: self.zxid, time: (cx.wall.0 / 1_000) as i64 };
        let txn = self.transaction(cx, db, tracker, request).unwrap_or_else(|code| Txn::Error { code });
        Prepared::Proposal(Proposal::new(header, txn))
    }

    /// The transaction `zxid` is applied.
    pub fn applied(&mut self, zxid: Zxid) {
        self.changes.forget(zxid);
    }

    fn transaction(&mut self, cx: &mut Cx, db: &Database, tracker: &mut SessionTracker, request: &Request) -> Result<Txn, ErrorCode> {
        match request.op() {
            Op::CreateSession { timeout } => {
                tracker.track(cx.now, request.session, *timeout);
                tracker.set_owner(request.session, request.owner());
                return Ok(Txn::CreateSession { timeout: *timeout });
            }
            // Not checked: the tracker closes sessions that it does not own. ZOOKEEPER-450: checked like everything else.
            Op::CloseSession => {
                if cx.bugs.has(Bug::Zk450) {
                    tracker.check_owner(request.session, request.owner())?;
                }
                return Ok(self.close_session(db, tracker, request));
            }
            _ => self.check_session(cx, tracker, request)?,
        }
        match request.op() {
            Op::Create { path, data, acl, mode, .. } => self.create(db, request, path, data, acl, *mode),
            Op::Delete { path, version } => self.delete(db, path, *version),
            Op::SetData { path, data, version } => self.set_data(db, path, data, *version),
            _ => Err(ErrorCode::Unimplemented),
        }
    }

    fn create(
        &mut self,
        db: &Database,
        request: &Request,
        path: &Path,
        data: &Option<Bytes>,
        acl: &AclList,
        mode: CreateMode,
    ) -> Result<Txn, ErrorCode> {
        let parent_path = parent_path(path).ok_or(ErrorCode::BadArguments)?;
        let acl = access::checked(acl)?;
        let mut parent = self.changes.record(db, parent_path)?;
        parent.allows(db, CREATE)?;
        let path = if mode.is_sequential() { format!("{path}{:010}", parent.cversion).into() } else { path.clone() };
        if !is_valid_path(&path) {
            return Err(ErrorCode::BadArguments);
        }
        if self.changes.exists(db, &path) {
            return Err(ErrorCode::NodeExists);
        }
        if matches!(Owner::of(parent.owner), Owner::Session(_)) {
            return Err(ErrorCode::NoChildrenForEphemerals);
        }
        parent.cversion = parent.cversion.wrapping_add(1);
        parent.children += 1;
        let parent_cversion = parent.cversion;
        self.changes.add(self.zxid, &parent_path.into(), Some(parent));
        let owner = if mode.is_ephemeral() { request.session.0 } else { 0 };
        let node = Record { version: 0, cversion: 0, children: 0, owner, acl: AclOf::Pending(acl.clone()) };
        self.changes.add(self.zxid, &path, Some(node));
        Ok(Txn::Create { form: CreateForm::Create, path, data: data.clone(), acl, ephemeral: mode.is_ephemeral(), parent_cversion })
    }

    fn delete(&mut self, db: &Database, path: &Path, version: i32) -> Result<Txn, ErrorCode> {
        let parent_path = parent_path(path).filter(|_| !SPECIAL_PATHS.contains(&&**path)).ok_or(ErrorCode::BadArguments)?;
        let mut parent = self.changes.record(db, parent_path)?;
        parent.allows(db, DELETE)?;
        let node = self.changes.record(db, path)?;
        next_version(node.version, version)?;
        if node.children > 0 {
            return Err(ErrorCode::NotEmpty);
        }
        parent.children -= 1;
        self.changes.add(self.zxid, &parent_path.into(), Some(parent));
        self.changes.add(self.zxid, path, None);
        Ok(Txn::Delete { path: path.clone(), container: false })
    }

    fn set_data(&mut self, db: &Database, path: &Path, data: &Option<Bytes>, version: i32) -> Result<Txn, ErrorCode> {
        if !is_valid_path(path) {
            return Err(ErrorCode::BadArguments);
        }
        let mut node = self.changes.record(db, path)?;
        node.allows(db, WRITE)?;
        node.version = next_version(node.version, version)?;
        let version = node.version;
        self.changes.add(self.zxid, path, Some(node));
        Ok(Txn::SetData { path: path.clone(), data: data.clone(), version })
    }

    /// Lists the ephemerals, those to come included, and closes the door: what the session asks for later is refused.
    ///
    /// As in ZooKeeper the parents' pending child counts stay as they are: a delete of the parent right behind may be told NotEmpty.
    fn close_session(&mut self, db: &Database, tracker: &mut SessionTracker, request: &Request) -> Txn {
        let paths = self.changes.ephemerals(db, request.session);
        paths.iter().for_each(|path| self.changes.add(self.zxid, path, None));
        tracker.set_closing(request.session);
        Txn::CloseSession { paths: Some(paths.into_iter().collect()) }
    }
}

/// The version after a change that expects `expected`; -1 expects any. Source: `checkAndIncVersion`.
fn next_version(version: i32, expected: i32) -> Result<i32, ErrorCode> {
    if expected == -1 || expected == version { Ok(version.wrapping_add(1)) } else { Err(ErrorCode::BadVersion) }
}
