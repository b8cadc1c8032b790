//! The leader's side. Source: `Leader`, `LearnerHandler`; zab reference §2, §3, §4, §6, §8.

mod age_check;
mod broadcast;
mod discovery;
mod handler;
mod proposals;
mod reconfiguration;
mod synchronization;
mod ticks;

use std::collections::VecDeque;
use std::sync::Arc;

use crate::actor::{Cx, Effect};
use crate::proto::{Config, ConnId, Epoch, Micros, Packet, Port, Proposal, QuorumData, QuorumKind, ServerId, Timer, Vote, Zxid};
use crate::store::Image;
use crate::trace::{LookingReason, Note, Surprise};

use super::quorums::Quorums;
use super::voters::ServerSet;
use super::{Replica, RoleEvent};
use handler::{Handler, HandlerStage, Identity};
use proposals::Proposals;

/// A server that was elected, until it stops leading.
#[derive(Clone, Debug)]
pub struct Leader {
    me: ServerId,
    config: Arc<Config>,
    quorums: Quorums,
    /// A reconfiguration that is proposed once its configuration is on this server's disk. Nothing else is proposed meanwhile.
    reconfiguring: Option<Arc<Proposal>>,
    /// Where its history ended when it began to lead, and the epoch of that: what learners are compared with.
    summary: (Epoch, Zxid),
    phase: Phase,
    /// Its own thread still sleeps after the epoch was fixed, while handlers go on: ZOOKEEPER-1270.
    oversleeps: bool,
    /// The largest accepted epoch heard so far, plus one; fixed when a quorum has told.
    epoch: Epoch,
    /// Who told an accepted epoch, who acknowledged the new one, who acknowledged NEWLEADER: participants only.
    connecting: ServerSet,
    electing: ServerSet,
    acknowledged: ServerSet,
    /// In the order in which they connected.
    handlers: Vec<Handler>,
    proposals: Proposals,
    /// When it began to wait for an epoch quorum, on its own clock.
    waiting_since: Micros,
    half_ticks: u64,
    tick: u64,
    events: VecDeque<RoleEvent>,
    /// It told that it leaves: nothing more happens to it.
    is_over: bool,
}

/// How far the leader itself is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Phase {
    /// Its own database is written down first; learners that connect wait.
    TakingSnapshot,
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

impl Leader {
    pub fn start(cx: &mut Cx, me: ServerId, replica: &mut Replica, vote: Vote) -> Leader {
        cx.note(Note::LeadingStarted { vote });
        cx.emit(Effect::Listen(Port::Quorum));
        replica.snapshotter.take(cx, &replica.database, Image::Leading);
        let config = replica.config.clone();
        Leader {
            me,
            quorums: reconfiguration::quorums(cx, replica),
            reconfiguring: None,
            summary: (replica.epochs.current, replica.last_zxid()),
            phase: Phase::TakingSnapshot,
            oversleeps: false,
            epoch: Epoch(-1),
            connecting: ServerSet::default(),
            electing: ServerSet::default(),
            acknowledged: ServerSet::default(),
            handlers: Vec::new(),
            proposals: Proposals::new(Zxid::ZERO),
            waiting_since: cx.now,
            half_ticks: 0,
            tick: 0,
            events: VecDeque::new(),
            is_over: false,
            config,
        }
    }

    /// The next thing that it tells the server.
    #[inline]
    pub fn next_event(&mut self) -> Option<RoleEvent> {
        self.events.pop_front()
    }

    /// The zxid it proposed last: (epoch, 0) before the first; `None` before it has an epoch.
    pub fn last_proposed(&self) -> Option<Zxid> {
        (self.phase > Phase::WritingAcceptedEpoch).then_some(self.proposals.last_proposed)
    }

    pub fn on_accepted(&mut self, cx: &mut Cx, conn: ConnId) {
        let deadline = self.tick + u64::from(self.config.init_limit + self.config.sync_limit);
        self.handlers.push(Handler::new(conn, deadline));
        cx.arm(Timer::LearnerRead(conn), self.config.init_time());
    }

    /// Whether this is the connection of one of its learners.
    pub fn owns(&self, conn: ConnId) -> bool {
        self.position(conn).is_some()
    }

    fn position(&self, conn: ConnId) -> Option<usize> {
        self.handlers.iter().position(|handler| handler.conn == conn)
    }

    fn handler(&mut self, conn: ConnId) -> Option<&mut Handler> {
        self.handlers.iter_mut().find(|handler| handler.conn == conn)
    }

    fn connections_at(&self, stage: HandlerStage) -> Vec<ConnId> {
        self.handlers.iter().filter(|handler| handler.stage == stage).map(|handler| handler.conn).collect()
    }

