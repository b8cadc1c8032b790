//! The settings of ZooKeeper that matter here, by their own names, and those that are known not to.

use serde_json::Value;

use super::checker::TIME_MAX;
use crate::proto::{Config, Micros};

/// A setting: how its text changes a configuration, and its text where a configuration differs from the default.
pub(super) struct Setting {
    /// As in zoo.cfg, or the system property without `zookeeper.`.
    pub name: &'static str,
    /// The error says what is allowed.
    pub read: fn(&mut Config, &str) -> Result<(), String>,
    /// As it is written in a file, so that it reads back.
    pub write: fn(&Config) -> Value,
}

/// Java's largest int: milliseconds and ticks are ints there.
const INT_MAX: i64 = i32::MAX as i64;

pub(super) const SETTINGS: &[Setting] = &[
    Setting {
        name: "tickTime",
        read: |config, text| whole(text, 1, INT_MAX).map(|value| config.tick_time = millis(value)),
        write: |config| in_millis(config.tick_time).into(),
    },
    Setting {
        name: "initLimit",
        read: |config, text| whole(text, 1, INT_MAX).map(|value| config.init_limit = value as u32),
        write: |config| config.init_limit.into(),
    },
    Setting {
        name: "syncLimit",
        read: |config, text| whole(text, 1, INT_MAX).map(|value| config.sync_limit = value as u32),
        write: |config| config.sync_limit.into(),
    },
    Setting {
        name: "connectToLearnerMasterLimit",
        read: |config, text| whole(text, 0, INT_MAX).map(|value| config.connect_to_learner_master_limit = value as u32),
        write: |config| config.connect_to_learner_master_limit.into(),
    },
    Setting { name: "electionAlg", read: election_alg, write: |config| config.election_alg.into() },
    Setting {
        name: "fastleader.minNotificationInterval",
        read: |config, text| whole(text, 1, INT_MAX).map(|value| config.min_notification_interval = millis(value)),
        write: |config| in_millis(config.min_notification_interval).into(),
    },
    Setting {
        name: "fastleader.maxNotificationInterval",
        read: |config, text| whole(text, 1, INT_MAX).map(|value| config.max_notification_interval = millis(value)),
        write: |config| in_millis(config.max_notification_interval).into(),
    },
    Setting {
        name: "cnxTimeout",
        read: |config, text| whole(text, 1, INT_MAX).map(|value| config.cnx_timeout = millis(value)),
        write: |config| in_millis(config.cnx_timeout).into(),
    },
    Setting {
        name: "quorumCnxnTimeoutMs",
        read: |config, text| or_off(text, 1).map(|value| config.quorum_cnxn_timeout = value),
        write: |config| config.quorum_cnxn_timeout.map_or(-1, in_millis).into(),
    },
    Setting {
        name: "leaderConnectDelayDuringRetryMs",
        read: |config, text| whole(text, 0, INT_MAX).map(|value| config.leader_connect_delay = millis(value)),
        write: |config| in_millis(config.leader_connect_delay).into(),
    },
    Setting {
        name: "leader.maxTimeToWaitForEpoch",
        read: |config, text| or_off(text, 0).map(|value| config.max_time_to_wait_for_epoch = value),
        write: |config| config.max_time_to_wait_for_epoch.map_or(-1, in_millis).into(),
    },
    Setting {
        name: "observer.election.DelayMs",
        read: |config, text| whole(text, 0, INT_MAX).map(|value| config.observer_election_delay = millis(value)),
        write: |config| in_millis(config.observer_election_delay).into(),
    },
    Setting {
        name: "minSessionTimeout",
        read: |config, text| or_off(text, 1).map(|value| config.min_session_timeout = value),
        write: |config| config.min_session_timeout.map_or(-1, in_millis).into(),
    },
    Setting {
        name: "maxSessionTimeout",
        read: |config, text| or_off(text, 1).map(|value| config.max_session_timeout = value),
        write: |config| config.max_session_timeout.map_or(-1, in_millis).into(),
    },
    Setting {
        name: "localSessionsEnabled",
        read: |config, text| switch(text, ["true", "false"]).map(|value| config.local_sessions = value),
        write: |config| config.local_sessions.into(),
    },
    Setting {
        name: "localSessionsUpgradingEnabled",
        read: |config, text| switch(text, ["true", "false"]).map(|value| config.local_sessions_upgrading = value),
        write: |config| config.local_sessions_upgrading.into(),
    },
    Setting {
        name: "readonlymode.enabled",
        read: |config, text| switch(text, ["true", "false"]).map(|value| config.read_only_mode = value),
        write: |config| config.read_only_mode.into(),
    },
    Setting {
        name: "snapCount",
        read: |config, text| whole(text, 2, INT_MAX).map(|value| config.snap_count = value as u32),
        write: |config| config.snap_count.into(),
    },
    // ZooKeeper ignores less than 500; here small numbers show what happens to a learner that memory cannot serve.
    Setting {
        name: "commitLogCount",
        read: |config, text| whole(text, 1, INT_MAX).map(|value| config.commit_log_count = value as u32),
        write: |config| config.commit_log_count.into(),
    },
    Setting {
        name: "snapshotSizeFactor",
        read: |config, text| percent(text).map(|value| config.snapshot_size_factor = value),
        write: |config| config.snapshot_size_factor.map_or_else(|| "-1".into(), hundredths).into(),
    },
    Setting {
        name: "forceSnapshotSync",
        read: |config, text| switch(text, ["true", "false"]).map(|value| config.force_snapshot_sync = value),
        write: |config| config.force_snapshot_sync.into(),
    },
    // In KiB, as there.
    Setting {
        name: "preAllocSize",
        read: |config, text| whole(text, 0, INT_MAX).map(|value| config.pre_alloc_size = value.unsigned_abs() << 10),
        write: |config| (config.pre_alloc_size >> 10).into(),
    },
    Setting {
        name: "forceSync",
        read: |config, text| switch(text, ["yes", "no"]).map(|value| config.force_sync = value),
        write: |config| yes_or_no(config.force_sync),
    },
    Setting {
        name: "maxBatchSize",
        read: |config, text| whole(text, 1, INT_MAX).map(|value| config.max_batch_size = value as u32),
        write: |config| config.max_batch_size.into(),
    },
    Setting {
        name: "autopurge.snapRetainCount",
        read: |config, text| whole(text, 3, INT_MAX).map(|value| config.snap_retain_count = value as u32),
        write: |config| config.snap_retain_count.into(),
    },
    // Whole hours, as there, or a time with a unit: a run of hours shows little.
    Setting {
        name: "autopurge.purgeInterval",
        read: |config, text| hours_or_time(text).map(|value| config.purge_interval = value),
        write: |config| match config.purge_interval {
            time if time.0.is_multiple_of(HOUR.0) => (time.0 / HOUR.0).into(),
            time => time.to_string().into(),
        },
    },
    Setting {
        name: "db.autocreate",
        read: |config, text| switch(text, ["true", "false"]).map(|value| config.db_autocreate = value),
        write: |config| config.db_autocreate.into(),
    },
    Setting {
        name: "snapshot.trust.empty",
        read: |config, text| switch(text, ["true", "false"]).map(|value| config.trust_empty_snapshot = value),
        write: |config| config.trust_empty_snapshot.into(),
    },
    Setting {
        name: "leaderServes",
        read: |config, text| switch(text, ["yes", "no"]).map(|value| config.leader_serves = value),
        write: |config| yes_or_no(config.leader_serves),
    },
    Setting {
        name: "testingonly.initialZxid",
        // After the largest of all comes the next epoch.
        read: |config, text| whole(text, 0, i64::from(u32::MAX - 1)).map(|value| config.initial_zxid = Some(value as u32)),
        write: |config| config.initial_zxid.into(),
    },
    Setting {
        name: "jute.maxbuffer",
        read: |config, text| whole(text, 1, INT_MAX).map(|value| config.jute_max_buffer = value as u32),
        write: |config| config.jute_max_buffer.into(),
    },
    Setting {
        name: "extendedTypesEnabled",
        read: |config, text| switch(text, ["true", "false"]).map(|value| config.extended_types_enabled = value),
        write: |config| config.extended_types_enabled.into(),
    },
    Setting {
        name: "reconfigEnabled",
        read: |config, text| switch(text, ["true", "false"]).map(|value| config.reconfig_enabled = value),
        write: |config| config.reconfig_enabled.into(),
    },
    Setting {
        name: "standaloneEnabled",
        read: |config, text| switch(text, ["true", "false"]).map(|value| config.standalone_enabled = value),
        write: |config| config.standalone_enabled.into(),
    },
    Setting {
        name: "skipACL",
        read: |config, text| switch(text, ["yes", "no"]).map(|value| config.skip_acl = value),
        write: |config| yes_or_no(config.skip_acl),
    },
    Setting {
        name: "enforceQuota",
        read: |config, text| switch(text, ["true", "false"]).map(|value| config.enforce_quota = value),
        write: |config| config.enforce_quota.into(),
    },
    Setting { name: "DigestAuthenticationProvider.superDigest", read: super_digest, write: |config| config.super_digest.as_deref().into() },
    Setting {
        name: "znode.container.checkIntervalMs",
        read: |config, text| whole(text, 1, INT_MAX).map(|value| config.container_check_interval = millis(value)),
        write: |config| in_millis(config.container_check_interval).into(),
    },
    Setting {
        name: "znode.container.maxPerMinute",
        read: |config, text| whole(text, 1, INT_MAX).map(|value| config.container_max_per_minute = value as u32),
        write: |config| config.container_max_per_minute.into(),
    },
    Setting {
        name: "znode.container.maxNeverUsedIntervalMs",
        read: |config, text| whole(text, 0, INT_MAX).map(|value| config.container_max_never_used = millis(value)),
        write: |config| in_millis(config.container_max_never_used).into(),
    },
];

