//! The toy workload: five servers, five clients with one request outstanding each.
//!
//! Request to the leader, a proposal to each of four followers, their acks; at the second ack the reply and a commit to each follower.
//! That is 14 messages a request, each 1 to 10 virtual ms on its way. The actors do nothing else, so what is measured is the kernel.

use zoolab::actor::{Actor, Cx, Effect, Input};
use zoolab::proto::{ConnId, Micros, NodeId, Packet, Port, QuorumKind, ServerId, Zxid};
use zoolab::sim::{Clock, NodeConfig, Stepped, World};

pub const CLIENTS: u64 = 5;
pub const FOLLOWERS: u64 = 4;
/// Request, proposals, acks, reply, commits.
pub const MESSAGES_PER_REQUEST: u64 = 1 + 3 * FOLLOWERS + 1;

const LEADER: ServerId = ServerId(1);
const NOWHERE: ConnId = ConnId { slot: u32::MAX, generation: 0 };
/// When the clients start: by then all followers are connected.
const CLIENTS_START: Micros = Micros::from_secs(1);

/// A request's number tells its client: `number % CLIENTS`.
pub fn client_of(number: u64) -> usize {
    (number % CLIENTS) as usize
}

/// Acks that the leader has for the request in progress of each client.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    /// Number and acks of each client's request.
    outstanding: [(u64, u8); CLIENTS as usize],
    /// Requests committed so far.
    pub committed: u64,
}

impl Tally {
    pub fn propose(&mut self, number: u64) {
        self.outstanding[client_of(number)] = (number, 0);
    }

    /// True at the second ack: with the leader's own log that is a majority.
    pub fn ack(&mut self, number: u64) -> bool {
        let (outstanding, acks) = &mut self.outstanding[client_of(number)];
        if *outstanding != number {
            return false;
        }
        *acks += 1;
        self.committed += u64::from(*acks == 2);
        *acks == 2
    }
}

#[derive(Clone, Debug)]
pub enum Toy {
    Leader {
        followers: Vec<ConnId>,
        clients: [ConnId; CLIENTS as usize],
        tally: Tally,
    },
    Follower,
    /// `number` of its first request.
    Client {
        number: u64,
    },
}

impl Actor for Toy {
    fn step(&mut self, cx: &mut Cx, input: Input) {
        match input {
            Input::Packet { conn, packet: Packet::Quorum { kind, zxid, .. } } => self.on_packet(cx, conn, kind, zxid.0 as u64),
            Input::Boot => self.boot(cx),
            Input::Accepted { conn, port: Port::Quorum } => {
                if let Toy::Leader { followers, .. } = self {
                    followers.push(conn);
                }
            }
            Input::Connected { conn, .. } => {
                if let Toy::Client { number } = self {
                    cx.send(conn, packet(QuorumKind::Request, *number));
                }
            }
            _ => {}
        }
    }
}

impl Toy {
    fn boot(&self, cx: &mut Cx) {
        let dial = |port| Effect::Dial { to: LEADER, port, timeout: Micros::from_secs(1) };
        match self {
            Toy::Leader { .. } => [Port::Quorum, Port::Client].into_iter().for_each(|port| cx.emit(Effect::Listen(port))),
            Toy::Follower => cx.emit(dial(Port::Quorum)),
            Toy::Client { .. } => cx.emit(dial(Port::Client)),
        }
    }

    fn on_packet(&mut self, cx: &mut Cx, conn: ConnId, kind: QuorumKind, number: u64) {
        match (self, kind) {
            (Toy::Leader { followers, clients, tally }, QuorumKind::Request) => {
                clients[client_of(number)] = conn;
                tally.propose(number);
                followers.iter().for_each(|follower| cx.send(*follower, packet(QuorumKind::Proposal, number)));
            }
            (Toy::Leader { followers, clients, tally }, QuorumKind::Ack) => {
                let committed = tally.ack(number);
                if committed {
                    cx.send(clients[client_of(number)], packet(REPLY, number));
                    followers.iter().for_each(|follower| cx.send(*follower, packet(QuorumKind::Commit, number)));
                }
            }
            (Toy::Follower, QuorumKind::Proposal) => cx.send(conn, packet(QuorumKind::Ack, number)),
            (Toy::Client { .. }, REPLY) => cx.send(conn, packet(QuorumKind::Request, number + CLIENTS)),
            _ => {}
        }
    }
}

/// The kernel has no reply yet; any kind of the same size will do.
const REPLY: QuorumKind = QuorumKind::Ping;

fn packet(kind: QuorumKind, number: u64) -> Packet {
    Packet::quorum(kind, Zxid(number as i64))
}

/// The workload under way: all connections are open and the first requests are about to leave.
pub fn world(seed: u64) -> World<Toy> {
    let node = |id, program, start| NodeConfig { id, program, start: Some(start), clock: Clock::new(0, 0) };
    let leader = Toy::Leader { followers: Vec::new(), clients: [NOWHERE; CLIENTS as usize], tally: Tally::default() };
    let mut nodes = vec![node(NodeId::Server(LEADER), leader, Micros::ZERO)];
    nodes.extend((0..FOLLOWERS).map(|follower| node(NodeId::server(LEADER.0 + 1 + follower as i64), Toy::Follower, Micros::ZERO)));
    // Numbers start at CLIENTS, since the tally is blank with zeros.
    nodes.extend((0..CLIENTS).map(|client| node(NodeId::Client(client as u32 + 1), Toy::Client { number: CLIENTS + client }, CLIENTS_START)));
    let mut world = World::new(super::world_config(seed), nodes);
    assert_eq!(world.run_until(CLIENTS_START), Stepped::Fired);
    world
}

pub fn requests(world: &World<Toy>) -> u64 {
    match world.actor(NodeId::Server(LEADER)) {
        Some(Toy::Leader { tally, .. }) => tally.committed,
        other => unreachable!("the leader never stops: {other:?}"),
    }
}
