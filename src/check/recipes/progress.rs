//! nobody waits for nothing. Who is the first of a line comes to know it, and whoever is the first knows that it is.
//!
//! Judged where the run ends: of clients that have been connected, and of lines that have not changed, for [`PATIENCE`].

use super::beliefs::{self, Belief};
use super::chronicle::Life;
use super::leases::leases_of;
use super::sharing::blocker;
use super::{Case, Told};
use crate::check::Invariant::WaiterProceeds;
use crate::check::verdict::{Fact, Violation};
use crate::proto::{Micros, NodeId, Path, Recipe, RecipeVerb, Zxid};
use crate::trace::{Note, What};

/// So long a client may take to notice: more than it takes to find out that a connection is dead (two thirds of the longest session timeout).
pub const PATIENCE: Micros = Micros::from_secs(30);

/// Somebody who was told nothing yet.
pub struct Waiter<'a> {
    pub called: &'a Told,
    recipe: Recipe,
    pub path: &'a Path,
    /// How many there may be, where there may be more than one.
    number: Option<i64>,
    /// As it has told last.
    node: Option<&'a Path>,
}

pub fn check(case: &Case) -> Option<Violation> {
    let waiters = waiters(case);
    let beliefs = beliefs::all(case);
    let able = |waiter: &&Waiter| is_able(case, waiter.called.client);
    waiters.iter().filter(able).find_map(|waiter| in_vain(case, &waiters, &beliefs, waiter))
}

/// Whether this client could have done what it has to do.
pub fn is_able(case: &Case, client: u32) -> bool {
    let since = case.clients.get(&client).and_then(|client| client.able_since);
    since.is_some_and(|since| since + PATIENCE <= case.end)
}

/// All who wait for a holding when the run is over.
pub fn waiters<'a>(case: &Case<'a>) -> Vec<Waiter<'a>> {
    let mut waiters: Vec<(u64, Waiter)> = Vec::new();
    for told in case.told {
        match &told.what {
            What::Note(Note::RecipeCalled { call, what }) if what.verb.info().waits || what.verb == RecipeVerb::LatchStart => {
                waiters.push((*call, Waiter { called: told, recipe: what.verb.recipe(), path: &what.path, number: what.number, node: None }));
            }
            What::Note(Note::RecipeCalled { what, .. }) if what.verb == RecipeVerb::LatchClose => {
                let its = |waiter: &Waiter| stands(waiter) && waiter.called.client == told.client && *waiter.path == what.path;
                waiters.retain(|(_, waiter)| !its(waiter));
            }
            What::Note(Note::RecipeReturned { call, .. }) => {
                waiters.retain(|(other, waiter)| stands(waiter) || (other, waiter.called.client) != (call, told.client));
            }
            What::Note(Note::Waits { path, node, .. }) => {
                let its = |(_, waiter): &&mut (u64, Waiter)| waiter.called.client == told.client && waiter.path == path;
                waiters.iter_mut().filter(its).for_each(|(_, waiter)| waiter.node = Some(node));
            }
            // Its process is another one, or has given up all that it had begun.
            What::Record(_) | What::Note(Note::ClientClosed { .. }) => waiters.retain(|(_, waiter)| waiter.called.client != told.client),
            _ => {}
        }
    }
    waiters.into_iter().map(|(_, waiter)| waiter).collect()
}

/// Whether it waits from its start to its close: each time that it does not lead.
fn stands(waiter: &Waiter) -> bool {
    waiter.recipe == Recipe::Latch
}

fn in_vain(case: &Case, waiters: &[Waiter], beliefs: &[Belief], waiter: &Waiter) -> Option<Violation> {
    let ((at, event), what) = match waiter.recipe {
        Recipe::Exclusive => free(case, waiter)?,
        Recipe::Semaphore => lease_free(case, waiter)?,
        _ => first_unaware(case, waiters, beliefs, waiter)?,
    };
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
    // Who reads comes to its turn while other readers are before it.
    let first = match waiter.node.and_then(|node| line.iter().find(|life| life.path == *node)) {
        Some(own) if waiter.recipe == Recipe::RwLock && blocker(&line, &own.path).is_none() => own,
        _ => first,
    };
    let is_it = |node: &Path| *node == first.path;
    let is_own = waiter.node.is_some_and(is_it);
    let is_held = beliefs.iter().any(|belief| belief.until.is_none() && is_it(belief.node));
    let is_known = waiters.iter().any(|other| other.node.is_some_and(is_it));
    if is_held || !is_own && is_known {
        return None;
    }
    let what = if is_own {
        format!("its node {} has nobody before it to wait for", first.path)
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

/// Since when it is the waiter's turn to take a lease, and one is free.
fn lease_free(case: &Case, waiter: &Waiter) -> Option<((Micros, u64), String)> {
    let session = waiter.called.session;
    let mutex: Path = format!("{}/locks", waiter.path).into();
    let line = case.chronicle.line(&mutex, Zxid(i64::MAX));
    let first = line.first().filter(|first| first.owner == session)?;
    let folder = leases_of(waiter.path);
    let (gone, there): (Vec<&Life>, Vec<&Life>) = case.chronicle.below(&folder).partition(|life| life.died.is_some());
    let taken = there.iter().filter(|life| life.owner != session).count() as i64;
    if taken >= waiter.number? {
        return None;
    }
    let returned = gone.iter().filter_map(|life| life.died).map(|end| (end.when.at, end.when.event)).max();
    let since = returned.max(Some(first_since(case, &mutex, first)))?;
    Some((since, format!("it is its turn, and of {folder} {taken} are taken")))
}

/// Since when a node is the first of its line: its creation, or the end of the last one before it.
fn first_since(case: &Case, path: &Path, first: &Life) -> (Micros, u64) {
    let before = case.chronicle.below(path).filter(|life| life.sequence() < first.sequence());
    let ends = before.filter_map(|life| life.died).map(|end| end.when);
    ends.chain([first.born]).max_by_key(|when| when.zxid).map_or((Micros::ZERO, 0), |when| (when.at, when.event))
}
