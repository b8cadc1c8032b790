//! What a node asks of its disk, and what it is told. Durability is data: writing, syncing and reading are separate operations, each with an answer.

use std::fmt;
use std::sync::Arc;

use serde::{Serialize, Serializer};

use super::{FileImage, bytes_as_words};

/// A file's name relative to the server's data directory: `version-2/log.100000001`. Folders are only part of the name.
pub type FileName = Arc<str>;

/// One operation on files. All but `Sync` work on the page cache: the running process and its successors see them at once, the medium later.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DiskOp {
    /// Reads a whole file. Answered by [`DiskReply::Loaded`].
    Load { file: FileName },
    /// Names and sizes of all files. Answered by [`DiskReply::Listed`].
    List,
    /// An empty file of this name; one that exists is emptied, as Java's `FileOutputStream` does.
    Create { file: FileName },
    /// Puts `bytes` into an existing file. A gap before them reads as zeros. `forced`: a `Sync` of the file follows, and there is one answer,
    /// to both; an error may be that of either.
    Write { file: FileName, at: WriteAt, bytes: Arc<[u8]>, forced: bool },
    /// Makes durable what was written to the file before (`force`). The only promise a disk gives.
    Sync { file: FileName },
    /// Gives a file another name, replacing the file that has it.
    Rename { from: FileName, to: FileName },
    /// Cuts the file, or extends it by zeros that take no space (preallocation).
    Truncate { file: FileName, len: u64 },
    /// Takes the file's name away.
    Delete { file: FileName },
}

/// Where a write starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WriteAt {
    /// At the end of the file, as it is when the write takes effect.
    End,
    /// At this byte.
    Byte(u64),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DiskReply {
    Done,
    Loaded(FileImage),
    /// In the order of the names.
    Listed(Vec<(FileName, u64)>),
}

/// Why an operation failed. These are outcomes of the modelled machine, never mistakes of ours. The order goes into digests.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum DiskError {
    /// No file has this name (`ENOENT`).
    NotFound,
    /// The disk is full (`ENOSPC`). The beginning of a refused write may be in the file.
    NoSpace,
    /// The device failed (`EIO`). After a failed sync the unsynced bytes will never reach the medium, even if a later sync succeeds.
    Io,
}

impl DiskOp {
    /// Whether it writes and forces at once.
    pub const fn is_forced_write(&self) -> bool {
        matches!(self, DiskOp::Write { forced: true, .. })
    }

    /// The names the operation is about; none for List.
    pub fn files(&self) -> impl Iterator<Item = &FileName> {
        let (one, other) = match self {
            DiskOp::List => (None, None),
            DiskOp::Rename { from, to } => (Some(from), Some(to)),
            DiskOp::Load { file }
            | DiskOp::Create { file }
            | DiskOp::Write { file, .. }
            | DiskOp::Sync { file }
            | DiskOp::Truncate { file, .. }
            | DiskOp::Delete { file } => (Some(file), None),
        };
        one.into_iter().chain(other)
    }
}

impl fmt::Display for DiskOp {
    fn fmt(&self, out: &mut fmt::Formatter) -> fmt::Result {
        match self {
            DiskOp::Load { file } => write!(out, "load {file}"),
            DiskOp::List => write!(out, "list"),
            DiskOp::Create { file } => write!(out, "create {file}"),
            DiskOp::Write { file, at, bytes, forced } => {
                match at {
                    WriteAt::End => write!(out, "append {} bytes to {file}", bytes.len())?,
                    WriteAt::Byte(offset) => write!(out, "write {} bytes to {file} at {offset}", bytes.len())?,
                }
                if *forced { write!(out, " and sync it") } else { Ok(()) }
            }
            DiskOp::Sync { file } => write!(out, "sync {file}"),
            DiskOp::Rename { from, to } => write!(out, "rename {from} to {to}"),
            DiskOp::Truncate { file, len } => write!(out, "truncate {file} to {len} bytes"),
            DiskOp::Delete { file } => write!(out, "delete {file}"),
        }
    }
}

impl fmt::Display for DiskError {
    fn fmt(&self, out: &mut fmt::Formatter) -> fmt::Result {
        out.pad(match self {
            DiskError::NotFound => "no such file",
            DiskError::NoSpace => "no space left on device",
            DiskError::Io => "input/output error",
        })
    }
}

/// In traces an operation is its text.
impl Serialize for DiskOp {
    fn serialize<S: Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        out.collect_str(self)
    }
}

impl Serialize for DiskError {
    fn serialize<S: Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        out.collect_str(self)
    }
}

impl DiskOp {
    /// Kind, sizes and contents as 64-bit values, for the digest. File names are folded by their bytes.
    #[inline]
    pub fn words(&self, mut word: impl FnMut(u64)) {
        let (kind, number): (u64, u64) = match self {
            DiskOp::Load { .. } => (1, 0),
            DiskOp::List => (2, 0),
            DiskOp::Create { .. } => (3, 0),
            DiskOp::Write { at, forced, .. } => (if *forced { 9 } else { 4 }, if let WriteAt::Byte(at) = at { *at } else { u64::MAX }),
            DiskOp::Sync { .. } => (5, 0),
            DiskOp::Rename { .. } => (6, 0),
            DiskOp::Truncate { len, .. } => (7, *len),
            DiskOp::Delete { .. } => (8, 0),
        };
        word(kind);
        word(number);
        self.files().for_each(|file| bytes_as_words(file.as_bytes(), &mut word));
        bytes_as_words(if let DiskOp::Write { bytes, .. } = self { bytes } else { &[] }, word);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digest_words_tell_operations_apart() {
        let file = |name: &str| FileName::from(name);
        let write = |at, bytes: &[u8]| DiskOp::Write { file: file("log.1"), at, bytes: bytes.into(), forced: false };
        let ops = [
            DiskOp::List,
            DiskOp::Load { file: file("log.1") },
            DiskOp::Sync { file: file("log.1") },
            DiskOp::Sync { file: file("log.1\0") },
            DiskOp::Rename { from: file("a"), to: file("b") },
            DiskOp::Rename { from: file("b"), to: file("a") },
            DiskOp::Truncate { file: file("log.1"), len: 1 },
            write(WriteAt::End, b"x"),
            write(WriteAt::End, b"x\0"),
            write(WriteAt::Byte(0), b"x"),
            write(WriteAt::Byte(1), b"x"),
            DiskOp::Write { file: file("log.1"), at: WriteAt::Byte(1), bytes: b"x"[..].into(), forced: true },
        ];
        let words = |op: &DiskOp| {
            let mut words = Vec::new();
            op.words(|word| words.push(word));
            words
        };
        let distinct: std::collections::BTreeSet<Vec<u64>> = ops.iter().map(words).collect();
        assert_eq!(distinct.len(), ops.len());
        assert_eq!(words(&write(WriteAt::Byte(7), b"txn")), [4, 7, 5, 0x31_2e67_6f6c, 3, 0x6e_7874]);
    }
}
