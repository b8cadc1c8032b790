//! A violation, told so that somebody can act on it: the rule, the two facts, how it came about, and how to see it again.

use std::collections::BTreeSet;
use std::fmt::{self, Write};

use super::{Involved, Violation};
use crate::trace::{Event, causal_slice, line};

/// Events that are shown of a story: with the rest a screenful.
const LINES_MAX: usize = 20;

/// Requests that are shown of those that a violation is about.
const ROWS_MAX: usize = 4;

/// What to type to see it again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reproduction<'a> {
    pub file: &'a str,
    pub seed: u64,
    /// It happened with all bug switches off.
    pub no_bugs: bool,
}

/// At most a screenful. `events` are those recorded up to the violation; with fewer of them the story is thinner.
pub fn report(violation: &Violation, events: &[Event], again: &Reproduction) -> String {
    let info = violation.invariant.info();
    let mut text = String::new();
    let who = violation.node.map(|node| format!(", {node}")).unwrap_or_default();
    let _ = writeln!(text, "violation {} ({}) at {}, event {}{who}", info.name, info.code, violation.at, violation.event);
    let _ = writeln!(text, "  rule    {}", info.rule);
    let _ = writeln!(text, "          ({})", info.source);
    let [first, second] = &violation.facts;
    let _ = writeln!(text, "  first   {first}");
    let _ = writeln!(text, "  but     {second}");
    text += &requests(&violation.involved);
    let roots = [first.event, second.event, violation.event];
    let slice = causal_slice(events, &roots, LINES_MAX);
    if !slice.is_empty() {
        let _ = writeln!(text, "  because");
    }
    for event in slice {
        let _ = writeln!(text, "{}", line(event));
    }
    let _ = writeln!(text, "  again   {again}");
    let clients: Vec<u32> = violation.involved.iter().map(|request| request.client).collect::<BTreeSet<_>>().into_iter().collect();
    if !clients.is_empty() {
        let nodes: String = clients.iter().map(|client| format!(" --node c{client}")).collect();
        let _ = writeln!(text, "  more    {}{nodes} --all", again.trace());
    }
    text
}

/// The requests of clients that a violation is about, a row each: the events between which each was under way, who answered, and where it
/// stands.
fn requests(involved: &[Involved]) -> String {
    if involved.is_empty() {
        return String::new();
    }
    let or_none = |value: Option<String>| value.unwrap_or_else(|| "-".into());
    let head = ["who", "session", "asked", "answered", "by", "zxid", "request and answer"].map(String::from);
    let row = |request: &Involved| {
        let answer = request.result.as_ref().map_or_else(|| "no answer".into(), |result| shortened(result));
        [
            format!("c{}", request.client),
            request.session.to_string(),
            format!("event {}", request.called),
            or_none(request.returned.map(|event| format!("event {event}"))),
            or_none(request.server.map(|server| server.to_string())),
            or_none(request.zxid.map(|zxid| zxid.to_string())),
            format!("{}: {answer}", shortened(&request.op)),
        ]
    };
    let rows: Vec<[String; 7]> = std::iter::once(head).chain(involved.iter().take(ROWS_MAX).map(row)).collect();
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths: [usize; 7] = std::array::from_fn(width);
    let mut text = String::from("  requests\n");
    for row in &rows {
        let cells: Vec<String> = row.iter().zip(widths).map(|(cell, width)| format!("{cell:width$}")).collect();
        let _ = writeln!(text, "          {}", cells.join("  ").trim_end());
    }
    text
}

/// As much of a text as a row has room for.
fn shortened(text: &str) -> String {
    const LENGTH: usize = 40;
    if text.chars().count() <= LENGTH { text.into() } else { format!("{}\u{2026}", text.chars().take(LENGTH).collect::<String>()) }
}

impl Reproduction<'_> {
    /// The command that shows events of the same run.
    fn trace(&self) -> String {
        let Reproduction { file, seed, no_bugs } = self;
        format!("zoolab trace {} --seed {seed}{}", shell_word(file), if *no_bugs { " --no-bugs" } else { "" })
    }
}

/// The command line.
impl fmt::Display for Reproduction<'_> {
    fn fmt(&self, out: &mut fmt::Formatter) -> fmt::Result {
        let Reproduction { file, seed, no_bugs } = self;
        let no_bugs = if *no_bugs { " --no-bugs" } else { "" };
        write!(out, "zoolab run {} --seed {seed}{no_bugs} --trace", shell_word(file))
    }
}

