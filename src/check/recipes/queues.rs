//! What is passed on: R-7, each item exactly once, and R-15, in its order.
//!
//! An item is a node, and the log tells who has made it and who has deleted it. Clients say what they go for, and by which list, and what they
//! have taken. Whose session has ended in between may have taken an item that he was never told of: that no queue can help.

use std::collections::{BTreeMap, BTreeSet};

use super::chronicle::{Life, Moment};
use super::{Case, Told};
use crate::check::Invariant::{ExactlyOnce, QueueOrder};
use crate::check::verdict::{Fact, Violation};
use crate::proto::{Bytes, ErrorCode, EventType, NodeId, Path, Recipe, RecipeCall, RecipeVerb, SessionId, Zxid};
use crate::trace::{Note, What};

/// What is a queue.
const QUEUES: [Recipe; 2] = [Recipe::Queue, Recipe::Priority];

pub fn check(case: &Case) -> Option<Violation> {
    let queues = Queues::of(case);
    let found = [
        taken_twice(&queues.takes),
        unfounded(&queues.takes),
        forgotten(case, &queues),
        doubled(case, &queues),
        out_of_turn(case, &queues),
        outdated(case),
    ];
    found.into_iter().flatten().min_by_key(|violation| violation.event)
}

/// All that was said of queues, found by what it is about.
struct Queues<'a> {
    calls: Vec<Call<'a>>,
    takes: Vec<Take<'a>>,
    /// The queues that were asked for.
    paths: BTreeSet<&'a Path>,
    /// Whose a session was.
    clients: BTreeMap<SessionId, u32>,
}

/// Somebody has asked something of a queue.
struct Call<'a> {
    told: &'a Told,
    what: &'a RecipeCall,
    /// When it came to its end, and what its user was told.
    returned: Option<(&'a Told, &'a str)>,
    /// Its process has ended meanwhile.
    is_lost: bool,
}

/// A client has said that an item is its own.
struct Take<'a> {
    told: &'a Told,
    recipe: Recipe,
    path: &'a Path,
    node: &'a Path,
    /// By which list it went for it.
    seen: Zxid,
    life: Option<&'a Life>,
}

impl Take<'_> {
    fn says(&self) -> String {
        format!("c{} has taken {}", self.told.client, self.node)
    }
}

impl<'a> Queues<'a> {
    fn of(case: &Case<'a>) -> Queues<'a> {
        let calls = calls(case);
        let paths: BTreeSet<&Path> = calls.iter().map(|call| &call.what.path).collect();
        let items = paths.iter().flat_map(|path| items(case, path));
        let lives: BTreeMap<&Path, &Life> = items.map(|life| (&life.path, life)).collect();
        let clients = case.told.iter().map(|told| (told.session, told.client)).filter(|(session, _)| *session != SessionId::NONE).collect();
        Queues { takes: takes(case, &lives), calls, paths, clients }
    }

    fn client(&self, session: SessionId) -> Option<u32> {
        self.clients.get(&session).copied()
    }
}

fn calls<'a>(case: &Case<'a>) -> Vec<Call<'a>> {
    let mut calls: Vec<Call> = Vec::new();
    let mut open: BTreeMap<(u32, u64), usize> = BTreeMap::new();
    for told in case.told {
        match &told.what {
            What::Note(Note::RecipeCalled { call, what }) if QUEUES.contains(&what.verb.recipe()) => {
                open.insert((told.client, *call), calls.len());
                calls.push(Call { told, what, returned: None, is_lost: false });
            }
            What::Note(Note::RecipeReturned { call, result }) => {
                if let Some(at) = open.remove(&(told.client, *call)) {
                    calls[at].returned = Some((told, result));
                }
            }
            What::Record(_) => {
                let is_of = |(client, _): &(u32, u64)| *client == told.client;
                open.iter().filter(|(key, _)| is_of(key)).for_each(|(_, at)| calls[*at].is_lost = true);
                open.retain(|key, _| !is_of(key));
            }
            _ => {}
        }
    }
    calls
}

fn takes<'a>(case: &Case<'a>, lives: &BTreeMap<&'a Path, &'a Life>) -> Vec<Take<'a>> {
    let mut takes = Vec::new();
    let mut picked: BTreeMap<(u32, &Path), Zxid> = BTreeMap::new();
    for told in case.told {
        match &told.what {
            What::Note(Note::Picks { node, seen, .. }) => drop(picked.insert((told.client, node), *seen)),
            What::Note(Note::Taken { recipe, path, node }) => {
                let seen = picked.get(&(told.client, node)).copied().unwrap_or(Zxid::ZERO);
                takes.push(Take { told, recipe: *recipe, path, node, seen, life: lives.get(node).copied() });
            }
            _ => {}
        }
    }
    takes
}

