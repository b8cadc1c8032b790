//! The two worker threads between the election and its connections. Source: `FastLeaderElection.Messenger`; election reference §2.4.

use std::collections::VecDeque;
use std::sync::Arc;

use crate::actor::Cx;
use crate::proto::{Membership, Notification, PeerState, Round, ServerId, Stage, Vote};
use crate::trace::Note;

use super::FastLeaderElection;
use super::connection_manager::Received;

/// A note on its way to the connections.
#[derive(Clone, Debug)]
pub struct ToSend {
    pub to: ServerId,
    pub note: Arc<Notification>,
}

/// What the outer loop is and believes when a note arrives. Source: `QuorumPeer.getPeerState`, `getCurrentVote`.
#[derive(Clone, Copy, Debug)]
pub struct Standing {
    pub state: PeerState,
    pub vote: Vote,
    /// Round of the election that made `vote`.
    pub round: Round,
    /// An election has ended and its result is not stored yet: `vote` is still the old one.
    pub vote_is_old: bool,
}

/// What a note has to say to others than the election.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Heard {
    /// A voter looks for a leader, and this server leads (ZOOKEEPER-3109).
    LookingVoter(ServerId),
    /// Elsewhere a newer configuration is in force. The note has told nothing else.
    Configuration(Arc<Membership>),
}

/// Notes that wait for the WorkerSender; unbounded.
pub type SendQueue = VecDeque<ToSend>;

impl FastLeaderElection {
    /// The WorkerSender passes one note on.
    pub fn on_worker_sender(&mut self, cx: &mut Cx) {
        if let Some(ToSend { to, note }) = self.send_queue.pop_front() {
            self.connections.to_send(cx, to, note);
        }
        if !self.send_queue.is_empty() {
            cx.wake(Stage::WorkerSender);
        }
    }

    /// The WorkerReceiver takes one note: it answers some at once and queues others for the main loop.
    pub fn on_worker_receiver(&mut self, cx: &mut Cx, standing: Standing) -> Option<Heard> {
        let received = self.connections.take_received()?;
        if self.connections.has_received() {
            cx.wake(Stage::WorkerReceiver);
        }
        let Received { sid, note } = &received;
        if note.config_version > self.config.membership.version
            && let Some(newer) = self.newer_configuration(note, standing.state)
        {
            return Some(Heard::Configuration(newer));
        }
        // A note of a non-voter, an observer say, is answered and has no say.
        if !self.is_voter(*sid) {
            let round = self.logical_clock;
            self.answer(cx, *sid, standing.state, standing.vote, round);
            return None;
        }
        if standing.state == PeerState::Looking {
            if note.state == PeerState::Looking && note.round < self.logical_clock {
                cx.note(Note::LaggardAnswered { to: *sid, their_round: note.round, round: self.logical_clock });
                self.queue_note(cx, *sid, PeerState::Looking, self.proposal, self.logical_clock);
            }
            self.receive_queue.push_back(received);
            cx.wake(Stage::QuorumPeer);
            return None;
        }
        if note.state != PeerState::Looking {
            return None;
        }
        if standing.vote_is_old {
            cx.note(Note::StaleAnswer { to: *sid, state: standing.state, vote: standing.vote });
        }
        self.answer(cx, *sid, standing.state, standing.vote, standing.round);
        (standing.state == PeerState::Leading).then_some(Heard::LookingVoter(*sid))
    }

    /// The configuration that a note carries, for a server that looks for a leader: others have agreed to it.
    #[cold]
    fn newer_configuration(&self, note: &Notification, state: PeerState) -> Option<Arc<Membership>> {
        if state != PeerState::Looking || !self.config.reconfig_enabled {
            return None;
        }
        Membership::parse(&note.config).ok().map(Arc::new)
    }

    fn answer(&mut self, cx: &mut Cx, to: ServerId, state: PeerState, vote: Vote, round: Round) {
        cx.note(Note::LookingAnswered { to, state, vote, round });
        self.queue_note(cx, to, state, vote, round);
    }

    /// Hands a note to the WorkerSender.
    pub(super) fn queue_note(&mut self, cx: &mut Cx, to: ServerId, state: PeerState, vote: Vote, round: Round) {
        let config = self.config_text.clone();
        let note = Notification { state, vote, round, config_version: self.config.membership.version, config };
        self.send_queue.push_back(ToSend { to, note: Arc::new(note) });
        cx.wake(Stage::WorkerSender);
    }
}
