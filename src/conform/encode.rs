//! From a transcript's request to a server's, and from the server's answer to what a transcript says. What the simulated servers do not know
//! yet is said to be so.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::names::Names;
use super::request::{Call, Create};
use super::session::{Heard, Watches};
use crate::proto::{Acl, Answer, Bytes, ClientReply, CreateMode, ErrorCode, Op, Packet, Path, SetWatches, Stat, Zxid};

/// What cannot be asked here: the name of the request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unsupported(pub String);

/// The request as a server takes it.
pub fn op(call: &Call) -> Result<Op, Unsupported> {
    let ops = |calls: &[Call]| calls.iter().map(op).collect::<Result<_, _>>();
    Ok(match call.clone() {
        Call::Close => Op::CloseSession,
        Call::Create(create) => create_op(create),
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
        Call::Multi(calls) => Op::Multi(ops(&calls)?),
        Call::MultiRead(calls) => Op::MultiRead(ops(&calls)?),
        Call::AddWatch { path, mode } => Op::AddWatch { path, mode },
        Call::RemoveWatches { path, kind } => Op::RemoveWatches { path, kind },
        Call::CheckWatches { path, kind } => Op::CheckWatches { path, kind },
    })
}

fn create_op(Create { path, data, acl, flags, form }: Create) -> Op {
    Op::Create { form, path, data, acl, mode: CreateMode::numbered(flags) }
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
    match &reply.result {
        Ok(answer) => success(call, answer, names),
        Err(code) => failure(*code),
    }
}

/// A result that failed.
pub fn failure(code: ErrorCode) -> Map<String, Value> {
    object(json!({ "rc": code.number(), "err": wire_name(code) }))
}

/// Nothing but success.
pub fn done() -> Map<String, Value> {
    object(json!({ "rc": 0 }))
}

fn success(call: &Call, answer: &Answer, names: &Names) -> Map<String, Value> {
    let mut result = done();
    match answer {
        Answer::Done => {
            // A sync is answered with its path.
            if let Call::Sync { path } = call {
                result.insert("path".into(), path.as_ref().into());
            }
        }
        Answer::Created(path) => {
            result.insert("path".into(), path.as_ref().into());
        }
        Answer::CreatedWithStat { path, stat } => {
            result.insert("path".into(), path.as_ref().into());
            result.insert("stat".into(), stat_json(stat, names));
        }
        Answer::Stat(stat) => {
            result.insert("stat".into(), stat_json(stat, names));
        }
        Answer::Data { data, stat } => {
            result.insert("data".into(), data_json(data.as_ref()));
            result.insert("stat".into(), stat_json(stat, names));
        }
        Answer::Children(children) => {
            result.insert("children".into(), sorted(children.iter().map(AsRef::as_ref)));
        }
        Answer::ChildrenWithStat { children, stat } => {
            result.insert("children".into(), sorted(children.iter().map(AsRef::as_ref)));
            result.insert("stat".into(), stat_json(stat, names));
        }
        Answer::Acl { acl, stat } => {
            result.insert("acl".into(), acl_json(acl));
            result.insert("stat".into(), stat_json(stat, names));
        }
        Answer::Count(count) => {
            result.insert("count".into(), (*count).into());
        }
        Answer::Ephemerals(paths) => {
            result.insert("paths".into(), sorted(paths.iter().map(AsRef::as_ref)));
        }
        Answer::Parts(parts) => {
            let (Call::Multi(calls) | Call::MultiRead(calls)) = call else { return result };
            let part = |(call, part): (&Call, &Result<Answer, ErrorCode>)| part_json(call, part, names);
            result.insert("results".into(), calls.iter().zip(parts.iter()).map(part).collect());
        }
        Answer::ClientInfos(ids) => {
            let mut pairs: Vec<[&str; 2]> = ids.iter().map(|id| [&*id.scheme, &*id.id]).collect();
            pairs.sort_unstable();
            result.insert("ids".into(), json!(pairs));
        }
    }
    result
}

/// What a part of a multi came to. In one that failed, those before the part that failed carry an error that is none.
fn part_json(call: &Call, part: &Result<Answer, ErrorCode>, names: &Names) -> Value {
    Value::Object(match part {
        Ok(answer) => success(call, answer, names),
        Err(ErrorCode::Ok) => object(json!({ "rc": 0, "rolled_back": true })),
        Err(code) => failure(*code),
    })
}

/// Entries in an order that does not depend on theirs.
fn acl_json(list: &[Acl]) -> Value {
    let mut entries: Vec<(i32, &str, &str)> = list.iter().map(|entry| (entry.perms, &*entry.scheme, &*entry.id)).collect();
    entries.sort_unstable();
    json!(entries)
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
fn sorted<'a>(names: impl Iterator<Item = &'a str>) -> Value {
    let mut names: Vec<&str> = names.collect();
    names.sort_unstable();
    names.into()
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

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(object) => object,
        _ => unreachable!("only objects are made here"),
    }
}
