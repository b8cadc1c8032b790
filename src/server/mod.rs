//! A ZooKeeper server: the outer loop that turns elections into roles, and the routing of what happens to it. Source: `QuorumPeer`.
//!
//! - `outer_loop`: boot, elections, and the way from one role to the next.
//! - `leaving`: what is finished, replayed or read again between a role and the next vote.
//! - `reconfiguration`: what another membership makes of it.
//! - `read_only`: what clients may have while there is no leader.
//! - `roles`, `storage`: who is told what, and who does what was asked for.
//! - [`pipeline`]: the clients' requests, while the server serves.
//! - `watches`: which of its clients watches what.

mod leaving;
mod outer_loop;
pub mod pipeline;
mod read_only;
mod reconfiguration;
mod roles;
mod storage;
mod watches;

use std::sync::Arc;

use crate::actor::{Actor, Cx, Effect, Input};
use crate::election::leader_election::LeaderElection;
use crate::election::responder::{Responder, Standing as ResponderStanding};
use crate::election::{FastLeaderElection, Heard, Standing};
use crate::proto::{
    Config, ConnId, DiskTag, Epoch, LearnerType, Packet, PeerState, Port, Proposal, Round, ServerId, SessionId, Stage, Timer, Vote, Zxid,
};
use crate::store::Recovery;
use crate::store::boot::Boot;
use crate::trace::MemoryRule;
use crate::tree::Database;
use crate::zab::{Leader, Learner, Replica};

use leaving::Leaving;
use pipeline::{Kind, Pipeline};
pub use watches::{Modes, Watch};

/// One server process. Its initial value is the program with its configuration, before it has read its disk.
#[derive(Clone, Debug)]
pub struct Server {
    me: ServerId,
    config: Arc<Config>,
    /// `peerType` of its own configuration; `None` when that says nothing.
    peer_type: Option<LearnerType>,
    /// Participant or observer, as the server list says.
    role: LearnerType,
    state: PeerState,
    /// Result of the last election (`currentVote`); its epoch is the leader's new one once synchronised.
    current_vote: CurrentVote,
    /// An election has ended; its result becomes the current vote at the next step of the outer loop.
    elected: Option<CurrentVote>,
    /// A reconfiguration has said which part it plays next, and under whom (`reconfigFlag`).
    keeps_vote: bool,
    replica: Replica,
    election: Election,
    activity: Activity,
    /// The server part, while a role serves.
    pipeline: Option<Box<Pipeline>>,
    /// What the last role had committed and not applied, if that is not forgotten: `mutant-commits-outlive-role`.
    unapplied: Vec<Arc<Proposal>>,
}

/// `currentVote`: a vote with the round that made it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CurrentVote {
    pub vote: Vote,
    pub round: Round,
}

/// The algorithm in use (`electionAlg`).
#[derive(Clone, Debug)]
enum Election {
    Fast(Box<FastLeaderElection>),
    Basic { looking: Option<Box<LeaderElection>>, responder: Responder },
}

/// What the outer loop is doing.
#[derive(Clone, Debug)]
enum Activity {
    Booting(Box<Boot>),
    Looking,
    Leading(Box<Leader>),
    Learning(Box<Learner>),
    /// A role is over, and not everything of it is.
    Leaving(Box<Leaving>),
    /// Memory was dropped, and is read from disk again before the next vote.
    Loading(Box<Recovery>),
    /// An observer waits a moment before it looks for a leader again.
    Delaying,
    /// It ended itself.
    Exited,
}

