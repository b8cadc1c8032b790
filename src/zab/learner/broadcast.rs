//! A learner that serves: it logs what is proposed, and applies what is committed, in the leader's order. Source: `Follower.processPacket`,
//! `Observer.processPacket`; zab reference §8.5.

use std::sync::Arc;

use crate::actor::Cx;
use crate::bugs::Bug;
use crate::proto::{LearnerType, Proposal, QuorumData, QuorumKind, Txn, Zxid};
use crate::trace::Surprise;
use crate::zab::{EXIT_UNMATCHED_COMMIT, Replica, RoleEvent};

use super::Learner;

impl Learner {
    pub(super) fn on_broadcast(&mut self, cx: &mut Cx, replica: &mut Replica, kind: QuorumKind, zxid: Zxid, data: QuorumData) {
        let follows = self.role == LearnerType::Participant;
        match (kind, data) {
            (QuorumKind::Proposal, QuorumData::Txn(proposal)) if follows => {
                self.expect_successor(cx, zxid);
                if let Txn::Reconfig { .. } = proposal.txn {
                    return self.see_proposed(cx, replica, proposal);
                }
                self.log_request(cx, replica, proposal);
                if cx.bugs.has(Bug::MutantAcksEarly) {
                    self.send(cx, QuorumKind::Ack, zxid, QuorumData::Empty);
                }
            }
            (QuorumKind::Commit, _) if follows && cx.bugs.has(Bug::MutantAppliesEarly) => {}
            (QuorumKind::Commit, _) if follows => self.on_commit(cx, zxid),
            (QuorumKind::Inform, QuorumData::Txn(proposal)) if !follows => {
                self.expect_successor(cx, zxid);
                self.log_and_commit(cx, replica, proposal);
            }
            (kind, data) => self.on_seldom_packet(cx, replica, kind, zxid, data),
        }
    }

    #[cold]
    #[inline(never)]
    fn on_seldom_packet(&mut self, cx: &mut Cx, replica: &mut Replica, kind: QuorumKind, zxid: Zxid, data: QuorumData) {
        let follows = self.role == LearnerType::Participant;
        match (kind, data) {
            (QuorumKind::CommitAndActivate, QuorumData::Activate(leader)) if follows => self.on_commit_and_activate(cx, replica, zxid, leader),
            (QuorumKind::InformAndActivate, QuorumData::ActivateTxn(inform)) if !follows => self.on_inform_and_activate(cx, replica, &inform),
            (QuorumKind::Ping, _) => self.events.push_back(RoleEvent::Pinged(zxid)),
            (QuorumKind::Sync, _) => self.events.push_back(RoleEvent::SyncReplied),
            (QuorumKind::Revalidate, QuorumData::Revalidated { session, valid }) => self.events.push_back(RoleEvent::Revalidated { session, valid }),
            (QuorumKind::Proposal | QuorumKind::Commit | QuorumKind::Inform, _) => self.surprised(cx, Surprise::Message, zxid, self.last_proposal),
            // UPTODATE once more, say: only logged.
            _ => self.surprised(cx, Surprise::State, zxid, self.last_proposal),
        }
    }

    /// A gap in the log is only warned of. An epoch may begin with any counter.
    pub(super) fn expect_successor(&mut self, cx: &mut Cx, zxid: Zxid) {
        let (last, expected) = (self.last_proposal, Zxid(self.last_proposal.0 + 1));
        let begins_epoch = zxid.epoch() > last.epoch() || zxid > last && last.counter() == 0;
        if zxid != expected && !begins_epoch {
            self.surprised(cx, Surprise::Proposal, zxid, expected);
        }
        self.last_proposal = zxid;
    }

    /// To the request logger, which has it acknowledged. Source: `FollowerZooKeeperServer.logRequest`.
    pub(super) fn log_request(&mut self, cx: &mut Cx, replica: &mut Replica, proposal: Arc<Proposal>) {
        self.pending.push_back(proposal.clone());
        replica.logger.log(cx, proposal);
    }

    /// The oldest proposal, or nothing goes right any more. Source: `FollowerZooKeeperServer.commit`.
    pub(super) fn on_commit(&mut self, cx: &mut Cx, zxid: Zxid) {
        match self.pending.front().map(|proposal| proposal.zxid()) {
            None => self.surprised(cx, Surprise::Commit, zxid, self.last_proposal),
            Some(head) if head != zxid => {
                self.surprised(cx, Surprise::Commit, zxid, head);
                self.end(RoleEvent::Exit(EXIT_UNMATCHED_COMMIT));
            }
            Some(_) => self.events.extend(self.pending.pop_front().map(RoleEvent::Commit)),
        }
    }

    /// An observer logs what is committed, and nothing waits for it. Source: `ObserverZooKeeperServer.commitRequest`.
    pub(super) fn log_and_commit(&mut self, cx: &mut Cx, replica: &mut Replica, proposal: Arc<Proposal>) {
        replica.logger.log(cx, proposal.clone());
        self.events.push_back(RoleEvent::Commit(proposal));
    }
}
