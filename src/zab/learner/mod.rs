//! The learner's side, follower or observer. Source: `Learner`, `Follower.followLeader`, `Observer.observeLeader`; zab reference §2, §5, §8.5.

mod broadcast;
mod new_leader;
mod reconfiguration;
mod sync;

use std::collections::VecDeque;
use std::sync::Arc;

use crate::actor::{Cx, Effect};
use crate::bugs::Bug;
use crate::proto::{
    Config, ConnId, Epoch, LearnerType, Micros, Packet, Port, Proposal, QuorumData, QuorumKind, QuorumRequest, ServerId, SessionId, SmallFile, Timer,
    Zxid,
};
use crate::store::{Progress, Truncation};
use crate::trace::{LookingReason, Note, Surprise};

use super::{Replica, RoleEvent};
use new_leader::Step;
use sync::Sync;

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
    /// What the main thread is blocked on, if it is.
    waits_for: Option<Wait>,
    /// What arrived while the main thread was blocked, in order.
    inbox: VecDeque<Arrival>,
    tries: u32,
    /// When the budget for connecting runs out, on its own clock.
    connect_by: Micros,
    /// The leader's epoch, from LEADERINFO on.
    epoch: Epoch,
    sync: Sync,
    /// What is still to be done since NEWLEADER or UPTODATE.
    steps: VecDeque<Step>,
    /// A reconfiguration that is logged once its configuration is on this server's disk.
    reconfiguring: Option<Arc<Proposal>>,
    /// Proposals handed to the request logger and not committed yet, oldest first (`pendingTxns`).
    pending: VecDeque<Arc<Proposal>>,
    /// The last proposal that came, or the zxid that the synchronisation brought it to.
    last_proposal: Zxid,
    /// Acknowledgements that wait for UPTODATE: none but with a known bug.
    held_acks: Vec<Zxid>,
    events: VecDeque<RoleEvent>,
    /// It told that it leaves: nothing more happens to it.
    is_over: bool,
    /// When it last began to wait for a packet.
    heard: Micros,
    /// How long it may wait, while the timer is set.
    read_limit: Option<Micros>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Connecting,
    /// FOLLOWERINFO is sent.
    Registering,
    /// ACKEPOCH is sent: the packets of the synchronisation come, until UPTODATE.
    Syncing,
    Serving,
}

/// What the main thread may be blocked on.
#[derive(Clone, Debug)]
enum Wait {
    /// The promise is being written; ACKEPOCH follows.
    AcceptedEpoch,
    /// The history that the leader does not have is cut off.
    Cut(Box<Truncation>),
    /// A snapshot of the history taken over.
    Snapshot,
    /// Committed transactions are appended to the log and forced.
    Log,
    /// `currentEpoch` is being written.
    CurrentEpoch,
    /// The request logger of the last role is still at work (ZOOKEEPER-4712).
    Logger,
    /// The configuration that was proposed is being written.
    Configuration,
}

/// What the socket holds for the main thread.
#[derive(Clone, Debug)]
enum Arrival {
    Packet { kind: QuorumKind, zxid: Zxid, data: QuorumData },
    Closed,
}

impl Learner {
    pub fn start(cx: &mut Cx, me: ServerId, config: Arc<Config>, leader: ServerId, role: LearnerType) -> Learner {
        cx.note(Note::FollowingStarted { leader, role });
        let mut learner = Learner {
            me,
            leader,
            role,
            conn: None,
            phase: Phase::Connecting,
            waits_for: None,
            inbox: VecDeque::new(),
            tries: 0,
            connect_by: cx.now + config.connect_time(),
            epoch: Epoch(0),
            sync: Sync::default(),
            steps: VecDeque::new(),
            reconfiguring: None,
            pending: VecDeque::new(),
            last_proposal: Zxid::ZERO,
            held_acks: Vec::new(),
            events: VecDeque::new(),
            is_over: false,
            heard: cx.now,
            read_limit: None,
            config,
        };
        learner.connect(cx);
        learner
    }

    /// The next thing that it tells the server.
    #[inline]
    pub fn next_event(&mut self) -> Option<RoleEvent> {
        self.events.pop_front()
    }

    /// The same leader is asked for everything anew. Nothing is lost by it: until the image of what it sends is forced, the disk is as it was.
    fn start_over(&mut self, cx: &mut Cx) {
        if let Some(conn) = self.conn.take() {
            cx.emit(Effect::Close(conn));
        }
        (self.phase, self.waits_for, self.sync) = (Phase::Connecting, None, Sync::default());
        self.inbox.clear();
        self.steps.clear();
        (self.tries, self.connect_by) = (0, cx.now + self.config.connect_time());
        self.connect(cx);
    }

    /// One try takes at most `syncLimit` and what is left of the budget.
    fn connect(&mut self, cx: &mut Cx) {
        self.tries += 1;
        let timeout = self.connect_by.saturating_sub(cx.now).min(self.config.sync_time());
        cx.emit(Effect::Dial { to: self.leader, port: Port::Quorum, timeout });
    }

