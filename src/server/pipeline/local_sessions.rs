//! Sessions that one server keeps to itself, and what turns them into everybody's. Source: `UpgradeableSessionTracker`,
//! `LocalSessionTracker`, `QuorumZooKeeperServer.checkUpgradeSession`; sessions reference §7.
//!
//! With `localSessionsEnabled` every new session is local: no transaction makes it, the server that took it in expires it, and nobody else
//! knows it. A client that goes elsewhere with it is told that it has expired. Only an ephemeral node needs a session that all know: with
//! `localSessionsUpgradingEnabled` the first one sends a createSession of the same id ahead of it, and otherwise fails.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::actor::Cx;
use crate::bugs::Bugs;
use crate::proto::{Config, CreateForm, ErrorCode, Micros, Op, QuorumRequest, SessionId, Timer};
use crate::trace::Note;

use super::Pipeline;
use super::request::{Origin, Request};
use super::sessions::SessionTracker;

/// The local sessions of one server.
#[derive(Clone, Debug)]
pub struct LocalSessions {
    tracker: SessionTracker,
    /// Their timeouts in milliseconds.
    timeouts: BTreeMap<SessionId, i32>,
    /// No longer local, and their createSession is not applied yet.
    upgrading: BTreeSet<SessionId>,
    /// `localSessionsUpgradingEnabled`.
    may_upgrade: bool,
}

impl LocalSessions {
    /// The server part starts; `None` where all sessions are everybody's.
    pub fn start(cx: &mut Cx, config: &Config) -> Option<Box<LocalSessions>> {
        if !config.local_sessions {
            return None;
        }
        let tracker = SessionTracker::new(cx.now, config.tick_time, std::iter::empty());
        cx.arm(Timer::LocalSessionExpiry, tracker.wait(cx.now));
        let may_upgrade = config.local_sessions_upgrading;
        Some(Box::new(LocalSessions { tracker, timeouts: BTreeMap::new(), upgrading: BTreeSet::new(), may_upgrade }))
    }

    /// A client gets a new session.
    pub fn create(&mut self, now: Micros, session: SessionId, timeout: i32) {
        self.tracker.track(now, session, timeout);
        self.timeouts.insert(session, timeout);
    }

    /// Whether the session is one of them, perhaps one that is being closed.
    pub fn has(&self, session: SessionId) -> bool {
        self.timeouts.contains_key(&session)
    }

    /// Whether its createSession is under way to everybody.
    pub fn is_upgrading(&self, session: SessionId) -> bool {
        self.upgrading.contains(&session)
    }

    /// The session was heard from. False when it is not one of them, or is being closed.
    pub fn touch(&mut self, now: Micros, session: SessionId, timeout: i32) -> bool {
        self.tracker.touch(now, session, timeout)
    }

    /// It is closed.
    pub fn remove(&mut self, session: SessionId) {
        self.tracker.remove(session);
        self.timeouts.remove(&session);
    }

    /// Its createSession is applied: all servers know it.
    pub fn on_created_for_all(&mut self, session: SessionId) {
        self.remove(session);
        self.upgrading.remove(&session);
    }

    /// Marks what a client or the tracker asks for as this server's own business, if it is that. Source: `setLocalSessionFlag`.
    fn keeps(&self, request: &Request) -> bool {
        match request.op() {
            Op::CreateSession { .. } => matches!(request.origin, Origin::Client(_)),
            Op::CloseSession => self.has(request.session),
            _ => false,
        }
    }

    /// What must be sent ahead of a request, since it needs a session that everybody knows: its timeout. Source: `makeUpgradeRequest`.
    fn upgrade_for(&mut self, request: &Request) -> Result<Option<i32>, ErrorCode> {
        if !creates_ephemeral(request.op()) || !self.has(request.session) {
            return Ok(None);
        }
        if !self.may_upgrade {
            return Err(ErrorCode::EphemeralOnLocalSession);
        }
        let timeout = self.timeouts.get(&request.session).copied();
        self.remove(request.session);
        self.upgrading.insert(request.session);
        Ok(timeout)
    }

    fn expire(&mut self, now: Micros) -> Vec<SessionId> {
        self.tracker.expire(now, Bugs::NONE)
    }
}

/// Whether the request makes a node that goes with its session. A container and a node with a time to live do not, whatever their flags say.
pub fn creates_ephemeral(op: &Op) -> bool {
    match op {
        Op::Create { form: CreateForm::Create | CreateForm::Create2, mode, .. } => mode.is_ephemeral(),
        Op::Multi(parts) => parts.iter().any(creates_ephemeral),
        _ => false,
    }
}

impl Pipeline {
    /// Looks at a request before the processors do: is it this server's own business, must its session become everybody's first?
    /// Source: `LeaderRequestProcessor`, `FollowerRequestProcessor.processRequest`.
    #[cold]
    pub(super) fn screen_for_local(&mut self, cx: &mut Cx, request: &mut Request) {
        let Some(locals) = &mut self.locals else { return };
        request.is_local = locals.keeps(request);
        match locals.upgrade_for(request) {
            Ok(None) => {}
            Ok(Some(timeout)) => {
                let session = request.session;
                cx.note(Note::SessionUpgraded { session });
                self.track_global(cx, session, timeout);
                let create = QuorumRequest { session, cxid: 0, op: Op::CreateSession { timeout }, auth: Arc::new([]) };
                self.enqueue(cx, Request::of_server(Origin::Tracker, Arc::new(create)));
            }
            // It goes to the leader all the same, which does not know the session; here its client is told the true reason.
            Err(code) => request.refused = Some(code),
        }
    }

    /// [`Timer::LocalSessionExpiry`]: sessions whose time is over are closed, by this server alone.
    pub(super) fn expire_local_sessions(&mut self, cx: &mut Cx) {
        let Some(locals) = &mut self.locals else { return };
        let expired = locals.expire(cx.now);
        let wait = locals.tracker.wait(cx.now);
        cx.arm(Timer::LocalSessionExpiry, wait);
        for session in expired {
            cx.note(Note::SessionExpiring { session });
            let close = QuorumRequest { session, cxid: 0, op: Op::CloseSession, auth: Arc::new([]) };
            self.enter(cx, Request::of_server(Origin::Tracker, Arc::new(close)));
        }
    }
}
