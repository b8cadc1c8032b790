//! A line of sequential nodes below one that all agree on. Whoever comes stands behind those who came before, and watches one of them alone.
//! What locks, elections and latches have in common. Reference §5, §8; Curator `LockInternals`.

use super::asking::{Listing, Made};
use super::holdings::Held;
use super::names::{child, in_order, name_of};
use super::protected;
use super::script::{Run, Script, Stop, Unless};
use crate::bugs::Bug;
use crate::proto::{Bytes, CreateMode, ErrorCode, Micros, NOT_HELD, Op, Path, RecipeCall, SUSPENDED, TIMED_OUT, Zxid};
use crate::trace::{LetGoReason, Note};

/// Of those who stand before one, in their order: whom to wait for.
pub type Ahead = for<'a> fn(&[&'a Path]) -> Option<&'a Path>;

/// One at a time: each waits for the one before it.
pub const ANYBODY: Ahead = |before| before.last().copied();

/// Enters the line, and holds what it leads to when its turn has come.
pub fn acquire(zk: &mut Script, call: &RecipeCall, prefix: &str, data: Option<Bytes>, ahead: Ahead) -> Run<String> {
    let deadline = zk.deadline(call.within);
    let own = protected::create(zk, &call.path, prefix, data, CreateMode::EphemeralSequential)?;
    match await_turn(zk, call, &own, ahead, deadline)? {
        Some(seen) => {
            hold(zk, call, &own, seen);
            Ok("Ok".into())
        }
        None => {
            zk.delete(&own.path)?;
            Err(Stop::Refused(TIMED_OUT))
        }
    }
}

/// Waits until there is nobody before the own node to wait for: the zxid of the list that showed it, or nothing once the time has come.
pub fn await_turn(zk: &mut Script, call: &RecipeCall, own: &Made, ahead: Ahead, deadline: Option<Micros>) -> Run<Option<Zxid>> {
    let (recipe, path) = (call.verb.recipe(), &call.path);
    loop {
        let line = zk.children(path, zk.has(Bug::RecipeHerd))?;
        let blocker = match place_of(zk, &line, name_of(&own.path), ahead) {
            // Somebody has deleted it.
            Place::Nowhere => return Err(Stop::Failed(ErrorCode::NoNode)),
            Place::Free => return Ok(Some(line.zxid)),
            Place::Behind(name) => child(path, &name),
        };
        zk.tell(|| Note::Waits { recipe, path: path.clone(), node: own.path.clone(), ahead: blocker.clone() });
        let woken = if zk.has(Bug::RecipeHerd) {
            // The mistake: everybody watches the list, and reads it again whenever anybody comes or goes.
            zk.wait(&[path], deadline)?.is_some()
        } else if zk.has(Bug::RecipeLostWakeup) {
            // The mistake: between the list and this watch the node may go, and then nobody tells of it.
            zk.exists(&blocker, true)?;
            zk.wait(&[&blocker], deadline)?.is_some()
        } else {
            // With getData, not exists: where there is no node no watch is left behind.
            match zk.data(&blocker, true).unless(ErrorCode::NoNode)? {
                Some(_) => zk.wait(&[&blocker], deadline)?.is_some(),
                // The mistake: that the one before is gone does not make it the first.
                None if zk.has(Bug::RecipeFalseAcquire) => return Ok(Some(line.zxid)),
                None => true,
            }
        };
        if !woken {
            return Ok(None);
        }
    }
}

/// Where a node stands in the line.
enum Place {
    /// There is nobody to wait for.
    Free,
    /// Behind this one.
    Behind(Path),
    Nowhere,
}

fn place_of(zk: &Script, line: &Listing, own: &str, ahead: Ahead) -> Place {
    let mut names = in_order(&line.names);
    // The mistake: what stands before the number decides.
    if zk.has(Bug::RecipeNameOrder) {
        names.sort_unstable();
    }
    let Some(at) = names.iter().position(|name| &***name == own) else { return Place::Nowhere };
    ahead(&names[..at]).map_or(Place::Free, |name| Place::Behind(name.clone()))
}

/// From now on it holds what the line leads to.
pub fn hold(zk: &mut Script, call: &RecipeCall, own: &Made, seen: Zxid) {
    let session = zk.session();
    let (recipe, path, Made { path: node, czxid: token }) = (call.verb.recipe(), call.path.clone(), own.clone());
    zk.hold(Held { recipe, path, node, token, seen, session, is_believed: true });
}

/// Stops believing first, and then leaves the line: the other way round two would believe.
pub fn release(zk: &mut Script, call: &RecipeCall) -> Run<String> {
    let Some(held) = zk.held(call.verb.recipe(), &call.path) else { return Err(Stop::Refused(NOT_HELD)) };
    zk.let_go(&held.node, LetGoReason::Released);
    zk.forget(&held.node);
    zk.delete(&held.node)?;
    Ok("Ok".into())
}

/// The work that is its holder's alone. That the own node is there is checked where it is written: whatever the client believes, who has lost
/// its place writes nothing (reference §8: the strongest form of a fence, because it is inside ZooKeeper).
pub fn write(zk: &mut Script, call: &RecipeCall) -> Run<String> {
    let held = believed(zk, call)?;
    let write = Op::SetData { path: call.path.clone(), data: call.data.clone(), version: -1 };
    // The mistake: nothing but its belief stands between a holder of the past and the data.
    if zk.has(Bug::RecipeUnfenced) {
        zk.ask(|| write)?;
    } else {
        zk.multi(|| vec![Op::Check { path: held.node.clone(), version: -1 }, write])?;
    }
    Ok("Ok".into())
}

/// What it holds, if it believes so.
fn believed(zk: &mut Script, call: &RecipeCall) -> Run<Held> {
    match zk.held(call.verb.recipe(), &call.path) {
        Some(held) if held.is_believed => Ok(held),
        Some(_) => Err(Stop::Refused(SUSPENDED)),
        None => Err(Stop::Refused(NOT_HELD)),
    }
}
