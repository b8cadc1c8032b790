//! The requests of a transcript: those to a server in the words of the protocol, and what else happens to sessions. Paths and numbers are taken as
//! they stand: what a server thinks of them is what is compared.

use std::sync::Arc;

use super::fields::{Fields, Wrong};
use crate::proto::{AclList, CreateForm, CreateMode, Micros, Op, Path, WatcherType};

/// One line's request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Request {
    /// A session begins, on the next server of the round.
    Open { timeout: Micros },
    /// The connection goes silent until the session has expired.
    Expire,
    /// The connection is cut, the session is kept.
    Drop,
    /// A new connection with the same session, `hop` servers further.
    Reconnect {
        hop: u32,
        /// The watches that the client knows of are registered again.
        rewatch: bool,
        /// Whatever the session proved to be is proved again.
        reauth: bool,
    },
    /// At least so much time passes.
    Advance(Micros),
    /// Passes of the checker for containers and TTL nodes, until one finds nothing.
    Sweep,
    /// What a server is asked and answers: one packet, one reply.
    Op(Op),
}

/// The modes by their names, at their numbers on the wire. Source: `CreateMode`.
const MODES: [&str; 7] = ["persistent", "ephemeral", "persistent_sequential", "ephemeral_sequential", "container", "ttl", "ttl_sequential"];

/// The same for watches that stay. Source: `AddWatchMode`.
const WATCH_MODES: [&str; 2] = ["persistent", "recursive"];

const WATCH_KINDS: [(&str, WatcherType); 5] = [
    ("children", WatcherType::Children),
    ("data", WatcherType::Data),
    ("any", WatcherType::Any),
    ("persistent", WatcherType::Persistent),
    ("recursive", WatcherType::PersistentRecursive),
];

const OPS: [&str; 26] = [
    "open",
    "close",
    "expire",
    "drop",
    "reconnect",
    "create",
    "delete",
    "set",
    "set_acl",
    "get",
    "exists",
    "children",
    "children2",
    "get_acl",
    "sync",
    "count",
    "ephemerals",
    "whoami",
    "multi",
    "multi_read",
    "auth",
    "add_watch",
    "remove_watches",
    "check_watches",
    "advance",
    "sweep",
];

const MULTI_OPS: [&str; 4] = ["create", "delete", "set", "check"];
const MULTI_READ_OPS: [&str; 2] = ["get", "children"];

impl Request {
    /// Reads the object of a line's `req`.
    pub(super) fn read(mut fields: Fields) -> Result<Request, Wrong> {
        let all = 0..=i64::from(i32::MAX);
        let request = match fields.text("op")? {
            "open" => Request::Open { timeout: millis(fields.number("timeout", all)?) },
            "expire" => Request::Expire,
            "drop" => Request::Drop,
            "reconnect" => {
                let hop = fields.int("hop", 1)?;
                let hop = u32::try_from(hop).map_err(|_| Wrong::new(format!("{}: {hop} is negative", fields.at("hop"))))?;
                Request::Reconnect { hop, rewatch: fields.flag("rewatch", true)?, reauth: fields.flag("reauth", true)? }
            }
            "advance" => Request::Advance(millis(fields.number("ms", all)?)),
            "sweep" => Request::Sweep,
            name => Request::Op(op(name, &mut fields)?),
        };
        fields.finish()?;
        Ok(request)
    }

    /// Whether it belongs to no session.
    pub const fn is_of_nobody(&self) -> bool {
        matches!(self, Request::Advance(_) | Request::Sweep)
    }

    /// Whether its events have no order of their own: several deletions at once, in the order of a hash set.
    pub const fn shuffles_events(&self) -> bool {
        matches!(self, Request::Expire | Request::Sweep | Request::Op(Op::CloseSession))
    }
}

fn millis(number: i64) -> Micros {
    Micros::from_millis(number.unsigned_abs())
}

