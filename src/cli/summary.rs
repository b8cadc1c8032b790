//! What really happened in a number of runs: a pass without elections, faults and steps proves little.

use super::Outcome;
use super::output::{DOUBT, FAIL, GOOD, HINT};
use super::trial::Trial;
use crate::check::{ByFault, Outcomes, Statistics};
use crate::proto::Micros;

/// A counter, and what it is called on its line.
type Cell = (&'static str, &'static str);

/// Lines of the summary and the counters on each. A counter that is named nowhere is shown on a line of its own at the end.
const LINES: [(&str, &[Cell]); 7] = [
    (
        "elections",
        &[
            ("elections_started", "started"),
            ("elections_concluded", "concluded"),
            ("leaders_established", "leaders established"),
            ("learners_serving", "learners serving"),
            ("epochs_accepted", "epochs accepted"),
        ],
    ),
    (
        "votes",
        &[
            ("votes_changed", "changed"),
            ("rounds_raised", "rounds raised"),
            ("drains_broken", "drains broken"),
            ("notes_ignored", "notes ignored"),
            ("notifications_sent", "notifications sent"),
            ("notifications_delivered", "delivered"),
        ],
    ),
    (
        "faults",
        &[
            ("actions", "actions"),
            ("actions_failed", "without effect"),
            ("crashes", "crashes"),
            ("power_losses", "power losses"),
            ("exits", "exits"),
            ("starts", "starts"),
            ("pauses", "pauses"),
            ("inputs_held", "inputs held"),
            ("cuts", "cuts"),
        ],
    ),
    (
        "network",
        &[
            ("connections_opened", "connections opened"),
            ("connections_broken", "broken"),
            ("packets_lost", "packets lost"),
            ("datagrams_sent", "datagrams sent"),
            ("datagrams_lost", "datagrams lost"),
        ],
    ),
    (
        "disk",
        &[
            ("log_syncs", "log fsyncs"),
            ("txns_logged", "transactions logged"),
            ("snapshots_taken", "snapshots"),
            ("storage_failures", "failures"),
            ("unsynced_bytes_lost", "unsynced bytes lost"),
            ("files_torn", "files torn"),
            ("disks_probed", "copies recovered"),
        ],
    ),
    (
        "history",
        &[
            ("proposals", "proposed"),
            ("commits", "committed"),
            ("syncs_diff", "learners sent DIFF"),
            ("syncs_trunc", "TRUNC"),
            ("syncs_snap", "SNAP"),
        ],
    ),
    (
        "clients",
        &[
            ("writes_acked", "writes acknowledged"),
            ("writes_failed", "failed"),
            ("writes_unknown", "unknown"),
            ("reads_answered", "reads answered"),
            ("sessions_opened", "sessions opened"),
            ("sessions_expired", "expired"),
        ],
    ),
];

