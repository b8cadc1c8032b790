//! who may hold together, and who waits for whom, where readers share and writers do not.
//!
//! As with what one alone may hold, a grant is looked at twice: by the history the line before it must be free of all that exclude it, and by
//! belief nobody may hold it who excludes it.

use super::beliefs::{self, Belief};
use super::chronicle::Life;
use super::{Case, Told};
use crate::check::Invariant::ReadersAndWriter;
use crate::check::verdict::{Fact, Violation};
use crate::proto::Recipe;
use crate::trace::{Note, What};

pub fn check(case: &Case) -> Option<Violation> {
    let all = beliefs::all(case);
    let shared: Vec<&Belief> = all.iter().filter(|belief| belief.recipe == Recipe::RwLock).collect();
    let found = [overlap(case, &shared), overtaken(case, &shared), needless(case)];
    found.into_iter().flatten().min_by_key(|violation| violation.event)
}

/// Whether the node at this path is a writer's.
pub fn is_writer(path: &str) -> bool {
    path.len().checked_sub(10).and_then(|at| path.get(..at)).is_some_and(|label| label.ends_with("write-"))
}

/// Whether two who stand in one line exclude each other.
fn exclude(one: &str, other: &str) -> bool {
    is_writer(one) || is_writer(other)
}

/// The last of those before a node, at the zxid `seen`, that it has to wait for.
pub fn blocker<'a>(line: &[&'a Life], node: &str) -> Option<&'a Life> {
    let before = line.iter().take_while(|life| &*life.path != node);
    before.filter(|life| exclude(&life.path, node)).last().copied()
}

/// Somebody is granted what another holds who excludes it.
fn overlap(case: &Case, beliefs: &[&Belief]) -> Option<Violation> {
    let pairs = beliefs.iter().enumerate().flat_map(|(at, later)| beliefs[..at].iter().map(move |earlier| (earlier, later)));
    let clash = |(earlier, later): &(&&Belief, &&Belief)| {
        let at = later.granted.event;
        earlier.path == later.path && exclude(earlier.node, later.node) && earlier.grounded_until(case) > at && later.grounded_until(case) > at
    };
    let (earlier, later) = pairs.filter(clash).min_by_key(|(_, later)| later.granted.event)?;
    let facts = [Fact::new(earlier.granted.event, earlier.told()), Fact::new(later.granted.event, format!("{} too", later.told()))];
    Some(later.granted.breaks(ReadersAndWriter, facts))
}

/// Somebody is granted what another has waited for longer who excludes it.
fn overtaken(case: &Case, beliefs: &[&Belief]) -> Option<Violation> {
    beliefs.iter().find_map(|belief| {
        let first = blocker(&case.chronicle.line(belief.path, belief.seen), belief.node)?;
        let before = Fact::new(first.born.event, format!("{} stands in the line before {} at {}", first.path, belief.node, belief.seen));
        Some(belief.granted.breaks(ReadersAndWriter, [before, Fact::new(belief.granted.event, belief.told())]))
    })
}

/// A reader waits for a reader.
fn needless(case: &Case) -> Option<Violation> {
    case.told.iter().find_map(|told: &Told| match &told.what {
        What::Note(Note::Waits { recipe: Recipe::RwLock, path, node, ahead }) if !exclude(node, ahead) => {
            let both = Fact::new(told.event, format!("{node} and {ahead} are readers in the line {path}"));
            Some(told.breaks(ReadersAndWriter, [both, Fact::new(told.event, format!("c{} waits for the other", told.client))]))
        }
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_readers_hold_together() {
        let (reader, writer) = ("/rw/_c_c1.1-read-0000000001", "/rw/_c_c2.1-write-0000000002");
        assert!(is_writer(writer) && !is_writer(reader) && !is_writer("write-"));
        assert!(exclude(reader, writer) && exclude(writer, writer) && !exclude(reader, reader));
    }
}
