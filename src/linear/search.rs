//! The search for an order of the operations of one part that explains every answer (Wing and Gong, with the memory of Lowe).
//!
//! Whichever operation returned first of those that have no place yet bounds what may come next: only what was called before that return.
//! Of these candidates one is taken after the other, depth first; where none is left to try, the last is given back.

use super::hash::mix;
use super::model::Model;
use super::problem::{NEVER, Op, Problem};
use super::rules::Rules;
use super::states::{StateId, States, Step};
use super::visited::{Key, Visited};

/// How far a search has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// There is an order.
    Found,
    /// There is none.
    Exhausted,
    /// The budget was used up before; the search can go on.
    Paused,
    /// It would need more memory.
    Full,
}

/// After so many configurations the memory that is held is looked at.
const MEMORY_LOOK: u64 = 1 << 10;

/// A search that can be interrupted and taken up again.
pub struct Search<'a, M: Model> {
    problem: &'a Problem<M>,
    rules: Rules,
    states: States<M>,
    visited: Visited,
    signer: Option<Signer>,

    /// Operations without a place, in call order: a ring of neighbours, closed by the number after the last operation.
    next: Vec<Op>,
    previous: Vec<Op>,
    taken: Vec<bool>,
    /// How many of [`Problem::by_return`] have their place without a gap; the next one bounds what can be taken.
    returned: u32,
    /// What tells the set of taken operations from others with the same `returned`.
    mark: (u64, u64),
    state: StateId,
    /// The order so far, with what was before each operation was taken.
    trail: Vec<Taken>,
    frames: Vec<Frame>,
    /// The candidates of all frames.
    choices: Vec<Op>,
    /// For each kind the choice of the frame at hand: (number of the frame's configuration, place in `choices`).
    twins: Vec<(u64, u32)>,

    /// Configurations looked at.
    pub configurations: u64,
    /// The longest order that was given up, and how much of it the trail still shares.
    longest: Vec<Op>,
    shared: usize,
}

struct Taken {
    op: Op,
    returned: u32,
    mark: (u64, u64),
    state: StateId,
}

/// A configuration with candidates left to try.
#[derive(Clone, Copy)]
struct Frame {
    /// Operations that had their place.
    trail: u32,
    /// Its candidates begin here in `choices`.
    first: u32,
    /// The one to try next.
    next: u32,
}

/// Marks sets of more operations than a word has bits: by the sum of random-looking numbers. Two sets may share a mark.
#[derive(Clone, Copy)]
pub struct Signer(pub u64);

impl Signer {
    fn sign(self, op: Op) -> (u64, u64) {
        let one = mix(u64::from(op) + 1, self.0);
        (one, mix(one, !self.0))
    }
}

