//! Joining an established ensemble. Election reference §2.7.

use super::lone::{Lone, looking, note, vote};
use crate::proto::PeerState::{Following, Leading, Observing};
use crate::proto::{Epoch, PeerState, Round, Vote};
use crate::trace::{ElectedBy, JoinObstacle, Note};

/// What s5 of five, in round 1, hears from others: sender, state, leader, epoch, round.
type Heard = (i64, PeerState, i64, i64, i64);

fn joiner() -> Lone {
    Lone::new(5, 5).looks(9)
}

/// How the election ends on the last note, or what is missing then.
fn last(lone: &mut Lone, heard: &[Heard]) -> Result<(ElectedBy, Round), JoinObstacle> {
    let mut outcome = None;
    for (at, (sender, state, leader, epoch, round)) in heard.iter().enumerate() {
        assert_eq!(outcome, None, "over before note {at} of {heard:?}");
        lone.notes();
        let vote = Vote { epoch: Epoch(*epoch), ..vote(*leader, *sender as u32) };
        outcome = lone.hears(*sender, note(*state, vote, *round));
    }
    lone.notes()
        .into_iter()
        .find_map(|note| match note {
            Note::Elected { how, round, .. } => Some(Ok((how, round))),
            Note::JoinWaits { why, .. } => Some(Err(why)),
            _ => None,
        })
        .expect("it says what it makes of the note")
}

/// The zxids differ in every row (each sender names its own): they never matter between servers that are not looking.
#[test]
fn a_quorum_and_the_leaders_own_word() {
    use JoinObstacle::{LeaderSilent, NoQuorum};
    let (established, same_round) = (ElectedBy::Established, ElectedBy::SameRound);
    for (heard, expected) in [
        // Another round: the epochs have to agree, the rounds need not.
        (&[(1, Following, 3, 1, 4), (2, Following, 3, 1, 6), (3, Leading, 3, 1, 4)][..], Ok((established, Round(4)))),
        (&[(3, Leading, 3, 1, 4), (2, Following, 3, 1, 6), (1, Following, 3, 1, 5)], Ok((established, Round(5)))),
        (&[(1, Following, 3, 1, 4), (2, Following, 3, 1, 4)], Err(NoQuorum { agreeing: 2 })),
        (&[(1, Following, 3, 1, 4), (2, Following, 3, 1, 4), (4, Following, 3, 1, 4)], Err(LeaderSilent)),
        (&[(1, Following, 3, 1, 4), (2, Following, 3, 2, 4), (3, Leading, 3, 2, 4)], Err(NoQuorum { agreeing: 2 })),
        (&[(1, Following, 3, 1, 4), (2, Following, 2, 1, 4), (3, Leading, 3, 1, 4)], Err(NoQuorum { agreeing: 2 })),
        // The candidate itself says FOLLOWING: that is no word of a leader.
        (&[(1, Following, 3, 1, 4), (2, Following, 3, 1, 4), (3, Following, 3, 1, 4)], Err(LeaderSilent)),
        // This round: what is stored without a version matches by the leader alone (ZOOKEEPER-1805), whatever the epochs.
        (&[(1, Following, 3, 1, 1), (2, Following, 3, 2, 1), (3, Leading, 3, 2, 1)], Ok((same_round, Round(1)))),
        (&[(1, Following, 3, 1, 1), (2, Following, 3, 2, 1), (4, Following, 3, 2, 1)], Err(NoQuorum { agreeing: 2 })),
        // One of this round and two of another are a quorum in outofelection only.
        (&[(1, Following, 3, 1, 1), (2, Following, 3, 1, 4), (3, Leading, 3, 1, 4)], Ok((established, Round(4)))),
        // The last word of a server counts.
        (&[(3, Leading, 3, 1, 4), (3, Following, 2, 1, 4), (1, Following, 3, 1, 4), (2, Following, 3, 1, 4)], Err(NoQuorum { agreeing: 2 })),
    ] {
        assert_eq!(last(&mut joiner(), heard), expected, "{heard:?}");
    }
}

#[test]
fn joining_takes_over_vote_and_round_without_a_wait() {
    for (ours, theirs) in [(1, 4), (6, 4)] {
        let mut lone = joiner();
        (1..ours).for_each(|_| lone.look(9));
        lone.hears(1, note(Following, vote(3, 2), theirs));
        lone.hears(2, note(Following, vote(3, 2), theirs));
        let outcome = lone.hears(3, note(Leading, vote(3, 1), theirs)).expect("no 200 ms");
        assert_eq!((outcome.state, outcome.vote, outcome.round), (Following, vote(3, 1), Round(theirs)), "the vote of the deciding note");
        assert_eq!(lone.election.logical_clock(), Round(theirs), "from round {ours}, up or down");
    }
}

/// LOOKING votes of this round count too when they are equal in all fields, zxid and round included.
#[test]
fn looking_votes_of_the_round_need_full_equality() {
    for (zxid, joins) in [(1, true), (2, false)] {
        let mut lone = Lone::new(5, 5).looks(0);
        lone.hears(1, looking(vote(3, zxid), 1));
        lone.hears(2, looking(vote(3, zxid), 1));
        assert_eq!(lone.hears(3, note(Leading, vote(3, 1), 1)).is_some(), joins, "zxid 1:{zxid}");
    }
}

/// checkLeader's other branch: told that it leads itself, a server believes it only for its own round.
#[test]
fn a_restarted_leader_does_not_believe_old_followers() {
    for (round, expected) in [(1, Ok((ElectedBy::SameRound, Round(1)))), (4, Err(JoinObstacle::OtherRound { theirs: Round(4), ours: Round(1) }))] {
        let heard = [1, 2, 3].map(|sender| (sender, Following, 5, 1, round));
        assert_eq!(last(&mut joiner(), &heard), expected, "round {round}");
    }
}

/// Only FOLLOWING and LEADING notes enter outofelection, and only those of this call.
#[test]
fn outofelection_lives_for_one_call() {
    let mut lone = joiner();
    lone.hears(1, note(Following, vote(3, 1), 4));
    lone.hears(2, note(Following, vote(3, 1), 4));
    lone.look(9);
    assert_eq!(last(&mut lone, &[(3, Leading, 3, 1, 4)]), Err(JoinObstacle::NoQuorum { agreeing: 1 }));

    let mut lone = joiner();
    lone.hears(1, looking(vote(3, 1), 0));
    lone.hears(2, note(Observing, vote(3, 1), 4));
    assert_eq!(last(&mut lone, &[(3, Leading, 3, 1, 4)]), Err(JoinObstacle::NoQuorum { agreeing: 1 }));
}
