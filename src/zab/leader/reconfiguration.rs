//! The membership changes under a leader: a configuration is proposed, two quorums commit it, and whoever leads the next one goes on. Source:
//! `Leader.lead`, `propose`, `tryToCommit`, `getDesignatedLeader`, `startZkServer`, `isQuorumSynced`.

use std::sync::Arc;

use crate::actor::Cx;
use crate::bugs::Bug;
use crate::proto::{Proposal, QuorumData, QuorumKind, ServerId, Txn, Zxid};
use crate::trace::{LookingReason, Note};
use crate::zab::quorums::Quorums;
use crate::zab::voters::ServerSet;
use crate::zab::{Replica, RoleEvent};

use super::handler::Handler;
use super::{Leader, Phase};

/// Those of a leader that begins: it completes what it saw proposed, so that both configurations must follow it.
pub(super) fn quorums(cx: &Cx, replica: &Replica) -> Quorums {
    let mut quorums = Quorums::of(replica.configuration.current().clone());
    if let Some(next) = replica.configuration.next() {
        quorums.begin_change(next.clone(), Zxid::ZERO, cx.bugs.has(Bug::MutantOneQuorum));
    }
    quorums
}

impl Leader {
    /// A first configuration that nobody has confirmed gets the zxid of NEWLEADER as its version, so that it outlives others of its kind: a
    /// server that joins has one of its own making (ZOOKEEPER-1783).
    pub(super) fn confirm_first_configuration(&mut self, cx: &mut Cx, replica: &mut Replica) {
        let configuration = &mut replica.configuration;
        if self.config.reconfig_enabled && configuration.current().version == 0 && configuration.next().is_none() {
            let confirmed = Arc::new(configuration.current().with_version(self.epoch.first_zxid()));
            configuration.see(cx, &confirmed);
            self.quorums.begin_change(confirmed, self.epoch.first_zxid(), cx.bugs.has(Bug::MutantOneQuorum));
        }
    }

    /// What NEWLEADER carries: the learner has it in force from UPTODATE on.
    ///
    /// A leader that is being established says what was proposed last, which is in force with the leader itself. Later that may be a proposal
    /// on its way: ZooKeeper sends it all the same (premature-configuration), and the learner takes for agreed what nobody has agreed to. Here
    /// it is told what is in force; the proposal it gets like any other.
    pub(super) fn configuration_for_learner(&self, cx: &Cx, replica: &Replica) -> QuorumData {
        if !self.config.reconfig_enabled {
            return QuorumData::Empty;
        }
        let says_proposed = self.phase < Phase::Serving || cx.bugs.has(Bug::PrematureConfiguration);
        let configuration = if says_proposed { replica.configuration.last_seen() } else { replica.configuration.current() };
        QuorumData::Config(configuration.clone())
    }

    /// The leader is established, and with it the configuration that it saw proposed last.
    pub(super) fn complete_configuration(&mut self, cx: &mut Cx) {
        if let Some(config) = self.quorums.next().cloned() {
            let (zxid, acks) = (self.epoch.first_zxid(), self.acknowledged);
            let leader = self.designated_leader(zxid, &acks);
            self.quorums.activate(zxid, leader != self.me);
            self.quorums.committed(zxid);
            self.refresh_counts(cx);
            self.events.push_back(RoleEvent::Activate { config, leader: Some((leader, zxid)) });
        }
    }

    /// Servers that a next configuration may count on: followers that keep up, whether they vote or not, and the leader.
    pub fn synced_followers(&self) -> ServerSet {
        let in_time = self.handlers.iter().filter(|handler| handler.is_forwarding && self.tick <= handler.tick_of_next_ack_deadline);
        in_time.filter(|handler| handler.follows()).filter_map(Handler::sid).chain([self.me]).collect()
    }

    /// The next configuration is being written down; nothing is proposed until it is.
    pub fn hold(&mut self, proposal: Arc<Proposal>) {
        self.reconfiguring = Some(proposal);
    }

