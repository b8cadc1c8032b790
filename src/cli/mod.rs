//! The command line: one file per verb, and what they share.
//!
//! Only this module talks to the terminal, reads and writes files, and starts threads. What a verb has to tell the user goes to standard
//! output through `output::Output`; mistakes of the user and progress go to standard error.
#![allow(clippy::disallowed_methods, clippy::disallowed_types, reason = "cli is where the program meets the machine")]

mod check;
mod completions;
mod conform;
mod disk;
mod export;
mod filter_args;
mod help;
mod input;
mod interrupt;
mod junit;
mod mistake;
mod new;
mod output;
mod replace_file;
mod replay;
mod row;
mod run;
mod schema;
mod seeds;
mod shell;
mod summary;
mod sweep;
mod trace;
mod trial;

use std::ffi::OsString;

use clap::{Parser, Subcommand};

use output::Output;

/// What a command came to, from the best to the worst: of several runs the worst one counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Outcome {
    /// Everything is as expected, or was done as asked.
    AsExpected,
    /// The runs do not tell, were interrupted, or cannot be compared.
    Undecided,
    /// An invariant is violated, or an expectation is missed.
    Missed,
    /// The same run, twice, was not the same.
    NotDeterministic,
    /// The user has something to put right, and nothing was run.
    BadInput,
}

/// Replays failures of a simulated ZooKeeper ensemble, the same on every machine.
///
/// A scenario is a JSON file: which servers, what happens when, what must be true. zoolab plays it in virtual time and judges it.
#[derive(Parser)]
#[command(name = "zoolab", version, disable_help_subcommand = true, after_help = TOPICS, after_long_help = LONG_END, max_term_width = 110)]
struct Cli {
    #[command(subcommand)]
    verb: Verb,
}

const TOPICS: &str = "Topics: zoolab help steps | when | bugs | checks";

const LONG_END: &str = "\
Topics:
  zoolab help steps     what a step of a scenario can do
  zoolab help when      the events that steps wait for, and that traces show
  zoolab help bugs      known bugs of ZooKeeper that a scenario can switch on
  zoolab help checks    the invariants that are checked

Examples:
  zoolab run                            all scenarios of the folder scenarios/
  zoolab run --trace a.json             one of them, with its story
  zoolab new mine && zoolab run mine.json

Exit codes:
  0  as expected
  1  an invariant is violated, or an expectation is missed
  2  bad input
  3  could not decide
  4  not deterministic";

#[derive(Subcommand)]
enum Verb {
    Run(run::RunArgs),
    Trace(trace::TraceArgs),
    Replay(replay::ReplayArgs),
    New(new::NewArgs),
    Conform(conform::ConformArgs),
    Check(check::CheckArgs),
    Shell(shell::ShellArgs),
    Disk(disk::DiskArgs),
    /// Prints the JSON Schema of scenario files, for editors
    Schema,
    Help(help::HelpArgs),
    Completions(completions::CompletionsArgs),
}

/// Does what the command line says; `args` begins with the name of the program.
pub fn run(args: impl IntoIterator<Item = OsString>) -> Outcome {
    let cli = match Cli::try_parse_from(args) {
        Ok(cli) => cli,
        Err(error) => return clap_says(&error),
    };
    let mut out = Output::new();
    let outcome = match &cli.verb {
        Verb::Run(args) => run::run(args, &mut out),
        Verb::Trace(args) => trace::trace(args, &mut out),
        Verb::Replay(args) => replay::replay(args, &mut out),
        Verb::New(args) => new::new(args, &mut out),
        Verb::Check(args) => check::check(args, &mut out),
        Verb::Conform(args) => conform::conform(args, &mut out),
        Verb::Shell(args) => shell::shell(args, &mut out),
        Verb::Disk(args) => disk::disk(args, &mut out),
        Verb::Schema => schema::schema(&mut out),
        Verb::Help(args) => help::help(args, &mut out),
        Verb::Completions(args) => completions::completions(args, &mut out),
    };
    outcome.unwrap_or_else(|mistake| {
        mistake.tell();
        Outcome::BadInput
    })
}

/// A usage error, or the help and version that were asked for.
fn clap_says(error: &clap::Error) -> Outcome {
    // Nobody is left to be told when this fails.
    let _ = error.print();
    if error.use_stderr() { Outcome::BadInput } else { Outcome::AsExpected }
}
