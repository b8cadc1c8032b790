//! What zoo.cfg says: the members of the ensemble and the timings of its protocols.

use std::sync::Arc;

use super::{Membership, Micros};

/// Which behaviour clients see, where releases differ.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Version {
    V3_8,
    #[default]
    V3_9,
}

/// Settings that matter to a simulated ensemble, each under its zoo.cfg or system-property name in the doc.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    pub membership: Membership,
    /// The release that servers behave like.
    pub version: Version,
    /// `tickTime`: the unit of all limits.
    pub tick_time: Micros,
    /// `initLimit`, in ticks: connecting, discovery and synchronisation must fit in it.
    pub init_limit: u32,
    /// `syncLimit`, in ticks: how long a synchronised learner may be silent.
    pub sync_limit: u32,
    /// `connectToLearnerMasterLimit`, in ticks; 0 means `initLimit`.
    pub connect_to_learner_master_limit: u32,
    /// `electionAlg`: 3 (FastLeaderElection), or 0, the older LeaderElection over datagrams (until 3.5).
    pub election_alg: u8,
    /// `fastleader.minNotificationInterval`: the first poll of an election.
    pub min_notification_interval: Micros,
    /// `fastleader.maxNotificationInterval`: cap of the doubling poll.
    pub max_notification_interval: Micros,
    /// `cnxTimeout`: an election dial gives up.
    pub cnx_timeout: Micros,
    /// `quorumCnxnTimeoutMs`: reading the initial message gives up; `None` (-1) means `tickTime * syncLimit`.
    pub quorum_cnxn_timeout: Option<Micros>,
    /// `leaderConnectDelayDuringRetryMs`: pause between a learner's 5 tries to reach its leader.
    pub leader_connect_delay: Micros,
    /// `leader.maxTimeToWaitForEpoch`: a leader still without epoch quorum quits on a voter's LOOKING note after this; `None` (-1): never.
    pub max_time_to_wait_for_epoch: Option<Micros>,
    /// `observer.election.DelayMs`: an observer that lost its leader waits up to this before it looks for another.
    pub observer_election_delay: Micros,
    /// `minSessionTimeout`; `None`: two ticks.
    pub min_session_timeout: Option<Micros>,
    /// `maxSessionTimeout`; `None`: twenty ticks.
    pub max_session_timeout: Option<Micros>,
    /// `localSessionsEnabled`: new sessions live on one server.
    pub local_sessions: bool,
    /// `localSessionsUpgradingEnabled`: they become everybody's with their first ephemeral node, which fails otherwise.
    pub local_sessions_upgrading: bool,
    /// `readonlymode.enabled`: a server that finds no leader serves reads.
    pub read_only_mode: bool,
    /// `snapCount`: a snapshot after between half and all of so many transactions; at least 2.
    pub snap_count: u32,
    /// `commitLogCount`: committed transactions that are kept in memory for DIFF; less than 500 is ignored by ZooKeeper, not here.
    pub commit_log_count: u32,
    /// `snapshotSizeFactor` in percent: a learner is served from the log on disk if that is no larger than this part of the newest snapshot;
    /// `None` (negative): never.
    pub snapshot_size_factor: Option<u32>,
    /// `forceSnapshotSync`: every learner gets a whole snapshot.
    pub force_snapshot_sync: bool,
    /// `preAllocSize`: log files grow in steps of so many bytes; 0: not ahead.
    pub pre_alloc_size: u64,
    /// `forceSync`: "no" never forces the log to the device.
    pub force_sync: bool,
    /// `maxBatchSize`: the log is flushed after so many transactions at the latest.
    pub max_batch_size: u32,
    /// `autopurge.snapRetainCount`, at least 3.
    pub snap_retain_count: u32,
    /// `autopurge.purgeInterval`, in ZooKeeper in hours; zero: never.
    pub purge_interval: Micros,
    /// `db.autocreate`: an empty disk is an empty database. If not, such a server does not vote (zxid -1).
    pub db_autocreate: bool,
    /// `snapshot.trust.empty`: a log without any snapshot is replayed from nothing.
    pub trust_empty_snapshot: bool,
    /// `leaderServes`: whether a leader has clients of its own.
    pub leader_serves: bool,
    /// `testingonly.initialZxid`: the counter that a new leader starts from, for rollover.
    pub initial_zxid: Option<u32>,
    /// `jute.maxbuffer`: a client that sends more bytes at once loses its connection.
    pub jute_max_buffer: u32,
    /// `extendedTypesEnabled`: nodes may have a time to live.
    pub extended_types_enabled: bool,
    /// `reconfigEnabled`: the membership may change while the ensemble runs.
    pub reconfig_enabled: bool,
    /// `standaloneEnabled`: a reconfiguration must leave two voters at least.
    pub standalone_enabled: bool,
    /// `skipACL`: everybody may do everything.
    pub skip_acl: bool,
    /// `enforceQuota`: the hard limits of quotas are kept.
    pub enforce_quota: bool,
    /// `DigestAuthenticationProvider.superDigest`: `super:` and the hash of whoever may do everything.
    pub super_digest: Option<Arc<str>>,
    /// `znode.container.checkIntervalMs`: how often the leader looks for containers and TTL nodes to delete.
    pub container_check_interval: Micros,
    /// `znode.container.maxPerMinute`: how many it deletes in a minute at most.
    pub container_max_per_minute: u32,
    /// `znode.container.maxNeverUsedIntervalMs`: a container without any child ever is deleted after so long; zero: never.
    pub container_max_never_used: Micros,
}

