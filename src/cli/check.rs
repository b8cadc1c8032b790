//! `zoolab check`: are recorded histories linearizable?

use std::fmt::Write;
use std::io::Read;
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use lzma_rust2::XzReader;
use rayon::prelude::*;
use serde_json::{Value, json};

use super::Outcome;
use super::input::{self, Kind};
use super::junit::{Case, Junit};
use super::mistake::Mistake;
use super::output::{DOUBT, FAIL, FAINT, GOOD, HINT, Output};
use super::run::pool;
use crate::check::{self, Violation};
use crate::linear::{self, AnyHistory, Candidate, Explanation, History, Limit, Model, ModelName, Options, Told, Verdict, Why};
use crate::trace::StoredTrace;

/// Searches histories of clients for an order that explains every answer: are they linearizable?
///
/// A stored trace (`zoolab trace --output`) is run again, held against the one order that its zxids tell, and what its clients wrote and
/// were answered is searched like any other history: could they tell?
///
/// A history (*.jsonl, also *.jsonl.xz) has one JSON object a line, one line an operation, in the order of calls: `id`; `p`, the client; `f` and
/// `in`, the operation and its argument; `out`, its answer, or null if that was never known; `call` and `ret`, places in one total order of all
/// calls and returns, null if it never returned.
#[derive(Args)]
#[command(after_long_help = EXAMPLES)]
pub struct CheckArgs {
    /// Histories, folders that hold some (*.jsonl, *.jsonl.xz, at any depth), or `-` for standard input
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,

    /// What the operations are done to; by default the model that knows the first one
    ///
    /// cas-register: read, write, cas on one number. kv: get, put, append on texts by key. znode: create, delete, setData, getData, exists,
    /// getChildren, multi and closeSession on a tree of znodes.
    #[arg(long, value_enum)]
    model: Option<Named>,

    /// Configurations to look at before a history is given up as UNKNOWN; a history has some for each operation, unless it is a hard one
    #[arg(long, value_name = "N", default_value_t = Options::default().budget, value_parser = clap::value_parser!(u64).range(1..), allow_negative_numbers = true)]
    budget: u64,

    /// Of a history that is linearizable, the order that explains it
    #[arg(long)]
    witness: bool,

    /// One JSON object per history and line on standard output, and nothing else there
    ///
    /// Keys: file, model, verdict (ok, illegal, unknown), operations, parts, configurations; witness (with --witness: part and ids); if illegal
    /// part, prefix (ids), state, candidates (operation, why and what of it), core, core_stands_alone; if unknown part, exhausted, widest, never_returned.
    /// Of a stored trace also known_order (pass, or the name of what is broken), facts, transactions.
    #[arg(long)]
    json: bool,

    /// A report in JUnit's format, for continuous integration: one suite per file, one case per history
    ///
    /// Written at the end, whole or not at all. A failure holds the whole report.
    #[arg(long, value_name = "FILE")]
    junit: Option<PathBuf>,

    /// How many histories at the same time; as many as there are cores by default
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..), allow_negative_numbers = true)]
    jobs: Option<u16>,
}

/// A model, as the command line calls it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Named(ModelName);

impl ValueEnum for Named {
    fn value_variants<'a>() -> &'a [Named] {
        &[Named(ModelName::Register), Named(ModelName::Kv), Named(ModelName::Znode)]
    }

    fn to_possible_value(&self) -> Option<clap::builder::PossibleValue> {
        Some(clap::builder::PossibleValue::new(self.0.name()))
    }
}

const EXAMPLES: &str = "\
Examples:
  zoolab check history.jsonl                    linearizable, and if not, why?
  zoolab check tests/data/histories             all of a folder
  zoolab check run.jsonl                        a stored trace: is it what ZooKeeper promises, and could its clients tell?
  zoolab check --witness a.jsonl                and in which order?
  zoolab check --json . | jq -r .verdict        for programs

