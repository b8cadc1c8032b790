//! The transaction log as it is written: a buffer in the process, files that grow in steps, one write per commit, which is forced. Source:
//! `FileTxnLog.append`, `commit`, `rollLog`, `FilePadding`; storage reference §2, §3. Java's flush and `force` are one operation here, since
//! the thread waits for both and the page cache has the bytes as soon as it begins.
//!
//! Forcing a new file also makes its name durable (design law 6), so nothing syncs the folder. Two deviations, both about failures. A
//! batch is one write, where Java's buffer of 8 KiB may spill earlier. And after a failure nothing is tried again: ZooKeeper flushes the
//! failed batch once more on shutdown, and a second fsync succeeds without the bytes that the first one lost. Here the file is cut back
//! to what is known to be durable ([`TxnLog::repair`]) and left.

use std::collections::VecDeque;
use std::sync::Arc;

use crate::actor::{Cx, Effect};
use crate::proto::{Bytes, Config, DiskError, DiskOp, DiskReply, DiskTag, FileName, Proposal, WriteAt, Zxid};
use crate::trace::Note;

use super::format::{LOG_HEADER, log_name, padded_size};

/// Log files that are written by this process, and what is to be done with them.
#[derive(Clone, Debug)]
pub struct TxnLog {
    /// `preAllocSize`, in bytes; 0: files grow as they are written.
    pre_alloc: u64,
    /// `forceSync`.
    forced: bool,
    /// The files of the commit under way, oldest first; the last one takes appends, if `open`. Source: `streamsToFlush`.
    streams: Vec<Stream>,
    open: bool,
    /// Appended to the last stream and not written.
    buffer: Vec<Arc<Proposal>>,
    /// Operations of the commit or repair, the one under way first.
    steps: VecDeque<Step>,
}

/// One file.
#[derive(Clone, Debug)]
struct Stream {
    file: FileName,
    /// Where the next record goes. At least the header's length.
    position: u64,
    /// Size that the file has by padding; less than `position` once a batch went beyond it.
    size: u64,
    /// End of what is known to be on the medium; 0: not even the file.
    durable: u64,
    /// Written transactions that are not forced yet, and the zxid of the last one.
    unforced: u32,
    last: Zxid,
}

impl Stream {
    /// Everything written to it has been forced.
    fn is_durable(&mut self, cx: &mut Cx) {
        self.durable = self.position;
        cx.note(Note::LogSynced { last: self.last, txns: std::mem::take(&mut self.unforced) });
    }
}

/// One operation on the stream with this index.
#[derive(Clone, Debug)]
enum Step {
    Create(usize),
    Header(usize),
    /// One zero byte at the end of the new size: what lies between takes no space. As a plain write it can be lost but not overtake the
    /// header: a file of zeros alone would keep the server from booting.
    Pad(usize, u64),
    Write {
        index: usize,
        batch: Vec<Arc<Proposal>>,
        forced: bool,
    },
    Force(usize),
    CutBack(usize),
    Delete(usize),
}

/// What an answer of the disk meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    Continues,
    /// All steps are done: what was appended before the commit is durable.
    Done,
    /// The commit, or repair, stops where it is.
    Failed(DiskError),
}

impl TxnLog {
    pub fn new(config: &Config) -> TxnLog {
        TxnLog {
            pre_alloc: config.pre_alloc_size,
            forced: config.force_sync,
            streams: Vec::new(),
            open: false,
            buffer: Vec::new(),
            steps: VecDeque::new(),
        }
    }

    /// Puts a transaction into the buffer. A new file is named after its first one, and empties a file that has the name.
    pub fn append(&mut self, proposal: Arc<Proposal>) {
        if !self.open {
            let file = log_name(proposal.zxid());
            let header = LOG_HEADER.len() as u64;
            self.streams.push(Stream { file, position: header, size: header, durable: 0, unforced: 0, last: proposal.zxid() });
            self.open = true;
            let index = self.streams.len() - 1;
            self.steps.extend([Step::Create(index), Step::Header(index)]);
        }
        self.buffer.push(proposal);
    }

