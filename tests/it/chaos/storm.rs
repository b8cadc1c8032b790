//! Random faults in an ensemble that replicates: clients write while servers, links and disks fail, and rotten luck is kept within what
//! ZooKeeper promises to survive (`zoolab help budget`).
//!
//! What a scenario gives its servers must be a past that can have been: whoever has an epoch had it promised by a quorum, observers have only
//! what was committed, and whoever adopted the newest epoch has its whole history. And what is asked of an ensemble must be possible: a disk
//! that is slower than its load fills queues that no bound covers, and files beyond number take longer to read than `initLimit` allows.

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

use super::{Fault, Verb};

/// A handful of numbers; where it makes a choice of a table, they are read modulo its length.
#[derive(Clone, Debug)]
pub struct Storm {
    seed: u64,
    voters: u32,
    observers: u32,
    /// Of [`LIMITS`], [`TIMINGS`], and one of each row of [`SETTINGS`].
    limits: u32,
    timing: u32,
    settings: Vec<u32>,
    weighted: bool,
    supervised: bool,
    /// The newest epoch that anybody has at the start.
    newest: u32,
    servers: Vec<Start>,
    clients: Vec<u32>,
    workloads: Vec<Workload>,
    faults: Vec<Fault>,
    /// When a server is crashed, stays away, loses its disk and comes back, with time to be synchronised: before this fault.
    wiped: Option<u32>,
}

#[derive(Clone, Copy, Debug)]
struct Start {
    epoch: u32,
    counter: u32,
    promised: u32,
    at_ms: u32,
    drift_ppm: i32,
}

#[derive(Clone, Copy, Debug)]
struct Workload {
    clients: u32,
    per_second: u32,
    mix: u32,
}

pub fn storms() -> impl Strategy<Value = Storm> {
    let after = prop_oneof![1 => Just(0_u32), 3 => 0..20_u32, 3 => 0..400_u32, 2 => 0..3000_u32];
    let fault = (after, 0..VERBS.len() as u32, 0..16_u32, 0..16_u32, 0..1000_u32);
    let fault = fault.prop_map(|(after_ms, verb, one, other, amount)| Fault { after_ms, verb, one, other, amount });
    let start = (0..3_u32, 0..3_u32, 0..2_u32, prop_oneof![3 => Just(0_u32), 1 => 0..2000_u32], prop_oneof![5 => Just(0), 1 => -50_000..50_000]);
    let start = start.prop_map(|(epoch, counter, promised, at_ms, drift_ppm)| Start { epoch, counter, promised, at_ms, drift_ppm });
    let workload = (1..4_u32, 5..25_u32, 0..MIXES.len() as u32);
    let workload = workload.prop_map(|(clients, per_second, mix)| Workload { clients, per_second, mix });
    let shape = (1..u64::MAX, prop_oneof![1 => Just(1_u32), 1 => Just(2_u32), 4 => Just(3_u32), 1 => Just(4_u32), 2 => Just(5_u32)], 0..=2_u32);
    let house = (0..LIMITS.len() as u32, 0..TIMINGS.len() as u32, vec(0..16_u32, SETTINGS.len()), prop::bool::weighted(0.2), any::<bool>());
    let past = (0..3_u32, vec(start, 7));
    let load = (vec(0..16_u32, 0..3), vec(workload, 0..3));
    let trouble = (vec(fault, 0..25), option::weighted(0.05, 0..25_u32));
    (shape, house, past, load, trouble).prop_map(|(shape, house, past, load, trouble)| {
        let ((seed, voters, observers), (limits, timing, settings, weighted, supervised)) = (shape, house);
        let ((newest, servers), (clients, workloads), (faults, wiped)) = (past, load, trouble);
        Storm { seed, voters, observers, limits, timing, settings, weighted, supervised, newest, servers, clients, workloads, faults, wiped }
    })
}

const LIMITS: [&str; 3] = [
    r#""tickTime": 200, "initLimit": 10, "syncLimit": 5, "fastleader.maxNotificationInterval": 1600"#,
    r#""tickTime": 400, "initLimit": 8, "syncLimit": 4, "leader.maxTimeToWaitForEpoch": 1500, "fastleader.maxNotificationInterval": 3200"#,
    r#""tickTime": 300, "initLimit": 5, "syncLimit": 20, "fastleader.maxNotificationInterval": 2000, "cnxTimeout": 500"#,
];

const TIMINGS: [&str; 6] = [
    "{}",
    r#"{ "link": "1ms", "stage": "0us", "fsync": "1ms" }"#,
    r#"{ "link": "1ms..80ms", "stage": "0us..1ms", "fsync": "1ms..60ms" }"#,
    r#"{ "stage": "0us..20ms", "fsync": "0us..20ms", "retransmission": "5s" }"#,
    r#"{ "stage": "0us..2ms", "read": "0us..3ms", "write": "0us..2ms", "metadata": "0us..5ms", "fsync": "1ms..10ms" }"#,
    r#"{ "link": "1ms..20ms", "window": 4096 }"#,
];