Exit codes: 0 all ok, 1 some illegal, 2 bad input, 3 some unknown and none illegal";

const HISTORIES: Kind = Kind { suffixes: &[".jsonl", ".jsonl.xz"], name: "history", help: "`zoolab help check` tells what a history looks like" };

/// Lines of a report that are shown of the order before it stops, of what could come next, and of the operations at odds.
const PREFIX_SHOWN: usize = 4;
const CANDIDATES_SHOWN: usize = 12;
const CORE_SHOWN: usize = 24;

struct Loaded {
    file: String,
    history: AnyHistory,
    /// Of a run of ours.
    known: Option<KnownOrder>,
}

/// What the known order of a run says of it.
struct KnownOrder {
    violation: Option<Violation>,
    txns: usize,
}

/// What became of one history.
struct Judged {
    outcome: Outcome,
    text: String,
}

pub fn check(args: &CheckArgs, out: &mut Output) -> Result<Outcome, Mistake> {
    let histories = input::load_each(&args.paths, &HISTORIES, |path| load(path, args.model.map(|named| named.0)))?;
    let pool = pool(args.jobs)?;
    let mut junit = Junit::to(args.junit.as_ref(), "check")?;
    let mut outcomes = Vec::new();
    // In small groups, so that results are seen as they come.
    for group in histories.chunks(4 * pool.current_num_threads()) {
        let judged: Vec<Judged> = pool.install(|| group.par_iter().map(|loaded| judge(loaded, args)).collect());
        for (loaded, Judged { outcome, text }) in group.iter().zip(judged) {
            if let Some(junit) = &mut junit {
                junit.add(case(loaded, outcome, &text));
            }
            out.print(&text)?;
            outcomes.push(outcome);
        }
        if out.is_closed() {
            break;
        }
    }
    if !args.json {
        out.print(&tally(&outcomes))?;
    }
    junit.map_or(Ok(()), Junit::write)?;
    Ok(outcomes.into_iter().max_by_key(|outcome| severity(*outcome)).unwrap_or(Outcome::AsExpected))
}

/// The test that a history is.
fn case<'a>(loaded: &'a Loaded, outcome: Outcome, text: &str) -> Case<'a> {
    let violation = loaded.known.as_ref().and_then(|known| known.violation.as_ref());
    let message = match (violation, outcome) {
        (Some(violation), _) => violation.to_string(),
        (None, Outcome::Undecided) => "the budget did not do".into(),
        (None, _) => "no order explains every answer".into(),
    };
    let kind = violation.map_or("linearizability", |violation| violation.invariant.info().name);
    Case { suite: &loaded.file, name: loaded.file.clone(), outcome, message, kind, text: text.into() }
}

/// Of several histories the worst counts: what is illegal is so whatever else is unknown.
fn severity(outcome: Outcome) -> u8 {
    match outcome {
        Outcome::AsExpected => 0,
        Outcome::Undecided => 1,
        _ => 2,
    }
}

fn load(path: &Path, model: Option<ModelName>) -> Result<Loaded, Mistake> {
    let file = input::display(path);
    let source = unpacked(&file, input::read(path)?)?;
    let text = std::str::from_utf8(&source).map_err(|_| Mistake::new(format_args!("{file}: not UTF-8")))?;
    if StoredTrace::is_one(text) {
        return load_trace(file, text, model);
    }
    match AnyHistory::read(text, model) {
        Ok(history) => Ok(Loaded { file, history, known: None }),
        Err(flaw) => {
            let mistake = Mistake::new(format_args!("{file}, {flaw}"));
            Err(match flaw.help {
                Some(help) => mistake.with_help(help),
                None => mistake,
            })
        }
    }
}

