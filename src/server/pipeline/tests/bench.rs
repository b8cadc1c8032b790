//! A pipeline on its own, its database, and what it did.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::actor::{Cx, Draw, Effect};
use crate::bugs::{Bug, Bugs};
use crate::proto::{
    Acl, AclList, Answer, ClientReply, ClientRequest, Config, ConnId, ConnectRequest, ConnectResponse, Membership, Micros, NodeId, Op, Packet, Port,
    Proposal, QuorumRequest, ServerId, SessionId, Stage, Timer, Txn, TxnHeader, WatcherEvent, Zxid, result_text,
};
use crate::server::pipeline::{Kind, Output, Pipeline};
use crate::trace::Note;
use crate::tree::Database;

pub const TICK: Micros = Micros::from_millis(200);

/// The timeout that all clients here ask for, within the limits of the tick, in milliseconds.
pub const TIMEOUT: i32 = 1_000;

/// The epoch of all transactions here.
pub const EPOCH: u32 = 1;

pub struct Bench {
    pub pipeline: Pipeline,
    pub db: Database,
    pub now: Micros,
    pub bugs: Bugs,
    /// What it did since the test last looked, but for packets and timers.
    effects: Vec<Effect>,
    /// What it sent on each connection since the test last looked.
    sent: BTreeMap<ConnId, Vec<Packet>>,
    closed: Vec<ConnId>,
    woken: Vec<Stage>,
    /// When each timer that is set runs out.
    pub timers: BTreeMap<Timer, Micros>,
    outputs: Vec<Output>,
    next_slot: u32,
}

/// Pipelines draw nothing.
struct NoChance;

impl Draw for NoChance {
    fn below(&mut self, _: u64) -> u64 {
        unreachable!("a pipeline draws nothing")
    }
}

pub fn config() -> Config {
    Config { tick_time: TICK, ..Config::new(Membership::of(3, 1)) }
}

pub fn zxid(counter: u32) -> Zxid {
    Zxid::new(EPOCH, counter)
}

pub fn open_acl() -> AclList {
    Arc::new([Acl { perms: 31, scheme: "world".into(), id: "anyone".into() }])
}

pub fn sync() -> Op {
    Op::Sync { path: "/".into() }
}

/// The connection of a learner's handler at the leader.
pub const fn handler(number: u32) -> ConnId {
    ConnId { slot: 1_000 + number, generation: 1 }
}

pub fn connect_request(session: SessionId, password: [u8; 16], last_zxid_seen: Zxid) -> ConnectRequest {
    ConnectRequest { last_zxid_seen, timeout: TIMEOUT, session, password, read_only: false }
}

impl Bench {
    pub fn new(kind: Kind) -> Bench {
        Bench::with(kind, config())
    }

    pub fn with(kind: Kind, config: Config) -> Bench {
        Bench::over(kind, config, Database::new(500), Micros::from_millis(50))
    }

    /// A leader whose first transaction gets the zxid after `first`.
    pub fn leading_from(first: Zxid) -> Bench {
        let mut db = Database::new(500);
        db.last_processed = first;
        Bench::over(Kind::Leader, config(), db, Micros::from_millis(50))
    }

    /// Server 1 starts to serve with this database.
    pub fn over(kind: Kind, config: Config, mut db: Database, now: Micros) -> Bench {
        db.last_processed = db.last_processed.max(zxid(0));
        let mut effects = Vec::new();
        let mut draw = NoChance;
        let mut cx = Cx::new(NodeId::server(1), now, now, Bugs::NONE, &mut draw, &mut effects);
        let pipeline = Pipeline::start(&mut cx, ServerId(1), Arc::new(config), kind, &db, db.last_processed);
        let mut bench = Bench {
            pipeline,
            db,
            now,
            bugs: Bugs::NONE,
            effects: Vec::new(),
            sent: BTreeMap::new(),
            closed: Vec::new(),
            woken: Vec::new(),
            timers: BTreeMap::new(),
            outputs: Vec::new(),
            next_slot: 0,
        };
        bench.sort(effects);
        bench
    }

    pub fn bug(mut self, bug: Bug) -> Bench {
        self.bugs = Bugs::from_iter([bug]);
        self
    }

    /// One call of the pipeline.
    pub fn act<T>(&mut self, step: impl FnOnce(&mut Pipeline, &mut Cx, &mut Database) -> T) -> T {
        let mut effects = Vec::new();
        let mut draw = NoChance;
        let mut cx = Cx::new(NodeId::server(1), self.now, self.now, self.bugs, &mut draw, &mut effects);
        let result = step(&mut self.pipeline, &mut cx, &mut self.db);
        self.outputs.extend(std::iter::from_fn(|| self.pipeline.next_output()));
        self.sort(effects);
        result
    }

