//! Who may do what to a node. Source: `ZooKeeperServer.checkACL`, `PrepRequestProcessor.fixupACL`; data-model reference §10.

use crate::proto::{Acl, AclList, AuthId, ErrorCode};

use super::auth;

/// Bits of [`Acl::perms`].
pub const READ: i32 = 1;
pub const WRITE: i32 = 2;
pub const CREATE: i32 = 4;
pub const DELETE: i32 = 8;
pub const ADMIN: i32 = 16;

/// Whether a list lets somebody with these ids do any of this. An empty one, which no client can set, lets everybody do everything.
pub fn allows(list: &[Acl], perms: i32, ids: &[AuthId]) -> bool {
    let is_meant = |entry: &Acl| auth::is_anyone(entry) || ids.iter().any(|id| auth::matches(id, entry));
    list.is_empty() || is_super(ids) || list.iter().any(|entry| entry.perms & perms != 0 && is_meant(entry))
}

/// Nothing is forbidden to those.
fn is_super(ids: &[AuthId]) -> bool {
    ids.iter().any(|id| &*id.scheme == "super")
}

/// The list as it is stored for a client with these ids: without duplicates, only with entries that could ever match, and with the ids that it
/// proved to have in the place of `auth`.
pub fn checked(list: &AclList, ids: &[AuthId]) -> Result<AclList, ErrorCode> {
    if let [only] = &list[..]
        && auth::is_anyone(only)
    {
        return Ok(list.clone());
    }
    let mut stored = Vec::new();
    for (_, entry) in list.iter().enumerate().filter(|(at, entry)| !list[..*at].contains(entry)) {
        if &*entry.scheme == "auth" {
            let before = stored.len();
            let meant = ids.iter().filter(|id| auth::is_authenticated(id));
            stored.extend(meant.map(|id| Acl { perms: entry.perms, scheme: id.scheme.clone(), id: id.id.clone() }));
            if stored.len() == before {
                return Err(ErrorCode::InvalidAcl);
            }
        } else if auth::is_valid(entry) {
            stored.push(entry.clone());
        } else {
            return Err(ErrorCode::InvalidAcl);
        }
    }
    if stored.is_empty() { Err(ErrorCode::InvalidAcl) } else { Ok(stored.into()) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use proptest::test_runner::RngSeed;

    use super::*;

    fn acl(perms: i32, scheme: &str, id: &str) -> Acl {
        Acl { perms, scheme: scheme.into(), id: id.into() }
    }

    #[test]
    fn one_entry_that_means_the_client_is_enough() {
        let list = [acl(31, "digest", "u:h"), acl(READ, "world", "anyone"), acl(CREATE, "world", "anyone")];
        let (nobody, user) = ([], [AuthId::new("digest", "u:h")]);
        assert!(allows(&list, READ, &nobody) && allows(&list, CREATE, &nobody) && !allows(&list, WRITE, &nobody) && !allows(&list, DELETE, &nobody));
        assert!(allows(&list, READ | ADMIN, &nobody), "either is enough");
        assert!(allows(&list, WRITE, &user) && !allows(&list, WRITE, &[AuthId::new("digest", "u:x")]));
        assert!(allows(&list, WRITE, &[AuthId::new("super", "")]));
        assert!(allows(&[], DELETE, &nobody));
    }

    #[test]
    fn lists_are_checked_before_they_are_stored() {
        let (anyone, digest) = (acl(READ, "world", "anyone"), acl(31, "digest", "u:h"));
        let ids = [AuthId::new("ip", "127.0.0.1"), AuthId::new("digest", "a:1"), AuthId::new("digest", "b:2")];
        let stored = |list: &[Acl], ids: &[AuthId]| checked(&list.into(), ids).map(|list| list.to_vec());
        assert_eq!(stored(&[], &ids), Err(ErrorCode::InvalidAcl));
        for bad in [acl(31, "world", "me"), acl(31, "digest", "u"), acl(31, "nobody", "u:h")] {
            assert_eq!(stored(&[anyone.clone(), bad], &ids), Err(ErrorCode::InvalidAcl));
        }
        assert_eq!(stored(&[anyone.clone(), digest.clone(), anyone.clone()], &[]), Ok(vec![anyone.clone(), digest]));
        let auth = acl(5, "auth", "whatever");
        assert_eq!(stored(&[anyone.clone(), auth.clone()], &ids), Ok(vec![anyone, acl(5, "digest", "a:1"), acl(5, "digest", "b:2")]));
        assert_eq!(stored(&[auth], &ids[..1]), Err(ErrorCode::InvalidAcl), "an address proves nothing");
    }

    /// Who is meant by an entry that may be stored, for the ids of [`any_ids`].
    fn is_meant(entry: &Acl, ids: &[AuthId]) -> bool {
        let has = |scheme: &str, id: &str| ids.contains(&AuthId::new(scheme, id));
        match (&*entry.scheme, &*entry.id) {
            ("world", _) => true,
            ("ip", "127.0.0.0/8" | "127.0.0.1" | "0.0.0.0/0") => has("ip", "127.0.0.1"),
            ("ip", _) => false,
            (scheme, id) => has(scheme, id),
        }
    }

    fn any_list() -> impl Strategy<Value = Vec<Acl>> {
        let who = [
            ("world", "anyone"),
            ("digest", "a:1"),
            ("digest", "b:2"),
            ("auth", ""),
            ("ip", "127.0.0.1"),
            ("ip", "127.0.0.0/8"),
            ("ip", "10.0.0.0/8"),
            ("ip", "0.0.0.0/0"),
        ];
        prop::collection::vec((0..32, prop::sample::select(who.to_vec())).prop_map(|(perms, (scheme, id))| acl(perms, scheme, id)), 0..5)
    }

    fn any_ids() -> impl Strategy<Value = Vec<AuthId>> {
        let id = |(scheme, id): (&'static str, &'static str)| prop::bool::weighted(0.4).prop_map(move |has| has.then(|| AuthId::new(scheme, id)));
        let all = [("ip", "127.0.0.1"), ("digest", "a:1"), ("digest", "b:2"), ("digest", "c:3"), ("super", "")];
        all.map(id).to_vec().prop_map(|ids| ids.into_iter().flatten().collect())
    }

    proptest! {
        #![proptest_config(ProptestConfig { rng_seed: RngSeed::Fixed(1), ..ProptestConfig::default() })]

        /// Whoever is meant by an entry with the right bit may, and nobody else. (Found when all bits that were asked for had to be there.)
        #[test]
        fn lists_allow_whom_they_mean(list in any_list(), perms in 1..32, ids in any_ids()) {
            let is_super = ids.iter().any(|id| &*id.scheme == "super");
            let expected = is_super || list.is_empty() || list.iter().any(|entry| &*entry.scheme != "auth" && entry.perms & perms != 0 && is_meant(entry, &ids));
            prop_assert_eq!(allows(&list, perms, &ids), expected);
        }

        /// What is stored means the same to everybody, `auth` standing for its author; and it is stored as it is when it is set again.
        /// (Found when `auth` stood for the author's address too.)
        #[test]
        fn a_stored_list_means_what_its_author_said(list in any_list(), author in any_ids(), perms in 1..32, other in any_ids()) {
            let proved: Vec<&AuthId> = author.iter().filter(|id| &*id.scheme == "digest").collect();
            let is_refused = list.is_empty() || proved.is_empty() && list.iter().any(|entry| &*entry.scheme == "auth");
            match checked(&list.clone().into(), &author) {
                Err(code) => prop_assert!(is_refused && code == ErrorCode::InvalidAcl),
                Ok(stored) => {
                    prop_assert!(!is_refused);
                    let may = list.iter().any(|entry| entry.perms & perms != 0 && match &*entry.scheme {
                        "auth" => proved.iter().any(|id| other.contains(id)),
                        _ => is_meant(entry, &other),
                    });
                    prop_assert_eq!(allows(&stored, perms, &other), may || other.iter().any(|id| &*id.scheme == "super"));
                    prop_assert!(stored.iter().all(|entry| &*entry.scheme != "auth"));
                    let again = checked(&stored, &author).expect("it was good");
                    prop_assert!(again.iter().all(|entry| stored.contains(entry)) && stored.iter().all(|entry| again.contains(entry)));
                }
            }
        }
    }
}