    /// The next append opens a new file. This one is forced before anything is written to that.
    ///
    /// A repair: ZooKeeper writes to both and then forces both, the old one first. Until then a power loss may take the end of the
    /// old file and leave the beginning of the new one, and the server refuses to boot from a log with a hole (before 3.9.4: it did not notice).
    pub fn roll(&mut self) {
        if self.open {
            self.flush();
            self.force();
            self.open = false;
        }
    }

    /// Forgets the files, all of which must be forced.
    pub fn close(&mut self) {
        debug_assert!(self.buffer.is_empty() && self.steps.is_empty(), "closed in the middle of a commit");
        self.streams.clear();
        self.open = false;
    }

    /// Starts to write what is in the buffer, and to force it. Answered by [`Progress::Done`].
    pub fn commit(&mut self, cx: &mut Cx) {
        self.flush();
        if self.open {
            self.force();
        }
        self.start(cx);
    }

    /// After a failure: starts to take away what may be in the page cache without being durable, so that nobody reads it and believes it. The
    /// youngest file first: what a crash leaves is the beginning of the log. False when there is nothing to do.
    pub fn repair(&mut self, cx: &mut Cx) -> bool {
        self.buffer.clear();
        self.open = false;
        let step = |index: usize| if self.streams[index].durable == 0 { Step::Delete(index) } else { Step::CutBack(index) };
        self.steps = (0..self.streams.len()).rev().map(step).collect();
        self.start(cx);
        !self.steps.is_empty()
    }

    /// The operation under way ended.
    pub fn on_disk(&mut self, cx: &mut Cx, outcome: Result<DiskReply, DiskError>) -> Progress {
        let step = self.steps.pop_front().expect("only our own operations complete");
        match (outcome, &step) {
            (Ok(_), _) | (Err(DiskError::NotFound), Step::Delete(_)) => self.finish(cx, step),
            (Err(error), _) => {
                cx.note(Note::StorageFailed { what: self.operation(&step).to_string(), error: error.to_string() });
                self.steps.clear();
                return Progress::Failed(error);
            }
        }
        self.start(cx);
        if !self.steps.is_empty() {
            return Progress::Continues;
        }
        // Files that are forced and take no more appends are closed. Source: `FileTxnLog.commit`.
        let kept = usize::from(self.open);
        self.streams.drain(..self.streams.len() - kept);
        Progress::Done
    }

    /// The buffer becomes steps: space first, where it is needed, then all transactions at once.
    fn flush(&mut self) {
        if self.buffer.is_empty() {
            return;
        }
        let index = self.streams.len() - 1;
        let stream = &mut self.streams[index];
        let size = padded_size(stream.position, stream.size, self.pre_alloc);
        if size != stream.size {
            stream.size = size;
            self.steps.push_back(Step::Pad(index, size));
        }
        self.steps.push_back(Step::Write { index, batch: std::mem::take(&mut self.buffer), forced: false });
    }

    /// What is written last is forced: in the write itself, if there is one.
    fn force(&mut self) {
        match self.steps.back_mut() {
            _ if !self.forced => {}
            Some(Step::Write { forced, .. }) => *forced = true,
            _ => self.steps.push_back(Step::Force(self.streams.len() - 1)),
        }
    }

    /// Begins the next step. Transactions are in the page cache from that moment on, whatever becomes of the process.
    fn start(&self, cx: &mut Cx) {
        let Some(step) = self.steps.front() else { return };
        if let Step::Write { index, batch, .. } = step {
            let file = &self.streams[*index].file;
            batch.iter().for_each(|proposal| cx.note(Note::Appended { txn: proposal.id(), file: file.clone() }));
        }
        cx.emit(Effect::Disk { tag: DiskTag::Log, op: self.operation(step) });
    }

    fn operation(&self, step: &Step) -> DiskOp {
        let stream = |index: &usize| &self.streams[*index];
        let file = |index: &usize| stream(index).file.clone();
        match step {
            Step::Create(index) => DiskOp::Create { file: file(index) },
            Step::Header(index) => DiskOp::Write { file: file(index), at: WriteAt::Byte(0), bytes: LOG_HEADER.into(), forced: false },
            Step::Pad(index, size) => DiskOp::Write { file: file(index), at: WriteAt::Byte(size - 1), bytes: [0].into(), forced: false },
            Step::Write { index, batch, forced } => {
                DiskOp::Write { file: file(index), at: WriteAt::Byte(stream(index).position), bytes: records(batch), forced: *forced }
            }
            Step::Force(index) => DiskOp::Sync { file: file(index) },
            Step::CutBack(index) => DiskOp::Truncate { file: file(index), len: stream(index).durable },
            Step::Delete(index) => DiskOp::Delete { file: file(index) },
        }
    }

