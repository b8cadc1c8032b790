//! Who may do what to a node. Source: `ZooKeeperServer.checkACL`, `PrepRequestProcessor.fixupACL`; data-model reference §10.
//!
//! Clients do not authenticate here, so all that counts is what a list allows to anyone.

use std::sync::Arc;

use crate::proto::{Acl, AclList, ErrorCode};

/// Bits of [`Acl::perms`].
pub const READ: i32 = 1;
pub const WRITE: i32 = 2;
pub const CREATE: i32 = 4;
pub const DELETE: i32 = 8;

/// Whether a list lets anyone do this. An empty one, which no client can set, lets everybody do everything.
pub fn allows(list: &[Acl], perms: i32) -> bool {
    list.is_empty() || list.iter().any(|acl| acl.perms & perms != 0 && is_anyone(acl))
}

/// The list as it is stored: without duplicates, and only with entries that could ever match. Nobody can be meant by `auth`.
pub fn checked(list: &AclList) -> Result<AclList, ErrorCode> {
    match &list[..] {
        [] => Err(ErrorCode::InvalidAcl),
        [only] if is_anyone(only) => Ok(list.clone()),
        entries if !entries.iter().all(|acl| is_anyone(acl) || is_digest(acl)) => Err(ErrorCode::InvalidAcl),
        entries => {
            let first = |(at, acl): &(usize, &Acl)| !entries[..*at].contains(acl);
            Ok(entries.iter().enumerate().filter(first).map(|(_, acl)| acl.clone()).collect::<Arc<[Acl]>>())
        }
    }
}

fn is_anyone(acl: &Acl) -> bool {
    &*acl.scheme == "world" && &*acl.id == "anyone"
}

/// `user:hash`.
fn is_digest(acl: &Acl) -> bool {
    &*acl.scheme == "digest" && acl.id.split(':').count() == 2
}

#[cfg(test)]
mod tests {
    use super::*;

    fn acl(perms: i32, scheme: &str, id: &str) -> Acl {
        Acl { perms, scheme: scheme.into(), id: id.into() }
    }

    #[test]
    fn only_what_anyone_may_do_is_allowed() {
        let list = [acl(31, "digest", "u:h"), acl(READ, "world", "anyone"), acl(CREATE, "world", "anyone")];
        assert!(allows(&list, READ) && allows(&list, CREATE) && !allows(&list, WRITE) && !allows(&list, DELETE));
        assert!(allows(&[], DELETE));
    }

    #[test]
    fn lists_are_checked_before_they_are_stored() {
        let (anyone, digest) = (acl(READ, "world", "anyone"), acl(31, "digest", "u:h"));
        let stored = |list: &[Acl]| checked(&list.into()).map(|list| list.to_vec());
        assert_eq!(stored(&[]), Err(ErrorCode::InvalidAcl));
        for bad in [acl(31, "auth", ""), acl(31, "world", "me"), acl(31, "digest", "u"), acl(31, "nobody", "u:h")] {
            assert_eq!(stored(&[anyone.clone(), bad]), Err(ErrorCode::InvalidAcl));
        }
        assert_eq!(stored(&[anyone.clone(), digest.clone(), anyone.clone()]), Ok(vec![anyone, digest]));
    }
}
