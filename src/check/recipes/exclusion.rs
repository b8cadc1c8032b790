//! What one at a time may have.
//!
//! A holder is looked at twice. By the history it holds as long as its node is the first of its line: that is one by construction, and a grant
//! must have been given to it. By belief it holds from the grant until it lets go; two beliefs overlap only where the first has lost its ground
//! without having heard of it.

use super::beliefs::{self, Belief};
use super::chronicle::Life;
use super::{Case, Told, has_line};
use crate::check::Invariant::{FairGrants, Fenced, OneHolder, RightfulHolder};
use crate::check::verdict::{Fact, Violation};
use crate::proto::{NodeId, Path, Recipe, SessionId, Zxid};
use crate::trace::{Note, What};

/// What one client alone may hold.
const ALONE: [Recipe; 4] = [Recipe::Exclusive, Recipe::Lock, Recipe::Election, Recipe::Latch];

/// What several may hold, each with a node of its own.
const SHARED: [Recipe; 2] = [Recipe::RwLock, Recipe::Semaphore];

pub fn check(case: &Case) -> Option<Violation> {
    let beliefs = beliefs::all(case);
    let alone: Vec<&Belief> = beliefs.iter().filter(|belief| ALONE.contains(&belief.recipe)).collect();
    let held: Vec<&Belief> = beliefs.iter().filter(|belief| ALONE.contains(&belief.recipe) || SHARED.contains(&belief.recipe)).collect();
    let found = [overlap(case, &alone), usurped(case, &held), unfair(case, &alone), outlived(case, &held), unfenced(case, &alone)];
    found.into_iter().flatten().min_by_key(|violation| violation.event)
}

/// somebody is granted what another still holds. Who was paused may read of a grant whose ground is gone by then: that hurts nobody who
/// checks before he writes.
fn overlap(case: &Case, beliefs: &[&Belief]) -> Option<Violation> {
    let pairs = beliefs.iter().enumerate().flat_map(|(at, later)| beliefs[..at].iter().map(move |earlier| (earlier, later)));
    let clash = |(earlier, later): &(&&Belief, &&Belief)| {
        earlier.path == later.path
            && earlier.recipe == later.recipe
            && earlier.granted.client != later.granted.client
            && earlier.grounded_until(case) > later.granted.event
            && later.grounded_until(case) > later.granted.event
    };
    let (earlier, later) = pairs.filter(clash).min_by_key(|(_, later)| later.granted.event)?;
    let facts = [Fact::new(earlier.granted.event, earlier.told()), Fact::new(later.granted.event, format!("{} too", later.told()))];
    Some(later.granted.breaks(OneHolder, facts))
}

/// somebody is granted what by the history is not its own.
fn usurped(case: &Case, beliefs: &[&Belief]) -> Option<Violation> {
    let wrong = |belief: &&&Belief| rightful(case, belief).is_none_or(|life| life.owner != belief.session());
    let belief = beliefs.iter().find(wrong)?;
    let what = match rightful(case, belief) {
        Some(life) => format!("{} is of session {}, and c{} has {}", life.path, life.owner, belief.granted.client, belief.session()),
        None => format!("at {} there is no {} with the czxid {}", belief.seen, belief.node, belief.token),
    };
    Some(belief.granted.breaks(RightfulHolder, [Fact::new(belief.granted.event, what), Fact::new(belief.granted.event, belief.told())]))
}

/// The node of a belief, if it was there when it was granted.
fn rightful<'a>(case: &Case<'a>, belief: &Belief) -> Option<&'a Life> {
    case.chronicle.made_by(belief.node, belief.token).filter(|life| life.is_alive_at(belief.seen))
}

/// somebody is granted what another has waited for longer.
fn unfair(case: &Case, beliefs: &[&Belief]) -> Option<Violation> {
    let first = |belief: &Belief| case.chronicle.line(belief.path, belief.seen).first().copied().filter(|first| first.path != *belief.node);
    let (belief, first) = beliefs.iter().filter(|belief| has_line(belief.recipe)).find_map(|belief| Some((belief, first(belief)?)))?;
    let before = Fact::new(first.born.event, format!("{} stands in the line before {} at {}", first.path, belief.node, belief.seen));
    Some(belief.granted.breaks(FairGrants, [before, Fact::new(belief.granted.event, belief.told())]))
}

/// a client has another session, and believes in what it was granted in the one before.
fn outlived(case: &Case, beliefs: &[&Belief]) -> Option<Violation> {
    let connected = |told: &&Told| matches!(told.what, What::Note(Note::Connected { .. }));
    for told in case.told.iter().filter(connected) {
        let still = |belief: &&&Belief| {
            let granted = belief.granted;
            granted.client == told.client
                && granted.event < told.event
                && belief.until.is_none_or(|until| until > told.event)
                && granted.session != told.session
        };
        if let Some(belief) = beliefs.iter().find(still) {
            let granted = Fact::new(belief.granted.event, format!("{} in session {}", belief.told(), belief.session()));
            let now = Fact::new(told.event, format!("c{} is in session {} and has not let go", told.client, told.session));
            return Some(told.breaks(RightfulHolder, [granted, now]));
        }
    }
    None
}

/// what a lock guards is written by somebody who was granted it once, and has it no more.
fn unfenced(case: &Case, beliefs: &[&Belief]) -> Option<Violation> {
    let mut paths: Vec<&Path> = beliefs.iter().filter(|belief| has_line(belief.recipe)).map(|belief| belief.path).collect();
    paths.sort();
    paths.dedup();
    paths.into_iter().find_map(|path| {
        let holders: Vec<SessionId> = beliefs.iter().filter(|belief| belief.path == path).map(|belief| belief.session()).collect();
        let writes = case.chronicle.lives_of(path).flat_map(|life| life.data.iter().skip(1));
        let (when, by, _) = writes.filter(|(_, by, _)| holders.contains(by)).find(|(when, by, _)| !is_first(case, path, when.zxid, *by))?;
        let belief = beliefs.iter().rev().find(|belief| belief.path == path && belief.session() == *by)?;
        let granted = Fact::new(belief.granted.event, belief.told());
        let first = case.chronicle.line(path, when.zxid).first().map_or("nobody's".into(), |life| format!("that of {}", life.path));
        let wrote = Fact::new(when.event, format!("c{} writes {path} as {} when the lock is {first}", belief.granted.client, when.zxid));
        let node = Some(NodeId::Client(belief.granted.client));
        Some(Violation { invariant: Fenced, at: when.at, event: when.event, node, facts: [granted, wrote], involved: Vec::new() })
    })
}

/// Whether the first of the line is of this session.
fn is_first(case: &Case, path: &Path, zxid: Zxid, session: SessionId) -> bool {
    case.chronicle.line(path, zxid).first().is_some_and(|first| first.owner == session)
}
