//! What actions do. Each says why it could not, so that no step of a scenario can silently do nothing.

use std::sync::Arc;

use crate::actor::{Actor, Input};
use crate::proto::{Micros, NodeId, Timer};
use crate::trace::Record;

use super::action::{Action, Choice, ClockChange, CommandLine, Link as Way, Who, Whom};
use super::disk::DiskFault;
use super::links::{Hold, Link, LinkState, Origin};
use super::node::{Node, Power};
use super::{NodeIndex, Wake, World};

/// Why an action had no effect, in words.
pub type DidNotApply = String;

impl<A: Actor> World<A> {
    /// Carries out an action now. Roles must have been resolved to nodes before: the world does not know who leads.
    pub fn inject(&mut self, action: &Action, origin: Origin) -> Result<(), DidNotApply> {
        self.cause = 0;
        if let Action::Client { who, command } = action
            && command.claims_from().is_none()
            && let Ok(at) = self.awake(*who)
        {
            self.cause = self.record(Some(at), Record::Command { command: CommandLine(command).to_string() });
            self.deliver(at, Input::Command(command.clone()));
            return Ok(());
        }
        let text = action.to_string();
        // What follows belongs to the action, and the record of it stands before that: so it is taken back in words if nothing did.
        self.cause = self.record(None, Record::Action { action: text.clone() });
        let done = self.carry_out(action, origin);
        if let Err(why) = &done {
            self.record(None, Record::ActionFailed { action: text, why: why.clone() });
        }
        done
    }

    fn carry_out(&mut self, action: &Action, origin: Origin) -> Result<(), DidNotApply> {
        match action {
            Action::Crash(who) => self.up(*who).map(|at| self.crash(at)).inspect(|()| self.ended_by_hand(&Action::Resume(*who))),
            Action::PowerLoss(who) => self.with_power(*who).map(|at| self.power_loss(at)).inspect(|()| self.ended_by_hand(&Action::Resume(*who))),
            Action::Restart(Whom::All) => self.restart_all(),
            Action::Restart(Whom::One(who)) => self.down(*who).map(|at| self.start_process(at)),
            Action::Start(who) => self.down(*who).map(|at| self.start_process(at)),
            Action::Wipe(who) => self.down(*who).map(|at| self.node_mut(at).disk.wipe()),
            Action::Pause { who, lasting } => self.start_pause(*who, *lasting),
            Action::Resume(who) => self.end_pause(*who).inspect(|()| self.ended_by_hand(action)),
            Action::Partition(groups) => self.partition(groups, origin),
            Action::Heal => self.heal(),
            Action::Quiet => {
                self.quiet();
                Ok(())
            }
            Action::Cut { link, lasting } => self.cut(*link, *lasting, origin),
            Action::Mend(link) => self.each_way(*link, "nothing is wrong with this link", World::mend_way).inspect(|()| self.ended_by_hand(action)),
            Action::Hold { link, packet } => {
                let hold = packet.map_or(Hold::Everything, Hold::Kind);
                self.each_way(*link, "it is held already", |world, from, to| world.hold_way(from, to, hold))
            }
            Action::Release { link, packet } => {
                let hold = packet.map_or(Hold::Everything, Hold::Kind);
                self.each_way(*link, "nothing like it is held", |world, from, to| world.release_way(from, to, hold))
            }
            Action::Reset(one, other) => {
                let (one, other) = (self.at(*one)?, self.at(*other)?);
                if self.reset_between(one, other) == 0 { Err("no connection is open between them".into()) } else { Ok(()) }
            }
            Action::Slow { link, latency } => self.each_way(*link, "it is as slow already", |world, from, to| {
                let link = world.link_mut(from, to);
                link.slow.replace(*latency) != Some(*latency)
            }),
            Action::Lose { link, ppm } => self.each_way(*link, "it loses as many already", |world, from, to| {
                let link = world.link_mut(from, to);
                link.loss_ppm.replace(*ppm) != Some(*ppm)
            }),
            Action::Clock { who, change } => self.at(*who).map(|at| self.change_clock(at, *change)),
            Action::Disk { who, fault } => {
                let at = self.at(*who)?;
                self.node_mut(at).disk.inject(fault.clone()).map(|_| ())
            }
            Action::Fire(choice) => self.fire_choice(choice),
            // What a client can be told it is told without being an action of the world.
            Action::Client { who, command } => {
                self.awake(*who)?;
                command.claims_from().map_or(Ok(()), |number| Err(format!("{} has no session", NodeId::Client(number))))
            }
        }
    }

