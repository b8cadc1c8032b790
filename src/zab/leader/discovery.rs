//! From an election to an established leader: an epoch larger than any a quorum has accepted, and a quorum that has its history. Source:
//! `Leader.lead`, `getEpochToPropose`, `waitForEpochAck`, `waitForNewLeaderAck`, `startZkServer`; zab reference §2, §3.

use crate::actor::Cx;
use crate::bugs::Bug;
use crate::proto::{ConnId, Epoch, Micros, Packet, QuorumData, QuorumKind, ServerId, Stage, Timer, Zxid};
use crate::store::Progress;
use crate::trace::{LookingReason, Note, Surprise};
use crate::zab::Replica;
use crate::zab::voters::ServerSet;

use super::{HandlerStage, Identity, Leader, Phase, Proposals, RoleEvent};

impl Leader {
    /// The snapshot of its own database is a file: the handlers start, and it tells its own accepted epoch.
    pub fn on_snapshot_taken(&mut self, cx: &mut Cx, replica: &mut Replica) {
        if self.phase != Phase::TakingSnapshot {
            return;
        }
        self.waiting_since = cx.now;
        cx.arm(Timer::LeaderWait, self.config.init_time());
        self.phase = Phase::WaitingForEpoch;
        if cx.bugs.has(Bug::Zk335) {
            self.take_epoch(cx, replica);
        } else {
            self.hear_accepted_epoch(cx, replica, self.me, true, replica.epochs.accepted);
        }
        for conn in self.connections_at(HandlerStage::Connected) {
            self.resume(cx, replica, conn);
        }
    }

    /// ZOOKEEPER-335: the epoch after that of its own last zxid, whatever others have accepted.
    fn take_epoch(&mut self, cx: &mut Cx, replica: &mut Replica) {
        self.epoch = replica.last_zxid().epoch().next();
        cx.note(Note::EpochProposed { epoch: self.epoch, quorum: vec![self.me] });
        self.wait_for_epoch_acks(cx, replica);
    }

    /// FOLLOWERINFO or OBSERVERINFO: the learner tells the highest epoch that it promised.
    pub(super) fn on_learner_info(&mut self, cx: &mut Cx, replica: &mut Replica, conn: ConnId, kind: QuorumKind, sid: ServerId, accepted: Epoch) {
        let follows = kind == QuorumKind::FollowerInfo;
        let counts = self.counts(cx, sid, follows);
        if let Some(handler) = self.handler(conn) {
            handler.learner = Some(Identity { sid, counts, follows });
            handler.stage = HandlerStage::ToldEpoch;
        }
        self.hear_accepted_epoch(cx, replica, sid, counts, accepted);
        if self.phase >= Phase::WaitingForEpochAcks {
            self.offer_epoch(cx, conn);
        }
    }

    /// The new epoch is larger than any that a quorum, this server in it, has accepted.
    fn hear_accepted_epoch(&mut self, cx: &mut Cx, replica: &mut Replica, sid: ServerId, counts: bool, accepted: Epoch) {
        if self.phase != Phase::WaitingForEpoch {
            return;
        }
        if accepted >= self.epoch {
            self.epoch = accepted.next();
        }
        if counts {
            self.connecting.insert(sid);
        }
        if self.is_quorum(cx, &self.connecting) {
            self.phase = Phase::WritingAcceptedEpoch;
            cx.note(Note::EpochProposed { epoch: self.epoch, quorum: self.connecting.to_vec() });
            replica.epochs.write_accepted(cx, self.epoch);
            // ZOOKEEPER-1291: told before it is durable.
            if cx.bugs.has(Bug::Zk1291) {
                self.wait_for_epoch_acks(cx, replica);
            }
        }
    }

    /// Whether a server has a say. ZOOKEEPER-764: whoever calls itself a follower has.
    pub(super) fn counts(&self, cx: &Cx, sid: ServerId, follows: bool) -> bool {
        if cx.bugs.has(Bug::Zk764) { follows } else { self.quorums.contains(sid) }
    }

    /// Leader included, a quorum of the configuration in force. (ZOOKEEPER-1270: whether the leader itself is in it is not asked.) Observers
    /// are never in these sets.
    fn is_quorum(&self, cx: &Cx, set: &ServerSet) -> bool {
        (set.contains(self.me) || cx.bugs.has(Bug::Zk1270)) && self.quorums.decide(set)
    }

