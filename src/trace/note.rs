//! Protocol notes: facts that a node tells about itself, with the values that decided. How they read is in `note_story`.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

pub use super::note_values::{LetGoReason, MemoryRule, OpText, Probing, SnapshotSource, WatchMode};
use crate::proto::{
    Epoch, EventType, FileName, KeeperState, LearnerType, Membership, Micros, Path, PeerState, Proposal, Recipe, RecipeCall, Round, RoundEnd,
    ServerId, SessionId, TxnRef, Vote, Zxid,
};

/// A fact told by one server (the event's node). The kind's snake_case name is what `when`, `saw` and the trace filters match.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", content = "fields", rename_all = "snake_case")]
pub enum Note {
    // The outer loop (`QuorumPeer`).
    /// The database and the epoch files are read; the server starts to look for a leader.
    Booted { role: LearnerType, zxid: Zxid, current_epoch: Epoch, accepted_epoch: Epoch },
    /// The server cannot start from what its disk holds.
    BootRefused { reason: String },
    /// `peerType` says one thing and the server list another; the list wins.
    RoleOverridden { configured: LearnerType, listed: LearnerType },
    /// The server went back to LOOKING.
    WentLooking { from: PeerState, why: LookingReason },
    /// A role is over, but the server looks for a leader only once its log has written what it was given.
    RoleOver { from: PeerState, why: LookingReason },
    /// The configuration says what comes after a role: nobody is elected.
    RoleAssigned { state: PeerState, leader: ServerId },

    // The membership, where it may change.
    /// The configuration that the server boots with, and the one that it saw proposed last, if that was not in force.
    ConfigurationLoaded { current: Arc<Membership>, next: Option<Arc<Membership>> },
    /// The server list on its disk does not name this server: it does not start (unlisted-member).
    NotListed { config: Arc<Membership> },
    /// A configuration that was proposed is on this server's disk: from now on it asks both.
    ConfigurationSeen { config: Arc<Membership> },
    /// A configuration is in force on this server.
    ConfigurationActivated { config: Arc<Membership> },

    // FastLeaderElection.
    /// `lookForLeader` begins: a new round, the server's own initial vote.
    LookingStarted { round: Round, vote: Vote },
    /// A note with a better vote of the same round: the proposal changes.
    VoteChanged { round: Round, sender: ServerId, from: Box<Vote>, to: Box<Vote>, because: Better },
    /// A note of a higher round: the votes counted so far are void.
    RoundRaised { from: Round, to: Round, sender: ServerId, theirs: Box<Vote>, initial: Box<Vote>, vote: Box<Vote>, because: Better },
    /// The vote of a LOOKING server entered the count of the current round. What FOLLOWING and LEADING servers say is counted without a word.
    VoteCounted { round: Round, sender: ServerId, vote: Vote, proposal: Box<Vote> },
    /// A note did not count.
    NoteIgnored { sender: ServerId, why: IgnoreReason },
    /// A looking server of an older round is told the current one, before the main loop sees its note.
    LaggardAnswered { to: ServerId, their_round: Round, round: Round },
    /// A server that is not looking answers one that is: this is how a late joiner learns who leads.
    LookingAnswered { to: ServerId, state: PeerState, vote: Vote, round: Round },
    /// The server already left the election while its vote is still the old one.
    StaleAnswer { to: ServerId, state: PeerState, vote: Vote },
    /// The proposal has a quorum: 200 ms of silence will end the election.
    QuorumReached { round: Round, vote: Box<Vote>, supporters: Vec<ServerId> },
    /// A note that arrived in the finalize drain was no better and is thrown away.
    DrainDiscarded { sender: ServerId, state: PeerState, vote: Vote, round: Round },
    /// A better vote arrived in the finalize drain: the election goes on.
    DrainBroken { sender: ServerId, vote: Vote, round: Round, proposal: Box<Vote>, because: Better },
    /// Nothing came within the poll; the proposal is sent again, or (nothing ever left) everybody is dialled.
    PollTimedOut { waited: Micros, next: Micros, resent: bool },
    /// FOLLOWING and LEADING notes do not settle the election yet.
    JoinWaits { sender: ServerId, leader: ServerId, why: JoinObstacle },
    /// An election ended for this server.
    Elected { state: PeerState, vote: Box<Vote>, round: Round, supporters: Vec<ServerId>, how: ElectedBy },