/// One of each row is set; nothing is the default.
const SETTINGS: &[&[&str]] = &[
    &["", "", r#", "snapCount": 2"#, r#", "snapCount": 5"#, r#", "snapCount": 30"#],
    &["", "", r#", "commitLogCount": 1"#, r#", "commitLogCount": 3"#, r#", "commitLogCount": 20"#],
    &["", "", "", r#", "forceSnapshotSync": true"#],
    &["", "", r#", "snapshotSizeFactor": "-1""#, r#", "snapshotSizeFactor": "1""#],
    &["", "", r#", "preAllocSize": 0"#, r#", "preAllocSize": 4"#],
    &["", "", r#", "maxBatchSize": 1"#, r#", "maxBatchSize": 10"#],
    &["", "", r#", "autopurge.purgeInterval": "700ms", "autopurge.snapRetainCount": 3"#],
    &["", "", "", "", "", r#", "testingonly.initialZxid": 4294967235"#, r#", "testingonly.initialZxid": 4294967095"#],
    &["", "", "", r#", "snapshot.trust.empty": true"#],
    &["", "", r#", "minSessionTimeout": 100"#],
];

const MIXES: [&str; 4] = [
    r#"{ "set": 1 }"#,
    r#"{ "create": 3, "delete": 2, "set": 1 }"#,
    r#"{ "set": 2, "get": 2, "sync": 1, "ls": 1 }"#,
    r#"{ "create": 1, "delete": 1, "set": 1, "stat": 1, "sync": 3 }"#,
];

const VERBS: [Verb; 34] = [
    |_, _, _| "heal".into(),
    |_, _, _| "quiet".into(),
    |_, _, _| "restart all".into(),
    |_, _, _| "restart all".into(),
    |_, one, _| format!("restart s{one}"),
    |_, one, _| format!("crash s{one}"),
    |_, one, _| format!("power-loss s{one}"),
    |_, _, _| "crash leader".into(),
    |_, _, _| "power-loss leader".into(),
    |fault, one, _| format!("pause s{one} for {}ms", fault.amount * 5 + 1),
    |_, one, _| format!("resume s{one}"),
    |fault, one, other| format!("cut s{one} -> s{other} for {}ms", fault.amount * 8 + 1),
    |fault, one, other| format!("cut s{one} s{other} for {}ms", fault.amount * 8 + 1),
    |_, one, other| format!("cut s{one} s{other}"),
    |_, one, other| format!("partition s{one} | s{other}"),
    |_, one, other| format!("mend s{one} s{other}"),
    |fault, one, other| format!("hold s{one} -> s{other} {}", HELD[fault.amount as usize % HELD.len()]),
    |fault, one, other| format!("hold s{one} -> s{other} {}", HELD[fault.amount as usize % HELD.len()]),
    |_, one, other| format!("release s{one} s{other}"),
    |_, one, other| format!("reset s{one} s{other}"),
    |fault, one, other| format!("slow s{one} s{other} {}ms..{}ms", fault.amount / 20, fault.amount / 2),
    |fault, one, _| format!("disk s{one} slow {} {}ms", ["read", "write", "fsync", "metadata"][fault.amount as usize % 4], fault.amount / 3),
    |fault, one, _| format!("disk s{one} {}", FAILING[fault.amount as usize % FAILING.len()]),
    |fault, one, _| format!("disk s{one} {} {}", ["fail-fsync", "fail-write", "tear"][fault.one as usize % 3], file(fault)),
    |_, one, _| format!("disk s{one} tear"),
    |fault, one, _| format!("clock s{one} jump {}ms", i64::from(fault.amount) * 20 - 10_000),
    |_, one, other| format!("fire s{one} -> s{other}"),
    |_, one, _| format!("fire disk s{one}"),
    |fault, one, _| format!("cut c1 s{one} for {}ms", fault.amount * 5 + 1),
    |fault, _, _| format!("pause c1 for {}ms", fault.amount * 5 + 1),
    |_, one, _| format!("c1 connect s{one}"),
    |_, _, _| "c1 close".into(),
    |fault, _, _| format!("c1 {}", ["create -e /e x", "create -e -s /q- y", "delete /e", "sync /", "create -s /s- z"][fault.amount as usize % 5]),
    // The lights go out.
    |_, _, _| "power-loss all".into(),
];

const HELD: [&str; 14] = [
    "FOLLOWERINFO",
    "LEADERINFO",
    "ACKEPOCH",
    "DIFF",
    "TRUNC",
    "SNAP",
    "NEWLEADER",
    "ACK",
    "UPTODATE",
    "PROPOSAL",
    "COMMIT",
    "INFORM",
    "PING",
    "REVALIDATE",
];

const FAILING: [&str; 9] = ["fail-fsync", "fail-write", "fail-fsync 2", "fail-write 3", "fail-read", "full", "full 300", "full 3000", "behave"];

fn file(fault: &Fault) -> &'static str {
    ["log.newest", "currentEpoch", "acceptedEpoch", "snapshot.newest"][fault.amount as usize % 4]
}

impl Storm {
    /// As a scenario file.
    pub fn text(&self) -> String {
        let all = self.voters + self.observers;
        let clients = |(number, connect): (usize, &u32)| format!(r#""c{}": {{ "timeout": "2s", "connect": "s{}" }}"#, number + 1, connect % all + 1);
        let workloads = |(number, load): (usize, &Workload)| {
            let Workload { clients, per_second, mix } = load;
            let mix = MIXES[*mix as usize];
            format!(r#""w{number}": {{ "clients": {clients}, "rate": "{per_second}/s", "keys": 3, "mix": {mix}, "optional": true }}"#)
        };
        let (steps, lasts_ms) = self.steps(all);
        format!(
            r#"{{ "title": "storm", "seed": {}, "ensemble": {{ "servers": {}, "observers": {}, "supervise": {}, "config": {{ {} }} }},
                 "servers": {{ {} }}, "clients": {{ {} }}, "workloads": {{ {} }}, "timing": {}, "steps": [{}], "run": "{}ms", "expect": {{}} }}"#,
            self.seed,
            self.voters,
            self.observers,
            self.supervised,
            self.config(),
            (1..=all).zip(&self.servers).map(|(id, start)| self.start(id, start)).collect::<Vec<_>>().join(","),
            self.clients.iter().enumerate().map(clients).collect::<Vec<_>>().join(","),
            self.workloads.iter().enumerate().map(workloads).collect::<Vec<_>>().join(","),
            TIMINGS[self.timing as usize],
            steps.join(","),
            lasts_ms + 3100,
        )
    }

    fn config(&self) -> String {
        let mut text = LIMITS[self.limits as usize].to_string();
        for (row, choice) in SETTINGS.iter().zip(&self.settings) {
            text.push_str(row[*choice as usize % row.len()]);
        }
        if self.weighted {
            let group: Vec<String> = (1..=self.voters).map(|id| id.to_string()).collect();
            text.push_str(&format!(r#", "group.1": "{}", "weight.1": 2"#, group.join(":")));
        }
        text
    }

    /// A past that all others can share: epoch 1 may have proposed two transactions, and epoch 2 began with both.
    fn start(&self, id: u32, start: &Start) -> String {
        let Start { at_ms, drift_ppm, .. } = start;
        let epoch = start.epoch.min(self.newest);
        let counter = match epoch {
            0 => 0,
            1 if id > self.voters => 0,
            1 => start.counter,
            _ => 2,
        };
        let last = if counter == 0 { "0:0".into() } else { format!("1:{counter}") };
        let accepted = self.newest + start.promised.min(self.newest);
        format!(
            r#""s{id}": {{ "last": "{last}", "epoch": {epoch}, "acceptedEpoch": {accepted}, "start": "{at_ms}ms", "clock": {{ "drift_ppm": {drift_ppm} }} }}"#
        )
    }

    /// The steps, and how long they take.
    fn steps(&self, all: u32) -> (Vec<String>, u32) {
        let (mut steps, mut lasts_ms) = (Vec::new(), 0);
        let mut step = |after_ms: u32, action: &str| {
            steps.push(format!(r#"{{ "after": "{after_ms}ms", "do": "{action}", "optional": true }}"#));
            lasts_ms += after_ms;
        };
        for (number, fault) in (0..).zip(&self.faults) {
            let (one, other) = super::pair(fault, all);
            let action = VERBS[fault.verb as usize](fault, one, other);
            if self.wiped == Some(number) && self.voters > 2 {
                let wipe = [(0, "quiet".into()), (30_000, format!("crash s{one}")), (20_000, format!("wipe s{one}"))];
                let back = [(1, format!("restart s{one}")), (30_000, "heal".into())];
                wipe.into_iter().chain(back).for_each(|(after_ms, action)| step(after_ms, &action));
            }
            if action == "power-loss all" {
                (1..=all).for_each(|id| step(if id == 1 { fault.after_ms } else { 0 }, &format!("power-loss s{id}")));
                step(50, "restart all");
            } else if (all > 1 || one != other) && (!action.contains("c1") || !self.clients.is_empty()) {
                step(fault.after_ms, &action);
            }
        }
        (steps, lasts_ms)
    }
}
