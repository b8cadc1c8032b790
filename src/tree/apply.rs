//! What each transaction does to the tree. Source: `DataTree.processTxn`; storage reference §5.
//!
//! Nothing is judged here: the leader did that. Errors of a change come from replay over a fuzzy snapshot, which may hold it already, and are
//! no more than answers.

use crate::bugs::{Bug, Bugs};
use crate::proto::{Answer, CreateForm, ErrorCode, Path, Txn, TxnHeader};

use super::data_tree::{DataTree, parent_of};
use super::observer::Observer;
use super::znode::Owner;

impl DataTree {
    /// Applies a transaction; the answer is what its client is told, and the observer is told what changes.
    pub(super) fn apply(&mut self, header: &TxnHeader, txn: &Txn, bugs: Bugs, observer: &mut impl Observer) -> Result<Answer, ErrorCode> {
        match txn {
            Txn::SetData { path, data, version } => {
                let stat = self.set_data(header, path, data, *version)?;
                observer.data_set(self, path);
                Ok(Answer::Stat(stat))
            }
            Txn::Reconfig { path, data, version } => {
                let stat = self.set_data(header, path, data, *version)?;
                observer.data_set(self, path);
                Ok(Answer::Data { data: data.clone(), stat })
            }
            Txn::Create { form, path, data, acl, ephemeral, parent_cversion } => {
                let owner = Owner::made_by(header.session, *form, *ephemeral);
                // ZOOKEEPER-3249: without a look at what the parent has.
                if bugs.has(Bug::Zk3249) && self.get(path).is_none() {
                    let _ = self.set_cversion(parent_of(path), *parent_cversion, header.zxid);
                }
                let created = self.create(header, path, data, acl, owner, *parent_cversion);
                // The child may have been made twice, by two sessions, while the snapshot was written: its parent in it can be older than both.
                // That is corrected for plain creates only, as in ZooKeeper.
                if created == Err(ErrorCode::NodeExists) && *form == CreateForm::Create {
                    self.raise_cversion(parent_of(path), *parent_cversion, header.zxid)?;
                }
                created?;
                if bugs.has(Bug::MutantOwnsWithoutIndex) {
                    self.disown(header.session, path);
                }
                observer.created(self, path);
                match (form, self.get(path)) {
                    (CreateForm::Create, _) | (_, None) => Ok(Answer::Created(path.clone())),
                    (_, Some(node)) => Ok(Answer::CreatedWithStat { path: path.clone(), stat: node.stat() }),
                }
            }
            Txn::Delete { path, .. } => {
                observer.deletes(self, path);
                self.delete(path, header.zxid, bugs).map(|()| Answer::Done)
            }
            Txn::SetAcl { path, acl, version } => self.set_acl(path, acl, *version).map(Answer::Stat),
            Txn::CloseSession { paths } => {
                self.close_session(header, paths.as_deref().unwrap_or_default(), bugs, observer);
                Ok(Answer::Done)
            }
            Txn::CreateSession { .. } | Txn::Check { .. } | Txn::Error { code: ErrorCode::Ok } => Ok(Answer::Done),
            Txn::Error { code } => Err(*code),
            Txn::Multi(parts) => Ok(self.apply_multi(header, parts, bugs, observer)),
        }
    }

    /// All parts, unless one of them is an error: then none, and each part is told what it would have come to.
    fn apply_multi(&mut self, header: &TxnHeader, parts: &[Txn], bugs: Bugs, observer: &mut impl Observer) -> Answer {
        let Some(failed) = parts.iter().position(|part| matches!(part, Txn::Error { .. })) else {
            return Answer::Parts(parts.iter().map(|part| self.apply(header, part, bugs, observer)).collect());
        };
        let told = |(at, part): (usize, &Txn)| match part {
            Txn::Error { code } => *code,
            _ if at < failed => ErrorCode::Ok,
            _ => ErrorCode::RuntimeInconsistency,
        };
        Answer::RolledBack(parts.iter().enumerate().map(told).collect())
    }

    /// The ephemerals that the transaction names, in its order, then any others of the session, by path. Source: `DataTree.killSession`.
    fn close_session(&mut self, header: &TxnHeader, named: &[Path], bugs: Bugs, observer: &mut impl Observer) {
        for path in named {
            // Gone already: the snapshot was written after the session was closed.
            observer.deletes(self, path);
            let _ = self.delete(path, header.zxid, bugs);
        }
        let others: Vec<Path> = self.ephemerals(header.session).cloned().collect();
        for path in &others {
            observer.deletes(self, path);
            let _ = self.delete(path, header.zxid, bugs);
        }
    }
}
