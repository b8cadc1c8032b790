//! One run, held against what it should be.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::input::Loaded;
use super::interrupt::Interrupt;
use super::{Outcome, sweep};
use crate::check::{self, Reproduction, Verdict};
use crate::proto::{NodeId, ServerId};
use crate::scenario::{Report, Run, RunOptions, Scenario};
use crate::sim::disk::Disk;
use crate::trace::{Event, first_difference};

/// Calls, of some hundred wake-ups at most, between two looks at whether the user wants to go on.
const PATIENCE: u32 = 200;

/// How runs are made and what they are held against.
#[derive(Clone)]
pub struct Trials {
    pub no_bugs: bool,
    /// Every run is made again, and must be the same.
    pub twice: bool,
    pub keep_events: bool,
    /// The servers' disks are kept as they are at the end.
    pub keep_disks: bool,
    pub measure: Measure,
    pub interrupt: Interrupt,
}

/// What a run must meet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Measure {
    /// All that its scenario expects.
    Expectations,
    /// The checks alone: what a scenario expects of one seed may be otherwise with the next.
    Checks,
}

/// A run that is over.
pub struct Trial {
    pub report: Report,
    /// All of them or none, as was asked.
    pub events: Vec<Event>,
    /// What is not as it should be; empty when all is.
    pub missed: Vec<String>,
    /// Where a second run went another way.
    pub parted: Option<String>,
    /// Those of all servers, or none, as was asked.
    pub disks: BTreeMap<ServerId, Disk>,
}

impl Trials {
    /// Runs a scenario with a seed, its own by default; `None` when the user does not want to wait for the end.
    pub fn run(&self, loaded: &Loaded, seed: Option<u64>) -> Option<Trial> {
        let options = self.options(seed);
        let run = play(&loaded.scenario, options, &self.interrupt)?;
        let report = run.report();
        let parted = if self.twice { self.compare(&loaded.scenario, options, &report)? } else { None };
        let missed = match self.measure {
            Measure::Expectations => report.missed.clone(),
            Measure::Checks => sweep::missed(&loaded.scenario, &report, self.no_bugs),
        };
        let kept = loaded.scenario.servers.keys().filter(|_| self.keep_disks);
        let disks = kept.filter_map(|id| Some((*id, run.world().disk(NodeId::Server(*id))?.clone()))).collect();
        Some(Trial { events: run.events().to_vec(), report, missed, parted, disks })
    }

    fn options(&self, seed: Option<u64>) -> RunOptions {
        RunOptions { seed, no_bugs: self.no_bugs, keep_events: self.keep_events, unwatched: false }
    }

    /// A second run, in the same process; when it is not the same, both are made once more to see where they part.
    fn compare(&self, scenario: &Arc<Scenario>, options: RunOptions, first: &Report) -> Option<Option<String>> {
        let second = play(scenario, options, &self.interrupt)?.report();
        let essence = |report: &Report| (report.digest, report.events, report.ended, report.verdict.clone());
        if essence(first) == essence(&second) {
            return Some(None);
        }
        let kept = RunOptions { keep_events: true, ..options };
        let events = || play(scenario, kept, &self.interrupt).map(|run| run.events().to_vec());
        let parted = match first_difference(events()?, events()?) {
            Some(difference) => difference.between("once", "again"),
            None => format!("  digests {:016x} and {:016x}, but a third and a fourth run had the same events\n", first.digest, second.digest),
        };
        Some(Some(parted))
    }

    /// The violation with its story, which is found by running it again; `None` when there is none.
    pub fn violation(&self, loaded: &Loaded, trial: &Trial) -> Option<String> {
        let Verdict::Violation(violation) = &trial.report.verdict else { return None };
        let seed = trial.report.seed;
        let options = RunOptions { keep_events: true, ..self.options(Some(seed)) };
        let again;
        let events = match trial.events.as_slice() {
            [] => {
                again = play(&loaded.scenario, options, &self.interrupt)?;
                again.events()
            }
            kept => kept,
        };
        Some(check::report(violation, events, &Reproduction { file: &loaded.file, seed, no_bugs: self.no_bugs }))
    }
}

impl Trial {
    pub fn outcome(&self) -> Outcome {
        match &self.report.verdict {
            _ if self.parted.is_some() => Outcome::NotDeterministic,
            _ if self.missed.is_empty() => Outcome::AsExpected,
            Verdict::Unknown { .. } => Outcome::Undecided,
            _ => Outcome::Missed,
        }
    }
}

/// Runs to the end, unless interrupted.
pub fn play(scenario: &Arc<Scenario>, options: RunOptions, interrupt: &Interrupt) -> Option<Run> {
    let mut run = Run::new(scenario.clone(), options);
    loop {
        if interrupt.is_raised() {
            return None;
        }
        for _ in 0..PATIENCE {
            if !run.advance_far() {
                return Some(run);
            }
        }
    }
}
