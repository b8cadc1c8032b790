//! Tests of the whole: one binary, one module per question.
#![allow(clippy::disallowed_methods, clippy::disallowed_types, clippy::unwrap_used, reason = "tests read files and start the program")]

mod bad_input;
mod bugs;
mod chaos;
mod cli;
mod clients;
mod conform;
mod crash_points;
mod datadir;
mod determinism;
mod durable;
mod expectations;
mod fuzz_parser;
mod golden;
mod java;
mod kernel;
mod known_order;
mod layers;
mod linear;
mod pure;
mod recipes;
mod replication;
mod sessions;
mod shared;
mod storage;
mod stories;
mod worked_examples;
