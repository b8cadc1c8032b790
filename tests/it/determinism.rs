//! Scenario and seed decide everything: the same run twice, watched or not, cloned on the way.

use std::sync::Arc;

use zoolab::scenario::{Run, RunOptions, Scenario};

use crate::stories::{names, read};

fn all() -> impl Iterator<Item = (String, Arc<Scenario>)> {
    names().into_iter().map(|name| (name.clone(), read(&name)))
}

/// Once looked at wake-up by wake-up, once with the world running ahead of those who look.
#[test]
fn the_same_run_twice_is_the_same() {
    let options = RunOptions { keep_events: true, ..RunOptions::default() };
    for (name, scenario) in all() {
        let mut at_once = Run::new(scenario.clone(), options);
        while at_once.advance() {}
        let (first, events) = (at_once.report(), at_once.take_events());
        let (second, again) = Run::new(scenario, options).finish();
        assert_eq!(first.digest, second.digest, "{name}");
        assert!(events == again, "{name}: the same digest, and other events");
        assert_eq!(format!("{first:?}"), format!("{second:?}"), "{name}: the same events, and another report");
        assert_eq!(first.events, events.len() as u64, "{name}: events are numbered without gaps");
    }
}

/// Checks, statistics, expectations and the keeping of events draw nothing and decide nothing. Known bugs are off, for a check that fires
/// ends its run; and so is the recovery, which only a watched run has.
#[test]
fn watching_changes_nothing() {
    let options = RunOptions { no_bugs: true, ..RunOptions::default() };
    for (name, scenario) in all() {
        let scenario = Arc::new(Scenario { recover: false, ..Scenario::clone(&scenario) });
        let run = |options| Run::new(scenario.clone(), options).finish().0;
        let watched = run(options);
        let kept = run(RunOptions { keep_events: true, ..options });
        let unwatched = run(RunOptions { unwatched: true, ..options });
        assert_eq!((watched.digest, watched.events), (kept.digest, kept.events), "{name}: events kept");
        assert_eq!((watched.digest, watched.events), (unwatched.digest, unwatched.events), "{name}: unwatched");
    }
}

/// A clone taken halfway goes on as the run it was taken from, and neither disturbs the other.
#[test]
fn a_clone_goes_on_to_the_same_end() {
    let advances = |mut run: Run| {
        let mut count = 1;
        while run.advance() {
            count += 1;
        }
        (count, run.report().digest)
    };
    for (name, scenario) in all() {
        let run = Run::new(scenario, RunOptions::default());
        let (count, digest) = advances(run.clone());
        let mut halfway = run;
        for _ in 0..count / 2 {
            halfway.advance();
        }
        let (rest, of_clone) = advances(halfway.clone());
        assert_eq!((rest, of_clone), (count - count / 2, digest), "{name}: the clone");
        assert_eq!(advances(halfway), (rest, digest), "{name}: the run it was taken from");
    }
}

/// Where anything is left to chance, another seed is another run. One story in four shows it.
#[test]
fn another_seed_is_another_run() {
    for (name, scenario) in all().step_by(4) {
        let timing = &scenario.timing;
        if [timing.link, timing.stage, timing.disk.fsync].iter().all(|span| span.low == span.high) {
            continue;
        }
        let digest = |seed| Run::new(scenario.clone(), RunOptions { seed: Some(seed), ..RunOptions::default() }).finish().0.digest;
        assert_ne!(digest(scenario.seed), digest(scenario.seed + 1), "{name}");
    }
}
