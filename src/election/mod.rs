//! Leader election: the order of votes, quorums, FastLeaderElection with its connections, and the older LeaderElection.

mod connection_manager;
mod fast_leader_election;
pub mod leader_election;
mod messenger;
pub mod quorum;
pub mod responder;
mod tally;
#[cfg(test)]
mod tests;
pub mod vote_order;

pub use connection_manager::ConnectionManager;
pub use fast_leader_election::{FastLeaderElection, Outcome};
pub use messenger::{Heard, Standing};
