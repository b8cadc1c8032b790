//! Log, snapshots and truncation on a disk that loses power, or a process that dies, between any two operations. Storage reference §3–§9.

mod keeper;

use keeper::{Keeper, Plan, S1, config, database_at, inject, of_next_epoch, reborn, store, world};
use zoolab::bugs::{Bug, Bugs};
use zoolab::proto::{Micros, Zxid};
use zoolab::sim::World;
use zoolab::tree::Database;

const WRITES: u32 = 60;

/// Digests of the databases after 0, 1, 2, … transactions.
fn digests() -> Vec<u64> {
    (0..=WRITES).map(|counter| database_at(counter).digest()).collect()
}

/// Runs the plan to its end, or as long as it may take, and looks at the world after every step.
fn watch(mut world: World<Keeper>, mut look: impl FnMut(&World<Keeper>)) -> World<Keeper> {
    let limit = Micros::from_secs(2);
    while world.now() < limit && !store(&world).is_some_and(|store| store.done) {
        world.step();
        look(&world);
    }
    assert!(store(&world).is_some_and(|store| store.done), "it has not finished at {}", world.now());
    world
}

fn writer(seed: u64) -> World<Keeper> {
    world(Keeper::new(config(), Plan::Write { until: WRITES, pause: Micros::from_millis(2) }), seed, Bugs::NONE)
}

/// A disk that fails for a while takes nothing that was acknowledged, and the server goes on when the disk does.
#[test]
fn a_failing_disk_takes_nothing_that_was_acknowledged() {
    let digests = digests();
    for (seed, fault) in (1..).zip(["fail-fsync", "fail-write", "fail-write 3", "full", "full 300", "fail-fsync 2"]) {
        let mut world = writer(seed);
        let (mut failures, mut last_acked) = (0, Zxid::ZERO);
        for (until, action) in [(40, fault), (60, "behave"), (2_000, "behave")] {
            while world.now() < Micros::from_millis(until) && !store(&world).is_some_and(|store| store.done) {
                if world.actor(S1).is_none() {
                    // It could not write its snapshot, or read its database again.
                    failures += 1;
                    inject(&mut world, "disk s1 behave");
                    inject(&mut world, "restart s1");
                }
                world.step();
                let Some(now) = store(&world) else { continue };
                failures += u32::from(now.has_failed);
                last_acked = last_acked.max(now.acked);
                for death in ["crash s1", "power-loss s1"] {
                    let mut dead = world.clone();
                    inject(&mut dead, "disk s1 behave");
                    let (_, recovered) = reborn(&dead, death);
                    let is_right = recovered.as_ref().is_ok_and(|(last, digest)| *last >= last_acked && *digest == digests[last.counter() as usize]);
                    assert!(is_right, "{fault}, {death} at {}: {recovered:?} with {last_acked} acknowledged", world.now());
                }
            }
            inject(&mut world, &format!("disk s1 {action}"));
        }
        assert!(failures > 0, "{fault} was never met");
        assert!(store(&world).is_some_and(|store| store.done), "{fault}: it did not go on");
    }
}

/// A server with the whole history of epoch 1 on its disk, several snapshots among it, that is to forget some of it. The snapshots were taken
/// in pauses: what a fuzzy one holds beyond its name is committed, and nobody is told to forget that.
fn learner(plan: Plan, seed: u64, bugs: Bugs) -> World<Keeper> {
    let mut config = config();
    config.purge_interval = Micros::ZERO;
    let slowly = Plan::Write { until: WRITES, pause: Micros::from_millis(50) };
    let written = watch(world(Keeper::new(config.clone(), slowly), seed, Bugs::NONE), |_| {});
    let mut world = world(Keeper::new(config, plan), seed, bugs);
    for (name, image) in written.disk(S1).unwrap().files() {
        world.disk_mut(S1).unwrap().install(name.clone(), &image.to_vec());
    }
    world
}

