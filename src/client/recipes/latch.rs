//! The leader latch: who has started it takes part in one election until it is closed, over lost connections and lost sessions. Reference §9;
//! Curator `LeaderLatch`.

use super::asking::Made;
use super::line::{self, ANYBODY};
use super::protected;
use super::script::{Run, Script, Stop, Unless};
use crate::bugs::Bug;
use crate::proto::{CreateMode, ErrorCode, NOT_HELD, Path, Recipe, RecipeCall};
use crate::trace::LetGoReason;

const PREFIX: &str = "latch-";

/// From now on it takes part. When it leads is another question.
pub fn start(zk: &mut Script, call: &RecipeCall) -> Run<String> {
    zk.stand(call);
    Ok("Ok".into())
}

/// Looks after the latch on a connection, from its first moment on, until it leads.
pub fn take_part(zk: &mut Script, call: &RecipeCall) -> Run<()> {
    loop {
        let own = own_node(zk, &call.path)?;
        // Without a node of its own in the line it begins anew.
        if let Some(Some(seen)) = line::await_turn(zk, call, &own, ANYBODY, None).unless(ErrorCode::NoNode)? {
            line::hold(zk, call, &own, seen);
            return Ok(());
        }
    }
}

/// The node of this process: the one that it has, or a new one.
fn own_node(zk: &mut Script, path: &Path) -> Run<Made> {
    let mark = mark(zk);
    zk.sync(path).unless(ErrorCode::NoNode)?;
    if let Some((made, owner)) = protected::find(zk, path, &mark)? {
        // The mistake: by its name it is its own, but it belongs to the session before this one, and goes with that.
        if owner == zk.session() || zk.has(Bug::RecipeStaleNode) {
            return Ok(made);
        }
        zk.delete(&made.path)?;
    }
    protected::create_marked(zk, path, &mark, PREFIX, None, CreateMode::EphemeralSequential)
}

/// What the name of its node begins with: that of the process, so that it is known again in whatever session.
fn mark(zk: &Script) -> String {
    format!("_c_{}-", zk.me)
}

/// It takes part no more.
pub fn close(zk: &mut Script, call: &RecipeCall) -> Run<String> {
    let path = &call.path;
    if !zk.stand_down(path) {
        return Err(Stop::Refused(NOT_HELD));
    }
    if let Some(held) = zk.held(Recipe::Latch, path) {
        zk.let_go(&held.node, LetGoReason::Released);
        zk.forget(&held.node);
    }
    // Its create may have been under way; what is read behind a sync shows what became of it.
    zk.sync(path).unless(ErrorCode::NoNode)?;
    let mark = mark(zk);
    if let Some((made, _)) = protected::find(zk, path, &mark)? {
        zk.delete(&made.path)?;
    }
    Ok("Ok".into())
}
