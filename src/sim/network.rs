//! How bytes move: latency in order, cuts that hold, windows that fill, ends that close, vanish or reset.

use crate::actor::{Actor, Input};
use crate::proto::{CloseReason, ConnId, Micros, Packet, Span};
use crate::trace::{Record, What};

use super::connection::{Connection, End, InFlight, Item, Phase};
use super::node::{Node, Power};
use super::world::head;
use super::{Links, NodeIndex, Queue, Timing, Wake, World};

/// Direction from the dialler to the acceptor; the other is [`BACK`].
pub(super) const THERE: usize = 0;
pub(super) const BACK: usize = 1;

impl<A: Actor> World<A> {
    /// The connection and the end that `node` holds of it, if it is still its own and open.
    fn held(&self, node: NodeIndex, conn: ConnId) -> Option<(&Connection, usize)> {
        let connection = self.connections.get(conn.slot as usize)?.as_ref()?;
        let end = connection.end_of(node);
        let mine = connection.generation == conn.generation
            && connection.nodes[end] == node
            && connection.ends[end] == End::Held { life: self.nodes[usize::from(node)].life };
        mine.then_some((connection, end))
    }

    pub(super) fn connection_mut(&mut self, slot: u32) -> Option<&mut Connection> {
        self.connections.get_mut(slot as usize)?.as_mut()
    }

    pub(super) fn connection(&self, slot: u32) -> Option<&Connection> {
        self.connections.get(slot as usize)?.as_ref()
    }

    fn conn_id(&self, slot: u32) -> ConnId {
        ConnId { slot, generation: self.connection(slot).map_or(0, |connection| connection.generation) }
    }

    /// A connection to be changed, and apart from it what moves its bytes.
    fn wired(&mut self, slot: u32) -> Option<(&mut Connection, Wires<'_, A>)> {
        let connection = self.connections.get_mut(slot as usize)?.as_mut()?;
        let wires = Wires { slot, now: self.now, nodes: &self.nodes, links: &self.links, timing: &self.config.timing, queue: &mut self.queue };
        Some((connection, wires))
    }

    /// A packet leaves `from`. Sending on a connection that is not (any more) its own does nothing: as with TCP, the error comes as its end.
    #[inline]
    pub(super) fn send(&mut self, from: NodeIndex, conn: ConnId, packet: Packet) {
        let Some((connection, end)) = self.held(from, conn) else {
            return;
        };
        let to = connection.nodes[1 - end];
        let cause = self.record_packet(from, to, conn, &packet, true);
        let Some((connection, mut wires)) = self.wired(conn.slot) else {
            return;
        };
        wires.enqueue(connection, end, Item::Packet(packet), cause);
        let direction = &mut connection.directions[end];
        if direction.in_window > wires.timing.window && !direction.blocked {
            direction.blocked = true;
            let peer = self.id_of(to);
            self.record(Some(from), Record::WindowFull { peer, conn });
            self.followups.push((from, Input::WindowFull { conn }));
        }
    }

    /// Appends to a direction; its latency is drawn now whatever the link does.
    pub(super) fn enqueue(&mut self, slot: u32, direction: usize, item: Item, cause: u64) {
        if let Some((connection, mut wires)) = self.wired(slot) {
            wires.enqueue(connection, direction, item, cause);
        }
    }

    /// Gives the head of a direction its queue entry, unless something holds it back.
    pub(super) fn arm_direction(&mut self, slot: u32, direction: usize) {
        if let Some((connection, mut wires)) = self.wired(slot) {
            wires.arm(connection, direction);
        }
    }

