//! `zoolab replay`: is a stored trace still what happens?

use std::path::PathBuf;

use clap::Args;

use super::Outcome;
use super::filter_args::FilterArgs;
use super::input;
use super::interrupt::Interrupt;
use super::mistake::Mistake;
use super::output::{DOUBT, FAIL, GOOD, Output};
use super::trace::NO_BUGS;
use super::trial::play;
use crate::scenario::{BEHAVIOUR, RunOptions, Scenario};
use crate::trace::{Filter, StoredEvent, StoredTrace, TraceError, first_difference};

/// Runs a stored trace again and compares event by event
///
/// The trace brings its scenario, seed and changes along. Only the wording of events may differ. A trace of a part (`trace --node s1`) is
/// compared with the same part.
#[derive(Args)]
#[command(after_long_help = EXAMPLES)]
pub struct ReplayArgs {
    /// A stored trace
    #[arg(value_name = "TRACE.jsonl")]
    file: PathBuf,
}

const EXAMPLES: &str = "\
Examples:
  zoolab trace a.json --format jsonl -o a.jsonl
  zoolab replay a.jsonl

Exit codes: 0 same, 2 bad input, 3 made by another version, 4 not deterministic";

const STORING: &str = "`zoolab trace FILE --format jsonl -o FILE.jsonl` stores a trace";

pub fn replay(args: &ReplayArgs, out: &mut Output) -> Result<Outcome, Mistake> {
    let file = input::display(&args.file);
    let about = |what: &dyn std::fmt::Display| Mistake::new(format_args!("{file}: {what}"));
    let source = input::read(&args.file)?;
    let trace = StoredTrace::read(&String::from_utf8_lossy(&source)).map_err(|error| match error {
        TraceError::NotATrace { .. } if Scenario::read(&source).is_ok() => {
            Mistake::new(format_args!("{file} is a scenario, not a stored trace")).with_help(format_args!("`zoolab run {file}` plays it; {STORING}"))
        }
        TraceError::NotATrace { .. } => about(&error).with_help(STORING),
        TraceError::Changed => about(&error).with_help(format_args!("it says nothing about the run; {STORING}")),
        TraceError::BadLine { .. } | TraceError::OtherVersion { .. } => about(&error),
    })?;
    let header = &trace.header;
    if header.behaviour != BEHAVIOUR {
        let (then, now) = (header.behaviour, BEHAVIOUR);
        let what = format!("behaviour {then}, and this one has behaviour {now}: it may rightly tell another story");
        out.print(&format!("{DOUBT}made by another version{DOUBT:#}  {file}: {what}\n"))?;
        return Ok(Outcome::Undecided);
    }
    if let Some(unknown) = header.overrides.iter().find(|word| *word != NO_BUGS) {
        return Err(about(&format_args!("its header has a change that is not known: `{unknown}`")));
    }
    let filter =
        FilterArgs::parse(&header.filter).map_err(|_| about(&format_args!("its filter `{}` is not known", header.filter.join(" "))))?.filter()?;
    let scenario = input::parse(format!("{file}: {}", header.file), header.scenario.as_bytes())?.scenario;
    let options = RunOptions { seed: Some(header.seed), no_bugs: !header.overrides.is_empty(), keep_events: true, unwatched: false };
    let run = play(&scenario, options, &Interrupt::default()).expect("nobody interrupts it");
    let count = trace.events.len();
    match first_difference(trace.events, again(run.events(), &filter)) {
        None => {
            out.print(&format!("{GOOD}same{GOOD:#}  {file}: {count} events\n"))?;
            Ok(Outcome::AsExpected)
        }
        Some(difference) => {
            out.print(&format!("{FAIL}not deterministic{FAIL:#}  {file}\n{}", difference.between("stored", "now")))?;
            Ok(Outcome::NotDeterministic)
        }
    }
}

/// The events of a run as they would be stored.
fn again(events: &[crate::trace::Event], filter: &Filter) -> impl Iterator<Item = StoredEvent> {
    events.iter().filter(|event| filter.admits(*event)).map(StoredEvent::from)
}
