//! Values that notes have and nothing else needs.

use std::fmt;

use serde::Serialize;

use crate::proto::Op;

/// Where a snapshot came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum SnapshotSource {
    Disk,
    Leader,
}

/// Why the checks had a copy of a disk recovered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Probing {
    /// The server has just died: what would it start from now?
    Crash,
    /// What if it lost power now?
    PowerLoss,
    /// A snapshot is finished: does it give the database, together with the log?
    Snapshot,
    /// Old files are deleted: is enough left?
    Purge,
}

/// A rule about what a server has in its memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum MemoryRule {
    /// Nodes have parents that list them, and lists name nodes that are there.
    TreeShape,
    /// The nodes of a session are those that the index of ephemerals has for it, and the session lives.
    EphemeralIndex,
    /// Nobody watches on a connection that is gone.
    WatchTable,
}

/// What a client asks for: shown as text, compared as what it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpText(pub Op);

impl fmt::Display for OpText {
    fn fmt(&self, out: &mut fmt::Formatter) -> fmt::Result {
        self.0.fmt(out)
    }
}

impl Serialize for OpText {
    fn serialize<S: serde::Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        out.collect_str(self)
    }
}

/// How a path is watched.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum WatchMode {
    /// Once: what happens to the node itself, or that it comes into being.
    Data,
    /// Once: the list of its children.
    Child,
    Persistent,
    PersistentRecursive,
}

impl fmt::Display for WatchMode {
    fn fmt(&self, out: &mut fmt::Formatter) -> fmt::Result {
        out.write_str(match self {
            WatchMode::Data => "the node",
            WatchMode::Child => "the children of",
            WatchMode::Persistent => "for ever the node and the children of",
            WatchMode::PersistentRecursive => "for ever all from",
        })
    }
}

/// Why a client does not believe any more that it holds what it was granted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum LetGoReason {
    /// Its user gave it up.
    Released,
    /// The connection is gone, and with it what told the client that its session lives.
    Suspended,
    /// The session has expired, and its nodes with it.
    Expired,
    /// Its node is not there any more, or is not of this session.
    Lost,
    /// It was asked to.
    Revoked,
}

impl fmt::Display for LetGoReason {
    fn fmt(&self, out: &mut fmt::Formatter) -> fmt::Result {
        out.write_str(match self {
            LetGoReason::Released => "its user gives it up",
            LetGoReason::Suspended => "without a connection nobody tells it that its session lives",
            LetGoReason::Expired => "its session has expired",
            LetGoReason::Lost => "its node is gone",
            LetGoReason::Revoked => "it was asked to give it back",
        })
    }
}
