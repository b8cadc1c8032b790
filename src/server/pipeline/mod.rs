//! The request pipeline of a serving server: its clients' connections, and what becomes of their requests. Source: `ZooKeeperServer` and
//! its `RequestProcessor`s; zab reference §8, sessions reference.
//!
//! ```text
//! leader    client ─▶ Prep ─▶ CommitProcessor ─▶ Final        Prep ─▶ Propose (followers, request logger)
//! learner   client ─▶ FollowerRequestProcessor ─▶ CommitProcessor ─▶ Final        FollowerRequestProcessor ─▶ Forward (leader's Prep)
//! no leader client ─▶ ReadOnlyRequestProcessor ─▶ Final
//! ```
//!
//! A pipeline lives as long as the server part runs: from the moment a role serves until it is left. It owns the connections on
//! [`Port::Client`], the session tracker, and every queue between a request and its reply; the database belongs to the server and is handed
//! in. What concerns the other servers leaves as [`Output`]s, which the owner takes after every call, in order.
//!
//! Not modelled: throttling (`RequestThrottler`, `globalOutstandingLimit`).

mod access;
mod auth;
mod changes;
mod commit_processor;
mod connections;
mod containers;
mod expiry;
mod final_processor;
mod halfway;
mod handshake;
mod learner;
mod local_sessions;
mod prep;
mod read_only;
mod reads;
mod reconfig;
mod request;
mod session_names;
mod sessions;
#[cfg(test)]
mod tests;
mod watching;
mod writes;

use std::collections::VecDeque;
use std::sync::Arc;

use crate::actor::{Cx, Effect};
use crate::bugs::Bug;
use crate::proto::{
    Answer, ClientRequest, Config, ConnId, ErrorCode, Micros, Op, Packet, Port, Proposal, QuorumRequest, ServerId, SessionId, Stage, Timer, Zxid,
};
use crate::trace::Note;
use crate::tree::Database;

use commit_processor::CommitProcessor;
use connections::{Connections, Phase};
use containers::ContainerManager;
use halfway::Halfway;
use learner::LearnerPart;
use local_sessions::LocalSessions;
use prep::{Prep, Prepared, check_session};
pub use reconfig::ReconfigStanding;
use request::{Origin, Owner, Request};
use session_names::SessionIds;
use sessions::SessionTracker;

/// Which chain of processors the pipeline is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `LeaderZooKeeperServer`: makes transactions, expires sessions.
    Leader,
    /// `FollowerZooKeeperServer`: sends its clients' writes to the leader, applies what that commits.
    Follower,
    /// `ObserverZooKeeperServer`: the same, told by INFORM.
    Observer,
    /// `ReadOnlyZooKeeperServer`: has no leader, and answers reads all the same.
    ReadOnly,
}

/// What the pipeline asks of the rest of the server. To be carried out in order, before the next input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// Leader: propose it to the followers, then log it (`ProposalRequestProcessor`). It is in the commit processor's queue already.
    Propose(Arc<Proposal>),
    /// Learner: send it to the leader as REQUEST.
    Forward(Arc<QuorumRequest>),
    /// Learner: ask the leader whether the session lives, as REVALIDATE; answered by [`Pipeline::on_revalidated`]. Milliseconds.
    Revalidate { session: SessionId, timeout: i32 },
    /// Leader: a learner's sync was reached. SYNC goes to this handler at once if nothing is outstanding, else right behind the commit of
    /// what was proposed last (`Leader.processSync`).
    AnswerSync { handler: ConnId, session: SessionId, cxid: i32 },
    /// Leader: this transaction is applied (`ToBeAppliedRequestProcessor`).
    Applied(Zxid),
    /// Leader: this zxid is the last of its epoch and is not proposed; the server must leave its role (ZOOKEEPER-1277).
    RolledOver(Zxid),
    /// Leader: a client wants another membership; to be answered by [`Pipeline::prepare_reconfig`]. Until [`Pipeline::go_on_preparing`] nothing
    /// else is proposed.
    Reconfigure,
}

/// The server part of a role: connections, sessions, processors.
#[derive(Clone, Debug)]
pub struct Pipeline {
    config: Arc<Config>,
    kind: Kind,
    role: Role,
    connections: Connections,
    session_ids: SessionIds,
    /// Sessions that are nobody else's business; `None` unless `localSessionsEnabled`.
    locals: Option<Box<LocalSessions>>,
    commits: CommitProcessor,
    /// [`Stage::CommitProcessor`] was asked for and has not come.
    commits_woken: bool,
    /// A transaction that is applied in part, as known bugs have it.
    halfway: Option<Box<Halfway>>,
    outputs: VecDeque<Output>,
}

