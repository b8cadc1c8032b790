//! What a server may rely on, and what a disk may do to it.

use std::collections::{BTreeMap, BTreeSet};

use super::*;

const LOG: &str = "version-2/log.100000001";
const EPOCH: &str = "version-2/currentEpoch";
const EPOCH_TMP: &str = "version-2/currentEpoch.tmp";

fn disk(seed: u64) -> Disk {
    Disk::new(Stream::named(seed, "disk s1"), DiskTiming::default())
}

/// A disk with one durable file.
fn disk_with(seed: u64, file: &str, bytes: &[u8]) -> Disk {
    let mut disk = disk(seed);
    disk.install(file.into(), bytes);
    disk
}

impl Disk {
    fn run(&mut self, op: DiskOp) -> Result<DiskReply, DiskError> {
        let (ticket, _) = self.submit(&op);
        self.complete(ticket).expect("nothing crashed")
    }

    fn create(&mut self, file: &str) {
        self.run(DiskOp::Create { file: file.into() }).unwrap();
    }

    fn write_at(&mut self, file: &str, at: WriteAt, bytes: &[u8]) -> Result<DiskReply, DiskError> {
        self.run(DiskOp::Write { file: file.into(), at, bytes: bytes.into(), forced: false })
    }

    fn append(&mut self, file: &str, bytes: &[u8]) {
        self.write_at(file, WriteAt::End, bytes).unwrap();
    }

    fn sync(&mut self, file: &str) -> Result<DiskReply, DiskError> {
        self.run(DiskOp::Sync { file: file.into() })
    }

    fn rename(&mut self, from: &str, to: &str) {
        self.run(DiskOp::Rename { from: from.into(), to: to.into() }).unwrap();
    }

    fn read(&mut self, file: &str) -> Result<Vec<u8>, DiskError> {
        match self.run(DiskOp::Load { file: file.into() })? {
            DiskReply::Loaded(image) => Ok(image.to_vec()),
            other => panic!("load answered {other:?}"),
        }
    }

    fn names(&self) -> Vec<&str> {
        self.files().map(|(name, _)| &**name).collect()
    }

    fn give(&mut self, fault: &str) -> FaultId {
        self.inject(DiskFault::parse(fault).unwrap()).unwrap()
    }

    fn fired(&self, id: FaultId) -> u64 {
        self.fault(id).fired
    }
}

// --- operations ---

#[test]
fn a_process_reads_what_it_wrote() {
    let mut disk = disk(1);
    disk.create(LOG);
    disk.append(LOG, b"ZKLG");
    disk.write_at(LOG, WriteAt::Byte(6), b"ab").unwrap();
    disk.write_at(LOG, WriteAt::Byte(0), b"zk").unwrap();
    assert_eq!(disk.read(LOG).unwrap(), b"zkLG\0\0ab");
    disk.run(DiskOp::Truncate { file: LOG.into(), len: 3 }).unwrap();
    assert_eq!(disk.read(LOG).unwrap(), b"zkL");
    disk.create(EPOCH_TMP);
    disk.append(EPOCH_TMP, b"5");
    disk.rename(EPOCH_TMP, EPOCH);
    assert_eq!(disk.run(DiskOp::List), Ok(DiskReply::Listed(vec![(EPOCH.into(), 1), (LOG.into(), 3)])));
    assert_eq!(disk.total_bytes(), 4);
    disk.run(DiskOp::Delete { file: EPOCH.into() }).unwrap();
    assert_eq!(disk.names(), [LOG]);
    disk.create(LOG);
    assert_eq!(disk.read(LOG).unwrap(), b"", "create empties a file that exists");
}

#[test]
fn a_missing_file_is_an_answer() {
    let mut disk = disk(1);
    let file = || FileName::from("nowhere");
    let fault = disk.give("fail-write for ever");
    for op in [
        DiskOp::Load { file: file() },
        DiskOp::Write { file: file(), at: WriteAt::End, bytes: Arc::from(&b"x"[..]), forced: false },
        DiskOp::Sync { file: file() },
        DiskOp::Rename { from: file(), to: LOG.into() },
        DiskOp::Truncate { file: file(), len: 0 },
        DiskOp::Delete { file: file() },
    ] {
        assert_eq!(disk.run(op), Err(DiskError::NotFound));
    }
    assert_eq!(disk.fired(fault), 0, "no fault is spent on it");
}

