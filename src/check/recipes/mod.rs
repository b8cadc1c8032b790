//! R: recipes keep what they promise, as the servers' history tells it and as their clients believe it. Source: invariants reference §8.
//!
//! What clients say of their recipes is collected as it happens ([`Told`]); what became of the nodes follows from the agreed log
//! ([`Chronicle`]), from the first recipe on. When the run is over the one is held against the other: a node's place in its line is that at the
//! zxid that decided, whatever any server showed meanwhile.
//!
//! - `chronicle`: every node, from its creation to its end. `beliefs`: who thought of holding what, from when to when.
//! - `exclusion`: one holder, rightful, in the order of the line, and nobody else writes what is guarded.
//! - `sharing`: readers and writers. `leases`: so many, and no more. `revocation`: what is asked for is given back.
//! - `barriers`: nobody goes on too early. `decisions`: one outcome for all.
//! - `queues`: each item once, in its order.
//! - `herd`: who is woken for what. `progress`: nobody waits for nothing.
//! - `counting`: counters. `numbering`: unique numbers. `observing`: what observers learn, and who takes part.

mod barriers;
mod beliefs;
mod chronicle;
mod counting;
mod decisions;
mod exclusion;
mod herd;
mod leases;
mod numbering;
mod observing;
mod progress;
mod queues;
mod revocation;
mod sharing;

use std::collections::BTreeMap;

pub use chronicle::Chronicle;

use super::Invariant;
use super::verdict::{Fact, Violation};
use crate::proto::{Micros, NodeId, Recipe, SessionId};
use crate::trace::{Event, Note, Record, What};

/// What clients have told of their recipes.
#[derive(Clone, Debug, Default)]
pub struct Recipes {
    told: Vec<Told>,
    clients: BTreeMap<u32, Client>,
}

/// A fact that a client has told.
#[derive(Clone, Debug)]
struct Told {
    event: u64,
    at: Micros,
    client: u32,
    /// That the client had then.
    session: SessionId,
    what: What,
}

/// A client as it is now.
#[derive(Clone, Copy, Debug, Default)]
struct Client {
    session: SessionId,
    /// Since when it is connected, runs, and could do something.
    able_since: Option<Micros>,
}

/// All that a check may look at.
struct Case<'a> {
    told: &'a [Told],
    clients: &'a BTreeMap<u32, Client>,
    chronicle: &'a Chronicle,
    /// When the run was over.
    end: Micros,
}

impl Recipes {
    /// Learns from an event that is none of the busy kinds.
    pub fn observe(&mut self, event: &Event) {
        let Some(NodeId::Client(number)) = event.node else { return };
        let client = self.clients.entry(number).or_default();
        match &event.what {
            What::Note(Note::Connected { session, .. }) => (client.session, client.able_since) = (*session, Some(event.at)),
            What::Note(Note::Disconnected { .. } | Note::SessionExpired { .. } | Note::ClientClosed { .. }) => client.able_since = None,
            What::Record(Record::Crashed | Record::PowerLost { .. } | Record::Exited { .. } | Record::Paused) => client.able_since = None,
            What::Record(Record::Resumed { .. }) => client.able_since = Some(event.at),
            _ => {}
        }
        if is_told(&event.what) {
            let (session, what) = (client.session, event.what.clone());
            self.told.push(Told { event: event.n, at: event.at, client: number, session, what });
        }
    }

    /// The run is over: what of it broke a rule first.
    pub fn conclude(&self, chronicle: &Chronicle, end: Micros) -> Option<Violation> {
        let case = Case { told: &self.told, clients: &self.clients, chronicle, end };
        let found = [
            exclusion::check(&case),
            sharing::check(&case),
            leases::check(&case),
            revocation::check(&case),
            queues::check(&case),
            barriers::check(&case),
            decisions::check(&case),
            counting::check(&case),
            numbering::check(&case),
            observing::check(&case),
            herd::check(&case),
            progress::check(&case),
        ];
        found.into_iter().flatten().min_by_key(|violation| violation.event)
    }
}

/// Whether a check asks for it when the run is over.
fn is_told(what: &What) -> bool {
    match what {
        What::Note(Note::Connected { .. } | Note::EventDelivered { .. }) => true,
        What::Note(note) => is_of_recipes(note),
        What::Record(record) => matches!(record, Record::Crashed | Record::PowerLost { .. } | Record::Exited { .. }),
    }
}

fn is_of_recipes(note: &Note) -> bool {
    use Note::{
        ClientClosed, Counted, Decided, Granted, Joined, Learned, Leaves, LetGo, Numbered, Passes, Picks, RecipeCalled, RecipeReturned, Taken, Waits,
    };
    matches!(
        note,
        RecipeCalled { .. }
            | RecipeReturned { .. }
            | Waits { .. }
            | Granted { .. }
            | LetGo { .. }
            | ClientClosed { .. }
            | Picks { .. }
            | Taken { .. }
            | Passes { .. }
            | Leaves { .. }
            | Decided { .. }
            | Counted { .. }
            | Numbered { .. }
            | Learned { .. }
            | Joined { .. }
    )
}

impl Told {
    /// A violation that this fact completes.
    fn breaks(&self, invariant: Invariant, facts: [Fact; 2]) -> Violation {
        Violation { invariant, at: self.at, event: self.event, node: Some(NodeId::Client(self.client)), facts, involved: Vec::new() }
    }
}

/// Whether its node is one of a line below the path, and not the path itself.
fn has_line(recipe: Recipe) -> bool {
    recipe != Recipe::Exclusive
}
