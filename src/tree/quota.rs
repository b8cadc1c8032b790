//! Quotas: how much there may be below a node, and how much there is. Source: `Quotas`, `StatsTrack`, `PathTrie`; data-model reference §11.
//!
//! The quota of `/a` is what a client wrote into `/zookeeper/quota/a/zookeeper_limits`. In `zookeeper_stats` beside it every server counts for
//! itself, outside any transaction: neither version nor mzxid move, no watch is told, and the node is no part of the digest. Whoever reads a
//! snapshot counts anew.
//!
//! What is no number counts as not said; ZooKeeper throws while it applies, and its server part ends. The same goes for a quota of the root.

use std::collections::BTreeMap;
use std::fmt;

use imbl::OrdSet;

use crate::proto::{Bytes, Path};

use super::data_tree::parent_of;

/// The node that all of them are below.
pub const QUOTA: &str = "/zookeeper/quota";

/// Source: `Quotas.limitNode`.
const LIMITS: &str = "/zookeeper_limits";
/// Source: `Quotas.statNode`.
const STATS: &str = "/zookeeper_stats";

/// Nodes, the one with the quota among them.
pub const COUNT: &str = "count";
/// Bytes of their data.
pub const BYTES: &str = "bytes";
/// More nodes than that are refused. [`COUNT`] in a limit is soft: a line in a server's log.
pub const COUNT_HARD_LIMIT: &str = "countHardLimit";
/// More bytes than that are refused.
pub const BYTE_HARD_LIMIT: &str = "byteHardLimit";

/// The nodes that have a quota.
#[derive(Clone, Debug, Default)]
pub struct Quotas(OrdSet<Path>);

impl Quotas {
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn insert(&mut self, path: &str) {
        self.0.insert(path.into());
    }

    pub fn remove(&mut self, path: &str) {
        self.0.remove(path);
    }

    /// The deepest node at or above `path` that has one: quotas further up do not count it. Source: `getMaxPrefixWithQuota`.
    pub fn over<'a>(&self, path: &'a str) -> Option<&'a str> {
        let mut path = path;
        while path != "/" {
            if self.0.contains(path) {
                return Some(path);
            }
            path = parent_of(path);
        }
        None
    }
}

/// `/a`, of the node with its limits.
pub fn limited_by(path: &str) -> Option<&str> {
    of_node(path, LIMITS)
}

/// `/a`, of the node with its numbers.
pub fn counted_in(path: &str) -> Option<&str> {
    of_node(path, STATS)
}

fn of_node<'a>(path: &'a str, name: &str) -> Option<&'a str> {
    path.strip_prefix(QUOTA)?.strip_suffix(name).filter(|path| path.starts_with('/'))
}

/// Where the limits of `/a` are.
pub fn limits_of(path: &str) -> String {
    format!("{QUOTA}{path}{LIMITS}")
}

/// Where the numbers of `/a` are.
pub fn stats_of(path: &str) -> String {
    format!("{QUOTA}{path}{STATS}")
}

/// Numbers by name, as the data of both nodes hold them: `count=4,bytes=5=;countHardLimit=10`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StatsTrack(BTreeMap<String, i64>);

impl StatsTrack {
    pub fn read(data: Option<&[u8]>) -> StatsTrack {
        let text = String::from_utf8_lossy(data.unwrap_or_default());
        let pair = |pair: &str| {
            let mut parts = pair.split('=');
            let (name, value) = (parts.next()?, parts.next()?);
            Some((name.to_owned(), value.parse().ok()?))
        };
        StatsTrack(text.split([',', ';']).filter_map(pair).collect())
    }

    /// -1 for what is not said.
    pub fn get(&self, name: &str) -> i64 {
        self.0.get(name).copied().unwrap_or(-1)
    }

    /// The limit of this name, if there is one.
    pub fn limit(&self, name: &str) -> Option<i64> {
        Some(self.get(name)).filter(|limit| *limit >= 0)
    }

    pub fn set(&mut self, name: &str, value: i64) {
        self.0.insert(name.into(), value);
    }

    /// So many nodes and bytes more.
    pub fn grow(&mut self, nodes: i64, bytes: i64) {
        self.set(COUNT, self.get(COUNT).wrapping_add(nodes));
        self.set(BYTES, self.get(BYTES).wrapping_add(bytes));
    }

    pub fn to_bytes(&self) -> Bytes {
        self.to_string().into_bytes().into()
    }
}

/// The two old numbers first, and a `=` behind them that keeps servers before 3.5 from reading on.
impl fmt::Display for StatsTrack {
    fn fmt(&self, out: &mut fmt::Formatter) -> fmt::Result {
        write!(out, "{COUNT}={},{BYTES}={}", self.get(COUNT), self.get(BYTES))?;
        let mut others = self.0.iter().filter(|(name, _)| ![COUNT, BYTES].contains(&&***name)).peekable();
        if others.peek().is_some() {
            out.write_str("=")?;
        }
        others.try_for_each(|(name, value)| write!(out, ";{name}={value}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_those_of_java() {
        for (text, written) in [
            ("", "count=-1,bytes=-1"),
            ("count=4,bytes=5", "count=4,bytes=5"),
            ("bytes=5;count=4", "count=4,bytes=5"),
            ("count=4,bytes=5=;countHardLimit=10;byteHardLimit=-1", "count=4,bytes=5=;byteHardLimit=-1;countHardLimit=10"),
            ("countHardLimit=2,,;count=x,bytes", "count=-1,bytes=-1=;countHardLimit=2"),
        ] {
            let track = StatsTrack::read(Some(text.as_bytes()));
            assert_eq!(track.to_string(), written, "{text}");
            assert_eq!(StatsTrack::read(Some(&track.to_bytes())).to_string(), written);
        }
        let mut track = StatsTrack::read(None);
        assert_eq!((track.get(COUNT), track.limit(COUNT)), (-1, None));
        track.grow(2, 10);
        assert_eq!(track.to_string(), "count=1,bytes=9", "what is not said is -1, as in Java");
    }

    #[test]
    fn nodes_of_quotas_are_known_by_their_names() {
        assert_eq!(limited_by(&limits_of("/a/b")), Some("/a/b"));
        assert_eq!(counted_in(&stats_of("/a")), Some("/a"));
        for path in ["/zookeeper/quota/zookeeper_limits", "/zookeeper/quotas/a/zookeeper_limits", "/a/zookeeper_limits", QUOTA, "/zookeeper/quota/a"]
        {
            assert_eq!(limited_by(path), None, "{path}");
        }
    }

    #[test]
    fn the_deepest_quota_counts() {
        let mut quotas = Quotas::default();
        ["/a", "/a/b/c"].into_iter().for_each(|path| quotas.insert(path));
        let over = |quotas: &Quotas, path| quotas.over(path).map(String::from);
        assert_eq!(over(&quotas, "/a/b/c/d"), Some("/a/b/c".into()));
        assert_eq!(over(&quotas, "/a/b"), Some("/a".into()));
        assert_eq!([over(&quotas, "/ab"), over(&quotas, "/"), over(&quotas, "/b/a")], [None, None, None]);
        quotas.remove("/a");
        assert_eq!(over(&quotas, "/a/b"), None);
    }
}
