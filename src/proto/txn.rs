//! Transactions: what the leader makes of a write, what is logged, proposed and applied. Source: `TxnHeader` and the `*Txn` records of
//! zookeeper.jute; storage reference §2.

use std::fmt;
use std::sync::Arc;

use super::{AclList, ErrorCode, SessionId, Zxid};

/// An absolute path of the tree: `/a/b`.
pub type Path = Arc<str>;

/// Data of a znode, or any other bytes that are shared.
pub type Bytes = Arc<[u8]>;

/// What all transactions have. Its type follows from the [`Txn`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TxnHeader {
    /// The session that asked.
    pub session: SessionId,
    /// The xid of its request; 0 for what the leader does by itself.
    pub cxid: i32,
    pub zxid: Zxid,
    /// The leader's wall clock, in milliseconds.
    pub time: i64,
}

/// The change itself, with everything decided: applying it needs no judgement (idempotent, zab reference §8.3 Prep).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Txn {
    CreateSession {
        /// Milliseconds.
        timeout: i32,
    },
    /// The ephemerals to delete; `None` in logs of releases before 3.6.
    CloseSession {
        paths: Option<Arc<[Path]>>,
    },
    Create {
        form: CreateForm,
        path: Path,
        data: Option<Bytes>,
        acl: AclList,
        ephemeral: bool,
        parent_cversion: i32,
    },
    /// `container`: the leader's reaper deletes an empty container (`deleteContainer`).
    Delete {
        path: Path,
        container: bool,
    },
    SetData {
        path: Path,
        data: Option<Bytes>,
        version: i32,
    },
    /// The same record under another type.
    Reconfig {
        path: Path,
        data: Option<Bytes>,
        version: i32,
    },
    SetAcl {
        path: Path,
        acl: AclList,
        version: i32,
    },
    /// Only within a multi.
    Check {
        path: Path,
        version: i32,
    },
    /// A write that failed; it takes a zxid like any other.
    Error {
        code: ErrorCode,
    },
    Multi(Arc<[Txn]>),
}

/// Which create made a node: they differ in type number, and in what kind of node it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CreateForm {
    /// `create`, type 1.
    Create,
    /// `create2`, type 15: the reply carries the stat.
    Create2,
    /// `createContainer`, type 19.
    Container,
    /// `createTTL`, type 21; milliseconds.
    Ttl(i64),
}

/// Which transaction: its zxid, and a hash of its payload that tells apart two with one zxid. Written `2:1#9f03`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct TxnRef {
    pub zxid: Zxid,
    pub hash: u64,
}

impl Txn {
    /// The type number. Source: `ZooDefs.OpCode`.
    pub const fn number(&self) -> i32 {
        match self {
            Txn::CreateSession { .. } => -10,
            Txn::CloseSession { .. } => -11,
            Txn::Create { form: CreateForm::Create, .. } => 1,
            Txn::Create { form: CreateForm::Create2, .. } => 15,
            Txn::Create { form: CreateForm::Container, .. } => 19,
            Txn::Create { form: CreateForm::Ttl(_), .. } => 21,
            Txn::Delete { container: false, .. } => 2,
            Txn::Delete { container: true, .. } => 20,
            Txn::SetData { .. } => 5,
            Txn::SetAcl { .. } => 7,
            Txn::Check { .. } => 13,
            Txn::Multi(_) => 14,
            Txn::Reconfig { .. } => 16,
            Txn::Error { .. } => -1,
        }
    }
}

/// In a few words: `create /a`, `set /a`, `close session`.
impl fmt::Display for Txn {
    fn fmt(&self, out: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Txn::CreateSession { timeout } => write!(out, "create session, timeout {timeout} ms"),
            Txn::CloseSession { paths: Some(paths) } if !paths.is_empty() => write!(out, "close session and delete {}", paths.join(" ")),
            Txn::CloseSession { .. } => write!(out, "close session"),
            Txn::Create { path, ephemeral, .. } => write!(out, "create {}{path}", if *ephemeral { "ephemeral " } else { "" }),
            Txn::Delete { path, .. } => write!(out, "delete {path}"),
            Txn::SetData { path, .. } => write!(out, "set {path}"),
            Txn::Reconfig { .. } => write!(out, "reconfig"),
            Txn::SetAcl { path, .. } => write!(out, "setAcl {path}"),
            Txn::Check { path, version } => write!(out, "check {path} version {version}"),
            Txn::Error { code } => write!(out, "error {code}"),
            Txn::Multi(txns) => {
                write!(out, "multi of {}", txns.len())?;
                txns.iter().try_for_each(|txn| write!(out, ", {txn}"))
            }
        }
    }
}

impl fmt::Display for TxnRef {
    fn fmt(&self, out: &mut fmt::Formatter) -> fmt::Result {
        write!(out, "{}#{:04x}", self.zxid, self.hash & 0xffff)
    }
}

impl serde::Serialize for TxnRef {
    fn serialize<S: serde::Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        out.collect_str(self)
    }
}