    // The older LeaderElection (`electionAlg 0`).
    /// A round of queries begins.
    QueryRound { xid: i32, vote: Vote },
    /// An answer was counted.
    ReplyCounted { from: ServerId, leader: ServerId, zxid: Zxid },
    /// No answer within 200 ms.
    QueryTimedOut { to: ServerId },
    /// A candidate that did not answer itself is not counted.
    DeadCandidateDropped { candidate: ServerId, supporters: Vec<ServerId> },
    /// The votes of a round are counted: the best candidate and the one with the most supporters.
    VotesTallied { best: ServerId, winner: ServerId, supporters: u32, needed: u32 },

    // The election connections (`QuorumCnxManager`).
    /// A dial to a server with a larger id only asks it to dial back.
    Knocked { peer: ServerId },
    /// A server with a smaller id knocked: its connection is closed and it is dialled.
    DialsBack { peer: ServerId },
    /// The connection of the pair is up; `replaced` when it took the place of an older one.
    PeerConnected { peer: ServerId, replaced: bool },
    /// The connection of the pair is gone; only the next note to send dials again.
    PeerLost { peer: ServerId },
    /// A dial to the peer failed.
    PeerUnreachable { peer: ServerId },
    /// The peer's send queue holds one note: a newer one replaced it.
    QueuedNoteReplaced { peer: ServerId },
    /// A new connection starts by repeating the last note.
    LastNoteResent { peer: ServerId },
    /// More than 100 notes waited for the receiver: the oldest is gone.
    ReceiveQueueOverflowed { dropped_from: ServerId },
    /// An accepted connection did not say in time who it is.
    HandshakeTimedOut,

    // Discovery and synchronisation, as far as an election shows them.
    /// The leader listens for learners.
    LeadingStarted { vote: Vote },
    /// The learner starts to connect to its leader.
    FollowingStarted { leader: ServerId, role: LearnerType },
    /// A try to reach the leader failed.
    LeaderUnreachable { leader: ServerId, attempt: u32 },
    /// A quorum has told its accepted epochs: the new epoch is larger than all of them.
    EpochProposed { epoch: Epoch, quorum: Vec<ServerId> },
    /// The learner promises never to follow a leader of a smaller epoch.
    EpochAccepted { epoch: Epoch, leader: ServerId, before: Epoch },
    /// The learner had promised a larger epoch than its leader proposes.
    EpochRefused { epoch: Epoch, promised: Epoch, leader: ServerId },
    /// A learner whose history is newer than the leader's is turned away.
    NewerLearnerRefused { learner: ServerId, epoch: Epoch, zxid: Zxid, own_epoch: Epoch, own_zxid: Zxid },
    /// An epoch file is durable on this server.
    EpochWritten { file: EpochFile, epoch: Epoch },
    /// The learner adopted the leader's history and epoch.
    Synced { leader: ServerId, epoch: Epoch, zxid: Zxid, role: LearnerType },
    /// A quorum follows: the leader serves.
    Established { epoch: Epoch, quorum: Vec<ServerId> },
    /// The learner serves, under an established leader.
    Serving { leader: ServerId, epoch: Epoch, state: PeerState },
    /// A voter looks for a leader while this one still waits for its epoch quorum (ZOOKEEPER-3109).
    AbandonedBy { voter: ServerId, waited: Micros },

