//! A client that can only read looks for a server with a leader. Source: `ClientCnxn.SendThread.pingRwServer`; sessions reference §8.
//!
//! It asks one server after the other with the word `isro`, on a connection of its own, less and less often. Java's thread does nothing else
//! while it waits for the answer; here the session's connection goes on. A dial may take as long as an answer, and not as long as TCP allows.

use crate::actor::{Cx, Effect};
use crate::proto::{ConnId, Micros, Packet, Port, ServerId, Timer};
use crate::trace::Note;

use super::Client;

/// Between the first two questions; it doubles each time. Source: `minPingRwTimeout`.
pub const PAUSE_MIN: Micros = Micros::from_millis(100);
/// Source: `maxPingRwTimeout`.
pub const PAUSE_MAX: Micros = Micros::from_secs(60);
/// An answer takes no longer. Source: `sock.setSoTimeout`.
pub const ANSWER: Micros = Micros::from_millis(1_000);

/// How far the search is.
#[derive(Clone, Copy, Debug)]
pub struct Search {
    state: State,
    pause: Micros,
    /// When it asked last, or began.
    asked: Micros,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Off,
    Waiting,
    Dialling(ServerId),
    Asking(ServerId, ConnId),
}

impl Search {
    pub fn new() -> Search {
        Search { state: State::Off, pause: PAUSE_MIN, asked: Micros::ZERO }
    }

    /// Whether this dial is one of the search.
    pub fn dials(&self, server: ServerId) -> bool {
        self.state == State::Dialling(server)
    }

    /// Whether this connection is one of the search.
    pub fn owns(&self, conn: ConnId) -> bool {
        matches!(self.state, State::Asking(_, mine) if mine == conn)
    }
}

impl Client {
    /// The session is up on a server that has no leader.
    pub(super) fn begin_search(&mut self, cx: &mut Cx) {
        self.search.asked = cx.now;
        self.wait_with_search(cx);
    }

    /// The session's connection is gone.
    pub(super) fn end_search(&mut self, cx: &mut Cx) {
        if let State::Asking(_, conn) = self.search.state {
            cx.emit(Effect::Close(conn));
        }
        if self.search.state != State::Off {
            cx.disarm(Timer::ReadWriteSearch);
        }
        self.search.state = State::Off;
    }

    fn wait_with_search(&mut self, cx: &mut Cx) {
        self.search.state = State::Waiting;
        let idle = cx.now.saturating_sub(self.search.asked);
        cx.arm(Timer::ReadWriteSearch, self.search.pause.saturating_sub(idle));
    }

    /// The next server's turn; or the present one does not answer.
    pub(super) fn on_search_timer(&mut self, cx: &mut Cx) {
        match self.search.state {
            State::Waiting => {
                self.search.asked = cx.now;
                self.search.pause = self.search.pause.times(2).min(PAUSE_MAX);
                let to = self.session.hosts.next().server;
                self.search.state = State::Dialling(to);
                cx.emit(Effect::Dial { to, port: Port::Client, timeout: ANSWER });
            }
            State::Asking(_, conn) => {
                cx.emit(Effect::Close(conn));
                self.wait_with_search(cx);
            }
            State::Off | State::Dialling(_) => {}
        }
    }

    pub(super) fn on_search_connected(&mut self, cx: &mut Cx, to: ServerId, conn: ConnId) {
        self.search.state = State::Asking(to, conn);
        cx.send(conn, Packet::IsReadOnly);
        cx.arm(Timer::ReadWriteSearch, ANSWER);
    }

    /// It was asked in vain.
    pub(super) fn on_search_failed(&mut self, cx: &mut Cx) {
        self.wait_with_search(cx);
    }

    pub(super) fn on_search_answer(&mut self, cx: &mut Cx, conn: ConnId, read_only: bool) {
        let State::Asking(server, mine) = self.search.state else { return };
        if mine != conn {
            return;
        }
        cx.emit(Effect::Close(conn));
        self.wait_with_search(cx);
        if !read_only {
            self.search.pause = PAUSE_MIN;
            cx.note(Note::ReadWriteFound { server });
            self.session.hosts.put_first(server);
            self.lose_connection(cx, "a server with a leader is found");
        }
    }
}
