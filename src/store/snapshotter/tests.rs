//! Snapshots while the tree changes, and what stops them.

use std::sync::Arc;

use super::super::bench::{Bench, config, named, zxids};
use super::super::history;
use super::*;
use crate::proto::{CreateForm, Proposal, SessionId, Txn, TxnHeader};

/// A tree so large that its snapshot takes several wake-ups.
fn large() -> Database {
    let mut database = Database::new(0);
    for counter in 1..=100 {
        let path = format!("/n{counter:03}").into();
        let txn = Txn::Create { form: CreateForm::Create, path, data: None, acl: Arc::new([]), ephemeral: false, parent_cversion: counter };
        let header = TxnHeader { session: SessionId(7), cxid: 0, zxid: Zxid::new(1, counter as u32), time: 0 };
        database.apply(&Proposal::new(header, txn)).expect("a new node");
    }
    database
}

/// One wake-up and what the disk does about it.
fn wake_up(bench: &mut Bench, snapshotter: &mut Snapshotter, database: &Database) -> SnapshotEvent {
    let first = bench.step(|cx| snapshotter.on_stage(cx, database, &mut RequestLogger::new(config(1000))));
    let rest = bench.run(|cx, outcome| snapshotter.on_disk(cx, outcome));
    [first].into_iter().chain(rest).find(|event| *event != SnapshotEvent::Continues).unwrap_or(SnapshotEvent::Continues)
}

fn finish(bench: &mut Bench, snapshotter: &mut Snapshotter, database: &Database) -> SnapshotEvent {
    bench.run(|cx, outcome| snapshotter.on_disk(cx, outcome));
    loop {
        match wake_up(bench, snapshotter, database) {
            SnapshotEvent::Continues => {}
            event => return event,
        }
    }
}

/// What a restart makes of the disk, and its log from the snapshot's name on.
fn restart(bench: &mut Bench) -> Database {
    bench.load(&config(1000), true).expect("it can be loaded").database
}

#[test]
fn it_takes_its_time_and_the_log_makes_it_right() {
    let (mut bench, mut snapshotter, mut database) = (Bench::default(), Snapshotter::default(), large());
    assert!(bench.step(|cx| snapshotter.take_in_background(cx, &database)));
    assert!(!bench.step(|cx| snapshotter.take_in_background(cx, &database)), "too busy");
    bench.run(|cx, outcome| snapshotter.on_disk(cx, outcome));
    wake_up(&mut bench, &mut snapshotter, &database);
    // Before the walker comes to one of them and after it has been at the other.
    let changes: Vec<Arc<Proposal>> = ["/n001", "/n099"].into_iter().zip(101..).map(|(path, counter)| set(path, counter)).collect();
    for change in &changes {
        database.apply(change).expect("the nodes exist");
    }
    let taken = finish(&mut bench, &mut snapshotter, &database);
    assert_eq!(taken, SnapshotEvent::Taken { zxid: Zxid::new(1, 100), background: true });
    let writes = bench.take_ops().iter().filter(|op| op.starts_with("write")).count();
    assert!(writes >= 3, "{writes} chunks");
    assert_ne!(restart(&mut bench).digest(), database.digest(), "something of it is missing");
    let records = changes.iter().flat_map(|change| change.record.iter().copied());
    bench.install([(named("log.100000065"), super::super::format::LOG_HEADER.iter().copied().chain(records).collect())]);
    assert_eq!(restart(&mut bench).digest(), database.digest());
}

fn set(path: &str, counter: u32) -> Arc<Proposal> {
    let header = TxnHeader { session: SessionId(7), cxid: 0, zxid: Zxid::new(1, counter), time: 0 };
    Proposal::new(header, Txn::SetData { path: path.into(), data: Some([1].into()), version: 1 })
}

#[test]
fn a_frozen_one_goes_on_with_the_tree_that_it_began_with() {
    let (mut bench, mut snapshotter, database) = (Bench::default(), Snapshotter::default(), large());
    bench.step(|cx| snapshotter.take_in_background(cx, &database));
    bench.run(|cx, outcome| snapshotter.on_disk(cx, outcome));
    wake_up(&mut bench, &mut snapshotter, &database);
    snapshotter.freeze(&database);
    finish(&mut bench, &mut snapshotter, &Database::new(0));
    assert_eq!(restart(&mut bench).digest(), database.digest());
}

