//! Bytes in a live connection are never dropped nor reordered; all that a fault can do is to hold them back, or to end the connection.

use zoolab::proto::Micros;

use super::probe::{Do, Lab, assert_lines};

/// s1 dials s2 at once, is connected at 20 ms, and then follows `then`.
fn caller(then: &[(u64, Do)]) -> Vec<(u64, Do)> {
    [&[(0, Do::Dial(2, 5_000))], then].concat()
}

/// s2 listens, accepts at 30 ms, and then follows `then`.
fn callee(then: &[(u64, Do)]) -> Vec<(u64, Do)> {
    [&[(0, Do::Listen)], then].concat()
}

fn without_greeting(lines: Vec<String>) -> Vec<String> {
    lines.into_iter().filter(|line| !line.contains("connected to") && !line.contains("accepted")).collect()
}

#[test]
fn packets_arrive_in_order_whatever_their_latencies() {
    let sends = (0..50).map(|step| (200 + 3 * step, Do::Send(2, step as i32 * 4..=step as i32 * 4 + 3))).collect::<Vec<_>>();
    for seed in 1..=20 {
        let lab = Lab { seed, ..Lab::new([caller(&sends), callee(&[])]).link(1, 50) };
        let lines = without_greeting(lab.story(&[], 1_000));
        let numbers: Vec<String> = lines.iter().map(|line| line.rsplit(' ').next().unwrap().to_string()).collect();
        assert_eq!(numbers, (0..200).map(|number: i32| number.to_string()).collect::<Vec<_>>(), "seed {seed}");
        let mut times: Vec<&str> = lines.iter().map(|line| line.split(' ').next().unwrap()).collect();
        times.dedup();
        assert!(times.len() > 10, "seed {seed}: latencies are drawn one by one: {times:?}");
    }
}

#[test]
fn a_short_cut_delays_and_loses_nothing() {
    let lab = Lab::new([caller(&[(100, Do::Send(2, 1..=1)), (110, Do::Send(2, 2..=3))]), callee(&[])]);
    assert_lines(
        &lab.story(&[(105, "cut s1 s2"), (300, "mend s1 s2")], 5_000),
        "
        20ms s1 connected to s2
        30ms s2 accepted s1
        310ms s2 got 1
        310ms s2 got 2
        310ms s2 got 3
        ",
    );
}

/// Only who has bytes under way notices that they do not arrive. The other end is half-open: it learns when it speaks.
#[test]
fn a_long_cut_times_out_at_the_sender_alone() {
    let mut lab = Lab::new([caller(&[(100, Do::Send(2, 1..=2))]), callee(&[(3_000, Do::Reply(9))])]);
    lab.timing.retransmission = Micros::from_secs(1);
    let lines = without_greeting(lab.story(&[(50, "cut s1 s2"), (2_000, "mend s1 s2")], 9_000));
    assert_lines(
        &lines,
        "
        1.1s s1 lost 2
        1.1s s1 hung up: TimedOut
        3.02s s2 hung up: Reset
        ",
    );
}

/// Two cuts in a row do not add up: the retransmission time runs anew.
#[test]
fn a_mended_cut_is_forgotten() {
    let mut lab = Lab::new([caller(&[(100, Do::Send(2, 1..=1)), (1_000, Do::Send(2, 2..=2))]), callee(&[])]);
    lab.timing.retransmission = Micros::from_secs(1);
    let lines = without_greeting(lab.story(&[(50, "cut s1 s2"), (800, "mend s1 s2"), (900, "cut s1 s2"), (1_900, "mend s1 s2")], 9_000));
    assert_lines(&lines, "810ms s2 got 1\n1.91s s2 got 2");
}

#[test]
fn a_cut_one_way_leaves_the_other_way_alone() {
    let lab = Lab::new([caller(&[(100, Do::Send(2, 1..=1))]), callee(&[(100, Do::Reply(2))])]);
    assert_lines(&without_greeting(lab.story(&[(50, "cut s1 -> s2")], 5_000)), "110ms s1 got 2");
}

