//! The program's entry: what the command line came to, as an exit code.

use std::process::ExitCode;

use mimalloc::MiMalloc;
use zoolab::cli::{self, Outcome};

/// A run makes and drops a few dozen small objects for each transaction: this allocator keeps them closer together than the system's.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> ExitCode {
    ExitCode::from(match cli::run(std::env::args_os()) {
        Outcome::AsExpected => 0,
        Outcome::Missed => 1,
        Outcome::BadInput => 2,
        Outcome::Undecided => 3,
        Outcome::NotDeterministic => 4,
    })
}