/// What leaders and learners do not share.
#[derive(Clone, Debug)]
enum Role {
    Leader {
        prep: Prep,
        tracker: SessionTracker,
        containers: ContainerManager,
    },
    Learner(LearnerPart),
    /// Requests in the order they came.
    ReadOnly(VecDeque<Request>),
}

impl Pipeline {
    /// The server part starts and listens for clients (a leader does not with `leaderServes` off). On a leader every session of the
    /// database gets a fresh timeout, and the first transaction the zxid after `first`: (epoch, 0), unless a test counts from elsewhere.
    pub fn start(cx: &mut Cx, me: ServerId, config: Arc<Config>, kind: Kind, db: &Database, first: Zxid) -> Pipeline {
        let role = match kind {
            Kind::Leader => {
                let known = db.sessions().iter().map(|(session, timeout)| (*session, *timeout));
                let mut tracker = SessionTracker::new(cx.now, config.tick_time, known);
                tracker.strangers_besides = config.local_sessions.then_some(me);
                cx.arm(Timer::SessionExpiry, tracker.wait(cx.now));
                cx.arm(Timer::ContainerCheck, config.container_check_interval);
                Role::Leader { prep: Prep::new(config.clone(), first), tracker, containers: ContainerManager::default() }
            }
            Kind::Follower | Kind::Observer => Role::Learner(LearnerPart::default()),
            Kind::ReadOnly => Role::ReadOnly(VecDeque::new()),
        };
        if kind != Kind::Leader || config.leader_serves {
            cx.emit(Effect::Listen(Port::Client));
        }
        let waits_for_syncs = matches!(kind, Kind::Follower | Kind::Observer) && !cx.bugs.has(Bug::MutantAnswersSyncItself);
        Pipeline {
            locals: LocalSessions::start(cx, &config),
            connections: Connections::new(config.version, kind == Kind::ReadOnly),
            config,
            kind,
            role,
            session_ids: SessionIds::new(me, if cx.bugs.has(Bug::MutantNumbersSessionsAnew) { Micros::ZERO } else { cx.now }),
            commits: CommitProcessor::new(waits_for_syncs, cx.bugs),
            commits_woken: false,
            halfway: None,
            outputs: VecDeque::new(),
        }
    }

    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// The next thing that it asks for.
    #[inline]
    pub fn next_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// Somebody connected to [`Port::Client`].
    pub fn on_accepted(&mut self, cx: &mut Cx, conn: ConnId) {
        self.connections.accept(cx, conn);
    }

    /// Whether this is one of its clients' connections.
    pub fn owns(&self, conn: ConnId) -> bool {
        self.connections.contains(conn)
    }

    /// A packet of a client. While a handshake is under way nothing else is read; clients send nothing then.
    pub fn on_packet(&mut self, cx: &mut Cx, db: &Database, conn: ConnId, packet: Packet) {
        if packet.size() > 4 + self.config.jute_max_buffer {
            return self.connections.close(cx, conn);
        }
        let Some(connection) = self.connections.hear(cx.now, conn) else { return };
        match (connection.phase, packet) {
            (Phase::Open, Packet::ClientRequest(request)) => match &request.op {
                Op::Auth { .. } => self.on_auth(cx, conn, &request),
                // Servers and libraries alone may ask for these, and a check stands in a multi (ZOOKEEPER-2623). It is a sign of life all the same.
                Op::CreateSession { .. } | Op::DeleteContainer { .. } | Op::Check { .. } => {
                    let (session, timeout) = (connection.session, connection.timeout);
                    if self.touch_own(cx, db, session, timeout) {
                        self.refuse(cx, conn, request.xid);
                    }
                }
                _ => {
                    let (session, timeout) = (connection.session, connection.timeout);
                    let request = Request::of_client(conn, session, connection.auth.clone(), request);
                    self.submit_own(cx, db, timeout, request);
                }
            },
            (Phase::Greeting, Packet::ConnectRequest(request)) => self.on_connect_request(cx, db, conn, &request),
            (Phase::Greeting, Packet::IsReadOnly) => self.on_is_read_only(cx, conn),
            _ => {}
        }
    }

