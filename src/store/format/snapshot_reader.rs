//! Reads snapshots. Source: `FileSnap.deserialize`, `DataTree.deserialize`, `SnapStream`; storage reference §5.

use std::fmt;

use imbl::OrdMap;

use crate::proto::jute::{JuteError, Reader};
use crate::proto::{FileImage, Path, SessionId, Zxid};
use crate::tree::{DataTree, Database, StoredStat};

use super::log_file::begins_with;
use super::snapshot_writer::{SIGNATURE, SNAPSHOT_HEADER};

/// Why a snapshot cannot be used; an older one may do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SnapshotError {
    /// It begins with something else than `ZKSN`.
    BadMagic,
    /// It ends too early, or holds what cannot be.
    Malformed { at: usize, why: JuteError },
    /// The bytes before `at` do not match their checksum.
    Checksum { at: usize },
    /// A node whose parent does not come before it.
    NoParent { path: Path },
    /// No root.
    NoRoot,
    /// A leader's snapshot that does not end with its signature.
    BadSignature,
}

/// Whether a file begins as a snapshot does.
pub fn is_snapshot(image: &FileImage) -> bool {
    begins_with(image, b"ZKSN")
}

/// The cheap test that decides which snapshots are tried, and which count when old ones are purged: they end as every snapshot ends.
/// Source: `SnapStream.isValidCheckedStream`.
pub fn is_complete_snapshot(image: &FileImage) -> bool {
    let mut end = [0; 5];
    image.len() >= 10 && image.read(image.len() - 5, &mut end) == 5 && end == [0, 0, 0, 1, b'/']
}

/// Reads a snapshot file. `zxid` is that of its name: how far the database is.
pub fn read_snapshot(image: &FileImage, zxid: Zxid, commit_log_count: u32) -> Result<Database, SnapshotError> {
    if !is_snapshot(image) {
        return Err(SnapshotError::BadMagic);
    }
    let bytes = image.to_vec();
    let mut reader = Reader::new(&bytes);
    let read = read_file(&bytes, &mut reader);
    let (tree, sessions) = located(read, &reader)?;
    Ok(Database::of(tree, sessions, zxid, commit_log_count))
}

/// Reads all that a leader sent after SNAP; `zxid` is that of the packet.
pub fn read_stream(bytes: &[u8], zxid: Zxid, commit_log_count: u32) -> Result<Database, SnapshotError> {
    let mut reader = Reader::new(bytes);
    let read = read_body(&mut reader);
    let (tree, sessions) = located(read, &reader)?;
    match reader.string() {
        Ok(signature) if *signature == *SIGNATURE => Ok(Database::of(tree, sessions, zxid, commit_log_count)),
        _ => Err(SnapshotError::BadSignature),
    }
}

type Content = (DataTree, OrdMap<SessionId, i32>);

/// An error within a read: the place is where the reader stands.
enum Fault {
    Jute(JuteError),
    Of(SnapshotError),
}

impl From<JuteError> for Fault {
    fn from(error: JuteError) -> Fault {
        Fault::Jute(error)
    }
}

fn located(read: Result<Content, Fault>, reader: &Reader) -> Result<Content, SnapshotError> {
    read.map_err(|fault| match fault {
        Fault::Jute(why) => SnapshotError::Malformed { at: reader.position(), why },
        Fault::Of(error) => error,
    })
}

/// Header, content and seal; then digest and last zxid, each with its seal, as far as the writer had them (3.6+, 3.9+).
fn read_file(bytes: &[u8], reader: &mut Reader) -> Result<Content, Fault> {
    reader.take(SNAPSHOT_HEADER.len())?;
    let content = read_body(reader)?;
    check_seal(bytes, reader)?;
    for part in [skip_digest, skip_last_zxid] {
        let before = reader.clone();
        if part(reader).is_err() {
            // Written by an older release: it ends here.
            *reader = before;
            break;
        }
        check_seal(bytes, reader)?;
    }
    Ok(content)
}

fn skip_digest(reader: &mut Reader) -> Result<(), JuteError> {
    reader.long()?;
    // The first version was text.
    if reader.int()? < 2 { reader.string().map(drop) } else { reader.long().map(drop) }
}

fn skip_last_zxid(reader: &mut Reader) -> Result<(), JuteError> {
    reader.long().map(drop)
}

fn check_seal(bytes: &[u8], reader: &mut Reader) -> Result<(), Fault> {
    let at = reader.position();
    let sealed = reader.long()?;
    reader.string()?;
    if sealed == i64::from(adler2::adler32_slice(&bytes[..at])) { Ok(()) } else { Err(Fault::Of(SnapshotError::Checksum { at })) }
}

/// Sessions, access lists, nodes up to the mark that ends them.
fn read_body(reader: &mut Reader) -> Result<Content, Fault> {
    let mut sessions = OrdMap::new();
    for _ in 0..reader.count(12)? {
        sessions.insert(SessionId(reader.long()?), reader.int()?);
    }
    let mut tree = DataTree::bare();
    for _ in 0..reader.count(12)? {
        let number = reader.long()?;
        tree.acls_mut().put(number, reader.acl()?);
    }
    loop {
        let path = match &*reader.string()? {
            "/" => break,
            "" => Path::from("/"),
            path => Path::from(path),
        };
        let (data, acl, stat) = (reader.data()?, reader.long()?, read_stat(reader)?);
        if !tree.restore(path.clone(), data, acl, stat) {
            return Err(Fault::Of(SnapshotError::NoParent { path }));
        }
    }
    if tree.is_empty() {
        return Err(Fault::Of(SnapshotError::NoRoot));
    }
    tree.acls_mut().drop_unused();
    tree.set_up_quotas();
    Ok((tree, sessions))
}

fn read_stat(reader: &mut Reader) -> Result<StoredStat, JuteError> {
    Ok(StoredStat {
        czxid: Zxid(reader.long()?),
        mzxid: Zxid(reader.long()?),
        ctime: reader.long()?,
        mtime: reader.long()?,
        version: reader.int()?,
        cversion: reader.int()?,
        aversion: reader.int()?,
        owner: reader.long()?,
        pzxid: Zxid(reader.long()?),
    })
}

impl fmt::Display for SnapshotError {
    fn fmt(&self, out: &mut fmt::Formatter) -> fmt::Result {
        match self {
            SnapshotError::BadMagic => out.write_str("the file does not begin with \"ZKSN\""),
            SnapshotError::Malformed { at, why } => write!(out, "byte {at}: {why}"),
            SnapshotError::Checksum { at } => write!(out, "the bytes before {at} do not match their checksum"),
            SnapshotError::NoParent { path } => write!(out, "{path} comes without its parent"),
            SnapshotError::NoRoot => out.write_str("it has no root"),
            SnapshotError::BadSignature => write!(out, "it does not end with \"{SIGNATURE}\""),
        }
    }
}
