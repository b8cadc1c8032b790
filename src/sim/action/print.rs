//! The text form of actions, as `Action::parse` reads it.

use std::fmt;

use super::{Action, Choice, ClockChange, CommandLine, Link, Percent, Shift, Who, Whom};
use crate::proto::Micros;

impl fmt::Display for Action {
    fn fmt(&self, out: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Action::Crash(who) => write!(out, "crash {who}"),
            Action::PowerLoss(who) => write!(out, "power-loss {who}"),
            Action::Restart(Whom::All) => write!(out, "restart all"),
            Action::Restart(Whom::One(who)) => write!(out, "restart {who}"),
            Action::Start(who) => write!(out, "start {who}"),
            Action::Wipe(who) => write!(out, "wipe {who}"),
            Action::Pause { who, lasting } => write!(out, "pause {who}{}", Lasting(*lasting)),
            Action::Resume(who) => write!(out, "resume {who}"),
            Action::Partition(groups) => partition(out, groups),
            Action::Heal => write!(out, "heal"),
            Action::Quiet => write!(out, "quiet"),
            Action::Cut { link, lasting } => write!(out, "cut {link}{}", Lasting(*lasting)),
            Action::Mend(link) => write!(out, "mend {link}"),
            Action::Hold { link, packet } => write!(out, "hold {link}{}", Kind(*packet)),
            Action::Release { link, packet } => write!(out, "release {link}{}", Kind(*packet)),
            Action::Reset(one, other) => write!(out, "reset {one} {other}"),
            Action::Slow { link, latency } => write!(out, "slow {link} {latency}"),
            Action::Lose { link, ppm } => write!(out, "lose {link} {}", Percent { ppm: *ppm }),
            Action::Clock { who, change: ClockChange::Jump(shift) } => write!(out, "clock {who} jump {shift}"),
            Action::Clock { who, change: ClockChange::Drift { ppm } } => write!(out, "clock {who} drift {ppm}ppm"),
            Action::Disk { who, fault } => write!(out, "disk {who} {fault}"),
            Action::Fire(Choice::Message { from, to }) => write!(out, "fire {from} -> {to}"),
            Action::Fire(Choice::Timer { who, timer }) => write!(out, "fire timer {who} {timer}"),
            Action::Fire(Choice::Stage { who, stage }) => write!(out, "fire stage {who} {stage}"),
            Action::Fire(Choice::Disk { who }) => write!(out, "fire disk {who}"),
            Action::Client { who, command } => write!(out, "{who} {}", CommandLine(command)),
        }
    }
}

fn partition(out: &mut fmt::Formatter, groups: &[Vec<Who>]) -> fmt::Result {
    out.write_str("partition")?;
    for (index, group) in groups.iter().enumerate() {
        if index > 0 {
            out.write_str(" |")?;
        }
        for who in group {
            write!(out, " {who}")?;
        }
    }
    Ok(())
}

impl fmt::Display for Link {
    fn fmt(&self, out: &mut fmt::Formatter) -> fmt::Result {
        let between = if self.both_ways { " " } else { " -> " };
        write!(out, "{}{between}{}", self.from, self.to)
    }
}

impl fmt::Display for Shift {
    fn fmt(&self, out: &mut fmt::Formatter) -> fmt::Result {
        let sign = if self.0 < 0 { "-" } else { "" };
        write!(out, "{sign}{}", Micros(self.0.unsigned_abs()))
    }
}

struct Lasting(Option<Micros>);

impl fmt::Display for Lasting {
    fn fmt(&self, out: &mut fmt::Formatter) -> fmt::Result {
        self.0.map_or(Ok(()), |time| write!(out, " for {time}"))
    }
}

struct Kind(Option<&'static str>);

impl fmt::Display for Kind {
    fn fmt(&self, out: &mut fmt::Formatter) -> fmt::Result {
        self.0.map_or(Ok(()), |kind| write!(out, " {kind}"))
    }
}

impl fmt::Display for Percent {
    fn fmt(&self, out: &mut fmt::Formatter) -> fmt::Result {
        let (whole, rest) = (self.ppm / 10_000, self.ppm % 10_000);
        if rest == 0 {
            return write!(out, "{whole}%");
        }
        write!(out, "{whole}.{}%", format!("{rest:04}").trim_end_matches('0'))
    }
}