#[test]
fn only_a_sync_takes_time() {
    let mut disk = disk_with(1, LOG, b"");
    let (_, read) = disk.submit(&DiskOp::Load { file: LOG.into() });
    assert_eq!(read, Micros::ZERO);
    for _ in 0..100 {
        let (_, sync) = disk.submit(&DiskOp::Sync { file: LOG.into() });
        assert!((1_000..=5_000).contains(&sync.0), "{sync}");
    }
}

// --- crashes ---

#[test]
fn a_process_crash_keeps_the_page_cache() {
    let mut disk = disk_with(1, LOG, b"old ");
    disk.append(LOG, b"new");
    let (ticket, _) = disk.submit(&DiskOp::Sync { file: LOG.into() });
    disk.process_crash();
    assert_eq!(disk.complete(ticket), None, "nobody is left to be told");
    assert_eq!(disk.read(LOG).unwrap(), b"old new");
    let durable: Vec<_> = disk.durable_files().map(|(_, image)| image.to_vec()).collect();
    assert_eq!(durable, [b"old "]);
    disk.sync(LOG).unwrap();
    assert_eq!(disk.power_loss(), PowerLoss::default(), "the successor's sync covers the bytes of the dead process");
    assert_eq!(disk.read(LOG).unwrap(), b"old new");
}

#[test]
fn a_power_loss_keeps_what_was_synced() {
    for seed in 0..50 {
        let mut disk = disk(seed);
        disk.create(LOG);
        disk.append(LOG, &[1; 2000]);
        disk.sync(LOG).unwrap();
        assert_eq!(disk.power_loss(), PowerLoss::default());
        assert_eq!(disk.read(LOG).unwrap(), [1; 2000]);
    }
}

#[test]
fn a_power_loss_before_the_sync_completes_may_lose_its_bytes() {
    let lengths = lengths_after(|disk| {
        disk.append(LOG, &[1; 100]);
        disk.submit(&DiskOp::Sync { file: LOG.into() });
    });
    assert_eq!(lengths, [0, 100].into(), "one sector is never torn");
}

/// How long the log, empty before, can be after `change` and a power loss.
fn lengths_after(change: impl Fn(&mut Disk)) -> BTreeSet<u64> {
    let after = |seed| {
        let mut disk = disk_with(seed, LOG, b"");
        change(&mut disk);
        let dirty = disk.total_bytes();
        let report = disk.power_loss();
        let len = disk.total_bytes();
        assert_eq!((report.bytes_kept, report.bytes_lost), (len, dirty - len));
        assert_eq!(report.torn.is_empty(), len == 0 || len == dirty);
        len
    };
    (0..500).map(after).collect()
}

#[test]
fn unsynced_bytes_are_lost_kept_or_torn_at_a_sector() {
    let lengths = lengths_after(|disk| disk.append(LOG, &[1; 1300]));
    assert_eq!(lengths, [0, 512, 1024, 1300].into());
}

#[test]
fn a_usual_disk_tears_once_a_loose_one_anywhere() {
    // Sectors written in place, as ZooKeeper's are in its preallocated log.
    let patterns = |fault: Option<&str>| {
        let after = |seed| {
            let mut disk = disk_with(seed, LOG, &[0; 2048]);
            fault.map(|fault| disk.give(fault));
            disk.write_at(LOG, WriteAt::Byte(0), &[1; 2048]).unwrap();
            disk.power_loss();
            let bytes = disk.read(LOG).unwrap();
            assert!(bytes.chunks(512).all(|sector| sector.iter().all(|byte| *byte == sector[0])), "a sector is whole");
            bytes.iter().step_by(512).map(u8::to_string).collect::<String>()
        };
        (0..500).map(after).collect::<BTreeSet<String>>()
    };
    let usual = patterns(None);
    assert_eq!(Vec::from_iter(&usual), ["0000", "1000", "1100", "1110", "1111"]);
    assert_eq!(patterns(Some("loose")).len(), 16);
}

#[test]
fn a_power_loss_forgets_bytes_of_a_file_that_is_gone() {
    let mut lost = false;
    for seed in 0..50 {
        let mut disk = disk(seed);
        disk.create(LOG);
        disk.append(LOG, &[1; 100]);
        let report = disk.power_loss();
        if disk.names().is_empty() {
            assert_eq!((report.metadata_lost, report.bytes_lost, report.bytes_kept), (1, 100, 0));
            lost = true;
        }
    }
    assert!(lost);
}

// --- metadata ---

