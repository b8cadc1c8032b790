//! How many committed writes a second of the wall a replicating ensemble makes, what a longer run costs, and whether its memory stays flat.
//!
//! ```text
//! cargo bench --bench replication                     all figures with their bars
//! cargo bench --bench replication -- --profile 2000   only the writes of so many virtual seconds, for a profiler
//! ```
//!
//! | figure | what is measured | bar |
//! | --- | --- | --- |
//! | writes | five servers, five closed-loop writers, one on each; digest and checks on, links 1 to 10 ms, default stage and disk delays | 70,000/s, aim 140,000 |
//! | against the bare loop | the same writes as the 14 messages each of the kernel bench's toy, on its bare loop, in rounds in turn | told |
//! | length | ten times the virtual time, snapshots and purging on | ten times the cost |
//! | memory | peak of the resident set during that longer run, no trace kept | flat |
//!
//! A figure is a median of rounds in turn.
#![allow(clippy::disallowed_types, reason = "a benchmark reads the machine's clock")]
#![allow(clippy::disallowed_methods, reason = "and its arguments")]
#![allow(clippy::float_arithmetic, reason = "ratios decide nothing here")]
#![allow(clippy::print_stdout, reason = "the report")]

#[path = "../kernel/bare.rs"]
#[allow(dead_code, reason = "the kernel bench counts its requests")]
mod bare;
#[path = "../common/mod.rs"]
mod common;
#[path = "../kernel/toy.rs"]
#[allow(dead_code, reason = "only its constants are wanted here")]
mod toy;

use std::sync::Arc;
use std::time::Instant;

use common::{heading, measured, median, option, peak_kib, rate, report};
use mimalloc::MiMalloc;
use zoolab::bugs::Bugs;
use zoolab::scenario::Scenario;
use zoolab::sim::{Timing, WorldConfig};

/// That of the program.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

const ROUNDS: u64 = 9;
/// Virtual seconds of a run that is measured for speed.
const SECONDS: u64 = 200;
/// Transactions between two snapshots in the runs that are measured for length and memory.
const SNAP_COUNT: u32 = 10_000;

fn main() {
    if let Some(seconds) = option("--profile") {
        let (wall, writes) = measured(&scenario(seconds.parse().expect("virtual seconds"), ""), 1);
        println!("{writes} writes, {:.0}/s", rate(wall, writes));
        return;
    }
    heading();
    speed();
    length_and_memory();
}

/// Five writers, each on a server of its own, for so long. `settings` are further ones of the ensemble, each followed by a comma.
fn scenario(seconds: u64, settings: &str) -> Arc<Scenario> {
    let clients: Vec<String> = (1..=5).map(|number| format!(r#""c{number}": {{ "connect": "s{number}" }}"#)).collect();
    common::scenario(&format!(
        r#"{{ "title": "five writers", "ensemble": {{ "servers": 5, "config": {{ {settings} "tickTime": 2000 }} }},
            "clients": {{ {} }}, "workloads": {{ "w": {{ "clients": ["c1", "c2", "c3", "c4", "c5"], "keys": 100 }} }},
            "run": "{seconds}s", "recover": false, "expect": {{}} }}"#,
        clients.join(", ")
    ))
}

/// The toy asks for it, though only its constants are used here.
fn world_config(seed: u64) -> WorldConfig {
    WorldConfig { seed, timing: Timing::default(), bugs: Bugs::default(), supervise: false }
}

fn speed() {
    let scenario = scenario(SECONDS, "");
    let (mut rates, mut ratios) = (Vec::new(), Vec::new());
    for seed in 1..=ROUNDS {
        let (wall, writes) = measured(&scenario, seed);
        let start = Instant::now();
        let mut pattern = bare::Loop::new(seed);
        pattern.run(writes * toy::MESSAGES_PER_REQUEST);
        std::hint::black_box(pattern.digest());
        ratios.push(start.elapsed().as_secs_f64() / wall.as_secs_f64());
        rates.push(rate(wall, writes));
    }
    let (rate, ratio) = (median(rates), median(ratios));
    report("committed writes", &format!("{rate:.0}/s"), "at least 70000/s", rate >= 70_000.0);
    report("against the bare loop", &format!("{ratio:.3}"), "", true);
}

/// Both runs purge, so that what a longer one keeps is no more.
fn length_and_memory() {
    let settings = format!(r#""snapCount": {SNAP_COUNT}, "autopurge.purgeInterval": "10s", "#);
    let (short, long) = (scenario(SECONDS, &settings), scenario(10 * SECONDS, &settings));
    let (one, _) = measured(&short, 1);
    let before = peak_kib();
    let (ten, writes) = measured(&long, 1);
    let (ratio, grown) = (ten.as_secs_f64() / one.as_secs_f64(), peak_kib().saturating_sub(before));
    report("ten times the length", &format!("{ratio:.2} times the time"), "about 10", ratio < 12.0);
    let text = format!("{:.1} MiB more, {writes} writes", grown as f64 / 1024.0);
    report("its peak of memory", &text, "flat (under 16 MiB)", grown < 16 << 10);
}
