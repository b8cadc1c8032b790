//! The membership changes under a learner. Source: `Follower.processPacket`, `Observer.processPacket`, `Learner.syncWithLeader`,
//! `QuorumPeer.processReconfig`.
//!
//! A configuration that is proposed is on disk before its transaction is logged; it is in force with its commit, or with UPTODATE. If that gives
//! the learner another role or another leader, it leaves ("changes proposed in reconfig").

use std::sync::Arc;

use crate::actor::Cx;
use crate::proto::{LearnerType, Membership, Proposal, ServerId, Zxid};
use crate::trace::{LookingReason, Surprise};
use crate::zab::{Replica, RoleEvent, proposed_by};

use super::{Learner, Step, Wait};

impl Learner {
    /// PROPOSAL of a configuration.
    #[cold]
    pub(super) fn see_proposed(&mut self, cx: &mut Cx, replica: &mut Replica, proposal: Arc<Proposal>) {
        let proposed = self.proposed(&proposal);
        self.reconfiguring = Some(proposal);
        self.steps.push_back(Step::LogReconfiguration);
        self.see(cx, replica, proposed.as_ref());
        self.run_steps(cx, replica);
    }

    /// The same while it synchronises: the transaction waits among the others.
    pub(super) fn see_proposed_in_sync(&mut self, cx: &mut Cx, replica: &mut Replica, proposal: &Proposal) {
        if let Some(proposed) = self.proposed(proposal) {
            self.see(cx, replica, Some(&proposed));
            self.sync.proposed = Some(proposed);
        }
    }

    fn proposed(&self, proposal: &Proposal) -> Option<Arc<Membership>> {
        proposed_by(&proposal.txn).filter(|_| self.config.reconfig_enabled)
    }

    fn see(&mut self, cx: &mut Cx, replica: &mut Replica, proposed: Option<&Arc<Membership>>) {
        if proposed.is_some_and(|proposed| replica.configuration.see(cx, proposed)) {
            self.waits_for = Some(Wait::Configuration);
        }
    }

    /// What it was to remember is on disk.
    pub fn on_configuration_written(&mut self, cx: &mut Cx, replica: &mut Replica) {
        if let Some(Wait::Configuration) = self.waits_for {
            self.waits_for = None;
            self.resume(cx, replica);
        }
    }

    /// It could not be written: what rests upon it must not happen.
    pub fn on_configuration_failed(&mut self) {
        self.leave(LookingReason::DiskError);
    }

    pub(super) fn log_reconfiguration(&mut self, cx: &mut Cx, replica: &mut Replica) {
        if let Some(proposal) = self.reconfiguring.take() {
            self.log_request(cx, replica, proposal);
        }
    }

    /// NEWLEADER: what an old leader proposed in vain is forgotten, what this one proposes is not.
    pub(super) fn see_configuration(&mut self, cx: &mut Cx, replica: &mut Replica) {
        let newest = [self.sync.configuration.clone(), self.sync.proposed.take()].into_iter().flatten().max_by_key(|it| it.version);
        self.see(cx, replica, newest.as_ref());
    }

    /// UPTODATE: the leader's configuration is in force. Whoever it gives another part begins anew, with an election.
    pub(super) fn activate_configuration(&mut self, replica: &Replica) {
        if let Some(config) = self.sync.configuration.take() {
            self.activate(replica, config, None);
        }
    }

    /// COMMITANDACTIVATE, with the leader of the next configuration.
    pub(super) fn on_commit_and_activate(&mut self, cx: &mut Cx, replica: &Replica, zxid: Zxid, leader: ServerId) {
        let config = self.pending.front().filter(|head| head.zxid() == zxid).and_then(|head| self.proposed(head));
        let is_major = config.is_some_and(|config| self.activates(replica, config, Some((leader, zxid))));
        self.on_commit(cx, zxid);
        if is_major {
            self.leave(LookingReason::Reconfigured);
        }
    }

    /// INFORMANDACTIVATE: the same for an observer.
    pub(super) fn on_inform_and_activate(&mut self, cx: &mut Cx, replica: &mut Replica, inform: &(ServerId, Arc<Proposal>)) {
        let (leader, proposal) = inform;
        self.expect_successor(cx, proposal.zxid());
        let config = self.proposed(proposal);
        let is_major = config.is_some_and(|config| self.activates(replica, config, Some((*leader, proposal.zxid()))));
        self.log_and_commit(cx, replica, proposal.clone());
        if is_major {
            self.leave(LookingReason::Reconfigured);
        }
    }

    pub(super) fn on_sync_commit_and_activate(&mut self, cx: &mut Cx, replica: &mut Replica, zxid: Zxid, leader: ServerId) {
        let head = self.sync.not_logged.iter().find(|proposal| proposal.zxid() == zxid);
        match head.and_then(|head| self.proposed(head)) {
            Some(config) => self.activate(replica, config, Some((leader, zxid))),
            None => self.surprised(cx, Surprise::Commit, zxid, replica.last_zxid()),
        }
        if !self.is_over {
            self.on_sync_commit(cx, replica, zxid);
        }
    }

    pub(super) fn on_sync_inform_and_activate(&mut self, cx: &mut Cx, replica: &mut Replica, inform: &(ServerId, Arc<Proposal>)) {
        let (leader, proposal) = inform;
        if let Some(config) = self.proposed(proposal) {
            self.activate(replica, config, Some((*leader, proposal.zxid())));
        }
        if !self.is_over {
            self.on_sync_inform(cx, replica, proposal.clone());
        }
    }

    fn activate(&mut self, replica: &Replica, config: Arc<Membership>, leader: Option<(ServerId, Zxid)>) {
        if self.activates(replica, config, leader) {
            self.leave(LookingReason::Reconfigured);
        }
    }

    /// The configuration is in force. True when it gives this server another role or another leader.
    fn activates(&mut self, replica: &Replica, config: Arc<Membership>, leader: Option<(ServerId, Zxid)>) -> bool {
        let current = replica.configuration.current();
        if config.version <= current.version {
            return false;
        }
        let role = config.role_of(self.me).unwrap_or(LearnerType::Participant);
        let leader_changes = match leader {
            Some((leader, _)) => leader != self.leader,
            None => !current.is_voter(self.leader) || !config.is_voter(self.leader),
        };
        let is_major = !config.is_like(current) && (role != self.role || leader_changes);
        self.events.push_back(RoleEvent::Activate { config, leader });
        is_major
    }
}
