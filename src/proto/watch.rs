//! Watches on the wire: how they are asked for and taken away, and what a client is told when one fires. Source: `ZooDefs.AddWatchModes`,
//! `Watcher`, `WatcherEvent`, `SetWatches2`; watches reference §3, §7.

use std::fmt;
use std::sync::Arc;

use serde::{Serialize, Serializer};

use super::{Path, Zxid};

/// What `addWatch` sets. A request carries its number, which need not be one that exists.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum AddWatchMode {
    /// Fires at every change of the node and of the list of its children.
    Persistent = 0,
    /// Fires at every change of the node and of all nodes below it.
    PersistentRecursive = 1,
}

/// Which watches `removeWatches` and `checkWatches` mean. Source: `Watcher.WatcherType`; 3.8 knows only the first three.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum WatcherType {
    Children = 1,
    Data = 2,
    Any = 3,
    Persistent = 4,
    PersistentRecursive = 5,
}

/// What happened. Source: `Watcher.Event.EventType`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum EventType {
    /// Nothing to a node: the state of the connection changed.
    None = -1,
    NodeCreated = 1,
    NodeDeleted = 2,
    NodeDataChanged = 3,
    NodeChildrenChanged = 4,
    /// The last three come from the client's own library, once a server has removed the watch.
    DataWatchRemoved = 5,
    ChildWatchRemoved = 6,
    PersistentWatchRemoved = 7,
}

/// How a client stands with its session. Source: `Watcher.Event.KeeperState`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum KeeperState {
    Disconnected = 0,
    SyncConnected = 3,
    AuthFailed = 4,
    ConnectedReadOnly = 5,
    SaslAuthenticated = 6,
    Expired = -112,
    Closed = 7,
}

/// What a watcher is told; from a server under the xid -1.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WatcherEvent {
    /// Of the change (3.9.0+); -1 where none is told.
    pub zxid: Zxid,
    pub kind: EventType,
    pub state: KeeperState,
    /// Empty when the kind is [`EventType::None`].
    pub path: Path,
}

/// The watches that a client has set and that a server, new to it, does not know of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SetWatches {
    /// What the client had seen: later changes are told at once.
    pub relative_zxid: Zxid,
    pub data: Arc<[Path]>,
    pub exist: Arc<[Path]>,
    pub child: Arc<[Path]>,
    pub persistent: Arc<[Path]>,
    pub recursive: Arc<[Path]>,
}

impl AddWatchMode {
    pub const fn numbered(number: i32) -> Option<AddWatchMode> {
        match number {
            0 => Some(AddWatchMode::Persistent),
            1 => Some(AddWatchMode::PersistentRecursive),
            _ => None,
        }
    }

    /// As zkCli is told it.
    pub const fn name(self) -> &'static str {
        match self {
            AddWatchMode::Persistent => "PERSISTENT",
            AddWatchMode::PersistentRecursive => "PERSISTENT_RECURSIVE",
        }
    }
}

impl WatcherType {
    pub const ALL: [WatcherType; 5] =
        [WatcherType::Children, WatcherType::Data, WatcherType::Any, WatcherType::Persistent, WatcherType::PersistentRecursive];

    /// The option of zkCli's `removewatches`; it has none for the last two.
    pub const fn option(self) -> &'static str {
        match self {
            WatcherType::Children => "-c",
            WatcherType::Data => "-d",
            WatcherType::Any => "-a",
            WatcherType::Persistent => "-p",
            WatcherType::PersistentRecursive => "-r",
        }
    }
}

impl EventType {
    pub const fn name(self) -> &'static str {
        match self {
            EventType::None => "None",
            EventType::NodeCreated => "NodeCreated",
            EventType::NodeDeleted => "NodeDeleted",
            EventType::NodeDataChanged => "NodeDataChanged",
            EventType::NodeChildrenChanged => "NodeChildrenChanged",
            EventType::DataWatchRemoved => "DataWatchRemoved",
            EventType::ChildWatchRemoved => "ChildWatchRemoved",
            EventType::PersistentWatchRemoved => "PersistentWatchRemoved",
        }
    }
}

impl KeeperState {
    pub const fn name(self) -> &'static str {
        match self {
            KeeperState::Disconnected => "Disconnected",
            KeeperState::SyncConnected => "SyncConnected",
            KeeperState::AuthFailed => "AuthFailed",
            KeeperState::ConnectedReadOnly => "ConnectedReadOnly",
            KeeperState::SaslAuthenticated => "SaslAuthenticated",
            KeeperState::Expired => "Expired",
            KeeperState::Closed => "Closed",
        }
    }
}

impl WatcherEvent {
    /// Of a node, as servers send it.
    pub fn of_node(zxid: Zxid, kind: EventType, path: Path) -> WatcherEvent {
        WatcherEvent { zxid, kind, state: KeeperState::SyncConnected, path }
    }
}

impl SetWatches {
    /// The paths of all lists.
    pub fn lists(&self) -> [&Arc<[Path]>; 5] {
        [&self.data, &self.exist, &self.child, &self.persistent, &self.recursive]
    }

    /// How many watches they are.
    pub fn count(&self) -> usize {
        self.lists().iter().map(|list| list.len()).sum()
    }

    /// `setWatches` has no place for persistent watches. Source: `ClientCnxn.SendThread.primeConnection`.
    pub fn is_second_form(&self) -> bool {
        !self.persistent.is_empty() || !self.recursive.is_empty()
    }
}

/// `NodeDeleted /a`, or the state alone.
impl fmt::Display for WatcherEvent {
    fn fmt(&self, out: &mut fmt::Formatter) -> fmt::Result {
        match self.kind {
            EventType::None => write!(out, "{}", self.state),
            kind => write!(out, "{kind} {}", self.path),
        }
    }
}

macro_rules! shown_by_name {
    ($($name:ident)*) => {$(
        impl fmt::Display for $name {
            fn fmt(&self, out: &mut fmt::Formatter) -> fmt::Result {
                out.pad(self.name())
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
                out.serialize_str(self.name())
            }
        }
    )*};
}

shown_by_name! { AddWatchMode EventType KeeperState }
