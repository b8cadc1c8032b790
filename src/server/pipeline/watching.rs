//! Watches are set, fire, and are taken away. Source: `FinalRequestProcessor`, `DataTree` (`triggerWatch`, `setWatches`), `NIOServerCnxn.process`;
//! watches reference §2, §6, §7.
//!
//! An event leaves on its client's connection while the transaction is applied: before anything that shows the change, and before the
//! answer to the write if that is the client's own.

use std::sync::Arc;

use crate::actor::Cx;
use crate::bugs::Bug;
use crate::proto::{
    AddWatchMode, Answer, CONFIG_NODE, Config, ConnId, ErrorCode, EventType, Op, Path, Proposal, SessionId, SetWatches, Version, WatcherEvent, Zxid,
};
use crate::server::watches::{Column, Watch};
use crate::trace::{Note, WatchMode};
use crate::tree::{DataTree, Database, Observer, Znode, parent_of};

use super::Pipeline;
use super::access::READ;
use super::connections::Connections;
use super::reads::{Reader, allows};
use super::request::{Origin, Request};

/// Events of `setWatches` tell no zxid, nor do any before 3.9.
const NO_ZXID: Zxid = Zxid(-1);

impl Pipeline {
    /// What a session watches whose connection is one of this server's, by path.
    pub fn watches_of(&self, session: SessionId) -> Vec<Watch> {
        self.connections.of_session(session).map_or_else(Vec::new, |conn| self.connections.watches.of(conn).collect())
    }

    /// A watch of somebody who is gone, if there is one.
    pub fn gone_watcher(&self) -> Option<String> {
        self.connections.gone_watcher()
    }

    /// Applies a transaction, and tells of each of its changes those clients who watch it.
    #[cold]
    pub(super) fn apply_and_fire(&mut self, cx: &mut Cx, db: &mut Database, proposal: &Arc<Proposal>) -> Result<Answer, ErrorCode> {
        db.apply_observed(proposal, &mut self.trigger(cx, proposal.zxid()))
    }

    /// A configuration is in force, and stands in its node before its transaction is applied: whoever watches that for ever is told twice, here
    /// and when it is applied.
    pub fn configuration_shown(&mut self, cx: &mut Cx, db: &Database, version: Zxid) {
        if !self.connections.watches.is_empty() {
            self.trigger(cx, version).data_set(db.tree(), CONFIG_NODE);
        }
    }

    fn trigger<'a, 'b>(&'a mut self, cx: &'a mut Cx<'b>, zxid: Zxid) -> Trigger<'a, 'b> {
        let told = if self.config.version == Version::V3_9 { zxid } else { NO_ZXID };
        Trigger { config: &self.config, connections: &mut self.connections, cx, told, zxid }
    }

    /// Answers for the client of a request.
    pub(super) fn reader<'a>(&'a self, db: &'a Database, request: &'a Request) -> Reader<'a> {
        Reader { config: &self.config, db, session: request.session, ids: &request.auth }
    }

    /// A read that sets a watch, or a request that is about watches.
    #[cold]
    pub(super) fn serve_watching(&mut self, cx: &mut Cx, db: &Database, request: &Request) -> Result<Answer, ErrorCode> {
        let Origin::Client(conn) = request.origin else {
            return Err(ErrorCode::Unimplemented);
        };
        // A connection that has closed since watches nothing (`isDeadWatcher`), and is not answered either.
        if !self.connections.contains(conn) {
            return Ok(Answer::Done);
        }
        match request.op() {
            Op::AddWatch { path, mode } => {
                let mode = AddWatchMode::numbered(*mode).ok_or(ErrorCode::MarshallingError)?;
                self.connections.watch_always(cx, conn, path, mode);
                Ok(Answer::Done)
            }
            Op::RemoveWatches { path, kind } => found(self.connections.watches.remove(conn, path, *kind)),
            Op::CheckWatches { path, kind } => found(self.connections.watches.contains(conn, path, *kind)),
            Op::SetWatches(watches) => {
                let blind = cx.bugs.has(Bug::MutantRenewsWatchesBlindly);
                let seen = if blind { db.last_processed } else { watches.relative_zxid };
                self.set_watches(cx, db.tree(), conn, watches, seen);
                Ok(Answer::Done)
            }
            op => {
                let result = self.reader(db, request).read(op);
                let deaf = result.is_err() && cx.bugs.has(Bug::MutantNoWatchOnMissingNode);
                if let Some((path, column)) = watched(op, result.as_ref().err().copied()).filter(|_| !deaf) {
                    self.connections.watch_once(cx, conn, path, column);
                }
                result
            }
        }
    }

    /// A client is back: what changed meanwhile it is told at once, in place of a watch; for the rest its watches are set again. What happened
    /// to a node that it watches for ever it has missed. Source: `DataTree.setWatches`.
    fn set_watches(&mut self, cx: &mut Cx, tree: &DataTree, conn: ConnId, watches: &SetWatches, seen: Zxid) {
        let changed = |node: Option<&Znode>, zxid: fn(&Znode) -> Zxid, kind| match node {
            None => Some(EventType::NodeDeleted),
            Some(node) if zxid(node) > seen => Some(kind),
            Some(_) => None,
        };
        // ZOOKEEPER-1667: data of a node that is made anew counted as a creation, and a creation as new data.
        let swapped = cx.bugs.has(Bug::Zk1667);
        for path in watches.data.iter() {
            let is_new = swapped && tree.get(path).is_some_and(|node| node.stat.czxid > seen);
            let kind = if is_new { EventType::NodeCreated } else { EventType::NodeDataChanged };
            let missed = changed(tree.get(path), |node| node.stat.mzxid, kind);
            self.catch_up(cx, conn, path, Column::Data, missed);
        }
        for path in watches.exist.iter() {
            let kind = |node: &Znode| if swapped && node.stat.mzxid > seen { EventType::NodeDataChanged } else { EventType::NodeCreated };
            let missed = tree.get(path).map(kind);
            self.catch_up(cx, conn, path, Column::Data, missed);
        }
        for path in watches.child.iter() {
            let missed = changed(tree.get(path), |node| node.stat.pzxid, EventType::NodeChildrenChanged);
            self.catch_up(cx, conn, path, Column::Child, missed);
        }
        for path in watches.persistent.iter() {
            self.connections.watch_always(cx, conn, path, AddWatchMode::Persistent);
        }
        for path in watches.recursive.iter() {
            self.connections.watch_always(cx, conn, path, AddWatchMode::PersistentRecursive);
        }
    }

    /// Who may read the node is not asked here.
    fn catch_up(&mut self, cx: &mut Cx, conn: ConnId, path: &Path, column: Column, missed: Option<EventType>) {
        match missed {
            Some(kind) => self.connections.tell(cx, conn, WatcherEvent::of_node(NO_ZXID, kind, path.clone()), NO_ZXID, false),
            None => self.connections.watch_once(cx, conn, path, column),
        }
    }
}

