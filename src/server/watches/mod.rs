//! Who watches what, on one server. Source: `DataTree.dataWatches` and `childWatches`, `WatchManager`; watches reference §1, §2, §7.
//!
//! A watch belongs to a connection and is gone with it; it is neither replicated nor logged. ZooKeeper has two tables, one for what happens to
//! a node and one for its list of children. Here that is one table with two columns, so that a path that nobody watches costs one look.

mod modes;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

pub use modes::Modes;

use crate::proto::{AddWatchMode, ConnId, EventType, Path, Version, WatcherType};
use crate::tree::{PathMap, parent_of};

/// All watches of one server's clients.
#[derive(Clone, Debug, Default)]
pub struct Watches {
    by_path: PathMap<BTreeMap<ConnId, Columns>>,
    by_conn: BTreeMap<ConnId, BTreeSet<Path>>,
    /// Recursive watches, counted in each column: without any, nobody looks at the nodes above a change.
    recursive: usize,
    version: Version,
}

/// What fires a watch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Column {
    /// The node comes, goes, or gets new data. `exists` watches are here too.
    Data,
    /// The list of its children changes, or the node goes.
    Child,
}

/// How one client watches one path. Never both empty.
#[derive(Clone, Copy, Debug, Default)]
struct Columns {
    data: Modes,
    child: Modes,
}

/// How one client watches one path, for those who look on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Watch {
    pub path: Path,
    pub data: Modes,
    pub child: Modes,
}

impl Columns {
    fn of(self, column: Column) -> Modes {
        match column {
            Column::Data => self.data,
            Column::Child => self.child,
        }
    }

    fn of_mut(&mut self, column: Column) -> &mut Modes {
        match column {
            Column::Data => &mut self.data,
            Column::Child => &mut self.child,
        }
    }

    fn is_empty(self) -> bool {
        self.data.is_empty() && self.child.is_empty()
    }

    fn recursive(self) -> usize {
        [self.data, self.child].into_iter().filter(|modes| modes.has(Modes::RECURSIVE)).count()
    }
}

impl Watches {
    pub fn new(version: Version) -> Watches {
        Watches { version, ..Watches::default() }
    }

    pub fn is_empty(&self) -> bool {
        self.by_conn.is_empty()
    }

    /// All that one client watches, by path.
    pub fn of(&self, conn: ConnId) -> impl Iterator<Item = Watch> {
        let columns = move |path: &Path| self.by_path.get(path).and_then(|watchers| watchers.get(&conn)).copied().unwrap_or_default();
        let paths = self.by_conn.get(&conn).into_iter().flatten();
        paths.map(move |path| Watch { path: path.clone(), data: columns(path).data, child: columns(path).child })
    }

    /// Everybody who watches anything, with the first path.
    pub fn watchers_with_a_path(&self) -> impl Iterator<Item = (ConnId, &Path)> {
        self.by_conn.iter().filter_map(|(conn, paths)| Some((*conn, paths.first()?)))
    }

    /// Whether anybody may have to be told that this node goes.
    pub fn concern(&self, path: &str) -> bool {
        self.recursive > 0 || self.by_path.contains_key(path) || self.by_path.contains_key(parent_of(path))
    }

    /// A watch of a read: it fires once.
    pub fn add(&mut self, conn: ConnId, path: &Path, column: Column) {
        self.put(conn, path, &[column], Modes::STANDARD);
    }

    /// A watch that stays. A recursive one is told of changes to nodes and not to lists of children, so it needs the first column only; until
    /// 3.9 it stood in both. Source: `DataTree.addWatch`.
    pub fn add_persistent(&mut self, conn: ConnId, path: &Path, mode: AddWatchMode) {
        let columns: &[Column] = match mode {
            AddWatchMode::PersistentRecursive if self.version == Version::V3_9 => &[Column::Data],
            _ => &[Column::Data, Column::Child],
        };
        self.put(conn, path, columns, Modes::of(mode));
    }

    /// Until 3.9 a client watched a path in one way: the last that it asked for (`WatcherModeManager`). Since then the ways add up.
    fn put(&mut self, conn: ConnId, path: &Path, columns: &[Column], mode: Modes) {
        let watch = self.by_path.entry(path.clone()).or_default().entry(conn).or_default();
        self.recursive -= watch.recursive();
        for column in columns {
            let modes = watch.of_mut(*column);
            *modes = if self.version == Version::V3_9 { modes.with(mode) } else { mode };
        }
        self.recursive += watch.recursive();
        self.by_conn.entry(conn).or_default().insert(path.clone());
    }

