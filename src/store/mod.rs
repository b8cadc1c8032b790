//! What a server keeps on its disk, and how it gets there: state machines that ask for one disk operation at a time and are told what came of it.
//!
//! Each answers for one [`crate::proto::DiskTag`]:
//!
//! - [`boot::Boot`], with [`Recovery`] and [`Epochs`]: what is read before the first vote (`Recovery`, `Boot`, `Atomic`).
//! - [`RequestLogger`]: the log (`Log`).
//! - [`Snapshotter`]: snapshots (`Snapshot`).
//! - [`Truncation`]: TRUNC, and what SNAP makes void (`Truncation`).
//! - [`Purge`] (`Purge`), [`LogSync`] (`LearnerSync`).
//!
//! [`mod@format`] knows the bytes of the files, [`history`] makes those that a scenario starts from.

pub mod boot;
mod epochs;
pub mod format;
pub mod history;
mod listing;
mod log_sync;
mod purge;
mod recovery;
mod replay;
mod request_logger;
mod sequence;
mod small_file;
mod snapshotter;
mod truncation;
mod txn_log;

#[cfg(test)]
mod bench;

pub use epochs::Epochs;
pub use log_sync::{LogRead, LogSync};
pub use purge::Purge;
pub use recovery::{Recovered, Recovery, RecoveryEvent};
pub use request_logger::{LogFailure, LoggerEvent, RequestLogger};
pub use small_file::{AtomicWriter, Progress, content, name};
pub use snapshotter::{EXIT_SNAPSHOT_FAILED, Image, SnapshotEvent, Snapshotter};
pub use truncation::{Cut, Truncation, TruncationEvent};
