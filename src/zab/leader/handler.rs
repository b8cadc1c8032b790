//! One learner's connection, as the leader sees it. Source: `LearnerHandler`.

use std::collections::VecDeque;

use crate::actor::Cx;
use crate::proto::{ConnId, Micros, Packet, QuorumData, QuorumKind, ServerId, Stage, Zxid};
use crate::store::format::SnapshotWalker;

use super::age_check::AgeCheck;

#[derive(Clone, Debug)]
pub(super) struct Handler {
    pub conn: ConnId,
    /// Once FOLLOWERINFO or OBSERVERINFO came.
    pub learner: Option<Identity>,
    pub stage: HandlerStage,
    /// Last tick at which it still counts as synced.
    pub tick_of_next_ack_deadline: u64,
    /// When its last packet came, or UPTODATE was sent.
    pub heard: Micros,
    /// What came while the handler's thread waits for others.
    pub inbox: VecDeque<Packet>,
    /// Its last zxid, as ACKEPOCH told.
    pub peer: Zxid,
    /// Whether it is told what is proposed and committed from now on (`forwardingFollowers`, `observingLearners`).
    pub is_forwarding: bool,
    pub age: AgeCheck,
    /// The walk over the tree that it is sent.
    pub walker: Option<Box<SnapshotWalker>>,
    /// Forwarding is still to start, behind this zxid: ZOOKEEPER-962.
    pub forwards_from: Option<Zxid>,
    sender: Sender,
}

/// Who a learner says it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Identity {
    pub sid: ServerId,
    /// It takes part in quorums.
    pub counts: bool,
    /// It called itself a follower, and is sent proposals; an observer is sent what is committed.
    pub follows: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum HandlerStage {
    /// Until it said who it is.
    Connected,
    /// It told its accepted epoch and waits for LEADERINFO.
    ToldEpoch,
    /// LEADERINFO is sent.
    OfferedEpoch,
    /// ACKEPOCH came, and the handler waits for a quorum of them.
    AckedEpoch,
    /// What it lacks is read from the leader's log.
    ReadingLog,
    /// It is sent the tree, part by part; or (ZOOKEEPER-962) forwarding to it is still to start.
    Streaming,
    /// Everything up to NEWLEADER is queued.
    Syncing,
    /// It acknowledged NEWLEADER, and the handler waits until the leader serves.
    AckedNewLeader,
    /// UPTODATE is queued.
    UpToDate,
}

/// The queue and the thread that empties it (`queuedPackets`, `sendPackets`).
#[derive(Clone, Debug, Default)]
struct Sender {
    queue: VecDeque<Packet>,
    /// The thread runs: once the synchronisation is queued up to NEWLEADER.
    is_started: bool,
    /// Its write does not return: the connection takes no more bytes for now.
    is_blocked: bool,
    /// It was woken and has not run since.
    is_woken: bool,
}

impl Handler {
    pub fn new(conn: ConnId, tick_of_next_ack_deadline: u64) -> Handler {
        Handler {
            conn,
            learner: None,
            stage: HandlerStage::Connected,
            tick_of_next_ack_deadline,
            heard: Micros::ZERO,
            inbox: VecDeque::new(),
            peer: Zxid::ZERO,
            is_forwarding: false,
            age: AgeCheck::default(),
            walker: None,
            forwards_from: None,
            sender: Sender::default(),
        }
    }

    pub fn sid(&self) -> Option<ServerId> {
        self.learner.map(|learner| learner.sid)
    }

    pub fn follows(&self) -> bool {
        self.learner.is_some_and(|learner| learner.follows)
    }

    /// Its thread waits for something else than the next packet.
    pub fn is_waiting(&self) -> bool {
        use HandlerStage::{AckedEpoch, AckedNewLeader, ReadingLog, Streaming, ToldEpoch};
        matches!(self.stage, ToldEpoch | AckedEpoch | ReadingLog | Streaming | AckedNewLeader)
    }

    /// A PING before the sender runs would disturb the learner.
    pub fn is_sending(&self) -> bool {
        self.sender.is_started
    }

    /// For the sender thread, when it runs.
    pub fn queue(&mut self, cx: &mut Cx, kind: QuorumKind, zxid: Zxid, data: QuorumData) {
        self.sender.queue.push_back(Packet::Quorum { kind, zxid, data });
        if self.sender.is_started {
            self.wake(cx);
        }
    }

    pub fn start_sending(&mut self, cx: &mut Cx) {
        self.sender.is_started = true;
        self.wake(cx);
    }

    /// Asks for a turn of the sender's stage.
    pub fn wake(&mut self, cx: &mut Cx) {
        if !self.sender.is_woken
            && !self.sender.is_blocked
            && let Some(sid) = self.sid()
        {
            self.sender.is_woken = true;
            cx.wake(Stage::LearnerSender(sid));
        }
    }

    /// Its turn has come. False when it cannot use it: its last write has not returned.
    pub fn wakes_up(&mut self) -> bool {
        self.sender.is_woken = false;
        !self.sender.is_blocked
    }

    /// Everything queued goes out.
    pub fn send_queued(&mut self, cx: &mut Cx) {
        if !self.sender.is_started {
            return;
        }
        while let Some(packet) = self.sender.queue.pop_front() {
            if let Packet::Quorum { kind: QuorumKind::Proposal, zxid, .. } = packet {
                self.age.on_proposal(zxid, cx.now);
            }
            cx.send(self.conn, packet);
        }
    }

    /// The connection's window is full, or takes bytes again.
    pub fn on_window(&mut self, cx: &mut Cx, is_full: bool) {
        self.sender.is_blocked = is_full;
        let has_work = self.walker.is_some() || !self.sender.queue.is_empty();
        if !is_full && has_work {
            self.wake(cx);
        }
    }
}
