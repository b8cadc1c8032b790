//! `zoolab conform`: does the simulated ensemble answer as a real one did?

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use rayon::prelude::*;
use serde_json::{Value, json};

use super::Outcome;
use super::input::{self, Kind};
use super::mistake::Mistake;
use super::output::{FAIL, FAINT, GOOD, HINT, Output};
use super::run::pool;
use super::seeds::Seeds;
use crate::conform::{self, Difference, FieldDifference, Got, Options, Transcript};
use crate::proto::Version;

/// Replays transcripts of a real ensemble against a simulated one: same answers?
///
/// A transcript (*.jsonl, format zk-transcript/1) is a sequence of requests with what a real ensemble answered: results, error codes, stat
/// fields, transaction numbers, watch notifications. Three simulated servers are asked the same. Of a transcript that comes out otherwise the
/// first line that differs is shown, with both answers and each value that is not the same.
#[derive(Args)]
#[command(after_long_help = EXAMPLES)]
pub struct ConformArgs {
    /// Transcripts, folders that hold some (*.jsonl, at any depth), or `-` for standard input
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,

    /// The release that the servers behave like; by default the one that a transcript was recorded on
    #[arg(long, value_enum)]
    version: Option<Release>,

    /// Faults between the requests, with every seed of a range: the answers must still be the same
    ///
    /// Servers crash and come back, others are elected, messages take 1 to 50 ms; sessions live on, and their clients find another server.
    #[arg(long, value_name = "RANGE", allow_hyphen_values = true)]
    shake: Option<Seeds>,

    /// One JSON object per replay and line on standard output, and nothing else there
    ///
    /// Keys: file, title, result (same or diff), requests; if they differ also line (the header is 1), request_number, session (unless it is
    /// nobody's), request, expected, and got with differs, or reason. With --shake one object per seed, which it names.
    #[arg(long)]
    json: bool,

    /// How many replays at the same time; as many as there are cores by default
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..), allow_negative_numbers = true)]
    jobs: Option<u16>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Release {
    #[value(name = "3.8")]
    V3_8,
    #[value(name = "3.9")]
    V3_9,
}

const EXAMPLES: &str = "\
Examples:
  zoolab conform tests/data/oracle/transcripts                all of a folder
  zoolab conform a.jsonl --version 3.9                        what would another release answer?
  zoolab conform a.jsonl --shake 1..=20                       and if servers crash meanwhile?
  zoolab conform --json a.jsonl | jq -r .differs              for programs

Exit codes: 0 all the same, 1 some differ, 2 bad input";

const TRANSCRIPTS: Kind = Kind { suffixes: &[".jsonl"], name: "transcript", help: "a transcript is a file of the format zk-transcript/1" };

/// Differing values that are shown of a line.
const SHOWN: usize = 8;

/// A transcript, and where it is from.
struct Loaded {
    file: String,
    transcript: Transcript,
}

/// One replay of a transcript.
struct Replay<'a> {
    loaded: &'a Loaded,
    /// Of the faults, if there are any.
    seed: Option<u64>,
    difference: Option<Difference>,
}

/// Of all replays so far.
#[derive(Default)]
struct Tally {
    replays: usize,
    different: usize,
}

pub fn conform(args: &ConformArgs, out: &mut Output) -> Result<Outcome, Mistake> {
    let transcripts = input::load_each(&args.paths, &TRANSCRIPTS, load)?;
    let pool = pool(args.jobs)?;
    let mut tally = Tally::default();
    // In small groups, so that results are seen as they come.
    for group in transcripts.chunks(4 * pool.current_num_threads()) {
        let replays: Vec<Vec<Replay>> = pool.install(|| group.par_iter().map(|loaded| replay_all(loaded, args)).collect());
        for of_one in replays {
            tally.replays += of_one.len();
            tally.different += of_one.iter().filter(|replay| replay.difference.is_some()).count();
            let shown = if args.json { of_one.iter().map(Replay::json).collect() } else { text(&of_one) };
            out.print(&shown)?;
        }
        if out.is_closed() {
            break;
        }
    }
    if !args.json {
        out.print(&tally.text(args))?;
    }
    Ok(if tally.different == 0 { Outcome::AsExpected } else { Outcome::Missed })
}

/// Once, or once for each seed.
fn replay_all<'a>(loaded: &'a Loaded, args: &ConformArgs) -> Vec<Replay<'a>> {
    let version = args.version.map(version_of);
    let replay = |shake| Replay { loaded, seed: shake, difference: conform::replay(&loaded.transcript, Options { version, shake }) };
    match args.shake {
        None => vec![replay(None)],
        Some(seeds) => seeds.all().into_par_iter().map(|seed| replay(Some(seed))).collect(),
    }
}

