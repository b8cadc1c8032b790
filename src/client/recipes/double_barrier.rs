//! The double barrier: nobody begins before all are there, and nobody goes before all are done. Reference §11; Curator
//! `DistributedDoubleBarrier`.

use super::holdings::Held;
use super::names::{child, in_order, name_of};
use super::rounds::{self, Member};
use super::script::{Run, Script, Stop, Unless};
use crate::bugs::Bug;
use crate::proto::{ErrorCode, NOT_HELD, Path, Recipe, RecipeCall, TIMED_OUT, Zxid, parent_path};
use crate::trace::Note;

const RECIPE: Recipe = Recipe::DoubleBarrier;

const READY: &str = "ready";

pub fn enter(zk: &mut Script, call: &RecipeCall) -> Run<String> {
    let Member { node, .. } = rounds::enter(zk, call, READY)?;
    let (session, seen) = (zk.session(), zk.seen());
    zk.keep(Held { recipe: RECIPE, path: call.path.clone(), node, token: Zxid::ZERO, seen, session, is_believed: false });
    Ok("Ok".into())
}

/// The first of the round waits for the last, all others delete their nodes and wait for the first: few are woken, and often by the right one.
pub fn leave(zk: &mut Script, call: &RecipeCall) -> Run<String> {
    let deadline = zk.deadline(call.within);
    let path = &call.path;
    let Some(Held { node, .. }) = zk.held(RECIPE, path) else { return Err(Stop::Refused(NOT_HELD)) };
    let round: Path = parent_path(&node).unwrap_or("/").into();
    let member = Member { gate: child(&round, READY), round, node };
    while let Some(other) = other_to_wait_for(zk, &member)? {
        zk.tell(|| Note::Waits { recipe: RECIPE, path: path.clone(), node: member.node.clone(), ahead: other.clone() });
        if zk.data(&other, true).unless(ErrorCode::NoNode)?.is_some() && zk.wait(&[&other], deadline)?.is_none() {
            return Err(Stop::Refused(TIMED_OUT));
        }
    }
    let seen = zk.seen();
    zk.tell(|| Note::Leaves { recipe: RECIPE, path: path.clone(), node: member.node.clone(), seen });
    zk.forget(&member.node);
    rounds::clear(zk, &member)?;
    Ok("Ok".into())
}

/// Whom to wait for before one may go; nothing, if all others have gone. Deletes the own node unless it is the first of several.
fn other_to_wait_for(zk: &mut Script, member: &Member) -> Run<Option<Path>> {
    let Some(list) = zk.children(&member.round, false).unless(ErrorCode::NoNode)? else { return Ok(None) };
    let mut members: Vec<Path> = in_order(&list.names).into_iter().cloned().collect();
    // The mistake: the gate is a child of the round too, and never goes.
    if zk.has(Bug::RecipeCountsReady) {
        members.extend(list.names.iter().filter(|name| &***name == READY).cloned());
    }
    let own = name_of(&member.node);
    let is_in = members.iter().any(|name| &**name == own);
    let other = match members.as_slice() {
        [first, .., last] if &**first == own => return Ok(Some(child(&member.round, last))),
        [first, ..] if &**first != own => Some(child(&member.round, first)),
        _ => None,
    };
    if is_in {
        zk.delete(&member.node)?;
    }
    // The mistake: who has done his part goes.
    Ok(other.filter(|_| !zk.has(Bug::RecipeLeavesEarly)))
}
