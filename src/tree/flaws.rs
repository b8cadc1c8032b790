//! What may never be wrong with a tree, whatever made it: for those who look on.
//!
//! A walk over all nodes, for the end of a run. A node that no list of children leads to is found by counting: where it is nobody can tell.

use crate::proto::SPECIAL_PATHS;
use crate::trace::MemoryRule;

use super::data_tree::DataTree;
use super::database::Database;
use super::znode::Owner;

impl Database {
    /// The first thing that is wrong with the tree and the indexes over it, and which rule that breaks.
    pub fn flaw(&self) -> Option<(MemoryRule, String)> {
        let tree = self.tree();
        misshapen(tree).map(|why| (MemoryRule::TreeShape, why)).or_else(|| self.misowned().map(|why| (MemoryRule::EphemeralIndex, why)))
    }

    /// The index of ephemerals holds the nodes of each session, and every owner lives.
    fn misowned(&self) -> Option<String> {
        let tree = self.tree();
        for (path, node) in tree.nodes() {
            let Owner::Session(session) = node.owner() else { continue };
            if !tree.ephemerals(session).any(|indexed| **indexed == *path) {
                return Some(format!("{path} is of session {session}, and not among the nodes of it"));
            }
            if !self.sessions().contains_key(&session) {
                return Some(format!("{path} is of session {session}, which is none"));
            }
        }
        for session in tree.ephemeral_owners() {
            let strange = |path: &str| tree.get(path).is_none_or(|node| node.owner() != Owner::Session(session));
            if let Some(path) = tree.ephemerals(session).find(|path| strange(path)) {
                return Some(format!("{path} is among the nodes of session {session}, and is no node of it"));
            }
        }
        None
    }
}

/// Nodes have parents that list them, lists name nodes that are there, what must be there is, and ephemerals have no children.
fn misshapen(tree: &DataTree) -> Option<String> {
    if let Some(path) = SPECIAL_PATHS.iter().find(|path| tree.get(path).is_none()) {
        return Some(format!("there is no {path}"));
    }
    let mut reached = 0;
    for (path, node) in tree.nodes() {
        reached += 1;
        if let Some(gone) = node.children.iter().find(|child| tree.get(child).is_none()) {
            return Some(format!("{path} lists {gone}, which is not there"));
        }
        if let (Owner::Session(session), Some(child)) = (node.owner(), node.children.iter().next()) {
            return Some(format!("{path} is of session {session} and has the child {child}"));
        }
    }
    let lost = tree.len() - reached;
    (lost > 0).then(|| format!("{lost} nodes are in no list of children"))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::bugs::{Bug, Bugs};
    use crate::proto::{Acl, CreateForm, Path, Proposal, SessionId, Txn, TxnHeader, Zxid};

    const SESSION: SessionId = SessionId(7);

    /// Applies these one after the other with a switch on.
    fn after(txns: &[Txn], bug: Option<Bug>) -> Database {
        let mut database = Database::new(10);
        for (zxid, txn) in (1..).zip(txns) {
            let header = TxnHeader { session: SESSION, cxid: 1, zxid: Zxid(zxid), time: 1 };
            let _ =
                database.apply_again(&Arc::new(Proposal { header, txn: txn.clone(), record: [].into(), hash: 0 }), bug.into_iter().collect::<Bugs>());
        }
        database
    }

    fn create(path: &str, ephemeral: bool) -> Txn {
        let path: Path = path.into();
        Txn::Create { form: CreateForm::Create, path, data: None, acl: Acl::open(), ephemeral, parent_cversion: -1 }
    }

    fn delete(path: &str) -> Txn {
        Txn::Delete { path: path.into(), container: false }
    }

    #[test]
    fn a_tree_that_grew_by_rights_has_no_flaw() {
        let session = Txn::CreateSession { timeout: 4000 };
        let txns = [session, create("/a", false), create("/a/b", true), create("/c", true), delete("/c")];
        assert_eq!(after(&txns, None).flaw(), None);
        assert_eq!(Database::new(10).flaw(), None);
    }

    #[test]
    fn what_is_wrong_is_told_with_its_rule() {
        let flaw = |txns: &[Txn], bug| after(txns, bug).flaw().map(|(rule, why)| (rule, why.to_string()));
        let shape = |why: &str| Some((MemoryRule::TreeShape, why.to_string()));
        let index = |why: &str| Some((MemoryRule::EphemeralIndex, why.to_string()));
        let session = || Txn::CreateSession { timeout: 4000 };
        assert_eq!(flaw(&[create("/a", false), delete("/a")], Some(Bug::MutantChildStaysListed)), shape("/ lists /a, which is not there"));
        let below = [session(), create("/a", true), create("/a/b", false)];
        assert_eq!(flaw(&below, None), shape("/a is of session 0x7 and has the child /a/b"));
        let orphan = [create("/a", false), create("/a/b", false), delete("/a")];
        assert_eq!(flaw(&orphan, Some(Bug::OrphanedChild)), shape("1 nodes are in no list of children"));
        assert_eq!(flaw(&[delete("/zookeeper/quota")], None), shape("there is no /zookeeper/quota"));
        assert_eq!(
            flaw(&[session(), create("/a", true)], Some(Bug::MutantOwnsWithoutIndex)),
            index("/a is of session 0x7, and not among the nodes of it")
        );
        assert_eq!(flaw(&[create("/a", true)], None), index("/a is of session 0x7, which is none"));
    }
}