#[test]
fn only_what_must_survive_is_forced() {
    let forced = [
        (Image::Leading, None, true),
        (Image::AfterTrunc, Some(Bug::UnsyncedTruncation), true),
        (Image::AfterSnap { to: Zxid::ZERO }, Some(Bug::Zk2872), true),
    ];
    for (image, bug, is_forced) in forced {
        for bugs in [Bugs::NONE, bug.into_iter().collect()] {
            let (mut bench, mut snapshotter, database) = (Bench::with(bugs), Snapshotter::default(), large());
            bench.step(|cx| snapshotter.take(cx, &database, image));
            let taken = finish(&mut bench, &mut snapshotter, &database);
            assert_eq!(taken, SnapshotEvent::Taken { zxid: Zxid::new(1, 100), background: false });
            let synced = is_forced && bugs.is_empty();
            let ops = bench.take_ops();
            let expected: &[&str] = if synced {
                &["sync snapshot.100000064.tmp", "rename snapshot.100000064.tmp to snapshot.100000064", "sync snapshot.100000064"]
            } else {
                &[]
            };
            let after: Vec<_> = ops.iter().filter(|op| op.starts_with("sync") || op.starts_with("rename")).collect();
            assert_eq!(after, expected, "{image:?} {bugs:?}");
            assert!(bench.notes.contains(&Note::SnapshotTaken { zxid: Zxid::new(1, 100), synced }));
            assert_eq!(restart(&mut bench).digest(), database.digest());
        }
    }
}

#[test]
fn one_that_is_awaited_waits_for_the_one_under_way() {
    let (mut bench, mut snapshotter, database) = (Bench::default(), Snapshotter::default(), large());
    let mut later = database.clone();
    zxids(101..=101).for_each(|zxid| drop(later.apply(&history::transaction(zxid))));
    bench.step(|cx| snapshotter.take_in_background(cx, &database));
    bench.step(|cx| snapshotter.take(cx, &later, Image::Leading));
    let first = finish(&mut bench, &mut snapshotter, &later);
    assert_eq!(first, SnapshotEvent::Taken { zxid: Zxid::new(1, 100), background: true });
    let second = finish(&mut bench, &mut snapshotter, &later);
    assert_eq!(second, SnapshotEvent::Taken { zxid: Zxid::new(1, 101), background: false });
    assert!(snapshotter.is_idle());
}

#[test]
fn one_that_fails_leaves_no_empty_file() {
    for (fault, chunks, left) in [("create", 0, 0), ("write", 0, 0), ("write", 1, 1)] {
        let (mut bench, mut snapshotter, database) = (Bench::default(), Snapshotter::default(), large());
        bench.fault = Some((fault, DiskError::NoSpace)).filter(|_| chunks == 0);
        bench.step(|cx| snapshotter.take(cx, &database, Image::Leading));
        let mut events = bench.run(|cx, outcome| snapshotter.on_disk(cx, outcome));
        for _ in 0..chunks {
            wake_up(&mut bench, &mut snapshotter, &database);
        }
        bench.fault = Some((fault, DiskError::NoSpace)).filter(|_| fault == "write");
        bench.step(|cx| snapshotter.on_stage(cx, &database, &mut RequestLogger::new(config(1000))));
        events.extend(bench.run(|cx, outcome| snapshotter.on_disk(cx, outcome)));
        assert!(events.contains(&SnapshotEvent::Failed(DiskError::NoSpace)), "{fault}");
        assert_eq!(bench.files.len(), left, "{fault} after {chunks} chunks");
    }
}

/// It has not even been begun: the file of its name is another one, perhaps the only snapshot there is.
#[test]
fn one_that_cannot_look_takes_nothing_away() {
    let (mut bench, mut snapshotter, database) = (Bench::default(), Snapshotter::default(), large());
    bench.step(|cx| snapshotter.take(cx, &database, Image::Leading));
    finish(&mut bench, &mut snapshotter, &database);
    let before = bench.files.clone();
    bench.fault = Some(("list", DiskError::Io));
    assert!(bench.step(|cx| snapshotter.take_in_background(cx, &database)));
    let events = bench.run(|cx, outcome| snapshotter.on_disk(cx, outcome));
    assert_eq!(events, [SnapshotEvent::Continues]);
    assert!(snapshotter.is_idle() && bench.files == before);
}

