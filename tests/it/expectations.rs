//! Expectations that are false must be missed: every file in `tests/false` expects what does not happen.

use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;

use zoolab::scenario::{Report, Run, RunOptions, Scenario};

use crate::stories;

fn folder() -> PathBuf {
    stories::folder("tests/false")
}

/// The files' names without `.json`, sorted.
fn names() -> Vec<String> {
    let entries = fs::read_dir(folder()).expect("a folder of false expectations").map(|entry| entry.expect("an entry").path());
    let files = entries.filter(|path| path.extension().is_some_and(|extension| extension == "json"));
    let mut names: Vec<String> = files.map(|path| path.file_stem().expect("a name").to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

fn run(name: &str, options: RunOptions) -> Report {
    let bytes = fs::read(folder().join(format!("{name}.json"))).expect("a readable file");
    let scenario = Scenario::read(&bytes).unwrap_or_else(|problems| panic!("{name}: {problems:?}"));
    Run::new(Arc::new(scenario), options).finish().0
}

/// What is missed is told in full, and nothing that holds is among it. `INSTA_UPDATE=always` rewrites the snapshots.
#[test]
fn false_expectations_are_missed() {
    let names = names();
    assert!(names.len() >= 8, "only {} false expectations", names.len());
    insta::with_settings!({ snapshot_path => folder().join("missed"), prepend_module_to_snapshot => false, omit_expression => true }, {
        for name in names {
            let report = run(&name, RunOptions::default());
            assert!(!report.is_as_expected(), "{name} is as expected");
            insta::assert_snapshot!(name, report.missed.join("\n"));
        }
    });
}

/// A snapshot without its file would be checked by nobody.
#[test]
fn every_miss_has_its_file() {
    for entry in fs::read_dir(folder().join("missed")).expect("a folder of misses") {
        let name = entry.expect("an entry").file_name();
        let stem = name.to_string_lossy().split('.').next().expect("a name").to_string();
        assert!(names().contains(&stem), "{stem}");
    }
}

/// They are about expectations: no check fires in them unless a known bug is on.
#[test]
fn nothing_is_broken_but_the_expectation() {
    for name in names() {
        let report = run(&name, RunOptions { no_bugs: true, ..RunOptions::default() });
        assert_eq!(report.verdict.name(), "pass", "{name}: {}", report.verdict);
    }
}

/// The program tells the shell: 1 for a missed expectation.
#[test]
fn the_program_exits_with_1() {
    for name in names() {
        let file = folder().join(format!("{name}.json"));
        let output = Command::new(env!("CARGO_BIN_EXE_zoolab")).arg("run").arg(&file).output().expect("the program starts");
        assert_eq!(output.status.code(), Some(1), "{name}: {}", String::from_utf8_lossy(&output.stderr));
    }
}