    pub fn on_dial_failed(&mut self, cx: &mut Cx) {
        cx.note(Note::LeaderUnreachable { leader: self.leader, attempt: self.tries });
        if self.tries >= CONNECT_TRIES || cx.now >= self.connect_by {
            self.leave(LookingReason::LeaderUnreachable);
        } else {
            cx.arm(Timer::LeaderConnect, self.config.leader_connect_delay);
        }
    }

    pub fn on_connect_timer(&mut self, cx: &mut Cx) {
        self.connect(cx);
    }

    /// Says who it is and which epoch it promised. Source: `registerWithLeader`.
    pub fn on_connected(&mut self, cx: &mut Cx, replica: &Replica, conn: ConnId) {
        self.conn = Some(conn);
        self.phase = Phase::Registering;
        let kind = match self.role {
            LearnerType::Participant => QuorumKind::FollowerInfo,
            LearnerType::Observer => QuorumKind::ObserverInfo,
        };
        let config = replica.configuration.current().version;
        self.send(cx, kind, replica.epochs.accepted.first_zxid(), QuorumData::LearnerInfo { sid: self.me, config });
        self.await_packet(cx, self.config.init_time());
    }

    /// Whether this is its connection to the leader.
    pub fn owns(&self, conn: ConnId) -> bool {
        self.conn == Some(conn)
    }

    /// Whether logs and snapshots are being cut back: nobody else may touch them.
    pub fn is_truncating(&self) -> bool {
        matches!(self.waits_for, Some(Wait::Cut(_)))
    }

    /// A packet of the leader. While the main thread is blocked it stays in the socket.
    pub fn on_packet(&mut self, cx: &mut Cx, replica: &mut Replica, kind: QuorumKind, zxid: Zxid, data: QuorumData) {
        if self.waits_for.is_some() {
            return self.inbox.push_back(Arrival::Packet { kind, zxid, data });
        }
        self.read(cx, replica, kind, zxid, data);
        self.wait_for_packet(cx);
    }

    /// The connection ended: known once everything before it is read.
    pub fn on_closed(&mut self) {
        if self.waits_for.is_some() {
            self.inbox.push_back(Arrival::Closed);
        } else {
            self.leave(LookingReason::LeaderLost);
        }
    }

    /// What the main thread was blocked on is done: it goes on, with its steps and then with what arrived meanwhile.
    fn resume(&mut self, cx: &mut Cx, replica: &mut Replica) {
        self.run_steps(cx, replica);
        while self.waits_for.is_none() && !self.is_over {
            match self.inbox.pop_front() {
                Some(Arrival::Packet { kind, zxid, data }) => self.read(cx, replica, kind, zxid, data),
                Some(Arrival::Closed) => self.leave(LookingReason::LeaderLost),
                None => break,
            }
        }
        self.wait_for_packet(cx);
    }

    /// The read timeout runs while the main thread reads, and only then.
    fn wait_for_packet(&mut self, cx: &mut Cx) {
        if self.waits_for.is_some() {
            self.read_limit = None;
            cx.disarm(Timer::LeaderRead);
        } else if !self.is_over {
            self.await_packet(cx, if self.sync.is_acknowledged { self.config.sync_time() } else { self.config.init_time() });
        }
    }

    /// The timer is not set again for each packet: when it runs out, it gets the rest of its time.
    fn await_packet(&mut self, cx: &mut Cx, limit: Micros) {
        self.heard = cx.now;
        if self.read_limit != Some(limit) {
            self.read_limit = Some(limit);
            cx.arm(Timer::LeaderRead, limit);
        }
    }

    fn read(&mut self, cx: &mut Cx, replica: &mut Replica, kind: QuorumKind, zxid: Zxid, data: QuorumData) {
        match self.phase {
            Phase::Serving => self.on_broadcast(cx, replica, kind, zxid, data),
            Phase::Syncing => self.on_sync_packet(cx, replica, kind, zxid, data),
            Phase::Registering if kind == QuorumKind::LeaderInfo => self.on_leader_info(cx, replica, zxid.epoch()),
            Phase::Registering | Phase::Connecting => {
                cx.note(Note::Unexpected { what: Surprise::State, zxid, expected: self.epoch.first_zxid() });
                self.leave(LookingReason::LeaderLost);
            }
        }
        if replica.has_failed {
            self.leave(LookingReason::DiskError);
        }
    }

