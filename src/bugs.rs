//! The catalogue of known bugs, each a switch that is off by default.
//!
//! A switch is one small branch at the rule that it breaks, never a copied function. Numbers are the rows of the project's bug reference.
//!
//! Left out of the rows that concern elections, ZAB and storage, because nothing here can tell it from a correct build: ZK-1343 (an epoch used
//! twice: whoever promised it before answers ACKEPOCH with -1 and is not counted, so that only time is lost).
//!
//! Of the rows that concern sessions, watches, the tree and the way of a commit, these are left out: ZK-4537 (a wake-up that is missed: a stage
//! that is asked for comes), ZK-2201, ZK-3531, ZK-2380 and ZK-2687 (locks: there are none), ZK-2623 (a check that stands alone: its log cannot
//! be read by anybody), ZK-484, ZK-710, ZK-3471, ZK-137, ZK-706, ZK-1382 and ZK-4475 (of lower priority: clients are told less, more, or later
//! than they should be, and no check looks for that).

use std::fmt;

/// One row of the catalogue.
pub struct BugInfo {
    pub bug: Bug,
    /// The name scenarios use: the issue (`ZK-1419`) or `mutant-…`.
    pub name: &'static str,
    /// Releases that had it, as far as sources say.
    pub affected: &'static str,
    /// The rule that is wrong or missing while the switch is on.
    pub rule: &'static str,
    /// Names of the invariants that it breaks.
    pub breaks: &'static [&'static str],
}

/// Declares the switches beside their catalogue, so that neither can miss one.
macro_rules! catalogue {
    ($($bug:ident $name:literal, affected $affected:literal, breaks [$($breaks:ident)*]: $rule:literal;)*) => {
        /// A known bug of ZooKeeper, (`mutant-…`) a broken rule that exists only so that a check can be seen to fire, or (`recipe-…`) a mistake that
        /// clients make.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        #[repr(u8)]
        pub enum Bug { $($bug),* }

        /// Every switch there is, in the order of the reference.
        pub const CATALOGUE: &[BugInfo] = &[
            $(BugInfo { bug: Bug::$bug, name: $name, affected: $affected, rule: $rule, breaks: &[$(stringify!($breaks)),*] }),*
        ];
    };
}

