//! What a client may ask a server for. Source: `ZooDefs.OpCode` and the `*Request` records of zookeeper.jute; data-model reference §4, §5.

use std::fmt;
use std::sync::Arc;

use super::acl::acl_size;
use super::{AclList, AclText, AddWatchMode, Bytes, CreateForm, Path, Reconfiguration, SetWatches, WatcherType, bytes_as_words};

/// What is asked. Paths of sequential nodes end before the number. A version of -1 matches any.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Op {
    /// The form says what is made and told; the mode must not contradict it, but need not agree.
    Create {
        form: CreateForm,
        path: Path,
        data: Option<Bytes>,
        acl: AclList,
        mode: CreateMode,
    },
    Delete {
        path: Path,
        version: i32,
    },
    /// Made by the leader for a container or TTL node whose time is over.
    DeleteContainer {
        path: Path,
    },
    SetData {
        path: Path,
        data: Option<Bytes>,
        version: i32,
    },
    /// Here the version is that of the list.
    SetAcl {
        path: Path,
        acl: AclList,
        version: i32,
    },
    /// A part of a multi: nothing changes, but the node must be there in this version.
    Check {
        path: Path,
        version: i32,
    },
    /// All of it or nothing: creates, deletes, sets and checks.
    Multi(Arc<[Op]>),
    /// Another membership of the ensemble.
    Reconfig(Arc<Reconfiguration>),
    GetData {
        path: Path,
        watch: bool,
    },
    Exists {
        path: Path,
        watch: bool,
    },
    GetChildren {
        path: Path,
        watch: bool,
    },
    /// Children with the stat of their parent.
    GetChildren2 {
        path: Path,
        watch: bool,
    },
    GetAcl {
        path: Path,
    },
    /// How many nodes are below, at any depth.
    GetAllChildrenNumber {
        path: Path,
    },
    /// The session's own ephemerals whose paths begin so.
    GetEphemerals {
        prefix: Path,
    },
    /// Reads of data and children, each for itself.
    MultiRead(Arc<[Op]>),
    WhoAmI,
    Sync {
        path: Path,
    },
    AddWatch {
        path: Path,
        /// See [`AddWatchMode::numbered`].
        mode: i32,
    },
    RemoveWatches {
        path: Path,
        kind: WatcherType,
    },
    /// Whether there are such watches.
    CheckWatches {
        path: Path,
        kind: WatcherType,
    },
    /// Made by a client's library after it came back.
    SetWatches(Arc<SetWatches>),
    /// Proves who the client is. Belongs to the connection: its xid is [`AUTH_XID`], and it passes no processor.
    Auth {
        scheme: Arc<str>,
        credential: Option<Bytes>,
    },
    Ping,
    CloseSession,
    /// Made by a server for a client that connects without a session. Milliseconds.
    CreateSession {
        timeout: i32,
    },
}

/// The xid of an [`Op::Auth`] and its answer. Source: `ClientCnxn.AUTHPACKET_XID`.
pub const AUTH_XID: i32 = -4;

/// What becomes of a new node, as the flags of a create say it. Source: `CreateMode`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CreateMode {
    Persistent,
    Ephemeral,
    PersistentSequential,
    EphemeralSequential,
    /// Deleted once it has been used and is empty again.
    Container,
    /// Deleted when nothing has changed for some time.
    Ttl,
    TtlSequential,
    /// A number that stands for nothing: to be refused.
    Unknown(i32),
}

impl CreateMode {
    /// The mode with this number on the wire.
    pub const fn numbered(flags: i32) -> CreateMode {
        match flags {
            0 => CreateMode::Persistent,
            1 => CreateMode::Ephemeral,
            2 => CreateMode::PersistentSequential,
            3 => CreateMode::EphemeralSequential,
            4 => CreateMode::Container,
            5 => CreateMode::Ttl,
            6 => CreateMode::TtlSequential,
            _ => CreateMode::Unknown(flags),
        }
    }

    /// Its number on the wire.
    pub const fn number(self) -> i32 {
        match self {
            CreateMode::Persistent => 0,
            CreateMode::Ephemeral => 1,
            CreateMode::PersistentSequential => 2,
            CreateMode::EphemeralSequential => 3,
            CreateMode::Container => 4,
            CreateMode::Ttl => 5,
            CreateMode::TtlSequential => 6,
            CreateMode::Unknown(flags) => flags,
        }
    }

