//! Our files in the hands of ZooKeeper itself: its tools read them without complaint, and a server started on them serves the tree they hold.
//!
//! Needs Java and Debian's `libzookeeper-java` (3.8.0). The tests install nothing; without these they say so, and fail where `CI` is `true`.

pub mod disk;
mod server;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use crate::cli::Folder;
use crate::datadir;
use crate::shared::{missing, shared};

/// Where Debian has the jars.
const JARS: &str = "/usr/share/java";

/// A Java that can run ZooKeeper, or `None`, told loudly.
fn java() -> Option<Java> {
    let jars = PathBuf::from(std::env::var_os("ZOOKEEPER_JARS").unwrap_or(JARS.into()));
    let class_path = ["zookeeper.jar", "slf4j-simple.jar"].map(|jar| jars.join(jar));
    if let Some(jar) = class_path.iter().find(|jar| !jar.exists()) {
        missing(&format!("no {} (Debian's libzookeeper-java; ZOOKEEPER_JARS says where)", jar.display()));
        return None;
    }
    if Command::new("java").arg("-version").output().is_err() {
        missing("no java to run ZooKeeper with");
        return None;
    }
    Some(Java { class_path: class_path.map(|jar| jar.display().to_string()).join(":") })
}

struct Java {
    class_path: String,
}

impl Java {
    fn command(&self) -> Command {
        let mut command = Command::new("java");
        command.args(["-Xmx160m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Dfile.encoding=UTF-8", "-Duser.timezone=UTC"]);
        command.args(["-Dorg.slf4j.simpleLogger.defaultLogLevel=warn", "-cp", &self.class_path]);
        command
    }

    /// Runs a tool over a file; it must end well.
    fn tool(&self, class: &str, file: &Path) -> String {
        let Output { status, stdout, stderr } = self.command().arg(class).arg(file).output().expect("java runs");
        let (out, err) = (String::from_utf8_lossy(&stdout).into_owned(), String::from_utf8_lossy(&stderr));
        assert!(status.success(), "{class} {}: {out}{err}", file.display());
        out
    }
}

#[test]
fn zookeepers_tools_read_our_files_as_we_do() {
    let Some(java) = java() else { return };
    let folder = Folder::new("java_tools");
    disk::varied(folder.path());
    for file in files(&folder.path().join("version-2")) {
        agree(&java, &folder, &file, Extent::Everything);
    }
}

/// The same the other way round: what a real server wrote.
#[test]
fn zookeepers_tools_read_its_files_as_we_do() {
    let Some(java) = java() else { return };
    let Some(data) = shared("datadir/data") else { return };
    let folder = Folder::new("java_tools_shared");
    for file in ["s1/version-2/log.10000005d", "s3/version-2/log.100000091", "s2/version-2/snapshot.1000000ae"] {
        agree(&java, &folder, &data.join(file), Extent::Paths);
    }
}

#[test]
fn a_real_server_serves_the_tree_of_our_files() {
    let Some(java) = java() else { return };
    let folder = Folder::new("java_server");
    disk::varied(folder.path());
    let ours = datadir::load(&folder.path().join("version-2"));
    let server = server::Server::start(&java, folder.path());
    datadir::compare("our disk", &server.tree(), datadir::seen(&ours.database));
}

/// A run with writers: one server is there to the end, one loses power in the middle of its work. Sessions last long enough for a slow
/// machine to start ZooKeeper, which expires them.
const RUN: &str = r#"{
  "title": "Work for disks", "seed": 3,
  "ensemble": { "servers": 3, "config": { "tickTime": 2000, "initLimit": 10, "syncLimit": 5, "snapCount": 60, "preAllocSize": 64 } },
  "clients": { "c1": { "timeout": "40s", "connect": "s1" }, "c2": { "timeout": "40s", "connect": "s2" } },
  "workloads": { "work": { "clients": 2, "count": 120, "mix": { "create": 3, "set": 4, "delete": 2, "get": 1 } } },
  "steps": [
    { "at": "2s", "do": "c1 create -e /mine x" },
    { "after": "0us", "do": "c2 create -s /numbered- x" },
    { "at": "3s", "do": "power-loss s3" } ],
  "run": "8s", "expect": { "verdict": "pass" }
}"#;

