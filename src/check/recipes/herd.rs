//! a change of a line wakes one of those who wait in it, not all.

use std::collections::BTreeMap;

use super::Case;
use crate::check::Invariant::NoHerd;
use crate::check::verdict::{Fact, Violation};
use crate::proto::{EventType, Path, Recipe, Zxid};
use crate::trace::{Note, What};

/// Recipes in which each watches the one before it.
const CHAINED: [Recipe; 3] = [Recipe::Lock, Recipe::Election, Recipe::Latch];

/// Who waits in which line, and for which node there. What a watch tells that somebody left behind who waits no more, or for another node by
/// now, wakes nobody.
#[derive(Default)]
struct Waiting<'a> {
    /// By client and line.
    ahead: BTreeMap<(u32, &'a Path), &'a Path>,
    /// The lines of calls, by client and call.
    calls: BTreeMap<(u32, u64), &'a Path>,
}

impl<'a> Waiting<'a> {
    fn learn(&mut self, client: u32, note: &'a Note) {
        match note {
            Note::RecipeCalled { call, what } => drop(self.calls.insert((client, *call), &what.path)),
            Note::Waits { recipe, path, ahead, .. } if CHAINED.contains(recipe) => drop(self.ahead.insert((client, path), ahead)),
            Note::Granted { path, .. } => drop(self.ahead.remove(&(client, path))),
            Note::RecipeReturned { call, .. } => {
                if let Some(line) = self.calls.remove(&(client, *call)) {
                    self.ahead.remove(&(client, line));
                }
            }
            _ => {}
        }
    }

    /// The line in which an event about this node wakes the client.
    fn woken_in(&self, client: u32, node: &Path) -> Option<&'a Path> {
        let own = self.ahead.iter().filter(|((other, _), _)| *other == client);
        own.map(|((_, line), ahead)| (*line, *ahead)).find(|(line, ahead)| *line == node || *ahead == node).map(|(line, _)| line)
    }
}

pub fn check(case: &Case) -> Option<Violation> {
    let mut waiting = Waiting::default();
    // Whom each change of a line has woken.
    let mut woken: BTreeMap<(&Path, Zxid), (u32, u64)> = BTreeMap::new();
    for told in case.told {
        let What::Note(note) = &told.what else { continue };
        waiting.learn(told.client, note);
        let Note::EventDelivered { event, path, zxid, .. } = note else { continue };
        if *event == EventType::None || *zxid <= Zxid::ZERO {
            continue;
        }
        let Some(line) = waiting.woken_in(told.client, path) else { continue };
        match woken.get(&(line, *zxid)) {
            Some((first, since)) if *first != told.client => {
                let first = Fact::new(*since, format!("c{first}, which waits in the line {line}, is woken by {zxid}"));
                let second = Fact::new(told.event, format!("so is c{}, by {event} {path}", told.client));
                return Some(told.breaks(NoHerd, [first, second]));
            }
            Some(_) => {}
            None => drop(woken.insert((line, *zxid), (told.client, told.event))),
        }
    }
    None
}
