//! `zoolab trace`: what happened in a run, as text or to be stored.

use std::fs;
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};

use super::Outcome;
use super::filter_args::FilterArgs;
use super::input::{self, Loaded};
use super::interrupt::Interrupt;
use super::mistake::Mistake;
use super::output::Output;
use super::replace_file::replace_file;
use super::seeds::seed;
use super::trial::play;
use crate::scenario::{BEHAVIOUR, RunOptions};
use crate::trace::{Filter, Header, StoredTrace, TraceError, line, store};

/// Shows what happens in a run, event by event
///
/// Runs a scenario, whatever it comes to, or reads a stored trace (*.jsonl). Without filters text is the story, as in `run --trace`, and JSON lines are everything.
#[derive(Args)]
#[command(after_long_help = EXAMPLES)]
pub struct TraceArgs {
    /// A scenario or a stored trace; `-` for a scenario on standard input
    file: PathBuf,

    #[command(flatten)]
    filter: FilterArgs,

    /// Text for people, or JSON lines to be stored, searched and replayed
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,

    /// Another seed than the scenario's
    #[arg(long, value_name = "N", value_parser = seed, allow_negative_numbers = true)]
    seed: Option<u64>,

    /// All bug switches off
    #[arg(long)]
    no_bugs: bool,

    /// Writes to a file, at once and whole, instead of to standard output
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    Text,
    Jsonl,
}

const EXAMPLES: &str = "\
Examples:
  zoolab trace a.json                                         the story
  zoolab trace a.json --node s2 --time 1s..2s --all           all that happened to s2 in that second
  zoolab trace a.json --kind vote_changed --kind NOTIFICATION
  zoolab trace a.json --format jsonl -o a.jsonl               to be kept, and compared with `zoolab replay a.jsonl`

The first line of a stored trace is a header with the scenario, the seed, what was changed and which filters were used.
Every other line is an event: n, at (microseconds), node, cause (the event it follows from), kind, fields, text.

Exit codes: 0 shown or written (whatever the verdict), 2 bad input";

/// What [`Header::overrides`] says when the bug switches were off.
pub const NO_BUGS: &str = "--no-bugs";

pub fn trace(args: &TraceArgs, out: &mut Output) -> Result<Outcome, Mistake> {
    let wanted = wanted(args);
    let filter = wanted.filter()?;
    if let Some(output) = args.output.as_ref().filter(|output| is_same_file(output, &args.file)) {
        let mistake = Mistake::new(format_args!("{} would be written over by what is read from it", output.display()));
        return Err(mistake.with_help("name another file after -o"));
    }
    let source = input::read(&args.file)?;
    let text = match stored(&args.file, &source)? {
        Some(trace) => retell(&trace, args, &filter)?,
        None => {
            let loaded = input::parse(input::display(&args.file), &source)?;
            wanted.check_nodes(&loaded.scenario)?;
            tell(&loaded, args, &wanted, &filter)
        }
    };
    match &args.output {
        Some(file) => replace_file(file, &text)?,
        None => out.print(&text)?,
    }
    Ok(Outcome::AsExpected)
}

fn is_same_file(one: &Path, other: &Path) -> bool {
    let real = |path: &Path| fs::canonicalize(path).ok().filter(|path| path.is_file());
    real(one).is_some_and(|file| real(other) == Some(file))
}

/// A trace that is stored is complete unless a part of it is asked for.
fn wanted(args: &TraceArgs) -> FilterArgs {
    if args.format == Format::Jsonl { args.filter.with_all() } else { args.filter.clone() }
}

/// Reads a stored trace; `None` when it is something else, which a scenario may be.
fn stored(file: &Path, source: &[u8]) -> Result<Option<StoredTrace>, Mistake> {
    match StoredTrace::read(&String::from_utf8_lossy(source)) {
        Ok(trace) => Ok(Some(trace)),
        Err(TraceError::NotATrace { .. }) if file.extension().is_none_or(|extension| extension != "jsonl") => Ok(None),
        Err(error) => Err(Mistake::new(format_args!("{}: {error}", file.display()))),
    }
}

fn tell(loaded: &Loaded, args: &TraceArgs, wanted: &FilterArgs, filter: &Filter) -> String {
    let options = RunOptions { seed: args.seed, no_bugs: args.no_bugs, keep_events: true, unwatched: false };
    let run = play(&loaded.scenario, options, &Interrupt::default()).expect("nobody interrupts it");
    let events = run.events().iter().filter(|event| filter.admits(*event));
    match args.format {
        Format::Text => events.map(|event| line(event) + "\n").collect(),
        Format::Jsonl => store(&header(loaded, args, wanted), events),
    }
}

fn header(loaded: &Loaded, args: &TraceArgs, wanted: &FilterArgs) -> Header {
    Header {
        behaviour: BEHAVIOUR,
        file: loaded.file.clone(),
        scenario: loaded.source.clone(),
        seed: args.seed.unwrap_or(loaded.scenario.seed),
        overrides: args.no_bugs.then(|| NO_BUGS.to_string()).into_iter().collect(),
        filter: wanted.words(),
    }
}

/// The text of a stored trace, whose run is over.
fn retell(trace: &StoredTrace, args: &TraceArgs, filter: &Filter) -> Result<String, Mistake> {
    let refused = |what: &str| {
        let mistake = Mistake::new(format_args!("{} is a stored trace, and {what}", args.file.display()));
        Err(mistake.with_help("take the scenario out of its first line, or give the scenario's file"))
    };
    if args.seed.is_some() || args.no_bugs {
        return refused("--seed and --no-bugs need a run");
    }
    if args.format == Format::Jsonl {
        return refused("is in that format already");
    }
    Ok(trace.events.iter().filter(|event| filter.admits(*event)).map(|event| line(event) + "\n").collect())
}
