//! A learner is brought up to date, and from one instant on told everything new. Source: `LearnerHandler.syncFollower`,
//! `Leader.startForwarding`; zab reference §4.

use std::sync::Arc;

use crate::actor::Cx;
use crate::bugs::Bug;
use crate::proto::{ConnId, Packet, Proposal, QuorumData, QuorumKind, ServerId, Timer, Zxid};
use crate::store::LogRead;
use crate::store::format::SnapshotWalker;
use crate::trace::{Note, SyncHow};
use crate::zab::Replica;
use crate::zab::sync_choice::{self, Choice, LogPart, Standing, SyncPlan};

use super::handler::Handler;
use super::{HandlerStage, Leader, Proposals};

/// Nodes of the tree that go into one part of the SNAP stream.
const NODES_PER_PART: usize = 16;

impl Leader {
    pub(super) fn synchronize(&mut self, cx: &mut Cx, replica: &mut Replica, conn: ConnId) {
        self.choose(cx, replica, conn, LogPart::Unread);
    }

    /// The part of the own log that a learner needs, or nothing if it cannot serve.
    ///
    /// ZooKeeper holds the committed log still while it reads. Here everything is looked at again when the log is there, in one instant.
    pub fn on_log_read(&mut self, cx: &mut Cx, replica: &mut Replica, read: &LogRead) {
        let log = if read.proposals.is_empty() { LogPart::Unusable } else { LogPart::Read(&read.proposals) };
        if self.handler(read.learner).is_some_and(|handler| handler.stage == HandlerStage::ReadingLog) {
            self.choose(cx, replica, read.learner, log);
        }
    }

    fn choose(&mut self, cx: &mut Cx, replica: &mut Replica, conn: ConnId, log: LogPart) {
        let (last_proposed, force_snapshot) = (self.proposals.last_proposed, self.config.force_snapshot_sync);
        let Some(peer) = self.handler(conn).map(|handler| handler.peer) else {
            return;
        };
        let mut committed: Vec<Arc<Proposal>> = replica.database.committed().cloned().collect();
        // What is committed and not yet applied is no less committed. ZooKeeper overlooks it, and has a learner cut what it must keep.
        if !cx.bugs.has(Bug::TruncatedAcks) {
            committed.extend(self.proposals.to_be_applied(replica.last_zxid()).filter(|proposal| proposal.zxid() <= peer).cloned());
        }
        let standing = Standing { last: replica.last_zxid(), last_proposed, committed: &committed, log, force_snapshot };
        match sync_choice::choose(peer, &standing, cx.bugs) {
            Choice::ReadLog => {
                if let Some(handler) = self.handler(conn) {
                    handler.stage = HandlerStage::ReadingLog;
                }
                replica.log_sync.request(cx, conn, peer);
            }
            Choice::Plan(plan) => self.carry_out(cx, replica, conn, plan),
        }
    }

    /// Queues what was chosen, what is under way, and NEWLEADER, so that nothing is missed or reordered: all of it in one instant.
    fn carry_out(&mut self, cx: &mut Cx, replica: &mut Replica, conn: ConnId, plan: SyncPlan) {
        let (new_leader, configuration) = (self.epoch.first_zxid(), self.configuration_for_learner(cx, replica));
        let Some(position) = self.position(conn) else {
            return;
        };
        let handler = &mut self.handlers[position];
        let learner = handler.sid().unwrap_or(ServerId::NOBODY);
        cx.note(Note::SyncChosen { learner, how: plan.how, peer: handler.peer, zxid: plan.zxid, row: plan.row });
        match plan.how {
            SyncHow::Diff => handler.queue(cx, QuorumKind::Diff, plan.zxid, QuorumData::Empty),
            SyncHow::Trunc => handler.queue(cx, QuorumKind::Trunc, plan.zxid, QuorumData::Empty),
            // Not by the queue: the handler's own thread writes the tree before the sender starts.
            SyncHow::Snap => handler.stage = HandlerStage::Streaming,
        }
        plan.txns.iter().for_each(|txn| queue_committed(cx, handler, txn));
        // What it acknowledged before it was cut counts on for ZooKeeper.
        if !cx.bugs.has(Bug::TruncatedAcks) {
            self.proposals.retract(learner, plan.forward_after);
        }
        // ZOOKEEPER-962: a step of its own, later.
        if cx.bugs.has(Bug::Zk962) {
            handler.forwards_from = Some(plan.forward_after);
        } else {
            start_forwarding(cx, &self.proposals, handler, plan.forward_after);
        }
        // ZOOKEEPER-3104: what is proposed while the tree is written comes behind NEWLEADER.
        if cx.bugs.has(Bug::Zk3104) && plan.how == SyncHow::Snap {
            handler.queue(cx, QuorumKind::NewLeader, new_leader, configuration);
        }
        // While the handler's thread writes it does not read.
        cx.disarm(Timer::LearnerRead(conn));
        if plan.how == SyncHow::Snap || handler.forwards_from.is_some() {
            handler.wake(cx);
        } else {
            self.send_new_leader(cx, replica, position);
        }
    }