    /// The clients to be told of a change, for whom it is in this column; watches that fire once are gone then.
    ///
    /// Source: `WatchManager.triggerWatch`. Whoever watches a node above recursively is told too, but never of lists of children.
    pub fn fire(&mut self, column: Column, kind: EventType, path: &str) -> Vec<ConnId> {
        let mut told = self.fire_at(column, kind, path);
        if self.recursive > 0 && kind != EventType::NodeChildrenChanged {
            let mut at = path;
            while at != "/" {
                at = parent_of(at);
                told.extend(self.watchers(at).filter(|(_, watch)| watch.of(column).has(Modes::RECURSIVE)).map(|(conn, _)| conn));
            }
            told.sort_unstable();
            told.dedup();
        }
        told
    }

    /// Those who watch this very path.
    fn fire_at(&mut self, column: Column, kind: EventType, path: &str) -> Vec<ConnId> {
        let told = |modes: Modes| {
            let deaf = if kind == EventType::NodeChildrenChanged { Modes::RECURSIVE } else { Modes::NONE };
            !modes.without(deaf).is_empty()
        };
        let told: Vec<ConnId> = self.watchers(path).filter(|(_, watch)| told(watch.of(column))).map(|(conn, _)| conn).collect();
        for conn in &told {
            self.take(*conn, path, column, Modes::STANDARD);
        }
        told
    }

    fn watchers(&self, path: &str) -> impl Iterator<Item = (ConnId, Columns)> {
        self.by_path.get(path).into_iter().flatten().map(|(conn, watch)| (*conn, *watch))
    }

    /// `removeWatches`: false when there is none of this kind. Source: `DataTree.removeWatch`.
    pub fn remove(&mut self, conn: ConnId, path: &str, kind: WatcherType) -> bool {
        let mut found = false;
        for (column, modes) in self.meant(kind) {
            found |= self.take(conn, path, *column, *modes);
        }
        found
    }

    /// `checkWatches`. Until 3.9 anybody's watch on the path would do. Source: `DataTree.containsWatcher`.
    pub fn contains(&self, conn: ConnId, path: &str, kind: WatcherType) -> bool {
        let is_meant = |watch: Columns| self.meant(kind).iter().any(|(column, modes)| watch.of(*column).has(*modes));
        self.watchers(path).any(|(watcher, watch)| (watcher == conn || self.version == Version::V3_8) && is_meant(watch))
    }

    /// Which watches a kind stands for. Until 3.9 only the column counted, and there were three kinds.
    fn meant(&self, kind: WatcherType) -> &'static [(Column, Modes)] {
        use Column::{Child, Data};
        match (kind, self.version) {
            (WatcherType::Any, _) => &[(Data, Modes::ANY), (Child, Modes::ANY)],
            (WatcherType::Children, Version::V3_8) => &[(Child, Modes::ANY)],
            (WatcherType::Data, Version::V3_8) => &[(Data, Modes::ANY)],
            (WatcherType::Children, Version::V3_9) => &[(Child, Modes::STANDARD)],
            (WatcherType::Data, Version::V3_9) => &[(Data, Modes::STANDARD)],
            (WatcherType::Persistent, _) => &[(Data, Modes::PERSISTENT), (Child, Modes::PERSISTENT)],
            (WatcherType::PersistentRecursive, _) => &[(Data, Modes::RECURSIVE), (Child, Modes::RECURSIVE)],
        }
    }

    /// The connection is gone. Source: `WatchManager.removeWatcher`.
    pub fn remove_watcher(&mut self, conn: ConnId) {
        for path in self.by_conn.remove(&conn).into_iter().flatten() {
            self.take_out(conn, &path);
        }
    }

    /// Takes modes away; false when there were none of them.
    fn take(&mut self, conn: ConnId, path: &str, column: Column, modes: Modes) -> bool {
        let Some(watch) = self.by_path.get_mut(path).and_then(|watchers| watchers.get_mut(&conn)) else {
            return false;
        };
        let before = watch.recursive();
        let left = watch.of_mut(column);
        let found = left.has(modes);
        *left = left.without(modes);
        self.recursive = self.recursive - before + watch.recursive();
        if watch.is_empty() {
            self.take_out(conn, path);
            self.forget_path(conn, path);
        }
        found
    }

    fn take_out(&mut self, conn: ConnId, path: &str) {
        let Some(watchers) = self.by_path.get_mut(path) else {
            return;
        };
        self.recursive -= watchers.remove(&conn).map_or(0, Columns::recursive);
        if watchers.is_empty() {
            self.by_path.remove(path);
        }
    }

    fn forget_path(&mut self, conn: ConnId, path: &str) {
        if let Some(paths) = self.by_conn.get_mut(&conn) {
            paths.remove(path);
            if paths.is_empty() {
                self.by_conn.remove(&conn);
            }
        }
    }
}
