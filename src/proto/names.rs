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

/// Declares an enum of names once: each variant with its owner, its number in the digest, and its text.
macro_rules! names {
    ($(#[$meta:meta])* $type:ident { $($(#[$doc:meta])* $variant:ident $(($owner:ident: $of:ty))? = $number:literal $name:literal,)* }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum $type { $($(#[$doc])* $variant $(($of))?,)* }

        impl $type {
            /// What [`Self::name`] may say, in order of declaration.
            pub const NAMES: &[&str] = &[$($name),*];

            /// Its name in traces and choices, without its owner.
            pub const fn name(self) -> &'static str {
                match self { $($type::$variant { .. } => $name,)* }
            }

            /// Kind and owner as 64-bit values: no other has both.
            #[inline]
            pub fn key(self) -> (u64, u64) {
                match self { $($type::$variant $(($owner))? => ($number, 0 $(+ $owner.word())?),)* }
            }

            /// The same, for the digest.
            #[inline]
            pub fn words(self, mut word: impl FnMut(u64)) {
                let (kind, owner) = self.key();
                word(kind);
                word(owner);
            }
        }
    };
}

names! {
    /// Timers of a node; at most one of each kind is set at a time.
    Timer {
        /// `lookForLeader`: the poll of the receive queue, back-off included, or the finalize drain.
        ElectionPoll = 1 "election_poll",
        /// The initial message of an accepted election connection is overdue.
        Handshake(conn: ConnId) = 2 "handshake",
        /// `electionAlg 0`: the answer to the current query is overdue.
        QueryReply = 3 "query_reply",
        /// `electionAlg 0`: the pause between two rounds of queries, or before following.
        QueryPause = 4 "query_pause",
        /// An observer's wait before it looks for a leader again.
        ObserverDelay = 5 "observer_delay",
        /// Leader: half a tick.
        HalfTick = 6 "half_tick",
        /// Leader: the wait for an epoch quorum, for its acknowledgements, or for NEWLEADER acknowledgements.
        LeaderWait = 7 "leader_wait",
        /// Leader: nothing was read from this learner for the read timeout.
        LearnerRead(conn: ConnId) = 8 "learner_read",
        /// Learner: nothing was read from the leader for the read timeout.
        LeaderRead = 9 "leader_read",
        /// Learner: the next try to reach the leader.
        LeaderConnect = 10 "leader_connect",
        /// Leader: the next bucket of sessions may expire.
        SessionExpiry = 11 "session_expiry",
        /// Server: nothing was read from this client for its session timeout.
        ClientRead(conn: ConnId) = 12 "client_read",
        /// Server: the next purge of old snapshots and logs (`autopurge.purgeInterval`).
        Purge = 13 "purge",
        /// Client: a pause before the next attempt to connect ends.
        Reconnect = 14 "reconnect",
        /// Client: the server does not answer the ConnectRequest.
        ConnectTimeout = 15 "connect_timeout",
        /// Client: nothing was read from the server for two thirds of the session timeout.
        ServerRead = 16 "server_read",
        /// Client: nothing was sent for so long that a ping is due.
        ClientPing = 17 "client_ping",
        /// Client: the workload with this number begins, or makes its next request.
        Workload(number: u32) = 18 "workload",
        /// Server: the next bucket of its local sessions may expire (`localSessionsEnabled`).
        LocalSessionExpiry = 20 "local_session_expiry",
        /// Client: a recipe has waited long enough; the number tells which.
        Recipe(number: u32) = 23 "recipe",
        /// Server: it looked for a leader for so long that it serves reads without one (`readonlymode.enabled`).
        ReadOnlyGrace = 21 "read_only_grace",
        /// Client of a read-only server: the next look for a better one, or the end of the present one.
        ReadWriteSearch = 22 "read_write_search",
        /// Leader: the next look for containers and TTL nodes whose time is over.
        ContainerCheck = 19 "container_check",
    }
}

impl fmt::Display for Timer {
    fn fmt(&self, out: &mut fmt::Formatter) -> fmt::Result {
        out.pad(self.name())
    }
}

names! {
    /// ZooKeeper's threads that race with each other, each a queue that is served one item at a wake-up.
    Stage {
        /// The thread of `QuorumPeer.run`: the outer loop and `lookForLeader`.
        QuorumPeer = 1 "quorum_peer",
        /// `FastLeaderElection.WorkerReceiver`.
        WorkerReceiver = 2 "worker_receiver",
        /// `FastLeaderElection.WorkerSender`.
        WorkerSender = 3 "worker_sender",
        /// `QuorumCnxManager.SendWorker` of one peer.
        SendWorker(peer: ServerId) = 4 "send_worker",
        /// `FollowerRequestProcessor` and `ObserverRequestProcessor`: a learner's own clients' requests, on their way to the leader.
        FollowerRequestProcessor = 5 "follower_request_processor",
        /// `PrepRequestProcessor`, and `ProposalRequestProcessor` behind it: requests become transactions, with a zxid each.
        PrepRequestProcessor = 6 "prep_request_processor",
        /// `SyncRequestProcessor`: the request logger.
        SyncRequestProcessor = 7 "sync_request_processor",
        /// `CommitProcessor`, with the final processor behind it: transactions are applied, requests answered.
        CommitProcessor = 8 "commit_processor",
        /// The sender thread of a `LearnerHandler`.
        LearnerSender(peer: ServerId) = 9 "learner_sender",
        /// The thread that writes a snapshot while the tree changes.
        SnapshotTaker = 10 "snapshot_taker",
        /// `ClientCnxn.EventThread`.
        EventThread = 11 "event_thread",
    }
}

impl Stage {
    /// The stage of this name; of those that there are one for each peer, `peer`'s. `None` when nothing is called so.
    pub fn named(name: &str, peer: ServerId) -> Option<Stage> {
        let all = [
            Stage::QuorumPeer,
            Stage::WorkerReceiver,
            Stage::WorkerSender,
            Stage::SendWorker(peer),
            Stage::FollowerRequestProcessor,
            Stage::PrepRequestProcessor,
            Stage::SyncRequestProcessor,
            Stage::CommitProcessor,
            Stage::LearnerSender(peer),
            Stage::SnapshotTaker,
            Stage::EventThread,
        ];
        all.into_iter().find(|stage| stage.name() == name)
    }

    /// Whose connection it serves, where there is one for each peer.
    pub const fn peer(self) -> Option<ServerId> {
        match self {
            Stage::SendWorker(peer) | Stage::LearnerSender(peer) => Some(peer),
            _ => None,
        }
    }
}

impl fmt::Display for Stage {
    fn fmt(&self, out: &mut fmt::Formatter) -> fmt::Result {
        match self.peer() {
            Some(peer) => write!(out, "{} {peer}", self.name()),
            None => out.pad(self.name()),
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
    /// Reading or writing the server list (`zoo.cfg` and the files of the dynamic configuration).
    Config,
}

/// The small files that a server keeps beside its log and snapshots.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum SmallFile {
    AcceptedEpoch,
    CurrentEpoch,
}

impl ConnId {
    /// One 64-bit value for the digest.
    pub const fn word(self) -> u64 {
        (self.generation as u64) << 32 | self.slot as u64
    }
}

/// What a name may belong to, as one 64-bit value for the digest.
trait Owner {
    fn word(self) -> u64;
}

impl Owner for ServerId {
    fn word(self) -> u64 {
        self.0 as u64
    }
}

impl Owner for u32 {
    fn word(self) -> u64 {
        u64::from(self)
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
            DiskTag::Config => (9, 0),
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
