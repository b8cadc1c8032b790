//! What really happened in a number of runs: a pass without elections, faults and steps proves little.

use super::Outcome;
use super::output::{DOUBT, FAIL, GOOD, HINT};
use super::trial::Trial;
use crate::check::Statistics;
use crate::proto::Micros;

/// Lines of the summary and the counters on each. A counter that is named nowhere is shown on a line of its own at the end.
const LINES: [(&str, &[&str]); 5] = [
    ("elections", &["elections_started", "elections_concluded", "leaders_established", "learners_serving", "epochs_accepted"]),
    ("votes", &["votes_changed", "rounds_raised", "drains_broken", "notes_ignored", "notifications_sent", "notifications_delivered"]),
    ("faults", &["actions", "actions_failed", "crashes", "power_losses", "exits", "pauses", "inputs_held", "cuts", "starts"]),
    ("network", &["connections_opened", "connections_broken", "packets_lost", "datagrams_sent", "datagrams_lost"]),
    ("disk", &["unsynced_bytes_lost", "files_torn"]),
];

/// Sums over runs.
#[derive(Clone, Debug, Default)]
pub struct Summary {
    runs: u64,
    not_as_expected: u64,
    undecided: u64,
    pub steps: Share,
    statistics: Statistics,
    first_leader: Vec<Micros>,
    settled: Vec<Micros>,
    worst: Option<Outcome>,
}

/// Steps that fired, of those there were.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Share {
    pub fired: u64,
    pub total: u64,
}

impl Share {
    pub fn add(&mut self, fired: u32, total: u32) {
        self.fired += u64::from(fired);
        self.total += u64::from(total);
    }

    /// In tenths of a percent, rounded down: 100 % means all.
    pub fn permille(self) -> u64 {
        (self.fired * 1_000).checked_div(self.total).unwrap_or(1_000)
    }
}

impl std::fmt::Display for Share {
    fn fmt(&self, out: &mut std::fmt::Formatter) -> std::fmt::Result {
        let permille = self.permille();
        write!(out, "{} of {} fired ({}.{} %)", self.fired, self.total, permille / 10, permille % 10)
    }
}

impl Summary {
    pub fn add(&mut self, trial: &Trial) {
        let (report, outcome) = (&trial.report, trial.outcome());
        self.runs += 1;
        self.undecided += u64::from(outcome == Outcome::Undecided);
        self.not_as_expected += u64::from(outcome != Outcome::AsExpected && outcome != Outcome::Undecided);
        self.steps.add(report.steps_fired, report.steps_total);
        self.statistics += &report.statistics;
        self.first_leader.extend(report.recovery.and_then(|times| times.from_boot));
        self.settled.extend(report.recovery.map(|times| times.to_settle));
        self.worst = self.worst.max(Some(outcome));
    }

    /// The worst of the runs. Runs that were cut short decide nothing.
    pub fn outcome(&self, interrupted: bool) -> Outcome {
        let known = self.worst.unwrap_or(Outcome::AsExpected);
        if interrupted { known.max(Outcome::Undecided) } else { known }
    }

    pub fn text(&self, interrupted: bool) -> String {
        let mut text = String::from("\n");
        if interrupted {
            text.push_str(&format!("{DOUBT}interrupted{DOUBT:#}: what follows is about the runs that ended\n"));
        }
        text.push_str(&self.verdicts());
        for (name, cells) in self.rows() {
            text.push_str(&format!("  {HINT}{name:<9}{HINT:#}  {}\n", cells.join(", ")));
        }
        text
    }

    fn verdicts(&self) -> String {
        let Summary { runs, not_as_expected, undecided, .. } = self;
        let as_expected = runs - not_as_expected - undecided;
        let mut text = format!("{runs} {}: {GOOD}{as_expected} as expected{GOOD:#}", if *runs == 1 { "run" } else { "runs" });
        if *not_as_expected > 0 {
            text.push_str(&format!(", {FAIL}{not_as_expected} not{FAIL:#}"));
        }
        if *undecided > 0 {
            text.push_str(&format!(", {DOUBT}{undecided} undecided{DOUBT:#}"));
        }
        text + "\n"
    }

    /// Name of each line, and what is on it; without what did not happen.
    fn rows(&self) -> impl Iterator<Item = (&'static str, Vec<String>)> {
        let counted = |name: &str| self.statistics.rows().filter(move |(row, count)| *row == name && *count > 0).map(cell).next();
        let elsewhere = |name: &str| LINES.iter().any(|(_, names)| names.contains(&name));
        let named = LINES.iter().map(|(line, names)| (*line, names.iter().filter_map(|name| counted(name)).collect::<Vec<_>>()));
        let other = self.statistics.rows().filter(|(name, count)| !elsewhere(name) && *count > 0).map(cell).collect();
        let steps = (self.steps.total > 0).then(|| self.steps.to_string());
        let times = [spread(&self.first_leader, "first leader"), spread(&self.settled, "settled after the last disturbance")];
        let rows = named.chain([("other", other), ("steps", steps.into_iter().collect()), ("time", times.into_iter().flatten().collect())]);
        rows.filter(|(_, cells)| !cells.is_empty()).collect::<Vec<_>>().into_iter()
    }
}

fn cell((name, count): (&str, u64)) -> String {
    format!("{} {count}", name.replace('_', " "))
}

/// Median and largest of some times; `None` without any.
fn spread(times: &[Micros], what: &str) -> Option<String> {
    let mut times = times.to_vec();
    times.sort_unstable();
    let (median, max) = (times.get(times.len() / 2)?, times.last()?);
    Some(if times.len() == 1 { format!("{what} {max}") } else { format!("{what}: median {median}, longest {max}") })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_is_full_only_when_all_fired() {
        let shown = |fired, total| Share { fired, total }.to_string();
        assert_eq!(shown(9_999, 10_000), "9999 of 10000 fired (99.9 %)");
        assert_eq!(shown(3, 3), "3 of 3 fired (100.0 %)");
        assert_eq!(Share::default().permille(), 1_000);
    }

    #[test]
    fn every_counter_has_its_line() {
        for (name, _) in Statistics::default().rows() {
            assert_eq!(LINES.iter().filter(|(_, names)| names.contains(&name)).count(), 1, "{name}");
        }
    }

    #[test]
    fn the_median_is_one_of_the_times() {
        let times = [Micros(30), Micros(10), Micros(20)];
        assert_eq!(spread(&times, "settled").as_deref(), Some("settled: median 20us, longest 30us"));
        assert_eq!((spread(&times[..1], "settled").as_deref(), spread(&[], "settled")), (Some("settled 30us"), None));
    }

    #[test]
    fn an_interruption_decides_nothing_but_hides_no_failure() {
        let summary = |worst| Summary { worst, ..Summary::default() };
        assert_eq!(summary(Some(Outcome::AsExpected)).outcome(true), Outcome::Undecided);
        assert_eq!(summary(Some(Outcome::Missed)).outcome(true), Outcome::Missed);
        assert_eq!(summary(None).outcome(false), Outcome::AsExpected);
    }
}
