//! The few operations of a part that cannot be reconciled.
//!
//! Every step leaves demands out and adds none, so that what is shown contradicts itself within the history as it was, too: what was before
//! is forgotten and the object may hold anything, or an answer is forgotten, or when a write ended. A write itself is only left out where no
//! answer that is left has to do with it. Leaving out writes at will would end with a read of a value that nobody wrote, whatever the history
//! is about.

use std::cell::Cell;

use super::check::{Options, Verdict, check};
use super::history::{History, Operation};
use super::model::Model;

/// Operations of `part`, which is not linearizable, that are not linearizable either; and whether they are so whatever was before them.
pub fn shrink<M: Model>(history: &History<M>, part: &[usize]) -> (Vec<usize>, bool) {
    let demands = part.iter().map(|index| Demand { index: *index, kept: Kept::Whole }).collect();
    let mut core = Core { history, demands, openings: Vec::new(), spent: Cell::new(0) };
    core.cut_end();
    let cut = core.cut_start();
    core.forgo();
    core.drop_what_bears_on_nothing();
    (core.demands.iter().map(|demand| demand.index).collect(), cut)
}

/// What the history says, as far as it is held against the model.
struct Core<'a, M: Model> {
    history: &'a History<M>,
    /// In the order of calls.
    demands: Vec<Demand>,
    /// What may have been done before; with none only nothing.
    openings: Vec<M::Action>,
    /// Configurations so far.
    spent: Cell<u64>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
struct Demand {
    index: usize,
    kept: Kept,
}

/// What is asked of an operation.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kept {
    /// That it happened between its call and its return, and was answered so.
    Whole,
    /// That it happened after its call or not at all, as if it had never returned.
    Call,
}

/// What may be spent on finding out whether one thing can be left out; where it is not enough, the thing stays.
const TRIAL: u64 = 5_000;

/// What may be spent on all of them.
const TRIALS: u64 = 1_000_000;

impl<M: Model> Core<'_, M> {
    /// Leaves out what is called after the first moment by which it is too late.
    fn cut_end(&mut self) {
        let mut ends: Vec<u64> = self.demands.iter().filter_map(|demand| self.operation(demand).ret).collect();
        ends.sort_unstable();
        // What is linearizable up to some moment is so up to each moment before.
        let first_bad = ends.partition_point(|end| !self.is_illegal(&self.until(*end)));
        if let Some(end) = ends.get(first_bad) {
            self.demands = self.until(*end);
        }
    }

    /// What is known up to a moment.
    fn until(&self, end: u64) -> Vec<Demand> {
        let known = self.demands.iter().filter(|demand| self.operation(demand).call < end);
        known.filter_map(|demand| if self.operation(demand).ret.is_some_and(|ret| ret <= end) { Some(*demand) } else { self.less(demand) }).collect()
    }

    /// Leaves out what was before the last moment that is early enough, whatever it led to. Whether that could be done.
    fn cut_start(&mut self) -> bool {
        let actions: Vec<&M::Action> = self.demands.iter().map(|demand| &self.operation(demand).action).collect();
        let Some(openings) = M::openings(&actions) else { return false };
        self.openings = openings;
        let starts: Vec<u64> = self.demands.iter().map(|demand| self.operation(demand).call).collect();
        let good = starts.iter().rev().position(|start| self.is_illegal(&self.from(*start)));
        match good {
            Some(back) => self.demands = self.from(starts[starts.len() - 1 - back]),
            None => self.openings.clear(),
        }
        good.is_some()
    }

    /// What happened from a moment on. What was open then may have happened before.
    fn from(&self, start: u64) -> Vec<Demand> {
        let later = self.demands.iter().filter(|demand| self.operation(demand).ret.is_none_or(|ret| ret > start));
        later.filter_map(|demand| if self.operation(demand).call >= start { Some(*demand) } else { self.less(demand) }).collect()
    }

    /// Leaves out answers and returns, many at once at first, until each one that is left is needed.
    fn forgo(&mut self) {
        let mut size = self.demands.len().div_ceil(2);
        while size > 0 {
            let mut start = 0;
            while start < self.demands.len() {
                let group = start..(start + size).min(self.demands.len());
                let less = self.demands[group.clone()].iter().filter_map(|demand| self.less(demand));
                let fewer: Vec<Demand> = [&self.demands[..start], &less.collect::<Vec<_>>(), &self.demands[group.end..]].concat();
                start = if fewer == self.demands || !self.is_illegal(&fewer) {
                    group.end
                } else {
                    let next = group.end + fewer.len() - self.demands.len();
                    self.demands = fewer;
                    next
                };
            }
            size = if size == 1 { 0 } else { size.div_ceil(2) };
        }
    }

    fn drop_what_bears_on_nothing(&mut self) {
        let action = |demand: &Demand| &self.operation(demand).action;
        let goals: Vec<&M::Action> = self.demands.iter().filter(|demand| demand.kept == Kept::Whole).map(action).collect();
        let bears = |demand: &&Demand| demand.kept == Kept::Whole || goals.iter().any(|goal| M::bears_on(action(demand), goal));
        self.demands = self.demands.iter().filter(bears).copied().collect();
    }

    /// What is left of a demand that is forgone.
    fn less(&self, demand: &Demand) -> Option<Demand> {
        (!M::is_pure(&self.operation(demand).action)).then_some(Demand { kept: Kept::Call, ..*demand })
    }

    fn operation(&self, demand: &Demand) -> &Operation<M::Action> {
        &self.history.operations[demand.index]
    }

    /// Whether the demands cannot be met, whatever was before.
    fn is_illegal(&self, demands: &[Demand]) -> bool {
        // Moments are moved by two, to have room for what was before.
        let operation = |demand: &Demand| {
            let Operation { id, process, call, ret, action } = self.operation(demand).clone();
            Operation { id, process, call: call + 2, ret: ret.filter(|_| demand.kept == Kept::Whole).map(|ret| ret + 2), action }
        };
        let mut history: History<M> = History { operations: demands.iter().map(operation).collect() };
        let mut refuted = self.is_refuted(&history);
        for opening in &self.openings {
            refuted = refuted && {
                let first = Operation { id: 0, process: 0, call: 0, ret: Some(1), action: opening.clone() };
                history.operations.insert(0, first);
                let refuted = self.is_refuted(&history);
                history.operations.remove(0);
                refuted
            };
        }
        refuted
    }

    fn is_refuted(&self, history: &History<M>) -> bool {
        let checked = check(history, &Options { budget: TRIAL.min(TRIALS - self.spent.get()), ..Options::default() });
        self.spent.set(self.spent.get() + checked.configurations);
        matches!(checked.verdict, Verdict::Illegal { .. })
    }
}
