//! Storage reference §6, line by line.

use super::super::bench::{Bench, config, digest_at, log_of, named, snapshot_of, zxids};
use super::*;
use crate::bugs::Bugs;
use crate::trace::ApplyHow;

const LAST: Zxid = Zxid::new(1, 9);

/// Two snapshots, and a log of two files from the older one on.
fn disk() -> Bench {
    let mut bench = Bench::default();
    bench.install([snapshot_of(Zxid::new(1, 2)), snapshot_of(Zxid::new(1, 6)), log_of(zxids(3..=6)), log_of(zxids(7..=9))]);
    bench
}

/// The end of the history that is loaded, after a look at its content; or why it is not loaded.
fn load(bench: &mut Bench) -> Result<Zxid, String> {
    let Recovered { database, last_logged } = bench.load(&config(1000), true)?;
    assert_eq!(database.digest(), digest_at(database.last_processed));
    assert_eq!(last_logged, database.last_processed);
    Ok(last_logged)
}

fn change(bench: &mut Bench, file: &str, change: impl FnOnce(&mut FileImage)) {
    change(bench.files.get_mut(&named(file)).expect("there is such a file"));
}

fn told(bench: &Bench, wanted: impl Fn(&Note) -> bool) -> usize {
    bench.notes.iter().filter(|note| wanted(note)).count()
}

#[test]
fn the_newest_snapshot_and_the_log_behind_it() {
    let mut bench = disk();
    assert_eq!(load(&mut bench), Ok(LAST));
    assert_eq!(told(&bench, |note| matches!(note, Note::Applied { how: ApplyHow::Replay, .. })), 3);
    let reads = ["list", "load snapshot.100000006", "load log.100000007"].map(String::from);
    // What the server will speak of is forced before it does.
    let forced = ["sync snapshot.100000006", "sync log.100000007"].map(String::from);
    assert_eq!(bench.take_ops(), [reads.to_vec(), forced.to_vec()].concat());
}

#[test]
fn a_snapshot_that_cannot_be_used_makes_room_for_an_older_one() {
    for damage in ["cut", "rot"] {
        let mut bench = disk();
        match damage {
            "cut" => change(&mut bench, "snapshot.100000006", |image| image.set_len(image.len() - 20)),
            _ => change(&mut bench, "snapshot.100000006", |image| image.write(60, &[0xff])),
        }
        assert_eq!(load(&mut bench), Ok(LAST), "{damage}");
        assert_eq!(told(&bench, |note| matches!(note, Note::SnapshotSkipped { .. })), 1);
        assert!(bench.take_ops().contains(&"sync log.100000003".to_string()), "it stands on the older log, too");
    }
}

/// It may be whole, and hold what no log has. (One that is gone was purged since it was listed.)
#[test]
fn a_snapshot_that_the_disk_does_not_give_is_not_passed_over() {
    let mut bench = disk();
    bench.fault = Some(("load version-2/snapshot.100000006", DiskError::Io));
    assert_eq!(load(&mut bench), Err("reading version-2/snapshot.100000006: input/output error".into()));
    let mut bench = disk();
    bench.fault = Some(("load version-2/snapshot.100000006", DiskError::NotFound));
    assert_eq!(load(&mut bench), Ok(LAST));
}

#[test]
fn a_loss_is_not_an_empty_database() {
    let mut bench = disk();
    for file in ["snapshot.100000002", "snapshot.100000006"] {
        change(&mut bench, file, |image| image.write(60, &[0xff]));
    }
    assert_eq!(load(&mut bench), Err("none of 2 snapshots can be read".into()));

    let mut bench = disk();
    bench.files.retain(|file, _| !file.contains("snapshot"));
    assert!(load(&mut bench).is_err_and(|reason| reason.contains("no valid snapshot")));
    bench.bugs = Bugs::from_iter([Bug::Zk2325]);
    assert_eq!(bench.load(&config(1000), true).map(|it| (it.last_logged, it.database.tree().len())), Ok((Zxid::ZERO, 4)));
}

#[test]
fn a_log_alone_is_replayed_when_it_is_trusted() {
    let mut config = Config::clone(&config(1000));
    config.trust_empty_snapshot = true;
    let mut bench = Bench::default();
    bench.install([log_of(zxids(1..=3))]);
    assert_eq!(bench.load(&Arc::new(config), true).map(|it| it.last_logged), Ok(Zxid::new(1, 3)));
}