    /// A write of this server's own epochs ended.
    pub fn on_written(&mut self, cx: &mut Cx, replica: &mut Replica, progress: Progress) {
        match (self.phase, progress) {
            (_, Progress::Failed(..)) => self.leave(LookingReason::DiskError),
            (Phase::WritingAcceptedEpoch, Progress::Written(..)) if replica.epochs.accepted == self.epoch => self.wait_for_epoch_acks(cx, replica),
            (Phase::WaitingForNewLeaderAcks, Progress::Written(..)) if replica.epochs.current == self.epoch => self.acknowledge_own(cx, replica),
            _ => {}
        }
    }

    /// Its own NEWLEADER counts once the epoch, and the configuration that comes with it, are on its disk.
    pub(super) fn acknowledge_own(&mut self, cx: &mut Cx, replica: &mut Replica) {
        if replica.epochs.current == self.epoch && !replica.configuration.is_writing() {
            self.acknowledged.insert(self.me);
            self.test_new_leader_quorum(cx, replica);
        }
    }

    /// The epoch is fixed, and its first zxid with it.
    fn wait_for_epoch_acks(&mut self, cx: &mut Cx, replica: &mut Replica) {
        self.phase = Phase::WaitingForEpochAcks;
        cx.arm(Timer::LeaderWait, self.config.init_time());
        // ZOOKEEPER-1319: lastProposed stays at zero until the first proposal.
        self.proposals = Proposals::new(if cx.bugs.has(Bug::Zk1319) { Zxid::ZERO } else { self.epoch.first_zxid() });
        // ZOOKEEPER-790: and so does the zxid it claims to have processed, before anybody supports it.
        if cx.bugs.has(Bug::Zk790) {
            replica.database.last_processed = self.epoch.first_zxid();
        }
        self.confirm_first_configuration(cx, replica);
        for conn in self.connections_at(HandlerStage::ToldEpoch) {
            self.offer_epoch(cx, conn);
        }
        if cx.bugs.has(Bug::Zk1270) {
            self.oversleeps = true;
            return cx.wake(Stage::QuorumPeer);
        }
        self.electing.insert(self.me);
        self.test_epoch_quorum(cx, replica);
    }

    /// ZOOKEEPER-1270: the leader's own thread comes to the epoch acknowledgements after the learners, which may not have waited for it.
    pub fn on_own_thread(&mut self, cx: &mut Cx, replica: &mut Replica) {
        if !std::mem::take(&mut self.oversleeps) {
            return;
        }
        self.electing.insert(self.me);
        match self.phase {
            Phase::WaitingForNewLeaderAcks => self.write_current_epoch(cx, replica),
            _ => self.test_epoch_quorum(cx, replica),
        }
    }

    fn offer_epoch(&mut self, cx: &mut Cx, conn: ConnId) {
        let zxid = self.epoch.first_zxid();
        if let Some(handler) = self.handler(conn) {
            handler.stage = HandlerStage::OfferedEpoch;
            cx.send(conn, Packet::quorum(QuorumKind::LeaderInfo, zxid));
        }
    }

    /// A learner's history must not be newer than this leader's, as long as the quorum is not complete.
    pub(super) fn on_ack_epoch(&mut self, cx: &mut Cx, replica: &mut Replica, conn: ConnId, current: Option<Epoch>, zxid: Zxid) {
        let Some(Identity { sid, counts, .. }) = self.handler(conn).and_then(|handler| handler.learner) else {
            return;
        };
        if self.phase == Phase::WaitingForEpochAcks
            && let Some(epoch) = current
        {
            let (own_epoch, own_zxid) = self.summary;
            if (epoch, zxid) > self.summary {
                cx.note(Note::NewerLearnerRefused { learner: sid, epoch, zxid, own_epoch, own_zxid });
                return self.drop_handler(cx, conn);
            }
            if counts && zxid != Zxid::UNTRUSTED {
                self.electing.insert(sid);
            }
        }
        if let Some(handler) = self.handler(conn) {
            handler.peer = zxid;
            handler.stage = HandlerStage::AckedEpoch;
        }
        match self.phase {
            Phase::WaitingForEpochAcks => self.test_epoch_quorum(cx, replica),
            _ => self.synchronize(cx, replica, conn),
        }
    }

    /// With a quorum of acknowledgements the handlers go on, and the leader writes its own currentEpoch at the same time.
    fn test_epoch_quorum(&mut self, cx: &mut Cx, replica: &mut Replica) {
        // ZOOKEEPER-1192: the wait looks at the flag of the wait before it, which is over.
        if !self.is_quorum(cx, &self.electing) && !cx.bugs.has(Bug::Zk1192) {
            return;
        }
        self.phase = Phase::WaitingForNewLeaderAcks;
        cx.arm(Timer::LeaderWait, self.config.init_time());
        if !self.oversleeps {
            self.write_current_epoch(cx, replica);
        }
        if cx.bugs.has(Bug::MutantServesEarly) {
            self.events.push_back(RoleEvent::Serves(self.epoch));
        }
        for conn in self.connections_at(HandlerStage::AckedEpoch) {
            self.synchronize(cx, replica, conn);
        }
        self.test_new_leader_quorum(cx, replica);
    }

