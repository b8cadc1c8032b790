//! Rounds, polls, and whose vote counts. Election reference §2.1, §2.5, §2.9.

use std::sync::Arc;

use super::lone::{Lone, looking, note, vote};
use crate::election::FastLeaderElection;
use crate::proto::{Config, Epoch, LearnerType, Membership, Micros, PeerState, ServerId, Vote, Zxid};
use crate::trace::{IgnoreReason, Note};

/// 200 ms, doubled up to a minute, whatever is heard in between; a new call starts from 200 ms again.
#[test]
fn the_back_off_is_never_reset_within_a_call() {
    let mut lone = Lone::new(1, 3).looks(0);
    for call in 0..2 {
        let mut waits = Vec::new();
        for _ in 0..11 {
            lone.notes();
            assert_eq!(lone.times_out(), None);
            assert!(lone.hears(2, note(PeerState::Observing, vote(2, 0), 1)).is_none());
            let next = lone.poll().expect("it polls again");
            let waited = lone.notes().into_iter().find_map(|note| if let Note::PollTimedOut { waited, .. } = note { Some(waited) } else { None });
            waits.push((waited.expect("it says so").0 / 1_000, next.0 / 1_000));
        }
        let series = [200, 400, 800, 1_600, 3_200, 6_400, 12_800, 25_600, 51_200, 60_000, 60_000, 60_000];
        let expected: Vec<(u64, u64)> = series.windows(2).map(|pair| (pair[0], pair[1])).collect();
        assert_eq!(waits, expected, "call {call}");
        lone.look(0);
    }
}

/// What a poll that times out does: re-send if anything ever left this server, else dial everybody whom it has a note for.
#[test]
fn a_silent_poll_resends_or_dials() {
    let mut lone = Lone::new(1, 3).looks(0);
    lone.times_out();
    assert_eq!((lone.broadcast(), lone.kinds()), (None, vec!["poll_timed_out"]), "no queue exists, so nothing was delivered");
    lone.connect(2, 0);
    lone.times_out();
    assert_eq!(lone.broadcast(), Some((1, 1)), "the queue for s2 is empty");
}

#[test]
fn rounds_decide_before_votes_do() {
    let (better, worse) = (vote(3, 9), vote(2, 1));
    for (theirs, round, clock, proposal, kind) in [
        (better, 1, 2, 1, "note_ignored"),
        (worse, 2, 2, 1, "vote_counted"),
        (better, 2, 2, 3, "vote_changed"),
        (worse, 5, 5, 1, "round_raised"),
        (better, 5, 5, 3, "round_raised"),
    ] {
        let mut lone = Lone::new(1, 5).looks(5).looks(5);
        assert!(lone.hears(theirs.leader.0, looking(theirs, round)).is_none());
        assert_eq!(lone.election.logical_clock().0, clock, "{theirs} in round {round}");
        assert_eq!(lone.election.proposal().leader.0, proposal, "{theirs} in round {round}");
        assert_eq!(lone.kinds()[0], kind, "{theirs} in round {round}");
        let broadcasts = matches!(kind, "vote_changed" | "round_raised");
        assert_eq!(lone.broadcast(), broadcasts.then_some((proposal, clock)), "{theirs} in round {round}");
    }
}

/// A new round compares with the initial vote, not with what was adopted in the old one.
#[test]
fn a_higher_round_starts_over_from_the_initial_vote() {
    let mut lone = Lone::new(1, 5).looks(3);
    lone.hears(5, looking(vote(5, 9), 1));
    assert_eq!(lone.election.proposal(), vote(5, 9));
    lone.hears(4, looking(vote(4, 2), 7));
    assert_eq!(lone.election.proposal(), vote(1, 3), "1:3 of its own beats 1:2; s5 has to say it again");
}

/// And forgets who voted: s2 and s3 have to speak again before there is a quorum of three.
#[test]
fn a_higher_round_clears_the_count() {
    let mut lone = Lone::new(1, 5).looks(9);
    lone.hears(2, looking(vote(1, 9), 1));
    lone.hears(3, looking(vote(1, 9), 2));
    lone.hears(1, looking(vote(1, 9), 2));
    assert!(!lone.kinds().contains(&"quorum_reached"));
    lone.hears(2, looking(vote(1, 9), 2));
    assert!(lone.kinds().contains(&"quorum_reached"));
}

#[test]
fn duplicates_are_harmless() {
    let mut lone = Lone::new(1, 5).looks(9);
    for _ in 0..5 {
        assert_eq!(lone.hears(2, looking(vote(1, 9), 1)), None);
    }
    assert!(!lone.kinds().contains(&"quorum_reached"), "a server is counted once");
}

