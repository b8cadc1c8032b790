//! The clients' connections of one server. Source: `ServerCnxn`, `NIOServerCnxnFactory`.
//!
//! Not modelled: throttling, limits on their number, four-letter words.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::actor::{Cx, Effect};
use crate::bugs::Bug;
use crate::proto::{
    Answer, AuthId, AuthIds, ClientReply, ConnId, ConnectResponse, ErrorCode, Micros, Packet, SessionId, Timer, Version, WatcherEvent, Zxid,
};
use crate::server::watches::Watches;
use crate::trace::Note;

use super::auth;
use super::expiry::next_interval;
use super::session_names::password;

/// Connections expire in buckets of so long, and so long may one stay without a session. Source: `nio.sessionlessCnxnTimeout`.
const SESSIONLESS_TIMEOUT: Micros = Micros::from_secs(10);

/// The open connections, and which of them carries which session.
#[derive(Clone, Debug)]
pub struct Connections {
    open: BTreeMap<ConnId, Connection>,
    /// A session is carried by one connection of a server at a time.
    by_session: BTreeMap<SessionId, ConnId>,
    /// Clients are told that they can only read.
    read_only: bool,
    /// Gone with their connection.
    pub watches: Watches,
    /// Events that wait for the next answer: `mutant-event-after-reply`.
    late: Vec<(ConnId, WatcherEvent)>,
}

#[derive(Clone, Debug)]
pub struct Connection {
    pub phase: Phase,
    /// [`SessionId::NONE`] until the client has said what it wants.
    pub session: SessionId,
    /// Negotiated, in milliseconds.
    pub timeout: i32,
    /// Who the client proved to be on this connection, and where it is.
    pub auth: AuthIds,
    /// When the last packet came.
    heard: Micros,
}

/// How far the handshake is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Until ConnectRequest.
    Greeting,
    /// Until the session is created, or known to live. The server reads nothing from the connection meanwhile.
    Opening {
        renewed: bool,
    },
    Open,
}

impl Connection {
    /// When the server stops waiting for another packet.
    fn idle_at(&self) -> Micros {
        let timeout = if self.phase == Phase::Greeting { SESSIONLESS_TIMEOUT } else { Micros::from_millis(self.timeout.max(0) as u64) };
        next_interval(self.heard + timeout, SESSIONLESS_TIMEOUT)
    }
}

impl Connections {
    pub fn new(version: Version, read_only: bool) -> Connections {
        Connections { open: BTreeMap::new(), by_session: BTreeMap::new(), read_only, watches: Watches::new(version), late: Vec::new() }
    }

    pub fn accept(&mut self, cx: &mut Cx, conn: ConnId) {
        let connection = Connection { phase: Phase::Greeting, session: SessionId::NONE, timeout: 0, auth: auth::of_address(), heard: cx.now };
        cx.arm(Timer::ClientRead(conn), connection.idle_at() - cx.now);
        self.open.insert(conn, connection);
    }

    pub fn contains(&self, conn: ConnId) -> bool {
        self.open.contains_key(&conn)
    }

    /// A packet came. `None` when this end has closed.
    pub fn hear(&mut self, now: Micros, conn: ConnId) -> Option<&Connection> {
        let connection = self.open.get_mut(&conn)?;
        connection.heard = now;
        Some(connection)
    }

    /// Who the client behind a connection is; nobody once it has closed.
    pub fn ids(&self, conn: ConnId) -> &[AuthId] {
        self.open.get(&conn).map_or(&[], |connection| &connection.auth)
    }

    /// The client proved to be these, besides what it is already. Source: `ServerCnxn.addAuthInfo`.
    pub fn add_auth(&mut self, conn: ConnId, ids: Vec<AuthId>) {
        if let Some(connection) = self.open.get_mut(&conn) {
            let mut all = connection.auth.to_vec();
            ids.into_iter().for_each(|id| {
                if !all.contains(&id) {
                    all.push(id);
                }
            });
            connection.auth = all.into();
        }
    }

    /// The connection is to carry this session, once that is sure. An older one of the same session on this server closes.
    pub fn attach(&mut self, cx: &mut Cx, conn: ConnId, session: SessionId, timeout: i32, renewed: bool) {
        if let Some(older) = self.by_session.get(&session).copied() {
            self.close(cx, older);
        }
        let Some(connection) = self.open.get_mut(&conn) else {
            return;
        };
        (connection.session, connection.timeout, connection.phase) = (session, timeout, Phase::Opening { renewed });
        cx.arm(Timer::ClientRead(conn), connection.idle_at() - cx.now);
        self.by_session.insert(session, conn);
    }

