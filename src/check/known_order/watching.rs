//! Step 8: who is told of which change, and when.
//!
//! Each connection has an ideal watch manager of its own: watches are set by the reads that were answered on it, at their views, and fire as
//! the log is replayed. What fires is due; an event that a server sends must be due, and no answer may show a change that is still due
//! (watches.md §5). So an event that comes late, twice, or never is found, and so is one that nobody waits for.
//!
//! Where not everybody may read a node, its event may be kept back: who a client is the model does not know. Events of one transaction may
//! come in any order, for a session's nodes go in none.

use std::collections::{BTreeMap, VecDeque};

use super::super::Invariant::{WatchLost, WatchOrder, WatchPhantom, WatchRenewal};
use super::super::model::{Change, Model, Node};
use super::super::verdict::Fact;
use super::calls::Due;
use super::{KnownOrder, SessionNumber};
use crate::proto::{AddWatchMode, Answer, CONFIG_NODE, ErrorCode, EventType, Micros, Op, Path, ServerId, SetWatches, Version, WatcherType, Zxid};

/// An event leaves a server.
#[derive(Clone, Debug)]
pub struct Told {
    pub event: u64,
    pub at: Micros,
    pub server: ServerId,
    /// Of the change, or what the server had applied when it told of what was missed.
    pub zxid: Zxid,
    /// The change was missed: a client that is back is told at once.
    pub missed: bool,
    pub kind: EventType,
    pub path: Path,
}

/// One incarnation of a session's connection.
#[derive(Clone, Debug, Default)]
pub(super) struct Watching {
    data: BTreeMap<Path, u8>,
    child: BTreeMap<Path, u8>,
    /// What must be told, oldest first.
    due: VecDeque<DueEvent>,
    /// What was told of the past since the last answer.
    missed: Vec<(EventType, Path)>,
}

#[derive(Clone, Debug)]
struct DueEvent {
    zxid: Zxid,
    /// The event that committed the change.
    since: u64,
    kind: EventType,
    path: Path,
    /// It may be kept back.
    hidden: bool,
}

/// How a path is watched, a bit each.
const ONCE: u8 = 1;
const ALWAYS: u8 = 2;
const RECURSIVE: u8 = 4;

impl Watching {
    fn is_idle(&self) -> bool {
        self.data.is_empty() && self.child.is_empty()
    }

    /// Until 3.9 the last way in which a path is watched is the only one.
    fn add(table: &mut BTreeMap<Path, u8>, path: &Path, mode: u8, version: Version) {
        let modes = table.entry(path.clone()).or_default();
        *modes = if version == Version::V3_9 { *modes | mode } else { mode };
    }

    fn add_always(&mut self, path: &Path, mode: AddWatchMode, version: Version) {
        let bit = if mode == AddWatchMode::Persistent { ALWAYS } else { RECURSIVE };
        Watching::add(&mut self.data, path, bit, version);
        if bit == ALWAYS || version == Version::V3_8 {
            Watching::add(&mut self.child, path, bit, version);
        }
    }

    /// Whether somebody waits in this table for what happened at a path; who waits once is done.
    fn fire(table: &mut BTreeMap<Path, u8>, path: &Path, deaf: u8) -> bool {
        let Some(modes) = table.get_mut(path) else { return false };
        let fires = *modes & !deaf != 0;
        *modes &= !ONCE;
        if *modes == 0 {
            table.remove(path);
        }
        fires
    }

    /// Whether a path above is watched recursively in this table.
    fn is_below_recursive(table: &BTreeMap<Path, u8>, path: &str) -> bool {
        let mut at = path;
        while at != "/" {
            at = match at.rfind('/') {
                None | Some(0) => "/",
                Some(end) => &at[..end],
            };
            if table.get(at).is_some_and(|modes| modes & RECURSIVE != 0) {
                return true;
            }
        }
        false
    }

    /// The trigger table (watches.md §2).
    fn on_change(&mut self, model: &Model, change: &Change, zxid: Zxid, since: u64) {
        let path = model.path(change.id).clone();
        let mut fires = Watching::fire(&mut self.data, &path, 0) | Watching::is_below_recursive(&self.data, &path);
        // Until 3.9 recursive watches are in both tables, and may be taken out of one.
        if change.kind == EventType::NodeDeleted {
            fires |= Watching::fire(&mut self.child, &path, 0) | Watching::is_below_recursive(&self.child, &path);
        }
        if fires {
            self.due.push_back(DueEvent { zxid, since, kind: change.kind, path, hidden: !change.open });
        }
        if change.kind != EventType::NodeDataChanged {
            let parent = model.path(model.parent(change.id)).clone();
            if Watching::fire(&mut self.child, &parent, RECURSIVE) {
                self.due.push_back(DueEvent { zxid, since, kind: EventType::NodeChildrenChanged, path: parent, hidden: !change.parent_open });
            }
        }
    }