#[test]
fn zookeeper_goes_on_where_a_run_ended() {
    let Some(java) = java() else { return };
    let folder = Folder::new("java_run");
    folder.write("run.json", RUN);
    let said = folder.zoolab("run run.json --export-disks disks");
    assert_eq!((said.code, said.err.as_str()), (0, ""), "{}", said.out);
    for file in files(&folder.path().join("disks/s1/version-2")) {
        agree(&java, &folder, &file, Extent::Everything);
    }
    for name in ["s2", "s3"] {
        let home = folder.path().join("disks").join(name);
        let ours = datadir::load(&home.join("version-2"));
        assert!(ours.database.tree().len() > 15, "{name}: {}", ours.database.tree().len());
        let server = server::Server::start(&java, &home);
        datadir::compare(name, &server.tree(), datadir::seen(&ours.database));
    }
}

/// Logs and snapshots of a folder.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|file| ["log.", "snapshot."].iter().any(|prefix| file.file_name().unwrap().to_str().unwrap().starts_with(prefix)));
    files.sort();
    assert!(files.len() >= 3, "{files:?}");
    files
}

/// `zoolab disk` and ZooKeeper's tool say the same of a file.
fn agree(java: &Java, folder: &Folder, file: &Path, how: Extent) {
    let name = file.file_name().unwrap().to_str().unwrap();
    let said = folder.zoolab(&format!("disk {}", file.display()));
    assert_eq!((said.code, said.err.as_str()), (0, ""), "{name}");
    if name.starts_with("log.") {
        let theirs = java.tool("org.apache.zookeeper.server.persistence.TxnLogToolkit", file);
        let (ours, theirs) = (transactions(&said.out, how), transactions(&theirs, how));
        assert!(!ours.is_empty(), "{name}: {}", said.out);
        for (ours, theirs) in ours.iter().zip(&theirs) {
            assert_eq!(ours, theirs, "{name}");
        }
        assert_eq!(ours.len(), theirs.len(), "{name}");
    } else {
        let theirs = java.tool("org.apache.zookeeper.server.SnapshotFormatter", file);
        let (ours, theirs) = (snapshot(&said.out), snapshot(&theirs));
        assert!(ours.len() > 4, "{name}: {}", said.out);
        assert_eq!(ours, theirs, "{name}");
    }
}

/// How much of a transaction's print is compared.
#[derive(Clone, Copy, PartialEq)]
enum Extent {
    Everything,
    /// Up to the first comma: data may be anything, and is not printed in the same way.
    Paths,
}

/// What a log's print says, without dates, and with the few things that are written otherwise made equal.
fn transactions(text: &str, extent: Extent) -> Vec<String> {
    // ZooKeeper breaks lines behind each entry of a list.
    let mut lines = Vec::<String>::new();
    for line in text.lines() {
        match line.find(" session 0x") {
            Some(at) => lines.push(line[at..].to_owned()),
            None if line.starts_with("EOF reached after ") || lines.is_empty() => lines.push(line.to_owned()),
            None => lines.last_mut().unwrap().push_str(line),
        }
    }
    lines.iter().map(|line| comparable(line, extent)).collect()
}

/// 3.8 has another word for createTTL and none for errors; the parts of a multi and the list of a setACL it prints as bytes and as records.
fn comparable(line: &str, extent: Extent) -> String {
    let line = line.replace("s{'", "").replace("v{", "").replace(['\'', '}'], "").replace(", 31,", " 31,").replace("createTtl", "createTTL");
    let words = |count: usize| line.split_whitespace().take(count).collect::<Vec<_>>().join(" ");
    match line.split_whitespace().nth(6) {
        Some("multi") => words(7),
        Some("error") => words(8),
        Some("setACL") => line.split(',').next().unwrap().to_owned(),
        _ if extent == Extent::Paths => line.split(',').next().unwrap().to_owned(),
        _ => line,
    }
}

/// What a snapshot's print says: every node's fields, but dates and what only we print; every session; the last zxid.
fn snapshot(text: &str) -> BTreeMap<String, Vec<String>> {
    let mut nodes = BTreeMap::<String, Vec<String>>::new();
    let mut current = String::new();
    for line in text.lines().filter(|line| !line.starts_with("ZNode Details") && *line != "----") {
        match line.strip_prefix("  ") {
            None => {
                current = line.to_owned();
                nodes.insert(current.clone(), Vec::new());
            }
            Some(field) if ["ctime", "mtime", "acl "].iter().any(|name| field.starts_with(name)) => {}
            Some(field) => nodes.get_mut(&current).unwrap().push(field.to_owned()),
        }
    }
    // How many there are it counts with the root twice; the digest is theirs alone.
    nodes.retain(|line, _| !line.starts_with("Target zxid digest"));
    nodes
}
