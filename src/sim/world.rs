//! The world: everything that exists in one run, and the few verbs that move it.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::actor::{Actor, Cx, Effect, Input};
use crate::bugs::Bugs;
use crate::proto::{Micros, NodeId, Packet, Span};
use crate::trace::{Digest, Event, Note, Record, What};

use super::connection::Connection;
use super::datagram::Datagram;
use super::disk::{Disk, DiskTiming};
use super::node::{Node, Power};
use super::{Action, Choice, Clock, Entry, Links, NodeIndex, Queue, Stream, Wake};

/// Delays and limits of the machines and the network between them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Timing {
    /// Latency of one message in one direction.
    pub link: Span,
    /// Until a stage takes the next item of its queue: what thread scheduling costs.
    pub stage: Span,
    pub disk: DiskTiming,
    /// Bytes that one direction of a connection takes before a write blocks (socket buffers of both sides).
    pub window: u32,
    /// Datagrams lost on every link whose loss is not set otherwise, in parts per million.
    pub loss_ppm: u32,
    /// How long unacknowledged bytes are sent again before the connection is given up (Linux: about 924 s).
    pub retransmission: Micros,
    /// How long a supervisor waits before it starts an exited process again.
    pub restart: Micros,
    /// More wake-ups than this in one instant are a livelock.
    pub wakeups_per_instant: u32,
}

impl Default for Timing {
    fn default() -> Timing {
        Timing {
            link: Span::new(Micros::from_millis(1), Micros::from_millis(10)),
            stage: Span::new(Micros::ZERO, Micros(100)),
            disk: DiskTiming::default(),
            window: 4 << 20,
            loss_ppm: 0,
            retransmission: Micros(924_600_000),
            restart: Micros::from_secs(1),
            wakeups_per_instant: 100_000,
        }
    }
}

/// What holds for the whole world.
#[derive(Clone, Debug)]
pub struct WorldConfig {
    pub seed: u64,
    pub timing: Timing,
    pub bugs: Bugs,
    /// Whether a process that exits is started again.
    pub supervise: bool,
}

/// One node to be.
#[derive(Clone, Debug)]
pub struct NodeConfig<A> {
    pub id: NodeId,
    pub program: A,
    /// When its process first starts; `None`: not before an action says so.
    pub start: Option<Micros>,
    pub clock: Clock,
}

/// What is kept of what happens. Never changes what happens, nor the digest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Recording {
    Off,
    /// Notes, and the records of faults and processes.
    Story,
    /// Notes, and the records that those who watch look at ([`Record::is_evidence`]): a fraction of all that happens.
    Evidence,
    /// Everything.
    Full,
}

/// What one call of [`World::step`] did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stepped {
    /// One wake-up was handled, or put aside because its node is paused.
    Fired,
    /// Nothing will ever happen again by itself.
    Idle,
    /// Too many wake-ups in one instant: virtual time cannot go on.
    Livelock,
}

/// A wake-up that is the next to happen.
#[derive(Clone, Copy, Debug)]
pub struct Upcoming {
    at: Micros,
    entry: Entry,
}

impl Upcoming {
    /// When it happens.
    pub fn at(&self) -> Micros {
        self.at
    }
}

/// Everything that exists in one run. Cheap to clone: what is large is shared until it is written.
#[derive(Clone)]
pub struct World<A: Actor> {
    pub(super) config: Arc<WorldConfig>,
    pub(super) now: Micros,
    pub(super) queue: Queue,
    pub(super) nodes: Vec<Node<A>>,
    pub(super) index: Arc<BTreeMap<NodeId, NodeIndex>>,
    pub(super) links: Arc<Links>,
    /// By slot; free slots are `None`.
    pub(super) connections: Vec<Option<Connection>>,
    /// Generation of the next connection in each slot.
    pub(super) generations: Vec<u32>,
    pub(super) free_slots: Vec<u32>,
    /// Connections so far, by (dialler, acceptor, port): names their streams.
    pub(super) incarnations: Arc<BTreeMap<(NodeIndex, NodeIndex, u8), u32>>,
    pub(super) datagrams: BTreeMap<u32, Datagram>,
    pub(super) datagram_streams: Arc<BTreeMap<(NodeIndex, NodeIndex), Stream>>,
    pub(super) next_datagram: u32,
    /// Faults that end by themselves, by key.
    pub(super) ends: BTreeMap<u64, Action>,
    /// Inputs that follow from the present wake-up in the same instant.
    pub(super) followups: Vec<(NodeIndex, Input)>,
    pub(super) digest: Digest,
    /// Wake-ups handled so far.
    pub(super) steps: u64,
    pub(super) events: u64,
    /// Key of the last fault that was set for a time.
    pub(super) next_end: u64,
    /// The event that the present effects follow from; 0 at the roots.
    pub(super) cause: u64,
    recording: Recording,
    pub(super) recorded: Vec<Event>,
    wakeups_now: u32,
    scratch: Vec<Effect>,
}

