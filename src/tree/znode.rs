//! One node of the tree. Source: `DataNode`, `StatPersisted`, `EphemeralType`; data-model reference §2, §4.

use imbl::OrdSet;

use crate::proto::state_digest::{self, NodeWords};
use crate::proto::{Bytes, CreateForm, Path, SessionId, Stat, TxnHeader, Zxid};

/// The stat as it is kept, in memory and in snapshots. Source: `StatPersisted`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StoredStat {
    pub czxid: Zxid,
    pub mzxid: Zxid,
    /// Milliseconds, by the clock of the leader of the time.
    pub ctime: i64,
    pub mtime: i64,
    pub version: i32,
    /// Children ever created; what clients are told counts deletes too ([`Znode::stat`]).
    pub cversion: i32,
    pub aversion: i32,
    /// See [`Owner`].
    pub owner: i64,
    pub pzxid: Zxid,
}

/// What a node's `ephemeralOwner` says of it. Source: `EphemeralType`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Owner {
    /// A node that stays until it is deleted.
    Nobody,
    /// An ephemeral of this session.
    Session(SessionId),
    /// A container: the leader deletes it once it is empty again.
    Container,
    /// Deleted by the leader after so many milliseconds without a change, if it has no children.
    Ttl(i64),
}

/// A node: data, stat, access list and children.
#[derive(Clone, Debug)]
pub struct Znode {
    pub data: Option<Bytes>,
    pub stat: StoredStat,
    /// Its access list's number in the [`super::AclTable`].
    pub acl: i64,
    /// Whole paths; those of siblings are in the order of their names.
    pub children: OrdSet<Path>,
    /// Hashes of what seldom changes, so that a change hashes only what is new.
    path_hash: u64,
    data_hash: u64,
    acl_hash: u64,
    /// Hash of all but the children, who count for themselves.
    hash: u64,
}

/// A container's `ephemeralOwner`.
const CONTAINER: i64 = i64::MIN;

/// The top byte of a TTL node's `ephemeralOwner`; the lower 40 bits are the milliseconds.
const TTL_MARK: i64 = 0xff << 56;

impl Owner {
    /// Reads an `ephemeralOwner`.
    pub const fn of(owner: i64) -> Owner {
        match owner {
            0 => Owner::Nobody,
            CONTAINER => Owner::Container,
            _ if owner & TTL_MARK == TTL_MARK => Owner::Ttl(owner & !TTL_MARK),
            _ => Owner::Session(SessionId(owner)),
        }
    }

    /// The `ephemeralOwner` of a node that this session makes. The form decides, not the flag that the client gave.
    pub const fn made_by(session: SessionId, form: CreateForm, ephemeral: bool) -> i64 {
        match form {
            CreateForm::Container => CONTAINER,
            CreateForm::Ttl(millis) => TTL_MARK | millis,
            CreateForm::Create | CreateForm::Create2 if ephemeral => session.0,
            CreateForm::Create | CreateForm::Create2 => 0,
        }
    }
}

impl StoredStat {
    /// Of a node that this transaction creates.
    pub const fn created(header: &TxnHeader, owner: i64) -> StoredStat {
        let (zxid, time) = (header.zxid, header.time);
        StoredStat { czxid: zxid, mzxid: zxid, ctime: time, mtime: time, version: 0, cversion: 0, aversion: 0, owner, pzxid: zxid }
    }
}

impl Znode {
    /// A node without children. `acl_hash` is that of the list behind `acl`.
    pub fn new(path: &str, data: Option<Bytes>, acl: i64, acl_hash: u64, stat: StoredStat) -> Znode {
        let (path_hash, data_hash) = (state_digest::of_path(path), state_digest::of_data(data.as_deref()));
        let mut node = Znode { data, stat, acl, children: OrdSet::new(), path_hash, data_hash, acl_hash, hash: 0 };
        node.rehash();
        node
    }

    /// What clients are told. The owner of containers and TTL nodes is hidden; cversion counts creates and deletes.
    /// Source: `DataNode.copyStat`.
    pub fn stat(&self) -> Stat {
        let children = self.children.len() as i32;
        Stat {
            czxid: self.stat.czxid,
            mzxid: self.stat.mzxid,
            ctime: self.stat.ctime,
            mtime: self.stat.mtime,
            version: self.stat.version,
            cversion: self.stat.cversion.wrapping_mul(2).wrapping_sub(children),
            aversion: self.stat.aversion,
            ephemeral_owner: if let Owner::Session(session) = self.owner() { session } else { SessionId::NONE },
            data_length: self.data.as_ref().map_or(0, |data| data.len() as i32),
            num_children: children,
            pzxid: self.stat.pzxid,
        }
    }

    pub const fn owner(&self) -> Owner {
        Owner::of(self.stat.owner)
    }

    /// Hash of path, data, access list and stat: one term of the tree's digest.
    pub(super) const fn hash(&self) -> u64 {
        self.hash
    }

    pub(super) fn set_data(&mut self, data: Option<Bytes>) {
        self.data_hash = state_digest::of_data(data.as_deref());
        self.data = data;
    }

    pub(super) const fn set_acl(&mut self, acl: i64, hash: u64) {
        self.acl = acl;
        self.acl_hash = hash;
    }

    /// To be called after any change.
    pub(super) fn rehash(&mut self) {
        let stat = &self.stat;
        self.hash = state_digest::of_node(&NodeWords {
            path: self.path_hash,
            data: self.data_hash,
            acl: self.acl_hash,
            czxid: stat.czxid,
            mzxid: stat.mzxid,
            pzxid: stat.pzxid,
            ctime: stat.ctime,
            mtime: stat.mtime,
            version: stat.version,
            cversion: stat.cversion,
            aversion: stat.aversion,
            owner: stat.owner,
        });
    }
}
