//! A client alone with servers that say what a test wants them to say, at the microsecond it wants.

mod auth;
mod connecting;
mod lone;
mod read_only;
mod requests;
mod sessions;
mod watches;
mod workloads;
