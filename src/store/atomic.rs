//! A small file is replaced as a whole: the old content is valid until the rename. Source: `AtomicFileOutputStream`, `AtomicFileWritingIdiom`.

use std::sync::Arc;

use crate::bugs::{Bug, Bugs};
use crate::proto::{DiskOp, FileName, WriteAt};

/// Temporary file, fsync, rename, and once more fsync.
///
/// The last step is a repair of ours: ZooKeeper answers as soon as the file is renamed, and a power loss may take an unsynced rename
/// back, and with it a promise that was told. The switch `unsynced-rename` is the release as shipped.
#[derive(Clone, Debug)]
pub struct Replacement {
    target: FileName,
    content: Arc<[u8]>,
    step: Step,
}

/// The operation that is under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    Create,
    Write,
    Sync,
    Rename,
    SyncName,
}

impl Replacement {
    pub fn of(target: FileName, content: Arc<[u8]>) -> Replacement {
        Replacement { target, content, step: Step::Create }
    }

    /// What the disk is to do now.
    pub fn op(&self) -> DiskOp {
        let (target, temporary): (FileName, FileName) = (self.target.clone(), format!("{}.tmp", self.target).into());
        match self.step {
            Step::Create => DiskOp::Create { file: temporary },
            Step::Write => DiskOp::Write { file: temporary, at: WriteAt::End, bytes: self.content.clone(), forced: false },
            Step::Sync => DiskOp::Sync { file: temporary },
            Step::Rename => DiskOp::Rename { from: temporary, to: target },
            Step::SyncName => DiskOp::Sync { file: target },
        }
    }

    /// The disk has done it. True when nothing is left to do.
    pub fn advance(&mut self, bugs: Bugs) -> bool {
        let next = match self.step {
            Step::Create => Step::Write,
            Step::Write => Step::Sync,
            Step::Sync => Step::Rename,
            Step::Rename if bugs.has(Bug::UnsyncedRename) => return true,
            Step::Rename => Step::SyncName,
            Step::SyncName => return true,
        };
        self.step = next;
        false
    }
}
