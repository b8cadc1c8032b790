//! What is waited for together: R-8. Nobody passes a barrier that stands, goes on before enough others are there, or leaves before they do.

use std::collections::BTreeMap;

use super::chronicle::{Life, Moment};
use super::{Case, Told};
use crate::check::Invariant::BarrierHolds;
use crate::check::verdict::{Fact, Violation};
use crate::proto::{Path, Recipe, RecipeCall, RecipeVerb, Zxid, parent_path};
use crate::trace::{Note, What};

/// A client says that it goes on.
struct Passage<'a> {
    told: &'a Told,
    recipe: Recipe,
    path: &'a Path,
    /// Its own among the members; of a barrier the barrier.
    node: &'a Path,
    seen: Zxid,
    is_leaving: bool,
}

pub fn check(case: &Case) -> Option<Violation> {
    let passages: Vec<Passage> = case.told.iter().filter_map(passage).collect();
    let gone_on: BTreeMap<&Path, u64> = passages.iter().rev().map(|passage| (passage.node, passage.told.event)).collect();
    let broken = |passage: &Passage| match passage.recipe {
        Recipe::Barrier => stands(case, passage),
        _ if passage.is_leaving => too_early(case, passage),
        _ => too_few(case, &gone_on, passage),
    };
    passages.iter().find_map(broken)
}

fn passage(told: &Told) -> Option<Passage<'_>> {
    let is_leaving = matches!(told.what, What::Note(Note::Leaves { .. }));
    match &told.what {
        What::Note(Note::Passes { recipe, path, node, seen } | Note::Leaves { recipe, path, node, seen }) => {
            Some(Passage { told, recipe: *recipe, path, node, seen: *seen, is_leaving })
        }
        _ => None,
    }
}

/// The barrier was there when it was looked at last.
fn stands(case: &Case, passage: &Passage) -> Option<Violation> {
    let barrier = case.chronicle.lives_of(passage.path).find(|life| life.is_alive_at(passage.seen))?;
    let there =
        Fact::new(barrier.born.event, format!("the barrier {} stands at {}, where c{} saw it last", barrier.path, passage.seen, passage.told.client));
    Some(passage.told.breaks(BarrierHolds, [there, Fact::new(passage.told.event, format!("c{} passes", passage.told.client))]))
}

/// Fewer have come than were to be waited for. Whoever had gone on before this one began was of another round.
fn too_few(case: &Case, gone_on: &BTreeMap<&Path, u64>, passage: &Passage) -> Option<Violation> {
    let (began, call) = call_of(case, passage)?;
    let needed = call.number.map_or(0, |number| number.max(0) as usize);
    let has_gone_on = |life: &&Life| gone_on.get(&life.path).is_some_and(|event| *event < began);
    let came = members(case, passage.node).filter(|life| life.born.event <= passage.told.event && !has_gone_on(life));
    let count = came.clone().count();
    if count >= needed {
        return None;
    }
    let names: Vec<&str> = came.map(|life| &*life.path).collect();
    let there = Fact::new(began, format!("c{} waits for {needed} from here on, and only {count} came: {}", passage.told.client, names.join(", ")));
    Some(passage.told.breaks(BarrierHolds, [there, Fact::new(passage.told.event, format!("c{} goes on", passage.told.client))]))
}

/// What the client was asked last before it went on, and where.
fn call_of<'a>(case: &Case<'a>, passage: &Passage) -> Option<(u64, &'a RecipeCall)> {
    let before = case.told.iter().rev().filter(|told| told.client == passage.told.client && told.event < passage.told.event);
    before.into_iter().find_map(|told| match &told.what {
        What::Note(Note::RecipeCalled { what, .. }) if what.path == *passage.path && is_entering(what.verb) => Some((told.event, &**what)),
        _ => None,
    })
}

fn is_entering(verb: RecipeVerb) -> bool {
    matches!(verb, RecipeVerb::DoubleBarrierEnter | RecipeVerb::SyncQueueJoin)
}

/// Another member is still there.
fn too_early(case: &Case, passage: &Passage) -> Option<Violation> {
    let is_there = |life: &&Life| life.born.event <= passage.told.event && life.died.is_none_or(|end| end.when.event > passage.told.event);
    let other = members(case, passage.node).filter(|life| life.path != *passage.node).find(is_there)?;
    let there = Fact::new(other.born.event, format!("{} is a member, and has not gone", other.path));
    Some(passage.told.breaks(BarrierHolds, [there, Fact::new(passage.told.event, format!("c{} leaves", passage.told.client))]))
}

/// All that were ever members of the round that this node is of.
fn members<'a>(case: &'a Case, node: &'a Path) -> impl Iterator<Item = &'a Life> + Clone {
    case.chronicle.below(parent_path(node).unwrap_or("/")).filter(|life| life.sequence().is_some())
}

/// Since when this one could go on: its gate is open, or enough are there and nobody opens it.
pub fn could_enter(case: &Case, node: &Path, gate: &Path, needed: i64) -> Option<(Moment, String)> {
    if let Some(open) = case.chronicle.lives_of(gate).last() {
        return Some((open.born, format!("{gate} is there, and lets all pass")));
    }
    let there = members(case, node).filter(|life| life.died.is_none());
    let last = there.clone().map(|life| life.born).max_by_key(|born| born.zxid)?;
    (there.count() as i64 >= needed).then(|| (last, format!("{needed} members are there, and nobody makes {gate}")))
}

/// Since when all others have gone.
pub fn could_leave(case: &Case, node: &Path) -> Option<(Moment, String)> {
    let others = members(case, node).filter(|life| life.path != *node);
    let ends: Option<Vec<Moment>> = others.map(|life| life.died.map(|end| end.when)).collect();
    let last = ends?.into_iter().max_by_key(|end| end.zxid)?;
    Some((last, "all other members have gone".into()))
}
