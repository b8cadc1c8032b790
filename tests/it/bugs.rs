//! Every known bug breaks what its row says, in a scenario that is fine without it.

use std::sync::Arc;

use zoolab::bugs::{self, Bug};
use zoolab::check;
use zoolab::scenario::{Report, Run, RunOptions, Scenario};

use crate::stories;

/// Other seeds than the scenario's own that are tried.
const SEEDS: u64 = 10;

/// Checks that no scenario sees first: whatever breaks them is found by another check before. Their own tests make them fire on made-up events.
const NEVER_FIRST: [&str; 1] = ["purge_keeps_enough"];

/// A scenario of `scenarios/` that switches bugs on.
struct Demonstration {
    name: String,
    scenario: Arc<Scenario>,
}

impl Demonstration {
    fn shows(&self, bug: Bug) -> bool {
        self.scenario.bugs.iter().eq([bug])
    }

    fn run(&self, seed: Option<u64>, no_bugs: bool) -> Report {
        Run::new(self.scenario.clone(), RunOptions { seed, no_bugs, ..RunOptions::default() }).finish().0
    }
}

fn demonstrations() -> Vec<Demonstration> {
    let all = stories::names().into_iter().map(|name| Demonstration { scenario: stories::read(&name), name });
    all.filter(|demonstration| !demonstration.scenario.bugs.is_empty()).collect()
}

/// With the switch the run breaks an invariant of the bug's row, as its file expects; without it the same run passes, step by step.
#[test]
fn every_switch_is_shown_by_a_scenario() {
    let all = demonstrations();
    for info in bugs::CATALOGUE {
        let shown: Vec<_> = all.iter().filter(|demonstration| demonstration.shows(info.bug)).collect();
        assert!(!shown.is_empty(), "no scenario has `bugs`: [{:?}]", info.name);
        for demonstration in shown {
            let (name, with) = (&demonstration.name, demonstration.run(None, false));
            assert!(with.is_as_expected(), "{name}: {:?}", with.missed);
            assert!(info.breaks.contains(&with.verdict.name()), "{name}: {}", with.verdict);
            let without = demonstration.run(None, true);
            assert!(without.is_as_expected(), "{name} without its bug: {}", without.verdict);
            assert_eq!(without.steps_fired, without.steps_total, "{name} without its bug");
        }
    }
}

/// The story does not hang on one seed: a check fires on most others too, and never without the bug.
#[test]
fn other_seeds_show_it_too() {
    for demonstration in demonstrations() {
        let name = &demonstration.name;
        let broken = (1..=SEEDS).filter(|seed| demonstration.run(Some(*seed), false).verdict.name() != "pass").count();
        assert!(broken as u64 * 10 >= SEEDS * 8, "{name}: only {broken} of {SEEDS} seeds");
        let without: Vec<Report> = (1..=SEEDS).map(|seed| demonstration.run(Some(seed), true)).collect();
        for report in &without {
            assert_eq!(report.verdict.name(), "pass", "{name} with seed {}: {}", report.seed, report.verdict);
        }
        let whole = without.iter().filter(|report| report.steps_fired == report.steps_total).count();
        assert!(whole as u64 * 10 >= SEEDS * 9, "{name}: all steps fire in only {whole} of {SEEDS} seeds");
    }
}

/// A check that nothing makes fire, from a scenario file to its verdict, may as well not be there.
#[test]
fn every_check_fires() {
    let verdicts: Vec<_> = demonstrations().iter().map(|demonstration| demonstration.run(None, false).verdict.name()).collect();
    for info in check::CATALOGUE {
        assert_ne!(verdicts.contains(&info.name), NEVER_FIRST.contains(&info.name), "{}", info.name);
    }
}