    /// The head of a direction arrives. True when somebody noticed.
    #[inline]
    pub(super) fn arrive(&mut self, slot: u32, direction: usize) -> bool {
        let Some((connection, mut wires)) = self.wired(slot) else {
            return false;
        };
        let Some((item, cause)) = wires.take_head(connection, direction) else {
            return false;
        };
        let (from, to) = connection.way(direction);
        let end = connection.ends[1 - direction];
        let conn = ConnId { slot, generation: connection.generation };
        self.cause = cause;
        match end {
            End::Held { .. } => self.receive(slot, direction, from, to, conn, item),
            // The sender will hear, or has heard, that this end is closed.
            End::Closed => self.free_if_over(slot),
            // First contact after a power loss: the machine knows of no such connection.
            End::Vanished => {
                if !matches!(item, Item::End(_)) {
                    self.reset_back(slot, direction);
                }
                self.free_if_over(slot);
            }
        }
        true
    }

    #[inline]
    fn receive(&mut self, slot: u32, direction: usize, from: NodeIndex, to: NodeIndex, conn: ConnId, item: Item) {
        match item {
            Item::Packet(packet) => {
                self.cause = self.record_packet(to, from, conn, &packet, false);
                self.deliver(to, Input::Packet { conn, packet });
            }
            Item::Open => {
                let peer = self.id_of(from);
                let port = self.connections[slot as usize].as_ref().expect("it delivers").port;
                if !self.nodes[usize::from(to)].listens(port) {
                    return self.abandon_unaccepted(slot, direction);
                }
                self.cause = self.record(Some(to), Record::Accepted { from: peer, port, conn });
                self.deliver(to, Input::Accepted { conn, port });
            }
            Item::End(why) => self.hang_up(slot, 1 - direction, why),
        }
    }

    /// One end learns that the connection is over, and is closed with that.
    pub(super) fn hang_up(&mut self, slot: u32, end: usize, why: CloseReason) {
        let conn = self.conn_id(slot);
        let Some(connection) = self.connection_mut(slot) else {
            return;
        };
        let (node, peer) = (connection.nodes[end], connection.nodes[1 - end]);
        let held = matches!(connection.ends[end], End::Held { .. });
        connection.ends[end] = End::Closed;
        // A reset goes both ways: the one that is on its way to the peer still tells it.
        if !connection.directions[end].ends() {
            connection.directions[end].drop_items();
        }
        if held {
            let peer = self.id_of(peer);
            self.cause = self.record(Some(node), Record::Hungup { peer, conn, why });
            self.deliver(node, Input::Closed { conn, why });
        }
        self.free_if_over(slot);
    }

    /// A process closes its end: what it sent still arrives, then the peer is told; what is under way to it goes nowhere.
    pub(super) fn close(&mut self, node: NodeIndex, conn: ConnId) {
        let Some((connection, end)) = self.held(node, conn) else {
            return;
        };
        let peer = self.id_of(connection.nodes[1 - end]);
        let cause = self.record(Some(node), Record::Closed { peer, conn });
        self.close_end(conn.slot, end, cause);
    }

    pub(super) fn close_end(&mut self, slot: u32, end: usize, cause: u64) {
        if let Some(connection) = self.connection_mut(slot) {
            connection.ends[end] = End::Closed;
            connection.directions[end].blocked = false;
            if matches!(connection.ends[1 - end], End::Held { .. }) {
                self.enqueue(slot, end, Item::End(CloseReason::Finished), cause);
            }
        }
        self.free_if_over(slot);
    }

    /// The end that a direction leads to answers with a reset; the tail of the other direction is what the peer can still read before it.
    pub(super) fn reset_back(&mut self, slot: u32, direction: usize) {
        let back = 1 - direction;
        let Some(connection) = self.connection_mut(slot) else {
            return;
        };
        connection.directions[direction].drop_items();
        if !connection.directions[back].ends() {
            let cause = self.cause;
            self.enqueue(slot, back, Item::End(CloseReason::Reset), cause);
        }
    }

    /// The port was closed before the process accepted: the machine resets what waits there.
    fn abandon_unaccepted(&mut self, slot: u32, direction: usize) {
        if let Some(connection) = self.connection_mut(slot) {
            connection.ends[1 - direction] = End::Closed;
        }
        self.reset_back(slot, direction);
        self.free_if_over(slot);
    }

