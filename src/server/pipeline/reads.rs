//! Reads, answered from the server's own tree. Source: `FinalRequestProcessor`; data-model reference §5.2.

use std::sync::Arc;

use crate::proto::{Answer, AuthId, Config, ErrorCode, Op, Path, SessionId, Version};
use crate::tree::{DataTree, Database, OPEN_ACL, Znode, name_of};

use super::access::{self, ADMIN, READ};
use super::auth;

/// Who reads, and what there is to be read.
pub struct Reader<'a> {
    pub config: &'a Config,
    pub db: &'a Database,
    pub session: SessionId,
    pub ids: &'a [AuthId],
}

impl<'a> Reader<'a> {
    /// What a client is told of the tree as it is now.
    pub fn read(&self, op: &Op) -> Result<Answer, ErrorCode> {
        match op {
            Op::Exists { path, .. } => self.exists(path),
            Op::GetData { path, .. } => self.readable(path).map(|node| Answer::Data { data: node.data.clone(), stat: node.stat() }),
            Op::GetChildren { path, .. } => self.readable(path).map(|node| Answer::Children(names(node))),
            Op::GetChildren2 { path, .. } => self.readable(path).map(|node| Answer::ChildrenWithStat { children: names(node), stat: node.stat() }),
            Op::GetAcl { path } => self.acl(path),
            Op::GetAllChildrenNumber { path } => self.readable(path).map(|_| Answer::Count(descendants(self.db.tree(), path))),
            Op::GetEphemerals { prefix } => Ok(Answer::Ephemerals(self.ephemerals(prefix))),
            Op::MultiRead(parts) if !parts.iter().all(Op::fits_multi_read) => Err(ErrorCode::MarshallingError),
            // Each part is read for itself.
            Op::MultiRead(parts) => Ok(Answer::Parts(parts.iter().map(|part| self.read(part)).collect())),
            Op::WhoAmI => Ok(Answer::ClientInfos(auth::client_infos(self.ids))),
            // The path of a sync is neither looked at nor used.
            Op::Ping | Op::Sync { .. } => Ok(Answer::Done),
            _ => Err(ErrorCode::Unimplemented),
        }
    }

    /// Anyone may ask, until 3.8.4 and 3.9.2: since then only those who may read the node.
    fn exists(&self, path: &str) -> Result<Answer, ErrorCode> {
        if path.contains('\0') {
            return Err(ErrorCode::BadArguments);
        }
        let node = self.db.tree().get(path).ok_or(ErrorCode::NoNode)?;
        if self.config.version == Version::V3_9 {
            self.allowed(node, READ)?;
        }
        Ok(Answer::Stat(node.stat()))
    }

    /// Whoever may read the list without being allowed to set it sees no hashes.
    fn acl(&self, path: &str) -> Result<Answer, ErrorCode> {
        let node = self.db.tree().get(path).ok_or(ErrorCode::NoNode)?;
        self.allowed(node, READ | ADMIN)?;
        // A list that a fuzzy snapshot's table lacks comes back with the replay.
        let acl = self.db.tree().acls().list(node.acl).unwrap_or_else(|| Arc::new([]));
        let shown = if self.allowed(node, ADMIN).is_ok() { acl } else { acl.iter().map(auth::masked).collect() };
        Ok(Answer::Acl { acl: shown, stat: node.stat() })
    }

    /// By the beginning of the whole path; nothing or `/` means all.
    fn ephemerals(&self, prefix: &str) -> Arc<[Path]> {
        let is_all = matches!(prefix.trim(), "" | "/");
        self.db.tree().ephemerals(self.session).filter(|path| is_all || path.starts_with(prefix)).cloned().collect()
    }

    /// The node, if there is one and the client may read it.
    fn readable(&self, path: &str) -> Result<&'a Znode, ErrorCode> {
        let node = self.db.tree().get(path).ok_or(ErrorCode::NoNode)?;
        self.allowed(node, READ).map(|()| node)
    }

    fn allowed(&self, node: &Znode, perms: i32) -> Result<(), ErrorCode> {
        if allows(self.config, self.db.tree(), node, perms, self.ids) { Ok(()) } else { Err(ErrorCode::NoAuth) }
    }
}

/// Whether somebody with these ids may do this to a node. A list that the table lacks, after a fuzzy snapshot, allows everything.
pub fn allows(config: &Config, tree: &DataTree, node: &Znode, perms: i32, ids: &[AuthId]) -> bool {
    node.acl == OPEN_ACL || config.skip_acl || tree.acls().list(node.acl).is_none_or(|list| access::allows(&list, perms, ids))
}

fn names(node: &Znode) -> Arc<[Path]> {
    node.children.iter().map(|child| Path::from(name_of(child))).collect()
}

/// All nodes below, at any depth.
fn descendants(tree: &DataTree, path: &str) -> i32 {
    let mut open = vec![path];
    let mut count = 0;
    while let Some(path) = open.pop() {
        let Some(node) = tree.get(path) else { continue };
        count += node.children.len();
        open.extend(node.children.iter().map(|child| &**child));
    }
    count as i32
}