    /// A client is back and sets its watches again: what it is told at once, and is not set.
    fn renew(&mut self, model: &Model, watches: &SetWatches, version: Version) -> Vec<(EventType, Path)> {
        let seen = watches.relative_zxid;
        let mut missed = Vec::new();
        let mut once = |table: &mut BTreeMap<Path, u8>, path: &Path, event: Option<EventType>| match event {
            Some(kind) => missed.push((kind, path.clone())),
            None => Watching::add(table, path, ONCE, version),
        };
        for path in watches.data.iter() {
            let event = match model.get(path).map(Node::stat) {
                None => Some(EventType::NodeDeleted),
                Some(stat) => (stat.mzxid > seen).then_some(EventType::NodeDataChanged),
            };
            once(&mut self.data, path, event);
        }
        for path in watches.exist.iter() {
            once(&mut self.data, path, model.get(path).map(|_| EventType::NodeCreated));
        }
        for path in watches.child.iter() {
            let event = match model.get(path).map(Node::stat) {
                None => Some(EventType::NodeDeleted),
                Some(stat) => (stat.pzxid > seen).then_some(EventType::NodeChildrenChanged),
            };
            once(&mut self.child, path, event);
        }
        for (list, mode) in [(&watches.persistent, AddWatchMode::Persistent), (&watches.recursive, AddWatchMode::PersistentRecursive)] {
            list.iter().for_each(|path| self.add_always(path, mode, version));
        }
        missed
    }

    /// `removeWatches` took these away (watches.md §7).
    fn remove(&mut self, path: &str, kind: WatcherType, version: Version) {
        let all = version == Version::V3_8 || kind == WatcherType::Any;
        let (data, child) = match kind {
            WatcherType::Data => (if all { !0 } else { ONCE }, 0),
            WatcherType::Children => (0, if all { !0 } else { ONCE }),
            WatcherType::Any => (!0, !0),
            WatcherType::Persistent => (ALWAYS, ALWAYS),
            WatcherType::PersistentRecursive => (RECURSIVE, RECURSIVE),
        };
        for (table, bits) in [(&mut self.data, data), (&mut self.child, child)] {
            if let Some(modes) = table.get_mut(path) {
                *modes &= !bits;
                if *modes == 0 {
                    table.remove(path);
                }
            }
        }
    }
}

impl KnownOrder {
    /// A server tells a session's client of a change.
    pub fn told_of(&mut self, number: SessionNumber, told: Told) {
        let conn = self.sessions[number.0 as usize].conn;
        self.due.push(Due { view: told.zxid, event: told.event, session: number.0, xid: Due::EVENT, conn });
        self.events.push_back(told);
    }

    /// What a transaction changes is due to those who watch it.
    #[cold]
    #[inline(never)]
    pub(super) fn fire(&mut self) {
        let (zxid, since) = (self.last.zxid, self.last.event);
        for change in self.model.take_changes() {
            self.watching.values_mut().for_each(|watching| watching.on_change(&self.model, &change, zxid, since));
        }
    }

    /// An answer shows its view: nothing up to there may still be due. Then it may set watches, or take them away.
    #[cold]
    #[inline(never)]
    pub(super) fn answer_on_watches(&mut self, due: &Due) {
        let me = SessionNumber(due.session);
        if let Some(watching) = self.watching.get(&due.conn)
            && let Some(late) = watching.due.iter().find(|event| !event.hidden && event.zxid <= due.view)
        {
            let first =
                Fact::new(late.since, format!("{} {} by {} is due to session {}", late.kind, late.path, late.zxid, self.sessions[me.0 as usize].id));
            let second = self.was_shown(due.shown());
            return self.find(WatchOrder, [first, second], &[(me, due.xid)]);
        }
        if let Some(watching) = self.watching.get_mut(&due.conn) {
            // Those that were kept back.
            watching.due.retain(|event| event.zxid > due.view);
        }
        let Some(call) = self.sessions[me.0 as usize].call(due.xid) else { return };
        let Some(answer) = &call.answer else { return };
        if call.op().concerns_watches() {
            let (op, result) = (call.op().clone(), answer.reply.result.clone());
            self.set_watch(due, &op, &result);
        }
    }

