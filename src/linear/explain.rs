//! Why a history is not linearizable: how far an order gets, what stops it there, and the few operations that cannot be reconciled.

use std::collections::BTreeSet;

use super::check::Part;
use super::history::{History, Operation};
use super::model::{Model, Outcome};
use super::shrink::shrink;

/// What is to be told of a part that is not linearizable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explanation {
    /// The longest order that explains its answers, operation by operation.
    pub prefix: Vec<Told>,
    /// What the object holds after it.
    pub state: String,
    /// What could come next in time, and why it does not.
    pub candidates: Vec<Candidate>,
    /// Operations that are not linearizable by themselves: without the answer of any one of them the others are, as far as was tried.
    pub core: Vec<Told>,
    /// Whether that is so whatever the object held before.
    pub core_stands_alone: bool,
}

/// An operation in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    pub id: u64,
    pub process: u64,
    pub call: u64,
    pub ret: Option<u64>,
    pub text: String,
}

/// An operation that cannot be the next one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    pub operation: Told,
    pub why: Why,
}

/// Why an operation cannot be the next one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Why {
    /// It would be answered so.
    Expected(String),
    /// It fits, and leads nowhere: this other one, which must follow, could not be answered as it was.
    Strands(Told),
    /// It never returned, and would change nothing here.
    Idle,
    /// It fits, and every order that goes on with it ends sooner.
    DeadEnd,
}

/// Explains a part of which [`check`](super::check()) found `longest` to be the longest order.
pub fn explain<M: Model>(history: &History<M>, part: &Part, longest: &[usize]) -> Explanation {
    let told = |index: &usize| Told::new(&history.operations[*index]);
    let state = longest.iter().fold(M::initial(), |state, index| after::<M>(state, &history.operations[*index]));
    let placed: BTreeSet<usize> = longest.iter().copied().collect();
    let left: Vec<usize> = part.operations.iter().copied().filter(|index| !placed.contains(index)).collect();
    let bound = left.iter().filter_map(|index| history.operations[*index].ret).min().unwrap_or(u64::MAX);
    let next = left.iter().filter(|index| history.operations[**index].call < bound);
    let candidates = next.map(|index| Candidate { operation: told(index), why: why(history, &state, &left, *index) }).collect();
    let (core, core_stands_alone) = shrink(history, &part.operations);
    let (prefix, core) = (longest.iter().map(told).collect(), core.iter().map(told).collect());
    Explanation { prefix, state: state.to_string(), candidates, core, core_stands_alone }
}

/// The state after an operation that fits.
fn after<M: Model>(state: M::State, operation: &Operation<M::Action>) -> M::State {
    match M::apply(&state, &operation.action) {
        Outcome::Becomes(next) => next,
        Outcome::Unchanged | Outcome::Refused => state,
    }
}

/// Why the operation `index` does not come next in `state`, where those of `left` have no place yet.
fn why<M: Model>(history: &History<M>, state: &M::State, left: &[usize], index: usize) -> Why {
    let operation = &history.operations[index];
    let next = match M::apply(state, &operation.action) {
        Outcome::Refused => return Why::Expected(M::answer(state, &operation.action)),
        Outcome::Unchanged => state.clone(),
        Outcome::Becomes(next) => next,
    };
    if operation.ret.is_none() && next == *state {
        return Why::Idle;
    }
    let others: Vec<&Operation<M::Action>> = left.iter().filter(|other| **other != index).map(|other| &history.operations[*other]).collect();
    let stranded = others.iter().find(|goal| is_stranded::<M>(&next, goal, &others));
    stranded.map_or(Why::DeadEnd, |goal| Why::Strands(Told::new(goal)))
}

/// Whether `goal` must follow and cannot: its answer is wrong, and nothing of what may come before it could change that.
fn is_stranded<M: Model>(state: &M::State, goal: &Operation<M::Action>, others: &[&Operation<M::Action>]) -> bool {
    let Some(ret) = goal.ret else { return false };
    M::apply(state, &goal.action) == Outcome::Refused
        && !M::is_ahead(state, &goal.action)
        && !others.iter().any(|other| other.call < ret && other.id != goal.id && M::rescues(&other.action, &goal.action))
}

impl Told {
    pub fn new<A: std::fmt::Display>(operation: &Operation<A>) -> Told {
        let Operation { id, process, call, ret, ref action } = *operation;
        Told { id, process, call, ret, text: action.to_string() }
    }
}
