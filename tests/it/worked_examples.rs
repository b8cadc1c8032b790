//! The worked examples of the election reference §6, to the millisecond: links of exactly 10 ms, stages that take no time, connections that are up
//! before the story starts.

mod elector;

use elector::{Story, vote};

/// §6.1: three fresh servers; the last comes too late to win although its id is the largest, and joins without a wait.
#[test]
fn three_fresh_servers() {
    let mut story = Story::new(3);
    story.starts(1, 0, 0, vote(1, 0, 0, 0));
    story.starts(2, 50, 0, vote(2, 0, 0, 0));
    story.starts(3, 400, 0, vote(3, 0, 0, 0));
    story.runs_as(
        0,
        1_000,
        "
        0 s1 begins round 1 with s1 0:0
        50 s2 begins round 1 with s2 0:0
        60 s1 adopts s2 0:0, told by s2
        60 s1 has a quorum for s2
        70 s2 has a quorum for s2
        260 s1 is FOLLOWING s2 in round 1: Silence
        270 s2 is LEADING s2 in round 1: Silence
        400 s3 begins round 1 with s3 0:0
        410 s1 answers s3: FOLLOWING s2, round 1
        410 s2 answers s3: LEADING s2, round 1
        420 s3 waits: NoQuorum { agreeing: 1 }
        420 s3 is FOLLOWING s2 in round 1: SameRound
        ",
    );
}

/// Five servers that finished round 3 under s5, which has died. The first three enter round 4 when their connections break, s3 when told.
fn five_servers(s3_starts: u64) -> Story {
    let mut story = Story::new(5);
    story.starts(4, 0, 3, vote(4, 4, 8, 4));
    story.starts(1, 4, 3, vote(1, 4, 9, 4));
    story.starts(2, 6, 3, vote(2, 4, 10, 4));
    story.starts(3, s3_starts, 3, vote(3, 4, 10, 4));
    story
}

const THREE_AGREE_ON_S2: &str = "
    0 s4 begins round 4 with s4 4:8
    4 s1 begins round 4 with s1 4:9
    6 s2 begins round 4 with s2 4:10
    14 s4 adopts s1 4:9, told by s1
    16 s1 adopts s2 4:10, told by s2
    16 s4 adopts s2 4:10, told by s2
    26 s1 has a quorum for s2
    26 s2 has a quorum for s2
    26 s4 has a quorum for s2
    ";

/// §6.2: a better vote (equal epoch and zxid, larger id) arrives in the finalize drain.
#[test]
fn a_better_vote_in_the_drain() {
    let then = "
        30 s3 begins round 4 with s3 4:10
        40 s1 leaves its drain, told by s3 in round 4
        40 s1 adopts s3 4:10, told by s3
        40 s2 leaves its drain, told by s3 in round 4
        40 s2 adopts s3 4:10, told by s3
        40 s4 leaves its drain, told by s3 in round 4
        40 s4 adopts s3 4:10, told by s3
        50 s1 has a quorum for s3
        50 s2 has a quorum for s3
        50 s3 has a quorum for s3
        50 s4 has a quorum for s3
        250 s1 is FOLLOWING s3 in round 4: Silence
        250 s2 is FOLLOWING s3 in round 4: Silence
        250 s3 is LEADING s3 in round 4: Silence
        250 s4 is FOLLOWING s3 in round 4: Silence
        ";
    five_servers(30).runs_as(0, 1_000, &[THREE_AGREE_ON_S2, then].concat());
}

/// §6.2, last sentence: a note that s3 sends at 215 arrives one millisecond before the drain ends at 226 …
#[test]
fn the_last_moment_of_the_drain() {
    let then = "
        215 s3 begins round 4 with s3 4:10
        225 s1 leaves its drain, told by s3 in round 4
        225 s1 adopts s3 4:10, told by s3
        225 s2 leaves its drain, told by s3 in round 4
        225 s2 adopts s3 4:10, told by s3
        225 s4 leaves its drain, told by s3 in round 4
        225 s4 adopts s3 4:10, told by s3
        235 s1 has a quorum for s3
        235 s2 has a quorum for s3
        235 s3 has a quorum for s3
        235 s4 has a quorum for s3
        435 s1 is FOLLOWING s3 in round 4: Silence
        435 s2 is FOLLOWING s3 in round 4: Silence
        435 s3 is LEADING s3 in round 4: Silence
        435 s4 is FOLLOWING s3 in round 4: Silence
        ";
    five_servers(215).runs_as(0, 1_000, &[THREE_AGREE_ON_S2, then].concat());
}

