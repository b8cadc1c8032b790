//! What clients and servers say to each other on a session's connection. Source: `ConnectRequest`, `RequestHeader`, `ReplyHeader` and the
//! records of zookeeper.jute.

use std::fmt;
use std::sync::Arc;

use super::{AclList, Bytes, ErrorCode, Path, ServerId, SessionId, Zxid};

/// The first packet of a client's connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConnectRequest {
    /// A server that has applied less than this must not serve the client.
    pub last_zxid_seen: Zxid,
    /// What the client asks for, in milliseconds; the server has limits.
    pub timeout: i32,
    /// [`SessionId::NONE`] for a new session.
    pub session: SessionId,
    pub password: [u8; 16],
    /// A server without a leader is good enough (`canBeReadOnly`).
    pub read_only: bool,
}

/// The answer. A timeout of zero: the session has expired (or the password is wrong).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConnectResponse {
    /// The negotiated timeout, in milliseconds.
    pub timeout: i32,
    pub session: SessionId,
    pub password: [u8; 16],
    /// The server has no leader: it answers reads and nothing else.
    pub read_only: bool,
}

/// A request of a connected client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientRequest {
    /// Counts up on a connection; -2 for a ping.
    pub xid: i32,
    pub op: Op,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientReply {
    pub xid: i32,
    /// Of the write itself, or the last one the server had applied when it read; -1 where none is told.
    pub zxid: Zxid,
    pub result: Result<Answer, ErrorCode>,
}

/// What is asked. Paths of sequential nodes end before the number. A version of -1 matches any.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Op {
    Create {
        path: Path,
        data: Option<Bytes>,
        acl: AclList,
        mode: CreateMode,
    },
    Delete {
        path: Path,
        version: i32,
    },
    SetData {
        path: Path,
        data: Option<Bytes>,
        version: i32,
    },
    GetData {
        path: Path,
        watch: bool,
    },
    Exists {
        path: Path,
        watch: bool,
    },
    GetChildren {
        path: Path,
        watch: bool,
    },
    Sync {
        path: Path,
    },
    Ping,
    CloseSession,
    /// Made by a server for a client that connects without a session.
    CreateSession {
        timeout: i32,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CreateMode {
    Persistent,
    PersistentSequential,
    Ephemeral,
    EphemeralSequential,
}

/// What the user of a client tells it to do. The client numbers what it is asked, in the notes that tell its fate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// Makes a request, which may be to end the session.
    Request(Op),
    /// Opens a session if there is none; if there is one, it goes to this server with it.
    Connect { server: Option<ServerId> },
}

/// What a request that succeeded is answered with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Nothing but success: delete, sync, ping, close.
    Done,
    /// The path that was created, its number included.
    Created(Path),
    Stat(Stat),
    Data {
        data: Option<Bytes>,
        stat: Stat,
    },
    Children(Arc<[Path]>),
}

/// What a client is told of a node. Source: `Stat`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stat {
    pub czxid: Zxid,
    pub mzxid: Zxid,
    /// Milliseconds, by the clock of the leader of the time.
    pub ctime: i64,
    pub mtime: i64,
    pub version: i32,
    /// Creates and deletes of children.
    pub cversion: i32,
    pub aversion: i32,
    pub ephemeral_owner: SessionId,
    pub data_length: i32,
    pub num_children: i32,
    pub pzxid: Zxid,
}

impl Stat {
    /// All fields as 64-bit values, for digests.
    pub fn words(&self, word: impl FnMut(u64)) {
        [
            self.czxid.0,
            self.mzxid.0,
            self.pzxid.0,
            self.ctime,
            self.mtime,
            self.ephemeral_owner.0,
            i64::from(self.version) << 32 | i64::from(self.cversion as u32),
            i64::from(self.aversion),
            i64::from(self.data_length) << 32 | i64::from(self.num_children as u32),
        ]
        .map(|value| value as u64)
        .into_iter()
        .for_each(word);
    }
}

