//! What is passed on: R-7, each item exactly once, and R-13, in its order.
//!
//! An item is a node, and the log tells who has made it and who has deleted it. Clients say what they go for, and by which list, and what they
//! have taken. Whose session has ended in between may have taken an item that he was never told of: that no queue can help.

use super::chronicle::{Life, Moment};
use super::{Case, Told};
use crate::check::Invariant::{ExactlyOnce, QueueOrder};
use crate::check::verdict::{Fact, Violation};
use crate::proto::{Bytes, ErrorCode, EventType, NodeId, Path, Recipe, RecipeCall, RecipeVerb, SessionId, Zxid};
use crate::trace::{Note, What};

/// What is a queue.
const QUEUES: [Recipe; 2] = [Recipe::Queue, Recipe::Priority];

pub fn check(case: &Case) -> Option<Violation> {
    let (takes, calls) = (takes(case), calls(case));
    let found =
        [taken_twice(&takes), unfounded(&takes), forgotten(case, &takes, &calls), doubled(case, &calls), out_of_turn(case, &takes), outdated(case)];
    found.into_iter().flatten().min_by_key(|violation| violation.event)
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

fn takes<'a>(case: &Case<'a>) -> Vec<Take<'a>> {
    let take = |(at, told): (usize, &'a Told)| match &told.what {
        What::Note(Note::Taken { recipe, path, node }) => {
            let seen = case.told[..at].iter().rev().find_map(|earlier| match &earlier.what {
                What::Note(Note::Picks { node: picked, seen, .. }) if earlier.client == told.client && picked == node => Some(*seen),
                _ => None,
            });
            let life = case.chronicle.lives_of(node).last();
            Some(Take { told, recipe: *recipe, path, node, seen: seen.unwrap_or(Zxid::ZERO), life })
        }
        _ => None,
    };
    case.told.iter().enumerate().filter_map(take).collect()
}

/// Somebody has asked something of a queue.
struct Call<'a> {
    told: &'a Told,
    what: &'a RecipeCall,
    /// When it came to its end, and what its user was told.
    returned: Option<(&'a Told, &'a str)>,
}

fn calls<'a>(case: &Case<'a>) -> Vec<Call<'a>> {
    let called = case.told.iter().filter_map(|told| match &told.what {
        What::Note(Note::RecipeCalled { call, what }) if QUEUES.contains(&what.verb.recipe()) => Some((told, *call, &**what)),
        _ => None,
    });
    let returned = |client: u32, number: u64| {
        case.told.iter().find_map(|told| match &told.what {
            What::Note(Note::RecipeReturned { call, result }) if (told.client, *call) == (client, number) => Some((told, result.as_str())),
            _ => None,
        })
    };
    called.map(|(told, number, what)| Call { told, what, returned: returned(told.client, number) }).collect()
}

