//! From a server's answer to what a transcript says.

use serde_json::{Map, Value, json};

use super::names::Names;
use crate::proto::{Answer, Bytes, ClientReply, ErrorCode, Op, Stat};

/// A reply as a transcript's `res`.
pub fn result(op: &Op, reply: &ClientReply, names: &Names) -> Map<String, Value> {
    match (op, &reply.result) {
        (_, Err(code)) => failure(*code),
        // It is answered with its path, which the packets here do not carry.
        (Op::Sync { path }, Ok(_)) => with(done(), "path", path.as_ref().into()),
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
        Answer::RolledBack(codes) => one("results", codes.iter().map(|code| Value::Object(rolled_back(*code))).collect()),
        Answer::ClientInfos(ids) => one("ids", sorted(ids, |id| json!([id.scheme, id.id]))),
    }
}

fn part_json(part: &Result<Answer, ErrorCode>, names: &Names) -> Map<String, Value> {
    part.as_ref().map_or_else(|code| failure(*code), |answer| success(answer, names))
}

/// A part of a multi that failed.
fn rolled_back(code: ErrorCode) -> Map<String, Value> {
    if code == ErrorCode::Ok { with(done(), "rolled_back", true.into()) } else { failure(code) }
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
