//! The lock without herd: a line of sequential nodes, each of which watches the one before it. Reference §5; Curator `LockInternals`.

use super::asking::Listing;
use super::holdings::Held;
use super::names::{child, in_order, name_of};
use super::protected;
use super::script::{Run, Script, Stop, Unless};
use crate::bugs::Bug;
use crate::proto::{CreateMode, ErrorCode, NOT_HELD, Op, Path, Recipe, RecipeCall, SUSPENDED, TIMED_OUT, Zxid};
use crate::trace::{LetGoReason, Note};

const RECIPE: Recipe = Recipe::Lock;

pub fn acquire(zk: &mut Script, call: &RecipeCall) -> Run<String> {
    let deadline = zk.deadline(call.within);
    let path = &call.path;
    let made = protected::create(zk, path, "lock-", None, CreateMode::EphemeralSequential)?;
    let own = name_of(&made.path);
    loop {
        let line = zk.children(path, zk.has(Bug::RecipeHerd))?;
        let place = match place_of(zk, &line, own) {
            // Somebody has deleted it.
            Place::Nowhere => return Err(Stop::Failed(ErrorCode::NoNode)),
            place => place,
        };
        let Place::Behind(ahead) = place else { return hold(zk, call, &made.path, made.czxid, line.zxid) };
        let ahead = child(path, &ahead);
        zk.tell(|| Note::Waits { recipe: RECIPE, path: path.clone(), node: made.path.clone(), ahead: ahead.clone() });
        let woken = if zk.has(Bug::RecipeHerd) {
            // The mistake: everybody watches the list, and reads it again whenever anybody comes or goes.
            zk.wait(&[path], deadline)?.is_some()
        } else if zk.has(Bug::RecipeLostWakeup) {
            // The mistake: between the list and this watch the node may go, and then nobody tells of it.
            zk.exists(&ahead, true)?;
            zk.wait(&[&ahead], deadline)?.is_some()
        } else {
            // With getData, not exists: where there is no node no watch is left behind.
            match zk.data(&ahead, true).unless(ErrorCode::NoNode)? {
                Some(_) => zk.wait(&[&ahead], deadline)?.is_some(),
                // The mistake: that the one before is gone does not make it the first.
                None if zk.has(Bug::RecipeFalseAcquire) => return hold(zk, call, &made.path, made.czxid, line.zxid),
                None => true,
            }
        };
        if !woken {
            zk.delete(&made.path)?;
            return Err(Stop::Refused(TIMED_OUT));
        }
    }
}

/// Where a node stands in the line.
enum Place {
    First,
    /// Behind this one.
    Behind(Path),
    Nowhere,
}

fn place_of(zk: &Script, line: &Listing, own: &str) -> Place {
    let mut names = in_order(&line.names);
    // The mistake: what stands before the number decides.
    if zk.has(Bug::RecipeNameOrder) {
        names.sort_unstable();
    }
    match names.iter().position(|name| &***name == own) {
        None => Place::Nowhere,
        Some(0) => Place::First,
        Some(at) => Place::Behind(names[at - 1].clone()),
    }
}

fn hold(zk: &mut Script, call: &RecipeCall, node: &Path, token: Zxid, seen: Zxid) -> Run<String> {
    let session = zk.session();
    zk.hold(Held { recipe: RECIPE, path: call.path.clone(), node: node.clone(), token, seen, session, is_believed: true });
    Ok("Ok".into())
}

/// What it holds, if it believes so.
fn believed(zk: &mut Script, path: &Path) -> Run<Held> {
    match zk.held(RECIPE, path) {
        Some(held) if held.is_believed => Ok(held),
        Some(_) => Err(Stop::Refused(SUSPENDED)),
        None => Err(Stop::Refused(NOT_HELD)),
    }
}

pub fn release(zk: &mut Script, call: &RecipeCall) -> Run<String> {
    let Some(held) = zk.held(RECIPE, &call.path) else { return Err(Stop::Refused(NOT_HELD)) };
    zk.let_go(&held.node, LetGoReason::Released);
    zk.forget(&held.node);
    zk.delete(&held.node)?;
    Ok("Ok".into())
}

/// The work that the lock guards. That the own node is there is checked where it is written: whatever the client believes, who has lost the
/// lock writes nothing (reference §8: the strongest form of a fence, because it is inside ZooKeeper).
pub fn write(zk: &mut Script, call: &RecipeCall) -> Run<String> {
    let held = believed(zk, &call.path)?;
    let write = Op::SetData { path: call.path.clone(), data: call.data.clone(), version: -1 };
    // The mistake: nothing but its belief stands between a holder of the past and the data.
    if zk.has(Bug::RecipeUnfenced) {
        zk.ask(|| write)?;
    } else {
        zk.multi(|| vec![Op::Check { path: held.node.clone(), version: -1 }, write])?;
    }
    Ok("Ok".into())
}

/// Takes the lock from its holder (reference §7, the harsh variant). The holder hears nothing of it: what keeps it from the data is the fence.
pub fn break_(zk: &mut Script, call: &RecipeCall) -> Run<String> {
    let line = zk.children(&call.path, false)?;
    match in_order(&line.names).first() {
        Some(first) => zk.delete(&child(&call.path, first)).map(|()| "Ok".into()),
        None => Err(Stop::Refused(NOT_HELD)),
    }
}
