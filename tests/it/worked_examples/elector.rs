//! A node that is an election and nothing else, and the table of what a group of them did.

use std::sync::Arc;

use zoolab::actor::{Actor, Cx, Input};
use zoolab::bugs::Bugs;
use zoolab::election::{FastLeaderElection, Outcome, Standing};
use zoolab::proto::{Config, Epoch, LearnerType, Membership, Micros, NodeId, PeerState, Port, Round, ServerId, Span, Stage, Timer, Vote, Zxid};
use zoolab::sim::{Action, Clock, NodeConfig, Origin, Recording, Timing, World, WorldConfig};
use zoolab::trace::Note;

/// Before the story starts: connections are made, and earlier rounds counted.
const WARM_UP: Micros = Micros::from_millis(1_000);

/// `leader` with its last zxid `epoch:counter` and its currentEpoch.
pub fn vote(leader: i64, epoch: u32, counter: u32, current_epoch: i64) -> Vote {
    Vote { leader: ServerId(leader), zxid: Zxid::new(epoch, counter), epoch: Epoch(current_epoch) }
}

/// Some servers, and when each begins to look for a leader.
pub struct Story {
    electors: Vec<Elector>,
    crash: Option<(i64, u64)>,
}

impl Story {
    pub fn new(servers: u32) -> Story {
        let config = Arc::new(Config::new(Membership::of(servers, 0)));
        Story { electors: (1..=i64::from(servers)).map(|server| Elector::new(ServerId(server), config.clone())).collect(), crash: None }
    }

    /// The server begins at `at` ms, with its logical clock at `clock`. Until then it is deaf.
    pub fn starts(&mut self, server: i64, at: u64, clock: u32, vote: Vote) {
        let elector = &mut self.electors[server as usize - 1];
        elector.start = Some(WARM_UP + Micros::from_millis(at));
        (elector.clock, elector.vote) = (clock, vote);
    }

    pub fn crashes(&mut self, server: i64, at: u64) {
        self.crash = Some((server, at));
    }

    /// What the elections noted between two times in ms, both included: by time, then by server, then in order.
    pub fn rows(&self, from: u64, until: u64) -> Vec<String> {
        let millis = |ms| WARM_UP + Micros::from_millis(ms);
        let mut world = self.world();
        world.set_recording(Recording::Story);
        if let Some((server, at)) = self.crash {
            world.run_until(millis(at));
            world.inject(&Action::parse(&format!("crash s{server}")).unwrap(), Origin::Author).unwrap();
        }
        world.run_until(millis(until));
        let mut rows = Vec::new();
        for event in world.take_events().iter().filter(|event| event.at >= millis(from)) {
            if let (Some(server), Some(row)) = (event.node, event.note().and_then(row)) {
                let at = event.at - WARM_UP;
                assert_eq!(at.0 % 1_000, 0, "everything takes whole milliseconds: {row}");
                rows.push((at, server, format!("{} {server} {row}", at.0 / 1_000)));
            }
        }
        rows.sort_by_key(|(at, server, _)| (*at, *server));
        rows.into_iter().map(|(_, _, row)| row).collect()
    }

    /// Exactly these rows, between these times.
    pub fn runs_as(&self, from: u64, until: u64, expected: &str) {
        let expected: Vec<&str> = expected.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
        let rows = self.rows(from, until);
        assert!(rows == expected, "expected\n{}\nand it was\n{}", expected.join("\n"), rows.join("\n"));
    }

    fn world(&self) -> World<Elector> {
        let timing = Timing { link: Span::exactly(Micros::from_millis(10)), stage: Span::exactly(Micros::ZERO), ..Timing::default() };
        let node = |elector: &Elector| NodeConfig {
            id: NodeId::Server(elector.me),
            program: elector.clone(),
            start: Some(Micros::ZERO),
            clock: Clock::new(0, 0),
        };
        World::new(WorldConfig { seed: 1, timing, bugs: Bugs::NONE, supervise: false }, self.electors.iter().map(node).collect())
    }
}

