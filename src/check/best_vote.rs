//! E-2: the winner is the best candidate that its supporters knew.
//!
//! Judged when an election ends by silence, for each of its supporters, at the moment when that one began to propose the winner. A
//! supporter *knew* its own initial vote, the vote that raised its round, and each vote of that round that it noted to have adopted or
//! counted (it counts those of LOOKING servers only). All of these were read by its main loop, past every reason to ignore them, and a better one is
//! adopted in the step that reads it; so a correct server never proposes less than what it knows. A notification that was delivered but
//! still waits in a queue does not count, nor one that is met in the finalize drain, which is put back and read again.
//!
//! A supporter that learns better afterwards breaks nothing: the winner need not have heard of it yet.

use super::ghosts::Ghosts;
use super::verdict::{Fact, Facts};
use crate::proto::{NodeId, Round, ServerId, Vote};
use crate::trace::{ElectedBy, Event, Note};

pub fn check(ghosts: &Ghosts, event: &Event) -> Option<Facts> {
    let me = event.node.and_then(NodeId::as_server)?;
    let Some(Note::Elected { vote, round, supporters, how: ElectedBy::Silence, .. }) = event.note() else { return None };
    supporters.iter().find_map(|supporter| knew_better(ghosts, *supporter, *round, vote, me))
}

/// The facts against a supporter, if it knew a better vote each time it began to propose the winner in this round.
fn knew_better(ghosts: &Ghosts, supporter: ServerId, round: Round, winner: &Vote, concluder: ServerId) -> Option<Facts> {
    let mut proposals = ghosts.of(supporter)?.proposals(round, winner).peekable();
    proposals.peek()?;
    let (proposal, better) = proposals.map(|proposal| proposal.outdone_by.map(|better| (proposal, better))).collect::<Option<Vec<_>>>()?.pop()?;
    let voted = format!("{supporter} proposed {winner} all the same, and {concluder} ends the election with it");
    Some([Fact::new(better.event, format!("{supporter} knew {} in round {round}", better.vote)), Fact::new(proposal.event, voted)])
}

#[cfg(test)]
mod tests {
    use crate::check::Invariant;
    use crate::check::tests::{Story, vote};
    use crate::proto::PeerState::{Following, Leading, Looking};
    use crate::trace::ElectedBy::Silence;

    #[test]
    fn the_better_vote_of_a_higher_round_is_adopted() {
        let mut story = Story::of(3);
        story.looks(1, 1, vote(1, 4, 1));
        story.raises(1, 2, 3, vote(3, 5, 1), vote(1, 4, 1), vote(3, 5, 1));
        story.looks(3, 2, vote(3, 5, 1)).hears(3, 1, Looking, 2, vote(3, 5, 1));
        story.elects(3, Leading, 2, vote(3, 5, 1), &[1, 3], Silence);
        assert_eq!(story.violation(), None);
    }

    /// ZOOKEEPER-275: on a higher round a server proposes itself again.
    #[test]
    fn a_forgotten_better_vote_does_not_pass() {
        let mut story = Story::of(3);
        story.looks(1, 1, vote(1, 4, 1)).raises(1, 2, 3, vote(3, 5, 1), vote(1, 4, 1), vote(1, 4, 1));
        story.looks(2, 1, vote(2, 4, 1)).raises(2, 2, 3, vote(3, 5, 1), vote(2, 4, 1), vote(2, 4, 1));
        story.changes(1, 2, vote(2, 4, 1)).hears(2, 1, Looking, 2, vote(2, 4, 1));
        assert_eq!(story.violation(), None, "nothing is decided yet");
        story.elects(2, Leading, 2, vote(2, 4, 1), &[1, 2], Silence);
        let violation = story.breaks(Invariant::BestKnownVote);
        assert_eq!(violation.facts[0].text, "s1 knew s3 (zxid 1:5, epoch 1) in round 2");
    }

    #[test]
    fn what_was_counted_from_a_looking_server_is_known() {
        let mut story = Story::of(5);
        story.looks(1, 1, vote(1, 4, 1)).hears(1, 5, Looking, 1, vote(5, 9, 1)).counts(1, 5, 1, vote(5, 9, 1)).changes(1, 2, vote(2, 4, 1));
        story.hears(1, 2, Looking, 1, vote(2, 4, 1)).hears(1, 3, Looking, 1, vote(2, 4, 1));
        story.elects(1, Following, 1, vote(2, 4, 1), &[1, 2, 3], Silence);
        story.breaks(Invariant::BestKnownVote);
    }

    #[test]
    fn what_still_waits_or_comes_later_is_not_known() {
        let mut story = Story::of(3);
        story.looks(1, 1, vote(1, 4, 1)).hears(1, 3, Looking, 1, vote(3, 9, 1)).changes(1, 2, vote(2, 4, 1)).hears(1, 2, Looking, 1, vote(2, 4, 1));
        story.counts(1, 3, 1, vote(3, 9, 1));
        story.elects(1, Following, 1, vote(2, 4, 1), &[1, 2], Silence);
        assert_eq!(story.violation(), None);
    }
}
