//! What is left on disk, and in memory, after TRUNC and SNAP.

use super::super::bench::{Bench, config, digest_at, log_of, named, snapshot_of, txn, zxids};
use super::super::{LoggerEvent, SnapshotEvent};
use super::*;
use crate::bugs::Bugs;

const fn at(counter: u32) -> Zxid {
    Zxid::new(1, counter)
}

/// Snapshots of 2 and 6, logs of 3 to 6 and 7 to 12.
fn disk(bugs: &[Bug]) -> Bench {
    let mut bench = Bench::with(bugs.iter().copied().collect());
    bench.install([snapshot_of(at(2)), snapshot_of(at(6)), log_of(zxids(3..=6)), log_of(zxids(7..=12))]);
    bench
}

fn cut(bench: &mut Bench, cut: Cut) -> TruncationEvent {
    let (mut logger, mut purge) = (RequestLogger::new(config(1000)), Purge::new(config(1000)));
    let mut truncation = bench.step(|cx| Truncation::start(cx, config(1000), cut, &mut logger, &mut Snapshotter::default(), &mut purge));
    bench.run(|cx, outcome| truncation.on_disk(cx, outcome)).pop().expect("it reads")
}

/// Truncates; the state in memory and what a restart would give.
fn truncate(bench: &mut Bench, to: Zxid) -> (u64, Zxid) {
    let TruncationEvent::Done(Some(recovered)) = cut(bench, Cut::Trunc(to)) else {
        panic!("the disk has {to}");
    };
    assert_eq!(recovered.database.last_processed, to);
    (recovered.database.digest(), restart(bench))
}

fn restart(bench: &mut Bench) -> Zxid {
    let database = bench.load(&config(1000), true).expect("it can be loaded").database;
    assert_eq!(database.digest(), digest_at(database.last_processed), "a state of the history");
    database.last_processed
}

#[test]
fn nothing_newer_is_left() {
    for to in [2, 3, 5, 6, 7, 11, 12] {
        let mut bench = disk(&[]);
        assert_eq!(truncate(&mut bench, at(to)), (digest_at(at(to)), at(to)));
        // What follows is logged in a new file, and replayed behind what was kept.
        bench.install([log_of(zxids(to + 1..=to + 2))]);
        assert_eq!(restart(&mut bench), at(to + 2));
    }
}

/// As a crash between any two of them must find a beginning of the old history, or the new one.
#[test]
fn snapshots_go_first_then_the_youngest_log_and_the_end_of_the_file_last() {
    let mut bench = disk(&[]);
    truncate(&mut bench, at(4));
    let changes = |op: &String| ["delete", "truncate"].iter().any(|verb| op.starts_with(verb));
    let ops: Vec<_> = bench.take_ops().into_iter().filter(changes).collect();
    let len = log_of(zxids(3..=4)).1.len();
    assert_eq!(ops, ["delete snapshot.100000006", "delete log.100000007", &format!("truncate log.100000003 to {len} bytes")]);
}

/// The zxid may stand in no log: a SNAP brought it, and what follows it is what must go.
#[test]
fn a_snapshot_of_that_very_zxid_will_do() {
    let mut bench = Bench::default();
    bench.install([snapshot_of(at(2)), log_of(zxids(3..=4)), snapshot_of(at(9)), log_of(zxids(10..=12))]);
    assert_eq!(truncate(&mut bench, at(9)), (digest_at(at(9)), at(9)));
    assert_eq!(bench.names(), ["log.100000003", "snapshot.100000002", "snapshot.100000009"]);
}

#[test]
fn what_the_disk_cannot_give_is_left_alone() {
    let mut bench = Bench::default();
    bench.install([snapshot_of(at(2)), log_of(zxids(3..=4)), snapshot_of(at(9)), log_of(zxids(10..=12))]);
    let before = bench.files.clone();
    assert!(matches!(cut(&mut bench, Cut::Trunc(at(7))), TruncationEvent::Unreachable { has } if has == at(4)));
    assert!(bench.files == before);
}

#[test]
fn a_snapshot_of_older_history_cannot_be_kept_under_a_newer_one() {
    // ZOOKEEPER-4837: the truncated transactions are back at once.
    let mut bench = disk(&[Bug::Zk4837]);
    assert_eq!(truncate(&mut bench, at(4)), (digest_at(at(6)), at(6)));
    // ZOOKEEPER-1156: memory claims what neither it nor the log holds.
    let mut bench = disk(&[Bug::Zk1156]);
    assert_eq!(truncate(&mut bench, at(11)), (digest_at(at(10)), at(10)));
    let mut bench = disk(&[Bug::Zk1156]);
    assert_eq!(truncate(&mut bench, at(12)), (digest_at(at(11)), at(11)), "also where nothing was to be cut");
}