    /// Bytes could not move for the whole retransmission time: their sender gives up, the other end knows nothing of it.
    pub(super) fn retransmission_ends(&mut self, slot: u32, direction: usize) -> bool {
        let limit = self.config.timing.retransmission;
        let Some(since) = self.connection(slot).and_then(|connection| connection.directions[direction].stalled) else {
            return false;
        };
        let generation = self.conn_id(slot).generation;
        if since + limit > self.now {
            // It moved in between and stalled again: a later entry is its own.
            self.queue.push(since + limit, Wake::Retransmission { slot, direction: direction as u8, generation });
            return false;
        }
        self.lose_tail(slot, direction);
        // Half-open from now on: whatever the far end sends is answered by a reset.
        self.hang_up(slot, direction, CloseReason::TimedOut);
        if let Some(connection) = self.connection_mut(slot) {
            connection.ends[direction] = End::Vanished;
        }
        true
    }

    /// What is under way in one direction is gone, and said to be.
    pub(super) fn lose_tail(&mut self, slot: u32, direction: usize) {
        let conn = self.conn_id(slot);
        let Some(connection) = self.connection_mut(slot) else {
            return;
        };
        let (from, to) = (connection.nodes[direction], connection.nodes[1 - direction]);
        let packets = connection.directions[direction].drop_items();
        if packets > 0 {
            let peer = self.id_of(to);
            self.record(Some(from), Record::TailLost { peer, conn, packets });
        }
    }

    pub(super) fn window_opens(&mut self, slot: u32, direction: usize) -> bool {
        let conn = self.conn_id(slot);
        let Some(connection) = self.connection(slot) else {
            return false;
        };
        let (node, peer) = (connection.nodes[direction], connection.nodes[1 - direction]);
        if !matches!(connection.ends[direction], End::Held { .. }) || connection.directions[direction].blocked {
            return false;
        }
        let peer = self.id_of(peer);
        self.cause = self.record(Some(node), Record::WindowOpen { peer, conn });
        self.deliver(node, Input::WindowOpen { conn });
        true
    }

    /// Bytes between two nodes may move again, or may not any more: heads get or lose their entries. `restarted` when their way begins anew.
    pub(super) fn rearm_between(&mut self, from: NodeIndex, to: NodeIndex, restarted: bool) {
        let now = self.now;
        for slot in 0..self.connections.len() as u32 {
            let Some(connection) = self.connection(slot) else {
                continue;
            };
            let Some(direction) =
                [THERE, BACK].into_iter().find(|direction| connection.nodes[*direction] == from && connection.nodes[1 - direction] == to)
            else {
                continue;
            };
            if let Some(connection) = self.connection_mut(slot) {
                let way = &mut connection.directions[direction];
                way.armed = None;
                if restarted {
                    way.items.iter_mut().for_each(|flight| flight.departed = now);
                }
            }
            self.arm_direction(slot, direction);
            self.arm_dial(slot);
        }
    }

    /// Frees the slot of a connection that nobody will hear of again.
    pub(super) fn free_if_over(&mut self, slot: u32) {
        if self.connection(slot).is_some_and(Connection::is_over) {
            self.connections[slot as usize] = None;
            self.free_slots.push(slot);
        }
    }

    /// All connections of a node, by slot.
    pub(super) fn connections_of(&self, node: NodeIndex) -> Vec<u32> {
        let touches = |connection: &Connection| connection.nodes.contains(&node);
        (0..self.connections.len() as u32).filter(|slot| self.connection(*slot).is_some_and(touches)).collect()
    }

