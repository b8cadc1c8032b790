//! Each bug switch changes the rule that it names, and no other.

use super::lone::{Lone, looking, note, vote};
use crate::bugs::{Bug, CATALOGUE};
use crate::election::Outcome;
use crate::proto::PeerState::{Following, Leading};
use crate::proto::{Epoch, ServerId, Vote};

/// A rule, and a short story whose end depends on it.
type Rule = (&'static str, fn(Lone) -> String);

fn end(outcome: Option<Outcome>) -> String {
    outcome.map_or("looks on".into(), |outcome| format!("{} {} in round {}", outcome.state, outcome.vote, outcome.round))
}

/// Told to server 3 of three, in round 1, whose history ends at 1:5.
const RULES: [Rule; 9] = [
    ("epochs before ids", |mut lone| {
        lone.hears(2, looking(Vote { leader: ServerId(2), zxid: vote(3, 5).zxid, epoch: Epoch(2) }, 1));
        lone.hears(3, looking(vote(3, 5), 1));
        lone.election.proposal().to_string()
    }),
    ("better of two on a higher round", |mut lone| {
        lone.hears(2, looking(vote(2, 9), 4));
        lone.election.proposal().to_string()
    }),
    ("followers of this round make a leader", |mut lone| {
        lone.hears(1, note(Following, vote(3, 4), 1));
        end(lone.hears(2, note(Following, vote(3, 4), 1)))
    }),
    ("followers of another round do not", |mut lone| {
        lone.hears(1, note(Following, vote(3, 4), 4));
        end(lone.hears(2, note(Following, vote(3, 4), 4)))
    }),
    ("to have heard everybody is not enough", |mut lone| {
        lone.hears(1, looking(vote(1, 5), 1));
        end(lone.hears(2, looking(vote(2, 5), 1)))
    }),
    ("one leader's word is not enough", |mut lone| end(lone.hears(2, note(Leading, vote(2, 5), 1)))),
    ("members need not agree on the round", |mut lone| {
        lone.hears(1, note(Following, vote(2, 5), 4));
        end(lone.hears(2, note(Leading, vote(2, 7), 6))).split(' ').take(2).collect::<Vec<_>>().join(" ")
    }),
    ("a joiner takes over vote and round", |mut lone| {
        lone.hears(1, note(Following, vote(2, 7), 4));
        end(lone.hears(2, note(Leading, vote(2, 7), 4)))
    }),
    ("a silent poll sends again", |mut lone| {
        lone.connect(2, 0);
        lone.times_out();
        format!("{:?}", lone.broadcast())
    }),
];

#[test]
fn a_switch_breaks_its_own_rule_only() {
    let ends = |make: &dyn Fn(Lone) -> Lone| RULES.map(|(_, story)| story(make(Lone::new(3, 3)).looks(5)));
    let sound = ends(&|lone| lone);
    for info in CATALOGUE {
        let broken: &[&str] = match info.bug {
            Bug::Zk1419 => &["epochs before ids"],
            Bug::Zk275 => &["better of two on a higher round"],
            Bug::Zk480 => &["followers of this round make a leader"],
            Bug::Zk975 => &["to have heard everybody is not enough", "one leader's word is not enough"],
            Bug::Zk1514 => &["followers of another round do not"],
            Bug::Zk1732 => &["members need not agree on the round", "a joiner takes over vote and round"],
            Bug::MutantNoRebroadcast => &["a silent poll sends again"],
            // The others break rules of other parts of a server.
            _ => &[],
        };
        let changed: Vec<&str> = (0..RULES.len()).filter(|at| ends(&|lone| lone.bug(info.bug))[*at] != sound[*at]).map(|at| RULES[at].0).collect();
        assert_eq!(changed, broken, "{}", info.name);
    }
}
