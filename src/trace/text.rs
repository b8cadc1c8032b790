//! The text form of a trace: one line an event, in columns.

use super::Entry;
use crate::proto::Micros;

/// Number, virtual time, node, sentence: `   131     12.345ms  s2    changes its vote from s2 to s3: …`.
pub fn line(entry: &impl Entry) -> String {
    format!("{:>6}  {}", entry.n(), sentence_at(&time(entry.at()), entry))
}

/// The columns right of the event's number, under another writing of the time.
pub fn sentence_at(time: &str, entry: &impl Entry) -> String {
    match entry.node() {
        Some(node) => format!("{time}  {node:<4}  {}", entry.sentence()),
        None => format!("{time}  {:<4}  {}", "", entry.sentence()),
    }
}

/// Milliseconds with three decimals, so that a column of times can be compared at sight.
fn time(at: Micros) -> String {
    format!("{:>7}.{:03}ms", at.0 / 1_000, at.0 % 1_000)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proto::NodeId;
    use crate::trace::{Event, Record, What};

    #[test]
    fn columns_are_aligned() {
        let event = |n, at, node, record| Event { n, at: Micros(at), node, cause: None, what: What::Record(record) };
        let crash = event(7, 1_234_567, Some(NodeId::server(2)), Record::Crashed);
        let heal = event(120, 90_000_000, None, Record::Action { action: "heal".into() });
        assert_eq!(line(&crash), "     7     1234.567ms  s2    process crashes");
        assert_eq!(line(&heal), "   120    90000.000ms        heal");
    }
}
