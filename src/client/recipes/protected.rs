//! A node of one's own whose name is known even if the answer to its create was lost. Source: Curator `withProtection`; reference §0.1.

use super::asking::Made;
use super::names::child;
use super::script::{Run, Script, Stop, Unless};
use crate::bugs::Bug;
use crate::proto::{Bytes, CreateMode, ErrorCode, Path, SessionId};

/// Creates a sequential node of this prefix below a parent, which is made if it is missing. Its name begins with what no other script uses.
pub fn create(zk: &mut Script, parent: &Path, prefix: &str, data: Option<Bytes>, mode: CreateMode) -> Run<Made> {
    let mark = format!("_c_{}.{}-", zk.me, zk.number);
    create_marked(zk, parent, &mark, prefix, data, mode)
}

/// The same with a mark of the caller's.
///
/// If the connection was lost with the answer the node is looked for by its mark, and only if it is not there it is created again. That it is of
/// this session is sure: with the session the script would have ended.
pub fn create_marked(zk: &mut Script, parent: &Path, mark: &str, prefix: &str, data: Option<Bytes>, mode: CreateMode) -> Run<Made> {
    // The mistake: what nobody can recognise is created again, and stands in the line as somebody who never goes.
    let blind = zk.has(Bug::RecipeNoGuid);
    let path = child(parent, &format!("{}{prefix}", if blind { "" } else { mark }));
    loop {
        match zk.create(&path, data.clone(), mode) {
            Err(Stop::Failed(ErrorCode::ConnectionLoss)) if !blind => {
                // It may still be under way, proposed and not yet committed. The mistake: to look without waiting for that.
                if !zk.has(Bug::RecipeFindUnsynced) {
                    zk.sync(parent).unless(ErrorCode::NoNode)?;
                }
                if let Some((made, _)) = find(zk, parent, mark)? {
                    return Ok(made);
                }
            }
            Err(Stop::Failed(ErrorCode::ConnectionLoss)) => {}
            Err(Stop::Failed(ErrorCode::NoNode)) => zk.create_container(parent)?,
            other => return other,
        }
    }
}

/// The child whose name begins so, and the session that it belongs to.
pub fn find(zk: &mut Script, parent: &Path, mark: &str) -> Run<Option<(Made, SessionId)>> {
    let Some(line) = zk.children(parent, false).unless(ErrorCode::NoNode)? else { return Ok(None) };
    let Some(name) = line.names.iter().find(|name| name.starts_with(mark)) else { return Ok(None) };
    let path = child(parent, name);
    Ok(zk.exists(&path, false)?.map(|stat| (Made { path, czxid: stat.czxid }, stat.ephemeral_owner)))
}
