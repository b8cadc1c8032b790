//! The program from outside: what it prints, where, and with which exit code.

mod check;
mod conform;
mod disk;
mod help;
mod run;
mod shell;
mod sweep;
mod trace;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// A folder of its own for each test, emptied before.
pub struct Folder(PathBuf);

/// What a command came to.
pub struct Said {
    pub code: i32,
    pub out: String,
    pub err: String,
}

impl Folder {
    /// `name` must be the test's own: tests run at the same time.
    pub fn new(name: &str) -> Folder {
        let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
        // It is not there the first time.
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(&path).expect("a folder for tests");
        Folder(path)
    }

    pub fn path(&self) -> &Path {
        &self.0
    }

    pub fn write(&self, name: &str, text: &str) {
        let path = self.0.join(name);
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder for the file");
        fs::write(path, text).expect("a file is written");
    }

    pub fn read(&self, name: &str) -> String {
        fs::read_to_string(self.0.join(name)).expect("a file is read")
    }

    pub fn names(&self) -> Vec<String> {
        let mut names: Vec<_> = fs::read_dir(&self.0).expect("a folder").map(|entry| entry.expect("an entry").file_name()).collect();
        names.sort();
        names.iter().map(|name| name.to_string_lossy().into_owned()).collect()
    }

    /// The program in this folder, its words split at spaces.
    pub fn zoolab(&self, words: &str) -> Said {
        let output = self.command(words).output().expect("the program runs");
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).expect("text");
        let said = Said { code: output.status.code().expect("an exit code"), out: text(&output.stdout), err: text(&output.stderr) };
        assert!(!said.err.contains("panicked"), "{}", said.err);
        assert!(!said.out.contains('\u{1b}') && !said.err.contains('\u{1b}'), "a pipe gets no colours: {}{}", said.out, said.err);
        said
    }

    pub fn command(&self, words: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_zoolab"));
        command.args(words.split_whitespace()).current_dir(&self.0).stdin(Stdio::null());
        command
    }
}

/// Three servers, of which one is crashed and restarted. Passes.
pub const GOOD: &str = r#"{
  "title": "A follower is away for a while", "seed": 7, "ensemble": { "servers": 3 },
  "steps": [
    { "when": "established", "do": "crash follower 1" },
    { "after": "300ms", "do": "restart all" } ],
  "run": "3s", "expect": { "verdict": "pass", "leaders_max": 1 }
}"#;

/// The same with something expected that does not come.
pub fn wrong() -> String {
    GOOD.replace("\"leaders_max\": 1", "\"saw\": [\"established #3\"]").replace("A follower is away for a while", "Three leaders are expected")
}

/// A known bug that breaks an invariant, whatever is expected of it.
pub fn broken(expected: &str) -> String {
    let text = r#"{
  "title": "A promise is forgotten", "seed": 1, "ensemble": { "servers": 3 }, "bugs": ["mutant-epoch-forgotten"],
  "run": "3s", "expect": { "verdict": "EXPECTED" }
}"#;
    text.replace("EXPECTED", expected)
}
