//! Answers as zkCli lays them out. Source: `StatPrinter`, the commands of `org.apache.zookeeper.cli`, `CliWrapperException`.

use crate::proto::date::java;
use crate::proto::{Acl, Answer, AuthId, Bytes, Command, ErrorCode, Op, PERM_LETTERS, Path, Stat};
use crate::sim::action::OpLine;

use super::command::Shown;

/// What zkCli prints when a command has returned.
pub fn told(command: &Command, shown: Shown, told: &Result<Answer, ErrorCode>) -> String {
    let path = match command {
        Command::Request(op) => path_of(op),
        Command::ForgetWatches { path, .. } => Some(path.clone()),
        Command::Connect { .. } | Command::Recipe(_) => None,
    };
    match told {
        // It is not told of that, its watcher is.
        Err(ErrorCode::AuthFailed) if matches!(command, Command::Request(Op::Auth { .. })) => String::new(),
        Err(code) if matches!(command, Command::Request(Op::Sync { .. })) => format!("Sync has failed. rc={}\n", code.number()),
        Err(code) => failure(&path.unwrap_or_else(|| "/".into()), *code) + "\n",
        Ok(answer) => success(command, shown, answer),
    }
}

/// The node that a request is about, as the exception names it.
pub fn path_of(op: &Op) -> Option<Path> {
    match op {
        Op::Create { path, .. } | Op::Delete { path, .. } | Op::SetData { path, .. } | Op::SetAcl { path, .. } => Some(path.clone()),
        Op::GetData { path, .. } | Op::Exists { path, .. } | Op::GetChildren { path, .. } | Op::GetChildren2 { path, .. } => Some(path.clone()),
        Op::GetAcl { path } | Op::GetAllChildrenNumber { path } | Op::GetEphemerals { prefix: path } | Op::Sync { path } => Some(path.clone()),
        // No node is named.
        Op::Reconfig(_) => Some("".into()),
        Op::AddWatch { path, .. } | Op::RemoveWatches { path, .. } | Op::CheckWatches { path, .. } | Op::Check { path, .. } => Some(path.clone()),
        _ => None,
    }
}

fn success(command: &Command, shown: Shown, answer: &Answer) -> String {
    match (command, answer) {
        (Command::Request(Op::Reconfig(_)), Answer::Data { data, stat }) => {
            format!("Committed new configuration:\n{}\n", text_of(data)) + &if shown.stat { lines_of(stat) } else { String::new() }
        }
        (_, Answer::Data { data, stat }) if shown.connect => {
            client_config(&text_of(data)) + "\n" + &if shown.stat { lines_of(stat) } else { String::new() }
        }
        (_, Answer::Created(path)) => format!("Created {path}\n"),
        (Command::Request(Op::SetData { .. } | Op::SetAcl { .. }), Answer::Stat(_)) if !shown.stat => String::new(),
        (_, Answer::Stat(stat)) => lines_of(stat),
        (_, Answer::Data { data, stat }) => text_of(data) + "\n" + &if shown.stat { lines_of(stat) } else { String::new() },
        (_, Answer::Children(children) | Answer::Ephemerals(children)) => list_of(children),
        (_, Answer::ChildrenWithStat { children, stat }) => list_of(children) + &lines_of(stat),
        (_, Answer::CreatedWithStat { path, .. }) => format!("Created {path}\n"),
        (_, Answer::Acl { acl, stat }) => acl.iter().map(entry_of).collect::<String>() + &if shown.stat { lines_of(stat) } else { String::new() },
        (_, Answer::Count(count)) => format!("{count}\n"),
        (_, Answer::ClientInfos(ids)) => String::from("Auth scheme: User\n") + &ids.iter().map(identity_of).collect::<String>(),
        (Command::Request(Op::Multi(ops) | Op::MultiRead(ops)), Answer::Parts(parts)) => {
            ops.iter().zip(parts.iter()).map(|(op, part)| part_of(op, &result_of_part(op, part))).collect()
        }
        (Command::Request(Op::Multi(ops)), Answer::RolledBack(codes)) => {
            ops.iter().zip(codes.iter()).map(|(op, code)| part_of(op, &rolled_back(op, *code))).collect()
        }
        (_, Answer::Parts(_) | Answer::RolledBack(_)) => String::new(),
        (Command::Request(Op::Sync { .. }), Answer::Done) => "Sync is OK\n".into(),
        (_, Answer::Done) => String::new(),
    }
}

fn text_of(data: &Option<Bytes>) -> String {
    data.as_ref().map_or("null".into(), |data| String::from_utf8_lossy(data).into_owned())
}

