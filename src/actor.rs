//! The only door between a node and the world around it.
//!
//! A node is a state machine: it is handed one [`Input`] and answers with [`Effect`]s. It sees no clock, file, socket or thread of the
//! host; durability and reading are data too. Where ZooKeeper runs threads that race, a node has [`Stage`]s: queues of its own that the
//! world wakes after a small delay. The world owns time, connections and disks, and may be a simulator or not.

use crate::bugs::Bugs;
use crate::proto::{
    CloseReason, Command, ConnId, DialError, DiskError, DiskOp, DiskReply, DiskTag, Micros, NodeId, Packet, Port, ServerId, Stage, Timer,
};
use crate::trace::Note;

/// A state machine that the world runs. Its initial value is the program with its configuration; everything it learns is lost in a crash.
pub trait Actor: Clone {
    /// Handles one input. The first one of every life is [`Input::Boot`].
    fn step(&mut self, cx: &mut Cx, input: Input);
}

/// What happens to a node.
#[derive(Clone, Debug)]
pub enum Input {
    /// The process starts; its memory is blank.
    Boot,
    /// A timer ran out.
    Timer(Timer),
    /// A stage may take the next item of its queue.
    Stage(Stage),
    /// Somebody connected to a port this node listens on. As with TCP, who it is must be said by the first packet.
    Accepted { conn: ConnId, port: Port },
    /// A dial succeeded.
    Connected { to: ServerId, port: Port, conn: ConnId },
    /// A dial came to nothing.
    DialFailed { to: ServerId, port: Port, why: DialError },
    /// The next packet of a connection; those of one connection arrive in order, each once.
    Packet { conn: ConnId, packet: Packet },
    /// The other end closed, or the connection broke. Nothing follows on it.
    Closed { conn: ConnId, why: CloseReason },
    /// What was just sent does not fit into the connection's window: a thread would now block in `write`.
    WindowFull { conn: ConnId },
    /// The window took everything that was sent: the blocked `write` returns.
    WindowOpen { conn: ConnId },
    /// An unreliable message (`electionAlg 0`).
    Datagram { from: ServerId, port: Port, packet: Packet },
    /// A disk operation of this life ended.
    Disk { tag: DiskTag, outcome: Result<DiskReply, DiskError> },
    /// Somebody at the keyboard of a client asks for something.
    Command(Command),
}

/// What a node asks of the world.
#[derive(Clone, Debug)]
pub enum Effect {
    Listen(Port),
    Unlisten(Port),
    /// Connect to a port of a server; answered by [`Input::Connected`] or [`Input::DialFailed`] within `timeout` of the world's time.
    Dial {
        to: ServerId,
        port: Port,
        timeout: Micros,
    },
    Send {
        conn: ConnId,
        packet: Packet,
    },
    /// Closes this end: what was sent still arrives, what is under way to this end is dropped. Nothing is reported back.
    Close(ConnId),
    Datagram {
        to: ServerId,
        port: Port,
        packet: Packet,
    },
    /// Sets or moves a timer, by the node's own clock.
    Arm {
        timer: Timer,
        after: Micros,
    },
    Disarm(Timer),
    /// Asks for one [`Input::Stage`] after the stage's delay; asking again before it comes changes nothing.
    Wake(Stage),
    /// Answered by [`Input::Disk`] with the same tag.
    Disk {
        tag: DiskTag,
        op: DiskOp,
    },
    /// The process ends with an exit code of ZooKeeper's own.
    Exit(i32),
    Note(Note),
}

/// Chance, as a node may use it. Implemented by the world with a stream of the node's own.
pub trait Draw {
    /// A number in `0..bound`; zero when `bound` is zero.
    fn below(&mut self, bound: u64) -> u64;
}

/// What a node may see and ask for during one step.
pub struct Cx<'a> {
    pub me: NodeId,
    /// The node's own monotonic clock (`System.nanoTime`): runs at its own pace, never jumps.
    pub now: Micros,
    /// The node's own wall clock (`System.currentTimeMillis`), in microseconds since the epoch of the run: may be off and may jump.
    pub wall: Micros,
    pub bugs: Bugs,
    draw: &'a mut dyn Draw,
    effects: &'a mut Vec<Effect>,
}

impl<'a> Cx<'a> {
    pub fn new(me: NodeId, now: Micros, wall: Micros, bugs: Bugs, draw: &'a mut dyn Draw, effects: &'a mut Vec<Effect>) -> Cx<'a> {
        Cx { me, now, wall, bugs, draw, effects }
    }

    #[inline]
    pub fn emit(&mut self, effect: Effect) {
        self.effects.push(effect);
    }

    /// Tells observers a fact with the values that decided. Never changes the course of the run.
    #[inline]
    pub fn note(&mut self, note: Note) {
        self.effects.push(Effect::Note(note));
    }

    /// A number in `0..bound` from the node's own stream.
    pub fn draw_below(&mut self, bound: u64) -> u64 {
        self.draw.below(bound)
    }

    #[inline]
    pub fn send(&mut self, conn: ConnId, packet: Packet) {
        self.emit(Effect::Send { conn, packet });
    }

    #[inline]
    pub fn arm(&mut self, timer: Timer, after: Micros) {
        self.emit(Effect::Arm { timer, after });
    }

    pub fn disarm(&mut self, timer: Timer) {
        self.emit(Effect::Disarm(timer));
    }

    #[inline]
    pub fn wake(&mut self, stage: Stage) {
        self.emit(Effect::Wake(stage));
    }
}
