//! How bytes move: latency in order, cuts that hold, windows that fill, ends that close, vanish or reset.

use std::sync::Arc;

use crate::actor::{Actor, Input};
use crate::proto::{CloseReason, ConnId, Packet, Span};
use crate::trace::{Record, What};

use super::connection::{Connection, End, InFlight, Item};
use super::node::Power;
use super::{NodeIndex, Wake, World};

/// Direction from the dialler to the acceptor; the other is [`BACK`].
pub(super) const THERE: usize = 0;
pub(super) const BACK: usize = 1;

impl<A: Actor> World<A> {
    /// The connection and the end that `node` holds of it, if it is still its own and open.
    fn held(&self, node: NodeIndex, conn: ConnId) -> Option<(&Connection, usize)> {
        let connection = self.connections.get(conn.slot as usize)?.as_deref()?;
        let end = connection.end_of(node);
        let mine = connection.generation == conn.generation
            && connection.nodes[end] == node
            && connection.ends[end] == End::Held { life: self.nodes[usize::from(node)].life };
        mine.then_some((connection, end))
    }

    pub(super) fn connection_mut(&mut self, slot: u32) -> Option<&mut Connection> {
        self.connections.get_mut(slot as usize)?.as_mut().map(Arc::make_mut)
    }

    pub(super) fn connection(&self, slot: u32) -> Option<&Connection> {
        self.connections.get(slot as usize)?.as_deref()
    }

    fn conn_id(&self, slot: u32) -> ConnId {
        ConnId { slot, generation: self.connection(slot).map_or(0, |connection| connection.generation) }
    }

    /// A packet leaves `from`. Sending on a connection that is not (any more) its own does nothing: as with TCP, the error comes as its end.
    pub(super) fn send(&mut self, from: NodeIndex, conn: ConnId, packet: Packet) {
        let Some((connection, end)) = self.held(from, conn) else {
            return;
        };
        let to = connection.nodes[1 - end];
        let cause = self.record_packet(from, to, conn, &packet, true);
        let size = packet.size();
        let window = self.config.timing.window;
        self.enqueue(conn.slot, end, Item::Packet(packet), cause);
        let Some(connection) = self.connection_mut(conn.slot) else {
            return;
        };
        let direction = &mut connection.directions[end];
        direction.in_window = direction.in_window.saturating_add(size);
        if direction.in_window > window && !direction.blocked {
            direction.blocked = true;
            let peer = self.id_of(to);
            self.record(Some(from), Record::WindowFull { peer, conn });
            self.followups.push((from, Input::WindowFull { conn }));
        }
    }

    /// Appends to a direction; its latency is drawn now whatever the link does.
    pub(super) fn enqueue(&mut self, slot: u32, direction: usize, item: Item, cause: u64) {
        let now = self.now;
        let Some(connection) = self.connections.get_mut(slot as usize).and_then(Option::as_mut).map(Arc::make_mut) else {
            return;
        };
        let (from, to) = (connection.nodes[direction], connection.nodes[1 - direction]);
        let span = self.links.get(from, to).slow.unwrap_or(self.config.timing.link);
        let way = &mut connection.directions[direction];
        let latency = way.stream.within(span);
        way.items.push_back(InFlight { item, latency, departed: now, cause });
        if way.items.len() == 1 {
            self.arm_direction(slot, direction);
        }
    }

    /// Gives the head of a direction its queue entry, unless something holds it back.
    pub(super) fn arm_direction(&mut self, slot: u32, direction: usize) {
        let now = self.now;
        let Some(connection) = self.connections.get_mut(slot as usize).and_then(Option::as_mut).map(Arc::make_mut) else {
            return;
        };
        let (from, to) = (connection.nodes[direction], connection.nodes[1 - direction]);
        let way = &mut connection.directions[direction];
        let (Some(head), Some(due)) = (way.items.front(), way.due()) else {
            return;
        };
        let link = self.links.get(from, to);
        let no_power = self.nodes[usize::from(to)].power == Power::Off;
        if link.is_cut() || no_power {
            way.armed = None;
            if way.stalled.is_none() {
                way.stalled = Some(now);
                let (generation, at) = (connection.generation, now + self.config.timing.retransmission);
                self.queue.push(at, Wake::Retransmission { slot, direction: direction as u8, generation });
            }
            return;
        }
        way.stalled = None;
        let is_held = matches!(&head.item, Item::Packet(packet) if !link.holds.is_empty() && link.holds(packet));
        way.armed = (!is_held).then(|| self.queue.push(due.max(now), Wake::Deliver { slot, direction: direction as u8 }));
    }

    /// The head of a direction arrives. True when somebody noticed.
    pub(super) fn arrive(&mut self, slot: u32, direction: usize) -> bool {
        let now = self.now;
        let Some(connection) = self.connections.get_mut(slot as usize).and_then(Option::as_mut).map(Arc::make_mut) else {
            return false;
        };
        let way = &mut connection.directions[direction];
        let Some(InFlight { item, cause, .. }) = way.items.pop_front() else {
            return false;
        };
        way.arrived = now;
        way.armed = None;
        let more = !way.items.is_empty();
        if let Item::Packet(packet) = &item {
            way.in_window = way.in_window.saturating_sub(packet.size());
            if way.blocked && way.in_window <= self.config.timing.window {
                way.blocked = false;
                let generation = connection.generation;
                self.queue.push(now, Wake::WindowOpen { slot, direction: direction as u8, generation });
            }
        }
        let connection = &**self.connections[slot as usize].as_ref().expect("it was there a moment ago");
        let (from, to) = (connection.nodes[direction], connection.nodes[1 - direction]);
        let end = connection.ends[1 - direction];
        let conn = ConnId { slot, generation: connection.generation };
        if more {
            self.arm_direction(slot, direction);
        }
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

    fn receive(&mut self, slot: u32, direction: usize, from: NodeIndex, to: NodeIndex, conn: ConnId, item: Item) {
        match item {
            Item::Packet(packet) => {
                self.cause = self.record_packet(to, from, conn, &packet, false);
                self.deliver(to, Input::Packet { conn, packet });
            }
            Item::Open => {
                let peer = self.id_of(from);
                let port = self.connections[slot as usize].as_ref().expect("it delivers").port;
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
        // What it had sent is lost; a reset that is on its way to the other end is the network's, and still arrives.
        connection.directions[end].drop_packets();
        self.arm_direction(slot, end);
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
        let already = |item: &InFlight| matches!(item.item, Item::End(_));
        let Some(connection) = self.connection_mut(slot) else {
            return;
        };
        connection.directions[direction].drop_items();
        if !connection.directions[back].items.iter().any(already) {
            let cause = self.cause;
            self.enqueue(slot, back, Item::End(CloseReason::Reset), cause);
        }
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
        let peer_id = self.id_of(peer);
        self.digest.words([self.now.0, u64::from(node)]);
        let digest = &mut self.digest;
        Record::packet_words(sent, peer_id, conn, packet, |word| digest.word(word));
        let keep = self.is_recording_everything();
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
