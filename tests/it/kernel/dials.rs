//! How connections come about, or do not.

use super::probe::{Do, Lab, assert_lines};

fn dials(timeout: u64) -> Vec<(u64, Do)> {
    vec![(100, Do::Dial(2, timeout))]
}

/// The machine answers, though nobody listens on the port or no process runs.
#[test]
fn a_dial_is_refused_by_a_machine_that_is_up() {
    let nobody_listens = Lab::new([dials(5_000), vec![]]);
    assert_lines(&nobody_listens.story(&[], 9_000), "120ms s1 dial failed: Refused");
    let crashed = Lab::new([dials(5_000), vec![(0, Do::Listen)]]);
    assert_lines(&crashed.story(&[(50, "crash s2")], 9_000), "120ms s1 dial failed: Refused");
}

#[test]
fn a_dial_to_a_machine_without_power_gets_no_answer() {
    let lab = Lab::new([dials(5_000), vec![(0, Do::Listen)]]);
    assert_lines(&lab.story(&[(50, "power-loss s2")], 9_000), "5.1s s1 dial failed: TimedOut");
}

#[test]
fn a_dial_waits_for_a_cut_link_as_long_as_its_dialler() {
    let lab = Lab::new([dials(1_000), vec![(0, Do::Listen)]]);
    assert_lines(&lab.story(&[(50, "cut s1 s2"), (900, "mend s1 s2")], 9_000), "910ms s1 connected to s2\n920ms s2 accepted s1");
    assert_lines(&lab.story(&[(50, "cut s1 s2"), (1_200, "mend s1 s2")], 9_000), "1.1s s1 dial failed: TimedOut");
}

/// A handshake needs both directions.
#[test]
fn a_dial_fails_on_a_link_that_is_cut_one_way() {
    let lab = Lab::new([dials(1_000), vec![(0, Do::Listen)]]);
    for cut in ["cut s1 -> s2", "cut s2 -> s1"] {
        assert_lines(&lab.story(&[(50, cut)], 9_000), "1.1s s1 dial failed: TimedOut");
    }
}

/// The acceptor dies between its answer and the dialler's first packet: the dialler is connected first, then it hears the end.
#[test]
fn an_acceptor_that_dies_in_the_handshake() {
    let lab = Lab::new([dials(5_000), vec![(0, Do::Listen)]]);
    assert_lines(&lab.story(&[(112, "crash s2")], 9_000), "120ms s1 connected to s2\n122ms s1 hung up: Finished");
    // Its answer waits for the link, which is cut the other way only; the end must not come before.
    let lines = lab.story(&[(111, "cut s1 -> s2"), (112, "crash s2"), (500, "mend s1 -> s2")], 9_000);
    assert_lines(&lines, "500ms s1 connected to s2\n500ms s1 hung up: Finished");
}

#[test]
fn an_acceptor_that_loses_power_in_the_handshake() {
    let lab = Lab::new([dials(5_000), vec![(0, Do::Listen)]]);
    let lines = lab.story(&[(112, "power-loss s2"), (1_000, "restart s2")], 9_000);
    assert_lines(&lines, "1s s2 life 2\n1s s1 connected to s2\n1.02s s1 hung up: Reset");
}

/// A dialler that dies takes its dial with it.
#[test]
fn a_dialler_that_dies_is_not_answered() {
    let lab = Lab::new([dials(5_000), vec![(0, Do::Listen)]]);
    assert_lines(&lab.story(&[(105, "crash s1")], 9_000), "");
}
