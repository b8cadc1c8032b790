//! Boot, elections, and the way from one role to the next. Source: `QuorumPeer.run`; election reference §1.

use std::sync::Arc;

use crate::actor::{Cx, Effect};
use crate::bugs::Bug;
use crate::election::leader_election::{LeaderElection, NO_ROUND};
use crate::election::{ConnectionManager, FastLeaderElection, Outcome};
use crate::proto::{DiskError, DiskReply, Epoch, LearnerType, Micros, Packet, PeerState, Port, ServerId, SmallFile, Stage, Timer, Vote};
use crate::store::Boot;
use crate::trace::{LookingReason, Note};
use crate::zab::{Leader, Learner, RoleEvent};

use super::{Activity, CurrentVote, Election, Server};

/// The process ends when its database cannot be loaded. Source: `ExitCode.UNEXPECTED_ERROR`.
const EXIT_UNEXPECTED_ERROR: i32 = 1;

impl Server {
    /// The process starts: the database and the epoch files are read first.
    pub(super) fn boot(&mut self, cx: &mut Cx) {
        if let Some(configured) = self.peer_type.filter(|configured| *configured != self.role) {
            // ZOOKEEPER-764: the server believes its own peerType instead of the list.
            if cx.bugs.has(Bug::Zk764) {
                self.role = configured;
                self.election = Election::new(self.me, configured, &self.config);
            } else {
                cx.note(Note::RoleOverridden { configured, listed: self.role });
            }
        }
        self.activity = Activity::Booting(Boot::start(cx));
    }

    pub(super) fn on_boot_file(&mut self, cx: &mut Cx, file: SmallFile, outcome: Result<DiskReply, DiskError>) {
        let Activity::Booting(boot) = &mut self.activity else {
            return;
        };
        match boot.on_loaded(cx, file, outcome) {
            None => {}
            Some(Ok(durable)) => {
                self.durable = durable;
                self.boot_goes_on(cx);
            }
            Some(Err(reason)) => self.refuse_to_boot(cx, reason),
        }
    }

    /// Epoch files that were missing are written first.
    pub(super) fn boot_goes_on(&mut self, cx: &mut Cx) {
        if !self.durable.is_writing() {
            self.booted(cx);
        }
    }

    pub(super) fn refuse_to_boot(&mut self, cx: &mut Cx, reason: String) {
        self.activity = Activity::Exited;
        cx.note(Note::BootRefused { reason });
        cx.emit(Effect::Exit(EXIT_UNEXPECTED_ERROR));
    }

    fn booted(&mut self, cx: &mut Cx) {
        let (zxid, current_epoch, accepted_epoch) = (self.durable.last_zxid, self.durable.current_epoch, self.durable.accepted_epoch);
        cx.note(Note::Booted { role: self.role, zxid, current_epoch, accepted_epoch });
        self.current_vote.vote = Vote { leader: self.me, zxid, epoch: current_epoch };
        if let Election::Fast(election) = &self.election {
            election.connections.listen(cx);
        }
        self.activity = Activity::Joining;
        self.look_for_leader(cx);
    }

    /// LOOKING: one call of lookForLeader, once nothing of the last role is still being written.
    pub(super) fn look_for_leader(&mut self, cx: &mut Cx) {
        if self.durable.is_writing() {
            self.activity = Activity::Joining;
            return;
        }
        self.activity = Activity::Looking;
        let (zxid, epoch) = (self.durable.last_zxid, self.durable.current_epoch);
        match &mut self.election {
            Election::Fast(election) => election.look_for_leader(cx, zxid, epoch),
            Election::Basic { looking, .. } => {
                *looking = Some(Box::new(LeaderElection::start(cx, self.me, self.role, &self.config.membership, zxid)));
            }
        }
    }

    /// An election moves on, if one is under way.
    pub(super) fn on_election(&mut self, cx: &mut Cx, step: impl FnOnce(&mut FastLeaderElection, &mut Cx) -> Option<Outcome>) {
        let Election::Fast(election) = &mut self.election else {
            return;
        };
        if let Some(Outcome { state, vote, round }) = step(election, cx) {
            // The state first, the vote a step later: in between, others are told the new state with the old vote.
            self.state = state;
            self.elected = Some(CurrentVote { vote, round });
            cx.wake(Stage::QuorumPeer);
        }
    }

    pub(super) fn on_basic_election(
        &mut self,
        cx: &mut Cx,
        step: impl FnOnce(&mut LeaderElection, &mut Cx) -> Option<crate::election::leader_election::Outcome>,
    ) {
        let Election::Basic { looking, .. } = &mut self.election else {
            return;
        };
        if let Some(outcome) = looking.as_mut().and_then(|election| step(election, cx)) {
            *looking = None;
            self.state = outcome.state;
            self.elected = Some(CurrentVote { vote: outcome.vote, round: NO_ROUND });
            cx.wake(Stage::QuorumPeer);
        }
    }

    pub(super) fn answer_query(&mut self, cx: &mut Cx, from: ServerId, xid: i32) {
        let standing = self.responder_standing();
        let Election::Basic { responder, .. } = &mut self.election else {
            return;
        };
        let reply = responder.answer(self.me, xid, standing);
        cx.emit(Effect::Datagram { to: from, port: Port::Quorum, packet: Packet::ElectionReply(Arc::new(reply)) });
    }

    /// `setCurrentVote`, and the role begins.
    pub(super) fn store_result(&mut self, cx: &mut Cx) {
        let Some(elected) = self.elected.take() else {
            return;
        };
        self.current_vote = elected;
        self.activity = match self.state {
            PeerState::Leading => Activity::Leading(Box::new(Leader::start(cx, self.me, self.config.clone(), &mut self.durable, elected.vote))),
            _ => Activity::Learning(Box::new(Learner::start(cx, self.me, self.config.clone(), elected.vote.leader, self.role))),
        };
    }

    /// A role tells what became of it.
    pub(super) fn on_role_event(&mut self, cx: &mut Cx, event: Option<RoleEvent>) {
        match event {
            None => {}
            Some(RoleEvent::Serves(epoch)) => self.refresh_vote(cx, epoch),
            Some(RoleEvent::Leave(why)) => self.leave_role(cx, why),
        }
    }

    /// From now on joiners hear the epoch that all members share, whatever each was elected with (ZOOKEEPER-1732). Source: `updateElectionVote`.
    fn refresh_vote(&mut self, cx: &Cx, epoch: Epoch) {
        if !cx.bugs.has(Bug::Zk1732) {
            self.current_vote.vote.epoch = epoch;
        }
    }

    /// Back to LOOKING; an observer takes its time.
    pub(super) fn leave_role(&mut self, cx: &mut Cx, why: LookingReason) {
        match &mut self.activity {
            Activity::Leading(leader) => leader.shut_down(cx),
            Activity::Learning(learner) => learner.shut_down(cx),
            _ => return,
        }
        cx.note(Note::WentLooking { from: self.state, why });
        self.state = PeerState::Looking;
        let delay = self.config.observer_election_delay;
        if self.role == LearnerType::Observer && delay > Micros::ZERO {
            self.activity = Activity::Delaying;
            let wait = Micros(cx.draw_below(delay.0));
            cx.arm(Timer::ObserverDelay, wait);
        } else {
            self.look_for_leader(cx);
        }
    }

    pub(super) fn with_connections(&mut self, cx: &mut Cx, act: impl FnOnce(&mut ConnectionManager, &mut Cx)) {
        if let Election::Fast(election) = &mut self.election {
            act(&mut election.connections, cx);
        }
    }
}
