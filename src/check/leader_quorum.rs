//! E-3: who ends an election was told of the leader by a quorum.
//!
//! Judged from what the kernel delivered to the server, not from the supporters it claims. Its own vote never crosses the network, so for
//! that its notes are asked. Which messages can stand for a conclusion depends on how it was reached:
//!
//! - by silence or in the same round: notifications of the server's own round that name the leader. The server compares more (all of the
//!   vote between LOOKING servers), so these are at least the voters that it may count.
//! - joining an established ensemble: notifications of FOLLOWING and LEADING servers that name the leader with one epoch, of any round.
//!   The server itself, which is LOOKING, is not among them, unless a thread of it was slow: then it answered its own note as a follower,
//!   after its last election, and reads the answer in this one.
//! - `electionAlg 0`: replies to its own queries, by plain majority.
//!
//! A server that will *lead* must have found so in its own round: followers of another round follow what it was in an earlier life, or
//! before it gave up (ZOOKEEPER-1514).
//!
//! What was delivered in this life counts, back to the sixteenth call of `lookForLeader`, for it may have waited in queues until the present
//! one: so an election on votes that were read and should have been forgotten is not seen here.

use std::collections::BTreeSet;

use super::electorate::Electorate;
use super::ghosts::{Ghost, Ghosts};
use super::verdict::{Fact, Facts};
use crate::proto::{NodeId, PeerState, Round, ServerId, Vote};
use crate::trace::{ElectedBy, Event, Note};

pub fn check(electorate: &Electorate, ghosts: &Ghosts, event: &Event) -> Option<Facts> {
    let me = event.node.and_then(NodeId::as_server)?;
    let Some(Note::Elected { state, vote, round, how, .. }) = event.note() else { return None };
    let ghost = ghosts.of(me)?;
    let (behind, enough) = match how {
        ElectedBy::Tally => {
            let behind = ghost.named_in_replies(vote.leader);
            let enough = electorate.is_majority(&behind);
            (behind, enough)
        }
        ElectedBy::Established => {
            let by_epoch = ghost.named_as_established(vote.leader);
            let enough = by_epoch.values().any(|behind| electorate.is_quorum(behind));
            (by_epoch.into_values().max_by_key(BTreeSet::len).unwrap_or_default(), enough)
        }
        ElectedBy::Silence | ElectedBy::SameRound | ElectedBy::Shortcut => {
            let behind = named_in_own_round(ghost, me, vote.leader);
            let enough = electorate.is_quorum(&behind);
            (behind, enough)
        }
    };
    if !enough {
        return Some(no_quorum(electorate, ghost, me, vote, &behind, event));
    }
    let own_round = ghost.ballot().filter(|_| *state == PeerState::Leading && *how != ElectedBy::Tally)?;
    (own_round.round != *round).then(|| other_round(me, own_round.round, own_round.proposals[0].event, *round, event))
}

/// The voters that named `leader` to `me` in its present round, and `me` itself if it has proposed it, be it in the call before: on joining
/// an ensemble the round may go back, so that calls share one.
fn named_in_own_round(ghost: &Ghost, me: ServerId, leader: ServerId) -> BTreeSet<ServerId> {
    let Some(ballot) = ghost.ballot() else { return BTreeSet::new() };
    let mut behind = ghost.named_in_round(leader, ballot.round);
    if ghost.proposed_lately(leader, ballot.round) {
        behind.insert(me);
    }
    behind
}

fn no_quorum(electorate: &Electorate, ghost: &Ghost, me: ServerId, vote: &Vote, behind: &BTreeSet<ServerId>, event: &Event) -> Facts {
    let heard = ghost.last_heard_of(vote.leader).unwrap_or(ghost.call());
    let names: Vec<String> = behind.iter().filter(|id| electorate.has_say(**id)).map(ServerId::to_string).collect();
    let told = match names.as_slice() {
        [] => format!("nobody had told {me} that it is for {}", vote.leader),
        _ => format!("only {} had told {me} to be for {}, which is no quorum", names.join(", "), vote.leader),
    };
    [Fact::new(heard, told), Fact::new(event.n, event.to_string())]
}

fn other_round(me: ServerId, own: Round, since: u64, other: Round, event: &Event) -> Facts {
    [Fact::new(since, format!("{me} is in round {own}")), Fact::new(event.n, format!("{me} takes the lead on the votes of round {other}"))]
}

#[cfg(test)]
mod tests {
    use crate::check::Invariant;
    use crate::check::tests::{Story, vote};
    use crate::proto::PeerState::{Following, Leading, Looking, Observing};
    use crate::proto::{Round, ServerId};
    use crate::trace::ElectedBy::{Established, SameRound, Shortcut, Silence, Tally};
    use crate::trace::Note;

    #[test]
    fn a_quorum_in_the_own_round_is_enough() {
        let mut story = Story::of(3);
        story.looks(2, 1, vote(2, 0, 0)).hears(2, 1, Looking, 1, vote(2, 0, 0)).elects(2, Leading, 1, vote(2, 0, 0), &[1, 2], Silence);
        story.looks(3, 1, vote(3, 0, 0)).hears(3, 1, Following, 1, vote(2, 0, 0)).hears(3, 2, Leading, 1, vote(2, 0, 0));
        story.elects(3, Following, 1, vote(2, 0, 0), &[1, 2], SameRound);
        assert_eq!(story.violation(), None);
    }