/// What stands behind a held packet waits, what stands before it does not, nor does the other direction.
#[test]
fn a_held_packet_blocks_what_follows() {
    let sends = [(100, Do::Send(2, 1..=1)), (100, Do::SendOther(2, 7)), (101, Do::Send(2, 2..=2))];
    let lab = Lab::new([caller(&sends), callee(&[(100, Do::Reply(3))])]);
    let lines = without_greeting(lab.story(&[(50, "hold s1 -> s2 INITIAL"), (500, "release s1 -> s2 INITIAL")], 5_000));
    assert_lines(
        &lines,
        "
        110ms s2 got 1
        110ms s1 got 3
        500ms s2 got other 7
        500ms s2 got 2
        ",
    );
}

#[test]
fn a_reset_loses_the_tail_and_tells_both() {
    let lab = Lab::new([caller(&[(100, Do::Send(2, 1..=3)), (200, Do::Send(2, 4..=4))]), callee(&[(95, Do::Reply(5))])]);
    let lines = without_greeting(lab.story(&[(107, "reset s1 s2")], 5_000));
    assert_lines(
        &lines,
        "
        105ms s1 got 5
        107ms s1 lost 3
        117ms s2 hung up: Reset
        117ms s1 hung up: Reset
        ",
    );
}

#[test]
fn what_was_sent_before_a_close_arrives_before_it() {
    let lab = Lab::new([caller(&[(100, Do::Send(2, 1..=2)), (100, Do::Close(2))]), callee(&[(105, Do::Reply(3))])]);
    assert_lines(&without_greeting(lab.story(&[], 5_000)), "110ms s2 got 1\n110ms s2 got 2\n110ms s2 hung up: Finished");
}

/// Each of these packets takes 36 bytes.
#[test]
fn a_full_window_blocks_until_bytes_arrive() {
    let sends = [(100, Do::SendOther(2, 1)), (103, Do::SendOther(2, 2)), (106, Do::SendOther(2, 3))];
    let mut lab = Lab::new([caller(&sends), callee(&[])]);
    lab.timing.window = 80;
    assert_lines(
        &without_greeting(lab.story(&[], 5_000)),
        "
        106ms s1 window full
        110ms s2 got other 1
        110ms s1 window open
        113ms s2 got other 2
        116ms s2 got other 3
        ",
    );
}

/// A port that closes takes with it the connections that were not accepted yet: nobody would ever read them.
#[test]
fn a_port_that_closes_resets_what_was_not_accepted() {
    let lab = Lab::new([caller(&[]), callee(&[(25, Do::Unlisten)])]);
    assert_lines(&lab.story(&[], 5_000), "20ms s1 connected to s2\n40ms s1 hung up: Reset");
}

#[test]
fn datagrams_overtake_and_get_lost() {
    let lab = Lab::new([vec![(100, Do::Datagrams(2, 1..=50))], vec![]]).link(1, 50);
    let lines = lab.story(&[(50, "lose s1 -> s2 30%")], 5_000);
    let numbers =
        |what: &str| lines.iter().filter(|line| line.contains(what)).map(|line| line.rsplit(' ').next().unwrap().parse().unwrap()).collect();
    let (got, lost): (Vec<i32>, Vec<i32>) = (numbers("got datagram"), numbers("lost datagram"));
    assert_eq!(got.len() + lost.len(), 50, "each arrives once or is lost");
    assert!((5..30).contains(&lost.len()), "{} lost", lost.len());
    assert!(!got.is_sorted(), "none overtook another");
}

/// A datagram on its way when the link is cut is gone too; a datagram to oneself does not touch the network.
#[test]
fn a_cut_swallows_datagrams() {
    let lab = Lab::new([vec![(100, Do::Datagrams(2, 1..=1)), (200, Do::Datagrams(2, 2..=2)), (200, Do::Datagrams(1, 3..=3))], vec![]]);
    let lines = lab.story(&[(105, "cut s1 s2")], 5_000);
    assert_lines(&lines, "110ms s1 lost datagram 1\n200ms s1 lost datagram 2\n200ms s1 got datagram 3");
}