/// Which of three files exist after creating them in order and losing power.
fn survivors_of_three_creates(seed: u64, prepare: impl Fn(&mut Disk)) -> String {
    let mut disk = disk(seed);
    prepare(&mut disk);
    ["a", "b", "c"].into_iter().for_each(|name| disk.create(name));
    let report = disk.power_loss();
    let survivors: String = disk.names().into_iter().filter(|name| name.len() == 1).collect();
    assert_eq!(report.metadata_kept, survivors.len() as u64);
    assert_eq!(report.metadata_lost, 3 - survivors.len() as u64);
    survivors
}

#[test]
fn metadata_survives_in_its_order() {
    let outcomes: BTreeSet<String> = (0..200).map(|seed| survivors_of_three_creates(seed, |_| {})).collect();
    assert_eq!(Vec::from_iter(&outcomes), ["", "a", "ab", "abc"]);
}

#[test]
fn a_loose_disk_keeps_any_metadata() {
    let loose = |disk: &mut Disk| {
        disk.give("loose");
    };
    let outcomes: BTreeSet<String> = (0..200).map(|seed| survivors_of_three_creates(seed, loose)).collect();
    assert_eq!(Vec::from_iter(&outcomes), ["", "a", "ab", "abc", "ac", "b", "bc", "c"]);
}

#[test]
fn a_sync_of_anything_makes_earlier_metadata_durable() {
    for seed in 0..100 {
        let mut disk = disk_with(seed, "other", b"");
        disk.install("gone".into(), b"");
        disk.install("long".into(), &[1; 100]);
        disk.create(EPOCH_TMP);
        disk.rename(EPOCH_TMP, EPOCH);
        disk.run(DiskOp::Delete { file: "gone".into() }).unwrap();
        disk.run(DiskOp::Truncate { file: "long".into(), len: 10 }).unwrap();
        let (sync, _) = disk.submit(&DiskOp::Sync { file: "other".into() });
        disk.create("too late");
        disk.complete(sync).unwrap().unwrap();
        let report = disk.power_loss();
        assert_eq!(report.metadata_lost + report.metadata_kept, 1, "only what came after the sync was submitted is in doubt");
        assert_eq!(disk.names().into_iter().filter(|name| *name != "too late").collect::<Vec<_>>(), ["long", "other", EPOCH]);
        assert_eq!(disk.read("long").unwrap().len(), 10);
    }
}

#[test]
fn a_truncation_may_be_undone() {
    let lengths: BTreeSet<u64> = (0..50)
        .map(|seed| {
            let mut disk = disk_with(seed, LOG, &[1; 1000]);
            disk.run(DiskOp::Truncate { file: LOG.into(), len: 300 }).unwrap();
            disk.power_loss();
            disk.total_bytes()
        })
        .collect();
    assert_eq!(lengths, [300, 1000].into());
}

#[test]
fn on_a_loose_disk_a_change_takes_a_name_only_from_its_own_file() {
    let outcomes: BTreeSet<String> = (0..200)
        .map(|seed| {
            let mut disk = disk_with(seed, "a", b"old");
            disk.give("loose");
            disk.run(DiskOp::Delete { file: "a".into() }).unwrap();
            disk.create("a");
            disk.rename("a", "b");
            disk.power_loss();
            disk.files().map(|(name, image)| format!("{name}={} ", image.len())).collect()
        })
        .collect();
    assert!(outcomes.contains("a=3 b=0 "), "the deletion was lost, the rename of another file was not: {outcomes:?}");
}

/// ZooKeeper's way to change an epoch file: temporary file, fsync, rename; never a sync of the folder.
fn write_epoch(disk: &mut Disk, epoch: &str, steps: usize) {
    let tmp = || FileName::from(EPOCH_TMP);
    let ops = [
        DiskOp::Create { file: tmp() },
        DiskOp::Write { file: tmp(), at: WriteAt::End, bytes: epoch.as_bytes().into(), forced: false },
        DiskOp::Sync { file: tmp() },
        DiskOp::Rename { from: tmp(), to: EPOCH.into() },
    ];
    for op in ops.into_iter().take(steps) {
        disk.run(op).unwrap();
    }
}

#[test]
fn the_atomic_idiom_survives_a_power_loss_at_any_point() {
    for seed in 0..500 {
        for steps in 0..=4 {
            let mut disk = disk_with(seed, EPOCH, b"4");
            write_epoch(&mut disk, "5", 4);
            write_epoch(&mut disk, "6", steps);
            disk.power_loss();
            let epoch = disk.read(EPOCH).unwrap();
            let allowed: &[&[u8]] = match steps {
                // Before the second sync the first rename itself may be lost.
                0..=2 => &[b"4", b"5"],
                3 => &[b"5"],
                _ => &[b"5", b"6"],
            };
            assert!(allowed.contains(&&*epoch), "seed {seed}, {steps} steps: {epoch:?}");
        }
    }
}

