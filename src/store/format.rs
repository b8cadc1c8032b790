//! Placeholder; dropped when the formats exist.

use std::sync::Arc;

use crate::proto::{FileImage, FileName, Proposal, Zxid};
use crate::tree::Database;

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

pub enum LogRecord {
    Txn { at: u64, proposal: Arc<Proposal> },
    Tail { at: u64, why: String },
    Broken { at: u64, why: String },
}

pub fn read_log(image: &FileImage) -> Result<impl Iterator<Item = LogRecord>, String> {
    let bytes = image.to_vec();
    if bytes.len() < 16 || bytes[..16] != LOG_HEADER {
        return Err("bad header".into());
    }
    let mut at = 16;
    let mut over = false;
    Ok(std::iter::from_fn(move || {
        let number = |at: usize, len: usize| bytes.get(at..at + len).map(|it| it.iter().fold(0, |sum, byte| sum << 8 | u64::from(*byte)));
        if over {
            return None;
        }
        let start = at as u64;
        let len = number(at + 8, 4).unwrap_or(0) as usize;
        if len == 0 {
            return None;
        }
        let end = at + 12 + len;
        if bytes.get(end) != Some(&0x42) {
            over = true;
            return Some(LogRecord::Tail { at: start, why: "no end".into() });
        }
        let proposal = Proposal::decode(&bytes[at + 12..end]);
        at = end + 1;
        match proposal {
            Ok(proposal) => Some(LogRecord::Txn { at: start, proposal }),
            Err(error) => {
                over = true;
                Some(LogRecord::Broken { at: start, why: format!("{error:?}") })
            }
        }
    }))
}

pub fn is_complete_snapshot(image: &FileImage) -> bool {
    !image.is_empty()
}

pub fn read_snapshot(_image: &FileImage, zxid: Zxid, limit: u32) -> Result<Database, String> {
    let mut database = Database::new(limit);
    database.last_processed = zxid;
    Ok(database)
}