impl<A: Actor> World<A> {
    /// A world at time zero, with nobody started. At most 65,535 nodes, each id once.
    pub fn new(config: WorldConfig, nodes: Vec<NodeConfig<A>>) -> World<A> {
        let index: BTreeMap<NodeId, NodeIndex> = nodes.iter().enumerate().map(|(at, node)| (node.id, at as NodeIndex)).collect();
        assert_eq!(index.len(), nodes.len(), "every node has an id of its own");
        let mut queue = Queue::default();
        let links = Arc::new(Links::new(nodes.len()));
        let nodes = nodes.into_iter().enumerate().map(|(at, node)| set_up(&config, &mut queue, at as NodeIndex, node)).collect();
        World {
            config: Arc::new(config),
            now: Micros::ZERO,
            queue,
            nodes,
            index: Arc::new(index),
            links,
            connections: Vec::new(),
            generations: Vec::new(),
            free_slots: Vec::new(),
            incarnations: Arc::default(),
            datagrams: BTreeMap::new(),
            datagram_streams: Arc::default(),
            next_datagram: 0,
            ends: BTreeMap::new(),
            followups: Vec::new(),
            digest: Digest::default(),
            steps: 0,
            events: 0,
            next_end: 0,
            cause: 0,
            recording: Recording::Off,
            recorded: Vec::new(),
            wakeups_now: 0,
            scratch: Vec::new(),
        }
    }

    /// Another node joins, behind all others in the table. What happened so far, and what will happen without it, is as before.
    pub fn join(&mut self, node: NodeConfig<A>) {
        let (at, id) = (self.nodes.len() as NodeIndex, node.id);
        let before = Arc::make_mut(&mut self.index).insert(id, at);
        assert_eq!(before, None, "{id} is there already");
        Arc::make_mut(&mut self.links).add_node();
        self.nodes.push(set_up(&self.config, &mut self.queue, at, node));
    }

    pub fn now(&self) -> Micros {
        self.now
    }

    /// Wake-ups handled so far.
    pub fn steps(&self) -> u64 {
        self.steps
    }

    /// Events so far, recorded or not.
    pub fn events(&self) -> u64 {
        self.events
    }

    /// The digest of all that happened so far.
    pub fn digest(&self) -> u64 {
        self.digest.value()
    }

    pub fn config(&self) -> &WorldConfig {
        &self.config
    }

    /// The nodes' ids, in table order.
    pub fn node_ids(&self) -> impl Iterator<Item = NodeId> {
        self.nodes.iter().map(|node| node.id)
    }

    /// The running process of a node; `None` while it does not run, or for an id that does not exist.
    pub fn actor(&self, id: NodeId) -> Option<&A> {
        self.node(id).filter(|node| node.is_up()).map(|node| &node.actor)
    }

    pub fn disk(&self, id: NodeId) -> Option<&Disk> {
        self.node(id).map(|node| &node.disk)
    }

    /// Changes what a node's disk holds, before the run or between steps.
    pub fn disk_mut(&mut self, id: NodeId) -> Option<&mut Disk> {
        let at = *self.index.get(&id)?;
        Some(&mut self.node_mut(at).disk)
    }

    /// From now on events of this level are kept until [`World::take_events`].
    pub fn set_recording(&mut self, recording: Recording) {
        self.recording = recording;
    }

    /// The events recorded since the last call, in order.
    pub fn take_events(&mut self) -> Vec<Event> {
        std::mem::take(&mut self.recorded)
    }

    /// Whether anything was recorded since.
    #[inline]
    pub fn has_events(&self) -> bool {
        !self.recorded.is_empty()
    }

    /// The same for a caller that asks often: what is recorded changes places with `seen`, which is empty.
    #[inline]
    pub fn swap_events(&mut self, seen: &mut Vec<Event>) {
        debug_assert!(seen.is_empty(), "what was seen would be seen again");
        std::mem::swap(&mut self.recorded, seen);
    }

