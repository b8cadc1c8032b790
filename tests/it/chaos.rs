//! Random faults in the correct build: no check may fire, and what ZooKeeper promises to survive it survives.
//!
//! A plan is a handful of numbers, so that proptest can shrink it: fewer faults, smaller numbers. What fails is printed as a scenario file.
//! The same number of plans always means the same plans. Many more are tried, for an hour or so, by
//!
//!     cargo test --release --test it chaos -- --ignored

mod membership;
mod recipes;
mod storm;

use std::fmt::{Debug, Write};
use std::sync::Arc;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestError, TestRng, TestRunner};
use zoolab::check::Verdict;
use zoolab::scenario::{Run, RunOptions, Scenario};

/// Plans of an election, of an ensemble under load, of one whose membership changes, and of clients that coordinate, that every test run tries.
const CASES: u32 = 150;
const STORMS: u32 = 100;
const UPHEAVALS: u32 = 60;
const PARTIES: u32 = 60;

/// Plans of each kind that a long test run tries.
const MANY_CASES: u32 = 20_000;

#[derive(Clone, Debug)]
struct Plan {
    seed: u64,
    voters: u32,
    observers: u32,
    election: Election,
    timing: usize,
    limits: usize,
    servers: Vec<Start>,
    faults: Vec<Fault>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Election {
    Majority,
    /// Weights 2, 1, 1, … or 2, 1, 0, … in one group or two.
    Weighted {
        groups: u32,
        weightless: bool,
    },
    /// `electionAlg 0`, by majority. It compares zxids without epochs, while followers turn away from a leader with an older currentEpoch:
    /// a server with the largest zxid that missed an epoch in which nothing was proposed is elected and refused again and again. So only
    /// its safety is asked for.
    Basic,
}

/// What a server's disk holds, when it boots, and how its clock goes.
#[derive(Clone, Copy, Debug)]
struct Start {
    counter: u32,
    epoch: u32,
    promised: u32,
    at_ms: u32,
    drift_ppm: i32,
}

/// A fault comes `after_ms` after the one before it. The numbers are read as the verb needs them.
#[derive(Clone, Copy, Debug)]
struct Fault {
    after_ms: u32,
    verb: u32,
    one: u32,
    other: u32,
    amount: u32,
}

fn plans() -> impl Strategy<Value = Plan> {
    let election = prop_oneof![
        4 => Just(Election::Majority),
        2 => (1..=2_u32, any::<bool>()).prop_map(|(groups, weightless)| Election::Weighted { groups, weightless }),
        1 => Just(Election::Basic),
    ];
    let after = prop_oneof![0..20_u32, 0..400_u32, 0..4000_u32];
    let fault = (after, 0..VERBS.len() as u32, 0..16_u32, 0..16_u32, 0..1000_u32);
    let fault = fault.prop_map(|(after_ms, verb, one, other, amount)| Fault { after_ms, verb, one, other, amount });
    let start = (0..3_u32, 0..3_u32, 0..3_u32, prop_oneof![Just(0_u32), 0..50_u32, 0..3000_u32], prop_oneof![3 => Just(0), 1 => -50_000..50_000]);
    let start = start.prop_map(|(counter, epoch, promised, at_ms, drift_ppm)| Start { counter, epoch, promised, at_ms, drift_ppm });
    let shape = (1..u64::MAX, 1..=5_u32, 0..=2_u32, election, 0..TIMINGS.len(), 0..LIMITS.len());
    (shape, vec(start, 7), vec(fault, 0..30)).prop_map(|((seed, voters, observers, election, timing, limits), servers, faults)| {
        let observers = if election == Election::Basic { 0 } else { observers };
        Plan { seed, voters, observers, election, timing, limits, servers, faults }
    })
}

/// How long things take: as usual, as good as synchronous, a bad network and disk, threads that are as slow as the network; and threads
/// that are slower than any limit.
const TIMINGS: [&str; 5] = [
    "{}",
    r#"{ "link": "1ms", "stage": "0us", "fsync": "1ms" }"#,
    r#"{ "link": "1ms..150ms", "stage": "0us..1ms", "fsync": "1ms..200ms" LOSS }"#,
    r#"{ "link": "1ms..10ms", "stage": "0us..20ms", "fsync": "0us..20ms", "retransmission": "5s" }"#,
    r#"{ "link": "1ms..5ms", "stage": "0us..300ms", "fsync": "1ms" }"#,
];

/// The last of [`TIMINGS`]: safety does not depend on it, an end of elections does.
const TOO_SLOW: usize = TIMINGS.len() - 1;

/// Limits that leave time for a round trip, the last of [`TIMINGS`] aside: ensembles without that never settle, and rightly.
const LIMITS: [&str; 4] = [
    r#""tickTime": 200, "initLimit": 10, "syncLimit": 5"#,
    r#""tickTime": 400, "initLimit": 8, "syncLimit": 4, "leader.maxTimeToWaitForEpoch": 1500"#,
    r#""tickTime": 2000, "initLimit": 10, "syncLimit": 5, "leaderConnectDelayDuringRetryMs": 1000"#,
    r#""tickTime": 300, "initLimit": 5, "syncLimit": 20, "fastleader.maxNotificationInterval": 2000, "cnxTimeout": 500"#,
];

type Verb = fn(&Fault, one: u32, other: u32) -> String;

/// Faults that ZooKeeper promises to survive, and their ends.
const VERBS: [Verb; 24] = [
    |_, _, _| "heal".into(),
    |_, _, _| "quiet".into(),
    |_, one, _| format!("crash s{one}"),
    |_, one, _| format!("power-loss s{one}"),
    |_, one, _| format!("restart s{one}"),
    |_, _, _| "restart all".into(),
    |fault, one, _| format!("pause s{one} for {}ms", fault.amount * 7 + 1),
    |_, one, _| format!("resume s{one}"),
    |fault, one, other| format!("cut s{one} -> s{other} for {}ms", fault.amount * 10 + 1),
    |fault, one, other| format!("cut s{one} s{other} for {}ms", fault.amount * 10 + 1),
    |_, one, other| format!("cut s{one} s{other}"),
    |_, one, other| format!("mend s{one} s{other}"),
    |_, one, other| format!("hold s{one} -> s{other} NOTIFICATION"),
    |fault, one, other| format!("hold s{one} -> s{other} {}", HELD[fault.amount as usize % HELD.len()]),
    |_, one, other| format!("release s{one} -> s{other}"),
    |_, one, other| format!("release s{one} s{other}"),
    |_, one, other| format!("reset s{one} s{other}"),
    |fault, one, other| format!("slow s{one} s{other} {}ms..{}ms", fault.amount / 10, fault.amount),
    |_, _, _| "crash leader".into(),
    |_, _, _| "power-loss leader".into(),
    |fault, one, _| format!("disk s{one} slow {}ms", fault.amount),
    |fault, one, _| format!("disk s{one} {}", ["fail-fsync", "fail-write", "fail-fsync 2"][fault.amount as usize % 3]),
    |fault, one, _| format!("clock s{one} jump {}ms", i64::from(fault.amount) * 20 - 10_000),
    |_, one, other| format!("fire s{one} -> s{other}"),
];

const HELD: [&str; 8] = ["INITIAL", "FOLLOWERINFO", "LEADERINFO", "ACKEPOCH", "DIFF", "NEWLEADER", "ACK", "UPTODATE"];

impl Plan {
    /// As a scenario file.
    fn text(&self) -> String {
        let all = self.voters + self.observers;
        // Only datagrams get lost, and only the old algorithm sends them.
        let loss = if self.election == Election::Basic { r#", "loss": "5%""# } else { "" };
        let (limits, timing) = (LIMITS[self.limits], TIMINGS[self.timing].replace("LOSS", loss));
        let (groups, faults) = (self.groups(), self.faults(all));
        // The old algorithm may elect for ever whom its followers must refuse: see `Election::Basic`.
        let recover = self.election != Election::Basic && self.timing != TOO_SLOW;
        let servers: Vec<String> = self.servers.iter().zip(1..=all).map(|(start, id)| start.text(id)).collect();
        format!(
            r#"{{ "title": "chaos", "seed": {}, "ensemble": {{ "servers": {}, "observers": {}, "config": {{ {limits}{groups} }} }},
                 "servers": {{ {} }}, "timing": {timing}, "steps": [{}], "recover": {recover}, "run": "{}ms", "expect": {{ "verdict": "pass" }} }}"#,
            self.seed,
            self.voters,
            self.observers,
            servers.join(","),
            faults.join(","),
            self.faults.iter().map(|fault| fault.after_ms).sum::<u32>() + 3100,
        )
    }

