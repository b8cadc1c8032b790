//! S-3: a session has a name and a password of its own, and one connection that speaks for it.
//!
//! - The number that a new session gets was never given before.
//! - Whoever comes back to a session has said the password that was given out with it.
//! - On one server a session has one connection: an older one is closed before the new one is taken.
//! - Once a session is attached to another server of the same epoch, the leader makes nothing any more of what it had asked for through the
//!   one before; what it asks for there is refused (SessionMoved). The end of a session is asked for by anybody.
//!
//! Left out: servers without a leader, which know nothing of owners, and sessions of one server (`localSessionsEnabled`).

use std::collections::BTreeMap;
use std::sync::Arc;

use super::super::Invariant::SessionOwner;
use super::super::verdict::{Fact, Violation};
use super::replay::Logged;
use super::{KnownOrder, SessionNumber};
use crate::proto::{ConnId, ConnectRequest, ConnectResponse, Epoch, Micros, NodeId, Op, ServerId, SessionId};
use crate::trace::Event;

/// Who has which session.
#[derive(Clone, Debug, Default)]
pub(super) struct Owners {
    /// Handshakes under way: what the client said.
    greetings: BTreeMap<ConnId, Arc<ConnectRequest>>,
    /// In the order in which they came about.
    attached: BTreeMap<SessionId, Vec<Attached>>,
    /// Connections that their servers have closed, and of which their clients have not heard.
    closing: Vec<ConnId>,
    /// Writes that were under way, by the number of the session and their own, and the servers through which they were.
    left: BTreeMap<(u32, i32), ServerId>,
    /// Whether any session has come to a second server.
    pub any_has_moved: bool,
}

/// A session got a connection.
#[derive(Clone, Copy, Debug)]
struct Attached {
    at: Micros,
    event: u64,
    client: NodeId,
    server: ServerId,
    /// In which its server served then: leaders know nothing of what their predecessors allowed.
    epoch: Option<Epoch>,
    password: [u8; 16],
}

impl Owners {
    /// A client says who it is, or that it is new.
    pub fn greets(&mut self, conn: ConnId, request: &Arc<ConnectRequest>) {
        self.greetings.insert(conn, request.clone());
    }

    /// Whether a client waits at the other end of this connection for an answer to what it said.
    pub fn is_awaited(&self, conn: ConnId) -> bool {
        self.greetings.contains_key(&conn)
    }

    /// A server closes a connection.
    pub fn closes(&mut self, conn: ConnId) {
        self.greetings.remove(&conn);
        self.closing.push(conn);
    }

    /// A client leaves a connection, or hears that it is over.
    pub fn is_over(&mut self, conn: ConnId) {
        self.greetings.remove(&conn);
        self.closing.retain(|closing| *closing != conn);
    }
}

impl KnownOrder {
    /// A server takes a client into a session.
    pub(super) fn attaches(&mut self, server: ServerId, client: NodeId, conn: ConnId, response: &ConnectResponse, event: &Event) {
        let id = response.session;
        let greeting = self.owners.greetings.remove(&conn);
        let epoch = self.listener.epoch_of(server);
        let now = Attached { at: event.at, event: event.n, client, server, epoch, password: response.password };
        let first = self.owners.attached.get(&id).and_then(|all| all.first()).copied();
        let wrong = match (first, greeting) {
            (Some(first), Some(greeting)) if greeting.session == SessionId::NONE => {
                Some((first.event, first.says(id), format!("{server} gives the same number to a new session of {client}")))
            }
            (Some(first), Some(greeting)) if greeting.password != first.password => Some((
                first.event,
                first.says(id),
                format!("{server} takes {client} into it, which has said another password than was given out with it"),
            )),
            _ => self
                .has_older_connection(server, id)
                .map(|older| (older.event, older.says(id), format!("{server} takes {client} into it while that connection is open"))),
        };
        if let Some((since, told, but)) = wrong {
            let facts = [Fact::new(since, told), Fact::new(event.n, but)];
            self.found.get_or_insert_with(|| Box::new(Violation::new(SessionOwner, event, facts)));
        }
        let all = self.owners.attached.entry(id).or_default();
        self.owners.any_has_moved |= all.last().is_some_and(|last| last.server != server) && !self.config.local_sessions;
        all.push(now);
    }

    /// A connection that this server has not closed, and its client has not left.
    fn has_older_connection(&self, server: ServerId, id: SessionId) -> Option<Attached> {
        let is_open = self
            .listener
            .open_connections()
            .any(|(conn, session, at)| at == server && self.sessions[session.0 as usize].id == id && !self.owners.closing.contains(&conn));
        self.owners.attached.get(&id)?.iter().rfind(|attached| attached.server == server).filter(|_| is_open).copied()
    }

    /// A session has left its connection with this server: what is under way has come through it.
    pub(super) fn leaves(&mut self, number: SessionNumber, server: ServerId) {
        let calls = &self.sessions[number.0 as usize].calls;
        let writes = calls.iter().filter(|call| call.answer.is_none() && call.op().is_write());
        self.owners.left.extend(writes.map(|call| ((number.0, call.xid()), server)));
        self.disconnected(number);
    }

    /// Whether a transaction was proposed that came through a server which does not have the session any more.
    #[cold]
    #[inline(never)]
    pub(super) fn is_through_another(&mut self, logged: &Logged, me: SessionNumber) -> bool {
        let header = logged.proposal.header;
        let Some(call) = self.sessions[me.0 as usize].call(header.cxid) else { return false };
        let asked = (call.asked.client, call.op().to_string());
        let (ends, answered) = (*call.op() == Op::CloseSession, call.answer.as_ref().map(|answer| answer.server));
        let here = || self.listener.open_connections().find(|(_, session, _)| *session == me).map(|(_, _, server)| server);
        let via = answered.or_else(|| self.owners.left.get(&(me.0, header.cxid)).copied()).or_else(here);
        let counts = |attached: &&Attached| attached.at < logged.at && attached.epoch == Some(header.zxid.epoch());
        let owner = self.owners.attached.get(&header.session).and_then(|all| all.iter().rfind(counts)).copied();
        let (Some(via), Some(owner)) = (via, owner) else { return false };
        if ends || via == owner.server {
            return false;
        }
        let (client, op) = asked;
        let (leader, zxid) = (logged.leader, header.zxid);
        let second = Fact::new(logged.event, format!("{leader} has made {zxid} of c{client}'s `{op}`, which came through {via}"));
        self.find(SessionOwner, [Fact::new(owner.event, owner.says(header.session)), second], &[(me, header.cxid)]);
        true
    }
}

impl Attached {
    fn says(&self, id: SessionId) -> String {
        format!("session {id} is that of {} on {}", self.client, self.server)
    }
}
