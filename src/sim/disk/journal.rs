//! Changes to names and lengths that wait for the medium, in the order they were made.

use crate::proto::FileName;

use super::files::Ino;

/// A metadata operation. Each carries the inode it is about, so that on a loose disk any subset has a meaning.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// `name` now means this file (create).
    Link {
        name: FileName,
        ino: Ino,
    },
    Rename {
        from: FileName,
        to: FileName,
        ino: Ino,
    },
    Unlink {
        name: FileName,
        ino: Ino,
    },
    SetLen {
        ino: Ino,
        len: u64,
    },
}

impl Change {
    pub fn ino(&self) -> Ino {
        match self {
            Change::Link { ino, .. } | Change::Rename { ino, .. } | Change::Unlink { ino, .. } | Change::SetLen { ino, .. } => *ino,
        }
    }

    fn names(&self) -> [Option<&FileName>; 2] {
        match self {
            Change::Link { name, .. } | Change::Unlink { name, .. } => [Some(name), None],
            Change::Rename { from, to, .. } => [Some(from), Some(to)],
            Change::SetLen { .. } => [None, None],
        }
    }

    /// Whether the two must reach the medium in their order to end in the right state.
    fn touches(&self, other: &Change) -> bool {
        self.ino() == other.ino() || self.names().iter().flatten().any(|name| other.names().contains(&Some(*name)))
    }
}

/// Metadata that is not durable yet, oldest first.
#[derive(Clone, Debug, Default)]
pub struct Journal {
    pending: Vec<(u64, Change)>,
    /// Changes ever made; the number of the next one.
    made: u64,
}

impl Journal {
    pub fn push(&mut self, change: Change) {
        self.pending.push((self.made, change));
        self.made += 1;
    }

    /// The place in the order that separates what was changed until now from what comes later.
    pub fn position(&self) -> u64 {
        self.made
    }

    pub fn is_empty(&self) -> bool {
        self.pending.is_empty()
    }

    pub fn pending(&self) -> impl Iterator<Item = &Change> {
        self.pending.iter().map(|(_, change)| change)
    }

    /// Takes those changes made before `position` that `chosen` names, and older ones that must precede them, in order.
    pub fn take(&mut self, position: u64, mut chosen: impl FnMut(&Change) -> bool) -> Vec<Change> {
        let mut taken: Vec<Change> = Vec::new();
        let mut left = Vec::new();
        for (number, change) in std::mem::take(&mut self.pending).into_iter().rev() {
            if number < position && (chosen(&change) || taken.iter().any(|later| later.touches(&change))) {
                taken.push(change);
            } else {
                left.push((number, change));
            }
        }
        left.reverse();
        taken.reverse();
        self.pending = left;
        taken
    }

    /// Empties the journal, as a power loss does.
    pub fn drain(&mut self) -> Vec<Change> {
        std::mem::take(&mut self.pending).into_iter().map(|(_, change)| change).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn link(name: &str, ino: u64) -> Change {
        Change::Link { name: name.into(), ino: Ino(ino) }
    }

    #[test]
    fn a_change_takes_along_what_must_precede_it() {
        let rename = Change::Rename { from: "a".into(), to: "b".into(), ino: Ino(1) };
        let mut journal = Journal::default();
        for change in [link("a", 1), link("x", 9), rename.clone(), link("a", 2)] {
            journal.push(change);
        }
        // The second `a` replaces the first, which the rename must have taken away before.
        assert_eq!(journal.take(4, |change| change.ino() == Ino(2)), [link("a", 1), rename, link("a", 2)]);
        assert_eq!(journal.drain(), [link("x", 9)]);
    }

    #[test]
    fn later_changes_stay() {
        let mut journal = Journal::default();
        journal.push(link("a", 1));
        let position = journal.position();
        journal.push(Change::SetLen { ino: Ino(1), len: 0 });
        assert_eq!(journal.take(position, |_| true), [link("a", 1)]);
        assert_eq!(journal.pending().count(), 1);
    }
}
