//! Is everything as it must be? Checks read the events of a run, never the fields of a server, and each is deaf to the others.
//!
//! Three readers, all incremental and cheap to clone: [`Checks`] for what must always be true, [`Liveness`] for what must come true once
//! faults have ended, [`Statistics`] for what really happened, without which a pass means nothing.
//!
//! Left out so far: all that needs a history of transactions (Z, D, T, S, C, W and R of the project's list), and E-6.

mod best_vote;
mod electorate;
mod epoch_promise;
mod ghosts;
mod invariant;
mod leader_quorum;
mod liveness;
mod report;
mod statistics;
#[cfg(test)]
mod tests;
mod verdict;
mod vote_circle;
mod voters_only;

use std::sync::Arc;

use electorate::Electorate;
use epoch_promise::EpochPromise;
use ghosts::Ghosts;

pub use invariant::{CATALOGUE, Invariant, InvariantInfo};
pub use liveness::{LeaderTimes, Liveness};
pub use report::{Reproduction, report};
pub use statistics::Statistics;
pub use verdict::{Fact, Facts, Verdict, Violation};

use crate::proto::Membership;
use crate::trace::Event;

/// All safety checks of one run.
#[derive(Clone, Debug)]
pub struct Checks {
    electorate: Arc<Electorate>,
    ghosts: Ghosts,
    epochs: EpochPromise,
}

impl Checks {
    pub fn new(members: &Membership) -> Checks {
        Checks { electorate: Arc::new(Electorate::new(members)), ghosts: Ghosts::default(), epochs: EpochPromise::default() }
    }

    /// Looks at the next event, and tells the invariant that it breaks, if it breaks one. Every event of the run must pass here, in order;
    /// after the first violation what is told means little.
    pub fn observe(&mut self, event: &Event) -> Option<Violation> {
        self.ghosts.observe(&self.electorate, event);
        let (electorate, ghosts) = (&*self.electorate, &self.ghosts);
        let broken = |invariant, facts: Option<Facts>| facts.map(|facts| Violation::new(invariant, event, facts));
        broken(Invariant::NoVoteCircle, vote_circle::check(electorate, ghosts, event))
            .or_else(|| broken(Invariant::BestKnownVote, best_vote::check(ghosts, event)))
            .or_else(|| broken(Invariant::LeaderHasQuorum, leader_quorum::check(electorate, ghosts, event)))
            .or_else(|| broken(Invariant::EpochPromise, self.epochs.check(event)))
            .or_else(|| broken(Invariant::VotersOnly, voters_only::check(electorate, event)))
    }
}
