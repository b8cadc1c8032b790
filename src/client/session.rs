//! A session as its client knows it, and the limits that follow from its timeout. Source: `ClientCnxn`, `ZooKeeper.States`.

use crate::proto::{Claim, Claimed, ConnId, ConnectRequest, ConnectResponse, ErrorCode, Micros, ServerId, SessionId, Zxid};

use super::Program;
use super::hosts::HostProvider;

/// One handle (`ZooKeeper` object): a session and the way to it.
#[derive(Clone, Debug)]
pub struct Session {
    pub state: State,
    pub hosts: HostProvider,
    /// [`SessionId::NONE`] until a server has given one.
    pub id: SessionId,
    password: [u8; 16],
    /// Of the last ordinary reply. A server that has applied less does not serve this client.
    pub last_zxid: Zxid,
    pub limits: Limits,
    /// When the connection came up, or something was read from it.
    pub last_heard: Micros,
    /// When a dial began, its connection came up, or something was sent.
    pub last_sent: Micros,
    /// A connection was up once: from then on attempts are put off (`isFirstConnect`).
    pub had_connection: bool,
    /// A server with a leader knows the session: only then it can be gone on with elsewhere (`seenRwServerBefore`).
    pub saw_read_write: bool,
    /// Its user closes it: nothing more is taken, and it is not connected again.
    pub closing: bool,
    /// It is closed because a server refused what its user is.
    pub refused: bool,
}

/// Where the way to the servers stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// A connection, or an attempt at one, just ended; what is queued fails when it is cleaned up.
    CleaningUp(Afterwards),
    /// Before the next attempt, which will be at this server.
    Pausing(ServerId),
    Dialling(ServerId),
    /// The ConnectRequest is sent.
    Handshaking(ServerId, ConnId),
    Connected(ServerId, ConnId),
    /// No session: not begun, closed or expired.
    Closed,
}

impl State {
    /// Whether the answer to the ConnectRequest comes on this connection.
    pub fn is_handshaking_on(self, conn: ConnId) -> bool {
        matches!(self, State::Handshaking(_, mine) if mine == conn)
    }
}

/// What follows when a connection is cleaned up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Afterwards {
    Reconnect,
    /// The session has expired (`States.CLOSED`).
    Expired,
    /// A server refused what its user is (`States.AUTH_FAILED`).
    AuthFailed,
}

/// How long things may take: whole milliseconds, rounded down as Java does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// A dial, and again the handshake.
    pub connect: Micros,
    /// Silence of a server, until its connection is given up.
    pub read: Micros,
    /// Silence of everybody, until the session is given up.
    pub expiration: Micros,
}

impl Limits {
    /// For a session timeout and the number of servers in the connect string.
    pub fn of(timeout: Micros, servers: u64) -> Limits {
        let millis = timeout.0 / 1_000;
        Limits {
            connect: Micros::from_millis(millis / servers.max(1)),
            read: Micros::from_millis(millis * 2 / 3),
            expiration: Micros::from_millis(millis * 4 / 3),
        }
    }
}

impl Session {
    /// Nothing yet; the way round the servers is `hosts`.
    pub fn new(program: &Program, hosts: HostProvider, now: Micros) -> Session {
        Session {
            state: State::Closed,
            limits: Limits::of(program.timeout, hosts.count()),
            hosts,
            id: SessionId::NONE,
            password: [0; 16],
            last_zxid: Zxid::ZERO,
            last_heard: now,
            last_sent: now,
            had_connection: false,
            saw_read_write: false,
            closing: false,
            refused: false,
        }
    }

    /// Goes on with a session that is known by name only. A server with a leader must have made it.
    pub fn claim(&mut self, claim: Claim) {
        if let Claimed::Session(id) = claim.of {
            (self.id, self.password, self.saw_read_write) = (id, claim.password.unwrap_or_default(), true);
        }
    }

    pub const fn password(&self) -> [u8; 16] {
        self.password
    }

    /// What it says first on a new connection. It asks for the timeout that its user wants, whatever it was given before.
    pub fn connect_request(&self, timeout: Micros, read_only: bool) -> ConnectRequest {
        let session = if self.saw_read_write { self.id } else { SessionId::NONE };
        let timeout = (timeout.0 / 1_000) as i32;
        ConnectRequest { last_zxid_seen: self.last_zxid, timeout, session, password: self.password, read_only }
    }

    /// A server gave it a session, or took it back into its own.
    pub fn on_accepted(&mut self, response: &ConnectResponse) {
        let timeout = Micros::from_millis(u64::from(response.timeout.unsigned_abs()));
        self.limits = Limits::of(timeout, self.hosts.count());
        self.id = response.session;
        self.saw_read_write |= !response.read_only;
        self.password = response.password;
    }

    /// The connection that requests go out on.
    pub fn connection(&self) -> Option<ConnId> {
        if let State::Connected(_, conn) = self.state { Some(conn) } else { None }
    }

    /// The server at the other end of that connection.
    pub fn server(&self) -> Option<ServerId> {
        if let State::Connected(server, _) = self.state { Some(server) } else { None }
    }

    /// Whether there is a session, or may be one (`States.isAlive`).
    pub fn is_alive(&self) -> bool {
        !matches!(self.state, State::Closed | State::CleaningUp(Afterwards::Expired | Afterwards::AuthFailed))
    }

    /// Whether what is asked now has a chance to be sent.
    pub fn takes_requests(&self) -> bool {
        !self.closing && self.is_alive()
    }

    /// What becomes of requests that no server will answer any more.
    pub fn loss(&self) -> ErrorCode {
        match self.state {
            State::CleaningUp(Afterwards::AuthFailed) => ErrorCode::AuthFailed,
            State::Closed if self.refused => ErrorCode::AuthFailed,
            State::Closed | State::CleaningUp(Afterwards::Expired) => ErrorCode::SessionExpired,
            _ => ErrorCode::ConnectionLoss,
        }
    }

    /// Whether nobody was heard for so long that the session must be over. One that no server ever gave cannot be.
    pub fn is_overdue(&self, now: Micros) -> bool {
        self.id != SessionId::NONE && now.saturating_sub(self.last_heard) >= self.limits.expiration
    }
}