catalogue! {
    Zk1419 "ZK-1419", affected "3.4.0-3.4.3", breaks [no_vote_circle leader_elected]:
        "with equal zxids the larger id wins whatever the epochs, so the order of votes has cycles";
    Zk275 "ZK-275", affected "before 3.1.0", breaks [best_known_vote leader_elected]:
        "on a higher round a server proposes itself again instead of the better of itself and the sender's vote";
    Zk480 "ZK-480", affected "before 3.2.1", breaks [leader_elected]:
        "the leader check wants a LEADING note from the candidate even when that is the server itself, and FOLLOWING votes of its round are dropped";
    Zk975 "ZK-975", affected "before 3.4.0", breaks [leader_has_quorum leader_elected]:
        "an election ends once every voter was heard, and one LEADING note is trusted without a quorum";
    Zk1514 "ZK-1514", affected "before 3.4.4", breaks [leader_has_quorum leader_elected]:
        "a server told by FOLLOWING votes that it leads accepts although their round is not its own";
    Zk1732 "ZK-1732", affected "before 3.4.6", breaks [leader_elected]:
        "a joiner wants all fields of the votes of an established ensemble to be equal, though its members finished with different rounds and epochs";
    Zk3109 "ZK-3109", affected "before 3.6.0; the repair is off by default", breaks [leader_elected]:
        "a leader without epoch quorum waits out initLimit although its voters look for a leader again";
    Zk764 "ZK-764", affected "before 3.3.1 (ZK-769: before 3.4.0)", breaks [voters_only]:
        "a server takes its role from its own peerType instead of the server list, so that an observer follows and counts as a voter";
    Zk335 "ZK-335", affected "before 3.4.0", breaks [leadership total_order replica_convergence epoch_promise]:
        "no epoch is promised: the new leader takes the epoch after its own last zxid, before any quorum has answered";
    Zk790 "ZK-790", affected "before 3.3.2", breaks [reported_zxid_durable leader_elected history_consistency new_leader_durable]:
        "a server claims (epoch, 0) as its last zxid as soon as it leads, before a quorum supports it";
    Zk582 "ZK-582", affected "before 3.1.2", breaks [global_primary_order committed_log_monotonicity reported_zxid_durable]:
        "the last zxid at boot is that of the log alone, though a snapshot is newer";
    Zk1291 "ZK-1291", affected "before 3.4.0", breaks [leadership epoch_promise]:
        "the leader tells the new epoch before its own acceptedEpoch is written";
    Zk1282 "ZK-1282", affected "before 3.3.4", breaks [new_leader_durable initial_history_integrity]:
        "currentEpoch is written after UPTODATE, not before NEWLEADER is acknowledged";
    Zk1270 "ZK-1270", affected "before 3.4.0", breaks [leader_elected]:
        "a quorum of epoch acknowledgements is enough although the leader itself is not in it yet";
    Zk1192 "ZK-1192", affected "before 3.5.0", breaks [leadership]:
        "the leader has learners adopt its history before a quorum has acknowledged its epoch";
    Zk1653 "ZK-1653", affected "before 3.4.6", breaks [disk_recovers]:
        "a crash between the synchronised history and the write of currentEpoch leaves a disk that the server refuses to start from";
    Zk1277 "ZK-1277", affected "before 3.3.5", breaks [leadership local_primary_order integrity no_holes]:
        "the counter half of the zxid runs over into the epoch half";
    Zk962 "ZK-962", affected "before 3.3.3", breaks [history_consistency proposal_consistent no_holes commit_consistent]:
        "what a learner is sent is chosen first, and forwarding to it starts later: what is proposed in between is lost";
    Zk508 "ZK-508", affected "before 3.2.1", breaks [history_consistency proposal_consistent no_holes commit_consistent]:
        "after TRUNC the leader forwards from the zxid the follower had, not from the one it was cut back to";
    Zk1154 "ZK-1154", affected "before 3.3.4", breaks [history_consistency total_order replica_convergence]:
        "a zxid between the oldest and the newest committed one is answered by DIFF, although the leader does not have it";
    Zk1156 "ZK-1156", affected "before 3.3.4", breaks [committed_log_durability no_holes history_consistency new_leader_durable state_consistent]:
        "truncation miscounts its position and cuts off more than it should";
    Zk1319 "ZK-1319", affected "3.4.0", breaks [initial_history_integrity history_consistency proposal_consistent new_leader_durable]:
        "a new leader keeps lastProposed at zero, so that forwarding starts from nowhere";
    Zk1367 "ZK-1367", affected "before 3.3.5", breaks [replica_convergence]:
        "sessions that begin or end while a learner is synchronised are known to its tree and not to its tracker, which never expires them";
    Zk1465 "ZK-1465", affected "before 3.4.4", breaks [sync_is_cheap]:
        "with an empty committed log even a level learner gets a whole snapshot";
    Zk1551 "ZK-1551", affected "before 3.4.6", breaks [no_holes replica_convergence]:
        "what an observer is told between its snapshot and UPTODATE is applied and never logged";
    Zk2355 "ZK-2355", affected "before 3.4.11", breaks [reported_zxid_durable replica_convergence history_consistency]:
        "at the header of a DIFF the follower claims the leader's zxid, before the transactions have come";
    Zk2845 "ZK-2845", affected "before 3.4.12", breaks [reported_zxid_durable initial_history_integrity history_consistency]:
        "on a change of role memory stays as it is, though the log may hold more";
    Zk2832 "ZK-2832", affected "all releases", breaks [history_consistency replica_convergence]:
        "a log tail beyond the zxid that the snapshot gives is not cut: a later restart replays it";
    Zk2872 "ZK-2872", affected "before 3.5.10", breaks [new_leader_durable committed_log_durability ack_durable]:
        "a snapshot received from the leader is not forced to disk before NEWLEADER is acknowledged";
    Zk3104 "ZK-3104", affected "before 3.5.5", breaks [no_holes initial_history_integrity fuzzy_snapshot]:
        "NEWLEADER is queued before the snapshot is taken, so that the snapshot's name promises less than it holds";
    Zk3642 "ZK-3642", affected "before 3.5.10", breaks [reported_zxid_durable no_holes]:
        "memory of a broken-off SNAP is kept, and the next DIFF builds on it";
    Zk3911 "ZK-3911", affected "before 3.5.10", breaks [new_leader_durable initial_history_integrity ack_durable]:
        "NEWLEADER is acknowledged before the transactions of the DIFF are logged";
    Zk3023 "ZK-3023", affected "before 3.9.3", breaks [state_consistent single_system_image]:
        "the initial history is applied by a thread of its own: the follower serves before it has it";
    Zk4394 "ZK-4394", affected "before 3.9.3", breaks [commit_consistent leader_elected]:
        "at NEWLEADER the proposals not yet committed are forgotten: a COMMIT before UPTODATE finds none";
    Zk4643 "ZK-4643", affected "3.5.10-3.9.2", breaks [new_leader_durable initial_history_integrity committed_log_durability]:
        "currentEpoch is written before the history that it stands for";
    Zk4646 "ZK-4646", affected "3.5.10-3.9.2", breaks [ack_durable new_leader_durable initial_history_integrity]:
        "transactions of the DIFF go to the request logger, and NEWLEADER is acknowledged without waiting for it";
    Zk4685 "ZK-4685", affected "3.5.10-3.9.2", breaks [ack_consistent leader_elected]:
        "the request logger's acknowledgement of a proposal may overtake that of NEWLEADER";
    Zk4712 "ZK-4712", affected "3.6.3-3.9.2", breaks [history_consistency reported_zxid_durable]:
        "the request logger survives a change of role, and writes after the zxid was told";
    Zk4785 "ZK-4785", affected "before 3.8.5, 3.9.2", breaks [new_leader_durable initial_history_integrity]:
        "currentEpoch first, the history later and by the request logger: ZK-4643 and ZK-4646 at once";
    Zk4925 "ZK-4925", affected "3.9.3", breaks [proposal_consistent no_holes history_consistency replica_convergence]:
        "transactions applied during synchronisation are missing from the committed log, and later from a DIFF";
    Zk5094 "ZK-5094", affected "all releases", breaks [reported_zxid_durable no_holes]:
        "memory of a broken-off TRUNC is kept, though its transactions were never logged";
    Zk4882 "ZK-4882", affected "all releases", breaks [reported_zxid_durable no_holes]:
        "after a failed write of the log memory is kept, in which the lost transactions were applied";
    Zk4837 "ZK-4837", affected "all releases", breaks [history_consistency replica_convergence]:
        "a snapshot newer than the zxid that the log is cut back to is kept, and loaded";
    UnsyncedTruncation "unsynced-truncation", affected "all releases", breaks [new_leader_durable ack_durable]:
        "the image taken after a TRUNC is not forced to disk before NEWLEADER is acknowledged";
    Zk2247 "ZK-2247", affected "before 3.4.9", breaks [leader_steps_down leader_elected]:
        "a leader whose request logger died goes on leading";
    Zk1090 "ZK-1090", affected "before 3.4.0", breaks [fuzzy_snapshot replica_convergence]:
        "the last processed zxid moves on before its transaction is applied: a snapshot in between lacks it";
    Zk3127 "ZK-3127", affected "before 3.5.5", breaks [fuzzy_snapshot replica_convergence]:
        "the last processed zxid moves on with the first part of a multi: a snapshot begun behind it lacks the other parts";
    Zk3249 "ZK-3249", affected "before 3.6.0", breaks [fuzzy_snapshot replica_convergence]:
        "a create that is replayed sets its parent's cversion and pzxid, though a fuzzy snapshot may have larger ones";
    Zk3145 "ZK-3145", affected "before 3.6.0", breaks [fuzzy_snapshot replica_convergence]:
        "the end of a session does not name its nodes: over a fuzzy snapshot that lacks them their parents keep an old pzxid";
    Zk3144 "ZK-3144", affected "before 3.6.0", breaks [fuzzy_snapshot replica_convergence]:
        "the last processed zxid moves on before the sessions do: a snapshot in between lacks one that begins, and has one that has ended";
    Zk2325 "ZK-2325", affected "before 3.5.3", breaks [committed_log_durability disk_recovers reported_zxid_durable]:
        "a log without any valid snapshot counts as an empty database";
    Zk3231 "ZK-3231", affected "before 3.6.0", breaks [purge_keeps_enough disk_recovers]:
        "purging keeps the newest snapshots, valid or not";
    Zk3701 "ZK-3701", affected "before 3.5.7", breaks [history_consistency replica_convergence]:
        "a failed truncation is ignored, and the server joins with what it should have cut";
    UnsyncedRename "unsynced-rename", affected "all releases", breaks [epoch_promise]:
        "an epoch counts as written once its file is renamed, though a power loss may still take the rename back";
    TruncatedAcks "truncated-acks", affected "all releases", breaks [committed_log_durability reply_durable]:
        "a follower that comes back to its leader is told to cut what is committed but not applied there, and what it cuts counts as acknowledged";
    UnreachableTruncation "unreachable-truncation", affected "all releases", breaks [leader_elected]:
        "a server that cannot give the state it is cut back to, because it came as a later image, ends itself, and again after every restart";
    UnsyncedReplay "unsynced-replay", affected "all releases", breaks [reported_zxid_durable]:
        "what a restarted server reads from its log and votes with is not forced, though the killed process may never have forced it";
    UnsyncedImage "unsynced-image", affected "all releases", breaks [disk_recovers]:
        "the image of an empty database and that of a new leader are not forced: a power loss leaves a log without any snapshot";
    OrphanedChild "orphaned-child", affected "3.8.5-3.8.6, since 3.9.4", breaks [fuzzy_snapshot replica_convergence]:
        "when a node is deleted whose children a fuzzy snapshot holds already, they stay without a parent; made again, they are in no list of children";
    Zk1863 "ZK-1863", affected "before 3.5.0", breaks [lost_write]:
        "a commit is taken while requests wait that nobody has looked at: its own goes unmatched, and is answered with the outcome of the next";
    Zk1412 "ZK-1412", affected "before 3.3.5, 3.4.4", breaks [reply_durable]:
        "a read is answered with the zxid of the request, not with the last that is applied: a leader tells what it has only proposed";
    Zk1667 "ZK-1667", affected "before 3.4.6", breaks [watch_renewal]:
        "a client that is back is told that a node is created whose data it watches and that was made anew, and of new data where it waits for a node";
    Zk1208 "ZK-1208", affected "before 3.3.4", breaks [ended_session]:
        "what a session asks for while its end is under way is still done: an ephemeral created then outlives it";
    Zk1496 "ZK-1496", affected "before 3.4.4", breaks [ended_session]:
        "a session that expires is forgotten instead of marked: if its createSession is committed only then, it lives again until its end is";
    Zk450 "ZK-450", affected "before 3.2.0", breaks [expiry_closes]:
        "the end of a session is taken from its owner alone, so that a leader cannot close the sessions of its learners";
    PrematureConfiguration "premature-configuration", affected "all releases", breaks [configuration_agreed]:
        "a learner that synchronises while a reconfiguration is proposed takes it for agreed at UPTODATE, and tells others so";
    UnlistedMember "unlisted-member", affected "all releases", breaks [disk_recovers]:
        "a server that its own configuration does not list refuses to start, though others may count on it: that it was taken in it has yet to hear";
    MutantEpochForgotten "mutant-epoch-forgotten", affected "no release", breaks [epoch_promise]:
        "a learner answers LEADERINFO without writing acceptedEpoch";
    MutantNoRebroadcast "mutant-no-rebroadcast", affected "no release", breaks [leader_elected]:
        "a poll that times out neither re-sends the proposal nor dials";
    MutantInformRestamped "mutant-inform-restamped", affected "no release", breaks [integrity]:
        "the leader stamps a transaction with a new time before it informs its observers of it";
    MutantAppliesEarly "mutant-applies-early", affected "no release", breaks [commit_consistency]:
        "a follower applies a proposal as soon as it is durable, and does not wait for its COMMIT";
    MutantCommitsAlone "mutant-commits-alone", affected "no release", breaks [reply_durable prefix_consistency committed_log_monotonicity]:
        "a leader's own acknowledgement is enough to commit";
    MutantAcksEarly "mutant-acks-early", affected "no release", breaks [ack_durable]:
        "a follower acknowledges a proposal as soon as it comes, before it is forced";
    MutantAnswersWithOlderZxid "mutant-answers-with-older-zxid", affected "no release", breaks [linearizable_writes]:
        "writes are answered with the first zxid of their epoch instead of their own";
    MutantProposesToObservers "mutant-proposes-to-observers", affected "no release", breaks [message_legal]:
        "observers are sent what is proposed, as followers are";
    MutantCommitsNewestFirst "mutant-commits-newest-first", affected "no release", breaks [local_primary_order]:
        "of several committed transactions that wait the newest is applied first";
    MutantCommitsOutliveRole "mutant-commits-outlive-role", affected "no release", breaks [global_primary_order local_primary_order]:
        "what was committed and not applied when a role ended is applied in the next one";
    MutantServesEarly "mutant-serves-early", affected "no release", breaks [primary_integrity]:
        "a leader serves, and proposes, before a quorum has adopted its history";
    MutantTakesAnyClient "mutant-takes-any-client", affected "no release", breaks [single_system_image]:
        "a server takes in a client that has seen more than it has applied";
    MutantAnswersOneZxidEarly "mutant-answers-one-zxid-early", affected "no release", breaks [lost_write future_read]:
        "a write is answered with the zxid before its own";
    MutantReadsTellFirstZxid "mutant-reads-tell-first-zxid", affected "no release", breaks [session_order]:
        "a read is answered with the first zxid of the epoch instead of the last that is applied";
    MutantClosesInItsClientsName "mutant-closes-in-its-clients-name", affected "no release", breaks [phantom]:
        "the end of a session that expired is proposed as a request of its client, under a number that the client never used";
    MutantForwardsTwice "mutant-forwards-twice", affected "no release", breaks [doubled]:
        "a learner sends each write of its clients to the leader twice";
    MutantSyncTakesZxid "mutant-sync-takes-zxid", affected "no release", breaks [read_takes_no_zxid]:
        "a leader makes a transaction of a learner's sync";
    MutantCreatesAgain "mutant-creates-again", affected "no release", breaks [wrong_result]:
        "a leader does not look whether a node that is to be made is there already";
    MutantIgnoresVersions "mutant-ignores-versions", affected "no release", breaks [version_guards]:
        "a leader does not compare the version that a setData expects";
    MutantVersionStands "mutant-version-stands", affected "no release", breaks [versions_rise]:
        "a leader decides a setData without raising the version";
    MutantNumbersChildrenLeft "mutant-numbers-children-left", affected "no release", breaks [sequential_names]:
        "a sequential node is numbered by the children that are there, not by those ever made";
    MutantReadOvertakes "mutant-read-overtakes", affected "no release", breaks [one_reply_each]:
        "a read does not wait for the writes of its session before it";
    MutantAnswersSyncItself "mutant-answers-sync-itself", affected "no release", breaks [sync_stale]:
        "a learner answers a sync without asking its leader";
    MutantTellsTimeOfCreation "mutant-tells-time-of-creation", affected "no release", breaks [bad_read]:
        "who reads a node's data is told that it was last changed when it was made";
    MutantEndLeavesOneOut "mutant-end-leaves-one-out", affected "no release", breaks [ephemeral]:
        "the end of a session names all of its nodes but one";
    MutantMultiGoesOn "mutant-multi-goes-on", affected "no release", breaks [all_or_nothing]:
        "behind a part of a multi that fails a leader goes on with the next";
    MutantEventAfterReply "mutant-event-after-reply", affected "no release", breaks [watch_order]:
        "an event is sent behind the next answer on its connection";
    MutantNoWatchOnMissingNode "mutant-no-watch-on-missing-node", affected "no release", breaks [watch_lost watch_order]:
        "exists sets no watch where there is no node yet";
    MutantWatchStays "mutant-watch-stays", affected "no release", breaks [watch_phantom]:
        "a watch that a read has set fires again and again";
    MutantRenewsWatchesBlindly "mutant-renews-watches-blindly", affected "no release", breaks [watch_renewal]:
        "watches of a client that is back are set again, whatever has happened meanwhile";
    MutantAnyPassword "mutant-any-password", affected "no release", breaks [session_owner]:
        "who claims a session is not asked for its password";
    MutantNumbersSessionsAnew "mutant-numbers-sessions-anew", affected "no release", breaks [session_owner]:
        "a server numbers the sessions that it creates from the same number whenever it begins to serve";
    MutantAnybodyOwns "mutant-anybody-owns", affected "no release", breaks [session_owner]:
        "a leader takes what a session asks for through any server, also through one that the session has left";
    MutantKeepsTheDeadConnected "mutant-keeps-the-dead-connected", affected "no release", breaks [dead_session]:
        "a server does not close the connection of a session that somebody else has ended";
    MutantDeletesParents "mutant-deletes-parents", affected "no release", breaks [tree_shape]:
        "a leader does not look whether a node that is to be deleted has children";
    MutantChildStaysListed "mutant-child-stays-listed", affected "no release", breaks [tree_shape]:
        "a node that is deleted stays in its parent's list of children";
    MutantOwnsWithoutIndex "mutant-owns-without-index", affected "no release", breaks [ephemeral_index]:
        "an ephemeral node does not get into the index by which the end of its session finds it";
    MutantStampsByOwnClock "mutant-stamps-by-own-clock", affected "no release", breaks [apply_is_pure]:
        "a server stamps what it applies with its own clock, and not with the time of the transaction";
    MutantWatchesOutliveConnection "mutant-watches-outlive-connection", affected "no release", breaks [watch_table]:
        "the watches of a client stay when its connection has gone";
    MutantAnswersNoSync "mutant-answers-no-sync", affected "no release", breaks [calls_end]:
        "a server carries out a sync and does not answer it";
    MutantClientStaysAway "mutant-client-stays-away", affected "no release", breaks [calls_end]:
        "a client that has lost its connection does not look for another";
    MutantOneQuorum "mutant-one-quorum", affected "no release", breaks [configuration_agreed]:
        "while the membership changes a quorum of the configuration in force is enough, and the next one is not asked";
    RecipeNoGuid "recipe-no-guid", affected "recipes of clients", breaks [waiter_proceeds exactly_once]:
        "a sequential node whose create got no answer is created again: its first one stays in the line, and nobody knows whose it is";
    RecipeHerd "recipe-herd", affected "recipes of clients", breaks [no_herd]:
        "all who wait watch the list of children, and are woken whenever anybody comes or goes";
    RecipeLostWakeup "recipe-lost-wakeup", affected "recipes of clients", breaks [waiter_proceeds]:
        "the node before is watched with exists, and waited for though it has just gone";
    RecipeFalseAcquire "recipe-false-acquire", affected "recipes of clients", breaks [one_holder]:
        "that the node before has gone is taken for being the first";
    RecipeNameOrder "recipe-name-order", affected "recipes of clients", breaks [fair_grants]:
        "sequential nodes are ordered by their names, not by their numbers";
    RecipeBelievesPastExpiry "recipe-believes-past-expiry", affected "recipes of clients", breaks [rightful_holder]:
        "who was granted a lock believes in it whatever becomes of its connection and its session";
    RecipeUnfenced "recipe-unfenced", affected "recipes of clients", breaks [fenced]:
        "what a lock guards is written without a check that the lock is still held";
    RecipeDeletesForeignLock "recipe-deletes-foreign-lock", affected "recipes of clients", breaks [one_holder]:
        "a lock of one node is released by its name, though it may be somebody else's by now";
    RecipeDoubleCount "recipe-double-count", affected "recipes of clients", breaks [every_increment_counts]:
        "an addition that got no answer is made again on what is there now, without a look at whether it was applied";
    RecipeLostUpdate "recipe-lost-update", affected "recipes of clients", breaks [every_increment_counts]:
        "a sum is written whatever version the node has, over what others have added meanwhile";
    RecipeReusedIds "recipe-reused-ids", affected "recipes of clients", breaks [unique_ids]:
        "the node whose children are numbered is a container: it goes when it is empty, and numbers begin again";
    RecipeLateWatch "recipe-late-watch", affected "recipes of clients", breaks [observer_keeps_up]:
        "a value is read first and watched then: a change between the two is never told";
    RecipeTakesOlderValue "recipe-takes-older-value", affected "recipes of clients", breaks [observer_keeps_up]:
        "whatever was read last is taken for the newest, also from a server that lags behind the one before";
    RecipeStaleMember "recipe-stale-member", affected "recipes of clients", breaks [observer_keeps_up]:
        "a node of the own name is taken for the own node, though it is of a session that is about to expire";
    RecipeEmptyWhileAway "recipe-empty-while-away", affected "recipes of clients", breaks [observer_keeps_up]:
        "who has lost the connection takes it that nobody is there";
    RecipeStaleNode "recipe-stale-node", affected "recipes of clients", breaks [rightful_holder]:
        "a node is taken for one's own by its name, though it is of the session before and goes with that";
    RecipeFindUnsynced "recipe-find-unsynced", affected "recipes of clients; Curator", breaks [waiter_proceeds]:
        "a node whose create got no answer is looked for without a sync, and created again while the first create is still under way";
    RecipeReaderOvertakes "recipe-reader-overtakes", affected "recipes of clients", breaks [readers_and_writer]:
        "a reader joins those who hold, past a writer that waits for them";
    RecipeReaderWatchesReaders "recipe-reader-watches-readers", affected "recipes of clients", breaks [readers_and_writer]:
        "a reader waits for whoever is before it, readers too";
    RecipeRevokeOverlooked "recipe-revoke-overlooked", affected "recipes of clients", breaks [revocation_heeded]:
        "a holder waits for an event of its node, and does not look at what the node says when the watch is set";
    RecipeRevokeMissed "recipe-revoke-missed", affected "recipes of clients", breaks [revocation_heeded]:
        "a holder that was disconnected does not look at its node again: what it watches is not watched any more";
    RecipeLeaseWithoutMutex "recipe-lease-without-mutex", affected "recipes of clients", breaks [lease_limit]:
        "the leases of a semaphore are counted, and one is added, without a lock";
    RecipeLeaseLeft "recipe-lease-left", affected "recipes of clients", breaks [lease_limit]:
        "who has waited too long for a lease leaves the node that it waited with";
    RecipeNoClaim "recipe-no-claim", affected "recipes of clients", breaks [exactly_once]:
        "an item is taken by deleting it: if the answer is lost the second try finds nothing, and takes the item for somebody else's";
    RecipeTakesBeforeDelete "recipe-takes-before-delete", affected "recipes of clients", breaks [exactly_once]:
        "an item is worked on as soon as it is read, and deleted behind that";
    RecipeStaleList "recipe-stale-list", affected "recipes of clients", breaks [queue_order]:
        "whoever finds an item gone goes on with the next one of the same list, though something more urgent may have come";
    RecipePriorityWidth "recipe-priority-width", affected "recipes of clients", breaks [queue_order]:
        "priorities are written with as many digits as they have, and compared as text";
    RecipeAnyEvent "recipe-any-event", affected "recipes of clients", breaks [barrier_holds]:
        "whatever is told of a barrier is taken for its end";
    RecipeRecounts "recipe-recounts", affected "recipes of clients", breaks [waiter_proceeds]:
        "who is told that a double barrier is ready counts the members again, some of which may have left";
    RecipeCountsReady "recipe-counts-ready", affected "recipes of clients", breaks [waiter_proceeds]:
        "the node that says that a double barrier is ready is taken for a member, whom others wait for";
    RecipeStaleReady "recipe-stale-ready", affected "recipes of clients", breaks [barrier_holds]:
        "all rounds of a double barrier are the same, and what made one ready is left for the next";
    RecipeLeavesEarly "recipe-leaves-early", affected "recipes of clients", breaks [barrier_holds]:
        "who leaves a double barrier takes its own node away, and does not wait until the others' are gone";
    RecipeVotesTwice "recipe-votes-twice", affected "recipes of clients", breaks [one_decision]:
        "a vote is written whatever it was before";
    RecipeUncheckedDecision "recipe-unchecked-decision", affected "recipes of clients", breaks [one_decision]:
        "an outcome is recorded without a check that the votes are still those that it follows from";
    RecipeDecidesAlone "recipe-decides-alone", affected "recipes of clients", breaks [one_decision]:
        "who has waited for votes long enough takes the transaction for aborted, and records it nowhere";
}

