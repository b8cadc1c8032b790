//! The catalogue of invariants: what must always be true, under the names that scenarios use.

use std::fmt;

use crate::bugs::{self, BugInfo};

/// One row of the catalogue.
pub struct InvariantInfo {
    pub invariant: Invariant,
    /// The name scenarios use.
    pub name: &'static str,
    /// The code in the project's list of invariants, an alias of the name.
    pub code: &'static str,
    /// The rule in one sentence.
    pub rule: &'static str,
    /// Where the rule comes from.
    pub source: &'static str,
}

/// Declares the invariants beside their catalogue, so that neither can miss one.
macro_rules! catalogue {
    ($($invariant:ident $name:ident $code:literal: $rule:literal, $source:literal;)*) => {
        /// Something that must be true in every run whose faults ZooKeeper promises to survive.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        #[repr(u8)]
        pub enum Invariant { $($invariant),* }

        /// Every invariant that is checked, in the order of checking.
        pub const CATALOGUE: &[InvariantInfo] = &[
            $(InvariantInfo { invariant: Invariant::$invariant, name: stringify!($name), code: $code, rule: $rule, source: $source }),*
        ];
    };
}

catalogue! {
    NoVoteCircle no_vote_circle "E-1":
        "within one election round each new proposal of a server is better than its last, so that it never returns to an earlier one",
        "NoVoteCircle of SandTable's FastLeaderElection specification; FastLeaderElection.totalOrderPredicate";
    BestKnownVote best_known_vote "E-2":
        "an election ends with a vote that was the best one each of its supporters knew when it proposed it",
        "FastLeaderElection.lookForLeader: a better vote is adopted as soon as it is read";
    LeaderHasQuorum leader_has_quorum "E-3":
        "a server ends its election only when a quorum of voters named the leader, in its own round or as an established ensemble of one epoch",
        "FastLeaderElection.getVoteTracker, checkLeader";
    EpochPromise epoch_promise "E-4":
        "a promised epoch is on disk before it is told, is never taken back, and is promised to one leader only",
        "Zab, discovery; Learner.registerWithLeader, Leader.getEpochToPropose, QuorumPeer.loadDataBase";
    VotersOnly voters_only "E-5":
        "only voters vote and follow, and a leader is a voter with weight",
        "QuorumPeer.getVotingView, FastLeaderElection.validVoter";
    NewLeaderDurable new_leader_durable "E-6":
        "a follower acknowledges NEWLEADER only after acceptedEpoch, the committed history it was sent and currentEpoch are durable",
        "Learner.syncWithLeader; ZOOKEEPER-3911, 4643, 4646, 4785";
    ConfigurationAgreed configuration_agreed "E-7":
        "a configuration is in force only after a quorum of it, and one of the configuration before it, have remembered it on disk",
        "Dynamic Reconfiguration of Primary/Backup Clusters (USENIX ATC 2012); SyncedLearnerTracker, Leader.tryToCommit";
    Leadership leadership "Z-1":
        "each epoch has at most one server that leads it, in the whole run",
        "Leadership1 and Leadership2 of Zab.tla and ZkV3_7_0.tla of Apache ZooKeeper";
    Integrity integrity "Z-2":
        "what is delivered was proposed by some leader, with the same payload",
        "Integrity of Zab.tla and ZkV3_7_0.tla of Apache ZooKeeper";
    TotalOrder total_order "Z-4":
        "if one server delivers a before b, every server that delivers b has delivered a before",
        "TotalOrder of Zab.tla and ZkV3_7_0.tla of Apache ZooKeeper";
    LocalPrimaryOrder local_primary_order "Z-5":
        "what one leader proposes is delivered in its order and without gaps",
        "LocalPrimaryOrder of Zab.tla and ZkV3_7_0.tla of Apache ZooKeeper, in its strong form";
    GlobalPrimaryOrder global_primary_order "Z-6":
        "transactions of a smaller epoch are delivered before those of a larger one",
        "GlobalPrimaryOrder of Zab.tla and ZkV3_7_0.tla of Apache ZooKeeper";
    PrimaryIntegrity primary_integrity "Z-7":
        "before a leader proposes, it has delivered all that anybody delivered of older epochs",
        "PrimaryIntegrity of Zab.tla and ZkV3_7_0.tla of Apache ZooKeeper";
    InitialHistoryIntegrity initial_history_integrity "Z-8":
        "the history that a new leader starts from holds everything that was committed, in order",
        "InitialHistoryIntegrity of Zab.tla and ZkV3_7_0.tla of Apache ZooKeeper; LeaderLogCompleteness of mixed_v1.tla of Disalg-ICS-NJU";
    CommitConsistency commit_consistency "Z-9":
        "a follower's delivered history is a prefix of what its leader has committed",
        "CommitConsistency of the EuroSys 2025 study of ZooKeeper";
    HistoryConsistency history_consistency "Z-10":
        "the log of a follower that acknowledged NEWLEADER is a prefix of its leader's log",
        "HistoryConsistency; ProcessConsistency of mixed_v1.tla of Disalg-ICS-NJU";
    PrefixConsistency prefix_consistency "Z-11":
        "the delivered histories of any two servers agree as far as both go",
        "PrefixConsistency of Zab.tla and ZkV3_7_0.tla of Apache ZooKeeper";
    CommittedLogMonotonicity committed_log_monotonicity "Z-12":
        "what an established leader has committed never gets shorter or different under a later one",
        "monotonicRead of mixed_v1.tla of Disalg-ICS-NJU";
    CommittedLogDurability committed_log_durability "Z-13":
        "synchronisation never takes a committed transaction from a server that had it",
        "CommittedLogDurability of mixed_v1.tla of Disalg-ICS-NJU";
    StateConsistent state_consistent "Z-14":
        "no server is sent what its phase cannot accept, and one that serves has delivered its leader's initial history",
        "BadState of the EuroSys 2025 study";
    AckConsistent ack_consistent "Z-15":
        "a leader never sees an acknowledgement that it cannot match",
        "BadAck of the EuroSys 2025 study";
    ProposalConsistent proposal_consistent "Z-16":
        "a follower's next proposal is the successor of its last one",
        "BadProposal of the EuroSys 2025 study";
    CommitConsistent commit_consistent "Z-17":
        "a COMMIT is always that of the oldest proposal held",
        "BadCommit of the EuroSys 2025 study";
    MessageLegal message_legal "Z-18":
        "nobody is sent a message that its role can never get",
        "MessageLegal of Zab.tla and ZkV3_7_0.tla of Apache ZooKeeper";
    DiskRecovers disk_recovers "D-1":
        "a server can start from its disk after any crash that no disk fault made worse",
        "QuorumPeer.loadDataBase";
    ReportedZxidDurable reported_zxid_durable "D-2":
        "the last zxid that a server reports, in a vote or an ACKEPOCH, is that of its durable history",
        "QuorumPeer.getLastLoggedZxid";
    NoHoles no_holes "D-3":
        "in a log and in the committed log each transaction is the successor of the one before, or the first of a newer epoch",
        "ZKDatabase.addCommittedProposal; ZOOKEEPER-4925";
    ReplicaConvergence replica_convergence "D-4":
        "two servers that have applied the same zxid have the same tree and sessions",
        "DataTree digests (ZOOKEEPER-3114)";
    AckDurable ack_durable "D-5":
        "a follower acknowledges a proposal only after it, and all before it, are durable",
        "SyncRequestProcessor, SendAckRequestProcessor";
    FuzzySnapshot fuzzy_snapshot "D-6":
        "a snapshot taken while the tree changes, and the log behind it, give the tree that the log alone gives",
        "FileTxnSnapLog.restore";
    PurgeKeepsEnough purge_keeps_enough "D-7":
        "purging never takes the last valid snapshot or a log that it needs",
        "PurgeTxnLog; ZOOKEEPER-3231";
    ReplyDurable reply_durable "D-8":
        "a write is durable on a quorum when its client is told",
        "Leader.tryToCommit";
    LinearizableWrites linearizable_writes "C-1":
        "writes take effect between call and answer: whoever is numbered later was not answered before an earlier one was asked for",
        "ZooKeeper Programmer's Guide, consistency guarantees";
    FutureRead future_read "K-1":
        "no answer shows the state at or after a write that is asked for only later",
        "ZooKeeper internals, ordered sequential consistency";
    SessionOrder session_order "C-3":
        "what a session asks for takes effect in the order of asking, and what it is shown on one connection never goes back",
        "ZooKeeper Programmer's Guide, sequential consistency; CommitProcessor";
    OneReplyEach one_reply_each "C-7":
        "requests of a connection are answered in their order, each once, under their own numbers",
        "ClientCnxn.SendThread.readResponse";
    SyncStale sync_stale "C-6":
        "unless two leaders overlap, a sync and what is read behind it show every write that was acknowledged before the sync was asked for",
        "ZooKeeper internals, sync; Leader.processSync";
    LostWrite lost_write "K-2":
        "a write that is answered with a zxid is the transaction that is committed under it",
        "ZooKeeper internals, guarantees; FinalRequestProcessor";
    Phantom phantom "K-3":
        "every committed transaction was asked for by the session it names, or is one that a leader makes by itself",
        "PrepRequestProcessor; Zab, integrity";
    Doubled doubled "C-5":
        "a request takes effect once at most, also when nobody could tell its client what became of it",
        "ZooKeeper Programmer's Guide, ConnectionLoss";
    ReadTakesNoZxid read_takes_no_zxid "C-10":
        "a read makes no transaction; a write, failed or not, makes one",
        "PrepRequestProcessor.pRequest; FinalRequestProcessor";
    SessionOwner session_owner "S-3":
        "a session has one connection at a time that may speak for it, a name that nobody had before, and a password that must be known",
        "ZooKeeperServer.processConnectRequest, SessionTrackerImpl.checkSession; ZOOKEEPER-417";
    DeadSession dead_session "S-4":
        "once a session has ended nobody is answered in its name",
        "FinalRequestProcessor, OpCode.closeSession; ZOOKEEPER-558";
    TreeShape tree_shape "T-1":
        "every node has a parent that lists it, lists name nodes that are there, and neither an ephemeral nor a deleted node has children",
        "DataTree; PrepRequestProcessor, NotEmpty and NoChildrenForEphemerals";
    WrongResult wrong_result "C-9":
        "a write comes to what it comes to in one process that carries out all writes in the order of their zxids: result, error, stat, name",
        "PrepRequestProcessor.pRequest2Txn; DataTree.processTxn";
    VersionGuards version_guards "C-8":
        "a write that expects a version succeeds if and only if the node has that version at its zxid",
        "PrepRequestProcessor.checkAndIncVersion";
    VersionsRise versions_rise "T-2":
        "each change of a node or of its children adds one to the version that counts it",
        "PrepRequestProcessor; DataTree.createNode";
    SequentialNames sequential_names "S-7":
        "the number of a sequential node is that of the children ever created under its parent, so that it rises and never comes again",
        "PrepRequestProcessor.validatePathForCreate, pRequest2TxnCreate; ZOOKEEPER-1624";
    AllOrNothing all_or_nothing "T-4":
        "a multi is carried out as a whole or not at all",
        "PrepRequestProcessor, OpCode.multi; DataTree.processTxn";
    Ephemeral ephemeral "S-2":
        "an ephemeral node belongs to a session that lives, and the end of a session takes its nodes and no others",
        "PrepRequestProcessor, OpCode.closeSession; DataTree.killSession";
    BadRead bad_read "C-2":
        "a read is told the tree as it was at the zxid of its answer",
        "FinalRequestProcessor; ZooKeeper internals, ordered sequential consistency";
    WatchOrder watch_order "W-3":
        "a client is told of a change that it watches before any answer shows it the change or a later one",
        "ZooKeeper Programmer's Guide, watches; CommitProcessor";
    WatchPhantom watch_phantom "W-6":
        "an event tells of a change behind a watch that waits for it, and a watch of a read fires once",
        "WatchManager.triggerWatch; DataTree";
    WatchRenewal watch_renewal "W-5":
        "a client that sets its watches again is told at once of what it has missed, and of nothing else",
        "DataTree.setWatches";
    WatchLost watch_lost "W-2":
        "as long as a connection stands, each change that is watched on it is told",
        "ZooKeeper Programmer's Guide, watches";
    EphemeralIndex ephemeral_index "T-3":
        "the index of ephemerals names the nodes of sessions that live, and all of them",
        "DataTree.ephemerals; DataTree.createNode";
    ApplyIsPure apply_is_pure "T-5":
        "what a transaction makes of a database hangs on the two alone: the committed log, replayed, gives what the servers have",
        "DataTree.processTxn; DataTree digests (ZOOKEEPER-3114)";
    WatchTable watch_table "W-8":
        "nobody watches on a connection that is gone",
        "WatchManager.removeWatcher; ZOOKEEPER-1382";
    SingleSystemImage single_system_image "C-4":
        "the zxids that a client is shown never go back, whatever server it is connected to",
        "ZooKeeperServer.processConnectRequest";
    EndedSession ended_session "S-1":
        "once a session has ended nothing of it takes effect: nothing is created that nobody would delete",
        "PrepRequestProcessor, SessionTrackerImpl.setSessionClosing; ZOOKEEPER-1208, 1496";
    ExpiryCloses expiry_closes "S-5":
        "a session that its leader has not heard of for its timeout is closed, through whomever it spoke",
        "SessionTrackerImpl.run; ZOOKEEPER-450";
    OneHolder one_holder "R-1":
        "what one client alone may hold is granted to nobody as long as another holds it, by belief and by right",
        "Recipes and Solutions, locks; Curator InterProcessMutex";
    RightfulHolder rightful_holder "R-5":
        "who believes to hold something has a node for it, there when it was granted and of the session that the client has",
        "Recipes and Solutions, leader election; Curator LeaderLatch.checkLeadership";
    FairGrants fair_grants "R-3":
        "a lock is granted in the order of the line",
        "Recipes and Solutions, locks; Curator LockInternals";
    Fenced fenced "R-11":
        "what a lock guards is written by nobody but its holder of that moment, however late a former holder comes to it",
        "recipes reference, fencing: a token that rises from holder to holder";
    ReadersAndWriter readers_and_writer "R-6":
        "a writer holds alone; a reader waits for the writers before it, and for nobody else",
        "Recipes and Solutions, shared locks; Curator InterProcessReadWriteLock";
    RevocationHeeded revocation_heeded "R-12":
        "whoever holds a lock that can be revoked gives it back when it is asked to",
        "Recipes and Solutions, revocable shared locks; Curator Revoker";
    LeaseLimit lease_limit "R-9":
        "no more leases are granted at a time than there are, and one that nobody has is returned",
        "Curator InterProcessSemaphoreV2; recipes reference, semaphore";
    NoHerd no_herd "R-4":
        "when one leaves a line, one of those who wait in it is woken at most",
        "Recipes and Solutions, locks: no herd effect";
    WaiterProceeds waiter_proceeds "R-2":
        "who is the first of a line comes to know it, nobody's node is forgotten there, and what was waited for is not missed",
        "Recipes and Solutions, locks; recipes reference, lost wake-ups and ambiguous creates";
    ExactlyOnce exactly_once "R-7":
        "what is put into a queue once is there once, and is taken by one, who has deleted it; whoever has deleted an item is told of it",
        "Recipes and Solutions, queues; kazoo LockingQueue";
    QueueOrder queue_order "R-15":
        "nobody takes an item while an earlier one of those that he chose from stays, or by a list that he knows to be old",
        "Recipes and Solutions, queues and priority queues";
    BarrierHolds barrier_holds "R-8":
        "nobody passes a barrier that stands, goes on before as many have come as were to be waited for, or leaves before all others do",
        "Recipes and Solutions, barriers and double barriers";
    OneDecision one_decision "R-16":
        "a transaction is decided once, as its votes say, each of which is given once; and all who believe in an outcome believe in that",
        "Recipes and Solutions, two-phased commit";
    EveryIncrementCounts every_increment_counts "R-10":
        "a counter comes to the sum of what was acknowledged and of some of what is unknown, and each success is one version of it",
        "Curator DistributedAtomicValue; recipes reference, shared counter";
    UniqueIds unique_ids "R-13":
        "no number is given twice, and whoever is given one later has a larger one",
        "recipes reference, naming and unique sequential ids";
    ObserverKeepsUp observer_keeps_up "R-14":
        "what an observer learns was so, never goes back, and is how things are once they rest; who takes part is listed as long as it lives",
        "Recipes and Solutions, group membership; Curator SharedValue, GroupMember, ServiceDiscovery";
    LeaderStepsDown leader_steps_down "L-3":
        "a leader without a quorum of synced followers, or whose disk fails, stops leading within syncLimit",
        "Leader.lead; ZOOKEEPER-2247";
    SyncIsCheap sync_is_cheap "L-6":
        "a learner that is level with its leader is not sent a snapshot",
        "LearnerHandler.syncFollower; ZOOKEEPER-1465";
    CallsEnd calls_end "L-4":
        "once faults have ended every call of a client that runs is answered or fails, and a client without a connection looks for one",
        "ZooKeeper Programmer's Guide, ConnectionLoss; ClientCnxn; ZOOKEEPER-4537";
    LeaderElected leader_elected "L-1":
        "once faults have ended and a quorum runs, within a bounded time one leader is established, everybody serves under it, and writes commit",
        "Zab, liveness; the bound follows from maxNotificationInterval, initLimit and syncLimit";
}