    // The database: snapshots and the log.
    /// A snapshot became the database: one from disk, or the leader's (SNAP).
    SnapshotLoaded { zxid: Zxid, from: SnapshotSource, nodes: u32, digest: u64 },
    /// A snapshot file cannot be used; the next older one is tried.
    SnapshotSkipped { zxid: Zxid, why: String },
    /// A log file ends in the middle of a record, as a crash leaves it.
    TailIgnored { file: FileName, at: u64, why: String },
    /// A transaction changed the database. `digest` is that of the whole database after it.
    Applied { txn: TxnRef, how: ApplyHow, digest: u64 },
    /// A transaction is in the log file, as the running process sees it.
    Appended { txn: TxnRef, file: FileName },
    /// An fsync of the log ended well: everything appended before it began is durable.
    LogSynced { last: Zxid, txns: u32 },
    /// A snapshot of the live tree is begun; its name is the zxid applied last.
    SnapshotStarted { zxid: Zxid },
    /// It is a file now; `synced` when it was also forced to the device.
    SnapshotTaken { zxid: Zxid, synced: bool },
    /// The follower cuts its log: nothing after `to` was committed. `last` is where its log ended.
    FollowerTruncates { to: Zxid, last: Zxid },
    /// The log ends at `to` now.
    LogTruncated { to: Zxid },
    /// Old files are deleted; `oldest` is the oldest snapshot that is kept.
    Purged { oldest: Zxid, files: Vec<FileName> },
    /// A disk operation failed; the server cannot go on as it is.
    StorageFailed { what: String, error: String },
    /// On leaving a role: what the log holds beyond memory is replayed into it (ZOOKEEPER-2845).
    FastForwarded { from: Zxid, to: Zxid },
    /// The database in memory is dropped; it is read from disk again before the next vote.
    MemoryCleared { why: String },
    /// Nobody in the run does this: the checks had a copy of the disk recovered. `digest` is that of the database after `zxid`, unless the
    /// copy was `refused`.
    DiskProbed { why: Probing, zxid: Zxid, digest: u64, refused: Option<String> },
    /// Nobody in the run does this: the checks had a look at what a server has in its memory when all was over. `why` says what is wrong by
    /// this `rule`.
    MemoryProbed { zxid: Zxid, digest: u64, rule: Option<MemoryRule>, why: String },
    /// Old files could not be deleted, or not all; the server goes on, and tries again at the next interval.
    PurgeFailed { why: String },

    // Synchronization and broadcast.
    /// How the leader brings a learner up to date, and by which row of the table (zab reference §4).
    SyncChosen { learner: ServerId, how: SyncHow, peer: Zxid, zxid: Zxid, row: u8 },
    /// The learner hears how it is brought up to date.
    SyncStarted { leader: ServerId, how: SyncHow, zxid: Zxid },
    /// The learner cannot go on with the synchronisation.
    SyncAborted { why: String },
    /// The leader proposes a transaction.
    Proposed { txn: TxnRef, what: Arc<Proposal> },
    /// A quorum has logged it: the leader commits.
    Committed { txn: TxnRef, quorum: Vec<ServerId> },
    /// A follower left a proposal unacknowledged for too long.
    SlowLearnerDropped { learner: ServerId, zxid: Zxid, age: Micros },
    /// The counter half of the zxid is used up: the leader makes room for a new epoch (ZOOKEEPER-1277).
    ZxidRolledOver { zxid: Zxid },
    /// A message that this server, as it is, can never be sent: the invariant it would break is named by `what`.
    Unexpected { what: Surprise, zxid: Zxid, expected: Zxid },

    // Sessions, as servers see them.
    /// A client's connection carries a session now.
    SessionAttached { session: SessionId, timeout: i32, renewed: bool },
    /// A client is sent away: it has seen more than this server has applied.
    ClientAhead { seen: Zxid, applied: Zxid },
    /// The leader heard nothing of it for its timeout: it is being closed.
    SessionExpiring { session: SessionId },
    /// A request came through another server than the one that the session moved to.
    SessionMoved { session: SessionId },
    /// A session of this server alone becomes everybody's, since its client wants an ephemeral node.
    SessionUpgraded { session: SessionId },
    /// The server found no leader in time, and answers reads without one.
    ServingReadOnly { zxid: Zxid },
    /// It cannot do what a client asks for without a leader.
    WriteRefused { session: SessionId },
    /// A client of this server watches a path now.
    WatchSet { session: SessionId, path: Path, mode: WatchMode },
    /// A watch fired. `zxid` is that of the change, or -1 when it was missed before the watch was set again. `hidden`: its client may not read
    /// the node and is not told.
    WatchFired { session: SessionId, event: EventType, path: Path, zxid: Zxid, hidden: bool },