impl CreateMode {
    pub const fn is_ephemeral(self) -> bool {
        matches!(self, CreateMode::Ephemeral | CreateMode::EphemeralSequential)
    }

    pub const fn is_sequential(self) -> bool {
        matches!(self, CreateMode::PersistentSequential | CreateMode::EphemeralSequential)
    }
}

impl Op {
    /// Whether it takes a zxid: the leader makes a transaction of it.
    pub const fn is_write(&self) -> bool {
        matches!(self, Op::Create { .. } | Op::Delete { .. } | Op::SetData { .. } | Op::CloseSession | Op::CreateSession { .. })
    }

    /// The number of the request. Source: `ZooDefs.OpCode`.
    pub const fn number(&self) -> i32 {
        match self {
            Op::Create { .. } => 1,
            Op::Delete { .. } => 2,
            Op::Exists { .. } => 3,
            Op::GetData { .. } => 4,
            Op::SetData { .. } => 5,
            Op::GetChildren { .. } => 8,
            Op::Sync { .. } => 9,
            Op::Ping => 11,
            Op::CreateSession { .. } => -10,
            Op::CloseSession => -11,
        }
    }
}

/// As zkCli would be told to do it: `create -e /a`, `set /a`.
impl fmt::Display for Op {
    fn fmt(&self, out: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Op::Create { path, mode, data, .. } => {
                let ephemeral = if mode.is_ephemeral() { " -e" } else { "" };
                let sequential = if mode.is_sequential() { " -s" } else { "" };
                write!(out, "create{ephemeral}{sequential} {path}{}", Shown(data))
            }
            Op::Delete { path, version } => write!(out, "delete{} {path}", Version(*version)),
            Op::SetData { path, version, data } => write!(out, "set{} {path}{}", Version(*version), Shown(data)),
            Op::GetData { path, .. } => write!(out, "get {path}"),
            Op::Exists { path, .. } => write!(out, "stat {path}"),
            Op::GetChildren { path, .. } => write!(out, "ls {path}"),
            Op::Sync { path } => write!(out, "sync {path}"),
            Op::Ping => write!(out, "ping"),
            Op::CloseSession => write!(out, "close"),
            Op::CreateSession { timeout } => write!(out, "create session, timeout {timeout} ms"),
        }
    }
}

/// ` -v 3`, or nothing for any version.
struct Version(i32);

impl fmt::Display for Version {
    fn fmt(&self, out: &mut fmt::Formatter) -> fmt::Result {
        if self.0 == -1 { Ok(()) } else { write!(out, " -v {}", self.0) }
    }
}

/// Data after a blank: short text as it is, anything else by its size.
struct Shown<'a>(&'a Option<Bytes>);

impl fmt::Display for Shown<'_> {
    fn fmt(&self, out: &mut fmt::Formatter) -> fmt::Result {
        let Some(data) = self.0 else { return Ok(()) };
        match std::str::from_utf8(data) {
            Ok(text) if text.len() <= 40 && text.chars().all(|it| it.is_ascii_graphic()) => write!(out, " {text}"),
            _ => write!(out, " ({} bytes)", data.len()),
        }
    }
}

/// A result as `returns` states it and the trace tells it: `Ok`, `/a-0000000001`, the data, or the error's name.
pub fn result_text(result: &Result<Answer, ErrorCode>) -> String {
    match result {
        Err(code) => code.to_string(),
        Ok(Answer::Done | Answer::Stat(_)) => "Ok".into(),
        Ok(Answer::Created(path)) => path.to_string(),
        Ok(Answer::Data { data: None, .. }) => "null".into(),
        Ok(Answer::Data { data: Some(data), .. }) => String::from_utf8_lossy(data).into_owned(),
        Ok(Answer::Children(children)) => format!("[{}]", children.join(", ")),
    }
}
