//! `zoolab disk` and `zoolab run --export-disks`.

use std::fs;
use std::path::Path;

use serde_json::Value;
use zoolab::proto::Zxid;
use zoolab::store::history;

use super::{Folder, GOOD, Said};
use crate::datadir;
use crate::shared::shared;

/// A folder with the snapshot and the log of a history that ends at 2:30, and what their files are called.
fn with_history(name: &str) -> Folder {
    let folder = Folder::new(name);
    for (file, bytes) in history::files(Zxid::new(2, 30)) {
        write(&folder, &file, &bytes);
    }
    folder
}

const LOG: &str = "version-2/log.20000000b";
const SNAPSHOT: &str = "version-2/snapshot.20000000a";

fn write(folder: &Folder, name: &str, bytes: &[u8]) {
    fs::create_dir_all(folder.path().join(name).parent().unwrap()).unwrap();
    fs::write(folder.path().join(name), bytes).unwrap();
}

fn bytes(folder: &Folder, name: &str) -> Vec<u8> {
    fs::read(folder.path().join(name)).unwrap()
}

/// A copy of a file with some bytes changed.
fn damaged(folder: &Folder, name: &str, as_name: &str, damage: impl FnOnce(&mut Vec<u8>)) {
    let mut bytes = bytes(folder, name);
    damage(&mut bytes);
    write(folder, as_name, &bytes);
}

