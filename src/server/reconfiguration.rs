//! The membership changes: the configuration in force decides which part a server plays, and whom its election asks. Source:
//! `QuorumPeer.processReconfig`, `updateServerState`, `restartLeaderElection`; `QuorumPeerMain` for what it starts with.

use std::sync::Arc;

use crate::actor::Cx;
use crate::bugs::Bug;
use crate::proto::{Config, DiskError, DiskReply, Epoch, LearnerType, Membership, PeerState, Proposal, Round, ServerId, Vote, Zxid};
use crate::store::{ConfigProgress, OnDisk};
use crate::trace::Note;

use super::pipeline::ReconfigStanding;
use super::{Activity, CurrentVote, Election, Server};

/// The round of a vote that no election made. Source: `Vote.electionEpoch`.
const NO_ROUND: Round = Round(-1);

/// The epoch of such a vote, until the leader has one. Source: `Vote.peerEpoch`.
const NO_EPOCH: Epoch = Epoch(-1);

impl Server {
    /// What its disk says of the membership. False when the server must not start. Source: `QuorumPeer.start`.
    ///
    /// ZooKeeper refuses to start a server that the configuration in force there does not list (unlisted-member). But one that joins has taken
    /// over such a list, and others may count on it by now: without it a proposed configuration can bind the ensemble for ever. It starts as it
    /// began, without a vote.
    pub(super) fn boot_configuration(&mut self, cx: &mut Cx, on_disk: OnDisk) -> bool {
        if !self.config.reconfig_enabled {
            return true;
        }
        self.replica.configuration.boot(cx, on_disk);
        let current = self.replica.configuration.current().clone();
        if current.role_of(self.me).is_none() && cx.bugs.has(Bug::UnlistedMember) {
            cx.note(Note::NotListed { config: current });
            self.exit(cx, super::outer_loop::EXIT_UNEXPECTED_ERROR);
            return false;
        }
        let role = current.role_of(self.me).unwrap_or(LearnerType::Participant);
        self.role = role;
        self.take_over(&current);
        let (config, next) = (self.config.clone(), self.replica.configuration.next().cloned());
        self.election = Election::new(self.me, role, &config);
        if let Election::Fast(election) = &mut self.election {
            election.set_configuration(cx, config, next);
        }
        self.show_configuration(cx);
        true
    }

    /// `/zookeeper/config` says what is in force, whatever the transactions said; who watches it is told. Source: `initConfigInZKDatabase`.
    pub(super) fn show_configuration(&mut self, cx: &mut Cx) {
        if self.config.reconfig_enabled {
            let current = self.replica.configuration.current();
            let (text, version) = (current.text().into_bytes().into(), Zxid(current.version));
            self.replica.database.show_configuration(text, version, (cx.wall.0 / 1_000) as i64);
            if let Some(pipeline) = &mut self.pipeline {
                pipeline.configuration_shown(cx, &self.replica.database, version);
            }
        }
    }

    fn take_over(&mut self, current: &Membership) {
        let config = Arc::new(Config { membership: current.clone(), ..(*self.config).clone() });
        self.replica.config = config.clone();
        self.config = config;
    }

    /// A configuration is in force: it may give this server another role, and with `leader` (and the zxid that speaks for it) another leader, whom
    /// it follows without an election. Source: `processReconfig`.
    #[cold]
    pub(super) fn activate(&mut self, cx: &mut Cx, config: &Arc<Membership>, leader: Option<(ServerId, Zxid)>) {
        let Some(before) = self.replica.configuration.activate(cx, config) else { return };
        self.take_over(config);
        self.show_configuration(cx);
        if config.is_like(&before) {
            return self.tell_election(cx);
        }
        // Whoever is not listed goes on as a participant without a vote.
        let role = config.role_of(self.me).unwrap_or(LearnerType::Participant);
        self.keeps_vote |= role != self.role;
        self.role = role;
        self.restart_election(cx);
        match leader {
            Some((leader, zxid)) if leader != self.current_vote.vote.leader => {
                self.current_vote = CurrentVote { vote: Vote { leader, zxid, epoch: NO_EPOCH }, round: NO_ROUND };
                self.keeps_vote = true;
            }
            Some(_) => {}
            // Nobody says who leads: that is for an election to find out.
            None => self.keeps_vote = false,
        }
    }

