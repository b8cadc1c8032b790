//! The leader's side. Source: `Leader.lead`, `LearnerHandler.run`; zab reference §2, §3, §6.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::actor::{Cx, Effect};
use crate::bugs::Bug;
use crate::election::quorum;
use crate::proto::{Config, ConnId, Epoch, Micros, Packet, Port, QuorumData, QuorumKind, ServerId, Timer, Vote, Zxid};
use crate::store::{Durable, Progress};
use crate::trace::{LookingReason, Note};

use super::RoleEvent;

/// A server that was elected, until it stops leading.
#[derive(Clone, Debug)]
pub struct Leader {
    me: ServerId,
    config: Arc<Config>,
    /// Where its history ended when it began to lead, and the epoch of that: what learners are compared with.
    summary: (Epoch, Zxid),
    phase: Phase,
    /// The largest accepted epoch heard so far, plus one; fixed when a quorum has told.
    epoch: Epoch,
    /// Who told an accepted epoch, who acknowledged the new one, who acknowledged NEWLEADER: participants only.
    connecting: BTreeSet<ServerId>,
    electing: BTreeSet<ServerId>,
    acknowledged: BTreeSet<ServerId>,
    handlers: BTreeMap<ConnId, Handler>,
    /// When it began to wait for an epoch quorum, on its own clock.
    waiting_since: Micros,
    half_ticks: u64,
    tick: u64,
}

/// How far the leader itself is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Phase {
    /// `getEpochToPropose`: until a quorum told its accepted epochs.
    WaitingForEpoch,
    /// The promise is being written; LEADERINFO waits for it.
    WritingAcceptedEpoch,
    /// `waitForEpochAck`.
    WaitingForEpochAcks,
    /// `waitForNewLeaderAck`; its own counts once currentEpoch is written.
    WaitingForNewLeaderAcks,
    /// Established: the tick loop.
    Serving,
}

/// One learner's connection. Source: `LearnerHandler`.
#[derive(Clone, Debug)]
struct Handler {
    /// Who it is and whether it counts, once FOLLOWERINFO or OBSERVERINFO came.
    learner: Option<(ServerId, bool)>,
    stage: HandlerStage,
    /// Last tick at which it still counts as synced.
    tick_of_next_ack_deadline: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum HandlerStage {
    /// Until it said who it is.
    Connected,
    /// It told its accepted epoch and waits for LEADERINFO.
    ToldEpoch,
    /// LEADERINFO is sent.
    OfferedEpoch,
    /// ACKEPOCH came, and the handler waits for a quorum of them.
    AckedEpoch,
    /// DIFF and NEWLEADER are sent.
    Syncing,
    /// It acknowledged NEWLEADER.
    AckedNewLeader,
    /// UPTODATE is sent.
    UpToDate,
}

impl Leader {
    pub fn start(cx: &mut Cx, me: ServerId, config: Arc<Config>, durable: &mut Durable, vote: Vote) -> Leader {
        cx.note(Note::LeadingStarted { vote });
        cx.emit(Effect::Listen(Port::Quorum));
        cx.arm(Timer::LeaderWait, config.init_time());
        let mut leader = Leader {
            me,
            summary: (durable.current_epoch, durable.last_zxid),
            phase: Phase::WaitingForEpoch,
            epoch: Epoch(-1),
            connecting: BTreeSet::new(),
            electing: BTreeSet::new(),
            acknowledged: BTreeSet::new(),
            handlers: BTreeMap::new(),
            waiting_since: cx.now,
            half_ticks: 0,
            tick: 0,
            config,
        };
        leader.hear_accepted_epoch(cx, durable, me, true, durable.accepted_epoch);
        leader
    }

    pub fn on_accepted(&mut self, cx: &mut Cx, conn: ConnId) {
        let deadline = self.tick + u64::from(self.config.init_limit + self.config.sync_limit);
        self.handlers.insert(conn, Handler { learner: None, stage: HandlerStage::Connected, tick_of_next_ack_deadline: deadline });
        cx.arm(Timer::LearnerRead(conn), self.config.init_time());
    }