    /// A configuration is on this server's disk: that of NEWLEADER, or one that is to be proposed.
    pub fn on_configuration_written(&mut self, cx: &mut Cx, replica: &mut Replica) {
        if self.phase == Phase::WaitingForNewLeaderAcks {
            self.acknowledge_own(cx, replica);
        }
    }

    /// It could not be written: what rests upon it must not happen.
    pub fn on_configuration_failed(&mut self) {
        self.leave(LookingReason::DiskError);
    }

    /// Its configuration is on this server's disk: it can be proposed, and from it on both configurations decide.
    pub fn release(&mut self, cx: &Cx, replica: &Replica) -> Option<Arc<Proposal>> {
        let proposal = self.reconfiguring.take()?;
        let next = replica.configuration.last_seen().clone();
        self.quorums.begin_change(next, proposal.zxid(), cx.bugs.has(Bug::MutantOneQuorum));
        self.refresh_counts(cx);
        Some(proposal)
    }

    /// A proposal is committed while two configurations decide, or have decided a moment ago.
    #[cold]
    #[inline(never)]
    pub(super) fn commit_in_change(&mut self, cx: &mut Cx, proposal: Arc<Proposal>, acks: &ServerSet) {
        let is_the_change = matches!(proposal.txn, Txn::Reconfig { .. }) && self.quorums.next().is_some();
        if is_the_change {
            self.commit_reconfiguration(cx, &proposal, acks);
        } else {
            self.commit(cx, proposal);
        }
        self.quorums.committed(self.proposals.last_committed);
    }

    /// COMMITANDACTIVATE to followers, INFORMANDACTIVATE to observers, both with the leader of the next configuration. If that is another server,
    /// nothing more is committed here, and the followers go.
    fn commit_reconfiguration(&mut self, cx: &mut Cx, proposal: &Arc<Proposal>, acks: &ServerSet) {
        let Some(config) = self.quorums.next().cloned() else { return };
        let (zxid, last) = (proposal.zxid(), self.proposals.last_proposed);
        let leader = self.designated_leader(zxid, acks);
        self.quorums.activate(last, leader != self.me);
        self.refresh_counts(cx);
        self.events.push_back(RoleEvent::Activate { config, leader: Some((leader, last)) });
        for handler in self.handlers.iter_mut().filter(|handler| handler.is_forwarding) {
            if handler.follows() {
                handler.queue(cx, QuorumKind::CommitAndActivate, zxid, QuorumData::Activate(leader));
            } else {
                handler.queue(cx, QuorumKind::InformAndActivate, zxid, QuorumData::ActivateTxn(Arc::new((leader, proposal.clone()))));
            }
        }
        self.deliver(cx, proposal.clone());
        // What waited behind it may have its quorums already.
        while let Some((next, acks)) = self.proposals.next_acknowledged(&self.quorums) {
            cx.note(Note::Committed { txn: next.id(), quorum: acks.to_vec() });
            self.commit(cx, next);
        }
    }

    /// Who leads the next configuration: this server if it may vote there, else the voter that acknowledged most of what is under way, so that
    /// as little as possible is lost. Of several, the one with the smallest id.
    fn designated_leader(&self, zxid: Zxid, acks: &ServerSet) -> ServerId {
        if self.quorums.next().is_none_or(|next| next.is_voter(self.me)) {
            return self.me;
        }
        let mut candidates = self.quorums.next_voters(acks);
        let mut best = candidates.iter().next();
        for acks in self.proposals.acknowledgements(zxid) {
            // Asked of the voters of the first configuration, then of those of the next.
            for acks in [self.quorums.current_voters(acks), self.quorums.next_voters(acks)] {
                candidates = candidates.and(&acks);
                match candidates.iter().next() {
                    Some(first) => best = Some(first),
                    None => return best.unwrap_or(self.me),
                }
            }
        }
        best.unwrap_or(self.me)
    }

    /// Who has a say has changed.
    fn refresh_counts(&mut self, cx: &Cx) {
        for position in 0..self.handlers.len() {
            if let Some(learner) = self.handlers[position].learner {
                let counts = self.counts(cx, learner.sid, learner.follows);
                self.handlers[position].learner = Some(super::Identity { counts, ..learner });
            }
        }
    }
}
