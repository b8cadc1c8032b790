//! A tree of znodes: create, delete, setData with an expected version, getData, exists, getChildren, the end of sessions, multis.
//!
//! Written from the data-model reference, apart from the servers' tree and from the model that the known-order check replays: this one must be
//! small, and cheap to fork. Which parts of the tree have nothing to do with each other is found out for each history (`parts`).
//!
//! Reads are taken to be linearizable. ZooKeeper's plain ones are not: whoever makes a history of them must leave them out.
//!
//! Left out: lists of who may do what, quotas, zxids and times. Of a stat only the version is compared.

mod action;
mod parts;
mod read;
mod tree;

use std::sync::Arc;

use serde_json::Value;

use super::{Model, Outcome};
use crate::linear::flaw::Wrong;
use crate::linear::history::Operation;

pub use action::{Failure, Mode, Refusal, Reply, Request, ZnodeAction};
pub use tree::Tree;
use tree::parent;

/// The model `znode`.
#[derive(Clone, Copy, Debug)]
pub struct Znode;

impl Model for Znode {
    type State = Tree;
    type Action = ZnodeAction;
    // Versions count, and a node comes and goes.
    type Value = ();

    const NAME: &'static str = "znode";
    const OPERATIONS: &'static [&'static str] =
        &["create", "delete", "setData", "check", "getData", "exists", "getChildren", "closeSession", "multi", "given"];

    const LOOKAHEAD: usize = 8;

    fn initial() -> Tree {
        Tree::new()
    }

    fn apply(state: &Tree, action: &ZnodeAction) -> Outcome<Tree> {
        let mut next = state.clone();
        let actual = next.carry_out(&action.request);
        let fits = match (&action.told, &actual) {
            (None, _) => true,
            (Some(Ok(told)), Ok(actual)) => told.fits(actual),
            (Some(Err(told)), Err(actual)) => told == actual,
            _ => false,
        };
        match actual {
            _ if !fits => Outcome::Refused,
            Ok(_) if !action.request.is_read() => Outcome::Becomes(next),
            _ => Outcome::Unchanged,
        }
    }

    fn answer(state: &Tree, action: &ZnodeAction) -> String {
        match state.clone().carry_out(&action.request) {
            Ok(reply) => reply.to_string(),
            Err(failure) => failure.to_string(),
        }
    }

    // A write that succeeded has changed a version at least.
    fn is_pure(action: &ZnodeAction) -> bool {
        action.request.is_read() || matches!(action.told, Some(Err(_)))
    }

    fn is_total(action: &ZnodeAction) -> bool {
        match (&action.request, &action.told) {
            (_, None) => true,
            (Request::Given { .. } | Request::Close { .. }, Some(told)) => told.is_ok(),
            _ => false,
        }
    }

    fn part(action: &ZnodeAction) -> &str {
        &action.part
    }

    fn prepare(operations: &mut [Operation<ZnodeAction>]) {
        parts::assign(operations);
    }

    // What a set would have been told depends on the version, and what a sequential create would have been on its parent.
    fn effective(action: &ZnodeAction) -> ZnodeAction {
        let told = match &action.request {
            Request::Create { path, mode, .. } if !mode.sequential => Reply::Created(path.clone()),
            Request::Delete { .. } | Request::Close { .. } => Reply::Done,
            _ => return action.clone(),
        };
        ZnodeAction { told: Some(Ok(told)), ..action.clone() }
    }

    // What does not fit comes to fit by an action that changes one of the nodes that it hangs on.
    fn is_ahead(_: &Tree, _: &ZnodeAction) -> bool {
        false
    }

    fn rescues(action: &ZnodeAction, goal: &ZnodeAction) -> bool {
        let changes = !Znode::is_pure(action);
        changes && action.request.parts().iter().any(|action| goal.request.parts().iter().any(|part| bears_on(action, part, goal.told.as_ref())))
    }

    fn weight(state: &Tree) -> usize {
        // A change copies the way to one leaf, and what is shared is counted where it came about.
        size_of::<Tree>() * 8 + state.len().ilog2() as usize * 256
    }

    fn read(operation: &str, input: &Value, output: &Value, returned: bool) -> Result<Option<ZnodeAction>, Wrong> {
        read::read(operation, input, output, returned)
    }
}

/// Whether a change may be what makes a request be answered as it was.
fn bears_on(change: &Request, goal: &Request, told: Option<&Result<Reply, Failure>>) -> bool {
    // Whose nodes go with a session it does not say, and what a multi tells of one part does not say enough.
    let (Some(at), Some(path)) = (change.path(), goal.path()) else { return true };
    if at == path
        && let (Request::Get { .. }, Some(Ok(Reply::Data(found, _)))) = (goal, told)
    {
        return leaves(change, found);
    }
    let numbered = |request: &Request| matches!(request, Request::Create { mode: Mode { sequential: true, .. }, .. });
    at == path || parent(at) == &**path || parent(path) == &**at || (numbered(goal) || numbered(change)) && parent(at) == parent(path)
}

/// Whether a change leaves a node with this data, where it leaves one.
fn leaves(change: &Request, found: &Option<Arc<str>>) -> bool {
    match change {
        Request::Given { data, .. } | Request::Create { data, .. } | Request::Set { data, .. } => data == found,
        _ => false,
    }
}

#[cfg(test)]
mod tests;
