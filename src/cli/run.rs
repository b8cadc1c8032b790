//! `zoolab run`: plays scenarios and judges them.

use std::path::PathBuf;

use clap::Args;
use rayon::prelude::*;
use rayon::{ThreadPool, ThreadPoolBuilder};

use super::input::{self, Loaded};
use super::interrupt::Interrupt;
use super::junit::Junit;
use super::mistake::Mistake;
use super::output::Output;
use super::row::{self, Titles};
use super::seeds::{self, Seeds};
use super::summary::Summary;
use super::trial::{Measure, Trial, Trials};
use super::{Outcome, export, sweep};

/// Runs scenarios and judges them: a line each, then what really happened
///
/// A line shows the verdict (ok, FAIL, UNKNOWN), the title, the virtual time at the end, the number of events, and the digest, which is
/// the same on every machine. Beneath it stands what is not as expected.
#[derive(Args)]
#[command(after_long_help = EXAMPLES)]
pub struct RunArgs {
    /// Scenario files, folders that hold some (*.json, at any depth), or `-` for standard input
    #[arg(default_value = "scenarios", value_name = "PATH")]
    paths: Vec<PathBuf>,

    /// Another seed than the scenario's
    #[arg(long, value_name = "N", conflicts_with = "seeds", value_parser = seeds::seed, allow_negative_numbers = true)]
    seed: Option<u64>,

    /// Every scenario with every seed of a range, as in Rust: 1..=200
    ///
    /// The checks count, not what a scenario expects of its own seed: a seed is bad when its verdict is neither pass nor (without
    /// --no-bugs) one that the scenario expects. Ctrl-C ends a sweep with what is known.
    #[arg(long, value_name = "RANGE", allow_hyphen_values = true)]
    seeds: Option<Seeds>,

    /// All bug switches off: a scenario about a bug must then pass
    #[arg(long)]
    no_bugs: bool,

    /// Every run twice, which must be the same; shows the first event that differs
    #[arg(long)]
    twice: bool,

    /// One JSON object per run and line on standard output, and nothing else there
    ///
    /// Keys: file, title, verdict, reason (unless passed), as_expected, missed, seed, digest (16 hexadecimal digits), time_us (virtual),
    /// events, steps_fired, steps_total, beyond_budget (unless empty), same_twice (with --twice), statistics, by_fault (what became of
    /// requests and sessions behind each kind of fault, and how long it took to a leader and a commit, in microseconds; unless there was
    /// none), recovery, workloads (unless there are none), violation (if there is one: its name, code, rule, source, facts, the requests
    /// that it is about, and the command that shows it again). In a sweep, too, one object per run.
    #[arg(long, conflicts_with = "trace")]
    json: bool,

    /// A report in JUnit's format, for continuous integration: one suite per file, one case per seed
    ///
    /// Written at the end, whole or not at all. A failure holds the whole report.
    #[arg(long, value_name = "FILE")]
    junit: Option<PathBuf>,

    /// The story of each run before its line: what was done, and what the servers decided and why
    #[arg(long, conflicts_with = "seeds")]
    trace: bool,

    /// Writes what each server's disk holds at the end to a folder, new or empty: a data directory for each, DIR/s1, DIR/s2, …
    ///
    /// As processes see it, the page cache included. A real ZooKeeper can be started on it, and `zoolab disk` shows it. Needs one scenario.
    #[arg(long, value_name = "DIR", conflicts_with = "seeds")]
    export_disks: Option<PathBuf>,

    /// How many runs at the same time; as many as there are cores by default
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..), allow_negative_numbers = true)]
    jobs: Option<u16>,
}

const EXAMPLES: &str = "\
Examples:
  zoolab run                                   all scenarios of the folder scenarios/
  zoolab run --trace scenarios/tie_even.json   one of them, with its story
  zoolab run --seeds 1..=200 --no-bugs         a sweep: does it hold whatever the timing?
  zoolab run --twice a.json b.json             is it deterministic?
  zoolab run --json | jq -r .digest            for programs
  zoolab run --junit zoolab.xml                for continuous integration
  zoolab run a.json --export-disks out         and `zoolab disk out/s1`

