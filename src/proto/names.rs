//! Names of what a node and the world talk about: connections, timers, stages, disk operations.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::ServerId;

/// One end of a connection. Never used again after it closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ConnId {
    /// Place in the world's table; reused by later connections.
    pub slot: u32,
    /// Tells the users of one slot apart.
    pub generation: u32,
}

/// Why a dial failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DialError {
    /// The machine is up and nobody listens on the port.
    Refused,
    /// No answer within the time the dialler gave.
    TimedOut,
}

/// How a connection ended, as the side that is told sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CloseReason {
    /// The peer closed in order: everything it sent was delivered before.
    Finished,
    /// The peer's machine does not know the connection (any more), or a fault reset it: what was under way is lost.
    Reset,
    /// What was sent stayed unacknowledged for too long.
    TimedOut,
}

/// Timers of a node; at most one of each kind is set at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Timer {
    /// `lookForLeader`: the poll of the receive queue, back-off included, or the finalize drain.
    ElectionPoll,
    /// The initial message of an accepted election connection is overdue.
    Handshake(ConnId),
    /// `electionAlg 0`: the answer to the current query is overdue.
    QueryReply,
    /// `electionAlg 0`: the pause between two rounds of queries, or before following.
    QueryPause,
    /// An observer's wait before it looks for a leader again.
    ObserverDelay,
    /// Leader: half a tick.
    HalfTick,
    /// Leader: the wait for an epoch quorum, for its acknowledgements, or for NEWLEADER acknowledgements.
    LeaderWait,
    /// Leader: nothing was read from this learner for the read timeout.
    LearnerRead(ConnId),
    /// Learner: nothing was read from the leader for the read timeout.
    LeaderRead,
    /// Learner: the next try to reach the leader.
    LeaderConnect,
    /// Leader: the next bucket of sessions may expire.
    SessionExpiry,
    /// Server: nothing was read from this client for its session timeout.
    ClientRead(ConnId),
    /// Server: the next purge of old snapshots and logs (`autopurge.purgeInterval`).
    Purge,
    /// Client: the next attempt to connect, after a pause.
    Reconnect,
    /// Client: the connection attempt, or its handshake, takes too long.
    ConnectTimeout,
    /// Client: nothing was read from the server for two thirds of the session timeout.
    ServerRead,
    /// Client: nothing was sent for so long that a ping is due.
    ClientPing,
    /// Client: not heard from any server for 4/3 of the session timeout (3.9.3+).
    SessionExpiration,
    /// Client: the next request of its workload with this number.
    Workload(u32),
}

impl Timer {
    /// Its name in traces and choices; a timer of one connection is named like the others of its kind.
    pub const fn name(self) -> &'static str {
        match self {
            Timer::ElectionPoll => "election_poll",
            Timer::Handshake(_) => "handshake",
            Timer::QueryReply => "query_reply",
            Timer::QueryPause => "query_pause",
            Timer::ObserverDelay => "observer_delay",
            Timer::HalfTick => "half_tick",
            Timer::LeaderWait => "leader_wait",
            Timer::LearnerRead(_) => "learner_read",
            Timer::LeaderRead => "leader_read",
            Timer::LeaderConnect => "leader_connect",
            Timer::SessionExpiry => "session_expiry",
            Timer::ClientRead(_) => "client_read",
            Timer::Purge => "purge",
            Timer::Reconnect => "reconnect",
            Timer::ConnectTimeout => "connect_timeout",
            Timer::ServerRead => "server_read",
            Timer::ClientPing => "client_ping",
            Timer::SessionExpiration => "session_expiration",
            Timer::Workload(_) => "workload",
        }
    }
}

impl fmt::Display for Timer {
    fn fmt(&self, out: &mut fmt::Formatter) -> fmt::Result {
        out.pad(self.name())
    }
}

/// ZooKeeper's threads that race with each other, each a queue that is served one item at a wake-up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// The thread of `QuorumPeer.run`: the outer loop and `lookForLeader`.
    QuorumPeer,
    /// `FastLeaderElection.WorkerReceiver`.
    WorkerReceiver,
    /// `FastLeaderElection.WorkerSender`.
    WorkerSender,
    /// `QuorumCnxManager.SendWorker` of one peer.
    SendWorker(ServerId),
    /// `FollowerRequestProcessor` and `ObserverRequestProcessor`: a learner's own clients' requests, on their way to the leader.
    FollowerRequestProcessor,
    /// `PrepRequestProcessor`, and `ProposalRequestProcessor` behind it: requests become transactions, with a zxid each.
    PrepRequestProcessor,
    /// `SyncRequestProcessor`: the request logger.
    SyncRequestProcessor,
    /// `CommitProcessor`, with the final processor behind it: transactions are applied, requests answered.
    CommitProcessor,
    /// The sender thread of a `LearnerHandler`.
    LearnerSender(ServerId),
    /// The thread that writes a snapshot while the tree changes.
    SnapshotTaker,
    /// `ClientCnxn.EventThread`.
    EventThread,
}