    /// The handshake ends, if the connection is still there. Not `valid`: the client is told that its session has expired.
    /// Source: `finishSessionInit`.
    #[cold]
    pub fn finish_session_init(&mut self, cx: &mut Cx, conn: ConnId, valid: bool) {
        let Some(connection) = self.open.get_mut(&conn) else {
            return;
        };
        let Phase::Opening { renewed } = connection.phase else {
            return;
        };
        let (session, timeout) = (connection.session, connection.timeout);
        if valid {
            connection.phase = Phase::Open;
            cx.send(
                conn,
                Packet::ConnectResponse(Arc::new(ConnectResponse { timeout, session, password: password(session), read_only: self.read_only })),
            );
            cx.note(Note::SessionAttached { session, timeout, renewed });
        } else {
            cx.send(
                conn,
                Packet::ConnectResponse(Arc::new(ConnectResponse {
                    timeout: 0,
                    session: SessionId::NONE,
                    password: [0; 16],
                    read_only: self.read_only,
                })),
            );
            self.close(cx, conn);
        }
    }

    /// Answers a request, if its connection is still there.
    pub fn reply(&mut self, cx: &mut Cx, conn: ConnId, xid: i32, zxid: Zxid, result: Result<Answer, ErrorCode>) {
        if self.contains(conn) {
            cx.send(conn, Packet::ClientReply(Arc::new(ClientReply { xid, zxid, result })));
        }
        if !self.late.is_empty() {
            self.notify_late(cx, conn);
        }
    }

    #[cold]
    fn notify_late(&mut self, cx: &mut Cx, conn: ConnId) {
        let (now, later) = std::mem::take(&mut self.late).into_iter().partition(|(of, _)| *of == conn);
        self.late = later;
        let now: Vec<(ConnId, WatcherEvent)> = now;
        now.into_iter().for_each(|(_, event)| cx.send(conn, Packet::WatcherEvent(Arc::new(event))));
    }

    /// Tells a client that a watch of its has fired. What it is answered from now on comes after that.
    pub fn notify(&mut self, cx: &mut Cx, conn: ConnId, event: WatcherEvent) {
        if cx.bugs.has(Bug::MutantEventAfterReply) {
            return self.late.push((conn, event));
        }
        cx.send(conn, Packet::WatcherEvent(Arc::new(event)));
    }

    /// The session that a connection carries.
    pub fn session_of(&self, conn: ConnId) -> Option<SessionId> {
        self.open.get(&conn).map(|connection| connection.session)
    }

    /// The connection that carries a session on this server.
    pub fn of_session(&self, session: SessionId) -> Option<ConnId> {
        self.by_session.get(&session).copied()
    }

    /// Somebody who watches and is gone: W-8.
    pub fn gone_watcher(&self) -> Option<String> {
        let (conn, path) = self.watches.watchers_with_a_path().find(|(conn, _)| !self.contains(*conn))?;
        Some(format!("{path} is watched on {conn}, which is closed"))
    }

    /// [`Timer::ClientRead`] ran out: a silent connection closes; one that was heard from since gets the rest of its time.
    pub fn on_idle(&mut self, cx: &mut Cx, conn: ConnId) {
        let Some(connection) = self.open.get(&conn) else {
            return;
        };
        let idle_at = connection.idle_at();
        if cx.now < idle_at {
            cx.arm(Timer::ClientRead(conn), idle_at - cx.now);
        } else {
            self.close(cx, conn);
        }
    }

    #[cold]
    pub fn close(&mut self, cx: &mut Cx, conn: ConnId) {
        if self.forget(cx, conn) {
            cx.emit(Effect::Close(conn));
        }
    }

    /// The connection is gone, its session is not. False when it was gone before.
    pub fn forget(&mut self, cx: &mut Cx, conn: ConnId) -> bool {
        let Some(connection) = self.open.remove(&conn) else {
            return false;
        };
        self.by_session.remove(&connection.session);
        if !cx.bugs.has(Bug::MutantWatchesOutliveConnection) {
            self.watches.remove_watcher(conn);
        }
        cx.disarm(Timer::ClientRead(conn));
        true
    }

    pub fn close_all(&mut self, cx: &mut Cx) {
        while let Some((conn, _)) = self.open.first_key_value() {
            self.close(cx, *conn);
        }
    }
}
