use std::collections::BTreeMap;
use std::sync::Arc;

use crate::actor::{Actor, Cx, Draw, Effect, Input};
use crate::bugs::Bugs;
use crate::client::{Client, Hosts, Program, Workload};
use crate::proto::{
    Answer, Claim, Claimed, ClientReply, CloseReason, Command, ConnId, ConnectRequest, ConnectResponse, DialError, ErrorCode, Membership, Micros,
    NodeId, Op, Packet, Port, ServerId, SessionId, Stage, Timer, Zxid,
};
use crate::trace::Note;

pub const SESSION: SessionId = SessionId(0x300_0000_0000_0001);
pub const PASSWORD: [u8; 16] = [7; 16];

/// The connection on which it asks for a server with a leader.
pub const SEARCH: ConnId = ConnId { slot: 1, generation: 0 };

pub fn ms(millis: u64) -> Micros {
    Micros::from_millis(millis)
}

/// Client c1 of three servers with nothing around it. It asks for a timeout of 6 s: 2 s to connect, 4 s to read, pings after 2 s, 8 s until
/// it gives up.
pub struct Lone {
    pub client: Client,
    pub now: Micros,
    chance: Fixed,
    timers: BTreeMap<Timer, Micros>,
    /// The event thread is to be woken.
    is_awake: bool,
    dial: Option<(ServerId, Micros)>,
    conn: ConnId,
    /// What it did since the test last looked.
    pub sent: Vec<Packet>,
    pub notes: Vec<(Micros, Note)>,
    pub is_hung_up: bool,
    /// It closed [`SEARCH`].
    pub is_search_over: bool,
}

/// Every draw gives this, or the largest possible number below it.
struct Fixed(u64);

impl Draw for Fixed {
    fn below(&mut self, bound: u64) -> u64 {
        self.0.min(bound.saturating_sub(1))
    }
}

impl Lone {
    pub fn new() -> Lone {
        Lone::with(|_| {})
    }

    /// Its program, changed.
    pub fn with(change: impl FnOnce(&mut Program)) -> Lone {
        let members = Arc::new(Membership::of(3, 0));
        let mut program = Program {
            members,
            hosts: Hosts::From(ServerId(3)),
            timeout: ms(6_000),
            gives_up: true,
            read_only: false,
            resets_watches: true,
            packet_max: 1_000,
            workloads: Vec::new(),
        };
        change(&mut program);
        let mut lone = Lone {
            client: Client::new(program),
            now: Micros::ZERO,
            chance: Fixed(250),
            timers: BTreeMap::new(),
            is_awake: false,
            dial: None,
            conn: ConnId { slot: 0, generation: 0 },
            sent: Vec::new(),
            notes: Vec::new(),
            is_hung_up: false,
            is_search_over: false,
        };
        lone.step(Input::Boot);
        lone
    }

    pub fn working(load: Workload) -> Lone {
        Lone::with(|program| program.workloads = vec![(0, Arc::new(load))])
    }

    pub fn step(&mut self, input: Input) {
        let mut effects = Vec::new();
        let mut cx = Cx::new(NodeId::Client(1), self.now, self.now, Bugs::NONE, &mut self.chance, &mut effects);
        self.client.step(&mut cx, input);
        for effect in effects {
            match effect {
                Effect::Arm { timer, after } => drop(self.timers.insert(timer, self.now + after)),
                Effect::Disarm(timer) => drop(self.timers.remove(&timer)),
                Effect::Wake(Stage::EventThread) => self.is_awake = true,
                Effect::Note(note) => self.notes.push((self.now, note)),
                Effect::Dial { to, port: Port::Client, timeout } => assert_eq!(self.dial.replace((to, timeout)), None, "one dial at a time"),
                Effect::Send { conn, packet } => {
                    assert!(conn == self.conn || conn == SEARCH, "{conn:?}");
                    self.sent.push(packet);
                }
                Effect::Close(SEARCH) => self.is_search_over = true,
                Effect::Close(conn) => {
                    assert_eq!(conn, self.conn);
                    self.is_hung_up = true;
                }
                other => panic!("a client does not ask for {other:?}"),
            }
        }
    }

    /// Time passes and timers run out, those of one instant in their order; the event thread runs whenever it is woken.
    pub fn waits_until(&mut self, until: Micros) {
        self.runs_callbacks();
        while let Some((timer, at)) = self.timers.iter().map(|(timer, at)| (*timer, *at)).min_by_key(|(_, at)| *at).filter(|(_, at)| *at <= until) {
            self.timers.remove(&timer);
            self.now = self.now.max(at);
            self.step(Input::Timer(timer));
            self.runs_callbacks();
        }
        self.now = until;
    }