    pub const fn is_ephemeral(self) -> bool {
        matches!(self, CreateMode::Ephemeral | CreateMode::EphemeralSequential)
    }

    pub const fn is_sequential(self) -> bool {
        matches!(self, CreateMode::PersistentSequential | CreateMode::EphemeralSequential | CreateMode::TtlSequential)
    }

    /// Whether it needs a time to live.
    pub const fn is_ttl(self) -> bool {
        matches!(self, CreateMode::Ttl | CreateMode::TtlSequential)
    }
}

impl Op {
    /// A create as it is usually asked for: answered with the path alone.
    pub const fn create(path: Path, data: Option<Bytes>, acl: AclList, mode: CreateMode) -> Op {
        Op::Create { form: CreateForm::Create, path, data, acl, mode }
    }

    /// Whether it takes a zxid: the leader makes a transaction of it.
    pub const fn is_write(&self) -> bool {
        matches!(
            self,
            Op::Create { .. }
                | Op::Delete { .. }
                | Op::DeleteContainer { .. }
                | Op::SetData { .. }
                | Op::SetAcl { .. }
                | Op::Check { .. }
                | Op::Multi(_)
                | Op::Reconfig(_)
                | Op::CloseSession
                | Op::CreateSession { .. }
        )
    }

    /// Whether it may be a part of a multi. Source: `MultiOperationRecord`.
    pub const fn fits_multi(&self) -> bool {
        matches!(self, Op::Create { .. } | Op::Delete { .. } | Op::SetData { .. } | Op::Check { .. })
    }

    /// Whether it may be a part of a multiRead.
    pub const fn fits_multi_read(&self) -> bool {
        matches!(self, Op::GetData { .. } | Op::GetChildren { .. })
    }

    /// Whether it sets, takes away or looks for watches.
    pub const fn concerns_watches(&self) -> bool {
        match self {
            Op::GetData { watch, .. } | Op::Exists { watch, .. } | Op::GetChildren { watch, .. } | Op::GetChildren2 { watch, .. } => *watch,
            Op::AddWatch { .. } | Op::RemoveWatches { .. } | Op::CheckWatches { .. } | Op::SetWatches(_) => true,
            _ => false,
        }
    }

    /// The number of the request. Source: `ZooDefs.OpCode`.
    pub fn number(&self) -> i32 {
        match self {
            Op::Create { form: CreateForm::Create, .. } => 1,
            Op::Delete { .. } => 2,
            Op::Exists { .. } => 3,
            Op::GetData { .. } => 4,
            Op::SetData { .. } => 5,
            Op::GetAcl { .. } => 6,
            Op::SetAcl { .. } => 7,
            Op::GetChildren { .. } => 8,
            Op::Sync { .. } => 9,
            Op::Ping => 11,
            Op::GetChildren2 { .. } => 12,
            Op::Check { .. } => 13,
            Op::Multi(_) => 14,
            Op::Create { form: CreateForm::Create2, .. } => 15,
            Op::Reconfig(_) => 16,
            Op::Create { form: CreateForm::Container, .. } => 19,
            Op::CheckWatches { .. } => 17,
            Op::RemoveWatches { .. } => 18,
            Op::DeleteContainer { .. } => 20,
            Op::Create { form: CreateForm::Ttl(_), .. } => 21,
            Op::MultiRead(_) => 22,
            Op::Auth { .. } => 100,
            Op::SetWatches(watches) => {
                if watches.is_second_form() {
                    105
                } else {
                    101
                }
            }
            Op::GetEphemerals { .. } => 103,
            Op::GetAllChildrenNumber { .. } => 104,
            Op::AddWatch { .. } => 106,
            Op::WhoAmI => 107,
            Op::CreateSession { .. } => -10,
            Op::CloseSession => -11,
        }
    }

