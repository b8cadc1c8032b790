//! A ZooKeeper server: the outer loop that turns elections into roles, and the routing of what happens to it. Source: `QuorumPeer`.

mod outer_loop;
mod peer_link;
pub mod pipeline;

use std::sync::Arc;

use crate::actor::{Actor, Cx, Input};
use crate::election::leader_election::LeaderElection;
use crate::election::responder::{Responder, Standing as ResponderStanding};
use crate::election::{FastLeaderElection, Standing};
use crate::proto::{Config, ConnId, DiskTag, Epoch, LearnerType, Packet, PeerState, Port, Round, ServerId, Stage, Timer, Vote, Zxid};
use crate::store::{Boot, Durable};
use crate::zab::{Leader, Learner};

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
    durable: Durable,
    election: Election,
    activity: Activity,
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
    Booting(Boot),
    /// It wants to look for a leader, and first joins the thread that still writes an epoch.
    Joining,
    /// An observer waits a moment before it looks for a leader again.
    Delaying,
    Looking,
    Leading(Box<Leader>),
    Learning(Box<Learner>),
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
            durable: Durable::blank(),
            election: Election::new(me, listed, &config),
            activity: Activity::Booting(Boot::default()),
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

    fn standing(&self) -> Standing {
        let CurrentVote { vote, round } = self.current_vote;
        Standing { state: self.state, vote, round, vote_is_old: self.elected.is_some() }
    }

    fn responder_standing(&self) -> ResponderStanding {
        match (self.state, &self.election) {
            (_, Election::Basic { looking: Some(election), .. }) => election.standing(),
            (PeerState::Leading, _) => ResponderStanding::Leading { last_proposed: Some(self.durable.last_zxid) },
            (PeerState::Following, _) => ResponderStanding::Following { leader: self.current_vote.vote.leader, zxid: Some(self.durable.last_zxid) },
            (PeerState::Observing, _) => ResponderStanding::Observing,
            (PeerState::Looking, _) => ResponderStanding::Looking(self.current_vote.vote),
        }
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
    fn step(&mut self, cx: &mut Cx, input: Input) {
        match input {
            Input::Boot => self.boot(cx),
            Input::Timer(timer) => self.on_timer(cx, timer),
            Input::Stage(stage) => self.on_stage(cx, stage),
            Input::Accepted { conn, port: Port::Election } => self.with_connections(cx, |connections, cx| connections.on_accepted(cx, conn)),
            Input::Accepted { conn, .. } => self.on_learner_accepted(cx, conn),
            Input::Connected { to, port: Port::Election, conn } => {
                self.with_connections(cx, |connections, cx| connections.on_connected(cx, to, conn));
            }
            Input::Connected { conn, .. } => self.on_leader_connected(cx, conn),
            Input::DialFailed { to, port: Port::Election, .. } => self.with_connections(cx, |connections, cx| connections.on_dial_failed(cx, to)),
            Input::DialFailed { .. } => self.on_leader_unreachable(cx),
            Input::Packet { conn, packet } => self.on_packet(cx, conn, packet),
            Input::Closed { conn, .. } => self.on_closed(cx, conn),
            Input::WindowFull { conn } => self.with_connections(cx, |connections, cx| connections.on_window(cx, conn, true)),
            Input::WindowOpen { conn } => self.with_connections(cx, |connections, cx| connections.on_window(cx, conn, false)),
            Input::Datagram { from, packet, .. } => self.on_datagram(cx, from, packet),
            Input::Disk { tag: DiskTag::Boot(file), outcome } => self.on_boot_file(cx, file, outcome),
            Input::Disk { tag: DiskTag::Atomic(_), outcome } => self.on_atomic_write(cx, outcome),
            Input::Disk { .. } | Input::Command(_) => {}
        }
    }
}

impl Server {
    fn on_timer(&mut self, cx: &mut Cx, timer: Timer) {
        match timer {
            Timer::ElectionPoll => self.on_election(cx, FastLeaderElection::on_poll_timeout),
            Timer::Handshake(conn) => self.with_connections(cx, |connections, cx| connections.on_handshake_timeout(cx, conn)),
            Timer::QueryReply | Timer::QueryPause => self.on_basic_election(cx, |election, cx| election.on_timer(cx, timer)),
            Timer::ObserverDelay => self.look_for_leader(cx),
            Timer::HalfTick => self.on_leader(cx, |leader, cx, _| leader.on_half_tick(cx)),
            Timer::LeaderWait => self.on_leader(cx, |leader, _, _| leader.on_wait_timeout()),
            Timer::LearnerRead(conn) => self.on_leader(cx, |leader, cx, _| {
                leader.on_read_timeout(cx, conn);
                None
            }),
            Timer::LeaderRead => self.leave_role(cx, crate::trace::LookingReason::LeaderSilent),
            Timer::LeaderConnect => self.on_learner(cx, |learner, cx, _| {
                learner.on_connect_timer(cx);
                None
            }),
            _ => {}
        }
    }

    fn on_stage(&mut self, cx: &mut Cx, stage: Stage) {
        match stage {
            Stage::QuorumPeer if self.elected.is_some() => self.store_result(cx),
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

    fn on_worker_receiver(&mut self, cx: &mut Cx) {
        let standing = self.standing();
        let Election::Fast(election) = &mut self.election else {
            return;
        };
        if let Some(voter) = election.on_worker_receiver(cx, standing) {
            self.on_leader(cx, |leader, cx, _| leader.report_looking(cx, voter));
        }
    }

    fn on_datagram(&mut self, cx: &mut Cx, from: ServerId, packet: Packet) {
        match packet {
            Packet::ElectionRequest { xid } => self.answer_query(cx, from, xid),
            Packet::ElectionReply(reply) => self.on_basic_election(cx, |election, cx| election.on_reply(cx, *reply)),
            _ => {}
        }
    }

    fn on_packet(&mut self, cx: &mut Cx, conn: ConnId, packet: Packet) {
        match packet {
            Packet::Initial { .. } | Packet::Notification(_) => self.with_connections(cx, |connections, cx| connections.on_packet(cx, conn, packet)),
            Packet::Quorum { .. } => self.on_quorum_packet(cx, conn, &packet),
            _ => {}
        }
    }
}
