//! Lives of a process: crash, power loss, pause, exit.

use zoolab::proto::{Micros, NodeId, Span, Stage, Timer};
use zoolab::sim::{Action, NodeConfig, Origin};
use zoolab::trace::Event;

use super::probe::{Do, Lab, assert_lines, inject, lines, node};

fn pair(s1: &[(u64, Do)], s2: &[(u64, Do)]) -> Lab {
    Lab::new([[&[(0, Do::Dial(2, 5_000))], s1].concat(), [&[(0, Do::Listen)], s2].concat()])
}

fn after_greeting(lines: Vec<String>) -> Vec<String> {
    lines.into_iter().skip(2).collect()
}

/// The operating system sends what was written, and closes.
#[test]
fn what_a_crashed_process_sent_still_arrives() {
    let lab = pair(&[(100, Do::Send(2, 1..=2))], &[(100, Do::Reply(3))]);
    assert_lines(
        &after_greeting(lab.story(&[(101, "crash s1")], 5_000)),
        "
        110ms s2 got 1
        110ms s2 got 2
        111ms s2 hung up: Finished
        ",
    );
}

/// Nobody is left to say anything: the peer learns when its bytes reach the machine that has forgotten the connection.
#[test]
fn a_machine_without_power_is_silent() {
    let lab = pair(&[(100, Do::Send(2, 1..=1))], &[(200, Do::Reply(2))]);
    let lines = after_greeting(lab.story(&[(105, "power-loss s1"), (500, "restart s1")], 5_000));
    // Life 2 follows its script anew: it dials at 500 and is connected and accepted 20 and 30 ms later, and sends 100 ms after its boot.
    assert_lines(
        &lines,
        "
        105ms s1 lost 1
        500ms s1 life 2
        520ms s2 hung up: Reset
        520ms s1 connected to s2
        530ms s2 accepted s1
        610ms s2 got 1
        ",
    );
}

#[test]
fn without_contact_a_power_loss_is_never_heard_of() {
    let lab = Lab::new([vec![(0, Do::Listen)], vec![(0, Do::Dial(1, 5_000))]]);
    assert_lines(&after_greeting(lab.story(&[(100, "power-loss s1"), (500, "restart s1")], 60_000)), "500ms s1 life 2");
}

/// Messages, timers and connections wait in the order in which they came; the machine goes on answering dials.
#[test]
fn a_pause_holds_inputs_in_order() {
    let s2 = [(0, Do::Arm(Timer::ObserverDelay, 105))];
    let mut lab = pair(&[(97, Do::Send(2, 1..=2)), (200, Do::Send(2, 3..=3))], &s2);
    lab.scripts.push(vec![(90, Do::Dial(2, 5_000))]);
    assert_lines(
        &after_greeting(lab.story(&[(50, "pause s2"), (500, "resume s2")], 5_000)),
        "
        110ms s3 connected to s2
        500ms s2 timer observer_delay
        500ms s2 got 1
        500ms s2 accepted s3
        500ms s2 got 2
        500ms s2 got 3
        ",
    );
}

#[test]
fn a_pause_ends_by_itself_and_a_crash_ends_it() {
    let lab = Lab::new([vec![(100, Do::Arm(Timer::ObserverDelay, 100))]]);
    assert_lines(&lab.story(&[(150, "pause s1 for 1s")], 5_000), "1.15s s1 timer observer_delay");
    // The pause of life 1 must not end that of life 2.
    let actions = [(150, "pause s1 for 1s"), (200, "crash s1"), (300, "restart s1"), (350, "pause s1"), (3_000, "resume s1")];
    assert_lines(&lab.story(&actions, 5_000), "300ms s1 life 2\n3.1s s1 timer observer_delay");
}

/// Likewise for a link that was cut for a time, mended by hand, and cut again.
#[test]
fn the_end_of_a_mended_cut_is_off() {
    let lab = pair(&[(1_000, Do::Send(2, 1..=1))], &[]);
    let actions = [(100, "cut s1 s2 for 2s"), (200, "mend s1 s2"), (300, "cut s1 s2"), (4_000, "mend s1 s2")];
    assert_lines(&after_greeting(lab.story(&actions, 5_000)), "4.01s s2 got 1");
}

