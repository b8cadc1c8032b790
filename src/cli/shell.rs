//! `zoolab shell`: a prompt on a simulated ensemble.

use std::cell::RefCell;
use std::io::{BufRead, IsTerminal, stdin};
use std::path::PathBuf;
use std::rc::Rc;

use clap::Args;
use rustyline::completion::{Completer, Pair};
use rustyline::error::ReadlineError;
use rustyline::highlight::Highlighter;
use rustyline::hint::Hinter;
use rustyline::history::DefaultHistory;
use rustyline::validate::Validator;
use rustyline::{CompletionType, Config, Context, Editor, Helper};

use super::Outcome;
use super::input;
use super::mistake::Mistake;
use super::output::{FAIL, FAINT, HINT, Output};
use super::seeds::seed;
use crate::scenario::Scenario;
use crate::shell::{Reply, Said, Shell};
use crate::sim::action::TextError;

/// Opens a prompt on a simulated ensemble, in the words of zkCli
///
/// What is typed goes to a client, as with zkCli.sh (create, get -s, set, ls -R, deleteall, …), and virtual time runs until it is answered.
/// Beside that `crash leader` and everything else that a step of a scenario can do, `run 5s`, `status` and `help`. What the servers do and
/// why is told as it happens. Without a scenario: three servers and one client. Commands may come through a pipe.
#[derive(Args)]
#[command(after_long_help = EXAMPLES)]
pub struct ShellArgs {
    /// The ensemble, its clients, and what happens by itself meanwhile
    scenario: Option<PathBuf>,

    /// Another seed than the scenario's
    #[arg(long, value_name = "N", value_parser = seed, allow_negative_numbers = true)]
    seed: Option<u64>,
}

const EXAMPLES: &str = "\
Examples:
  zoolab shell                                              three servers
  zoolab shell scenarios/leader_crash.json
  printf 'create /a x\\ncrash leader\\nget -s /a\\n' | zoolab shell

Exit codes: 0, or 2 when a line that came through a pipe could not be understood (the others were carried out)";

const ENSEMBLE: &str = r#"{ "title": "shell", "ensemble": { "servers": 3 }, "clients": { "c1": {} }, "run": "1s", "expect": {} }"#;

pub fn shell(args: &ShellArgs, out: &mut Output) -> Result<Outcome, Mistake> {
    let scenario = match &args.scenario {
        Some(path) => input::load(path)?.scenario,
        None => Scenario::read(ENSEMBLE.as_bytes()).expect("it is a good one").into(),
    };
    let (shell, said) = Shell::open(&scenario, args.seed);
    show(out, &said)?;
    if stdin().is_terminal() { converse(shell, out) } else { carry_out(shell, out) }
}

/// Lines of a pipe, one after the other.
fn carry_out(mut shell: Shell, out: &mut Output) -> Result<Outcome, Mistake> {
    let mut outcome = Outcome::AsExpected;
    for (line, number) in stdin().lock().lines().zip(1..) {
        let line = line.map_err(|error| Mistake::new(format_args!("cannot read standard input: {error}")))?;
        match shell.execute(&line) {
            Reply::Done(said) => show(out, &said)?,
            Reply::Wrong(error) => {
                Mistake::rendered(rendered(&line, &error, &format!("line {number}: "))).tell();
                outcome = Outcome::BadInput;
            }
            Reply::Quit => break,
        }
        if out.is_closed() {
            break;
        }
    }
    Ok(outcome)
}

/// Somebody at a terminal.
fn converse(shell: Shell, out: &mut Output) -> Result<Outcome, Mistake> {
    let broken = |error: &ReadlineError| Mistake::new(format_args!("cannot read from the terminal: {error}"));
    let shell = Rc::new(RefCell::new(shell));
    // The tab key lists what there is, as in zkCli.
    let config = Config::builder().completion_type(CompletionType::List).build();
    let mut editor: Editor<Completion, DefaultHistory> = Editor::with_config(config).map_err(|error| broken(&error))?;
    editor.set_helper(Some(Completion(shell.clone())));
    out.print(&format!("{HINT}`help` lists what can be typed; the tab key completes it{HINT:#}\n"))?;
    loop {
        let prompt = shell.borrow().prompt();
        let line = match editor.readline(&prompt) {
            Ok(line) => line,
            // Ctrl-C forgets the line, Ctrl-D ends the shell, as everywhere.
            Err(ReadlineError::Interrupted) => continue,
            Err(ReadlineError::Eof) => return Ok(Outcome::AsExpected),
            Err(error) => return Err(broken(&error)),
        };
        // It is only missing from the history if it cannot be added.
        let _ = editor.add_history_entry(&line);
        let reply = shell.borrow_mut().execute(&line);
        match reply {
            Reply::Done(said) => show(out, &said)?,
            Reply::Wrong(error) => out.print(&rendered(&line, &error, ""))?,
            Reply::Quit => return Ok(Outcome::AsExpected),
        }
    }
}

/// The story is paler than what the user asked for.
fn show(out: &mut Output, said: &[Said]) -> Result<(), Mistake> {
    let text = |said: &Said| match said {
        Said::Story(story) => format!("{FAINT}{story}{FAINT:#}"),
        Said::Answer(answer) => answer.clone(),
    };
    out.print(&said.iter().map(text).collect::<String>())
}

/// What is wrong with a line, with the line and a mark under the place.
fn rendered(line: &str, error: &TextError, place: &str) -> String {
    let before = line[..error.span.start].chars().count();
    let marks = "^".repeat(line[error.span.clone()].chars().count().max(1));
    let help = error.help.as_ref().map_or(String::new(), |help| format!("  {HINT}help{HINT:#}: {help}\n"));
    format!("{FAIL}error{FAIL:#}: {place}{}\n  {line}\n  {}{FAIL}{marks}{FAIL:#}\n{help}", error.message, " ".repeat(before))
}

/// The tab key.
struct Completion(Rc<RefCell<Shell>>);

impl Completer for Completion {
    type Candidate = Pair;

    fn complete(&self, line: &str, at: usize, _: &Context<'_>) -> rustyline::Result<(usize, Vec<Pair>)> {
        let typed = &line[..at];
        let start = typed.rfind(char::is_whitespace).map_or(0, |blank| blank + 1);
        // A path may go on; behind anything else stands another word.
        let behind = |word: &str| if word.starts_with('/') { "" } else { " " };
        let pair = |word: String| Pair { replacement: format!("{word}{}", behind(&word)), display: word };
        Ok((start, self.0.borrow().completions(typed).into_iter().map(pair).collect()))
    }
}

impl Hinter for Completion {
    type Hint = String;
}

impl Highlighter for Completion {}
impl Validator for Completion {}
impl Helper for Completion {}