    // Clients.
    /// The client tries a server.
    Connecting { server: ServerId },
    /// The session is up on this server.
    Connected { server: ServerId, session: SessionId, timeout: i32, renewed: bool },
    /// The session is up on a server that has no leader.
    ConnectedReadOnly { server: ServerId, session: SessionId, timeout: i32, renewed: bool },
    /// A server with a leader is found: the client goes there.
    ReadWriteFound { server: ServerId },
    /// The connection is gone; the session may live on.
    Disconnected { server: ServerId, why: String },
    /// The session is over: a server said so, or nobody was heard for 4/3 of its timeout.
    SessionExpired { session: SessionId },
    /// The client's user closed it.
    ClientClosed { session: SessionId },
    /// The user asks for something.
    Called { call: u64, op: Box<OpText> },
    /// The user is answered: `Ok`, a path, data, or an error's name. `zxid` is that of the reply.
    Returned { call: u64, result: String, zxid: Option<Zxid> },
    /// All requests of a workload are answered.
    WorkloadDone { workload: String, acked: u64, failed: u64, unknown: u64 },
    /// A round of a workload is over.
    RoundDone { workload: String, end: RoundEnd },
    /// The client is back and tells its server what it watches, and up to where it has seen everything.
    WatchesRenewed { count: u32, seen: Zxid },
    /// The user is told of an event: what happened to a node, or (`None`, without a path) how the session stands.
    EventDelivered { event: EventType, state: KeeperState, path: Path, zxid: Zxid },

    // Recipes: what a client does with several requests.
    /// The user asks for something that takes more than one request.
    RecipeCalled { call: u64, what: Box<RecipeCall> },
    /// And is answered.
    RecipeReturned { call: u64, result: String },
    /// Its own node is not the first: it waits for `ahead` to go.
    Waits { recipe: Recipe, path: Path, node: Path, ahead: Path },
    /// From now on the client believes that it holds what it asked for. `token` is the czxid of its node, which rises from holder to holder;
    /// `seen` the zxid of the answer that told it so.
    Granted { recipe: Recipe, path: Path, node: Path, token: Zxid, seen: Zxid },
    /// From now on it does not believe so any more.
    LetGo { recipe: Recipe, path: Path, node: Path, why: LetGoReason },
    /// It goes for this item, the next one in the list of children as of `seen`.
    Picks { recipe: Recipe, path: Path, node: Path, seen: Zxid },
    /// The item is its own: its user works on it from now on.
    Taken { recipe: Recipe, path: Path, node: Path },
    /// It goes on: the barrier is not there at `seen`, or enough members are.
    Passes { recipe: Recipe, path: Path, node: Path, seen: Zxid },
    /// It goes, as all others have.
    Leaves { recipe: Recipe, path: Path, node: Path, seen: Zxid },
    /// Its user acts on this outcome from now on.
    Decided { path: Path, outcome: &'static str },
    /// The client has added to a counter.
    Counted { path: Path, before: i64, after: i64 },
    /// The client is given a number; `czxid` is that of the node that had it.
    Numbered { path: Path, id: i64, czxid: Zxid },
    /// The client learns how what it watches stands: the value of a node as written at `zxid`, or who is below it as of `zxid`.
    Learned { path: Path, zxid: Zxid, value: String },
    /// The client's own node is there, and of its session.
    Joined { path: Path, node: Path, czxid: Zxid },
}

/// How a transaction came to be applied. Replay is not delivery: it puts transactions into the tree that nobody may have committed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ApplyHow {
    /// The leader committed it, in the broadcast phase.
    Commit,
    /// It came with the synchronisation, committed.
    Sync,
    /// From the server's own log: at boot, or on leaving a role.
    Replay,
}