    pub fn on_packet(&mut self, cx: &mut Cx, durable: &mut Durable, conn: ConnId, packet: &Packet) -> Option<RoleEvent> {
        let handler = self.handlers.get_mut(&conn)?;
        let Packet::Quorum { kind, zxid, data } = packet else {
            return None;
        };
        if handler.stage == HandlerStage::UpToDate {
            handler.tick_of_next_ack_deadline = self.tick + u64::from(self.config.sync_limit);
        }
        let synced = handler.stage >= HandlerStage::AckedNewLeader;
        cx.arm(Timer::LearnerRead(conn), if synced { self.config.sync_time() } else { self.config.init_time() });
        match (kind, data) {
            (QuorumKind::FollowerInfo | QuorumKind::ObserverInfo, QuorumData::LearnerInfo(sid)) => {
                // ZOOKEEPER-764: whoever calls itself a follower is counted as one.
                let claims = *kind == QuorumKind::FollowerInfo;
                let counts = if cx.bugs.has(Bug::Zk764) { claims } else { self.config.membership.is_voter(*sid) };
                self.on_learner_info(cx, durable, conn, *sid, counts, zxid.epoch());
            }
            (QuorumKind::AckEpoch, QuorumData::CurrentEpoch(epoch)) => self.on_ack_epoch(cx, durable, conn, *epoch, *zxid),
            (QuorumKind::Ack, _) if *zxid == self.epoch.first_zxid() => return self.on_ack_new_leader(cx, durable, conn),
            _ => {}
        }
        None
    }

    /// FOLLOWERINFO or OBSERVERINFO: the learner tells the highest epoch that it promised.
    fn on_learner_info(&mut self, cx: &mut Cx, durable: &mut Durable, conn: ConnId, sid: ServerId, counts: bool, accepted: Epoch) {
        if let Some(handler) = self.handlers.get_mut(&conn) {
            handler.learner = Some((sid, counts));
            handler.stage = HandlerStage::ToldEpoch;
        }
        self.hear_accepted_epoch(cx, durable, sid, counts, accepted);
        if self.phase >= Phase::WaitingForEpochAcks {
            self.offer_epoch(cx, conn);
        }
    }

    /// The new epoch is larger than any that a quorum, this server in it, has accepted. Source: `getEpochToPropose`.
    fn hear_accepted_epoch(&mut self, cx: &mut Cx, durable: &mut Durable, sid: ServerId, counts: bool, accepted: Epoch) {
        if self.phase != Phase::WaitingForEpoch {
            return;
        }
        self.epoch = self.epoch.max(accepted.next());
        if counts {
            self.connecting.insert(sid);
        }
        if self.is_quorum(&self.connecting) {
            self.phase = Phase::WritingAcceptedEpoch;
            cx.note(Note::EpochProposed { epoch: self.epoch, quorum: self.connecting.iter().copied().collect() });
            durable.write_accepted_epoch(cx, self.epoch);
        }
    }

    /// Leader included, a quorum. Observers are never in these sets.
    fn is_quorum(&self, set: &BTreeSet<ServerId>) -> bool {
        set.contains(&self.me) && quorum::contains_quorum(&self.config.membership, set)
    }

    /// A write of this server's own epochs ended.
    pub fn on_written(&mut self, cx: &mut Cx, durable: &mut Durable, progress: Progress) -> Option<RoleEvent> {
        match (self.phase, progress) {
            (_, Progress::Failed(..)) => return Some(RoleEvent::Leave(LookingReason::DiskError)),
            (Phase::WritingAcceptedEpoch, Progress::Written(..)) if durable.accepted_epoch == self.epoch => {
                self.phase = Phase::WaitingForEpochAcks;
                cx.arm(Timer::LeaderWait, self.config.init_time());
                let waiting: Vec<ConnId> = self.connections_at(HandlerStage::ToldEpoch);
                waiting.into_iter().for_each(|conn| self.offer_epoch(cx, conn));
                self.electing.insert(self.me);
                self.test_epoch_quorum(cx, durable);
            }
            (Phase::WaitingForNewLeaderAcks, Progress::Written(..)) if durable.current_epoch == self.epoch => {
                self.acknowledged.insert(self.me);
                return self.test_new_leader_quorum(cx, durable);
            }
            _ => {}
        }
        None
    }