/// Dies in every way at every moment. Until the plan is done the disk gives a beginning of the old history, with everything up to `kept`
/// in it, or the new state; afterwards the new state alone. What was found instead, if anything.
fn forgets(world: World<Keeper>, kept: u32, new: &Database) -> Result<(), String> {
    let digests = digests();
    let new = (new.last_processed, new.digest());
    let mut problem = Ok(());
    watch(world, |world| {
        let Some(now) = store(world) else { return };
        for death in ["crash s1", "power-loss s1"] {
            let (_, recovered) = reborn(world, death);
            let is_old = |(last, digest): (Zxid, u64)| last >= Zxid::new(1, kept) && digests.get(last.counter() as usize) == Some(&digest);
            let is_right = recovered.as_ref().is_ok_and(|found| *found == new || (!now.done && is_old(*found)));
            if !is_right && problem.is_ok() {
                problem = Err(format!("{death} at {}, done: {}: {recovered:?}, not {new:?}", world.now(), now.done));
            }
        }
    });
    problem
}

/// Whatever is told as logged is there again after any death, and what is there is a beginning of the history, snapshots and purges or not.
#[test]
fn what_was_acknowledged_survives_and_what_survives_is_a_prefix() {
    let digests = digests();
    let mut purged = 0;
    for seed in 1..=3 {
        let end = watch(writer(seed), |world| {
            let Some(now) = store(world) else { return };
            for death in ["crash s1", "power-loss s1"] {
                let context = || format!("seed {seed} at {}, {death}", world.now());
                let (again, recovered) = reborn(world, death);
                let (last, digest) = recovered.unwrap_or_else(|reason| panic!("{}: {reason}", context()));
                assert!(last >= now.acked, "{}: {last} is less than {}", context(), now.acked);
                assert!(last.counter() <= WRITES && digest == digests[last.counter() as usize], "{}: {last} is no prefix", context());
                // What the server said after its restart holds, too: it may vote, and count for a quorum.
                let (_, after) = reborn(&again, "power-loss s1");
                assert!(after.as_ref().is_ok_and(|(after, _)| *after >= last), "{}, then no power: {after:?}", context());
            }
        });
        purged += u32::from(end.disk(S1).unwrap().files().all(|(name, _)| !name.ends_with("snapshot.0")));
    }
    assert!(purged >= 2, "only {purged} of 3 runs purged anything");
}

/// What a test finds over several seeds with some bugs.
fn problems(bugs: Bugs, plan: &Plan, kept: u32, new: &Database) -> Vec<String> {
    (1..=6).filter_map(|seed| forgets(learner(plan.clone(), seed, bugs), kept, new).err().map(|problem| format!("seed {seed}: {problem}"))).collect()
}

fn check(plan: &Plan, kept: u32, new: &Database, bug: Bug) {
    assert_eq!(problems(Bugs::NONE, plan, kept, new), [""; 0]);
    assert!(!problems(Bugs::from_iter([bug]), plan, kept, new).is_empty(), "{bug} changes nothing");
}

#[test]
fn a_truncated_server_never_remembers() {
    let new = database_at(23);
    check(&Plan::Trunc { to: new.last_processed, then: Vec::new() }, 23, &new, Bug::Zk4837);
}

#[test]
fn what_follows_a_truncation_is_in_its_image() {
    let then: Vec<_> = (1..=3).map(of_next_epoch).collect();
    let mut new = database_at(41);
    then.iter().for_each(|proposal| drop(new.apply(proposal)));
    check(&Plan::Trunc { to: Zxid::new(1, 41), then }, 41, &new, Bug::UnsyncedTruncation);
}

#[test]
fn a_tree_that_was_sent_is_not_mixed_with_what_was_there() {
    let new = database_at(30);
    check(&Plan::Snap { tree: Box::new(new.clone()) }, 30, &new, Bug::Zk2832);
}

#[test]
fn a_tree_that_was_sent_survives() {
    let mut new = database_at(30);
    (1..=3).for_each(|counter| drop(new.apply(&of_next_epoch(counter))));
    check(&Plan::Snap { tree: Box::new(new.clone()) }, 30, &new, Bug::Zk2872);
}
