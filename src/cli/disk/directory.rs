//! A data directory: its files, its epochs, and what a server would make of them.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::fs;
use std::path::Path;
use std::sync::Arc;

use serde_json::{Value, json};

use super::txn::txns;
use super::{Form, image};
use crate::bugs::Bugs;
use crate::cli::input;
use crate::cli::mistake::Mistake;
use crate::cli::output::Output;
use crate::proto::{Config, FileImage, FileName, Membership, Zxid};
use crate::store::boot::Booted;
use crate::store::format::{LogRecord, VERSION_DIR, is_complete_snapshot, log_zxid, read_log, read_snapshot, snapshot_zxid};
use crate::store::{Rehearsal, Rehearsed};
use crate::trace::{EpochFile, Note};

type Recovery = Rehearsed<Box<Booted>>;

/// Files of a data directory by the names that servers use: `myid`, `version-2/log.100000001`.
type Files = BTreeMap<FileName, FileImage>;

/// What is known of one file.
struct Line {
    name: String,
    /// Its bytes, zeros of the preallocation included.
    size: u64,
    /// For people.
    text: String,
    /// For programs, beside name and size.
    object: Value,
}

/// Shows a directory. That a server would refuse to start there is a mistake, told after everything else.
pub fn show(name: &str, path: &Path, form: Form, out: &mut Output) -> Result<(), Mistake> {
    let files = read(name, path)?;
    let recovery = recover(&files);
    let mut lines: Vec<Line> = files.iter().map(|(name, image)| line(name, image)).collect();
    // Small files, then logs, then snapshots, each from the oldest to the newest.
    lines.sort_by_key(|line| (snapshot_zxid(&line.name), log_zxid(&line.name)));
    match form {
        Form::Text => out.print(&(text(&lines, &recovery) + stale_epoch(&files, &recovery)))?,
        Form::Json => out.print(&objects(&lines, &recovery))?,
    }
    recovery.outcome.map(|_| ()).map_err(|reason| Mistake::new(format_args!("{name}: a server refuses to start here: {reason}")))
}

/// What a server with ZooKeeper's default settings makes of them.
fn recover(files: &Files) -> Recovery {
    Rehearsal { config: Arc::new(Config::new(Membership::of(1, 0))), bugs: Bugs::NONE, files: files.iter().collect() }.boot()
}

/// The files of the folder and of its `version-2`; or, of a folder that is itself a `version-2`, those in it.
fn read(name: &str, path: &Path) -> Result<Files, Mistake> {
    let mut files = Files::new();
    if path.join(VERSION_DIR).is_dir() {
        read_folder(&path.join(VERSION_DIR), &format!("{VERSION_DIR}/"), &mut files)?;
        read_folder(path, "", &mut files)?;
        return Ok(files);
    }
    read_folder(path, &format!("{VERSION_DIR}/"), &mut files)?;
    if files.keys().any(|name| is_zookeepers(name)) {
        return Ok(files);
    }
    let mistake = Mistake::new(format_args!("{name} is no data directory: it holds neither {VERSION_DIR} nor logs or snapshots"));
    Err(mistake.with_help("dataDir in zoo.cfg names it"))
}

/// Small files that a data directory may hold. Beside it there may be anything: only what a server reads is read.
const SMALL: [&str; 6] = ["myid", "initialize", "acceptedEpoch", "currentEpoch", "acceptedEpoch.tmp", "currentEpoch.tmp"];

fn read_folder(folder: &Path, prefix: &str, files: &mut Files) -> Result<(), Mistake> {
    for entry in fs::read_dir(folder).map_err(|error| input::unreadable(folder, &error))? {
        let path = entry.map_err(|error| input::unreadable(folder, &error))?.path();
        let Some(name) = path.file_name().and_then(|name| name.to_str()) else { continue };
        if path.is_file() && is_zookeepers(name) {
            files.insert(format!("{prefix}{name}").into(), image::read(&path)?);
        }
    }
    Ok(())
}

/// A name without the folder that is in all of them.
fn short(name: &str) -> &str {
    name.strip_prefix("version-2/").unwrap_or(name)
}

fn is_zookeepers(name: &str) -> bool {
    let name = name.rsplit('/').next().unwrap_or(name);
    SMALL.contains(&name) || name.starts_with("log.") || name.starts_with("snapshot.")
}

fn line(name: &str, image: &FileImage) -> Line {
    let name = short(name);
    let (text, object) = if let Some(zxid) = snapshot_zxid(name) {
        snapshot(image, zxid)
    } else if log_zxid(name).is_some() {
        log(image)
    } else if SMALL.contains(&name) {
        let content = String::from_utf8_lossy(&image.to_vec()).trim().replace(char::is_control, "\u{fffd}");
        (content.clone(), json!({ "kind": "file", "content": content }))
    } else {
        let why = if name.ends_with(".gz") || name.ends_with(".snappy") { "compressed, and not read by zoolab" } else { "not read by servers" };
        (why.to_owned(), json!({ "kind": "file", "ignored": why }))
    };
    Line { name: name.to_owned(), size: image.len(), text, object }
}

fn snapshot(image: &FileImage, zxid: Zxid) -> (String, Value) {
    if !is_complete_snapshot(image) {
        return unreadable("snapshot", "it is not complete".into());
    }
    match read_snapshot(image, zxid, 0) {
        Err(why) => unreadable("snapshot", why.to_string()),
        Ok(database) => {
            let (nodes, sessions) = (database.tree().len(), database.sessions().len());
            (format!("{nodes} nodes, {sessions} sessions"), json!({ "kind": "snapshot", "nodes": nodes, "sessions": sessions }))
        }
    }
}