    fn sort(&mut self, effects: Vec<Effect>) {
        for effect in effects {
            match effect {
                Effect::Send { conn, packet } => {
                    assert!(!self.closed.contains(&conn), "{packet} is sent on a closed connection");
                    self.sent.entry(conn).or_default().push(packet);
                }
                Effect::Close(conn) => {
                    assert!(!self.timers.contains_key(&Timer::ClientRead(conn)), "a timer of a closed connection is set");
                    self.closed.push(conn);
                }
                Effect::Arm { timer, after } => drop(self.timers.insert(timer, self.now + after)),
                Effect::Disarm(timer) => drop(self.timers.remove(&timer)),
                Effect::Wake(stage) if self.woken.contains(&stage) => {}
                Effect::Wake(stage) => self.woken.push(stage),
                other => self.effects.push(other),
            }
        }
    }

    /// The notes since the last call.
    pub fn notes(&mut self) -> Vec<Note> {
        let effects = std::mem::take(&mut self.effects);
        effects.into_iter().filter_map(|effect| if let Effect::Note(note) = effect { Some(note) } else { None }).collect()
    }

    /// Ports that it began to listen on (true) or left since the last call of this or [`Bench::notes`].
    pub fn listening(&mut self) -> Vec<(Port, bool)> {
        let told = std::mem::take(&mut self.effects);
        told.into_iter()
            .filter_map(|effect| match effect {
                Effect::Listen(port) => Some((port, true)),
                Effect::Unlisten(port) => Some((port, false)),
                _ => None,
            })
            .collect()
    }

    pub fn outputs(&mut self) -> Vec<Output> {
        std::mem::take(&mut self.outputs)
    }

    /// What it proposed since the last call of this or [`Bench::outputs`]; the rest is dropped.
    pub fn proposed(&mut self) -> Vec<Arc<Proposal>> {
        self.outputs().into_iter().filter_map(|output| if let Output::Propose(proposal) = output { Some(proposal) } else { None }).collect()
    }

    /// What it forwarded since the last call of this or [`Bench::outputs`]; the rest is dropped.
    pub fn forwarded(&mut self) -> Vec<Arc<QuorumRequest>> {
        self.outputs().into_iter().filter_map(|output| if let Output::Forward(request) = output { Some(request) } else { None }).collect()
    }

    pub fn is_woken(&self, stage: Stage) -> bool {
        self.woken.contains(&stage)
    }

    /// A stage that it asked for comes.
    pub fn stage(&mut self, stage: Stage) {
        let asked = self.woken.iter().position(|woken| *woken == stage).unwrap_or_else(|| panic!("{stage} was not asked for"));
        self.woken.remove(asked);
        self.act(|pipeline, cx, db| pipeline.on_stage(cx, db, stage));
    }

    /// All stages that it asks for come, until it asks for none.
    pub fn settle(&mut self) {
        while let Some(stage) = self.woken.first().copied() {
            self.stage(stage);
        }
    }

    /// A client dials.
    pub fn dial(&mut self) -> ConnId {
        let conn = ConnId { slot: self.next_slot, generation: 1 };
        self.next_slot += 1;
        self.act(|pipeline, cx, _| pipeline.on_accepted(cx, conn));
        conn
    }

    /// A packet of a client arrives.
    pub fn hear(&mut self, conn: ConnId, packet: Packet) {
        self.act(|pipeline, cx, db| pipeline.on_packet(cx, db, conn, packet));
    }

    /// A client dials and says what it wants.
    pub fn connect(&mut self, request: ConnectRequest) -> ConnId {
        let conn = self.dial();
        self.hear(conn, Packet::ConnectRequest(Arc::new(request)));
        conn
    }

    /// A client gets a new session; what happened on the way is dropped. On a learner the test stands in for the leader.
    pub fn client(&mut self) -> (ConnId, SessionId) {
        let conn = self.connect(connect_request(SessionId::NONE, [0; 16], Zxid::ZERO));
        self.settle();
        for output in self.outputs() {
            match output {
                Output::Propose(proposal) => self.commit(proposal),
                Output::Forward(request) => {
                    let next = Zxid(self.db.last_processed.0 + 1);
                    self.commits(next, request.session, request.cxid, Txn::CreateSession { timeout: TIMEOUT });
                }
                other => panic!("{other:?} on the way to a session"),
            }
        }
        self.settle();
        let response = self.welcome(conn).expect("the session is created");
        assert_eq!(response.timeout, TIMEOUT);
        self.outputs.clear();
        self.effects.clear();
        (conn, response.session)
    }

