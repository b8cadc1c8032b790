//! What the WorkerReceiver does with a note before the main loop sees it. Election reference §2.4.

use super::lone::{Lone, looking, note, standing, vote};
use crate::election::{FastLeaderElection, Heard, Standing};
use crate::proto::PeerState::{Following, Leading, Looking, Observing};
use crate::proto::{Epoch, LearnerType, Membership, PeerState, ServerId, Vote};
use crate::trace::Note;

/// s1 of three voters and an observer, s4; it looks, in round 3, with s2's vote adopted.
fn looker() -> Lone {
    let mut lone = Lone::with(1, Membership::of(3, 1), LearnerType::Participant).looks(0).looks(0).looks(0);
    lone.hears(2, looking(vote(2, 8), 3));
    lone.told();
    lone.notes();
    lone
}

/// What it answered: to whom, in what state, for whom, in what round.
fn answers(lone: &mut Lone) -> Vec<(i64, PeerState, i64, i64)> {
    lone.told().iter().map(|(to, note)| (to.0, note.state, note.vote.leader.0, note.round.0)).collect()
}

/// The current vote is of an older election: s3, round 2.
fn stands(state: PeerState) -> Standing {
    standing(state, vote(3, 4), 2)
}

#[test]
fn the_table_of_answers() {
    for (sender, theirs, round, mine, answer, queued) in [
        // A non-voter is answered with the current vote, and with the clock as the round; it is not heard.
        (4, Looking, 1, Looking, Some((4, Looking, 3, 3)), false),
        (4, Looking, 1, Leading, Some((4, Leading, 3, 3)), false),
        (4, Observing, 1, Following, Some((4, Following, 3, 3)), false),
        // Both look: heard in any case, and told the proposal when its round is older.
        (2, Looking, 2, Looking, Some((2, Looking, 2, 3)), true),
        (2, Looking, 3, Looking, None, true),
        (2, Looking, 4, Looking, None, true),
        // It looks and a settled server talks: for the main loop to judge.
        (2, Following, 1, Looking, None, true),
        (2, Leading, 1, Looking, None, true),
        // Settled servers answer those who look, with the round of their own election.
        (2, Looking, 9, Following, Some((2, Following, 3, 2)), false),
        (2, Looking, 1, Leading, Some((2, Leading, 3, 2)), false),
        (2, Looking, 1, Observing, Some((2, Observing, 3, 2)), false),
        // Settled servers have nothing to say to each other.
        (2, Following, 2, Following, None, false),
        (2, Leading, 2, Leading, None, false),
    ] {
        let mut lone = looker();
        let conn = lone.connect(sender, 0);
        let told = lone.receives(conn, stands(mine), note(theirs, vote(sender, 1), round));
        let case = format!("{theirs} s{sender} of round {round} to one that is {mine}");
        assert_eq!(answers(&mut lone), answer.into_iter().collect::<Vec<_>>(), "{case}");
        assert_eq!(!lone.election.receive_queue.is_empty(), queued, "{case}");
        let reported = (mine == Leading && theirs == Looking && sender == 2).then_some(ServerId(2));
        assert_eq!(told, reported.map(Heard::LookingVoter), "{case}: a leader is told of voters that look (ZOOKEEPER-3109)");
    }
}

/// The answer carries the epoch that the vote has by now, and the configuration.
#[test]
fn an_answer_is_the_current_vote() {
    let mut lone = looker();
    let conn = lone.connect(2, 0);
    let current = Vote { epoch: Epoch(7), ..vote(3, 4) };
    lone.receives(conn, standing(Following, current, 2), looking(vote(2, 1), 9));
    let told = lone.told();
    assert_eq!(told[0].1.vote, current);
    assert_eq!(&*told[0].1.config, lone.election.config.membership.text());
}

/// Lagging is judged by the clock at arrival, before the main loop has seen what is queued.
#[test]
fn the_clock_of_the_moment_decides() {
    let mut lone = looker();
    let conn = lone.connect(2, 0);
    lone.receives(conn, stands(Looking), looking(vote(2, 8), 9));
    lone.receives(conn, stands(Looking), looking(vote(2, 8), 5));
    assert_eq!(answers(&mut lone), [], "round 9 waits in the queue; the clock is 3");
    lone.act(FastLeaderElection::on_note);
    lone.told();
    lone.receives(conn, stands(Looking), looking(vote(2, 8), 5));
    assert_eq!(answers(&mut lone), [(2, Looking, 2, 9)]);
}

/// Answered by the receiver, ignored by the main loop.
#[test]
fn a_lower_round_is_answered_and_ignored() {
    let mut lone = looker();
    let conn = lone.connect(3, 0);
    lone.receives(conn, stands(Looking), looking(vote(3, 9), 1));
    assert_eq!(answers(&mut lone), [(3, Looking, 2, 3)]);
    lone.notes();
    lone.act(FastLeaderElection::on_note);
    assert_eq!(lone.kinds(), ["note_ignored"]);
    assert_eq!((lone.election.proposal(), answers(&mut lone)), (vote(2, 8), vec![]));
}

/// Between the end of an election and the storing of its result the new state goes out with the old vote.
#[test]
fn a_stale_answer_is_told_as_one() {
    let mut lone = looker();
    let conn = lone.connect(2, 0);
    lone.notes();
    lone.receives(conn, Standing { vote_is_old: true, ..stands(Following) }, looking(vote(2, 1), 3));
    assert!(matches!(lone.notes()[0], Note::StaleAnswer { to: ServerId(2), state: Following, .. }));
}

/// What comes while no call is under way waits for the next one.
#[test]
fn notes_between_calls_are_kept() {
    let mut lone = Lone::new(1, 3);
    let conn = lone.connect(2, 0);
    lone.receives(conn, stands(Looking), looking(vote(2, 8), 4));
    assert_eq!(lone.act(FastLeaderElection::on_note), None);
    assert_eq!(lone.election.receive_queue.len(), 1);
    lone.act(|election, cx| election.look_for_leader(cx, vote(1, 0).zxid, Epoch(1)));
    lone.act(FastLeaderElection::on_note);
    assert_eq!(lone.election.logical_clock().0, 4);
}
