//! The tree of znodes and the changes that transactions make to it. Source: `DataTree`; data-model reference §1, §2.

use std::sync::Arc;

use imbl::{OrdMap, OrdSet};

use crate::bugs::{Bug, Bugs};
use crate::proto::{Acl, AclList, Bytes, CONFIG_NODE, ErrorCode, Path, SessionId, Stat, TxnHeader, Zxid};

use super::acl_table::{AclTable, OPEN_ACL};
use super::path_map::PathMap;
use super::quota::{self, QUOTA, Quotas, StatsTrack};
use super::znode::{Owner, StoredStat, Znode};

/// All nodes by path, with the indexes over them. A clone shares everything; changing either copies what is changed.
#[derive(Clone, Debug)]
pub struct DataTree {
    nodes: PathMap<Arc<Znode>>,
    acls: AclTable,
    ephemerals: OrdMap<SessionId, OrdSet<Path>>,
    containers: OrdSet<Path>,
    ttls: OrdSet<Path>,
    quotas: Quotas,
    /// Sum of the nodes' hashes, so that the order of changes does not matter.
    digest: u64,
}

impl DataTree {
    /// A tree without any node: for a snapshot to fill.
    pub fn bare() -> DataTree {
        DataTree {
            nodes: PathMap::default(),
            acls: AclTable::default(),
            ephemerals: OrdMap::new(),
            containers: OrdSet::new(),
            ttls: OrdSet::new(),
            quotas: Quotas::default(),
            digest: 0,
        }
    }

    /// What ZooKeeper calls empty: the root, `/zookeeper` and its two children. No transaction made them; all their zxids are zero.
    pub fn new() -> DataTree {
        let mut tree = DataTree::bare();
        let empty = || Some(Bytes::from([]));
        for path in ["/", "/zookeeper", "/zookeeper/quota"] {
            tree.insert(path.into(), empty(), OPEN_ACL, StoredStat::default());
        }
        // Everybody may read the configuration. Setting this list with version -1 leaves it in the stat. Source: `addConfigNode`.
        let read_only: AclList = Arc::new([Acl { perms: 1, scheme: "world".into(), id: "anyone".into() }]);
        let (acl, hash) = tree.acls.take(&read_only);
        tree.insert_hashed(CONFIG_NODE.into(), empty(), (acl, hash), StoredStat { aversion: -1, ..StoredStat::default() });
        tree
    }

    pub fn get(&self, path: &str) -> Option<&Znode> {
        self.nodes.get(path).map(|node| &**node)
    }

    /// All nodes: parents before their children, siblings by name.
    pub fn nodes(&self) -> impl Iterator<Item = (&str, &Znode)> {
        let mut open = vec!["/"];
        std::iter::from_fn(move || {
            let path = open.pop()?;
            let node = self.get(path)?;
            open.extend(node.children.iter().rev().map(|child| &**child));
            Some((path, node))
        })
    }

    /// How many nodes there are, the four that are always there included.
    pub fn len(&self) -> usize {
        self.nodes.len()
    }