/// The release that is modelled. As the name of a switch it stands for [`AS_SHIPPED`].
pub const RELEASE: &str = "3.9.5";

/// The open defects of [`RELEASE`]: it is modelled with these repaired, and with them on it is the release as shipped.
pub const AS_SHIPPED: [Bug; 13] = [
    Bug::PrematureConfiguration,
    Bug::UnlistedMember,
    Bug::Zk2832,
    Bug::Zk5094,
    Bug::Zk4882,
    Bug::Zk4837,
    Bug::UnsyncedTruncation,
    Bug::UnsyncedRename,
    Bug::TruncatedAcks,
    Bug::UnreachableTruncation,
    Bug::UnsyncedReplay,
    Bug::UnsyncedImage,
    Bug::OrphanedChild,
];

impl Bug {
    pub fn info(self) -> &'static BugInfo {
        &CATALOGUE[self as usize]
    }

    /// The switch called `name`; upper and lower case are the same.
    pub fn named(name: &str) -> Option<Bug> {
        CATALOGUE.iter().find(|info| info.name.eq_ignore_ascii_case(name)).map(|info| info.bug)
    }
}

impl fmt::Display for Bug {
    fn fmt(&self, out: &mut fmt::Formatter) -> fmt::Result {
        out.pad(self.info().name)
    }
}