    /// Bytes of its record, as jute writes it: without the header.
    pub fn size(&self) -> u32 {
        let bytes = |data: &Option<Bytes>| 4 + data.as_ref().map_or(0, |data| data.len() as u32);
        // Each part has a header of 9 bytes, and a last one ends the list.
        let parts = |parts: &[Op]| 9 + parts.iter().map(|part| 9 + part.size()).sum::<u32>();
        match self {
            Op::Create { form, path, data, acl, .. } => {
                let ttl = if let CreateForm::Ttl(_) = form { 8 } else { 0 };
                text_size(path) + bytes(data) + acl_size(acl) + 4 + ttl
            }
            Op::SetData { path, data, .. } => text_size(path) + bytes(data) + 4,
            Op::SetAcl { path, acl, .. } => text_size(path) + acl_size(acl) + 4,
            Op::Delete { path, .. } | Op::Check { path, .. } => text_size(path) + 4,
            Op::GetData { path, .. } | Op::Exists { path, .. } | Op::GetChildren { path, .. } | Op::GetChildren2 { path, .. } => text_size(path) + 1,
            Op::DeleteContainer { path }
            | Op::GetAcl { path }
            | Op::GetAllChildrenNumber { path }
            | Op::GetEphemerals { prefix: path }
            | Op::Sync { path } => text_size(path),
            Op::Multi(ops) | Op::MultiRead(ops) => parts(ops),
            Op::Reconfig(change) => change.size(),
            Op::Auth { scheme, credential } => 4 + text_size(scheme) + bytes(credential),
            Op::AddWatch { path, .. } | Op::RemoveWatches { path, .. } | Op::CheckWatches { path, .. } => text_size(path) + 4,
            Op::SetWatches(watches) => 8 + watches.lists().map(|list| 4 + list.iter().map(|path| text_size(path)).sum::<u32>()).iter().sum::<u32>(),
            Op::CreateSession { .. } => 4,
            Op::WhoAmI | Op::Ping | Op::CloseSession => 0,
        }
    }

    /// All that it says as 64-bit values, for the digest.
    pub fn words(&self, word: &mut impl FnMut(u64)) {
        word(self.number() as u64);
        match self {
            Op::Create { form, path, data, acl, mode } => {
                word(mode.number() as u64);
                if let CreateForm::Ttl(millis) = form {
                    word(*millis as u64);
                }
                text_words(path, word);
                data_words(data, word);
                acl.iter().for_each(|entry| entry.words(word));
            }
            Op::SetData { path, data, version } => {
                word(*version as u64);
                text_words(path, word);
                data_words(data, word);
            }
            Op::SetAcl { path, acl, version } => {
                word(*version as u64);
                text_words(path, word);
                acl.iter().for_each(|entry| entry.words(word));
            }
            Op::Delete { path, version } | Op::Check { path, version } => {
                word(*version as u64);
                text_words(path, word);
            }
            Op::GetData { path, watch } | Op::Exists { path, watch } | Op::GetChildren { path, watch } | Op::GetChildren2 { path, watch } => {
                word(u64::from(*watch));
                text_words(path, word);
            }
            Op::DeleteContainer { path }
            | Op::GetAcl { path }
            | Op::GetAllChildrenNumber { path }
            | Op::GetEphemerals { prefix: path }
            | Op::Sync { path } => text_words(path, word),
            Op::Multi(ops) | Op::MultiRead(ops) => {
                word(ops.len() as u64);
                ops.iter().for_each(|op| op.words(word));
            }
            Op::Reconfig(change) => change.words(word),
            Op::Auth { scheme, credential } => {
                text_words(scheme, word);
                data_words(credential, word);
            }
            Op::AddWatch { path, mode } => {
                word(*mode as u64);
                text_words(path, word);
            }
            Op::RemoveWatches { path, kind } | Op::CheckWatches { path, kind } => {
                word(*kind as u64);
                text_words(path, word);
            }
            Op::SetWatches(watches) => {
                word(watches.relative_zxid.0 as u64);
                for list in watches.lists() {
                    word(list.len() as u64);
                    list.iter().for_each(|path| text_words(path, word));
                }
            }
            Op::CreateSession { timeout } => word(*timeout as u64),
            Op::WhoAmI | Op::Ping | Op::CloseSession => {}
        }
    }
}

/// A string with its length.
fn text_size(text: &str) -> u32 {
    4 + text.len() as u32
}