    /// The next wake-up; `None` when nothing will ever happen by itself. Looking changes nothing.
    ///
    /// Brings to the top of the queue an entry that counts now. A timer that was set again for later moves there under its old number.
    #[inline]
    pub fn upcoming(&mut self) -> Option<Upcoming> {
        loop {
            let entry = self.queue.peek().copied()?;
            match self.due(&entry) {
                Some(due) if due == entry.at => return Some(Upcoming { at: entry.at.max(self.now), entry }),
                Some(due) => self.postpone(entry, due),
                None => {
                    self.queue.pop();
                }
            }
        }
    }

    /// When the next wake-up is due; `None` when nothing will ever happen by itself.
    pub fn next_at(&mut self) -> Option<Micros> {
        self.upcoming().map(|next| next.at)
    }

    /// Handles the earliest wake-up. Never more than one: a caller that watches the time looks at what is [upcoming](World::upcoming), and if it
    /// is to happen takes a [step to](World::step_to) it.
    pub fn step(&mut self) -> Stepped {
        self.upcoming().map_or(Stepped::Idle, |next| self.step_to(next))
    }

    /// Handles this wake-up, which nothing has come before since it was looked up.
    #[inline]
    pub fn step_to(&mut self, next: Upcoming) -> Stepped {
        debug_assert_eq!(self.queue.peek(), Some(&next.entry), "the earliest wake-up is another one by now");
        if !self.advance(next.at) {
            return Stepped::Livelock;
        }
        self.queue.pop();
        self.steps += u64::from(self.handle(next.entry.wake));
        Stepped::Fired
    }

    /// Handles all wake-ups up to and including `until`, then moves the clock there.
    pub fn run_until(&mut self, until: Micros) -> Stepped {
        while let Some(next) = self.upcoming().filter(|next| next.at <= until) {
            match self.step_to(next) {
                Stepped::Fired => {}
                stopped => return stopped,
            }
        }
        self.advance(self.now.max(until));
        Stepped::Fired
    }

    /// Moves the clock to `until`, which must not be later than the next wake-up; what is due at that very time has not happened yet.
    pub fn wait_until(&mut self, until: Micros) {
        assert!(self.next_at().is_none_or(|at| at >= until), "a wake-up would be overtaken");
        self.advance(self.now.max(until));
    }

    /// What could happen next, earliest first. Nothing happens to a paused node.
    pub fn pending(&self) -> Vec<(Micros, Choice)> {
        let mut entries: Vec<(Micros, u64, &Wake)> = self.ready().map(|(due, entry)| (due, entry.seq, &entry.wake)).collect();
        entries.sort_by_key(|(due, seq, _)| (*due, *seq));
        entries.into_iter().filter_map(|(due, _, wake)| self.choice_of(wake).map(|choice| (due, choice))).collect()
    }

    /// The entries that would reach somebody and when they are due, in no particular order.
    fn ready(&self) -> impl Iterator<Item = (Micros, &Entry)> {
        let live = self.queue.iter().filter_map(|entry| self.due(entry).map(|due| (due, entry)));
        live.filter(|(_, entry)| !self.waits_for_resume(&entry.wake))
    }

    /// Handles a wake-up out of turn: first the clock moves to its time, and what was due earlier comes late. False when nothing such is pending.
    pub fn fire(&mut self, choice: &Choice) -> bool {
        let meant = self.ready().filter(|(_, entry)| self.means(choice, &entry.wake)).map(|(due, entry)| (due, entry.seq, entry.wake));
        let Some((due, _, wake)) = meant.min_by_key(|(due, seq, _)| (*due, *seq)) else {
            return false;
        };
        self.now = self.now.max(due);
        let fired = self.handle(wake);
        self.steps += u64::from(fired);
        fired
    }

    /// Moves the clock. False when too much happened in one instant.
    pub(super) fn advance(&mut self, to: Micros) -> bool {
        if to > self.now {
            self.now = to;
            self.wakeups_now = 0;
            return true;
        }
        self.wakeups_now += 1;
        self.wakeups_now <= self.config.timing.wakeups_per_instant
    }

    /// Somebody outside has a running node do something, as a step of its own: for those who drive a world by hand. What comes of it is told as
    /// any effect is; the step itself is in no trace. `None` when the node does not run.
    pub fn act<R>(&mut self, id: NodeId, step: impl FnOnce(&mut A, &mut Cx) -> R) -> Option<R> {
        let at = *self.index.get(&id).filter(|at| self.nodes[usize::from(**at)].is_up())?;
        self.cause = 0;
        let result = self.with_actor(at, step);
        self.follow_up();
        Some(result)
    }

    pub(super) fn node(&self, id: NodeId) -> Option<&Node<A>> {
        self.index.get(&id).map(|at| &self.nodes[usize::from(*at)])
    }

