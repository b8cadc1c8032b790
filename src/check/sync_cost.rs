//! L-6: a learner that is level with its leader is not sent a snapshot.

use super::Invariant::SyncIsCheap;
use super::verdict::{Breach, Fact};
use crate::trace::{Event, Note, SyncHow};

/// The row of the leader's table for `forceSnapshotSync`, which wants every learner to get a snapshot.
const FORCED: u8 = 1;

pub fn check(event: &Event) -> Option<Breach> {
    match event.note()? {
        Note::SyncChosen { learner, how: SyncHow::Snap, peer, zxid, row } if peer == zxid && *row != FORCED => {
            Some((SyncIsCheap, [Fact::new(event.n, format!("{learner} is at {peer}, as its leader is")), Fact::new(event.n, event.to_string())]))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use crate::check::Invariant;
    use crate::check::tests::Story;
    use crate::proto::{ServerId, Zxid};
    use crate::trace::{Note, SyncHow};

    /// ZOOKEEPER-1465.
    #[test]
    fn a_level_learner_gets_an_empty_diff() {
        let chosen = |how, peer, row| Note::SyncChosen { learner: ServerId(1), how, peer: Zxid::new(2, peer), zxid: Zxid::new(2, 5), row };
        let mut story = Story::of(3);
        story.notes(3, chosen(SyncHow::Diff, 5, 2)).notes(3, chosen(SyncHow::Snap, 4, 6)).notes(3, chosen(SyncHow::Snap, 5, 1));
        assert_eq!(story.violation(), None);
        story.notes(3, chosen(SyncHow::Snap, 5, 6));
        story.breaks(Invariant::SyncIsCheap);
    }
}
