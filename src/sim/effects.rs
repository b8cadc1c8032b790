//! From an effect of a node to what it does to the world.

use crate::actor::{Actor, Effect};
use crate::proto::{DiskOp, DiskTag, Micros, Stage, Timer};
use crate::trace::Record;

use super::node::{DiskWait, TimerSlot};
use super::{NodeIndex, Stream, Wake, World};

impl<A: Actor> World<A> {
    pub(super) fn apply(&mut self, at: NodeIndex, effect: Effect) {
        match effect {
            Effect::Send { conn, packet } => self.send(at, conn, packet),
            Effect::Note(note) => self.note(at, note),
            Effect::Wake(stage) => self.wake_stage(at, stage),
            Effect::Arm { timer, after } => self.arm_timer(at, timer, after),
            Effect::Disarm(timer) => {
                self.node_mut(at).timers.remove(timer);
            }
            Effect::Disk { tag, op } => self.start_disk(at, tag, op),
            Effect::Dial { to, port, timeout } => self.dial(at, to, port, timeout),
            Effect::Close(conn) => self.close(at, conn),
            Effect::Listen(port) => self.node_mut(at).listening[port as usize] = true,
            Effect::Unlisten(port) => self.node_mut(at).listening[port as usize] = false,
            Effect::Datagram { to, port, packet } => self.send_datagram(at, to, port, packet),
            Effect::Exit(code) => self.exit(at, code),
        }
    }

    /// Sets a timer. One that moves later keeps its queue entry and is pushed again when that comes: timers are re-armed far more often than they run out.
    fn arm_timer(&mut self, at: NodeIndex, timer: Timer, after: Micros) {
        let (now, cause) = (self.now, self.cause);
        let node = self.node_mut(at);
        let deadline = node.clock.monotonic(now) + after;
        let due = node.clock.when(deadline, now);
        match node.timers.get_mut(timer) {
            Some(slot) if slot.entry.0 <= due => {
                slot.deadline = deadline;
                slot.cause = cause;
            }
            _ => self.arm_timer_entry(at, timer, deadline, cause),
        }
    }

    /// Pushes the queue entry for a deadline on the node's own clock.
    pub(super) fn arm_timer_entry(&mut self, at: NodeIndex, timer: Timer, deadline: Micros, cause: u64) {
        let due = self.nodes[usize::from(at)].clock.when(deadline, self.now);
        let seq = self.queue.push(due, Wake::Timer { node: at, timer });
        self.node_mut(at).timers.insert(timer, TimerSlot { deadline, entry: (due, seq), cause });
    }

    fn wake_stage(&mut self, at: NodeIndex, stage: Stage) {
        let (seed, span) = (self.config.seed, self.config.timing.stage);
        let node = &mut self.nodes[usize::from(at)];
        let id = node.id;
        let index = node.stages.index_of(stage, || Stream::named(seed, &format!("stage {id} {stage}")));
        let slot = node.stages.at_mut(index);
        if slot.armed.is_some() {
            return;
        }
        slot.cause = self.cause;
        let delay = slot.stream.within(span);
        slot.armed = Some(self.queue.push(self.now + delay, Wake::Stage { node: at, stage: index }));
    }

    fn start_disk(&mut self, at: NodeIndex, tag: DiskTag, op: DiskOp) {
        let (ticket, latency) = self.node_mut(at).disk.submit(&op);
        let cause = self.record_often(Some(at), Record::DiskStarted { tag, op });
        let armed = self.queue.push(self.now + latency, Wake::Disk { node: at, ticket: ticket.0 });
        self.node_mut(at).disk_waits.insert(ticket.0, DiskWait { tag, armed, cause });
    }
}
