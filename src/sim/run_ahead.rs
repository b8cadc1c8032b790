//! Many wake-ups in a row, for a caller who need not look at each.

use crate::actor::Actor;
use crate::proto::Micros;
use crate::trace::Event;

use super::{Entry, NodeIndex, StageIndex, Stepped, Wake, World};

impl<A: Actor> World<A> {
    /// Handles wake-ups before this time, which is not past: so many at most, and none after one that brought a recorded event of which `stop`
    /// is true. Idle when none is left.
    #[inline]
    pub fn run_ahead(&mut self, before: Micros, wakeups: usize, mut stop: impl FnMut(&Event) -> bool) -> Stepped {
        let mut seen = self.recorded.len();
        for _ in 0..wakeups {
            match self.step_before(before) {
                Stepped::Fired => {}
                stopped => return stopped,
            }
            if self.recorded[seen..].iter().any(&mut stop) {
                break;
            }
            seen = self.recorded.len();
        }
        Stepped::Fired
    }

    /// [`World::step`], if that is before this time; idle otherwise.
    ///
    /// Nearly all wake-ups are of three kinds, and nearly all entries of these count and find their node awake: one look at the kind is enough
    /// for them. Whatever else there is goes the long way.
    #[inline]
    fn step_before(&mut self, before: Micros) -> Stepped {
        let Some(entry) = self.queue.peek().copied().filter(|entry| entry.at < before) else { return Stepped::Idle };
        let fired = match entry.wake {
            Wake::Stage { node, stage } if self.runs_stage(&entry, node, stage) => self.begin(&entry).then(|| self.stage_wakes(node, stage)),
            Wake::Deliver { slot, direction } if self.delivers(&entry, slot, direction) => {
                self.begin(&entry).then(|| self.arrive(slot, usize::from(direction)))
            }
            Wake::Disk { node, ticket } if self.answers(&entry, node, ticket) => self.begin(&entry).then(|| self.disk_completes(node, ticket)),
            _ => return self.upcoming().filter(|next| next.at() < before).map_or(Stepped::Idle, |next| self.step_to(next)),
        };
        let Some(fired) = fired else { return Stepped::Livelock };
        self.steps += u64::from(fired);
        Stepped::Fired
    }

    /// The first entry of the queue is about to be handled. False when too much happens in one instant.
    #[inline]
    fn begin(&mut self, first: &Entry) -> bool {
        let goes_on = self.advance(first.at.max(self.now));
        if goes_on {
            self.queue.pop();
        }
        goes_on
    }

    #[inline]
    fn runs_stage(&self, entry: &Entry, node: NodeIndex, stage: StageIndex) -> bool {
        let node = &self.nodes[usize::from(node)];
        node.stages.at(stage).armed == Some(entry.seq) && node.paused.is_none()
    }

    #[inline]
    fn delivers(&self, entry: &Entry, slot: u32, direction: u8) -> bool {
        self.connection(slot).is_some_and(|connection| {
            let (_, to) = connection.way(usize::from(direction));
            connection.directions[usize::from(direction)].armed == Some(entry.seq) && self.nodes[usize::from(to)].paused.is_none()
        })
    }

    #[inline]
    fn answers(&self, entry: &Entry, node: NodeIndex, ticket: u64) -> bool {
        let node = &self.nodes[usize::from(node)];
        node.disk_waits.get(ticket).is_some_and(|wait| wait.armed == entry.seq) && node.paused.is_none()
    }
}