fn text_words(text: &str, word: &mut impl FnMut(u64)) {
    bytes_as_words(text.as_bytes(), word);
}

/// Null counts as empty.
fn data_words(data: &Option<Bytes>, word: &mut impl FnMut(u64)) {
    bytes_as_words(data.as_deref().unwrap_or_default(), word);
}

/// As zkCli would be told to do it: `create -e /a`, `set /a`. What zkCli has no words for is called by its name in the protocol.
impl fmt::Display for Op {
    fn fmt(&self, out: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Op::Create { form, path, mode, data, .. } => write!(out, "{}{} {path}{}", Verb(*form), Flags(*form, *mode), Shown(data)),
            Op::Delete { path, version } => write!(out, "delete{} {path}", Version(*version)),
            Op::DeleteContainer { path } => write!(out, "deleteContainer {path}"),
            Op::SetData { path, version, data } => write!(out, "set{} {path}{}", Version(*version), Shown(data)),
            Op::SetAcl { path, acl, version } => write!(out, "setAcl{} {path} {}", Version(*version), AclText(acl)),
            Op::Check { path, version } => write!(out, "check{} {path}", Version(*version)),
            Op::Multi(ops) => write!(out, "multi {}", Parts(ops)),
            Op::Reconfig(change) => write!(out, "{change}"),
            Op::GetData { path, watch } => write!(out, "get{} {path}", Watched(*watch)),
            Op::Exists { path, watch } => write!(out, "stat{} {path}", Watched(*watch)),
            Op::GetChildren { path, watch } => write!(out, "ls{} {path}", Watched(*watch)),
            Op::GetChildren2 { path, watch } => write!(out, "ls -s{} {path}", Watched(*watch)),
            Op::GetAcl { path } => write!(out, "getAcl {path}"),
            Op::GetAllChildrenNumber { path } => write!(out, "getAllChildrenNumber {path}"),
            Op::GetEphemerals { prefix } => write!(out, "getEphemerals {prefix}"),
            Op::MultiRead(ops) => write!(out, "multiRead {}", Parts(ops)),
            Op::WhoAmI => write!(out, "whoami"),
            Op::Sync { path } => write!(out, "sync {path}"),
            Op::AddWatch { path, mode } => match AddWatchMode::numbered(*mode) {
                Some(mode) => write!(out, "addWatch -m {mode} {path}"),
                None => write!(out, "addWatch -m {mode} {path}"),
            },
            Op::RemoveWatches { path, kind } => write!(out, "removewatches {} {path}", kind.option()),
            Op::CheckWatches { path, kind } => write!(out, "checkwatches {} {path}", kind.option()),
            Op::SetWatches(watches) => write!(out, "set {} watches again, from {} on", watches.count(), watches.relative_zxid),
            Op::Auth { scheme, credential } => write!(out, "addauth {scheme}{}", Shown(credential)),
            Op::Ping => write!(out, "ping"),
            Op::CloseSession => write!(out, "close"),
            Op::CreateSession { timeout } => write!(out, "create session, timeout {timeout} ms"),
        }
    }
}

/// `create`, unless the answer tells the stat as well.
struct Verb(CreateForm);

impl fmt::Display for Verb {
    fn fmt(&self, out: &mut fmt::Formatter) -> fmt::Result {
        out.write_str(if self.0 == CreateForm::Create2 { "create2" } else { "create" })
    }
}

/// ` -e -s`, and what else zkCli is told of the kind of node.
struct Flags(CreateForm, CreateMode);

impl fmt::Display for Flags {
    fn fmt(&self, out: &mut fmt::Formatter) -> fmt::Result {
        let Flags(form, mode) = *self;
        let is_plain = matches!(form, CreateForm::Create | CreateForm::Create2);
        match mode {
            CreateMode::Container if is_plain => write!(out, " (mode 4)")?,
            CreateMode::Ttl | CreateMode::TtlSequential if is_plain => write!(out, " (mode {})", mode.number())?,
            CreateMode::Unknown(flags) => write!(out, " (mode {flags})")?,
            _ => {}
        }
        if mode.is_ephemeral() {
            write!(out, " -e")?;
        }
        if mode.is_sequential() {
            write!(out, " -s")?;
        }
        match form {
            CreateForm::Container => write!(out, " -c"),
            CreateForm::Ttl(millis) => write!(out, " -t {millis}"),
            CreateForm::Create | CreateForm::Create2 => Ok(()),
        }
    }
}

