//! of so many leases no more are granted, at any zxid, and none is lost.

use std::collections::BTreeSet;

use super::Case;
use super::beliefs::{self, Belief};
use super::chronicle::Life;
use super::progress::{self, PATIENCE};
use crate::check::Invariant::LeaseLimit;
use crate::check::verdict::{Fact, Violation};
use crate::proto::{NodeId, Path, Recipe, RecipeVerb};
use crate::trace::{Note, What};

pub fn check(case: &Case) -> Option<Violation> {
    let all = beliefs::all(case);
    let leases: Vec<&Belief> = all.iter().filter(|belief| belief.recipe == Recipe::Semaphore).collect();
    overshoot(case, &leases).or_else(|| forgotten(case, &leases))
}

/// The node that holds the leases of a semaphore.
pub fn leases_of(path: &str) -> String {
    format!("{path}/leases")
}

/// How many leases there were when this one was granted, in its client's own words.
fn most(case: &Case, belief: &Belief) -> Option<i64> {
    let said = case.told.iter().take_while(|told| told.event < belief.granted.event).filter(|told| told.client == belief.granted.client);
    said.filter_map(|told| match &told.what {
        What::Note(Note::RecipeCalled { what, .. }) if what.verb == RecipeVerb::SemaphoreAcquire && what.path == *belief.path => what.number,
        _ => None,
    })
    .last()
}

/// A lease is granted, and with it there are more than there may be.
fn overshoot(case: &Case, leases: &[&Belief]) -> Option<Violation> {
    leases.iter().find_map(|belief| {
        let most = most(case, belief)?;
        let granted = leases.iter().filter(|other| other.path == belief.path && is_granted_at(case, other, belief));
        let nodes: BTreeSet<&Path> = granted.map(|other| other.node).collect();
        if nodes.len() as i64 <= most {
            return None;
        }
        let names: Vec<&str> = nodes.iter().map(|node| &***node).collect();
        let what = format!("at {} there are {} leases granted of {most}: {}", belief.seen, nodes.len(), names.join(", "));
        Some(belief.granted.breaks(LeaseLimit, [Fact::new(belief.granted.event, what), Fact::new(belief.granted.event, belief.told())]))
    })
}

/// Whether a lease was granted, and its node was there, when another was granted.
fn is_granted_at(case: &Case, lease: &Belief, other: &Belief) -> bool {
    let life = case.chronicle.made_by(lease.node, lease.token);
    lease.seen <= other.seen && life.is_some_and(|life| life.is_alive_at(other.seen))
}

/// A lease is there when the run is over, and nobody has it or wants it, though the client whose session it is could have given it back.
fn forgotten(case: &Case, leases: &[&Belief]) -> Option<Violation> {
    let calls = case.told.iter().filter_map(|told| match &told.what {
        What::Note(Note::RecipeCalled { what, .. }) if what.verb == RecipeVerb::SemaphoreAcquire => Some(&what.path),
        _ => None,
    });
    let paths: BTreeSet<&Path> = calls.collect();
    paths.into_iter().find_map(|path| {
        let folder = leases_of(path);
        let left = case.chronicle.below(&folder).filter(|life| life.died.is_none());
        left.filter(|life| life.born.at + PATIENCE <= case.end).find_map(|life| lost(case, leases, path, life))
    })
}

fn lost(case: &Case, leases: &[&Belief], path: &Path, life: &Life) -> Option<Violation> {
    let (client, _) = case.clients.iter().find(|(_, client)| client.session == life.owner)?;
    let has_it = leases.iter().any(|belief| belief.until.is_none() && *belief.node == life.path);
    let wants_one = progress::waiters(case).iter().any(|waiter| waiter.called.client == *client && waiter.path == path);
    if has_it || wants_one || !progress::is_able(case, *client) {
        return None;
    }
    let there = Fact::new(life.born.event, format!("{} of c{client} is there, and is still at {}", life.path, case.end));
    let nobody = Fact::new(life.born.event, format!("c{client} neither has a lease of {path} nor waits for one"));
    let node = Some(NodeId::Client(*client));
    Some(Violation { invariant: LeaseLimit, at: case.end, event: life.born.event, node, facts: [there, nobody], involved: Vec::new() })
}
