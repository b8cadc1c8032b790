//! `zoolab run --seeds`.

use super::{Folder, GOOD, broken, wrong};

#[test]
fn in_a_sweep_the_checks_count_and_not_what_is_expected_of_one_seed() {
    let folder = Folder::new("sweep_good");
    folder.write("wrong.json", &wrong());
    folder.write("known.json", &broken("epoch_promise"));
    let said = folder.zoolab("run wrong.json known.json --seeds 1..=5");
    assert_eq!((said.code, said.err.as_str()), (0, ""), "{}", said.out);
    assert!(said.out.contains("5 seeds: 5 pass") && said.out.contains("10 of 10 fired (100.0 %)"), "{}", said.out);
    assert!(said.out.contains("10 runs: 10 as expected"), "{}", said.out);
}

#[test]
fn bad_seeds_are_told_with_the_command_that_shows_them() {
    let folder = Folder::new("sweep_bad");
    folder.write("broken.json", &broken("pass"));
    let said = folder.zoolab("run broken.json --seeds 11..16");
    assert_eq!(said.code, 1);
    for part in [
        "FAIL  ",
        "5 seeds: 5 epoch_promise",
        "seed 11: violation epoch_promise at",
        "zoolab run broken.json --seed 11 --trace",
        "… and 2 more of 5 seeds",
    ] {
        assert!(said.out.contains(part), "{part} in {}", said.out);
    }
    assert_eq!(folder.zoolab("run broken.json --seeds 11..16 --no-bugs").code, 0);
}

/// The order of results does not depend on how many are made at the same time.
#[test]
fn json_is_an_object_a_run_in_the_order_of_seeds() {
    let folder = Folder::new("sweep_json");
    folder.write("good.json", GOOD);
    let said = folder.zoolab("run good.json --json --seeds 3..=7 --jobs 2");
    let seeds: Vec<u64> =
        said.out.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).expect("JSON")["seed"].as_u64().expect("a seed")).collect();
    assert_eq!(seeds, [3, 4, 5, 6, 7]);
    assert_eq!(folder.zoolab("run good.json --json --seeds 3..=7 --jobs 1").out, said.out);
    let alone = folder.zoolab("run good.json --json --seed 5").out;
    assert_eq!(said.out.lines().nth(2), alone.lines().next(), "a run of a sweep is the run of its seed");
}

#[test]
fn steps_that_rarely_fire_are_told() {
    let folder = Folder::new("sweep_steps");
    folder.write("never.json", &GOOD.replace("\"when\": \"established\"", "\"when\": \"established #9\""));
    let said = folder.zoolab("run never.json --seeds 1..=2");
    assert!(said.out.contains("steps: only 0 of 4 fired (0.0 %)"), "{}", said.out);
}