/// A run of ours, run again.
fn load_trace(file: String, text: &str, model: Option<ModelName>) -> Result<Loaded, Mistake> {
    if model.is_some_and(|model| model != ModelName::Znode) {
        return Err(Mistake::new(format_args!("{file} is a stored trace: its clients work on znodes")).with_help("leave `--model` out"));
    }
    let trace = StoredTrace::read(text).map_err(|error| Mistake::new(format_args!("{file}: {error}")))?;
    let again = trace
        .again()
        .map_err(|why| Mistake::new(format_args!("{file}: {why}")).with_help(format_args!("`zoolab replay {file}` tells where the two part")))?;
    let history = AnyHistory::Znode(again.history.client_history());
    let violation = again.history.violation.or(match again.report.verdict {
        check::Verdict::Violation(violation) => Some(violation),
        _ => None,
    });
    Ok(Loaded { file, history, known: Some(KnownOrder { violation, txns: again.history.log.len() }) })
}

/// How a file begins that xz wrote.
const XZ_MAGIC: &[u8] = b"\xfd7zXZ\0";

/// What was packed with xz as it was before, up to the size that a file may have.
fn unpacked(file: &str, source: Vec<u8>) -> Result<Vec<u8>, Mistake> {
    if !source.starts_with(XZ_MAGIC) {
        return Ok(source);
    }
    let mut unpacked = Vec::new();
    let read = XzReader::new(&source[..], true).take(input::BYTES_MAX + 1).read_to_end(&mut unpacked);
    read.map_err(|error| Mistake::new(format_args!("{file}: damaged, xz cannot unpack it: {error}")))?;
    if unpacked.len() as u64 > input::BYTES_MAX {
        return Err(Mistake::new(format_args!("{file} is too large unpacked: more than {} MiB", input::BYTES_MAX >> 20)));
    }
    Ok(unpacked)
}

fn judge(loaded: &Loaded, args: &CheckArgs) -> Judged {
    match &loaded.history {
        AnyHistory::Register(history) => judge_one(loaded, history, args),
        AnyHistory::Kv(history) => judge_one(loaded, history, args),
        AnyHistory::Znode(history) => judge_one(loaded, history, args),
    }
}

/// A history with its verdict, about to be told.
struct Report<'a, M: Model> {
    file: &'a str,
    known: Option<&'a KnownOrder>,
    history: &'a History<M>,
    checked: linear::Checked,
}

fn judge_one<M: Model>(loaded: &Loaded, history: &History<M>, args: &CheckArgs) -> Judged {
    let checked = linear::check(history, &Options { budget: args.budget, ..Options::default() });
    let (file, known) = (loaded.file.as_str(), loaded.known.as_ref());
    let outcome = match checked.verdict {
        _ if known.is_some_and(|known| known.violation.is_some()) => Outcome::Missed,
        Verdict::Ok { .. } => Outcome::AsExpected,
        Verdict::Illegal { .. } => Outcome::Missed,
        Verdict::Unknown { .. } => Outcome::Undecided,
    };
    let report = Report { file, known, history, checked };
    Judged { outcome, text: if args.json { report.json(args.witness) } else { report.text(args.witness) } }
}