/// What a note says, as a row of the reference's tables; `None` for what the tables leave out.
fn row(note: &Note) -> Option<String> {
    Some(match note {
        Note::LookingStarted { round, vote } => format!("begins round {round} with {} {}", vote.leader, vote.zxid),
        Note::VoteChanged { sender, to, .. } => format!("adopts {} {}, told by {sender}", to.leader, to.zxid),
        Note::RoundRaised { to, vote, .. } => format!("goes to round {to} with {} {}", vote.leader, vote.zxid),
        Note::QuorumReached { vote, .. } => format!("has a quorum for {}", vote.leader),
        Note::DrainBroken { sender, round, .. } => format!("leaves its drain, told by {sender} in round {round}"),
        Note::NoteIgnored { sender, why } => format!("ignores {sender}: {why:?}"),
        Note::LaggardAnswered { to, round, .. } => format!("tells {to} of round {round}"),
        Note::LookingAnswered { to, state, vote, round } => format!("answers {to}: {state} {}, round {round}", vote.leader),
        Note::PollTimedOut { waited, resent, .. } => format!("heard nothing for {waited}, resent {resent}"),
        Note::JoinWaits { why, .. } => format!("waits: {why:?}"),
        Note::Elected { state, vote, round, how, .. } => format!("is {state} {} in round {round}: {how:?}", vote.leader),
        Note::VoteCounted { .. } | Note::DrainDiscarded { .. } | Note::PeerLost { .. } | Note::PeerUnreachable { .. } => return None,
        // Connections are up: a new one would show here.
        other => format!("{other:?}"),
    })
}

#[derive(Clone)]
struct Elector {
    me: ServerId,
    config: Arc<Config>,
    /// When it begins; never without.
    start: Option<Micros>,
    clock: u32,
    vote: Vote,
    election: FastLeaderElection,
    /// `None`: deaf.
    standing: Option<Standing>,
}

impl Elector {
    fn new(me: ServerId, config: Arc<Config>) -> Elector {
        let election = FastLeaderElection::new(me, LearnerType::Participant, config.clone());
        let vote = Vote { leader: me, zxid: Zxid::ZERO, epoch: Epoch(0) };
        Elector { me, config, start: None, clock: 0, vote, election, standing: None }
    }

    /// Rounds that nobody listens to: they make the connections, and count up the clock.
    fn warm_up(&mut self, cx: &mut Cx) {
        self.election.connections.listen(cx);
        for _ in 0..self.clock.max(1) {
            self.election.look_for_leader(cx, self.vote.zxid, self.vote.epoch);
        }
        if let Some(start) = self.start {
            cx.arm(Timer::ObserverDelay, start);
        }
    }

    fn start(&mut self, cx: &mut Cx) {
        if self.clock == 0 {
            let fresh = FastLeaderElection::new(self.me, LearnerType::Participant, self.config.clone());
            let warm = std::mem::replace(&mut self.election, fresh);
            self.election.connections = warm.connections;
        }
        self.standing = Some(Standing { state: PeerState::Looking, vote: self.vote, round: Round(0), vote_is_old: false });
        self.election.look_for_leader(cx, self.vote.zxid, self.vote.epoch);
    }

    fn on_worker_receiver(&mut self, cx: &mut Cx) {
        match self.standing {
            Some(standing) => drop(self.election.on_worker_receiver(cx, standing)),
            None => while self.election.connections.take_received().is_some() {},
        }
    }

    fn elect(&mut self, cx: &mut Cx, step: impl FnOnce(&mut FastLeaderElection, &mut Cx) -> Option<Outcome>) {
        if self.standing.is_some()
            && let Some(Outcome { state, vote, round }) = step(&mut self.election, cx)
        {
            self.standing = Some(Standing { state, vote, round, vote_is_old: false });
        }
    }
}

impl Actor for Elector {
    fn step(&mut self, cx: &mut Cx, input: Input) {
        let connections = &mut self.election.connections;
        match input {
            Input::Boot => self.warm_up(cx),
            Input::Timer(Timer::ObserverDelay) => self.start(cx),
            Input::Timer(Timer::ElectionPoll) => self.elect(cx, FastLeaderElection::on_poll_timeout),
            Input::Stage(Stage::QuorumPeer) => self.elect(cx, FastLeaderElection::on_note),
            Input::Stage(Stage::WorkerSender) => self.election.on_worker_sender(cx),
            Input::Stage(Stage::WorkerReceiver) => self.on_worker_receiver(cx),
            Input::Stage(Stage::SendWorker(peer)) => connections.on_send_worker(cx, peer),
            Input::Accepted { conn, port: Port::Election } => connections.on_accepted(cx, conn),
            Input::Connected { to, conn, .. } => connections.on_connected(cx, to, conn),
            Input::Packet { conn, packet } => connections.on_packet(cx, conn, packet),
            Input::Closed { conn, .. } => connections.on_closed(cx, conn),
            Input::DialFailed { to, .. } => connections.on_dial_failed(cx, to),
            other => unreachable!("nothing else happens in these stories: {other:?}"),
        }
    }
}
