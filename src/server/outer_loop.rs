//! Boot, elections, and the way into a role. Source: `QuorumPeer.run`; election reference §1.

use std::sync::Arc;

use crate::actor::{Cx, Effect};
use crate::bugs::Bug;
use crate::election::leader_election::{LeaderElection, NO_ROUND};
use crate::election::{ConnectionManager, FastLeaderElection, Outcome};
use crate::proto::{DiskError, DiskReply, Epoch, Packet, PeerState, Port, ServerId, Stage, Vote};
use crate::store::boot::{Boot, BootEvent, Booted};
use crate::trace::Note;
use crate::zab::{Leader, Learner};

use super::{Activity, CurrentVote, Election, Server};

/// The process ends when its database cannot be loaded. Source: `ExitCode.UNEXPECTED_ERROR`.
pub(super) const EXIT_UNEXPECTED_ERROR: i32 = 1;

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
        self.activity = Activity::Booting(Box::new(Boot::start(cx, self.config.clone(), self.config.db_autocreate)));
    }

    pub(super) fn on_boot_file(&mut self, cx: &mut Cx, outcome: Result<DiskReply, DiskError>) {
        let Activity::Booting(boot) = &mut self.activity else {
            return;
        };
        match boot.on_disk(cx, outcome) {
            BootEvent::Continues => {}
            BootEvent::Booted(booted) => self.booted(cx, *booted),
            BootEvent::Refused(reason) => self.refuse_to_boot(cx, reason),
        }
    }

    pub(super) fn refuse_to_boot(&mut self, cx: &mut Cx, reason: String) {
        cx.note(Note::BootRefused { reason });
        self.exit(cx, EXIT_UNEXPECTED_ERROR);
    }

    fn booted(&mut self, cx: &mut Cx, Booted { configuration, mut database, last_logged, epochs }: Booted) {
        database.last_processed = last_logged;
        self.replica.replace(database);
        if !self.boot_configuration(cx, configuration) {
            return;
        }
        self.replica.epochs = epochs;
        let (zxid, current_epoch, accepted_epoch) = (last_logged, self.replica.epochs.current, self.replica.epochs.accepted);
        cx.note(Note::Booted { role: self.role, zxid, current_epoch, accepted_epoch });
        self.current_vote.vote = Vote { leader: self.me, zxid, epoch: current_epoch };
        if let Election::Fast(election) = &self.election {
            election.connections.listen(cx);
        }
        self.replica.purge.start(cx);
        self.start_election(cx);
    }

    /// LOOKING: one call of lookForLeader.
    pub(super) fn start_election(&mut self, cx: &mut Cx) {
        self.activity = Activity::Looking;
        self.show_configuration(cx);
        self.begin_read_only_grace(cx);
        let (zxid, epoch) = (self.replica.last_zxid(), self.replica.epochs.current);
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
        self.end_read_only(cx);
        self.begin_role(cx, elected.vote);
    }

    /// The role of its state begins.
    pub(super) fn begin_role(&mut self, cx: &mut Cx, vote: Vote) {
        self.activity = match self.state {
            PeerState::Leading => Activity::Leading(Box::new(Leader::start(cx, self.me, &mut self.replica, vote))),
            _ => Activity::Learning(Box::new(Learner::start(cx, self.me, self.config.clone(), vote.leader, self.role))),
        };
    }

    /// From now on joiners hear the epoch that all members share, whatever each was elected with (ZOOKEEPER-1732). Source: `updateElectionVote`.
    pub(super) fn refresh_vote(&mut self, cx: &Cx, epoch: Epoch) {
        if !cx.bugs.has(Bug::Zk1732) {
            self.current_vote.vote.epoch = epoch;
        }
    }

    pub(super) fn with_connections(&mut self, cx: &mut Cx, act: impl FnOnce(&mut ConnectionManager, &mut Cx)) {
        if let Election::Fast(election) = &mut self.election {
            act(&mut election.connections, cx);
        }
    }
}