    /// A packet of a learner. While its handler waits for others it stays in the socket.
    pub fn on_packet(&mut self, cx: &mut Cx, replica: &mut Replica, conn: ConnId, kind: QuorumKind, zxid: Zxid, data: QuorumData) {
        let Some(position) = self.position(conn) else {
            return;
        };
        let handler = &mut self.handlers[position];
        if handler.stage == HandlerStage::UpToDate {
            self.on_learner_packet(cx, position, kind, zxid, data);
        } else if handler.is_waiting() || self.phase == Phase::TakingSnapshot {
            handler.inbox.push_back(Packet::Quorum { kind, zxid, data });
        } else {
            self.read_early(cx, replica, conn, kind, zxid, data);
        }
    }

    /// The handler does not wait any more: it reads what came meanwhile.
    fn resume(&mut self, cx: &mut Cx, replica: &mut Replica, conn: ConnId) {
        while let Some(position) = self.position(conn).filter(|position| !self.handlers[*position].is_waiting())
            && let Some(Packet::Quorum { kind, zxid, data }) = self.handlers[position].inbox.pop_front()
        {
            if self.handlers[position].stage == HandlerStage::UpToDate {
                self.on_learner_packet(cx, position, kind, zxid, data);
            } else {
                self.read_early(cx, replica, conn, kind, zxid, data);
            }
        }
    }

    /// A packet of a learner that is not up to date yet.
    #[cold]
    #[inline(never)]
    fn read_early(&mut self, cx: &mut Cx, replica: &mut Replica, conn: ConnId, kind: QuorumKind, zxid: Zxid, data: QuorumData) {
        let Some(handler) = self.handler(conn) else {
            return;
        };
        match handler.stage {
            HandlerStage::Syncing => self.on_ack_new_leader(cx, replica, conn, kind, zxid),
            stage => {
                cx.arm(Timer::LearnerRead(conn), self.config.init_time());
                match (stage, kind, data) {
                    (HandlerStage::Connected, QuorumKind::FollowerInfo | QuorumKind::ObserverInfo, QuorumData::LearnerInfo { sid, config }) => {
                        // It would go back to a configuration that is no longer in force.
                        if config > replica.configuration.current().version {
                            return self.refuse(cx, conn, zxid);
                        }
                        self.on_learner_info(cx, replica, conn, kind, sid, zxid.epoch());
                    }
                    (HandlerStage::OfferedEpoch, QuorumKind::AckEpoch, QuorumData::CurrentEpoch(epoch)) => {
                        self.on_ack_epoch(cx, replica, conn, epoch, zxid);
                    }
                    _ => self.refuse(cx, conn, zxid),
                }
            }
        }
    }

    /// A packet that the handler's thread does not expect ends it.
    fn refuse(&mut self, cx: &mut Cx, conn: ConnId, zxid: Zxid) {
        cx.note(Note::Unexpected { what: Surprise::State, zxid, expected: self.epoch.first_zxid() });
        self.drop_handler(cx, conn);
    }

    /// The window of a learner's connection is full, or takes bytes again.
    pub fn on_window(&mut self, cx: &mut Cx, conn: ConnId, is_full: bool) {
        if let Some(handler) = self.handler(conn) {
            handler.on_window(cx, is_full);
        }
    }

    /// Nothing was read from a learner for too long. The timer of one that is up to date is not set again for each of its packets: if any
    /// came, it gets the rest of its time.
    pub fn on_read_timeout(&mut self, cx: &mut Cx, conn: ConnId) {
        let limit = self.config.sync_time();
        let up_to_date = self.handler(conn).filter(|handler| handler.stage == HandlerStage::UpToDate);
        match up_to_date.map(|handler| handler.heard + limit).filter(|over_at| *over_at > cx.now) {
            Some(over_at) => cx.arm(Timer::LearnerRead(conn), over_at - cx.now),
            None => self.drop_handler(cx, conn),
        }
    }

    fn drop_handler(&mut self, cx: &mut Cx, conn: ConnId) {
        if self.position(conn).is_some() {
            self.on_closed(cx, conn);
            cx.emit(Effect::Close(conn));
        }
    }

    pub fn on_closed(&mut self, cx: &mut Cx, conn: ConnId) {
        if let Some(position) = self.position(conn) {
            self.handlers.remove(position);
            cx.disarm(Timer::LearnerRead(conn));
        }
    }

    fn leave(&mut self, why: LookingReason) {
        if !self.is_over {
            self.is_over = true;
            self.events.push_back(RoleEvent::Leave(why));
        }
    }

    /// It stops leading: nobody may connect, every learner is let go.
    pub fn shut_down(&mut self, cx: &mut Cx) {
        cx.emit(Effect::Unlisten(Port::Quorum));
        cx.disarm(Timer::LeaderWait);
        cx.disarm(Timer::HalfTick);
        let open: Vec<ConnId> = self.handlers.iter().map(|handler| handler.conn).collect();
        open.into_iter().for_each(|conn| self.drop_handler(cx, conn));
    }
}