fn op(name: &str, fields: &mut Fields) -> Result<Op, Wrong> {
    Ok(match name {
        "close" => Op::CloseSession,
        "auth" => Op::Auth { scheme: fields.text("scheme")?.into(), credential: fields.data("cred")? },
        "set_acl" => Op::SetAcl { path: path(fields)?, acl: acl(fields)?, version: fields.int("version", -1)? },
        "exists" => Op::Exists { path: path(fields)?, watch: fields.flag("watch", false)? },
        "children2" => Op::GetChildren2 { path: path(fields)?, watch: fields.flag("watch", false)? },
        "get_acl" => Op::GetAcl { path: path(fields)? },
        "sync" => Op::Sync { path: path(fields)? },
        "count" => Op::GetAllChildrenNumber { path: path(fields)? },
        "ephemerals" => Op::GetEphemerals { prefix: path(fields)? },
        "whoami" => Op::WhoAmI,
        "multi" => Op::Multi(parts(fields, &MULTI_OPS)?),
        "multi_read" => Op::MultiRead(parts(fields, &MULTI_READ_OPS)?),
        "add_watch" => Op::AddWatch { path: path(fields)?, mode: watch_mode(fields)? },
        "remove_watches" => Op::RemoveWatches { path: path(fields)?, kind: watch_kind(fields)? },
        "check_watches" => Op::CheckWatches { path: path(fields)?, kind: watch_kind(fields)? },
        // A check stands only within a multi.
        "create" | "delete" | "set" | "get" | "children" => part(name, fields)?,
        _ => return Err(Wrong::unknown(&fields.at("op"), "request", name, &OPS)),
    })
}

fn parts(fields: &mut Fields, allowed: &[&str]) -> Result<Arc<[Op]>, Wrong> {
    let read = |mut fields: Fields| {
        let name = fields.text("op")?;
        if !allowed.contains(&name) {
            return Err(Wrong::unknown(&fields.at("op"), "part of this request", name, allowed));
        }
        let op = part(name, &mut fields)?;
        fields.finish().map(|()| op)
    };
    fields.objects("ops")?.into_iter().map(read).collect()
}

/// A request that may stand alone or be a part of another.
fn part(name: &str, fields: &mut Fields) -> Result<Op, Wrong> {
    let path = path(fields)?;
    Ok(match name {
        "create" => create(path, fields)?,
        "delete" => Op::Delete { path, version: fields.int("version", -1)? },
        "set" => Op::SetData { path, data: fields.data("data")?, version: fields.int("version", -1)? },
        "check" => Op::Check { path, version: fields.int("version", -1)? },
        "get" => Op::GetData { path, watch: fields.flag("watch", false)? },
        _ => Op::GetChildren { path, watch: fields.flag("watch", false)? },
    })
}

/// Containers and TTL nodes have requests of their own; a number instead of a mode goes to the server as it is.
fn create(path: Path, fields: &mut Fields) -> Result<Op, Wrong> {
    let (data, acl, stat) = (fields.data("data")?, fields.acl("acl")?, fields.flag("stat", false)?);
    let plain = if stat { CreateForm::Create2 } else { CreateForm::Create };
    let (mode, form) = if fields.get("flags").is_some() {
        (CreateMode::numbered(fields.int("flags", 0)?), plain)
    } else {
        let name = fields.get("mode").map_or(Ok(MODES[0]), |_| fields.text("mode"))?;
        let Some(flags) = MODES.iter().position(|known| *known == name) else {
            return Err(Wrong::unknown(&fields.at("mode"), "mode", name, &MODES));
        };
        let mode = CreateMode::numbered(flags as i32);
        let form = match mode {
            CreateMode::Container => CreateForm::Container,
            mode if mode.is_ttl() => CreateForm::Ttl(fields.number("ttl", i64::MIN..=i64::MAX)?),
            _ => plain,
        };
        (mode, form)
    };
    Ok(Op::Create { form, path, data, acl, mode })
}

fn path(fields: &mut Fields) -> Result<Path, Wrong> {
    fields.text("path").map(Path::from)
}

/// Unlike a create, whoever sets a list must say which.
fn acl(fields: &mut Fields) -> Result<AclList, Wrong> {
    fields.need("acl").and_then(|_| fields.acl("acl"))
}

/// A number goes to the server as it is.
fn watch_mode(fields: &mut Fields) -> Result<i32, Wrong> {
    if fields.need("mode")?.is_number() {
        return fields.int("mode", 0);
    }
    let name = fields.text("mode")?;
    let found = WATCH_MODES.iter().position(|known| *known == name);
    found.map(|number| number as i32).ok_or_else(|| Wrong::unknown(&fields.at("mode"), "mode of a watch", name, &WATCH_MODES))
}

fn watch_kind(fields: &mut Fields) -> Result<WatcherType, Wrong> {
    let name = fields.text("kind")?;
    let found = WATCH_KINDS.iter().find(|(known, _)| *known == name);
    found.map(|(_, kind)| *kind).ok_or_else(|| Wrong::unknown(&fields.at("kind"), "kind of watches", name, &WATCH_KINDS.map(|(known, _)| known)))
}