/// How a learner is brought up to date.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum SyncHow {
    Diff,
    Trunc,
    Snap,
}

/// A message out of place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Surprise {
    /// A phase that cannot accept it (Z-14).
    State,
    /// An acknowledgement that the leader cannot match (Z-15).
    Ack,
    /// A proposal that does not follow the last one (Z-16).
    Proposal,
    /// A commit that is not of the oldest proposal held (Z-17).
    Commit,
    /// A message that this role can never get (Z-18).
    Message,
}

/// Which part of (epoch, zxid, id) made one vote better than another, in the order in which they are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Better {
    Epoch,
    Zxid,
    Id,
    /// Not better at all: the one it is compared with stays.
    No,
}

/// Why a note is not counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum IgnoreReason {
    /// Its round is over: (theirs, ours).
    OldRound { theirs: Round, ours: Round },
    /// Sender or candidate is not a voter.
    NotAVoter { leader: ServerId },
    /// One of the two databases is not trusted: zxid -1 (ZOOKEEPER-261).
    UntrustedZxid,
    /// Observers have no say.
    Observing,
}

/// Why FOLLOWING and LEADING notes do not settle an election yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum JoinObstacle {
    /// Fewer than a quorum name this leader alike.
    NoQuorum { agreeing: u32 },
    /// The leader itself has not said LEADING.
    LeaderSilent,
    /// They name this very server, for another round than its own.
    OtherRound { theirs: Round, ours: Round },
}

/// How an election ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ElectedBy {
    /// A quorum of equal votes and 200 ms of silence.
    Silence,
    /// A quorum of followers and the leader's own word, in this round.
    SameRound,
    /// The same, whatever the round: the server takes over the ensemble's.
    Established,
    /// `electionAlg 0`: more than half of the voters named it.
    Tally,
    /// A known bug let it end early (ZK-975).
    Shortcut,
}

/// Why a server looks for a leader (again).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LookingReason {
    /// The learner could not reach its leader within the budget.
    LeaderUnreachable,
    /// The connection to the leader broke.
    LeaderLost,
    /// The leader was silent for the read timeout.
    LeaderSilent,
    /// The leader proposed a smaller epoch than the one promised.
    LowerEpoch,
    /// No epoch quorum, epoch acknowledgements or NEWLEADER acknowledgements in time.
    NoQuorumInTime,
    /// The leader lost its quorum of synced followers.
    QuorumLost,
    /// A voter abandoned the leader before it had an epoch (ZOOKEEPER-3109).
    Abandoned,
    /// An epoch file, or the log, could not be written.
    DiskError,
    /// The learner cannot go on with the synchronisation.
    SyncAborted,
    /// The counter half of the zxid is used up (ZOOKEEPER-1277).
    ZxidRolledOver,
    /// A reconfiguration gave it another role, or another leader.
    Reconfigured,
}

/// The two persistent epochs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum EpochFile {
    AcceptedEpoch,
    CurrentEpoch,
}

impl Note {
    /// The snake_case name of the kind, as in the trace.
    pub fn kind(&self) -> &'static str {
        self.row().0
    }

    /// Whether it tells the plot (votes, rounds, roles, epochs) rather than the mechanics (single notes, connections).
    pub fn is_headline(&self) -> bool {
        self.row().1
    }
}

/// Declares the table of kinds beside the match that looks it up, so that neither can miss a variant or a field.
macro_rules! kinds {
    ($($variant:ident { $($field:ident),* } $name:literal $headline:literal,)*) => {
        /// Every kind of note: its name, whether it is a headline, and its fields.
        pub const KINDS: &[(&str, bool, &[&str])] = &[$(($name, $headline, &[$(stringify!($field)),*])),*];

        impl Note {
            /// Its name, and whether it is a headline.
            fn row(&self) -> (&'static str, bool) {
                match self { $(Note::$variant { $($field: _),* } => ($name, $headline)),* }
            }
        }
    };
}