/// Every item that was ever in a queue.
fn items<'a>(case: &Case<'a>, path: &'a Path) -> impl Iterator<Item = &'a Life> {
    case.chronicle.below(path).filter(|life| life.sequence().is_some())
}

/// Two have taken the same item.
fn taken_twice(takes: &[Take]) -> Option<Violation> {
    let mut first: BTreeMap<&Path, &Take> = BTreeMap::new();
    takes.iter().find_map(|take| {
        let earlier = first.insert(take.node, take)?;
        let facts = [Fact::new(earlier.told.event, earlier.says()), Fact::new(take.told.event, format!("{} too", take.says()))];
        Some(take.told.breaks(ExactlyOnce, facts))
    })
}

/// Somebody has taken an item without having deleted it.
fn unfounded(takes: &[Take]) -> Option<Violation> {
    let end_of = |take: &Take| take.life.and_then(|life| life.died).filter(|end| end.when.event <= take.told.event);
    let take = takes.iter().find(|take| end_of(take).is_none_or(|end| end.by != take.told.session))?;
    let fact = match end_of(take) {
        Some(end) => Fact::new(end.when.event, format!("session {} deletes {} with {}", end.by, take.node, end.when.zxid)),
        None => Fact::new(take.told.event, format!("nobody has deleted {} yet", take.node)),
    };
    Some(take.told.breaks(ExactlyOnce, [fact, Fact::new(take.told.event, take.says())]))
}

/// Somebody has deleted an item, and its user was told of others.
fn forgotten(case: &Case, queues: &Queues) -> Option<Violation> {
    let taken: BTreeSet<&Path> = queues.takes.iter().map(|take| take.node).collect();
    let items = queues.paths.iter().flat_map(|path| items(case, path).map(move |life| (*path, life)));
    items.filter(|(_, life)| !taken.contains(&life.path)).find_map(|(path, life)| forgotten_one(case, queues, path, life))
}

fn forgotten_one(case: &Case, queues: &Queues, path: &Path, life: &Life) -> Option<Violation> {
    let end = life.died?;
    let client = queues.client(end.by)?;
    let is_open = |call: &&Call| {
        let is_take = matches!(call.what.verb, RecipeVerb::QueueTake | RecipeVerb::PriorityTake) && call.what.path == *path;
        let returned = call.returned.map_or(u64::MAX, |(told, _)| told.event);
        is_take && call.told.client == client && call.told.event < end.when.event && end.when.event < returned
    };
    let open: Vec<&Call> = queues.calls.iter().filter(is_open).collect();
    // Each of them could still be the one that tells, or has told that it does not know.
    let has_forgotten = |call: &&&Call| match call.returned {
        Some((_, result)) => !ErrorCode::ALL.iter().any(|code| code.name() == result),
        None => !call.is_lost && case.is_able(client) && case.is_long_ago(end.when.at),
    };
    if open.is_empty() || open.iter().filter(has_forgotten).count() < open.len() {
        return None;
    }
    let last = open.iter().filter_map(|call| call.returned).max_by_key(|(told, _)| told.event);
    let (at, event, told) = match last {
        Some((told, result)) => (told.at, told.event, format!("its user is told {result}, and nothing of {}", life.path)),
        None => (case.end, end.when.event, format!("at {} its user has not been told of it", case.end)),
    };
    let deleted = Fact::new(end.when.event, format!("c{client} deletes {} with {}", life.path, end.when.zxid));
    let node = Some(NodeId::Client(client));
    Some(Violation { invariant: ExactlyOnce, at, event, node, facts: [deleted, Fact::new(event, told)], involved: Vec::new() })
}

/// What a producer was asked to put: who, where, what.
type Asked<'a> = (u32, &'a Path, &'a Option<Bytes>);

/// There are more items than were put, or fewer.
fn doubled(case: &Case, queues: &Queues) -> Option<Violation> {
    let mut puts: BTreeMap<Asked, Vec<&Call>> = BTreeMap::new();
    for call in queues.calls.iter().filter(|call| matches!(call.what.verb, RecipeVerb::QueuePut | RecipeVerb::PriorityPut)) {
        puts.entry((call.told.client, &call.what.path, &call.what.data)).or_default().push(call);
    }
    let mut made: BTreeMap<Asked, Vec<&Life>> = BTreeMap::new();
    for (path, life) in queues.paths.iter().flat_map(|path| items(case, path).map(move |life| (*path, life))) {
        let (_, by, data) = &life.data[0];
        if let Some(client) = queues.client(*by) {
            made.entry((client, path, data)).or_default().push(life);
        }
    }
    let found = puts.iter().filter_map(|(asked, puts)| differing(puts, made.get(asked).map_or(&[][..], |made| made)));
    found.min_by_key(|violation| violation.event)
}