#[test]
fn an_empty_disk_is_an_empty_database_if_it_may_be() {
    let mut bench = Bench::default();
    assert_eq!(bench.load(&config(1000), false).map(|it| it.last_logged), Ok(Zxid::UNTRUSTED));
    assert!(bench.names().is_empty());

    let created = bench.load(&config(1000), true).expect("a new server");
    assert_eq!((created.last_logged, bench.names()), (Zxid::ZERO, vec!["snapshot.0".to_string()]));
    assert!(bench.take_ops().contains(&"sync snapshot.0.tmp".to_string()), "a log without any snapshot would refuse to boot");
    assert_eq!(bench.load(&config(1000), false).map(|it| it.last_logged), Ok(Zxid::ZERO), "now there is a snapshot");

    let mut bench = Bench::default();
    bench.install([(INITIALIZE.into(), Vec::new())]);
    assert_eq!(bench.load(&config(1000), false).map(|it| it.last_logged), Ok(Zxid::ZERO));
    assert_eq!(bench.names(), ["snapshot.0"], "it is good for one start");
}

#[test]
fn a_torn_tail_ends_its_file_and_the_next_one_follows() {
    let mut bench = disk();
    let mut torn = log_of(zxids(7..=9)).1;
    torn.truncate(torn.len() - 3);
    bench.install([(named("log.100000007"), torn), log_of(zxids(9..=10))]);
    assert_eq!(load(&mut bench), Ok(Zxid::new(1, 10)));
    assert_eq!(told(&bench, |note| matches!(note, Note::TailIgnored { .. })), 1);
}

#[test]
fn what_a_log_must_not_hold() {
    let mut bench = disk();
    change(&mut bench, "log.100000007", |image| image.write(16 + 12 + 20, &[0xff]));
    assert!(load(&mut bench).is_err_and(|reason| reason.contains("checksum")));

    let mut bench = disk();
    change(&mut bench, "log.100000007", |image| image.set_len(7));
    assert!(load(&mut bench).is_err_and(|reason| reason.contains("header")));

    let mut bench = disk();
    bench.install([log_of(zxids([11]))]);
    assert!(load(&mut bench).is_err_and(|reason| reason.contains("transactions are missing")));

    let mut bench = disk();
    bench.fault = Some(("load version-2/log", DiskError::Io));
    assert!(load(&mut bench).is_err_and(|reason| reason.contains("input/output error")));
}

#[test]
fn only_the_last_file_may_be_empty() {
    let mut bench = disk();
    bench.install([(named("log.10000000a"), Vec::new())]);
    assert_eq!(load(&mut bench), Ok(LAST));
    assert!(!bench.names().contains(&"log.10000000a".to_string()), "it would not be the last for long");
    bench.install([(named("log.100000007"), Vec::new()), log_of(zxids([10]))]);
    assert!(load(&mut bench).is_err_and(|reason| reason.contains("header")));
}

#[test]
fn the_log_may_end_before_the_snapshot() {
    for (bugs, vote) in [(Bugs::NONE, Zxid::new(1, 20)), (Bugs::from_iter([Bug::Zk582]), LAST)] {
        let mut bench = disk();
        bench.bugs = bugs;
        bench.install([snapshot_of(Zxid::new(1, 20))]);
        let recovered = bench.load(&config(1000), true).expect("the snapshot is enough");
        assert_eq!((recovered.database.last_processed, recovered.last_logged), (Zxid::new(1, 20), vote));
    }
}

#[test]
fn fast_forward_adds_what_the_log_holds_beyond_memory() {
    let mut bench = disk();
    let before = bench.load(&config(1000), true).expect("it is whole").database;
    bench.install([log_of(zxids(10..=12))]);
    bench.take_ops();
    let recovery = bench.step(|cx| Recovery::fast_forward(cx, config(1000), before));
    let after = bench.finish(recovery).expect("it is whole").database;
    assert_eq!((after.last_processed, after.digest()), (Zxid::new(1, 12), digest_at(Zxid::new(1, 12))));
    assert!(bench.notes.contains(&Note::FastForwarded { from: LAST, to: Zxid::new(1, 12) }));
    assert_eq!(bench.take_ops(), ["list", "load log.10000000a"]);
    assert_eq!(after.committed().count(), 6, "the ring goes on");
}