impl<'a, M: Model> Search<'a, M> {
    /// Keys are exact where no more than 64 operations are open at once, unless a signer is given.
    pub fn new(problem: &'a Problem<M>, rules: Rules, signer: Option<Signer>) -> Search<'a, M> {
        // Without the early stop every operation needs a place, also one that changes nothing.
        let rules = Rules { idle: rules.idle && rules.early_stop, needed: rules.needed && rules.early_stop, ..rules };
        let end = problem.len() as Op;
        let ring = |shift: u32| (0..=end).map(move |op| (op + shift) % (end + 1)).collect();
        Search {
            problem,
            rules,
            states: States::new(problem.actions.len()),
            visited: Visited::new(),
            signer: signer.or((problem.slots > 64).then_some(Signer(1))),
            next: ring(1),
            previous: ring(end),
            taken: vec![false; problem.len()],
            returned: 0,
            mark: (0, 0),
            state: 0,
            trail: Vec::with_capacity(problem.len()),
            frames: Vec::new(),
            choices: Vec::new(),
            twins: vec![(0, 0); problem.actions.len()],
            configurations: 0,
            longest: Vec::new(),
            shared: 0,
        }
    }

    /// Whether two configurations may be taken for the same: then no order found is no proof.
    pub fn is_exact(&self) -> bool {
        self.signer.is_none() || !self.rules.memory
    }

    /// Goes on until so many configurations were looked at in all, holding so many bytes.
    pub fn run(&mut self, budget: u64, memory: usize) -> Progress {
        if self.configurations == 0
            && let Some(progress) = self.enter()
        {
            return progress;
        }
        while self.configurations < budget {
            let Some(frame) = self.frames.last_mut() else { return Progress::Exhausted };
            let Frame { trail, first, next } = *frame;
            frame.next += 1;
            self.give_back(trail as usize);
            match self.choices.get(next as usize) {
                Some(&op) => {
                    let Step::To(state) = self.step(self.state, op) else { unreachable!("a choice fits") };
                    self.take(op, state);
                    if let Some(progress) = self.enter() {
                        return progress;
                    }
                }
                None => {
                    self.choices.truncate(first as usize);
                    self.frames.pop();
                }
            }
            if self.configurations.is_multiple_of(MEMORY_LOOK) && self.bytes() > memory {
                return Progress::Full;
            }
        }
        Progress::Paused
    }

    /// Looks at the configuration that was just reached: makes a frame of it, unless it leads nowhere.
    fn enter(&mut self) -> Option<Progress> {
        let first = self.choices.len();
        self.configurations += 1;
        let alive = self.survey(first);
        if self.is_complete() {
            return Some(Progress::Found);
        }
        if alive && (!self.rules.memory || self.visited.insert(self.key())) {
            // What must return soonest is tried first.
            let ret = &self.problem.ret;
            self.choices[first..].sort_by_key(|op| ret[*op as usize]);
            self.frames.push(Frame { trail: self.trail.len() as u32, first: first as u32, next: first as u32 });
        } else {
            self.choices.truncate(first);
        }
        None
    }

    fn is_complete(&self) -> bool {
        match self.rules.early_stop {
            true => self.returned as usize == self.problem.by_return.len(),
            false => self.trail.len() == self.problem.len(),
        }
    }

    /// Takes what can be taken without choosing, and collects what could be taken else. `false` if something that must follow cannot.
    fn survey(&mut self, first: usize) -> bool {
        let end = self.problem.len() as Op;
        // The state without the last operation, if that could be left out and nothing shows yet that it is needed.
        let optional = self.trail.last().filter(|last| self.rules.needed && self.problem.never_returned(last.op));
        let mut without = optional.map(|last| last.state);
        let mut op = self.next[end as usize];
        while op != end && self.problem.call[op as usize] < self.bound() {
            let after = self.next[op as usize];
            let kind = self.problem.kind[op as usize] as usize;
            let returned = !self.problem.never_returned(op);
            if returned && self.problem.total[kind] && !(self.rules.pure_first && self.problem.pure[kind]) {
                // Where it leads is found out when it is taken.
                self.choose(op);
            } else {
                match self.step(self.state, op) {
                    Step::To(_) if returned && self.rules.pure_first && self.problem.pure[kind] => {
                        self.take(op, self.state);
                        without = None;
                    }
                    Step::To(state) if !returned && self.rules.idle && state == self.state => {}
                    Step::To(_) => self.choose(op),
                    Step::Misfit if self.is_lost(op) => return false,
                    Step::Misfit | Step::Ahead => {}
                }
            }
            op = after;
        }
        if let Some(without) = without {
            self.drop_dominated(first, without);
        }
        !self.is_anything_lost_beyond(op)
    }

    /// Whether one of the next few that are called too late to be candidates is out of reach already. `op` is the first of them.
    fn is_anything_lost_beyond(&mut self, mut op: Op) -> bool {
        let looked_at = if self.rules.foresight { M::LOOKAHEAD } else { 0 };
        for _ in 0..looked_at {
            let Some(&kind) = self.problem.kind.get(op as usize) else { break };
            if !self.problem.total[kind as usize] && self.step(self.state, op) == Step::Misfit && self.is_lost(op) {
                return true;
            }
            op = self.next[op as usize];
        }
        false
    }

    /// Leaves of the candidates those to which the last operation makes a difference.
    fn drop_dominated(&mut self, first: usize, without: StateId) {
        let mut kept = first;
        for at in first..self.choices.len() {
            let op = self.choices[at];
            if self.step(without, op) != self.step(self.state, op) {
                self.choices[kept] = op;
                kept += 1;
            }
        }
        self.choices.truncate(kept);
    }

    /// Whether an operation that must follow, but does not fit and is not ahead, has nothing left that could change that.
    fn is_lost(&self, op: Op) -> bool {
        let rescuers = &self.problem.rescuers[op as usize];
        self.rules.foresight && !self.problem.never_returned(op) && rescuers.iter().all(|rescuer| self.taken[*rescuer as usize])
    }

    /// The return before which the next operation must have been called.
    #[inline]
    fn bound(&self) -> u32 {
        self.problem.by_return.get(self.returned as usize).map_or(NEVER, |op| self.problem.ret[*op as usize])
    }

    #[inline]
    fn step(&mut self, state: StateId, op: Op) -> Step {
        self.states.step(state, self.problem.kind[op as usize], &self.problem.actions)
    }

    /// Adds a candidate, or puts it in the place of its twin that returns later.
    fn choose(&mut self, op: Op) {
        if self.rules.twins {
            let (of, at) = &mut self.twins[self.problem.effect[op as usize] as usize];
            if *of == self.configurations {
                let twin = &mut self.choices[*at as usize];
                if self.problem.ret[op as usize] < self.problem.ret[*twin as usize] {
                    *twin = op;
                }
                return;
            }
            (*of, *at) = (self.configurations, self.choices.len() as u32);
        }
        self.choices.push(op);
    }

    fn take(&mut self, op: Op, state: StateId) {
        let (previous, next) = (self.previous[op as usize], self.next[op as usize]);
        self.next[previous as usize] = next;
        self.previous[next as usize] = previous;
        self.trail.push(Taken { op, returned: self.returned, mark: self.mark, state: self.state });
        self.taken[op as usize] = true;
        self.state = state;
        self.add_mark(op);
        while let Some(&first) = self.problem.by_return.get(self.returned as usize)
            && self.taken[first as usize]
        {
            self.returned += 1;
            self.remove_mark(first);
        }
    }

    fn add_mark(&mut self, op: Op) {
        match self.signer {
            None => self.mark.0 |= 1 << self.problem.slot[op as usize],
            Some(signer) => {
                let sign = signer.sign(op);
                self.mark = (self.mark.0 ^ sign.0, self.mark.1 ^ sign.1);
            }
        }
    }

    /// `returned` tells that this one is taken.
    fn remove_mark(&mut self, op: Op) {
        match self.signer {
            None => self.mark.0 &= !(1 << self.problem.slot[op as usize]),
            Some(_) => self.add_mark(op),
        }
    }

    fn key(&self) -> Key {
        (self.mark.0, self.mark.1 ^ (u64::from(self.returned) << 32 | u64::from(self.state)))
    }

    /// Gives back all but the first operations of the trail.
    fn give_back(&mut self, keep: usize) {
        if self.trail.len() > self.longest.len() {
            self.longest.truncate(self.shared);
            self.longest.extend(self.trail[self.shared..].iter().map(|taken| taken.op));
            self.shared = self.trail.len();
        }
        self.shared = self.shared.min(keep);
        while self.trail.len() > keep {
            let Some(Taken { op, returned, mark, state }) = self.trail.pop() else { break };
            let (previous, next) = (self.previous[op as usize], self.next[op as usize]);
            self.next[previous as usize] = op;
            self.previous[next as usize] = op;
            self.taken[op as usize] = false;
            (self.returned, self.mark, self.state) = (returned, mark, state);
        }
    }

    /// The order that was found, or the one at hand.
    pub fn order(&self) -> Vec<Op> {
        self.trail.iter().map(|taken| taken.op).collect()
    }

    /// The longest order that was given up.
    pub fn longest(&self) -> &[Op] {
        &self.longest
    }

    /// What the search holds, at most.
    pub fn bytes(&self) -> usize {
        self.states.bytes() + self.visited.bytes()
    }
}