kinds! {
    Booted { role, zxid, current_epoch, accepted_epoch } "booted" true,
    BootRefused { reason } "boot_refused" true,
    RoleOverridden { configured, listed } "role_overridden" true,
    WentLooking { from, why } "went_looking" true,
    RoleOver { from, why } "role_over" true,
    RoleAssigned { state, leader } "role_assigned" true,
    ConfigurationLoaded { current, next } "configuration_loaded" false,
    NotListed { config } "not_listed" true,
    ConfigurationSeen { config } "configuration_seen" true,
    ConfigurationActivated { config } "configuration_activated" true,
    LookingStarted { round, vote } "looking_started" true,
    VoteChanged { round, sender, from, to, because } "vote_changed" true,
    RoundRaised { from, to, sender, theirs, initial, vote, because } "round_raised" true,
    VoteCounted { round, sender, vote, proposal } "vote_counted" false,
    NoteIgnored { sender, why } "note_ignored" false,
    LaggardAnswered { to, their_round, round } "laggard_answered" true,
    LookingAnswered { to, state, vote, round } "looking_answered" false,
    StaleAnswer { to, state, vote } "stale_answer" true,
    QuorumReached { round, vote, supporters } "quorum_reached" true,
    DrainDiscarded { sender, state, vote, round } "drain_discarded" false,
    DrainBroken { sender, vote, round, proposal, because } "drain_broken" true,
    PollTimedOut { waited, next, resent } "poll_timed_out" false,
    JoinWaits { sender, leader, why } "join_waits" false,
    Elected { state, vote, round, supporters, how } "elected" true,
    QueryRound { xid, vote } "query_round" true,
    ReplyCounted { from, leader, zxid } "reply_counted" false,
    QueryTimedOut { to } "query_timed_out" false,
    DeadCandidateDropped { candidate, supporters } "dead_candidate_dropped" true,
    VotesTallied { best, winner, supporters, needed } "votes_tallied" true,
    Knocked { peer } "knocked" false,
    DialsBack { peer } "dials_back" false,
    PeerConnected { peer, replaced } "peer_connected" false,
    PeerLost { peer } "peer_lost" false,
    PeerUnreachable { peer } "peer_unreachable" false,
    QueuedNoteReplaced { peer } "queued_note_replaced" false,
    LastNoteResent { peer } "last_note_resent" false,
    ReceiveQueueOverflowed { dropped_from } "receive_queue_overflowed" true,
    HandshakeTimedOut {} "handshake_timed_out" false,
    LeadingStarted { vote } "leading_started" true,
    FollowingStarted { leader, role } "following_started" true,
    LeaderUnreachable { leader, attempt } "leader_unreachable" false,
    EpochProposed { epoch, quorum } "epoch_proposed" true,
    EpochAccepted { epoch, leader, before } "epoch_accepted" true,
    EpochRefused { epoch, promised, leader } "epoch_refused" true,
    NewerLearnerRefused { learner, epoch, zxid, own_epoch, own_zxid } "newer_learner_refused" true,
    EpochWritten { file, epoch } "epoch_written" false,
    Synced { leader, epoch, zxid, role } "synced" true,
    Established { epoch, quorum } "established" true,
    Serving { leader, epoch, state } "serving" true,
    AbandonedBy { voter, waited } "abandoned_by" true,
    SnapshotLoaded { zxid, from, nodes, digest } "snapshot_loaded" true,
    SnapshotSkipped { zxid, why } "snapshot_skipped" true,
    TailIgnored { file, at, why } "tail_ignored" true,
    Applied { txn, how, digest } "applied" false,
    Appended { txn, file } "appended" false,
    LogSynced { last, txns } "log_synced" false,
    SnapshotStarted { zxid } "snapshot_started" false,
    SnapshotTaken { zxid, synced } "snapshot_taken" true,
    FollowerTruncates { to, last } "follower_truncates" true,
    LogTruncated { to } "log_truncated" true,
    Purged { oldest, files } "purged" true,
    StorageFailed { what, error } "storage_failed" true,
    FastForwarded { from, to } "fast_forwarded" true,
    MemoryCleared { why } "memory_cleared" true,
    DiskProbed { why, zxid, digest, refused } "disk_probed" false,
    MemoryProbed { zxid, digest, rule, why } "memory_probed" false,
    PurgeFailed { why } "purge_failed" true,
    SyncChosen { learner, how, peer, zxid, row } "sync_chosen" true,
    SyncStarted { leader, how, zxid } "sync_started" false,
    SyncAborted { why } "sync_aborted" true,
    Proposed { txn, what } "proposed" true,
    Committed { txn, quorum } "committed" true,
    SlowLearnerDropped { learner, zxid, age } "slow_learner_dropped" true,
    ZxidRolledOver { zxid } "zxid_rolled_over" true,
    Unexpected { what, zxid, expected } "unexpected" true,
    SessionAttached { session, timeout, renewed } "session_attached" false,
    ClientAhead { seen, applied } "client_ahead" true,
    SessionExpiring { session } "session_expiring" true,
    SessionMoved { session } "session_moved" true,
    SessionUpgraded { session } "session_upgraded" true,
    ServingReadOnly { zxid } "serving_read_only" true,
    WriteRefused { session } "write_refused" true,
    WatchSet { session, path, mode } "watch_set" false,
    WatchFired { session, event, path, zxid, hidden } "watch_fired" true,
    Connecting { server } "connecting" false,
    Connected { server, session, timeout, renewed } "connected" true,
    ConnectedReadOnly { server, session, timeout, renewed } "connected_read_only" true,
    ReadWriteFound { server } "read_write_found" true,
    Disconnected { server, why } "disconnected" true,
    SessionExpired { session } "session_expired" true,
    ClientClosed { session } "client_closed" true,
    Called { call, op } "called" true,
    Returned { call, result, zxid } "returned" true,
    WorkloadDone { workload, acked, failed, unknown } "workload_done" true,
    RoundDone { workload, end } "round_done" false,
    WatchesRenewed { count, seen } "watches_renewed" true,
    EventDelivered { event, state, path, zxid } "event_delivered" true,
    RecipeCalled { call, what } "recipe_called" true,
    RecipeReturned { call, result } "recipe_returned" true,
    Waits { recipe, path, node, ahead } "waits" true,
    Granted { recipe, path, node, token, seen } "granted" true,
    LetGo { recipe, path, node, why } "let_go" true,
    Picks { recipe, path, node, seen } "picks" true,
    Taken { recipe, path, node } "taken" true,
    Passes { recipe, path, node, seen } "passes" true,
    Leaves { recipe, path, node, seen } "leaves" true,
    Decided { path, outcome } "decided" true,
    Counted { path, before, after } "counted" true,
    Numbered { path, id, czxid } "numbered" true,
    Learned { path, zxid, value } "learned" true,
    Joined { path, node, czxid } "joined" true,
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each is moved some times; rare ones that would be large keep their votes elsewhere.
    #[test]
    fn notes_stay_small() {
        assert!(size_of::<Note>() <= 56, "{}", size_of::<Note>());
    }

    #[test]
    fn kinds_are_the_serialized_names() {
        let note = Note::PeerLost { peer: ServerId(2) };
        let json = serde_json::to_value(&note).expect("notes serialize");
        assert_eq!(json["kind"], note.kind());
        assert_eq!(json["fields"]["peer"], "s2");
        for (index, (kind, ..)) in KINDS.iter().enumerate() {
            assert!(!KINDS[..index].iter().any(|(earlier, ..)| earlier == kind), "{kind} twice");
        }
    }
}