/// Two have taken the same item.
fn taken_twice(takes: &[Take]) -> Option<Violation> {
    let twice = |(at, take): (usize, &Take)| {
        let first = takes[..at].iter().find(|earlier| earlier.node == take.node)?;
        let facts = [Fact::new(first.told.event, first.says()), Fact::new(take.told.event, format!("{} too", take.says()))];
        Some(take.told.breaks(ExactlyOnce, facts))
    };
    takes.iter().enumerate().find_map(twice)
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
fn forgotten(case: &Case, takes: &[Take], calls: &[Call]) -> Option<Violation> {
    let items = paths(calls).into_iter().flat_map(|path| case.chronicle.below(path).filter(|life| life.sequence().is_some()));
    items.filter(|life| !takes.iter().any(|take| *take.node == life.path)).find_map(|life| forgotten_one(case, calls, life))
}

fn forgotten_one(case: &Case, calls: &[Call], life: &Life) -> Option<Violation> {
    let end = life.died?;
    let client = client_of(case, end.by)?;
    let is_open = |call: &&Call| {
        let is_take = matches!(call.what.verb, RecipeVerb::QueueTake | RecipeVerb::PriorityTake) && is_below(&life.path, &call.what.path);
        let returned = call.returned.map_or(u64::MAX, |(told, _)| told.event);
        is_take && call.told.client == client && call.told.event < end.when.event && end.when.event < returned
    };
    let open: Vec<&Call> = calls.iter().filter(is_open).collect();
    // Each of them could still be the one that tells, or has told that it does not know.
    let has_forgotten = |call: &&&Call| match call.returned {
        Some((_, result)) => !ErrorCode::ALL.iter().any(|code| code.name() == result),
        None => case.is_able(client) && case.is_long_ago(end.when.at),
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

/// There are more items than were put, or fewer.
fn doubled(case: &Case, calls: &[Call]) -> Option<Violation> {
    let puts: Vec<&Call> = calls.iter().filter(|call| matches!(call.what.verb, RecipeVerb::QueuePut | RecipeVerb::PriorityPut)).collect();
    puts.iter().find_map(|put| {
        let alike = |other: &&&Call| other.told.client == put.told.client && same_item(&other.what.path, &other.what.data, put.what);
        let (asked, acked) = (puts.iter().filter(alike).count(), puts.iter().filter(alike).filter(|call| is_acked(call)).count());
        let made = case.chronicle.below(&put.what.path).filter(|life| {
            let (_, by, data) = &life.data[0];
            life.sequence().is_some() && same_item(&put.what.path, data, put.what) && client_of(case, *by) == Some(put.told.client)
        });
        let put_fact = |text: String| Fact::new(put.told.event, format!("c{} is asked {text}: {}", put.told.client, put.what));
        if let Some(extra) = made.clone().nth(asked) {
            let Moment { zxid, event, at } = extra.born;
            let facts = [put_fact(times(asked)), Fact::new(event, format!("with {zxid} there is {} too", extra.path))];
            let node = Some(NodeId::Client(put.told.client));
            return Some(Violation { invariant: ExactlyOnce, at, event, node, facts, involved: Vec::new() });
        }
        let (last, _) = put.returned.filter(|_| made.count() < acked)?;
        Some(last.breaks(ExactlyOnce, [put_fact(times(asked)), Fact::new(last.event, format!("is told {acked} times Ok, and fewer are there"))]))
    })
}

fn same_item(path: &Path, data: &Option<Bytes>, put: &RecipeCall) -> bool {
    *path == put.path && *data == put.data
}

fn is_acked(call: &Call) -> bool {
    call.returned.is_some_and(|(_, result)| result == "Ok")
}

fn times(count: usize) -> String {
    if count == 1 { "once".into() } else { format!("{count} times") }
}

/// Somebody has taken an item, and one before it has stayed.
fn out_of_turn(case: &Case, takes: &[Take]) -> Option<Violation> {
    takes.iter().find_map(|take| {
        let own = take.life?;
        let taken = own.died?.when.zxid;
        let stays = |life: &&Life| life.is_alive_at(take.seen) && life.is_alive_at(taken) && turn(take.recipe, life) < turn(take.recipe, own);
        let earlier = case.chronicle.below(take.path).filter(|life| life.sequence().is_some()).find(stays)?;
        let what = format!("{} comes before it, and was there at {} and at {taken}", earlier.path, take.seen);
        Some(take.told.breaks(QueueOrder, [Fact::new(earlier.born.event, what), Fact::new(take.told.event, take.says())]))
    })
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
    case.told.iter().enumerate().find_map(|(at, told)| {
        let What::Note(Note::Picks { recipe: Recipe::Priority, path: line, node, seen }) = &told.what else { return None };
        let (event, zxid) = case.told[..at].iter().filter(|earlier| earlier.client == told.client).find_map(|earlier| match &earlier.what {
            What::Note(Note::EventDelivered { event: EventType::NodeChildrenChanged, path, zxid, .. }) if path == line && zxid > seen => {
                Some((earlier.event, zxid))
            }
            _ => None,
        })?;
        let knows = Fact::new(event, format!("c{} is told that {zxid} has changed the list", told.client));
        let goes = Fact::new(told.event, format!("it goes for {node} by the list of {seen}"));
        Some(told.breaks(QueueOrder, [knows, goes]))
    })
}

/// The queues that were asked for, each once.
fn paths<'a>(calls: &[Call<'a>]) -> Vec<&'a Path> {
    let mut paths: Vec<&Path> = calls.iter().map(|call| &call.what.path).collect();
    paths.sort();
    paths.dedup();
    paths
}

fn is_below(node: &str, path: &str) -> bool {
    crate::proto::parent_path(node) == Some(path)
}

/// Whose session it was.
fn client_of(case: &Case, session: SessionId) -> Option<u32> {
    case.told.iter().find(|told| told.session == session && session != SessionId::NONE).map(|told| told.client)
}

/// Since when there has been something to take, and what.
pub fn to_take(case: &Case, path: &Path) -> Option<(Moment, String)> {
    let mut items = case.chronicle.below(path).filter(|life| life.died.is_none() && life.sequence().is_some());
    items.next().map(|life| (life.born, format!("{} is there to be taken", life.path)))
}
