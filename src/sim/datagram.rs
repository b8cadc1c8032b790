//! Unreliable messages: each finds its own way, may overtake others, and is lost on a cut or lossy link.

use std::sync::Arc;

use crate::actor::{Actor, Input};
use crate::proto::{NodeId, Packet, Port, ServerId};
use crate::trace::Record;

use super::node::Power;
use super::{NodeIndex, Stream, Wake, World};

/// A datagram on its way.
#[derive(Clone, Debug)]
pub struct Datagram {
    pub from: NodeIndex,
    pub to: NodeIndex,
    pub port: Port,
    pub packet: Packet,
    pub armed: u64,
    pub cause: u64,
}

impl<A: Actor> World<A> {
    pub(super) fn send_datagram(&mut self, from: NodeIndex, to: ServerId, port: Port, packet: Packet) {
        let Some(to) = self.index.get(&NodeId::Server(to)).copied() else {
            return;
        };
        let peer = self.id_of(to);
        let cause = self.record(Some(from), Record::DatagramSent { to: peer, port, packet: packet.clone() });
        let (seed, name) = (self.config.seed, (self.id_of(from), peer));
        let streams = Arc::make_mut(&mut self.datagram_streams);
        let stream = streams.entry((from, to)).or_insert_with(|| Stream::named(seed, &format!("datagrams {}->{}", name.0, name.1)));
        let link = self.links.get(from, to);
        // Both draws are made whatever the link does, so that a fault does not shift the stream.
        let latency = stream.within(link.slow.unwrap_or(self.config.timing.link));
        let unlucky = stream.chance(link.loss_ppm.unwrap_or(self.config.timing.loss_ppm));
        if unlucky || link.is_cut() {
            self.record(Some(from), Record::DatagramLost { to: peer, port, packet });
            return;
        }
        // A datagram to oneself does not touch the network.
        let latency = if from == to { Default::default() } else { latency };
        self.next_datagram += 1;
        let slot = self.next_datagram;
        let armed = self.queue.push(self.now + latency, Wake::Datagram { slot });
        self.datagrams.insert(slot, Datagram { from, to, port, packet, armed, cause });
    }

    /// True when somebody got it.
    pub(super) fn datagram_arrives(&mut self, slot: u32) -> bool {
        let Some(datagram) = self.datagrams.remove(&slot) else {
            return false;
        };
        let Datagram { from, to, port, packet, cause, .. } = datagram;
        self.cause = cause;
        let (sender, peer) = (self.id_of(from), self.id_of(to));
        if self.nodes[usize::from(to)].power != Power::Up || self.links.get(from, to).is_cut() {
            self.record(Some(from), Record::DatagramLost { to: peer, port, packet });
            return true;
        }
        self.cause = self.record(Some(to), Record::DatagramDelivered { from: sender, port, packet: packet.clone() });
        if let Some(from) = sender.as_server() {
            self.deliver(to, Input::Datagram { from, port, packet });
        }
        true
    }
}
