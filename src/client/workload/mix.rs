//! Requests in a loop, each drawn from a mix.

use std::collections::VecDeque;

use xxhash_rust::xxh64::xxh64;

use crate::actor::Cx;
use crate::proto::{Acl, AclList, Bytes, Caller, Calls, CreateMode, Op, Path, count_of};

/// What is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mix {
    /// What is asked how often, compared with the others. Some weight is more than zero.
    pub acts: Vec<(Act, u32)>,
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

impl Mix {
    /// The nodes that must be there before the first request: the prefix with all above it, and the keys if any request needs one.
    fn preparation(&self, keys: &[Path]) -> VecDeque<Path> {
        let ends = self.prefix.match_indices('/').map(|(at, _)| at).skip(1).chain([self.prefix.len()]);
        let above = ends.map(|end| Path::from(&self.prefix[..end])).filter(|path| &**path != "/");
        let needs_keys = self.acts.iter().any(|(act, weight)| act.needs_key() && *weight > 0);
        above.chain(keys.iter().filter(|_| needs_keys).cloned()).collect()
    }

    fn below(&self, name: &str) -> Path {
        let parent = self.prefix.trim_end_matches('/');
        format!("{parent}/{name}").into()
    }
}

/// Creations under way at most, before the first request.
const PREPARED_AT_ONCE: usize = 100;

/// A mix as one client carries it out.
#[derive(Clone, Debug)]
pub struct Mixing {
    /// The workload's number in the scenario.
    number: u32,
    mix: Mix,
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
}

/// A request that has not returned.
#[derive(Clone, Debug)]
struct Asked {
    call: u64,
    /// The node that it creates.
    creates: Option<Path>,
}

impl Mixing {
    pub fn new(cx: &mut Cx, number: u32, mix: &Mix) -> Mixing {
        let deck = Deck { seed: cx.draw_below(u64::MAX), drawn: 0 };
        let keys: Vec<Path> = (0..mix.keys).map(|number| mix.below(&format!("k{number}"))).collect();
        let preparation = mix.preparation(&keys);
        Mixing {
            number,
            label: format!("{}.", cx.me),
            deck,
            acl: Acl::open(),
            is_prepared: preparation.is_empty(),
            preparation,
            keys,
            created: VecDeque::new(),
            in_flight: Vec::new(),
            mix: mix.clone(),
        }
    }

    /// Whether all nodes are there that requests need.
    pub const fn is_prepared(&self) -> bool {
        self.is_prepared
    }

    /// Whether nothing is under way.
    pub fn is_idle(&self) -> bool {
        self.in_flight.is_empty()
    }

    /// The next node that must be there; they need not wait for each other, since a session's requests are carried out in order.
    pub fn prepare(&mut self, calls: &mut Calls) -> Option<(u64, Op)> {
        if self.in_flight.len() >= PREPARED_AT_ONCE {
            return None;
        }
        let path = self.preparation.pop_front()?;
        let call = calls.next(Caller::Preparation(self.number));
        self.in_flight.push(Asked { call, creates: Some(path.clone()) });
        Some((call, self.create(path, None)))
    }

    /// The next request.
    pub fn ask(&mut self, calls: &mut Calls) -> (u64, Op) {
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
            Act::Ls => Op::GetChildren { path: self.mix.prefix.clone(), watch: false },
            Act::Sync => Op::Sync { path: self.mix.prefix.clone() },
        };
        let creates = if let Op::Create { path, .. } = &op { Some(path.clone()) } else { None };
        self.in_flight.push(Asked { call, creates });
        (call, op)
    }

    /// A new node of the client's own.
    fn create_own(&self, call: u64) -> Op {
        let name = self.name(call);
        self.create(self.mix.below(&name), Some(self.value(name)))
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
        bytes.resize(bytes.len().max(self.mix.size as usize), b'.');
        bytes.into()
    }

    fn draw_act(&mut self) -> Act {
        let total = self.mix.acts.iter().map(|(_, weight)| u64::from(*weight)).sum();
        let mut drawn = self.deck.below(total);
        let mut acts = self.mix.acts.iter();
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

    /// One of its calls returned; `answered` when a server said so. Whether it was one of those that count.
    pub fn on_returned(&mut self, call: u64, succeeded: bool, answered: bool) -> bool {
        let Some(at) = self.in_flight.iter().position(|asked| asked.call == call) else { return false };
        let Asked { creates, .. } = self.in_flight.remove(at);
        if let Caller::Preparation(_) = Caller::of(call) {
            // That another client was faster is as good; any other refusal will be met again by the requests themselves.
            self.preparation.extend(creates.filter(|_| !answered));
            self.is_prepared = self.preparation.is_empty() && self.in_flight.is_empty();
            return false;
        }
        self.created.extend(creates.filter(|_| succeeded));
        true
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
