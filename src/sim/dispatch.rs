//! From a queue entry to what it wakes.

use crate::actor::{Actor, Input};
use crate::proto::{Micros, Timer};
use crate::trace::Record;

use super::connection::{End, Phase};
use super::disk::Ticket;
use super::node::DiskWait;
use super::{Entry, NodeIndex, StageIndex, Wake, World};

impl<A: Actor> World<A> {
    /// When an entry is to be handled; `None` if what it wakes does not wait for it any more. A timer that was set again for later kept its
    /// earlier entry.
    #[inline]
    pub(super) fn due(&self, entry: &Entry) -> Option<Micros> {
        if let Wake::Timer { node, timer } = entry.wake {
            let node = &self.nodes[usize::from(node)];
            let slot = node.timers.get(timer).filter(|slot| slot.entry.1 == entry.seq)?;
            return Some(node.clock.when(slot.deadline, entry.at));
        }
        self.is_live(entry).then_some(entry.at)
    }

    /// Whether what the entry wakes still waits for it.
    #[inline]
    fn is_live(&self, entry: &Entry) -> bool {
        let node = |at: NodeIndex| &self.nodes[usize::from(at)];
        let seq = Some(entry.seq);
        match entry.wake {
            Wake::Deliver { slot, direction } => self.connection(slot).is_some_and(|it| it.directions[usize::from(direction)].armed == seq),
            Wake::Dial { slot } => self.connection(slot).is_some_and(|it| it.dial == seq),
            Wake::DialTimeout { slot, generation } => self.connection(slot).is_some_and(|it| it.generation == generation && it.phase != Phase::Open),
            Wake::Retransmission { slot, direction, generation } => {
                self.connection(slot).is_some_and(|it| it.generation == generation && it.directions[usize::from(direction)].stalled.is_some())
            }
            Wake::WindowOpen { slot, direction, generation } => {
                self.connection(slot).is_some_and(|it| it.generation == generation && matches!(it.ends[usize::from(direction)], End::Held { .. }))
            }
            Wake::Datagram { slot } => self.datagrams.get(&slot).is_some_and(|it| it.armed == entry.seq),
            Wake::Timer { node: at, timer } => node(at).timers.get(timer).is_some_and(|it| it.entry.1 == entry.seq),
            Wake::Stage { node: at, stage } => node(at).stages.at(stage).armed == seq,
            Wake::Disk { node: at, ticket } => node(at).disk_waits.get(ticket).is_some_and(|it| it.armed == entry.seq),
            Wake::Start { node: at, .. } => node(at).start == seq,
            Wake::EndFault { key } => self.ends.contains_key(&key),
        }
    }

    /// Whom a wake-up would hand an input to: nothing is handed to a paused node.
    #[inline]
    fn receiver(&self, wake: &Wake) -> Option<NodeIndex> {
        match *wake {
            Wake::Deliver { slot, direction } => self.connection(slot).map(|it| it.nodes[1 - usize::from(direction)]),
            Wake::WindowOpen { slot, direction, .. } | Wake::Retransmission { slot, direction, .. } => {
                self.connection(slot).map(|it| it.nodes[usize::from(direction)])
            }
            // The request is answered by the machine; only the answer concerns a process.
            Wake::Dial { slot } => self.connection(slot).filter(|it| it.phase != Phase::Requesting).map(|it| it.nodes[0]),
            Wake::DialTimeout { slot, .. } => self.connection(slot).map(|it| it.nodes[0]),
            Wake::Datagram { slot } => self.datagrams.get(&slot).map(|it| it.to),
            Wake::Timer { node, .. } | Wake::Stage { node, .. } | Wake::Disk { node, .. } => Some(node),
            Wake::Start { .. } | Wake::EndFault { .. } => None,
        }
    }

    /// The first entry of the queue, a timer's, moves to where it is due.
    pub(super) fn postpone(&mut self, entry: Entry, due: Micros) {
        self.queue.pop();
        self.queue.push_back(Entry { at: due, ..entry });
        if let Wake::Timer { node, timer } = entry.wake
            && let Some(slot) = self.node_mut(node).timers.get_mut(timer)
        {
            slot.entry.0 = due;
        }
    }

    /// Whether a wake-up would be kept until its node resumes.
    pub(super) fn waits_for_resume(&self, wake: &Wake) -> bool {
        self.receiver(wake).is_some_and(|at| self.nodes[usize::from(at)].paused.is_some())
    }

