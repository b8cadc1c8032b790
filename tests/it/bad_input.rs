//! Broken scenario files and what is said of them: every file in `tests/bad` has a snapshot beside it.

use std::fs;
use std::path::Path;

use zoolab::scenario::{Scenario, render};

/// The message names the file, line, JSON path, what was found and what is allowed. `INSTA_UPDATE=always` rewrites the snapshots.
#[test]
fn broken_files_are_told_what_is_wrong() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/bad");
    let mut names: Vec<_> = fs::read_dir(&folder).expect("a folder of broken files").map(|entry| entry.expect("an entry").file_name()).collect();
    names.retain(|name| name.to_string_lossy().ends_with(".json"));
    names.sort();
    assert!(names.len() >= 35, "only {} broken files", names.len());
    insta::with_settings!({ snapshot_path => folder.join("messages"), prepend_module_to_snapshot => false, omit_expression => true }, {
        for name in names {
            let name = name.to_string_lossy();
            let bytes = fs::read(folder.join(&*name)).expect("a readable file");
            let problems = Scenario::read(&bytes).expect_err(&name);
            assert!(!problems.is_empty(), "{name} is refused without a reason");
            let message = render(&problems, &format!("tests/bad/{name}"), &String::from_utf8_lossy(&bytes), false);
            insta::assert_snapshot!(name.trim_end_matches(".json"), message);
        }
    });
}

#[test]
fn colours_change_nothing_but_colours() {
    let source = "{ \"title\": 1 }";
    let problems = Scenario::read(source.as_bytes()).expect_err("a number is no title");
    let coloured = render(&problems, "test.json", source, true);
    assert!(coloured.contains("\u{1b}["));
    let mut plain = String::new();
    for (index, part) in coloured.split("\u{1b}[").enumerate() {
        plain.push_str(if index == 0 { part } else { part.split_once('m').expect("a colour ends with m").1 });
    }
    assert_eq!(plain, render(&problems, "test.json", source, false));
}

/// A snapshot without its file would be checked by nobody.
#[test]
fn every_message_has_its_file() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/bad");
    for entry in fs::read_dir(folder.join("messages")).expect("a folder of messages") {
        let name = entry.expect("an entry").file_name();
        let stem = name.to_string_lossy().split('.').next().expect("a name").to_string();
        assert!(folder.join(format!("{stem}.json")).exists(), "{stem}");
    }
}
