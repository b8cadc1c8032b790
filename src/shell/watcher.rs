//! What zkCli's watcher prints when it is told of something. Source: `ZooKeeperMain.MyWatcher`, `WatchedEvent.toString`.

use crate::proto::{EventType, KeeperState, Version, Zxid};
use crate::trace::Note;

/// An event that a client was told of, as zkCli prints it. Since 3.9 it tells the transaction.
pub fn told(version: Version, state: KeeperState, kind: EventType, path: Option<&str>, zxid: Zxid) -> String {
    let zxid = if version == Version::V3_9 { format!(" zxid: {}", zxid.0) } else { String::new() };
    format!("\nWATCHER::\n\nWatchedEvent state:{state} type:{kind} path:{}{zxid}\n", path.unwrap_or("null"))
}

/// The same for a change of the session's state, which belongs to no node and no transaction.
pub fn state(version: Version, state: KeeperState) -> String {
    told(version, state, EventType::None, None, Zxid(-1))
}

/// How a client stands with its session after what it notes. Its watcher is told when that is another way than before.
pub fn state_after(note: &Note) -> Option<KeeperState> {
    match note {
        Note::Connected { .. } => Some(KeeperState::SyncConnected),
        Note::ConnectedReadOnly { .. } => Some(KeeperState::ConnectedReadOnly),
        Note::Disconnected { .. } => Some(KeeperState::Disconnected),
        Note::SessionExpired { .. } => Some(KeeperState::Expired),
        Note::ClientClosed { .. } => Some(KeeperState::Closed),
        _ => None,
    }
}
