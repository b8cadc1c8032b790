//! The disk under a server: named files of real bytes, a page cache and a medium, and everything that goes wrong with them.
//!
//! A process sees the page cache: writes, renames and deletions hold from the moment they are submitted. The medium has only what
//! a sync has put there. A *process crash* keeps the page cache, a *power loss* does not:
//!
//! - Unsynced bytes of a file are lost, kept, or torn between two 512-byte sectors; a sector itself is never torn.
//! - Metadata (create, rename, truncate, delete) is ordered: every sync of anything makes durable all that was done before it, and of
//!   what comes later a beginning may have become durable unasked. Bytes and metadata are not ordered among each other, so a
//!   renamed file whose bytes were never synced may turn out empty.
//! - A *loose* disk keeps no order: any sectors, any metadata.
//! - A failed sync loses what it was to write, for good. Processes still read it from the page cache, as on Linux.
//!
//! Answers come in two steps, [`Disk::submit`] and [`Disk::complete`], between which the kernel lets time pass, or crashes the server.
//! All chance comes from the disk's own stream.
//!
//! Not modelled: sectors the device refuses to read for good, folders as things that can be synced, the write-back of dirty pages without
//! a sync as long as the power is on (nobody could see it), quotas of inodes.

mod fault;
mod file_role;
mod files;
mod inject;
mod injected;
mod inode;
mod journal;
mod power_loss;
mod ranges;
mod timing;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use crate::proto::{DiskError, DiskOp, DiskReply, FileImage, FileName, Micros, Span, WriteAt};

use super::Stream;
use super::small_map::SmallMap;
pub use fault::{DISK_FAULTS, DiskFault, Failing, Landing, Times};
pub use file_role::FileRole;
use files::{Files, Ino, SyncJob};
use injected::InjectedFaults;
pub use injected::{FaultId, InjectedFault};
use power_loss::Manners;
pub use power_loss::PowerLoss;
pub use timing::{DiskTiming, OpClass};

/// What the device writes whole or not at all, in bytes.
const SECTOR: u64 = 512;

/// An operation under way. The tickets of a disk are never used twice, and grow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Ticket(pub u64);

/// A clone shares all files; the first change after it copies the table of files, never their bytes.
#[derive(Clone, Debug)]
pub struct Disk {
    files: Arc<Files>,
    in_flight: SmallMap<Ticket, InFlight>,
    tickets: u64,
    faults: InjectedFaults,
    timing: DiskTiming,
    stream: Stream,
}

#[derive(Clone, Debug)]
enum InFlight {
    /// The operation has taken effect, or failed; only the answer is on its way.
    Answer(Result<DiskReply, DiskError>),
    /// A sync takes effect when it completes.
    Sync { job: SyncJob, fails: bool },
}

impl Disk {
    /// An empty disk. `stream` is its own: the caller names it after the server (`disk s1`).
    pub fn new(stream: Stream, timing: DiskTiming) -> Disk {
        Disk { files: Arc::default(), in_flight: SmallMap::default(), tickets: 0, faults: InjectedFaults::default(), timing, stream }
    }

    /// Starts an operation. [`Disk::complete`] is due after the time returned, unless the server dies first.
    ///
    /// Faults have their say now; one given later leaves operations under way alone.
    pub fn submit(&mut self, op: &DiskOp) -> (Ticket, Micros) {
        let ticket = Ticket(self.tickets);
        self.tickets += 1;
        let mut latency = self.draw_latency(OpClass::of(op));
        let forcing = if op.is_forced_write() { self.draw_latency(OpClass::Fsync) } else { Micros::ZERO };
        let in_flight = self.begin(op, ticket);
        if matches!(in_flight, InFlight::Sync { .. }) {
            latency += forcing;
        }
        self.in_flight.insert(ticket, in_flight);
        (ticket, latency)
    }

    /// Ends an operation. `None` when a crash or power loss came first: nobody is left to be told.
    pub fn complete(&mut self, ticket: Ticket) -> Option<Result<DiskReply, DiskError>> {
        Some(match self.in_flight.remove(ticket)? {
            InFlight::Answer(answer) => answer,
            InFlight::Sync { job, fails: false } => {
                let loose = self.faults.loose().is_some();
                Arc::make_mut(&mut self.files).finish_sync(job, loose, &mut self.stream);
                Ok(DiskReply::Done)
            }
            InFlight::Sync { job, fails: true } => {
                self.files_mut().fail_sync(job);
                Err(DiskError::Io)
            }
        })
    }

    /// The process is gone and with it the operations under way. What it wrote is in the page cache for its successor.
    pub fn process_crash(&mut self) {
        self.in_flight.clear();
        self.files_mut().abandon_syncs();
    }

    /// The machine is gone: what was not synced is lost, kept or torn. Faults stay with the disk, but for `tear`, whose time this was.
    pub fn power_loss(&mut self) -> PowerLoss {
        self.in_flight.clear();
        let loose = self.faults.loose();
        let tears = self.faults.take_tears(self.files.names());
        let concerns = |target: &Option<FileName>, name: &FileName| target.as_ref().is_none_or(|target| target == name);
        let tear = |name: &FileName| tears.iter().any(|(_, target)| concerns(target, name));
        let manners = Manners { loose: loose.is_some(), tear: &tear };
        let report = Arc::make_mut(&mut self.files).power_loss(&manners, &mut self.stream);
        let torn = tears.iter().filter(|(_, target)| report.torn.iter().any(|name| concerns(target, name)));
        torn.for_each(|(fault, _)| self.faults.fire(*fault));
        if let Some(loose) = loose.filter(|_| report.lost_anything()) {
            self.faults.fire(loose);
        }
        report
    }

