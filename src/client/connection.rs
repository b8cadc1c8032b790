//! The loop that connects, notices silence, and connects again. Source: `ClientCnxn.SendThread`, `ClientCnxnSocketNIO`.

use std::sync::Arc;

use crate::actor::{Cx, Effect};
use crate::bugs::Bug;
use crate::proto::{ClientRequest, CloseReason, ConnId, ConnectResponse, DialError, KeeperState, Micros, Op, Packet, Port, ServerId, Timer};
use crate::trace::Note;

use super::auth::Proofs;
use super::hosts::HostProvider;
use super::read_write_search::Search;
use super::session::{Afterwards, Session, State};
use super::watches::Watches;
use super::workload::Running;
use super::{Client, Opening};

/// A connection that failed is left alone for so long before what was queued on it fails. Source: `ClientCnxnSocketNIO.cleanup`.
pub const CLEANUP: Micros = Micros::from_millis(100);
/// A rest after all servers were tried in vain. Source: `SendThread.run`: `hostProvider.next(1000)`.
pub const ROUND_REST: Micros = Micros::from_millis(1_000);
/// Once a connection was up, each attempt is put off by less than so many milliseconds. Source: `SendThread.startConnect`.
pub const PAUSE_MS: u64 = 1_000;
/// A client that is awake and sent nothing for longer than this pings earlier by as much. Source: `SendThread.run`.
pub const PING_MARGIN: Micros = Micros::from_millis(1_000);
/// A client that is awake pings when it sent nothing for longer than this. Source: `MAX_SEND_PING_INTERVAL`.
pub const PING_IDLE_MAX: Micros = Micros::from_secs(10);
/// Source: `ClientCnxn.PING_XID`.
pub const PING_XID: i32 = -2;

impl Client {
    /// A new handle, as `new ZooKeeper(…)` makes one.
    pub(super) fn open_session(&mut self, cx: &mut Cx, opening: Opening) {
        let mut hosts = HostProvider::new(cx, &self.program.hosts, &self.program.members);
        if let Some(first) = opening.first {
            hosts.put_first(first);
        }
        self.reopens = None;
        self.handle += 1;
        let before = std::mem::replace(&mut self.session, Session::new(&self.program, hosts, cx.now));
        if let Some(claim) = opening.claim {
            self.session.claim(claim);
        }
        self.search = Search::new();
        self.proofs = Proofs::default();
        self.requests.start_anew();
        self.watches = Watches::default();
        self.told_state = KeeperState::Disconnected;
        cx.disarm(Timer::Reconnect);
        match before.state {
            // One dial at a time: what comes of it is for this handle.
            State::Dialling(_) => self.session.state = before.state,
            _ => self.next_attempt(cx),
        }
        self.drive_all(cx);
    }

    /// `connect`: opens a session if there is none, or as soon as the one that ends is gone. One that lives goes to the server next, and leaves
    /// any other server at once; for another session it is left behind.
    pub(super) fn connect(&mut self, cx: &mut Cx, opening: Opening) {
        if self.session.state == State::Closed {
            self.open_session(cx, opening);
        } else if !self.session.takes_requests() {
            self.reopens = Some(opening);
        } else if opening.claim.is_some() {
            if let State::Connected(server, _) = self.session.state {
                cx.note(Note::Disconnected { server, why: "its user goes on with another session".into() });
            }
            self.close_socket(cx);
            self.fail_all(cx);
            self.open_session(cx, opening);
        } else if let Some(server) = opening.first {
            self.move_to(cx, server);
        }
    }

    /// `ZooKeeper.updateServerList`, which leaves the server that it is not to be on.
    fn move_to(&mut self, cx: &mut Cx, server: ServerId) {
        match self.session.state {
            State::Connected(at, _) | State::Handshaking(at, _) if at == server => {}
            State::Connected(..) | State::Handshaking(..) => {
                self.session.hosts.put_first(server);
                self.lose_connection(cx, &format!("its user sends it to {server}"));
            }
            State::Pausing(_) => {
                self.session.hosts.put_first(server);
                self.session.state = State::Pausing(self.session.hosts.next().server);
            }
            State::CleaningUp(_) | State::Dialling(_) | State::Closed => self.session.hosts.put_first(server),
        }
    }