    fn at(&self, who: Who) -> Result<NodeIndex, DidNotApply> {
        let Who::Node(id) = who else {
            return Err(format!("nobody was found for `{who}`"));
        };
        self.index.get(&id).copied().ok_or_else(|| format!("there is no {id}"))
    }

    fn up(&self, who: Who) -> Result<NodeIndex, DidNotApply> {
        self.at(who).and_then(|at| if self.nodes[usize::from(at)].is_up() { Ok(at) } else { Err(format!("{who} is not running")) })
    }

    /// Running and not stalled: at a frozen keyboard nobody is heard.
    fn awake(&self, who: Who) -> Result<NodeIndex, DidNotApply> {
        self.up(who).and_then(|at| if self.nodes[usize::from(at)].paused.is_some() { Err(format!("{who} is paused")) } else { Ok(at) })
    }

    fn down(&self, who: Who) -> Result<NodeIndex, DidNotApply> {
        self.at(who).and_then(|at| if self.nodes[usize::from(at)].is_up() { Err(format!("{who} is running")) } else { Ok(at) })
    }

    fn with_power(&self, who: Who) -> Result<NodeIndex, DidNotApply> {
        self.at(who).and_then(|at| if self.nodes[usize::from(at)].power == Power::Off { Err(format!("{who} has no power")) } else { Ok(at) })
    }

    /// Those that ran before: who has not started yet has a time for that, or a step.
    fn restart_all(&mut self) -> Result<(), DidNotApply> {
        if self.start_those(|node| node.life > 0) { Ok(()) } else { Err("nobody who ever ran is down".into()) }
    }

    /// Starts those of the nodes that are down. False when there is none.
    fn start_those(&mut self, which: impl Fn(&Node<A>) -> bool) -> bool {
        let down = |at: &NodeIndex| !self.nodes[usize::from(*at)].is_up() && which(&self.nodes[usize::from(*at)]);
        let down: Vec<NodeIndex> = (0..self.nodes.len() as NodeIndex).filter(down).collect();
        down.iter().for_each(|at| self.start_process(*at));
        !down.is_empty()
    }

    fn start_pause(&mut self, who: Who, lasting: Option<Micros>) -> Result<(), DidNotApply> {
        let at = self.up(who)?;
        if self.nodes[usize::from(at)].paused.is_some() {
            return Err(format!("{who} is paused already"));
        }
        self.pause(at);
        self.end_after(lasting, Action::Resume(who));
        Ok(())
    }

    fn end_pause(&mut self, who: Who) -> Result<(), DidNotApply> {
        let at = self.at(who)?;
        if self.nodes[usize::from(at)].paused.is_none() {
            return Err(format!("{who} is not paused"));
        }
        self.resume(at);
        Ok(())
    }

    fn partition(&mut self, groups: &[Vec<Who>], origin: Origin) -> Result<(), DidNotApply> {
        let mut sides = Vec::new();
        for (side, group) in groups.iter().enumerate() {
            for who in group {
                sides.push((side, self.at(*who)?));
            }
        }
        let mut cut = 0;
        for (side, from) in &sides {
            for (other, to) in &sides {
                cut += u32::from(side != other && self.cut_way(*from, *to, origin));
            }
        }
        if cut == 0 { Err("all of these links are cut already".into()) } else { Ok(()) }
    }