    /// The end of the synchronisation; the sender starts, and the ACK is awaited.
    fn send_new_leader(&mut self, cx: &mut Cx, replica: &mut Replica, position: usize) {
        let (new_leader, limit) = (self.epoch.first_zxid(), self.config.init_time());
        let configuration = self.configuration_for_learner(cx, replica);
        let handler = &mut self.handlers[position];
        let conn = handler.conn;
        if let Some(from) = handler.forwards_from.take() {
            start_forwarding(cx, &self.proposals, handler, from);
        }
        if !(cx.bugs.has(Bug::Zk3104) && handler.stage == HandlerStage::Streaming) {
            handler.queue(cx, QuorumKind::NewLeader, new_leader, configuration);
        }
        handler.stage = HandlerStage::Syncing;
        handler.start_sending(cx);
        // ZOOKEEPER-1270 is of a time when the handler's own thread wrote all this.
        if cx.bugs.has(Bug::Zk1270) {
            handler.send_queued(cx);
        }
        cx.arm(Timer::LearnerRead(conn), limit);
        self.resume(cx, replica, conn);
    }

    /// The thread behind a learner's connection has its turn: a part of the tree, or all that is queued.
    pub fn on_sender(&mut self, cx: &mut Cx, replica: &mut Replica, learner: ServerId) {
        for position in 0..self.handlers.len() {
            let Some(handler) = self.handlers.get_mut(position).filter(|handler| handler.sid() == Some(learner)) else {
                continue;
            };
            if !handler.wakes_up() {
                continue;
            }
            match handler.stage {
                HandlerStage::Streaming => self.stream(cx, replica, position),
                _ if handler.forwards_from.is_some() => self.send_new_leader(cx, replica, position),
                _ => handler.send_queued(cx),
            }
        }
    }

    /// One part of the tree, as it is now. Its zxid is that of the first part: transactions applied since may be in it or not.
    fn stream(&mut self, cx: &mut Cx, replica: &mut Replica, position: usize) {
        let database = &replica.database;
        let handler = &mut self.handlers[position];
        let walker = handler.walker.get_or_insert_with(|| Box::new(SnapshotWalker::stream(database)));
        let zxid = walker.zxid();
        let bytes = walker.next(database, NODES_PER_PART);
        // ZooKeeper ends the stream with a signature, we with an empty part.
        let last = bytes.is_none();
        let data = QuorumData::Snapshot { bytes: bytes.unwrap_or_default(), last };
        cx.send(handler.conn, Packet::Quorum { kind: QuorumKind::Snap, zxid, data });
        if !last {
            return handler.wake(cx);
        }
        handler.walker = None;
        self.send_new_leader(cx, replica, position);
    }
}

/// From this instant on the learner is told what is proposed and committed; what is under way behind `from` it is told at once.
fn start_forwarding(cx: &mut Cx, proposals: &Proposals, handler: &mut Handler, from: Zxid) {
    if proposals.last_proposed > from {
        proposals.to_be_applied(from).for_each(|proposal| queue_committed(cx, handler, proposal));
        if handler.follows() {
            for proposal in proposals.outstanding(from) {
                handler.queue(cx, QuorumKind::Proposal, proposal.zxid(), QuorumData::Txn(proposal.clone()));
            }
        }
    }
    handler.is_forwarding = true;
}

/// A transaction that is committed already: PROPOSAL and COMMIT.
fn queue_committed(cx: &mut Cx, handler: &mut Handler, proposal: &Arc<Proposal>) {
    handler.queue(cx, QuorumKind::Proposal, proposal.zxid(), QuorumData::Txn(proposal.clone()));
    handler.queue(cx, QuorumKind::Commit, proposal.zxid(), QuorumData::Empty);
}
