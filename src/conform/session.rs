//! What a client keeps of its session: who it proved to be, which watches it set, how far it has seen. Source: `ZKWatchManager`; kept as the
//! recorder kept it, since what a reconnect registers again follows from it.

use std::collections::BTreeSet;

use super::request::Call;
use crate::proto::{Bytes, ErrorCode, Micros, Path, WatcherType, Zxid};

/// One session of a transcript.
#[derive(Clone, Debug)]
pub struct Session {
    /// `s1`.
    pub name: String,
    /// The server it is at, or was at last, counted from 0.
    pub host: usize,
    /// What it asks for.
    pub timeout: Micros,
    /// Of all replies so far.
    pub seen: Zxid,
    /// What was ever accepted.
    pub auths: Vec<Proof>,
    /// What was accepted on the present connection.
    pub proved: Vec<Proof>,
    pub watches: Watches,
    /// Notifications that belong to no request yet.
    pub events: Vec<Heard>,
    /// Closed or expired, as far as its client knows.
    pub over: bool,
}

/// A scheme and a credential for it.
pub type Proof = (String, Option<Bytes>);

/// A notification as it came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Heard {
    /// `NodeDeleted`.
    pub kind: &'static str,
    pub path: Path,
}

/// The paths that a client believes to be watched, by the table of the request that registers them again.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Watches {
    pub data: BTreeSet<Path>,
    pub exist: BTreeSet<Path>,
    pub child: BTreeSet<Path>,
    pub persistent: BTreeSet<Path>,
    pub recursive: BTreeSet<Path>,
}

impl Session {
    pub fn new(name: String, host: usize, timeout: Micros) -> Session {
        Session {
            name,
            host,
            timeout,
            seen: Zxid::ZERO,
            auths: Vec::new(),
            proved: Vec::new(),
            watches: Watches::default(),
            events: Vec::new(),
            over: false,
        }
    }

    /// Takes the notifications so far. Standard watches that they told of are used up.
    pub fn take_events(&mut self) -> Vec<Heard> {
        let events = std::mem::take(&mut self.events);
        events.iter().for_each(|heard| self.watches.saw(heard));
        events
    }
}

impl Watches {
    pub fn is_empty(&self) -> bool {
        self.tables().iter().all(|table| table.is_empty())
    }

    fn tables(&self) -> [&BTreeSet<Path>; 5] {
        [&self.data, &self.exist, &self.child, &self.persistent, &self.recursive]
    }

    fn saw(&mut self, heard: &Heard) {
        let Watches { data, exist, child, .. } = self;
        let gone: &mut [&mut BTreeSet<Path>] = match heard.kind {
            "NodeCreated" | "NodeDataChanged" => &mut [data, exist],
            "NodeDeleted" => &mut [data, exist, child],
            _ => &mut [child],
        };
        for table in gone {
            table.remove(&heard.path);
        }
    }

    /// A request was answered; a watch that it set, or took away, is one that the client knows of.
    pub fn on_answer(&mut self, call: &Call, error: Option<ErrorCode>) {
        match (call, error) {
            (Call::Get { path, watch: true } | Call::Exists { path, watch: true }, None) => {
                self.data.insert(path.clone());
            }
            (Call::Exists { path, watch: true }, Some(ErrorCode::NoNode)) => {
                self.exist.insert(path.clone());
            }
            (Call::Children { path, watch: true } | Call::Children2 { path, watch: true }, None) => {
                self.child.insert(path.clone());
            }
            (Call::AddWatch { path, mode }, None) => {
                let table = if *mode == 1 { &mut self.recursive } else { &mut self.persistent };
                table.insert(path.clone());
            }
            (Call::RemoveWatches { path, kind }, None) => self.remove(path, *kind),
            _ => {}
        }
    }

    fn remove(&mut self, path: &Path, kind: WatcherType) {
        let Watches { data, exist, child, persistent, recursive } = self;
        let gone: &mut [&mut BTreeSet<Path>] = match kind {
            WatcherType::Children => &mut [child],
            WatcherType::Data => &mut [data, exist],
            WatcherType::Persistent => &mut [persistent],
            WatcherType::PersistentRecursive => &mut [recursive],
            WatcherType::Any => &mut [data, exist, child, persistent, recursive],
        };
        for table in gone {
            table.remove(path);
        }
    }
}
