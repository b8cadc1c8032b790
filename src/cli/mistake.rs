//! What the user has to put right, told on standard error.

use std::io::Write;
use std::path::Path;

use super::output::{FAIL, HINT};

/// A message, ready to be shown; its colours are taken out where they are not wanted.
#[derive(Debug)]
pub struct Mistake(String);

impl Mistake {
    pub fn new(what: impl std::fmt::Display) -> Mistake {
        Mistake(format!("{FAIL}error{FAIL:#}: {what}\n"))
    }

    /// Says also what would be right.
    pub fn with_help(mut self, help: impl std::fmt::Display) -> Mistake {
        self.0.push_str(&format!("  {HINT}help{HINT:#}: {help}\n"));
        self
    }

    /// The machine refuses a file.
    pub fn io(doing: &str, path: &Path, error: &std::io::Error) -> Mistake {
        Mistake::new(format_args!("cannot {doing} {}: {error}", path.display()))
    }

    /// Several mistakes at once, or one that was rendered elsewhere.
    pub fn rendered(text: String) -> Mistake {
        Mistake(text)
    }

    pub fn and(mut self, other: &Mistake) -> Mistake {
        self.0.push('\n');
        self.0.push_str(&other.0);
        self
    }

    pub fn tell(&self) {
        // Nobody is left to be told when this fails.
        let _ = anstream::stderr().write_all(self.0.as_bytes());
    }
}