Exit codes: 0 as expected, 1 violation or expectation missed, 2 bad input, 3 could not decide (or interrupted), 4 not deterministic";

/// How results are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    Text,
    Json,
}

pub fn run(args: &RunArgs, out: &mut Output) -> Result<Outcome, Mistake> {
    let scenarios = input::load_all(&args.paths)?;
    check_export(args, &scenarios)?;
    let pool = pool(args.jobs)?;
    let measure = if args.seeds.is_some() { Measure::Checks } else { Measure::Expectations };
    let interrupt = Interrupt::on_ctrl_c();
    let trials =
        Trials { no_bugs: args.no_bugs, twice: args.twice, keep_events: args.trace, keep_disks: args.export_disks.is_some(), measure, interrupt };
    let form = if args.json { Form::Json } else { Form::Text };
    let mut junit = Junit::to(args.junit.as_ref(), "run")?;
    let outcome = match args.seeds {
        Some(seeds) => sweep::sweep(&scenarios, seeds, &trials, form, &pool, &mut junit, out),
        None => each_once(&scenarios, args, &trials, &pool, &mut junit, out),
    }?;
    junit.map_or(Ok(()), Junit::write)?;
    Ok(outcome)
}

fn check_export(args: &RunArgs, scenarios: &[Loaded]) -> Result<(), Mistake> {
    match (&args.export_disks, scenarios) {
        (None, _) => Ok(()),
        (Some(folder), [_]) => export::check_target(folder),
        (Some(_), _) => {
            let mistake = Mistake::new(format_args!("--export-disks takes the disks of one scenario, and {} are given", scenarios.len()));
            Err(mistake.with_help("name one file"))
        }
    }
}

/// The threads that runs are made on.
pub fn pool(jobs: Option<u16>) -> Result<ThreadPool, Mistake> {
    let threads = usize::from(jobs.unwrap_or(0));
    ThreadPoolBuilder::new().num_threads(threads).build().map_err(|error| Mistake::new(format_args!("cannot start threads: {error}")))
}

fn each_once(
    scenarios: &[Loaded],
    args: &RunArgs,
    trials: &Trials,
    pool: &ThreadPool,
    junit: &mut Option<Junit>,
    out: &mut Output,
) -> Result<Outcome, Mistake> {
    let titles = Titles::of(scenarios, out);
    let mut summary = Summary::default();
    // In small groups, so that results are seen as they come and few runs are held at once.
    for group in scenarios.chunks(4 * pool.current_num_threads()) {
        let runs: Vec<Option<Trial>> = pool.install(|| group.par_iter().map(|loaded| trials.run(loaded, args.seed)).collect());
        for (loaded, trial) in group.iter().zip(&runs) {
            let Some(trial) = trial else { continue };
            if args.trace && !summary.is_empty() {
                out.print("\n")?;
            }
            summary.add(trial);
            if let Some(junit) = junit {
                junit.add(row::case(loaded, trial, trials));
            }
            if let Some(folder) = &args.export_disks {
                export::export(&trial.disks, folder)?;
            }
            out.print(&shown(loaded, trial, args, trials, titles))?;
        }
        if out.is_closed() {
            trials.interrupt.raise();
        }
    }
    let interrupted = trials.interrupt.is_raised();
    if !args.json {
        out.print(&summary.text(interrupted, out.width()))?;
    }
    Ok(summary.outcome(interrupted))
}

fn shown(loaded: &Loaded, trial: &Trial, args: &RunArgs, trials: &Trials, titles: Titles) -> String {
    if args.json {
        return row::json(loaded, trial, trials);
    }
    let story = if args.trace { row::story(loaded, trial) } else { String::new() };
    story + &row::text(loaded, trial, trials, titles)
}