    /// The hot twin of [`World::record`] for packets: the same words, without a copy of the packet unless it is kept.
    #[inline]
    fn record_packet(&mut self, node: NodeIndex, peer: NodeIndex, conn: ConnId, packet: &Packet, sent: bool) -> u64 {
        let digest = &mut self.digest;
        if sent {
            let [kind, value] = packet.head_words();
            digest.words([self.now.0, head(node, Record::SENT), conn.word(), kind, value]);
            packet.tail_words(|word| digest.word(word));
        } else {
            digest.words([self.now.0, head(node, Record::DELIVERED), conn.word()]);
        }
        let keep = self.keeps(packet, sent);
        let peer_id = self.id_of(peer);
        self.push_event(Some(node), keep, || {
            let packet = packet.clone();
            What::Record(if sent { Record::Sent { to: peer_id, conn, packet } } else { Record::Delivered { from: peer_id, conn, packet } })
        })
    }

    /// The time a dial or an item needs on a link right now, if the link is slowed.
    pub(super) fn link_span(&self, from: NodeIndex, to: NodeIndex) -> Span {
        self.links.get(from, to).slow.unwrap_or(self.config.timing.link)
    }
}

/// What moves the bytes of one connection: the world without its connections, so that one of them can be changed meanwhile.
struct Wires<'a, A> {
    slot: u32,
    now: Micros,
    nodes: &'a [Node<A>],
    links: &'a Links,
    timing: &'a Timing,
    queue: &'a mut Queue,
}

impl<A: Actor> Wires<'_, A> {
    #[inline(always)] // spares each packet two copies
    fn enqueue(&mut self, connection: &mut Connection, direction: usize, item: Item, cause: u64) {
        let (from, to) = connection.way(direction);
        let span = self.links.get(from, to).slow.unwrap_or(self.timing.link);
        let way = &mut connection.directions[direction];
        let latency = way.stream.within(span);
        let size = item.size();
        way.in_window = way.in_window.saturating_add(size);
        way.items.push_back(InFlight { item, size, latency, departed: self.now, cause });
        if way.items.len() == 1 {
            self.arm(connection, direction);
        }
    }

    /// Takes the head of a direction out, now that it arrives, with its cause. What stands behind it is the head then.
    #[inline]
    fn take_head(&mut self, connection: &mut Connection, direction: usize) -> Option<(Item, u64)> {
        let way = &mut connection.directions[direction];
        let InFlight { item, size, cause, .. } = way.items.pop_front()?;
        way.arrived = self.now;
        way.armed = None;
        let more = !way.items.is_empty();
        if let Item::Packet(_) = &item {
            way.in_window = way.in_window.saturating_sub(size);
            if way.blocked && way.in_window <= self.timing.window {
                way.blocked = false;
                let generation = connection.generation;
                self.queue.push(self.now, Wake::WindowOpen { slot: self.slot, direction: direction as u8, generation });
            }
        }
        if more {
            self.arm(connection, direction);
        }
        Some((item, cause))
    }

    #[inline]
    fn arm(&mut self, connection: &mut Connection, direction: usize) {
        let (from, to) = connection.way(direction);
        let generation = connection.generation;
        let way = &mut connection.directions[direction];
        let (Some(head), Some(due)) = (way.items.front(), way.due()) else {
            return;
        };
        // The end of an acceptor that died comes after the answer to the dial.
        if connection.phase != Phase::Open {
            return;
        }
        let link = self.links.get(from, to);
        let no_power = self.nodes[usize::from(to)].power == Power::Off;
        let (slot, direction) = (self.slot, direction as u8);
        if link.is_cut() || no_power {
            way.armed = None;
            if way.stalled.is_none() {
                way.stalled = Some(self.now);
                self.queue.push(self.now + self.timing.retransmission, Wake::Retransmission { slot, direction, generation });
            }
            return;
        }
        way.stalled = None;
        let is_held = matches!(&head.item, Item::Packet(packet) if link.holds(packet));
        way.armed = (!is_held).then(|| self.queue.push(due.max(self.now), Wake::Deliver { slot, direction }));
    }
}
