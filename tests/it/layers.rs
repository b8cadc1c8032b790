//! The house stays standing: who may name whom, and what nobody names. clippy.toml guards single types and functions; here are the whole modules.

mod paths;

use std::fs;
use std::path::Path;

use paths::paths;

/// The modules under `src/` in order of dependency: each may name itself and what stands above it.
#[rustfmt::skip]
const ORDER: &[&str] = &[
    "proto", "bugs", "trace", "actor", "election", "tree", "store", "zab", "server", "client",
    "sim", "linear", "check", "scenario", "conform", "shell", "fuzz", "teach", "wasm", "cli",
];

/// A path that must not be named outside some modules.
struct Absence {
    /// Also everything below it: `std::fs` is `std::fs::File` too.
    words: &'static [&'static str],
    /// Whether a top-level module may name it. `src/lib.rs` and `src/main.rs` are called `lib` and `main`.
    allowed: fn(&str) -> bool,
    why: &'static str,
}

const ABSENCES: &[Absence] = &[
    Absence {
        words: &["std::time", "std::thread", "std::fs", "std::env", "std::net", "std::process", "std::os"],
        allowed: |module| matches!(module, "cli" | "main"),
        why: "the core knows no clock, thread, file, environment or socket",
    },
    Absence {
        words: &["HashMap", "HashSet", "RandomState", "DefaultHasher"],
        allowed: |module| matches!(module, "cli" | "main"),
        why: "a hash map's order differs from run to run",
    },
    Absence {
        words: &["rand", "rand_chacha"],
        allowed: |module| matches!(module, "sim" | "fuzz"),
        why: "chance enters by one door, the named streams",
    },
    Absence {
        words: &["clap", "clap_complete", "indicatif", "ctrlc", "rayon", "anstream"],
        allowed: |module| matches!(module, "cli" | "main"),
        why: "only cli talks to a terminal or starts threads",
    },
    Absence {
        words: &["crate::server", "crate::zab", "crate::tree"],
        allowed: |module| module != "check",
        why: "checkers read events; a model shared with the server would share its mistakes",
    },
];

/// What may break a rule after all: file, path, and the reason.
const EXCEPTIONS: &[(&str, &str, &str)] = &[];

const LINES_MAX: usize = 800;

#[test]
fn modules_name_only_what_stands_above_them() {
    let sources = sources();
    let problems: Vec<_> = sources.iter().flat_map(|(file, text)| misplaced(file, text)).collect();
    assert!(problems.is_empty(), "{} broken rules\n{}", problems.len(), problems.join("\n"));
}

#[test]
fn exceptions_are_still_needed() {
    let sources = sources();
    for (file, path, why) in EXCEPTIONS {
        let named = sources.iter().any(|(name, text)| name == file && paths(text, &module_of(file)).iter().any(|found| within(&found.text, path)));
        assert!(named, "{file} no longer names {path}: take its exception out ({why})");
    }
}

#[test]
fn files_stay_small_and_at_home() {
    let homes = ["/home", "/root", "/Users"].map(|home| format!("{home}/"));
    let mut problems = Vec::new();
    for (file, text) in texts(&["src", "tests", "benches", "scenarios", ".ci", "README.md"]) {
        let lines = text.lines().count();
        if file.ends_with(".rs") && lines > LINES_MAX {
            problems.push(format!("{file}: {lines} lines, more than {LINES_MAX}: it holds more than one idea"));
        }
        for (index, line) in text.lines().enumerate() {
            if homes.iter().any(|home| line.contains(home)) {
                problems.push(format!("{file}:{}: names a place on somebody's machine", index + 1));
            }
        }
    }
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}

