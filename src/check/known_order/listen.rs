//! The check's ear: which events of a run are requests, answers and transactions.

use std::collections::VecDeque;
use std::sync::Arc;

use super::calls::{Answered, Asked};
use super::replay::Logged;
use super::watching::Told;
use super::{KnownOrder, SessionNumber};
use crate::check::committed::Committed;
use crate::check::history::{Place, Prefix};
use crate::check::replication::Replication;
use crate::check::verdict::Violation;
use crate::proto::{ClientReply, ClientRequest, ConnId, Epoch, Micros, NodeId, Packet, Proposal, ServerId, SessionId, TxnRef, Zxid};
use crate::trace::{Event, Note, Record, What};

/// Answers and proposals that wait before a batch is replayed: few enough that what is committed is still remembered.
const BATCH: usize = 512;

/// Answers that wait at most, for a server that shows the past.
const PATIENCE: usize = 1 << 14;

/// What it takes to understand events.
#[derive(Clone, Debug, Default)]
pub(super) struct Listener {
    /// By the slot of a client's connection.
    conns: Vec<Option<Conn>>,
    /// What leaders have proposed and nobody has replayed, in the order of the events.
    proposals: VecDeque<Proposed>,
    /// Up to where what is committed has gone into the log.
    taken: Option<Place>,
    /// Answers and proposals since the last batch.
    waiting: usize,
    running: Vec<ServerId>,
    leading: Vec<ServerId>,
    /// Who serves clients, and in which epoch.
    serving: Vec<(ServerId, Epoch)>,
    /// When two led the last time.
    two_led: u64,
    /// The change for which a server says that a watch fires.
    fired: Zxid,
    /// A part of what was committed was not seen: nothing can be said any more.
    deaf: bool,
}

#[derive(Clone, Copy, Debug)]
struct Conn {
    generation: u32,
    session: SessionNumber,
    /// Its number among all connections.
    number: u32,
    client: NodeId,
    server: ServerId,
}

#[derive(Clone, Debug)]
struct Proposed {
    txn: TxnRef,
    at: Micros,
    leader: ServerId,
    what: Arc<Proposal>,
}

impl Listener {
    #[inline]
    fn conn(&self, conn: ConnId) -> Option<Conn> {
        self.conns.get(conn.slot as usize).copied().flatten().filter(|known| known.generation == conn.generation)
    }

    /// Whether there were two leaders at some time after this event.
    pub fn two_led_since(&self, event: u64) -> bool {
        self.leading.len() > 1 || self.two_led > event
    }

    /// With their sessions and servers.
    pub fn open_connections(&self) -> impl Iterator<Item = (ConnId, SessionNumber, ServerId)> {
        let open = (0..).zip(&self.conns).filter_map(|(slot, conn)| Some((slot, (*conn)?)));
        open.map(|(slot, conn)| (ConnId { slot, generation: conn.generation }, conn.session, conn.server))
    }

    /// Where the log ends that was learnt, if nothing of it was missed.
    pub fn end_of_log(&self) -> Option<Prefix> {
        (!self.deaf).then(|| self.taken.unwrap_or(Place::start()).prefix)
    }

    fn led(&mut self, server: ServerId, leads: bool, event: u64) {
        if self.leading.len() > 1 {
            self.two_led = event;
        }
        self.leading.retain(|leader| *leader != server);
        if leads {
            self.leading.push(server);
        }
    }
}

impl KnownOrder {
    /// Learns from an event, whatever it is. [`KnownOrder::is_fine`] tells whether that was all right.
    pub fn observe(&mut self, world: &Replication, event: &Event) {
        match (&event.what, event.node) {
            (What::Record(Record::Sent { conn, packet: Packet::ClientRequest(request), .. }), Some(NodeId::Client(client))) => {
                self.on_request(client, *conn, request, event);
            }
            (What::Record(Record::Sent { conn, packet: Packet::ClientReply(reply), .. }), Some(NodeId::Server(me))) => {
                self.on_reply(world, me, *conn, reply, event);
            }
            (What::Note(Note::Proposed { txn, what }), Some(NodeId::Server(me))) => self.on_proposed(world, me, *txn, what, event),
            (_, Some(node)) => self.on_rare(world, node, event),
            (_, None) => {}
        }
    }

    #[inline]
    pub fn on_request(&mut self, client: u32, conn: ConnId, request: &Arc<ClientRequest>, event: &Event) {
        if !request.is_in_turn() {
            return;
        }
        if let Some(known) = self.listener.conn(conn) {
            let session = self.asked(known.session, Asked { event: event.n, client, request: request.clone() });
            if session != known.session {
                self.listener.conns[conn.slot as usize] = Some(Conn { session, ..known });
            }
        }
    }

