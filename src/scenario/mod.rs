//! Scenario files: which ensemble, what happens when, what must be true.
//!
//! A file is JSON, read strictly: an unknown key, name or verb is an error with its place and the nearest valid name, and as many errors
//! as possible are told at once. What comes out is a [`Scenario`] in which every name is known and every time makes sense.
//! [`Scenario::to_json`] writes it back, so that a shrunk failure or a generated run is a file too.

mod budget;
mod checker;
mod clients;
mod cursor;
mod debts;
mod disk_probe;
mod document;
mod ensemble;
mod expect;
mod file;
mod judge;
mod memory_probe;
mod probe;
mod problem;
mod process;
mod read;
mod replies;
mod results;
mod returns;
mod rounds;
mod run;
mod schema;
mod settings;
mod shape;
mod starter;
mod steps;
mod stored;
#[cfg(test)]
mod tests;
mod watch;
mod when;
mod write;
pub mod zoo_cfg;

use std::collections::{BTreeMap, BTreeSet};

pub use crate::proto::Version;
pub use budget::Excess;
pub use cursor::StepOutcome;
pub use problem::{Path, Problem, render};
pub use process::Process;
pub use results::WorkloadResults;
pub use run::{BEHAVIOUR, Report, Run, RunOptions, digest_of};
pub use schema::schema;
pub use starter::starter;
pub use stored::{Again, NotAgain};
pub use when::{EventPattern, WHEN_VERSION, when_help};

use std::sync::Arc;

use crate::bugs::Bugs;
use crate::check::Invariant;
use crate::client::{Hosts, Workload};
use crate::proto::{self, Bytes, Config, Epoch, LearnerType, Micros, PeerState, Round, ServerId, Span, Zxid};
use crate::sim::action::Shift;
use crate::sim::{Action, Timing};

/// A run that can be repeated, with what it is expected to show.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scenario {
    /// One line: what happens.
    pub title: String,
    /// Why it happens: the rule of ZooKeeper behind it.
    pub why: Option<String>,
    /// Where the rule or the story is from.
    pub source: Option<String>,
    pub notes: Option<String>,
    /// Seed of every random stream.
    pub seed: u64,
    pub ensemble: Ensemble,
    /// How each member starts; one entry per member.
    pub servers: BTreeMap<ServerId, ServerStart>,
    /// By number, from 1.
    pub clients: BTreeMap<u32, ClientStart>,
    /// By name.
    pub workloads: BTreeMap<String, WorkloadPlan>,
    pub timing: Timing,
    pub bugs: Bugs,
    /// In the order in which they fire.
    pub steps: Vec<Step>,
    /// How long the run is, without recovery.
    pub run: Micros,
    /// Afterwards everything is made quiet and must recover.
    pub recover: bool,
    /// How long that may take; `None`: the bound that follows from the configuration.
    pub recover_within: Option<Micros>,
    pub expect: Expect,
}

/// What all members share.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ensemble {
    pub config: Config,
    /// Servers that are in no list but their own, which has all members and themselves: they wait for a reconfiguration.
    pub joining: BTreeMap<ServerId, LearnerType>,
    /// A process that ends by itself is started again.
    pub supervise: bool,
}

/// What a server's disk holds before its first boot, and when that is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerStart {
    /// Last zxid of its log; [`Zxid::UNTRUSTED`] for a database without trust.
    pub last: Zxid,
    /// `currentEpoch`: the epoch of `last` unless given.
    pub current_epoch: Epoch,
    /// `acceptedEpoch`: the same as `current_epoch` unless given.
    pub accepted_epoch: Epoch,
    /// `None`: not before a step starts it.
    pub start: Option<Micros>,
    /// `peerType` in its own zoo.cfg, when that differs from the server list.
    pub peer_type: Option<LearnerType>,
    /// How far its wall clock is off at the start.
    pub clock_offset: Shift,
    /// How much both its clocks gain, within `±DRIFT_PPM_MAX`.
    pub clock_drift_ppm: i32,
}

