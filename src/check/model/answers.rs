//! What a read is told, and whether what a client was told is that. Source: data-model reference §2, §5.2.

use std::collections::BTreeSet;

use super::rules::{self, ADMIN, CONFIG, READ};
use super::{Model, Node};
use crate::proto::{Acl, Answer, ErrorCode, Op, Path, SessionId, Stat, Version};

type Outcome = Result<Answer, ErrorCode>;

impl Model {
    /// Whether a client of this session may have been told this, had it asked now.
    pub fn agrees(&self, op: &Op, session: SessionId, told: &Outcome) -> bool {
        if told.as_ref().is_err_and(|code| rules::is_of_the_session(*code)) {
            return true;
        }
        match op {
            Op::Exists { path, .. } | Op::GetData { path, .. } | Op::GetChildren { path, .. } | Op::GetChildren2 { path, .. } => {
                self.agrees_on_node(op, path, told)
            }
            Op::GetAcl { path } => self.agrees_on_list(path, told),
            Op::MultiRead(parts) if parts.iter().all(Op::fits_multi_read) => {
                let Ok(Answer::Parts(results)) = told else { return false };
                results.len() == parts.len() && parts.iter().zip(results.iter()).all(|(part, told)| self.agrees(part, session, told))
            }
            Op::GetAllChildrenNumber { .. } | Op::GetEphemerals { .. } | Op::MultiRead(_) => {
                self.read(op, session, told.as_ref().err().copied()) == *told
            }
            // Nothing of the tree.
            _ => true,
        }
    }

    fn agrees_on_node(&self, op: &Op, path: &str, told: &Outcome) -> bool {
        let node = match (self.readable(op, path, told.as_ref().err().copied()), told) {
            (Err(code), Err(told)) => return code == *told,
            (Ok(node), Ok(_)) => node,
            _ => return false,
        };
        // Each server writes it for itself.
        if path == CONFIG {
            return true;
        }
        if rules::is_counted(path) {
            return is_same_but_for_data(node, told);
        }
        match (op, told) {
            (Op::Exists { .. }, Ok(Answer::Stat(stat))) => *stat == node.stat(),
            (Op::GetData { .. }, Ok(Answer::Data { data, stat })) => *stat == node.stat() && *data == node.data,
            (Op::GetChildren { .. }, Ok(Answer::Children(names))) => self.are_children(path, node, names),
            (Op::GetChildren2 { .. }, Ok(Answer::ChildrenWithStat { children, stat })) => {
                *stat == node.stat() && self.are_children(path, node, children)
            }
            _ => false,
        }
    }

    /// The node that a read is about, if there is one and the client may see it.
    fn readable(&self, op: &Op, path: &str, told: Option<ErrorCode>) -> Result<&Node, ErrorCode> {
        let exists = matches!(op, Op::Exists { .. });
        if exists && path.contains('\0') {
            return Err(ErrorCode::BadArguments);
        }
        let node = self.get(path).ok_or(ErrorCode::NoNode)?;
        if !(exists && self.version == Version::V3_8) {
            self.may(node, READ, told)?;
        }
        Ok(node)
    }

    /// In any order, each once.
    fn are_children(&self, path: &str, node: &Node, names: &[Path]) -> bool {
        if names.len() != node.children as usize {
            return false;
        }
        let mut whole = String::with_capacity(path.len() + 16);
        let is_child = |name: &Path| {
            whole.clear();
            whole.push_str(if path == "/" { "" } else { path });
            whole.push('/');
            whole.push_str(name);
            !name.contains('/') && self.get(&whole).is_some()
        };
        let rises = names.windows(2).all(|pair| pair[0] < pair[1]);
        names.iter().all(is_child) && (rises || names.iter().collect::<BTreeSet<_>>().len() == names.len())
    }

    /// Whoever may read a list and not set it is shown no hashes.
    fn agrees_on_list(&self, path: &str, told: &Outcome) -> bool {
        let node = match (self.get(path), told) {
            (None, told) => return *told == Err(ErrorCode::NoNode),
            (Some(node), _) => node,
        };
        let masked = |entry: &Acl, shown: &Acl| {
            let user = entry.id.split(':').next().unwrap_or_default();
            &*entry.scheme == "digest" && shown.perms == entry.perms && shown.scheme == entry.scheme && *shown.id == *format!("{user}:x")
        };
        match told {
            Err(code) => self.may(node, READ | ADMIN, Some(*code)) == Err(*code),
            Ok(Answer::Acl { acl, stat }) => {
                let fits = |(entry, shown): (&Acl, &Acl)| entry == shown || masked(entry, shown);
                *stat == node.stat() && acl.len() == node.acl.len() && node.acl.iter().zip(acl.iter()).all(fits) || path == CONFIG
            }
            Ok(_) => false,
        }
    }

