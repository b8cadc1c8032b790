//! Access control lists, and who a client is. Source: `ACL`, `Id` of zookeeper.jute; data-model reference §10.

use std::fmt;
use std::sync::Arc;

use super::bytes_as_words;

/// One entry of an access control list.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Acl {
    /// READ 1, WRITE 2, CREATE 4, DELETE 8, ADMIN 16.
    pub perms: i32,
    pub scheme: Arc<str>,
    pub id: Arc<str>,
}

/// A node's list, in its order.
pub type AclList = Arc<[Acl]>;

/// What a client is, by one scheme: `digest:u1:fpT/y03U+EjItKZOSLGvjnJlyng=`, `ip:127.0.0.1`. Source: `Id`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct AuthId {
    pub scheme: Arc<str>,
    pub id: Arc<str>,
}

/// All that a client is, in the order in which it became so. Source: `Request.authInfo`.
pub type AuthIds = Arc<[AuthId]>;

/// The letters of the permissions, in the order in which zkCli shows them. Source: `ZKUtil.getPermString`.
pub const PERM_LETTERS: [(char, i32); 5] = [('c', 4), ('d', 8), ('r', 1), ('w', 2), ('a', 16)];

impl Acl {
    /// Anybody may do anything: what nodes get unless their creator says otherwise. Source: `ZooDefs.Ids.OPEN_ACL_UNSAFE`.
    pub fn open() -> AclList {
        Arc::new([Acl { perms: 31, scheme: "world".into(), id: "anyone".into() }])
    }

    /// Its three fields, for the digest.
    pub fn words(&self, word: &mut impl FnMut(u64)) {
        word(self.perms as u64);
        bytes_as_words(self.scheme.as_bytes(), &mut *word);
        bytes_as_words(self.id.as_bytes(), word);
    }
}

impl AuthId {
    pub fn new(scheme: impl Into<Arc<str>>, id: impl Into<Arc<str>>) -> AuthId {
        AuthId { scheme: scheme.into(), id: id.into() }
    }

    /// Both fields, for the digest.
    pub fn words(&self, word: &mut impl FnMut(u64)) {
        bytes_as_words(self.scheme.as_bytes(), &mut *word);
        bytes_as_words(self.id.as_bytes(), word);
    }
}

/// Bytes of a list, as jute writes it.
pub(super) fn acl_size(list: &[Acl]) -> u32 {
    4 + list.iter().map(|entry| 12 + (entry.scheme.len() + entry.id.len()) as u32).sum::<u32>()
}

/// Bytes of an id, as jute writes it.
pub(super) fn id_size(id: &AuthId) -> u32 {
    8 + (id.scheme.len() + id.id.len()) as u32
}

/// `digest:u1:cdrwa`, as zkCli reads it.
impl fmt::Display for Acl {
    fn fmt(&self, out: &mut fmt::Formatter) -> fmt::Result {
        write!(out, "{}:{}:", self.scheme, self.id)?;
        PERM_LETTERS.iter().filter(|(_, bit)| self.perms & bit != 0).try_for_each(|(letter, _)| write!(out, "{letter}"))
    }
}

/// The entries of a list with commas between them, as zkCli reads it.
#[derive(Clone, Copy, Debug)]
pub struct AclText<'a>(pub &'a [Acl]);

impl fmt::Display for AclText<'_> {
    fn fmt(&self, out: &mut fmt::Formatter) -> fmt::Result {
        for (at, entry) in self.0.iter().enumerate() {
            write!(out, "{}{entry}", if at > 0 { "," } else { "" })?;
        }
        Ok(())
    }
}

impl fmt::Display for AuthId {
    fn fmt(&self, out: &mut fmt::Formatter) -> fmt::Result {
        write!(out, "{}:{}", self.scheme, self.id)
    }
}