    /// A client proves who it is: a matter of its connection, answered at once. Source: `ZooKeeperServer.processPacket`.
    #[cold]
    fn on_auth(&mut self, cx: &mut Cx, conn: ConnId, request: &ClientRequest) {
        let Op::Auth { scheme, credential } = &request.op else { return };
        match auth::prove(&self.config, scheme, credential.as_ref()) {
            Some(ids) => {
                self.connections.add_auth(conn, ids);
                self.connections.reply(cx, conn, request.xid, Zxid::ZERO, Ok(Answer::Done));
            }
            None => {
                self.connections.reply(cx, conn, request.xid, Zxid::ZERO, Err(ErrorCode::AuthFailed));
                self.connections.close(cx, conn);
            }
        }
    }

    /// Nobody may ask for this. Source: `UnimplementedRequestProcessor`.
    #[cold]
    fn refuse(&mut self, cx: &mut Cx, conn: ConnId, xid: i32) {
        self.connections.reply(cx, conn, xid, Zxid::UNTRUSTED, Err(ErrorCode::Unimplemented));
        self.connections.close(cx, conn);
    }

    /// A request of this server's own clients enters the pipeline and counts as a sign of life. That of a session that is being closed, or
    /// was, is dropped without an answer, as far as this server knows. Source: `submitRequestNow`.
    fn submit_own(&mut self, cx: &mut Cx, db: &Database, timeout: i32, request: Request) {
        if self.touch_own(cx, db, request.session, timeout) {
            self.enter(cx, request);
        }
    }

    /// Source: `LeaderSessionTracker.touchSession`, `LearnerSessionTracker.touchSession`.
    fn touch_own(&mut self, cx: &Cx, db: &Database, session: SessionId, timeout: i32) -> bool {
        if let Some(locals) = &mut self.locals {
            if locals.touch(cx.now, session, timeout) {
                return true;
            }
            let is_global = locals.is_upgrading(session) || db.sessions().contains_key(&session);
            if self.kind != Kind::Leader && !is_global {
                return false;
            }
        }
        match &mut self.role {
            Role::Leader { tracker, .. } => tracker.touch(cx.now, session, timeout),
            Role::Learner(learner) => {
                learner.touch(session, timeout);
                true
            }
            Role::ReadOnly(_) => true,
        }
    }

    fn enter(&mut self, cx: &mut Cx, mut request: Request) {
        if self.locals.is_some() {
            self.screen_for_local(cx, &mut request);
        }
        self.enqueue(cx, request);
    }

    fn enqueue(&mut self, cx: &mut Cx, request: Request) {
        match &mut self.role {
            Role::Leader { prep, .. } => prep.submit(cx, request),
            Role::Learner(learner) => learner.submit(cx, request),
            Role::ReadOnly(queue) => {
                queue.push_back(request);
                cx.wake(Stage::PrepRequestProcessor);
            }
        }
    }

    /// Leader: a session that all servers are going to know.
    fn track_global(&mut self, cx: &Cx, session: SessionId, timeout: i32) {
        if let Role::Leader { tracker, .. } = &mut self.role {
            tracker.track(cx.now, session, timeout);
        }
    }

    /// A client's connection ended. Its session lives on.
    pub fn on_closed(&mut self, cx: &mut Cx, conn: ConnId) {
        self.connections.forget(cx, conn);
    }

    /// [`Timer::SessionExpiry`], [`Timer::ContainerCheck`] or [`Timer::ClientRead`] ran out.
    pub fn on_timer(&mut self, cx: &mut Cx, db: &Database, timer: Timer) {
        match timer {
            Timer::ContainerCheck => self.check_containers(cx, db),
            Timer::SessionExpiry => self.expire_sessions(cx),
            Timer::LocalSessionExpiry => self.expire_local_sessions(cx),
            Timer::ClientRead(conn) => self.connections.on_idle(cx, conn),
            _ => {}
        }
    }

    /// Leader: sessions whose time is over are closed; nothing saves them from now on.
    fn expire_sessions(&mut self, cx: &mut Cx) {
        let Role::Leader { prep, tracker, .. } = &mut self.role else {
            return;
        };
        for session in tracker.expire(cx.now, cx.bugs) {
            cx.note(Note::SessionExpiring { session });
            let request = QuorumRequest { session, cxid: 0, op: Op::CloseSession, auth: Arc::new([]) };
            prep.submit(cx, Request::of_server(Origin::Tracker, Arc::new(request)));
        }
        cx.arm(Timer::SessionExpiry, tracker.wait(cx.now));
    }

    /// One of its stages may work: [`Stage::FollowerRequestProcessor`], [`Stage::PrepRequestProcessor`] or [`Stage::CommitProcessor`].
    /// Each does all that is queued.
    pub fn on_stage(&mut self, cx: &mut Cx, db: &mut Database, stage: Stage) {
        match stage {
            Stage::PrepRequestProcessor if self.kind == Kind::ReadOnly => self.on_read_only(cx, db),
            Stage::PrepRequestProcessor => self.on_prep(cx, db),
            Stage::FollowerRequestProcessor => self.on_follower_request_processor(cx),
            Stage::CommitProcessor => self.on_commit_processor(cx, db),
            _ => {}
        }
    }