    #[test]
    fn a_claimed_supporter_that_never_spoke_does_not_count() {
        let mut story = Story::of(3);
        story.looks(2, 1, vote(2, 0, 0)).hears(2, 1, Looking, 1, vote(1, 0, 0)).elects(2, Leading, 1, vote(2, 0, 0), &[1, 2], Silence);
        let violation = story.breaks(Invariant::LeaderHasQuorum);
        assert_eq!(violation.facts[0].text, "only s2 had told s2 to be for s2, which is no quorum");
    }

    #[test]
    fn votes_of_another_round_or_life_do_not_count() {
        let mut story = Story::of(3);
        story.looks(2, 2, vote(2, 0, 0)).hears(2, 1, Looking, 1, vote(2, 0, 0)).elects(2, Leading, 2, vote(2, 0, 0), &[1, 2], Silence);
        story.breaks(Invariant::LeaderHasQuorum);

        let mut story = Story::of(3);
        story.hears(2, 1, Looking, 1, vote(2, 0, 0)).restarts(2).looks(2, 1, vote(2, 0, 0)).elects(2, Leading, 1, vote(2, 0, 0), &[1, 2], Silence);
        story.breaks(Invariant::LeaderHasQuorum);
    }

    /// ZOOKEEPER-975: one LEADING note is trusted.
    #[test]
    fn the_word_of_the_leader_alone_is_no_quorum() {
        let mut story = Story::of(3);
        story.looks(3, 1, vote(3, 0, 0)).hears(3, 2, Leading, 1, vote(2, 0, 0)).elects(3, Following, 1, vote(2, 0, 0), &[2], Shortcut);
        story.breaks(Invariant::LeaderHasQuorum);
    }

    #[test]
    fn an_established_ensemble_needs_one_epoch_and_not_one_round() {
        let join = |epoch_of_s1| {
            let mut story = Story::of(5);
            story.looks(4, 1, vote(4, 0, 0)).hears(4, 1, Following, 3, vote(5, 7, epoch_of_s1)).hears(4, 2, Following, 9, vote(5, 3, 2));
            story.hears(4, 5, Leading, 3, vote(5, 7, 2)).elects(4, Following, 3, vote(5, 7, 2), &[1, 2, 5], Established);
            story
        };
        assert_eq!(join(2).violation(), None);
        join(1).breaks(Invariant::LeaderHasQuorum);
    }

    #[test]
    fn an_own_vote_of_the_same_round_counts_in_the_next_call() {
        let ends = |restarts: bool| {
            let mut story = Story::of(3);
            story.looks(1, 2, vote(1, 0, 0)).changes(1, 3, vote(3, 0, 1));
            if restarts {
                story.restarts(1);
            }
            story.looks(1, 2, vote(1, 0, 0)).hears(1, 3, Leading, 2, vote(3, 0, 1)).elects(1, Following, 2, vote(3, 0, 1), &[1, 3], SameRound);
            story
        };
        assert_eq!(ends(false).violation(), None);
        ends(true).breaks(Invariant::LeaderHasQuorum);
    }

    #[test]
    fn a_late_answer_to_oneself_counts() {
        let join = |answered| {
            let mut story = Story::of(3);
            story.looks(1, 1, vote(1, 0, 0));
            if answered {
                let (to, state, vote, round) = (ServerId(1), Following, vote(3, 0, 1), Round(1));
                story.notes(1, Note::LookingAnswered { to, state, vote, round });
            }
            story.looks(1, 2, vote(1, 0, 0)).hears(1, 3, Leading, 1, vote(3, 0, 1)).elects(1, Following, 1, vote(3, 0, 1), &[1, 3], Established);
            story
        };
        assert_eq!(join(true).violation(), None);
        join(false).breaks(Invariant::LeaderHasQuorum);
    }

    /// ZOOKEEPER-1514.
    #[test]
    fn nobody_leads_on_votes_of_another_round() {
        let mut story = Story::of(3);
        story.looks(3, 5, vote(3, 0, 0)).hears(3, 1, Following, 4, vote(3, 0, 0)).hears(3, 2, Following, 4, vote(3, 0, 0));
        story.elects(3, Leading, 4, vote(3, 0, 0), &[1, 2], Established);
        let violation = story.breaks(Invariant::LeaderHasQuorum);
        assert_eq!(violation.facts[0].text, "s3 is in round 5");
    }

    #[test]
    fn observers_join_but_are_in_no_quorum() {
        let mut story = Story::with_observers(3, 1);
        story.looks(4, 1, vote(4, 0, 0)).hears(4, 1, Following, 1, vote(3, 0, 1)).hears(4, 3, Leading, 1, vote(3, 0, 1));
        story.elects(4, Observing, 1, vote(3, 0, 1), &[1, 3], Established);
        assert_eq!(story.violation(), None);
        story.looks(3, 2, vote(3, 0, 1)).hears(3, 4, Looking, 2, vote(3, 0, 1)).elects(3, Leading, 2, vote(3, 0, 1), &[3], Silence);
        story.breaks(Invariant::LeaderHasQuorum);
    }

    #[test]
    fn the_old_algorithm_counts_replies_to_its_own_queries() {
        let tallied = |xid_of_reply| {
            let mut story = Story::of(3);
            story.queries(1, 77, vote(1, 0, -1)).is_answered(1, 1, 77, 3).is_answered(1, 3, xid_of_reply, 3);
            story.elects(1, Following, -1, vote(3, 0, -1), &[1, 3], Tally);
            story
        };
        assert_eq!(tallied(77).violation(), None);
        tallied(76).breaks(Invariant::LeaderHasQuorum);
    }
}