impl<M: Model> Report<'_, M> {
    fn text(&self, with_witness: bool) -> String {
        let (style, word) = match self.checked.verdict {
            Verdict::Ok { .. } if self.violation().is_some() => (FAIL, "BROKEN"),
            Verdict::Ok { .. } => (GOOD, "ok"),
            Verdict::Illegal { .. } => (FAIL, "ILLEGAL"),
            Verdict::Unknown { .. } => (DOUBT, "UNKNOWN"),
        };
        let size = format!("{}, {}", counted(self.history.operations.len(), "operation"), counted(self.checked.configurations, "configuration"));
        let mut text = format!("{style}{word:<7}{style:#}  {}  {FAINT}{size}{FAINT:#}\n", self.file);
        text += &self.known_text();
        match &self.checked.verdict {
            Verdict::Ok { witness } if with_witness => {
                for part in witness {
                    text += &heading("in this order", &part.name);
                    part.operations.iter().for_each(|index| text += &row(&self.told(*index)));
                }
            }
            Verdict::Ok { .. } => {}
            Verdict::Illegal { part, longest } => {
                text += &heading("no order explains every answer", &part.name);
                text += &explanation(&linear::explain(self.history, part, longest), part.operations.len());
            }
            Verdict::Unknown { part, exhausted, widest, never_returned } => {
                text += &heading(&format!("undecided: {}", exhausted_text(*exhausted)), &part.name);
                let size = counted(part.operations.len(), "operation");
                text += &format!("{INDENT}{size}, at most {widest} at once, {never_returned} never returned\n");
            }
        }
        text
    }

    /// What the known order has to do with it.
    fn known_text(&self) -> String {
        let Some(known) = self.known else { return String::new() };
        let Some(violation) = self.violation() else {
            let agree = if let Verdict::Ok { .. } = self.checked.verdict { "and so say their zxids" } else { "by their zxids all is well" };
            return format!("{INDENT}{FAINT}{agree}: {}{FAINT:#}\n", counted(known.txns, "transaction"));
        };
        let noticed = match self.checked.verdict {
            Verdict::Ok { .. } => "its clients could not tell: what they wrote and were answered has an order",
            Verdict::Illegal { .. } => "and its clients could tell:",
            Verdict::Unknown { .. } => "whether its clients could tell is not known:",
        };
        format!("{INDENT}{violation}\n{INDENT}{noticed}\n")
    }

    fn violation(&self) -> Option<&Violation> {
        self.known?.violation.as_ref()
    }

    fn told(&self, index: usize) -> Told {
        Told::new(&self.history.operations[index])
    }

    fn ids(&self, indices: &[usize]) -> Vec<u64> {
        indices.iter().map(|index| self.history.operations[*index].id).collect()
    }

    fn json(&self, with_witness: bool) -> String {
        let mut object = json!({
            "file": self.file,
            "model": M::NAME,
            "verdict": match self.checked.verdict {
                Verdict::Ok { .. } => "ok",
                Verdict::Illegal { .. } => "illegal",
                Verdict::Unknown { .. } => "unknown",
            },
            "operations": self.history.operations.len(),
            "parts": self.checked.parts,
            "configurations": self.checked.configurations,
        });
        if let Some(known) = self.known {
            object["transactions"] = known.txns.into();
            object["known_order"] = self.violation().map_or("pass", |violation| violation.invariant.info().name).into();
            object["facts"] = self.violation().map(|violation| violation.facts.iter().map(ToString::to_string).collect::<Vec<_>>()).into();
        }
        match &self.checked.verdict {
            Verdict::Ok { witness } if with_witness => {
                object["witness"] = witness.iter().map(|part| json!({ "part": part.name, "ids": self.ids(&part.operations) })).collect();
            }
            Verdict::Ok { .. } => {}
            Verdict::Illegal { part, longest } => {
                let explanation = linear::explain(self.history, part, longest);
                object["part"] = part.name.as_str().into();
                object["prefix"] = self.ids(longest).into();
                object["state"] = explanation.state.into();
                object["candidates"] = explanation.candidates.iter().map(candidate_json).collect();
                object["core"] = explanation.core.iter().map(told_json).collect();
                object["core_stands_alone"] = explanation.core_stands_alone.into();
            }
            Verdict::Unknown { part, exhausted, widest, never_returned } => {
                object["part"] = part.name.as_str().into();
                object["exhausted"] = if *exhausted == Limit::Budget { "budget" } else { "memory" }.into();
                object["widest"] = (*widest).into();
                object["never_returned"] = (*never_returned).into();
            }
        }
        format!("{object}\n")
    }
}

const INDENT: &str = "         ";

/// What the lines below are about: of which part.
fn heading(what: &str, part: &str) -> String {
    let of = if part.is_empty() { String::new() } else { format!(" of {part:?}") };
    format!("{INDENT}{what}{of}\n")
}

