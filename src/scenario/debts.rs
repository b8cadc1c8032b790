//! L-4: what a quiet ensemble owes its clients. Every call that was made before all was quiet is answered, or fails; and a client that is
//! without a connection looks for one.
//!
//! A server that answers pings and forgets a request keeps its client waiting for ever: the client has no reason to leave it. Clients whose
//! processes do not run are owed nothing, and those that are connected are trusted to stay so.

use super::Process;
use crate::check::{Fact, Invariant, Violation};
use crate::client::Client;
use crate::proto::{Micros, NodeId};
use crate::sim::World;

/// What was open when all was quiet.
#[derive(Clone, Debug)]
pub struct Debts {
    since: Micros,
    /// The event that made it quiet.
    event: u64,
    owed: Vec<Debt>,
}

/// To one client.
#[derive(Clone, Copy, Debug)]
struct Debt {
    client: NodeId,
    /// The first and the last request that were not answered.
    open: Option<(i32, i32)>,
    /// It had no connection, and has not looked for one since.
    away: bool,
}

impl Debts {
    /// All is quiet since this event.
    pub fn at_quiet(world: &World<Process>) -> Debts {
        let debt = |id| {
            let client = running(world, id)?;
            let debt = Debt { client: id, open: client.open_requests(), away: client.is_away() };
            (debt.open.is_some() || debt.away).then_some(debt)
        };
        Debts { since: world.now(), event: world.events(), owed: world.node_ids().filter_map(debt).collect() }
    }

    /// Whether nothing is owed any more.
    #[inline]
    pub fn are_paid(&mut self, world: &World<Process>) -> bool {
        if !self.owed.is_empty() {
            self.owed.retain_mut(|debt| debt.stands(world));
        }
        self.owed.is_empty()
    }

    /// What it is that a debt still stands, now that there was time enough.
    pub fn missed(&self, world: &World<Process>, bound: Micros) -> Option<Violation> {
        let debt = self.owed.first()?;
        let (now, event, client) = (world.now(), world.events(), debt.client);
        let promise = Fact::new(self.event, format!("all has been quiet since {}, and {bound} is time enough for every call to end", self.since));
        let wants = match debt.open.filter(|_| !debt.away) {
            Some((first, _)) => format!("at {now} {client}, which is connected, still waits for the answer to its request {first}"),
            None => format!("at {now} {client} has no connection, and does not look for one"),
        };
        let facts = [promise, Fact::new(event, wants)];
        Some(Violation { invariant: Invariant::CallsEnd, at: now, event, node: Some(client), facts, involved: Vec::new() })
    }
}

impl Debt {
    /// Requests are answered in their order; a handle that is opened anew counts from the start.
    fn stands(&mut self, world: &World<Process>) -> bool {
        let Some(client) = running(world, self.client) else { return false };
        self.away &= client.is_away();
        let now = client.open_requests();
        self.open = self.open.and_then(|(first, last)| Some((now?.0, last)).filter(|(now, _)| (first..=last).contains(now)));
        self.away || self.open.is_some()
    }
}

fn running(world: &World<Process>, id: NodeId) -> Option<&Client> {
    world.actor(id)?.as_client()
}
