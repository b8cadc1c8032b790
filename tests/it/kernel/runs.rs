//! Whole runs: equal when they should be, independent when they should be.

use std::sync::Arc;

use zoolab::bugs::Bugs;
use zoolab::proto::{Config, Membership, Micros, NodeId, ServerId};
use zoolab::server::Server;
use zoolab::sim::{Action, Clock, NodeConfig, Origin, Recording, Timing, World, WorldConfig};
use zoolab::trace::Event;

use super::probe::{Do, Lab};

/// Five servers that elect, lose their leader and elect again.
fn ensemble(seed: u64) -> World<Server> {
    let config = Arc::new(Config::new(Membership::of(5, 0)));
    let node = |number| NodeConfig {
        id: NodeId::server(number),
        program: Server::new(ServerId(number), config.clone(), None),
        start: Some(Micros::ZERO),
        clock: Clock::new(0, 0),
    };
    World::new(WorldConfig { seed, timing: Timing::default(), bugs: Bugs::NONE, supervise: false }, (1..=5).map(node).collect())
}

fn run(world: &mut World<Server>) -> u64 {
    for (at, action) in [(2_000, "crash s5"), (2_100, "cut s1 s4 for 300ms"), (4_000, "restart s5")] {
        world.run_until(Micros::from_millis(at));
        world.inject(&Action::parse(action).unwrap(), Origin::Author).unwrap();
    }
    world.run_until(Micros::from_millis(8_000));
    world.digest()
}

#[test]
fn the_seed_decides_everything() {
    let digest = run(&mut ensemble(7));
    assert_eq!(digest, run(&mut ensemble(7)));
    assert_ne!(digest, run(&mut ensemble(8)));
}

#[test]
fn recording_changes_nothing_but_what_is_kept() {
    let told = |recording| {
        let mut world = ensemble(7);
        world.set_recording(recording);
        let digest = run(&mut world);
        (digest, world.events(), world.steps(), world.take_events())
    };
    let (off, story, full) = (told(Recording::Off), told(Recording::Story), told(Recording::Full));
    assert_eq!((off.0, off.1, off.2), (story.0, story.1, story.2));
    assert_eq!((off.0, off.1, off.2), (full.0, full.1, full.2));
    assert!(off.3.is_empty());
    assert!(full.3.iter().map(|event| event.n).eq(1..=full.1), "the full recording has no gaps");
    let in_full = |event: &Event| full.3[event.n as usize - 1] == *event;
    assert!(!story.3.is_empty() && story.3.iter().all(in_full), "a story is a selection, with the same numbers");
}

#[test]
fn a_clone_goes_on_alike_and_by_itself() {
    let mut world = ensemble(7);
    world.run_until(Micros::from_millis(300));
    let (before, twin) = (world.digest(), world.clone());
    let digest = run(&mut world);
    assert_eq!(twin.digest(), before, "the twin did not move");
    assert_eq!(run(&mut twin.clone()), digest);
    let mut other = twin.clone();
    other.inject(&Action::parse("crash s2").unwrap(), Origin::Author).unwrap();
    assert_ne!(run(&mut other), digest);
    assert_eq!(run(&mut twin.clone()), digest, "what one twin does is nothing to another");
}

/// s1 and s2 talk, and so do s3 and s4; faults between the former leave the latter as they were.
#[test]
fn a_fault_shifts_nothing_elsewhere() {
    let caller = |to| [vec![(0, Do::Dial(to, 5_000))], (0..100).map(|step| (100 + 5 * step, Do::Send(to, 0..=2))).collect()].concat();
    let callee = || [vec![(0, Do::Listen)], (0..100).map(|step| (101 + 5 * step, Do::Reply(step as i32))).collect()].concat();
    let lab = Lab::new([caller(2), callee(), caller(4), callee()]).link(1, 50);
    let of_the_others = |actions: &[(u64, &str)]| -> Vec<String> {
        let lines = lab.story(actions, 2_000);
        lines.into_iter().filter(|line| line.contains(" s3 ") || line.contains(" s4 ")).collect()
    };
    let calm = of_the_others(&[]);
    assert!(calm.len() > 400, "{}", calm.len());
    for faults in [
        &[(150, "cut s1 s2"), (300, "mend s1 s2")][..],
        &[(150, "reset s1 s2")],
        &[(150, "slow s1 s2 100ms..300ms"), (160, "pause s2 for 100ms")],
        &[(150, "crash s2"), (200, "restart s2")],
        &[(150, "power-loss s1")],
    ] {
        assert_eq!(of_the_others(faults), calm, "{faults:?}");
    }
}

/// On the very link that was cut, the draws stay too: each packet keeps the latency that it had.
#[test]
fn a_cut_that_is_over_leaves_later_packets_as_they_were() {
    let script = vec![(0, Do::Dial(2, 5_000)), (300, Do::Send(2, 1..=5)), (1_000, Do::Send(2, 6..=9))];
    let lab = Lab::new([script, vec![(0, Do::Listen)]]).link(1, 50);
    let late = |actions: &[(u64, &str)]| lab.story(actions, 2_000).split_off(7);
    assert_eq!(late(&[(299, "cut s1 s2"), (500, "mend s1 s2")]), late(&[]));
    assert_eq!(late(&[]).len(), 4);
}
