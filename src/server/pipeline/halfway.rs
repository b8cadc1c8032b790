//! Transactions that stop halfway, as two known bugs have it: the zxid has moved on, and what is left comes at the next wake-up.
//!
//! A snapshot begun in between is named after a transaction that it holds in part, and replay begins behind it. Clients see nothing of it: no
//! read is served in between, and the answer waits for the rest.

use std::sync::Arc;

use crate::actor::Cx;
use crate::bugs::{Bug, Bugs};
use crate::proto::{Answer, ErrorCode, Path, Proposal, Txn};
use crate::tree::Database;

use super::Pipeline;
use super::request::Request;

/// What is applied in part, and waits for the rest.
#[derive(Clone, Debug)]
pub struct Halfway {
    proposal: Arc<Proposal>,
    request: Option<Request>,
    /// What the first part came to.
    first: Result<Answer, ErrorCode>,
    rest: Arc<Proposal>,
}

/// Whether a transaction has a middle at which it stops.
#[cold]
pub fn stops_at(bugs: Bugs, txn: &Txn) -> bool {
    match txn {
        // ZOOKEEPER-3127: each part moved the zxid on.
        Txn::Multi(parts) => bugs.has(Bug::Zk3127) && parts.len() > 1 && !parts.iter().any(|part| matches!(part, Txn::Error { .. })),
        // ZOOKEEPER-3144: the sessions are no part of the tree, and changed behind it.
        Txn::CreateSession { .. } | Txn::CloseSession { .. } => bugs.has(Bug::Zk3144),
        _ => false,
    }
}

/// The transaction in two parts, which come to the same.
fn halves(txn: &Txn) -> [Txn; 2] {
    let delete = |path: &Path| Txn::Delete { path: path.clone(), container: false };
    match txn {
        Txn::Multi(parts) => [Txn::Multi(parts[..1].into()), Txn::Multi(parts[1..].into())],
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
        let first = self.apply(cx, db, &first);
        self.halfway = Some(Box::new(Halfway { proposal, request, first, rest }));
        self.wake_commit_processor(cx);
    }

    #[cold]
    pub(super) fn go_on_from_halfway(&mut self, cx: &mut Cx, db: &mut Database) {
        let Some(halfway) = self.halfway.take() else { return };
        let Halfway { proposal, request, first, rest } = *halfway;
        let result = match (&proposal.txn, first, self.apply(cx, db, &rest)) {
            (Txn::Multi(_), Ok(Answer::Parts(first)), Ok(Answer::Parts(rest))) => {
                Ok(Answer::Parts(first.iter().chain(rest.iter()).cloned().collect()))
            }
            (_, _, rest) => rest,
        };
        self.finish(cx, db, &proposal, request, result);
    }
}