/// Real settings that change nothing of what is simulated. A real zoo.cfg may have them.
pub(super) const WITHOUT_EFFECT: &[&str] = &[
    "4lw.commands.whitelist",
    "admin.enableServer",
    "admin.serverPort",
    "authProvider.sasl",
    "clientPort",
    "clientPortAddress",
    "clientPortListenBacklog",
    "commitProcessor.maxCommitBatchSize",
    "commitProcessor.maxReadBatchSize",
    "commitProcessor.numWorkerThreads",
    "dataDir",
    "dataLogDir",
    "digest.enabled",
    "dynamicConfigFile",
    "electionPortBindRetry",
    "flushDelay",
    "fsync.warningthresholdms",
    "globalOutstandingLimit",
    "maxClientCnxns",
    "maxCnxns",
    "metricsProvider.className",
    "metricsProvider.exportJvmInfo",
    "metricsProvider.httpHost",
    "metricsProvider.httpPort",
    "observerMasterPort",
    "quorum.cnxn.threads.size",
    "quorumListenOnAllIPs",
    "secureClientPort",
    "snapSizeLimitInKb",
    "sslQuorum",
    "syncEnabled",
    "tcpKeepAlive",
    "txnLogSizeLimitInKb",
];

fn whole(text: &str, low: i64, high: i64) -> Result<i64, String> {
    let number = text.parse().ok().filter(|_| !text.starts_with('+'));
    number.filter(|value| (low..=high).contains(value)).ok_or_else(|| format!("allowed: a whole number from {low} to {high}"))
}

