//! `--junit FILE`: what a run came to, as machines of continuous integration read it. One suite for each file, one case for each seed or
//! file; what failed tells all that is told on the terminal.
//!
//! No wall-clock times: the same runs give the same file. It is written at the end, whole or not at all.

use std::path::{Path, PathBuf};

use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite};

use super::Outcome;
use super::mistake::Mistake;
use super::replace_file::replace_file;

/// A report that grows.
pub struct Junit {
    path: PathBuf,
    report: Report,
    suite: Option<TestSuite>,
}

/// One test.
pub struct Case<'a> {
    /// The file that it is from.
    pub suite: &'a str,
    pub name: String,
    pub outcome: Outcome,
    /// What is wrong in one line, its kind, and everything: of what is as it should be nothing.
    pub message: String,
    pub kind: &'a str,
    pub text: String,
}

impl Junit {
    /// To be written there. What could never be written is told before anything is run.
    pub fn to(path: Option<&PathBuf>, verb: &str) -> Result<Option<Junit>, Mistake> {
        let Some(path) = path else { return Ok(None) };
        check_target(path)?;
        Ok(Some(Junit { path: path.clone(), report: Report::new(format!("zoolab {verb}")), suite: None }))
    }

    pub fn add(&mut self, case: Case) {
        if self.suite.as_ref().is_none_or(|suite| suite.name.as_str() != case.suite) {
            self.report.add_test_suites(self.suite.replace(TestSuite::new(case.suite)));
        }
        let mut status = match case.outcome {
            Outcome::AsExpected => TestCaseStatus::success(),
            // Nobody knows: neither a pass nor a failure.
            Outcome::Undecided => TestCaseStatus::non_success(NonSuccessKind::Error),
            _ => TestCaseStatus::non_success(NonSuccessKind::Failure),
        };
        if case.outcome != Outcome::AsExpected {
            status.set_message(case.message).set_type(case.kind).set_description(case.text);
        }
        let mut test = TestCase::new(case.name, status);
        test.set_classname(case.suite);
        if let Some(suite) = &mut self.suite {
            suite.add_test_case(test);
        }
    }

    /// The file is there, or it is told why not.
    pub fn write(mut self) -> Result<(), Mistake> {
        self.report.add_test_suites(self.suite.take());
        let text = self.report.to_string().map_err(|error| Mistake::new(format_args!("cannot write {}: {error}", self.path.display())))?;
        replace_file(&self.path, &text)
    }
}

fn check_target(path: &Path) -> Result<(), Mistake> {
    if path.is_dir() {
        return Err(Mistake::new(format_args!("--junit {} is a folder", path.display())).with_help("name a file, as in `--junit zoolab.xml`"));
    }
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    if folder.is_dir() {
        return Ok(());
    }
    let mistake = Mistake::new(format_args!("cannot write --junit {}: there is no folder {}", path.display(), folder.display()));
    Err(mistake.with_help("make it first"))
}
