//! How one run is shown: a line with what is wrong beneath, or an object of JSON.

use std::collections::BTreeMap;

use serde::Serialize;

use super::Outcome;
use super::input::Loaded;
use super::junit::Case;
use super::output::{DOUBT, FAIL, FAINT, GOOD, HEAD, HINT, Output};
use super::trial::{Trial, Trials};
use crate::check::{ByFault, Involved, LeaderTimes, Reproduction, Statistics, Verdict, Violation};
use crate::scenario::{self, WorkloadResults};
use crate::trace::{line, plot};

/// What is shown beneath a line stands under its title.
pub const INDENT: &str = "         ";

/// Columns that are not the title's, without those of a verdict's name at the end.
const OTHER_COLUMNS: usize = 56;

const TITLE_COLUMNS_MIN: usize = 24;

/// Width of the column of titles.
#[derive(Clone, Copy)]
pub struct Titles {
    width: usize,
}

impl Titles {
    /// Wide enough for all of them, if there is room.
    pub fn of(scenarios: &[Loaded], out: &Output) -> Titles {
        let longest = scenarios.iter().map(|loaded| loaded.scenario.title.chars().count()).max().unwrap_or(0);
        let names = scenarios.iter().flat_map(|loaded| &loaded.scenario.expect.verdict).filter(|outcome| **outcome != scenario::Outcome::Pass);
        let verdict = names.map(|outcome| 2 + outcome.name().len()).max().unwrap_or(0);
        let room = out.width().map(|columns| columns.saturating_sub(OTHER_COLUMNS + verdict).max(TITLE_COLUMNS_MIN));
        Titles { width: room.map_or(longest, |room| longest.min(room)) }
    }

    /// The title in its column; one that is too long ends in `…`.
    pub fn cell(self, title: &str) -> String {
        if title.chars().count() <= self.width {
            return format!("{title:<width$}", width = self.width);
        }
        title.chars().take(self.width - 1).chain(['…']).collect()
    }
}

/// The verdict as a word in its column.
pub fn word(outcome: Outcome) -> String {
    let (style, word) = match outcome {
        Outcome::AsExpected => (GOOD, "ok"),
        Outcome::Undecided => (DOUBT, "UNKNOWN"),
        Outcome::NotDeterministic => (FAIL, "DIFFERS"),
        Outcome::Missed | Outcome::BadInput => (FAIL, "FAIL"),
    };
    format!("{style}{word:<7}{style:#}  ")
}

/// The line of a run, and what is to be said of it when it is not as expected.
pub fn text(loaded: &Loaded, trial: &Trial, trials: &Trials, titles: Titles) -> String {
    let report = &trial.report;
    let (title, ended) = (titles.cell(&loaded.scenario.title), report.ended.to_string());
    let mut text = format!("{}{title}  {ended:>11}  {:>7} events  {:016x}", word(trial.outcome()), report.events, report.digest);
    let as_expected = trial.outcome() == Outcome::AsExpected;
    if as_expected && report.verdict != Verdict::Pass {
        text.push_str(&format!("  {FAINT}{}{FAINT:#}", report.verdict.name()));
    }
    text.push('\n');
    for excess in loaded.scenario.beyond_budget() {
        text.push_str(&format!("{INDENT}{HINT}beyond the fault budget{HINT:#}: {}{FAINT} (zoolab help budget){FAINT:#}\n", excess.what));
    }
    if !as_expected {
        text.push_str(&indented(&explanation(loaded, trial, trials)));
    }
    text
}

/// What is wrong, and how to see it again.
fn explanation(loaded: &Loaded, trial: &Trial, trials: &Trials) -> String {
    let mut text = format!("{FAINT}{}{FAINT:#}\n", loaded.file);
    for missed in &trial.missed {
        text.push_str(&format!("{missed}\n"));
    }
    if !trial.missed.is_empty() && trial.report.seed != loaded.scenario.seed {
        let (seed, own) = (trial.report.seed, loaded.scenario.seed);
        text.push_str(&format!("{FAINT}(seed {seed}; what the file expects was written for seed {own}){FAINT:#}\n"));
    }
    if let Verdict::Stuck { .. } | Verdict::Unknown { .. } = trial.report.verdict {
        text.push_str(&format!("{}\n", trial.report.verdict));
    }
    if let Some(parted) = &trial.parted {
        text.push_str(&format!("a second run was not the same:\n{parted}"));
    }
    text + &trials.violation(loaded, trial).unwrap_or_default()
}

pub fn indented(text: &str) -> String {
    text.lines().map(|line| format!("{INDENT}{line}\n")).collect()
}

/// What an author wrote, without what a terminal would take for a command.
fn plain(text: &str) -> String {
    text.replace(|letter: char| letter.is_control() && letter != '\n', "\u{fffd}")
}

/// The story of a run, under its title.
pub fn story(loaded: &Loaded, trial: &Trial) -> String {
    let mut text = format!("{HEAD}{}{HEAD:#}  {FAINT}{}{FAINT:#}\n", loaded.scenario.title, loaded.file);
    if let Some(why) = &loaded.scenario.why {
        text.push_str(&format!("{}\n", plain(why)));
    }
    text.push('\n');
    for event in plot(&trial.events) {
        text.push_str(&line(event));
        if let Some(note) = trial.report.notes.get(&event.n) {
            text.push_str(&format!("  {HINT}({}){HINT:#}", plain(note)));
        }
        text.push('\n');
    }
    text + "\n"
}