#[test]
fn a_rename_without_a_sync_of_the_bytes_may_leave_an_empty_file() {
    let outcomes: BTreeSet<Vec<u8>> = (0..200)
        .map(|seed| {
            let mut disk = disk_with(seed, EPOCH, b"4");
            disk.create(EPOCH_TMP);
            disk.append(EPOCH_TMP, b"5");
            disk.rename(EPOCH_TMP, EPOCH);
            disk.power_loss();
            disk.read(EPOCH).unwrap()
        })
        .collect();
    assert_eq!(Vec::from_iter(outcomes), [b"".to_vec(), b"4".to_vec(), b"5".to_vec()]);
}

#[test]
fn a_loose_disk_may_lose_a_rename_that_an_ordered_one_keeps() {
    let epochs_after_log_sync = |fault: Option<&str>| {
        let after = |seed| {
            let mut disk = disk_with(seed, EPOCH, b"4");
            disk.install(LOG.into(), b"");
            fault.map(|fault| disk.give(fault));
            write_epoch(&mut disk, "5", 4);
            disk.append(LOG, b"txn");
            disk.sync(LOG).unwrap();
            disk.power_loss();
            assert_eq!(disk.read(LOG).unwrap(), b"txn");
            disk.read(EPOCH).unwrap()
        };
        Vec::from_iter((0..200).map(after).collect::<BTreeSet<_>>())
    };
    assert_eq!(epochs_after_log_sync(None), [b"5"]);
    assert_eq!(epochs_after_log_sync(Some("loose")), [b"4", b"5"]);
}

#[test]
fn a_loose_disk_still_keeps_a_new_file_that_was_synced() {
    for seed in 0..200 {
        let mut disk = disk(seed);
        disk.give("loose");
        disk.create(LOG);
        disk.append(LOG, b"txn");
        disk.sync(LOG).unwrap();
        disk.power_loss();
        assert_eq!(disk.read(LOG).unwrap(), b"txn");
    }
}

/// What a sync promises: a file nobody has touched since its last sync outlives everything.
#[test]
fn synced_files_outlive_any_history() {
    const NAMES: [&str; 3] = ["a", "b", "c"];
    for seed in 0..3_000 {
        let mut disk = disk(seed);
        if seed % 2 == 1 {
            disk.give("loose");
        }
        let mut script = Stream::named(seed, "script");
        let mut promised: BTreeMap<&str, Vec<u8>> = BTreeMap::new();
        for step in 0..30 {
            let [name, other] = [0, 1].map(|_| NAMES[script.below(3) as usize]);
            let file = FileName::from(name);
            let op = match script.below(9) {
                0 | 1 => DiskOp::Create { file },
                2 | 3 => DiskOp::Write { file, at: WriteAt::Byte(script.below(1_500)), bytes: vec![step; 700].into(), forced: false },
                4 => DiskOp::Truncate { file, len: script.below(1_500) },
                5 => DiskOp::Rename { from: file, to: other.into() },
                6 => DiskOp::Delete { file },
                7 => {
                    if disk.sync(name).is_ok() {
                        promised.insert(name, disk.read(name).unwrap());
                    }
                    continue;
                }
                _ => {
                    if script.below(2) == 0 {
                        disk.process_crash();
                    } else {
                        disk.power_loss();
                    }
                    promised.iter().for_each(|(name, bytes)| assert_eq!(disk.read(name).as_ref(), Ok(bytes), "seed {seed} step {step}: {name}"));
                    continue;
                }
            };
            op.files().for_each(|file| drop(promised.remove(&**file)));
            let _ = disk.run(op);
        }
    }
}

/// Cells of a file, smaller than a sector.
const CELL: u64 = 128;
const CELLS: usize = 16;

/// Values that the cells of a file, and its length in cells, have had since some moment.
#[derive(Clone, Debug, Default)]
struct Since {
    values: [BTreeSet<u8>; CELLS],
    lengths: BTreeSet<usize>,
}

impl Since {
    /// Nothing but this.
    fn now(cells: &[u8]) -> Since {
        let mut since = Since::default();
        since.and_then(cells);
        since
    }

