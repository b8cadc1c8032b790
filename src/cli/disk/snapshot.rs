//! A snapshot. As `SnapshotFormatter` prints it.

use std::fmt::Write;

use serde_json::{Map, Value, json};

use super::Form;
use super::txn::{acl_text, acl_value, put_data};
use crate::cli::mistake::Mistake;
use crate::cli::output::Output;
use crate::proto::date::utc;
use crate::proto::{FileImage, SessionId, Zxid};
use crate::store::format::{read_snapshot, snapshot_zxid};
use crate::tree::{Database, Znode};

pub fn show(name: &str, image: &FileImage, form: Form, out: &mut Output) -> Result<(), Mistake> {
    let named = snapshot_zxid(name);
    let database = read_snapshot(image, named.unwrap_or_default(), 0).map_err(|why| {
        let mistake = Mistake::new(format_args!("{name}: {why}"));
        mistake.with_help("a server takes an older snapshot, and more of the log")
    })?;
    match form {
        Form::Text => out.print(&text(&database, named)),
        Form::Json => out.print(&lines(&database, named)),
    }
}

/// Nodes, sessions, and how far they are.
fn text(database: &Database, named: Option<Zxid>) -> String {
    let mut text = format!("ZNode Details (count={}):\n", database.tree().len());
    for (path, node) in database.tree().nodes() {
        let _ = write!(text, "----\n{path}\n{}", node_text(database, node));
    }
    text += "----\nSession Details (sid, timeout, ephemeralCount):\n";
    for (session, timeout) in database.sessions() {
        let _ = writeln!(text, "{}, {timeout}, {}", padded(session.0), ephemerals(database, *session));
    }
    let _ = writeln!(text, "----\nLast zxid: {:#x}", last_zxid(database, named).0);
    text
}

fn node_text(database: &Database, node: &Znode) -> String {
    let stat = &node.stat;
    let acl = database.tree().acls().list(node.acl);
    let lines = [
        ("cZxid", padded(stat.czxid.0)),
        ("ctime", utc(stat.ctime)),
        ("mZxid", padded(stat.mzxid.0)),
        ("mtime", utc(stat.mtime)),
        ("pZxid", padded(stat.pzxid.0)),
        ("cversion", stat.cversion.to_string()),
        ("dataVersion", stat.version.to_string()),
        ("aclVersion", stat.aversion.to_string()),
        ("ephemeralOwner", padded(stat.owner)),
        ("acl", acl.map_or_else(|| "not in this snapshot".into(), |acl| acl_text(&acl))),
        ("dataLength", node.data.as_ref().map_or(0, |data| data.len()).to_string()),
    ];
    lines.iter().map(|(name, value)| format!("  {name} = {value}\n")).collect()
}

/// One object for the snapshot itself, one for each session and each node.
fn lines(database: &Database, named: Option<Zxid>) -> String {
    let hex = |zxid: Zxid| format!("{:#x}", zxid.0);
    let head = json!({
        "kind": "snapshot", "zxid": named.map(hex), "last_zxid": hex(last_zxid(database, named)),
        "nodes": database.tree().len(), "sessions": database.sessions().len(), "digest": format!("{:016x}", database.digest()),
    });
    let mut text = format!("{head}\n");
    for (session, timeout) in database.sessions() {
        let ephemerals = ephemerals(database, *session);
        let _ = writeln!(text, "{}", json!({ "kind": "session", "session": session.to_string(), "timeout": timeout, "ephemerals": ephemerals }));
    }
    for (path, node) in database.tree().nodes() {
        let _ = writeln!(text, "{}", node_object(database, path, node));
    }
    text
}

fn node_object(database: &Database, path: &str, node: &Znode) -> Value {
    let stat = &node.stat;
    let mut object = Map::new();
    let mut put = |key: &str, value: Value| drop(object.insert(key.into(), value));
    put("kind", "node".into());
    put("path", path.into());
    put_data(&node.data, &mut put);
    put("acl", database.tree().acls().list(node.acl).map_or(Value::Null, |acl| acl_value(&acl)));
    for (key, zxid) in [("czxid", stat.czxid), ("mzxid", stat.mzxid), ("pzxid", stat.pzxid)] {
        put(key, format!("{:#x}", zxid.0).into());
    }
    put("ctime", stat.ctime.into());
    put("mtime", stat.mtime.into());
    put("version", stat.version.into());
    put("cversion", stat.cversion.into());
    put("aversion", stat.aversion.into());
    put("owner", format!("{:#x}", stat.owner).into());
    Value::Object(object)
}

/// A fuzzy snapshot may hold transactions newer than its name.
fn last_zxid(database: &Database, named: Option<Zxid>) -> Zxid {
    let zxids = database.tree().nodes().map(|(_, node)| node.stat.mzxid.max(node.stat.pzxid));
    zxids.chain(named).max().unwrap_or_default()
}

fn ephemerals(database: &Database, session: SessionId) -> usize {
    database.tree().ephemerals(session).count()
}

/// Java's `%#016x`.
fn padded(value: i64) -> String {
    format!("{value:#016x}")
}
