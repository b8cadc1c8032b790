//! Every node from its creation to its end, as the agreed log tells it.

use std::collections::BTreeMap;

use crate::proto::{Bytes, Micros, Path, Proposal, SessionId, Txn, Zxid, parent_path};

/// A place in the history.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Moment {
    pub zxid: Zxid,
    /// When it was committed.
    pub event: u64,
    pub at: Micros,
}

/// One node. A path that is created again is another one.
#[derive(Clone, Debug)]
pub struct Life {
    pub path: Path,
    /// [`SessionId::NONE`] unless it is ephemeral.
    pub owner: SessionId,
    pub born: Moment,
    pub died: Option<End>,
    /// Its data from the start: when it was set, and by whom.
    pub data: Vec<(Moment, SessionId, Option<Bytes>)>,
}

/// How a node ended.
#[derive(Clone, Copy, Debug)]
pub struct End {
    pub when: Moment,
    /// Whose request it was, or whose end.
    pub by: SessionId,
}

/// The history of the tree, from somewhere on.
#[derive(Clone, Debug, Default)]
pub struct Chronicle {
    lives: Vec<Life>,
    alive: BTreeMap<Path, usize>,
    /// All lives below a node, in the order of their creation.
    below: BTreeMap<Path, Vec<usize>>,
    ended: BTreeMap<SessionId, Moment>,
    since: Zxid,
}

impl Life {
    /// Whether it is there when this transaction has taken place.
    pub fn is_alive_at(&self, zxid: Zxid) -> bool {
        self.born.zxid <= zxid && self.died.is_none_or(|end| end.when.zxid > zxid)
    }

    /// The last part of its path.
    pub fn name(&self) -> &str {
        self.path.rsplit('/').next().unwrap_or(&self.path)
    }

    /// The number that its name ends with.
    pub fn sequence(&self) -> Option<i64> {
        let at = self.path.len().checked_sub(10)?;
        self.path.get(at..)?.parse().ok()
    }
}

impl Chronicle {
    /// One that begins when this transaction has taken place.
    pub fn from(since: Zxid) -> Chronicle {
        Chronicle { since, ..Chronicle::default() }
    }

    /// Nothing is told of what was before this.
    pub const fn since(&self) -> Zxid {
        self.since
    }

    /// A node that was there when the chronicle begins.
    pub fn found(&mut self, path: Path, owner: SessionId, czxid: Zxid, data: Option<Bytes>) {
        self.born(path, owner, Moment { zxid: czxid, ..Moment::default() }, SessionId::NONE, data);
    }

    /// The next transaction of the log.
    pub fn logged(&mut self, proposal: &Proposal, event: u64, at: Micros) {
        let (session, when) = (proposal.header.session, Moment { zxid: proposal.zxid(), event, at });
        self.apply(&proposal.txn, session, when);
    }

    fn apply(&mut self, txn: &Txn, session: SessionId, when: Moment) {
        match txn {
            Txn::Create { path, data, ephemeral, .. } => {
                let owner = if *ephemeral { session } else { SessionId::NONE };
                self.born(path.clone(), owner, when, session, data.clone());
            }
            Txn::Delete { path, .. } => self.died(&path.clone(), End { when, by: session }),
            Txn::SetData { path, data, .. } => {
                if let Some(at) = self.alive.get(path) {
                    self.lives[*at].data.push((when, session, data.clone()));
                }
            }
            Txn::CloseSession { .. } => {
                self.ended.insert(session, when);
                let own = |at: &&usize| self.lives[**at].owner == session;
                let paths: Vec<Path> = self.alive.values().filter(own).map(|at| self.lives[*at].path.clone()).collect();
                paths.iter().for_each(|path| self.died(path, End { when, by: session }));
            }
            // All or nothing: what stands before the part that failed is logged too.
            Txn::Multi(parts) if parts.iter().any(|part| matches!(part, Txn::Error { .. })) => {}
            Txn::Multi(parts) => parts.iter().for_each(|part| self.apply(part, session, when)),
            Txn::CreateSession { .. } | Txn::SetAcl { .. } | Txn::Check { .. } | Txn::Reconfig { .. } | Txn::Error { .. } => {}
        }
    }

    fn born(&mut self, path: Path, owner: SessionId, born: Moment, by: SessionId, data: Option<Bytes>) {
        let at = self.lives.len();
        if let Some(parent) = parent_path(&path) {
            self.below.entry(parent.into()).or_default().push(at);
        }
        self.alive.insert(path.clone(), at);
        self.lives.push(Life { path, owner, born, died: None, data: vec![(born, by, data)] });
    }

    fn died(&mut self, path: &Path, end: End) {
        if let Some(at) = self.alive.remove(path) {
            self.lives[at].died = Some(end);
        }
    }

    /// When the session ended, if it has.
    pub fn end_of(&self, session: SessionId) -> Option<Moment> {
        self.ended.get(&session).copied()
    }

    /// Every node that was ever directly below this one, in the order of creation.
    pub fn below(&self, parent: &str) -> impl Iterator<Item = &Life> + Clone {
        self.below.get(parent).into_iter().flatten().map(|at| &self.lives[*at])
    }

    /// Every node that had this path, one after the other.
    pub fn lives_of(&self, path: &str) -> impl Iterator<Item = &Life> {
        self.below(parent_path(path).unwrap_or("/")).filter(move |life| &*life.path == path)
    }

    /// The node with this czxid.
    pub fn made_by(&self, path: &str, czxid: Zxid) -> Option<&Life> {
        self.lives_of(path).find(|life| life.born.zxid == czxid)
    }

    /// The sequential nodes below this one at a place in the history, in their order.
    pub fn line(&self, parent: &str, zxid: Zxid) -> Vec<&Life> {
        let mut line: Vec<&Life> = self.below(parent).filter(|life| life.is_alive_at(zxid) && life.sequence().is_some()).collect();
        line.sort_by_key(|life| life.sequence());
        line
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proto::ErrorCode;

    #[test]
    fn a_multi_that_failed_changes_nothing() {
        let mut chronicle = Chronicle::default();
        chronicle.found("/q/item-0000000000".into(), SessionId::NONE, Zxid(1), None);
        let delete = Txn::Delete { path: "/q/item-0000000000".into(), container: false };
        let error = Txn::Error { code: ErrorCode::NoNode };
        for (zxid, parts, dies) in [(2, vec![delete.clone(), error], false), (3, vec![delete], true)] {
            chronicle.apply(&Txn::Multi(parts.into()), SessionId(7), Moment { zxid: Zxid(zxid), ..Moment::default() });
            assert_eq!(chronicle.lives_of("/q/item-0000000000").all(|life| life.died.is_some()), dies);
        }
    }
}