    /// The top of the loop, without a connection: whom to try, and when.
    fn next_attempt(&mut self, cx: &mut Cx) {
        if self.session.closing {
            return self.on_closed_by_user(cx);
        }
        let turn = self.session.hosts.next();
        let rest = if turn.comes_round { ROUND_REST } else { Micros::ZERO };
        let pause = if self.session.had_connection { Micros::from_millis(cx.draw_below(PAUSE_MS)) } else { Micros::ZERO };
        self.session.state = State::Pausing(turn.server);
        match rest + pause {
            Micros::ZERO => self.on_pause_over(cx),
            pause => cx.arm(Timer::Reconnect, pause),
        }
    }

    pub(super) fn on_pause_over(&mut self, cx: &mut Cx) {
        match self.session.state {
            State::CleaningUp(afterwards) => self.on_cleaned_up(cx, afterwards),
            // Java looks whether the session is over just after it has begun to connect.
            State::Pausing(_) if self.is_overdue(cx) => self.expire(cx),
            State::Pausing(server) => {
                cx.note(Note::Connecting { server });
                cx.emit(Effect::Dial { to: server, port: Port::Client, timeout: self.session.limits.connect });
                self.session.last_sent = cx.now;
                self.session.state = State::Dialling(server);
            }
            _ => {}
        }
    }

    pub(super) fn on_dial_failed(&mut self, cx: &mut Cx, to: ServerId, why: DialError) {
        if self.session.state != State::Dialling(to) {
            return;
        }
        match why {
            // Only what ends the wait by itself is looked at for an expired session; a refusal is an exception of its own.
            DialError::TimedOut if self.is_overdue(cx) => self.expire(cx),
            DialError::TimedOut | DialError::Refused => self.clean_up(cx, Afterwards::Reconnect),
        }
    }

    /// `SendThread.primeConnection`. That the connection is up counts as a word of the server.
    pub(super) fn on_connected(&mut self, cx: &mut Cx, to: ServerId, conn: ConnId) {
        let session = &mut self.session;
        if session.state != State::Dialling(to) {
            return cx.emit(Effect::Close(conn));
        }
        (session.last_heard, session.last_sent, session.had_connection) = (cx.now, cx.now, true);
        self.requests.on_new_connection();
        if self.program.resets_watches {
            self.requests.put_first(self.watches.batches(session.last_zxid));
        }
        session.state = State::Handshaking(to, conn);
        cx.send(conn, Packet::ConnectRequest(Arc::new(session.connect_request(self.program.timeout, self.program.read_only))));
        cx.arm(Timer::ConnectTimeout, session.limits.connect);
    }

    pub(super) fn on_handshake_timeout(&mut self, cx: &mut Cx) {
        if self.is_overdue(cx) { self.expire(cx) } else { self.lose_connection(cx, "the handshake takes too long") }
    }

    /// `SendThread.onConnected`.
    pub(super) fn on_connect_response(&mut self, cx: &mut Cx, conn: ConnId, response: &ConnectResponse) {
        let State::Handshaking(server, expected) = self.session.state else { return };
        if conn != expected {
            return;
        }
        cx.disarm(Timer::ConnectTimeout);
        self.session.last_heard = cx.now;
        if response.timeout <= 0 {
            self.tell_state(cx, KeeperState::Expired);
            return self.expire(cx);
        }
        let renewed = self.session.id == response.session;
        self.session.on_accepted(response);
        self.session.hosts.on_connected(server);
        self.session.state = State::Connected(server, conn);
        let ConnectResponse { session, timeout, .. } = *response;
        if response.read_only {
            cx.note(Note::ConnectedReadOnly { server, session, timeout, renewed });
            self.begin_search(cx);
        } else {
            cx.note(Note::Connected { server, session, timeout, renewed });
        }
        cx.arm(Timer::ServerRead, self.session.limits.read);
        self.introduce(cx, conn);
        self.tell_state(cx, if response.read_only { KeeperState::ConnectedReadOnly } else { KeeperState::SyncConnected });
        self.flush(cx);
    }

    pub(super) fn on_hung_up(&mut self, cx: &mut Cx, conn: ConnId, why: CloseReason) {
        if matches!(self.session.state, State::Connected(_, mine) | State::Handshaking(_, mine) if mine == conn) {
            self.lose_connection(cx, &why.to_string());
        }
    }

    /// Something was read on the session's connection.
    pub(super) fn heard(&mut self, cx: &mut Cx) {
        self.session.last_heard = cx.now;
        cx.arm(Timer::ServerRead, self.session.limits.read);
        self.turn(cx);
    }

