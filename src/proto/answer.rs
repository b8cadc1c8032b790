//! What a request that succeeded is answered with. Source: the `*Response` records of zookeeper.jute.

use std::sync::Arc;

use super::acl::{acl_size, id_size};
use super::{AclList, AclText, AuthIds, Bytes, ErrorCode, Membership, Path, SessionId, Zxid, bytes_as_words};

/// The answer to an [`super::Op`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Nothing but success: delete, check, sync, auth, ping, close.
    Done,
    /// The path that was created, its number included.
    Created(Path),
    /// The same and the stat: every form of create but the first.
    CreatedWithStat {
        path: Path,
        stat: Stat,
    },
    Stat(Stat),
    Data {
        data: Option<Bytes>,
        stat: Stat,
    },
    Children(Arc<[Path]>),
    ChildrenWithStat {
        children: Arc<[Path]>,
        stat: Stat,
    },
    Acl {
        acl: AclList,
        stat: Stat,
    },
    Count(i32),
    /// Whole paths of the session's ephemerals.
    Ephemerals(Arc<[Path]>),
    /// One for each part of a multiRead, or of a multi that succeeded.
    Parts(Arc<[Result<Answer, ErrorCode>]>),
    /// One for each part of a multi that failed: [`ErrorCode::Ok`] before the part that is to blame, [`ErrorCode::RuntimeInconsistency`] behind it.
    RolledBack(Arc<[ErrorCode]>),
    /// Who the client is: scheme and user.
    ClientInfos(AuthIds),
}

/// What a client is told of a node. Source: `Stat`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stat {
    pub czxid: Zxid,
    pub mzxid: Zxid,
    /// Milliseconds, by the clock of the leader of the time.
    pub ctime: i64,
    pub mtime: i64,
    pub version: i32,
    /// Creates and deletes of children.
    pub cversion: i32,
    pub aversion: i32,
    pub ephemeral_owner: SessionId,
    pub data_length: i32,
    pub num_children: i32,
    pub pzxid: Zxid,
}

/// Bytes of a [`Stat`].
const STAT_SIZE: u32 = 68;

impl Stat {
    /// All fields as 64-bit values, for digests.
    pub fn words(&self, word: impl FnMut(u64)) {
        [
            self.czxid.0,
            self.mzxid.0,
            self.pzxid.0,
            self.ctime,
            self.mtime,
            self.ephemeral_owner.0,
            i64::from(self.version) << 32 | i64::from(self.cversion as u32),
            i64::from(self.aversion),
            i64::from(self.data_length) << 32 | i64::from(self.num_children as u32),
        ]
        .map(|value| value as u64)
        .into_iter()
        .for_each(word);
    }
}

impl Answer {
    /// Bytes of its record, as jute writes it.
    pub fn size(&self) -> u32 {
        let paths = |paths: &[Path]| 4 + paths.iter().map(|path| 4 + path.len() as u32).sum::<u32>();
        match self {
            Answer::Done => 0,
            Answer::Created(path) => 4 + path.len() as u32,
            Answer::CreatedWithStat { path, .. } => 4 + path.len() as u32 + STAT_SIZE,
            Answer::Stat(_) => STAT_SIZE,
            Answer::Data { data, .. } => 4 + data.as_ref().map_or(0, |data| data.len() as u32) + STAT_SIZE,
            Answer::Children(children) => paths(children),
            Answer::ChildrenWithStat { children, .. } => paths(children) + STAT_SIZE,
            Answer::Acl { acl, .. } => acl_size(acl) + STAT_SIZE,
            Answer::Count(_) => 4,
            Answer::Ephemerals(found) => paths(found),
            // Each has a header of 9 bytes, and a last one ends the list; an error is a number.
            Answer::Parts(parts) => 9 + parts.iter().map(|part| 9 + part.as_ref().map_or(4, Answer::size)).sum::<u32>(),
            Answer::RolledBack(codes) => 9 + codes.len() as u32 * (9 + 4),
            Answer::ClientInfos(ids) => 4 + ids.iter().map(id_size).sum::<u32>(),
        }
    }

    /// All that it says as 64-bit values, for the digest.
    pub fn words(&self, word: &mut impl FnMut(u64)) {
        match self {
            Answer::Done => word(0),
            Answer::Created(path) => bytes_as_words(path.as_bytes(), word),
            Answer::CreatedWithStat { path, stat } => {
                bytes_as_words(path.as_bytes(), &mut *word);
                stat.words(word);
            }
            Answer::Stat(stat) => stat.words(word),
            Answer::Data { data, stat } => {
                bytes_as_words(data.as_deref().unwrap_or_default(), &mut *word);
                stat.words(word);
            }
            Answer::Children(paths) | Answer::Ephemerals(paths) => paths.iter().for_each(|path| bytes_as_words(path.as_bytes(), &mut *word)),
            Answer::ChildrenWithStat { children, stat } => {
                children.iter().for_each(|child| bytes_as_words(child.as_bytes(), &mut *word));
                stat.words(word);
            }
            Answer::Acl { acl, stat } => {
                acl.iter().for_each(|entry| entry.words(word));
                stat.words(word);
            }
            Answer::Count(count) => word(*count as u64),
            Answer::Parts(parts) => {
                for part in parts.iter() {
                    match part {
                        Ok(answer) => answer.words(word),
                        Err(code) => word(code.number() as u64),
                    }
                }
            }
            Answer::RolledBack(codes) => codes.iter().for_each(|code| word(code.number() as u64)),
            Answer::ClientInfos(ids) => ids.iter().for_each(|id| id.words(word)),
        }
    }
}

/// A result as `returns` states it and the trace tells it: `Ok`, `/a-0000000001`, the data, or the error's name. A multi that failed is told by the
/// part that is to blame, counted from 1: `BadVersion in part 2`.
pub fn result_text(result: &Result<Answer, ErrorCode>) -> String {
    match result {
        Err(code) => code.to_string(),
        Ok(Answer::Done | Answer::Stat(_)) => "Ok".into(),
        Ok(Answer::Created(path) | Answer::CreatedWithStat { path, .. }) => path.to_string(),
        Ok(Answer::Data { data: None, .. }) => "null".into(),
        Ok(Answer::Data { data: Some(data), .. }) => text_of(data),
        Ok(Answer::Children(paths) | Answer::ChildrenWithStat { children: paths, .. } | Answer::Ephemerals(paths)) => list(paths.iter()),
        Ok(Answer::Acl { acl, .. }) => AclText(acl).to_string(),
        Ok(Answer::Count(count)) => count.to_string(),
        Ok(Answer::Parts(parts)) => list(parts.iter().map(result_text)),
        Ok(Answer::RolledBack(codes)) => {
            let blamed = codes.iter().zip(1..).find(|(code, _)| **code != ErrorCode::Ok);
            blamed.map_or_else(|| list(codes.iter()), |(code, part)| format!("{code} in part {part}"))
        }
        Ok(Answer::ClientInfos(ids)) => list(ids.iter()),
    }
}

/// Data as text; a configuration, which has many lines, in a few words.
fn text_of(data: &[u8]) -> String {
    let text = String::from_utf8_lossy(data);
    let configuration = Some(&text).filter(|text| text.starts_with("server.")).and_then(|text| Membership::parse(text).ok());
    configuration.map_or_else(|| text.into_owned(), |configuration| configuration.to_string())
}

/// `[a, b]`.
fn list(items: impl Iterator<Item = impl ToString>) -> String {
    format!("[{}]", items.map(|item| item.to_string()).collect::<Vec<_>>().join(", "))
}
