//! What the disk answers, and whom it concerns.

use crate::actor::Cx;
use crate::proto::{DiskError, DiskReply, DiskTag};
use crate::store::{EXIT_SNAPSHOT_FAILED, LogFailure, LoggerEvent, SnapshotEvent};
use crate::trace::Note;

use super::{Activity, Server};

impl Server {
    pub(super) fn on_disk(&mut self, cx: &mut Cx, tag: DiskTag, outcome: Result<DiskReply, DiskError>) {
        match tag {
            DiskTag::Log => self.on_log(cx, outcome),
            DiskTag::Boot(_) | DiskTag::Config | DiskTag::Recovery(_) | DiskTag::Atomic(_) if matches!(self.activity, Activity::Booting(_)) => {
                self.on_boot_file(cx, outcome);
            }
            DiskTag::Boot(_) => {}
            DiskTag::Config => self.on_configuration_file(cx, outcome),
            DiskTag::Recovery(_) => self.on_recovery(cx, outcome),
            DiskTag::Atomic(_) => self.on_atomic_write(cx, outcome),
            DiskTag::Snapshot => {
                let event = self.replica.snapshotter.on_disk(cx, outcome);
                self.on_snapshot(cx, event);
            }
            DiskTag::Truncation => self.on_learner(|learner, replica| learner.on_truncation(cx, replica, outcome)),
            DiskTag::LearnerSync => {
                if let Some(read) = self.replica.log_sync.on_disk(cx, outcome) {
                    self.on_leader(|leader, replica| leader.on_log_read(cx, replica, &read));
                }
            }
            DiskTag::Purge => self.replica.purge.on_disk(cx, outcome),
        }
    }

    /// The request logger's disk answers.
    pub(super) fn on_log(&mut self, cx: &mut Cx, outcome: Result<DiskReply, DiskError>) {
        let event = self.replica.logger.on_disk(cx, outcome);
        self.on_logger(cx, event);
    }

    /// A step of the request logger.
    pub(super) fn on_logger(&mut self, cx: &mut Cx, event: LoggerEvent) {
        let LoggerEvent { logged, snapshot_due, failed } = event;
        if snapshot_due {
            self.replica.snapshotter.take_in_background(cx, &self.replica.database);
        }
        if let Some(failure) = failed {
            self.on_log_failure(cx, failure);
        }
        match &mut self.activity {
            Activity::Leading(leader) if !logged.is_empty() => leader.on_logged(cx, &logged),
            Activity::Learning(learner) if !logged.is_empty() => learner.on_logged(cx, &mut self.replica, &logged),
            Activity::Leaving(_) => self.go_on_leaving(cx),
            _ => {}
        }
        self.replica.logger.take_room(logged);
    }

    /// Its death is noticed when the main thread looks (`ZooKeeperServer.State.ERROR`).
    #[cold]
    #[inline(never)]
    fn on_log_failure(&mut self, cx: &mut Cx, failure: LogFailure) {
        match failure {
            LogFailure::Append(_) => {
                self.replica.has_failed = true;
                self.on_learner(|learner, _| learner.on_log_failed());
            }
            LogFailure::Repair(_) => self.exit(cx, super::outer_loop::EXIT_UNEXPECTED_ERROR),
        }
    }

    pub(super) fn on_snapshot(&mut self, cx: &mut Cx, event: SnapshotEvent) {
        match (event, &mut self.activity) {
            (SnapshotEvent::Failed(_), _) => self.exit(cx, EXIT_SNAPSHOT_FAILED),
            (SnapshotEvent::Taken { background: false, .. }, Activity::Leading(leader)) => leader.on_snapshot_taken(cx, &mut self.replica),
            (SnapshotEvent::Taken { background: false, .. }, Activity::Learning(learner)) => learner.on_snapshot_taken(cx, &mut self.replica),
            _ => {}
        }
    }

    fn on_atomic_write(&mut self, cx: &mut Cx, outcome: Result<DiskReply, DiskError>) {
        let progress = self.replica.epochs.on_disk(cx, outcome);
        match &mut self.activity {
            Activity::Leading(leader) => leader.on_written(cx, &mut self.replica, progress),
            Activity::Learning(learner) => learner.on_written(cx, &mut self.replica, progress),
            Activity::Leaving(_) => self.go_on_leaving(cx),
            _ => {}
        }
    }

    /// The database in memory is dropped; it is read from disk before the next vote.
    pub(super) fn clear_memory(&mut self, cx: &mut Cx, why: &str) {
        cx.note(Note::MemoryCleared { why: why.into() });
        self.replica.clear();
    }
}
