//! States as numbers, and what each action makes of each.

use super::hash::mix;
use super::intern::Interner;
use super::model::{Model, Outcome};
use super::problem::Kind;
use super::visited::growing;

/// A state that was met, by the order in which states were.
pub type StateId = u32;

/// What an action comes to in a state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// It is answered as it was, and leaves this state.
    To(StateId),
    /// It would be answered something else, but might fit later: [`Model::is_ahead`].
    Ahead,
    /// It would be answered something else, and only what [`Model::rescues`] it can change that.
    Misfit,
}

/// All states met so far.
pub struct States<M: Model> {
    states: Interner<M::State>,
    memo: Memo,
    /// Bytes that the states hold beside themselves.
    weight: usize,
}

impl<M: Model> States<M> {
    /// The state before anything happened, as number 0.
    pub fn new(kinds: usize) -> States<M> {
        let mut states = Interner::new();
        states.add(M::initial());
        States { states, memo: Memo::new(kinds), weight: 0 }
    }

    pub fn get(&self, id: StateId) -> &M::State {
        &self.states.items()[id as usize]
    }

    /// What the action of this kind comes to in the state.
    #[inline]
    pub fn step(&mut self, state: StateId, kind: Kind, actions: &[M::Action]) -> Step {
        match self.memo.get(state, kind) {
            Some(step) => step,
            None => self.find(state, kind, &actions[kind as usize]),
        }
    }

    #[cold]
    fn find(&mut self, state: StateId, kind: Kind, action: &M::Action) -> Step {
        let from = self.get(state);
        let step = match M::apply(from, action) {
            Outcome::Becomes(to) => {
                let weight = M::weight(&to);
                let (id, new) = self.states.add(to);
                self.weight += if new { weight } else { 0 };
                Step::To(id)
            }
            Outcome::Unchanged => Step::To(state),
            Outcome::Refused if M::is_ahead(from, action) => Step::Ahead,
            Outcome::Refused => Step::Misfit,
        };
        self.memo.set(state, kind, step);
        step
    }

    /// What all this takes.
    pub fn bytes(&self) -> usize {
        self.weight + self.states.bytes() + self.memo.bytes()
    }
}

/// What is known of (state, kind): a table where kinds are few, a hash table where they are many and most never meet a state.
enum Memo {
    Dense { kinds: usize, cells: Vec<u32> },
    Sparse { cells: Vec<(u64, u32)>, used: usize },
}

/// With so many kinds a row of them all costs more than finding the few that matter.
const DENSE_MAX: usize = 64;

const UNKNOWN: u32 = u32::MAX;
const AHEAD: u32 = u32::MAX - 1;
const MISFIT: u32 = u32::MAX - 2;

impl Memo {
    fn new(kinds: usize) -> Memo {
        if kinds <= DENSE_MAX { Memo::Dense { kinds, cells: Vec::new() } } else { Memo::Sparse { cells: vec![(u64::MAX, 0); 1 << 10], used: 0 } }
    }

    #[inline]
    fn get(&self, state: StateId, kind: Kind) -> Option<Step> {
        let cell = match self {
            Memo::Dense { kinds, cells } => *cells.get(state as usize * kinds + kind as usize).unwrap_or(&UNKNOWN),
            Memo::Sparse { cells, .. } => {
                let key = key(state, kind);
                let (found, cell) = cells[place(cells, key)];
                if found == key { cell } else { UNKNOWN }
            }
        };
        match cell {
            UNKNOWN => None,
            AHEAD => Some(Step::Ahead),
            MISFIT => Some(Step::Misfit),
            id => Some(Step::To(id)),
        }
    }

    fn set(&mut self, state: StateId, kind: Kind, step: Step) {
        let cell = match step {
            Step::To(id) => id,
            Step::Ahead => AHEAD,
            Step::Misfit => MISFIT,
        };
        match self {
            Memo::Dense { kinds, cells } => {
                let rows = cells.len().max((state as usize + 1) * *kinds);
                cells.resize(rows, UNKNOWN);
                cells[state as usize * *kinds + kind as usize] = cell;
            }
            Memo::Sparse { cells, used } => {
                let key = key(state, kind);
                let at = place(cells, key);
                cells[at] = (key, cell);
                *used += 1;
                if *used * 2 > cells.len() {
                    let old = std::mem::take(cells);
                    *cells = vec![(u64::MAX, 0); old.len() * 2];
                    for entry in old.into_iter().filter(|(key, _)| *key != u64::MAX) {
                        let at = place(cells, entry.0);
                        cells[at] = entry;
                    }
                }
            }
        }
    }

    fn bytes(&self) -> usize {
        match self {
            Memo::Dense { cells, .. } => growing(cells.capacity(), cells.len()) * size_of::<u32>(),
            Memo::Sparse { cells, used } => growing(cells.len(), used * 2) * size_of::<(u64, u32)>(),
        }
    }
}

fn key(state: StateId, kind: Kind) -> u64 {
    u64::from(state) << 32 | u64::from(kind)
}

/// Where `key` stands, or would.
fn place(cells: &[(u64, u32)], key: u64) -> usize {
    let mask = cells.len() - 1;
    let mut at = mix(key, 0x9e37_79b9_7f4a_7c15) as usize & mask;
    while cells[at].0 != key && cells[at].0 != u64::MAX {
        at = (at + 1) & mask;
    }
    at
}
