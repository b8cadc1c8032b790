//! Small files that hold a number: the two epochs. Source: `QuorumPeer.writeLongToFile`; storage reference §7.

use std::collections::VecDeque;
use std::sync::Arc;

use crate::actor::{Cx, Effect};
use crate::proto::{DiskError, DiskReply, DiskTag, FileImage, SmallFile};

use super::atomic::Replacement;

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

/// Writes small files one after the other.
#[derive(Clone, Debug, Default)]
pub struct AtomicWriter {
    /// Writes to do, the one under way first.
    queue: VecDeque<Write>,
}

#[derive(Clone, Debug)]
struct Write {
    file: SmallFile,
    number: i64,
    replacement: Replacement,
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
        self.queue.push_back(Write { file, number, replacement: Replacement::of(name(file).into(), content(number)) });
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
        let done = match outcome {
            Err(error) => Progress::Failed(file, error),
            Ok(_) if write.replacement.advance(cx.bugs) => Progress::Written(file, number),
            Ok(_) => Progress::Continues,
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
        if let Some(write) = self.queue.front() {
            cx.emit(Effect::Disk { tag: DiskTag::Atomic(write.file), op: write.replacement.op() });
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