/// `(create /a, delete /b)`.
struct Parts<'a>(&'a [Op]);

impl fmt::Display for Parts<'_> {
    fn fmt(&self, out: &mut fmt::Formatter) -> fmt::Result {
        out.write_str("(")?;
        for (at, op) in self.0.iter().enumerate() {
            write!(out, "{}{op}", if at > 0 { ", " } else { "" })?;
        }
        out.write_str(")")
    }
}

/// ` -w`, or nothing.
struct Watched(bool);

impl fmt::Display for Watched {
    fn fmt(&self, out: &mut fmt::Formatter) -> fmt::Result {
        out.write_str(if self.0 { " -w" } else { "" })
    }
}

/// ` -v 3`, or nothing for any version.
struct Version(i32);

impl fmt::Display for Version {
    fn fmt(&self, out: &mut fmt::Formatter) -> fmt::Result {
        if self.0 == -1 { Ok(()) } else { write!(out, " -v {}", self.0) }
    }
}

/// Data after a blank: short text as it is, anything else by its size.
struct Shown<'a>(&'a Option<Bytes>);

impl fmt::Display for Shown<'_> {
    fn fmt(&self, out: &mut fmt::Formatter) -> fmt::Result {
        let Some(data) = self.0 else { return Ok(()) };
        match std::str::from_utf8(data) {
            Ok(text) if text.len() <= 40 && text.chars().all(|it| it.is_ascii_graphic()) => write!(out, " {text}"),
            _ => write!(out, " ({} bytes)", data.len()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proto::Acl;

    #[test]
    fn modes_are_their_numbers() {
        for flags in -2..9 {
            assert_eq!(CreateMode::numbered(flags).number(), flags);
            assert_eq!(CreateMode::numbered(flags) == CreateMode::Unknown(flags), !(0..7).contains(&flags));
        }
    }

    #[test]
    fn requests_as_zk_cli_is_told() {
        let path = || Path::from("/a");
        let create = |form, mode| Op::Create { form, path: path(), data: Some(b"x".as_slice().into()), acl: Acl::open(), mode };
        for (op, text) in [
            (create(CreateForm::Create, CreateMode::EphemeralSequential), "create -e -s /a x"),
            (create(CreateForm::Create2, CreateMode::Persistent), "create2 /a x"),
            (create(CreateForm::Container, CreateMode::Container), "create -c /a x"),
            (create(CreateForm::Ttl(500), CreateMode::TtlSequential), "create -s -t 500 /a x"),
            (create(CreateForm::Create, CreateMode::Unknown(9)), "create (mode 9) /a x"),
            (Op::SetAcl { path: path(), acl: Acl::open(), version: 3 }, "setAcl -v 3 /a world:anyone:cdrwa"),
            (
                Op::Multi([Op::Check { path: path(), version: 2 }, Op::Delete { path: path(), version: -1 }].into()),
                "multi (check -v 2 /a, delete /a)",
            ),
            (Op::GetChildren2 { path: path(), watch: true }, "ls -s -w /a"),
            (Op::Auth { scheme: "digest".into(), credential: Some(b"u:p".as_slice().into()) }, "addauth digest u:p"),
        ] {
            assert_eq!(op.to_string(), text);
        }
    }

    /// As jute writes them: `CreateRequest` with its 4 bytes of flags, a multi with a header for each part and one at the end.
    #[test]
    fn sizes_are_those_of_the_records() {
        let create = Op::create("/a".into(), Some(b"xy".as_slice().into()), Acl::open(), CreateMode::Persistent);
        let acl = 4 + (4 + 4 + 5 + 4 + 6);
        assert_eq!(create.size(), 6 + 6 + acl + 4);
        assert_eq!(Op::Multi([create].into()).size(), 9 + (6 + 6 + acl + 4) + 9);
        assert_eq!(Op::SetData { path: "/a".into(), data: None, version: 0 }.size(), 6 + 4 + 4);
    }
}
