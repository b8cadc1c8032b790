//! The names of all kinds of events and of their fields, for whoever matches events by name.

use super::note::KINDS as NOTES;
use super::record::{OTHER_RECORDS, RECORD_KINDS as RECORDS};

/// Every kind, notes first.
pub fn kinds() -> impl Iterator<Item = &'static str> + Clone {
    NOTES.iter().map(|(name, ..)| *name).chain(RECORDS.iter().map(|(name, _)| *name))
}

/// The fields of a kind; `None` when there is no such kind.
pub fn fields_of(kind: &str) -> Option<&'static [&'static str]> {
    let note = NOTES.iter().find(|(name, ..)| *name == kind).map(|(_, _, fields)| *fields);
    note.or_else(|| RECORDS.iter().find(|(name, _)| *name == kind).map(|(_, fields)| *fields))
}

/// Whether all events of this kind are evidence: see [`Record::is_evidence`](super::Record::is_evidence).
pub fn is_evidence(kind: &str) -> bool {
    !OTHER_RECORDS.contains(&kind)
}

/// Whether it is a kind of note, and not of kernel records.
pub fn is_note(kind: &str) -> bool {
    NOTES.iter().any(|(name, ..)| *name == kind)
}

/// Kinds of notes that clients tell, and nobody else.
pub fn of_clients() -> impl Iterator<Item = &'static str> {
    NOTES.iter().map(|(name, ..)| *name).skip_while(|name| *name != FIRST_OF_CLIENTS)
}

/// In the table of notes all behind it are told by clients.
const FIRST_OF_CLIENTS: &str = "connecting";

/// Whether it is a kind of note that belongs to the story.
pub(super) fn is_headline_note(kind: &str) -> bool {
    NOTES.iter().any(|(name, headline, _)| *name == kind && *headline)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_told_with_their_fields() {
        assert_eq!(fields_of("vote_changed"), Some(&["round", "sender", "from", "to", "because"][..]));
        assert_eq!(fields_of("crashed"), Some(&[][..]));
        assert_eq!(fields_of("nonsense"), None);
        let all: Vec<_> = kinds().collect();
        assert!(all.iter().enumerate().all(|(at, kind)| !all[..at].contains(kind)), "a kind is named twice");
    }
}