impl Server {
    /// The program of server `me`. `peer_type` is what its own configuration says of its role, if anything.
    pub fn new(me: ServerId, config: Arc<Config>, peer_type: Option<LearnerType>) -> Server {
        let listed = config.membership.members.get(&me).map_or(LearnerType::Observer, |member| member.role);
        let nobody = Vote { leader: me, zxid: Zxid::ZERO, epoch: Epoch(0) };
        Server {
            me,
            peer_type,
            role: listed,
            state: PeerState::Looking,
            current_vote: CurrentVote { vote: nobody, round: Round(0) },
            elected: None,
            keeps_vote: false,
            replica: Replica::blank(config.clone()),
            election: Election::new(me, listed, &config),
            activity: Activity::Exited,
            pipeline: None,
            unapplied: Vec::new(),
            config,
        }
    }

    pub fn state(&self) -> PeerState {
        self.state
    }

    /// The leader it follows, observes, or is.
    pub fn leader(&self) -> Option<ServerId> {
        (self.state != PeerState::Looking && self.elected.is_none()).then_some(self.current_vote.vote.leader)
    }

    /// Whether clients are served, under a leader.
    pub fn is_serving(&self) -> bool {
        self.pipeline.as_ref().is_some_and(|pipeline| pipeline.kind() != Kind::ReadOnly)
    }

    /// What it has applied so far.
    pub const fn database(&self) -> &Database {
        &self.replica.database
    }

    /// The watches of a session that is connected here, by path.
    pub fn watches_of(&self, session: SessionId) -> Vec<Watch> {
        self.pipeline.as_ref().map_or_else(Vec::new, |pipeline| pipeline.watches_of(session))
    }

    /// The first thing that is wrong with what it has in its memory, and the rule that it breaks: for those who look on.
    pub fn memory_flaw(&self) -> Option<(MemoryRule, String)> {
        let gone_watcher = || Some((MemoryRule::WatchTable, self.pipeline.as_ref()?.gone_watcher()?));
        self.database().flaw().or_else(gone_watcher)
    }

    fn standing(&self) -> Standing {
        let CurrentVote { vote, round } = self.current_vote;
        Standing { state: self.state, vote, round, vote_is_old: self.elected.is_some() }
    }

    fn responder_standing(&self) -> ResponderStanding {
        match (self.state, &self.election) {
            (_, Election::Basic { looking: Some(election), .. }) => election.standing(),
            (PeerState::Leading, _) => ResponderStanding::Leading { last_proposed: Some(self.last_proposed()) },
            (PeerState::Following, _) => ResponderStanding::Following { leader: self.current_vote.vote.leader, zxid: Some(self.replica.last_zxid()) },
            (PeerState::Observing, _) => ResponderStanding::Observing,
            (PeerState::Looking, _) => ResponderStanding::Looking(self.current_vote.vote),
        }
    }

    fn last_proposed(&self) -> Zxid {
        match &self.activity {
            Activity::Leading(leader) => leader.last_proposed(),
            _ => None,
        }
        .unwrap_or(self.replica.last_zxid())
    }

    /// The process ends by itself.
    fn exit(&mut self, cx: &mut Cx, code: i32) {
        self.activity = Activity::Exited;
        cx.emit(Effect::Exit(code));
    }
}

impl Election {
    fn new(me: ServerId, role: LearnerType, config: &Arc<Config>) -> Election {
        match config.election_alg {
            0 => Election::Basic { looking: None, responder: Responder::default() },
            _ => Election::Fast(Box::new(FastLeaderElection::new(me, role, config.clone()))),
        }
    }
}

impl Actor for Server {
    /// What a serving server does all the time stands by itself, here and in what this calls: then it is short, and stays in the processor's
    /// cache. The rest is `#[cold]`.
    fn step(&mut self, cx: &mut Cx, input: Input) {
        match input {
            Input::Packet { conn, packet } => self.on_packet(cx, conn, packet),
            Input::Stage(stage) => self.on_stage(cx, stage),
            Input::Disk { tag: DiskTag::Log, outcome } => self.on_log(cx, outcome),
            seldom => self.on_seldom(cx, seldom),
        }
        self.carry_out(cx);
    }
}

