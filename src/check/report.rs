//! A violation, told so that somebody can act on it: the rule, the two facts, how it came about, and how to see it again.

use std::fmt::{self, Write};

use super::Violation;
use crate::trace::{Event, causal_slice, line};

/// Events that are shown of a story: with the rest a screenful.
const LINES_MAX: usize = 20;

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
    let roots = [first.event, second.event, violation.event];
    let slice = causal_slice(events, &roots, LINES_MAX);
    if !slice.is_empty() {
        let _ = writeln!(text, "  because");
    }
    for event in slice {
        let _ = writeln!(text, "{}", line(event));
    }
    let _ = writeln!(text, "  again   {again}");
    text
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
