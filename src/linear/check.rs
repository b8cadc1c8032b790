//! Whether a history is linearizable: its parts in turn, each with a growing share of the budget.

use super::history::History;
use super::model::Model;
use super::problem::{NEVER, Op, Problem};
use super::rules::Rules;
use super::search::{Progress, Search, Signer};
use super::witness;
use super::zones;

/// How hard to try.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    pub rules: Rules,
    /// Configurations to look at, in all parts together. No time: the verdict is the same on every machine.
    pub budget: u64,
    /// Bytes that all searches may hold together, about.
    pub memory: usize,
    /// Sets of operations are told apart by a hash even where they could be told exactly. For tests.
    pub signed: bool,
}

impl Default for Options {
    fn default() -> Options {
        Options { rules: Rules::ALL, budget: 10_000_000, memory: 900 << 20, signed: false }
    }
}

/// What is known of a history.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checked {
    pub verdict: Verdict,
    pub parts: usize,
    /// Looked at in all.
    pub configurations: u64,
}

/// Whether a history is linearizable. Operations are named by their index in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is: an order for each part, which was replayed.
    Ok { witness: Vec<Part> },
    /// It is not, since this part is not.
    Illegal {
        part: Part,
        /// The longest order of some of its operations that explains their answers and from which the search turned back.
        longest: Vec<usize>,
    },
    /// The budget did not do: this part is undecided. Neither a pass nor a failure.
    Unknown {
        part: Part,
        /// What ran out.
        exhausted: Limit,
        /// Most operations that were open at one moment.
        widest: usize,
        never_returned: usize,
    },
}

/// What a search can run out of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limit {
    Budget,
    Memory,
}

/// An independent part of a history.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// Empty where the object has no parts.
    pub name: String,
    pub operations: Vec<usize>,
}

/// Configurations a part may have in the first turn, and by what that grows. One part that is plainly illegal settles a history in which
/// another is hopeless.
const FIRST_TURN: u64 = 1000;
const GROWTH: u64 = 8;

/// Whether each answer can be explained by the operations happening one after the other, each between its call and its return.
pub fn check<M: Model>(history: &History<M>, options: &Options) -> Checked {
    let parts: Vec<Part> = history.parts().into_iter().map(|(name, operations)| Part { name, operations }).collect();
    let problems: Vec<Problem<M>> = parts.iter().map(|part| Problem::new(history, &part.operations)).collect();
    let mut turns = Turns::new(&problems, options);
    let verdict = match turns.decide() {
        Decision::Ok(orders) => {
            let named = |(part, order): (&Part, Vec<Op>)| Part { name: part.name.clone(), operations: indices(part, &order) };
            let witness: Vec<Part> = parts.iter().zip(orders).map(named).collect();
            for (part, order) in parts.iter().zip(&witness) {
                witness::replay(history, &part.operations, &order.operations).expect("an order that was found explains every answer");
            }
            Verdict::Ok { witness }
        }
        Decision::Illegal(at, longest) => Verdict::Illegal { longest: indices(&parts[at], &longest), part: parts[at].clone() },
        Decision::Unknown(at, exhausted) => Verdict::Unknown {
            exhausted,
            widest: problems[at].slots as usize,
            never_returned: problems[at].ret.iter().filter(|ret| **ret == NEVER).count(),
            part: parts[at].clone(),
        },
    };
    Checked { verdict, parts: parts.len(), configurations: turns.configurations }
}

fn indices(part: &Part, order: &[Op]) -> Vec<usize> {
    order.iter().map(|op| part.operations[*op as usize]).collect()
}

enum Decision {
    Ok(Vec<Vec<Op>>),
    /// Part, and [`Search::longest`].
    Illegal(usize, Vec<Op>),
    Unknown(usize, Limit),
}

/// The searches of all parts, taken up in turn.
struct Turns<'a, M: Model> {
    problems: &'a [Problem<M>],
    options: &'a Options,
    configurations: u64,
    /// Bytes that interrupted searches hold.
    held: usize,
    /// By part.
    orders: Vec<Vec<Op>>,
}

/// A part that is not decided yet.
struct Undecided<'a, M: Model> {
    part: usize,
    /// None before its first turn: most parts are decided in that.
    search: Option<Search<'a, M>>,
}

impl<'a, M: Model> Turns<'a, M> {
    fn new(problems: &'a [Problem<M>], options: &'a Options) -> Turns<'a, M> {
        Turns { problems, options, configurations: 0, held: 0, orders: vec![Vec::new(); problems.len()] }
    }

    fn decide(&mut self) -> Decision {
        let mut open: Vec<_> = (0..self.problems.len()).map(|part| Undecided { part, search: None }).collect();
        let mut turn = FIRST_TURN;
        while !open.is_empty() {
            let mut left = Vec::new();
            for undecided in open {
                match self.turn(undecided, turn) {
                    Ok(None) => {}
                    Ok(Some(undecided)) => left.push(undecided),
                    Err(decision) => return decision,
                }
            }
            open = left;
            turn *= GROWTH;
        }
        Decision::Ok(std::mem::take(&mut self.orders))
    }

    /// Lets one part go on to so many configurations. `Err` if that settles the history.
    fn turn(&mut self, undecided: Undecided<'a, M>, turn: u64) -> Result<Option<Undecided<'a, M>>, Decision> {
        let Undecided { part, search } = undecided;
        let unique = if search.is_none() && self.options.rules.unique { zones::decide(&self.problems[part]) } else { None };
        if let Some(zones::Decided::Ok(order)) = unique {
            self.orders[part] = order;
            return Ok(None);
        }
        let signer = self.options.signed.then_some(Signer(1));
        self.held -= search.as_ref().map_or(0, Search::bytes);
        let mut search = search.unwrap_or_else(|| Search::new(&self.problems[part], self.options.rules, signer));
        let before = search.configurations;
        let allowed = turn.min(before + (self.options.budget - self.configurations));
        let progress = search.run(allowed, self.options.memory.saturating_sub(self.held));
        self.configurations += search.configurations - before;
        match progress {
            Progress::Found => self.orders[part] = search.order(),
            Progress::Exhausted if search.is_exact() => return Err(Decision::Illegal(part, search.longest().to_vec())),
            Progress::Exhausted => {
                let longest = search.longest().to_vec();
                drop(search);
                self.doubt(part, longest)?;
            }
            // How far an order gets is all that the search was asked for.
            _ if unique.is_some() => return Err(Decision::Illegal(part, search.longest().to_vec())),
            Progress::Full => return Err(Decision::Unknown(part, Limit::Memory)),
            Progress::Paused if self.configurations >= self.options.budget => return Err(Decision::Unknown(part, Limit::Budget)),
            Progress::Paused => {
                self.held += search.bytes();
                return Ok(Some(Undecided { part, search: Some(search) }));
            }
        }
        Ok(None)
    }

    /// Two sets of operations that share a hash can hide an order. Another hash would have to fail at the same place.
    fn doubt(&mut self, part: usize, longest: Vec<Op>) -> Result<(), Decision> {
        let mut search = Search::new(&self.problems[part], self.options.rules, Some(Signer(2)));
        let progress = search.run(self.options.budget - self.configurations, self.options.memory.saturating_sub(self.held));
        self.configurations += search.configurations;
        match progress {
            Progress::Found => {
                self.orders[part] = search.order();
                Ok(())
            }
            Progress::Exhausted => Err(Decision::Illegal(part, longest)),
            Progress::Full => Err(Decision::Unknown(part, Limit::Memory)),
            Progress::Paused => Err(Decision::Unknown(part, Limit::Budget)),
        }
    }
}
