//! Writing a file whole or not at all.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::mistake::Mistake;

/// Writes beside the file first, so that it never holds a half. What is no regular file (`/dev/stdout`, a pipe) is written to.
pub fn replace_file(path: &Path, text: &str) -> Result<(), Mistake> {
    // The file itself is replaced, not a link to it.
    let target = fs::canonicalize(path).unwrap_or_else(|_| path.to_path_buf());
    let special = fs::metadata(&target).is_ok_and(|metadata| !metadata.is_file());
    let written = if special { File::create(&target).and_then(|mut file| file.write_all(text.as_bytes())) } else { by_rename(&target, text) };
    written.map_err(|error| Mistake::io("write", path, &error))
}

fn by_rename(target: &Path, text: &str) -> io::Result<()> {
    let beside = beside(target);
    let written = File::create_new(&beside).and_then(|mut file| file.write_all(text.as_bytes()).and_then(|()| file.sync_all()));
    written.and_then(|()| fs::rename(&beside, target)).inspect_err(|_| {
        // What is told is why it could not be written; that its beginnings stay is the lesser evil.
        let _ = fs::remove_file(&beside);
    })
}

/// A name of our own in the same folder, since a rename must stay on one file system.
fn beside(target: &Path) -> PathBuf {
    let name = target.file_name().unwrap_or_default().to_string_lossy();
    target.with_file_name(format!(".{name}.{}.tmp", std::process::id()))
}
