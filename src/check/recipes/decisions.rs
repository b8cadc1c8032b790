//! What is decided together: R-16. A vote is given once, a decision is made once and by the votes, and all who believe in one believe in that.

use super::chronicle::{Life, Moment};
use super::{Case, Told};
use crate::check::Invariant::OneDecision;
use crate::check::verdict::{Fact, Violation};
use crate::proto::{Bytes, Path, Recipe, Zxid};
use crate::trace::{Note, What};

/// The child that is no site.
const DECISION: &str = "decision";

pub fn check(case: &Case) -> Option<Violation> {
    let all = transactions(case).into_iter().flat_map(|path| [changed(case, path), overruled(case, path), unfounded(case, path)]);
    all.flatten().chain(apart(case)).min_by_key(|violation| violation.event)
}

/// Every transaction that a client was asked about, once.
fn transactions<'a>(case: &Case<'a>) -> Vec<&'a Path> {
    let path = |told: &'a Told| match &told.what {
        What::Note(Note::RecipeCalled { what, .. }) if what.verb.recipe() == Recipe::Transaction => Some(&what.path),
        _ => None,
    };
    let mut paths: Vec<&Path> = case.told.iter().filter_map(path).collect();
    paths.sort();
    paths.dedup();
    paths
}

fn sites<'a>(case: &Case<'a>, path: &'a Path) -> impl Iterator<Item = &'a Life> + Clone {
    case.chronicle.below(path).filter(|life| !is_decision(life))
}

fn decisions<'a>(case: &Case<'a>, path: &'a Path) -> impl Iterator<Item = &'a Life> + Clone {
    case.chronicle.below(path).filter(|life| is_decision(life))
}

fn is_decision(life: &Life) -> bool {
    life.path.rsplit('/').next() == Some(DECISION)
}

/// The vote as of a place in the history: the first change of the site's data, or the last one if there are more.
fn vote(site: &Life, zxid: Zxid) -> Option<&Option<Bytes>> {
    site.data.iter().skip(1).take_while(|(when, ..)| when.zxid <= zxid).last().map(|(_, _, data)| data)
}

fn text(data: &Option<Bytes>) -> String {
    data.as_deref().map_or("null".into(), |data| String::from_utf8_lossy(data).into_owned())
}

/// A violation that the log alone tells.
fn logged(when: Moment, facts: [Fact; 2]) -> Violation {
    Violation { invariant: OneDecision, at: when.at, event: when.event, node: None, facts, involved: Vec::new() }
}

/// A vote is another one than it was.
fn changed(case: &Case, path: &Path) -> Option<Violation> {
    sites(case, path).find_map(|site| {
        let pairs = site.data.iter().skip(1).zip(site.data.iter().skip(2));
        let ((first, _, before), (second, _, after)) = pairs.into_iter().find(|((_, _, before), (_, _, after))| before != after)?;
        let voted = Fact::new(first.event, format!("{} votes {} with {}", site.path, text(before), first.zxid));
        Some(logged(*second, [voted, Fact::new(second.event, format!("and {} with {}", text(after), second.zxid))]))
    })
}

/// There are two decisions.
fn overruled(case: &Case, path: &Path) -> Option<Violation> {
    let mut recorded = decisions(case, path).flat_map(|life| life.data.iter());
    let (first, _, outcome) = recorded.next()?;
    let (second, _, other) = recorded.find(|(_, _, other)| other != outcome)?;
    let decided = Fact::new(first.event, format!("{path} is decided with {}: {}", first.zxid, text(outcome)));
    Some(logged(*second, [decided, Fact::new(second.event, format!("and with {}: {}", second.zxid, text(other)))]))
}

/// The decision is not what the votes say that are there when it is made.
fn unfounded(case: &Case, path: &Path) -> Option<Violation> {
    decisions(case, path).find_map(|decision| {
        let (when, _, outcome) = &decision.data[0];
        let votes_commit = |site: &Life| vote(site, when.zxid).is_some_and(is_commit);
        let against = sites(case, path).find(|site| !votes_commit(site));
        let votes = match against {
            Some(site) if is_commit(outcome) => Fact::new(site.born.event, format!("{} has {}", site.path, voted(site, when.zxid))),
            None if !is_commit(outcome) => {
                let last = sites(case, path).filter_map(|site| site.data.get(1)).map(|(when, ..)| *when).max_by_key(|when| when.zxid)?;
                Fact::new(last.event, format!("with {} all sites have voted commit", last.zxid))
            }
            _ => return None,
        };
        Some(logged(*when, [votes, Fact::new(when.event, format!("{path} is decided with {}: {}", when.zxid, text(outcome)))]))
    })
}

fn voted(site: &Life, zxid: Zxid) -> String {
    vote(site, zxid).map_or("not voted".into(), |vote| format!("voted {}", text(vote)))
}

fn is_commit(data: &Option<Bytes>) -> bool {
    data.as_deref() == Some(b"commit")
}

/// A client believes in another decision than the one that is recorded.
fn apart(case: &Case) -> Option<Violation> {
    case.told.iter().find_map(|told| {
        let What::Note(Note::Decided { path, outcome }) = &told.what else { return None };
        let recorded = decisions(case, path).next().filter(|life| life.born.event <= told.event);
        if recorded.is_some_and(|life| life.data[0].2.as_deref() == Some(outcome.as_bytes())) {
            return None;
        }
        let fact = match recorded {
            Some(life) => Fact::new(life.born.event, format!("{path} is decided with {}: {}", life.born.zxid, text(&life.data[0].2))),
            None => Fact::new(told.event, format!("{path} is not decided")),
        };
        Some(told.breaks(OneDecision, [fact, Fact::new(told.event, format!("c{} takes it for decided: {outcome}", told.client))]))
    })
}

/// Since when whoever looks can tell the outcome.
pub fn could_decide(case: &Case, path: &Path) -> Option<(Moment, String)> {
    let latest = Zxid(i64::MAX);
    if let Some(decision) = decisions(case, path).next() {
        return Some((decision.born, format!("{path} is decided: {}", text(&decision.data[0].2))));
    }
    let when = |site: &Life| site.data.get(1).map(|(when, ..)| *when);
    if let Some(site) = sites(case, path).find(|site| vote(site, latest).is_some_and(|vote| !is_commit(vote))) {
        return Some((when(site)?, format!("{} has {}", site.path, voted(site, latest))));
    }
    let votes: Option<Vec<Moment>> = sites(case, path).map(when).collect();
    Some((votes?.into_iter().max_by_key(|when| when.zxid)?, "all sites have voted".into()))
}