    pub fn waits(&mut self, time: Micros) {
        self.waits_until(self.now + time);
    }

    pub fn runs_callbacks(&mut self) {
        while std::mem::take(&mut self.is_awake) {
            self.step(Input::Stage(Stage::EventThread));
        }
    }

    /// Whom it dials, and how long that may take.
    pub fn dialled(&self) -> Option<(i64, Micros)> {
        self.dial.map(|(to, timeout)| (to.0, timeout))
    }

    pub fn is_refused(&mut self) {
        let (to, _) = self.dial.take().expect("it dials");
        self.step(Input::DialFailed { to, port: Port::Client, why: DialError::Refused });
    }

    /// The dial gets no answer.
    pub fn is_ignored(&mut self) {
        let (to, timeout) = self.dial.take().expect("it dials");
        self.waits(timeout);
        self.step(Input::DialFailed { to, port: Port::Client, why: DialError::TimedOut });
    }

    /// The dial succeeds. Returns what the client says first; what it said before is forgotten.
    pub fn is_accepted(&mut self) -> ConnectRequest {
        self.sent.clear();
        let (to, _) = self.dial.take().expect("it dials");
        self.conn.generation += 1;
        self.is_hung_up = false;
        self.step(Input::Connected { to, port: Port::Client, conn: self.conn });
        match self.sent.pop() {
            Some(Packet::ConnectRequest(request)) if self.sent.is_empty() => ConnectRequest::clone(&request),
            other => panic!("a client begins with a ConnectRequest, not with {other:?}"),
        }
    }

    /// The server gives it the session, with this timeout in milliseconds; zero: it has expired.
    pub fn is_answered(&mut self, timeout: i32) {
        let (session, password) = if timeout > 0 { (SESSION, PASSWORD) } else { (SessionId::NONE, [0; 16]) };
        self.receives(Packet::ConnectResponse(Arc::new(ConnectResponse { timeout, session, password, read_only: false })));
    }

    /// A server that has no leader gives it a session of its own.
    pub fn is_let_read(&mut self) {
        let response = ConnectResponse { timeout: 6_000, session: SESSION, password: PASSWORD, read_only: true };
        self.receives(Packet::ConnectResponse(Arc::new(response)));
    }

    /// The dial of its search succeeds.
    pub fn asks_around(&mut self) -> i64 {
        let (to, _) = self.dial.take().expect("it dials");
        self.is_search_over = false;
        self.step(Input::Connected { to, port: Port::Client, conn: SEARCH });
        to.0
    }

    /// All of that.
    pub fn connects(&mut self) {
        self.is_accepted();
        self.is_answered(6_000);
    }

    pub fn receives(&mut self, packet: Packet) {
        self.step(Input::Packet { conn: self.conn, packet });
    }

    pub fn replies(&mut self, xid: i32, zxid: Zxid, result: Result<Answer, ErrorCode>) {
        self.receives(Packet::ClientReply(Arc::new(ClientReply { xid, zxid, result })));
    }

    pub fn is_closed(&mut self) {
        self.step(Input::Closed { conn: self.conn, why: CloseReason::Finished });
    }

    pub fn is_asked(&mut self, op: Op) {
        self.step(Input::Command(Command::Request(op)));
    }

    pub fn is_sent_to(&mut self, server: i64) {
        self.step(Input::Command(Command::Connect { server: Some(ServerId(server)), claim: None }));
    }

    /// It shall go on with this session.
    pub fn claims(&mut self, session: SessionId) {
        let claim = Some(Claim { of: Claimed::Session(session), password: Some([9; 16]) });
        self.step(Input::Command(Command::Connect { server: Some(ServerId(1)), claim }));
    }

    pub fn window(&mut self, is_open: bool) {
        let conn = self.conn;
        self.step(if is_open { Input::WindowOpen { conn } } else { Input::WindowFull { conn } });
    }

    /// What it sent since the last call: `1 get /a`, `-2 ping`.
    pub fn says(&mut self) -> Vec<String> {
        let sent = std::mem::take(&mut self.sent);
        sent.iter().map(|packet| if let Packet::ClientRequest(it) = packet { format!("{} {}", it.xid, it.op) } else { packet.to_string() }).collect()
    }

    /// What its user was told since the last call, with the milliseconds at which: `0 is answered: Ok (zxid 1:1)`. Questions are left out.
    pub fn tells(&mut self) -> Vec<String> {
        let notes = std::mem::take(&mut self.notes);
        let told = notes.into_iter().filter(|(_, note)| !matches!(note, Note::Called { .. }));
        told.map(|(at, note)| format!("{} {note}", at.0 / 1_000)).collect()
    }
}
