//! The world around the nodes: virtual time, a queue of wake-ups, connections, disks, faults.
//!
//! The only place where chance enters a run, and the only one that knows that it is simulated.

pub mod action;
mod budget;
mod calendar;
mod clock;
mod connection;
mod datagram;
mod dial;
pub mod disk;
mod dispatch;
mod effects;
mod faults;
mod links;
mod network;
mod node;
mod process;
mod queue;
mod run_ahead;
mod small_map;
mod stream;
mod world;

pub use action::{Action, Choice};
pub use budget::{BudgetRow, FAILED_FSYNC_FORGOTTEN, FAULT_BUDGET, FORCE_SYNC_OFF, budget_row};
pub use clock::Clock;
pub use faults::DidNotApply;
pub use links::{Hold, Link, LinkState, Links, Origin};
pub use queue::{Entry, NodeIndex, Queue, StageIndex, Wake};
pub use stream::Stream;
pub use world::{NodeConfig, Recording, Stepped, Timing, Upcoming, World, WorldConfig};
