//! A node of the client's own, as long as it wants to be there: a member of a group, an instance of a service. Reference §2, §18, §19; Curator
//! `PersistentNode`.

use super::duties::{Knowledge, stop, wait_for_change};
use super::names::child;
use super::script::{BACK, Run, Script, Stop, Unless};
use crate::bugs::Bug;
use crate::proto::{CreateMode, ErrorCode, Op, Path, RecipeCall, RecipeVerb, Zxid};
use crate::trace::Note;

/// Looks whether the node is there, and of this session; makes it, if not, and looks again.
pub fn lap(zk: &mut Script, call: &RecipeCall, known: &Knowledge) -> Run<Knowledge> {
    let node = own_node(zk, &call.path);
    let found = zk.exists(&node, true)?;
    let session = zk.session();
    match found {
        Some(stat) if stat.ephemeral_owner == session => {
            if stat.czxid != known.zxid {
                joined(zk, call, &node, stat.czxid);
            }
            wait_for_change(zk, &node)?;
            Ok(Knowledge { zxid: stat.czxid, value: None })
        }
        // The mistake: whose it is does not matter. It is of a session of the past, and goes with it.
        Some(stat) if zk.has(Bug::RecipeStaleMember) => {
            joined(zk, call, &node, stat.czxid);
            zk.wait(&[&BACK.into()], None)?;
            Ok(known.clone())
        }
        // What a session of the past has left would go with that, and the client with it, unseen.
        Some(_) => {
            match zk.ask(|| Op::Delete { path: node.clone(), version: -1 }) {
                Err(Stop::Failed(ErrorCode::ConnectionLoss)) => {}
                done => drop(done.unless(ErrorCode::NoNode)?),
            }
            Ok(known.clone())
        }
        None => {
            match zk.create(&node, call.data.clone(), CreateMode::Ephemeral) {
                // If there is no answer the next look tells.
                Ok(_) | Err(Stop::Failed(ErrorCode::NodeExists | ErrorCode::ConnectionLoss)) => {}
                Err(Stop::Failed(ErrorCode::NoNode)) => zk.create_container(&call.path)?,
                Err(stop) => return Err(stop),
            }
            Ok(known.clone())
        }
    }
}

fn joined(zk: &mut Script, call: &RecipeCall, node: &Path, czxid: Zxid) {
    zk.tell(|| Note::Joined { path: call.path.clone(), node: node.clone(), czxid });
}

/// Sees to it no more, and takes the node away if it is of this session.
pub fn leave(zk: &mut Script, call: &RecipeCall, duty: RecipeVerb) -> Run<String> {
    stop(zk, duty, &call.path)?;
    let node = own_node(zk, &call.path);
    let found = zk.exists(&node, false)?;
    let session = zk.session();
    if found.is_some_and(|stat| stat.ephemeral_owner == session) {
        zk.delete(&node)?;
    }
    Ok("Ok".into())
}

/// Its name is the client's.
fn own_node(zk: &Script, path: &Path) -> Path {
    child(path, &zk.me.to_string())
}
