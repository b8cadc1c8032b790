//! The state of the network between any two nodes, one direction at a time.

use crate::proto::{Packet, Span};

use super::NodeIndex;

/// Who set a fault: a failing run made by a generator must not be confused with what an author asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    Author,
    Generated,
}

/// Whether bytes move.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LinkState {
    #[default]
    Up,
    /// Nothing passes: connections keep their bytes, dials wait, datagrams are lost.
    Cut(Origin),
}

/// What is held back: packets only, a dial still succeeds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hold {
    Everything,
    /// Packets of this kind, and whatever stands behind one in its connection.
    Kind(&'static str),
}

/// One direction between two nodes.
#[derive(Clone, Debug, Default)]
pub struct Link {
    pub state: LinkState,
    pub holds: Vec<Hold>,
    /// Latency in place of the world's, while slowed.
    pub slow: Option<Span>,
    /// Probability that a datagram is lost, in parts per million, in place of the world's.
    pub loss_ppm: Option<u32>,
}

impl Link {
    #[inline]
    pub fn is_cut(&self) -> bool {
        self.state != LinkState::Up
    }

    /// Whether `packet` must not be delivered now.
    #[inline]
    pub fn holds(&self, packet: &Packet) -> bool {
        !self.holds.is_empty()
            && self.holds.iter().any(|hold| match hold {
                Hold::Everything => true,
                Hold::Kind(kind) => packet.kind() == *kind,
            })
    }
}

/// All directions, as a flat square table.
#[derive(Clone, Debug)]
pub struct Links {
    nodes: usize,
    table: Vec<Link>,
}

impl Links {
    pub fn new(nodes: usize) -> Links {
        Links { nodes, table: vec![Link::default(); nodes * nodes] }
    }

    /// Room for another node, which reaches everybody.
    pub fn add_node(&mut self) {
        let mut larger = Links::new(self.nodes + 1);
        for (at, link) in std::mem::take(&mut self.table).into_iter().enumerate() {
            larger.table[at / self.nodes * larger.nodes + at % self.nodes] = link;
        }
        *self = larger;
    }

    #[inline]
    pub fn get(&self, from: NodeIndex, to: NodeIndex) -> &Link {
        &self.table[usize::from(from) * self.nodes + usize::from(to)]
    }

    pub fn get_mut(&mut self, from: NodeIndex, to: NodeIndex) -> &mut Link {
        &mut self.table[usize::from(from) * self.nodes + usize::from(to)]
    }

    /// Whether bytes move both ways, as a TCP handshake needs.
    pub fn is_open(&self, one: NodeIndex, other: NodeIndex) -> bool {
        !self.get(one, other).is_cut() && !self.get(other, one).is_cut()
    }
}
