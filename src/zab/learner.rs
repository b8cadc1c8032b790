//! The learner's side, follower or observer. Source: `Learner`, `Follower.followLeader`, `Observer.observeLeader`; zab reference §2, §5.

use std::sync::Arc;

use crate::actor::{Cx, Effect};
use crate::bugs::Bug;
use crate::proto::{Config, ConnId, Epoch, LearnerType, Micros, Packet, PeerState, Port, QuorumData, QuorumKind, ServerId, SmallFile, Timer, Zxid};
use crate::store::{Durable, Progress};
use crate::trace::{LookingReason, Note};

use super::RoleEvent;

/// Tries to reach the leader. Source: `Learner.connectToLeader`.
const CONNECT_TRIES: u32 = 5;

/// A server that follows or observes a leader, until one of them stops.
#[derive(Clone, Debug)]
pub struct Learner {
    me: ServerId,
    config: Arc<Config>,
    leader: ServerId,
    role: LearnerType,
    conn: Option<ConnId>,
    phase: Phase,
    tries: u32,
    /// When the budget for connecting runs out, on its own clock.
    connect_by: Micros,
    /// The leader's epoch, from LEADERINFO on.
    epoch: Epoch,
    /// Where the leader's history ends, from DIFF on.
    synced_to: Zxid,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Connecting,
    /// FOLLOWERINFO is sent.
    Registering,
    /// The promise is being written; ACKEPOCH waits for it.
    WritingAcceptedEpoch,
    /// ACKEPOCH is sent: packets of synchronisation come.
    Syncing,
    /// NEWLEADER came: history and currentEpoch are being written; ACK waits for them.
    WritingCurrentEpoch,
    /// ACK of NEWLEADER is sent.
    WaitingForUpToDate,
    Serving,
}

impl Learner {
    pub fn start(cx: &mut Cx, me: ServerId, config: Arc<Config>, leader: ServerId, role: LearnerType) -> Learner {
        cx.note(Note::FollowingStarted { leader, role });
        let connect_by = cx.now + config.connect_time();
        let (conn, epoch) = (None, Epoch(0));
        let mut learner = Learner { me, config, leader, role, conn, phase: Phase::Connecting, tries: 0, connect_by, epoch, synced_to: Zxid::ZERO };
        learner.connect(cx);
        learner
    }

    /// One try takes at most `syncLimit` and what is left of the budget.
    fn connect(&mut self, cx: &mut Cx) {
        self.tries += 1;
        let timeout = self.connect_by.saturating_sub(cx.now).min(self.config.sync_time());
        cx.emit(Effect::Dial { to: self.leader, port: Port::Quorum, timeout });
    }

    pub fn on_dial_failed(&mut self, cx: &mut Cx) -> Option<RoleEvent> {
        cx.note(Note::LeaderUnreachable { leader: self.leader, attempt: self.tries });
        if self.tries >= CONNECT_TRIES || cx.now >= self.connect_by {
            return Some(RoleEvent::Leave(LookingReason::LeaderUnreachable));
        }
        cx.arm(Timer::LeaderConnect, self.config.leader_connect_delay);
        None
    }

    pub fn on_connect_timer(&mut self, cx: &mut Cx) {
        self.connect(cx);
    }

    /// Says who it is and which epoch it promised. Source: `registerWithLeader`.
    pub fn on_connected(&mut self, cx: &mut Cx, durable: &Durable, conn: ConnId) {
        self.conn = Some(conn);
        self.phase = Phase::Registering;
        let kind = match self.role {
            LearnerType::Participant => QuorumKind::FollowerInfo,
            LearnerType::Observer => QuorumKind::ObserverInfo,
        };
        let data = QuorumData::LearnerInfo(self.me);
        cx.send(conn, Packet::Quorum { kind, zxid: durable.accepted_epoch.first_zxid(), data });
        cx.arm(Timer::LeaderRead, self.config.init_time());
    }

    /// Whether this is its connection to the leader.
    pub fn owns(&self, conn: ConnId) -> bool {
        self.conn == Some(conn)
    }

