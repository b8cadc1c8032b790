//! zoolab runs a whole ZooKeeper ensemble as state machines on one seeded scheduler, breaks it on purpose, and tells what became of it.
//!
//! # In one picture
//!
//! ```text
//! scenario file ─▶ Run (World + cursor through the steps + checks) ─▶ events ─▶ verdict, story, digest
//! ```
//!
//! A *scenario* says which ensemble, what happens when, and what must be true. A *world* is everything that exists in one run: virtual
//! time, a queue of wake-ups, nodes, the connections between them, a disk under each. A node is a pure state machine: it is handed an
//! input and answers with effects. *Checks* read the events of a run, never the fields of a server. One wake-up is a *step* of the world;
//! one line of a trace is an *event*.
//!
//! # Where things are, in reading order
//!
//! Each module may use only those above it; a test (`tests/it/layers.rs`) holds them to it.
//!
//! - `proto`: ids, times, votes, packets, configuration, disk operations. Nouns without behaviour.
//! - `bugs`: the catalogue of known bugs, each a switch.
//! - `trace`: what a run tells: records of the kernel, notes of the protocol (their text is the story), the digest over the former.
//! - `actor`: the only door between a node and the world: `Input`, `Effect`, `Cx`.
//! - `election`: order of votes, quorums, FastLeaderElection, its connections (`QuorumCnxManager`), the older LeaderElection.
//! - `tree`: the replicated state: znodes, sessions, what each transaction does to them.
//! - `store`: what is on disk, in ZooKeeper's bytes: epoch files, transaction log, snapshots; recovery, truncation, purging.
//! - `zab`: discovery, synchronisation, broadcast: a leader and its learners.
//! - `server`: the outer loop (`QuorumPeer`): boot, election, role, and back.
//! - `client`: the session state machine of the Java client, workloads, and recipes (`client::recipes`): locks, queues, barriers.
//! - `sim`: the world: queue, streams of chance, clocks, connections, disks, faults; `sim::action` is the one vocabulary of faults.
//! - `linear`: histories of clients against sequential models: the search for linearizations. Knows no simulator.
//! - `check`: one invariant per file, liveness, statistics, reports.
//! - `scenario`: the file format, its diagnostics, `Run`, and the judgement at the end.
//! - `conform`: transcripts recorded from a real ensemble, and whether the simulated one gives the same answers.
//! - `shell`: a prompt on a simulated ensemble, in the words of zkCli. Lines in, text out.
//! - `cli` (a feature, with the program): one verb per file. The only place with threads, files and a terminal.
//!
//! "Which vote wins?" is `election::vote_order`; "what ends an election?" `election::FastLeaderElection`; "DIFF, TRUNC or SNAP?"
//! `zab::sync_choice`; "what does a learner do at NEWLEADER?" `zab::learner`; "who decides while the membership changes?" `zab::quorums`;
//! "what does a server start from?" `store::recovery`; "what does a cut do to bytes under way?" `sim::network`; "what may a power loss
//! take?" `sim::disk`; "who is told of a change?" `server::watches`, and of what a client sets again `client::watches`.
//!
//! # What always holds
//!
//! - Scenario and seed decide every bit of the digest: on every machine, in every build profile, with or without anybody watching.
//!   No wall clock, thread, environment, hash order, pointer or float takes part. Chance comes only from named streams
//!   (`sim::Stream`), so that a draw for one thing never shifts another.
//! - Protocol modules know no simulator, file, socket or clock. Where ZooKeeper's threads race, a node has stages, woken one item at a time.
//! - Nothing overtakes within a connection, and nothing is lost in one that lives. Datagrams may be lost.
//! - What is not synced may be lost. An epoch is told only after it is durable.
//! - Every check has a bug that makes it fire, every bug a scenario that shows it.
//!
//! # What is modelled, and what is not
//!
//! ZooKeeper 3.9.5 with its open defects repaired, each repair a switch: elections, Zab whole, sessions, the request pipeline, logs and
//! snapshots in ZooKeeper's bytes, a membership that may change. The README has the whole list.
//! Modules end their description with what they leave out.

pub mod proto;

pub mod bugs;

pub mod trace;

pub mod actor;

pub mod election;

pub mod tree;

pub mod store;

pub mod zab;

pub mod server;

pub mod client;

pub mod sim;

pub mod linear;

pub mod check;

pub mod scenario;

pub mod conform;

pub mod shell;

#[cfg(feature = "cli")]
pub mod cli;

#[cfg(target_arch = "wasm32")]
mod wasm;
