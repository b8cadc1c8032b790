//! What a learner does at NEWLEADER and at UPTODATE, and in which order: history first, then the epoch that stands for it, then the word
//! that both are safe. Most of ZAB's famous bugs are this order, changed. Source: `Learner.syncWithLeader`; zab reference §5.

use std::collections::VecDeque;
use std::sync::Arc;

use crate::actor::Cx;
use crate::bugs::{Bug, Bugs};
use crate::proto::{LearnerType, PeerState, Proposal, QuorumData, QuorumKind, Zxid};
use crate::store::Cut;
use crate::trace::{LookingReason, Note, Surprise};
use crate::zab::{Replica, RoleEvent};

use super::{Learner, Phase, Wait};

/// One thing that is done, some of them while the main thread is blocked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// At TRUNC and at the end of SNAP: the log forgets what the leader does not have.
    Cut(Cut),
    /// The configuration that came with NEWLEADER is written down, if one came.
    SeeConfiguration,
    /// And is in force.
    Activate,
    /// A reconfiguration, whose configuration is on disk, goes to the request logger.
    LogReconfiguration,
    /// The image of what SNAP or TRUNC left, if one is due.
    TakeSnapshot,
    /// Follower: committed transactions are appended to the log and forced.
    LogCommitted { apply: bool },
    /// Follower: all proposals that are left go to the request logger, which takes its time.
    HandToLogger,
    /// `currentEpoch` is written.
    WriteEpoch,
    /// ACK of NEWLEADER.
    Acknowledge,
    /// The processors start, and the server has clients.
    Serve,
    /// What is left of the proposals goes to the request logger, and what is committed of them to the commit processor.
    CatchUp,
}

/// The steps at NEWLEADER: the order of 3.9.5, or what it was.
fn at_new_leader(bugs: Bugs) -> &'static [Step] {
    use Step::{Acknowledge, HandToLogger, LogCommitted, TakeSnapshot, WriteEpoch};
    const NOW: Step = LogCommitted { apply: true };
    const ORDERS: &[(Bug, &[Step])] = &[
        // The epoch is left for later.
        (Bug::Zk1282, &[TakeSnapshot, NOW, Acknowledge]),
        // So is the history.
        (Bug::Zk3911, &[TakeSnapshot, WriteEpoch, Acknowledge]),
        // The epoch stands for a history that is not there.
        (Bug::Zk4643, &[TakeSnapshot, WriteEpoch, NOW, Acknowledge]),
        // Nobody waits for the request logger.
        (Bug::Zk4646, &[TakeSnapshot, HandToLogger, WriteEpoch, Acknowledge]),
        (Bug::Zk4685, &[TakeSnapshot, HandToLogger, WriteEpoch, Acknowledge]),
        (Bug::Zk4785, &[TakeSnapshot, WriteEpoch, HandToLogger, Acknowledge]),
        // What is not committed yet is handed over too, and forgotten.
        (Bug::Zk4394, &[TakeSnapshot, NOW, HandToLogger, WriteEpoch, Acknowledge]),
        // Applied by the commit processor, after UPTODATE.
        (Bug::Zk3023, &[TakeSnapshot, LogCommitted { apply: false }, WriteEpoch, Acknowledge]),
    ];
    const RIGHT: &[Step] = &[TakeSnapshot, NOW, WriteEpoch, Acknowledge];
    ORDERS.iter().find(|(bug, _)| bugs.has(*bug)).map_or(RIGHT, |(_, order)| order)
}

/// The steps at UPTODATE.
fn at_up_to_date(bugs: Bugs) -> &'static [Step] {
    if bugs.has(Bug::Zk1282) { &[Step::WriteEpoch, Step::Serve, Step::CatchUp] } else { &[Step::Serve, Step::CatchUp] }
}

impl Step {
    fn uses_log(self) -> bool {
        matches!(self, Step::Cut(_) | Step::LogCommitted { .. })
    }
}

impl Learner {
    pub(super) fn on_new_leader(&mut self, cx: &mut Cx, replica: &mut Replica) {
        if self.sync.is_acknowledged {
            return self.surprised(cx, Surprise::State, self.epoch.first_zxid(), self.last_proposal);
        }
        self.steps = at_new_leader(cx.bugs).iter().copied().collect();
        self.steps.push_front(Step::SeeConfiguration);
        self.run_steps(cx, replica);
    }