/// A checker that finds nothing proves nothing.
#[test]
fn planted_violations_are_found() {
    let planted = [
        ("src/election/vote.rs", "use crate::sim::World;", "src/election/vote.rs:1: crate::sim::World: sim stands below election"),
        ("src/proto/mod.rs", "\nuse super::trace;", "src/proto/mod.rs:2: crate::trace: trace stands below proto"),
        ("src/check/order.rs", "use crate::tree;", "checkers read events"),
        ("src/trace/mod.rs", "use crate::World;", "World is no module"),
        ("src/bugs.rs", "use crate as root;", "crate: name the module"),
        ("src/gateway.rs", "", "src/gateway.rs: gateway has no place in ORDER"),
        ("src/store/log.rs", "use std::{fmt, fs};", "std::fs: the core knows no clock"),
        ("src/lib.rs", "use std::env;", "std::env: the core knows no clock"),
        ("src/sim/net.rs", "use std::collections::{BTreeMap, HashMap};", "std::collections::HashMap: a hash map's order"),
        ("src/zab/mod.rs", "fn f() { rand::random() }", "rand::random: chance enters"),
        ("src/teach/mod.rs", "#[derive(clap::Parser)] struct T;", "clap::Parser: only cli"),
    ];
    for (file, source, expected) in planted {
        let problems = misplaced(file, source);
        assert!(problems.len() == 1 && problems[0].contains(expected), "{file} `{source}`: {problems:?}");
    }
    let fine = [
        ("src/sim/world.rs", "use crate::{proto::Zxid, server}; use super::disk; use rand::Rng; // std::fs"),
        ("src/cli/run.rs", "use std::{fs, time::Instant}; use clap::Parser; use crate::check::Verdict;"),
        ("src/main.rs", "use std::process::ExitCode; use zoolab::cli;"),
        ("src/lib.rs", "mod sim; pub use crate::sim::World;"),
        ("src/tree/mod.rs", "fn f(rand: u64) -> &'static str { \"crate::sim HashMap\" }"),
    ];
    for (file, source) in fine {
        assert_eq!(misplaced(file, source), [""; 0], "{file} `{source}`");
    }
}

/// What `text`, the source of `file`, names against the rules: one readable line each.
fn misplaced(file: &str, text: &str) -> Vec<String> {
    let module = module_of(file);
    let top = module.first().copied().unwrap_or(if file == "src/main.rs" { "main" } else { "lib" });
    let layer = ORDER.iter().position(|name| *name == top);
    if layer.is_none() && !module.is_empty() {
        return vec![format!("{file}: {top} has no place in ORDER (tests/it/layers.rs)")];
    }
    let mut problems = Vec::new();
    for path in paths(text, &module) {
        if EXCEPTIONS.iter().any(|(excepted, word, _)| *excepted == file && within(&path.text, word)) {
            continue;
        }
        let absences = ABSENCES.iter().filter(|absence| !(absence.allowed)(top) && absence.words.iter().any(|word| within(&path.text, word)));
        let rules = absences.map(|absence| absence.why.to_string()).chain(layer.and_then(|layer| out_of_order(&path.text, layer)));
        problems.extend(rules.map(|rule| format!("{file}:{}: {}: {rule}", path.line, path.text)));
    }
    problems
}

/// Why a module at `layer` may not name `path`.
fn out_of_order(path: &str, layer: usize) -> Option<String> {
    let name = path.strip_prefix("crate::").and_then(|rest| rest.split("::").next());
    match name {
        None if path == "crate" => Some("name the module you mean".into()),
        None => None,
        Some(name) => match ORDER.iter().position(|other| *other == name) {
            None => Some(format!("{name} is no module of ORDER; name things where they live, not by the crate's root")),
            Some(other) => (other > layer).then(|| format!("{name} stands below {}; the order is {}", ORDER[layer], ORDER.join(", "))),
        },
    }
}

/// Whether `path` names `word` or something below it. A single name on its own is a local variable, not a crate.
fn within(path: &str, word: &str) -> bool {
    path.contains("::") && format!("::{path}::").contains(&format!("::{word}::"))
}

/// `src/election/mod.rs` is `["election"]`, `src/election/vote.rs` is `["election", "vote"]`, the crate's roots are `[]`.
fn module_of(file: &str) -> Vec<&str> {
    let path = file.trim_start_matches("src/").trim_end_matches(".rs").trim_end_matches("/mod");
    if matches!(path, "lib" | "main") { Vec::new() } else { path.split('/').collect() }
}

fn sources() -> Vec<(String, String)> {
    let sources = texts(&["src"]);
    assert!(sources.iter().any(|(file, _)| file == "src/lib.rs"), "no sources were read");
    sources
}

/// Name and text of every file under `folders` of the package, sorted by name.
fn texts(folders: &[&str]) -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut found = Vec::new();
    let mut open: Vec<_> = folders.iter().map(|folder| root.join(folder)).filter(|folder| folder.exists()).collect();
    while let Some(path) = open.pop() {
        if path.is_dir() {
            open.extend(fs::read_dir(&path).expect("a readable folder").map(|entry| entry.expect("a readable folder").path()));
        } else {
            let name = path.strip_prefix(root).expect("below the package").to_string_lossy().replace('\\', "/");
            found.push((name, String::from_utf8_lossy(&fs::read(&path).expect("a readable file")).into_owned()));
        }
    }
    found.sort();
    found
}
