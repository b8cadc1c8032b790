//! How fast the known-order check is.
//!
//! ```text
//! cargo bench --bench known_order                 all figures with their bars
//! cargo bench --bench known_order -- --profile    one history, checked once, for a profiler
//! ```
//!
//! | figure | what is measured | bar |
//! | --- | --- | --- |
//! | rate | requests a second of a generated history of 100,000 by 50 clients: registers, numbered nodes, reads of the past | 2,000,000/s |
//! | one run | the same, as the time that it takes | 0.2 s |
//! | memory | what the check keeps at most while it is told such a history, by the peak of the resident set | 500 MB |
//!
//! A figure is the best of some rounds.
#![allow(clippy::disallowed_types, reason = "a benchmark reads the machine's clock")]
#![allow(clippy::disallowed_methods, reason = "and its arguments")]
#![allow(clippy::float_arithmetic, reason = "ratios decide nothing here")]
#![allow(clippy::print_stdout, reason = "the report")]

#[path = "../common/mod.rs"]
#[allow(dead_code, reason = "what measures a scenario")]
mod common;
mod one_process;

use std::hint::black_box;
use std::time::{Duration, Instant};

use common::{heading, peak_kib, report};
use mimalloc::MiMalloc;
use one_process::{Size, Step, check, history};

/// That of the program.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

const SIZE: Size = Size { clients: 50, operations: 100_000, registers: 100, seed: 1 };
const ROUNDS: usize = 15;

fn main() {
    let steps = history(SIZE);
    if std::env::args().any(|argument| argument == "--profile") {
        black_box(check(&steps));
        return;
    }
    let before = peak_kib();
    let best = (0..ROUNDS).map(|_| measured(&steps)).min().expect("there are rounds");
    let grown = peak_kib().saturating_sub(before);
    let rate = f64::from(SIZE.operations) / best.as_secs_f64();
    heading();
    report("rate", &format!("{rate:.0} requests/s"), "at least 2000000/s", rate >= 2e6);
    report("one run of 100,000", &format!("{:.1} ms", best.as_secs_f64() * 1e3), "under 200 ms", best < Duration::from_millis(200));
    report("its memory", &format!("{:.1} MiB", grown as f64 / 1024.0), "under 500 MiB", grown < 500 << 10);
}

fn measured(steps: &[Step]) -> Duration {
    let start = Instant::now();
    let found = check(black_box(steps));
    let wall = start.elapsed();
    assert_eq!(found, None, "the history is a good one");
    wall
}
