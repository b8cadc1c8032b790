//! The exclusive lock of one node. Whoever creates it holds; all others are woken when it goes. Reference §4.

use super::asking::Made;
use super::holdings::Held;
use super::script::{Run, Script, Stop, Unless};
use crate::bugs::Bug;
use crate::proto::{CreateMode, ErrorCode, NOT_HELD, Op, Path, Recipe, RecipeCall, SessionId, TIMED_OUT, parent_path};
use crate::trace::{LetGoReason, Note};

pub fn acquire(zk: &mut Script, call: &RecipeCall) -> Run<String> {
    let deadline = zk.deadline(call.within);
    let path = &call.path;
    loop {
        if let Some(Made { path: node, czxid: token }) = create(zk, path)? {
            let session = zk.session();
            zk.hold(Held { recipe: Recipe::Exclusive, path: path.clone(), node, token, seen: token, session, is_believed: true });
            return Ok("Ok".into());
        }
        zk.tell(|| Note::Waits { recipe: Recipe::Exclusive, path: path.clone(), node: path.clone(), ahead: path.clone() });
        if zk.exists(path, true)?.is_some() && zk.wait(&[path], deadline)?.is_none() {
            return Err(Stop::Refused(TIMED_OUT));
        }
    }
}

/// Nothing, if somebody else has it.
fn create(zk: &mut Script, path: &Path) -> Run<Option<Made>> {
    loop {
        match zk.create(path, None, CreateMode::Ephemeral) {
            Ok(made) => return Ok(Some(made)),
            // It may be there, made by the try before: its owner tells (reference §4).
            Err(Stop::Failed(ErrorCode::ConnectionLoss)) => {}
            Err(Stop::Failed(ErrorCode::NodeExists)) => {
                let session = zk.session();
                return match zk.exists(path, false)? {
                    Some(stat) if stat.ephemeral_owner == session && session != SessionId::NONE => {
                        Ok(Some(Made { path: path.clone(), czxid: stat.czxid }))
                    }
                    _ => Ok(None),
                };
            }
            Err(Stop::Failed(ErrorCode::NoNode)) => zk.create_container(&parent_path(path).unwrap_or("/").into())?,
            Err(stop) => return Err(stop),
        }
    }
}

pub fn release(zk: &mut Script, call: &RecipeCall) -> Run<String> {
    let path = &call.path;
    let Some(held) = zk.held(Recipe::Exclusive, path) else {
        // The mistake: the name is everybody's, and the node that is there now is somebody else's.
        if zk.has(Bug::RecipeDeletesForeignLock) {
            zk.delete(path)?;
        }
        return Err(Stop::Refused(NOT_HELD));
    };
    zk.let_go(path, LetGoReason::Released);
    zk.forget(path);
    while zk.exists(path, false)?.is_some_and(|stat| stat.czxid == held.token) {
        match zk.ask(|| Op::Delete { path: path.clone(), version: -1 }) {
            // The delete may still be under way. Behind a sync it is seen whether it took place: it cannot overtake that, nor hit what
            // others create afterwards.
            Err(Stop::Failed(ErrorCode::ConnectionLoss)) => zk.sync(path)?,
            done => return done.unless(ErrorCode::NoNode).map(|_| "Ok".into()),
        }
    }
    Ok("Ok".into())
}