    #[inline]
    pub fn on_reply(&mut self, world: &Replication, me: ServerId, conn: ConnId, reply: &Arc<ClientReply>, event: &Event) {
        if !reply.is_in_turn() {
            return;
        }
        if let Some(known) = self.listener.conn(conn) {
            self.answered(known.session, Answered { event: event.n, at: event.at, server: me, reply: reply.clone() });
            self.count_one(world);
        }
    }

    #[inline]
    pub fn on_proposed(&mut self, world: &Replication, me: ServerId, txn: TxnRef, what: &Arc<Proposal>, event: &Event) {
        if !self.listener.deaf {
            self.listener.proposals.push_back(Proposed { txn, at: event.at, leader: me, what: what.clone() });
            self.count_one(world);
        }
    }

    #[inline]
    fn count_one(&mut self, world: &Replication) {
        self.listener.waiting += 1;
        if self.listener.waiting >= BATCH {
            self.replay_batch(world);
        }
    }

    #[cold]
    #[inline(never)]
    fn on_rare(&mut self, world: &Replication, node: NodeId, event: &Event) {
        match (&event.what, node) {
            (What::Record(Record::Sent { to, conn, packet: Packet::ConnectResponse(response) }), NodeId::Server(server))
                // A server that was paused may answer whom it has lost long ago.
                if response.timeout > 0 && self.owners.is_awaited(*conn) =>
            {
                let slot = conn.slot as usize;
                if slot >= self.listener.conns.len() {
                    self.listener.conns.resize(slot + 1, None);
                }
                // Who has no leader promises nothing.
                self.listener.conns[slot] = None;
                if !response.read_only {
                    self.attaches(server, *to, *conn, response, event);
                    let session = self.session_of(response.session, *to);
                    self.connected(session);
                    let (number, generation) = (self.conns, conn.generation);
                    self.listener.conns[slot] = Some(Conn { generation, session, number, client: *to, server });
                }
            }
            (What::Note(Note::RecipeCalled { .. }), _) => self.begin_chronicle(),
            (What::Record(Record::Closed { conn, .. } | Record::Hungup { conn, .. }), NodeId::Client(_)) => {
                self.owners.is_over(*conn);
                if let Some(known) = self.listener.conn(*conn) {
                    self.listener.conns[conn.slot as usize] = None;
                    self.leaves(known.session, known.server);
                }
            }
            (What::Record(Record::Crashed | Record::PowerLost { .. } | Record::Exited { .. }), NodeId::Client(_)) => {
                for slot in 0..self.listener.conns.len() {
                    if let Some(known) = self.listener.conns[slot].filter(|known| known.client == node) {
                        self.listener.conns[slot] = None;
                        self.leaves(known.session, known.server);
                    }
                }
            }
            (What::Record(Record::Sent { conn, packet: Packet::ConnectRequest(request), .. }), NodeId::Client(_)) => {
                self.owners.greets(*conn, request);
            }
            (What::Record(Record::Closed { conn, .. }), NodeId::Server(_)) => self.owners.closes(*conn),
            (What::Note(Note::WatchFired { zxid, .. }), NodeId::Server(_)) => self.listener.fired = *zxid,
            (What::Record(Record::Sent { conn, packet: Packet::WatcherEvent(sent), .. }), NodeId::Server(me)) => {
                if let Some(known) = self.listener.conn(*conn) {
                    let missed = self.listener.fired <= Zxid::ZERO;
                    let zxid = if missed { world.of(me).map_or(Zxid::ZERO, |replica| replica.memory.zxid) } else { self.listener.fired };
                    let (kind, path) = (sent.kind, sent.path.clone());
                    self.told_of(known.session, Told { event: event.n, at: event.at, server: me, zxid, missed, kind, path });
                }
            }
            (what, NodeId::Server(me)) => {
                // What all begins with is soon forgotten.
                if self.listener.taken.is_none() && matches!(what, What::Note(Note::Established { .. })) {
                    self.learn_log(&world.committed);
                }
                self.listener.on_server(me, what, event.n);
            }
            _ => {}
        }
    }

    /// The number of a session on a new connection. Two clients that share a session count their requests each for itself.
    fn session_of(&mut self, id: SessionId, client: NodeId) -> SessionNumber {
        let session = self.session(id);
        let shared = self.listener.conns.iter().flatten().any(|conn| conn.session == session && conn.client != client);
        if shared { self.begins_anew(session) } else { session }
    }

