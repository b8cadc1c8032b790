//! One connection per pair of servers, dialled by the larger id. Source: `QuorumCnxManager`; election reference §4.
//!
//! A server with a smaller id can only knock: it dials, says who it is, closes, and the larger one dials back, tearing down whatever
//! connection the pair had. A send queue holds one note, so that a peer that was away gets only the latest.
//! Not modelled: SASL and TLS, several addresses per server, the accept thread's retries to bind.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use crate::actor::{Cx, Effect};
use crate::proto::{Config, ConnId, Membership, Notification, Packet, Port, ServerId, Stage, Timer};
use crate::trace::Note;

/// Received notes that wait for the WorkerReceiver; the oldest is dropped. Source: `RECV_CAPACITY`.
const RECV_CAPACITY: usize = 100;

/// Dials under way at once; one more is a failure until the next attempt. Source: `quorum.cnxn.threads.size`.
const CONNECTION_THREADS: usize = 20;

/// A note with the server that sent it, as the election port knows it.
#[derive(Clone, Debug)]
pub struct Received {
    pub sid: ServerId,
    pub note: Arc<Notification>,
}

#[derive(Clone, Debug)]
pub struct ConnectionManager {
    me: ServerId,
    config: Arc<Config>,
    /// The configuration that was proposed last, if it is not in force: its members are dialled too.
    next: Option<Arc<Membership>>,
    /// Dials of the manager before this one, by whom they are for: nobody waits for them.
    forsaken: BTreeMap<ServerId, u32>,
    peers: BTreeMap<ServerId, Peer>,
    /// Accepted connections that have not said who they are, oldest first: the accept thread reads one after the other,
    /// so that a silent one keeps the rest waiting.
    handshakes: VecDeque<Handshake>,
    /// Whom each open connection leads to.
    owners: BTreeMap<ConnId, ServerId>,
    received: VecDeque<Received>,
}

#[derive(Clone, Debug, Default)]
struct Peer {
    /// `queueSendMap`: exists from the first note to this peer on. Capacity 1, newest replaces oldest.
    queue: Option<VecDeque<Arc<Notification>>>,
    /// The last note given to a connection; repeated when a new one starts with nothing to send.
    last_sent: Option<Arc<Notification>>,
    worker: Option<SendWorker>,
    dialling: bool,
}

#[derive(Clone, Debug)]
struct SendWorker {
    conn: ConnId,
    /// Has not taken its first note yet.
    starting: bool,
    /// Its `write` blocks.
    blocked: bool,
}

#[derive(Clone, Debug)]
struct Handshake {
    conn: ConnId,
    /// What arrived before its turn came.
    arrived: VecDeque<Packet>,
    /// The other end closed meanwhile, as one that knocks does: what it sent is read all the same.
    closed: bool,
}

impl ConnectionManager {
    pub fn new(me: ServerId, config: Arc<Config>) -> ConnectionManager {
        ConnectionManager {
            me,
            config,
            next: None,
            forsaken: BTreeMap::new(),
            peers: BTreeMap::new(),
            handshakes: VecDeque::new(),
            owners: BTreeMap::new(),
            received: VecDeque::new(),
        }
    }

    /// Another configuration is proposed, or in force: who is new is dialled at once. Source: `connectNewPeers`.
    pub fn set_configuration(&mut self, cx: &mut Cx, config: Arc<Config>, next: Option<Arc<Membership>>) {
        (self.config, self.next) = (config, next);
        let current = &self.config.membership.members;
        let joining = self.next.iter().flat_map(|next| next.members.keys()).filter(|id| **id != self.me && !current.contains_key(id));
        for id in joining.copied().collect::<Vec<_>>() {
            self.connect_one(cx, id);
        }
    }

    /// It ends, with all its connections, and another one begins. Source: `halt`, `createElectionAlgorithm`.
    pub fn restart(&mut self, cx: &mut Cx) -> ConnectionManager {
        cx.emit(Effect::Unlisten(Port::Election));
        if let Some(first) = self.handshakes.front() {
            cx.disarm(Timer::Handshake(first.conn));
        }
        let accepted = self.handshakes.iter().filter(|handshake| !handshake.closed).map(|handshake| handshake.conn);
        accepted.chain(self.owners.keys().copied()).for_each(|conn| cx.emit(Effect::Close(conn)));
        let mut forsaken = std::mem::take(&mut self.forsaken);
        self.peers.iter().filter(|(_, peer)| peer.dialling).for_each(|(id, _)| *forsaken.entry(*id).or_default() += 1);
        let anew = ConnectionManager { forsaken, ..ConnectionManager::new(self.me, self.config.clone()) };
        anew.listen(cx);
        anew
    }

