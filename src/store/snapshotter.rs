//! Snapshots of the live tree. Source: `FileTxnSnapLog.save`, `FileSnap.serialize`; storage reference §5.

use crate::actor::Cx;
use crate::proto::{DiskError, DiskReply, Zxid};
use crate::tree::Database;

/// `ExitCode.TXNLOG_ERROR_TAKING_SNAPSHOT`: the process ends when a snapshot cannot be written.
pub const EXIT_SNAPSHOT_FAILED: i32 = 10;

/// Writes one snapshot after the other, a few nodes at a wake-up of `Stage::SnapshotTaker`, while the tree goes on changing.
#[derive(Clone, Debug, Default)]
pub struct Snapshotter {}

/// How a snapshot is written that somebody waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Image {
    /// A leader at the start of `lead()`: under its final name, not forced.
    Leading,
    /// A learner at NEWLEADER after SNAP: temporary file, forced, renamed. `to` is the zxid of the SNAP packet. Afterwards other
    /// snapshots newer than it are deleted: they are of a history that the leader does not share. (Zk2872: not forced. Zk2832: nothing deleted.)
    AfterSnap { to: Zxid },
    /// The same after TRUNC. (UnsyncedTruncation: not forced. Zk4837: nothing deleted.)
    AfterTrunc { to: Zxid },
}

/// What a step came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SnapshotEvent {
    Continues,
    /// The snapshot is a file. `background`: nobody waits for it.
    Taken {
        zxid: Zxid,
        background: bool,
    },
    /// It could not be written: the process ends with [`EXIT_SNAPSHOT_FAILED`].
    Failed(DiskError),
}

impl Snapshotter {
    /// Starts a snapshot that nobody waits for. False, and nothing happens, while another background snapshot is being written.
    pub fn take_in_background(&mut self, cx: &mut Cx, database: &Database) -> bool {
        let _ = (cx, database);
        todo!()
    }

    /// Starts a snapshot that somebody waits for; it begins when the one under way is done (`FileSnap.serialize` is synchronized), but is
    /// named after the zxid of now. Answered by [`SnapshotEvent::Taken`] with `background: false`.
    pub fn take(&mut self, cx: &mut Cx, database: &Database, image: Image) {
        let _ = (cx, database, image);
    }

    /// For `Stage::SnapshotTaker`: a few nodes more. `database` is the live one.
    pub fn on_stage(&mut self, cx: &mut Cx, database: &Database) {
        let _ = (cx, database);
    }

    /// For `DiskTag::Snapshot`.
    pub fn on_disk(&mut self, cx: &mut Cx, outcome: Result<DiskReply, DiskError>) -> SnapshotEvent {
        let _ = (cx, outcome);
        todo!()
    }

    /// To be called with the live database before it is changed otherwise than by commits: before it is cleared, replaced by a SNAP, and
    /// before the own log is replayed into it. Snapshots under way go on with the tree as it is now.
    ///
    /// For clear and SNAP that is what Java's reference to the old tree does. For the replay it is a repair: ZooKeeper lets uncommitted
    /// transactions slip into a snapshot named after an older zxid, where no TRUNC finds them.
    pub fn freeze(&mut self, database: &Database) {
        let _ = database;
    }

    /// Nothing is being written or waits to be.
    pub fn is_idle(&self) -> bool {
        todo!()
    }
}
