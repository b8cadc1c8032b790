//! From a transcript's request to a server's, and from the server's answer to what a transcript says.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::names::Names;
use super::request::{Call, Create};
use super::session::{Heard, Watches};
use crate::proto::{Answer, Bytes, ClientReply, CreateMode, ErrorCode, Op, Packet, Path, SetWatches, Stat, Zxid};

/// The request as a server takes it.
pub fn op(call: &Call) -> Op {
    match call.clone() {
        Call::Close => Op::CloseSession,
        Call::Create(Create { path, data, acl, flags, form }) => Op::Create { form, path, data, acl, mode: CreateMode::numbered(flags) },
        Call::Delete { path, version } => Op::Delete { path, version },
        Call::Set { path, data, version } => Op::SetData { path, data, version },
        Call::SetAcl { path, acl, version } => Op::SetAcl { path, acl, version },
        Call::Check { path, version } => Op::Check { path, version },
        Call::Get { path, watch } => Op::GetData { path, watch },
        Call::Exists { path, watch } => Op::Exists { path, watch },
        Call::Children { path, watch } => Op::GetChildren { path, watch },
        Call::Children2 { path, watch } => Op::GetChildren2 { path, watch },
        Call::GetAcl { path } => Op::GetAcl { path },
        Call::Sync { path } => Op::Sync { path },
        Call::Count { path } => Op::GetAllChildrenNumber { path },
        Call::Ephemerals { path } => Op::GetEphemerals { prefix: path },
        Call::WhoAmI => Op::WhoAmI,
        Call::Multi(parts) => Op::Multi(parts.iter().map(op).collect()),
        Call::MultiRead(parts) => Op::MultiRead(parts.iter().map(op).collect()),
        Call::AddWatch { path, mode } => Op::AddWatch { path, mode },
        Call::RemoveWatches { path, kind } => Op::RemoveWatches { path, kind },
        Call::CheckWatches { path, kind } => Op::CheckWatches { path, kind },
    }
}

/// Proves who somebody is.
pub fn auth(scheme: &str, credential: Option<&Bytes>) -> Op {
    Op::Auth { scheme: scheme.into(), credential: credential.cloned() }
}

/// Registers again what a client knows to be watched; what changed after `seen` is told at once.
pub fn set_watches(watches: &Watches, seen: Zxid) -> Op {
    let list = |paths: &BTreeSet<Path>| paths.iter().cloned().collect();
    Op::SetWatches(Arc::new(SetWatches {
        relative_zxid: seen,
        data: list(&watches.data),
        exist: list(&watches.exist),
        child: list(&watches.child),
        persistent: list(&watches.persistent),
        recursive: list(&watches.recursive),
    }))
}

/// The notification that a packet is; `None` for anything else.
pub fn heard(packet: &Packet) -> Option<Heard> {
    match packet {
        Packet::WatcherEvent(event) => Some(Heard { kind: event.kind.name(), path: event.path.clone() }),
        _ => None,
    }
}

/// A reply as a transcript's `res`.
pub fn result(call: &Call, reply: &ClientReply, names: &Names) -> Map<String, Value> {
    match (call, &reply.result) {
        (_, Err(code)) => failure(*code),
        // It is answered with its path, which the packets here do not carry.
        (Call::Sync { path }, Ok(_)) => with(done(), "path", path.as_ref().into()),
        (_, Ok(answer)) => success(answer, names),
    }
}

/// A result that failed.
pub fn failure(code: ErrorCode) -> Map<String, Value> {
    with(with(Map::new(), "rc", code.number().into()), "err", wire_name(code).into())
}

/// Nothing but success.
pub fn done() -> Map<String, Value> {
    with(Map::new(), "rc", 0.into())
}

fn with(mut result: Map<String, Value>, name: &str, value: Value) -> Map<String, Value> {
    result.insert(name.into(), value);
    result
}

fn success(answer: &Answer, names: &Names) -> Map<String, Value> {
    let one = |name: &str, value: Value| with(done(), name, value);
    let and_stat = |name: &str, value: Value, stat: &Stat| with(one(name, value), "stat", stat_json(stat, names));
    match answer {
        Answer::Done => done(),
        Answer::Created(path) => one("path", path.as_ref().into()),
        Answer::CreatedWithStat { path, stat } => and_stat("path", path.as_ref().into(), stat),
        Answer::Stat(stat) => one("stat", stat_json(stat, names)),
        Answer::Data { data, stat } => and_stat("data", data_json(data.as_ref()), stat),
        Answer::Children(children) => one("children", sorted(children, |name| name.as_ref().into())),
        Answer::ChildrenWithStat { children, stat } => and_stat("children", sorted(children, |name| name.as_ref().into()), stat),
        Answer::Acl { acl, stat } => and_stat("acl", sorted(acl, |entry| json!([entry.perms, entry.scheme, entry.id])), stat),
        Answer::Count(count) => one("count", (*count).into()),
        Answer::Ephemerals(paths) => one("paths", sorted(paths, |path| path.as_ref().into())),
        Answer::Parts(parts) => one("results", parts.iter().map(|part| Value::Object(part_json(part, names))).collect()),
        Answer::ClientInfos(ids) => one("ids", sorted(ids, |id| json!([id.scheme, id.id]))),
    }
}

/// A part of a multi. Of one that failed, those before the one that is to blame are said to be rolled back.
fn part_json(part: &Result<Answer, ErrorCode>, names: &Names) -> Map<String, Value> {
    match part {
        Ok(answer) => success(answer, names),
        Err(ErrorCode::Ok) => with(done(), "rolled_back", true.into()),
        Err(code) => failure(*code),
    }
}

/// Times are left out.
fn stat_json(stat: &Stat, names: &Names) -> Value {
    json!({
        "cz": names.number(stat.czxid),
        "mz": names.number(stat.mzxid),
        "pz": names.number(stat.pzxid),
        "v": stat.version,
        "cv": stat.cversion,
        "av": stat.aversion,
        "eo": names.owner(stat.ephemeral_owner),
        "dl": stat.data_length,
        "nc": stat.num_children,
    })
}

/// Null, text where all of it is printable ASCII, else in hexadecimal.
fn data_json(data: Option<&Bytes>) -> Value {
    let Some(data) = data else { return Value::Null };
    match std::str::from_utf8(data) {
        Ok(text) if data.iter().all(|byte| matches!(byte, b' '..=b'~')) => text.into(),
        _ => json!({ "hex": data.iter().map(|byte| format!("{byte:02x}")).collect::<String>() }),
    }
}

/// Servers promise no order.
fn sorted<T: Ord>(list: &[T], json: impl Fn(&T) -> Value) -> Value {
    let mut sorted: Vec<&T> = list.iter().collect();
    sorted.sort_unstable();
    sorted.into_iter().map(json).collect()
}

/// Where the name that people know is spelt another way.
fn wire_name(code: ErrorCode) -> &'static str {
    match code {
        ErrorCode::InvalidAcl => "InvalidACL",
        ErrorCode::ApiError => "APIError",
        ErrorCode::ThrottledOp => "Throttled",
        _ => code.name(),
    }
}
