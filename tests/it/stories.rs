//! The scenarios of the repository, as tests read them.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use zoolab::scenario::{Scenario, render};

/// A folder of the repository.
pub fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

/// The scenario of this name; a broken file is told as the program would tell it.
pub fn read(name: &str) -> Arc<Scenario> {
    let path = folder("scenarios").join(format!("{name}.json"));
    let bytes = fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let broken = |problems: Vec<_>| panic!("{}", render(&problems, &path.to_string_lossy(), &String::from_utf8_lossy(&bytes), false));
    Arc::new(Scenario::read(&bytes).unwrap_or_else(broken))
}

/// The names of all files in `scenarios/`, sorted.
pub fn names() -> Vec<String> {
    let entries = fs::read_dir(folder("scenarios")).expect("a folder of scenarios");
    let files = entries.map(|entry| entry.expect("an entry").file_name().into_string().expect("a plain name"));
    let mut names: Vec<String> = files.filter_map(|file| file.strip_suffix(".json").map(String::from)).collect();
    names.sort();
    names
}
