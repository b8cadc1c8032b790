//! nobody waits for nothing. Who is the first of a line comes to know it, and whoever is the first knows that it is.
//!
//! Judged where the run ends: of clients that have been connected, and of lines that have not changed, for [`PATIENCE`].

use super::beliefs::{self, Belief};
use super::chronicle::Life;
use super::{Case, Told, has_line};
use crate::check::Invariant::WaiterProceeds;
use crate::check::verdict::{Fact, Violation};
use crate::proto::{Micros, NodeId, Path, Recipe, Zxid};
use crate::trace::{Note, What};

/// So long a client may take to notice: more than it takes to find out that a connection is dead (two thirds of the longest session timeout).
pub(super) const PATIENCE: Micros = Micros::from_secs(30);

/// Somebody who was told nothing yet.
struct Waiter<'a> {
    called: &'a Told,
    recipe: Recipe,
    path: &'a Path,
    /// As it has told last.
    node: Option<&'a Path>,
}

pub fn check(case: &Case) -> Option<Violation> {
    let waiters = waiters(case);
    let beliefs = beliefs::all(case);
    let able = |waiter: &&Waiter| is_able(case, waiter.called.client);
    waiters.iter().filter(able).find_map(|waiter| in_vain(case, &waiters, &beliefs, waiter))
}

/// Whether the client could have done something for so long.
pub(super) fn is_able(case: &Case, client: u32) -> bool {
    let since = case.clients.get(&client).and_then(|client| client.able_since);
    since.is_some_and(|since| since + PATIENCE <= case.end)
}

/// All who wait for a holding when the run is over.
fn waiters<'a>(case: &Case<'a>) -> Vec<Waiter<'a>> {
    let mut waiters: Vec<(u64, Waiter)> = Vec::new();
    for told in case.told {
        match &told.what {
            What::Note(Note::RecipeCalled { call, what }) if what.verb.info().waits => {
                waiters.push((*call, Waiter { called: told, recipe: what.verb.recipe(), path: &what.path, node: None }));
            }
            What::Note(Note::RecipeReturned { call, .. }) => waiters.retain(|(other, waiter)| (other, waiter.called.client) != (call, told.client)),
            What::Note(Note::Waits { path, node, .. }) => {
                let its = |(_, waiter): &&mut (u64, Waiter)| waiter.called.client == told.client && waiter.path == path;
                waiters.iter_mut().filter(its).for_each(|(_, waiter)| waiter.node = Some(node));
            }
            // Its process is another one.
            What::Record(_) => waiters.retain(|(_, waiter)| waiter.called.client != told.client),
            _ => {}
        }
    }
    waiters.into_iter().map(|(_, waiter)| waiter).collect()
}

fn in_vain(case: &Case, waiters: &[Waiter], beliefs: &[Belief], waiter: &Waiter) -> Option<Violation> {
    let ((at, event), what) = if has_line(waiter.recipe) { first_unaware(case, waiters, beliefs, waiter)? } else { free(case, waiter)? };
    if at + PATIENCE > case.end {
        return None;
    }
    let client = waiter.called.client;
    let free = Fact::new(event, what);
    let waits = Fact::new(waiter.called.event, format!("c{client} still waits for the {} {} at {}", waiter.recipe, waiter.path, case.end));
    let node = Some(NodeId::Client(client));
    Some(Violation {
        invariant: WaiterProceeds,
        at: case.end,
        event: event.max(waiter.called.event),
        node,
        facts: [free, waits],
        involved: Vec::new(),
    })
}

/// The first of the line, if it is the waiter's own, or if nobody waits or holds with it; since when, and in words.
fn first_unaware(case: &Case, waiters: &[Waiter], beliefs: &[Belief], waiter: &Waiter) -> Option<((Micros, u64), String)> {
    let line = case.chronicle.line(waiter.path, Zxid(i64::MAX));
    let first = line.first()?;
    let is_it = |node: &Path| *node == first.path;
    let is_own = waiter.node.is_some_and(is_it);
    let is_known =
        waiters.iter().any(|other| other.node.is_some_and(is_it)) || beliefs.iter().any(|belief| belief.until.is_none() && is_it(belief.node));
    if !is_own && is_known {
        return None;
    }
    let what = if is_own {
        format!("its node {} is the first of its line", first.path)
    } else {
        format!("nobody knows of {}, the first of its line", first.path)
    };
    Some((first_since(case, waiter.path, first), what))
}

/// Since when the one node of an exclusive lock is not there.
fn free(case: &Case, waiter: &Waiter) -> Option<((Micros, u64), String)> {
    let last = case.chronicle.lives_of(waiter.path).last();
    let since = match last {
        None => (waiter.called.at, waiter.called.event),
        Some(life) => life.died.map(|end| (end.when.at, end.when.event))?,
    };
    Some((since, format!("there is no {}", waiter.path)))
}

/// Since when a node is the first of its line: its creation, or the end of the last one before it.
fn first_since(case: &Case, path: &Path, first: &Life) -> (Micros, u64) {
    let before = case.chronicle.below(path).filter(|life| life.sequence() < first.sequence());
    let ends = before.filter_map(|life| life.died).map(|end| end.when);
    ends.chain([first.born]).max_by_key(|when| when.zxid).map_or((Micros::ZERO, 0), |when| (when.at, when.event))
}
