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
    use super::*;

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