    /// The answer to a ConnectRequest, if it came.
    pub fn welcome(&mut self, conn: ConnId) -> Option<ConnectResponse> {
        match self.sent.remove(&conn)?.as_slice() {
            [Packet::ConnectResponse(response)] => Some((**response).clone()),
            other => panic!("{other:?} instead of one answer to ConnectRequest"),
        }
    }

    /// A client asks.
    pub fn ask(&mut self, conn: ConnId, xid: i32, op: Op) {
        self.hear(conn, Packet::ClientRequest(Arc::new(ClientRequest { xid, op })));
    }

    /// A learner's request arrives at the leader.
    pub fn submit(&mut self, handler: ConnId, session: SessionId, cxid: i32, op: Op) {
        self.act(|pipeline, cx, _| pipeline.submit(cx, handler, Arc::new(QuorumRequest { session, cxid, op, auth: Arc::new([]) })));
    }

    /// The rest of the server says that a transaction is committed.
    pub fn commit(&mut self, proposal: Arc<Proposal>) {
        self.act(|pipeline, cx, _| pipeline.commit(cx, proposal));
    }

    /// The same, of a transaction made here.
    pub fn commits(&mut self, zxid: Zxid, session: SessionId, cxid: i32, txn: Txn) {
        self.commit(Proposal::new(TxnHeader { session, cxid, zxid, time: 7 }, txn));
    }

    /// Whatever was sent on a connection since the last call.
    pub fn packets(&mut self, conn: ConnId) -> Vec<String> {
        self.sent.remove(&conn).unwrap_or_default().iter().map(Packet::to_string).collect()
    }

    /// The replies on a connection since the last call.
    pub fn replies(&mut self, conn: ConnId) -> Vec<ClientReply> {
        let packets = self.sent.remove(&conn).unwrap_or_default();
        let reply = |packet| if let Packet::ClientReply(reply) = packet { (*reply).clone() } else { panic!("{packet} is no reply") };
        packets.into_iter().map(reply).collect()
    }

    /// What came on a connection since the last call: events as `NodeCreated /a`, replies as `xid: result`.
    pub fn heard(&mut self, conn: ConnId) -> Vec<String> {
        let packets = self.sent.remove(&conn).unwrap_or_default();
        let told = |packet| match packet {
            Packet::ClientReply(reply) => format!("{}: {}", reply.xid, result_text(&reply.result)),
            Packet::WatcherEvent(event) => event.to_string(),
            other => panic!("{other} to a client that has its session"),
        };
        packets.into_iter().map(told).collect()
    }

    /// The events on a connection since the last call of this or [`Bench::heard`]. There was nothing else.
    pub fn events(&mut self, conn: ConnId) -> Vec<WatcherEvent> {
        let packets = self.sent.remove(&conn).unwrap_or_default();
        let event = |packet| if let Packet::WatcherEvent(event) = packet { (*event).clone() } else { panic!("{packet} is no event") };
        packets.into_iter().map(event).collect()
    }

    /// As [`Bench::replies`], each as `xid zxid result`.
    pub fn told(&mut self, conn: ConnId) -> Vec<String> {
        self.replies(conn).iter().map(|reply| format!("{} {} {}", reply.xid, reply.zxid, result_text(&reply.result))).collect()
    }

    /// Leader: one client's request, from arrival to reply, with everything that was proposed committed at once.
    pub fn does(&mut self, conn: ConnId, op: Op) -> String {
        self.ask(conn, 9, op);
        self.settle();
        for proposal in self.proposed() {
            self.commit(proposal);
        }
        self.settle();
        match self.replies(conn).as_slice() {
            [reply] => result_text(&reply.result),
            other => panic!("{other:?} instead of one reply"),
        }
    }

    /// Whether it closed its end of a connection.
    pub fn has_closed(&self, conn: ConnId) -> bool {
        self.closed.contains(&conn)
    }

    /// Time passes; timers that run out on the way do.
    pub fn pass_until(&mut self, until: Micros) {
        while let Some((timer, due)) =
            self.timers.iter().map(|(timer, due)| (*timer, *due)).min_by_key(|(_, due)| *due).filter(|(_, due)| *due <= until)
        {
            self.now = self.now.max(due);
            self.timers.remove(&timer);
            self.act(|pipeline, cx, db| pipeline.on_timer(cx, db, timer));
        }
        self.now = until;
    }

    /// The data of a node, as text.
    pub fn data(&self, path: &str) -> Option<String> {
        let node = self.db.tree().get(path)?;
        Some(String::from_utf8_lossy(node.data.as_deref().unwrap_or_default()).into_owned())
    }
}

/// A reply's stat.
pub fn stat_of(reply: &ClientReply) -> crate::proto::Stat {
    match &reply.result {
        Ok(Answer::Stat(stat) | Answer::Data { stat, .. }) => *stat,
        other => panic!("{other:?} has no stat"),
    }
}
