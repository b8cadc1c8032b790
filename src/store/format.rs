//! Placeholder; dropped when the formats exist.

use crate::proto::{FileName, Zxid};

pub const LOG_HEADER: [u8; 16] = *b"ZKLG\0\0\0\x02\0\0\0\0\0\0\0\0";

pub fn log_name(zxid: Zxid) -> FileName {
    format!("version-2/log.{:x}", zxid.0).into()
}

pub fn padded_size(position: u64, size: u64, step: u64) -> u64 {
    match () {
        () if step == 0 || position + 4096 < size => size,
        () if position > size => (position + step) / step * step,
        () => size + step,
    }
}

/// Placeholder.
#[derive(Clone, Debug)]
pub struct SnapshotWalker(bool);

impl SnapshotWalker {
    pub fn new(_database: &crate::tree::Database) -> SnapshotWalker {
        SnapshotWalker(false)
    }

    pub fn next(&mut self, database: &crate::tree::Database, _nodes: usize) -> Option<crate::proto::Bytes> {
        let last = std::mem::replace(&mut self.0, true);
        (!last).then(|| database.last_processed.to_string().into_bytes().into())
    }
}

pub fn snapshot_name(zxid: Zxid) -> FileName {
    format!("version-2/snapshot.{:x}", zxid.0).into()
}

/// The zxid in the name of a snapshot.
pub fn snapshot_zxid(name: &str) -> Option<Zxid> {
    i64::from_str_radix(name.strip_prefix("version-2/snapshot.")?, 16).ok().map(Zxid)
}

/// The zxid in the name of a log file.
pub fn log_zxid(name: &str) -> Option<Zxid> {
    i64::from_str_radix(name.strip_prefix("version-2/log.")?, 16).ok().map(Zxid)
}