    /// Another configuration is in force or proposed, and the election goes on.
    fn tell_election(&mut self, cx: &mut Cx) {
        if let Election::Fast(election) = &mut self.election {
            election.set_configuration(cx, self.config.clone(), self.replica.configuration.next().cloned());
        }
    }

    fn restart_election(&mut self, cx: &mut Cx) {
        if let Election::Fast(election) = &mut self.election {
            election.restart(cx, self.role, self.config.clone(), self.replica.configuration.next().cloned());
        }
    }

    /// A note of an election told of a configuration that is in force elsewhere. Source: `FastLeaderElection.WorkerReceiver`.
    pub(super) fn on_configuration_heard(&mut self, cx: &mut Cx, config: &Arc<Membership>) {
        let before = self.replica.configuration.current().clone();
        self.activate(cx, config, None);
        if !config.is_like(&before) && matches!(self.activity, Activity::Looking) {
            self.start_election(cx);
        }
    }

    /// A role is over. True when a reconfiguration has said what comes next: the server goes on without looking for a leader. Source:
    /// `updateServerState`.
    pub(super) fn assume_assigned_role(&mut self, cx: &mut Cx) -> bool {
        if !std::mem::take(&mut self.keeps_vote) {
            return false;
        }
        let vote = self.current_vote.vote;
        self.state = match self.role {
            _ if vote.leader == self.me => PeerState::Leading,
            LearnerType::Participant => PeerState::Following,
            LearnerType::Observer => PeerState::Observing,
        };
        cx.note(Note::RoleAssigned { state: self.state, leader: vote.leader });
        self.begin_role(cx, vote);
        true
    }

    /// Leader: a client asks for another membership. Only the server knows what is in force, and who keeps up.
    pub(super) fn reconfigure(&mut self, cx: &mut Cx) {
        let (Activity::Leading(leader), Some(pipeline)) = (&mut self.activity, &mut self.pipeline) else { return };
        let configuration = &self.replica.configuration;
        let standing = ReconfigStanding {
            current_version: configuration.current().version,
            last_seen: configuration.last_seen().clone(),
            synced: leader.synced_followers().iter().collect(),
        };
        let Some((proposal, next)) = pipeline.prepare_reconfig(cx, &self.replica.database, &standing) else { return };
        let Some(next) = next else { return self.propose_and_go_on(cx, proposal) };
        leader.hold(proposal);
        self.replica.configuration.see(cx, &next);
    }

    fn propose_and_go_on(&mut self, cx: &mut Cx, proposal: Arc<Proposal>) {
        self.propose(cx, proposal);
        if let Some(pipeline) = &mut self.pipeline {
            pipeline.go_on_preparing(cx);
        }
    }

    /// For `DiskTag::Config`.
    pub(super) fn on_configuration_file(&mut self, cx: &mut Cx, outcome: Result<DiskReply, DiskError>) {
        match self.replica.configuration.on_disk(cx, outcome) {
            ConfigProgress::Seen(_) => self.on_configuration_seen(cx),
            // What is in force stands on the disk as what was proposed: nobody needs to leave for it.
            ConfigProgress::Failed(_) => match &mut self.activity {
                Activity::Leading(leader) => leader.on_configuration_failed(),
                Activity::Learning(learner) => learner.on_configuration_failed(),
                _ => {}
            },
            ConfigProgress::Continues | ConfigProgress::InForce(_) => {}
        }
        if let Activity::Leaving(_) = &self.activity {
            self.go_on_leaving(cx);
        }
    }

    fn on_configuration_seen(&mut self, cx: &mut Cx) {
        self.tell_election(cx);
        match &mut self.activity {
            Activity::Leading(leader) => {
                leader.on_configuration_written(cx, &mut self.replica);
                if let Some(proposal) = leader.release(cx, &self.replica) {
                    self.propose_and_go_on(cx, proposal);
                }
            }
            Activity::Learning(learner) => learner.on_configuration_written(cx, &mut self.replica),
            _ => {}
        }
    }
}
