//! an observer keeps up. What it learns was so at the zxid it names, and is never older than what it learned before; once things rest it knows
//! how they are. And who takes part is listed as long as it lives.

use std::collections::BTreeMap;

use super::chronicle::{Chronicle, Life};
use super::progress::PATIENCE;
use super::{Case, Told};
use crate::check::Invariant::ObserverKeepsUp;
use crate::check::verdict::{Fact, Violation};
use crate::proto::{Bytes, Micros, NodeId, Path, RecipeVerb, SessionId, Zxid};
use crate::trace::{Note, Record, What};

/// What one client watches.
struct Observer<'a> {
    called: &'a Told,
    what: RecipeVerb,
    /// Where, since when, and what.
    last: Option<(&'a Told, Zxid, &'a str)>,
}

/// By client and path: who watches what, and who wants to be there.
#[derive(Default)]
struct Cast<'a> {
    observers: BTreeMap<(u32, &'a Path), Observer<'a>>,
    members: BTreeMap<(u32, &'a Path), &'a Told>,
}

pub fn check(case: &Case) -> Option<Violation> {
    let mut cast = Cast::default();
    let wrong = case.told.iter().find_map(|told| cast.learn(case, told));
    wrong
        .or_else(|| {
            let observers = cast.observers.iter().filter(|((client, _), observer)| is_settled(case, *client, observer.called.at));
            observers.into_iter().find_map(|((_, path), observer)| behind(case, path, observer))
        })
        .or_else(|| {
            let members = cast.members.iter().filter(|((client, _), called)| is_settled(case, *client, called.at));
            members.into_iter().find_map(|((client, path), called)| missing(case, *client, path, called))
        })
}

/// Whether the client has had time enough for what it was asked.
fn is_settled(case: &Case, client: u32, since: Micros) -> bool {
    case.is_able(client) && since + PATIENCE <= case.end
}

impl<'a> Cast<'a> {
    /// Learns from a fact, and finds what is wrong with it.
    fn learn(&mut self, case: &Case<'a>, told: &'a Told) -> Option<Violation> {
        match &told.what {
            What::Note(Note::RecipeCalled { what, .. }) => self.asked(told, what.verb, &what.path),
            What::Note(Note::Learned { path, zxid, value }) => {
                let observer = self.observers.get_mut(&(told.client, path))?;
                let before = observer.last.replace((told, *zxid, value));
                return went_back(path, before, told, *zxid).or_else(|| made_up(case, observer.what, path, told, *zxid, value));
            }
            // Its process is another one, or its user has ended all.
            What::Record(Record::Crashed | Record::PowerLost { .. } | Record::Exited { .. }) | What::Note(Note::ClientClosed { .. }) => {
                self.observers.retain(|(client, _), _| *client != told.client);
                self.members.retain(|(client, _), _| *client != told.client);
            }
            _ => {}
        }
        None
    }

    fn asked(&mut self, told: &'a Told, what: RecipeVerb, path: &'a Path) {
        let key = (told.client, path);
        match what {
            RecipeVerb::SettingsWatch | RecipeVerb::GroupWatch | RecipeVerb::DiscoveryWatch => {
                self.observers.entry(key).or_insert(Observer { called: told, what, last: None });
            }
            RecipeVerb::SettingsStop => drop(self.observers.remove(&key)),
            RecipeVerb::GroupJoin | RecipeVerb::DiscoveryRegister => drop(self.members.entry(key).or_insert(told)),
            RecipeVerb::GroupLeave | RecipeVerb::DiscoveryUnregister => drop(self.members.remove(&key)),
            _ => {}
        }
    }
}

fn went_back(path: &Path, before: Option<(&Told, Zxid, &str)>, told: &Told, zxid: Zxid) -> Option<Violation> {
    let (earlier, newer, value) = before.filter(|(_, newer, _)| zxid < *newer)?;
    let knew = Fact::new(earlier.event, format!("c{} knows {path} as it is since {newer}: {value}", told.client));
    Some(told.breaks(ObserverKeepsUp, [knew, Fact::new(told.event, format!("c{} takes it for what it was at {zxid}", told.client))]))
}

fn made_up(case: &Case, what: RecipeVerb, path: &Path, told: &Told, zxid: Zxid, value: &str) -> Option<Violation> {
    let truth = truth(case.chronicle, what, path, zxid).filter(|truth| truth != value)?;
    let was = Fact::new(told.event, format!("{path} was {truth} at {zxid}"));
    Some(told.breaks(ObserverKeepsUp, [was, Fact::new(told.event, format!("c{} takes it for {value}", told.client))]))
}

/// How it was when this transaction had taken place; nothing, if that is before the chronicle, or there is nothing to know.
fn truth(chronicle: &Chronicle, what: RecipeVerb, path: &Path, zxid: Zxid) -> Option<String> {
    if what == RecipeVerb::SettingsWatch {
        let life = chronicle.lives_of(path).find(|life| life.is_alive_at(zxid))?;
        let (_, _, data) = life.data.iter().rev().find(|(when, ..)| when.zxid <= zxid)?;
        return Some(text(data.as_ref()));
    }
    if zxid < chronicle.since() {
        return None;
    }
    let alive = chronicle.below(path).filter(|life| life.is_alive_at(zxid));
    let mut names: Vec<(&str, String)> = alive.map(|life| (life.name(), text(life.data[0].2.as_ref()))).collect();
    names.sort_unstable();
    let entry = |(name, data): (&str, String)| if what == RecipeVerb::DiscoveryWatch { format!("{name}={data}") } else { name.into() };
    Some(format!("[{}]", names.into_iter().map(entry).collect::<Vec<String>>().join(", ")))
}

fn text(data: Option<&Bytes>) -> String {
    String::from_utf8_lossy(data.map(|data| &**data).unwrap_or_default()).into()
}

/// Things have rested, and the observer does not know how they are.
fn behind(case: &Case, path: &Path, observer: &Observer) -> Option<Violation> {
    let truth = truth(case.chronicle, observer.what, path, Zxid(i64::MAX))?;
    let known = observer.last.map(|(_, _, value)| value);
    let (at, event) = last_change(case.chronicle, observer.what, path).max((observer.called.at, observer.called.event));
    if known == Some(&truth) || at + PATIENCE > case.end {
        return None;
    }
    let client = observer.called.client;
    let knows = known.map_or("knows nothing of it".into(), |value| format!("takes it for {value}"));
    let since = observer.last.map_or(observer.called.event, |(told, ..)| told.event);
    let facts = [Fact::new(event, format!("{path} is {truth}")), Fact::new(since, format!("c{client} {knows}, still at {}", case.end))];
    Some(at_the_end(case, client, event.max(since), facts))
}

fn last_change(chronicle: &Chronicle, what: RecipeVerb, path: &Path) -> (Micros, u64) {
    let moments: Vec<(Micros, u64)> = if what == RecipeVerb::SettingsWatch {
        chronicle.lives_of(path).flat_map(|life| life.data.iter().map(|(when, ..)| (when.at, when.event))).collect()
    } else {
        let ends = chronicle.below(path).filter_map(|life| life.died).map(|end| end.when);
        chronicle.below(path).map(|life| life.born).chain(ends).map(|when| (when.at, when.event)).collect()
    };
    moments.into_iter().max().unwrap_or_default()
}

/// Somebody wants to be there, lives, and is not listed.
fn missing(case: &Case, client: u32, path: &Path, called: &Told) -> Option<Violation> {
    let session = case.clients.get(&client).map_or(SessionId::NONE, |client| client.session);
    let node = NodeId::Client(client).to_string();
    let own = |life: &&Life| life.name() == node;
    if case.chronicle.below(path).filter(own).any(|life| life.died.is_none() && life.owner == session) {
        return None;
    }
    let last = case.chronicle.below(path).filter(own).last();
    let (event, what) = match last.map(|life| (life, life.died)) {
        Some((life, Some(end))) => (end.when.event, format!("{} is gone since {}", life.path, end.when.zxid)),
        Some((life, None)) => (life.born.event, format!("{} is of session {}, and {node} has {session}", life.path, life.owner)),
        None => (called.event, format!("there never was a node of {node} below {path}")),
    };
    let wants = Fact::new(called.event, format!("{node} wants to be one of {path}, and is connected"));
    Some(at_the_end(case, client, event.max(called.event), [wants, Fact::new(event, what)]))
}

fn at_the_end(case: &Case, client: u32, event: u64, facts: [Fact; 2]) -> Violation {
    let node = Some(NodeId::Client(client));
    Violation { invariant: ObserverKeepsUp, at: case.end, event, node, facts, involved: Vec::new() }
}
