//! `zoolab help`: verbs, and topics that no single verb owns.

use std::fmt::Write;

use clap::{Args, CommandFactory};

use super::mistake::Mistake;
use super::output::Output;
use super::{Cli, Outcome};
use crate::scenario::when_help;
use crate::sim::FAULT_BUDGET;
use crate::sim::action::{grammar_help, recipe_help};
use crate::trace::nearest;
use crate::{bugs, check};

/// Shows the help of a verb or a topic: steps, recipes, when, bugs, checks, budget
#[derive(Args)]
#[command(after_help = "Topics: steps, recipes, when, bugs, checks, budget")]
pub struct HelpArgs {
    /// A verb (run, trace, …) or a topic (steps, recipes, when, bugs, checks, budget)
    topic: Option<String>,
}

/// The name of a topic, and its text.
type Topic = (&'static str, fn() -> String);

const TOPICS: [Topic; 6] =
    [("steps", grammar_help), ("recipes", recipe_help), ("when", when_help), ("bugs", bug_help), ("checks", check_help), ("budget", budget_help)];

/// Columns of a topic: those of the narrowest usual terminal.
const WIDTH: usize = 80;

pub fn help(args: &HelpArgs, out: &mut Output) -> Result<Outcome, Mistake> {
    let mut command = Cli::command();
    // Gives the verbs their full names, as in `Usage: zoolab run`.
    command.build();
    let text = match args.topic.as_deref() {
        None => command.render_long_help().ansi().to_string(),
        Some(name) => match TOPICS.iter().find(|(topic, _)| *topic == name) {
            Some((_, text)) => text().lines().map(folded).collect(),
            None => match command.find_subcommand_mut(name) {
                Some(verb) => verb.render_long_help().ansi().to_string(),
                None => return Err(no_topic(name, &command)),
            },
        },
    };
    out.print(&text)?;
    Ok(Outcome::AsExpected)
}

fn no_topic(name: &str, command: &clap::Command) -> Mistake {
    let verbs = command.get_subcommands().map(clap::Command::get_name);
    let known: Vec<&str> = TOPICS.iter().map(|(topic, _)| *topic).chain(verbs).collect();
    let mistake = Mistake::new(format_args!("no verb or topic is called `{name}`"));
    match nearest(name, known.iter().copied()) {
        Some(meant) => mistake.with_help(format_args!("did you mean `{meant}`?")),
        None => mistake.with_help(format_args!("there are {}", known.join(", "))),
    }
}

/// The catalogue of switches.
fn bug_help() -> String {
    let mut text = String::from("Switches that a scenario can turn on: \"bugs\": [\"ZK-1419\"]. All are off unless\nit does.\n");
    for info in bugs::CATALOGUE {
        let _ = writeln!(text, "\n  {}  ({})", info.name, info.affected);
        let _ = writeln!(text, "      {}\n      breaks {}", info.rule, info.breaks.join(", "));
    }
    text
}

/// The catalogue of invariants.
fn check_help() -> String {
    let mut text = String::from(
        "Invariants that every run is checked against. A scenario about a bug names the\none it breaks: \"expect\": { \"verdict\": \"no_vote_circle\" }, or its code, \"E-1\".\n",
    );
    for info in check::CATALOGUE {
        let _ = writeln!(text, "\n  {}  ({})", info.name, info.code);
        let bugs: Vec<&str> = info.invariant.broken_by().map(|bug| bug.name).collect();
        let _ = writeln!(text, "      {}", info.rule);
        if !bugs.is_empty() {
            let _ = writeln!(text, "      broken by {}", bugs.join(", "));
        }
    }
    text
}

/// The fault budget.
fn budget_help() -> String {
    let mut text = String::from(
        "Faults that ZooKeeper promises to survive, and faults that it does not. `zoolab\nrun` says so when a scenario goes beyond: what is lost then may be nobody's mistake.\n",
    );
    for row in FAULT_BUDGET {
        let _ = writeln!(text, "\n  {}  ({})\n      {}", row.faults, if row.within { "survived" } else { "beyond the budget" }, row.promise);
    }
    text
}

/// A line, or several of whole words where it is too long, indented like the first.
fn folded(line: &str) -> String {
    let (text, mut folded) = (line.trim_start(), String::new());
    let indent = &line[..line.len() - text.len()];
    if line.chars().count() <= WIDTH {
        return format!("{line}\n");
    }
    let mut column = 0;
    for word in text.split(' ') {
        let width = word.chars().count();
        if column > 0 && column + 1 + width > WIDTH {
            folded.push('\n');
            column = 0;
        }
        folded.push_str(if column == 0 { indent } else { " " });
        folded.push_str(word);
        column += width + if column == 0 { indent.len() } else { 1 };
    }
    folded + "\n"
}