    fn and_then(&mut self, cells: &[u8]) {
        // What lies beyond the end reads as zeros, should the file turn out longer.
        for (at, values) in self.values.iter_mut().enumerate() {
            values.insert(cells.get(at).copied().unwrap_or(0));
        }
        self.lengths.insert(cells.len());
    }

    fn allows(&self, cells: &[u8]) -> bool {
        // It grows sector by sector.
        let longest = self.lengths.last().is_some_and(|longest| cells.len() <= *longest);
        let shortest = self.lengths.first().is_some_and(|shortest| cells.len() >= *shortest);
        longest && shortest && cells.iter().zip(&self.values).all(|(cell, values)| values.contains(cell))
    }
}

/// A power loss leaves of each byte a value that it has had since the last sync that ended was begun, however syncs overlap with each other
/// and with writes.
#[test]
fn a_power_loss_never_brings_back_what_a_sync_has_overtaken() {
    for seed in 0..2_500 {
        let mut disk = disk_with(seed, LOG, &[]);
        if seed % 4 == 0 {
            disk.give("loose");
        }
        let mut script = Stream::named(seed, "script");
        let mut cells: Vec<u8> = Vec::new();
        // What may be left, and what may be once a sync ends that is under way.
        let mut legal = Since::now(&cells);
        let mut syncs: Vec<(Ticket, Since)> = Vec::new();
        let mut youngest = None;
        for step in 1..=40_u8 {
            match script.below(10) {
                0..=3 => {
                    let (at, count) = (script.below(CELLS as u64 - 5) as usize, 1 + script.below(5) as usize);
                    cells.resize(cells.len().max(at + count), 0);
                    cells[at..at + count].fill(step);
                    disk.write_at(LOG, WriteAt::Byte(at as u64 * CELL), &vec![step; count * CELL as usize]).unwrap();
                }
                4 => {
                    cells.resize(script.below(CELLS as u64) as usize, 0);
                    disk.run(DiskOp::Truncate { file: LOG.into(), len: cells.len() as u64 * CELL }).unwrap();
                }
                5 | 6 => syncs.push((disk.submit(&DiskOp::Sync { file: LOG.into() }).0, Since::now(&cells))),
                7 | 8 if !syncs.is_empty() => {
                    let (ticket, since) = syncs.remove(script.below(syncs.len() as u64) as usize);
                    assert_eq!(disk.complete(ticket), Some(Ok(DiskReply::Done)));
                    if youngest.is_none_or(|youngest| ticket > youngest) {
                        (youngest, legal) = (Some(ticket), since);
                    }
                }
                9 => {
                    if script.below(3) == 0 {
                        disk.process_crash();
                        syncs.clear();
                        continue;
                    }
                    disk.power_loss();
                    syncs.clear();
                    let left = disk.read(LOG).unwrap();
                    assert_eq!(left.len() as u64 % CELL, 0, "seed {seed}, step {step}");
                    let left: Vec<u8> =
                        left.chunks(CELL as usize).map(|cell| if cell.iter().all(|byte| *byte == cell[0]) { cell[0] } else { 255 }).collect();
                    assert!(legal.allows(&left), "seed {seed}, step {step}: {left:?} of {legal:?}");
                    cells = left;
                    legal = Since::now(&cells);
                }
                _ => {}
            }
            legal.and_then(&cells);
            syncs.iter_mut().for_each(|(_, since)| since.and_then(&cells));
        }
    }
}

// --- faults ---

#[test]
fn a_failed_fsync_loses_what_it_was_to_write() {
    let mut disk = disk_with(1, LOG, &[1; 512]);
    let fault = disk.give("fail-fsync");
    disk.append(LOG, &[2; 512]);
    assert_eq!(disk.sync(LOG), Err(DiskError::Io));
    assert_eq!(disk.fired(fault), 1);
    assert_eq!(disk.sync(LOG), Ok(DiskReply::Done), "the next one succeeds and has nothing to write");
    assert_eq!(disk.read(LOG).unwrap(), [[1; 512], [2; 512]].concat(), "the page cache hides the loss");
    disk.append(LOG, &[3; 512]);
    disk.sync(LOG).unwrap();
    disk.power_loss();
    assert_eq!(disk.read(LOG).unwrap(), [[1; 512], [0; 512], [3; 512]].concat());
}

