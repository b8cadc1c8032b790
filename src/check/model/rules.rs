//! What ZooKeeper says of names, modes, versions and lists before it looks at any node. Source: data-model reference §3, §4, §10.

use crate::proto::{Acl, CreateForm, CreateMode, ErrorCode};

/// Bits of [`Acl::perms`].
pub const READ: i32 = 1;
pub const WRITE: i32 = 2;
pub const CREATE: i32 = 4;
pub const DELETE: i32 = 8;
pub const ADMIN: i32 = 16;

/// Nodes that come with the tree and stay.
pub const FIXED: [&str; 4] = ["/", "/zookeeper", "/zookeeper/quota", "/zookeeper/config"];

/// The configuration, which each server writes for itself, outside any transaction: nobody compares it.
pub const CONFIG: &str = "/zookeeper/config";

/// Whether a node holds what servers count for a quota: they write it beside all transactions.
pub fn is_counted(path: &str) -> bool {
    path.starts_with("/zookeeper/quota/") && path.ends_with("/zookeeper_stats")
}

/// The longest time to live: 40 bits of milliseconds.
const TTL_END: i64 = 1 << 40;

/// `PathUtils.validatePath`. It looks at UTF-16 units, so that whatever is beyond the basic plane is a pair of surrogates, which are refused.
pub fn is_whole_path(path: &str) -> bool {
    if path == "/" {
        return true;
    }
    let plain = |byte: u8| byte.is_ascii_graphic() || byte == b' ';
    let shown = |unit: u16| !matches!(unit, 0..=0x1f | 0x7f..=0x9f | 0xd800..=0xf8ff | 0xfff0..);
    path.starts_with('/')
        && path[1..].split('/').all(|name| !matches!(name, "" | "." | ".."))
        && (path.bytes().all(plain) || path.encode_utf16().all(shown))
}

/// The first look at the path of a create or delete: it names something below something.
pub fn has_parent(path: &str) -> bool {
    path.contains('/') && !path.contains('\0')
}

/// Whether a create makes sense at all: the flag, then whether times to live are allowed, then the time.
pub fn mode_error(form: CreateForm, mode: CreateMode, ttl_enabled: bool) -> Option<ErrorCode> {
    let fits = match form {
        CreateForm::Ttl(millis) => mode.is_ttl() && 0 < millis && millis < TTL_END,
        _ => !mode.is_ttl(),
    };
    match mode {
        CreateMode::Unknown(_) => Some(ErrorCode::BadArguments),
        _ if mode.is_ttl() && !ttl_enabled => Some(ErrorCode::Unimplemented),
        _ if !fits => Some(ErrorCode::BadArguments),
        _ => None,
    }
}

/// A version of -1 fits any.
pub const fn fits(version: i32, expected: i32) -> bool {
    expected == -1 || expected == version
}

/// Whether a list lets everybody do this, whoever they are.
pub fn lets_everybody(list: &[Acl], perm: i32) -> bool {
    list.is_empty() || list.iter().any(|entry| entry.perms & perm != 0 && is_anyone(entry))
}

/// Whether every entry of a list is for everybody: nothing depends on who asks.
pub fn is_for_everybody(list: &[Acl]) -> bool {
    list.iter().all(is_anyone)
}

fn is_anyone(entry: &Acl) -> bool {
    &*entry.scheme == "world" && &*entry.id == "anyone"
}

/// What a leader decides by what it knows beside the tree: whether the session lives, where it is, what its server may do. The tree says
/// nothing of them, and they change nothing.
pub const fn is_of_the_session(code: ErrorCode) -> bool {
    matches!(
        code,
        ErrorCode::SessionExpired
            | ErrorCode::SessionMoved
            | ErrorCode::UnknownSession
            | ErrorCode::EphemeralOnLocalSession
            | ErrorCode::NotReadOnly
            | ErrorCode::AuthFailed
            | ErrorCode::ThrottledOp
            | ErrorCode::QuotaExceeded
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Data-model reference §3.
    #[test]
    fn names_of_nodes() {
        for path in ["/", "/a", "/a/b c", "/...", "/a.", "/.a", "/a..b", "/k\u{e4}se", "/\u{ffef}", "/\u{a0}"] {
            assert!(is_whole_path(path), "{path:?}");
        }
        for path in ["", "a", "/a/", "//a", "/a//b", "/.", "/a/..", "/\0", "/\u{1f}", "/\u{7f}", "/\u{9f}", "/\u{e000}", "/\u{fff0}", "/\u{1f600}"] {
            assert!(!is_whole_path(path), "{path:?}");
        }
    }

    #[test]
    fn modes_and_times() {
        let error = |form, mode| mode_error(form, CreateMode::numbered(mode), true);
        assert_eq!(error(CreateForm::Create, 9), Some(ErrorCode::BadArguments));
        assert_eq!(mode_error(CreateForm::Ttl(5), CreateMode::Ttl, false), Some(ErrorCode::Unimplemented));
        assert_eq!(mode_error(CreateForm::Create, CreateMode::Ttl, false), Some(ErrorCode::Unimplemented));
        for millis in [-1, 0, TTL_END] {
            assert_eq!(error(CreateForm::Ttl(millis), 5), Some(ErrorCode::BadArguments));
        }
        assert_eq!(error(CreateForm::Ttl(TTL_END - 1), 6), None);
        assert_eq!(error(CreateForm::Ttl(5), 0), Some(ErrorCode::BadArguments));
        assert_eq!(error(CreateForm::Create, 4), None);
    }
}