    /// Leader: requests get their zxids, and enter the commit processor before they are proposed.
    fn on_prep(&mut self, cx: &mut Cx, db: &Database) {
        while let Role::Leader { prep, tracker, .. } = &mut self.role
            && let Some(mut request) = prep.next()
        {
            request.of_local_session = self.locals.as_ref().is_some_and(|locals| locals.has(request.session));
            if request.is_write() {
                let prepared = prep.prepare(cx, db, tracker, &request);
                self.queue_for_commit(cx, request);
                self.outputs.push_back(match prepared {
                    Prepared::Proposal(proposal) => Output::Propose(proposal),
                    Prepared::RolledOver(zxid) => Output::RolledOver(zxid),
                    Prepared::Reconfig => Output::Reconfigure,
                });
                continue;
            }
            if cx.bugs.has(Bug::MutantSyncTakesZxid)
                && let Prepared::Proposal(proposal) = prep.prepare(cx, db, tracker, &request)
            {
                self.outputs.push_back(Output::Propose(proposal));
            }
            if !request.is_local {
                request.refused = check_session(cx, tracker, &request, request.op()).err();
            }
            match request.origin {
                // A learner's sync; other reads stay with it.
                Origin::Learner(handler) => self.outputs.push_back(Output::AnswerSync { handler, session: request.session, cxid: request.cxid }),
                Origin::Client(_) | Origin::Tracker => self.queue_for_commit(cx, request),
            }
        }
    }

    /// Hands a request to the commit processor, which need not wake for one that waits for a commit anyway.
    fn queue_for_commit(&mut self, cx: &mut Cx, request: Request) {
        if self.commits.request(request) {
            self.wake_commit_processor(cx);
        }
    }

    fn wake_commit_processor(&mut self, cx: &mut Cx) {
        if !self.commits_woken {
            self.commits_woken = true;
            cx.wake(Stage::CommitProcessor);
        }
    }

    /// Leader: a learner's REQUEST came. `handler` is the learner's connection, which owns what it brings.
    pub fn submit(&mut self, cx: &mut Cx, handler: ConnId, request: Arc<QuorumRequest>) {
        if let Role::Leader { prep, .. } = &mut self.role {
            prep.submit(cx, Request::of_server(Origin::Learner(handler), request));
        }
    }

    /// A transaction is committed: by this leader, or as a COMMIT or INFORM says. In zxid order; applied by the commit processor later.
    pub fn commit(&mut self, cx: &mut Cx, proposal: Arc<Proposal>) {
        if cx.bugs.has(Bug::MutantCommitsNewestFirst) {
            self.commits.commit_out_of_turn(proposal);
        } else {
            self.commits.commit(proposal);
        }
        self.wake_commit_processor(cx);
    }

    /// Takes what is committed and not applied, oldest first.
    pub fn take_unapplied(&mut self) -> Vec<Arc<Proposal>> {
        self.commits.take_unapplied()
    }

    /// Leader: sessions that a learner heard from.
    pub fn touch(&mut self, cx: &mut Cx, sessions: &[(SessionId, i32)]) {
        if let Role::Leader { tracker, .. } = &mut self.role {
            for (session, timeout) in sessions {
                tracker.touch(cx.now, *session, *timeout);
            }
        }
    }

    /// Leader: a client came back through the learner behind `handler`. True when its session lives; it belongs to that learner now.
    /// Source: `Leader.revalidateSession`.
    pub fn revalidate(&mut self, cx: &mut Cx, handler: ConnId, session: SessionId, timeout: i32) -> bool {
        let Role::Leader { tracker, .. } = &mut self.role else {
            return false;
        };
        let valid = tracker.touch(cx.now, session, timeout);
        tracker.set_owner(session, Owner::Learner(handler));
        valid
    }

    /// The server part stops: nobody may connect, every client is let go, what is queued is forgotten.
    pub fn shut_down(&mut self, cx: &mut Cx) {
        cx.emit(Effect::Unlisten(Port::Client));
        if self.kind == Kind::Leader {
            cx.disarm(Timer::SessionExpiry);
            cx.disarm(Timer::ContainerCheck);
        }
        if self.locals.is_some() {
            cx.disarm(Timer::LocalSessionExpiry);
        }
        self.connections.close_all(cx);
    }
}