    /// What the tree tells now. Where it is not for the model to say who may read, `told` decides.
    pub fn read(&self, op: &Op, session: SessionId, told: Option<ErrorCode>) -> Outcome {
        let node = |path: &Path| self.readable(op, path, told);
        match op {
            Op::Exists { path, .. } => node(path).map(|node| Answer::Stat(node.stat())),
            Op::GetData { path, .. } => node(path).map(|node| Answer::Data { data: node.data.clone(), stat: node.stat() }),
            Op::GetChildren { path, .. } => node(path).map(|node| Answer::Children(self.names(node).into())),
            Op::GetChildren2 { path, .. } => node(path).map(|node| Answer::ChildrenWithStat { children: self.names(node).into(), stat: node.stat() }),
            Op::GetAcl { path } => {
                let node = self.get(path).ok_or(ErrorCode::NoNode)?;
                self.may(node, READ | ADMIN, told)?;
                Ok(Answer::Acl { acl: node.acl.clone(), stat: node.stat() })
            }
            Op::GetAllChildrenNumber { path } => node(path).map(|node| Answer::Count(self.below(path, node))),
            Op::GetEphemerals { prefix } => {
                let all = matches!(prefix.trim(), "" | "/");
                let owned: BTreeSet<&Path> = self.ephemerals(session).filter(|path| all || path.starts_with(&**prefix)).collect();
                Ok(Answer::Ephemerals(owned.into_iter().cloned().collect()))
            }
            Op::MultiRead(parts) if parts.iter().all(Op::fits_multi_read) => {
                Ok(Answer::Parts(parts.iter().map(|part| self.read(part, session, None)).collect()))
            }
            Op::MultiRead(_) => Err(ErrorCode::MarshallingError),
            _ => Ok(Answer::Done),
        }
    }

    fn names(&self, node: &Node) -> Vec<Path> {
        let mut names: Vec<Path> = self.children(node).map(|id| self.path(id).rsplit('/').next().unwrap_or_default().into()).collect();
        names.sort();
        names
    }

    /// How many nodes are below, at any depth.
    fn below(&self, path: &str, node: &Node) -> i32 {
        if path == "/" {
            return self.count - 1;
        }
        let (mut open, mut count) = (self.children(node).collect::<Vec<_>>(), 0);
        while let Some(node) = open.pop().and_then(|id| self.node(id)) {
            count += 1;
            open.extend(self.children(node));
        }
        count
    }
}

/// Of a node whose data servers write for themselves.
fn is_same_but_for_data(node: &Node, told: &Outcome) -> bool {
    match told {
        Ok(Answer::Stat(stat) | Answer::Data { stat, .. }) => Stat { data_length: 0, ..*stat } == Stat { data_length: 0, ..node.stat() },
        _ => true,
    }
}

/// Whether a client may have been told this of a write that the model answers so: within a multi, a create may tell the stat or not.
pub fn is_same_answer(op: &Op, model: &Outcome, told: &Outcome) -> bool {
    match (model, told) {
        // The stat of the configuration is each server's own.
        (Ok(Answer::Data { data: one, .. }), Ok(Answer::Data { data: other, .. })) => one == other,
        (Ok(Answer::Stat(_)), Ok(Answer::Stat(_))) if matches!(op, Op::SetData { path, .. } | Op::SetAcl { path, .. } if **path == *CONFIG) => true,
        (Ok(Answer::Parts(model)), Ok(Answer::Parts(told))) => {
            model.len() == told.len() && model.iter().zip(told.iter()).all(|(one, other)| is_same_part(one, other))
        }
        _ => model == told,
    }
}

fn is_same_part(model: &Outcome, told: &Outcome) -> bool {
    let stat = |answer: &Answer| -> Option<(Path, Option<Stat>)> {
        match answer {
            Answer::Created(path) => Some((path.clone(), None)),
            Answer::CreatedWithStat { path, stat } => Some((path.clone(), Some(*stat))),
            _ => None,
        }
    };
    match (model.as_ref().ok().and_then(stat), told.as_ref().ok().and_then(stat)) {
        (Some((path, one)), Some((other, two))) => path == other && one.zip(two).is_none_or(|(one, two)| one == two),
        _ => model == told,
    }
}
