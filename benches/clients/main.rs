//! How many requests of clients a second of the wall, reads and writes, and what many clients and many znodes cost.
//!
//! ```text
//! cargo bench --bench clients                     all figures with their bars
//! cargo bench --bench clients -- --only znodes    one of: clients, znodes
//! cargo bench --bench clients -- --profile 60     only the requests of five clients in so many virtual seconds, for a profiler
//! ```
//!
//! | figure | what is measured | bar |
//! | --- | --- | --- |
//! | requests | five servers, five closed-loop clients, one on each, 70 % of the requests read; all checks on, links 1 to 10 ms | 150,000/s |
//! | many clients | the same with a hundred clients, twenty on each server | no worse a request |
//! | znodes | fifty clients create 1,000,000 nodes on three servers that take snapshots and purge | 60 s |
//! | its memory | peak of the resident set of all this process did | 4 GB |
//!
//! Rates are medians of rounds in turn.
#![allow(clippy::disallowed_types, reason = "a benchmark reads the machine's clock")]
#![allow(clippy::disallowed_methods, reason = "and its arguments")]
#![allow(clippy::float_arithmetic, reason = "ratios decide nothing here")]
#![allow(clippy::print_stdout, reason = "the report")]

#[path = "../common/mod.rs"]
mod common;

use std::sync::Arc;

use common::{heading, measured, median, option, peak_kib, rate, report};
use mimalloc::MiMalloc;
use zoolab::scenario::Scenario;

/// That of the program.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

const ROUNDS: u64 = 9;
/// Virtual seconds of a run with five clients.
const SECONDS: u64 = 200;
const ZNODES: u64 = 1_000_000;
const CREATORS: u64 = 50;

fn main() {
    if let Some(seconds) = option("--profile") {
        let (wall, requests) = measured(&readers(5, seconds.parse().expect("virtual seconds")), 1);
        println!("{requests} requests, {:.0}/s", rate(wall, requests));
        return;
    }
    let only = option("--only");
    let wants = |part: &str| only.as_deref().is_none_or(|only| only == part);
    heading();
    if wants("clients") {
        clients();
    }
    if wants("znodes") {
        znodes();
    }
}

/// So many clients in a closed loop, spread over five servers.
fn readers(clients: u64, seconds: u64) -> Arc<Scenario> {
    let connect: Vec<String> = (0..clients).map(|number| format!(r#""c{}": {{ "connect": "s{}" }}"#, number + 1, number % 5 + 1)).collect();
    common::scenario(&format!(
        r#"{{ "title": "readers and writers", "ensemble": {{ "servers": 5 }}, "clients": {{ {} }},
            "workloads": {{ "w": {{ "clients": {clients}, "keys": 20, "mix": {{ "get": 7, "set": 3 }} }} }},
            "run": "{seconds}s", "recover": false, "expect": {{}} }}"#,
        connect.join(", ")
    ))
}

/// The second is shorter and has more requests, so that what its clients do before the first does not tell.
fn clients() {
    let (few, many) = (readers(5, SECONDS), readers(100, SECONDS / 4));
    let (mut rates, mut ratios) = (Vec::new(), Vec::new());
    for seed in 1..=ROUNDS {
        let (wall, requests) = measured(&few, seed);
        let of_few = rate(wall, requests);
        let (wall, requests) = measured(&many, seed);
        rates.push(of_few);
        ratios.push(rate(wall, requests) / of_few);
    }
    let (rate, ratio) = (median(rates), median(ratios));
    report("requests, 70 % reads", &format!("{rate:.0}/s"), "at least 150000/s", rate >= 150_000.0);
    report("a hundred clients", &format!("{ratio:.2} times the rate"), "at least 1", ratio >= 1.0);
}

fn znodes() {
    let each = ZNODES / CREATORS;
    let scenario = common::scenario(&format!(
        r#"{{ "title": "many znodes", "ensemble": {{ "servers": 3, "config": {{ "autopurge.purgeInterval": "60s" }} }},
            "workloads": {{ "w": {{ "clients": {CREATORS}, "count": {each}, "mix": {{ "create": 1 }} }} }},
            "run": "3000s", "recover": false, "expect": {{}} }}"#
    ));
    let (wall, created) = measured(&scenario, 1);
    assert_eq!(created, ZNODES, "every node is made in the time that the scenario gives");
    let (seconds, gib) = (wall.as_secs_f64(), peak_kib() as f64 / (1 << 20) as f64);
    report("1,000,000 znodes on three servers", &format!("{seconds:.1} s"), "under 60 s", seconds < 60.0);
    report("its peak of memory", &format!("{gib:.2} GiB"), "under 4 GB", gib < 4e9 / f64::from(1 << 30));
}
