//! Requests in a loop: how many, how fast, which.

use std::collections::VecDeque;
use std::sync::Arc;

use xxhash_rust::xxh64::xxh64;

use crate::actor::Cx;
use crate::proto::{Acl, AclList, Answer, Bytes, Caller, Calls, CreateMode, ErrorCode, Micros, Op, Path, Timer, count_of};
use crate::trace::Note;

/// What each of its clients does. Times are of the client's own clock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Workload {
    pub name: Arc<str>,
    pub start: Micros,
    /// Nothing is asked from then on.
    pub until: Micros,
    /// How many requests each client makes; `None`: as many as there is time for.
    pub count: Option<u64>,
    /// Time between two requests, answered or not; `None`: each follows the answer to the one before.
    pub every: Option<Micros>,
    /// What is asked how often, compared with the others. Some weight is more than zero.
    pub mix: Vec<(Act, u32)>,
    /// Nodes that are written and read: `k0`, `k1`, … below the prefix.
    pub keys: u32,
    /// The node that all others are below.
    pub prefix: Path,
    /// Bytes of data in a write, at least; what makes it unique is never cut off.
    pub size: u32,
}

/// A kind of request, by zkCli's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Act {
    /// A new node of the client's own.
    Create,
    /// The oldest node that the client created; another `create` if none is left.
    Delete,
    Set,
    Get,
    Stat,
    Ls,
    Sync,
}

impl Act {
    pub const ALL: [Act; 7] = [Act::Create, Act::Delete, Act::Set, Act::Get, Act::Stat, Act::Ls, Act::Sync];

    pub const fn name(self) -> &'static str {
        match self {
            Act::Create => "create",
            Act::Delete => "delete",
            Act::Set => "set",
            Act::Get => "get",
            Act::Stat => "stat",
            Act::Ls => "ls",
            Act::Sync => "sync",
        }
    }

    pub const fn is_write(self) -> bool {
        matches!(self, Act::Create | Act::Delete | Act::Set)
    }

    /// Whether it needs one of the keys.
    const fn needs_key(self) -> bool {
        matches!(self, Act::Set | Act::Get | Act::Stat)
    }
}

impl Workload {
    /// The nodes that must be there before the first request: the prefix with all above it, and the keys if any request needs one.
    fn preparation(&self, keys: &[Path]) -> VecDeque<Path> {
        let ends = self.prefix.match_indices('/').map(|(at, _)| at).skip(1).chain([self.prefix.len()]);
        let above = ends.map(|end| Path::from(&self.prefix[..end])).filter(|path| &**path != "/");
        let needs_keys = self.mix.iter().any(|(act, weight)| act.needs_key() && *weight > 0);
        above.chain(keys.iter().filter(|_| needs_keys).cloned()).collect()
    }

    fn below(&self, name: &str) -> Path {
        let parent = self.prefix.trim_end_matches('/');
        format!("{parent}/{name}").into()
    }
}

/// Creations under way at most, before the first request.
const PREPARED_AT_ONCE: usize = 100;

/// A workload as one client carries it out.
#[derive(Clone, Debug)]
pub struct Running {
    /// Its number in the scenario.
    pub number: u32,
    load: Arc<Workload>,
    /// How the name of whatever it makes begins: `c1.`.
    label: String,
    deck: Deck,
    acl: AclList,
    /// Nodes that it has still to create before its first request.
    preparation: VecDeque<Path>,
    is_prepared: bool,
    keys: Vec<Path>,
    /// Nodes that it created and has not deleted, oldest first.
    created: VecDeque<Path>,
    in_flight: Vec<Asked>,
    /// When the next request is due, if the pace is fixed.
    due: Micros,
    asked: u64,
    results: Results,
    /// Its user closed the client.
    is_stopped: bool,
    is_reported: bool,
}

/// A request that has not returned.
#[derive(Clone, Debug)]
struct Asked {
    call: u64,
    /// The node that it creates.
    creates: Option<Path>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Results {
    acked: u64,
    failed: u64,
    unknown: u64,
}

impl Running {
    pub fn new(cx: &mut Cx, number: u32, load: Arc<Workload>) -> Running {
        let deck = Deck { seed: cx.draw_below(u64::MAX), drawn: 0 };
        let keys: Vec<Path> = (0..load.keys).map(|number| load.below(&format!("k{number}"))).collect();
        let preparation = load.preparation(&keys);
        Running {
            number,
            label: format!("{}.", cx.me),
            deck,
            acl: Acl::open(),
            is_prepared: preparation.is_empty(),
            preparation,
            keys,
            created: VecDeque::new(),
            in_flight: Vec::new(),
            due: load.start,
            asked: 0,
            results: Results::default(),
            is_stopped: false,
            is_reported: false,
            load,
        }
    }

    /// The next request, if it is time for one.
    pub fn next(&mut self, cx: &Cx, calls: &mut Calls) -> Option<(u64, Op)> {
        if cx.now < self.load.start || self.has_asked_all(cx.now) {
            return None;
        }
        if !self.is_prepared {
            return self.prepare(calls);
        }
        match self.load.every {
            None if !self.in_flight.is_empty() => return None,
            Some(_) if self.due > cx.now => return None,
            Some(every) => self.due = self.due_after(cx.now, every),
            None => {}
        }
        Some(self.ask(calls))
    }

    /// What would have been asked while there was no session is not made up for.
    fn due_after(&self, now: Micros, every: Micros) -> Micros {
        let next = self.due + every;
        if next > now { next } else { now + every }
    }