impl fmt::Display for Stage {
    fn fmt(&self, out: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Stage::QuorumPeer => out.pad("quorum_peer"),
            Stage::WorkerReceiver => out.pad("worker_receiver"),
            Stage::WorkerSender => out.pad("worker_sender"),
            Stage::SendWorker(peer) => write!(out, "send_worker {peer}"),
            Stage::FollowerRequestProcessor => out.pad("follower_request_processor"),
            Stage::PrepRequestProcessor => out.pad("prep_request_processor"),
            Stage::SyncRequestProcessor => out.pad("sync_request_processor"),
            Stage::CommitProcessor => out.pad("commit_processor"),
            Stage::LearnerSender(peer) => write!(out, "learner_sender {peer}"),
            Stage::SnapshotTaker => out.pad("snapshot_taker"),
            Stage::EventThread => out.pad("event_thread"),
        }
    }
}

/// What a disk operation was for; comes back with its completion.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DiskTag {
    /// Reading a file at boot.
    Boot(SmallFile),
    /// A step of an atomic write (temporary file, fsync, rename) of a small file.
    Atomic(SmallFile),
    /// Reading at boot, or reloading from disk: the listing first, then files by their number in the order of asking.
    Recovery(u32),
    /// A step of the transaction log: create, append, fsync, preallocation.
    Log,
    /// A step of writing a snapshot.
    Snapshot,
    /// A step of cutting the log (TRUNC).
    Truncation,
    /// Reading the log of a leader for a learner that its memory cannot serve.
    LearnerSync,
    /// Deleting old snapshots and logs.
    Purge,
}

/// The small files that a server keeps beside its log and snapshots.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum SmallFile {
    AcceptedEpoch,
    CurrentEpoch,
    /// Stands in for log and snapshots until they exist: the last zxid of this server's history.
    LastZxid,
}

impl ConnId {
    /// One 64-bit value for the digest.
    pub const fn word(self) -> u64 {
        (self.generation as u64) << 32 | self.slot as u64
    }
}

impl Timer {
    /// Kind and owner as 64-bit values, for the digest.
    pub fn words(self, mut word: impl FnMut(u64)) {
        let (kind, owner) = match self {
            Timer::ElectionPoll => (1, 0),
            Timer::Handshake(conn) => (2, conn.word()),
            Timer::QueryReply => (3, 0),
            Timer::QueryPause => (4, 0),
            Timer::ObserverDelay => (5, 0),
            Timer::HalfTick => (6, 0),
            Timer::LeaderWait => (7, 0),
            Timer::LearnerRead(conn) => (8, conn.word()),
            Timer::LeaderRead => (9, 0),
            Timer::LeaderConnect => (10, 0),
            Timer::SessionExpiry => (11, 0),
            Timer::ClientRead(conn) => (12, conn.word()),
            Timer::Purge => (13, 0),
            Timer::Reconnect => (14, 0),
            Timer::ConnectTimeout => (15, 0),
            Timer::ServerRead => (16, 0),
            Timer::ClientPing => (17, 0),
            Timer::SessionExpiration => (18, 0),
            Timer::Workload(number) => (19, u64::from(number)),
        };
        word(kind);
        word(owner);
    }
}

impl Stage {
    /// Kind and owner as 64-bit values, for the digest.
    pub fn words(self, mut word: impl FnMut(u64)) {
        let (kind, owner) = match self {
            Stage::QuorumPeer => (1, 0),
            Stage::WorkerReceiver => (2, 0),
            Stage::WorkerSender => (3, 0),
            Stage::SendWorker(peer) => (4, peer.0 as u64),
            Stage::FollowerRequestProcessor => (5, 0),
            Stage::PrepRequestProcessor => (6, 0),
            Stage::SyncRequestProcessor => (7, 0),
            Stage::CommitProcessor => (8, 0),
            Stage::LearnerSender(peer) => (9, peer.0 as u64),
            Stage::SnapshotTaker => (10, 0),
            Stage::EventThread => (11, 0),
        };
        word(kind);
        word(owner);
    }
}

impl DiskTag {
    /// Purpose and file as 64-bit values, for the digest.
    pub fn words(self, mut word: impl FnMut(u64)) {
        let (purpose, file) = match self {
            DiskTag::Boot(file) => (1, file as u64),
            DiskTag::Atomic(file) => (2, file as u64),
            DiskTag::Recovery(number) => (3, u64::from(number)),
            DiskTag::Log => (4, 0),
            DiskTag::Snapshot => (5, 0),
            DiskTag::Truncation => (6, 0),
            DiskTag::LearnerSync => (7, 0),
            DiskTag::Purge => (8, 0),
        };
        word(purpose);
        word(file);
    }
}

impl fmt::Display for ConnId {
    fn fmt(&self, out: &mut fmt::Formatter) -> fmt::Result {
        write!(out, "connection {}.{}", self.slot, self.generation)
    }
}

impl fmt::Display for CloseReason {
    fn fmt(&self, out: &mut fmt::Formatter) -> fmt::Result {
        out.pad(match self {
            CloseReason::Finished => "closed by the peer",
            CloseReason::Reset => "reset",
            CloseReason::TimedOut => "timed out",
        })
    }
}
