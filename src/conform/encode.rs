//! From a transcript's request to a server's, and from the server's answer to what a transcript says. What the simulated servers do not know
//! yet is said to be so.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::names::Names;
use super::request::{Call, Create, Form};
use super::session::{Heard, Watches};
use crate::proto::{Answer, Bytes, ClientReply, CreateMode, ErrorCode, Op, Packet, Path, SetWatches, Stat, Zxid};

/// What cannot be asked here: the name of the request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unsupported(pub String);

/// The request as a server takes it.
pub fn op(call: &Call) -> Result<Op, Unsupported> {
    let unsupported = |name: &str| Err(Unsupported(name.into()));
    Ok(match call.clone() {
        Call::Close => Op::CloseSession,
        Call::Create(create) => return create_op(create),
        Call::Delete { path, version } => Op::Delete { path, version },
        Call::Set { path, data, version } => Op::SetData { path, data, version },
        Call::Get { path, watch } => Op::GetData { path, watch },
        Call::Exists { path, watch } => Op::Exists { path, watch },
        Call::Children { path, watch } => Op::GetChildren { path, watch },
        Call::Sync { path } => Op::Sync { path },
        Call::SetAcl { .. } => return unsupported("set_acl"),
        Call::Check { .. } => return unsupported("check"),
        Call::Children2 { .. } => return unsupported("children2"),
        Call::GetAcl { .. } => return unsupported("get_acl"),
        Call::Count { .. } => return unsupported("count"),
        Call::Ephemerals { .. } => return unsupported("ephemerals"),
        Call::WhoAmI => return unsupported("whoami"),
        Call::Multi(_) => return unsupported("multi"),
        Call::MultiRead(_) => return unsupported("multi_read"),
        Call::AddWatch { path, mode } => Op::AddWatch { path, mode },
        Call::RemoveWatches { path, kind } => Op::RemoveWatches { path, kind },
        Call::CheckWatches { path, kind } => Op::CheckWatches { path, kind },
    })
}

fn create_op(Create { path, data, acl, flags, form }: Create) -> Result<Op, Unsupported> {
    let mode = match (form, flags) {
        (Form::Create, 0) => CreateMode::Persistent,
        (Form::Create, 1) => CreateMode::Ephemeral,
        (Form::Create, 2) => CreateMode::PersistentSequential,
        (Form::Create, 3) => CreateMode::EphemeralSequential,
        (Form::Create, _) => return Err(Unsupported("create with other modes".into())),
        (Form::Create2, _) => return Err(Unsupported("create with stat".into())),
        (Form::Container, _) => return Err(Unsupported("create of a container".into())),
        (Form::Ttl(_), _) => return Err(Unsupported("create with a TTL".into())),
    };
    Ok(Op::Create { path, data, acl, mode })
}

/// Proves who somebody is.
pub fn auth(scheme: &str, credential: Option<&Bytes>) -> Result<Op, Unsupported> {
    let _ = (scheme, credential);
    Err(Unsupported("auth".into()))
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
    let Packet::WatcherEvent(event) = packet else { return None };
    Some(Heard { kind: event.kind, path: event.path.clone() })
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
    }
    result
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
