//! Lives of a process: start, crash, power loss, exit, pause.

use crate::actor::{Actor, Input};
use crate::proto::CloseReason;
use crate::trace::Record;

use super::connection::{End, Item, Phase};
use super::node::Power;
use super::{NodeIndex, Wake, World};

impl<A: Actor> World<A> {
    /// A new life begins: blank memory, the disk as it is.
    pub(super) fn start_process(&mut self, at: NodeIndex) {
        let was_off = self.nodes[usize::from(at)].power == Power::Off;
        let node = self.node_mut(at);
        node.start = None;
        node.power = Power::Up;
        node.life += 1;
        node.actor = A::clone(&node.program);
        let life = node.life;
        self.cause = self.record(Some(at), Record::Started { life });
        if was_off {
            self.machine_answers_again(at);
        }
        self.deliver(at, Input::Boot);
    }

    /// Bytes and dials that waited for the machine arrive, and find that it knows nothing of them.
    fn machine_answers_again(&mut self, at: NodeIndex) {
        for slot in self.connections_of(at) {
            for direction in [0, 1] {
                if self.connection(slot).is_some_and(|connection| connection.nodes[1 - direction] == at) {
                    self.restart_way(slot, direction);
                    self.arm_direction(slot, direction);
                }
            }
            self.arm_dial(slot);
        }
    }

    fn restart_way(&mut self, slot: u32, direction: usize) {
        let now = self.now;
        if let Some(connection) = self.connection_mut(slot) {
            connection.directions[direction].items.iter_mut().for_each(|flight| flight.departed = now);
        }
    }

    /// `kill -9`: the operating system keeps the page cache, sends what was written and closes what the process had open.
    pub(super) fn crash(&mut self, at: NodeIndex) {
        self.cause = self.record(Some(at), Record::Crashed);
        self.node_mut(at).disk.process_crash();
        self.end_process(at, Power::Down);
    }

    /// The process ends itself; a supervisor may start it again.
    pub(super) fn exit(&mut self, at: NodeIndex, code: i32) {
        self.cause = self.record(Some(at), Record::Exited { code });
        self.node_mut(at).disk.process_crash();
        self.end_process(at, Power::Down);
        if self.config.supervise {
            let (again, life) = (self.now + self.config.timing.restart, self.nodes[usize::from(at)].life);
            let seq = self.queue.push(again, Wake::Start { node: at, life });
            self.node_mut(at).start = Some(seq);
        }
    }

    fn end_process(&mut self, at: NodeIndex, power: Power) {
        self.node_mut(at).end_process(power);
        let cause = self.cause;
        for slot in self.connections_of(at) {
            let Some(connection) = self.connection(slot) else { continue };
            let end = connection.end_of(at);
            if connection.phase != Phase::Open && end == 0 {
                self.forget(slot);
            } else if matches!(connection.ends[end], End::Held { .. }) {
                self.close_end(slot, end, cause);
            }
        }
    }

    /// The plug is pulled: memory and page cache are gone, nothing is said to anybody, what was on its way is lost.
    pub(super) fn power_loss(&mut self, at: NodeIndex) {
        let loss = self.node_mut(at).disk.power_loss();
        self.cause = self.record(
            Some(at),
            Record::PowerLost {
                lost_bytes: loss.bytes_lost,
                kept_bytes: loss.bytes_kept,
                torn_files: loss.torn.len() as u32,
                metadata_lost: loss.metadata_lost,
            },
        );
        self.node_mut(at).end_process(Power::Off);
        self.node_mut(at).start = None;
        for slot in self.connections_of(at) {
            let Some(connection) = self.connection(slot) else { continue };
            let end = connection.end_of(at);
            if connection.phase != Phase::Open && end == 0 {
                self.forget(slot);
                continue;
            }
            self.lose_tail(slot, end);
            if let Some(connection) = self.connection_mut(slot) {
                connection.ends[end] = End::Vanished;
                connection.directions[1 - end].armed = None;
            }
            self.arm_direction(slot, 1 - end);
            self.arm_dial(slot);
            self.free_if_over(slot);
        }
    }

    /// A dial whose dialler is gone: nobody waits for its answer.
    fn forget(&mut self, slot: u32) {
        self.connections[slot as usize] = None;
        self.free_slots.push(slot);
    }

    /// A stop-the-world pause: inputs wait, the operating system goes on.
    pub(super) fn pause(&mut self, at: NodeIndex) {
        self.cause = self.record(Some(at), Record::Paused);
        self.node_mut(at).paused = Some(Vec::new());
    }

    /// What waited is handled now, in the order in which it came.
    pub(super) fn resume(&mut self, at: NodeIndex) {
        let kept = self.node_mut(at).paused.take().unwrap_or_default();
        self.cause = self.record(Some(at), Record::Resumed { held: kept.len() as u32 });
        for wake in kept {
            self.wake_again(wake);
        }
    }

    /// Every connection between two nodes is reset: what is under way is lost, and both ends hear of it when the reset reaches them.
    pub(super) fn reset_between(&mut self, one: NodeIndex, other: NodeIndex) -> u32 {
        let mut count = 0;
        for slot in self.connections_of(one) {
            let Some(connection) = self.connection(slot) else { continue };
            if !connection.nodes.contains(&other) || connection.phase != Phase::Open || connection.ends.contains(&End::Vanished) {
                continue;
            }
            count += 1;
            let cause = self.cause;
            for direction in [0, 1] {
                self.lose_tail(slot, direction);
                self.enqueue(slot, direction, Item::End(CloseReason::Reset), cause);
            }
        }
        count
    }
}