fn log(image: &FileImage) -> (String, Value) {
    let records = match read_log(image) {
        Ok(records) => records,
        Err(why) => return unreadable("log", why.to_string()),
    };
    let (mut count, mut ends, mut damage) = (0, None, None);
    for record in records {
        match record {
            LogRecord::Txn { proposal, .. } => {
                count += 1;
                let (first, _) = ends.unwrap_or((proposal.zxid(), proposal.zxid()));
                ends = Some((first, proposal.zxid()));
            }
            LogRecord::Tail { at, why } => damage = Some(format!("byte {at}: {why}")),
            LogRecord::Broken { at, why } => damage = Some(format!("unreadable from byte {at} on: {why}")),
        }
    }
    let mut text = txns(count);
    if let Some((first, last)) = ends {
        let _ = write!(text, ", {:#x} to {:#x}", first.0, last.0);
    }
    if let Some(damage) = &damage {
        let _ = write!(text, "; {damage}");
    }
    let hex = |zxid: Zxid| format!("{:#x}", zxid.0);
    let (first, last) = (ends.map(|(first, _)| hex(first)), ends.map(|(_, last)| hex(last)));
    (text, json!({ "kind": "log", "txns": count, "first": first, "last": last, "damage": damage }))
}

fn unreadable(kind: &str, why: String) -> (String, Value) {
    (format!("unreadable: {why}"), json!({ "kind": kind, "unreadable": why }))
}

fn text(lines: &[Line], recovery: &Recovery) -> String {
    let widest = |width: fn(&Line) -> usize| lines.iter().map(width).max().unwrap_or(0);
    let (names, sizes) = (widest(|line| line.name.len()), widest(|line| line.size.to_string().len()));
    let mut text: String = lines.iter().map(|line| format!("{:names$}  {:>sizes$} bytes  {}\n", line.name, line.size, line.text)).collect();
    text.push('\n');
    text.extend(recovery.notes.iter().filter_map(told).map(|line| line + "\n"));
    if let Ok(booted) = &recovery.outcome {
        if loaded(recovery).is_none() {
            text += "finds     no snapshot, and begins with an empty database\n";
        }
        text += &recovered(booted, replayed(recovery));
    }
    text
}

/// Our servers start where ZooKeeper's may not.
fn stale_epoch(files: &Files, recovery: &Recovery) -> &'static str {
    let current = files.get("version-2/currentEpoch").and_then(|image| String::from_utf8_lossy(&image.to_vec()).trim().parse::<i64>().ok());
    let last = recovery.outcome.as_ref().map(|booted| booted.database.last_processed.epoch().0);
    if current.zip(last.ok()).is_some_and(|(current, last)| current < last) {
        "but       currentEpoch is older than the last zxid: ZooKeeper 3.9.5 starts here only if there is a currentEpoch.tmp\n"
    } else {
        ""
    }
}

/// What a note of the boot says of the files.
fn told(note: &Note) -> Option<String> {
    match note {
        Note::SnapshotLoaded { zxid, .. } => Some(format!("loads     snapshot.{:x}", zxid.0)),
        Note::SnapshotSkipped { zxid, why } => Some(format!("skips     snapshot.{:x}: {why}", zxid.0)),
        Note::TailIgnored { file, at, why } => Some(format!("ignores   {} from byte {at} on: {why}", short(file))),
        Note::EpochWritten { file: EpochFile::CurrentEpoch, epoch } => Some(format!("writes    currentEpoch {epoch}")),
        Note::EpochWritten { file: EpochFile::AcceptedEpoch, epoch } => Some(format!("writes    acceptedEpoch {epoch}")),
        _ => None,
    }
}

fn recovered(booted: &Booted, replayed: usize) -> String {
    let database = &booted.database;
    let lines = [
        ("replays", txns(replayed)),
        ("holds", format!("{} nodes, {} sessions, digest {:016x}", database.tree().len(), database.sessions().len(), database.digest())),
        ("last zxid", format!("{:#x}", database.last_processed.0)),
        ("epochs", format!("current {}, accepted {}", booted.epochs.current, booted.epochs.accepted)),
    ];
    lines.iter().map(|(what, value)| format!("{what:<9} {value}\n")).collect()
}

fn objects(lines: &[Line], recovery: &Recovery) -> String {
    let mut text = String::new();
    for line in lines {
        let mut object = line.object.clone();
        object["file"] = line.name.as_str().into();
        object["size"] = line.size.into();
        let _ = writeln!(text, "{object}");
    }
    let last = match &recovery.outcome {
        Err(reason) => json!({ "kind": "refused", "why": reason }),
        Ok(booted) => {
            let database = &booted.database;
            json!({
                "kind": "recovered", "snapshot": loaded(recovery).map(|zxid| format!("snapshot.{:x}", zxid.0)), "replayed": replayed(recovery),
                "nodes": database.tree().len(), "sessions": database.sessions().len(), "digest": format!("{:016x}", database.digest()),
                "last_zxid": format!("{:#x}", database.last_processed.0),
                "current_epoch": booted.epochs.current.0, "accepted_epoch": booted.epochs.accepted.0,
            })
        }
    };
    let _ = writeln!(text, "{last}");
    text
}

/// The snapshot that the database is made from.
fn loaded(recovery: &Recovery) -> Option<Zxid> {
    recovery.notes.iter().find_map(|note| if let Note::SnapshotLoaded { zxid, .. } = note { Some(*zxid) } else { None })
}

fn replayed(recovery: &Recovery) -> usize {
    recovery.notes.iter().filter(|note| matches!(note, Note::Applied { .. })).count()
}
