//! Histories of a service that never errs: one process, many clients, each with one request at a time.
//!
//! Written for itself: it shares no line with the model that it is held against. It keeps registers and a queue of numbered nodes, and of each
//! register what it was at any time, so that reads may show the past as a follower's do.

use std::collections::VecDeque;
use std::sync::Arc;

use zoolab::check::{Answered, Asked, KnownOrder, Logged, Violation};
use zoolab::proto::{
    Acl, Answer, ClientReply, ClientRequest, Config, CreateForm, CreateMode, ErrorCode, Membership, Micros, Op, Path, Proposal, ServerId, SessionId,
    Stat, Txn, TxnHeader, Zxid,
};

/// What happens, in order.
#[derive(Clone, Debug)]
pub enum Step {
    Asked(SessionId, Asked),
    Answered(SessionId, Answered),
    Logged(Logged),
}

/// How large a history is to be.
#[derive(Clone, Copy, Debug)]
pub struct Size {
    pub clients: u32,
    pub operations: u32,
    pub registers: u32,
    pub seed: u64,
}

/// A node as it was from a zxid on.
#[derive(Clone, Debug)]
struct Register {
    path: Path,
    versions: Vec<(Zxid, Arc<[u8]>, Stat)>,
}

struct Client {
    session: SessionId,
    xid: i32,
    /// The last view that it was shown.
    view: Zxid,
    state: State,
}

#[derive(Clone)]
enum State {
    Idle,
    Asked(Op),
    Done(Zxid, Result<Answer, ErrorCode>),
}

struct World {
    size: Size,
    chance: u64,
    event: u64,
    zxid: Zxid,
    registers: Vec<Register>,
    /// Numbered nodes that are left, oldest first, and how many there were.
    queue: VecDeque<Path>,
    numbered: i32,
    clients: Vec<Client>,
    steps: Vec<Step>,
}

const LEADER: ServerId = ServerId(3);

/// A history that breaks nothing.
pub fn history(size: Size) -> Vec<Step> {
    let mut world = World {
        size,
        chance: size.seed ^ 0x9e37_79b9_7f4a_7c15,
        event: 0,
        zxid: Zxid::new(1, 0),
        registers: Vec::new(),
        queue: VecDeque::new(),
        numbered: 0,
        clients: Vec::new(),
        steps: Vec::new(),
    };
    world.set_up();
    let mut asked = 0;
    while asked < size.operations || world.clients.iter().any(|client| !matches!(client.state, State::Idle)) {
        let at = world.below(u64::from(size.clients)) as usize;
        match world.clients[at].state.clone() {
            State::Idle if asked < size.operations => {
                asked += 1;
                let op = world.choose();
                world.ask(at, op);
            }
            State::Idle => {}
            State::Asked(op) => world.carry_out(at, op),
            State::Done(zxid, result) => world.answer(at, zxid, result),
        }
    }
    world.steps
}

/// Whether the check finds anything in a history.
pub fn check(steps: &[Step]) -> Option<Violation> {
    let mut check = KnownOrder::new(&Config::new(Membership::of(3, 0)));
    feed(&mut check, steps);
    check.finish();
    check.take_found()
}

/// Tells a check everything. Now and then it is to look at what it knows.
pub fn feed(check: &mut KnownOrder, steps: &[Step]) {
    for (number, step) in steps.iter().enumerate() {
        match step {
            Step::Asked(session, asked) => {
                let session = check.session(*session);
                check.asked(session, asked.clone());
            }
            Step::Answered(session, answered) => {
                let session = check.session(*session);
                check.answered(session, answered.clone());
            }
            Step::Logged(logged) => {
                check.logged(logged.clone());
                // Reads show no older past than this.
                if number % 512 == 0 {
                    check.replay(Zxid(logged.proposal.zxid().0 - i64::from(LAG)));
                }
            }
        }
        if !check.is_fine() {
            return;
        }
    }
}

/// Reads may be so many transactions behind.
const LAG: u32 = 100;

impl World {
    fn below(&mut self, bound: u64) -> u64 {
        self.chance ^= self.chance << 13;
        self.chance ^= self.chance >> 7;
        self.chance ^= self.chance << 17;
        self.chance % bound
    }

    fn event(&mut self) -> u64 {
        self.event += 1;
        self.event
    }

    fn set_up(&mut self) {
        for number in 1..=self.size.clients {
            let session = SessionId(i64::from(number));
            self.clients.push(Client { session, xid: 0, view: Zxid::ZERO, state: State::Idle });
            self.log(session, 0, Txn::CreateSession { timeout: 4_000 });
        }
        let create = |path: String| Op::create(path.into(), Some([].into()), Acl::open(), CreateMode::Persistent);
        for op in (0..self.size.registers).map(|number| create(format!("/r{number}"))).chain([create("/q".into())]) {
            self.ask(0, op.clone());
            self.carry_out(0, op);
            if let State::Done(zxid, result) = self.clients[0].state.clone() {
                self.answer(0, zxid, result);
            }
        }
    }

    fn choose(&mut self) -> Op {
        let register = self.below(u64::from(self.size.registers)) as usize;
        let path = self.registers[register].path.clone();
        match self.below(100) {
            0..40 => {
                let data: Arc<[u8]> = self.event.to_le_bytes().into();
                let (_, _, stat) = self.registers[register].versions.last().expect("it was made");
                let version = [-1, -1, stat.version][self.event as usize % 3];
                Op::SetData { path, data: Some(data), version }
            }
            40..70 => Op::GetData { path, watch: false },
            70..80 => Op::Exists { path, watch: false },
            80..85 => Op::Exists { path: "/none".into(), watch: false },
            85..93 => Op::create("/q/n-".into(), None, Acl::open(), CreateMode::PersistentSequential),
            _ => Op::Delete { path: self.queue.front().cloned().unwrap_or("/q/none".into()), version: -1 },
        }
    }

