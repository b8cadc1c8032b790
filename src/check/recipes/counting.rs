//! every increment counts once. What a counter has come to is the sum of what was acknowledged, and of some of that of which nobody knows;
//! and each success is one version of the node, written by whom it was told to, over the value that it was told.

use std::collections::BTreeMap;

use super::chronicle::{Life, Moment};
use super::{Case, Told};
use crate::check::Invariant::EveryIncrementCounts;
use crate::check::verdict::{Fact, Violation};
use crate::proto::{NodeId, Path, RecipeVerb, SessionId};
use crate::trace::{Note, What};

/// What was asked of one counter.
#[derive(Default)]
struct Asked<'a> {
    acked: i64,
    /// Of what is unknown, all that may have been taken away and all that may have been added.
    low: i64,
    high: i64,
    /// Successes: who, from what, to what.
    counted: Vec<(&'a Told, i64, i64)>,
    last: Option<&'a Told>,
}

/// A write of a counter.
#[derive(Clone, Copy)]
struct Version {
    when: Moment,
    by: SessionId,
    before: i64,
    after: i64,
}

pub fn check(case: &Case) -> Option<Violation> {
    asked(case).into_iter().find_map(|(path, asked)| {
        let (first, versions) = versions(case, path)?;
        miscounted(path, &asked, first, &versions).or_else(|| made_up(path, &asked, &versions))
    })
}

fn asked<'a>(case: &Case<'a>) -> BTreeMap<&'a Path, Asked<'a>> {
    let mut all: BTreeMap<&Path, Asked> = BTreeMap::new();
    let mut open: BTreeMap<(u32, u64), (&Told, &Path, i64)> = BTreeMap::new();
    for told in case.told {
        match &told.what {
            What::Note(Note::RecipeCalled { call, what }) if what.verb == RecipeVerb::CounterAdd => {
                open.insert((told.client, *call), (told, &what.path, what.number.unwrap_or(1)));
            }
            What::Note(Note::RecipeReturned { call, result }) => {
                let Some((_, path, amount)) = open.remove(&(told.client, *call)) else { continue };
                let asked = all.entry(path).or_default();
                asked.last = Some(told);
                if result.parse::<i64>().is_ok() {
                    asked.acked += amount;
                } else {
                    asked.may_have(amount);
                }
            }
            What::Note(Note::Counted { path, before, after }) => all.entry(path).or_default().counted.push((told, *before, *after)),
            _ => {}
        }
    }
    for (told, path, amount) in open.into_values() {
        let asked = all.entry(path).or_default();
        asked.may_have(amount);
        asked.last = asked.last.or(Some(told));
    }
    all
}

impl Asked<'_> {
    fn may_have(&mut self, amount: i64) {
        self.low += amount.min(0);
        self.high += amount.max(0);
    }
}

/// The first value and all changes of it; nothing, if there was more than one such node, or somebody else has written to it.
fn versions(case: &Case, path: &Path) -> Option<(i64, Vec<Version>)> {
    let mut lives = case.chronicle.lives_of(path);
    let (life, None) = (lives.next()?, lives.next()) else { return None };
    let (first, rest) = match value_of(life, 0)? {
        (value, false) => (value, 1),
        // Made by the first to add.
        (_, true) if life.born.event > 0 => (0, 0),
        (value, true) => (value, 1),
    };
    let mut before = first;
    let mut versions = Vec::new();
    for at in rest..life.data.len() {
        let (after, true) = value_of(life, at)? else { return None };
        let (when, by, _) = &life.data[at];
        versions.push(Version { when: *when, by: *by, before, after });
        before = after;
    }
    Some((first, versions))
}

/// The number that the data begins with, and whether somebody's mark is behind it.
fn value_of(life: &Life, at: usize) -> Option<(i64, bool)> {
    let (_, _, data) = &life.data[at];
    let mut words = std::str::from_utf8(data.as_deref().unwrap_or_default()).ok()?.split_ascii_whitespace();
    let value = words.next().map_or(Some(0), |word| word.parse().ok())?;
    Some((value, words.next().is_some()))
}

/// The sum is not what it must be.
fn miscounted(path: &Path, asked: &Asked, first: i64, versions: &[Version]) -> Option<Violation> {
    let value = versions.last().map_or(first, |version| version.after);
    let (low, high) = (first + asked.acked + asked.low, first + asked.acked + asked.high);
    let last = asked.last.filter(|_| !(low..=high).contains(&value))?;
    let unknown = if asked.low == asked.high { "nothing is unknown".into() } else { format!("{} to {} may be besides", asked.low, asked.high) };
    let sum = Fact::new(last.event, format!("what is acknowledged of {path} adds up to {}, and {unknown}", asked.acked));
    let is = Fact::new(versions.last().map_or(last.event, |version| version.when.event), format!("it goes from {first} to {value}"));
    Some(last.breaks(EveryIncrementCounts, [sum, is]))
}

/// A success that no version of the node is, or that another success is already.
fn made_up(path: &Path, asked: &Asked, versions: &[Version]) -> Option<Violation> {
    let mut left: Vec<&Version> = versions.iter().collect();
    asked.counted.iter().find_map(|(told, before, after)| {
        let is_it = |version: &&Version| (version.by, version.before, version.after) == (told.session, *before, *after);
        if let Some(at) = left.iter().position(is_it) {
            left.remove(at);
            return None;
        }
        let node = Some(NodeId::Client(told.client));
        let claim = Fact::new(told.event, format!("c{} has counted {path} from {before} to {after}", told.client));
        let same = left.iter().find(|version| version.after == *after && version.by == told.session);
        let event = same.map_or(told.event, |version| version.when.event);
        let truth = same.map_or("it has written no such version".into(), |version| format!("it was {} before that", version.before));
        let (at, facts) = (told.at, [claim, Fact::new(event, truth)]);
        Some(Violation { invariant: EveryIncrementCounts, at, event: told.event, node, facts, involved: Vec::new() })
    })
}