    /// Whether a dial that has ended is one that nobody waits for.
    fn is_forsaken(&mut self, to: ServerId) -> bool {
        let Some(dials) = self.forsaken.get_mut(&to) else { return false };
        *dials -= 1;
        if *dials == 0 {
            self.forsaken.remove(&to);
        }
        true
    }

    /// Whether the server lists say where to find it.
    fn knows(&self, id: ServerId) -> bool {
        let lists = [Some(&self.config.membership), self.next.as_deref()];
        lists.into_iter().flatten().any(|membership| membership.members.contains_key(&id))
    }

    /// The listener starts.
    pub fn listen(&self, cx: &mut Cx) {
        cx.emit(Effect::Listen(Port::Election));
    }

    /// Queues a note for a server and sees to a connection. Source: `toSend`.
    pub fn to_send(&mut self, cx: &mut Cx, to: ServerId, note: Arc<Notification>) {
        if to == self.me {
            return self.add_to_receive_queue(cx, Received { sid: to, note });
        }
        let peer = self.peers.entry(to).or_default();
        let queue = peer.queue.get_or_insert_default();
        if queue.pop_front().is_some() {
            cx.note(Note::QueuedNoteReplaced { peer: to });
        }
        queue.push_back(note);
        if peer.worker.as_ref().is_some_and(|worker| !worker.blocked) {
            cx.wake(Stage::SendWorker(to));
        }
        self.connect_one(cx, to);
    }

    /// Whether at least one peer got all that was queued for it. Source: `haveDelivered`; false when nothing was ever queued.
    pub fn have_delivered(&self) -> bool {
        self.peers.values().filter_map(|peer| peer.queue.as_ref()).any(VecDeque::is_empty)
    }

    /// Dials everybody for whom there is a queue. Source: `connectAll`.
    pub fn connect_all(&mut self, cx: &mut Cx) {
        let peers: Vec<ServerId> = self.peers.iter().filter(|(_, peer)| peer.queue.is_some()).map(|(id, _)| *id).collect();
        for peer in peers {
            self.connect_one(cx, peer);
        }
    }

    /// The oldest received note.
    pub fn take_received(&mut self) -> Option<Received> {
        self.received.pop_front()
    }

    pub fn has_received(&self) -> bool {
        !self.received.is_empty()
    }

    /// Dials unless a sender exists or a dial is under way. Source: `connectOne`.
    fn connect_one(&mut self, cx: &mut Cx, to: ServerId) {
        if self.knows(to) {
            self.dial(cx, to);
        }
    }

    fn dial(&mut self, cx: &mut Cx, to: ServerId) {
        let dials = self.peers.values().filter(|peer| peer.dialling).count();
        let peer = self.peers.entry(to).or_default();
        if peer.worker.is_some() || peer.dialling {
            return;
        }
        if dials >= CONNECTION_THREADS {
            return cx.note(Note::PeerUnreachable { peer: to });
        }
        peer.dialling = true;
        cx.emit(Effect::Dial { to, port: Port::Election, timeout: self.config.cnx_timeout });
    }

    /// A dial went through: say who we are, and keep the connection only if our id is the larger one. Source: `startConnection`.
    pub fn on_connected(&mut self, cx: &mut Cx, to: ServerId, conn: ConnId) {
        if self.is_forsaken(to) {
            return cx.emit(Effect::Close(conn));
        }
        self.peers.entry(to).or_default().dialling = false;
        cx.send(conn, Packet::Initial { sid: self.me });
        if to > self.me {
            cx.note(Note::Knocked { peer: to });
            cx.emit(Effect::Close(conn));
        } else {
            self.start_workers(cx, to, conn);
        }
    }

    /// Nothing dials again by itself: the next note or `connect_all` does.
    pub fn on_dial_failed(&mut self, cx: &mut Cx, to: ServerId) {
        if self.is_forsaken(to) {
            return;
        }
        self.peers.entry(to).or_default().dialling = false;
        cx.note(Note::PeerUnreachable { peer: to });
    }

    pub fn on_accepted(&mut self, cx: &mut Cx, conn: ConnId) {
        self.handshakes.push_back(Handshake { conn, arrived: VecDeque::new(), closed: false });
        if self.handshakes.len() == 1 {
            cx.arm(Timer::Handshake(conn), self.config.handshake_time());
        }
    }

    pub fn on_packet(&mut self, cx: &mut Cx, conn: ConnId, packet: Packet) {
        if let Some(handshake) = self.handshakes.iter_mut().find(|handshake| handshake.conn == conn) {
            handshake.arrived.push_back(packet);
            return self.read_handshakes(cx);
        }
        if let (Some(sid), Packet::Notification(note)) = (self.owners.get(&conn).copied(), packet) {
            self.add_to_receive_queue(cx, Received { sid, note });
        }
    }