/// The switches that are on; none by default.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Bugs([u128; 2]);

const _: () = assert!(CATALOGUE.len() <= 256);

impl Bugs {
    pub const NONE: Bugs = Bugs([0; 2]);

    pub fn has(self, bug: Bug) -> bool {
        self.0[bug as usize / 128] & (1 << (bug as usize % 128)) != 0
    }

    pub fn is_empty(self) -> bool {
        self.0 == [0; 2]
    }

    pub fn iter(self) -> impl Iterator<Item = Bug> {
        CATALOGUE.iter().map(|info| info.bug).filter(move |bug| self.has(*bug))
    }
}

impl FromIterator<Bug> for Bugs {
    fn from_iter<I: IntoIterator<Item = Bug>>(bugs: I) -> Bugs {
        bugs.into_iter().fold(Bugs::NONE, |mut bugs, bug| {
            bugs.0[bug as usize / 128] |= 1 << (bug as usize % 128);
            bugs
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_catalogue_is_indexed_by_the_switch() {
        for (index, info) in CATALOGUE.iter().enumerate() {
            assert_eq!(info.bug as usize, index, "{}", info.name);
            assert_eq!(Bug::named(&info.name.to_lowercase()), Some(info.bug));
            assert!(!info.breaks.is_empty());
        }
        assert_eq!(Bug::named("ZK-1"), None);
    }

    #[test]
    fn a_set_holds_what_it_was_given() {
        let bugs: Bugs = [Bug::Zk480, Bug::Zk1419].into_iter().collect();
        assert_eq!(bugs.iter().collect::<Vec<_>>(), [Bug::Zk1419, Bug::Zk480]);
        assert!(!bugs.has(Bug::Zk975) && Bugs::NONE.is_empty());
    }
}
