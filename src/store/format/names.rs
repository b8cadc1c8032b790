//! Names of log and snapshot files. Source: `Util.makeLogName`, `Util.getZxidFromName`; storage reference §1.

use crate::proto::{FileName, Zxid};

/// The folder that holds everything but `myid` and `initialize`.
pub const VERSION_DIR: &str = "version-2";

/// `version-2/log.100000001`: named after the first transaction in it.
pub fn log_name(first: Zxid) -> FileName {
    format!("{VERSION_DIR}/log.{:x}", first.0).into()
}

/// `version-2/snapshot.100000000`: named after what the server had applied when it began to write it.
pub fn snapshot_name(zxid: Zxid) -> FileName {
    format!("{VERSION_DIR}/snapshot.{:x}", zxid.0).into()
}

/// The zxid in the name of a log file, whatever folder it is in; `None` for any other file.
pub fn log_zxid(name: &str) -> Option<Zxid> {
    zxid_after("log.", name)
}

/// The same of a snapshot. Unfinished (`.tmp`) and compressed ones (`.gz`, `.snappy`) are none.
pub fn snapshot_zxid(name: &str) -> Option<Zxid> {
    zxid_after("snapshot.", name)
}

fn zxid_after(prefix: &str, name: &str) -> Option<Zxid> {
    let name = name.rsplit('/').next().unwrap_or(name);
    let hex = name.strip_prefix(prefix).filter(|hex| hex.bytes().all(|byte| byte.is_ascii_hexdigit()))?;
    i64::from_str_radix(hex, 16).ok().map(Zxid)
}
