//! One server's election with nothing around it.

use std::sync::Arc;

use crate::actor::{Cx, Draw, Effect};
use crate::bugs::{Bug, Bugs};
use crate::election::connection_manager::Received;
use crate::election::{FastLeaderElection, Heard, Outcome, Standing};
use crate::proto::{
    Config, ConnId, Epoch, LearnerType, Membership, Micros, NodeId, Notification, Packet, PeerState, Round, ServerId, Timer, Vote, Zxid,
};
use crate::trace::Note;

pub struct Lone {
    pub me: ServerId,
    pub election: FastLeaderElection,
    pub bugs: Bugs,
    /// What it did since the test last looked.
    pub effects: Vec<Effect>,
}

/// Elections draw nothing.
struct NoChance;

impl Draw for NoChance {
    fn below(&mut self, _: u64) -> u64 {
        unreachable!("an election draws nothing")
    }
}

/// A vote for `leader`, whose history ends at `1:counter`, in epoch 1.
pub fn vote(leader: i64, counter: u32) -> Vote {
    Vote { leader: ServerId(leader), zxid: Zxid::new(1, counter), epoch: Epoch(1) }
}

/// A note as a server in this state and round sends it.
pub fn note(state: PeerState, vote: Vote, round: i64) -> Notification {
    Notification { state, vote, round: Round(round), config_version: 0, config: "".into() }
}

/// A note of a server that looks.
pub fn looking(vote: Vote, round: i64) -> Notification {
    note(PeerState::Looking, vote, round)
}

impl Lone {
    /// Server `me` of so many voters.
    pub fn new(me: i64, voters: u32) -> Lone {
        Lone::with(me, Membership::of(voters, 0), LearnerType::Participant)
    }

    pub fn with(me: i64, membership: Membership, role: LearnerType) -> Lone {
        let election = FastLeaderElection::new(ServerId(me), role, Arc::new(Config::new(membership)));
        Lone { me: ServerId(me), election, bugs: Bugs::NONE, effects: Vec::new() }
    }

    pub fn bug(mut self, bug: Bug) -> Lone {
        self.bugs = Bugs::from_iter([bug]);
        self
    }

    /// One step of the election.
    pub fn act<T>(&mut self, step: impl FnOnce(&mut FastLeaderElection, &mut Cx) -> T) -> T {
        let mut draw = NoChance;
        let mut cx = Cx::new(NodeId::Server(self.me), Micros::ZERO, Micros::ZERO, self.bugs, &mut draw, &mut self.effects);
        step(&mut self.election, &mut cx)
    }

    /// It begins a round in which it votes for itself with `1:counter`, and counts that vote.
    pub fn looks(mut self, counter: u32) -> Lone {
        self.look(counter);
        self
    }

    pub fn look(&mut self, counter: u32) {
        self.act(|election, cx| election.look_for_leader(cx, Zxid::new(1, counter), Epoch(1)));
        let own = looking(self.election.proposal(), self.election.logical_clock().0);
        if self.election.proposal().leader == self.me {
            assert_eq!(self.hears(self.me.0, own), None);
        }
        self.effects.clear();
        self.told();
    }

    /// The main loop takes a note from its queue.
    pub fn hears(&mut self, sender: i64, note: Notification) -> Option<Outcome> {
        self.queue(sender, note);
        self.act(FastLeaderElection::on_note)
    }

    /// A note stands in the main loop's queue.
    pub fn queue(&mut self, sender: i64, note: Notification) {
        self.election.receive_queue.push_back(Received { sid: ServerId(sender), note: Arc::new(note) });
    }

    pub fn times_out(&mut self) -> Option<Outcome> {
        self.act(FastLeaderElection::on_poll_timeout)
    }

    /// What it gave to the WorkerSender since the last call.
    pub fn told(&mut self) -> Vec<(ServerId, Arc<Notification>)> {
        self.election.send_queue.drain(..).map(|sent| (sent.to, sent.note)).collect()
    }

    /// Leader and round of the proposal that it broadcast since the last call, if it did.
    pub fn broadcast(&mut self) -> Option<(i64, i64)> {
        let told = self.told();
        let (_, first) = told.first()?;
        assert!(told.iter().all(|(_, note)| note == first && note.state == PeerState::Looking));
        assert!(told.iter().map(|(to, _)| *to).eq(self.election.config.membership.voters()), "every voter once, itself included");
        Some((first.vote.leader.0, first.round.0))
    }

    /// The notes for observers since the last call, in order.
    pub fn notes(&mut self) -> Vec<Note> {
        let effects = std::mem::take(&mut self.effects);
        effects.into_iter().filter_map(|effect| if let Effect::Note(note) = effect { Some(note) } else { None }).collect()
    }

    /// The kinds of those notes.
    pub fn kinds(&mut self) -> Vec<&'static str> {
        self.notes().iter().map(Note::kind).collect()
    }

    /// How long the present poll may take: what the timer was last set to.
    pub fn poll(&self) -> Option<Micros> {
        self.effects.iter().rev().find_map(|effect| match effect {
            Effect::Arm { timer: Timer::ElectionPoll, after } => Some(*after),
            _ => None,
        })
    }

    /// Connects it with a peer as the larger id of the two wants it.
    pub fn connect(&mut self, peer: i64, slot: u32) -> ConnId {
        let conn = ConnId { slot, generation: 1 };
        let (me, peer) = (self.me, ServerId(peer));
        self.act(|election, cx| {
            if peer < me {
                election.connections.on_connected(cx, peer, conn);
            } else {
                election.connections.on_accepted(cx, conn);
                election.connections.on_packet(cx, conn, Packet::Initial { sid: peer });
            }
        });
        conn
    }

    /// A note arrives on a connection, and the WorkerReceiver takes it. Returns the voter that a leader is told of.
    pub fn receives(&mut self, conn: ConnId, standing: Standing, note: Notification) -> Option<Heard> {
        self.act(|election, cx| {
            election.connections.on_packet(cx, conn, Packet::Notification(Arc::new(note)));
            election.on_worker_receiver(cx, standing)
        })
    }
}

pub fn standing(state: PeerState, vote: Vote, round: i64) -> Standing {
    Standing { state, vote, round: Round(round), vote_is_old: false }
}