    /// A larger epoch is promised, on disk, before the answer; one promised before is not counted again; a smaller one is refused.
    fn on_leader_info(&mut self, cx: &mut Cx, replica: &mut Replica, epoch: Epoch) {
        // ZOOKEEPER-335: nothing was promised, so that only a history can be newer.
        let promises_nothing = cx.bugs.has(Bug::Zk335);
        let before = if promises_nothing { replica.last_zxid().epoch() } else { replica.epochs.accepted };
        self.epoch = epoch;
        if epoch < before {
            cx.note(Note::EpochRefused { epoch, promised: before, leader: self.leader });
            return self.leave(LookingReason::LowerEpoch);
        }
        if promises_nothing {
            return self.ack_epoch(cx, replica, Some(replica.epochs.current));
        }
        if epoch == before {
            return self.ack_epoch(cx, replica, None);
        }
        cx.note(Note::EpochAccepted { epoch, leader: self.leader, before });
        if cx.bugs.has(Bug::MutantEpochForgotten) {
            replica.epochs.accepted = epoch;
            self.ack_epoch(cx, replica, Some(replica.epochs.current));
        } else {
            self.waits_for = Some(Wait::AcceptedEpoch);
            replica.epochs.write_accepted(cx, epoch);
        }
    }

    /// A server that has dropped its history ([`Learner::start_over`]) claims none: that is answered by SNAP, and counted by nobody.
    fn ack_epoch(&mut self, cx: &mut Cx, replica: &Replica, current: Option<Epoch>) {
        self.phase = Phase::Syncing;
        let last = if replica.is_loaded { replica.last_zxid() } else { Zxid::UNTRUSTED };
        self.send(cx, QuorumKind::AckEpoch, last, QuorumData::CurrentEpoch(current));
    }

    /// A write of this server's epochs ended.
    pub fn on_written(&mut self, cx: &mut Cx, replica: &mut Replica, progress: Progress) {
        match (&self.waits_for, progress) {
            (_, Progress::Failed(..)) => self.leave(LookingReason::DiskError),
            (Some(Wait::AcceptedEpoch), Progress::Written(SmallFile::AcceptedEpoch, _)) => {
                self.waits_for = None;
                self.ack_epoch(cx, replica, Some(replica.epochs.current));
                self.resume(cx, replica);
            }
            (Some(Wait::CurrentEpoch), Progress::Written(SmallFile::CurrentEpoch, _)) => {
                self.waits_for = None;
                self.resume(cx, replica);
            }
            _ => {}
        }
    }

    /// Nothing was read from the leader for too long. While the main thread is blocked it reads nothing, and nothing is missed: above all,
    /// nobody leaves the role while its logs are being cut.
    pub fn on_read_timeout(&mut self, cx: &mut Cx) {
        let Some(limit) = self.read_limit.take().filter(|_| self.waits_for.is_none()) else { return };
        let over_at = self.heard + limit;
        if over_at > cx.now {
            self.read_limit = Some(limit);
            cx.arm(Timer::LeaderRead, over_at - cx.now);
        } else {
            self.leave(LookingReason::LeaderSilent);
        }
    }

    /// REQUEST: what a client of this server asks, and only the leader can do. Source: `Learner.request`.
    pub fn forward(&self, cx: &mut Cx, request: Arc<QuorumRequest>) {
        self.send(cx, QuorumKind::Request, Zxid::UNTRUSTED, QuorumData::Request(request));
    }

    /// REVALIDATE: does the session of a client that came back live? Milliseconds. Source: `Learner.validateSession`.
    pub fn revalidate(&self, cx: &mut Cx, session: SessionId, timeout: i32) {
        self.send(cx, QuorumKind::Revalidate, Zxid::UNTRUSTED, QuorumData::Revalidate { session, timeout });
    }

    /// PING, answered with the sessions heard from. Source: `Learner.ping`.
    pub fn answer_ping(&self, cx: &mut Cx, zxid: Zxid, touched: Arc<[(SessionId, i32)]>) {
        self.send(cx, QuorumKind::Ping, zxid, QuorumData::Touched(touched));
    }

    fn send(&self, cx: &mut Cx, kind: QuorumKind, zxid: Zxid, data: QuorumData) {
        if let Some(conn) = self.conn {
            cx.send(conn, Packet::Quorum { kind, zxid, data });
        }
    }

    fn leave(&mut self, why: LookingReason) {
        self.end(RoleEvent::Leave(why));
    }

    fn end(&mut self, event: RoleEvent) {
        if !self.is_over {
            self.is_over = true;
            self.events.push_back(event);
        }
    }

    /// The role is over: the connection first. What an unfinished synchronisation left in memory goes too (ZOOKEEPER-3642, ZOOKEEPER-5094).
    pub fn shut_down(&mut self, cx: &mut Cx, replica: &mut Replica) {
        cx.disarm(Timer::LeaderConnect);
        cx.disarm(Timer::LeaderRead);
        if let Some(conn) = self.conn.take() {
            cx.emit(Effect::Close(conn));
        }
        if let Some(why) = self.sync.what_memory_lacks(cx.bugs)
            && replica.is_loaded
        {
            cx.note(Note::MemoryCleared { why: why.into() });
            replica.clear();
        }
    }
}

#[cfg(test)]
mod tests;
