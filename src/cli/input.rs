//! Files that the user names, or that stand in folders named: found, read, and refused all at once when something is wrong with them.

use std::fs::{self, File};
use std::io::ErrorKind::NotFound;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::mistake::Mistake;
use crate::scenario::{Scenario, render};
use crate::trace::{StoredTrace, nearest};

/// Larger files are refused. A stored trace has some 200 bytes an event: a million of them fit.
pub const BYTES_MAX: u64 = 256 << 20;

/// A scenario, and where it is from.
pub struct Loaded {
    /// As the user would name it on the command line.
    pub file: String,
    pub source: String,
    pub scenario: Arc<Scenario>,
}

/// The scenarios of files, folders (searched for `*.json`, sorted by path) and, as `-`, standard input. Either all are good, or all that
/// is wrong with any is told.
pub fn load_all(paths: &[PathBuf]) -> Result<Vec<Loaded>, Mistake> {
    load_each(paths, &SCENARIOS, load)
}

/// A kind of file that folders are searched for.
pub struct Kind {
    /// What their names end in.
    pub suffixes: &'static [&'static str],
    /// What one is called.
    pub name: &'static str,
    /// What to do who has none.
    pub help: &'static str,
}

const SCENARIOS: Kind = Kind { suffixes: &[".json"], name: "scenario", help: "`zoolab new NAME` writes one to begin with" };

/// Everything of one kind that the paths name.
pub fn load_each<T>(paths: &[PathBuf], kind: &Kind, load: impl Fn(&Path) -> Result<T, Mistake>) -> Result<Vec<T>, Mistake> {
    let mut loaded = Vec::new();
    let mut mistakes = Vec::new();
    for path in paths {
        match find(path, kind) {
            Ok(files) => {
                for result in files.iter().map(|file| load(file)) {
                    result.map_or_else(|mistake| mistakes.push(mistake), |one| loaded.push(one));
                }
            }
            Err(mistake) => mistakes.push(mistake),
        }
    }
    mistakes.into_iter().reduce(|first, next| first.and(&next)).map_or(Ok(loaded), Err)
}

pub fn load(path: &Path) -> Result<Loaded, Mistake> {
    parse(display(path), &read(path)?)
}

/// Reads a scenario that is at hand; `file` is only told.
pub fn parse(file: String, source: &[u8]) -> Result<Loaded, Mistake> {
    let text = String::from_utf8_lossy(source).into_owned();
    match Scenario::read(source) {
        Ok(scenario) => Ok(Loaded { file, source: text, scenario: Arc::new(scenario) }),
        Err(_) if StoredTrace::is_one(&text) => {
            let mistake = Mistake::new(format_args!("{file} is a stored trace, not a scenario"));
            Err(mistake.with_help(format_args!("`zoolab replay {file}` runs it again, `zoolab trace {file}` shows it")))
        }
        Err(problems) => Err(Mistake::rendered(render(&problems, &file, &text, true))),
    }
}

/// The bytes of a file, or of standard input for `-`.
pub fn read(path: &Path) -> Result<Vec<u8>, Mistake> {
    if is_stdin(path) {
        return bounded(path, std::io::stdin());
    }
    if path.is_dir() {
        return Err(Mistake::new(format_args!("{} is a folder, and one file is needed here", path.display())));
    }
    bounded(path, File::open(path).map_err(|error| unreadable(path, &error))?)
}

/// What has no end (`/dev/zero`) is not waited for until the memory is full.
fn bounded(path: &Path, source: impl Read) -> Result<Vec<u8>, Mistake> {
    let mut bytes = Vec::new();
    source.take(BYTES_MAX + 1).read_to_end(&mut bytes).map_err(|error| unreadable(path, &error))?;
    if bytes.len() as u64 > BYTES_MAX {
        return Err(Mistake::new(format_args!("{} is too large: more than {} MiB", path.display(), BYTES_MAX >> 20)));
    }
    Ok(bytes)
}

/// How the file is called in messages and traces: in one line, whatever its name holds.
pub fn display(path: &Path) -> String {
    path.display().to_string().replace(char::is_control, "\u{fffd}")
}

fn is_stdin(path: &Path) -> bool {
    path == Path::new("-")
}

fn find(path: &Path, kind: &Kind) -> Result<Vec<PathBuf>, Mistake> {
    if is_stdin(path) {
        return Ok(vec![path.to_path_buf()]);
    }
    let metadata = fs::metadata(path).map_err(|error| match neighbour(path) {
        None if !path.is_symlink() && error.kind() == NotFound => {
            Mistake::io("read", path, &error).with_help(format_args!("name a file or a folder; {}", kind.help))
        }
        _ => unreadable(path, &error),
    })?;
    if !metadata.is_dir() {
        return Ok(vec![path.to_path_buf()]);
    }
    let mut found = Vec::new();
    search(path, kind, &mut found)?;
    if found.is_empty() {
        let patterns: Vec<String> = kind.suffixes.iter().map(|suffix| format!("*{suffix}")).collect();
        let mistake = Mistake::new(format_args!("the folder {} holds no {} ({})", path.display(), kind.name, patterns.join(", ")));
        return Err(mistake.with_help(kind.help));
    }
    found.sort();
    Ok(found)
}

/// Hidden folders are left out, and links to folders, which may lead round in circles.
fn search(folder: &Path, wanted: &Kind, found: &mut Vec<PathBuf>) -> Result<(), Mistake> {
    for entry in fs::read_dir(folder).map_err(|error| unreadable(folder, &error))? {
        let entry = entry.map_err(|error| unreadable(folder, &error))?;
        let (path, kind) = (entry.path(), entry.file_type().map_err(|error| unreadable(&entry.path(), &error))?);
        let name = entry.file_name();
        let name = name.to_string_lossy();
        let hidden = name.starts_with('.');
        if kind.is_dir() && !hidden {
            search(&path, wanted, found)?;
        } else if !hidden && wanted.suffixes.iter().any(|suffix| name.ends_with(suffix)) && path.is_file() {
            found.push(path);
        }
    }
    Ok(())
}

/// The machine does not give what the user named; perhaps another name was meant.
pub fn unreadable(path: &Path, error: &std::io::Error) -> Mistake {
    let mistake = Mistake::io("read", path, error);
    match neighbour(path) {
        _ if error.kind() != NotFound => mistake,
        _ if path.is_symlink() => mistake.with_help("it is a link, and what it points to is not there"),
        Some(meant) => mistake.with_help(format_args!("did you mean {}?", meant.display())),
        None => mistake,
    }
}

/// What stands beside `path` under the name most like it.
fn neighbour(path: &Path) -> Option<PathBuf> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let entries = fs::read_dir(folder.unwrap_or(Path::new("."))).ok()?;
    let mut names: Vec<String> = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok()).collect();
    names.sort();
    let meant = nearest(path.file_name()?.to_str()?, names.iter().map(String::as_str))?;
    Some(folder.map_or_else(|| PathBuf::from(meant), |folder| folder.join(meant)))
}