    pub(super) fn on_up_to_date(&mut self, cx: &mut Cx, replica: &mut Replica) {
        self.steps = at_up_to_date(cx.bugs).iter().copied().collect();
        self.steps.push_front(Step::Activate);
        self.run_steps(cx, replica);
    }

    /// Goes on until the main thread blocks.
    pub(super) fn run_steps(&mut self, cx: &mut Cx, replica: &mut Replica) {
        while self.waits_for.is_none()
            && !self.is_over
            && let Some(step) = self.steps.pop_front()
        {
            // Only a logger that survived its role (ZOOKEEPER-4712) may still be at work.
            if step.uses_log() && !replica.logger.is_idle() {
                self.steps.push_front(step);
                self.waits_for = Some(Wait::Logger);
                return;
            }
            match step {
                Step::Cut(cut) => self.cut(cx, replica, cut),
                Step::SeeConfiguration => self.see_configuration(cx, replica),
                Step::Activate => self.activate_configuration(replica),
                Step::LogReconfiguration => self.log_reconfiguration(cx, replica),
                Step::TakeSnapshot => self.take_snapshot(cx, replica),
                Step::LogCommitted { apply } => self.log_committed(cx, replica, apply),
                Step::HandToLogger => self.hand_to_logger(cx, replica),
                Step::WriteEpoch => self.write_epoch(cx, replica),
                Step::Acknowledge => self.acknowledge(cx, replica),
                Step::Serve => self.serve(cx),
                Step::CatchUp => self.catch_up(cx, replica),
            }
        }
    }

    fn take_snapshot(&mut self, cx: &mut Cx, replica: &mut Replica) {
        if let Some(image) = self.sync.image {
            self.waits_for = Some(Wait::Snapshot);
            replica.snapshotter.take(cx, &replica.database, image);
        }
        self.sync.writes_to_log = true;
    }

    /// The snapshot that the main thread waits for is a file.
    pub fn on_snapshot_taken(&mut self, cx: &mut Cx, replica: &mut Replica) {
        if let Some(Wait::Snapshot) = self.waits_for {
            self.waits_for = None;
            self.sync.image = None;
            self.resume(cx, replica);
        }
    }

    /// Durable, and in memory, before the ACK: a quorum of such ACKs makes this history the committed one (ZOOKEEPER-3911, 4646).
    fn log_committed(&mut self, cx: &mut Cx, replica: &mut Replica, apply: bool) {
        if self.role == LearnerType::Observer {
            return;
        }
        let committed = self.take_committed(cx);
        for proposal in &committed {
            if apply {
                self.apply(cx, replica, proposal);
            } else {
                self.sync.committed.push_back(proposal.zxid());
                self.pending.push_back(proposal.clone());
            }
        }
        if replica.logger.append_now(cx, committed) {
            self.waits_for = Some(Wait::Log);
        }
    }

    /// The oldest proposals, as far as they are committed.
    fn take_committed(&mut self, cx: &mut Cx) -> Vec<Arc<Proposal>> {
        let mut taken = Vec::with_capacity(self.sync.committed.len());
        for zxid in std::mem::take(&mut self.sync.committed) {
            match self.sync.not_logged.front().map(|proposal| proposal.zxid()) {
                Some(head) if head == zxid => taken.extend(self.sync.not_logged.pop_front()),
                head => self.surprised(cx, Surprise::Commit, zxid, head.unwrap_or(self.last_proposal)),
            }
        }
        taken
    }

    fn hand_to_logger(&mut self, cx: &mut Cx, replica: &mut Replica) {
        if self.role == LearnerType::Participant {
            for proposal in std::mem::take(&mut self.sync.not_logged) {
                self.log_request(cx, replica, proposal);
            }
        }
    }

    /// What the request logger has made durable is acknowledged, once the server is past UPTODATE.
    pub fn on_logged(&mut self, cx: &mut Cx, replica: &mut Replica, logged: &[Arc<Proposal>]) {
        match self.waits_for {
            Some(Wait::Log) => {
                self.waits_for = None;
                return self.resume(cx, replica);
            }
            Some(Wait::Logger) if replica.logger.is_idle() => {
                self.waits_for = None;
                self.resume(cx, replica);
            }
            _ => {}
        }
        if self.role == LearnerType::Observer {
            return;
        }
        // ZOOKEEPER-4685: the logger's own thread does not know what was acknowledged before.
        if self.phase == Phase::Serving || cx.bugs.has(Bug::Zk4685) {
            logged.iter().for_each(|proposal| self.send(cx, QuorumKind::Ack, proposal.zxid(), QuorumData::Empty));
            if cx.bugs.has(Bug::MutantAppliesEarly) {
                logged.iter().for_each(|proposal| self.on_commit(cx, proposal.zxid()));
            }
        } else {
            self.held_acks.extend(logged.iter().map(|proposal| proposal.zxid()));
        }
    }

