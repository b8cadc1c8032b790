//! How a connection comes about: request, answer, and the handshake's end that travels ahead of the dialler's first packet.

use std::sync::Arc;

use crate::actor::{Actor, Input};
use crate::proto::{ConnId, DialError, Micros, NodeId, Port, ServerId};
use crate::trace::Record;

use super::connection::{Connection, Direction, End, Item, Phase};
use super::network::{BACK, THERE};
use super::node::Power;
use super::{NodeIndex, Stream, Wake, World};

impl<A: Actor> World<A> {
    /// `from` asks for a connection. Both streams are named by the pair, the port and how many connections it had.
    pub(super) fn dial(&mut self, from: NodeIndex, to: ServerId, port: Port, timeout: Micros) {
        let Some(acceptor) = self.index.get(&NodeId::Server(to)).copied().filter(|acceptor| *acceptor != from) else {
            self.followups.push((from, Input::DialFailed { to, port, why: DialError::Refused }));
            return;
        };
        let cause = self.record(Some(from), Record::Dialled { to: NodeId::Server(to), port });
        let directions = self.directions_of(from, acceptor, port);
        let slot = self.take_slot();
        let generation = self.generations[slot as usize];
        let ends = [End::Held { life: self.nodes[usize::from(from)].life }, End::Closed];
        let nodes = [from, acceptor];
        let mut connection = Connection { generation, phase: Phase::Requesting, port, nodes, ends, directions, dial: None, dialled_by: cause };
        let latency = connection.directions[THERE].stream.within(self.link_span(from, acceptor));
        connection.directions[THERE].arrived = self.now + latency;
        self.connections[slot as usize] = Some(connection);
        self.queue.push(self.now + timeout, Wake::DialTimeout { slot, generation });
        self.arm_dial(slot);
    }

    fn directions_of(&mut self, from: NodeIndex, to: NodeIndex, port: Port) -> [Direction; 2] {
        let count = Arc::make_mut(&mut self.incarnations).entry((from, to, port as u8)).or_default();
        *count += 1;
        let name = format!("connection {}->{} {port} {count}", self.nodes[usize::from(from)].id, self.nodes[usize::from(to)].id);
        ["there", "back"].map(|way| Direction::new(Stream::named(self.config.seed, &format!("{name} {way}"))))
    }

    fn take_slot(&mut self) -> u32 {
        let slot = self.free_slots.pop().unwrap_or(self.connections.len() as u32);
        if slot as usize == self.connections.len() {
            self.connections.push(None);
            self.generations.push(0);
        }
        self.generations[slot as usize] += 1;
        slot
    }

    /// Gives a dial that is not through its queue entry, unless the link or the machine is dead: then it waits, as TCP repeats its request.
    pub(super) fn arm_dial(&mut self, slot: u32) {
        let Some(connection) = self.connection(slot).filter(|connection| connection.phase != Phase::Open) else {
            return;
        };
        let [from, to] = connection.nodes;
        let way = if connection.phase == Phase::Requesting { THERE } else { BACK };
        let due = connection.directions[way].arrived.max(self.now);
        let reachable = self.links.is_open(from, to) && self.nodes[usize::from(to)].power != Power::Off;
        let armed = reachable.then(|| self.queue.push(due, Wake::Dial { slot }));
        if let Some(connection) = self.connection_mut(slot) {
            connection.dial = armed;
        }
    }

    /// The request or the answer arrives.
    pub(super) fn dial_moves(&mut self, slot: u32) -> bool {
        let Some(connection) = self.connection_mut(slot) else {
            return false;
        };
        connection.dial = None;
        let (phase, port, [from, to]) = (connection.phase, connection.port, connection.nodes);
        self.cause = connection.dialled_by;
        match phase {
            Phase::Requesting => self.answer_dial(slot, from, to, port),
            Phase::Answering { accepted: true } => self.dial_succeeds(slot, from, to, port),
            Phase::Answering { accepted: false } => self.dial_fails(slot, DialError::Refused),
            Phase::Open => return false,
        }
        true
    }

    fn answer_dial(&mut self, slot: u32, from: NodeIndex, to: NodeIndex, port: Port) {
        let acceptor = &self.nodes[usize::from(to)];
        let (accepted, life) = (acceptor.listens(port), acceptor.life);
        let (now, span) = (self.now, self.link_span(to, from));
        if let Some(connection) = self.connection_mut(slot) {
            connection.phase = Phase::Answering { accepted };
            if accepted {
                connection.ends[1] = End::Held { life };
            }
            let latency = connection.directions[BACK].stream.within(span);
            connection.directions[BACK].arrived = now + latency;
        }
        self.arm_dial(slot);
    }

    fn dial_succeeds(&mut self, slot: u32, from: NodeIndex, to: NodeIndex, port: Port) {
        let Some(connection) = self.connection_mut(slot) else {
            return;
        };
        connection.phase = Phase::Open;
        let conn = ConnId { slot, generation: connection.generation };
        let peer = self.id_of(to);
        self.cause = self.record(Some(from), Record::DialSucceeded { to: peer, port, conn });
        let cause = self.cause;
        self.enqueue(slot, THERE, Item::Open, cause);
        self.arm_direction(slot, BACK);
        self.hand_to_dialler(from, peer, |to| Input::Connected { to, port, conn });
    }

    /// A dial comes to nothing; the connection never was.
    pub(super) fn dial_fails(&mut self, slot: u32, why: DialError) {
        let Some(connection) = self.connections[slot as usize].take() else {
            return;
        };
        self.free_slots.push(slot);
        let ([from, to], port) = (connection.nodes, connection.port);
        self.cause = connection.dialled_by;
        let peer = self.id_of(to);
        self.cause = self.record(Some(from), Record::DialFailed { to: peer, port, why });
        self.hand_to_dialler(from, peer, |to| Input::DialFailed { to, port, why });
    }

    pub(super) fn dial_times_out(&mut self, slot: u32) -> bool {
        let waiting = self.connection(slot).is_some_and(|connection| connection.phase != Phase::Open);
        if waiting {
            self.dial_fails(slot, DialError::TimedOut);
        }
        waiting
    }

    fn hand_to_dialler(&mut self, from: NodeIndex, peer: NodeId, input: impl FnOnce(ServerId) -> Input) {
        if let Some(to) = peer.as_server() {
            self.deliver(from, input(to));
        }
    }
}
