//! One connection: two directions of bytes in order, each with its own latencies, window and end.
//!
//! As with TCP, what an endpoint believes and what is true may differ: after a power loss the other end is half-open until it hears a reset.
//! Bandwidth is not modelled; the window counts what was sent and has not arrived.

use std::collections::VecDeque;

use crate::proto::{CloseReason, Micros, Packet, Port};

use super::{NodeIndex, Stream};

/// Where a connection stands in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// The request is on its way, or waits for a cut link or a machine without power.
    Requesting,
    /// The answer is on its way back: the port was open, or nobody listened.
    Answering { accepted: bool },
    /// Up, as far as the dialler knows.
    Open,
}

/// What travels in one direction.
#[derive(Clone, Debug)]
pub enum Item {
    /// The end of the handshake: the acceptor learns of the connection.
    Open,
    Packet(Packet),
    /// The sender's end closed, or its machine reset the connection; nothing follows.
    End(CloseReason),
}

impl Item {
    /// Bytes that it takes in the window: only packets take any.
    #[inline]
    pub fn size(&self) -> u32 {
        if let Item::Packet(packet) = self { packet.size() } else { 0 }
    }
}

/// An item on its way.
#[derive(Clone, Debug)]
pub struct InFlight {
    pub item: Item,
    /// Bytes that it takes in the window.
    pub size: u32,
    /// Drawn when it was sent, so that a cut does not shift later draws.
    pub latency: Micros,
    /// Start of its way: when it was sent, or when the cut that held it was mended.
    pub departed: Micros,
    /// The event that sent it.
    pub cause: u64,
}

/// One direction of a connection.
#[derive(Clone, Debug)]
pub struct Direction {
    pub stream: Stream,
    /// In order; only the head has an entry in the queue.
    pub items: VecDeque<InFlight>,
    /// The queue entry of the head; `None` while nothing can arrive.
    pub armed: Option<u64>,
    /// No item arrives before an earlier one.
    pub arrived: Micros,
    /// Bytes sent and not yet arrived.
    pub in_window: u32,
    /// The sender was told that its write blocks.
    pub blocked: bool,
    /// Since when the head cannot move: the retransmission time runs.
    pub stalled: Option<Micros>,
}

impl Direction {
    pub fn new(stream: Stream) -> Direction {
        Direction { stream, items: VecDeque::new(), armed: None, arrived: Micros::ZERO, in_window: 0, blocked: false, stalled: None }
    }

    /// When the head arrives.
    #[inline]
    pub fn due(&self) -> Option<Micros> {
        self.items.front().map(|head| (head.departed + head.latency).max(self.arrived))
    }

    /// Whether the news of the connection's end is on its way.
    pub fn ends(&self) -> bool {
        self.items.iter().any(|flight| matches!(flight.item, Item::End(_)))
    }

    /// Everything under way is lost. Returns how many packets that were.
    pub fn drop_items(&mut self) -> u32 {
        let packets = self.items.iter().filter(|flight| matches!(flight.item, Item::Packet(_))).count() as u32;
        self.items.clear();
        self.armed = None;
        self.stalled = None;
        self.in_window = 0;
        packets
    }
}

/// Whether a process still holds its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// The process of this life owns it.
    Held { life: u32 },
    /// Closed in order, or by the death of its process: the operating system knows and says so.
    Closed,
    /// Its machine lost power: nobody is there to answer, until it runs again and knows nothing of the connection.
    Vanished,
}

#[derive(Clone, Debug)]
pub struct Connection {
    pub generation: u32,
    pub phase: Phase,
    pub port: Port,
    /// Dialler and acceptor.
    pub nodes: [NodeIndex; 2],
    pub ends: [End; 2],
    /// There (dialler to acceptor) and back.
    pub directions: [Direction; 2],
    /// The queue entry of the dial while it is not open.
    pub dial: Option<u64>,
    /// The event that dialled.
    pub dialled_by: u64,
}

impl Connection {
    /// Which end `node` holds. A connection to oneself does not exist.
    pub fn end_of(&self, node: NodeIndex) -> usize {
        usize::from(self.nodes[0] != node)
    }

    /// Sender and receiver of a direction.
    #[inline]
    pub fn way(&self, direction: usize) -> (NodeIndex, NodeIndex) {
        (self.nodes[direction], self.nodes[1 - direction])
    }

    /// Nobody will hear of it again.
    pub fn is_over(&self) -> bool {
        self.ends.iter().all(|end| !matches!(end, End::Held { .. })) && self.directions.iter().all(|direction| direction.items.is_empty())
    }
}
