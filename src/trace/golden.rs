//! Golden traces: the story of a window, written so that it changes only when the story does.

use super::{Entry, Event, plot, sentence_at};

/// A golden trace is read by people: longer ones are cut, and say so.
const LINES_MAX: usize = 150;

/// The plot of `events`, one line each, with times in whole milliseconds and without the numbers of events, which every change of the
/// mechanics moves.
pub fn golden<'a>(events: impl IntoIterator<Item = &'a Event>) -> String {
    let mut headlines = plot(events);
    let mut text: String = headlines.by_ref().take(LINES_MAX).map(golden_line).collect();
    match headlines.count() {
        0 => {}
        more => text.push_str(&format!("… and {more} more: choose a smaller window\n")),
    }
    text
}

fn golden_line(event: &Event) -> String {
    let time = format!("{:>7}ms", event.at().0 / 1_000);
    format!("{}\n", sentence_at(&time, event))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proto::{Micros, NodeId, ServerId};
    use crate::trace::{Event, Note, Record, What};

    fn event(n: u64, what: What) -> Event {
        Event { n, at: Micros(n * 1_500), node: Some(NodeId::server(1)), cause: None, what }
    }

    #[test]
    fn only_headlines_without_numbers_or_microseconds() {
        let events = [
            event(1, What::Note(Note::PeerLost { peer: ServerId(2) })),
            event(2, What::Record(Record::Crashed)),
            event(3, What::Note(Note::BootRefused { reason: "no database".into() })),
            event(5, What::Record(Record::Exited { code: 14 })),
        ];
        assert_eq!(golden(&events), "      4ms  s1    refuses to boot: no database\n      7ms  s1    process exits with code 14\n");
    }

    #[test]
    fn a_long_story_is_cut_and_says_so() {
        let events: Vec<Event> = (1..=153).map(|n| event(n, What::Record(Record::Exited { code: 1 }))).collect();
        let text = golden(&events);
        assert_eq!(text.lines().count(), 151);
        assert!(text.ends_with("… and 3 more: choose a smaller window\n"));
    }
}
