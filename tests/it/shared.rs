//! Material that is not ours and lies beside the repository: recordings of real servers. Read in place, found by `ZOOLAB_SHARED` or as
//! `shared/` next to any folder above the package.

use std::io::Write;
use std::path::{Path, PathBuf};

/// The folder `name` of the shared material. Without it a test has nothing to prove: it says so, and fails where `CI` is `true`.
pub fn shared(name: &str) -> Option<PathBuf> {
    let named = std::env::var_os("ZOOLAB_SHARED").map(PathBuf::from);
    let near = || Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().skip(1).map(|above| above.join("shared"));
    let found = named.into_iter().chain(near()).map(|folder| folder.join(name)).find(|folder| folder.is_dir());
    if found.is_none() {
        missing(&format!("no folder shared/{name} (ZOOLAB_SHARED says where)"));
    }
    found
}

/// Says loudly that a test proves nothing here; where `CI` is `true` it fails. Not by a macro: what those print, a test that passes keeps to
/// itself.
pub fn missing(what: &str) {
    let _ = writeln!(std::io::stderr(), "\nNOT TESTED: {what}\n");
    assert!(std::env::var("CI").as_deref() != Ok("true"), "CI must test everything: {what}");
}
