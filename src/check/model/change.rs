//! The few ways in which the tree changes, and the way back: a multi that fails has changed nothing.

use super::paths::PathId;
use super::{Model, Node, Owner};
use crate::proto::{AclList, Bytes, EventType, Zxid};

/// How to take a change back.
#[derive(Clone, Debug)]
pub(super) enum Undo {
    /// A node was made; its parent was like this before.
    Made { id: PathId, creates: i32, pzxid: Zxid },
    /// A node was taken away.
    Gone { id: PathId, node: Box<Node>, pzxid: Zxid },
    /// Data was set.
    Set { id: PathId, data: Option<Bytes>, version: i32, mzxid: Zxid, mtime: i64 },
}

impl Model {
    /// Puts a node under its parent, which tells nothing of it but the count of its children.
    pub(super) fn put(&mut self, id: PathId, mut node: Node) {
        let parent = self.paths.parent(id);
        if let Owner::Session(session) = node.owner {
            self.ephemerals.entry(session).or_default().insert(id);
        }
        let sibling = self.node(parent).map_or(PathId::NONE, |parent| parent.first_child);
        (node.next, node.before) = (sibling, PathId::NONE);
        if let Some(sibling) = self.node_mut(sibling) {
            sibling.before = id;
        }
        if let Some(parent) = self.node_mut(parent) {
            parent.first_child = id;
            parent.children += 1;
        }
        self.nodes[id.index()] = Some(Box::new(node));
        self.count += 1;
    }

    /// Takes a node away from its parent.
    fn pull(&mut self, id: PathId) -> Option<Box<Node>> {
        let node = self.nodes.get_mut(id.index())?.take()?;
        if let Some(next) = self.node_mut(node.next) {
            next.before = node.before;
        }
        let parent = self.paths.parent(id);
        if let Some(before) = self.node_mut(node.before) {
            before.next = node.next;
        } else if let Some(parent) = self.node_mut(parent) {
            parent.first_child = node.next;
        }
        if let Some(parent) = self.node_mut(parent) {
            parent.children -= 1;
        }
        if let Owner::Session(session) = node.owner
            && let Some(owned) = self.ephemerals.get_mut(&session)
        {
            owned.remove(&id);
            if owned.is_empty() {
                self.ephemerals.remove(&session);
            }
        }
        self.count -= 1;
        Some(node)
    }

    /// A create: the parent counts it, and its `pzxid` moves.
    pub(super) fn make(&mut self, id: PathId, node: Node) {
        let zxid = node.czxid;
        let parent = self.paths.parent(id);
        let undo = self.undoable.then(|| self.node(parent)).flatten().map(|parent| Undo::Made { id, creates: parent.creates, pzxid: parent.pzxid });
        self.undo.extend(undo);
        if let Some(parent) = self.node_mut(parent) {
            parent.creates = parent.creates.wrapping_add(1);
            parent.pzxid = zxid;
        }
        self.put(id, node);
        if self.watched {
            self.changed(EventType::NodeCreated, id);
        }
    }

    /// A delete: of the parent only its `pzxid` moves, and only forward.
    pub(super) fn remove(&mut self, id: PathId, zxid: Zxid) {
        if self.watched && self.node(id).is_some() {
            self.changed(EventType::NodeDeleted, id);
        }
        let Some(node) = self.pull(id) else { return };
        let parent = self.paths.parent(id);
        let mut before = zxid;
        if let Some(parent) = self.node_mut(parent) {
            before = parent.pzxid;
            parent.pzxid = before.max(zxid);
        }
        if self.undoable {
            self.undo.push(Undo::Gone { id, node, pzxid: before });
        }
    }

    /// A setData, of the same bytes too.
    pub(super) fn set(&mut self, id: PathId, data: Option<Bytes>, zxid: Zxid, time: i64) {
        let undoable = self.undoable;
        let Some(node) = self.nodes.get_mut(id.index()).and_then(Option::as_deref_mut) else { return };
        let (version, mzxid, mtime) = (node.version, node.mzxid, node.mtime);
        let old = std::mem::replace(&mut node.data, data);
        (node.version, node.mzxid, node.mtime) = (version.wrapping_add(1), zxid, time);
        if undoable {
            self.undo.push(Undo::Set { id, data: old, version, mzxid, mtime });
        }
        if self.watched {
            self.changed(EventType::NodeDataChanged, id);
        }
    }

    /// A setACL: nothing but the list and its version. It is never part of a multi.
    pub(super) fn set_acl(&mut self, id: PathId, acl: AclList) {
        if let Some(node) = self.node_mut(id) {
            node.older_acl = Some(std::mem::replace(&mut node.acl, acl));
            node.aversion = node.aversion.wrapping_add(1);
        }
    }

    /// Everything since the write began is taken back, the last first.
    pub(super) fn roll_back(&mut self) {
        self.changes.clear();
        while let Some(undo) = self.undo.pop() {
            match undo {
                Undo::Made { id, creates, pzxid } => {
                    self.pull(id);
                    let parent = self.paths.parent(id);
                    if let Some(parent) = self.node_mut(parent) {
                        (parent.creates, parent.pzxid) = (creates, pzxid);
                    }
                }
                Undo::Gone { id, node, pzxid } => {
                    self.put(id, *node);
                    let parent = self.paths.parent(id);
                    if let Some(parent) = self.node_mut(parent) {
                        parent.pzxid = pzxid;
                    }
                }
                Undo::Set { id, data, version, mzxid, mtime } => {
                    if let Some(node) = self.node_mut(id) {
                        (node.data, node.version, node.mzxid, node.mtime) = (data, version, mzxid, mtime);
                    }
                }
            }
        }
    }
}
