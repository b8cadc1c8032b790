//! Transactions that stop halfway, as a known bug has it: the zxid has moved on, and what is left comes at the next wake-up.
//!
//! A snapshot begun in between is named after a transaction that it holds in part, and replay begins behind it. Clients see nothing of it: no
//! read is served in between, and the answer waits for the rest.

use std::sync::Arc;

use crate::actor::Cx;
use crate::bugs::{Bug, Bugs};
use crate::proto::{Path, Proposal, Txn};
use crate::tree::Database;

use super::Pipeline;
use super::request::Request;

/// What is applied in part, and waits for the rest.
#[derive(Clone, Debug)]
pub struct Halfway {
    proposal: Arc<Proposal>,
    request: Option<Request>,
    rest: Arc<Proposal>,
}

/// Whether a transaction has a middle at which it stops.
#[cold]
pub fn stops_at(bugs: Bugs, txn: &Txn) -> bool {
    // ZOOKEEPER-3144: the sessions are no part of the tree, and changed behind it.
    bugs.has(Bug::Zk3144) && matches!(txn, Txn::CreateSession { .. } | Txn::CloseSession { .. })
}

/// The transaction in two parts, which come to the same.
fn halves(txn: &Txn) -> [Txn; 2] {
    let delete = |path: &Path| Txn::Delete { path: path.clone(), container: false };
    match txn {
        // What is deleted already does not matter to the end of a session.
        Txn::CloseSession { paths: Some(paths) } => [Txn::Multi(paths.iter().map(delete).collect()), txn.clone()],
        _ => [Txn::Multi([].into()), txn.clone()],
    }
}

impl Pipeline {
    #[cold]
    pub(super) fn go_halfway(&mut self, cx: &mut Cx, db: &mut Database, proposal: Arc<Proposal>, request: Option<Request>) {
        let [first, rest] = halves(&proposal.txn).map(|txn| Arc::new(Proposal { txn, ..(*proposal).clone() }));
        db.remember(&proposal);
        let _ = self.apply(cx, db, &first);
        self.halfway = Some(Box::new(Halfway { proposal, request, rest }));
        self.wake_commit_processor(cx);
    }

    #[cold]
    pub(super) fn go_on_from_halfway(&mut self, cx: &mut Cx, db: &mut Database) {
        let Some(halfway) = self.halfway.take() else { return };
        let Halfway { proposal, request, rest } = *halfway;
        let result = self.apply(cx, db, &rest);
        self.finish(cx, db, &proposal, request, result);
    }
}