#[test]
fn one_that_is_given_up_is_deleted() {
    for operation_under_way in [true, false] {
        let (mut bench, mut snapshotter, database) = (Bench::default(), Snapshotter::default(), large());
        bench.step(|cx| snapshotter.take_in_background(cx, &database));
        bench.run(|cx, outcome| snapshotter.on_disk(cx, outcome));
        if operation_under_way {
            bench.step(|cx| snapshotter.on_stage(cx, &database, &mut RequestLogger::new(config(1000))));
        }
        bench.step(|cx| snapshotter.abandon(cx));
        bench.step(|cx| snapshotter.on_stage(cx, &database, &mut RequestLogger::new(config(1000))));
        bench.run(|cx, outcome| snapshotter.on_disk(cx, outcome));
        assert!(snapshotter.is_idle() && bench.files.is_empty());
        assert!(bench.step(|cx| snapshotter.take_in_background(cx, &database)), "a new one may begin");
    }
}

#[test]
fn one_that_exists_is_not_written_over() {
    let (mut bench, mut snapshotter, database) = (Bench::default(), Snapshotter::default(), large());
    bench.install([(named("snapshot.100000064"), b"the only one".to_vec())]);
    let before = bench.files.clone();
    for given_up in [false, true] {
        assert!(bench.step(|cx| snapshotter.take_in_background(cx, &database)));
        if given_up {
            bench.step(|cx| snapshotter.abandon(cx));
        }
        bench.run(|cx, outcome| snapshotter.on_disk(cx, outcome));
        assert!(snapshotter.is_idle() && bench.files == before);
    }
}

/// A snapshot is being taken, and the database has changed meanwhile by what the logger was given and has not written.
fn with_a_change_that_no_log_has() -> (Bench, Snapshotter, RequestLogger, Database) {
    let (mut bench, mut snapshotter, mut logger) = (Bench::default(), Snapshotter::default(), RequestLogger::new(config(1000)));
    let mut database = large();
    let change = set("/n001", 101);
    bench.step(|cx| logger.log(cx, change.clone()));
    bench.step(|cx| snapshotter.take_in_background(cx, &database));
    bench.run(|cx, outcome| snapshotter.on_disk(cx, outcome));
    database.apply(&change).expect("the node exists");
    (bench, snapshotter, logger, database)
}

/// What it holds may be in no log yet: a server that loaded it would not have the state of the zxid that it votes with.
#[test]
fn its_last_bytes_wait_for_the_log() {
    let (mut bench, mut snapshotter, mut logger, database) = with_a_change_that_no_log_has();
    bench.woken.clear();
    for _ in 0..9 {
        let event = bench.step(|cx| snapshotter.on_stage(cx, &database, &mut logger));
        bench.run(|cx, outcome| snapshotter.on_disk(cx, outcome));
        assert_eq!(event, SnapshotEvent::Continues);
    }
    assert!(bench.load(&config(1000), false).is_ok_and(|it| it.last_logged == Zxid::UNTRUSTED), "it does not count yet");

    bench.woken.clear();
    bench.step(|cx| logger.on_stage(cx));
    bench.run(|cx, outcome| logger.on_disk(cx, outcome));
    assert_eq!(bench.woken, [Stage::SnapshotTaker]);
    bench.step(|cx| snapshotter.on_stage(cx, &database, &mut logger));
    bench.run(|cx, outcome| snapshotter.on_disk(cx, outcome));
    let taken = bench.step(|cx| snapshotter.on_stage(cx, &database, &mut logger));
    assert_eq!(taken, SnapshotEvent::Taken { zxid: Zxid::new(1, 100), background: true });
    assert_eq!(restart(&mut bench).digest(), database.digest());
}

#[test]
fn it_is_given_up_when_the_log_has_lost_what_it_holds() {
    let (mut bench, mut snapshotter, mut logger, database) = with_a_change_that_no_log_has();
    bench.fault = Some(("create", DiskError::Io));
    bench.step(|cx| logger.on_stage(cx));
    bench.run(|cx, outcome| logger.on_disk(cx, outcome));
    while !snapshotter.is_idle() {
        bench.step(|cx| snapshotter.on_stage(cx, &database, &mut logger));
        bench.run(|cx, outcome| snapshotter.on_disk(cx, outcome));
    }
    assert!(bench.files.is_empty());
}
