//! Is everything as it must be? Checks read the events of a run, never the fields of a server, and each is deaf to the others.
//!
//! Three readers, all incremental and cheap to clone: [`Checks`] for what must always be true, [`Liveness`] for what must come true once
//! faults have ended, [`Census`] for what really happened, without which a pass means nothing.
//!
//! What the checks share are *ghosts*, memories that no server has: `ghosts` of elections, [`replication`](self) of histories, `durable` of
//! what disks hold. What events cannot tell at all is asked by [`Probe`]s.
//!
//! What clients are told is held against a tree of the checks' own (`model`), replayed along what is committed (`known_order`): the one
//! check that looks back, in batches and when the run is over ([`Checks::conclude`]).
//!
//! What clients say of their recipes is looked at when the run is over (`recipes`). What clients alone could tell, without zxids, is for the
//! search of `linear` ([`Operations::client_history`]).

mod acknowledgement;
mod best_vote;
mod by_fault;
mod client_history;
mod clients;
mod committed;
mod convergence;
mod delivery;
mod durable;
mod electorate;
mod electorates;
mod epoch_promise;
mod follower_history;
mod ghosts;
mod history;
mod holes;
mod invariant;
mod known_order;
mod leader_quorum;
mod leadership;
mod liveness;
mod memory;
mod model;
mod operations;
mod probes;
mod recipes;
mod recovery;
mod reigns;
mod replica;
mod replication;
#[cfg(test)]
mod replication_story;
mod reply;
mod report;
mod reported;
mod routes;
mod sessions;
mod statistics;
mod stepdown;
mod surprises;
mod sync_cost;
#[cfg(test)]
mod tests;
mod under_way;
mod verdict;
mod vote_circle;
mod voters_only;

use std::sync::Arc;

use clients::Clients;
use electorates::Electorates;
use epoch_promise::EpochPromise;
use ghosts::Ghosts;
use leadership::Leadership;
use probes::Probes;
use recipes::Recipes;
use replication::{Change, Replication};
use reply::ReplyDurability;
use sessions::Sessions;
use stepdown::StepDown;

pub use by_fault::{ByFault, Outcomes};
pub use invariant::{CATALOGUE, Invariant, InvariantInfo};
pub use known_order::{Answered, Asked, Counts, KnownOrder, Logged, SessionNumber};
pub use liveness::{LeaderTimes, Liveness};
pub use operations::{Operation, Operations};
pub use probes::Probe;
pub use report::{Reproduction, report};
pub use statistics::{Census, Statistics};
pub use under_way::UnderWay;
pub use verdict::{Breach, Fact, Facts, Involved, Verdict, Violation};

use crate::proto::{Config, Micros};
use crate::trace::Event;

/// All safety checks of one run.
#[derive(Clone, Debug)]
pub struct Checks {
    electorates: Arc<Electorates>,
    ghosts: Ghosts,
    epochs: EpochPromise,
    replication: Replication,
    leadership: Leadership,
    step_down: StepDown,
    replies: ReplyDurability,
    clients: Clients,
    sessions: Sessions,
    probes: Probes,
    known_order: KnownOrder,
    recipes: Recipes,
}

impl Checks {
    pub fn new(config: &Config) -> Checks {
        Checks {
            electorates: Arc::new(Electorates::new(&config.membership)),
            ghosts: Ghosts::default(),
            epochs: EpochPromise::default(),
            replication: Replication::default(),
            leadership: Leadership::default(),
            step_down: StepDown::new(config),
            replies: ReplyDurability::default(),
            clients: Clients::default(),
            sessions: Sessions::default(),
            probes: Probes::default(),
            known_order: KnownOrder::new(config),
            recipes: Recipes::default(),
        }
    }

    /// How much of what clients were told was held against the model so far.
    pub fn looked_at(&self) -> Counts {
        self.known_order.counts()
    }

    /// From now on the agreed log is kept, for [`Checks::take_log`].
    pub fn keep_log(&mut self) {
        self.known_order.keep_log();
    }

    /// The agreed log as far as it was looked at.
    pub fn take_log(&mut self) -> Vec<Logged> {
        self.known_order.take_log()
    }

    /// Looks at the next event, and tells the invariant that it breaks, if it breaks one. Every event of the run must pass here, in order;
    /// after the first violation what is told means little.
    #[inline]
    pub fn observe(&mut self, event: &Event) -> Option<Violation> {
        let breach = self.concerned(event);
        if breach.is_none() && self.known_order.is_fine() { None } else { self.violation(breach, event) }
    }

