//! Where two runs part.

use std::fmt;

use serde::Serialize;

use super::{Entry, text};

/// The first place at which two streams of events are not the same. A side that had ended before it is `None`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// Line of the last event that is the same in both; `None` when already the first ones differ.
    pub before: Option<String>,
    pub first: Option<String>,
    pub second: Option<String>,
}

/// Compares events one by one, with everything that is in them; `None` when there is no difference.
pub fn first_difference<E: Entry + PartialEq + Serialize>(
    first: impl IntoIterator<Item = E>,
    second: impl IntoIterator<Item = E>,
) -> Option<Difference> {
    let (mut first, mut second) = (first.into_iter(), second.into_iter());
    let mut before = None;
    loop {
        match (first.next(), second.next()) {
            (None, None) => return None,
            (Some(one), Some(other)) if one == other => before = Some(one),
            (one, other) => {
                let (first, second) = lines(one.as_ref(), other.as_ref());
                return Some(Difference { before: before.as_ref().map(text::line), first, second });
            }
        }
    }
}

/// The lines of two events; in JSON when their text forms do not show what differs.
fn lines<E: Entry + Serialize>(one: Option<&E>, other: Option<&E>) -> (Option<String>, Option<String>) {
    let as_text = (one.map(text::line), other.map(text::line));
    if as_text.0 != as_text.1 {
        return as_text;
    }
    let json = |event: &E| serde_json::to_string(event).expect("events are structs of text and numbers");
    (one.map(json), other.map(json))
}

impl Difference {
    /// Three lines, with the two streams under the names given: `stored`, `now`.
    pub fn between(&self, first: &str, second: &str) -> String {
        let width = first.len().max(second.len()).max("before".len());
        let row = |name: &str, line: &Option<String>, none: &str| format!("  {name:<width$}  {}\n", line.as_deref().unwrap_or(none));
        row("before", &self.before, "nothing") + &row(first, &self.first, "has ended") + &row(second, &self.second, "has ended")
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, out: &mut fmt::Formatter) -> fmt::Result {
        out.write_str(&self.between("first", "second"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proto::{Micros, NodeId};
    use crate::trace::{Event, Record, What};

    fn exit(n: u64, cause: u64, code: i32) -> Event {
        Event { n, at: Micros(n), node: Some(NodeId::server(1)), cause: Some(cause), what: What::Record(Record::Exited { code }) }
    }

    #[test]
    fn equal_streams_have_no_difference() {
        let events = [exit(1, 0, 1), exit(2, 1, 2)];
        assert_eq!(first_difference(events.clone(), events), None);
    }

    #[test]
    fn the_first_difference_is_shown_with_what_came_before() {
        let found = first_difference([exit(1, 0, 1), exit(2, 1, 2)], [exit(1, 0, 1), exit(2, 1, 3)]).expect("they differ");
        let shown = found.to_string();
        let lines: Vec<&str> = shown.lines().collect();
        assert!(lines[0].starts_with("  before ") && lines[0].ends_with("exits with code 1"), "{shown}");
        assert!(lines[1].starts_with("  first ") && lines[1].ends_with("exits with code 2"), "{shown}");
        assert!(lines[2].starts_with("  second ") && lines[2].ends_with("exits with code 3"), "{shown}");
    }

    #[test]
    fn a_stream_that_ends_early_differs() {
        let found = first_difference([exit(1, 0, 1)], [exit(1, 0, 1), exit(2, 1, 2)]).expect("they differ");
        assert_eq!(found.first, None);
        assert!(found.between("stored", "now").contains("\n  stored  has ended\n"));
    }

    #[test]
    fn what_text_does_not_show_is_shown_as_json() {
        let found = first_difference([exit(1, 0, 1)], [exit(1, 7, 1)]).expect("the causes differ");
        assert!(found.second.is_some_and(|line| line.contains("\"cause\":7")));
    }
}
