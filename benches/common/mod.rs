//! What all benches do: run a scenario against the wall clock, take medians, print a table.

use std::fs;
use std::sync::Arc;
use std::time::{Duration, Instant};

use zoolab::check::Verdict;
use zoolab::scenario::{Report, Run, RunOptions, Scenario};

/// A scenario as its file would be.
pub fn scenario(text: &str) -> Arc<Scenario> {
    Arc::new(Scenario::read(text.as_bytes()).expect("a good scenario"))
}

/// The wall time of a run that breaks nothing, and the requests of its workloads that were answered.
pub fn measured(scenario: &Arc<Scenario>, seed: u64) -> (Duration, u64) {
    let run = Run::new(scenario.clone(), RunOptions { seed: Some(seed), ..RunOptions::default() });
    let start = Instant::now();
    let (report, _) = run.finish();
    (start.elapsed(), acknowledged(&report))
}

fn acknowledged(report: &Report) -> u64 {
    assert_eq!(report.verdict, Verdict::Pass, "the correct build breaks nothing");
    let requests = report.workloads.values().map(|results| results.acked).sum();
    assert!(requests > 0, "clients ask");
    requests
}

pub fn rate(wall: Duration, count: u64) -> f64 {
    count as f64 / wall.as_secs_f64()
}

pub fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// Largest resident set of this process so far; zero where the system does not tell.
pub fn peak_kib() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.trim().strip_suffix(" kB")).and_then(|number| number.trim().parse().ok()).unwrap_or(0)
}

/// The value of an option of the command line that is not the bench's name: `--profile 60`.
pub fn option(name: &str) -> Option<String> {
    std::env::args().skip_while(|argument| argument != name).nth(1)
}

pub fn heading() {
    println!("{:<34} {:>34} {:>22}  ", "figure", "measured", "bar");
}

/// One line of the table. Whether a bar holds is said and never asserted: a slow machine is not a defect.
pub fn report(figure: &str, measured: &str, bar: &str, holds: bool) {
    println!("{figure:<34} {measured:>34} {bar:>22}  {}", if holds { "pass" } else { "FAIL" });
}
