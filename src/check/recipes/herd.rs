//! a change of a line wakes one of those who wait in it, not all.

use std::collections::BTreeMap;

use super::Case;
use crate::check::Invariant::NoHerd;
use crate::check::verdict::{Fact, Violation};
use crate::proto::{EventType, Path, Recipe, Zxid};
use crate::trace::{Note, What};

/// Recipes in which each watches the one before it.
const CHAINED: [Recipe; 3] = [Recipe::Lock, Recipe::Election, Recipe::Latch];

/// A place in a line, and whom its client waits for.
struct Wait<'a> {
    node: &'a Path,
    line: &'a Path,
    ahead: &'a Path,
}

pub fn check(case: &Case) -> Option<Violation> {
    let mut waiting: BTreeMap<u32, Vec<Wait>> = BTreeMap::new();
    // Whom the change of a node has woken first. One transaction may change several: the end of a session takes all its places.
    let mut woken: BTreeMap<(&Path, Zxid), (u32, u64)> = BTreeMap::new();
    for told in case.told {
        let waits = waiting.entry(told.client).or_default();
        match &told.what {
            What::Note(Note::Waits { recipe, path, node, ahead }) if CHAINED.contains(recipe) => {
                waits.retain(|wait| wait.node != node);
                waits.push(Wait { node, line: path, ahead });
            }
            What::Note(Note::Granted { node, .. }) => waits.retain(|wait| wait.node != node),
            What::Note(Note::EventDelivered { event, path, zxid, .. }) if *event != EventType::None && *zxid > Zxid::ZERO => {
                let Some(wait) = waits.iter().find(|wait| is_woken(case, wait, path, *zxid)) else { continue };
                let (first, since) = *woken.entry((path, *zxid)).or_insert((told.client, told.event));
                if first != told.client {
                    let first = Fact::new(since, format!("c{first}, which waits in the line {}, is woken by {zxid}", wait.line));
                    let second = Fact::new(told.event, format!("so is c{}, by {event} {path}", told.client));
                    return Some(told.breaks(NoHerd, [first, second]));
                }
            }
            _ => {}
        }
    }
    None
}

/// Whether an event of this node wakes one who waits. Who has left the line by then, and is told all the same, does not wait.
fn is_woken(case: &Case, wait: &Wait, path: &Path, zxid: Zxid) -> bool {
    let stands = || case.chronicle.lives_of(wait.node).any(|life| life.is_alive_at(zxid));
    (wait.ahead == path || wait.line == path) && stands()
}
