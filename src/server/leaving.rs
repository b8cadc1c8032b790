//! From the end of a role to the next vote: threads are joined, and memory is made to say what the disk holds. Source:
//! `ZooKeeperServer.shutdown`, `Learner.shutdown`, `QuorumPeer.getLastLoggedZxid`; zab reference §7.

use crate::actor::Cx;
use crate::bugs::Bug;
use crate::proto::{DiskError, DiskReply, Micros, PeerState, Timer};
use crate::store::{Recovery, RecoveryEvent};
use crate::trace::{LookingReason, Note};

use super::{Activity, Server};

/// A role is over; the server is not looking for a leader yet.
#[derive(Clone, Debug)]
pub(super) struct Leaving {
    why: LookingReason,
    /// The server part was running: only then the log is replayed into memory.
    was_running: bool,
    /// Whether it waits for the request logger to have written what it has.
    joins_logger: bool,
    /// What the log holds beyond memory is being replayed into it; before that, threads are joined.
    fast_forward: Option<Recovery>,
}

impl Server {
    /// The role is over: connections first, then the processors, the request logger before all that follows.
    pub(super) fn leave_role(&mut self, cx: &mut Cx, why: LookingReason) {
        let is_learner = match &mut self.activity {
            Activity::Leading(leader) => {
                leader.shut_down(cx);
                false
            }
            Activity::Learning(learner) => {
                learner.shut_down(cx, &mut self.replica);
                true
            }
            _ => return,
        };
        let was_running = match self.pipeline.take() {
            Some(mut pipeline) => {
                pipeline.shut_down(cx);
                if cx.bugs.has(Bug::MutantCommitsOutliveRole) {
                    self.unapplied = pipeline.take_unapplied();
                }
                true
            }
            None => false,
        };
        // ZOOKEEPER-4712: a learner's request logger goes on by itself. (One that died is a new one anyway.)
        let joins_logger = self.replica.has_failed || was_running && !(is_learner && cx.bugs.has(Bug::Zk4712));
        if joins_logger {
            self.replica.logger.drain(cx);
        }
        if joins_logger && !self.replica.logger.is_idle() {
            cx.note(Note::RoleOver { from: self.state, why });
        }
        self.activity = Activity::Leaving(Box::new(Leaving { why, was_running, joins_logger, fast_forward: None }));
        self.go_on_leaving(cx);
    }

    /// A thread that it waits for has moved.
    pub(super) fn go_on_leaving(&mut self, cx: &mut Cx) {
        let Activity::Leaving(leaving) = &mut self.activity else {
            return;
        };
        // It died of what was left to be written: nobody else would take away what of it may not be durable.
        if self.replica.has_failed {
            leaving.joins_logger = true;
            self.replica.logger.drain(cx);
        }
        let logger_is_busy = leaving.joins_logger && !self.replica.logger.is_idle();
        let writes_files = self.replica.epochs.is_writing() || self.replica.configuration.is_writing();
        if logger_is_busy || writes_files || leaving.fast_forward.is_some() {
            return;
        }
        let was_running = leaving.was_running;
        // What was committed without this server's disk is in memory, and not in its log (ZOOKEEPER-4882).
        if std::mem::take(&mut self.replica.has_failed) && !cx.bugs.has(Bug::Zk4882) {
            self.clear_memory(cx, "its log lacks what was applied");
        }
        // ZOOKEEPER-2845: a vote tells what memory holds; a log that holds more must not come to light only after a restart.
        if was_running && self.replica.is_loaded && !cx.bugs.has(Bug::Zk2845) {
            self.fast_forward(cx);
        } else {
            self.become_looking(cx);
        }
    }

    fn fast_forward(&mut self, cx: &mut Cx) {
        self.replica.snapshotter.freeze(&self.replica.database);
        let recovery = Recovery::fast_forward(cx, self.config.clone(), self.replica.database.clone());
        if let Activity::Leaving(leaving) = &mut self.activity {
            leaving.fast_forward = Some(recovery);
        }
    }

    /// For `DiskTag::Recovery`.
    pub(super) fn on_recovery(&mut self, cx: &mut Cx, outcome: Result<DiskReply, DiskError>) {
        let (event, is_loading) = match &mut self.activity {
            Activity::Loading(recovery) => (recovery.on_disk(cx, outcome), true),
            Activity::Leaving(leaving) => match &mut leaving.fast_forward {
                Some(recovery) => (recovery.on_disk(cx, outcome), false),
                None => return,
            },
            _ => return,
        };
        match event {
            RecoveryEvent::Continues => {}
            RecoveryEvent::Recovered(recovered) => {
                self.replica.replace(recovered.database);
                if is_loading { self.go_on_with_database(cx) } else { self.become_looking(cx) }
            }
            RecoveryEvent::Refused(reason) if is_loading => self.refuse_to_boot(cx, reason),
            RecoveryEvent::Refused(reason) => {
                self.clear_memory(cx, &reason);
                self.become_looking(cx);
            }
        }
    }

    /// LOOKING; an observer takes its time.
    fn become_looking(&mut self, cx: &mut Cx) {
        if let Activity::Leaving(leaving) = &self.activity {
            let (from, why) = (self.state, leaving.why);
            cx.note(if self.keeps_vote { Note::RoleOver { from, why } } else { Note::WentLooking { from, why } });
        }
        let was_observer = self.state == PeerState::Observing;
        self.state = PeerState::Looking;
        let delay = self.config.observer_election_delay;
        if was_observer && delay > Micros::ZERO {
            self.activity = Activity::Delaying;
            let wait = Micros(cx.draw_below(delay.0));
            cx.arm(Timer::ObserverDelay, wait);
        } else {
            self.look_for_leader(cx);
        }
    }

    /// With a role that a reconfiguration gave it, else with an election.
    fn go_on_with_database(&mut self, cx: &mut Cx) {
        if !self.assume_assigned_role(cx) {
            self.start_election(cx);
        }
    }

    /// LOOKING with a database: one that was dropped is read again first.
    pub(super) fn look_for_leader(&mut self, cx: &mut Cx) {
        if self.replica.is_loaded {
            return self.go_on_with_database(cx);
        }
        self.activity = Activity::Loading(Box::new(Recovery::load(cx, self.config.clone(), self.config.db_autocreate)));
    }
}