fn found(found: bool) -> Result<Answer, ErrorCode> {
    if found { Ok(Answer::Done) } else { Err(ErrorCode::NoWatcher) }
}

/// The watch that a read sets. A node that is not there can be waited for, but not read.
fn watched(op: &Op, error: Option<ErrorCode>) -> Option<(&Path, Column)> {
    match (op, error) {
        (Op::GetData { path, .. }, None) | (Op::Exists { path, .. }, None | Some(ErrorCode::NoNode)) => Some((path, Column::Data)),
        (Op::GetChildren { path, .. } | Op::GetChildren2 { path, .. }, None) => Some((path, Column::Child)),
        _ => None,
    }
}

impl Connections {
    fn watch_once(&mut self, cx: &mut Cx, conn: ConnId, path: &Path, column: Column) {
        self.watches.add(conn, path, column);
        self.note_watch(cx, conn, path, if column == Column::Data { WatchMode::Data } else { WatchMode::Child });
    }

    fn watch_always(&mut self, cx: &mut Cx, conn: ConnId, path: &Path, mode: AddWatchMode) {
        self.watches.add_persistent(conn, path, mode);
        let persistent = mode == AddWatchMode::Persistent;
        self.note_watch(cx, conn, path, if persistent { WatchMode::Persistent } else { WatchMode::PersistentRecursive });
    }

    fn note_watch(&self, cx: &mut Cx, conn: ConnId, path: &Path, mode: WatchMode) {
        if let Some(session) = self.session_of(conn) {
            cx.note(Note::WatchSet { session, path: path.clone(), mode });
        }
    }

    /// Sends an event, unless it is hidden from its client. `zxid` is for those who watch the run.
    fn tell(&mut self, cx: &mut Cx, conn: ConnId, event: WatcherEvent, zxid: Zxid, hidden: bool) {
        let Some(session) = self.session_of(conn) else {
            return;
        };
        cx.note(Note::WatchFired { session, event: event.kind, path: event.path.clone(), zxid, hidden });
        if !hidden {
            self.notify(cx, conn, event);
        }
    }
}

/// Fires watches while a transaction is applied.
struct Trigger<'a, 'b> {
    config: &'a Config,
    connections: &'a mut Connections,
    cx: &'a mut Cx<'b>,
    /// What clients are told of the zxid.
    told: Zxid,
    zxid: Zxid,
}

/// The trigger table (watches reference §2): who watches the node itself comes before who watches the list that it is in.
impl Observer for Trigger<'_, '_> {
    fn created(&mut self, tree: &DataTree, path: &str) {
        self.fire(tree, Column::Data, EventType::NodeCreated, path, &[]);
        self.fire(tree, Column::Child, EventType::NodeChildrenChanged, parent_of(path), &[]);
    }

    fn deletes(&mut self, tree: &DataTree, path: &str) {
        if !self.connections.watches.concern(path) || tree.get(path).is_none() {
            return;
        }
        // Who watches it in both ways is told once.
        let told = self.fire(tree, Column::Data, EventType::NodeDeleted, path, &[]);
        self.fire(tree, Column::Child, EventType::NodeDeleted, path, &told);
        self.fire(tree, Column::Child, EventType::NodeChildrenChanged, parent_of(path), &[]);
    }

    fn data_set(&mut self, tree: &DataTree, path: &str) {
        self.fire(tree, Column::Data, EventType::NodeDataChanged, path, &[]);
    }
}

impl Trigger<'_, '_> {
    /// Fires the watches of one path but tells nobody of `but`. Those who were told, or would have been.
    ///
    /// Whoever may not read the node of which the event speaks hears nothing, and yet the watch is used up (CVE-2024-23944).
    fn fire(&mut self, tree: &DataTree, column: Column, kind: EventType, path: &str, but: &[ConnId]) -> Vec<ConnId> {
        let watchers = self.connections.watches.fire(column, kind, path);
        if self.cx.bugs.has(Bug::MutantWatchStays) {
            watchers.iter().for_each(|conn| self.connections.watches.add(*conn, &path.into(), column));
        }
        if watchers.is_empty() {
            return watchers;
        }
        let node = tree.get(path);
        let path = Path::from(path);
        for conn in watchers.iter().filter(|conn| !but.contains(conn)) {
            let hidden = node.is_some_and(|node| !allows(self.config, tree, node, READ, self.connections.ids(*conn)));
            self.connections.tell(self.cx, *conn, WatcherEvent::of_node(self.told, kind, path.clone()), self.zxid, hidden);
        }
        watchers
    }
}