/// … and one that it sends at 217 finds s2 elected, whom it follows through §2.7.
#[test]
fn a_moment_after_the_drain() {
    let then = "
        217 s3 begins round 4 with s3 4:10
        226 s1 is FOLLOWING s2 in round 4: Silence
        226 s2 is LEADING s2 in round 4: Silence
        226 s4 is FOLLOWING s2 in round 4: Silence
        227 s1 answers s3: FOLLOWING s2, round 4
        227 s2 answers s3: LEADING s2, round 4
        227 s4 answers s3: FOLLOWING s2, round 4
        237 s3 waits: NoQuorum { agreeing: 1 }
        237 s3 waits: NoQuorum { agreeing: 2 }
        237 s3 is FOLLOWING s2 in round 4: SameRound
        ";
    five_servers(217).runs_as(0, 1_000, &[THREE_AGREE_ON_S2, then].concat());
}

/// §6.3: s5 comes back when all is over. Its better vote is irrelevant, and it takes over the ensemble's round.
#[test]
fn a_better_vote_after_the_election() {
    let mut story = five_servers(30);
    story.starts(5, 320, 0, vote(5, 4, 11, 4));
    story.runs_as(
        251,
        1_000,
        "
        320 s5 begins round 1 with s5 4:11
        330 s1 answers s5: FOLLOWING s3, round 4
        330 s2 answers s5: FOLLOWING s3, round 4
        330 s3 answers s5: LEADING s3, round 4
        330 s4 answers s5: FOLLOWING s3, round 4
        340 s5 waits: NoQuorum { agreeing: 1 }
        340 s5 waits: NoQuorum { agreeing: 2 }
        340 s5 is FOLLOWING s3 in round 4: Established
        ",
    );
}

const AN_OLD_ROUND_BREAKS_THE_DRAIN: &str = "
    100 s5 begins round 1 with s5 4:11
    110 s1 tells s5 of round 4
    110 s1 leaves its drain, told by s5 in round 1
    110 s1 ignores s5: OldRound { theirs: Round(1), ours: Round(4) }
    110 s2 tells s5 of round 4
    110 s2 leaves its drain, told by s5 in round 1
    110 s2 ignores s5: OldRound { theirs: Round(1), ours: Round(4) }
    110 s3 tells s5 of round 4
    110 s3 leaves its drain, told by s5 in round 1
    110 s3 ignores s5: OldRound { theirs: Round(1), ours: Round(4) }
    110 s4 tells s5 of round 4
    110 s4 leaves its drain, told by s5 in round 1
    110 s4 ignores s5: OldRound { theirs: Round(1), ours: Round(4) }
    ";

/// §6.4: s5 comes back while the others are in the drain. Its vote is of an old round and breaks the drain all the same; told of the round, it wins.
#[test]
fn a_better_vote_of_an_old_round_in_the_drain() {
    let mut story = five_servers(30);
    story.starts(5, 100, 0, vote(5, 4, 11, 4));
    let then = "
        120 s5 goes to round 4 with s5 4:11
        130 s1 adopts s5 4:11, told by s5
        130 s2 adopts s5 4:11, told by s5
        130 s3 adopts s5 4:11, told by s5
        130 s4 adopts s5 4:11, told by s5
        140 s1 has a quorum for s5
        140 s2 has a quorum for s5
        140 s3 has a quorum for s5
        140 s4 has a quorum for s5
        140 s5 has a quorum for s5
        340 s1 is FOLLOWING s5 in round 4: Silence
        340 s2 is FOLLOWING s5 in round 4: Silence
        340 s3 is FOLLOWING s5 in round 4: Silence
        340 s4 is FOLLOWING s5 in round 4: Silence
        340 s5 is LEADING s5 in round 4: Silence
        ";
    story.runs_as(51, 1_000, &[AN_OLD_ROUND_BREAKS_THE_DRAIN, then].concat());
}

/// §6.4, last sentence: s5 dies before it hears of the round. The others have their quorum and do not look at it again until the poll times out;
/// the notes that they then exchange stretch the drain from 310 to 520.
#[test]
fn a_drain_that_was_broken_in_vain() {
    let mut story = five_servers(30);
    story.starts(5, 100, 0, vote(5, 4, 11, 4));
    story.crashes(5, 115);
    let then = "
        310 s1 heard nothing for 200ms, resent true
        310 s1 has a quorum for s3
        310 s2 heard nothing for 200ms, resent true
        310 s2 has a quorum for s3
        310 s3 heard nothing for 200ms, resent true
        310 s3 has a quorum for s3
        310 s4 heard nothing for 200ms, resent true
        310 s4 has a quorum for s3
        520 s1 is FOLLOWING s3 in round 4: Silence
        520 s2 is FOLLOWING s3 in round 4: Silence
        520 s3 is LEADING s3 in round 4: Silence
        520 s4 is FOLLOWING s3 in round 4: Silence
        ";
    story.runs_as(51, 1_000, &[AN_OLD_ROUND_BREAKS_THE_DRAIN, then].concat());
}