fn explanation(explanation: &Explanation, of: usize) -> String {
    let Explanation { prefix, state, candidates, core, core_stands_alone } = explanation;
    let mut text = format!("{INDENT}the longest order places {} of {of}", prefix.len());
    let hidden = prefix.len().saturating_sub(PREFIX_SHOWN);
    text += if prefix.is_empty() {
        "\n"
    } else if hidden == 0 {
        ":\n"
    } else {
        " and ends so:\n"
    };
    prefix[hidden..].iter().for_each(|told| text += &row(told));
    let _ = writeln!(text, "{INDENT}then the state is {HINT}{state}{HINT:#}, and this could come next in time:");
    for Candidate { operation, why } in candidates.iter().take(CANDIDATES_SHOWN) {
        text += &row(operation);
        let _ = writeln!(text, "{INDENT}        {FAINT}{}{FAINT:#}", why_text(why));
    }
    text += &more(candidates.len(), CANDIDATES_SHOWN);
    let whatever = if *core_stands_alone { ", whatever was before them" } else { "" };
    let _ = writeln!(text, "{INDENT}the contradiction: no order of these explains their answers{whatever}");
    for line in linear::chart(&core[core.len().saturating_sub(CORE_SHOWN)..]).lines() {
        let _ = writeln!(text, "{INDENT}{line}");
    }
    text + &more(core.len(), CORE_SHOWN)
}

fn more(count: usize, shown: usize) -> String {
    if count > shown { format!("{INDENT}{FAINT}and {} more (--json has them){FAINT:#}\n", count - shown) } else { String::new() }
}

fn row(told: &Told) -> String {
    format!("{INDENT}{:>5}  p{}  {}\n", told.id, told.process, told.text)
}

fn why_text(why: &Why) -> String {
    match why {
        Why::Expected(answer) => format!("would be answered {answer}"),
        Why::Strands(other) => format!("fits, and then {} of p{} ({}) could not be answered so any more", other.id, other.process, other.text),
        Why::Idle => "never returned, and would change nothing here".into(),
        Why::DeadEnd => "fits, and every order that goes on with it ends sooner".into(),
    }
}

fn exhausted_text(limit: Limit) -> &'static str {
    match limit {
        Limit::Budget => "the budget is used up (--budget)",
        Limit::Memory => "the search would need more memory",
    }
}

fn told_json(told: &Told) -> Value {
    json!({ "id": told.id, "p": told.process, "call": told.call, "ret": told.ret, "text": told.text })
}

fn candidate_json(candidate: &Candidate) -> Value {
    let mut object = json!({ "operation": told_json(&candidate.operation) });
    let (why, detail) = match &candidate.why {
        Why::Expected(answer) => ("expected", Some(("expected", Value::from(answer.as_str())))),
        Why::Strands(other) => ("strands", Some(("strands", told_json(other)))),
        Why::Idle => ("idle", None),
        Why::DeadEnd => ("dead_end", None),
    };
    object["why"] = why.into();
    if let Some((name, value)) = detail {
        object[name] = value;
    }
    object
}

fn counted(count: impl std::fmt::Display, what: &str) -> String {
    let count = count.to_string();
    let plural = if count == "1" { "" } else { "s" };
    format!("{count} {what}{plural}")
}

fn tally(outcomes: &[Outcome]) -> String {
    let count = |wanted| outcomes.iter().filter(|outcome| **outcome == wanted).count();
    let (ok, illegal, unknown) = (count(Outcome::AsExpected), count(Outcome::Missed), count(Outcome::Undecided));
    let mut text = format!("\n{} {}: {ok} ok", outcomes.len(), if outcomes.len() == 1 { "history" } else { "histories" });
    if illegal > 0 {
        let _ = write!(text, ", {FAIL}{illegal} illegal{FAIL:#}");
    }
    if unknown > 0 {
        let _ = write!(text, ", {DOUBT}{unknown} unknown{DOUBT:#}");
    }
    text + "\n"
}