    fn groups(&self) -> String {
        let mut text = String::new();
        match self.election {
            Election::Majority => {}
            Election::Basic => text.push_str(r#", "electionAlg": 0"#),
            Election::Weighted { groups, weightless } => {
                let groups = groups.min(self.voters);
                for group in 1..=groups {
                    let ids: Vec<String> = (1..=self.voters).filter(|id| id % groups + 1 == group).map(|id| id.to_string()).collect();
                    let _ = write!(text, r#", "group.{group}": "{}""#, ids.join(":"));
                }
                text.push_str(r#", "weight.1": 2"#);
                if weightless && self.voters > groups {
                    let _ = write!(text, r#", "weight.{}": 0"#, self.voters);
                }
            }
        }
        text
    }

    fn faults(&self, all: u32) -> Vec<String> {
        let step = |fault: &Fault| {
            let (one, other) = pair(fault, all);
            let action = VERBS[fault.verb as usize](fault, one, other);
            format!(r#"{{ "after": "{}ms", "do": "{action}", "optional": true }}"#, fault.after_ms)
        };
        // Alone, a server has no links.
        let is_link = |fault: &Fault| VERBS[fault.verb as usize](fault, 1, 2).contains("s2");
        self.faults.iter().filter(|fault| all > 1 || !is_link(fault)).map(step).collect()
    }
}

/// The two servers of a fault, different ones where there are two.
fn pair(fault: &Fault, all: u32) -> (u32, u32) {
    let one = fault.one % all + 1;
    (one, (one + fault.other % all.max(2).saturating_sub(1)) % all + 1)
}

impl Start {
    fn text(&self, id: u32) -> String {
        // No history is newer than its epoch.
        let (last, epoch) = match self.counter {
            0 => ("0:0".into(), self.epoch),
            counter => (format!("1:{counter}"), self.epoch.max(1)),
        };
        format!(
            r#""s{id}": {{ "last": "{last}", "epoch": {epoch}, "acceptedEpoch": {}, "start": "{}ms", "clock": {{ "drift_ppm": {} }} }}"#,
            epoch + self.promised,
            self.at_ms,
            self.drift_ppm
        )
    }
}

/// What a plan came to, when that is wrong.
fn judge(scenario: Scenario) -> Result<(), String> {
    let (report, _) = Run::new(Arc::new(scenario), RunOptions::default()).finish();
    match report.verdict {
        Verdict::Pass => Ok(()),
        wrong => Err(wrong.to_string()),
    }
}

/// Tries so many plans, and shows the smallest that goes wrong.
fn try_all<P: Debug>(cases: u32, plans: impl Strategy<Value = P>, text: impl Fn(&P) -> String) {
    let scenario = |plan: &P| {
        let text = text(plan);
        Scenario::read(text.as_bytes()).unwrap_or_else(|problems| panic!("{problems:?} in {text}"))
    };
    let config = Config { cases, failure_persistence: None, ..Config::default() };
    let mut runner = TestRunner::new_with_rng(config, TestRng::deterministic_rng(RngAlgorithm::ChaCha));
    let result = runner.run(&plans, |plan| judge(scenario(&plan)).map_err(TestCaseError::fail));
    if let Err(TestError::Fail(why, plan)) = &result {
        panic!("{why}\n{}", scenario(plan).to_json());
    }
    result.expect("no plan is rejected");
}

#[test]
fn random_faults_break_no_election() {
    try_all(CASES, plans(), Plan::text);
}

#[test]
fn random_faults_break_no_replication() {
    try_all(STORMS, storm::storms(), storm::Storm::text);
}

#[test]
fn random_faults_break_no_reconfiguration() {
    try_all(UPHEAVALS, membership::upheavals(), membership::Upheaval::text);
}

#[test]
fn random_faults_break_no_recipe() {
    try_all(PARTIES, recipes::parties(), recipes::Party::text);
}

#[test]
#[ignore = "takes an hour"]
fn many_random_faults_break_no_recipe() {
    try_all(MANY_CASES, recipes::parties(), recipes::Party::text);
}

#[test]
#[ignore = "takes an hour"]
fn many_random_faults_break_no_reconfiguration() {
    try_all(MANY_CASES, membership::upheavals(), membership::Upheaval::text);
}

#[test]
#[ignore = "takes an hour"]
fn many_random_faults_break_no_election() {
    try_all(MANY_CASES, plans(), Plan::text);
}

#[test]
#[ignore = "takes an hour"]
fn many_random_faults_break_no_replication() {
    try_all(MANY_CASES, storm::storms(), storm::Storm::text);
}
