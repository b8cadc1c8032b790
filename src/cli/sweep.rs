//! `zoolab run --seeds`: every scenario with every seed of a range.

use std::collections::BTreeMap;

use indicatif::{ProgressBar, ProgressStyle};
use rayon::ThreadPool;
use rayon::prelude::*;

use super::Outcome;
use super::input::Loaded;
use super::junit::Junit;
use super::mistake::Mistake;
use super::output::{FAIL, Output};
use super::row::{self, Titles};
use super::run::Form;
use super::seeds::Seeds;
use super::summary::{Share, Summary};
use super::trial::{Trial, Trials};
use crate::check::{Reproduction, Verdict};
use crate::scenario::{self, Report, Scenario};

/// Runs that are made before their results are looked at: enough to keep all cores busy, few enough to be kept.
const CHUNK: u64 = 256;

/// Bad seeds that are shown of a scenario.
const SHOWN: usize = 3;

/// Below this share of steps that fired a scenario is told: its faults often meet nobody.
const STEPS_PERMILLE_MIN: u64 = 950;

/// What is wrong with a run of a sweep. What a scenario expects of its own seed does not count.
pub fn missed(scenario: &Scenario, report: &Report, no_bugs: bool) -> Vec<String> {
    let expected = || scenario.expect.verdict.iter().copied().map(scenario::Outcome::name).any(|name| name == report.verdict.name());
    let fine = report.verdict == Verdict::Pass || (!no_bugs && expected());
    if fine { Vec::new() } else { vec![report.verdict.to_string()] }
}

pub fn sweep(
    scenarios: &[Loaded],
    seeds: Seeds,
    trials: &Trials,
    form: Form,
    pool: &ThreadPool,
    junit: &mut Option<Junit>,
    out: &mut Output,
) -> Result<Outcome, Mistake> {
    let titles = Titles::of(scenarios, out);
    let bar = progress((scenarios.len() as u64).saturating_mul(seeds.count()));
    let mut summary = Summary::default();
    for loaded in scenarios {
        let mut one = OneScenario::default();
        for chunk in seeds.chunks(CHUNK) {
            let run = |seed| trials.run(loaded, Some(seed)).inspect(|_| bar.inc(1));
            let seeds: Vec<u64> = chunk.collect();
            let runs: Vec<Trial> = pool.install(|| seeds.into_par_iter().filter_map(run).collect());
            for trial in &runs {
                summary.add(trial);
                one.add(trial);
                if let Some(junit) = junit {
                    junit.add(row::case(loaded, trial, trials));
                }
            }
            if form == Form::Json {
                let lines: String = runs.iter().map(|trial| row::json(loaded, trial, trials)).collect();
                bar.suspend(|| out.print(&lines))?;
            }
            if out.is_closed() {
                trials.interrupt.raise();
            }
            if trials.interrupt.is_raised() {
                break;
            }
        }
        if form == Form::Text && one.runs > 0 {
            bar.suspend(|| out.print(&one.text(loaded, trials, titles)))?;
        }
        if trials.interrupt.is_raised() {
            break;
        }
    }
    bar.finish_and_clear();
    let interrupted = trials.interrupt.is_raised();
    if form == Form::Text {
        out.print(&summary.text(interrupted, out.width()))?;
    }
    Ok(summary.outcome(interrupted))
}

/// Seen only when standard error is a terminal.
fn progress(runs: u64) -> ProgressBar {
    let style = ProgressStyle::with_template("{bar:30} {pos}/{len} runs, {eta} left").expect("a good template");
    ProgressBar::new(runs).with_style(style)
}

/// What a sweep has found out about a scenario.
#[derive(Default)]
struct OneScenario {
    runs: u64,
    /// How many runs ended with each verdict.
    verdicts: BTreeMap<&'static str, u64>,
    bad: u64,
    /// The first bad seeds: what each came to.
    shown: Vec<(u64, String)>,
    steps: Share,
    worst: Option<Outcome>,
}

impl OneScenario {
    fn add(&mut self, trial: &Trial) {
        let report = &trial.report;
        self.runs += 1;
        *self.verdicts.entry(report.verdict.name()).or_default() += 1;
        self.steps.add(report.steps_fired, report.steps_total);
        self.worst = self.worst.max(Some(trial.outcome()));
        if trial.outcome() != Outcome::AsExpected {
            self.bad += 1;
            if self.shown.len() < SHOWN {
                let parted = trial.parted.iter().map(|parted| format!("a second run was not the same:\n{parted}"));
                let what: Vec<String> = trial.missed.iter().cloned().chain(parted).collect();
                self.shown.push((report.seed, what.join("\n")));
            }
        }
    }

    fn text(&self, loaded: &Loaded, trials: &Trials, titles: Titles) -> String {
        let verdicts: Vec<String> = self.verdicts.iter().map(|(name, count)| format!("{count} {name}")).collect();
        let word = row::word(self.worst.unwrap_or(Outcome::AsExpected));
        let seeds = if self.runs == 1 { "seed" } else { "seeds" };
        let mut text = format!("{word}{}  {:>7} {seeds}: {}\n", titles.cell(&loaded.scenario.title), self.runs, verdicts.join(", "));
        if self.steps.permille() < STEPS_PERMILLE_MIN {
            text.push_str(&row::indented(&format!("steps: only {}", self.steps)));
        }
        if self.bad > 0 {
            text.push_str(&row::indented(&self.bad_seeds(loaded, trials.no_bugs)));
        }
        text
    }

    fn bad_seeds(&self, loaded: &Loaded, no_bugs: bool) -> String {
        let mut text = String::new();
        for (seed, what) in &self.shown {
            text.push_str(&format!("{FAIL}seed {seed}{FAIL:#}: {what}\n"));
            text.push_str(&format!("  again   {}\n", Reproduction { file: &loaded.file, seed: *seed, no_bugs }));
        }
        match self.bad - self.shown.len() as u64 {
            0 => {}
            more => text.push_str(&format!("… and {more} more of {} seeds\n", self.runs)),
        }
        text
    }
}