    fn finish(&mut self, cx: &mut Cx, step: Step) {
        match step {
            Step::Write { index, mut batch, forced } => {
                let stream = &mut self.streams[index];
                stream.position += batch.iter().map(|proposal| proposal.record.len() as u64).sum::<u64>();
                stream.unforced += batch.len() as u32;
                stream.last = batch.last().map_or(stream.last, |proposal| proposal.zxid());
                if forced {
                    stream.is_durable(cx);
                } else if !self.forced {
                    // Nobody will ever know better.
                    stream.durable = stream.position;
                }
                if self.buffer.capacity() == 0 {
                    batch.clear();
                    self.buffer = batch;
                }
            }
            Step::Force(index) => self.streams[index].is_durable(cx),
            Step::Create(_) | Step::Header(_) | Step::Pad(..) | Step::CutBack(_) | Step::Delete(_) => {}
        }
    }
}

/// The records of a batch one behind the other. Those of a single one are shared, not copied.
fn records(batch: &[Arc<Proposal>]) -> Bytes {
    match batch {
        [only] => only.record.clone(),
        _ => {
            let mut bytes = Vec::with_capacity(batch.iter().map(|proposal| proposal.record.len()).sum());
            batch.iter().for_each(|proposal| bytes.extend_from_slice(&proposal.record));
            bytes.into()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::bench::{Bench, config, txn};
    use super::*;

    const RECORD: u64 = 12 + 32 + 4 + 1;

    /// Appends and commits these; what came of it.
    fn commit(bench: &mut Bench, log: &mut TxnLog, counters: impl IntoIterator<Item = u32>) -> Progress {
        counters.into_iter().for_each(|counter| log.append(txn(counter)));
        bench.step(|cx| log.commit(cx));
        bench.run(|cx, outcome| log.on_disk(cx, outcome)).pop().expect("a commit writes")
    }

    #[test]
    fn a_new_file_has_its_header_before_its_space_and_its_space_before_its_records() {
        let (mut bench, mut log) = (Bench::default(), TxnLog::new(&config(1000)));
        assert_eq!(commit(&mut bench, &mut log, [1, 2]), Progress::Done);
        let write = format!("write {} bytes to log.100000001 at 16 and sync it", 2 * RECORD);
        let [create, header, pad] =
            ["create log.100000001", "write 16 bytes to log.100000001 at 0", "write 1 bytes to log.100000001 at 8207"].map(String::from);
        assert_eq!(bench.take_ops(), [create, header, pad, write]);
        let file = &bench.files[&log_name(Zxid::new(1, 1))];
        assert_eq!(file.len(), 16 + 8192, "the header does not count as space");
        let expected = [&LOG_HEADER[..], &txn(1).record, &txn(2).record, &[0]].concat();
        assert_eq!(file.to_vec()[..expected.len()], expected);
        assert!(matches!(bench.notes[..], [Note::Appended { .. }, Note::Appended { .. }, Note::LogSynced { txns: 2, .. }]));
    }

    #[test]
    fn a_batch_of_one_is_one_write_of_the_record_itself_and_one_fsync() {
        let (mut bench, mut log) = (Bench::default(), TxnLog::new(&config(1000)));
        commit(&mut bench, &mut log, [1]);
        bench.ops.clear();
        let proposal = txn(2);
        log.append(proposal.clone());
        bench.step(|cx| log.commit(cx));
        bench.run(|cx, outcome| log.on_disk(cx, outcome));
        let [DiskOp::Write { at, bytes, forced: true, .. }] = &bench.ops[..] else {
            panic!("{:?}", bench.take_ops());
        };
        assert_eq!(*at, WriteAt::Byte(16 + RECORD));
        assert!(Arc::ptr_eq(bytes, &proposal.record));
    }

    #[test]
    fn space_is_added_before_it_runs_out() {
        let (mut bench, mut log) = (Bench::default(), TxnLog::new(&config(1000)));
        let mut sizes = Vec::new();
        for counter in 1..=200 {
            commit(&mut bench, &mut log, [counter]);
            sizes.push(bench.files[&log_name(Zxid::new(1, 1))].len());
        }
        sizes.dedup();
        assert_eq!(sizes, [16 + 8192, 16 + 2 * 8192]);
    }

    #[test]
    fn at_a_roll_the_old_file_is_forced_before_the_new_one_is_written() {
        let (mut bench, mut log) = (Bench::default(), TxnLog::new(&config(1000)));
        commit(&mut bench, &mut log, [1]);
        bench.ops.clear();
        log.append(txn(2));
        log.roll();
        assert_eq!(commit(&mut bench, &mut log, [3]), Progress::Done);
        let ops = bench.take_ops();
        let told: Vec<_> = ops.iter().map(|op| (op.split(' ').next().unwrap_or_default(), op.ends_with("and sync it"))).collect();
        assert_eq!(told, [("write", true), ("create", false), ("write", false), ("write", false), ("write", true)]);
        assert!(ops[0].contains("log.100000001") && ops[4].contains("log.100000003"));
        commit(&mut bench, &mut log, [4]);
        assert_eq!(bench.take_ops().len(), 1, "the old file is closed");
    }

    #[test]
    fn without_force_sync_nothing_is_forced() {
        let mut config = Config::clone(&config(1000));
        config.force_sync = false;
        let (mut bench, mut log) = (Bench::default(), TxnLog::new(&config));
        assert_eq!(commit(&mut bench, &mut log, [1]), Progress::Done);
        assert!(bench.take_ops().iter().all(|op| !op.starts_with("sync")));
    }

    /// Whatever fails, what was forced before stays, and what may have been written since is gone.
    #[test]
    fn a_repair_leaves_what_is_known_to_be_durable() {
        for fault in ["create", "write 16", "write 1 bytes", "write 49", "sync"] {
            let (mut bench, mut log) = (Bench::default(), TxnLog::new(&config(1000)));
            bench.fault = Some((fault, DiskError::Io));
            assert_eq!(commit(&mut bench, &mut log, [1]), Progress::Failed(DiskError::Io), "{fault}");
            assert!(bench.step(|cx| log.repair(cx)));
            assert_eq!(bench.run(|cx, outcome| log.on_disk(cx, outcome)).pop(), Some(Progress::Done));
            assert!(bench.files.is_empty(), "nothing of the file was known to be on disk, {fault}");
            assert_eq!(commit(&mut bench, &mut log, [1]), Progress::Done, "a new file");
        }
        for fault in ["write 98", "sync"] {
            let (mut bench, mut log) = (Bench::default(), TxnLog::new(&config(1000)));
            commit(&mut bench, &mut log, [1]);
            bench.fault = Some((fault, DiskError::NoSpace));
            assert_eq!(commit(&mut bench, &mut log, [2, 3]), Progress::Failed(DiskError::NoSpace));
            bench.step(|cx| log.repair(cx));
            bench.run(|cx, outcome| log.on_disk(cx, outcome));
            assert_eq!(bench.files[&log_name(Zxid::new(1, 1))].to_vec(), [&LOG_HEADER[..], &txn(1).record].concat(), "{fault}");
            commit(&mut bench, &mut log, [2]);
            assert!(bench.files.contains_key(&log_name(Zxid::new(1, 2))), "the cut file is left alone");
        }
    }

    #[test]
    fn a_failure_after_a_roll_cuts_the_old_file_and_deletes_the_new_one_first() {
        let (mut bench, mut log) = (Bench::default(), TxnLog::new(&config(1000)));
        commit(&mut bench, &mut log, [1]);
        log.append(txn(2));
        log.roll();
        bench.fault = Some(("sync", DiskError::Io));
        assert_eq!(commit(&mut bench, &mut log, [3]), Progress::Failed(DiskError::Io));
        bench.ops.clear();
        bench.step(|cx| log.repair(cx));
        bench.run(|cx, outcome| log.on_disk(cx, outcome));
        assert_eq!(bench.take_ops(), ["delete log.100000003".to_string(), format!("truncate log.100000001 to {} bytes", 16 + RECORD)]);
    }
}
