//! A client that is nothing but a loop: it connects, writes, waits for the answer, writes again.

use std::sync::Arc;

use zoolab::actor::{Actor, Cx, Effect, Input};
use zoolab::proto::{
    Acl, AclList, Answer, Bytes, ClientRequest, ConnId, ConnectRequest, CreateMode, Micros, NodeId, Op, Packet, Port, ServerId, SessionId, Timer,
    Zxid,
};
use zoolab::server::Server;

/// A node of an ensemble with clients.
#[derive(Clone)]
pub enum Process {
    Server(Box<Server>),
    Writer(Box<Writer>),
}

impl Actor for Process {
    fn step(&mut self, cx: &mut Cx, input: Input) {
        match self {
            Process::Server(server) => server.step(cx, input),
            Process::Writer(writer) => writer.step(cx, input),
        }
    }
}

/// Sets its own node to one number after the other.
#[derive(Clone)]
pub struct Writer {
    /// Servers that it tries in turn.
    servers: Vec<ServerId>,
    tries: usize,
    conn: Option<ConnId>,
    session: SessionId,
    password: [u8; 16],
    last_zxid: Zxid,
    xid: i32,
    is_created: bool,
    acl: AclList,
    /// The number that is being written.
    number: u64,
    /// Numbers whose write was acknowledged, with its zxid.
    pub acked: Vec<(u64, Zxid)>,
    /// How many acknowledgements it wants.
    wanted: usize,
    /// Pause between two writes.
    pause: Micros,
}

const SESSION_TIMEOUT_MS: i32 = 4_000;

impl Writer {
    pub fn new(servers: &[i64], wanted: usize, pause: Micros) -> Writer {
        let open = Acl { perms: 31, scheme: "world".into(), id: "anyone".into() };
        Writer {
            servers: servers.iter().copied().map(ServerId).collect(),
            tries: 0,
            conn: None,
            session: SessionId::NONE,
            password: [0; 16],
            last_zxid: Zxid::ZERO,
            xid: 0,
            is_created: false,
            acl: Arc::from([open]),
            number: 0,
            acked: Vec::new(),
            wanted,
            pause,
        }
    }

    fn dial(&mut self, cx: &mut Cx) {
        let to = self.servers[self.tries % self.servers.len()];
        self.tries += 1;
        cx.emit(Effect::Dial { to, port: Port::Client, timeout: Micros::from_secs(1) });
    }

    fn write(&mut self, cx: &mut Cx) {
        let Some(conn) = self.conn.filter(|_| self.acked.len() < self.wanted) else {
            return;
        };
        self.xid += 1;
        let NodeId::Client(me) = cx.me else { return };
        let path = format!("/c{me}").into();
        let data: Option<Bytes> = Some(self.number.to_string().into_bytes().into());
        let op =
            if self.is_created { Op::SetData { path, data, version: -1 } } else { Op::create(path, data, self.acl.clone(), CreateMode::Persistent) };
        cx.send(conn, Packet::ClientRequest(Arc::new(ClientRequest { xid: self.xid, op })));
    }

    fn on_packet(&mut self, cx: &mut Cx, packet: &Packet) {
        match packet {
            Packet::ConnectResponse(response) => {
                self.session = if response.timeout > 0 { response.session } else { SessionId::NONE };
                self.password = response.password;
                cx.arm(Timer::ClientPing, Micros::from_millis(1_000));
                self.write(cx);
            }
            Packet::ClientReply(reply) if reply.xid == self.xid => {
                self.last_zxid = reply.zxid;
                self.is_created = true;
                if let Ok(Answer::Stat(_) | Answer::Created(_)) = reply.result {
                    self.acked.push((self.number, reply.zxid));
                }
                self.number += 1;
                if self.pause == Micros::ZERO { self.write(cx) } else { cx.arm(Timer::Workload(0), self.pause) }
            }
            _ => {}
        }
    }
}

impl Actor for Writer {
    fn step(&mut self, cx: &mut Cx, input: Input) {
        match input {
            Input::Boot => self.dial(cx),
            Input::Connected { conn, .. } => {
                self.conn = Some(conn);
                let (session, password, last_zxid_seen) = (self.session, self.password, self.last_zxid);
                let request = ConnectRequest { last_zxid_seen, timeout: SESSION_TIMEOUT_MS, session, password, read_only: false };
                cx.send(conn, Packet::ConnectRequest(Arc::new(request)));
            }
            Input::DialFailed { .. } => cx.arm(Timer::Reconnect, Micros::from_millis(200)),
            Input::Closed { conn, .. } if self.conn == Some(conn) => {
                self.conn = None;
                // What was asked for may have been done: another number next.
                self.number += 1;
                cx.disarm(Timer::ClientPing);
                cx.arm(Timer::Reconnect, Micros::from_millis(200));
            }
            Input::Timer(Timer::Reconnect) => self.dial(cx),
            Input::Timer(Timer::Workload(_)) => self.write(cx),
            Input::Timer(Timer::ClientPing) => {
                if let Some(conn) = self.conn {
                    cx.send(conn, Packet::ClientRequest(Arc::new(ClientRequest { xid: -2, op: Op::Ping })));
                    cx.arm(Timer::ClientPing, Micros::from_millis(1_000));
                }
            }
            Input::Packet { packet, .. } => self.on_packet(cx, &packet),
            _ => {}
        }
    }
}