fn load(path: &Path) -> Result<Loaded, Mistake> {
    let file = input::display(path);
    let source = input::read(path)?;
    let text = std::str::from_utf8(&source).map_err(|_| Mistake::new(format_args!("{file}: not UTF-8")))?;
    match Transcript::read(text) {
        Ok(transcript) => Ok(Loaded { file, transcript }),
        Err(flaw) => {
            let mistake = Mistake::new(format_args!("{file}, {flaw}"));
            Err(match flaw.help {
                Some(help) => mistake.with_help(help),
                None => mistake,
            })
        }
    }
}

fn version_of(release: Release) -> Version {
    match release {
        Release::V3_8 => Version::V3_8,
        Release::V3_9 => Version::V3_9,
    }
}

impl Tally {
    fn text(&self, args: &ConformArgs) -> String {
        let Tally { replays, different } = self;
        let (what, plural) = (if args.shake.is_some() { "replay" } else { "transcript" }, if *replays == 1 { "" } else { "s" });
        let differ = if *different == 0 { String::new() } else { format!(", {FAIL}{different} different{FAIL:#}") };
        format!("\n{replays} {what}{plural}: {} same{differ}\n", replays - different)
    }
}

/// The replays of one transcript: the first that differs, with how many do.
fn text(replays: &[Replay]) -> String {
    let mut different = replays.iter().filter(|replay| replay.difference.is_some());
    let Some(first) = different.next() else {
        return replays.first().map_or_else(String::new, |replay| format!("{GOOD}same{GOOD:#} {}\n", replay.loaded.file));
    };
    let others = different.count();
    let more = if others == 0 { String::new() } else { format!("     {FAINT}and with {others} other seeds{FAINT:#}\n") };
    first.text() + &more
}

impl Replay<'_> {
    fn text(&self) -> String {
        let Some(difference) = &self.difference else { return String::new() };
        let asker = difference.session.as_deref().unwrap_or("-");
        let seed = self.seed.map_or_else(String::new, |seed| format!(", seed {seed}"));
        let place = format!("line {}, request {}{seed}", difference.line, difference.request_number);
        let mut text = format!("{FAIL}DIFF{FAIL:#} {}: {place}\n", self.loaded.file);
        let mut row = |name: &str, value: &str| text += &format!("     {FAINT}{name:<9}{FAINT:#} {value}\n");
        row("request", &format!("{asker} {}", difference.request));
        row("expected", &difference.expected.to_string());
        match &difference.got {
            Got::Answer(got) => row("got", &got.to_string()),
            Got::Nothing(reason) => row("got", reason),
        }
        let fields = difference.fields();
        for (index, field) in fields.iter().take(SHOWN).enumerate() {
            row(if index == 0 { "differs" } else { "" }, &field_text(field));
        }
        if fields.len() > SHOWN {
            row("", &format!("and {} more", fields.len() - SHOWN));
        }
        text
    }

    fn json(&self) -> String {
        let Loaded { file, transcript } = self.loaded;
        let mut object = json!({
            "file": file,
            "title": transcript.title,
            "result": if self.difference.is_some() { "diff" } else { "same" },
            "requests": transcript.lines.len(),
        });
        if let Some(seed) = self.seed {
            object["seed"] = seed.into();
        }
        if let Some(difference) = &self.difference {
            object["line"] = difference.line.into();
            object["request_number"] = difference.request_number.into();
            if let Some(session) = &difference.session {
                object["session"] = session.as_str().into();
            }
            object["request"] = serde_json::from_str(&difference.request).unwrap_or(Value::Null);
            object["expected"] = difference.expected.to_json();
            match &difference.got {
                Got::Answer(got) => {
                    object["got"] = got.to_json();
                    object["differs"] = difference.fields().iter().map(field_json).collect();
                }
                Got::Nothing(reason) => object["reason"] = reason.as_str().into(),
            }
        }
        format!("{object}\n")
    }
}

fn field_text(field: &FieldDifference) -> String {
    let shown = |value: &Option<Value>| value.as_ref().map_or_else(|| "nothing".to_string(), Value::to_string);
    format!("{}: expected {}, got {HINT}{}{HINT:#}", field.place, shown(&field.expected), shown(&field.got))
}

/// A value that is not there is left out.
fn field_json(field: &FieldDifference) -> Value {
    let mut object = json!({ "place": field.place });
    for (name, value) in [("expected", &field.expected), ("got", &field.got)] {
        if let Some(value) = value {
            object[name] = value.clone();
        }
    }
    object
}