    /// The log could not be written. Its own thread's death is noticed after the next packet.
    pub fn on_log_failed(&mut self) {
        if let Some(Wait::Log) = self.waits_for {
            self.leave(LookingReason::DiskError);
        }
    }

    /// From here on the server claims to have the whole history that this epoch began with (ZOOKEEPER-4643).
    fn write_epoch(&mut self, cx: &mut Cx, replica: &mut Replica) {
        // ZOOKEEPER-335: there is no such file.
        if cx.bugs.has(Bug::Zk335) {
            replica.epochs.current = self.epoch;
        } else {
            self.waits_for = Some(Wait::CurrentEpoch);
            replica.epochs.write_current(cx, self.epoch);
        }
    }

    fn acknowledge(&mut self, cx: &mut Cx, replica: &Replica) {
        self.sync.is_acknowledged = true;
        cx.note(Note::Synced { leader: self.leader, epoch: self.epoch, zxid: replica.last_zxid(), role: self.role });
        self.send(cx, QuorumKind::Ack, self.epoch.first_zxid(), QuorumData::Empty);
    }

    /// The second ACK refreshes its deadline at the leader.
    fn serve(&mut self, cx: &mut Cx) {
        self.phase = Phase::Serving;
        let state = match self.role {
            LearnerType::Participant => PeerState::Following,
            LearnerType::Observer => PeerState::Observing,
        };
        cx.note(Note::Serving { leader: self.leader, epoch: self.epoch, state });
        self.send(cx, QuorumKind::Ack, self.epoch.first_zxid(), QuorumData::Empty);
        self.events.push_back(RoleEvent::Serves(self.epoch));
        for zxid in std::mem::take(&mut self.held_acks) {
            self.send(cx, QuorumKind::Ack, zxid, QuorumData::Empty);
        }
    }

    /// From now on as in the broadcast.
    fn catch_up(&mut self, cx: &mut Cx, replica: &mut Replica) {
        let committed = std::mem::take(&mut self.sync.committed);
        if self.role == LearnerType::Observer {
            return self.catch_up_observer(cx, replica, committed);
        }
        self.hand_to_logger(cx, replica);
        committed.into_iter().for_each(|zxid| self.on_commit(cx, zxid));
    }

    /// An observer has nothing to do with proposals whose commit did not come: those of an old leader.
    fn catch_up_observer(&mut self, cx: &mut Cx, replica: &mut Replica, mut committed: VecDeque<Zxid>) {
        for proposal in std::mem::take(&mut self.sync.not_logged) {
            if committed.front() == Some(&proposal.zxid()) {
                committed.pop_front();
                self.log_and_commit(cx, replica, proposal);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// History before epoch before ACK; each known bug is another order.
    #[test]
    fn the_order_is_what_the_known_bugs_break() {
        let of = |bug: Option<Bug>| at_new_leader(bug.into_iter().collect());
        let place = |order: &[Step], step| order.iter().position(|it| *it == step);
        let now = Step::LogCommitted { apply: true };
        let right = of(None);
        assert!(place(right, Step::TakeSnapshot) < place(right, now) && place(right, now) < place(right, Step::WriteEpoch));
        assert_eq!(right.last(), Some(&Step::Acknowledge));
        let all = [Bug::Zk1282, Bug::Zk3911, Bug::Zk4643, Bug::Zk4646, Bug::Zk4785, Bug::Zk4394, Bug::Zk3023];
        for bug in all {
            assert_ne!(of(Some(bug)), right, "{bug}");
            assert_eq!(of(Some(bug)).last(), Some(&Step::Acknowledge), "{bug}");
        }
        assert!(place(of(Some(Bug::Zk4643)), Step::WriteEpoch) < place(of(Some(Bug::Zk4643)), now));
        assert_eq!(place(of(Some(Bug::Zk1282)), Step::WriteEpoch), None);
    }
}
