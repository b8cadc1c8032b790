//! What a client remembers of its watches, and whom an event concerns. Source: `ZKWatchManager`, `ZooKeeper.WatchRegistration`; watches
//! reference §5 to §7.
//!
//! A client has one watcher, its user: who watches a path in several ways is told once. So what Java keeps as sets of callbacks are sets of
//! paths here.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::proto::{AddWatchMode, ErrorCode, EventType, KeeperState, Op, Path, SetWatches, WatcherType, Zxid};

/// The paths that a client believes to be watched.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Watches {
    data: BTreeSet<Path>,
    /// Nodes that were not there.
    exist: BTreeSet<Path>,
    child: BTreeSet<Path>,
    persistent: BTreeSet<Path>,
    recursive: BTreeSet<Path>,
}

/// What the answer to a request changes in them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Registration {
    Data(Path),
    Exists(Path),
    Child(Path),
    Always(Path, AddWatchMode),
    /// The last says whether the client forgets them though the server does not.
    Removal(Path, WatcherType, bool),
}

/// Characters of paths in one `setWatches`, or a little more. Source: `ClientCnxn.SET_WATCHES_MAX_LENGTH`.
const BATCH_LENGTH: usize = 128 * 1024;

impl Registration {
    /// What an answer to this request will change.
    pub fn of(op: &Op) -> Option<Registration> {
        match op {
            Op::GetData { path, watch: true } => Some(Registration::Data(path.clone())),
            Op::Exists { path, watch: true } => Some(Registration::Exists(path.clone())),
            Op::GetChildren { path, watch: true } | Op::GetChildren2 { path, watch: true } => Some(Registration::Child(path.clone())),
            Op::AddWatch { path, mode } => AddWatchMode::numbered(*mode).map(|mode| Registration::Always(path.clone(), mode)),
            Op::RemoveWatches { path, kind } => Some(Registration::Removal(path.clone(), *kind, false)),
            _ => None,
        }
    }
}

impl Watches {
    pub fn is_empty(&self) -> bool {
        let Watches { data, exist, child, persistent, recursive } = self;
        [data, exist, child, persistent, recursive].iter().all(|paths| paths.is_empty())
    }

    /// A read or `addWatch` was answered. Only what succeeded is watched, but a node that is not there can be waited for.
    pub fn register(&mut self, registration: Registration, error: Option<ErrorCode>) {
        let (paths, path) = match (registration, error) {
            (Registration::Data(path) | Registration::Exists(path), None) => (&mut self.data, path),
            (Registration::Exists(path), Some(ErrorCode::NoNode)) => (&mut self.exist, path),
            (Registration::Child(path), None) => (&mut self.child, path),
            (Registration::Always(path, AddWatchMode::Persistent), None) => (&mut self.persistent, path),
            (Registration::Always(path, AddWatchMode::PersistentRecursive), None) => (&mut self.recursive, path),
            _ => return,
        };
        paths.insert(path);
    }

    /// Whether it watches the path in this way. Source: `ZKWatchManager.containsWatcher`.
    pub fn contains(&self, path: &str, kind: WatcherType) -> bool {
        let Watches { data, exist, child, persistent, recursive } = self;
        let any = |paths: &[&BTreeSet<Path>]| paths.iter().any(|paths| paths.contains(path));
        match kind {
            WatcherType::Children => any(&[child]),
            WatcherType::Data => any(&[data, exist]),
            WatcherType::Persistent => any(&[persistent]),
            WatcherType::PersistentRecursive => any(&[recursive]),
            WatcherType::Any => any(&[data, exist, child, persistent, recursive]),
        }
    }

    /// The server has removed them. What their watcher is told of it. Source: `ZKWatchManager.removeWatcher`.
    pub fn remove(&mut self, path: &str, kind: WatcherType) -> Vec<EventType> {
        let means = |one| kind == one || kind == WatcherType::Any;
        let mut told = Vec::new();
        if means(WatcherType::Data) && self.data.remove(path) | self.exist.remove(path) {
            told.push(EventType::DataWatchRemoved);
        }
        if means(WatcherType::Children) && self.child.remove(path) {
            told.push(EventType::ChildWatchRemoved);
        }
        let persistent = means(WatcherType::Persistent) && self.persistent.remove(path);
        let recursive = means(WatcherType::PersistentRecursive) && self.recursive.remove(path);
        if persistent || recursive {
            told.push(EventType::PersistentWatchRemoved);
        }
        told
    }

    /// A server tells of a node: whether anybody watches for that. Watches that fire once are gone then. Source: `ZKWatchManager.materialize`.
    pub fn fire(&mut self, kind: EventType, path: &str) -> bool {
        let fired = match kind {
            EventType::NodeCreated | EventType::NodeDataChanged => self.data.remove(path) | self.exist.remove(path),
            EventType::NodeDeleted => self.data.remove(path) | self.exist.remove(path) | self.child.remove(path),
            EventType::NodeChildrenChanged => self.child.remove(path),
            _ => false,
        };
        fired || self.persistent.contains(path) || (kind != EventType::NodeChildrenChanged && self.is_below_recursive(path))
    }

    fn is_below_recursive(&self, path: &str) -> bool {
        let ends = path.match_indices('/').map(|(at, _)| at.max(1)).chain([path.len()]);
        !self.recursive.is_empty() && ends.map(|end| &path[..end]).any(|above| self.recursive.contains(above))
    }

    /// The state of the session changed, and watches are not to be set again by themselves: those that fire once are gone.
    pub fn on_state(&mut self, state: KeeperState) {
        if state != KeeperState::SyncConnected {
            self.data.clear();
            self.exist.clear();
            self.child.clear();
        }
    }

    /// The requests that set them again at another server, in the order in which they are sent.
    ///
    /// As in Java each batch goes to the head of the queue, so that the last is the first. Source: `SendThread.primeConnection`.
    pub fn batches(&self, seen: Zxid) -> Vec<Arc<SetWatches>> {
        let lists = [&self.data, &self.exist, &self.child, &self.persistent, &self.recursive];
        let mut all = lists.iter().enumerate().flat_map(|(list, paths)| paths.iter().map(move |path| (list, path))).peekable();
        let mut batches = Vec::new();
        while all.peek().is_some() {
            let (mut batch, mut length) = ([const { Vec::new() }; 5], 0);
            while length < BATCH_LENGTH
                && let Some((list, path)) = all.next()
            {
                length += path.encode_utf16().count();
                batch[list].push(path.clone());
            }
            let [data, exist, child, persistent, recursive] = batch.map(Arc::from);
            batches.push(Arc::new(SetWatches { relative_zxid: seen, data, exist, child, persistent, recursive }));
        }
        batches.reverse();
        batches
    }
}