    /// The next node that must be there; they need not wait for each other, since a session's requests are carried out in order.
    fn prepare(&mut self, calls: &mut Calls) -> Option<(u64, Op)> {
        if self.in_flight.len() >= PREPARED_AT_ONCE {
            return None;
        }
        let path = self.preparation.pop_front()?;
        let call = calls.next(Caller::Preparation(self.number));
        self.in_flight.push(Asked { call, creates: Some(path.clone()) });
        Some((call, self.create(path, None)))
    }

    fn ask(&mut self, calls: &mut Calls) -> (u64, Op) {
        let call = calls.next(Caller::Workload(self.number));
        let op = match self.draw_act() {
            Act::Create => self.create_own(call),
            Act::Delete => match self.created.pop_front() {
                Some(path) => Op::Delete { path, version: -1 },
                None => self.create_own(call),
            },
            Act::Set => Op::SetData { path: self.draw_key(), data: Some(self.value(self.name(call))), version: -1 },
            Act::Get => Op::GetData { path: self.draw_key(), watch: false },
            Act::Stat => Op::Exists { path: self.draw_key(), watch: false },
            Act::Ls => Op::GetChildren { path: self.load.prefix.clone(), watch: false },
            Act::Sync => Op::Sync { path: self.load.prefix.clone() },
        };
        let creates = if let Op::Create { path, .. } = &op { Some(path.clone()) } else { None };
        self.in_flight.push(Asked { call, creates });
        self.asked += 1;
        (call, op)
    }

    /// A new node of the client's own.
    fn create_own(&self, call: u64) -> Op {
        let name = self.name(call);
        self.create(self.load.below(&name), Some(self.value(name)))
    }

    /// What no other call makes: `c1.17`.
    fn name(&self, call: u64) -> String {
        [&*self.label, &*count_of(call).to_string()].concat()
    }

    fn create(&self, path: Path, data: Option<Bytes>) -> Op {
        Op::create(path, data, self.acl.clone(), CreateMode::Persistent)
    }

    /// Data that nobody else writes.
    fn value(&self, name: String) -> Bytes {
        let mut bytes = name.into_bytes();
        bytes.resize(bytes.len().max(self.load.size as usize), b'.');
        bytes.into()
    }

    fn draw_act(&mut self) -> Act {
        let total = self.load.mix.iter().map(|(_, weight)| u64::from(*weight)).sum();
        let mut drawn = self.deck.below(total);
        let mut acts = self.load.mix.iter();
        loop {
            let (act, weight) = acts.next().expect("what is drawn is below the sum of the weights");
            match drawn.checked_sub(u64::from(*weight)) {
                Some(rest) => drawn = rest,
                None => return *act,
            }
        }
    }

    fn draw_key(&mut self) -> Path {
        let at = self.deck.below(self.keys.len() as u64);
        self.keys[at as usize].clone()
    }

    /// One of its calls returned; `answered` when a server said so.
    pub fn on_returned(&mut self, call: u64, result: &Result<Answer, ErrorCode>, answered: bool) {
        let Some(at) = self.in_flight.iter().position(|asked| asked.call == call) else { return };
        let Asked { creates, .. } = self.in_flight.remove(at);
        if let Caller::Preparation(_) = Caller::of(call) {
            // That another client was faster is as good; any other refusal will be met again by the requests themselves.
            self.preparation.extend(creates.filter(|_| !answered));
            self.is_prepared = self.preparation.is_empty() && self.in_flight.is_empty();
            return;
        }
        match result {
            Ok(_) => {
                self.created.extend(creates);
                self.results.acked += 1;
            }
            Err(_) if answered => self.results.failed += 1,
            Err(_) => self.results.unknown += 1,
        }
    }

    /// Nothing more is asked.
    pub fn stop(&mut self) {
        self.is_stopped = true;
    }

    /// Whether it will ask no more and everything has returned.
    pub fn is_done(&self, now: Micros) -> bool {
        self.in_flight.is_empty() && self.has_asked_all(now)
    }

    fn has_asked_all(&self, now: Micros) -> bool {
        let over = |time: Micros| time >= self.load.until;
        self.is_stopped || self.load.count == Some(self.asked) || over(now) || (self.load.every.is_some() && over(self.due))
    }

    /// Sets the timer for what comes next by itself, and says once when the last request has returned.
    pub fn settle(&mut self, cx: &mut Cx) {
        let at = if cx.now < self.load.start { Some(self.load.start) } else { self.load.every.map(|_| self.due) };
        if let Some(at) = at.filter(|at| *at > cx.now && !self.has_asked_all(cx.now)) {
            cx.arm(Timer::Workload(self.number), at - cx.now);
        }
        if self.is_done(cx.now) && !self.is_reported {
            self.is_reported = true;
            let Results { acked, failed, unknown } = self.results;
            cx.note(Note::WorkloadDone { workload: self.load.name.to_string(), acked, failed, unknown });
        }
    }
}

/// The choices of one workload. All follow from one draw at its start, so that a pause drawn before another connection shifts none of them.
#[derive(Clone, Debug)]
struct Deck {
    seed: u64,
    drawn: u64,
}

impl Deck {
    /// A number in `0..bound`.
    fn below(&mut self, bound: u64) -> u64 {
        self.drawn += 1;
        let drawn = xxh64(&self.drawn.to_le_bytes(), self.seed);
        ((u128::from(drawn) * u128::from(bound)) >> 64) as u64
    }
}
