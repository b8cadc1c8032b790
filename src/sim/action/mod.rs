//! The one vocabulary of actions: faults, their ends, and picked choices. A step of a scenario is an action with a time or a condition.
//!
//! Files, generator, shrinker, narration and the teacher's prompt all use it; the text form is what [`Action::parse`] reads and
//! `Display` prints, each the inverse of the other. What clients are told is part of it, as zkCli has it.

mod client;
mod command_line;
mod multi;
mod parse;
mod print;
mod recipe;
mod reconfig;
#[cfg(test)]
mod tests;
pub mod text;
mod verbs;
mod who;

pub use client::command_names;
pub use command_line::{CommandLine, OpLine};
pub use parse::{parse_command, parse_sleep};
pub use recipe::recipe_help;
pub use reconfig::joining;
pub use text::TextError;
pub use verbs::{grammar_help, verb_names};
pub use who::{Role, Who};

use super::disk::DiskFault;
use crate::proto::{Command, Micros, NodeId, Span, Stage};

/// Something done to the world from outside the protocol.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// The process dies; what it wrote stays in the page cache.
    Crash(Who),
    /// The machine dies: unsynced data may be lost, kept or torn.
    PowerLoss(Who),
    /// A server that is down starts again.
    Restart(Whom),
    /// First boot of a server that the scenario did not start.
    Start(Who),
    /// The disk of a server that is down is emptied.
    Wipe(Who),
    /// A stall of the process (garbage collection): its inputs wait. Without a time until `resume`, `heal` or `quiet`.
    Pause {
        who: Who,
        lasting: Option<Micros>,
    },
    Resume(Who),
    /// Cuts every link between servers of different groups, both ways. A node in no group keeps all its links.
    Partition(Vec<Vec<Who>>),
    /// Mends links, ends pauses, releases holds.
    Heal,
    /// Heals, starts whoever is not running, and disks behave.
    Quiet,
    /// Bytes on the link wait; after a long cut the connections time out. Without a time until `mend`, `heal` or `quiet`.
    Cut {
        link: Link,
        lasting: Option<Micros>,
    },
    /// Ends a cut, a slow link and a loss.
    Mend(Link),
    /// Packets of one kind (or all) wait at the receiver's end, and with them whatever follows on their connection.
    Hold {
        link: Link,
        /// One of [`crate::proto::PACKET_KINDS`].
        packet: Option<&'static str>,
    },
    Release {
        link: Link,
        packet: Option<&'static str>,
    },
    /// Connections between the two break and lose their tails.
    Reset(Who, Who),
    /// Latency is drawn from `latency` instead of the scenario's `timing.link`.
    Slow {
        link: Link,
        latency: Span,
    },
    /// Datagrams are lost with this probability, in parts per million: `0..=1_000_000`.
    Lose {
        link: Link,
        ppm: u32,
    },
    Clock {
        who: Who,
        change: ClockChange,
    },
    Disk {
        who: Who,
        fault: DiskFault,
    },
    /// What is pending happens now, before anything earlier in the queue.
    Fire(Choice),
    /// A client is told something by its user.
    Client {
        who: Who,
        command: Command,
    },
}

/// One server or every one that is down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Whom {
    All,
    One(Who),
}

/// The way from one node to another, or both ways.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Link {
    pub from: Who,
    pub to: Who,
    pub both_ways: bool,
}

/// What happens to a node's clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClockChange {
    /// The wall clock is set forward or back; the monotonic clock does not notice.
    Jump(Shift),
    /// From now on both clocks gain (or lose) this many microseconds in a second of the world: `-500_000..=500_000`.
    Drift { ppm: i32 },
}

/// A signed length of time, in microseconds. Text form `5s`, `-1.5ms`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Shift(pub i64);

/// A probability in parts per million, `0..=1_000_000`. Text form `12.5%`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Percent {
    pub ppm: u32,
}

/// Largest drift of a clock, either way. Real ones stay below 500; half the speed is already another planet.
pub const DRIFT_PPM_MAX: i32 = 500_000;

/// A pending wake-up that is picked to be the next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Choice {
    /// The next message on the oldest connection that has one under way.
    Message {
        from: Who,
        to: Who,
    },
    Timer {
        who: Who,
        /// One of [`crate::proto::Timer::NAMES`]; of several such timers the earliest.
        timer: &'static str,
    },
    Stage {
        who: Who,
        stage: Stage,
    },
    /// The oldest disk operation that is under way.
    Disk {
        who: Who,
    },
}

impl Action {
    /// The same action about other nodes: roles replaced by whoever plays them.
    pub fn map(&self, mut who: impl FnMut(Who) -> Who) -> Action {
        let mut mapped = self.clone();
        for name in mapped.names_mut() {
            *name = who(*name);
        }
        mapped
    }

    fn names_mut(&mut self) -> Vec<&mut Who> {
        match self {
            Action::Crash(who) | Action::PowerLoss(who) | Action::Restart(Whom::One(who)) | Action::Start(who) | Action::Wipe(who) => vec![who],
            Action::Pause { who, .. } | Action::Resume(who) | Action::Clock { who, .. } | Action::Disk { who, .. } => vec![who],
            Action::Client { who, .. } => vec![who],
            Action::Partition(groups) => groups.iter_mut().flatten().collect(),
            Action::Restart(Whom::All) | Action::Heal | Action::Quiet => Vec::new(),
            Action::Cut { link, .. } | Action::Mend(link) | Action::Hold { link, .. } | Action::Release { link, .. } => {
                vec![&mut link.from, &mut link.to]
            }
            Action::Slow { link, .. } | Action::Lose { link, .. } => vec![&mut link.from, &mut link.to],
            Action::Reset(one, other) => vec![one, other],
            Action::Fire(Choice::Message { from, to }) => vec![from, to],
            Action::Fire(Choice::Timer { who, .. } | Choice::Stage { who, .. } | Choice::Disk { who }) => vec![who],
        }
    }

    /// Every node or role that it names, in the order of the text.
    pub fn names(&self) -> Vec<Who> {
        match self {
            Action::Crash(who) | Action::PowerLoss(who) | Action::Restart(Whom::One(who)) | Action::Start(who) | Action::Wipe(who) => vec![*who],
            Action::Pause { who, .. } | Action::Resume(who) | Action::Clock { who, .. } | Action::Disk { who, .. } => vec![*who],
            Action::Client { who, command } => {
                let server = if let Command::Connect { server, .. } = command { server.map(NodeId::Server) } else { None };
                let others = command.claims_from().map(NodeId::Client).into_iter().chain(server);
                [*who].into_iter().chain(others.map(Who::Node)).collect()
            }
            Action::Partition(groups) => groups.concat(),
            Action::Restart(Whom::All) | Action::Heal | Action::Quiet => Vec::new(),
            Action::Cut { link, .. } | Action::Mend(link) | Action::Hold { link, .. } | Action::Release { link, .. } => vec![link.from, link.to],
            Action::Slow { link, .. } | Action::Lose { link, .. } => vec![link.from, link.to],
            Action::Reset(one, other) => vec![*one, *other],
            Action::Fire(Choice::Message { from, to }) => vec![*from, *to],
            Action::Fire(Choice::Timer { who, .. } | Choice::Disk { who }) => vec![*who],
            Action::Fire(Choice::Stage { who, stage }) => [*who].into_iter().chain(stage.peer().map(|peer| Who::server(peer.0))).collect(),
        }
    }
}
