//! The settings of ZooKeeper that matter here, by their own names, and those that are known not to.

use crate::proto::{Config, Micros};

/// A setting: how its text changes a configuration, and its text where a configuration differs from the default.
pub(super) struct Setting {
    /// As in zoo.cfg, or the system property without `zookeeper.`.
    pub name: &'static str,
    /// The error says what is allowed.
    pub read: fn(&mut Config, &str) -> Result<(), String>,
    pub write: fn(&Config) -> i64,
}

/// Java's largest int: milliseconds and ticks are ints there.
const INT_MAX: i64 = i32::MAX as i64;

pub(super) const SETTINGS: &[Setting] = &[
    Setting {
        name: "tickTime",
        read: |config, text| whole(text, 1, INT_MAX).map(|value| config.tick_time = millis(value)),
        write: |config| in_millis(config.tick_time),
    },
    Setting {
        name: "initLimit",
        read: |config, text| whole(text, 1, INT_MAX).map(|value| config.init_limit = value as u32),
        write: |config| i64::from(config.init_limit),
    },
    Setting {
        name: "syncLimit",
        read: |config, text| whole(text, 1, INT_MAX).map(|value| config.sync_limit = value as u32),
        write: |config| i64::from(config.sync_limit),
    },
    Setting {
        name: "connectToLearnerMasterLimit",
        read: |config, text| whole(text, 0, INT_MAX).map(|value| config.connect_to_learner_master_limit = value as u32),
        write: |config| i64::from(config.connect_to_learner_master_limit),
    },
    Setting { name: "electionAlg", read: election_alg, write: |config| i64::from(config.election_alg) },
    Setting {
        name: "fastleader.minNotificationInterval",
        read: |config, text| whole(text, 1, INT_MAX).map(|value| config.min_notification_interval = millis(value)),
        write: |config| in_millis(config.min_notification_interval),
    },
    Setting {
        name: "fastleader.maxNotificationInterval",
        read: |config, text| whole(text, 1, INT_MAX).map(|value| config.max_notification_interval = millis(value)),
        write: |config| in_millis(config.max_notification_interval),
    },
    Setting {
        name: "cnxTimeout",
        read: |config, text| whole(text, 1, INT_MAX).map(|value| config.cnx_timeout = millis(value)),
        write: |config| in_millis(config.cnx_timeout),
    },
    Setting {
        name: "quorumCnxnTimeoutMs",
        read: |config, text| or_off(text, 1).map(|value| config.quorum_cnxn_timeout = value),
        write: |config| config.quorum_cnxn_timeout.map_or(-1, in_millis),
    },
    Setting {
        name: "leaderConnectDelayDuringRetryMs",
        read: |config, text| whole(text, 0, INT_MAX).map(|value| config.leader_connect_delay = millis(value)),
        write: |config| in_millis(config.leader_connect_delay),
    },
    Setting {
        name: "leader.maxTimeToWaitForEpoch",
        read: |config, text| or_off(text, 0).map(|value| config.max_time_to_wait_for_epoch = value),
        write: |config| config.max_time_to_wait_for_epoch.map_or(-1, in_millis),
    },
    Setting {
        name: "observer.election.DelayMs",
        read: |config, text| whole(text, 0, INT_MAX).map(|value| config.observer_election_delay = millis(value)),
        write: |config| in_millis(config.observer_election_delay),
    },
];

/// Real settings that change nothing of what is simulated. A real zoo.cfg may have them.
pub(super) const WITHOUT_EFFECT: &[&str] = &[
    "4lw.commands.whitelist",
    "admin.enableServer",
    "admin.serverPort",
    "authProvider.sasl",
    "autopurge.purgeInterval",
    "autopurge.snapRetainCount",
    "clientPort",
    "clientPortAddress",
    "clientPortListenBacklog",
    "commitLogCount",
    "commitProcessor.maxCommitBatchSize",
    "commitProcessor.maxReadBatchSize",
    "commitProcessor.numWorkerThreads",
    "dataDir",
    "dataLogDir",
    "db.autocreate",
    "digest.enabled",
    "dynamicConfigFile",
    "electionPortBindRetry",
    "enforceQuota",
    "extendedTypesEnabled",
    "flushDelay",
    "forceSync",
    "fsync.warningthresholdms",
    "globalOutstandingLimit",
    "jute.maxbuffer",
    "leaderServes",
    "localSessionsEnabled",
    "localSessionsUpgradingEnabled",
    "maxBatchSize",
    "maxClientCnxns",
    "maxCnxns",
    "maxSessionTimeout",
    "metricsProvider.className",
    "metricsProvider.exportJvmInfo",
    "metricsProvider.httpHost",
    "metricsProvider.httpPort",
    "minSessionTimeout",
    "observerMasterPort",
    "preAllocSize",
    "quorum.cnxn.threads.size",
    "quorumListenOnAllIPs",
    "reconfigEnabled",
    "secureClientPort",
    "skipACL",
    "snapCount",
    "snapSizeLimitInKb",
    "snapshot.trust.empty",
    "sslQuorum",
    "standaloneEnabled",
    "syncEnabled",
    "tcpKeepAlive",
    "txnLogSizeLimitInKb",
];

fn whole(text: &str, low: i64, high: i64) -> Result<i64, String> {
    text.parse().ok().filter(|value| (low..=high).contains(value)).ok_or_else(|| format!("allowed: a whole number from {low} to {high}"))
}

/// Milliseconds, or -1 for "off".
fn or_off(text: &str, low: i64) -> Result<Option<Micros>, String> {
    if text == "-1" {
        return Ok(None);
    }
    whole(text, low, INT_MAX).map(|value| Some(millis(value))).map_err(|help| format!("{help}, or -1 to switch it off"))
}

fn millis(value: i64) -> Micros {
    Micros::from_millis(value.unsigned_abs())
}

fn in_millis(time: Micros) -> i64 {
    (time.0 / 1_000) as i64
}

fn election_alg(config: &mut Config, text: &str) -> Result<(), String> {
    config.election_alg = match text {
        "0" => 0,
        "3" => 3,
        "1" | "2" => return Err("AuthFastLeaderElection (1, 2) is not modelled; allowed: 0 (LeaderElection), 3 (FastLeaderElection)".into()),
        _ => return Err("allowed: 0 (LeaderElection), 3 (FastLeaderElection)".into()),
    };
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proto::Membership;

    #[test]
    fn what_is_written_reads_back() {
        for setting in SETTINGS {
            let mut config = Config::new(Membership::of(3, 0));
            for value in [1, 3, 12_345, -1, 0] {
                if (setting.read)(&mut config, &value.to_string()).is_ok() {
                    assert_eq!((setting.write)(&config), value, "{}", setting.name);
                }
            }
            for wrong in ["", "x", "1.5", "9999999999", "-2", "+"] {
                assert!((setting.read)(&mut config, wrong).is_err(), "{} = {wrong}", setting.name);
            }
        }
    }

    #[test]
    fn no_setting_is_both() {
        assert!(WITHOUT_EFFECT.is_sorted());
        assert!(SETTINGS.iter().all(|setting| !WITHOUT_EFFECT.contains(&setting.name)));
    }
}
