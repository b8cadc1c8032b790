//! How a client's connection gets its session. Source: `ZooKeeperServer.processConnectRequest`; sessions reference §3, §5.

use std::sync::Arc;

use crate::actor::Cx;
use crate::bugs::Bug;
use crate::proto::{Config, ConnId, ConnectRequest, Micros, Op, QuorumRequest, SessionId, Zxid};
use crate::trace::Note;
use crate::tree::Database;

use super::request::{Origin, Owner, Request};
use super::session_names::password;
use super::{Kind, Output, Pipeline, Role};

/// What a client is told to its first packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Welcome {
    /// It has seen more than this server: it is sent away without a word.
    Ahead,
    /// It gets a new session.
    New,
    /// It comes back with the right password: whether its session still lives, the leader knows.
    Back,
    /// It comes back with a wrong password and is told that its session has expired.
    Invalid,
}

/// Keeps a session's view from going back: compared with what is applied, not with what is logged.
pub fn welcome(request: &ConnectRequest, applied: Zxid) -> Welcome {
    if request.last_zxid_seen > applied {
        Welcome::Ahead
    } else if request.session == SessionId::NONE {
        Welcome::New
    } else if request.password == password(request.session) {
        Welcome::Back
    } else {
        Welcome::Invalid
    }
}

/// The timeout that a client gets, in milliseconds: what it asks for, within this server's limits.
pub fn negotiated_timeout(config: &Config, asked: i32) -> i32 {
    let timeout = config.session_timeout(Micros::from_millis(asked.max(0) as u64));
    i32::try_from(timeout.0 / 1_000).unwrap_or(i32::MAX)
}

impl Pipeline {
    #[cold]
    pub(super) fn on_connect_request(&mut self, cx: &mut Cx, db: &Database, conn: ConnId, request: &ConnectRequest) {
        let applied = db.last_processed;
        if self.is_not_for_here(request) {
            return self.connections.close(cx, conn);
        }
        let timeout = negotiated_timeout(&self.config, request.timeout);
        let has = if cx.bugs.has(Bug::MutantTakesAnyClient) { request.last_zxid_seen } else { applied };
        match welcome(request, has) {
            Welcome::Invalid if cx.bugs.has(Bug::MutantAnyPassword) => self.welcome_back(cx, db, conn, request.session, timeout),
            Welcome::Ahead => {
                cx.note(Note::ClientAhead { seen: request.last_zxid_seen, applied });
                self.connections.close(cx, conn);
            }
            Welcome::New => self.create_session(cx, db, conn, timeout),
            // Without a leader nobody knows whether it still lives.
            Welcome::Back | Welcome::Invalid if self.kind == Kind::ReadOnly && db.sessions().contains_key(&request.session) => {
                self.connections.close(cx, conn);
            }
            Welcome::Back => self.welcome_back(cx, db, conn, request.session, timeout),
            // The password is looked at last: an older connection of the session closes even if it is wrong.
            Welcome::Invalid => {
                self.connections.attach(cx, conn, request.session, timeout, true);
                self.connections.finish_session_init(cx, conn, false);
            }
        }
    }

    fn welcome_back(&mut self, cx: &mut Cx, db: &Database, conn: ConnId, session: SessionId, timeout: i32) {
        self.connections.attach(cx, conn, session, timeout, true);
        self.revalidate_session(cx, db, conn, session, timeout);
    }

    /// The client is answered when the createSession is applied here.
    fn create_session(&mut self, cx: &mut Cx, db: &Database, conn: ConnId, timeout: i32) {
        let session = self.session_ids.next();
        self.connections.attach(cx, conn, session, timeout, false);
        match &mut self.locals {
            Some(locals) => locals.create(cx.now, session, timeout),
            None => self.track_global(cx, session, timeout),
        }
        let request = QuorumRequest { session, cxid: 0, op: Op::CreateSession { timeout }, auth: Arc::new([]) };
        self.submit_own(cx, db, timeout, Request::of_server(Origin::Client(conn), Arc::new(request)));
    }

    /// Whether a session lives only the leader knows. From its answer on it takes requests of the session through this server alone.
    fn revalidate_session(&mut self, cx: &mut Cx, db: &Database, conn: ConnId, session: SessionId, timeout: i32) {
        // That of a session of its own it knows by itself.
        if self.kind == Kind::ReadOnly || self.locals.as_ref().is_some_and(|locals| locals.has(session)) {
            let valid = self.touch_own(cx, db, session, timeout);
            return self.connections.finish_session_init(cx, conn, valid);
        }
        match &mut self.role {
            Role::Leader { tracker, .. } => {
                let valid = tracker.touch(cx.now, session, timeout);
                tracker.set_owner(session, Owner::Leader);
                self.connections.finish_session_init(cx, conn, valid);
            }
            Role::Learner(learner) => {
                learner.revalidations.insert(session, conn);
                self.outputs.push_back(Output::Revalidate { session, timeout });
            }
            Role::ReadOnly(_) => {}
        }
    }

    /// Learner: the leader answered a REVALIDATE. Source: `Learner.revalidate`.
    pub fn on_revalidated(&mut self, cx: &mut Cx, session: SessionId, valid: bool) {
        if let Role::Learner(learner) = &mut self.role
            && let Some(conn) = learner.revalidations.remove(&session)
        {
            self.connections.finish_session_init(cx, conn, valid);
        }
    }
}
