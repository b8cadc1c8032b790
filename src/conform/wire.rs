//! A client that is nothing but its connection: packets out, packets in. Unlike [`crate::client`] it neither checks what it is told to ask nor
//! does anything by itself, so that what a server makes of a request is seen as it is.

use std::collections::VecDeque;
use std::sync::Arc;

use crate::actor::{Actor, Cx, Effect, Input};
use crate::proto::{ClientRequest, ConnId, ConnectRequest, Micros, Op, Packet, Port, ServerId, SessionId, Zxid};
use crate::server::Server;

/// Who takes part: the servers, and one wire for each session.
#[derive(Clone, Debug)]
#[expect(clippy::large_enum_variant, reason = "as in scenario::Process: a box would cost each step of a server a detour")]
pub enum Party {
    Server(Server),
    Wire(Wire),
}

/// How long a dial may take.
const DIAL_TIMEOUT: Micros = Micros::from_secs(5);

/// One session's way to a server.
#[derive(Clone, Debug, Default)]
pub struct Wire {
    way: Way,
    /// Where it went last.
    server: Option<ServerId>,
    /// [`SessionId::NONE`] until a server gave one.
    pub session: SessionId,
    password: [u8; 16],
    /// Counts up on a connection.
    xid: i32,
    /// What came on the present connection and nobody took yet.
    inbox: VecDeque<Packet>,
}

#[derive(Clone, Debug, Default)]
enum Way {
    /// There is none, or none any more.
    #[default]
    Gone,
    /// The greeting goes out when the dial succeeds.
    Dialling(ConnectRequest),
    Greeting(ConnId),
    Open(ConnId),
}

/// Where the way to the server stands, for who waits for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    Gone,
    Connecting,
    Open,
}

impl Wire {
    pub fn standing(&self) -> Standing {
        match self.way {
            Way::Gone => Standing::Gone,
            Way::Dialling(_) | Way::Greeting(_) => Standing::Connecting,
            Way::Open(_) => Standing::Open,
        }
    }

    /// The connection that requests go out on.
    pub fn connection(&self) -> Option<ConnId> {
        if let Way::Open(conn) = self.way { Some(conn) } else { None }
    }

    /// The server that it went to last.
    pub fn server(&self) -> Option<ServerId> {
        self.server
    }

    /// Goes to a server, with its session if it has one; `seen` is what it says it knows of. What was there before is cut.
    pub fn dial(&mut self, cx: &mut Cx, to: ServerId, timeout: Micros, seen: Zxid) {
        self.hang_up(cx);
        (self.xid, self.server) = (0, Some(to));
        let timeout = i32::try_from(timeout.0 / 1_000).unwrap_or(i32::MAX);
        self.way = Way::Dialling(ConnectRequest { last_zxid_seen: seen, timeout, session: self.session, password: self.password, read_only: false });
        cx.emit(Effect::Dial { to, port: Port::Client, timeout: DIAL_TIMEOUT });
    }

    /// Cuts the connection, if there is one. What nobody took is lost.
    pub fn hang_up(&mut self, cx: &mut Cx) {
        if let Way::Greeting(conn) | Way::Open(conn) = self.way {
            cx.emit(Effect::Close(conn));
        }
        self.way = Way::Gone;
        self.inbox.clear();
    }

    /// Sends a request, under the next number or one that means something. Its number; `None` when there is no connection.
    pub fn send(&mut self, cx: &mut Cx, xid: Option<i32>, op: Op) -> Option<i32> {
        let conn = self.connection()?;
        let xid = xid.unwrap_or_else(|| {
            self.xid += 1;
            self.xid
        });
        cx.send(conn, Packet::ClientRequest(Arc::new(ClientRequest { xid, op })));
        Some(xid)
    }

    /// Whether the server said anything that nobody took.
    pub fn has_mail(&self) -> bool {
        !self.inbox.is_empty()
    }

    /// The next thing that the server said.
    pub fn take(&mut self) -> Option<Packet> {
        self.inbox.pop_front()
    }

    fn on_packet(&mut self, cx: &mut Cx, conn: ConnId, packet: Packet) {
        match (&self.way, packet) {
            (Way::Greeting(mine), Packet::ConnectResponse(response)) if *mine == conn => {
                if response.timeout <= 0 {
                    return self.hang_up(cx);
                }
                (self.session, self.password, self.way) = (response.session, response.password, Way::Open(conn));
            }
            (Way::Open(mine), packet) if *mine == conn => self.inbox.push_back(packet),
            _ => {}
        }
    }
}

impl Actor for Party {
    fn step(&mut self, cx: &mut Cx, input: Input) {
        match self {
            Party::Server(server) => server.step(cx, input),
            Party::Wire(wire) => wire.step(cx, input),
        }
    }
}

impl Actor for Wire {
    fn step(&mut self, cx: &mut Cx, input: Input) {
        match input {
            Input::Connected { conn, .. } => match std::mem::take(&mut self.way) {
                Way::Dialling(request) => {
                    self.way = Way::Greeting(conn);
                    cx.send(conn, Packet::ConnectRequest(Arc::new(request)));
                }
                other => {
                    self.way = other;
                    cx.emit(Effect::Close(conn));
                }
            },
            Input::DialFailed { .. } if matches!(self.way, Way::Dialling(_)) => self.way = Way::Gone,
            Input::Packet { conn, packet } => self.on_packet(cx, conn, packet),
            // What came before the end can still be read.
            Input::Closed { conn, .. } if matches!(self.way, Way::Greeting(mine) | Way::Open(mine) if mine == conn) => self.way = Way::Gone,
            _ => {}
        }
    }
}
