//! `zoolab disk` and `zoolab run --export-disks`.

use std::fs;
use std::path::Path;

use serde_json::Value;

use super::{Folder, GOOD, Said};
use crate::datadir;
use crate::java;
use crate::shared::shared;

/// A folder with a data directory that holds transactions of every kind.
fn with_data(name: &str) -> Folder {
    let folder = Folder::new(name);
    java::disk::varied(folder.path());
    folder
}

const LOG: &str = "version-2/log.100000001";
const SNAPSHOT: &str = "version-2/snapshot.100000008";

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
    let folder = with_data("disk_log");
    let said = folder.zoolab(&format!("disk {LOG}"));
    assert_eq!((said.code, said.err.as_str()), (0, ""));
    let lines: Vec<&str> = said.out.lines().collect();
    assert_eq!(lines.len(), 19, "{}", said.out);
    assert_eq!(lines[0], "ZooKeeper Transactional Log File with dbid 0 txnlog format version 2");
    let transactions = [
        (3, "2023-11-14T22:13:22.000Z session 0x100000000000001 cxid 0x2 zxid 0x100000003 create /a,x,[31,world,anyone],false,1"),
        (6, "2023-11-14T22:13:25.000Z session 0x200000000000001 cxid 0x5 zxid 0x100000006 createTTL /ttl,,[31,world,anyone],3,600000"),
        (12, "2023-11-14T22:13:31.000Z session 0x200000000000001 cxid 0xb zxid 0x10000000c error -103 BadVersion"),
        (15, "2023-11-14T22:13:34.000Z session 0x0 cxid 0xe zxid 0x10000000f deleteContainer /box"),
    ];
    for (number, line) in transactions {
        assert_eq!(lines[number], line);
    }
    let multi = " multi create:/m,x,[31,world,anyone],false,5;create:/m/1,x,[31,world,anyone],false,1;setData:/m,2,1;check:/m,1";
    assert!(lines[16].ends_with(multi), "{}", lines[16]);
    assert_eq!(lines[18], "EOF reached after 17 txns.");
}

#[test]
fn a_log_as_json_has_everything() {
    let folder = with_data("disk_log_json");
    let said = folder.zoolab(&format!("disk --json {LOG}"));
    let lines: Vec<&str> = said.out.lines().collect();
    assert_eq!((lines.len(), objects(&said).len()), (17, 17));
    let create = r#"{"kind":"txn","at":352,"zxid":"0x100000005","session":"0x100000000000001","cxid":4,"time":1700000004000,"type":"createContainer","path":"/box","data":null,"acl":[[31,"world","anyone"]],"ephemeral":false,"parent_cversion":2}"#;
    assert_eq!(lines[4], create);
    let failed = r#""type":"multi","parts":[{"type":"error","error":0,"name":"Ok"},{"type":"error","error":-110,"name":"NodeExists"},{"type":"error","error":-2,"name":"RuntimeInconsistency"}]}"#;
    assert!(lines[16].ends_with(failed), "{}", lines[16]);
}

#[test]
fn a_snapshot_is_shown_as_snapshot_formatter_shows_it() {
    let folder = with_data("disk_snapshot");
    let said = folder.zoolab(&format!("disk {SNAPSHOT}"));
    assert_eq!((said.code, said.err.as_str()), (0, ""));
    let node = "\
----
/a/e0000000001
  cZxid = 0x00000100000007
  ctime = 2023-11-14T22:13:26.000Z
  mZxid = 0x00000100000007
  mtime = 2023-11-14T22:13:26.000Z
  pZxid = 0x00000100000007
  cversion = 0
  dataVersion = 0
  aclVersion = 0
  ephemeralOwner = 0x200000000000001
  acl = [31,world,anyone]
  dataLength = 3
----
";
    assert!(said.out.contains(node), "{}", said.out);
    assert!(said.out.starts_with("ZNode Details (count=10):\n----\n/\n"), "{}", said.out);
    let end = "\
----
Session Details (sid, timeout, ephemeralCount):
0x100000000000001, 40000, 1
0x200000000000001, 30000, 1
----
Last zxid: 0x10000000b
";
    assert!(said.out.ends_with(end), "it holds more than its name says: {}", said.out);

    let objects = objects(&folder.zoolab(&format!("disk --json {SNAPSHOT}")));
    assert_eq!(
        (&objects[0]["kind"], &objects[0]["zxid"], &objects[0]["last_zxid"]),
        (&"snapshot".into(), &"0x100000008".into(), &"0x10000000b".into())
    );
    let node = objects.iter().find(|object| object["path"] == "/a/e0000000001").expect("a node");
    assert_eq!((&node["data"], &node["acl"][0][0], &node["owner"]), (&"eph".into(), &31.into(), &"0x200000000000001".into()));
    assert_eq!(objects.iter().filter(|object| object["kind"] == "session").count(), 2);
}

