//! a lock that can be revoked is given back by its holder when somebody asks for it.
//!
//! Judged where the run ends, of clients that could have noticed.

use super::Case;
use super::beliefs::{self, Belief};
use super::chronicle::{Life, Moment};
use super::progress::PATIENCE;
use crate::check::Invariant::RevocationHeeded;
use crate::check::verdict::{Fact, Violation};
use crate::proto::{Bytes, NodeId, SessionId};

/// The data that asks for it.
const REQUEST: &[u8] = b"unlock";

pub fn check(case: &Case) -> Option<Violation> {
    let beliefs = beliefs::all(case);
    beliefs.iter().filter(|belief| case.is_able(belief.granted.client)).find_map(|belief| unheeded(case, belief))
}

/// Its node is there when the run is over, and has asked for the lock long since.
fn unheeded(case: &Case, belief: &Belief) -> Option<Violation> {
    let life = case.chronicle.made_by(belief.node, belief.token).filter(|life| life.died.is_none() && can_be_asked(life))?;
    let asks = |(_, _, data): &&(Moment, SessionId, Option<Bytes>)| data.as_deref() == Some(REQUEST);
    let (when, ..) = life.data.iter().find(asks).filter(|(when, ..)| when.at + PATIENCE <= case.end)?;
    let client = belief.granted.client;
    let facts = [
        Fact::new(when.event, format!("{} is asked for: {} says so", belief.path, belief.node)),
        Fact::new(belief.granted.event, format!("c{client}, which was granted it, still has its node there at {}", case.end)),
    ];
    let node = Some(NodeId::Client(client));
    Some(Violation { invariant: RevocationHeeded, at: case.end, event: when.event, node, facts, involved: Vec::new() })
}

/// Whether its creator has promised to heed that: by data that is there, and empty.
fn can_be_asked(life: &Life) -> bool {
    life.data.first().is_some_and(|(_, _, data)| data.as_deref() == Some(&[]))
}
