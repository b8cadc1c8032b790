//! `zoolab help`: verbs, and topics that no single verb owns.

use std::fmt::Write;

use clap::{Args, CommandFactory};

use super::mistake::Mistake;
use super::output::Output;
use super::{Cli, Outcome};
use crate::scenario::when_help;
use crate::sim::action::grammar_help;
use crate::trace::nearest;
use crate::{bugs, check};

/// Shows the help of a verb or a topic: steps, when, bugs, checks
#[derive(Args)]
#[command(after_help = "Topics: steps, when, bugs, checks")]
pub struct HelpArgs {
    /// A verb (run, trace, …) or a topic (steps, when, bugs, checks)
    topic: Option<String>,
}

const TOPICS: [(&str, fn() -> String); 4] = [("steps", grammar_help), ("when", when_help), ("bugs", bug_help), ("checks", check_help)];

/// Columns of a paragraph.
const WIDTH: usize = 100;

pub fn help(args: &HelpArgs, out: &mut Output) -> Result<Outcome, Mistake> {
    let mut command = Cli::command();
    // Gives the verbs their full names, as in `Usage: zoolab run`.
    command.build();
    let text = match args.topic.as_deref() {
        None => command.render_long_help().ansi().to_string(),
        Some(name) => match TOPICS.iter().find(|(topic, _)| *topic == name) {
            Some((_, text)) => text(),
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
    let mut text = String::from("Switches that a scenario can turn on: \"bugs\": [\"ZK-1419\"]. All are off by default.\n");
    for info in &bugs::CATALOGUE {
        let _ = writeln!(text, "\n  {}  ({})", info.name, info.affected);
        text.push_str(&paragraph(info.rule));
        text.push_str(&paragraph(&format!("breaks {}", info.breaks.join(", "))));
    }
    text
}

/// The catalogue of invariants.
fn check_help() -> String {
    let mut text = String::from(
        "Invariants that every run is checked against. A scenario about a bug names the one it breaks:\n\"expect\": { \"verdict\": \"no_vote_circle\" }, or by its code, \"E-1\".\n",
    );
    for info in &check::CATALOGUE {
        let _ = writeln!(text, "\n  {}  ({})", info.name, info.code);
        text.push_str(&paragraph(info.rule));
        let bugs: Vec<&str> = info.invariant.broken_by().map(|bug| bug.name).collect();
        text.push_str(&paragraph(&format!("broken by {}", bugs.join(", "))));
    }
    text
}

/// Indented lines of whole words.
fn paragraph(text: &str) -> String {
    const INDENT: &str = "      ";
    let mut lines = vec![String::from(INDENT)];
    for word in text.split(' ') {
        let line = lines.last_mut().expect("never empty");
        if line.len() > INDENT.len() && line.len() + word.len() >= WIDTH {
            lines.push(format!("{INDENT}{word}"));
        } else {
            line.push_str(if line.len() > INDENT.len() { " " } else { "" });
            line.push_str(word);
        }
    }
    lines.join("\n") + "\n"
}
