//! Every recipe under every fault that one must survive: a leader that crashes, a client that stands still past its session timeout, a connection
//! that is lost right after something was committed.

use std::sync::Arc;

use zoolab::scenario::{Run, RunOptions, Scenario, render};

/// The rounds of three clients, as lines of a workload.
const ROUNDS: [(&str, &str); 18] = [
    ("exclusive", r#""exclusive acquire /x within 3s", "sleep 30ms", "exclusive release /x""#),
    ("lock", r#""lock acquire /x within 3s", "lock write /x w", "lock release /x""#),
    ("revocable lock", r#""lock acquire-revocable /x within 3s", "sleep 50ms", "lock release /x""#),
    ("rwlock", r#""rwlock read /x within 3s", "rwlock release /x", "rwlock write /x within 3s", "rwlock release /x""#),
    ("semaphore", r#""semaphore acquire /x 2 within 3s", "sleep 30ms", "semaphore release /x""#),
    ("election", r#""election join /x within 3s", "election write /x w", "election leave /x""#),
    ("latch", r#""latch start /x", "sleep 300ms", "latch close /x""#),
    ("queue", r#""queue put /x a", "queue take /x within 2s""#),
    ("priority queue", r#""priority put /x 3 a", "priority take /x within 2s""#),
    ("barrier", r#""barrier set /x", "sleep 20ms", "barrier lift /x", "barrier wait /x within 2s""#),
    ("double barrier", r#""double-barrier enter /x 3 within 3s", "double-barrier leave /x within 3s""#),
    ("synchronisation queue", r#""sync-queue join /x 3 within 3s""#),
    ("transaction", r#""transaction begin /x c1,c2,c3", "sleep 600ms", "transaction vote /x commit", "transaction decide /x within 5s""#),
    ("counter", r#""counter add /x", "counter get /x""#),
    ("id", r#""id next /x""#),
    ("settings", r#""settings watch /x", "settings set /x v", "sleep 200ms", "settings stop /x""#),
    ("group", r#""group watch /x", "group join /x", "sleep 200ms", "group leave /x""#),
    ("discovery", r#""discovery watch /x", "discovery register /x data", "sleep 200ms", "discovery unregister /x""#),
];

/// Two leaders crash.
const LEADERS_CRASH: &str = r#"{ "at": "1200ms", "do": "crash leader" }, { "after": "500ms", "do": "restart all" },
    { "after": "2s", "do": "crash leader" }, { "after": "500ms", "do": "restart all" }"#;

/// Two clients stand still for longer than their sessions last.
const CLIENTS_PAUSE: &str = r#"{ "at": "1500ms", "do": "pause c1 for 5s" }, { "after": "6s", "do": "pause c2 for 5s" }"#;

/// A client loses its connection each time that something is committed, on whichever server it is.
const ANSWERS_GET_LOST: &str = r#"{ "when": "committed", "do": "reset c1 s1", "optional": true, "repeat": { "times": 8 } },
    { "when": "committed", "do": "reset c1 s2", "optional": true, "repeat": { "times": 8 } },
    { "when": "committed", "do": "reset c1 s3", "optional": true, "repeat": { "times": 8 } },
    { "when": "committed", "do": "reset c1 s1", "optional": true, "repeat": { "times": 8 } },
    { "when": "committed", "do": "reset c1 s2", "optional": true, "repeat": { "times": 8 } }"#;

/// All recipes under these faults, with this seed. So long after the last round that whoever waits in vain is found out.
fn survive(steps: &str, seed: u64) {
    for (name, lines) in ROUNDS {
        // A transaction is made once.
        let count = if name == "transaction" { r#""count": 1, "# } else { "" };
        let text = format!(
            r#"{{ "title": "{name}", "ensemble": {{ "servers": 3, "config": {{ "tickTime": 200, "initLimit": 10, "syncLimit": 5 }} }},
            "clients": {{ "c1": {{ "connect": "s1", "timeout": "2s", "start": "500ms" }}, "c2": {{ "connect": "s2", "timeout": "2s", "start": "500ms" }},
                "c3": {{ "connect": "s3", "timeout": "2s", "start": "500ms" }} }},
            "workloads": {{ "rounds": {{ "clients": ["c1", "c2", "c3"], {count}"do": [{lines}], "until": "14s" }} }},
            "steps": [ {steps} ], "run": "50s", "expect": {{ "verdict": "pass" }} }}"#
        );
        let scenario = Scenario::read(text.as_bytes()).unwrap_or_else(|problems| panic!("{}", render(&problems, "test.json", &text, false)));
        let (report, _) = Run::new(Arc::new(scenario), RunOptions { seed: Some(seed), ..RunOptions::default() }).finish();
        assert!(report.is_as_expected(), "{name} with seed {seed}: {}\n{}", report.verdict, report.missed.join("\n"));
    }
}

#[test]
fn every_recipe_survives_its_leaders() {
    [1, 2].into_iter().for_each(|seed| survive(LEADERS_CRASH, seed));
}

#[test]
fn every_recipe_survives_clients_that_stand_still() {
    [1, 8].into_iter().for_each(|seed| survive(CLIENTS_PAUSE, seed));
}

#[test]
fn every_recipe_survives_lost_answers() {
    [1, 4].into_iter().for_each(|seed| survive(ANSWERS_GET_LOST, seed));
}