    pub(super) fn node_mut(&mut self, at: NodeIndex) -> &mut Node<A> {
        &mut self.nodes[usize::from(at)]
    }

    pub(super) fn id_of(&self, at: NodeIndex) -> NodeId {
        self.nodes[usize::from(at)].id
    }

    /// Hands an input to a running node, applies its effects, and then what follows from those in the same instant.
    #[inline]
    pub(super) fn deliver(&mut self, at: NodeIndex, input: Input) {
        self.run_actor(at, input);
        self.follow_up();
    }

    #[inline]
    fn follow_up(&mut self) {
        while !self.followups.is_empty() {
            let (at, input) = self.followups.remove(0);
            if self.nodes[usize::from(at)].power == Power::Up {
                self.run_actor(at, input);
            }
        }
    }

    #[inline]
    fn run_actor(&mut self, at: NodeIndex, input: Input) {
        self.with_actor(at, |actor, cx| actor.step(cx, input));
    }

    /// One step of a node's process, and its effects.
    #[inline]
    fn with_actor<R>(&mut self, at: NodeIndex, step: impl FnOnce(&mut A, &mut Cx) -> R) -> R {
        let mut effects = std::mem::take(&mut self.scratch);
        let (now, bugs) = (self.now, self.config.bugs);
        let node = &mut self.nodes[usize::from(at)];
        let mut cx = Cx::new(node.id, node.clock.monotonic(now), node.clock.wall(now), bugs, &mut node.stream, &mut effects);
        let result = step(&mut node.actor, &mut cx);
        for effect in effects.drain(..) {
            // Nothing that a process does after its end reaches the world.
            let ends = matches!(effect, Effect::Exit(_));
            self.apply(at, effect);
            if ends {
                break;
            }
        }
        // What stood in its place is empty.
        std::mem::forget(std::mem::replace(&mut self.scratch, effects));
        result
    }

    /// Adds a kernel record to the digest and, if asked for, to the trace. Returns its number.
    pub(super) fn record(&mut self, at: Option<NodeIndex>, record: Record) -> u64 {
        self.record_often(at, record)
    }

    /// The hot twin of [`World::record`], for where the kind is known and frequent: whether it is kept is known there, too, and a record that
    /// is not goes nowhere.
    #[inline(always)]
    pub(super) fn record_often(&mut self, at: Option<NodeIndex>, record: Record) -> u64 {
        let digest = &mut self.digest;
        digest.words([self.now.0, head(at.unwrap_or(NodeIndex::MAX), record.number())]);
        record.words(|word| digest.word(word));
        let keep = match self.recording {
            Recording::Off => false,
            Recording::Story => record.is_story(),
            Recording::Evidence => record.is_evidence(),
            Recording::Full => true,
        };
        self.push_event(at, keep, || What::Record(record))
    }

    /// Passes a node's note on. Notes count as events, and are not in the digest.
    pub(super) fn note(&mut self, at: NodeIndex, note: Note) {
        self.push_event(Some(at), self.recording != Recording::Off, || What::Note(note));
    }

    /// Whether a packet is kept that is being sent, or delivered.
    #[inline]
    pub(super) fn keeps(&self, packet: &Packet, sent: bool) -> bool {
        match self.recording {
            Recording::Off | Recording::Story => false,
            Recording::Evidence => packet.is_evidence(sent),
            Recording::Full => true,
        }
    }

    #[inline]
    pub(super) fn push_event(&mut self, at: Option<NodeIndex>, keep: bool, what: impl FnOnce() -> What) -> u64 {
        self.events += 1;
        if keep {
            let node = at.map(|at| self.id_of(at));
            let cause = Some(self.cause).filter(|cause| *cause != 0);
            self.recorded.push(Event { n: self.events, at: self.now, node, cause, what: what() });
        }
        self.events
    }
}

/// A node with its machine, and its first start in the queue.
fn set_up<A: Actor>(config: &WorldConfig, queue: &mut Queue, at: NodeIndex, node: NodeConfig<A>) -> Node<A> {
    let start = node.start.map(|time| queue.push(time, Wake::Start { node: at, life: 0 }));
    let stream = Stream::named(config.seed, &format!("node {}", node.id));
    let disk = Disk::new(Stream::named(config.seed, &format!("disk {}", node.id)), config.timing.disk);
    Node::new(node.id, node.program, node.clock, stream, disk, start)
}

/// Who and what of a record, as one word of the digest.
#[inline]
pub(super) fn head(at: NodeIndex, number: u16) -> u64 {
    u64::from(at) | u64::from(number) << 16
}
