//! TRUNC: the disk forgets what the leader does not have. Source: `ZKDatabase.truncateLog`, `FileTxnLog.truncate`; storage reference §6.

use std::sync::Arc;

use crate::actor::Cx;
use crate::proto::{Config, DiskError, DiskReply, Zxid};

use super::purge::Purge;
use super::recovery::Recovered;
use super::request_logger::RequestLogger;
use super::snapshotter::Snapshotter;

/// Takes everything after a zxid from the disk. All of its operations carry `DiskTag::Truncation`.
#[derive(Clone, Debug)]
pub struct Truncation {}

/// What is to be cut back, and for whom.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cut {
    /// The leader said TRUNC to this zxid: log and snapshots, and the database is read again. Memory is to be cleared.
    Trunc(Zxid),
    /// The leader said SNAP, as of this zxid: the log alone (a repair; Zk2832: nothing), before the image is taken over. Snapshots
    /// newer than the zxid go when the image is forced ([`super::Image::AfterSnap`]): until then they are what the server can restart from.
    Snap(Zxid),
}

/// What a step came to.
#[derive(Clone, Debug)]
pub enum TruncationEvent {
    Continues,
    /// Nothing newer than the zxid is left. After [`Cut::Trunc`] with the database as the disk now gives it, its `last_processed` set to that
    /// zxid (ZooKeeper sets it too; only with Zk4837, Zk1156 or Zk3701 may it claim what is not so).
    Done(Option<Box<Recovered>>),
    /// The disk cannot give the state at that zxid, because that part of the history came as an image of a later one, and nothing was
    /// changed. ZooKeeper exits 13. `has` is the newest zxid below that it can give.
    Unreachable {
        has: Zxid,
    },
    /// An operation failed: exit 13. (Zk3701: reported as done instead.)
    Failed(DiskError),
}

impl Truncation {
    /// Starts to cut. The logger must be idle; its next append opens a new file. A background snapshot and a purge under way are abandoned:
    /// nobody else may touch logs and snapshots until this is over (so no `purge.on_timer` meanwhile).
    pub fn start(
        cx: &mut Cx,
        config: Arc<Config>,
        cut: Cut,
        logger: &mut RequestLogger,
        snapshotter: &mut Snapshotter,
        purge: &mut Purge,
    ) -> Truncation {
        let _ = (cx, config, cut, logger, snapshotter, purge);
        todo!()
    }

    /// For `DiskTag::Truncation`.
    pub fn on_disk(&mut self, cx: &mut Cx, outcome: Result<DiskReply, DiskError>) -> TruncationEvent {
        let _ = (cx, outcome);
        todo!()
    }
}
