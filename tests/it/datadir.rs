//! Data directories that a real ZooKeeper 3.8.0 left behind, killed in the middle of its work: each gives exactly the tree that it held.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use serde_json::{Value, json};
use zoolab::proto::{Acl, CONFIG_NODE, FileImage, FileName, Zxid};
use zoolab::store::format::{LogRecord, LogTail, is_complete_snapshot, log_zxid, read_log, read_snapshot, snapshot_zxid};
use zoolab::tree::{Database, name_of};

use crate::shared::shared;

/// What came of a directory.
pub struct Loaded {
    pub database: Database,
    /// Snapshots that could not be read, newest first.
    skipped: Vec<FileName>,
    /// How logs ended that a crash left in the middle of a record.
    tails: Vec<LogTail>,
    /// Transactions that were replayed.
    replayed: usize,
}

#[test]
fn every_directory_gives_the_tree_it_held() {
    let Some(folder) = shared("datadir/data") else { return };
    let mut digests = BTreeMap::<&str, BTreeSet<u64>>::new();
    for (directory, expected, skipped, tails) in [
        ("s1", "tree.json", &[][..], &[][..]),
        ("s2", "tree.json", &[], &[]),
        ("s3", "tree.json", &[], &[]),
        ("s1-bad-newest-snapshot", "tree.json", &["snapshot.1000000bb"], &[]),
        ("s1-torn-tail", "tree-torn-tail.json", &[], &[LogTail::Torn]),
    ] {
        let loaded = load(&folder.join(directory).join("version-2"));
        let skipped_names: Vec<&str> = loaded.skipped.iter().map(|name| &**name).collect();
        assert_eq!((&skipped_names[..], &loaded.tails[..]), (skipped, tails), "{directory}");
        let expected_content: Value = serde_json::from_slice(&fs::read(folder.join(expected)).unwrap()).unwrap();
        compare(directory, &seen(&loaded.database), expected_content);
        digests.entry(expected).or_default().insert(loaded.database.digest());
    }
    assert!(digests.values().all(|found| found.len() == 1), "equal trees, equal digests: {digests:?}");
    assert_eq!(digests.values().flatten().collect::<BTreeSet<_>>().len(), 2, "one transaction less is another digest");
}

/// Every log from its beginning, over the first snapshot, gives the same as the newest snapshot and what follows it.
#[test]
fn a_whole_history_gives_the_same_as_a_snapshot_and_its_rest() {
    let Some(folder) = shared("datadir/data") else { return };
    for directory in ["s1", "s2", "s3"] {
        let folder = folder.join(directory).join("version-2");
        let newest = load(&folder);
        let oldest = load_from(&folder, |zxid| zxid == Zxid::ZERO);
        assert!(oldest.replayed > newest.replayed);
        compare(directory, &seen(&oldest.database), seen(&newest.database));
        assert_eq!((oldest.database.digest(), oldest.database.last_processed), (newest.database.digest(), newest.database.last_processed));
    }
}

pub fn load(folder: &Path) -> Loaded {
    load_from(folder, |_| true)
}

/// The newest snapshot of those that `may_be_used` that can be read, then every transaction after it.
fn load_from(folder: &Path, may_be_used: impl Fn(Zxid) -> bool) -> Loaded {
    let files: BTreeMap<FileName, FileImage> = fs::read_dir(folder).unwrap().map(|entry| read(&entry.unwrap().path())).collect();
    let by_zxid =
        |zxid_of: fn(&str) -> Option<Zxid>| -> BTreeMap<Zxid, &FileName> { files.keys().filter_map(|name| Some((zxid_of(name)?, name))).collect() };
    let mut skipped = Vec::new();
    let mut candidates = by_zxid(snapshot_zxid).into_iter().rev().filter(|(zxid, _)| may_be_used(*zxid));
    let mut database = candidates
        .find_map(|(zxid, name)| {
            assert!(is_complete_snapshot(&files[name]), "{name}");
            read_snapshot(&files[name], zxid, 500).map_err(|error| skipped.push((name.clone(), error))).ok()
        })
        .expect("a snapshot");
    let (mut tails, mut replayed) = (Vec::new(), 0);
    for name in by_zxid(log_zxid).into_values() {
        for record in read_log(&files[name]).unwrap_or_else(|error| panic!("{name}: {error}")) {
            match record {
                LogRecord::Txn { proposal, .. } if proposal.zxid() > database.last_processed => {
                    assert_eq!(database.gap_before(proposal.zxid()), None);
                    let _ = database.apply(&proposal);
                    replayed += 1;
                }
                LogRecord::Txn { .. } => {}
                LogRecord::Tail { why, .. } => tails.push(why),
                LogRecord::Broken { at, why } => panic!("{name}, byte {at}: {why}"),
            }
        }
    }
    Loaded { database, skipped: skipped.into_iter().map(|(name, _)| name).collect(), tails, replayed }
}

fn read(path: &Path) -> (FileName, FileImage) {
    (path.file_name().unwrap().to_str().unwrap().into(), FileImage::from(&fs::read(path).unwrap()[..]))
}

/// The database as a client with full rights sees it, in the form of `tree.json`.
pub fn seen(database: &Database) -> Value {
    let sessions: Vec<Value> = database.sessions().iter().map(|(id, timeout)| json!([id.0, timeout])).collect();
    let nodes = database.tree().nodes().map(|(path, node)| {
        let stat = node.stat();
        let mut acl: Vec<Acl> = database.tree().acls().list(node.acl).expect("a known list").to_vec();
        acl.sort();
        let value = json!({
            "data_hex": node.data.as_ref().map(|data| data.iter().map(|byte| format!("{byte:02x}")).collect::<String>()),
            "acl": acl.iter().map(|acl| json!([acl.perms, acl.scheme, acl.id])).collect::<Vec<_>>(),
            "children": node.children.iter().map(|child| name_of(child)).collect::<Vec<_>>(),
            "stat": {
                "czxid": stat.czxid.0, "mzxid": stat.mzxid.0, "pzxid": stat.pzxid.0, "ctime": stat.ctime, "mtime": stat.mtime,
                "version": stat.version, "cversion": stat.cversion, "aversion": stat.aversion, "owner": stat.ephemeral_owner.0,
                "len": stat.data_length, "children": stat.num_children,
            },
        });
        (path.to_owned(), value)
    });
    json!({ "sessions": sessions, "tree": nodes.collect::<serde_json::Map<_, _>>() })
}

/// Node by node, so that a failure can be read. The configuration's mtime is each server's own; sessions only where both tell them.
pub fn compare(what: &str, seen: &Value, mut expected: Value) {
    expected["tree"][CONFIG_NODE]["stat"]["mtime"] = seen["tree"][CONFIG_NODE]["stat"]["mtime"].clone();
    assert!(seen["sessions"].is_null() || seen["sessions"] == expected["sessions"], "{what}: {} {}", seen["sessions"], expected["sessions"]);
    let paths = |tree: &Value| tree["tree"].as_object().unwrap().keys().cloned().collect::<BTreeSet<_>>();
    assert_eq!(paths(seen), paths(&expected), "{what}");
    for path in paths(seen) {
        assert_eq!(seen["tree"][&path], expected["tree"][&path], "{what}: {path}");
    }
}