/// Milliseconds, or -1 for "off".
fn or_off(text: &str, low: i64) -> Result<Option<Micros>, String> {
    if text == "-1" {
        return Ok(None);
    }
    whole(text, low, INT_MAX).map(|value| Some(millis(value))).map_err(|help| format!("{help}, or -1 to switch it off"))
}

/// A switch by the two words that ZooKeeper knows, on and off: another one means either, depending on the setting.
fn switch(text: &str, [on, off]: [&str; 2]) -> Result<bool, String> {
    if text == on || text == off { Ok(text == on) } else { Err(format!("allowed: {on}, {off}")) }
}

fn yes_or_no(value: bool) -> Value {
    if value { "yes".into() } else { "no".into() }
}

/// A part of one in hundredths, written as a decimal number; `None` for a negative one, which means never.
fn percent(text: &str) -> Result<Option<u32>, String> {
    if let Some(number) = text.strip_prefix('-') {
        return percent(number).map(|_| None);
    }
    let help = || "allowed: 0 to 1 with at most two decimals (0.33); less than 0: never. ZooKeeper takes more than 1 for 0.33".to_string();
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let digits = |part: &str, most: usize| (1..=most).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit());
    if !digits(whole, 1) || !digits(fraction, 2) {
        return Err(help());
    }
    let hundredths = format!("{whole}{fraction:0<2}").parse().ok().filter(|hundredths| *hundredths <= 100);
    hundredths.map(Some).ok_or_else(help)
}