#[test]
fn a_failure_is_told() {
    for fault in ["list", "load version-2/log.100000003", "delete version-2/snapshot", "delete version-2/log", "truncate"] {
        let mut bench = disk(&[]);
        bench.fault = Some((fault, DiskError::Io));
        assert!(matches!(cut(&mut bench, Cut::Trunc(at(4))), TruncationEvent::Failed(_)), "{fault}");
        assert!(restart(&mut bench) >= at(4), "{fault}: what is left is a beginning of the history");

        let mut bench = disk(&[Bug::Zk3701]);
        bench.fault = Some((fault, DiskError::Io));
        let TruncationEvent::Done(Some(recovered)) = cut(&mut bench, Cut::Trunc(at(4))) else {
            panic!("ZOOKEEPER-3701: {fault} was lost on its way");
        };
        assert_eq!(recovered.database.last_processed, at(4), "{fault}: so it claims");
    }
}

#[test]
fn snap_cuts_the_log_and_its_image_supersedes_what_is_newer() {
    let mut bench = disk(&[]);
    assert!(matches!(cut(&mut bench, Cut::Snap(at(4))), TruncationEvent::Done(None)));
    assert_eq!(bench.names(), ["log.100000003", "snapshot.100000002", "snapshot.100000006"]);
    assert_eq!(restart(&mut bench), at(6), "until the image is there");

    let image = bench.load(&config(1000), true).expect("any database").database;
    let mut adopted = image.clone();
    adopted.last_processed = at(5);
    let mut snapshotter = Snapshotter::default();
    bench.take_ops();
    bench.step(|cx| snapshotter.take(cx, &adopted, super::super::Image::AfterSnap { to: at(4) }));
    while !snapshotter.is_idle() {
        bench.run(|cx, outcome| snapshotter.on_disk(cx, outcome));
        let event = bench.step(|cx| snapshotter.on_stage(cx, &adopted, &mut RequestLogger::new(config(1000))));
        assert_eq!(event, SnapshotEvent::Continues);
        bench.run(|cx, outcome| snapshotter.on_disk(cx, outcome));
    }
    assert_eq!(bench.names(), ["log.100000003", "snapshot.100000002", "snapshot.100000005"]);
    let ops = bench.take_ops();
    let order = ["sync snapshot.100000005.tmp", "rename snapshot.100000005.tmp to snapshot.100000005", "delete snapshot.100000006"];
    let places: Vec<_> = order.iter().map(|op| ops.iter().position(|done| done == op)).collect();
    assert!(places.is_sorted() && places[0].is_some(), "{ops:?}");
}

#[test]
fn snap_leaves_the_log_alone_with_the_bug() {
    let mut bench = disk(&[Bug::Zk2832]);
    let before = bench.files.clone();
    assert!(matches!(cut(&mut bench, Cut::Snap(at(4))), TruncationEvent::Done(None)));
    assert!(bench.files == before);
}

#[test]
fn snap_over_a_log_that_begins_later_or_not_at_all() {
    let mut bench = Bench::default();
    assert!(matches!(cut(&mut bench, Cut::Snap(at(4))), TruncationEvent::Done(None)));
    bench.install([log_of(zxids(7..=9)), log_of(zxids(10..=12))]);
    assert!(matches!(cut(&mut bench, Cut::Snap(at(4))), TruncationEvent::Done(None)));
    assert!(bench.names().is_empty());
}

#[test]
fn the_log_goes_on_in_a_new_file() {
    let mut bench = disk(&[]);
    let (mut logger, mut purge) = (RequestLogger::new(config(1000)), Purge::new(config(1000)));
    let append = |bench: &mut Bench, logger: &mut RequestLogger, counter| {
        bench.step(|cx| logger.append_now(cx, vec![txn(counter)]));
        let events: Vec<LoggerEvent> = bench.run(|cx, outcome| logger.on_disk(cx, outcome));
        assert!(events.last().is_some_and(|event| event.logged.len() == 1));
    };
    append(&mut bench, &mut logger, 13);
    let mut truncation =
        bench.step(|cx| Truncation::start(cx, config(1000), Cut::Trunc(at(12)), &mut logger, &mut Snapshotter::default(), &mut purge));
    bench.run(|cx, outcome| truncation.on_disk(cx, outcome));
    append(&mut bench, &mut logger, 13);
    append(&mut bench, &mut logger, 14);
    assert!(!bench.files[&named("log.10000000d")].is_empty());
    let replayed = bench.load(&config(1000), true).expect("it is whole").database;
    assert_eq!(replayed.last_processed, at(14));
    assert_eq!(bench.bugs, Bugs::NONE);
}