    fn ask(&mut self, at: usize, op: Op) {
        let event = self.event();
        let client = &mut self.clients[at];
        client.xid += 1;
        client.state = State::Asked(op.clone());
        let request = Arc::new(ClientRequest { xid: client.xid, op });
        self.steps.push(Step::Asked(client.session, Asked { event, client: at as u32 + 1, request }));
    }

    fn answer(&mut self, at: usize, zxid: Zxid, result: Result<Answer, ErrorCode>) {
        let event = self.event();
        let client = &mut self.clients[at];
        client.state = State::Idle;
        client.view = zxid;
        let reply = Arc::new(ClientReply { xid: client.xid, zxid, result });
        self.steps.push(Step::Answered(client.session, Answered { event, at: Micros(event), server: ServerId(1), reply }));
    }

    fn log(&mut self, session: SessionId, cxid: i32, txn: Txn) -> TxnHeader {
        self.zxid = Zxid(self.zxid.0 + 1);
        let event = self.event();
        let header = TxnHeader { session, cxid, zxid: self.zxid, time: event as i64 };
        let proposal = Arc::new(Proposal { header, txn, record: [].into(), hash: event });
        self.steps.push(Step::Logged(Logged { event, at: Micros(event), leader: LEADER, proposal }));
        header
    }

    fn carry_out(&mut self, at: usize, op: Op) {
        let (session, xid, view) = (self.clients[at].session, self.clients[at].xid, self.clients[at].view);
        let (zxid, result) = match op {
            Op::GetData { ref path, .. } | Op::Exists { ref path, .. } => {
                let oldest = view.0.max(self.zxid.0 - i64::from(LAG / 2)).max(Zxid::new(1, 1).0);
                let shown = Zxid(oldest + self.below((self.zxid.0 - oldest + 1) as u64) as i64);
                (shown, self.read(path, shown, matches!(op, Op::GetData { .. })))
            }
            write => self.write(session, xid, write),
        };
        self.clients[at].state = State::Done(zxid, result);
    }

    fn read(&self, path: &Path, at: Zxid, with_data: bool) -> Result<Answer, ErrorCode> {
        let register = self.registers.iter().find(|register| register.path == *path).ok_or(ErrorCode::NoNode)?;
        let index = register.versions.partition_point(|(zxid, ..)| *zxid <= at).checked_sub(1).ok_or(ErrorCode::NoNode)?;
        let (_, data, stat) = &register.versions[index];
        Ok(if with_data { Answer::Data { data: Some(data.clone()), stat: *stat } } else { Answer::Stat(*stat) })
    }

    fn write(&mut self, session: SessionId, xid: i32, op: Op) -> (Zxid, Result<Answer, ErrorCode>) {
        match op {
            Op::SetData { path, data, version } => {
                let index = self.registers.iter().position(|register| register.path == path).expect("it was made");
                let (_, _, stat) = self.registers[index].versions.last().expect("it was made").clone();
                if version != -1 && version != stat.version {
                    return self.fail(session, xid, ErrorCode::BadVersion);
                }
                let header = self.log(session, xid, Txn::SetData { path, data: data.clone(), version: stat.version + 1 });
                let bytes = data.unwrap_or_default();
                let (mzxid, mtime, length) = (header.zxid, header.time, bytes.len() as i32);
                let stat = Stat { mzxid, mtime, version: stat.version + 1, data_length: length, ..stat };
                self.registers[index].versions.push((header.zxid, bytes, stat));
                (header.zxid, Ok(Answer::Stat(stat)))
            }
            Op::Create { path, data, acl, mode, .. } if mode.is_sequential() => {
                let path: Path = format!("{path}{:010}", self.numbered).into();
                self.numbered += 1;
                self.queue.push_back(path.clone());
                let parent_cversion = self.numbered;
                let header = self.log(
                    session,
                    xid,
                    Txn::Create { form: CreateForm::Create, path: path.clone(), data, acl, ephemeral: false, parent_cversion },
                );
                (header.zxid, Ok(Answer::Created(path)))
            }
            Op::Create { path, data, acl, .. } => {
                let parent_cversion = self.registers.len() as i32 + 1;
                let txn = Txn::Create { form: CreateForm::Create, path: path.clone(), data, acl, ephemeral: false, parent_cversion };
                let header = self.log(session, xid, txn);
                let (zxid, time) = (header.zxid, header.time);
                let stat = Stat { czxid: zxid, mzxid: zxid, pzxid: zxid, ctime: time, mtime: time, ..Stat::default() };
                if path.starts_with("/r") {
                    self.registers.push(Register { path: path.clone(), versions: vec![(zxid, [].into(), stat)] });
                }
                (zxid, Ok(Answer::Created(path)))
            }
            Op::Delete { path, .. } if self.queue.contains(&path) => {
                self.queue.retain(|left| *left != path);
                let header = self.log(session, xid, Txn::Delete { path, container: false });
                (header.zxid, Ok(Answer::Done))
            }
            _ => self.fail(session, xid, ErrorCode::NoNode),
        }
    }

    fn fail(&mut self, session: SessionId, xid: i32, code: ErrorCode) -> (Zxid, Result<Answer, ErrorCode>) {
        let header = self.log(session, xid, Txn::Error { code });
        (header.zxid, Err(code))
    }
}
