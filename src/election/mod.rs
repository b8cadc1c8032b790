//! Leader election.

pub mod quorum;
pub mod vote_order;
