//! The kernel under a node that does nothing by itself: what it promises of connections, machines, time and whole runs.

mod connections;
mod dials;
mod machines;
mod probe;
mod runs;
mod time;