    /// Handles a live wake-up that is due. False when it came to nothing: a paused node keeps it for later.
    pub(super) fn handle(&mut self, wake: Wake) -> bool {
        if let Some(at) = self.receiver(&wake)
            && self.nodes[usize::from(at)].paused.is_some()
        {
            self.keep_for_resume(at, wake);
            return false;
        }
        match wake {
            Wake::Deliver { slot, direction } => self.arrive(slot, usize::from(direction)),
            Wake::Dial { slot } => self.dial_moves(slot),
            Wake::DialTimeout { slot, .. } => self.dial_times_out(slot),
            Wake::Retransmission { slot, direction, .. } => self.retransmission_ends(slot, usize::from(direction)),
            Wake::WindowOpen { slot, direction, .. } => self.window_opens(slot, usize::from(direction)),
            Wake::Datagram { slot } => self.datagram_arrives(slot),
            Wake::Timer { node, timer } => self.timer_runs_out(node, timer),
            Wake::Stage { node, stage } => self.stage_wakes(node, stage),
            Wake::Disk { node, ticket } => self.disk_completes(node, ticket),
            Wake::Start { node, .. } => {
                self.cause = 0;
                self.start_process(node);
                true
            }
            Wake::EndFault { key } => self.fault_ends(key),
        }
    }

    /// The entry is used up, and what it wakes is marked as not waiting for any: it is asked for again on resume.
    fn keep_for_resume(&mut self, at: NodeIndex, wake: Wake) {
        match wake {
            Wake::Deliver { slot, direction } => {
                if let Some(connection) = self.connection_mut(slot) {
                    connection.directions[usize::from(direction)].armed = None;
                }
            }
            Wake::Dial { slot } => {
                if let Some(connection) = self.connection_mut(slot) {
                    connection.dial = None;
                }
            }
            _ => {}
        }
        if let Some(kept) = &mut self.node_mut(at).paused {
            kept.push(wake);
        }
    }

    /// After a pause: everything that waited is due now, in the order in which it came.
    pub(super) fn wake_again(&mut self, wake: Wake) {
        let now = self.now;
        match wake {
            Wake::Deliver { slot, direction } => self.arm_direction(slot, usize::from(direction)),
            Wake::Dial { slot } => self.arm_dial(slot),
            Wake::Timer { node, timer } => {
                if let Some(slot) = self.nodes[usize::from(node)].timers.get_mut(timer) {
                    slot.entry = (now, self.queue.push(now, wake));
                }
            }
            Wake::Stage { node, stage } => {
                let seq = self.queue.push(now, wake);
                self.node_mut(node).stages.at_mut(stage).armed = Some(seq);
            }
            Wake::Disk { node, ticket } => {
                let seq = self.queue.push(now, wake);
                if let Some(wait) = self.node_mut(node).disk_waits.get_mut(ticket) {
                    wait.armed = seq;
                }
            }
            Wake::Datagram { slot } => {
                let seq = self.queue.push(now, wake);
                self.datagrams.entry(slot).and_modify(|datagram| datagram.armed = seq);
            }
            Wake::DialTimeout { .. } | Wake::Retransmission { .. } | Wake::WindowOpen { .. } => {
                self.queue.push(now, wake);
            }
            Wake::Start { .. } | Wake::EndFault { .. } => {}
        }
    }

    fn timer_runs_out(&mut self, at: NodeIndex, timer: Timer) -> bool {
        let Some(slot) = self.node_mut(at).timers.remove(timer) else {
            return false;
        };
        self.cause = slot.cause;
        self.cause = self.record(Some(at), Record::Timer { timer });
        self.deliver(at, Input::Timer(timer));
        true
    }

    #[inline]
    pub(super) fn stage_wakes(&mut self, at: NodeIndex, stage: StageIndex) -> bool {
        let slot = self.node_mut(at).stages.at_mut(stage);
        let stage = slot.stage;
        slot.armed = None;
        self.cause = slot.cause;
        self.cause = self.record_often(Some(at), Record::Stage { stage });
        self.deliver(at, Input::Stage(stage));
        true
    }

    #[inline]
    pub(super) fn disk_completes(&mut self, at: NodeIndex, ticket: u64) -> bool {
        let node = self.node_mut(at);
        let Some((DiskWait { tag, cause, .. }, outcome)) = node.disk_waits.remove(ticket).zip(node.disk.complete(Ticket(ticket))) else {
            return false;
        };
        self.cause = cause;
        self.cause = self.record_often(Some(at), Record::DiskDone { tag, error: outcome.as_ref().err().copied() });
        self.deliver(at, Input::Disk { tag, outcome });
        true
    }
}
