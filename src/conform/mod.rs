//! Conformance: does the simulated ensemble answer as a real one did?
//!
//! A [`Transcript`] is a totally ordered sequence of requests with a real ensemble's answers, recorded once. [`replay`] plays its requests to
//! three simulated servers the way the recorder played them to the real ones, and tells the first [`Difference`].
//!
//! - `transcript`, `fields`, `request`, `answer`: the format `zk-transcript/1`, read with mistakes that say what is allowed.
//! - `wire`: a client that is nothing but its connection. `ensemble`: the world that it lives in.
//! - `session`: what a client remembers. `names`: how a transcript calls sessions and transactions.
//! - `encode`: answers as the format writes them. `rewatch`: what gives a new connection the watches of an old one.
//! - `driver`: one request after the other, each with all that follows from it.
//! - `compare`: the whole transcript, up to where it differs. `shake`: faults on the way that must not change an answer.
//!
//! Left out: what a transcript does not tell, which is times, session ids and events of the connection itself.

mod answer;
mod compare;
mod driver;
mod encode;
mod ensemble;
mod fields;
mod names;
mod request;
mod rewatch;
mod session;
mod shake;
mod transcript;
mod wire;

pub use answer::{Answer, Event, FieldDifference};
pub use compare::{Difference, Got, Options, replay};
pub use request::Request;
pub use transcript::{FORMAT, Flaw, Line, Transcript};
