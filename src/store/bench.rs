//! A workbench for the tests of this module: one machine at a time, on files in memory.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::actor::{Cx, Draw, Effect};
use crate::bugs::Bugs;
use crate::proto::{
    Config, DiskError, DiskOp, DiskReply, DiskTag, FileImage, FileName, Membership, Micros, NodeId, Proposal, SessionId, Stage, Txn, TxnHeader,
    WriteAt, Zxid,
};
use crate::trace::Note;

use super::recovery::{Recovered, Recovery, RecoveryEvent};
use super::{format, history};

/// What a machine asked for, and files that do as they are told.
#[derive(Default)]
pub struct Bench {
    pub files: BTreeMap<FileName, FileImage>,
    pub bugs: Bugs,
    /// All operations, in order.
    pub ops: Vec<DiskOp>,
    pub notes: Vec<Note>,
    /// Stages that were woken.
    pub woken: Vec<Stage>,
    /// The next operation whose text contains the word fails.
    pub fault: Option<(&'static str, DiskError)>,
    effects: Vec<Effect>,
    asked: Option<(DiskTag, DiskOp)>,
    draws: Zeros,
}

/// Draws nothing but zeros.
#[derive(Default)]
struct Zeros;

impl Draw for Zeros {
    fn below(&mut self, _bound: u64) -> u64 {
        0
    }
}

impl Bench {
    pub fn with(bugs: Bugs) -> Bench {
        Bench { bugs, ..Bench::default() }
    }

    /// One step of a machine.
    pub fn step<R>(&mut self, act: impl FnOnce(&mut Cx) -> R) -> R {
        let mut cx = Cx::new(NodeId::server(1), Micros::ZERO, Micros::ZERO, self.bugs, &mut self.draws, &mut self.effects);
        let result = act(&mut cx);
        for effect in std::mem::take(&mut self.effects) {
            match effect {
                Effect::Disk { tag, op } => assert_eq!(self.asked.replace((tag, op)), None, "one operation at a time"),
                Effect::Note(note) => self.notes.push(note),
                Effect::Wake(stage) => self.woken.push(stage),
                _ => {}
            }
        }
        result
    }

    /// Carries out what the machine asks for until it asks for nothing more; the results of its steps, in order.
    pub fn run<R>(&mut self, mut on_disk: impl FnMut(&mut Cx, Result<DiskReply, DiskError>) -> R) -> Vec<R> {
        let mut results = Vec::new();
        while let Some((_, op)) = self.asked.take() {
            let outcome = self.perform(&op);
            self.ops.push(op);
            results.push(self.step(|cx| on_disk(cx, outcome)));
        }
        results
    }

    /// Puts files where they are.
    pub fn install(&mut self, files: impl IntoIterator<Item = (FileName, Vec<u8>)>) {
        self.files.extend(files.into_iter().map(|(file, bytes)| (file, FileImage::from(&bytes[..]))));
    }

    /// Loads the database.
    pub fn load(&mut self, config: &Arc<Config>, db_autocreate: bool) -> Result<Recovered, String> {
        let recovery = self.step(|cx| Recovery::load(cx, config.clone(), db_autocreate));
        self.finish(recovery)
    }

    /// Runs a recovery to its end.
    pub fn finish(&mut self, mut recovery: Recovery) -> Result<Recovered, String> {
        match self.run(|cx, outcome| recovery.on_disk(cx, outcome)).pop().expect("it asked for something") {
            RecoveryEvent::Recovered(recovered) => Ok(*recovered),
            RecoveryEvent::Refused(reason) => Err(reason),
            RecoveryEvent::Continues => panic!("it asked for nothing more and has not ended"),
        }
    }

    /// The names of all files.
    pub fn names(&self) -> Vec<String> {
        self.files.keys().map(|file| file.replace("version-2/", "")).collect()
    }

    /// Operations since the last look, as text.
    pub fn take_ops(&mut self) -> Vec<String> {
        self.ops.drain(..).map(|op| op.to_string().replace("version-2/", "")).collect()
    }

    fn perform(&mut self, op: &DiskOp) -> Result<DiskReply, DiskError> {
        if let Some((_, error)) = self.fault.take_if(|(word, _)| op.to_string().contains(*word)) {
            return Err(error);
        }
        let found = |files: &BTreeMap<FileName, FileImage>, file: &FileName| files.get(file).cloned().ok_or(DiskError::NotFound);
        match op {
            DiskOp::List => {
                return Ok(DiskReply::Listed(self.files.iter().map(|(name, image)| (name.clone(), image.len())).collect()));
            }
            DiskOp::Load { file } => return found(&self.files, file).map(DiskReply::Loaded),
            DiskOp::Create { file } => drop(self.files.insert(file.clone(), FileImage::default())),
            DiskOp::Write { file, at, bytes, .. } => {
                let mut image = found(&self.files, file)?;
                image.write(if let WriteAt::Byte(byte) = at { *byte } else { image.len() }, bytes);
                self.files.insert(file.clone(), image);
            }
            DiskOp::Sync { file } => drop(found(&self.files, file)?),
            DiskOp::Rename { from, to } => {
                let image = self.files.remove(from).ok_or(DiskError::NotFound)?;
                self.files.insert(to.clone(), image);
            }
            DiskOp::Truncate { file, len } => {
                let mut image = found(&self.files, file)?;
                image.set_len(*len);
                self.files.insert(file.clone(), image);
            }
            DiskOp::Delete { file } => drop(self.files.remove(file).ok_or(DiskError::NotFound)?),
        }
        Ok(DiskReply::Done)
    }
}

/// Small files, and snapshots as rarely as the test wants.
pub fn config(snap_count: u32) -> Arc<Config> {
    let mut config = Config::new(Membership::of(1, 0));
    config.pre_alloc_size = 8192;
    config.snap_count = snap_count;
    Arc::new(config)
}

/// What one would write: `snapshot.100000005`, `log.100000001`.
pub fn named(name: &str) -> FileName {
    format!("version-2/{name}").into()
}

/// A log file with these transactions of a history (see [`history`]).
pub fn log_of(zxids: impl IntoIterator<Item = Zxid>) -> (FileName, Vec<u8>) {
    let proposals: Vec<_> = zxids.into_iter().map(history::transaction).collect();
    let records = proposals.iter().flat_map(|proposal| proposal.record.iter().copied());
    (format::log_name(proposals[0].zxid()), format::LOG_HEADER.iter().copied().chain(records).collect())
}

/// The snapshot of a history as of a zxid.
pub fn snapshot_of(zxid: Zxid) -> (FileName, Vec<u8>) {
    (format::snapshot_name(zxid), history::snapshot(zxid))
}

/// Zxids of epoch 1.
pub fn zxids(counters: impl IntoIterator<Item = u32>) -> impl Iterator<Item = Zxid> {
    counters.into_iter().map(|counter| Zxid::new(1, counter))
}

/// The state of a history at a zxid, as a digest.
pub fn digest_at(zxid: Zxid) -> u64 {
    let image = FileImage::from(&history::snapshot(zxid)[..]);
    format::read_snapshot(&image, zxid, 0).expect("it was just written").digest()
}

/// A transaction of epoch 1 that does nothing.
pub fn txn(counter: u32) -> Arc<Proposal> {
    let header = TxnHeader { session: SessionId(7), cxid: 0, zxid: Zxid::new(1, counter), time: 0 };
    Proposal::new(header, Txn::CreateSession { timeout: 1000 })
}
