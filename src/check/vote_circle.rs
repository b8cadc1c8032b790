//! E-1: no server goes round in circles.
//!
//! A server changes its proposal within a round only for a better one, and "better" is a strict total order; so its proposals rise, and
//! there are only so many. Judged from the server's notes of its proposals, by the checks' own order of votes. A new call of
//! `lookForLeader`, a higher round or a new life start afresh.

use super::electorate::Electorate;
use super::ghosts::Ghosts;
use super::verdict::{Fact, Facts};
use crate::proto::NodeId;
use crate::trace::{Event, Note};

pub fn check(electorate: &Electorate, ghosts: &Ghosts, event: &Event) -> Option<Facts> {
    let me = event.node.and_then(NodeId::as_server)?;
    let Some(Note::VoteChanged { round, .. }) = event.note() else { return None };
    let [earlier @ .., last, new] = ghosts.of(me)?.ballot()?.proposals.as_slice() else { return None };
    if electorate.beats(&new.vote, &last.vote) {
        return None;
    }
    let returned_to = earlier.iter().find(|proposal| proposal.vote == new.vote);
    let first = match returned_to {
        Some(before) => Fact::new(before.event, format!("{me} proposed {} in round {round}, and left it for {}", before.vote, last.vote)),
        None => Fact::new(last.event, format!("{me} proposed {} in round {round}", last.vote)),
    };
    let verb = if returned_to.is_some() { "returns to" } else { "leaves it for" };
    Some([first, Fact::new(new.event, format!("{me} {verb} {}, which is not better", new.vote))])
}

#[cfg(test)]
mod tests {
    use crate::check::Invariant;
    use crate::check::tests::{Story, vote};

    #[test]
    fn rising_proposals_are_fine_and_a_new_round_starts_afresh() {
        let mut story = Story::of(3);
        story.looks(1, 1, vote(1, 4, 1)).changes(1, 2, vote(2, 4, 1)).changes(1, 3, vote(3, 5, 1)).changes(1, 2, vote(2, 0, 2));
        story.looks(1, 2, vote(1, 4, 1)).changes(1, 2, vote(2, 4, 1));
        story.raises(1, 7, 3, vote(3, 5, 1), vote(1, 4, 1), vote(3, 5, 1));
        story.restarts(1).looks(1, 1, vote(1, 4, 1));
        assert_eq!(story.violation(), None);
    }

    /// ZOOKEEPER-1419: ids are compared although the epochs are not equal.
    #[test]
    fn a_larger_id_does_not_make_up_for_an_older_epoch() {
        let mut story = Story::of(3);
        story.looks(2, 1, vote(2, 0, 2)).changes(2, 3, vote(3, 0, 1));
        let violation = story.breaks(Invariant::NoVoteCircle);
        assert_eq!((violation.facts[0].event, violation.event), (1, 2));
        assert!(violation.facts[1].text.ends_with("which is not better"), "{violation}");
    }

    #[test]
    fn a_circle_is_told_as_one() {
        let mut story = Story::of(3);
        story.looks(1, 1, vote(3, 0, 1)).changes(1, 2, vote(2, 0, 2)).changes(1, 3, vote(3, 0, 1));
        let violation = story.breaks(Invariant::NoVoteCircle);
        assert_eq!((violation.facts[0].event, violation.event), (1, 3));
        assert!(violation.facts[1].text.contains("returns to s3"), "{violation}");
    }
}
