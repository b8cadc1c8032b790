//! The finalize drain. Election reference §2.6.

use super::lone::{Lone, looking, note, vote};
use crate::election::FastLeaderElection;
use crate::proto::{Micros, PeerState, Round};
use crate::trace::Note;

const FINALIZE_WAIT: Micros = Micros::from_millis(200);

/// s2 of five holds a quorum for itself in round 1.
fn draining() -> Lone {
    let mut lone = Lone::new(2, 5).looks(5);
    lone.hears(1, looking(vote(2, 5), 1));
    assert_eq!(lone.hears(3, looking(vote(2, 5), 1)), None, "a quorum is not the end");
    assert_eq!(lone.poll(), Some(FINALIZE_WAIT));
    assert!(lone.kinds().contains(&"quorum_reached"));
    lone.told();
    lone
}

#[test]
fn silence_ends_the_election() {
    let mut lone = draining();
    let outcome = lone.times_out().expect("200 ms of silence");
    assert_eq!((outcome.state, outcome.vote, outcome.round), (PeerState::Leading, vote(2, 5), Round(1)));
    let notes = lone.notes();
    assert!(matches!(&notes[0], Note::Elected { supporters, .. } if supporters.iter().map(|id| id.0).eq([1, 2, 3])), "{notes:?}");
    assert_eq!(lone.hears(4, looking(vote(4, 9), 9)), None, "the call is over");
    assert_eq!(lone.election.logical_clock(), Round(1));
}

/// (c) The wait is the constant, whatever the poll has grown to, and starts anew with each note that is thrown away.
#[test]
fn every_discarded_note_restarts_the_wait() {
    let mut lone = Lone::new(2, 5).looks(5);
    lone.times_out();
    lone.times_out();
    lone.hears(1, looking(vote(2, 5), 1));
    assert_eq!(lone.poll(), Some(Micros::from_millis(800)));
    lone.hears(3, looking(vote(2, 5), 1));
    for worse in [looking(vote(2, 5), 1), looking(vote(1, 5), 1), looking(vote(5, 4), 9), note(PeerState::Leading, vote(1, 5), 7)] {
        lone.effects.clear();
        assert_eq!(lone.hears(4, worse), None);
        assert_eq!(lone.poll(), Some(FINALIZE_WAIT));
        assert!(lone.kinds().contains(&"drain_discarded"));
    }
    assert_eq!(lone.election.logical_clock(), Round(1), "a higher round is thrown away like the rest");
}

/// (b) Even a complete ensemble that says FOLLOWING and LEADING is not heard in the drain.
#[test]
fn established_notes_are_lost_in_the_drain() {
    let mut lone = draining();
    for (sender, state) in [(1, PeerState::Leading), (3, PeerState::Following), (4, PeerState::Following)] {
        assert_eq!(lone.hears(sender, note(state, vote(1, 3), 7)), None);
    }
    assert_eq!(lone.times_out().map(|outcome| outcome.vote.leader), Some(vote(2, 5).leader));
}

/// A better note goes to the tail: what stood behind it is seen by the main loop first.
#[test]
fn a_better_note_is_requeued_at_the_tail() {
    let mut lone = draining();
    lone.queue(4, looking(vote(4, 5), 1));
    lone.queue(5, looking(vote(1, 0), 1));
    assert_eq!(lone.act(FastLeaderElection::on_note), None);
    assert_eq!((lone.poll(), lone.kinds()), (Some(Micros::from_millis(200)), vec!["drain_broken"]));
    assert_eq!(lone.act(FastLeaderElection::on_note), None);
    let counted = lone.notes();
    assert!(matches!(counted[0], Note::VoteCounted { sender, .. } if sender.0 == 5), "{counted:?}");
    assert!(counted.iter().any(|note| note.kind() == "quorum_reached"), "its old quorum still stands, so it drains again");
    assert_eq!(lone.act(FastLeaderElection::on_note), None);
    assert_eq!(lone.kinds(), ["drain_broken"]);
    assert_eq!(lone.act(FastLeaderElection::on_note), None);
    assert_eq!(lone.broadcast(), Some((4, 1)));
}

/// (a) A better vote of an old round breaks the drain and is then ignored; the quorum is looked at again only with the next note of this round.
#[test]
fn an_old_round_breaks_the_drain_too() {
    let mut lone = draining();
    lone.hears(5, looking(vote(5, 9), 0));
    lone.act(FastLeaderElection::on_note);
    assert_eq!(lone.kinds(), ["drain_broken", "note_ignored"]);
    assert_eq!(lone.times_out(), None, "a poll, no drain: it re-sends or dials");
    assert_eq!(lone.kinds(), ["poll_timed_out"]);
    lone.hears(2, looking(vote(2, 5), 1));
    assert!(lone.kinds().contains(&"quorum_reached"));
}

/// A note was in time although the timer comes first: its wake-up is on the way.
#[test]
fn a_note_in_the_queue_is_no_silence() {
    let mut lone = draining();
    lone.queue(4, looking(vote(4, 5), 1));
    assert_eq!(lone.times_out(), None);
    lone.act(FastLeaderElection::on_note);
    assert_eq!(lone.kinds(), ["drain_broken"]);
}

/// (d) Two servers may finish with different leaders: each had its quorum and its silence.
#[test]
fn the_winner_gets_no_confirmation() {
    let mut s1 = Lone::new(1, 3).looks(5);
    s1.hears(2, looking(vote(2, 5), 1));
    s1.hears(1, looking(vote(2, 5), 1));
    let mut s2 = Lone::new(2, 3).looks(5);
    s2.hears(3, looking(vote(3, 5), 1));
    s2.hears(2, looking(vote(3, 5), 1));
    let leaders = [s1.times_out(), s2.times_out()].map(|outcome| outcome.map(|outcome| outcome.vote.leader.0));
    assert_eq!(leaders, [Some(2), Some(3)]);
}