    pub fn on_packet(&mut self, cx: &mut Cx, durable: &mut Durable, packet: &Packet) -> Option<RoleEvent> {
        let Packet::Quorum { kind, zxid, .. } = packet else {
            return None;
        };
        let synced = matches!(self.phase, Phase::WaitingForUpToDate | Phase::Serving);
        cx.arm(Timer::LeaderRead, if synced { self.config.sync_time() } else { self.config.init_time() });
        match kind {
            QuorumKind::LeaderInfo => return self.on_leader_info(cx, durable, zxid.epoch()),
            QuorumKind::Diff => self.synced_to = *zxid,
            QuorumKind::NewLeader => self.on_new_leader(cx, durable),
            QuorumKind::UpToDate => return Some(self.on_up_to_date(cx)),
            // While syncing a PING is read and not answered: it only keeps the read timeout from firing.
            QuorumKind::Ping if self.phase == Phase::Serving => self.send(cx, Packet::quorum(QuorumKind::Ping, *zxid)),
            _ => {}
        }
        None
    }

    /// A larger epoch is promised, on disk, before the answer; one promised before is not counted again; a smaller one is refused.
    fn on_leader_info(&mut self, cx: &mut Cx, durable: &mut Durable, epoch: Epoch) -> Option<RoleEvent> {
        let before = durable.accepted_epoch;
        self.epoch = epoch;
        if epoch < before {
            cx.note(Note::EpochRefused { epoch, promised: before, leader: self.leader });
            return Some(RoleEvent::Leave(LookingReason::LowerEpoch));
        }
        if epoch == before {
            self.ack_epoch(cx, durable, None);
            return None;
        }
        cx.note(Note::EpochAccepted { epoch, leader: self.leader, before });
        if cx.bugs.has(Bug::MutantEpochForgotten) {
            durable.accepted_epoch = epoch;
            self.ack_epoch(cx, durable, Some(durable.current_epoch));
        } else {
            self.phase = Phase::WritingAcceptedEpoch;
            durable.write_accepted_epoch(cx, epoch);
        }
        None
    }

    fn ack_epoch(&mut self, cx: &mut Cx, durable: &Durable, current: Option<Epoch>) {
        self.phase = Phase::Syncing;
        let data = QuorumData::CurrentEpoch(current);
        self.send(cx, Packet::Quorum { kind: QuorumKind::AckEpoch, zxid: durable.last_zxid, data });
    }

    /// History first, then currentEpoch, then ACK: a server never claims an epoch whose history it does not have (ZOOKEEPER-4643).
    fn on_new_leader(&mut self, cx: &mut Cx, durable: &mut Durable) {
        self.phase = Phase::WritingCurrentEpoch;
        if durable.last_zxid != self.synced_to {
            durable.write_last_zxid(cx, self.synced_to);
        }
        durable.write_current_epoch(cx, self.epoch);
    }

    /// A write of this server's files ended.
    pub fn on_written(&mut self, cx: &mut Cx, durable: &Durable, progress: Progress) -> Option<RoleEvent> {
        match (self.phase, progress) {
            (_, Progress::Failed(..)) => return Some(RoleEvent::Leave(LookingReason::DiskError)),
            (Phase::WritingAcceptedEpoch, Progress::Written(SmallFile::AcceptedEpoch, _)) => self.ack_epoch(cx, durable, Some(durable.current_epoch)),
            (Phase::WritingCurrentEpoch, Progress::Written(SmallFile::CurrentEpoch, _)) => {
                self.phase = Phase::WaitingForUpToDate;
                cx.note(Note::Synced { leader: self.leader, epoch: self.epoch, zxid: self.synced_to, role: self.role });
                self.send(cx, Packet::quorum(QuorumKind::Ack, self.epoch.first_zxid()));
                cx.arm(Timer::LeaderRead, self.config.sync_time());
            }
            _ => {}
        }
        None
    }

    /// UPTODATE: it serves. The second ACK refreshes its deadline at the leader.
    fn on_up_to_date(&mut self, cx: &mut Cx) -> RoleEvent {
        self.phase = Phase::Serving;
        let state = match self.role {
            LearnerType::Participant => PeerState::Following,
            LearnerType::Observer => PeerState::Observing,
        };
        cx.note(Note::Serving { leader: self.leader, epoch: self.epoch, state });
        self.send(cx, Packet::quorum(QuorumKind::Ack, self.epoch.first_zxid()));
        RoleEvent::Serves(self.epoch)
    }

    fn send(&self, cx: &mut Cx, packet: Packet) {
        if let Some(conn) = self.conn {
            cx.send(conn, packet);
        }
    }

    pub fn shut_down(&mut self, cx: &mut Cx) {
        cx.disarm(Timer::LeaderConnect);
        cx.disarm(Timer::LeaderRead);
        if let Some(conn) = self.conn.take() {
            cx.emit(Effect::Close(conn));
        }
    }
}