    fn set_watch(&mut self, due: &Due, op: &Op, result: &Result<Answer, ErrorCode>) {
        let version = self.config.version;
        let watching = self.watching.entry(due.conn).or_default();
        match (op, result) {
            (Op::GetData { path, .. } | Op::Exists { path, .. }, Ok(_)) | (Op::Exists { path, .. }, Err(ErrorCode::NoNode)) => {
                Watching::add(&mut watching.data, path, ONCE, version);
            }
            (Op::GetChildren { path, .. } | Op::GetChildren2 { path, .. }, Ok(_)) => Watching::add(&mut watching.child, path, ONCE, version),
            (Op::AddWatch { path, mode }, Ok(_)) => {
                if let Some(mode) = AddWatchMode::numbered(*mode) {
                    watching.add_always(path, mode, version);
                }
            }
            (Op::RemoveWatches { path, kind }, Ok(_)) => watching.remove(path, *kind, version),
            (Op::SetWatches(watches), Ok(_)) => {
                let missed = watching.renew(&self.model, watches, version);
                let told = std::mem::take(&mut watching.missed);
                if missed != told {
                    self.renews_wrongly(due, &missed, &told);
                }
            }
            _ => {}
        }
        self.model.watched = true;
    }

    #[cold]
    fn renews_wrongly(&mut self, due: &Due, missed: &[(EventType, Path)], told: &[(EventType, Path)]) {
        let list = |events: &[(EventType, Path)]| match events {
            [] => "nothing".to_string(),
            events => events.iter().map(|(kind, path)| format!("{kind} {path}")).collect::<Vec<_>>().join(", "),
        };
        let first = Fact::new(self.last.event, format!("at {} the client has missed {}", due.view, list(missed)));
        let second = Fact::new(due.event, format!("setting its watches again it is told {}", list(told)));
        self.find(WatchRenewal, [first, second], &[(SessionNumber(due.session), due.xid)]);
    }

    /// An event was sent: it must be due, and nothing older with it.
    #[cold]
    #[inline(never)]
    pub(super) fn look_at_event(&mut self, due: &Due) {
        let Some(index) = self.events.iter().position(|told| told.event == due.event) else { return };
        let Some(told) = self.events.remove(index) else { return };
        let watching = self.watching.entry(due.conn).or_default();
        if told.missed {
            watching.missed.push((told.kind, told.path));
            return;
        }
        let is_config = *told.path == *CONFIG_NODE;
        let fits = |event: &DueEvent| (event.zxid, event.kind, &event.path) == (told.zxid, told.kind, &told.path);
        let found = watching.due.iter().position(fits);
        let older = watching.due.iter().find(|event| !event.hidden && event.zxid < told.zxid).cloned();
        let id = self.sessions[due.session as usize].id;
        let second = Fact::new(told.event, format!("{} tells session {id} of {} {}, by {}", told.server, told.kind, told.path, told.zxid));
        match (found, older) {
            (Some(_), Some(older)) => {
                let first = Fact::new(older.since, format!("{} {} by {} is due to it before", older.kind, older.path, older.zxid));
                self.find(WatchOrder, [first, second], &[]);
            }
            (Some(found), None) => drop(watching.due.remove(found)),
            // The configuration stands there before its transaction is applied, and whoever still waits then is told again.
            (None, _) if is_config => {}
            (None, _) => {
                let first = Fact::new(self.last.event, format!("at {} session {id} waits for nothing of the kind", self.last.zxid));
                self.find(WatchPhantom, [first, second], &[]);
            }
        }
    }

    /// The run is over: what is still due on a connection whose server has applied the change will never be told.
    pub(super) fn look_for_lost_events(&mut self, open: impl Iterator<Item = (u32, ServerId, Zxid)>) {
        for (conn, server, applied) in open {
            let Some(watching) = self.watching.get(&conn) else { continue };
            if let Some(lost) = watching.due.iter().find(|event| !event.hidden && event.zxid <= applied) {
                let session = self.sessions.iter().find(|session| session.conn == conn).map(|session| session.id).unwrap_or_default();
                let first = Fact::new(lost.since, format!("{} {} by {} is due to session {session}", lost.kind, lost.path, lost.zxid));
                let second = Fact::new(self.last.event, format!("{server} has applied {applied}, and has told it nothing of that"));
                return self.find(WatchLost, [first, second], &[]);
            }
        }
    }

    /// Connections that have ended and of which nothing waits are forgotten.
    pub(super) fn forget_watching(&mut self) {
        if self.watching.is_empty() || !self.due.is_empty() {
            return;
        }
        let alive: Vec<u32> = self.sessions.iter().map(|session| session.conn).collect();
        self.watching.retain(|conn, watching| alive.contains(conn) && !(watching.is_idle() && watching.due.is_empty()));
        self.model.watched = !self.watching.is_empty();
    }
}
