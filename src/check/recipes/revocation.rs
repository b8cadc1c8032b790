//! a lock that can be revoked is given back by its holder when somebody asks for it.
//!
//! Judged where the run ends, of clients that could have noticed.

use super::beliefs::{self, Belief};
use super::chronicle::Moment;
use super::progress::{PATIENCE, is_able};
use super::{Case, Told};
use crate::check::Invariant::RevocationHeeded;
use crate::check::verdict::{Fact, Violation};
use crate::proto::{Bytes, NodeId, RecipeVerb};
use crate::trace::{Note, What};

/// The data that asks for it.
const REQUEST: &[u8] = b"unlock";

pub fn check(case: &Case) -> Option<Violation> {
    let beliefs = beliefs::all(case);
    let promised = |belief: &&Belief| case.told.iter().any(|told| promises(told, belief)) && is_able(case, belief.granted.client);
    beliefs.iter().filter(promised).find_map(|belief| unheeded(case, belief))
}

/// Whether its client has asked for a lock that can be revoked before it was granted.
fn promises(told: &Told, belief: &Belief) -> bool {
    match &told.what {
        What::Note(Note::RecipeCalled { what, .. }) => {
            let is_its = told.client == belief.granted.client && told.event < belief.granted.event;
            is_its && what.verb == RecipeVerb::LockAcquireRevocable && what.path == *belief.path
        }
        _ => false,
    }
}

/// Its node is there when the run is over, and has asked for the lock long since.
fn unheeded(case: &Case, belief: &Belief) -> Option<Violation> {
    let life = case.chronicle.made_by(belief.node, belief.token).filter(|life| life.died.is_none())?;
    let asks = |(_, _, data): &&(Moment, _, Option<Bytes>)| data.as_deref() == Some(REQUEST);
    let (when, ..) = life.data.iter().find(asks).filter(|(when, ..)| when.at + PATIENCE <= case.end)?;
    let client = belief.granted.client;
    let facts = [
        Fact::new(when.event, format!("{} is asked for: {} says so", belief.path, belief.node)),
        Fact::new(belief.granted.event, format!("c{client}, which was granted it, still has its node there at {}", case.end)),
    ];
    let node = Some(NodeId::Client(client));
    Some(Violation { invariant: RevocationHeeded, at: case.end, event: when.event, node, facts, involved: Vec::new() })
}
