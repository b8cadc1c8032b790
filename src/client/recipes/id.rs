//! Numbers that are given once: those that a leader gives to sequential nodes. Reference §3.

use super::names::{name_of, sequence};
use super::protected;
use super::script::{Run, Script, Stop};
use crate::bugs::Bug;
use crate::proto::{CreateMode, ErrorCode, Path, RecipeCall, parent_path};
use crate::trace::Note;

pub fn next(zk: &mut Script, call: &RecipeCall) -> Run<String> {
    let path = &call.path;
    // The mistake: the parent is made as a container, as those of locks are. It goes when it is empty, and with it the memory of how many
    // children it had.
    if !zk.has(Bug::RecipeReusedIds) {
        keep(zk, path)?;
    }
    let made = protected::create(zk, path, "id-", None, CreateMode::PersistentSequential)?;
    let Some(id) = sequence(name_of(&made.path)) else { return Err(Stop::Failed(ErrorCode::MarshallingError)) };
    zk.tell(|| Note::Numbered { path: path.clone(), id, czxid: made.czxid });
    // The number stays given: the parent counts the children that it ever had.
    zk.delete(&made.path)?;
    Ok(id.to_string())
}

/// Makes the parent as a node that stays.
fn keep(zk: &mut Script, path: &Path) -> Run<()> {
    if zk.exists(path, false)?.is_some() {
        return Ok(());
    }
    loop {
        match zk.create(path, None, CreateMode::Persistent) {
            Ok(_) | Err(Stop::Failed(ErrorCode::NodeExists)) => return Ok(()),
            Err(Stop::Failed(ErrorCode::ConnectionLoss)) => {}
            Err(Stop::Failed(ErrorCode::NoNode)) => zk.create_container(&parent_path(path).unwrap_or("/").into())?,
            Err(stop) => return Err(stop),
        }
    }
}
