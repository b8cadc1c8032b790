//! The files of a data directory as ZooKeeper writes them: names, log, snapshots. Pure functions over bytes; who reads and writes them when is
//! the rest of `store`.
//!
//! What we leave out: the digests that transactions and snapshots may carry since 3.6 are skipped, and written as "none"; compressed snapshots
//! are not read.

mod log_file;
mod names;
mod snapshot_reader;
mod snapshot_writer;

#[cfg(test)]
mod tests;

pub use log_file::{LOG_HEADER, LogError, LogRecord, LogRecords, LogTail, is_log, padded_size, read_log};
pub use names::{VERSION_DIR, log_name, log_zxid, snapshot_name, snapshot_zxid};
pub use snapshot_reader::{SnapshotError, is_complete_snapshot, is_snapshot, read_snapshot, read_stream};
pub use snapshot_writer::SnapshotWalker;
