//! One server's pipeline with nothing around it: a test plays its clients, the rest of the server, and the other servers.

mod bench;
mod closing;
mod expiry;
mod handshake;
mod learner;
mod local_sessions;
mod order;
mod ownership;
mod prep;
mod quotas;
mod read_only;
mod reads;
mod reconfig;
mod requests;
mod rollover;
mod stats;
mod watching;