/// The version, and where clients connect. Source: `ConfigUtils.getClientConfigStr`.
fn client_config(config: &str) -> String {
    let values = |prefix: &'static str| config.lines().filter(move |line| line.starts_with(prefix)).filter_map(|line| Some(line.split_once('=')?.1));
    let addresses: Vec<&str> = values("server.").filter_map(|value| Some(value.split_once(';')?.1)).collect();
    format!("{} {}", values("version").next().unwrap_or_default(), addresses.join(","))
}

/// zkCli has no multi. Here each part has a line: what was asked, and what came of it.
fn part_of(op: &Op, result: &str) -> String {
    format!("{}: {}\n", OpLine(op), result.trim_end())
}

fn result_of_part(op: &Op, part: &Result<Answer, ErrorCode>) -> String {
    let told = told(&Command::Request(op.clone()), Shown::default(), part);
    if told.is_empty() { "Ok".into() } else { told }
}

/// Those before the part that is to blame would have been done, those behind it were not looked at.
fn rolled_back(op: &Op, code: ErrorCode) -> String {
    match code {
        ErrorCode::Ok => "rolled back".into(),
        ErrorCode::RuntimeInconsistency => "not tried".into(),
        code => result_of_part(op, &Err(code)),
    }
}

fn list_of(names: &[Path]) -> String {
    format!("[{}]\n", names.join(", "))
}

/// One entry of an access list. Source: `GetAclCommand`.
fn entry_of(acl: &Acl) -> String {
    let letters: String = PERM_LETTERS.iter().filter(|(_, bit)| acl.perms & bit != 0).map(|(letter, _)| *letter).collect();
    format!("'{},'{}\n: {letters}\n", acl.scheme, acl.id)
}

fn identity_of(id: &AuthId) -> String {
    format!("{}: {}\n", id.scheme, id.id)
}

/// What zkCli says of an error.
pub fn failure(path: &str, code: ErrorCode) -> String {
    match code {
        ErrorCode::NoNode => format!("Node does not exist: {path}"),
        ErrorCode::NodeExists => format!("Node already exists: {path}"),
        ErrorCode::NotEmpty => format!("Node not empty: {path}"),
        ErrorCode::BadVersion => format!("version No is not valid : {path}"),
        ErrorCode::NoChildrenForEphemerals => format!("Ephemerals cannot have children: {path}"),
        ErrorCode::NoAuth => format!("Insufficient permission : {path}"),
        ErrorCode::InvalidAcl => format!("Acl is not valid : {path}"),
        ErrorCode::BadArguments => format!("Arguments are not valid : {path}"),
        ErrorCode::ReconfigInProgress => "Another reconfiguration is in progress -- concurrent reconfigs not supported (yet)".into(),
        ErrorCode::NewConfigNoQuorum => "No quorum of new config is connected and up-to-date with the leader of last commmitted config - \
                                         try invoking reconfiguration after new servers are connected and synced"
            .into(),
        ErrorCode::NotReadOnly => format!("Not a read-only call: {path}"),
        ErrorCode::QuotaExceeded => format!("Quota has exceeded : {path}"),
        code => exception(path, code),
    }
}

/// What the exception says by itself. Source: `KeeperException.getMessage`.
pub fn exception(path: &str, code: ErrorCode) -> String {
    let message = message_of(code);
    if path.is_empty() { format!("KeeperErrorCode = {message}") } else { format!("KeeperErrorCode = {message} for {path}") }
}

/// Java's words for a code, where they are not its name. Source: `KeeperException.getCodeMessage`.
fn message_of(code: ErrorCode) -> &'static str {
    match code {
        ErrorCode::ApiError => "APIError",
        ErrorCode::SessionExpired => "Session expired",
        ErrorCode::SessionMoved => "Session moved",
        ErrorCode::EphemeralOnLocalSession => "Ephemeral node on local session",
        ErrorCode::NoWatcher => "No such watcher",
        ErrorCode::ReconfigDisabled => "Reconfig is disabled",
        ErrorCode::ThrottledOp => "Op throttled due to high load",
        code => code.name(),
    }
}

/// The fields of a stat, one a line.
pub fn lines_of(stat: &Stat) -> String {
    let lines = [
        format!("cZxid = {:#x}", stat.czxid.0),
        format!("ctime = {}", java(stat.ctime)),
        format!("mZxid = {:#x}", stat.mzxid.0),
        format!("mtime = {}", java(stat.mtime)),
        format!("pZxid = {:#x}", stat.pzxid.0),
        format!("cversion = {}", stat.cversion),
        format!("dataVersion = {}", stat.version),
        format!("aclVersion = {}", stat.aversion),
        format!("ephemeralOwner = {:#x}", stat.ephemeral_owner.0),
        format!("dataLength = {}", stat.data_length),
        format!("numChildren = {}", stat.num_children),
    ];
    lines.join("\n") + "\n"
}
