//! The program's entry: what the command line came to, as an exit code.

use std::process::ExitCode;

use zoolab::cli::{self, Outcome};

fn main() -> ExitCode {
    ExitCode::from(match cli::run(std::env::args_os()) {
        Outcome::AsExpected => 0,
        Outcome::Missed => 1,
        Outcome::BadInput => 2,
        Outcome::Undecided => 3,
        Outcome::NotDeterministic => 4,
    })
}