impl Server {
    #[cold]
    #[inline(never)]
    fn on_seldom(&mut self, cx: &mut Cx, input: Input) {
        match input {
            Input::Packet { .. } | Input::Stage(_) => unreachable!("they come all the time"),
            Input::Disk { tag, outcome } => self.on_disk(cx, tag, outcome),
            Input::Timer(timer) => self.on_timer(cx, timer),
            Input::Boot => self.boot(cx),
            Input::Accepted { conn, port: Port::Election } => self.with_connections(cx, |connections, cx| connections.on_accepted(cx, conn)),
            Input::Accepted { conn, port: Port::Quorum } => self.on_learner_accepted(cx, conn),
            Input::Accepted { conn, port: Port::Client } => self.on_client_accepted(cx, conn),
            Input::Connected { to, port: Port::Election, conn } => {
                self.with_connections(cx, |connections, cx| connections.on_connected(cx, to, conn));
            }
            Input::Connected { conn, .. } => self.on_leader_connected(cx, conn),
            Input::DialFailed { to, port: Port::Election, .. } => self.with_connections(cx, |connections, cx| connections.on_dial_failed(cx, to)),
            Input::DialFailed { .. } => self.on_learner(|learner, _| learner.on_dial_failed(cx)),
            Input::Closed { conn, .. } => self.on_closed(cx, conn),
            Input::WindowFull { conn } => self.on_window(cx, conn, true),
            Input::WindowOpen { conn } => self.on_window(cx, conn, false),
            Input::Datagram { from, packet, .. } => self.on_datagram(cx, from, packet),
            Input::Command(_) => {}
        }
    }

    fn on_packet(&mut self, cx: &mut Cx, conn: ConnId, packet: Packet) {
        match packet {
            Packet::Quorum { kind, zxid, data } => match &mut self.activity {
                Activity::Leading(leader) => leader.on_packet(cx, &mut self.replica, conn, kind, zxid, data),
                Activity::Learning(learner) if learner.owns(conn) => learner.on_packet(cx, &mut self.replica, kind, zxid, data),
                _ => {}
            },
            Packet::ClientRequest(_) | Packet::ConnectRequest(_) | Packet::IsReadOnly => {
                if let Some(pipeline) = &mut self.pipeline {
                    pipeline.on_packet(cx, &self.replica.database, conn, packet);
                }
            }
            packet => self.on_election_packet(cx, conn, packet),
        }
    }

    #[cold]
    #[inline(never)]
    fn on_election_packet(&mut self, cx: &mut Cx, conn: ConnId, packet: Packet) {
        if matches!(packet, Packet::Initial { .. } | Packet::Notification(_)) {
            self.with_connections(cx, |connections, cx| connections.on_packet(cx, conn, packet));
        }
    }

    fn on_stage(&mut self, cx: &mut Cx, stage: Stage) {
        match stage {
            Stage::SyncRequestProcessor => {
                let event = self.replica.logger.on_stage(cx);
                self.on_logger(cx, event);
            }
            Stage::LearnerSender(learner) => self.on_leader(|leader, replica| leader.on_sender(cx, replica, learner)),
            Stage::FollowerRequestProcessor | Stage::PrepRequestProcessor | Stage::CommitProcessor => {
                if let Some(pipeline) = &mut self.pipeline {
                    pipeline.on_stage(cx, &mut self.replica.database, stage);
                }
            }
            seldom => self.on_seldom_stage(cx, seldom),
        }
    }

    #[cold]
    #[inline(never)]
    fn on_seldom_stage(&mut self, cx: &mut Cx, stage: Stage) {
        match stage {
            Stage::SnapshotTaker => {
                let event = self.replica.snapshotter.on_stage(cx, &self.replica.database, &mut self.replica.logger);
                self.on_snapshot(cx, event);
            }
            Stage::QuorumPeer if self.elected.is_some() => self.store_result(cx),
            Stage::QuorumPeer if matches!(self.activity, Activity::Leading(_)) => self.on_leader(|leader, replica| leader.on_own_thread(cx, replica)),
            Stage::QuorumPeer => self.on_election(cx, FastLeaderElection::on_note),
            Stage::WorkerSender => {
                if let Election::Fast(election) = &mut self.election {
                    election.on_worker_sender(cx);
                }
            }
            Stage::WorkerReceiver => self.on_worker_receiver(cx),
            Stage::SendWorker(peer) => self.with_connections(cx, |connections, cx| connections.on_send_worker(cx, peer)),
            _ => {}
        }
    }