    fn connections_at(&self, stage: HandlerStage) -> Vec<ConnId> {
        self.handlers.iter().filter(|(_, handler)| handler.stage == stage).map(|(conn, _)| *conn).collect()
    }

    fn offer_epoch(&mut self, cx: &mut Cx, conn: ConnId) {
        if let Some(handler) = self.handlers.get_mut(&conn) {
            handler.stage = HandlerStage::OfferedEpoch;
            cx.send(conn, Packet::quorum(QuorumKind::LeaderInfo, self.epoch.first_zxid()));
        }
    }

    /// A learner's history must not be newer than this leader's, as long as the quorum is not complete. Source: `waitForEpochAck`.
    fn on_ack_epoch(&mut self, cx: &mut Cx, durable: &mut Durable, conn: ConnId, current: Option<Epoch>, zxid: Zxid) {
        let Some((sid, counts)) = self.handlers.get(&conn).and_then(|handler| handler.learner) else {
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
        if let Some(handler) = self.handlers.get_mut(&conn) {
            handler.stage = HandlerStage::AckedEpoch;
        }
        match self.phase {
            Phase::WaitingForEpochAcks => self.test_epoch_quorum(cx, durable),
            _ => self.synchronize(cx, conn),
        }
    }

    /// With a quorum of acknowledgements the handlers go on, and the leader writes its own currentEpoch at the same time.
    fn test_epoch_quorum(&mut self, cx: &mut Cx, durable: &mut Durable) {
        if !self.is_quorum(&self.electing) {
            return;
        }
        self.phase = Phase::WaitingForNewLeaderAcks;
        cx.arm(Timer::LeaderWait, self.config.init_time());
        durable.write_current_epoch(cx, self.epoch);
        let waiting = self.connections_at(HandlerStage::AckedEpoch);
        waiting.into_iter().for_each(|conn| self.synchronize(cx, conn));
    }

    /// The frame of synchronisation: an empty DIFF, then NEWLEADER.
    fn synchronize(&mut self, cx: &mut Cx, conn: ConnId) {
        if let Some(handler) = self.handlers.get_mut(&conn) {
            handler.stage = HandlerStage::Syncing;
            cx.send(conn, Packet::quorum(QuorumKind::Diff, self.summary.1));
            cx.send(conn, Packet::quorum(QuorumKind::NewLeader, self.epoch.first_zxid()));
        }
    }

    /// ACK of NEWLEADER; a second one, after UPTODATE, only refreshes the learner's deadline.
    fn on_ack_new_leader(&mut self, cx: &mut Cx, durable: &mut Durable, conn: ConnId) -> Option<RoleEvent> {
        let handler = self.handlers.get_mut(&conn).filter(|handler| handler.stage == HandlerStage::Syncing)?;
        handler.stage = HandlerStage::AckedNewLeader;
        cx.arm(Timer::LearnerRead(conn), self.config.sync_time());
        if let Some((sid, true)) = handler.learner {
            self.acknowledged.insert(sid);
        }
        if self.phase == Phase::Serving {
            self.send_up_to_date(cx, conn);
            return None;
        }
        self.test_new_leader_quorum(cx, durable)
    }

    /// Established: the initial history is committed with this, and the epoch's first zxid is set. Source: `startZkServer`.
    fn test_new_leader_quorum(&mut self, cx: &mut Cx, durable: &mut Durable) -> Option<RoleEvent> {
        if self.phase != Phase::WaitingForNewLeaderAcks || !self.is_quorum(&self.acknowledged) {
            return None;
        }
        self.phase = Phase::Serving;
        durable.last_zxid = self.epoch.first_zxid();
        cx.disarm(Timer::LeaderWait);
        cx.note(Note::Established { epoch: self.epoch, quorum: self.acknowledged.iter().copied().collect() });
        for conn in self.connections_at(HandlerStage::AckedNewLeader) {
            self.send_up_to_date(cx, conn);
        }
        cx.arm(Timer::HalfTick, self.half_tick());
        Some(RoleEvent::Serves(self.epoch))
    }

    fn send_up_to_date(&mut self, cx: &mut Cx, conn: ConnId) {
        if let Some(handler) = self.handlers.get_mut(&conn) {
            handler.stage = HandlerStage::UpToDate;
            cx.send(conn, Packet::quorum(QuorumKind::UpToDate, Zxid::UNTRUSTED));
        }
    }

    fn half_tick(&self) -> Micros {
        Micros(self.config.tick_time.0 / 2)
    }

    /// Every second half tick the quorum of synced followers is checked; then everybody is pinged.
    pub fn on_half_tick(&mut self, cx: &mut Cx) -> Option<RoleEvent> {
        self.half_ticks += 1;
        if self.half_ticks.is_multiple_of(2) {
            self.tick += 1;
            if !self.is_quorum(&self.synced()) {
                return Some(RoleEvent::Leave(LookingReason::QuorumLost));
            }
        }
        for (conn, _) in self.handlers.iter().filter(|(_, handler)| handler.stage >= HandlerStage::Syncing) {
            cx.send(*conn, Packet::quorum(QuorumKind::Ping, self.epoch.first_zxid()));
        }
        cx.arm(Timer::HalfTick, self.half_tick());
        None
    }

    /// Learners whose acknowledgement is not overdue, and the leader. Those still syncing count.
    fn synced(&self) -> BTreeSet<ServerId> {
        let in_time = self.handlers.values().filter(|handler| self.tick <= handler.tick_of_next_ack_deadline);
        in_time.filter_map(|handler| handler.learner).filter(|(_, counts)| *counts).map(|(sid, _)| sid).chain([self.me]).collect()
    }

    /// The wait for an epoch quorum, for its acknowledgements, or for those of NEWLEADER took longer than initLimit.
    pub fn on_wait_timeout(&mut self) -> Option<RoleEvent> {
        (self.phase != Phase::Serving).then_some(RoleEvent::Leave(LookingReason::NoQuorumInTime))
    }

    /// A voter looks for a leader while this one still waits for its epoch quorum (ZOOKEEPER-3109): it gives up, if it waited long enough.
    ///
    /// Any voter does: the code has the votes that elected it at hand and does not look whether this voter's was among them.
    pub fn report_looking(&mut self, cx: &mut Cx, voter: ServerId) -> Option<RoleEvent> {
        let limit = self.config.max_time_to_wait_for_epoch.filter(|_| !cx.bugs.has(Bug::Zk3109))?;
        let waited = cx.now - self.waiting_since;
        if self.phase != Phase::WaitingForEpoch || waited <= limit || !self.config.membership.is_voter(voter) {
            return None;
        }
        cx.note(Note::AbandonedBy { voter, waited });
        Some(RoleEvent::Leave(LookingReason::Abandoned))
    }

    /// Nothing was read from a learner for too long.
    pub fn on_read_timeout(&mut self, cx: &mut Cx, conn: ConnId) {
        self.drop_handler(cx, conn);
    }

    fn drop_handler(&mut self, cx: &mut Cx, conn: ConnId) {
        if self.handlers.remove(&conn).is_some() {
            cx.disarm(Timer::LearnerRead(conn));
            cx.emit(Effect::Close(conn));
        }
    }

    pub fn on_closed(&mut self, cx: &mut Cx, conn: ConnId) {
        if self.handlers.remove(&conn).is_some() {
            cx.disarm(Timer::LearnerRead(conn));
        }
    }

    /// It stops leading: nobody may connect, every learner is let go.
    pub fn shut_down(&mut self, cx: &mut Cx) {
        cx.emit(Effect::Unlisten(Port::Quorum));
        cx.disarm(Timer::LeaderWait);
        cx.disarm(Timer::HalfTick);
        let open: Vec<ConnId> = self.handlers.keys().copied().collect();
        open.into_iter().for_each(|conn| self.drop_handler(cx, conn));
    }
}