#[test]
fn a_supervisor_starts_an_exited_process_again() {
    let script = || vec![(100, Do::Exit(13))];
    let alone = Lab::new([script()]);
    assert_lines(&alone.story(&[], 3_000), "100ms s1 exit 13");
    let supervised = Lab { supervise: true, ..Lab::new([script()]) };
    assert_lines(&supervised.story(&[], 2_000), "100ms s1 exit 13\n1.1s s1 life 2\n1.2s s1 exit 13");
    // A crash is somebody's doing, and a restart by hand comes before the supervisor's.
    assert_lines(&supervised.story(&[(50, "crash s1")], 3_000), "");
    assert_lines(&supervised.story(&[(500, "restart s1"), (550, "crash s1")], 3_000), "100ms s1 exit 13\n500ms s1 life 2");
}

/// Timers and stages of one life do not reach the next.
#[test]
fn nothing_of_a_life_outlives_it() {
    let mut lab = Lab::new([vec![(100, Do::Arm(Timer::ObserverDelay, 100)), (149, Do::Wake(Stage::QuorumPeer))]]);
    lab.timing.stage = Span::exactly(Micros::from_millis(10));
    assert_lines(
        &lab.story(&[(150, "crash s1"), (160, "restart s1")], 1_000),
        "
        160ms s1 life 2
        319ms s1 stage quorum_peer
        360ms s1 timer observer_delay
        ",
    );
}

/// It reaches everybody, whatever is wrong between the others, and changes nothing of what happens without it.
#[test]
fn a_node_joins_a_running_world() {
    let lab = Lab::new([vec![(0, Do::Listen)], vec![(0, Do::Dial(1, 5_000)), (500, Do::Send(1, 1..=2))]]);
    let mut without = lab.world();
    inject(&mut without, "slow s2 -> s1 30ms");
    let mut world = without.clone();
    world.run_until(Micros::from_millis(200));
    let digest = without.run_until(Micros::from_millis(200));
    assert_eq!((world.digest(), digest), (without.digest(), zoolab::sim::Stepped::Fired));
    lines(&mut world);
    world.join(node(NodeId::Client(1), vec![(10, Do::Dial(1, 5_000))]));
    world.run_until(Micros::from_millis(1_000));
    assert_lines(
        &lines(&mut world),
        "
        230ms c1 connected to s1
        240ms s1 accepted c1
        530ms s1 got 1
        530ms s1 got 2
        ",
    );
}

/// What a client is told is told at once, with its own record; at a stalled or dead one it is told to nobody, and that is said.
#[test]
fn clients_are_told() {
    let mut world = Lab::new([vec![]]).world();
    world.join(node(NodeId::Client(7), vec![]));
    world.run_until(Micros::from_millis(5));
    inject(&mut world, "c7 create  -s /a 0xff");
    assert_lines(&lines(&mut world), "5ms c7 told create -s /a 0xff");
    let mut fails = |action: &str, why: &str| {
        let told = world.inject(&Action::parse(action).expect("an action"), Origin::Author);
        assert_eq!(told, Err(why.into()), "{action}");
        assert_eq!(world.take_events().iter().map(Event::kind).collect::<Vec<_>>(), ["action", "action_failed"]);
    };
    fails("c8 close", "there is no c8");
    let mut world = Lab::new([vec![]]).world();
    world.join(node(NodeId::Client(7), vec![]));
    world.run_until(Micros::from_millis(5));
    inject(&mut world, "pause c7");
    let close = Action::parse("c7 close").expect("an action");
    assert_eq!(world.inject(&close, Origin::Author), Err("c7 is paused".into()));
    inject(&mut world, "crash c7");
    assert_eq!(world.inject(&close, Origin::Author), Err("c7 is not running".into()));
}

/// Who has not started yet has a time for that, or waits for a step.
#[test]
fn all_are_restarted_that_ran_before() {
    let mut world = Lab::new([vec![], vec![]]).world();
    world.join(NodeConfig { start: None, ..node(NodeId::server(3), vec![]) });
    world.run_until(Micros::from_millis(1));
    ["crash s1", "power-loss s2", "restart all"].into_iter().for_each(|action| inject(&mut world, action));
    assert_lines(&lines(&mut world), "1ms s1 life 2\n1ms s2 life 2");
    assert!(world.actor(NodeId::server(3)).is_none());
    let refused = world.inject(&Action::parse("restart all").unwrap(), Origin::Author);
    assert_eq!(refused, Err("nobody who ever ran is down".into()));
    inject(&mut world, "quiet");
    assert!(world.actor(NodeId::server(3)).is_some(), "when all is well, everybody is there");
}
