//! Small files that are replaced as a whole: the two epochs. Source: `AtomicFileOutputStream`, `AtomicFileWritingIdiom`; storage reference §7.

use std::collections::VecDeque;
use std::sync::Arc;

use crate::actor::{Cx, Effect};
use crate::bugs::Bug;
use crate::proto::{DiskError, DiskOp, DiskReply, DiskTag, FileImage, FileName, SmallFile, WriteAt};

/// The file's name in the data directory.
pub fn name(file: SmallFile) -> &'static str {
    match file {
        SmallFile::AcceptedEpoch => "version-2/acceptedEpoch",
        SmallFile::CurrentEpoch => "version-2/currentEpoch",
    }
}

/// A number as these files hold it: decimal text.
pub fn content(number: i64) -> Arc<[u8]> {
    number.to_string().into_bytes().into()
}

/// The number in a loaded file, or what is wrong with it.
pub fn number_in(file: SmallFile, image: &FileImage) -> Result<i64, String> {
    let bytes = image.to_vec();
    let text = String::from_utf8_lossy(&bytes);
    text.trim().parse().map_err(|_| format!("{} does not hold a number: {text:?}", name(file)))
}

/// Writes small files one after the other: temporary file, fsync, rename, and once more fsync. The old content stays valid until the rename.
///
/// The last step is a repair of ours: ZooKeeper answers as soon as the file is renamed, and a power loss may take an unsynced rename
/// back, and with it a promise that was told. The switch `unsynced-rename` is the release as shipped.
#[derive(Clone, Debug, Default)]
pub struct AtomicWriter {
    /// Writes to do, the one under way first.
    queue: VecDeque<Write>,
}

#[derive(Clone, Copy, Debug)]
struct Write {
    file: SmallFile,
    number: i64,
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

/// What a completion meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// The next operation is under way.
    Continues,
    /// The file holds this number for good.
    Written(SmallFile, i64),
    /// It holds what it held before (or the new number, if only the sync of its name failed); what was queued behind it is not written.
    Failed(SmallFile, DiskError),
}

impl AtomicWriter {
    /// Queues a write.
    pub fn write(&mut self, cx: &mut Cx, file: SmallFile, number: i64) {
        self.queue.push_back(Write { file, number, step: Step::Create });
        if self.queue.len() == 1 {
            self.start(cx);
        }
    }

    /// Whether anything is being written.
    pub fn is_busy(&self) -> bool {
        !self.queue.is_empty()
    }

    /// The operation under way ended.
    pub fn on_disk(&mut self, cx: &mut Cx, outcome: Result<DiskReply, DiskError>) -> Progress {
        let write = self.queue.front_mut().expect("only our own operations complete");
        let (file, number) = (write.file, write.number);
        let done = match (outcome, write.step) {
            (Err(error), _) => Progress::Failed(file, error),
            (Ok(_), Step::Rename) if cx.bugs.has(Bug::UnsyncedRename) => Progress::Written(file, number),
            (Ok(_), Step::SyncName) => Progress::Written(file, number),
            (Ok(_), step) => {
                write.step = step.next();
                Progress::Continues
            }
        };
        match done {
            Progress::Continues => {}
            Progress::Written(..) => drop(self.queue.pop_front()),
            // The exception ends whoever wrote: what was to follow is not written.
            Progress::Failed(..) => self.queue.clear(),
        }
        self.start(cx);
        done
    }

    fn start(&self, cx: &mut Cx) {
        let Some(Write { file, number, step }) = self.queue.front().copied() else {
            return;
        };
        let target: FileName = name(file).into();
        let temporary: FileName = format!("{target}.tmp").into();
        let op = match step {
            Step::Create => DiskOp::Create { file: temporary },
            Step::Write => DiskOp::Write { file: temporary, at: WriteAt::End, bytes: content(number), forced: false },
            Step::Sync => DiskOp::Sync { file: temporary },
            Step::Rename => DiskOp::Rename { from: temporary, to: target },
            Step::SyncName => DiskOp::Sync { file: target },
        };
        cx.emit(Effect::Disk { tag: DiskTag::Atomic(file), op });
    }
}

impl Step {
    fn next(self) -> Step {
        match self {
            Step::Create => Step::Write,
            Step::Write => Step::Sync,
            Step::Sync => Step::Rename,
            Step::Rename | Step::SyncName => Step::SyncName,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_decimal_text() {
        let mut image = FileImage::default();
        image.write(0, &content(42));
        assert_eq!(number_in(SmallFile::CurrentEpoch, &image), Ok(42));
        image.write(0, b"x");
        assert!(number_in(SmallFile::CurrentEpoch, &image).is_err_and(|error| error.contains("currentEpoch")));
    }
}
