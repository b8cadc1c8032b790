//! FastLeaderElection alone, rule by rule: a test hands it notes and reads what it does.

mod bugs;
mod connections;
mod drain;
mod joining;
mod lone;
mod receiver;
mod rounds;