    #[cold]
    #[inline(never)]
    fn replay_batch(&mut self, world: &Replication) {
        self.learn_log(&world.committed);
        let running = self.listener.running.iter().filter_map(|server| world.of(*server)).map(|replica| replica.memory.zxid);
        let past = running.min().unwrap_or(Zxid::ZERO);
        let end = world.committed.end().zxid;
        // What waits for a server that stands still waits only so long.
        let horizon = if self.due.len() + self.log.len() > PATIENCE { end } else { past.min(end) };
        self.replay(horizon);
    }

    /// The run is over: all that is left is looked at.
    pub fn conclude(&mut self, world: &Replication) -> Option<Violation> {
        self.learn_log(&world.committed);
        self.finish();
        if !self.listener.deaf {
            let open: Vec<Conn> = self.listener.conns.iter().flatten().copied().collect();
            let applied = |conn: &Conn| (conn.number, conn.server, world.of(conn.server).map_or(Zxid::ZERO, |replica| replica.memory.zxid));
            self.look_for_lost_events(open.iter().map(applied));
        }
        self.take_found()
    }

    /// What is committed goes into the log, with what leaders have told of it.
    fn learn_log(&mut self, committed: &Committed) {
        self.listener.waiting = 0;
        if self.listener.deaf {
            return self.turn_deaf();
        }
        let base = committed.base();
        let taken = match self.listener.taken {
            Some(taken) => taken,
            None if base == Place::start() => base,
            None if base == Place::before_the_run(base.zxid) => {
                self.begin_at(base.zxid);
                base
            }
            None => return self.turn_deaf(),
        };
        // A new epoch has a zxid, and no transaction.
        if base.zxid > taken.zxid && base.prefix.differs(taken.prefix) {
            return self.turn_deaf();
        }
        let mut last = taken;
        for (place, event) in committed.after(taken.zxid) {
            match self.listener.take_proposal(last, *place) {
                Some(found) => self.logged(Logged { event, at: found.at, leader: found.leader, proposal: found.what }),
                None if self.counts.txns == 0 && self.log.is_empty() && Place::before_the_run(place.zxid) == *place => self.begin_at(place.zxid),
                None => return self.turn_deaf(),
            }
            last = *place;
        }
        self.listener.taken = (last != Place::start()).then_some(last);
    }

    #[cold]
    fn turn_deaf(&mut self) {
        self.listener.deaf = true;
        self.listener.proposals.clear();
        self.log.clear();
        self.counts.unchecked += self.due.len() as u64;
        self.due.clear();
    }
}

impl Listener {
    fn on_server(&mut self, me: ServerId, what: &What, event: u64) {
        match what {
            What::Record(Record::Started { .. }) if !self.running.contains(&me) => self.running.push(me),
            What::Record(Record::Crashed | Record::PowerLost { .. } | Record::Exited { .. }) => {
                self.running.retain(|server| *server != me);
                self.serves(me, None);
                self.led(me, false, event);
            }
            What::Note(Note::Established { epoch, .. }) => {
                self.serves(me, Some(*epoch));
                self.led(me, true, event);
            }
            What::Note(Note::Serving { epoch, .. }) => self.serves(me, Some(*epoch)),
            What::Note(Note::WentLooking { .. } | Note::RoleOver { .. } | Note::LookingStarted { .. }) => {
                self.serves(me, None);
                self.led(me, false, event);
            }
            _ => {}
        }
    }

    fn serves(&mut self, server: ServerId, epoch: Option<Epoch>) {
        self.serving.retain(|(other, _)| *other != server);
        self.serving.extend(epoch.map(|epoch| (server, epoch)));
    }

    /// The epoch in which a server serves its clients.
    pub fn epoch_of(&self, server: ServerId) -> Option<Epoch> {
        self.serving.iter().find(|(other, _)| *other == server).map(|(_, epoch)| *epoch)
    }

    /// The proposal that stands at this place, behind `before`. Older ones were never committed.
    fn take_proposal(&mut self, before: Place, place: Place) -> Option<Proposed> {
        while self.proposals.pop_front_if(|proposed| proposed.txn.zxid < place.zxid).is_some() {}
        let fits = |proposed: &Proposed| proposed.txn.zxid == place.zxid && !before.prefix.then(proposed.txn).differs(place.prefix);
        let index = self.proposals.iter().position(fits)?;
        self.proposals.remove(index)
    }
}
