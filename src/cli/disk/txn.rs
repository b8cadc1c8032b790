//! A transaction in one line, as TxnLogToolkit prints it, or as a JSON object.

use std::fmt::Write;

use serde_json::{Map, Value, json};

use crate::proto::date::utc;
use crate::proto::{Acl, Bytes, CreateForm, Proposal, Txn};

/// Characters of data that text shows; JSON has all of it.
const DATA_SHOWN: usize = 100;

/// `2026-11-22T05:02:56.628Z session 0x100004f10630000 cxid 0x1 zxid 0x100000004 create /app0,v0,[31,world,anyone],false,1`.
pub fn line(proposal: &Proposal) -> String {
    let header = &proposal.header;
    let name = name(&proposal.txn);
    let detail = detail(&proposal.txn);
    let head = format!("{} session {:#x} cxid {:#x} zxid {:#x}", utc(header.time), header.session.0, i64::from(header.cxid), header.zxid.0);
    if detail.is_empty() { format!("{head} {name}") } else { format!("{head} {name} {detail}") }
}

/// All that is known of a transaction; `at` is its place in the file.
pub fn object(proposal: &Proposal, at: u64) -> Value {
    let header = &proposal.header;
    let mut object = Map::new();
    let mut put = |key: &str, value: Value| drop(object.insert(key.into(), value));
    put("kind", "txn".into());
    put("at", at.into());
    put("zxid", format!("{:#x}", header.zxid.0).into());
    put("session", format!("{:#x}", header.session.0).into());
    put("cxid", header.cxid.into());
    put("time", header.time.into());
    fields(&proposal.txn, &mut object);
    Value::Object(object)
}

/// The name of its type. Source: `Request.op2String`.
pub const fn name(txn: &Txn) -> &'static str {
    match txn {
        Txn::CreateSession { .. } => "createSession",
        Txn::CloseSession { .. } => "closeSession",
        Txn::Create { form: CreateForm::Create, .. } => "create",
        Txn::Create { form: CreateForm::Create2, .. } => "create2",
        Txn::Create { form: CreateForm::Container, .. } => "createContainer",
        Txn::Create { form: CreateForm::Ttl(_), .. } => "createTTL",
        Txn::Delete { container: false, .. } => "delete",
        Txn::Delete { container: true, .. } => "deleteContainer",
        Txn::SetData { .. } => "setData",
        Txn::SetAcl { .. } => "setACL",
        Txn::Check { .. } => "check",
        Txn::Multi(_) => "multi",
        Txn::Reconfig { .. } => "reconfig",
        Txn::Error { .. } => "error",
    }
}

/// Its fields, separated by commas, in the order of its record.
fn detail(txn: &Txn) -> String {
    match txn {
        Txn::CreateSession { timeout } => timeout.to_string(),
        Txn::CloseSession { paths } => paths.iter().flat_map(|paths| paths.iter()).map(|path| &**path).collect::<Vec<_>>().join(","),
        Txn::Create { form, path, data, acl, ephemeral, parent_cversion } => {
            let start = format!("{path},{},{}", shown(data), acl_text(acl));
            match form {
                CreateForm::Create | CreateForm::Create2 => format!("{start},{ephemeral},{parent_cversion}"),
                CreateForm::Container => format!("{start},{parent_cversion}"),
                CreateForm::Ttl(ttl) => format!("{start},{parent_cversion},{ttl}"),
            }
        }
        Txn::Delete { path, .. } => path.to_string(),
        Txn::SetData { path, data, version } | Txn::Reconfig { path, data, version } => format!("{path},{},{version}", shown(data)),
        Txn::SetAcl { path, acl, version } => format!("{path},{},{version}", acl_text(acl)),
        Txn::Check { path, version } => format!("{path},{version}"),
        Txn::Error { code } => format!("{} {code}", code.number()),
        Txn::Multi(parts) => parts.iter().map(|part| format!("{}:{}", name(part), detail(part))).collect::<Vec<_>>().join(";"),
    }
}

fn fields(txn: &Txn, object: &mut Map<String, Value>) {
    let mut put = |key: &str, value: Value| drop(object.insert(key.into(), value));
    put("type", name(txn).into());
    match txn {
        Txn::CreateSession { timeout } => put("timeout", (*timeout).into()),
        Txn::CloseSession { paths } => put("paths", paths.as_ref().map_or(Value::Null, |paths| json!(paths))),
        Txn::Create { form, path, data, acl, ephemeral, parent_cversion } => {
            put("path", json!(path));
            put_data(data, &mut put);
            put("acl", acl_value(acl));
            put("ephemeral", (*ephemeral).into());
            put("parent_cversion", (*parent_cversion).into());
            if let CreateForm::Ttl(ttl) = form {
                put("ttl", (*ttl).into());
            }
        }
        Txn::Delete { path, .. } => put("path", json!(path)),
        Txn::SetData { path, data, version } | Txn::Reconfig { path, data, version } => {
            put("path", json!(path));
            put_data(data, &mut put);
            put("version", (*version).into());
        }
        Txn::SetAcl { path, acl, version } => {
            put("path", json!(path));
            put("acl", acl_value(acl));
            put("version", (*version).into());
        }
        Txn::Check { path, version } => {
            put("path", json!(path));
            put("version", (*version).into());
        }
        Txn::Error { code } => {
            put("error", code.number().into());
            put("name", code.name().into());
        }
        Txn::Multi(parts) => {
            let part = |part: &Txn| {
                let mut object = Map::new();
                fields(part, &mut object);
                Value::Object(object)
            };
            put("parts", parts.iter().map(part).collect());
        }
    }
}

/// So many of them, in TxnLogToolkit's word.
pub fn txns(count: usize) -> String {
    if count == 1 { "1 txn".into() } else { format!("{count} txns") }
}

/// `data`: null, or its text; what is no text as `data_hex`.
pub fn put_data(data: &Option<Bytes>, mut put: impl FnMut(&str, Value)) {
    match data.as_deref().map(|bytes| (bytes, std::str::from_utf8(bytes))) {
        None => put("data", Value::Null),
        Some((_, Ok(text))) => put("data", text.into()),
        Some((bytes, Err(_))) => put("data_hex", hex(bytes).into()),
    }
}

/// `[[31, "world", "anyone"]]`.
pub fn acl_value(acl: &[Acl]) -> Value {
    acl.iter().map(|entry| json!([entry.perms, entry.scheme, entry.id])).collect()
}

/// `[31,world,anyone]`, several separated by blanks.
pub fn acl_text(acl: &[Acl]) -> String {
    let entries: Vec<String> = acl.iter().map(|entry| format!("{},{},{}", entry.perms, entry.scheme, entry.id)).collect();
    format!("[{}]", entries.join(" "))
}

/// Data in a line: text with control characters escaped, or bytes; where it is long its beginning. Null is empty, as in TxnLogToolkit.
fn shown(data: &Option<Bytes>) -> String {
    let Some(bytes) = data.as_deref() else { return String::new() };
    let (text, cut) = match std::str::from_utf8(bytes) {
        Ok(text) => (escaped(text.chars().take(DATA_SHOWN)), text.chars().count() > DATA_SHOWN),
        Err(_) => (bytes[..bytes.len().min(DATA_SHOWN)].escape_ascii().to_string(), bytes.len() > DATA_SHOWN),
    };
    if cut { format!("{text}...({} bytes)", bytes.len()) } else { text }
}

fn escaped(letters: impl Iterator<Item = char>) -> String {
    let escape = |letter: char| if letter.is_control() { letter.escape_default().to_string() } else { letter.to_string() };
    letters.map(escape).collect()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
