//! Leader election.

pub mod leader_election;
pub mod quorum;
pub mod responder;
mod tally;
pub mod vote_order;