/// A file name as a POSIX shell, and then the program, takes it for one.
fn shell_word(file: &str) -> String {
    let file = if file.starts_with('-') && file != "-" { format!("./{file}") } else { file.to_string() };
    let harmless = |letter: char| letter.is_alphanumeric() || "/._-+,:@%=".contains(letter);
    if !file.is_empty() && file.chars().all(harmless) { file } else { format!("'{}'", file.replace('\'', r"'\''")) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::Invariant;
    use crate::check::tests::{Story, vote};
    use crate::proto::{ServerId, SessionId, Zxid};

    #[test]
    fn a_report_has_rule_facts_story_and_command() {
        let mut story = Story::of(3);
        story.looks(2, 1, vote(2, 0, 2)).looks(3, 1, vote(3, 0, 1)).changes(2, 3, vote(3, 0, 1));
        let violation = story.breaks(Invariant::NoVoteCircle);
        let text = report(violation, &story.events, &Reproduction { file: "scenarios/circle.json", seed: 7, no_bugs: false });
        insta::assert_snapshot!(text, @r"
        violation no_vote_circle (E-1) at 3ms, event 3, s2
          rule    within one election round each new proposal of a server is better than its last, so that it never returns to an earlier one
                  (NoVoteCircle of SandTable's FastLeaderElection specification; FastLeaderElection.totalOrderPredicate)
          first   s2 proposed s2 (zxid 1:0, epoch 2) in round 1 (event 1)
          but     s2 leaves it for s3 (zxid 1:0, epoch 1), which is not better (event 3)
          because
             1        1.000ms  s2    starts round 1 and votes for itself: zxid 1:0, epoch 2
             3        3.000ms  s2    changes its vote from s2 to s3: equal zxid 1:0, id s3 > s2, epochs 1 and 2 not compared (heard from s3)
          again   zoolab run scenarios/circle.json --seed 7 --trace
        ");
    }

    #[test]
    fn requests_are_told_in_a_table() {
        let mut story = Story::of(3);
        story.looks(2, 1, vote(2, 0, 2)).looks(3, 1, vote(3, 0, 1)).changes(2, 3, vote(3, 0, 1));
        let mut violation = story.breaks(Invariant::NoVoteCircle).clone();
        let request = |client: u32, op: &str, answered: bool| Involved {
            client,
            session: SessionId(0x100_0001),
            op: op.into(),
            called: 12,
            returned: answered.then_some(140),
            server: answered.then_some(ServerId(2)),
            zxid: answered.then_some(Zxid::new(1, 5)),
            result: answered.then(|| "Ok".into()),
        };
        violation.involved = vec![request(1, "set /a y", true), request(12, "create -e -s /a-path-that-is-longer-than-any-row-of-a-table", false)];
        let text = report(&violation, &story.events, &Reproduction { file: "x.json", seed: 7, no_bugs: true });
        let table: Vec<&str> = text.lines().skip_while(|line| !line.contains("requests")).take(4).chain(text.lines().last()).collect();
        insta::assert_snapshot!(table.join("\n"), @r"
          requests
                  who  session    asked     answered   by  zxid  request and answer
                  c1   0x1000001  event 12  event 140  s2  1:5   set /a y: Ok
                  c12  0x1000001  event 12  -          -   -     create -e -s /a-path-that-is-longer-than…: no answer
          more    zoolab trace x.json --seed 7 --no-bugs --node c1 --node c12 --all
        ");
    }

    #[test]
    fn a_long_story_still_fits_a_screen() {
        let mut story = Story::of(3);
        for round in 1..100 {
            story.looks(2, round, vote(2, 0, 2));
        }
        story.changes(2, 3, vote(3, 0, 1));
        let text = report(story.breaks(Invariant::NoVoteCircle), &story.events, &Reproduction { file: "a file.json", seed: 7, no_bugs: true });
        assert_eq!(text.lines().count(), 5 + 1 + LINES_MAX + 1);
        assert!(text.ends_with("  again   zoolab run 'a file.json' --seed 7 --no-bugs --trace\n"));
    }

    #[test]
    fn the_command_survives_a_shell() {
        let command = |file| Reproduction { file, seed: 1, no_bugs: true }.to_string();
        assert_eq!(command("scenarios/split_2|3.json"), "zoolab run 'scenarios/split_2|3.json' --seed 1 --no-bugs --trace");
        assert_eq!(command("it's.json"), r"zoolab run 'it'\''s.json' --seed 1 --no-bugs --trace");
        assert_eq!(command("-dash.json"), "zoolab run ./-dash.json --seed 1 --no-bugs --trace");
        assert_eq!(command("-"), "zoolab run - --seed 1 --no-bugs --trace");
    }
}
