//! Are the answers that clients got explained by operations happening one after the other, each between its call and its return?
//!
//! The oracle that trusts no zxid: a history of calls and answers alone is held against a sequential model (Herlihy and Wing's
//! linearizability). The question is NP-hard, so a search answers it, with a budget: ok with an order that was replayed, illegal with the
//! reasons, or unknown, which is neither.
//!
//! - [`History`]: the operations; [`AnyHistory::read`] reads them from JSON lines.
//! - [`Model`]: what they are done to: [`Register`], [`Kv`], [`Znode`].
//! - [`check()`]: the verdict. The independent parts of a history have a turn each, and another, longer one while they are undecided.
//! - `problem`, `search`, `states`, `visited`: one part in numbers, and the search for an order of it (Wing and Gong's, with Lowe's memory).
//! - [`Rules`]: what the search leaves out, and why it may. Tests hold each rule against the search without it, against the textbook
//!   (`benches/linear/textbook.rs`), and on small histories against every order there is.
//! - `zones`: parts in which every written value is unique are decided without a search.
//! - [`explain()`], [`chart()`]: how far an order gets, why no operation comes next, and the few that cannot be reconciled.
//!
//! What makes it fast: an operation is bounded by the first return that is still outstanding, so a set of operations is that return and one
//! bit for each that is open with it, exact in 128 bits with the state; states are numbers, and what an action makes of a state is found out
//! once; and a state from which an answer that must still come has become impossible is left at once ([`Rules::foresight`]): where texts name
//! their writers, hardly anything is left to try.
//!
//! Left out: reads that promise only sequential consistency, as ZooKeeper's plain ones do, which must not be judged part by part; bounds of
//! unknown writes by what the session did later; whatever zxids and versions would tell. The known-order check has those.

mod chart;
mod check;
mod explain;
mod flaw;
mod hash;
mod history;
mod intern;
mod model;
mod problem;
mod read;
mod rules;
mod search;
mod shrink;
mod states;
mod visited;
mod witness;
mod zones;

pub use chart::chart;
pub use check::{Checked, Limit, Options, Part, Verdict, check};
pub use explain::{Candidate, Explanation, Told, Why, explain};
pub use flaw::{Flaw, Wrong};
pub use history::{History, Operation};
pub use model::{
    Content, Failure, Kv, KvAction, Mode, Model, Outcome, Refusal, Register, RegisterAction, Reply, Request, Text, Tree, Znode, ZnodeAction,
};
pub use read::{AnyHistory, ModelName};
pub use rules::Rules;
pub use witness::{Flawed, replay};
