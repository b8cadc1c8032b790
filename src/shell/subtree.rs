//! Commands of zkCli that ask for a node and all below it, node by node: `ls -R`, `setAcl -R`, `deleteall`. Source: `ZKUtil`.

use std::collections::VecDeque;

use super::{Shell, print};
use crate::proto::{AclList, Answer, Command, ErrorCode, Op, Path};

impl Shell {
    /// `ls -R`; with `watch` on each list of children, and on the data of the first node.
    pub(super) fn list_all(&mut self, client: u32, path: &Path, watch: bool, out: &mut String) -> Result<(), String> {
        self.visit(client, path, watch, &mut |_, path| {
            *out += &format!("{path}\n");
            Ok(())
        })
    }

    /// `setAcl -R`. A node that refuses is told of, in a row with others, and does not stop it.
    pub(super) fn set_acl_of_all(&mut self, client: u32, path: &Path, acl: &AclList, version: i32, out: &mut String) -> Result<(), String> {
        let mut refused = String::new();
        let visited = self.visit(client, path, false, &mut |shell, path| {
            let op = Op::SetAcl { path: path.clone(), acl: acl.clone(), version };
            if let Err(code) = shell.request(client, &Command::Request(op))? {
                refused += &print::exception(path, code);
            }
            Ok(())
        });
        *out += &refused;
        if !refused.is_empty() {
            out.push('\n');
        }
        visited
    }

    /// `deleteall`: a list is made of all that is there, and deleted from its end in multis of `batch` nodes; none of them above zero: one by one.
    pub(super) fn delete_all(&mut self, client: u32, path: &Path, batch: i32) -> Result<(), String> {
        let mut paths = self.breadth_first(client, path)?;
        paths.reverse();
        let delete = |path: &Path| Op::Delete { path: path.clone(), version: -1 };
        let Ok(batch @ 1..) = usize::try_from(batch) else {
            return paths.iter().try_for_each(|path| self.must(client, delete(path)).map(drop));
        };
        for batch in paths.chunks(batch) {
            let multi = Command::Request(Op::Multi(batch.iter().map(delete).collect()));
            if !matches!(self.request(client, &multi)?, Ok(Answer::Parts(_))) {
                return Err("Failed to delete some node(s) in the subtree!".into());
            }
        }
        Ok(())
    }

    /// A node and all below it, level by level. Source: `listSubTreeBFS`.
    fn breadth_first(&mut self, client: u32, path: &Path) -> Result<Vec<Path>, String> {
        let (mut found, mut open) = (vec![path.clone()], VecDeque::from([path.clone()]));
        while let Some(next) = open.pop_front() {
            if let Answer::Children(names) = self.must(client, Op::GetChildren { path: next.clone(), watch: false })? {
                let children: Vec<Path> = names.iter().map(|name| child_of(&next, name)).collect();
                found.extend(children.iter().cloned());
                open.extend(children);
            }
        }
        Ok(found)
    }

    /// Shows `see` a node and all below it: the children of a node one after the other, and then what is below each. What goes meanwhile is left
    /// out, unless it is the first node. Source: `visitSubTreeDFS`.
    pub(super) fn visit(
        &mut self,
        client: u32,
        path: &Path,
        watch: bool,
        see: &mut dyn FnMut(&mut Shell, &Path) -> Result<(), String>,
    ) -> Result<(), String> {
        self.must(client, Op::GetData { path: path.clone(), watch })?;
        see(self, path)?;
        let mut open = vec![path.clone()];
        while let Some(next) = open.pop() {
            let names = match self.request(client, &Command::Request(Op::GetChildren { path: next.clone(), watch }))? {
                Ok(Answer::Children(names)) => names,
                Ok(_) | Err(ErrorCode::NoNode) => continue,
                Err(code) => return Err(print::failure(&next, code)),
            };
            let children: Vec<Path> = names.iter().map(|name| child_of(&next, name)).collect();
            for child in &children {
                see(self, child)?;
            }
            open.extend(children.into_iter().rev());
        }
        Ok(())
    }

    /// The answer, or what zkCli says of there being none.
    pub(super) fn must(&mut self, client: u32, op: Op) -> Result<Answer, String> {
        let path = print::path_of(&op).unwrap_or_else(|| "/".into());
        self.request(client, &Command::Request(op))?.map_err(|code| print::failure(&path, code))
    }
}

fn child_of(parent: &str, name: &str) -> Path {
    format!("{}/{name}", parent.trim_end_matches('/')).into()
}
