//! Clients and servers together, in short scenarios of their own.

use std::sync::Arc;

use zoolab::scenario::{Report, Run, RunOptions, Scenario, render};

/// Three servers with ticks of 200 ms, so that sessions last 400 ms to 4 s; `rest` is the other keys of the file.
fn run(rest: &str) -> Report {
    let text = format!(r#"{{ "title": "t", "ensemble": {{ "servers": 3, "config": {{ "tickTime": 200 }}, "version": "3.9" }}, {rest} }}"#);
    play(&text)
}

fn play(text: &str) -> Report {
    let scenario = Scenario::read(text.as_bytes()).unwrap_or_else(|problems| panic!("{}", render(&problems, "test.json", text, false)));
    Run::new(Arc::new(scenario), RunOptions::default()).finish().0
}

#[track_caller]
fn passes(rest: &str) -> Report {
    let report = run(rest);
    assert!(report.is_as_expected(), "{}\n{}", report.verdict, report.missed.join("\n"));
    report
}

/// A session is its client's, not its connection's: what is asked on one server is seen on the next, and ephemerals stay.
#[test]
fn a_session_moves_with_its_client() {
    passes(
        r#""clients": { "c1": { "connect": "s1" }, "c2": { "connect": "s3" } },
        "steps": [
          { "when": "c1 connected", "do": "c1 create -e /here s1", "returns": "/here" },
          { "after": "reply", "do": "c1 connect s2" },
          { "when": "c1 connected server=s2 renewed=true", "do": "c1 get /here", "returns": "s1" },
          { "after": "reply", "do": "c1 close", "returns": "Ok" },
          { "after": "reply", "do": "c2 sync /", "returns": "Ok" },
          { "after": "reply", "do": "c2 stat /here", "returns": "NoNode" },
          { "after": "reply", "do": "c1 connect s3" },
          { "when": "c1 connected server=s3 renewed=false", "do": "c1 create -e /here again", "returns": "/here" }
        ],
        "run": "6s", "expect": { "tree": { "present": { "/here": "again" } } }"#,
    );
}

/// Nobody pings for a client that stalls: its session ends, its ephemeral goes, and it hears of that when it comes back.
#[test]
fn a_stalled_client_loses_its_session() {
    passes(
        r#""clients": { "c1": { "timeout": "1s" }, "c2": {} },
        "steps": [
          { "when": "c1 connected", "do": "c1 create -e /lock", "returns": "/lock" },
          { "after": "reply", "do": "pause c1 for 3s" },
          { "when": "session_expiring", "do": "c1 get /lock", "optional": true },
          { "after": "500ms", "do": "c2 sync /" },
          { "after": "reply", "do": "c2 stat /lock", "returns": "NoNode" },
          { "when": "c1 expired", "do": "c1 create -e /lock", "returns": "SessionExpired" },
          { "after": "reply", "do": "c1 connect" },
          { "when": "c1 connected", "do": "c1 create -e /lock mine", "returns": "/lock" }
        ],
        "run": "9s", "expect": { "saw": ["session_expiring"], "tree": { "present": { "/lock": "mine" } } }"#,
    );
}

/// ZOOKEEPER-4508: a client of 3.9 that reaches nobody knows after 4/3 of its timeout that its session is over; one of 3.8 never does.
#[test]
fn a_client_alone_gives_up_or_does_not() {
    for (version, sees) in [("3.9", r#""saw": ["c1 expired"]"#), ("3.8", r#""not_saw": ["c1 expired"]"#)] {
        let report = play(&format!(
            r#"{{ "title": "t", "ensemble": {{ "servers": 3, "config": {{ "tickTime": 200 }}, "version": "{version}" }},
            "clients": {{ "c1": {{ "timeout": "2s" }} }},
            "steps": [{{ "when": "c1 connected", "do": "partition c1 | s1 s2 s3" }}],
            "run": "9s", "recover": false, "expect": {{ {sees} }} }}"#
        ));
        assert!(report.is_as_expected(), "{version}: {}", report.missed.join("\n"));
    }
}

/// A client that has seen more than a server has applied is sent on: time does not run backwards for it.
#[test]
fn a_server_that_is_behind_is_passed_over() {
    passes(
        r#""clients": { "c1": { "connect": "s3" } },
        "steps": [
          { "when": "c1 connected", "do": "hold s3 -> s1 COMMIT" },
          { "after": "0us", "do": "c1 create /a x", "returns": "/a" },
          { "after": "reply", "do": "c1 connect s1" },
          { "when": "s1 client_ahead", "do": "heal" },
          { "when": "c1 connected", "do": "c1 get /a", "returns": "x" }
        ],
        "run": "6s", "expect": {}"#,
    );
}

/// Work goes on through crashes and cuts; what is acknowledged is there in the end, and counted.
#[test]
fn workloads_survive_what_the_ensemble_survives() {
    let report = passes(
        r#""workloads": {
          "loop": { "clients": 3, "mix": { "create": 2, "delete": 1, "set": 3, "get": 2, "sync": 1 }, "keys": 3 },
          "steady": { "rate": "40/s", "start": "2s", "until": "5s", "size": 50 }
        },
        "steps": [
          { "at": "2.5s", "do": "crash leader" },
          { "at": "3.5s", "do": "restart all" },
          { "at": "4s", "do": "partition leader | follower 1 follower 2" },
          { "at": "6s", "do": "heal" }
        ],
        "run": "8s", "expect": { "acked_min": { "loop": 100, "steady": 10 }, "saw": ["workload_done"] }"#,
    );
    let (busy, steady) = (report.workloads["loop"], report.workloads["steady"]);
    assert!(busy.unknown > 0 && busy.writes_acked > 50 && busy.failed == 0, "{busy:?}");
    let asked = steady.acked + steady.failed + steady.unknown;
    assert!((115..=120).contains(&asked), "40 a second for 3 s but for the time of preparation, whatever became of them: {steady:?}");
}

/// A client process that dies takes its requests with it; the next life is somebody else.
#[test]
fn a_crashed_client_comes_back_as_another() {
    passes(
        r#""clients": { "c1": { "timeout": "1s", "connect": ["s1"] } },
        "steps": [
          { "when": "c1 connected", "do": "c1 create -e /mine first", "returns": "/mine" },
          { "after": "reply", "do": "crash c1" },
          { "after": "100ms", "do": "restart c1" },
          { "when": "c1 connected server=s1 renewed=false", "do": "c1 create -e /mine second", "returns": "NodeExists" },
          { "after": "3s", "do": "c1 create -e /mine third", "returns": "/mine" }
        ],
        "run": "9s", "expect": { "tree": { "present": { "/mine": "third" } } }"#,
    );
}
