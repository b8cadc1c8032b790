//! Reads, answered from the server's own tree. Source: `FinalRequestProcessor`; data-model reference §5.2.

use crate::proto::{Answer, ErrorCode, Op, Path};
use crate::tree::{Database, OPEN_ACL, Znode, name_of};

use super::access::{self, READ};

/// What a client is told of the tree as it is now.
pub fn read(db: &Database, op: &Op) -> Result<Answer, ErrorCode> {
    match op {
        Op::Exists { path, .. } if path.contains('\0') => Err(ErrorCode::BadArguments),
        Op::Exists { path, .. } => readable(db, path).map(|node| Answer::Stat(node.stat())),
        Op::GetData { path, .. } => readable(db, path).map(|node| Answer::Data { data: node.data.clone(), stat: node.stat() }),
        Op::GetChildren { path, .. } => {
            readable(db, path).map(|node| Answer::Children(node.children.iter().map(|child| Path::from(name_of(child))).collect()))
        }
        // The path of a sync is neither looked at nor used.
        Op::Ping | Op::Sync { .. } => Ok(Answer::Done),
        _ => Err(ErrorCode::Unimplemented),
    }
}

/// The node, if there is one and anyone may read it.
fn readable<'a>(db: &'a Database, path: &str) -> Result<&'a Znode, ErrorCode> {
    let node = db.tree().get(path).ok_or(ErrorCode::NoNode)?;
    let allowed = node.acl == OPEN_ACL || db.tree().acls().list(node.acl).is_none_or(|list| access::allows(&list, READ));
    if allowed { Ok(node) } else { Err(ErrorCode::NoAuth) }
}
