//! A server of a whole ensemble dies in the middle of each of its disk operations in turn, and starts again: its disk gives back all that it must, what it
//! votes with is durable, nothing that was committed is lost, and the ensemble commits again. (`storage` does the same to a server that only
//! stores, and compares what comes back.)

use std::sync::Arc;

use zoolab::scenario::{Report, Run, RunOptions, Scenario};

/// A story without its end: what happens to a server while its disk is at work.
struct Story {
    /// Who dies.
    server: &'static str,
    ensemble: &'static str,
    rest: &'static str,
    /// Its steps until the server may die.
    steps: &'static [&'static str],
}

/// A follower under writes, with a snapshot at every third or fourth transaction and old files purged.
const WRITES: Story = Story {
    server: "s1",
    ensemble: r#""snapCount": 4, "autopurge.purgeInterval": "20ms", "preAllocSize": 4"#,
    rest: r#""workloads": { "w": { "clients": 2, "count": 5, "mix": { "create": 2, "set": 2, "delete": 1 }, "keys": 4, "start": "400ms" } }"#,
    steps: &[],
};

/// A server whose history is longer than the ensemble's is cut back.
const TRUNC: Story = Story {
    server: "s3",
    ensemble: r#""preAllocSize": 4"#,
    rest: r#""servers": { "s1": { "last": "1:5" }, "s2": { "last": "1:5" }, "s3": { "last": "1:9", "start": false } }"#,
    steps: &[r#"{ "when": "s2 established", "do": "start s3" }"#],
};

/// A server that is an epoch behind is sent everything.
const SNAP: Story = Story {
    server: "s3",
    ensemble: r#""preAllocSize": 4"#,
    rest: r#""servers": { "s1": { "last": "2:50" }, "s2": { "last": "2:50" }, "s3": { "last": "1:9", "start": false } }"#,
    steps: &[r#"{ "when": "s2 established", "do": "start s3" }"#],
};

/// A server that cannot be cut back as far as it is told.
const UNREACHABLE: Story =
    Story { rest: r#""servers": { "s1": { "last": "1:5" }, "s2": { "last": "1:5" }, "s3": { "last": "1:30", "start": false } }"#, ..TRUNC };

impl Story {
    /// The server dies while its operation number `point`; and again, some operations after it has started again, if it comes so far.
    fn run(&self, point: u32, death: &str, bugs: &str) -> Report {
        let Story { server, ensemble, rest, steps } = self;
        let again = point % 23 + 1;
        let ends = [
            format!(r#"{{ "when": "{server} disk_started #{point}", "do": "{death} {server}" }}"#),
            format!(r#"{{ "after": "20ms", "do": "restart {server}" }}"#),
            format!(r#"{{ "when": "{server} disk_started #{again}", "do": "{death} {server}", "optional": true }}"#),
            format!(r#"{{ "after": "20ms", "do": "restart {server}", "optional": true }}"#),
        ];
        let steps: Vec<String> = steps.iter().map(|step| (*step).to_string()).chain(ends).collect();
        let text = format!(
            r#"{{ "title": "t", "seed": {point}, "bugs": [{bugs}], "timing": {{ "fsync": "1ms..5ms" }},
                "ensemble": {{ "servers": 3, "config": {{ "tickTime": 200, "initLimit": 10, "syncLimit": 5, {ensemble} }} }},
                {rest}, "steps": [ {} ], "run": "700ms", "expect": {{}} }}"#,
            steps.join(",\n")
        );
        let scenario = Scenario::read(text.as_bytes()).unwrap_or_else(|problems| panic!("{problems:?} in {text}"));
        Run::new(Arc::new(scenario), RunOptions::default()).finish().0
    }

    /// Every point until there are no more of them, or until something is found there: that; and the last point.
    fn first_problem(&self, bugs: &str) -> (Option<String>, u32) {
        for point in 1.. {
            for death in ["crash", "power-loss"] {
                let report = self.run(point, death, bugs);
                if report.steps_fired as usize == self.steps.len() {
                    return (None, point - 1);
                }
                if report.verdict.name() != "pass" {
                    return (Some(format!("{death} after operation {point}: {}", report.verdict)), point);
                }
            }
        }
        unreachable!("every story ends")
    }

    #[track_caller]
    fn survives(&self, points_at_least: u32) {
        let (problem, points) = self.first_problem("");
        assert_eq!(problem, None);
        assert!(points >= points_at_least, "only {points} points");
    }

    /// The same points show a defect.
    #[track_caller]
    fn shows(&self, bug: &str) {
        assert!(self.first_problem(&format!("{bug:?}")).0.is_some(), "{bug} changes nothing");
    }
}

#[test]
fn a_server_under_writes_may_die_anywhere() {
    WRITES.survives(60);
    WRITES.shows("unsynced-replay");
}

#[test]
fn a_server_that_is_cut_back_may_die_anywhere() {
    TRUNC.survives(25);
}

#[test]
fn a_server_that_is_sent_everything_may_die_anywhere() {
    SNAP.survives(25);
    SNAP.shows("ZK-2872");
}

#[test]
fn a_server_that_cannot_be_cut_back_may_die_anywhere() {
    UNREACHABLE.survives(25);
}