    /// What this event has broken, or what was found when it made the known-order check look back.
    #[cold]
    #[inline(never)]
    fn violation(&mut self, breach: Option<Breach>, event: &Event) -> Option<Violation> {
        let found = self.known_order.take_found();
        breach.map(|(invariant, facts)| Violation::new(invariant, event, facts)).or(found)
    }

    /// The run is over, at this time: looks at all that clients were told and nobody has looked at yet, and at what became of recipes.
    pub fn conclude(&mut self, end: Micros) -> Option<Violation> {
        let found = self.known_order.conclude(&self.replication);
        found.or_else(|| self.recipes.conclude(self.known_order.chronicle()?, end))
    }

    /// What [`Checks::observe`] does, by showing every event to every check.
    pub fn observe_by_everybody(&mut self, event: &Event) -> Option<Violation> {
        let breach = self.everybody(event);
        self.violation(breach, event)
    }

    /// Whether [`Checks::probe`] has something to ask.
    #[inline]
    pub fn wants_probe(&self) -> bool {
        self.probes.is_due()
    }

    /// Whether [`Checks::probe`] may have something to ask once this event is observed; every event before it has been, or is such that this
    /// was false.
    #[inline]
    pub fn may_ask(&self, event: &Event) -> bool {
        self.probes.may_follow(event)
    }

    /// A disk that the checks want to have recovered, on a copy. The answer is an event, to be observed at once.
    pub fn probe(&mut self) -> Option<Probe> {
        self.probes.next()
    }

    #[cold]
    #[inline(never)]
    fn everybody(&mut self, event: &Event) -> Option<Breach> {
        self.membership(event).or_else(|| self.elections(event)).or_else(|| {
            let change = self.replication.observe(event);
            self.sessions.observe(event);
            self.replies.observe(event);
            self.probes.observe(&self.replication, &change, event);
            self.known_order.observe(&self.replication, event);
            self.recipes.observe(event);
            self.judge(&change, event)
        })
    }

    /// Who is in the ensemble, which all that follows rests upon.
    fn membership(&mut self, event: &Event) -> Option<Breach> {
        if electorates::concerns(event) { Arc::make_mut(&mut self.electorates).observe(event) } else { None }
    }

    /// Elections, epochs and roles: each server by its own list.
    fn elections(&mut self, event: &Event) -> Option<Breach> {
        let electorate = self.electorates.at(event.node);
        self.ghosts.observe(electorate, event);
        let ghosts = &self.ghosts;
        let named = |invariant, facts: Option<Facts>| facts.map(|facts| (invariant, facts));
        named(Invariant::NoVoteCircle, vote_circle::check(electorate, ghosts, event))
            .or_else(|| named(Invariant::BestKnownVote, best_vote::check(ghosts, event)))
            .or_else(|| named(Invariant::LeaderHasQuorum, leader_quorum::check(electorate, ghosts, event)))
            .or_else(|| named(Invariant::EpochPromise, self.epochs.check(event)))
            .or_else(|| named(Invariant::VotersOnly, voters_only::check(electorate, event)))
    }

    /// Histories, disks and clients, once it is known what the event has changed there.
    #[cold]
    #[inline(never)]
    fn judge(&mut self, change: &Change, event: &Event) -> Option<Breach> {
        let (electorates, world, known_order) = (&*self.electorates, &mut self.replication, &mut self.known_order);
        let electorate = electorates.at(event.node);
        surprises::check(electorate, world, change, event)
            .or_else(|| holes::check(world, change, event))
            .or_else(|| follower_history::check(electorate, world, change, event))
            .or_else(|| acknowledgement::check(electorate, world, change, event))
            .or_else(|| self.leadership.check(world, change, event))
            .or_else(|| delivery::check(world, change, event))
            .or_else(|| convergence::check(world, change, event))
            .or_else(|| reported::check(electorate, world, event))
            .or_else(|| recovery::check(world, change, event))
            .or_else(|| memory::check(world, known_order, event))
            .or_else(|| sync_cost::check(event))
            .or_else(|| self.replies.check(electorates.latest(), world, event))
            .or_else(|| self.clients.check(world, event))
            .or_else(|| self.sessions.breach(event))
            .or_else(|| self.step_down.check(electorates, event))
    }
}