    fn cut(&mut self, link: Way, lasting: Option<Micros>, origin: Origin) -> Result<(), DidNotApply> {
        self.each_way(link, "it is cut already", |world, from, to| world.cut_way(from, to, origin))?;
        self.end_after(lasting, Action::Mend(link));
        Ok(())
    }

    /// Does something to one or both directions of a link; it must change at least one of them.
    fn each_way(
        &mut self,
        link: Way,
        otherwise: &str,
        mut change: impl FnMut(&mut World<A>, NodeIndex, NodeIndex) -> bool,
    ) -> Result<(), DidNotApply> {
        let (from, to) = (self.at(link.from)?, self.at(link.to)?);
        let there = change(self, from, to);
        let back = link.both_ways && change(self, to, from);
        if there || back { Ok(()) } else { Err(otherwise.into()) }
    }

    fn link_mut(&mut self, from: NodeIndex, to: NodeIndex) -> &mut Link {
        Arc::make_mut(&mut self.links).get_mut(from, to)
    }

    fn cut_way(&mut self, from: NodeIndex, to: NodeIndex, origin: Origin) -> bool {
        let link = self.link_mut(from, to);
        if link.is_cut() {
            return false;
        }
        link.state = LinkState::Cut(origin);
        self.rearm_between(from, to, false);
        true
    }

    /// Ends cut, slowness and loss of one direction.
    fn mend_way(&mut self, from: NodeIndex, to: NodeIndex) -> bool {
        let link = self.link_mut(from, to);
        let was_worse = link.slow.take().is_some() | link.loss_ppm.take().is_some();
        self.uncut_way(from, to) || was_worse
    }

    /// Bytes move again; what was held by the cut starts its way anew.
    fn uncut_way(&mut self, from: NodeIndex, to: NodeIndex) -> bool {
        let link = self.link_mut(from, to);
        let was_cut = link.is_cut();
        link.state = LinkState::Up;
        if was_cut {
            self.rearm_between(from, to, true);
        }
        was_cut
    }

    fn hold_way(&mut self, from: NodeIndex, to: NodeIndex, hold: Hold) -> bool {
        let link = self.link_mut(from, to);
        if link.holds.contains(&hold) {
            return false;
        }
        link.holds.push(hold);
        self.rearm_between(from, to, false);
        true
    }

    /// Ends one hold; `Everything` ends them all.
    fn release_way(&mut self, from: NodeIndex, to: NodeIndex, hold: Hold) -> bool {
        let link = self.link_mut(from, to);
        let before = link.holds.len();
        link.holds.retain(|held| hold != Hold::Everything && *held != hold);
        let changed = link.holds.len() < before;
        if changed {
            self.rearm_between(from, to, false);
        }
        changed
    }

    /// Mends all links, releases all holds, ends all pauses.
    fn heal(&mut self) -> Result<(), DidNotApply> {
        let count = self.nodes.len() as NodeIndex;
        let mut changed = false;
        for from in 0..count {
            for to in 0..count {
                changed |= self.mend_way(from, to);
                changed |= self.release_way(from, to, Hold::Everything);
            }
        }
        for at in 0..count {
            if self.nodes[usize::from(at)].paused.is_some() {
                self.resume(at);
                changed = true;
            }
        }
        self.ends.clear();
        if changed { Ok(()) } else { Err("there was nothing to heal".into()) }
    }

    /// Heals, starts whoever is not running, and disks behave. A state to be in rather than a change: it applies even when all was quiet before.
    fn quiet(&mut self) {
        let _ = self.heal();
        for at in 0..self.nodes.len() as NodeIndex {
            let behaves = self.node_mut(at).disk.inject(DiskFault::Behave);
            behaves.expect("a disk can always behave");
        }
        self.start_those(|_| true);
    }

