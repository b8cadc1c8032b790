//! ZooKeeper's tree as one process would keep it: the sequential model that histories are held against.
//!
//! Written from the project's reference (data-model.md) and from nothing else. The servers' own tree is another program on purpose: a model
//! that shares its mistakes would find none of them. It is plain and fast: paths are numbers, children are linked through their nodes.
//!
//! A write is told together with the transaction that a leader made of it ([`Model::write`]). The model decides for itself what becomes of
//! the write; of the transaction it takes only what no tree tells: the zxid, the time, and errors about the session.
//!
//! Not modelled: who a client is. Where a list does not let everybody in, what was decided is believed. Quotas, and the node of the
//! configuration, which each server writes for itself.

mod answers;
mod change;
mod digest;
mod paths;
mod rules;
#[cfg(test)]
mod tests;
mod writes;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

pub use answers::is_same_answer;
pub use paths::PathId;
pub use rules::is_of_the_session;
pub use writes::{Decided, Difference, Write};

use crate::proto::{Acl, AclList, Bytes, Config, EventType, Path, SessionId, Stat, Version, Zxid};
use rules::CONFIG;

use paths::Paths;

/// One node.
#[derive(Clone, Debug)]
pub struct Node {
    pub data: Option<Bytes>,
    acl: AclList,
    /// The list before this one: a leader may still go by it for what was asked before the change was applied (data-model reference §9.4a).
    older_acl: Option<AclList>,
    czxid: Zxid,
    mzxid: Zxid,
    pzxid: Zxid,
    ctime: i64,
    mtime: i64,
    version: i32,
    /// Creates of children: what clients see is computed from it.
    creates: i32,
    aversion: i32,
    owner: Owner,
    children: i32,
    first_child: PathId,
    /// Siblings.
    next: PathId,
    before: PathId,
    /// The end of a session took a child away: a leader that had not applied it may still count that child (data-model reference §9.4b).
    lost_child: bool,
}

/// What becomes of a node by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Owner {
    Nobody,
    Session(SessionId),
    Container,
    Ttl(i64),
}

/// The tree after a prefix of the history.
#[derive(Clone, Debug)]
pub struct Model {
    ttl_enabled: bool,
    version: Version,
    skip_acl: bool,
    paths: Paths,
    /// By the number of the path.
    nodes: Vec<Option<Box<Node>>>,
    count: i32,
    ephemerals: BTreeMap<SessionId, BTreeSet<PathId>>,
    /// Sessions that were created for everybody and have not ended, with their timeouts.
    sessions: BTreeMap<SessionId, i32>,
    /// What the write under way has changed, in case it is a multi that fails.
    undo: Vec<change::Undo>,
    undoable: bool,
    /// What the write under way has changed for those who watch, if anybody does.
    changes: Vec<Change>,
    pub watched: bool,
}

/// Something that watches fire for.
#[derive(Clone, Copy, Debug)]
pub struct Change {
    pub kind: EventType,
    pub id: PathId,
    /// Whether everybody may read the node, and its parent: who may not is not told.
    pub open: bool,
    pub parent_open: bool,
}

impl Model {
    /// What ZooKeeper calls empty: the root, `/zookeeper` and two nodes below it, all fields zero.
    pub fn new(config: &Config) -> Model {
        let mut model = Model {
            ttl_enabled: config.extended_types_enabled,
            version: config.version,
            skip_acl: config.skip_acl,
            paths: Paths::new(),
            nodes: Vec::new(),
            count: 0,
            ephemerals: BTreeMap::new(),
            sessions: BTreeMap::new(),
            undo: Vec::new(),
            undoable: false,
            changes: Vec::new(),
            watched: false,
        };
        let open = Acl::open();
        for path in rules::FIXED {
            let id = model.intern(&path.into());
            model.put(id, Node::new(Some(Arc::new([])), open.clone(), Zxid::ZERO, 0, Owner::Nobody));
        }
        // Everybody may read the configuration; the list was set with version -1, which is what its stat tells.
        let config = model.intern(&CONFIG.into());
        if let Some(node) = model.node_mut(config) {
            node.acl = Arc::new([Acl { perms: rules::READ, scheme: "world".into(), id: "anyone".into() }]);
            node.aversion = -1;
        }
        model
    }