/// An empty disk, a right clock, a start with the run.
impl Default for ServerStart {
    fn default() -> ServerStart {
        ServerStart {
            last: Zxid::ZERO,
            current_epoch: Epoch(0),
            accepted_epoch: Epoch(0),
            start: Some(Micros::ZERO),
            peer_type: None,
            clock_offset: Shift(0),
            clock_drift_ppm: 0,
        }
    }
}

/// A client at its start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientStart {
    pub hosts: Hosts,
    /// The session timeout it asks for, in whole milliseconds.
    pub timeout: Micros,
    /// Whether a server without a leader will do.
    pub read_only: bool,
    /// `zookeeper.disableAutoWatchReset`: its watches are lost with the connection.
    pub disable_auto_watch_reset: bool,
    /// `None`: not before a step starts it.
    pub start: Option<Micros>,
    pub clock_offset: Shift,
    pub clock_drift_ppm: i32,
}

/// As zkCli: every server, 30 s.
impl Default for ClientStart {
    fn default() -> ClientStart {
        ClientStart {
            hosts: Hosts::Any,
            timeout: Micros::from_secs(30),
            read_only: false,
            disable_auto_watch_reset: false,
            start: Some(Micros::ZERO),
            clock_offset: Shift(0),
            clock_drift_ppm: 0,
        }
    }
}

/// A workload and who carries it out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorkloadPlan {
    /// Numbers of clients, ascending.
    pub clients: Vec<u32>,
    pub load: Arc<Workload>,
    /// It need not come to anything.
    pub optional: bool,
}

/// An action and what it waits for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    pub trigger: Trigger,
    pub action: Action,
    /// What a reader should know here.
    pub note: Option<String>,
    /// A step that never fires or does not apply fails the run unless it is optional.
    pub optional: bool,
    pub repeat: Option<Repeat>,
    /// What a client must be answered, each time.
    pub returns: Option<String>,
}

/// When a step fires. It does so after the effects of the event that woke it and before the next wake-up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trigger {
    /// A time of the run.
    At(Micros),
    /// So long after the previous step fired (for the first step: after the start).
    After(Micros),
    /// The client has the answer to what it was told last: by the previous step, or by this one when it repeats.
    Reply,
    /// An event that follows the previous step's firing.
    When(EventPattern),
}

/// The step fires again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Repeat {
    /// How often altogether, at least 2.
    pub times: u32,
    /// Time between two firings; `None`: each time waits for the event, or the answer, again.
    pub every: Option<Micros>,
}

/// What must be true of the run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Expect {
    /// Any of these; never empty.
    pub verdict: BTreeSet<Outcome>,
    /// Events that must occur (`#3`: at least three times).
    pub saw: Vec<EventPattern>,
    pub not_saw: Vec<EventPattern>,
    /// Who leads when the run ends, before recovery.
    pub leader: Option<LeaderIs>,
    /// States when the run ends, before recovery.
    pub states: BTreeMap<ServerId, StateIs>,
    /// Round of the election that made that leader, as the leader counts.
    pub round: Option<Round>,
    /// Its epoch.
    pub epoch: Option<Epoch>,
    /// From the last step that fired (the start of the run, if none did) to the next `established`. What clients are told does not count.
    pub time_to_leader: Option<Span>,
    /// At most so many leaders are established, recovery not counted.
    pub leaders_max: Option<u32>,
    pub tree: ExpectedTree,
    /// At least so many requests, or rounds, of these workloads are acknowledged.
    pub acked_min: BTreeMap<String, u64>,
}

/// What the tree must hold when all is over, on every server that serves.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ExpectedTree {
    pub present: BTreeMap<proto::Path, Bytes>,
    /// With whatever data.
    pub exists: BTreeSet<proto::Path>,
    pub absent: BTreeSet<proto::Path>,
}

/// How a run may end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Outcome {
    Pass,
    /// No progress although there should be: too many events in one instant.
    Stuck,
    /// This invariant is violated.
    Violation(Invariant),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LeaderIs {
    Nobody,
    Server(ServerId),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StateIs {
    Up(PeerState),
    /// No process.
    Down,
}