impl Config {
    /// ZooKeeper's defaults with the sample file's tickTime 2000, initLimit 10, syncLimit 5.
    pub fn new(membership: Membership) -> Config {
        Config {
            membership,
            version: Version::default(),
            tick_time: Micros::from_millis(2000),
            init_limit: 10,
            sync_limit: 5,
            connect_to_learner_master_limit: 0,
            election_alg: 3,
            min_notification_interval: Micros::from_millis(200),
            max_notification_interval: Micros::from_secs(60),
            cnx_timeout: Micros::from_secs(5),
            quorum_cnxn_timeout: None,
            leader_connect_delay: Micros::from_millis(100),
            max_time_to_wait_for_epoch: None,
            observer_election_delay: Micros::from_millis(200),
            min_session_timeout: None,
            max_session_timeout: None,
            local_sessions: false,
            local_sessions_upgrading: false,
            read_only_mode: false,
            snap_count: 100_000,
            commit_log_count: 500,
            snapshot_size_factor: Some(33),
            force_snapshot_sync: false,
            pre_alloc_size: 64 << 20,
            force_sync: true,
            max_batch_size: 1_000,
            snap_retain_count: 3,
            purge_interval: Micros::ZERO,
            db_autocreate: true,
            trust_empty_snapshot: false,
            leader_serves: true,
            initial_zxid: None,
            jute_max_buffer: 0xfffff,
            extended_types_enabled: false,
            reconfig_enabled: false,
            standalone_enabled: true,
            skip_acl: false,
            enforce_quota: false,
            super_digest: None,
            container_check_interval: Micros::from_secs(60),
            container_max_per_minute: 10_000,
            container_max_never_used: Micros::ZERO,
        }
    }

    /// `tickTime * initLimit`.
    pub fn init_time(&self) -> Micros {
        self.tick_time.times(u64::from(self.init_limit))
    }

    /// `tickTime * syncLimit`.
    pub fn sync_time(&self) -> Micros {
        self.tick_time.times(u64::from(self.sync_limit))
    }

    /// A learner's budget for reaching its leader.
    pub fn connect_time(&self) -> Micros {
        match self.connect_to_learner_master_limit {
            0 => self.init_time(),
            ticks => self.tick_time.times(u64::from(ticks)),
        }
    }

    /// How long the initial message of an election connection may take.
    pub fn handshake_time(&self) -> Micros {
        self.quorum_cnxn_timeout.unwrap_or_else(|| self.sync_time())
    }

    /// The timeout a session gets that asks for `asked`: within the limits of this server. Source: `ZooKeeperServer.processConnectRequest`.
    pub fn session_timeout(&self, asked: Micros) -> Micros {
        let (low, high) = self.session_limits();
        asked.min(high).max(low)
    }

    /// The shortest and the longest session timeout.
    pub fn session_limits(&self) -> (Micros, Micros) {
        (self.min_session_timeout.unwrap_or(self.tick_time.times(2)), self.max_session_timeout.unwrap_or(self.tick_time.times(20)))
    }
}
