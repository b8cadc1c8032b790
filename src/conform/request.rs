//! The requests of a transcript, typed. Paths and numbers are taken as they stand: what a server thinks of them is what is compared.

use super::fields::{Fields, Wrong};
use crate::proto::{AclList, Bytes, CreateForm, Micros, Path, WatcherType};

/// One line's request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Request {
    /// A session begins, on the next server of the round.
    Open {
        timeout: Micros,
    },
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
    Auth {
        scheme: String,
        credential: Option<Bytes>,
    },
    /// At least so much time passes.
    Advance(Micros),
    /// Passes of the checker for containers and TTL nodes, until one finds nothing.
    Sweep,
    /// What a server is asked and answers.
    Call(Call),
}

/// A request in the narrow sense: one packet, one reply.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Call {
    Close,
    Create(Create),
    Delete {
        path: Path,
        version: i32,
    },
    Set {
        path: Path,
        data: Option<Bytes>,
        version: i32,
    },
    SetAcl {
        path: Path,
        acl: AclList,
        version: i32,
    },
    Check {
        path: Path,
        version: i32,
    },
    Get {
        path: Path,
        watch: bool,
    },
    Exists {
        path: Path,
        watch: bool,
    },
    Children {
        path: Path,
        watch: bool,
    },
    /// Children with the stat of their parent.
    Children2 {
        path: Path,
        watch: bool,
    },
    GetAcl {
        path: Path,
    },
    Sync {
        path: Path,
    },
    /// How many nodes there are below.
    Count {
        path: Path,
    },
    /// The session's own ephemerals below.
    Ephemerals {
        path: Path,
    },
    WhoAmI,
    Multi(Vec<Call>),
    MultiRead(Vec<Call>),
    /// 0 persistent, 1 recursive; anything else is to be refused.
    AddWatch {
        path: Path,
        mode: i32,
    },
    RemoveWatches {
        path: Path,
        kind: WatcherType,
    },
    CheckWatches {
        path: Path,
        kind: WatcherType,
    },
}

/// A create, by whichever of the four requests for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Create {
    pub path: Path,
    pub data: Option<Bytes>,
    pub acl: AclList,
    /// The number of its mode on the wire, which need not be one that exists.
    pub flags: i32,
    /// Which of the requests: they differ in what else they say and in what they are answered.
    pub form: CreateForm,
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
            "auth" => Request::Auth { scheme: fields.text("scheme")?.into(), credential: fields.data("cred")? },
            "advance" => Request::Advance(millis(fields.number("ms", all)?)),
            "sweep" => Request::Sweep,
            op => Request::Call(call(op, &mut fields)?),
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
        matches!(self, Request::Expire | Request::Sweep | Request::Call(Call::Close))
    }
}

fn millis(number: i64) -> Micros {
    Micros::from_millis(number.unsigned_abs())
}

fn call(op: &str, fields: &mut Fields) -> Result<Call, Wrong> {
    Ok(match op {
        "close" => Call::Close,
        "set_acl" => Call::SetAcl { path: path(fields)?, acl: acl(fields)?, version: fields.int("version", -1)? },
        "exists" => Call::Exists { path: path(fields)?, watch: fields.flag("watch", false)? },
        "children2" => Call::Children2 { path: path(fields)?, watch: fields.flag("watch", false)? },
        "get_acl" => Call::GetAcl { path: path(fields)? },
        "sync" => Call::Sync { path: path(fields)? },
        "count" => Call::Count { path: path(fields)? },
        "ephemerals" => Call::Ephemerals { path: path(fields)? },
        "whoami" => Call::WhoAmI,
        "multi" => Call::Multi(parts(fields, &MULTI_OPS)?),
        "multi_read" => Call::MultiRead(parts(fields, &MULTI_READ_OPS)?),
        "add_watch" => Call::AddWatch { path: path(fields)?, mode: watch_mode(fields)? },
        "remove_watches" => Call::RemoveWatches { path: path(fields)?, kind: watch_kind(fields)? },
        "check_watches" => Call::CheckWatches { path: path(fields)?, kind: watch_kind(fields)? },
        // A check stands only within a multi.
        "create" | "delete" | "set" | "get" | "children" => part(op, fields)?,
        _ => return Err(Wrong::unknown(&fields.at("op"), "request", op, &OPS)),
    })
}

fn parts(fields: &mut Fields, allowed: &[&str]) -> Result<Vec<Call>, Wrong> {
    let read = |mut fields: Fields| {
        let op = fields.text("op")?;
        if !allowed.contains(&op) {
            return Err(Wrong::unknown(&fields.at("op"), "part of this request", op, allowed));
        }
        let call = part(op, &mut fields)?;
        fields.finish().map(|()| call)
    };
    fields.objects("ops")?.into_iter().map(read).collect()
}

/// A request that may stand alone or be a part of another.
fn part(op: &str, fields: &mut Fields) -> Result<Call, Wrong> {
    let path = path(fields)?;
    Ok(match op {
        "create" => Call::Create(create(path, fields)?),
        "delete" => Call::Delete { path, version: fields.int("version", -1)? },
        "set" => Call::Set { path, data: fields.data("data")?, version: fields.int("version", -1)? },
        "check" => Call::Check { path, version: fields.int("version", -1)? },
        "get" => Call::Get { path, watch: fields.flag("watch", false)? },
        _ => Call::Children { path, watch: fields.flag("watch", false)? },
    })
}

/// Containers and TTL nodes have requests of their own; a number instead of a mode goes to the server as it is.
fn create(path: Path, fields: &mut Fields) -> Result<Create, Wrong> {
    let (data, acl, stat) = (fields.data("data")?, fields.acl("acl")?, fields.flag("stat", false)?);
    let plain = if stat { CreateForm::Create2 } else { CreateForm::Create };
    let (flags, form) = if fields.get("flags").is_some() {
        (fields.int("flags", 0)?, plain)
    } else {
        let mode = fields.get("mode").map_or(Ok(MODES[0]), |_| fields.text("mode"))?;
        let Some(flags) = MODES.iter().position(|known| *known == mode) else {
            return Err(Wrong::unknown(&fields.at("mode"), "mode", mode, &MODES));
        };
        let form = match flags {
            4 => CreateForm::Container,
            5 | 6 => CreateForm::Ttl(fields.number("ttl", i64::MIN..=i64::MAX)?),
            _ => plain,
        };
        (flags as i32, form)
    };
    Ok(Create { path, data, acl, flags, form })
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