    fn on_timer(&mut self, cx: &mut Cx, timer: Timer) {
        match timer {
            Timer::ElectionPoll => self.on_election(cx, FastLeaderElection::on_poll_timeout),
            Timer::Handshake(conn) => self.with_connections(cx, |connections, cx| connections.on_handshake_timeout(cx, conn)),
            Timer::QueryReply | Timer::QueryPause => self.on_basic_election(cx, |election, cx| election.on_timer(cx, timer)),
            Timer::ObserverDelay => self.look_for_leader(cx),
            Timer::HalfTick => self.on_leader(|leader, replica| leader.on_half_tick(cx, replica)),
            Timer::LeaderWait => self.on_leader(|leader, _| leader.on_wait_timeout()),
            Timer::LearnerRead(conn) => self.on_leader(|leader, _| leader.on_read_timeout(cx, conn)),
            Timer::LeaderRead => self.on_learner(|learner, _| learner.on_read_timeout(cx)),
            Timer::LeaderConnect => self.on_learner(|learner, _| learner.on_connect_timer(cx)),
            Timer::ReadOnlyGrace => self.on_read_only_grace(cx),
            Timer::SessionExpiry | Timer::LocalSessionExpiry | Timer::ContainerCheck | Timer::ClientRead(_) => {
                if let Some(pipeline) = &mut self.pipeline {
                    pipeline.on_timer(cx, &self.replica.database, timer);
                }
            }
            Timer::Purge => {
                let is_truncating = matches!(&self.activity, Activity::Learning(learner) if learner.is_truncating());
                self.replica.purge.on_timer(cx, is_truncating);
            }
            _ => {}
        }
    }

    fn on_worker_receiver(&mut self, cx: &mut Cx) {
        let standing = self.standing();
        let Election::Fast(election) = &mut self.election else {
            return;
        };
        match election.on_worker_receiver(cx, standing) {
            Some(Heard::LookingVoter(voter)) => self.on_leader(|leader, _| leader.report_looking(cx, voter)),
            Some(Heard::Configuration(config)) => self.on_configuration_heard(cx, &config),
            None => {}
        }
    }

    fn on_datagram(&mut self, cx: &mut Cx, from: ServerId, packet: Packet) {
        match packet {
            Packet::ElectionRequest { xid } => self.answer_query(cx, from, xid),
            Packet::ElectionReply(reply) => self.on_basic_election(cx, |election, cx| election.on_reply(cx, *reply)),
            _ => {}
        }
    }

    fn on_window(&mut self, cx: &mut Cx, conn: ConnId, is_full: bool) {
        match &mut self.activity {
            Activity::Leading(leader) if leader.owns(conn) => leader.on_window(cx, conn, is_full),
            _ => self.with_connections(cx, |connections, cx| connections.on_window(cx, conn, is_full)),
        }
    }

    fn on_closed(&mut self, cx: &mut Cx, conn: ConnId) {
        match (&mut self.activity, &mut self.pipeline) {
            (_, Some(pipeline)) if pipeline.owns(conn) => pipeline.on_closed(cx, conn),
            (Activity::Leading(leader), _) if leader.owns(conn) => leader.on_closed(cx, conn),
            (Activity::Learning(learner), _) if learner.owns(conn) => learner.on_closed(),
            _ => self.with_connections(cx, |connections, cx| connections.on_closed(cx, conn)),
        }
    }
}