    fn change_clock(&mut self, at: NodeIndex, change: ClockChange) {
        let now = self.now;
        let node = self.node_mut(at);
        match change {
            ClockChange::Jump(shift) => node.clock.jump(shift.0),
            ClockChange::Drift { ppm } => {
                node.clock.set_drift(now, ppm);
                let timers: Vec<(Timer, Micros, u64)> = node.timers.iter().map(|(timer, slot)| (timer, slot.deadline, slot.cause)).collect();
                for (timer, deadline, cause) in timers {
                    self.arm_timer_entry(at, timer, deadline, cause);
                }
            }
        }
    }

    fn end_after(&mut self, lasting: Option<Micros>, end: Action) {
        if let Some(lasting) = lasting {
            self.next_end += 1;
            let key = self.next_end;
            self.ends.insert(key, end);
            self.queue.push(self.now + lasting, Wake::EndFault { key });
        }
    }

    /// The end that was set for a fault is off: it must not end a later one of the same kind.
    fn ended_by_hand(&mut self, end: &Action) {
        self.ends.retain(|_, set| set != end);
    }

    /// A fault that was set for a time ends, unless something else ended it before.
    pub(super) fn fault_ends(&mut self, key: u64) -> bool {
        let Some(end) = self.ends.remove(&key) else {
            return false;
        };
        self.cause = 0;
        self.cause = self.record(None, Record::ActionEnded { action: end.to_string() });
        // Ended by hand in the meantime: nothing is left to do. The end of a cut leaves alone what else is wrong with the link.
        let _ = match &end {
            Action::Mend(link) => self.each_way(*link, "it is up already", World::uncut_way),
            end => self.carry_out(end, Origin::Author),
        };
        true
    }

    fn fire_choice(&mut self, choice: &Choice) -> Result<(), DidNotApply> {
        let cause = self.cause;
        let fired = self.fire(choice);
        self.cause = cause;
        if fired { Ok(()) } else { Err("nothing such is pending".into()) }
    }

    /// Whether a choice means this wake-up.
    pub(super) fn means(&self, choice: &Choice, wake: &Wake) -> bool {
        let is = |at: NodeIndex, who: &Who| *who == Who::Node(self.id_of(at));
        match (choice, wake) {
            (Choice::Message { from, to }, Wake::Deliver { slot, direction }) => self.connection(*slot).is_some_and(|connection| {
                let direction = usize::from(*direction);
                is(connection.nodes[direction], from) && is(connection.nodes[1 - direction], to)
            }),
            (Choice::Message { from, to }, Wake::Datagram { slot }) => {
                self.datagrams.get(slot).is_some_and(|datagram| is(datagram.from, from) && is(datagram.to, to))
            }
            (Choice::Timer { who, timer }, Wake::Timer { node, timer: set }) => is(*node, who) && set.name() == *timer,
            (Choice::Stage { who, stage }, Wake::Stage { node, stage: index }) => {
                is(*node, who) && self.nodes[usize::from(*node)].stages.at(*index).stage == *stage
            }
            (Choice::Disk { who }, Wake::Disk { node, .. }) => is(*node, who),
            _ => false,
        }
    }

    /// The choice that means a pending wake-up, if there is one: beginnings and ends of connections, starts and ends of faults are not chosen.
    pub(super) fn choice_of(&self, wake: &Wake) -> Option<Choice> {
        let who = |at: NodeIndex| Who::Node(self.id_of(at));
        match *wake {
            Wake::Deliver { slot, direction } => {
                let (connection, direction) = (self.connection(slot)?, usize::from(direction));
                Some(Choice::Message { from: who(connection.nodes[direction]), to: who(connection.nodes[1 - direction]) })
            }
            Wake::Datagram { slot } => self.datagrams.get(&slot).map(|datagram| Choice::Message { from: who(datagram.from), to: who(datagram.to) }),
            Wake::Timer { node, timer } => Some(Choice::Timer { who: who(node), timer: timer.name() }),
            Wake::Stage { node, stage } => Some(Choice::Stage { who: who(node), stage: self.nodes[usize::from(node)].stages.at(stage).stage }),
            Wake::Disk { node, .. } => Some(Choice::Disk { who: who(node) }),
            _ => None,
        }
    }
}
