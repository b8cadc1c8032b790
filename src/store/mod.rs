//! What a server keeps on its disk, and how it gets there: state machines that ask for one disk operation at a time and are told what came of it.
//!
//! Each answers for one [`crate::proto::DiskTag`]:
//!
//! - [`boot::Boot`], with [`Recovery`] and [`Epochs`]: what is read before the first vote (`Recovery`, `Boot`, `Atomic`).
//! - [`ConfigFiles`]: the server list, where it may change (`Config`).
//! - [`RequestLogger`]: the log (`Log`).
//! - [`Snapshotter`]: snapshots (`Snapshot`).
//! - [`Truncation`]: TRUNC, and what SNAP makes void (`Truncation`).
//! - [`Purge`] (`Purge`), [`LogSync`] (`LearnerSync`).
//!
//! [`mod@format`] knows the bytes of the files, [`history`] makes those that a scenario starts from.
//!
//! # Where we differ from ZooKeeper 3.9.5
//!
//! Each of these is a repair: without it there is a crash, a power loss or a passing disk error after which a server loses what it
//! acknowledged, votes with what it does not have, or does not start again. Where a switch is named, it takes the repair back.
//!
//! - A snapshot that cannot be read, for an error of the disk, is not passed over for an older one ([`Recovery`]).
//! - What a restart was loaded from is forced before the server votes with it: a killed process leaves bytes that never were
//!   (UnsyncedReplay; [`Recovery`]).
//! - The image of an empty database is forced, and so is a leader's: it may be the only one (UnsyncedImage; [`Recovery`], [`Snapshotter`]).
//! - A background snapshot counts once the log holds all that it may hold, and never writes over another ([`Snapshotter`]). No switch: what it
//!   holds too much is committed and comes again before anybody is served.
//! - A rolled log file is forced before the next one is written (`txn_log`). No switch: the power must go between the two, and take the end of
//!   the old file and leave the beginning of the new one; that is one loss in ten at best, and of nothing acknowledged.
//! - After a failed write or fsync the log is cut back to what is durable, and the batch is not tried again (`txn_log`). No switch: what a disk
//!   loses that has failed an fsync is held against nobody (`zoolab help budget`).
//! - `currentEpoch` follows a history that is newer (Zk1653; [`boot`]), and an epoch counts once its rename is forced (UnsyncedRename).
//! - TRUNC changes nothing before it is certain that the disk can give the state, in an order that a crash may break off; newer snapshots
//!   go (Zk4837), a snapshot of that zxid is enough, the image behind it is forced (UnsyncedTruncation; [`Truncation`]). Where the disk
//!   cannot give it, the leader is asked for a SNAP (UnreachableTruncation).
//! - A SNAP cuts the log, and its image supersedes newer ones (Zk2832; [`Truncation`], [`Snapshotter`]).
//! - What purging keeps is forced before the rest goes ([`Purge`]).
//!
//! Left out: compressed snapshots, rolling by size (`txnLogSizeLimitInKb`, `snapSizeLimitInKb`), `flushDelay`, a log folder of its own.

mod atomic;
pub mod boot;
mod config_files;
mod epochs;
pub mod format;
pub mod history;
mod listing;
mod log_sync;
mod purge;
mod recovery;
mod rehearsal;
mod replay;
mod request_logger;
mod sequence;
mod small_file;
mod snapshotter;
mod truncation;
mod txn_log;

#[cfg(test)]
mod bench;

pub use config_files::{ConfigFiles, ConfigProgress, OnDisk};
pub use epochs::Epochs;
pub use log_sync::{LogRead, LogSync};
pub use purge::Purge;
pub use recovery::{Recovered, Recovery, RecoveryEvent};
pub use rehearsal::{Rehearsal, Rehearsed};
pub use request_logger::{LogFailure, LoggerEvent, RequestLogger};
pub use small_file::{AtomicWriter, Progress, content, name};
pub use snapshotter::{EXIT_SNAPSHOT_FAILED, Image, SnapshotEvent, Snapshotter};
pub use truncation::{Cut, Truncation, TruncationEvent};
