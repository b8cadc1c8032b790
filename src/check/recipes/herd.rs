//! a change of a line wakes one of those who wait in it, not all.

use std::collections::{BTreeMap, BTreeSet};

use super::Case;
use crate::check::Invariant::NoHerd;
use crate::check::verdict::{Fact, Violation};
use crate::proto::{EventType, Path, Recipe, Zxid, parent_path};
use crate::trace::{Note, What};

/// Recipes in which each watches the one before it.
const CHAINED: [Recipe; 3] = [Recipe::Lock, Recipe::Election, Recipe::Latch];

pub fn check(case: &Case) -> Option<Violation> {
    // Who waits in which line, and whom each change has woken.
    let mut waiting: BTreeMap<u32, BTreeSet<&Path>> = BTreeMap::new();
    let mut woken: BTreeMap<(&str, Zxid), (u32, u64)> = BTreeMap::new();
    for told in case.told {
        match &told.what {
            What::Note(Note::Waits { recipe, path, .. }) if CHAINED.contains(recipe) => drop(waiting.entry(told.client).or_default().insert(path)),
            What::Note(Note::Granted { path, .. }) => drop(waiting.entry(told.client).or_default().remove(path)),
            What::Note(Note::EventDelivered { event, path, zxid, .. }) if *event != EventType::None && *zxid > Zxid::ZERO => {
                let lines = waiting.get(&told.client).into_iter().flatten();
                let about = |line: &&&Path| ***line == *path || parent_path(path) == Some(&***line);
                let Some(line) = lines.copied().find(|line| about(&line)) else { continue };
                match woken.get(&(&**line, *zxid)) {
                    Some((first, since)) if *first != told.client => {
                        let first = Fact::new(*since, format!("c{first}, which waits in the line {line}, is woken by {zxid}"));
                        let second = Fact::new(told.event, format!("so is c{}, by {event} {path}", told.client));
                        return Some(told.breaks(NoHerd, [first, second]));
                    }
                    Some(_) => {}
                    None => drop(woken.insert((line, *zxid), (told.client, told.event))),
                }
            }
            _ => {}
        }
    }
    None
}