#[test]
fn an_untrusted_database_neither_votes_nor_is_counted() {
    let untrusted = |leader| Vote { zxid: Zxid::UNTRUSTED, ..vote(leader, 0) };
    let ignored = |lone: &mut Lone| lone.notes().iter().any(|note| matches!(note, Note::NoteIgnored { why: IgnoreReason::UntrustedZxid, .. }));
    let mut lone = Lone::new(1, 3).looks(0);
    lone.hears(3, looking(untrusted(3), 9));
    assert!(ignored(&mut lone) && lone.election.logical_clock().0 == 1, "not even its round is taken over");

    let mut lone = Lone::new(1, 3);
    lone.act(|election, cx| election.look_for_leader(cx, Zxid::UNTRUSTED, Epoch(0)));
    lone.hears(3, looking(vote(3, 9), 1));
    assert!(ignored(&mut lone));
    lone.hears(2, note(PeerState::Following, vote(3, 9), 4));
    let outcome = lone.hears(3, note(PeerState::Leading, vote(3, 9), 4)).expect("it can still join an ensemble");
    assert_eq!((outcome.state, outcome.vote.leader.0, outcome.round.0), (PeerState::Following, 3, 4));
}

/// Observers vote for nobody, adopt whatever is better, and finish as observers; what they say is not counted.
#[test]
fn observers_listen() {
    let members = Membership::of(3, 1);
    let mut observer = Lone::with(4, members.clone(), LearnerType::Observer).looks(7);
    assert_eq!(observer.election.proposal(), Vote { leader: ServerId::NOBODY, zxid: Zxid::NONE, epoch: Epoch::NONE });
    observer.hears(2, looking(vote(2, 0), 1));
    assert_eq!(observer.broadcast(), Some((2, 1)), "to the voters only");
    observer.hears(1, looking(vote(2, 0), 1));
    let outcome = observer.times_out().expect("a quorum and silence");
    assert_eq!((outcome.state, outcome.vote), (PeerState::Observing, vote(2, 0)));

    let mut voter = Lone::with(1, members, LearnerType::Participant).looks(0);
    voter.hears(4, looking(vote(1, 0), 1));
    assert!(matches!(voter.notes()[0], Note::NoteIgnored { why: IgnoreReason::NotAVoter { .. }, .. }), "s4 may not vote");
    voter.hears(2, looking(vote(4, 9), 1));
    assert!(matches!(voter.notes()[0], Note::NoteIgnored { why: IgnoreReason::NotAVoter { .. }, .. }), "nor be elected");
    voter.hears(2, note(PeerState::Observing, vote(2, 9), 1));
    assert!(matches!(voter.notes()[0], Note::NoteIgnored { why: IgnoreReason::Observing, .. }));
}

/// A participant of its own configuration that is not in the list has nobody to vote for.
#[test]
fn a_server_outside_the_list_votes_for_nobody() {
    let lone = Lone::with(9, Membership::of(3, 0), LearnerType::Participant).looks(7);
    assert_eq!(lone.election.proposal(), Vote { leader: ServerId::NOBODY, ..vote(9, 7) });
}

#[test]
fn a_server_of_weight_zero_is_never_proposed() {
    let mut members = Membership::of(3, 0);
    for (id, member) in &mut members.members {
        (member.group, member.weight) = (Some(1), u32::from(id.0 != 3));
    }
    let mut lone = Lone::with(1, members, LearnerType::Participant).looks(0);
    lone.hears(3, looking(vote(3, 9), 1));
    assert_eq!(lone.election.proposal(), vote(1, 0));
    lone.hears(3, looking(vote(3, 9), 5));
    assert_eq!(lone.election.proposal(), vote(1, 0), "nor in a new round");
    lone.hears(2, looking(vote(2, 0), 5));
    lone.hears(1, looking(vote(2, 0), 5));
    assert!(lone.kinds().contains(&"quorum_reached"), "s1 and s2 have all the weight");
}

#[test]
fn the_back_off_is_configured() {
    let mut config = Config::new(Membership::of(3, 0));
    (config.min_notification_interval, config.max_notification_interval) = (Micros::from_millis(30), Micros::from_millis(70));
    let mut lone = Lone::new(1, 3);
    lone.election = FastLeaderElection::new(ServerId(1), LearnerType::Participant, Arc::new(config));
    lone.act(|election, cx| election.look_for_leader(cx, Zxid::ZERO, Epoch(0)));
    let polls: Vec<Option<Micros>> = (0..4)
        .map(|_| {
            let poll = lone.poll();
            lone.times_out();
            poll
        })
        .collect();
    assert_eq!(polls, [30, 60, 70, 70].map(|millis| Some(Micros::from_millis(millis))));
}