    /// One turn of the loop with a session's connection: is the server silent for too long, is a ping due?
    pub(super) fn turn(&mut self, cx: &mut Cx) {
        let Some(conn) = self.session.connection() else { return };
        let silence = cx.now.saturating_sub(self.session.last_heard);
        if self.is_overdue(cx) {
            return self.expire(cx);
        }
        if silence >= self.session.limits.read {
            return self.lose_connection(cx, &format!("nothing heard for {silence}"));
        }
        let mut idle = cx.now.saturating_sub(self.session.last_sent);
        if idle + margin(idle) >= self.ping_interval() || idle > PING_IDLE_MAX {
            cx.send(conn, Packet::ClientRequest(Arc::new(ClientRequest { xid: PING_XID, op: Op::Ping })));
            self.session.last_sent = cx.now;
            idle = Micros::ZERO;
        }
        cx.arm(Timer::ClientPing, self.ping_interval().saturating_sub(idle + margin(idle)));
    }

    /// A third of the session timeout.
    fn ping_interval(&self) -> Micros {
        Micros::from_millis(self.session.limits.read.0 / 1_000 / 2)
    }

    fn is_overdue(&self, cx: &Cx) -> bool {
        self.program.gives_up && self.session.is_overdue(cx.now)
    }

    /// The connection is of no use any more: everything that is queued will fail, and another server is tried.
    pub(super) fn lose_connection(&mut self, cx: &mut Cx, why: &str) {
        if let State::Connected(server, _) = self.session.state {
            cx.note(Note::Disconnected { server, why: why.into() });
        }
        self.clean_up(cx, Afterwards::Reconnect);
    }

    /// The session is over, as a server says or as its own clock does. Its watchers hear of the former first, and of the latter only once all that
    /// was asked has failed, when the thread ends.
    fn expire(&mut self, cx: &mut Cx) {
        cx.note(Note::SessionExpired { session: self.session.id });
        self.clean_up(cx, Afterwards::Expired);
    }

    pub(super) fn clean_up(&mut self, cx: &mut Cx, afterwards: Afterwards) {
        self.close_socket(cx);
        self.session.state = State::CleaningUp(afterwards);
        cx.arm(Timer::Reconnect, CLEANUP);
    }

    fn close_socket(&mut self, cx: &mut Cx) {
        if let State::Connected(_, conn) | State::Handshaking(_, conn) = self.session.state {
            cx.emit(Effect::Close(conn));
        }
        for timer in [Timer::ConnectTimeout, Timer::ServerRead, Timer::ClientPing] {
            cx.disarm(timer);
        }
        self.end_search(cx);
    }

    fn on_cleaned_up(&mut self, cx: &mut Cx, afterwards: Afterwards) {
        self.fail_all(cx);
        if afterwards == Afterwards::Reconnect {
            self.tell_state(cx, KeeperState::Disconnected);
            if cx.bugs.has(Bug::MutantClientStaysAway) {
                return;
            }
            return self.next_attempt(cx);
        }
        if afterwards == Afterwards::Expired {
            self.tell_state(cx, KeeperState::Expired);
        }
        self.session.refused = afterwards == Afterwards::AuthFailed;
        self.workloads.iter_mut().for_each(Running::on_session_over);
        self.session.state = State::Closed;
        // An application that still has work to do opens a new session, as it must.
        let has_work = self.workloads.iter().any(|workload| !workload.is_done(cx.now));
        match self.reopens {
            Some(opening) => self.open_session(cx, opening),
            None if has_work => self.open_session(cx, Opening::default()),
            None => self.drive_all(cx),
        }
    }

    /// The user's `close` came to its end, answered or not.
    pub(super) fn on_closed_by_user(&mut self, cx: &mut Cx) {
        self.close_socket(cx);
        self.fail_all(cx);
        self.session.state = State::Closed;
        cx.note(Note::ClientClosed { session: self.session.id });
        self.tell_state(cx, KeeperState::Closed);
        if let Some(opening) = self.reopens {
            self.open_session(cx, opening);
        }
    }
}

/// By how much a ping comes early once the client was idle for a while.
fn margin(idle: Micros) -> Micros {
    if idle > PING_MARGIN { PING_MARGIN } else { Micros::ZERO }
}