/// The decimal number that reads back.
fn hundredths(percent: u32) -> String {
    format!("{}.{:02}", percent / 100, percent % 100)
}

const HOUR: Micros = Micros::from_secs(3_600);

fn hours_or_time(text: &str) -> Result<Micros, String> {
    let hours = whole(text, 0, INT_MAX).map(|hours| HOUR.times(hours.unsigned_abs()));
    let time = hours.ok().or_else(|| Micros::parse(text).ok());
    time.filter(|time| *time <= TIME_MAX).ok_or_else(|| "allowed: whole hours, or a time with a unit: \"10s\"".into())
}

fn millis(value: i64) -> Micros {
    Micros::from_millis(value.unsigned_abs())
}

fn in_millis(time: Micros) -> i64 {
    (time.0 / 1_000) as i64
}

/// `user:hash`, as `DigestAuthenticationProvider.generateDigest` makes it.
fn super_digest(config: &mut Config, text: &str) -> Result<(), String> {
    let is_digest = text.split_once(':').is_some_and(|(user, hash)| !user.is_empty() && hash.len() == 28 && hash.ends_with('='));
    if !is_digest {
        return Err("allowed: super:HASH, where the hash is the SHA-1 of user:password in Base64".into());
    }
    config.super_digest = Some(text.into());
    Ok(())
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

    /// What a text is read as is written as a text that is read alike.
    #[test]
    fn what_is_written_reads_back() {
        let texts = [
            "1",
            "3",
            "12345",
            "-1",
            "0",
            "0.33",
            "0.5",
            "1.00",
            "true",
            "false",
            "yes",
            "no",
            "10s",
            "2h",
            "4294967295",
            "-0.1",
            "super:D/InIHSb7yEEbrWz8b9l71RjZJU=",
        ];
        for setting in SETTINGS {
            let mut read = 0;
            for text in texts {
                let (mut config, mut again) = (Config::new(Membership::of(3, 0)), Config::new(Membership::of(3, 0)));
                if (setting.read)(&mut config, text).is_err() {
                    continue;
                }
                read += 1;
                let written = (setting.write)(&config);
                let written = written.as_str().map_or_else(|| written.to_string(), String::from);
                assert_eq!((setting.read)(&mut again, &written), Ok(()), "{} = {text} is written {written}", setting.name);
                assert_eq!(again, config, "{} = {text} is written {written}", setting.name);
            }
            assert!(read > 0, "{}", setting.name);
            for wrong in ["", "x", "1.555", "99999999999", "-2.x", "+", "+1", "TRUE", "1.01", "10 s"] {
                let mut config = Config::new(Membership::of(3, 0));
                assert!((setting.read)(&mut config, wrong).is_err(), "{} = {wrong}", setting.name);
            }
        }
    }

    #[test]
    fn settings_in_their_own_units() {
        let mut config = Config::new(Membership::of(3, 0));
        let mut set = |name: &str, text: &str| {
            let setting = SETTINGS.iter().find(|setting| setting.name == name).expect("a setting");
            (setting.read)(&mut config, text).expect("a value");
        };
        for (name, text) in [("preAllocSize", "64"), ("snapshotSizeFactor", "0.5"), ("autopurge.purgeInterval", "2"), ("forceSync", "no")] {
            set(name, text);
        }
        assert_eq!((config.pre_alloc_size, config.snapshot_size_factor, config.force_sync), (65_536, Some(50), false));
        assert_eq!(config.purge_interval, Micros::from_secs(7_200));
    }

    #[test]
    fn no_setting_is_both() {
        assert!(WITHOUT_EFFECT.is_sorted());
        assert!(SETTINGS.iter().all(|setting| !WITHOUT_EFFECT.contains(&setting.name)));
    }
}
