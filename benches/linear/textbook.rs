//! The search as the books have it (Wing and Gong 1993, with the cache of Lowe 2017), and nothing else: what the real one is held against, in
//! its answers and in its speed.
//!
//! Calls and returns stand in a doubly linked list. A call at hand whose answer fits is taken out together with its return, and the list gone
//! through from the start; at a return the last operation taken is put back. An operation that never returned does so at the end. Meeting a
//! set of operations again with the same state is a dead end.

use std::collections::HashSet;

use zoolab::linear::{History, Model, Outcome};

/// Whether the part is linearizable; `None` if more configurations than `budget` would have to be remembered.
pub fn is_linearizable<M: Model>(history: &History<M>, part: &[usize], budget: usize) -> Option<bool> {
    let mut list = List::of(history, part);
    let mut taken = vec![0_u64; part.len().div_ceil(64)];
    let mut cache: HashSet<(Vec<u64>, M::State)> = HashSet::new();
    let mut calls: Vec<(usize, M::State)> = Vec::new();
    let mut state = M::initial();
    let mut at = list.next[0];
    while list.next[0] != 0 {
        let Event { op, is_call } = list.events[at];
        if is_call {
            let next = match M::apply(&state, &history.operations[part[op]].action) {
                Outcome::Refused => None,
                Outcome::Unchanged => Some(state.clone()),
                Outcome::Becomes(next) => Some(next),
            };
            if let Some(next) = next {
                taken[op / 64] |= 1 << (op % 64);
                if cache.insert((taken.clone(), next.clone())) {
                    calls.push((at, std::mem::replace(&mut state, next)));
                    list.lift(at);
                    at = list.next[0];
                    if cache.len() > budget {
                        return None;
                    }
                    continue;
                }
                taken[op / 64] &= !(1 << (op % 64));
            }
            at = list.next[at];
        } else {
            let Some((call, before)) = calls.pop() else { return Some(false) };
            state = before;
            let op = list.events[call].op;
            taken[op / 64] &= !(1 << (op % 64));
            list.unlift(call);
            at = list.next[call];
        }
    }
    Some(true)
}

#[derive(Clone, Copy)]
struct Event {
    op: usize,
    is_call: bool,
}

/// Calls and returns in order of time. The first is none: it closes the ring.
struct List {
    events: Vec<Event>,
    next: Vec<usize>,
    previous: Vec<usize>,
    /// Of each operation.
    return_at: Vec<usize>,
}

impl List {
    fn of<M: Model>(history: &History<M>, part: &[usize]) -> List {
        let mut times = Vec::new();
        for (op, index) in part.iter().enumerate() {
            let operation = &history.operations[*index];
            times.push((operation.call, Event { op, is_call: true }));
            times.push((operation.ret.unwrap_or(u64::MAX), Event { op, is_call: false }));
        }
        times.sort_by_key(|(time, _)| *time);
        let mut events = vec![Event { op: 0, is_call: false }];
        events.extend(times.into_iter().map(|(_, event)| event));
        let mut return_at = vec![0; part.len()];
        for (at, event) in events.iter().enumerate().skip(1).filter(|(_, event)| !event.is_call) {
            return_at[event.op] = at;
        }
        let count = events.len();
        List {
            events,
            next: (1..=count).map(|at| at % count).collect(),
            previous: (0..count).map(|at| (at + count - 1) % count).collect(),
            return_at,
        }
    }

    fn lift(&mut self, call: usize) {
        for at in [call, self.return_at[self.events[call].op]] {
            let (previous, next) = (self.previous[at], self.next[at]);
            (self.next[previous], self.previous[next]) = (next, previous);
        }
    }

    fn unlift(&mut self, call: usize) {
        for at in [self.return_at[self.events[call].op], call] {
            let (previous, next) = (self.previous[at], self.next[at]);
            (self.next[previous], self.previous[next]) = (at, at);
        }
    }
}