/// The test that a run is.
pub fn case<'a>(loaded: &'a Loaded, trial: &Trial, trials: &Trials) -> Case<'a> {
    let as_expected = trial.outcome() == Outcome::AsExpected;
    let message = trial.missed.first().cloned().unwrap_or_else(|| trial.report.verdict.to_string());
    Case {
        suite: &loaded.file,
        name: format!("{} (seed {})", loaded.scenario.title, trial.report.seed),
        outcome: trial.outcome(),
        message,
        kind: trial.report.verdict.name(),
        text: if as_expected { String::new() } else { explanation(loaded, trial, trials) },
    }
}

/// The line of `--json`; the help of `--json` describes it.
#[derive(Serialize)]
struct JsonRow<'a> {
    file: &'a str,
    title: &'a str,
    verdict: &'a str,
    /// One line; nothing for a pass.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    as_expected: bool,
    missed: &'a [String],
    seed: u64,
    /// 16 hexadecimal digits: readers of JSON may not keep 64 bits of a number.
    digest: String,
    time_us: u64,
    events: u64,
    steps_fired: u32,
    steps_total: u32,
    /// Actions and settings that ZooKeeper does not promise to survive.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    beyond_budget: Vec<String>,
    /// Only with `--twice`.
    #[serde(skip_serializing_if = "Option::is_none")]
    same_twice: Option<bool>,
    statistics: &'a Statistics,
    /// By the kind of the last fault before; only where there was one.
    #[serde(skip_serializing_if = "ByFault::is_empty")]
    by_fault: &'a ByFault,
    recovery: Option<LeaderTimes>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    workloads: &'a BTreeMap<String, WorkloadResults>,
    #[serde(skip_serializing_if = "Option::is_none")]
    violation: Option<JsonViolation<'a>>,
}

/// What is broken, and how.
#[derive(Serialize)]
struct JsonViolation<'a> {
    name: &'a str,
    code: &'a str,
    rule: &'a str,
    source: &'a str,
    at_us: u64,
    event: u64,
    node: Option<String>,
    facts: [JsonFact<'a>; 2],
    requests: Vec<JsonRequest<'a>>,
    again: String,
}

#[derive(Serialize)]
struct JsonFact<'a> {
    event: u64,
    text: &'a str,
}

#[derive(Serialize)]
struct JsonRequest<'a> {
    client: String,
    session: String,
    request: &'a str,
    asked: u64,
    answered: Option<u64>,
    server: Option<String>,
    zxid: Option<String>,
    answer: Option<&'a str>,
}

impl<'a> JsonViolation<'a> {
    fn of(violation: &'a Violation, again: &Reproduction) -> JsonViolation<'a> {
        let info = violation.invariant.info();
        let request = |request: &'a Involved| JsonRequest {
            client: format!("c{}", request.client),
            session: request.session.to_string(),
            request: &request.op,
            asked: request.called,
            answered: request.returned,
            server: request.server.map(|server| server.to_string()),
            zxid: request.zxid.map(|zxid| zxid.to_string()),
            answer: request.result.as_deref(),
        };
        JsonViolation {
            name: info.name,
            code: info.code,
            rule: info.rule,
            source: info.source,
            at_us: violation.at.0,
            event: violation.event,
            node: violation.node.map(|node| node.to_string()),
            facts: violation.facts.each_ref().map(|fact| JsonFact { event: fact.event, text: &fact.text }),
            requests: violation.involved.iter().map(request).collect(),
            again: again.to_string(),
        }
    }
}

/// The object of a run, with its newline.
pub fn json(loaded: &Loaded, trial: &Trial, trials: &Trials) -> String {
    let report = &trial.report;
    let row = JsonRow {
        file: &loaded.file,
        title: &loaded.scenario.title,
        verdict: report.verdict.name(),
        reason: (report.verdict != Verdict::Pass).then(|| report.verdict.to_string()),
        as_expected: trial.outcome() == Outcome::AsExpected,
        missed: &trial.missed,
        seed: report.seed,
        digest: format!("{:016x}", report.digest),
        time_us: report.ended.0,
        events: report.events,
        steps_fired: report.steps_fired,
        steps_total: report.steps_total,
        beyond_budget: loaded.scenario.beyond_budget().into_iter().map(|excess| excess.what).collect(),
        same_twice: trials.twice.then_some(trial.parted.is_none()),
        statistics: &report.statistics,
        by_fault: &report.by_fault,
        recovery: report.recovery,
        workloads: &report.workloads,
        violation: if let Verdict::Violation(violation) = &report.verdict {
            Some(JsonViolation::of(violation, &Reproduction { file: &loaded.file, seed: report.seed, no_bugs: trials.no_bugs }))
        } else {
            None
        },
    };
    serde_json::to_string(&row).expect("a row is text and numbers") + "\n"
}
