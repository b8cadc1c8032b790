//! What the transactions that are proposed and not yet applied will do to the tree. Source: `ZooKeeperServer.outstandingChanges`; data-model
//! reference §9.
//!
//! ZooKeeper keeps the root under two names here (`""` as a parent), which no client can notice; here it has one.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use crate::proto::{AclList, AuthId, ErrorCode, Path, SessionId, Zxid};
use crate::tree::{Database, OPEN_ACL, Znode};

use super::access;

/// A node as it will be, as far as later requests are judged by it. Source: `ChangeRecord`.
#[derive(Clone, Debug)]
pub struct Record {
    pub version: i32,
    /// Of the access list.
    pub aversion: i32,
    /// Children ever created.
    pub cversion: i32,
    pub children: i32,
    /// Bytes of its data.
    pub length: i32,
    /// The stored `ephemeralOwner`.
    pub owner: i64,
    pub acl: AclOf,
}

/// A node's access list.
#[derive(Clone, Debug)]
pub enum AclOf {
    /// By its number in the tree's table.
    Stored(i64),
    /// Of a node that is not created yet, or is to get another.
    Pending(AclList),
}

/// Changes to come, in the order of their zxids.
#[derive(Clone, Debug, Default)]
pub struct OutstandingChanges {
    queue: VecDeque<(Zxid, Path)>,
    /// The last change of each path, with its zxid; without a record: it deletes the node.
    newest: BTreeMap<Path, Change>,
    /// What the changes of the transaction that is made took the place of, oldest first.
    replaced: Vec<(Path, Option<Change>)>,
}

/// A change of a path: by which transaction, and to what.
type Change = (Zxid, Option<Record>);

impl Record {
    fn of(node: &Znode) -> Record {
        let (version, aversion, cversion, owner) = (node.stat.version, node.stat.aversion, node.stat.cversion, node.stat.owner);
        let (children, length) = (node.children.len() as i32, node.data.as_ref().map_or(0, |data| data.len() as i32));
        Record { version, aversion, cversion, children, length, owner, acl: AclOf::Stored(node.acl) }
    }

    /// Whether somebody with these ids may do this to the node. A list that the table lacks, after a fuzzy snapshot, allows everything.
    pub fn allows(&self, db: &Database, perms: i32, ids: &[AuthId]) -> Result<(), ErrorCode> {
        let allowed = match &self.acl {
            AclOf::Stored(OPEN_ACL) => true,
            AclOf::Stored(number) => db.tree().acls().list(*number).is_none_or(|list| access::allows(&list, perms, ids)),
            AclOf::Pending(list) => access::allows(list, perms, ids),
        };
        if allowed { Ok(()) } else { Err(ErrorCode::NoAuth) }
    }

    /// The list stays in force by itself: its number may be given up while the change is pending.
    pub fn keep_acl(&mut self, db: &Database) {
        if let AclOf::Stored(number) = self.acl
            && let Some(list) = db.tree().acls().list(number)
        {
            self.acl = AclOf::Pending(list);
        }
    }
}

impl OutstandingChanges {
    /// The node as it will be once everything proposed is applied. Source: `getRecordForPath`.
    pub fn record(&self, db: &Database, path: &str) -> Result<Record, ErrorCode> {
        let record = match self.newest.get(path) {
            Some((_, record)) => record.clone(),
            None => db.tree().get(path).map(Record::of),
        };
        record.ok_or(ErrorCode::NoNode)
    }

    pub fn exists(&self, db: &Database, path: &str) -> bool {
        match self.newest.get(path) {
            Some((_, record)) => record.is_some(),
            None => db.tree().get(path).is_some(),
        }
    }

    /// The transaction `zxid` will leave the node like this, or without a record will delete it.
    pub fn add(&mut self, zxid: Zxid, path: &Path, record: Option<Record>) {
        self.queue.push_back((zxid, path.clone()));
        let replaced = self.newest.insert(path.clone(), (zxid, record));
        self.replaced.push((path.clone(), replaced));
    }

    /// A transaction is made from here on: until the next call, [`OutstandingChanges::roll_back`] takes all its changes back.
    pub fn begin(&mut self) {
        self.replaced.clear();
    }

    /// The transaction will change nothing: everything is as before it, the numbers of sequential nodes too (ZOOKEEPER-1624).
    /// Source: `rollbackPendingChanges`.
    pub fn roll_back(&mut self) {
        while let Some((path, before)) = self.replaced.pop() {
            self.queue.pop_back();
            match before {
                Some(before) => drop(self.newest.insert(path, before)),
                None => drop(self.newest.remove(&path)),
            }
        }
    }

    /// The transaction `zxid` is applied: what it changed is in the tree.
    pub fn forget(&mut self, zxid: Zxid) {
        while let Some((_, path)) = self.queue.pop_front_if(|(changed, _)| *changed <= zxid) {
            if self.newest.get(&path).is_some_and(|(changed, _)| *changed <= zxid) {
                self.newest.remove(&path);
            }
        }
    }

    /// The nodes that a session will own, by path.
    pub fn ephemerals(&self, db: &Database, session: SessionId) -> BTreeSet<Path> {
        let mut paths: BTreeSet<Path> = db.tree().ephemerals(session).cloned().collect();
        for (path, (_, record)) in &self.newest {
            if record.as_ref().is_some_and(|record| record.owner == session.0) {
                paths.insert(path.clone());
            } else {
                paths.remove(path);
            }
        }
        paths
    }
}
