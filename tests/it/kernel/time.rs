//! Timers, stages, and the verbs that move the clock.

use zoolab::proto::{Micros, Span, Stage, Timer};
use zoolab::sim::action::Who;
use zoolab::sim::{Choice, Stepped};

use super::probe::{Do, Lab, assert_lines, inject, lines};

const TIMER: Timer = Timer::ObserverDelay;

fn ms(millis: u64) -> Micros {
    Micros::from_millis(millis)
}

#[test]
fn a_timer_that_is_set_again_counts_from_then() {
    for (script, expected) in [
        (vec![(0, Do::Arm(TIMER, 100)), (50, Do::Arm(TIMER, 100))], "150ms s1 timer observer_delay"),
        (vec![(0, Do::Arm(TIMER, 100)), (20, Do::Arm(TIMER, 30))], "50ms s1 timer observer_delay"),
        (vec![(0, Do::Arm(TIMER, 100)), (20, Do::Disarm(TIMER))], ""),
        (vec![(0, Do::Arm(TIMER, 100)), (20, Do::Disarm(TIMER)), (30, Do::Arm(TIMER, 100))], "130ms s1 timer observer_delay"),
        (vec![(0, Do::Arm(TIMER, 100)), (150, Do::Arm(TIMER, 1))], "100ms s1 timer observer_delay\n151ms s1 timer observer_delay"),
    ] {
        assert_lines(&Lab::new([script]).story(&[], 1_000), expected);
    }
}

/// It runs fast by half from 100 ms on: the 100 ms that remain take 66.667 ms.
#[test]
fn timers_run_by_the_clock_of_their_node() {
    let lab = Lab::new([vec![(0, Do::Arm(TIMER, 200))], vec![(0, Do::Arm(TIMER, 200))]]);
    let lines = lab.story(&[(100, "clock s1 drift 500000ppm")], 1_000);
    assert_lines(&lines, "166.667ms s1 timer observer_delay\n200ms s2 timer observer_delay");
    let lines = lab.story(&[(100, "clock s1 drift -500000ppm")], 1_000);
    assert_lines(&lines, "200ms s2 timer observer_delay\n300ms s1 timer observer_delay");
    let lines = lab.story(&[(100, "clock s1 jump 5s")], 1_000);
    assert_lines(&lines, "200ms s1 timer observer_delay\n200ms s2 timer observer_delay");
}

#[test]
fn a_stage_that_is_to_be_woken_is_not_woken_twice() {
    let script = vec![(10, Do::Wake(Stage::WorkerSender)), (10, Do::Wake(Stage::WorkerSender)), (10, Do::Wake(Stage::WorkerReceiver))];
    assert_lines(&Lab::new([script]).story(&[], 1_000), "10ms s1 stage worker_sender\n10ms s1 stage worker_receiver");
}

/// The entry of a timer that was set again is older than its deadline: it must not let time slip past a limit.
#[test]
fn run_until_stops_in_time() {
    let lab = Lab::new([vec![(0, Do::Arm(TIMER, 100)), (50, Do::Arm(TIMER, 300))]]);
    let mut world = lab.world();
    assert_eq!(world.run_until(ms(60)), Stepped::Fired);
    assert_eq!(world.next_at(), Some(ms(350)));
    world.run_until(ms(349));
    assert_eq!((world.now(), lines(&mut world)), (ms(349), vec![]));
    world.run_until(ms(350));
    assert_lines(&lines(&mut world), "350ms s1 timer observer_delay");
    world.run_until(ms(900));
    assert_eq!((world.next_at(), world.now(), world.step()), (None, ms(900), Stepped::Idle));
}

/// Looking ahead changes nothing: not the order of what is due at the same time either.
#[test]
fn next_at_and_pending_are_only_looks() {
    let script = || (0..20).map(|step| (step, Do::Arm(TIMER, 20))).chain([(25, Do::Wake(Stage::WorkerSender))]).collect::<Vec<_>>();
    let lab = Lab::new([script(), script()]);
    let (mut plain, mut watched) = (lab.world(), lab.world());
    while plain.step() == Stepped::Fired {}
    loop {
        let due = watched.next_at();
        let pending = watched.pending();
        assert!(pending.iter().all(|(at, _)| Some(*at) >= due), "{due:?} {pending:?}");
        if watched.step() == Stepped::Idle {
            break;
        }
    }
    assert_eq!(plain.digest(), watched.digest());
}

fn message(from: i64, to: i64) -> Choice {
    Choice::Message { from: Who::server(from), to: Who::server(to) }
}

fn timer_of(server: i64) -> Choice {
    Choice::Timer { who: Who::server(server), timer: TIMER.name() }
}

/// s1 and s2 are connected to s3 and have one packet each on the way to it; s3's timer is due later.
fn two_packets() -> Lab {
    let caller = |at| vec![(0, Do::Dial(3, 5_000)), (at, Do::Send(3, at as i32..=at as i32))];
    Lab::new([caller(100), caller(105), vec![(0, Do::Listen), (0, Do::Arm(TIMER, 70)), (60, Do::Arm(TIMER, 70))]])
}

#[test]
fn pending_lists_what_could_happen_next() {
    let mut world = two_packets().world();
    world.run_until(ms(106));
    assert_eq!(world.pending(), [(ms(110), message(1, 3)), (ms(115), message(2, 3)), (ms(130), timer_of(3))]);
    inject(&mut world, "pause s3");
    assert_eq!(world.pending(), [], "nothing reaches a paused node");
    assert!(!world.fire(&message(1, 3)));
    assert_eq!(world.now(), ms(106));
}

/// What was passed over comes late, at the time to which the clock moved.
#[test]
fn a_picked_choice_comes_first() {
    let mut world = two_packets().world();
    world.run_until(ms(106));
    lines(&mut world);
    assert!(world.fire(&message(2, 3)));
    assert!(!world.fire(&message(2, 3)), "there is only one");
    world.run_until(ms(1_000));
    assert_lines(&lines(&mut world), "115ms s3 got 105\n115ms s3 got 100\n130ms s3 timer observer_delay");
}

/// It was set again at 60 for 130, and fires then: a timer never runs out early.
#[test]
fn a_picked_timer_runs_out_at_its_deadline() {
    let mut world = two_packets().world();
    world.run_until(ms(65));
    lines(&mut world);
    inject(&mut world, "fire timer s3 observer_delay");
    world.run_until(ms(1_000));
    let told = lines(&mut world);
    assert_eq!(told[0], "130ms s3 timer observer_delay");
    assert_eq!(told.len(), 3, "{told:?}");
}

#[test]
fn time_that_stands_still_is_a_livelock() {
    let mut lab = Lab::new([vec![(10, Do::Spin(Stage::WorkerSender))]]);
    lab.timing.wakeups_per_instant = 1_000;
    let mut world = lab.world();
    assert_eq!(world.run_until(ms(9)), Stepped::Fired);
    assert_eq!(world.run_until(ms(20)), Stepped::Livelock);
    assert_eq!((world.now(), world.step()), (ms(10), Stepped::Livelock));
    lab.timing.stage = Span::exactly(Micros(1));
    assert_eq!(lab.world().run_until(ms(20)), Stepped::Fired, "a stage that takes time is no livelock");
}