#[test]
fn a_directory_is_shown_with_what_a_server_would_make_of_it() {
    let folder = with_data("disk_directory");
    damaged(&folder, LOG, "version-2/log.100000018", |bytes| bytes.truncate(40));
    write(&folder, "version-2/currentEpoch", b"0");
    write(&folder, "zoo.cfg", b"tickTime=2000\n");
    let said = folder.zoolab("disk .");
    assert_eq!((said.code, said.err.as_str()), (0, ""));
    let expected = "\
myid                    2 bytes  1
acceptedEpoch           1 bytes  1
currentEpoch            1 bytes  0
log.100000001       65536 bytes  17 txns, 0x100000001 to 0x100000011
log.100000012       65536 bytes  6 txns, 0x100000012 to 0x100000017
log.100000018          40 bytes  0 txns; byte 16: the file ends within a record
snapshot.0            478 bytes  4 nodes, 0 sessions
snapshot.100000008   1187 bytes  10 nodes, 2 sessions

loads     snapshot.100000008
ignores   log.100000018 from byte 16 on: the file ends within a record
writes    currentEpoch 1
replays   15 txns
holds     11 nodes, 1 sessions, digest DIGEST
last zxid 0x100000017
epochs    current 1, accepted 1
but       currentEpoch is older than the last zxid: ZooKeeper 3.9.5 starts here only if there is a currentEpoch.tmp
";
    let digest = said.out.split("digest ").nth(1).and_then(|rest| rest.get(..16)).expect("a digest");
    assert_eq!(said.out, expected.replace("DIGEST", digest));
    assert_eq!(folder.zoolab("disk version-2").out.lines().count(), said.out.lines().count() - 1, "without myid");
    assert_eq!(bytes(&folder, "version-2/currentEpoch"), b"0", "nothing is written");
}

#[test]
fn damage_is_told_with_its_place() {
    let folder = with_data("disk_damage");
    type Row = (&'static str, &'static str, fn(&mut Vec<u8>), &'static str);
    let table: [Row; 9] = [
        ("log.flipped", LOG, |bytes| bytes[65 + 20] ^= 1, "log.flipped, byte 65, after 1 txn: the record does not match its checksum"),
        ("log.length", LOG, |bytes| bytes[16 + 8] = 0x80, "byte 16, after 0 txns: the record has the length -2147483612"),
        ("log.header", LOG, |bytes| bytes.truncate(9), "log.header: the file ends within its header"),
        ("snapshot.cut", SNAPSHOT, |bytes| bytes.truncate(100), "the bytes end within a value"),
        ("snapshot.flipped", SNAPSHOT, |bytes| flip_data(bytes), "do not match their checksum"),
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

/// In the data of a node, so that all else stays readable.
fn flip_data(snapshot: &mut [u8]) {
    let at = snapshot.windows(3).position(|window| window == b"yyy").expect("the data of /a");
    snapshot[at] ^= 1;
}

/// A tail that a crash left is no damage.
#[test]
fn a_torn_tail_is_told_and_fine() {
    let folder = with_data("disk_torn");
    let last = objects(&folder.zoolab(&format!("disk --json {LOG}"))).pop().expect("transactions");
    damaged(&folder, LOG, "log.torn", |bytes| {
        let end = bytes.iter().rposition(|byte| *byte != 0).expect("records") + 1;
        bytes[end - 30..].fill(0);
    });
    let said = folder.zoolab("disk log.torn");
    assert_eq!((said.code, said.err.as_str()), (0, ""));
    let end = format!(
        "\nbyte {}: a record lacks its end byte, as a crash leaves it; servers ignore the rest of the file\nEOF reached after 16 txns.\n",
        last["at"]
    );
    assert!(said.out.ends_with(&end), "{}", said.out);
    let tail = objects(&folder.zoolab("disk --json log.torn")).pop().expect("objects");
    assert_eq!((&tail["kind"], &tail["at"], &tail["why"]), (&"tail".into(), &last["at"], &"a record lacks its end byte".into()));
}

#[test]
fn a_directory_that_no_server_starts_from_says_why() {
    let folder = with_data("disk_refused");
    for snapshot in ["version-2/snapshot.0", SNAPSHOT] {
        fs::remove_file(folder.path().join(snapshot)).unwrap();
    }
    let said = folder.zoolab("disk .");
    assert!(said.code == 2 && said.err.contains("a server refuses to start here: there is a log but no valid snapshot"), "{}", said.err);
    assert!(said.out.contains("17 txns"), "the files are shown all the same: {}", said.out);
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