    pub fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }

    /// The access lists that nodes refer to.
    pub const fn acls(&self) -> &AclTable {
        &self.acls
    }

    /// The ephemerals of a session, by path.
    pub fn ephemerals(&self, session: SessionId) -> impl Iterator<Item = &Path> {
        self.ephemerals.get(&session).into_iter().flatten()
    }

    /// Sessions that own ephemerals.
    pub fn ephemeral_owners(&self) -> impl Iterator<Item = SessionId> {
        self.ephemerals.keys().copied()
    }

    /// Containers, by path.
    pub fn containers(&self) -> impl Iterator<Item = &Path> {
        self.containers.iter()
    }

    /// Nodes with a time to live, by path.
    pub fn ttls(&self) -> impl Iterator<Item = &Path> {
        self.ttls.iter()
    }

    /// Sum over the hashes of all nodes but those that servers write outside transactions: equal trees have equal digests.
    pub const fn digest(&self) -> u64 {
        self.digest
    }

    /// Puts a node of a snapshot into its place. `false` when its parent is not there.
    pub fn restore(&mut self, path: Path, data: Option<Bytes>, acl: i64, stat: StoredStat) -> bool {
        let has_place = &*path == "/" || self.nodes.contains_key(parent_of(&path));
        if has_place && !self.nodes.contains_key(&path) {
            self.insert(path, data, acl, stat);
        }
        has_place
    }

    /// The table of a snapshot, which comes before its nodes.
    pub const fn acls_mut(&mut self) -> &mut AclTable {
        &mut self.acls
    }

    /// Source: `DataTree.createNode`. If the node is there already, which only replay over a fuzzy snapshot can find, it gets this access list:
    /// its own may be missing from the snapshot's table (ZOOKEEPER-4846).
    pub(super) fn create(
        &mut self,
        header: &TxnHeader,
        path: &Path,
        data: &Option<Bytes>,
        acl: &AclList,
        owner: i64,
        parent_cversion: i32,
    ) -> Result<(), ErrorCode> {
        if !self.nodes.contains_key(parent_of(path)) {
            return Err(ErrorCode::NoNode);
        }
        let acl = self.acls.take(acl);
        if self.nodes.contains_key(path) {
            self.change(path, |node, acls| {
                acls.release(node.acl);
                node.set_acl(acl.0, acl.1);
            })?;
            return Err(ErrorCode::NodeExists);
        }
        self.raise_cversion(parent_of(path), parent_cversion, header.zxid)?;
        self.insert_hashed(path.clone(), data.clone(), acl, StoredStat::created(header, owner));
        if self.concerns_quotas(path) {
            self.account_for_created(path, data.as_deref());
        }
        Ok(())
    }

    /// The parent counts its children by the number that the transaction carries, so that replay cannot count twice; -1 lets it count itself.
    /// Source: `DataTree.setCversionPzxid`.
    pub(super) fn raise_cversion(&mut self, parent: &str, cversion: i32, zxid: Zxid) -> Result<(), ErrorCode> {
        self.change(parent, |node, _| {
            let cversion = if cversion == -1 { node.stat.cversion.wrapping_add(1) } else { cversion };
            if cversion > node.stat.cversion {
                node.stat.cversion = cversion;
                node.stat.pzxid = zxid;
            }
        })
    }

    /// As [`DataTree::raise_cversion`], also where that lowers it.
    pub(super) fn set_cversion(&mut self, parent: &str, cversion: i32, zxid: Zxid) -> Result<(), ErrorCode> {
        self.change(parent, |node, _| (node.stat.cversion, node.stat.pzxid) = (cversion, zxid))
    }

    /// Source: `DataTree.deleteNode`. The parent's pzxid moves on even when the node is gone already: the snapshot may lack the node and yet have
    /// the parent as it was before.
    pub(super) fn delete(&mut self, path: &str, zxid: Zxid, bugs: Bugs) -> Result<(), ErrorCode> {
        self.change(parent_of(path), |parent, _| {
            if !bugs.has(Bug::MutantChildStaysListed) {
                parent.children.remove(path);
            }
            parent.stat.pzxid = parent.stat.pzxid.max(zxid);
        })?;
        self.remove(path, bugs).ok_or(ErrorCode::NoNode)
    }

    /// Takes a node out of map and indexes, and all below it. Only replay over a fuzzy snapshot finds a node that it deletes not empty: the
    /// children belong to a later node of this name, and will be made again with it.
    ///
    /// ZooKeeper keeps them without a parent. Until ZOOKEEPER-4846 their creation looked for them in the parent's list and made them again;
    /// since then it finds them among all nodes, and they never get back into the list: the next snapshot lacks them (orphaned-child).
    fn remove(&mut self, path: &str, bugs: Bugs) -> Option<()> {
        let (path, node) = self.nodes.remove_with_key(path)?;
        self.digest = self.digest.wrapping_sub(counted(&path, &node));
        self.acls.release(node.acl);
        if self.concerns_quotas(&path) {
            self.account_for_deleted(&path, node.data.as_deref());
        }
        match node.owner() {
            Owner::Nobody => {}
            Owner::Container => drop(self.containers.remove(&path)),
            Owner::Ttl(_) => drop(self.ttls.remove(&path)),
            Owner::Session(session) => self.disown(session, &path),
        }
        if !bugs.has(Bug::OrphanedChild) {
            for child in &node.children {
                self.remove(child, bugs);
            }
        }
        Some(())
    }

    /// Source: `DataTree.setData`.
    pub(super) fn set_data(&mut self, header: &TxnHeader, path: &str, data: &Option<Bytes>, version: i32) -> Result<Stat, ErrorCode> {
        if self.concerns_quotas(path) {
            self.account_for_data(path, data.as_deref());
        }
        self.change(path, |node, _| {
            node.set_data(data.clone());
            node.stat.mtime = header.time;
            node.stat.mzxid = header.zxid;
            node.stat.version = version;
            node.stat()
        })
    }

    /// The configuration in force, as every server writes it for itself: its version is its zxid, and the node's stays -1.
    pub(super) fn show_configuration(&mut self, text: Bytes, version: Zxid, time: i64) {
        // A tree whose snapshot lacks the node shows nothing.
        let _ = self.change(CONFIG_NODE, |node, _| {
            node.set_data(Some(text));
            (node.stat.version, node.stat.mzxid, node.stat.mtime) = (-1, version, time);
        });
    }

    /// Source: `DataTree.setACL`.
    pub(super) fn set_acl(&mut self, path: &str, acl: &AclList, version: i32) -> Result<Stat, ErrorCode> {
        self.change(path, |node, acls| {
            acls.release(node.acl);
            let (number, hash) = acls.take(acl);
            node.set_acl(number, hash);
            node.stat.aversion = version;
            node.stat()
        })
    }

    /// The nodes with the limits and with the numbers of the quota that a node is under.
    pub fn quota_over(&self, path: &str) -> Option<[&Znode; 2]> {
        let limited = self.quotas.over(path)?;
        Some([self.get(&quota::limits_of(limited))?, self.get(&quota::stats_of(limited))?])
    }

    /// After a snapshot is read: finds the quotas, and counts anew what they count. Source: `DataTree.setupQuota`.
    pub fn set_up_quotas(&mut self) {
        let mut open = vec![Path::from(QUOTA)];
        while let Some(path) = open.pop() {
            open.extend(self.get(&path).into_iter().flat_map(|node| node.children.iter().cloned()));
            if let Some(limited) = quota::limited_by(&path) {
                self.quotas.insert(limited);
                self.count_anew(limited);
            }
        }
    }

    /// Whether a change of this node may be one for a quota. Most ensembles have none.
    #[inline]
    fn concerns_quotas(&self, path: &str) -> bool {
        !self.quotas.is_empty() || path.starts_with(QUOTA)
    }

    #[cold]
    #[inline(never)]
    fn account_for_created(&mut self, path: &str, data: Option<&[u8]>) {
        if let Some(limited) = quota::limited_by(path) {
            self.quotas.insert(limited);
        }
        if let Some(limited) = quota::counted_in(path) {
            self.count_anew(limited);
        }
        self.grow_quota(path, 1, length(data));
    }

    #[cold]
    #[inline(never)]
    fn account_for_deleted(&mut self, path: &str, data: Option<&[u8]>) {
        if let Some(limited) = quota::limited_by(path) {
            self.quotas.remove(limited);
        }
        self.grow_quota(path, -1, -length(data));
    }

    #[cold]
    #[inline(never)]
    fn account_for_data(&mut self, path: &str, data: Option<&[u8]>) {
        if let Some(before) = self.get(path).map(|node| length(node.data.as_deref())) {
            self.grow_quota(path, 0, length(data) - before);
        }
    }

    /// So many nodes and bytes more below the node that has the quota. Source: `DataTree.updateQuotaStat`.
    fn grow_quota(&mut self, path: &str, nodes: i64, bytes: i64) {
        if let Some(limited) = self.quotas.over(path) {
            self.rewrite_stats(limited, |track| track.grow(nodes, bytes));
        }
    }

    /// Source: `DataTree.updateQuotaForPath`.
    fn count_anew(&mut self, limited: &str) {
        let (mut nodes, mut bytes) = (0, 0);
        let mut open = vec![limited];
        while let Some(path) = open.pop() {
            let Some(node) = self.get(path) else { continue };
            nodes += 1;
            bytes += length(node.data.as_deref());
            open.extend(node.children.iter().map(|child| &**child));
        }
        self.rewrite_stats(limited, |track| {
            *track = StatsTrack::default();
            track.set(quota::COUNT, nodes);
            track.set(quota::BYTES, bytes);
        });
    }

    /// Nothing but the data changes, and nobody is told. Without the node nothing is counted.
    fn rewrite_stats(&mut self, limited: &str, rewrite: impl FnOnce(&mut StatsTrack)) {
        let _ = self.change(&quota::stats_of(limited), |node, _| {
            let mut track = StatsTrack::read(node.data.as_deref());
            rewrite(&mut track);
            node.set_data(Some(track.to_bytes()));
        });
    }

    /// Changes a node and keeps the digest right.
    fn change<T>(&mut self, path: &str, change: impl FnOnce(&mut Znode, &mut AclTable) -> T) -> Result<T, ErrorCode> {
        let node = Arc::make_mut(self.nodes.get_mut(path).ok_or(ErrorCode::NoNode)?);
        let before = counted(path, node);
        let result = change(node, &mut self.acls);
        node.rehash();
        self.digest = self.digest.wrapping_sub(before).wrapping_add(counted(path, node));
        Ok(result)
    }

    /// As [`DataTree::insert_hashed`], with a list that is in the table.
    fn insert(&mut self, path: Path, data: Option<Bytes>, acl: i64, stat: StoredStat) {
        let acl = self.acls.take_number(acl);
        self.insert_hashed(path, data, acl, stat);
    }

    /// A new node: into the map, the indexes and its parent's children.
    fn insert_hashed(&mut self, path: Path, data: Option<Bytes>, acl: (i64, u64), stat: StoredStat) {
        match Owner::of(stat.owner) {
            Owner::Nobody => {}
            Owner::Container => drop(self.containers.insert(path.clone())),
            Owner::Ttl(_) => drop(self.ttls.insert(path.clone())),
            Owner::Session(session) => drop(self.ephemerals.entry(session).or_default().insert(path.clone())),
        }
        if &*path != "/" {
            let parent = self.nodes.get_mut(parent_of(&path)).expect("the parent was there a moment ago");
            Arc::make_mut(parent).children.insert(path.clone());
        }
        let node = Znode::new(&path, data, acl.0, acl.1, stat);
        self.digest = self.digest.wrapping_add(counted(&path, &node));
        self.nodes.insert(path, Arc::new(node));
    }

    /// The index does not have it any more.
    pub(super) fn disown(&mut self, session: SessionId, path: &str) {
        if let Some(paths) = self.ephemerals.get_mut(&session) {
            paths.remove(path);
            if paths.is_empty() {
                self.ephemerals.remove(&session);
            }
        }
    }
}

impl Default for DataTree {
    fn default() -> DataTree {
        DataTree::new()
    }
}

/// A node's term of the digest.
fn counted(path: &str, node: &Znode) -> u64 {
    if path.starts_with("/zookeeper/") && is_written_by_servers(path) { 0 } else { node.hash() }
}

#[cold]
fn is_written_by_servers(path: &str) -> bool {
    path == CONFIG_NODE || quota::counted_in(path).is_some()
}

fn length(data: Option<&[u8]>) -> i64 {
    data.map_or(0, |data| data.len() as i64)
}

/// `/a` of `/a/b`, `/` of `/a`.
pub fn parent_of(path: &str) -> &str {
    match path.rfind('/') {
        Some(0) | None => "/",
        Some(slash) => &path[..slash],
    }
}

/// `b` of `/a/b`.
pub fn name_of(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}
