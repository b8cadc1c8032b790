//! The lock without herd: who is the first of the line holds it. Reference §5; Curator `InterProcessMutex`.
//!
//! It can be taken from its holder (reference §7), in the harsh way, or by asking: who has acquired it so that it can be revoked watches its own
//! node, and gives the lock back when it finds the request there. Source: Curator `InterProcessMutex.makeRevocable`, `Revoker`.

use super::holdings::Held;
use super::line::{self, ANYBODY};
use super::names::{child, in_order};
use super::script::{Run, Script, Stop, Unless};
use crate::bugs::Bug;
use crate::proto::{Bytes, ErrorCode, NOT_HELD, Op, Path, Recipe, RecipeCall};
use crate::trace::LetGoReason;

/// What asks a holder to give its lock back, as the data of its node.
const REQUEST: &[u8] = b"unlock";

pub fn acquire(zk: &mut Script, call: &RecipeCall) -> Run<String> {
    line::acquire(zk, call, "lock-", None, ANYBODY)
}

/// As [`acquire`], and heeds requests to give it back from then on.
pub fn acquire_revocable(zk: &mut Script, call: &RecipeCall) -> Run<String> {
    let told = acquire(zk, call)?;
    zk.stand(call);
    Ok(told)
}

/// Looks after a lock that can be revoked, on a connection, from its first moment on.
pub fn heed(zk: &mut Script, call: &RecipeCall) -> Run<()> {
    if let Some(held) = zk.held(Recipe::Lock, &call.path) {
        await_request(zk, &held)?;
    }
    zk.stand_down(&call.path);
    Ok(())
}

/// Comes back when nothing is held any more. Each look at the node is also the next watch of it, and decides: a request that came before the
/// watch, or while there was no connection, is not told by any event.
fn await_request(zk: &mut Script, held: &Held) -> Run<()> {
    let node = &held.node;
    let mut is_told = !zk.has(Bug::RecipeRevokeOverlooked);
    let mut is_believed = held.is_believed;
    loop {
        let found = zk.data(node, true).unless(ErrorCode::NoNode)?.filter(|(_, stat)| stat.czxid == held.token);
        let Some((data, _)) = found else { return give_up(zk, node, LetGoReason::Lost) };
        // The mistake: only an event makes it look at what it reads.
        if is_told && data.is_some_and(|data| *data == *REQUEST) {
            give_up(zk, node, LetGoReason::Revoked)?;
            return zk.delete(node);
        }
        // Back in its session, and asked for nothing.
        if !std::mem::replace(&mut is_believed, true) {
            zk.hold(Held { is_believed, ..held.clone() });
        }
        zk.wait(&[node], None)?;
        is_told = true;
    }
}

fn give_up(zk: &mut Script, node: &Path, why: LetGoReason) -> Run<()> {
    zk.let_go(node, why);
    zk.forget(node);
    Ok(())
}

/// Asks the holder to give the lock back; whether it does is up to it.
pub fn revoke(zk: &mut Script, call: &RecipeCall) -> Run<String> {
    loop {
        let first = holder(zk, &call.path)?;
        match zk.ask(|| Op::SetData { path: first, data: Some(Bytes::from(REQUEST)), version: -1 }) {
            Ok(_) => return Ok("Ok".into()),
            // Somebody else is the holder by now; or nobody knows, and to ask twice is no harm.
            Err(Stop::Failed(ErrorCode::NoNode | ErrorCode::ConnectionLoss)) => {}
            Err(stop) => return Err(stop),
        }
    }
}

/// Takes the lock from its holder, the harsh variant. The holder hears nothing of it: what keeps it from the data is the fence.
pub fn break_(zk: &mut Script, call: &RecipeCall) -> Run<String> {
    let first = holder(zk, &call.path)?;
    zk.delete(&first).map(|()| "Ok".into())
}

/// The first of the line.
fn holder(zk: &mut Script, path: &Path) -> Run<Path> {
    let line = zk.children(path, false)?;
    in_order(&line.names).first().map(|first| child(path, first)).ok_or(Stop::Refused(NOT_HELD))
}