#[test]
fn operations_fail_as_often_as_told_and_on_the_file_told() {
    let mut disk = disk_with(1, LOG, b"log");
    disk.install(EPOCH.into(), b"4");
    let twice = disk.give("fail-write currentEpoch 2");
    let always = disk.give("fail-read log.newest for ever");
    assert_eq!(disk.run(DiskOp::Truncate { file: EPOCH.into(), len: 0 }), Err(DiskError::Io));
    assert_eq!(disk.write_at(LOG, WriteAt::End, b"x"), Ok(DiskReply::Done));
    disk.create(EPOCH_TMP);
    assert_eq!(disk.run(DiskOp::Rename { from: EPOCH_TMP.into(), to: EPOCH.into() }), Err(DiskError::Io), "a rename is about both names");
    assert_eq!(disk.read(EPOCH).unwrap(), b"4", "nothing was changed");
    disk.rename(EPOCH_TMP, EPOCH);
    assert_eq!((disk.read(LOG), disk.read(LOG)), (Err(DiskError::Io), Err(DiskError::Io)));
    assert_eq!((disk.fired(twice), disk.fault(twice).active), (2, false));
    assert_eq!((disk.fired(always), disk.fault(always).active), (2, true));

    let new_log = disk.give("fail-write log.newest");
    assert_eq!(disk.run(DiskOp::Create { file: "version-2/log.200000001".into() }), Err(DiskError::Io), "the newest log is the one to be made");
    assert_eq!(disk.fired(new_log), 1);
}

#[test]
fn a_full_disk_takes_what_fits() {
    let mut disk = disk_with(1, LOG, &[1; 4000]);
    disk.install("old".into(), &[1; 8192]);
    let fault = disk.give("full 4096");
    assert_eq!(disk.write_at(LOG, WriteAt::End, &[2; 5000]), Err(DiskError::NoSpace));
    assert_eq!(disk.total_bytes(), 8192 + 8192, "the page begun and one more");
    assert_eq!(disk.write_at(LOG, WriteAt::Byte(0), &[3; 4096]), Ok(DiskReply::Done), "overwriting takes no space");
    assert_eq!(disk.write_at(LOG, WriteAt::End, &[4]), Err(DiskError::NoSpace));
    disk.run(DiskOp::Delete { file: "old".into() }).unwrap();
    assert_eq!(disk.write_at(LOG, WriteAt::End, &[4]), Ok(DiskReply::Done));
    assert_eq!(disk.fired(fault), 2);
}

#[test]
fn preallocation_does_not_reserve_space() {
    let mut disk = disk_with(1, LOG, b"ZKLG");
    disk.run(DiskOp::Truncate { file: LOG.into(), len: 64 << 20 }).unwrap();
    disk.give("full");
    assert_eq!(disk.write_at(LOG, WriteAt::Byte(4096), b"txn"), Err(DiskError::NoSpace));
}

#[test]
fn rot_flips_bits_in_memory_and_on_the_medium() {
    let mut disk = disk_with(1, LOG, &[0; 1000]);
    let fault = disk.give("rot log.newest @byte:123 3");
    assert_eq!(disk.fired(fault), 1);
    for _ in 0..2 {
        let bytes = disk.read(LOG).unwrap();
        assert_eq!((bytes[123], bytes.iter().filter(|byte| **byte != 0).count()), (0b111, 1));
        disk.power_loss();
    }
}

#[test]
fn rot_strikes_anywhere_when_no_place_is_given() {
    let place = |seed| {
        let mut disk = disk_with(seed, LOG, &[0; 1000]);
        disk.give("rot log.newest");
        let bytes = disk.read(LOG).unwrap();
        assert_eq!(bytes.iter().map(|byte| byte.count_ones()).sum::<u32>(), 1);
        bytes.iter().position(|byte| *byte != 0).unwrap() / 250
    };
    assert_eq!((0..100).map(place).collect::<BTreeSet<_>>().len(), 4, "every quarter of the file");
}

#[test]
fn rot_that_cannot_apply_says_why() {
    let mut disk = disk_with(1, EPOCH, b"4");
    let inject = |disk: &mut Disk, fault: &str| disk.inject(DiskFault::parse(fault).unwrap()).map(drop);
    assert_eq!(inject(&mut disk, "rot log.newest"), Err("there is no file log.newest".into()));
    assert_eq!(inject(&mut disk, "rot currentEpoch @byte:1"), Err("byte 1 of currentEpoch is beyond its end, at 1".into()));
    disk.create("empty");
    assert_eq!(inject(&mut disk, "rot empty"), Err("byte 0 of empty is beyond its end, at 0".into()));
    assert_eq!(disk.faults().count(), 0);
}

