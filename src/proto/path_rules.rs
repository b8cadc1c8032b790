//! What a path may look like. Source: `PathUtils.validatePath`, `PrepRequestProcessor`; data-model reference §3.

/// Nodes that are created with the tree and cannot be deleted.
pub const SPECIAL_PATHS: [&str; 4] = ["/", "/zookeeper", "/zookeeper/quota", "/zookeeper/config"];

/// Whether this is the full name of a node: absolute, no empty, `.` or `..` component, no `/` at the end, only characters that may be shown.
///
/// ZooKeeper looks at UTF-16 units, so characters outside the basic plane are refused: they are pairs of surrogates there.
pub fn is_valid_path(path: &str) -> bool {
    let Some(rest) = path.strip_prefix('/') else {
        return false;
    };
    let is_name = |name: &[u8]| !matches!(name, b"" | b"." | b"..");
    let is_plain = |byte: u8| matches!(byte, b' '..0x7f);
    rest.is_empty() || (rest.as_bytes().split(|byte| *byte == b'/').all(is_name) && (rest.bytes().all(is_plain) || rest.chars().all(is_shown)))
}

fn is_shown(it: char) -> bool {
    !matches!(it, '\0'..='\u{1f}' | '\u{7f}'..='\u{9f}' | '\u{e000}'..='\u{f8ff}' | '\u{fff0}'..='\u{ffff}' | '\u{10000}'..)
}

/// The path of the node above: `/` for those right below the root. `None` where the leader's first look at a create or delete already fails:
/// there is no `/` at all, or a NUL. Source: `validatePathForCreate`, `getParentPathAndValidate`.
pub fn parent_path(path: &str) -> Option<&str> {
    if path.bytes().any(|byte| byte == 0) {
        return None;
    }
    match path.rfind('/')? {
        0 => Some("/"),
        at => Some(&path[..at]),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use proptest::test_runner::RngSeed;

    use super::*;

    /// The reference's sentence (data-model §3) over UTF-16 units, as Java has them.
    fn is_valid_in_java(path: &str) -> bool {
        let units: Vec<u16> = path.encode_utf16().collect();
        let is_bad = |unit: &u16| matches!(unit, 0..=0x1f | 0x7f..=0x9f | 0xd800..=0xf8ff | 0xfff0..=0xffff);
        let [first, rest @ ..] = &units[..] else { return false };
        if *first != u16::from(b'/') || units.iter().any(is_bad) {
            return false;
        }
        rest.is_empty() || rest.split(|unit| *unit == u16::from(b'/')).all(|name| !name.is_empty() && name != [46] && name != [46, 46])
    }

    proptest! {
        #![proptest_config(ProptestConfig { rng_seed: RngSeed::Fixed(1), ..ProptestConfig::default() })]

        /// (Found when U+F8FF was let through.)
        #[test]
        fn paths_are_those_of_java(path in "[/./.a\0\u{1f} ~\u{7f}\u{80}\u{9f}\u{a0}\u{d7ff}\u{e000}\u{f8ff}\u{f900}\u{ffef}\u{fff0}\u{ffff}\u{10000}\u{10ffff}]{0,7}") {
            let path = if path.len() % 3 == 0 { path } else { format!("/{path}") };
            prop_assert_eq!(is_valid_path(&path), is_valid_in_java(&path), "{:?}", path);
        }
    }

    #[test]
    fn names_of_nodes() {
        for path in ["/", "/a", "/a/b c", "/...", "/a.", "/.a", "/a..b", "/käse/\u{3042}", "/\u{ffef}", "/\u{a0}"] {
            assert!(is_valid_path(path), "{path:?}");
        }
        let bad = ["", "a", "a/b", "/a/", "//", "//a", "/a//b", "/.", "/..", "/a/./b", "/a/..", "/a/../b"];
        let unshown = ["/\0", "/a\u{1}", "/\u{1f}", "/\u{7f}", "/\u{9f}", "/\u{e000}", "/\u{f8ff}", "/\u{fff0}", "/\u{ffff}", "/\u{1f600}"];
        for path in bad.into_iter().chain(unshown) {
            assert!(!is_valid_path(path), "{path:?}");
        }
    }

    #[test]
    fn parents() {
        for (path, parent) in [
            ("/a", Some("/")),
            ("/a/b", Some("/a")),
            ("/a/", Some("/a")),
            ("/", Some("/")),
            ("a/b", Some("a")),
            ("a", None),
            ("", None),
            ("/a\0/b", None),
        ] {
            assert_eq!(parent_path(path), parent, "{path:?}");
        }
    }
}