    /// Durable before it counts for its own NEWLEADER.
    fn write_current_epoch(&mut self, cx: &mut Cx, replica: &mut Replica) {
        // ZOOKEEPER-335: there is no such file.
        if cx.bugs.has(Bug::Zk335) {
            replica.epochs.current = self.epoch;
            self.acknowledged.insert(self.me);
        } else {
            replica.epochs.write_current(cx, self.epoch);
        }
    }

    /// The first packet after the synchronisation, which must be an ACK, and should be that of NEWLEADER.
    pub(super) fn on_ack_new_leader(&mut self, cx: &mut Cx, replica: &mut Replica, conn: ConnId, kind: QuorumKind, zxid: Zxid) {
        let (expected, limit) = (self.epoch.first_zxid(), self.config.init_time());
        // ZOOKEEPER-1270: nobody has set up what it would be counted for.
        let is_lost = self.oversleeps;
        let Some(handler) = self.handler(conn) else {
            return;
        };
        if kind != QuorumKind::Ack {
            return self.refuse(cx, conn, zxid);
        }
        handler.stage = HandlerStage::AckedNewLeader;
        handler.age.start();
        cx.arm(Timer::LearnerRead(conn), limit);
        let learner = handler.learner;
        // Another ACK is taken for it, and not counted: nobody will count the right one (ZOOKEEPER-4685).
        if zxid != expected {
            cx.note(Note::Unexpected { what: Surprise::Ack, zxid, expected });
        } else if let Some(Identity { sid, counts: true, .. }) = learner.filter(|_| !is_lost) {
            self.acknowledged.insert(sid);
        }
        if self.phase == Phase::Serving {
            return self.send_up_to_date(cx, replica, conn);
        }
        self.test_new_leader_quorum(cx, replica);
    }

    /// Established: the initial history is committed with this, and the epoch's first zxid is set.
    fn test_new_leader_quorum(&mut self, cx: &mut Cx, replica: &mut Replica) {
        let has_both = self.is_quorum(cx, &self.acknowledged) && self.quorums.decide_both(&self.acknowledged);
        if self.phase != Phase::WaitingForNewLeaderAcks || !has_both {
            return;
        }
        self.phase = Phase::Serving;
        self.proposals.last_committed = self.epoch.first_zxid();
        replica.database.last_processed = self.epoch.first_zxid();
        cx.disarm(Timer::LeaderWait);
        cx.note(Note::Established { epoch: self.epoch, quorum: self.acknowledged.to_vec() });
        self.complete_configuration(cx);
        if !cx.bugs.has(Bug::MutantServesEarly) {
            self.events.push_back(RoleEvent::Serves(self.epoch));
        }
        for conn in self.connections_at(HandlerStage::AckedNewLeader) {
            self.send_up_to_date(cx, replica, conn);
        }
        cx.arm(Timer::HalfTick, self.half_tick());
    }

    fn send_up_to_date(&mut self, cx: &mut Cx, replica: &mut Replica, conn: ConnId) {
        let limit = self.config.sync_time();
        if let Some(handler) = self.handler(conn) {
            cx.arm(Timer::LearnerRead(conn), limit);
            handler.heard = cx.now;
            handler.stage = HandlerStage::UpToDate;
            handler.queue(cx, QuorumKind::UpToDate, Zxid::UNTRUSTED, QuorumData::Empty);
            self.resume(cx, replica, conn);
        }
    }

    /// The wait for an epoch quorum, for its acknowledgements, or for those of NEWLEADER took longer than initLimit.
    pub fn on_wait_timeout(&mut self) {
        if self.phase != Phase::Serving {
            self.leave(LookingReason::NoQuorumInTime);
        }
    }

    /// A voter looks for a leader while this one still waits for its epoch quorum (ZOOKEEPER-3109): it gives up, if it waited long enough.
    ///
    /// Any voter does: the code has the votes that elected it at hand and does not look whether this voter's was among them.
    pub fn report_looking(&mut self, cx: &mut Cx, voter: ServerId) {
        let Some(limit) = self.config.max_time_to_wait_for_epoch.filter(|_| !cx.bugs.has(Bug::Zk3109)) else {
            return;
        };
        let waited: Micros = cx.now - self.waiting_since;
        if self.phase == Phase::WaitingForEpoch && waited > limit && self.quorums.contains(voter) {
            cx.note(Note::AbandonedBy { voter, waited });
            self.leave(LookingReason::Abandoned);
        }
    }
}
