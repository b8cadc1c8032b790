//! The barrier: as long as its node is there, nobody passes. Reference §10; Curator `DistributedBarrier`.

use super::script::{Run, Script, Stop, Unless};
use crate::bugs::Bug;
use crate::proto::{CreateMode, ErrorCode, Op, Recipe, RecipeCall, TIMED_OUT, parent_path};
use crate::trace::Note;

/// It is as good if it stands already.
pub fn set(zk: &mut Script, call: &RecipeCall) -> Run<String> {
    loop {
        match zk.create(&call.path, None, CreateMode::Persistent) {
            Ok(_) | Err(Stop::Failed(ErrorCode::NodeExists)) => return Ok("Ok".into()),
            Err(Stop::Failed(ErrorCode::ConnectionLoss)) => {}
            Err(Stop::Failed(ErrorCode::NoNode)) => zk.create_container(&parent_path(&call.path).unwrap_or("/").into())?,
            Err(stop) => return Err(stop),
        }
    }
}

/// Deletes the barrier that stands when it is asked for, and none that is set behind that.
pub fn lift(zk: &mut Script, call: &RecipeCall) -> Run<String> {
    let path = &call.path;
    zk.sync(path)?;
    let standing = zk.exists(path, false)?.map(|stat| stat.czxid);
    let mut now = standing;
    while now.is_some() && now == standing {
        match zk.ask(|| Op::Delete { path: path.clone(), version: -1 }) {
            // It may be under way still, but not behind a sync.
            Err(Stop::Failed(ErrorCode::ConnectionLoss)) => zk.sync(path)?,
            done => return done.unless(ErrorCode::NoNode).map(|_| "Ok".into()),
        }
        now = zk.exists(path, false)?.map(|stat| stat.czxid);
    }
    Ok("Ok".into())
}

pub fn wait(zk: &mut Script, call: &RecipeCall) -> Run<String> {
    let deadline = zk.deadline(call.within);
    let path = &call.path;
    loop {
        // The mistake: a first look without a watch.
        let blind = zk.has(Bug::RecipeLostWakeup);
        if zk.exists(path, !blind)?.is_none() {
            return pass(zk, call);
        }
        zk.tell(|| Note::Waits { recipe: Recipe::Barrier, path: path.clone(), node: path.clone(), ahead: path.clone() });
        if blind {
            // And then a watch without a look: the node may have gone in between.
            zk.exists(path, true)?;
        }
        if zk.wait(&[path], deadline)?.is_none() {
            return Err(Stop::Refused(TIMED_OUT));
        }
        // The mistake: whatever is told of the barrier is taken for its end.
        if zk.has(Bug::RecipeAnyEvent) {
            return pass(zk, call);
        }
    }
}

fn pass(zk: &mut Script, call: &RecipeCall) -> Run<String> {
    let (path, seen) = (&call.path, zk.seen());
    zk.tell(|| Note::Passes { recipe: Recipe::Barrier, path: path.clone(), node: path.clone(), seen });
    Ok("Ok".into())
}
