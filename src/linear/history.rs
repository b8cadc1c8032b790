//! What clients asked for and were answered, and when.

use std::collections::BTreeMap;

use super::model::Model;

/// What clients saw of one object: operations in the order in which they were called.
#[derive(Clone, Debug)]
pub struct History<M: Model> {
    /// By `call`, which rises.
    pub operations: Vec<Operation<M::Action>>,
}

/// One request of a client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Operation<A> {
    /// What the file calls it.
    pub id: u64,
    /// The client.
    pub process: u64,
    /// When it was called: a place in one total order of all calls and returns, no two alike.
    pub call: u64,
    /// When it returned. `None`: it may have taken effect at any moment after the call, or never.
    pub ret: Option<u64>,
    /// What was asked, and what was answered.
    pub action: A,
}

impl<M: Model> History<M> {
    /// A history of operations in the order of their calls.
    pub fn new(mut operations: Vec<Operation<M::Action>>) -> History<M> {
        M::prepare(&mut operations);
        History { operations }
    }

    /// The independent parts, each the indices of its operations, by the name of the part. A history is linearizable exactly when each of
    /// its parts is.
    pub fn parts(&self) -> Vec<(String, Vec<usize>)> {
        let mut parts: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
        for (index, operation) in self.operations.iter().enumerate() {
            parts.entry(M::part(&operation.action)).or_default().push(index);
        }
        parts.into_iter().map(|(name, indices)| (name.to_string(), indices)).collect()
    }
}