/// Sums over runs.
#[derive(Clone, Debug, Default)]
pub struct Summary {
    runs: u64,
    not_as_expected: u64,
    undecided: u64,
    pub steps: Share,
    statistics: Statistics,
    by_fault: ByFault,
    first_leader: Vec<Micros>,
    /// Without the runs that had settled before everything was made quiet.
    settled: Vec<Micros>,
    /// From the quiet to the first commit after it.
    first_commit: Vec<Micros>,
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
        self.by_fault += &report.by_fault;
        self.first_leader.extend(report.recovery.and_then(|times| times.from_boot));
        self.settled.extend(report.recovery.map(|times| times.to_settle).filter(|took| *took > Micros::ZERO));
        self.first_commit.extend(report.recovery.and_then(|times| times.to_first_commit));
        self.worst = self.worst.max(Some(outcome));
    }

    /// The worst of the runs. Runs that were cut short decide nothing.
    pub fn outcome(&self, interrupted: bool) -> Outcome {
        let known = self.worst.unwrap_or(Outcome::AsExpected);
        if interrupted { known.max(Outcome::Undecided) } else { known }
    }

    pub fn is_empty(&self) -> bool {
        self.runs == 0
    }

    /// `width`: columns of the terminal, where there is one.
    pub fn text(&self, interrupted: bool, width: Option<usize>) -> String {
        let mut text = String::from("\n");
        if interrupted {
            text.push_str(&format!("{DOUBT}interrupted{DOUBT:#}: what follows is about the runs that ended\n"));
        }
        text.push_str(&self.verdicts());
        for (name, cells) in self.rows() {
            text.push_str(&format!("  {HINT}{name:<9}{HINT:#}  {}\n", folded(&cells, width)));
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

    /// `None` for what did not happen.
    fn count_of(&self, counter: &str) -> Option<u64> {
        self.statistics.rows().find(|(name, _)| *name == counter).map(|(_, count)| count).filter(|count| *count > 0)
    }

    /// Name of each line, and what is on it; without what did not happen.
    fn rows(&self) -> impl Iterator<Item = (&'static str, Vec<String>)> {
        let counted = |(counter, label): &Cell| self.count_of(counter).map(|count| format!("{label} {count}"));
        let named = LINES.iter().map(|(line, cells)| (*line, cells.iter().filter_map(counted).collect::<Vec<_>>()));
        let elsewhere = |name: &str| LINES.iter().any(|(_, cells)| cells.iter().any(|(counter, _)| *counter == name));
        let other = self.statistics.rows().filter(|(name, count)| !elsewhere(name) && *count > 0);
        let other = other.map(|(name, count)| format!("{} {count}", name.replace('_', " "))).collect();
        let steps = (self.steps.total > 0).then(|| self.steps.to_string());
        let times = [
            spread(&self.first_leader, "first leader"),
            spread(&self.settled, "settled at the end"),
            spread(&self.first_commit, "first commit then"),
        ];
        let costs = self.by_fault.rows().filter(|_| !self.by_fault.is_empty()).map(|(kind, outcomes)| cost(kind, outcomes));
        let labels = std::iter::once("by fault").chain(std::iter::repeat(""));
        let rows = named.chain(labels.zip(costs)).chain([
            ("other", other),
            ("steps", steps.into_iter().collect()),
            ("time", times.into_iter().flatten().collect()),
        ]);
        rows.filter(|(_, cells)| !cells.is_empty()).collect::<Vec<_>>().into_iter()
    }
}

/// `crash: acknowledged 12`, `unknown 1`, `sessions kept 1`, without what did not happen.
fn cost(kind: &str, outcomes: &Outcomes) -> Vec<String> {
    let Outcomes { acked, failed, unknown, sessions_kept, sessions_lost, leaders, to_leader, commits, to_commit } = *outcomes;
    let counts = [("acknowledged", acked), ("failed", failed), ("unknown", unknown), ("sessions kept", sessions_kept), ("lost", sessions_lost)];
    let times = [(leaders, "first leader after", to_leader), (commits, "first commit after", to_commit)];
    let times = times.iter().filter(|(count, ..)| *count > 0).map(|(_, what, longest)| format!("{what} {longest} at most"));
    let cells = counts.iter().filter(|(_, count)| *count > 0).map(|(what, count)| format!("{what} {count}")).chain(times);
    cells.enumerate().map(|(index, cell)| if index == 0 { format!("{kind}: {cell}") } else { cell }).collect()
}

/// The cells with commas between them, on as many lines as the terminal needs.
fn folded(cells: &[String], width: Option<usize>) -> String {
    const INDENT: usize = 13;
    let mut text = String::new();
    let mut column = INDENT;
    for (index, cell) in cells.iter().enumerate() {
        let comma = if index + 1 < cells.len() { "," } else { "" };
        let length = cell.chars().count() + comma.len();
        if index > 0 && width.is_some_and(|width| column + 1 + length > width) {
            text.push_str(&format!("\n{:INDENT$}", ""));
            column = INDENT;
        } else if index > 0 {
            text.push(' ');
            column += 1;
        }
        text.push_str(cell);
        text.push_str(comma);
        column += length;
    }
    text
}

/// Median and largest of some times; `None` without any.
fn spread(times: &[Micros], what: &str) -> Option<String> {
    let mut times = times.to_vec();
    times.sort_unstable();
    let (median, max) = (times.get(times.len() / 2)?, times.last()?);
    Some(if times.len() == 1 { format!("{what} after {max}") } else { format!("{what} after {median} (median), {max} (longest)") })
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
            assert_eq!(LINES.iter().flat_map(|(_, cells)| *cells).filter(|(counter, _)| *counter == name).count(), 1, "{name}");
        }
    }

    #[test]
    fn the_median_is_one_of_the_times() {
        let times = [Micros(30), Micros(10), Micros(20)];
        assert_eq!(spread(&times, "settled").as_deref(), Some("settled after 20us (median), 30us (longest)"));
        assert_eq!((spread(&times[..1], "settled").as_deref(), spread(&[], "settled")), (Some("settled after 30us"), None));
    }

    #[test]
    fn long_lines_are_folded_on_a_terminal_only() {
        let cells = ["crashes 10", "pauses 2", "cuts 3"].map(String::from);
        assert_eq!(folded(&cells, None), "crashes 10, pauses 2, cuts 3");
        assert_eq!(folded(&cells, Some(34)), "crashes 10, pauses 2,\n             cuts 3");
    }

    #[test]
    fn an_interruption_decides_nothing_but_hides_no_failure() {
        let summary = |worst| Summary { worst, ..Summary::default() };
        assert_eq!(summary(Some(Outcome::AsExpected)).outcome(true), Outcome::Undecided);
        assert_eq!(summary(Some(Outcome::Missed)).outcome(true), Outcome::Missed);
        assert_eq!(summary(None).outcome(false), Outcome::AsExpected);
    }
}
