//! The lock that many readers share, or one writer has. Reference §6; Curator `InterProcessReadWriteLock`.
//!
//! All stand in one line, so that nobody overtakes: readers wait for the writers before them, a writer for whoever is before it. When a writer
//! leaves, all readers behind it are woken at once, and rightly so.

use super::line::{self, ANYBODY, Ahead};
use super::names::label;
use super::script::{Run, Script};
use crate::bugs::Bug;
use crate::proto::{Path, RecipeCall};

const READER: &str = "read-";
const WRITER: &str = "write-";

pub fn read(zk: &mut Script, call: &RecipeCall) -> Run<String> {
    let ahead: Ahead = if zk.has(Bug::RecipeReaderOvertakes) {
        // The mistake: as long as readers have it one more does no harm. But the writer that waits for those before it knows nothing of this one.
        |before| before.first().copied().filter(is_writer)
    } else if zk.has(Bug::RecipeReaderWatchesReaders) {
        // The mistake: as in a lock for one, each waits for the one before it, whoever that is.
        ANYBODY
    } else {
        |before| before.iter().copied().rev().find(is_writer)
    };
    line::acquire(zk, call, READER, None, ahead)
}

pub fn write(zk: &mut Script, call: &RecipeCall) -> Run<String> {
    line::acquire(zk, call, WRITER, None, ANYBODY)
}

fn is_writer(name: &&Path) -> bool {
    label(name).ends_with(WRITER)
}
