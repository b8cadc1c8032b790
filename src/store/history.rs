//! Histories that scenarios start from: real files, made by rule. See [`files`].

use crate::proto::{FileName, Zxid};

/// Snapshot and log of a server whose history ends at `last` = (e, c); nothing for (0, 0).
///
/// The snapshot is of (e, max(0, c - 20)), the log holds the rest: each transaction sets `/history` to its own zxid. Everything in a
/// state follows from its zxid, so that two servers with one zxid have the same transactions and the same tree, wherever their
/// snapshots are. The epoch files are the caller's.
pub fn files(last: Zxid) -> Vec<(FileName, Vec<u8>)> {
    let _ = last;
    todo!()
}