fn objects(said: &Said) -> Vec<Value> {
    said.out.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

#[test]
fn a_log_is_shown_as_txn_log_toolkit_shows_it() {
    let folder = with_history("disk_log");
    let said = folder.zoolab(&format!("disk {LOG}"));
    assert_eq!((said.code, said.err.as_str()), (0, ""));
    let lines: Vec<&str> = said.out.lines().collect();
    assert_eq!(lines.len(), 22, "{}", said.out);
    assert_eq!(lines[0], "ZooKeeper Transactional Log File with dbid 0 txnlog format version 2");
    assert_eq!(lines[1], "1970-01-01T00:00:00.011Z session 0x0 cxid 0x0 zxid 0x20000000b setData /history,2:11,11");
    assert_eq!(lines[21], "EOF reached after 20 txns.");

    let objects = objects(&folder.zoolab(&format!("disk --json {LOG}")));
    assert_eq!(objects.len(), 20);
    let expected = r#"{"kind":"txn","at":16,"zxid":"0x20000000b","session":"0x0","cxid":0,"time":11,"type":"setData","path":"/history","data":"2:11","version":11}"#;
    assert_eq!(objects[0].to_string(), expected);
}

#[test]
fn a_snapshot_is_shown_as_snapshot_formatter_shows_it() {
    let folder = with_history("disk_snapshot");
    let said = folder.zoolab(&format!("disk {SNAPSHOT}"));
    assert_eq!((said.code, said.err.as_str()), (0, ""));
    let node = "----\n/history\n  cZxid = 0x00000000000000\n  ctime = 1970-01-01T00:00:00.000Z\n  mZxid = 0x0000020000000a\n";
    assert!(said.out.contains(node), "{}", said.out);
    assert!(said.out.starts_with("ZNode Details (count=5):\n----\n/\n") && said.out.ends_with("----\nLast zxid: 0x20000000a\n"), "{}", said.out);
    let objects = objects(&folder.zoolab(&format!("disk --json {SNAPSHOT}")));
    assert_eq!((&objects[0]["kind"], &objects[0]["zxid"], &objects[0]["nodes"]), (&"snapshot".into(), &"0x20000000a".into(), &5.into()));
    assert_eq!((&objects[2]["path"], &objects[2]["data"], &objects[2]["acl"][0][0]), (&"/history".into(), &"2:10".into(), &31.into()));
}

#[test]
fn a_directory_is_shown_with_what_a_server_would_make_of_it() {
    let folder = with_history("disk_directory");
    damaged(&folder, LOG, "version-2/log.20000001f", |bytes| bytes.truncate(40));
    write(&folder, "version-2/currentEpoch", b"1");
    write(&folder, "version-2/acceptedEpoch", b"2");
    write(&folder, "myid", b"3\n");
    write(&folder, "zoo.cfg", b"tickTime=2000\n");
    let said = folder.zoolab("disk .");
    assert_eq!((said.code, said.err.as_str()), (0, ""));
    let expected = "\
myid                   2 bytes  3
acceptedEpoch          1 bytes  2
currentEpoch           1 bytes  1
log.20000000b       1396 bytes  20 txns, 0x20000000b to 0x20000001e
log.20000001f         40 bytes  0 txns; byte 16: the file ends within a record
snapshot.20000000a   566 bytes  5 nodes, 0 sessions

loads     snapshot.20000000a
ignores   log.20000001f from byte 16 on: the file ends within a record
writes    currentEpoch 2
replays   20 txns
holds     5 nodes, 0 sessions, digest DIGEST
last zxid 0x20000001e
epochs    current 2, accepted 2
but       currentEpoch is older than the last zxid: ZooKeeper 3.9.5 starts here only if there is a currentEpoch.tmp
";
    let digest = said.out.split("digest ").nth(1).and_then(|rest| rest.get(..16)).expect("a digest");
    assert_eq!(said.out, expected.replace("DIGEST", digest));
    assert_eq!(folder.zoolab("disk version-2").out.lines().count(), said.out.lines().count() - 1, "without myid");
    assert_eq!(bytes(&folder, "version-2/currentEpoch"), b"1", "nothing is written");
}

#[test]
fn damage_is_told_with_its_place() {
    let folder = with_history("disk_damage");
    type Row = (&'static str, &'static str, fn(&mut Vec<u8>), &'static str);
    let table: [Row; 9] = [
        ("log.flipped", LOG, |bytes| bytes[16 + 69 + 40] ^= 1, "log.flipped, byte 85, after 1 txn: the record does not match its checksum"),
        ("log.length", LOG, |bytes| bytes[16 + 8] = 0x80, "byte 16, after 0 txns: the record has the length -2147483592"),
        ("log.header", LOG, |bytes| bytes.truncate(9), "log.header: the file ends within its header"),
        ("snapshot.cut", SNAPSHOT, |bytes| bytes.truncate(100), "snapshot.cut: byte 99: the bytes end within a value"),
        ("snapshot.flipped", SNAPSHOT, |bytes| bytes[200] ^= 1, "do not match their checksum"),
        ("notes.txt", LOG, |bytes| bytes[..4].copy_from_slice(b"Dear"), "is neither a log nor a snapshot: it begins with \"Dear\""),
        ("short", LOG, |bytes| bytes.truncate(2), "is neither a log nor a snapshot: it begins with \"ZK\""),
        ("empty", LOG, Vec::clear, "empty is empty"),
        ("snapshot.1.gz", LOG, |bytes| bytes[..2].copy_from_slice(&[0x1f, 0x8b]), "is compressed"),
    ];
    for (name, source, damage, message) in table {
        damaged(&folder, source, name, damage);
        for form in ["", "--json"] {
            let said = folder.zoolab(&format!("disk {form} {name}"));
            assert!(said.code == 2 && said.err.contains(message), "{name}: {}", said.err);
        }
    }
    let said = folder.zoolab("disk log.flipped");
    assert_eq!(said.out.lines().count(), 2, "what could be read is shown: {}", said.out);
}

/// A tail that a crash left is no damage.
#[test]
fn a_torn_tail_is_told_and_fine() {
    let folder = with_history("disk_torn");
    damaged(&folder, LOG, "log.torn", |bytes| {
        let end = bytes.len();
        bytes[end - 30..].fill(0);
    });
    let said = folder.zoolab("disk log.torn");
    assert_eq!((said.code, said.err.as_str()), (0, ""));
    let end = "\nbyte 1327: a record lacks its end byte, as a crash leaves it; servers ignore the rest of the file\nEOF reached after 19 txns.\n";
    assert!(said.out.ends_with(end), "{}", said.out);
    let last = objects(&folder.zoolab("disk --json log.torn")).pop().expect("objects");
    assert_eq!(last.to_string(), r#"{"kind":"tail","at":1327,"why":"a record lacks its end byte"}"#);
}

#[test]
fn a_directory_that_no_server_starts_from_says_why() {
    let folder = with_history("disk_refused");
    fs::remove_file(folder.path().join(SNAPSHOT)).unwrap();
    let said = folder.zoolab("disk .");
    assert!(said.code == 2 && said.err.contains("a server refuses to start here: there is a log but no valid snapshot"), "{}", said.err);
    assert!(said.out.contains("20 txns"), "the files are shown all the same: {}", said.out);
    let last = objects(&folder.zoolab("disk . --json")).pop().expect("objects");
    assert_eq!(last["kind"], "refused");

    fs::create_dir(folder.path().join("else")).unwrap();
    for (path, message) in [("else", "is no data directory"), ("gone", "No such file"), ("version-3", "did you mean version-2?")] {
        let said = folder.zoolab(&format!("disk {path}"));
        assert!(said.code == 2 && said.out.is_empty() && said.err.contains(message), "{path}: {}", said.err);
    }
}

/// The same as with the readers alone, and the same on all servers.
#[test]
fn real_directories_are_recovered() {
    let Some(data) = shared("datadir/data") else { return };
    let folder = Folder::new("disk_shared");
    for name in ["s1", "s2", "s3", "s1-torn-tail", "s1-bad-newest-snapshot"] {
        let home = data.join(name);
        let recovered = objects(&folder.zoolab(&format!("disk --json {}", home.display()))).pop().expect("objects");
        let loaded = datadir::load(&home.join("version-2"));
        assert_eq!(recovered["kind"], "recovered", "{name}: {recovered}");
        assert_eq!(recovered["digest"], format!("{:016x}", loaded.database.digest()), "{name}");
        assert_eq!(recovered["last_zxid"], format!("{:#x}", loaded.database.last_processed.0), "{name}");
        assert_eq!((&recovered["sessions"], &recovered["nodes"]), (&4.into(), &68.into()), "{name}");
    }
}

#[test]
fn disks_are_exported_and_nothing_is_written_over() {
    let folder = Folder::new("export");
    folder.write("good.json", GOOD);
    let said = folder.zoolab("run good.json --export-disks out");
    assert_eq!((said.code, said.err.as_str()), (0, ""));
    for server in ["s1", "s2", "s3"] {
        assert_eq!(folder.read(&format!("out/{server}/myid")), format!("{}\n", &server[1..]));
        assert_eq!(folder.zoolab(&format!("disk out/{server}")).code, 0);
        assert_eq!(folder.read(&format!("out/{server}/version-2/currentEpoch")), folder.read("out/s1/version-2/currentEpoch"));
    }
    assert_eq!(folder.zoolab("run good.json").out, said.out, "the run is the same");

    let again = folder.zoolab("run good.json --export-disks out");
    assert!(again.code == 2 && again.out.is_empty() && again.err.contains("out is not empty"), "{}", again.err);
    folder.write("other.json", GOOD);
    let two = folder.zoolab("run good.json other.json --export-disks out2");
    assert!(two.code == 2 && two.err.contains("takes the disks of one scenario, and 2 are given"), "{}", two.err);
    assert!(!folder.path().join("out2").exists());
    fs::create_dir(folder.path().join("out2")).unwrap();
    assert_eq!(folder.zoolab("run good.json --export-disks out2").code, 0, "an empty folder will do");
}

/// 64 MiB of preallocated zeros take no space.
#[test]
#[cfg(unix)]
fn holes_stay_holes() {
    use std::os::unix::fs::MetadataExt;
    let folder = Folder::new("export_sparse");
    let clients = r#""clients": { "c1": { "timeout": "5s" } }, "steps": [ { "at": "2s", "do": "c1 create /a x" },"#;
    folder.write("good.json", &GOOD.replace("\"steps\": [", clients));
    let said = folder.zoolab("run good.json --export-disks out");
    assert!(said.err.is_empty(), "{}", said.err);
    let allocated = |path: &Path| {
        let metadata = fs::metadata(path).unwrap();
        (metadata.len(), metadata.blocks() * 512)
    };
    let logs = fs::read_dir(folder.path().join("out/s1/version-2")).unwrap().map(|entry| entry.unwrap().path());
    let log = logs.into_iter().find(|path| path.file_name().unwrap().to_string_lossy().starts_with("log.")).expect("a log");
    let (length, taken) = allocated(&log);
    assert_eq!(length, 67_108_880);
    assert!(taken < 1 << 20, "{taken} bytes");
    assert_eq!(folder.zoolab(&format!("disk {}", log.display())).code, 0);
}
