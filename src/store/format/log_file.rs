//! The transaction log file: header, records, and where it ends. Source: `FileTxnLog`, `FilePadding`; storage reference §2, §6.5.

use std::fmt;
use std::sync::Arc;

use crate::proto::jute::JuteError;
use crate::proto::txn_bytes::{END_OF_RECORD, RECORD_HEAD};
use crate::proto::{FileImage, Proposal};

/// The 16 bytes that a log begins with: magic `ZKLG`, version 2, dbid 0.
pub const LOG_HEADER: [u8; 16] = *b"ZKLG\0\0\0\x02\0\0\0\0\0\0\0\0";

/// The longest payload that a reader takes: `jute.maxbuffer` and as much again (`extrasize`).
const PAYLOAD_MAX: i32 = 2 * 0xf_ffff;

/// When so few bytes are left of what the file was extended to, it is extended again.
const PADDING_MARGIN: u64 = 4096;

/// What a log holds, in its order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LogRecord {
    /// A transaction; its record begins at byte `at`.
    Txn { at: u64, proposal: Arc<Proposal> },
    /// The last: from byte `at` on stands what a crash left. No error: the next file follows.
    Tail { at: u64, why: LogTail },
    /// The last: the record at byte `at` makes the log unreadable, and a server that needs it refuses to start.
    Broken { at: u64, why: LogError },
}

/// How a log may end other than behind a whole record or in the zeros of its preallocation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogTail {
    /// The file ends within a record.
    Cut,
    /// A record without its end byte: it was not written to its end.
    Torn,
}

/// What makes a log unreadable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogError {
    /// The file ends within its header. One without a single byte is deleted if it is the last: it was created, and the power went
    /// (ZOOKEEPER-2332, 3.9.3+).
    HeaderCut,
    /// It begins with something else than `ZKLG`.
    BadMagic([u8; 4]),
    /// The record is whole, but not what was written.
    Checksum,
    /// The record claims a length that none can have.
    BadLength(i32),
    /// The record holds what no server understands.
    Undecodable(JuteError),
}

/// Reads a log file. Only the magic is looked at here, neither version nor dbid, as in ZooKeeper.
pub fn read_log(image: &FileImage) -> Result<LogRecords<'_>, LogError> {
    let mut header = [0; LOG_HEADER.len()];
    match image.read(0, &mut header) {
        read if read < header.len() => Err(LogError::HeaderCut),
        _ if header[..4] != LOG_HEADER[..4] => Err(LogError::BadMagic([header[0], header[1], header[2], header[3]])),
        read => Ok(LogRecords { image, at: read as u64, over: false, payload: Vec::new() }),
    }
}

/// The records of a log file.
#[derive(Clone, Debug)]
pub struct LogRecords<'a> {
    image: &'a FileImage,
    /// Where the next record begins.
    at: u64,
    over: bool,
    payload: Vec<u8>,
}

impl LogRecords<'_> {
    /// The byte after the last whole record that was read: here the log could go on.
    pub const fn position(&self) -> u64 {
        self.at
    }

    /// Source: `FileTxnIterator.next`.
    fn read(&mut self) -> Option<LogRecord> {
        let at = self.at;
        let mut head = [0; RECORD_HEAD];
        match self.image.read(at, &mut head) {
            0 => return None,
            read if read < head.len() => return Some(LogRecord::Tail { at, why: LogTail::Cut }),
            _ => {}
        }
        let [c0, c1, c2, c3, c4, c5, c6, c7, length @ ..] = head;
        let checksum = i64::from_be_bytes([c0, c1, c2, c3, c4, c5, c6, c7]);
        let length = match i32::from_be_bytes(length) {
            // The zeros of the preallocation.
            0 => return None,
            length @ 1..=PAYLOAD_MAX => length as usize,
            length => return Some(LogRecord::Broken { at, why: LogError::BadLength(length) }),
        };
        // Payload and end byte at once.
        self.payload.resize(length + 1, 0);
        if self.image.read(at + RECORD_HEAD as u64, &mut self.payload) < length + 1 {
            return Some(LogRecord::Tail { at, why: LogTail::Cut });
        }
        if self.payload[length] != END_OF_RECORD {
            return Some(LogRecord::Tail { at, why: LogTail::Torn });
        }
        let payload = &self.payload[..length];
        if i64::from(adler2::adler32_slice(payload)) != checksum {
            return Some(LogRecord::Broken { at, why: LogError::Checksum });
        }
        match Proposal::decode(payload) {
            Ok(proposal) => {
                self.at = at + (RECORD_HEAD + length + 1) as u64;
                Some(LogRecord::Txn { at, proposal })
            }
            Err(why) => Some(LogRecord::Broken { at, why: LogError::Undecodable(why) }),
        }
    }
}

impl Iterator for LogRecords<'_> {
    type Item = LogRecord;

    fn next(&mut self) -> Option<LogRecord> {
        if self.over {
            return None;
        }
        let record = self.read();
        self.over = !matches!(record, Some(LogRecord::Txn { .. }));
        record
    }
}

/// Whether a file begins as a log does.
pub fn is_log(image: &FileImage) -> bool {
    begins_with(image, b"ZKLG")
}

pub(super) fn begins_with(image: &FileImage, magic: &[u8; 4]) -> bool {
    let mut found = [0; 4];
    image.read(0, &mut found) == 4 && found == *magic
}

/// How long a log should be before more is written at `position`: it grows by `step` bytes of zeros whenever less than 4 KiB of `known`, its
/// length so far, are left. A `step` of zero: never. Source: `FilePadding.calculateFileSizeWithPadding`.
pub const fn padded_size(position: u64, known: u64, step: u64) -> u64 {
    if step == 0 || position + PADDING_MARGIN < known {
        known
    } else if position > known {
        (position + step) / step * step
    } else {
        known + step
    }
}

impl fmt::Display for LogError {
    fn fmt(&self, out: &mut fmt::Formatter) -> fmt::Result {
        match self {
            LogError::HeaderCut => out.write_str("the file ends within its header"),
            LogError::BadMagic(found) => write!(out, "the file begins with \"{}\", not with \"ZKLG\"", found.escape_ascii()),
            LogError::Checksum => out.write_str("the record does not match its checksum"),
            LogError::BadLength(length) => write!(out, "the record has the length {length}"),
            LogError::Undecodable(why) => write!(out, "the record cannot be understood: {why}"),
        }
    }
}

impl fmt::Display for LogTail {
    fn fmt(&self, out: &mut fmt::Formatter) -> fmt::Result {
        out.pad(match self {
            LogTail::Cut => "the file ends within a record",
            LogTail::Torn => "a record lacks its end byte",
        })
    }
}
