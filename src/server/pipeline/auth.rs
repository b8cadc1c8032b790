//! Who a client is, and what an access list says of it. Source: `AuthenticationProvider`s, `ProviderRegistry`; data-model reference §10.
//!
//! Schemes are `digest` (a name and a password, of which the SHA-1 is kept), `ip` (the address of the connection), `world` (anyone), and for
//! those who set a list, `auth` (whoever they are themselves). `super` is whoever knows the password of the configured super digest.
//! Not modelled: `sasl` and `x509`, addresses of IPv6. Connections have no addresses here: all clients are at [`CLIENT_ADDRESS`].

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha1::{Digest, Sha1};

use crate::proto::{Acl, AuthId, AuthIds, Bytes, Config};

/// Where every client is, as its server sees it.
pub const CLIENT_ADDRESS: &str = "127.0.0.1";

/// What a client is before it has proved anything.
pub fn of_address() -> AuthIds {
    Arc::new([AuthId::new("ip", CLIENT_ADDRESS)])
}

/// What a client is after a proof, besides what it is already; `None` when the proof fails. Any digest is one: nobody keeps a list of users.
/// Source: `AuthenticationProvider.handleAuthentication`.
pub fn prove(config: &Config, scheme: &str, credential: Option<&Bytes>) -> Option<Vec<AuthId>> {
    match scheme {
        "digest" => {
            let digest = digest_of(&String::from_utf8_lossy(credential?));
            let is_super = config.super_digest.as_deref() == Some(&*digest);
            Some(is_super.then(|| AuthId::new("super", "")).into_iter().chain([AuthId::new("digest", digest)]).collect())
        }
        "ip" => Some(vec![AuthId::new("ip", CLIENT_ADDRESS)]),
        _ => None,
    }
}

/// `user:hash` of `user:password`. Without a colon the whole of it is the user. Source: `DigestAuthenticationProvider.generateDigest`.
pub fn digest_of(credential: &str) -> String {
    let user = credential.split(':').next().unwrap_or_default();
    format!("{user}:{}", STANDARD.encode(Sha1::digest(credential.as_bytes())))
}

/// The ids as their owner is told them: without what a digest must not show. Source: `AuthUtil.getClientInfos`.
pub fn client_infos(ids: &[AuthId]) -> AuthIds {
    let user = |id: &AuthId| if &*id.scheme == "digest" { user_of(&id.id).into() } else { id.id.clone() };
    ids.iter().map(|id| AuthId { scheme: id.scheme.clone(), id: user(id) }).collect()
}

/// The entry as those are told it who may not set it: a digest without its hash.
pub fn masked(entry: &Acl) -> Acl {
    let hides = &*entry.scheme == "digest" && entry.id.contains(':');
    Acl { id: if hides { format!("{}:x", user_of(&entry.id)).into() } else { entry.id.clone() }, ..entry.clone() }
}

fn user_of(id: &str) -> &str {
    id.split(':').next().unwrap_or_default()
}

pub fn is_anyone(entry: &Acl) -> bool {
    &*entry.scheme == "world" && &*entry.id == "anyone"
}

/// Whether somebody proved to be this, so that `auth` in a list can stand for it: an address proves nothing. Source: `isAuthenticated`.
pub fn is_authenticated(id: &AuthId) -> bool {
    &*id.scheme == "digest"
}

/// Whether an entry could ever match. Source: `AuthenticationProvider.isValid`.
pub fn is_valid(entry: &Acl) -> bool {
    match &*entry.scheme {
        "world" => is_anyone(entry),
        // As Java splits: what is empty at the end does not count.
        "digest" => entry.id.trim_end_matches(':').split(':').count() == 2,
        "ip" => network(&entry.id).is_some(),
        _ => false,
    }
}

/// Whether an id is meant by an entry of its scheme. Source: `AuthenticationProvider.matches`.
pub fn matches(id: &AuthId, entry: &Acl) -> bool {
    id.scheme == entry.scheme
        && match &*id.scheme {
            "digest" => id.id == entry.id,
            "ip" => network(&entry.id).zip(address(&id.id)).is_some_and(|((network, mask), address)| network & mask == address & mask),
            _ => false,
        }
}