impl Invariant {
    pub fn info(self) -> &'static InvariantInfo {
        &CATALOGUE[self as usize]
    }

    /// The invariant with this name or code; upper and lower case are the same.
    pub fn named(text: &str) -> Option<Invariant> {
        let called = |info: &&InvariantInfo| info.name.eq_ignore_ascii_case(text) || info.code.eq_ignore_ascii_case(text);
        CATALOGUE.iter().find(called).map(|info| info.invariant)
    }

    /// The known bugs and mutants that make its check fire.
    pub fn broken_by(self) -> impl Iterator<Item = &'static BugInfo> {
        bugs::CATALOGUE.iter().filter(move |bug| bug.breaks.contains(&self.info().name))
    }
}

impl fmt::Display for Invariant {
    fn fmt(&self, out: &mut fmt::Formatter) -> fmt::Result {
        out.pad(self.info().name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_catalogue_is_indexed_by_the_invariant() {
        for (index, info) in CATALOGUE.iter().enumerate() {
            assert_eq!(info.invariant as usize, index, "{}", info.name);
            assert_eq!(Invariant::named(&info.name.to_uppercase()), Some(info.invariant));
            assert_eq!(Invariant::named(&info.code.to_lowercase()), Some(info.invariant));
        }
        assert_eq!(Invariant::named("E-99"), None);
    }

    /// A check that nothing can make fire is not worth having, and a bug that breaks nothing is none.
    #[test]
    fn every_check_has_a_bug_and_every_bug_breaks_a_check() {
        for info in CATALOGUE {
            assert!(info.invariant.broken_by().next().is_some(), "{}", info.name);
        }
        for bug in bugs::CATALOGUE {
            for name in bug.breaks {
                assert!(Invariant::named(name).is_some(), "{} breaks {name}", bug.name);
            }
        }
    }
}