#[test]
fn a_misdirected_write_leaves_a_hole_and_hits_a_bystander() {
    let mut disk = disk_with(1, LOG, &[1; 1024]);
    let fault = disk.give("misdirect log.newest @byte:512");
    disk.append(LOG, &[2; 600]);
    disk.append(LOG, &[3; 10]);
    let expected = [&[1; 512][..], &[2; 512], &[0; 600], &[3; 10]].concat();
    assert_eq!(disk.read(LOG).unwrap(), expected, "only bytes that exist are overwritten, and the hole counts as written");
    assert_eq!(disk.fired(fault), 1);
    disk.sync(LOG).unwrap();
    disk.power_loss();
    assert_eq!(disk.read(LOG).unwrap(), expected, "and so it is on the medium");
}

#[test]
fn a_misdirected_write_may_land_in_another_file_or_anywhere() {
    let mut disk = disk_with(1, LOG, b"abcdef");
    disk.install(EPOCH.into(), b"12345");
    disk.give("misdirect log.newest to currentEpoch");
    disk.write_at(LOG, WriteAt::Byte(3), b"XYZ").unwrap();
    assert_eq!((disk.read(LOG).unwrap(), disk.read(EPOCH).unwrap()), (b"abcdef".to_vec(), b"123XY".to_vec()));

    let hit: BTreeSet<usize> = (0..100)
        .map(|seed| {
            let mut disk = disk_with(seed, LOG, &[0; 2048]);
            disk.give("misdirect log.newest");
            disk.write_at(LOG, WriteAt::Byte(600), &[1; 10]).unwrap();
            disk.read(LOG).unwrap().iter().position(|byte| *byte == 1).unwrap()
        })
        .collect();
    assert_eq!(hit, [0, 1024, 1536].into(), "every sector but its own");
}

#[test]
fn a_write_with_nowhere_else_to_go_is_not_misdirected() {
    let mut disk = disk_with(1, EPOCH, b"4");
    let fault = disk.give("misdirect currentEpoch");
    disk.write_at(EPOCH, WriteAt::Byte(0), b"5").unwrap();
    assert_eq!((disk.fired(fault), disk.fault(fault).active), (0, true));
    assert_eq!(disk.read(EPOCH).unwrap(), b"5");
}

#[test]
fn a_slow_disk_adds_to_the_latency_and_shifts_no_draw() {
    let latencies = |faults: &[&str]| {
        let mut disk = disk_with(3, LOG, b"");
        let ids: Vec<FaultId> = faults.iter().map(|fault| disk.give(fault)).collect();
        let (_, read) = disk.submit(&DiskOp::Load { file: LOG.into() });
        let (_, sync) = disk.submit(&DiskOp::Sync { file: LOG.into() });
        (read.0, sync.0, ids.iter().map(|id| disk.fired(*id)).collect::<Vec<_>>())
    };
    let (_, usual, _) = latencies(&[]);
    assert_eq!(latencies(&["slow 1s"]), (1_000_000, 1_000_000 + usual, vec![2]));
    assert_eq!(latencies(&["slow fsync 1s"]), (0, 1_000_000 + usual, vec![1]));
    assert_eq!(latencies(&["slow 1s", "slow fsync 1s"]), (1_000_000, 2_000_000 + usual, vec![2, 1]));
}

#[test]
fn tear_makes_the_next_power_loss_tear() {
    for (seed, loose) in (0..100).zip([false, true].into_iter().cycle()) {
        let mut disk = disk_with(seed, LOG, b"");
        if loose {
            disk.give("loose");
        }
        let fault = disk.give("tear log.newest");
        disk.append(LOG, &[1; 1500]);
        let report = disk.power_loss();
        assert_eq!(report.torn, [FileName::from(LOG)]);
        assert_eq!((disk.fired(fault), disk.fault(fault).active), (1, false));
    }
    let mut disk = disk_with(1, LOG, b"");
    let fault = disk.give("tear");
    disk.append(LOG, &[1; 500]);
    disk.power_loss();
    assert_eq!((disk.fired(fault), disk.fault(fault).active), (0, false), "a single sector cannot be torn");
}

#[test]
fn faults_outlive_crashes_and_end_together() {
    let mut disk = disk_with(1, LOG, b"");
    let faults = ["fail-read for ever", "full", "slow 1s", "loose", "misdirect log.newest", "tear"].map(|fault| disk.give(fault));
    disk.process_crash();
    disk.wipe();
    assert!(faults.iter().all(|id| disk.fault(*id).active));
    disk.give("behave");
    assert!(faults.iter().all(|id| !disk.fault(*id).active));
    disk.install(LOG.into(), b"");
    disk.append(LOG, b"txn");
    assert_eq!(disk.read(LOG).unwrap(), b"txn");
}

