//! What clients and servers say to each other on a session's connection. Source: `ConnectRequest`, `RequestHeader`, `ReplyHeader` and the
//! records of zookeeper.jute.

use super::{Answer, ErrorCode, Op, Path, RecipeCall, ServerId, SessionId, WatcherType, Zxid};

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
    /// Counts up on a connection; -2 for a ping, -4 for an auth, -8 from some clients that set watches again.
    pub xid: i32,
    pub op: Op,
}

/// The xid under which Java's library sets watches again. Source: `ClientCnxn.SET_WATCHES_XID`.
pub const SET_WATCHES_XID: i32 = -8;

impl ClientRequest {
    /// Whether it is answered in turn with those before it. Pings and proofs are not.
    #[inline]
    pub const fn is_in_turn(&self) -> bool {
        is_in_turn(self.xid)
    }
}

#[inline]
const fn is_in_turn(xid: i32) -> bool {
    xid > 0 || xid == SET_WATCHES_XID
}

impl ClientReply {
    /// Whether it answers a request that [is answered in turn](ClientRequest::is_in_turn).
    #[inline]
    pub const fn is_in_turn(&self) -> bool {
        is_in_turn(self.xid)
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientReply {
    pub xid: i32,
    /// Of the write itself, or the last one the server had applied when it read; -1 where none is told.
    pub zxid: Zxid,
    pub result: Result<Answer, ErrorCode>,
}

/// What the user of a client tells it to do. The client numbers what it is asked, in the notes that tell its fate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// Makes a request, which may be to end the session.
    Request(Op),
    /// Takes watches away as [`Op::RemoveWatches`] does; the client forgets them whatever the servers say, or if none answers
    /// (`removewatches -l`).
    ForgetWatches { path: Path, kind: WatcherType },
    /// Carries out a recipe: more than one request, and one answer.
    Recipe(Box<RecipeCall>),
    /// Opens a session if there is none; if there is one, it goes to this server with it.
    Connect { server: Option<ServerId>, claim: Option<Claim> },
}

/// A session that a client goes on with though another may have opened it: whoever knows id and password may. The client leaves its own
/// session, if it has one, to itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Claim {
    pub of: Claimed,
    /// That which belongs to the session, or any other; `None`: as the client has it whose session it is.
    pub password: Option<[u8; 16]>,
}

/// Whose session it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Claimed {
    /// The session that this client has then.
    Client(u32),
    Session(SessionId),
}

impl Command {
    /// The client whose session it wants; somebody has to ask that client before it can be done.
    pub const fn claims_from(&self) -> Option<u32> {
        if let Command::Connect { claim: Some(Claim { of: Claimed::Client(number), .. }), .. } = self { Some(*number) } else { None }
    }
}
