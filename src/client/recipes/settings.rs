//! A value that all who watch it come to know, in the order of its versions. Reference §1; Curator `SharedValue`.

use super::duties::{Knowledge, learn, wait_for_change};
use super::script::{Run, Script, Stop, Unless};
use crate::bugs::Bug;
use crate::proto::{CreateMode, ErrorCode, RecipeCall, parent_path};

/// Reads the value, with a watch in the same request, tells it if it is newer than what is known, and waits for the next. A node that goes takes
/// nothing back: its last value stays until there is another.
pub fn lap(zk: &mut Script, call: &RecipeCall, known: &Knowledge) -> Run<Knowledge> {
    let path = &call.path;
    // The mistake: what happens between the reading and the watch is told by nobody.
    let late = zk.has(Bug::RecipeLateWatch);
    let read = zk.data(path, !late).unless(ErrorCode::NoNode)?;
    let known = match &read {
        Some((_, stat)) if stat.mzxid == known.zxid => known.clone(),
        Some((data, stat)) => learn(zk, path, known, stat.mzxid, String::from_utf8_lossy(data.as_deref().unwrap_or_default()).into()),
        None => known.clone(),
    };
    let came = (late || read.is_none()) && zk.exists(path, true)?.is_some();
    // It has come since it was read.
    if came && !late {
        return Ok(known);
    }
    wait_for_change(zk, path)?;
    Ok(known)
}

/// Writes the value. If there is no answer nobody can tell whether it was written: to write it again might undo what others have written since.
pub fn set(zk: &mut Script, call: &RecipeCall) -> Run<String> {
    let (path, data) = (&call.path, call.data.clone().unwrap_or_else(|| [].into()));
    loop {
        match zk.set(path, data.clone(), -1) {
            Err(Stop::Failed(ErrorCode::NoNode)) => {}
            done => return done.map(|_| "Ok".into()),
        }
        match zk.create(path, Some(data.clone()), CreateMode::Persistent) {
            Err(Stop::Failed(ErrorCode::NodeExists)) => {}
            Err(Stop::Failed(ErrorCode::NoNode)) => zk.create_container(&parent_path(path).unwrap_or("/").into())?,
            done => return done.map(|_| "Ok".into()),
        }
    }
}