#[test]
fn a_fault_leaves_operations_under_way_alone() {
    let mut disk = disk_with(1, LOG, b"");
    let (sync, _) = disk.submit(&DiskOp::Sync { file: LOG.into() });
    let fault = disk.give("fail-fsync for ever");
    assert_eq!(disk.complete(sync), Some(Ok(DiskReply::Done)));
    assert_eq!(disk.fired(fault), 0);
}

// --- the whole ---

#[test]
fn wiping_leaves_nothing() {
    let mut disk = disk_with(1, LOG, b"txn");
    let (ticket, _) = disk.submit(&DiskOp::Load { file: LOG.into() });
    disk.wipe();
    assert_eq!((disk.complete(ticket), disk.total_bytes()), (None, 0));
    assert_eq!(disk.durable_files().count(), 0);
}

#[test]
fn clones_share_files_until_one_changes_and_then_go_their_own_ways() {
    let mut disk = disk_with(1, LOG, &[1; 100_000]);
    disk.install("other".into(), &[2; 100_000]);
    let clone = disk.clone();
    assert!(Arc::ptr_eq(&disk.files, &clone.files));
    disk.read(LOG).unwrap();
    assert!(Arc::ptr_eq(&disk.files, &clone.files), "reading is no change");
    disk.append(LOG, b"more");
    assert!(!disk.content_eq(&clone));
    let image = |disk: &Disk, name: &str| disk.files().find(|(file, _)| ***file == *name).map(|(_, image)| image.clone()).unwrap();
    assert_eq!(image(&disk, "other").pages_shared_with(&image(&clone, "other")), 25, "a file not changed stays shared");
    assert_eq!((image(&disk, LOG).len(), image(&clone, LOG).len()), (100_004, 100_000));
}

#[test]
fn equal_streams_make_equal_disks() {
    let play = |seed| {
        let mut disk = disk(seed);
        disk.give("loose");
        for round in 0..20 {
            let log = format!("version-2/log.{round}");
            disk.create(&log);
            disk.append(&log, &[round; 3000]);
            if round % 3 == 0 {
                disk.sync(&log).unwrap();
            }
            if round % 7 == 6 {
                disk.power_loss();
            }
        }
        disk
    };
    assert!(play(7).content_eq(&play(7)));
    assert!(!play(7).content_eq(&play(8)));
}

/// A forced write is a write and a sync behind it: what is drawn, what fails, what a power loss leaves.
#[test]
fn a_forced_write_is_a_write_and_a_sync() {
    let write = |forced| DiskOp::Write { file: LOG.into(), at: WriteAt::End, bytes: b"txn"[..].into(), forced };
    let durable = |disk: &Disk| disk.durable_files().map(|(_, image)| image.to_vec()).collect::<Vec<_>>();
    let (mut one, mut two) = (disk_with(1, LOG, b""), disk_with(1, LOG, b""));
    let (ticket, latency) = one.submit(&write(true));
    let (first, of_write) = two.submit(&write(false));
    two.complete(first).unwrap().unwrap();
    let (second, of_sync) = two.submit(&DiskOp::Sync { file: LOG.into() });
    assert_eq!(latency, of_write + of_sync);
    assert!(one.content_eq(&two), "in the page cache at once, on the medium not yet");
    assert_eq!(one.complete(ticket), two.complete(second));
    assert!(one.content_eq(&two));
    assert_eq!(durable(&one), [b"txn"]);

    for (fault, error, kept) in
        [("fail-write", DiskError::Io, &b"txn"[..]), ("fail-fsync", DiskError::Io, b"txntxn"), ("full", DiskError::NoSpace, b"txn")]
    {
        let mut disk = one.clone();
        // A page is taken already, so the disk is full only for what goes beyond it.
        let bytes = if fault == "full" { vec![1; 5000].into() } else { b"txn"[..].into() };
        disk.give(fault);
        let (ticket, latency) = disk.submit(&DiskOp::Write { file: LOG.into(), at: WriteAt::End, bytes, forced: true });
        assert_eq!(disk.complete(ticket), Some(Err(error)), "{fault}");
        assert_eq!(latency == Micros::ZERO, fault != "fail-fsync", "what was not written is not forced");
        assert!(disk.files().next().unwrap().1.to_vec().starts_with(kept), "{fault}");
        assert_eq!(durable(&disk), [b"txn"], "{fault}");
    }
}