    /// The tree that a scenario gives its servers to begin with: `/history`, made by the first transaction of the epoch and set by each of
    /// the others to its own zxid, a millisecond after the other.
    pub fn before_the_run(config: &Config, last: Zxid) -> Model {
        let mut model = Model::new(config);
        if last.counter() > 0 {
            let id = model.intern(&"/history".into());
            let text = last.to_string().into_bytes();
            let made = Zxid(last.epoch().first_zxid().0 + 1);
            let mut node = Node::new(Some(text.into()), Acl::open(), made, 1, Owner::Nobody);
            (node.mzxid, node.mtime, node.version) = (last, i64::from(last.counter()), last.counter() as i32 - 1);
            model.put(id, node);
            if let Some(root) = model.node_mut(PathId::ROOT) {
                (root.creates, root.pzxid) = (1, made);
            }
        }
        model
    }

    fn intern(&mut self, path: &Path) -> PathId {
        let id = self.paths.intern(path);
        if id.index() >= self.nodes.len() {
            self.nodes.resize(id.index() + 1, None);
        }
        id
    }

    #[inline]
    fn node(&self, id: PathId) -> Option<&Node> {
        self.nodes.get(id.index())?.as_deref()
    }

    #[inline]
    fn node_mut(&mut self, id: PathId) -> Option<&mut Node> {
        self.nodes.get_mut(id.index())?.as_deref_mut()
    }

    /// The node with this path.
    pub fn get(&self, path: &str) -> Option<&Node> {
        self.node(self.paths.find(path)?)
    }

    /// Every node there is.
    pub fn nodes(&self) -> impl Iterator<Item = (&Path, &Node)> {
        let numbered = (0..).map(PathId).zip(&self.nodes);
        numbered.filter_map(|(id, node)| Some((self.paths.path(id), node.as_deref()?)))
    }

    pub fn path(&self, id: PathId) -> &Path {
        self.paths.path(id)
    }

    /// The nodes of a session, by number of path.
    pub fn ephemerals(&self, session: SessionId) -> impl Iterator<Item = &Path> {
        self.ephemerals.get(&session).into_iter().flatten().map(|id| self.path(*id))
    }

    /// Whether a session was created and has not ended.
    pub fn lives(&self, session: SessionId) -> bool {
        self.sessions.contains_key(&session)
    }

    /// Takes what the last write has changed, in order.
    pub fn take_changes(&mut self) -> Vec<Change> {
        std::mem::take(&mut self.changes)
    }

    /// Takes note of a change to a node that is there, before it goes or after it came.
    #[cold]
    fn changed(&mut self, kind: EventType, id: PathId) {
        let readable = |node: Option<&Node>| self.skip_acl || node.is_some_and(|node| rules::lets_everybody(&node.acl, rules::READ));
        let (open, parent_open) = (readable(self.node(id)), readable(self.node(self.paths.parent(id))));
        self.changes.push(Change { kind, id, open, parent_open });
    }

    /// The path above a path, as its number.
    pub fn parent(&self, id: PathId) -> PathId {
        self.paths.parent(id)
    }

    /// The numbers of a node's children, in no particular order.
    fn children(&self, of: &Node) -> impl Iterator<Item = PathId> {
        let mut next = of.first_child;
        std::iter::from_fn(move || {
            let child = next;
            next = self.node(child)?.next;
            Some(child)
        })
    }
}

impl Node {
    fn new(data: Option<Bytes>, acl: AclList, zxid: Zxid, time: i64, owner: Owner) -> Node {
        Node {
            data,
            acl,
            older_acl: None,
            czxid: zxid,
            mzxid: zxid,
            pzxid: zxid,
            ctime: time,
            mtime: time,
            version: 0,
            creates: 0,
            aversion: 0,
            owner,
            children: 0,
            first_child: PathId::NONE,
            next: PathId::NONE,
            before: PathId::NONE,
            lost_child: false,
        }
    }

    /// Whose ephemeral it is.
    pub fn session(&self) -> SessionId {
        if let Owner::Session(session) = self.owner { session } else { SessionId::NONE }
    }

    pub fn czxid(&self) -> Zxid {
        self.czxid
    }

    /// What clients are told of it: of its owner only if that is a session, and `cversion` counts deletes too.
    pub fn stat(&self) -> Stat {
        Stat {
            czxid: self.czxid,
            mzxid: self.mzxid,
            ctime: self.ctime,
            mtime: self.mtime,
            version: self.version,
            cversion: self.creates.wrapping_mul(2).wrapping_sub(self.children),
            aversion: self.aversion,
            ephemeral_owner: self.session(),
            data_length: self.data.as_ref().map_or(0, |data| data.len() as i32),
            num_children: self.children,
            pzxid: self.pzxid,
        }
    }
}
