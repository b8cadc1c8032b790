//! The text form of what clients are told, as it is read back.

use std::fmt;
use std::sync::Arc;

use super::recipe::RecipeLine;
use super::text::{written, written_plainly};
use crate::proto::{Acl, AclText, AddWatchMode, CONFIG_NODE, Claim, Claimed, Command, CreateForm, CreateMode, NodeId, Op, Reconfiguration};

/// A command as it is read back.
pub struct CommandLine<'a>(pub &'a Command);

impl fmt::Display for CommandLine<'_> {
    fn fmt(&self, out: &mut fmt::Formatter) -> fmt::Result {
        match self.0 {
            Command::Connect { server, claim } => {
                write!(out, "connect")?;
                claim.iter().try_for_each(|claim| write!(out, " {}", Claiming(claim)))?;
                server.iter().try_for_each(|server| write!(out, " {server}"))
            }
            Command::ForgetWatches { path, kind } => write!(out, "removewatches {} -l {}", kind.option(), written(path)),
            Command::Recipe(call) => write!(out, "{}", RecipeLine(call)),
            Command::Request(Op::GetData { path, watch }) if &**path == CONFIG_NODE => write!(out, "config{}", if *watch { " -w" } else { "" }),
            Command::Request(op) => write!(out, "{}", OpLine(op)),
        }
    }
}

/// A request as it is read back.
pub struct OpLine<'a>(pub &'a Op);

impl fmt::Display for OpLine<'_> {
    fn fmt(&self, out: &mut fmt::Formatter) -> fmt::Result {
        match self.0 {
            Op::Create { form, path, data, acl, mode } => {
                write!(out, "create {}{}", Kind(*form, *mode), written(path))?;
                data.iter().try_for_each(|data| write!(out, " {}", Data(data)))?;
                if *acl == Acl::open() { Ok(()) } else { write!(out, " {}", written(&AclText(acl).to_string())) }
            }
            Op::SetData { path, data, version } => {
                write!(out, "set {}{} {}", Version(*version), written(path), Data(data.as_deref().unwrap_or_default()))
            }
            Op::Delete { path, version } => write!(out, "delete {}{}", Version(*version), written(path)),
            Op::GetData { path, watch } => write!(out, "get {}{}", Watched(*watch), written(path)),
            Op::Exists { path, watch } => write!(out, "stat {}{}", Watched(*watch), written(path)),
            Op::GetChildren { path, watch } => write!(out, "ls {}{}", Watched(*watch), written(path)),
            Op::GetChildren2 { path, watch } => write!(out, "ls -s {}{}", Watched(*watch), written(path)),
            Op::GetAcl { path } => write!(out, "getAcl {}", written(path)),
            Op::SetAcl { path, acl, version } => {
                write!(out, "setAcl {}{} {}", Version(*version), written(path), written(&AclText(acl).to_string()))
            }
            Op::Auth { scheme, credential } => {
                write!(out, "addauth {}", written(scheme))?;
                credential.iter().try_for_each(|credential| write!(out, " {}", Data(credential)))
            }
            Op::GetEphemerals { prefix } => write!(out, "getEphemerals {}", written(prefix)),
            Op::GetAllChildrenNumber { path } => write!(out, "getAllChildrenNumber {}", written(path)),
            Op::Sync { path } => write!(out, "sync {}", written(path)),
            Op::AddWatch { path, mode } => match AddWatchMode::numbered(*mode) {
                Some(mode) => write!(out, "addWatch -m {mode} {}", written(path)),
                None => write!(out, "addWatch -m {mode} {}", written(path)),
            },
            Op::RemoveWatches { path, kind } => write!(out, "removewatches {} {}", kind.option(), written(path)),
            Op::Check { path, version } => write!(out, "check {}{}", Version(*version), written(path)),
            Op::Multi(parts) => write!(out, "multi {}", Parts(parts)),
            Op::MultiRead(parts) => write!(out, "multiRead {}", Parts(parts)),
            Op::Reconfig(change) => {
                let quoted = |list: &Option<Arc<str>>| list.as_ref().map(|list| written_plainly(list).into());
                let (joining, leaving, members) = (quoted(&change.joining), quoted(&change.leaving), quoted(&change.members));
                write!(out, "{}", Reconfiguration { joining, leaving, members, version: change.version })
            }
            // The rest has no words, or nothing that would need quotes.
            op => write!(out, "{op}"),
        }
    }
}

/// With `;` between them.
struct Parts<'a>(&'a [Op]);

impl fmt::Display for Parts<'_> {
    fn fmt(&self, out: &mut fmt::Formatter) -> fmt::Result {
        for (at, part) in self.0.iter().enumerate() {
            write!(out, "{}{}", if at > 0 { " ; " } else { "" }, OpLine(part))?;
        }
        Ok(())
    }
}

/// `-i c1 -p 0x…`.
struct Claiming<'a>(&'a Claim);

impl fmt::Display for Claiming<'_> {
    fn fmt(&self, out: &mut fmt::Formatter) -> fmt::Result {
        match self.0.of {
            Claimed::Client(number) => write!(out, "-i {}", NodeId::Client(number))?,
            Claimed::Session(id) => write!(out, "-i {id}")?,
        }
        self.0.password.iter().try_for_each(|password| write!(out, " -p {}", Hex(password)))
    }
}

/// `-w `, or nothing.
struct Watched(bool);

impl fmt::Display for Watched {
    fn fmt(&self, out: &mut fmt::Formatter) -> fmt::Result {
        out.write_str(if self.0 { "-w " } else { "" })
    }
}

/// `-e -s `: the options that make this of a create.
struct Kind(CreateForm, CreateMode);

impl fmt::Display for Kind {
    fn fmt(&self, out: &mut fmt::Formatter) -> fmt::Result {
        let Kind(form, mode) = *self;
        out.write_str(if mode.is_ephemeral() { "-e " } else { "" })?;
        out.write_str(if mode.is_sequential() { "-s " } else { "" })?;
        match form {
            CreateForm::Container => out.write_str("-c "),
            CreateForm::Ttl(millis) => write!(out, "-t {millis} "),
            CreateForm::Create | CreateForm::Create2 => Ok(()),
        }
    }
}

/// `-v 3 `, or nothing for any version.
struct Version(i32);

impl fmt::Display for Version {
    fn fmt(&self, out: &mut fmt::Formatter) -> fmt::Result {
        if self.0 == -1 { Ok(()) } else { write!(out, "-v {} ", self.0) }
    }
}

/// Text as text, anything else in hexadecimal.
pub(super) struct Data<'a>(pub(super) &'a [u8]);

impl fmt::Display for Data<'_> {
    fn fmt(&self, out: &mut fmt::Formatter) -> fmt::Result {
        match std::str::from_utf8(self.0) {
            Ok(text) => out.write_str(&written(text)),
            Err(_) => Hex(self.0).fmt(out),
        }
    }
}

struct Hex<'a>(&'a [u8]);

impl fmt::Display for Hex<'_> {
    fn fmt(&self, out: &mut fmt::Formatter) -> fmt::Result {
        out.write_str("0x")?;
        self.0.iter().try_for_each(|byte| write!(out, "{byte:02x}"))
    }
}