/// The same was put so often, and so often it is there.
fn differing(puts: &[&Call], made: &[&Life]) -> Option<Violation> {
    let first = puts.first()?;
    let client = first.told.client;
    let asked = Fact::new(first.told.event, format!("c{client} is asked {}: {}", times(puts.len()), first.what));
    if let Some(extra) = made.get(puts.len()) {
        let Moment { zxid, event, at } = extra.born;
        let facts = [asked, Fact::new(event, format!("with {zxid} there is {} too", extra.path))];
        let node = Some(NodeId::Client(client));
        return Some(Violation { invariant: ExactlyOnce, at, event, node, facts, involved: Vec::new() });
    }
    let acked: Vec<&Told> = puts.iter().filter_map(|call| call.returned).filter(|(_, result)| *result == "Ok").map(|(told, _)| told).collect();
    let last = acked.get(made.len())?;
    Some(
        last.breaks(
            ExactlyOnce,
            [asked, Fact::new(last.event, format!("is told {} Ok, and it was there {}", times(acked.len()), times(made.len())))],
        ),
    )
}

fn times(count: usize) -> String {
    if count == 1 { "once".into() } else { format!("{count} times") }
}

/// Somebody has taken an item, and one before it has stayed.
fn out_of_turn(case: &Case, queues: &Queues) -> Option<Violation> {
    let found = queues.paths.iter().filter_map(|path| {
        let takes = || queues.takes.iter().filter(|take| take.path == *path);
        let recipe = takes().next()?.recipe;
        let by_node: BTreeMap<&Path, &Take> = takes().map(|take| (take.node, take)).collect();
        let births = items(case, path).map(|life| (life.born.zxid, life, false));
        let deaths = items(case, path).filter_map(|life| life.died.map(|end| (end.when.zxid, life, true)));
        let mut changes: Vec<(Zxid, &Life, bool)> = births.chain(deaths).collect();
        changes.sort_by_key(|(zxid, ..)| *zxid);
        let mut there: BTreeMap<(i64, i64), &Life> = BTreeMap::new();
        changes.into_iter().find_map(|(taken, life, dies)| {
            let turn = turn(recipe, life);
            if !dies {
                there.insert(turn, life);
                return None;
            }
            there.remove(&turn);
            let take = by_node.get(&life.path)?;
            let earlier = there.range(..turn).map(|(_, earlier)| earlier).find(|earlier| earlier.born.zxid <= take.seen)?;
            let what = format!("{} comes before it, and was there at {} and at {taken}", earlier.path, take.seen);
            Some(take.told.breaks(QueueOrder, [Fact::new(earlier.born.event, what), Fact::new(take.told.event, take.says())]))
        })
    });
    found.min_by_key(|violation| violation.event)
}

/// An item's place in the order of its queue.
fn turn(recipe: Recipe, life: &Life) -> (i64, i64) {
    let sequence = life.sequence().unwrap_or(i64::MAX);
    let name = life.path.get(..life.path.len().saturating_sub(11)).unwrap_or("");
    let priority = name.rsplit(['-', '/']).next().and_then(|text| text.parse().ok());
    (if recipe == Recipe::Priority { priority.unwrap_or(i64::MAX) } else { 0 }, sequence)
}

/// Somebody goes for an item by a list, and was told before that there is another one.
fn outdated(case: &Case) -> Option<Violation> {
    let mut knows: BTreeMap<(u32, &Path), (u64, Zxid)> = BTreeMap::new();
    case.told.iter().find_map(|told| match &told.what {
        What::Note(Note::EventDelivered { event: EventType::NodeChildrenChanged, path, zxid, .. }) => {
            knows.insert((told.client, path), (told.event, *zxid));
            None
        }
        What::Note(Note::Picks { recipe: Recipe::Priority, path, node, seen }) => {
            let (event, zxid) = knows.get(&(told.client, path)).filter(|(_, zxid)| zxid > seen)?;
            let knows = Fact::new(*event, format!("c{} is told that {zxid} has changed the list", told.client));
            let goes = Fact::new(told.event, format!("it goes for {node} by the list of {seen}"));
            Some(told.breaks(QueueOrder, [knows, goes]))
        }
        _ => None,
    })
}

/// Since when there has been something to take, and what.
pub fn to_take(case: &Case, path: &Path) -> Option<(Moment, String)> {
    let mut left = items(case, path).filter(|life| life.died.is_none());
    left.next().map(|life| (life.born, format!("{} is there to be taken", life.path)))
}
