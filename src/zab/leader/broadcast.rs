//! An established leader: proposals go out, acknowledgements come in, and a quorum of them commits. Source: `Leader.propose`, `processAck`,
//! `LearnerHandler.run`; zab reference §8.

use std::sync::Arc;

use crate::actor::Cx;
use crate::bugs::Bug;
use crate::proto::{ConnId, Proposal, QuorumData, QuorumKind, ServerId, SessionId, TxnHeader, Zxid};
use crate::trace::{LookingReason, Note, Surprise};

use super::proposals::Acked;
use super::{Leader, RoleEvent};

impl Leader {
    /// A request became a transaction: it goes to every follower. Its own request logger is the caller's business, after this.
    pub fn propose(&mut self, cx: &mut Cx, proposal: Arc<Proposal>) {
        let zxid = proposal.zxid();
        cx.note(Note::Proposed { txn: proposal.id(), what: proposal.clone() });
        let to_observers = cx.bugs.has(Bug::MutantProposesToObservers);
        for handler in self.handlers.iter_mut().filter(|handler| handler.is_forwarding && (handler.follows() || to_observers)) {
            handler.queue(cx, QuorumKind::Proposal, zxid, QuorumData::Txn(proposal.clone()));
        }
        self.proposals.propose(proposal);
    }

    /// The epoch has no zxid left: a new epoch is made by a new election (ZOOKEEPER-1277).
    pub fn roll_over(&mut self, cx: &mut Cx, zxid: Zxid) {
        cx.note(Note::ZxidRolledOver { zxid });
        self.leave(LookingReason::ZxidRolledOver);
    }

    /// What its own request logger has made durable counts like any follower's. Source: `AckRequestProcessor`.
    pub fn on_logged(&mut self, cx: &mut Cx, logged: &[Arc<Proposal>]) {
        logged.iter().for_each(|proposal| self.process_ack(cx, self.me, proposal.zxid()));
    }

    /// A packet of a learner that is up to date.
    pub(super) fn on_learner_packet(&mut self, cx: &mut Cx, position: usize, kind: QuorumKind, zxid: Zxid, data: QuorumData) {
        let handler = &mut self.handlers[position];
        let conn = handler.conn;
        handler.tick_of_next_ack_deadline = self.tick + u64::from(self.config.sync_limit);
        handler.heard = cx.now;
        match (kind, data) {
            (QuorumKind::Ack, _) => {
                handler.age.on_ack(zxid);
                if let Some(sid) = handler.sid() {
                    self.process_ack(cx, sid, zxid);
                }
            }
            (QuorumKind::Request, QuorumData::Request(request)) => self.events.push_back(RoleEvent::Request(conn, request)),
            (kind, data) => self.on_seldom_packet(cx, conn, kind, zxid, data),
        }
    }

    #[cold]
    #[inline(never)]
    fn on_seldom_packet(&mut self, cx: &mut Cx, conn: ConnId, kind: QuorumKind, zxid: Zxid, data: QuorumData) {
        match (kind, data) {
            (QuorumKind::Ping, QuorumData::Touched(sessions)) => {
                if !sessions.is_empty() {
                    self.events.push_back(RoleEvent::Touched(sessions));
                }
            }
            (QuorumKind::Revalidate, QuorumData::Revalidate { session, timeout }) => {
                self.events.push_back(RoleEvent::Revalidate { learner: conn, session, timeout });
            }
            // Only logged.
            _ => cx.note(Note::Unexpected { what: Surprise::Message, zxid, expected: self.proposals.last_proposed }),
        }
    }

    fn process_ack(&mut self, cx: &mut Cx, sid: ServerId, zxid: Zxid) {
        let alone = sid == self.me && cx.bugs.has(Bug::MutantCommitsAlone);
        match self.proposals.ack(sid, zxid, &self.quorums, alone) {
            Acked::Counted => {}
            Acked::Unknown => cx.note(Note::Unexpected { what: Surprise::Ack, zxid, expected: self.proposals.last_proposed }),
            Acked::Committed(proposal, quorum) => {
                cx.note(Note::Committed { txn: proposal.id(), quorum: quorum.to_vec() });
                if self.quorums.is_changing() {
                    self.commit_in_change(cx, proposal, &quorum);
                } else {
                    self.commit(cx, proposal);
                }
            }
        }
    }

    /// COMMIT to followers, the whole transaction to observers, then its own commit processor, then whoever waits for this with a sync.
    pub(super) fn commit(&mut self, cx: &mut Cx, proposal: Arc<Proposal>) {
        let zxid = proposal.zxid();
        for handler in self.handlers.iter_mut().filter(|handler| handler.is_forwarding) {
            if handler.follows() {
                handler.queue(cx, QuorumKind::Commit, zxid, QuorumData::Empty);
            } else {
                let informed = if cx.bugs.has(Bug::MutantInformRestamped) { restamped(&proposal) } else { proposal.clone() };
                handler.queue(cx, QuorumKind::Inform, zxid, QuorumData::Txn(informed));
            }
        }
        self.deliver(cx, proposal);
    }

    /// To its own commit processor, and to whoever waits for this with a sync.
    pub(super) fn deliver(&mut self, cx: &mut Cx, proposal: Arc<Proposal>) {
        let zxid = proposal.zxid();
        self.events.push_back(RoleEvent::Commit(proposal));
        while let Some(learner) = self.proposals.next_sync(zxid) {
            self.send_sync(cx, learner);
        }
    }

    /// The final processor has applied it.
    pub fn on_applied(&mut self, zxid: Zxid) {
        self.proposals.on_applied(zxid);
    }

    /// A sync of a learner's client has come through the processors: SYNC, behind everything proposed before it.
    pub fn answer_sync(&mut self, cx: &mut Cx, learner: ConnId) {
        if self.proposals.sync(learner) {
            self.send_sync(cx, learner);
        }
    }

    fn send_sync(&mut self, cx: &mut Cx, learner: ConnId) {
        if let Some(handler) = self.handler(learner) {
            handler.queue(cx, QuorumKind::Sync, Zxid::ZERO, QuorumData::Empty);
        }
    }

    /// Whether a session lives that a client wants to go on with, through this learner.
    pub fn answer_revalidate(&mut self, cx: &mut Cx, learner: ConnId, session: SessionId, valid: bool) {
        if let Some(handler) = self.handler(learner) {
            handler.queue(cx, QuorumKind::Revalidate, Zxid::UNTRUSTED, QuorumData::Revalidated { session, valid });
        }
    }
}

/// The transaction with another time: `mutant-inform-restamped`.
fn restamped(proposal: &Proposal) -> Arc<Proposal> {
    let header = TxnHeader { time: proposal.header.time + 1, ..proposal.header };
    Proposal::new(header, proposal.txn.clone())
}
