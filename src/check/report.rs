//! A violation, told so that somebody can act on it: the rule, the two facts, how it came about, and how to see it again.

use std::collections::BTreeSet;
use std::fmt::{self, Write};

use super::{Involved, Violation};
use crate::proto::NodeId;
use crate::trace::{Event, causal_slice, line};

/// Lines of a whole report: a screenful.
const LINES_MAX: usize = 40;

/// Columns of a line, but for the commands, which must stay whole. Whoever shows a report may indent it and still has a hundred.
const COLUMNS: usize = 91;

/// Events that are shown of a story.
const EVENTS_MAX: usize = 20;

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
    let who = violation.node.map(|node| format!(", {node}")).unwrap_or_default();
    let mut above = format!("violation {} ({}) at {}, event {}{who}\n", info.name, info.code, violation.at, violation.event);
    let [first, second] = &violation.facts;
    for (label, text) in
        [("rule", info.rule.to_string()), ("", format!("({})", info.source)), ("first", first.to_string()), ("but", second.to_string())]
    {
        above += &wrapped(&format!("  {label:<8}"), &text);
    }
    above += &requests(&violation.involved);
    let below = format!("  again   {again}\n  more    {}\n", again.trace(violation));
    let roots = [first.event, second.event, violation.event];
    let told: Vec<String> = causal_slice(events, &roots, EVENTS_MAX).into_iter().map(story_line).collect();
    // What came last explains most.
    let room = LINES_MAX.saturating_sub(lines(&above) + lines(&below) + 1);
    let mut left = room;
    let shown = told.iter().rev().take_while(|told| {
        let fits = lines(told) <= left;
        left = left.saturating_sub(lines(told));
        fits
    });
    let story: String = told[told.len() - shown.count()..].concat();
    let because = if story.is_empty() { "" } else { "  because\n" };
    above + because + &story + &below
}

fn lines(text: &str) -> usize {
    text.lines().count()
}

/// An event of the story; where it is too long for a line it goes on under its text.
fn story_line(event: &Event) -> String {
    let line = line(event);
    let Some((at, _)) = line.char_indices().nth(EVENT_COLUMNS).filter(|_| line.chars().count() > COLUMNS) else { return line + "\n" };
    wrapped(&line[..at], &line[at..])
}

/// Number, time and node of an event, before its text.
const EVENT_COLUMNS: usize = 29;

/// A text behind a label, on as many lines as it needs.
fn wrapped(label: &str, text: &str) -> String {
    let indent = label.chars().count();
    let (mut wrapped, mut column) = (String::from(label), indent);
    for word in text.split(' ') {
        let width = word.chars().count();
        if column > indent && column + 1 + width > COLUMNS {
            let _ = write!(wrapped, "\n{:indent$}", "");
            column = indent;
        }
        let space = if column > indent { " " } else { "" };
        wrapped += space;
        wrapped += word;
        column += space.len() + width;
    }
    wrapped.trim_end().to_string() + "\n"
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
        let answer = request.result.as_ref().map_or_else(|| "no answer".into(), |result| shortened(result, CELL));
        [
            format!("c{}", request.client),
            request.session.to_string(),
            format!("event {}", request.called),
            or_none(request.returned.map(|event| format!("event {event}"))),
            or_none(request.server.map(|server| server.to_string())),
            or_none(request.zxid.map(|zxid| zxid.to_string())),
            format!("{}: {answer}", shortened(&request.op, CELL)),
        ]
    };
    let rows: Vec<[String; 7]> = std::iter::once(head).chain(involved.iter().take(ROWS_MAX).map(row)).collect();
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths: [usize; 7] = std::array::from_fn(width);
    let mut text = String::from("  requests\n");
    for row in &rows {
        let cells: Vec<String> = row.iter().zip(widths).map(|(cell, width)| format!("{cell:width$}")).collect();
        let line = format!("    {}", cells.join("  "));
        let _ = writeln!(text, "{}", shortened(line.trim_end(), COLUMNS));
    }
    text
}

/// As much of a text as there is room for.
fn shortened(text: &str, length: usize) -> String {
    if text.chars().count() <= length { text.into() } else { format!("{}\u{2026}", text.chars().take(length - 1).collect::<String>()) }
}

/// Of a request, and of an answer.
const CELL: usize = 40;

impl Reproduction<'_> {
    /// The command that shows all that those did who are part of it.
    fn trace(&self, violation: &Violation) -> String {
        let Reproduction { file, seed, no_bugs } = self;
        let clients: BTreeSet<NodeId> = violation.involved.iter().map(|request| NodeId::Client(request.client)).collect();
        let nodes = if clients.is_empty() { violation.node.into_iter().collect() } else { clients };
        let nodes: String = nodes.iter().map(|node| format!(" --node {node}")).collect();
        format!("zoolab trace {} --seed {seed}{}{nodes} --all", shell_word(file), if *no_bugs { " --no-bugs" } else { "" })
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
          rule    within one election round each new proposal of a server is better than its last,
                  so that it never returns to an earlier one
                  (NoVoteCircle of SandTable's FastLeaderElection specification;
                  FastLeaderElection.totalOrderPredicate)
          first   s2 proposed s2 (zxid 1:0, epoch 2) in round 1 (event 1)
          but     s2 leaves it for s3 (zxid 1:0, epoch 1), which is not better (event 3)
          because
             1        1.000ms  s2    starts round 1 and votes for itself: zxid 1:0, epoch 2
             3        3.000ms  s2    changes its vote from s2 to s3: equal zxid 1:0, id s3 > s2,
                                     epochs 1 and 2 not compared (heard from s3)
          again   zoolab run scenarios/circle.json --seed 7 --trace
          more    zoolab trace scenarios/circle.json --seed 7 --node s2 --all
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
            c12  0x1000001  event 12  -          -   -     create -e -s /a-path-that-is-longer-tha…
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
        assert!((30..=LINES_MAX).contains(&text.lines().count()), "{text}");
        assert!(text.lines().all(|line| line.chars().count() <= COLUMNS), "{text}");
        assert!(text.contains("  again   zoolab run 'a file.json' --seed 7 --no-bugs --trace\n"));
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
