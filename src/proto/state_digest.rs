//! What equal databases have in common: a hash of each node and session, summed up, so that the order of changes does not matter.
//!
//! Not ZooKeeper's own digest (ZOOKEEPER-3114), which hashes less: nothing of a node is left out here but its children, who count for
//! themselves. It says what is compared, and not how a node comes to be what it is: that, servers and checks find out for themselves.

use xxhash_rust::xxh64::xxh64;

use super::jute::Writer;
use super::{Acl, SessionId, Zxid};

/// Of the list that lets everybody do everything.
pub const OPEN_LIST: u64 = 0;

/// All of a node that counts: hashes of what is long, and the rest as it is.
#[derive(Clone, Copy, Debug)]
pub struct NodeWords {
    pub path: u64,
    pub data: u64,
    pub acl: u64,
    pub czxid: Zxid,
    pub mzxid: Zxid,
    pub pzxid: Zxid,
    pub ctime: i64,
    pub mtime: i64,
    pub version: i32,
    /// Children ever created.
    pub cversion: i32,
    pub aversion: i32,
    /// `ephemeralOwner`, as it is kept.
    pub owner: i64,
}

pub fn of_path(path: &str) -> u64 {
    xxh64(path.as_bytes(), 0)
}

/// Null differs from empty.
pub fn of_data(data: Option<&[u8]>) -> u64 {
    data.map_or(0, |data| xxh64(data, 1))
}

/// By content: a server may have given the open list a number of its own.
pub fn of_list(list: &[Acl]) -> u64 {
    if is_open(list) {
        return OPEN_LIST;
    }
    let mut bytes = Writer::default();
    bytes.acl(list);
    xxh64(bytes.bytes(), 2)
}

/// Whether it is `OPEN_ACL_UNSAFE`.
pub fn is_open(list: &[Acl]) -> bool {
    matches!(list, [acl] if acl.perms == 31 && &*acl.scheme == "world" && &*acl.id == "anyone")
}

#[inline]
pub fn of_node(node: &NodeWords) -> u64 {
    of_words(&[
        node.path,
        node.data,
        node.acl,
        node.czxid.0 as u64,
        node.mzxid.0 as u64,
        node.ctime as u64,
        node.mtime as u64,
        (node.version as u64) << 32 | u64::from(node.cversion as u32),
        u64::from(node.aversion as u32),
        node.owner as u64,
        node.pzxid.0 as u64,
    ])
}

pub fn of_session(session: SessionId, timeout: i32) -> u64 {
    of_words(&[session.0 as u64, timeout as u64])
}

/// xxh64 over the words' little-endian bytes.
#[inline]
fn of_words<const N: usize>(words: &[u64; N]) -> u64 {
    let mut bytes = [[0; 8]; N];
    for (to, word) in bytes.iter_mut().zip(words) {
        *to = word.to_le_bytes();
    }
    xxh64(bytes.as_flattened(), N as u64)
}