    /// Reads initial messages in the order of the connections, as far as they have arrived.
    fn read_handshakes(&mut self, cx: &mut Cx) {
        while self.handshakes.front().is_some_and(|first| first.closed || !first.arrived.is_empty()) {
            let Some(Handshake { conn, mut arrived, closed }) = self.finish_handshake(cx) else {
                return;
            };
            if let Some(Packet::Initial { sid }) = arrived.pop_front() {
                self.handle_connection(cx, sid, conn);
            }
            for packet in arrived {
                self.on_packet(cx, conn, packet);
            }
            if closed {
                self.on_closed(cx, conn);
            }
        }
    }

    /// The accept thread turns to the next connection.
    fn finish_handshake(&mut self, cx: &mut Cx) -> Option<Handshake> {
        let first = self.handshakes.pop_front()?;
        cx.disarm(Timer::Handshake(first.conn));
        if let Some(next) = self.handshakes.front() {
            cx.arm(Timer::Handshake(next.conn), self.config.handshake_time());
        }
        Some(first)
    }

    pub fn on_handshake_timeout(&mut self, cx: &mut Cx, conn: ConnId) {
        if self.handshakes.front().is_some_and(|first| first.conn == conn) {
            cx.note(Note::HandshakeTimedOut);
            cx.emit(Effect::Close(conn));
            self.finish_handshake(cx);
            self.read_handshakes(cx);
        }
    }

    /// Somebody told who it is: a larger id keeps its connection, a smaller one is dialled back. Source: `handleConnection`.
    fn handle_connection(&mut self, cx: &mut Cx, sid: ServerId, conn: ConnId) {
        if sid < self.me {
            self.finish_worker(cx, sid);
            cx.note(Note::DialsBack { peer: sid });
            cx.emit(Effect::Close(conn));
            // Its first message says where it is: it need not be in any list.
            self.dial(cx, sid);
        } else if sid > self.me {
            self.start_workers(cx, sid, conn);
        }
    }

    fn start_workers(&mut self, cx: &mut Cx, sid: ServerId, conn: ConnId) {
        let replaced = self.finish_worker(cx, sid);
        let peer = self.peers.entry(sid).or_default();
        peer.queue.get_or_insert_default();
        peer.worker = Some(SendWorker { conn, starting: true, blocked: false });
        self.owners.insert(conn, sid);
        cx.note(Note::PeerConnected { peer: sid, replaced });
        cx.wake(Stage::SendWorker(sid));
    }

    /// Closes the connection of the pair, if there is one. Source: `SendWorker.finish`.
    fn finish_worker(&mut self, cx: &mut Cx, sid: ServerId) -> bool {
        let Some(worker) = self.peers.entry(sid).or_default().worker.take() else {
            return false;
        };
        self.owners.remove(&worker.conn);
        cx.emit(Effect::Close(worker.conn));
        true
    }

    /// The connection ended: both its workers stop, and whatever its sender held is lost.
    pub fn on_closed(&mut self, cx: &mut Cx, conn: ConnId) {
        if let Some(handshake) = self.handshakes.iter_mut().find(|handshake| handshake.conn == conn) {
            handshake.closed = true;
            self.read_handshakes(cx);
        }
        if let Some(sid) = self.owners.remove(&conn) {
            self.peers.entry(sid).or_default().worker = None;
            cx.note(Note::PeerLost { peer: sid });
        }
    }

    /// A sender takes its next note; a fresh one with nothing to send repeats the last. Source: `SendWorker.run`.
    pub fn on_send_worker(&mut self, cx: &mut Cx, sid: ServerId) {
        let Some(peer) = self.peers.get_mut(&sid) else {
            return;
        };
        let (Some(worker), Some(queue)) = (&mut peer.worker, &mut peer.queue) else {
            return;
        };
        if worker.blocked {
            return;
        }
        let first = std::mem::take(&mut worker.starting);
        if let Some(note) = queue.pop_front() {
            peer.last_sent = Some(note.clone());
            cx.send(worker.conn, Packet::Notification(note));
        } else if let Some(last) = peer.last_sent.clone().filter(|_| first) {
            cx.note(Note::LastNoteResent { peer: sid });
            cx.send(worker.conn, Packet::Notification(last));
        }
    }

    pub fn on_window(&mut self, cx: &mut Cx, conn: ConnId, blocked: bool) {
        let Some(sid) = self.owners.get(&conn).copied() else {
            return;
        };
        if let Some(worker) = &mut self.peers.entry(sid).or_default().worker {
            worker.blocked = blocked;
            if !blocked {
                cx.wake(Stage::SendWorker(sid));
            }
        }
    }

    fn add_to_receive_queue(&mut self, cx: &mut Cx, received: Received) {
        if self.received.len() == RECV_CAPACITY
            && let Some(oldest) = self.received.pop_front()
        {
            cx.note(Note::ReceiveQueueOverflowed { dropped_from: oldest.sid });
        }
        self.received.push_back(received);
        cx.wake(Stage::WorkerReceiver);
    }
}