/// `10.0.0.0/8` as address and mask.
fn network(text: &str) -> Option<(u32, u32)> {
    let (base, bits) = text.split_once('/').map_or((text, Some(32)), |(base, bits)| (base, java_int(bits)));
    let bits = bits.filter(|bits| (0..=32).contains(bits))?;
    address(base).map(|base| (base, u32::MAX.checked_shl(32 - bits as u32).unwrap_or(0)))
}

/// Four numbers below 256.
fn address(text: &str) -> Option<u32> {
    let mut parts = text.split('.').map(|part| java_int(part).and_then(|number| u8::try_from(number).ok()));
    let bytes = [parts.next()??, parts.next()??, parts.next()??, parts.next()??];
    parts.next().is_none().then(|| u32::from_be_bytes(bytes))
}

/// `Integer.parseInt`.
fn java_int(text: &str) -> Option<i32> {
    text.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proto::Membership;

    fn entry(scheme: &str, id: &str) -> Acl {
        Acl { perms: 31, scheme: scheme.into(), id: id.into() }
    }

    /// Recorded from a real server: what `getAcl` shows of `u1:p1`, and the super digest of `super:test`.
    #[test]
    fn digests_are_zookeepers() {
        assert_eq!(digest_of("u1:p1"), "u1:fpT/y03U+EjItKZOSLGvjnJlyng=");
        assert_eq!(digest_of("super:test"), "super:D/InIHSb7yEEbrWz8b9l71RjZJU=");
        assert!(digest_of("nocolon").starts_with("nocolon:"));
    }

    #[test]
    fn proofs() {
        let mut config = Config::new(Membership::of(3, 0));
        let credential = |text: &str| Some(Bytes::from(text.as_bytes()));
        let prove =
            |config: &Config, scheme: &str, text: &str| prove(config, scheme, credential(text).as_ref()).map(|ids| client_infos(&ids).to_vec());
        assert_eq!(prove(&config, "digest", "super:test"), Some(vec![AuthId::new("digest", "super")]));
        config.super_digest = Some("super:D/InIHSb7yEEbrWz8b9l71RjZJU=".into());
        assert_eq!(prove(&config, "digest", "super:test"), Some(vec![AuthId::new("super", ""), AuthId::new("digest", "super")]));
        assert_eq!(prove(&config, "ip", ""), Some(vec![AuthId::new("ip", "127.0.0.1")]));
        assert_eq!((prove(&config, "world", "anyone"), prove(&config, "nosuch", "x")), (None, None));
        assert_eq!(super::prove(&config, "digest", None), None, "Java cannot make a text of nothing");
    }

    #[test]
    fn entries_that_can_match() {
        for (scheme, id) in [
            ("world", "anyone"),
            ("digest", "u:h"),
            ("digest", ":h"),
            ("digest", "u:h:"),
            ("ip", "10.0.0.1"),
            ("ip", "1.2.3.4/0"),
            ("ip", "1.2.3.4/32"),
        ] {
            assert!(is_valid(&entry(scheme, id)), "{scheme}:{id}");
        }
        let wrong_ip = ["", "1.2.3", "1.2.3.4.5", "300.1.1.1", "1.2.3.-4", "1.2.3.4/33", "1.2.3.4/-1", "1.2.3.4/", "a.b.c.d", "::1"];
        let wrong = [("world", "me"), ("digest", "u"), ("digest", "u:"), ("digest", "u:h:x"), ("auth", ""), ("super", ""), ("nosuch", "x")];
        for (scheme, id) in wrong.into_iter().chain(wrong_ip.map(|id| ("ip", id))) {
            assert!(!is_valid(&entry(scheme, id)), "{scheme}:{id}");
        }
    }

    #[test]
    fn addresses_match_networks() {
        let here = AuthId::new("ip", "127.0.0.1");
        for (network, is_in) in
            [("127.0.0.1", true), ("127.0.0.0/8", true), ("127.0.0.2", false), ("10.0.0.0/8", false), ("10.0.0.0/0", true), ("126.0.0.0/7", true)]
        {
            assert_eq!(matches(&here, &entry("ip", network)), is_in, "{network}");
        }
        assert!(!matches(&AuthId::new("digest", "127.0.0.1"), &entry("ip", "127.0.0.1")));
    }

    #[test]
    fn hashes_are_hidden() {
        assert_eq!(masked(&entry("digest", "u1:abc=")), entry("digest", "u1:x"));
        assert_eq!(masked(&entry("ip", "1.2.3.4")), entry("ip", "1.2.3.4"));
    }
}
