//! What histories are held against: sequential specifications.

mod kv;
mod register;
mod znode;

use std::fmt::Display;
use std::hash::Hash;

use super::flaw::Wrong;
use super::history::Operation;

pub use kv::{Kv, KvAction, Text};
pub use register::{Content, Register, RegisterAction};
pub use znode::{Failure, Mode, Refusal, Reply, Request, Tree, Znode, ZnodeAction};

/// What an action comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome<S> {
    /// It would have been answered something else.
    Refused,
    /// Its answer is right, and the state is what it was.
    Unchanged,
    /// Its answer is right, and this is the state now, the same or another.
    Becomes(S),
}

/// What an operation has to do with the value that an object holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access<V> {
    /// It puts this one there, whatever was there.
    Writes(V),
    /// It found this one.
    Reads(V),
}

/// An object as it would be if one operation happened after the other.
pub trait Model {
    /// What the object holds.
    type State: Clone + Eq + Hash + Display;
    /// A request together with what it was answered; for an operation that never returned, with whatever it would have been answered.
    type Action: Clone + Eq + Hash + Ord + Display;

    /// What an object that is only read and written as a whole holds.
    type Value: Ord;

    /// What `--model` and reports call it.
    const NAME: &'static str;
    /// The operations it knows, as a file calls them.
    const OPERATIONS: &'static [&'static str];

    /// What the object holds before anything happens.
    fn initial() -> Self::State;

    /// What `action` makes of `state`.
    fn apply(state: &Self::State, action: &Self::Action) -> Outcome<Self::State>;

    /// What the action is answered in `state`, in words: for a report.
    fn answer(state: &Self::State, action: &Self::Action) -> String;

    /// Whether the action changes nothing in *every* state in which its answer is right. Changing nothing in the state at hand is not
    /// enough: a write of the value that is there may be what a later moment needs.
    fn is_pure(action: &Self::Action) -> bool;

    /// Whether its answer is right in every state.
    fn is_total(action: &Self::Action) -> bool;

    /// The independent part of the object that the action is about: no other part changes its answer or is changed by it.
    fn part(_action: &Self::Action) -> &str {
        ""
    }

    /// Finds out what of an action depends on the whole history that it is in.
    fn prepare(_operations: &mut [Operation<Self::Action>]) {}

    /// The action of an operation that never returned as one with an answer: the one it has wherever it changes something.
    fn effective(action: &Self::Action) -> Self::Action {
        action.clone()
    }

    /// Whether `goal`, which does not fit in `state`, may fit after actions of which none [`rescues`](Model::rescues) it. It may say so
    /// wrongly, and must not deny it wrongly.
    fn is_ahead(_state: &Self::State, _goal: &Self::Action) -> bool {
        true
    }

    /// How many operations beyond those that could come next are looked at for one that is neither [ahead](Model::is_ahead) nor can be rescued.
    const LOOKAHEAD: usize = 0;

    /// Whether `action` may lead from a state that has not `goal` [ahead](Model::is_ahead) to one in which it fits or is ahead.
    fn rescues(_action: &Self::Action, _goal: &Self::Action) -> bool {
        true
    }

    /// Whether somebody who wonders how `goal` came to its answer would ask where `action` was.
    fn bears_on(action: &Self::Action, goal: &Self::Action) -> bool {
        Self::rescues(action, goal)
    }

    /// What the action has to do with the value, if it is nothing but a read or a write.
    fn access(_action: &Self::Action) -> Option<Access<Self::Value>> {
        None
    }

    /// The value of a state.
    fn value(_state: &Self::State) -> Option<Self::Value> {
        None
    }

    /// Actions of which one leads to each state that the given ones can lead to, beside the first; `None` if those are too many to tell.
    fn openings(_actions: &[&Self::Action]) -> Option<Vec<Self::Action>> {
        None
    }

    /// Bytes that a state holds beside itself.
    fn weight(_state: &Self::State) -> usize {
        0
    }

    /// Reads an operation of a file. `Ok(None)` for one that tells nothing and changes nothing.
    fn read(operation: &str, input: &serde_json::Value, output: &serde_json::Value, returned: bool) -> Result<Option<Self::Action>, Wrong>;
}
