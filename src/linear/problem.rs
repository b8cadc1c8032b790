//! One part of a history made ready to be searched: numbers instead of names and texts.

use super::history::{History, Operation};
use super::intern::Interner;
use super::model::Model;

/// An operation of the part, by the order of calls.
pub type Op = u32;

/// A distinct action of the part.
pub type Kind = u32;

/// When an operation that never returned returns: after everything.
pub const NEVER: u32 = u32::MAX;

/// The operations of one part.
pub struct Problem<M: Model> {
    /// Its place among the calls and returns of the part.
    pub call: Vec<u32>,
    /// The same of its return, or [`NEVER`].
    pub ret: Vec<u32>,
    pub kind: Vec<Kind>,
    /// The kind of its action as it [acts where it changes anything](Model::effective).
    pub effect: Vec<Kind>,
    /// The action of each kind.
    pub actions: Vec<M::Action>,
    /// Whether the kind is [pure](Model::is_pure).
    pub pure: Vec<bool>,
    /// Whether the kind is [total](Model::is_total).
    pub total: Vec<bool>,
    /// Operations that returned, in the order in which they did.
    pub by_return: Vec<Op>,
    /// A number for each operation, its own among all that are open at the same time: the smallest that is free when it is called.
    pub slot: Vec<u32>,
    /// Numbers in use at the widest moment.
    pub slots: u32,
    /// For each operation that returned, those that may still come before it when it is looked at, and may make it fit ([`Model::rescues`]).
    pub rescuers: Vec<Vec<Op>>,
}

impl<M: Model> Problem<M> {
    pub fn new(history: &History<M>, indices: &[usize]) -> Problem<M> {
        let operations: Vec<_> = indices.iter().map(|index| &history.operations[*index]).collect();
        let (call, ret) = ranks(&operations);

        let mut kinds = Interner::new();
        let kind: Vec<Kind> = operations.iter().map(|operation| kinds.add_copy(&operation.action)).collect();
        let effect = kind.iter().zip(&operations).map(|(kind, operation)| match operation.ret {
            Some(_) => *kind,
            None => kinds.add(M::effective(&operation.action)).0,
        });
        let effect = effect.collect();
        let actions: Vec<M::Action> = kinds.into_items();

        let mut by_return: Vec<Op> = (0..ret.len() as u32).filter(|op| ret[*op as usize] != NEVER).collect();
        by_return.sort_unstable_by_key(|op| ret[*op as usize]);
        let (slot, slots) = slots(&call, &ret, &by_return);
        let total = actions.iter().map(M::is_total).collect();
        let pure = actions.iter().map(M::is_pure).collect();
        let rescuers = rescuers::<M>(&call, &ret, &kind, &actions);
        Problem { call, ret, kind, effect, actions, pure, total, by_return, slot, slots, rescuers }
    }

    pub fn len(&self) -> usize {
        self.call.len()
    }

    pub fn never_returned(&self, op: Op) -> bool {
        self.ret[op as usize] == NEVER
    }
}

/// Calls and returns of operations by their order alone.
fn ranks<A>(operations: &[&Operation<A>]) -> (Vec<u32>, Vec<u32>) {
    let mut places = Vec::with_capacity(2 * operations.len());
    for (op, operation) in operations.iter().enumerate() {
        places.push((operation.call, op, false));
        places.extend(operation.ret.map(|ret| (ret, op, true)));
    }
    places.sort_unstable();
    let (mut call, mut ret) = (vec![0; operations.len()], vec![NEVER; operations.len()]);
    for (rank, (_, op, returned)) in (0..).zip(places) {
        let of = if returned { &mut ret } else { &mut call };
        of[op] = rank;
    }
    (call, ret)
}

/// The slot of each operation, and how many there are.
fn slots(call: &[u32], ret: &[u32], by_return: &[Op]) -> (Vec<u32>, u32) {
    let mut free: Vec<u32> = Vec::new();
    let mut used = 0;
    let mut returned = by_return.iter().peekable();
    let slot = call.iter().fold(Vec::with_capacity(call.len()), |mut slot: Vec<u32>, call| {
        while let Some(op) = returned.next_if(|op| ret[**op as usize] < *call) {
            free.push(slot[*op as usize]);
        }
        slot.push(free.pop().unwrap_or_else(|| {
            used += 1;
            used - 1
        }));
        slot
    });
    (slot, used)
}

/// [`Problem::rescuers`].
fn rescuers<M: Model>(call: &[u32], ret: &[u32], kind: &[Kind], actions: &[M::Action]) -> Vec<Vec<Op>> {
    let mut rescuers = vec![Vec::new(); call.len()];
    let mut recent: Vec<Op> = Vec::new();
    for op in 0..call.len() {
        // Whoever returned before this call can rescue nothing that is looked ahead to from here on.
        let horizon = call[op.saturating_sub(M::LOOKAHEAD)];
        recent.retain(|other| ret[*other as usize] > horizon);
        for &other in &recent {
            let other = other as usize;
            let helps = |helper: usize, goal: usize| {
                ret[goal] != NEVER && call[helper] < ret[goal] && M::rescues(&actions[kind[helper] as usize], &actions[kind[goal] as usize])
            };
            if helps(other, op) {
                rescuers[op].push(other as Op);
            }
            if helps(op, other) {
                rescuers[other].push(op as Op);
            }
        }
        recent.push(op as Op);
    }
    rescuers
}
