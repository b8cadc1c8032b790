//! What the world keeps for one node: its process, clock, timers, stages and disk.

use std::sync::Arc;

use crate::actor::{Actor, Draw};
use crate::proto::{DiskTag, Micros, NodeId, Port, Stage, Timer};

use super::disk::Disk;
use super::small_map::SmallMap;
use super::{Clock, StageIndex, Stream, Wake};

/// Whether the node's process runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Power {
    /// Never started, or crashed or exited: the machine answers that nobody listens.
    Down,
    /// The machine has no power: nothing answers.
    Off,
    Up,
}

/// A timer that is set.
#[derive(Clone, Copy, Debug)]
pub struct TimerSlot {
    /// By the node's monotonic clock.
    pub deadline: Micros,
    /// Its queue entry, which may be earlier than the deadline: it is pushed again when it comes too soon.
    pub entry: (Micros, u64),
    pub cause: u64,
}

/// A stage of a node, from the first time it is to be woken.
#[derive(Clone, Debug)]
pub struct StageSlot {
    pub stage: Stage,
    pub stream: Stream,
    /// Its queue entry, while it is to be woken.
    pub armed: Option<u64>,
    pub cause: u64,
}

/// A node's stages, in the order in which they were first woken. None is ever taken out.
#[derive(Clone, Debug, Default)]
pub struct Stages {
    /// Of each slot: what is searched lies together.
    keys: Vec<(u64, u64)>,
    slots: Vec<StageSlot>,
    /// Where a stage was found the last time, by a few bits of its key. Few share one, so that hardly ever anything is searched.
    found: [StageIndex; 32],
}

impl Stages {
    /// Where this stage is; one that is not there yet gets its slot.
    #[inline]
    pub fn index_of(&mut self, stage: Stage, stream: impl FnOnce() -> Stream) -> StageIndex {
        let key = stage.key();
        let place = key.0.wrapping_add(key.1) as usize % self.found.len();
        if self.keys.get(usize::from(self.found[place])) != Some(&key) {
            self.found[place] = self.search(stage, stream);
        }
        self.found[place]
    }

    #[cold]
    #[inline(never)]
    fn search(&mut self, stage: Stage, stream: impl FnOnce() -> Stream) -> StageIndex {
        let key = stage.key();
        let index = self.keys.iter().position(|other| *other == key).unwrap_or_else(|| {
            self.keys.push(key);
            self.slots.push(StageSlot { stage, stream: stream(), armed: None, cause: 0 });
            self.slots.len() - 1
        });
        index as StageIndex
    }

    pub fn at(&self, index: StageIndex) -> &StageSlot {
        &self.slots[usize::from(index)]
    }

    pub fn at_mut(&mut self, index: StageIndex) -> &mut StageSlot {
        &mut self.slots[usize::from(index)]
    }

    /// Nobody is to be woken.
    fn disarm(&mut self) {
        self.slots.iter_mut().for_each(|slot| slot.armed = None);
    }
}

/// A disk operation of the running process.
#[derive(Clone, Copy, Debug)]
pub struct DiskWait {
    pub tag: DiskTag,
    /// Its queue entry.
    pub armed: u64,
    pub cause: u64,
}

/// A node and its machine.
#[derive(Clone, Debug)]
pub struct Node<A> {
    pub id: NodeId,
    /// The program with its configuration, copied for every life.
    pub program: Arc<A>,
    /// The running process; meaningful while `power` is [`Power::Up`].
    pub actor: A,
    pub power: Power,
    /// Lives so far; 0 before the first start.
    pub life: u32,
    /// Set while paused: the wake-ups that wait for it to resume, in order.
    pub paused: Option<Vec<Wake>>,
    pub clock: Clock,
    pub stream: Stream,
    pub listening: [bool; 3],
    pub timers: SmallMap<Timer, TimerSlot>,
    pub stages: Stages,
    pub disk: Disk,
    /// Disk operations under way, by ticket.
    pub disk_waits: SmallMap<u64, DiskWait>,
    /// The queue entry of its next start, if one is due.
    pub start: Option<u64>,
}

impl<A: Actor> Node<A> {
    pub fn new(id: NodeId, program: A, clock: Clock, stream: Stream, disk: Disk, start: Option<u64>) -> Node<A> {
        Node {
            id,
            actor: program.clone(),
            program: Arc::new(program),
            power: Power::Down,
            life: 0,
            paused: None,
            clock,
            stream,
            listening: [false; 3],
            timers: SmallMap::default(),
            stages: Stages::default(),
            disk,
            disk_waits: SmallMap::default(),
            start,
        }
    }

    pub fn is_up(&self) -> bool {
        self.power == Power::Up
    }

    pub fn listens(&self, port: Port) -> bool {
        self.is_up() && self.listening[port as usize]
    }

    /// The process is gone, with all that lived in it.
    pub fn end_process(&mut self, power: Power) {
        self.power = power;
        self.actor = A::clone(&self.program);
        self.paused = None;
        self.listening = [false; 3];
        self.timers.clear();
        self.disk_waits.clear();
        self.stages.disarm();
    }
}

impl Draw for Stream {
    fn below(&mut self, bound: u64) -> u64 {
        Stream::below(self, bound)
    }
}