    /// A new, empty disk in place of the old one. Its faults stay.
    pub fn wipe(&mut self) {
        self.in_flight.clear();
        self.files = Arc::default();
    }

    /// Puts a file on the medium as if it had always been there: the state a scenario starts from.
    pub fn install(&mut self, file: FileName, bytes: &[u8]) {
        self.install_image(file, FileImage::from(bytes));
    }

    /// The same with an image, whose holes stay holes.
    pub fn install_image(&mut self, file: FileName, image: FileImage) {
        self.files_mut().install(file, image);
    }

    /// Files as processes see them, in the order of their names.
    pub fn files(&self) -> impl Iterator<Item = (&FileName, &FileImage)> {
        self.files.cached()
    }

    /// Files the medium is certain to have after a power loss, in the order of their names.
    pub fn durable_files(&self) -> impl Iterator<Item = (&FileName, &FileImage)> {
        self.files.durable()
    }

    /// Sum of the sizes of the files processes see. Preallocated zeros count, although they take no space.
    pub fn total_bytes(&self) -> u64 {
        self.files().map(|(_, image)| image.len()).sum()
    }

    /// Whether both disks hold the same files with the same bytes, in the page cache and on the medium.
    pub fn content_eq(&self, other: &Disk) -> bool {
        Arc::ptr_eq(&self.files, &other.files) || (self.files().eq(other.files()) && self.durable_files().eq(other.durable_files()))
    }

    /// One draw for every operation, slow or not, so that a fault leaves later latencies as they were.
    fn draw_latency(&mut self, class: OpClass) -> Micros {
        let (usual, more) = (self.timing.of(class), self.faults.slowness(class));
        self.stream.within(Span::new(usual.low + more.low, usual.high + more.high))
    }

    fn begin(&mut self, op: &DiskOp, ticket: Ticket) -> InFlight {
        // A missing file is found out without the device, so no fault is spent on it.
        let target = match self.target(op) {
            Ok(target) => target,
            Err(error) => return InFlight::Answer(Err(error)),
        };
        if let (DiskOp::Sync { .. }, Some(ino)) = (op, target) {
            return self.begin_sync(op, ino, ticket);
        }
        let fails = self.faults.fail(op, OpClass::of(op), self.files.names());
        let answer = if fails { Err(DiskError::Io) } else { self.perform(op, target) };
        match target.filter(|_| answer.is_ok() && op.is_forced_write()) {
            Some(ino) => self.begin_sync(op, ino, ticket),
            None => InFlight::Answer(answer),
        }
    }

    fn begin_sync(&mut self, op: &DiskOp, ino: Ino, ticket: Ticket) -> InFlight {
        let fails = self.faults.fail(op, OpClass::Fsync, self.files.names());
        InFlight::Sync { job: self.files_mut().begin_sync(ino, ticket), fails }
    }

    /// The file that must be there; `None` for what needs none.
    fn target(&self, op: &DiskOp) -> Result<Option<Ino>, DiskError> {
        match op {
            DiskOp::Create { .. } | DiskOp::List => Ok(None),
            _ => op.files().next().map(|file| self.files.lookup(file)).transpose(),
        }
    }

    fn perform(&mut self, op: &DiskOp, target: Option<Ino>) -> Result<DiskReply, DiskError> {
        match op {
            DiskOp::Load { file } => return Ok(DiskReply::Loaded(self.files.image(self.files.lookup(file)?).clone())),
            DiskOp::List => return Ok(DiskReply::Listed(self.files().map(|(name, image)| (name.clone(), image.len())).collect())),
            DiskOp::Write { at, bytes, .. } => self.write(op, target.ok_or(DiskError::NotFound)?, *at, bytes)?,
            DiskOp::Create { file } => self.files_mut().create(file),
            DiskOp::Rename { from, to } => self.files_mut().rename(from, to)?,
            DiskOp::Truncate { file, len } => self.files_mut().truncate(file, *len)?,
            DiskOp::Delete { file } => self.files_mut().delete(file)?,
            DiskOp::Sync { .. } => unreachable!("a sync takes effect when it completes"),
        }
        Ok(DiskReply::Done)
    }

    fn write(&mut self, op: &DiskOp, ino: Ino, at: WriteAt, bytes: &[u8]) -> Result<(), DiskError> {
        let offset = match at {
            WriteAt::End => self.files.image(ino).len(),
            WriteAt::Byte(byte) => byte,
        };
        if self.misdirect(op, ino, offset, bytes) {
            return Ok(());
        }
        let (fitting, full) = self.fitting(ino, offset, bytes.len() as u64);
        self.files_mut().write(ino, offset, &bytes[..fitting as usize]);
        full.map_or(Ok(()), |fault| {
            self.faults.fire(fault);
            Err(DiskError::NoSpace)
        })
    }

    /// The files, for this disk alone: those of a clone stay as they are.
    fn files_mut(&mut self) -> &mut Files {
        Arc::make_mut(&mut self.files)
    }

    /// How many of the bytes there is space for, and the fault to blame when it is not all of them.
    fn fitting(&self, ino: Ino, offset: u64, len: u64) -> (u64, Option<FaultId>) {
        let Some((full, limit)) = self.faults.space_limit() else { return (len, None) };
        let fitting = self.files.image(ino).fits(offset, len, limit.saturating_sub(self.files.allocated()));
        (fitting, (fitting < len).then_some(full))
    }
}
