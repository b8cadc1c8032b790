//! A map from paths that is cheap to clone and quick to look up.

use std::hash::{BuildHasher, Hasher};

use imbl::GenericHashMap;
use imbl::shared_ptr::ArcK;
use xxhash_rust::xxh64::xxh64;

use crate::proto::Path;

/// A hash trie: looking a path up takes a third of the time that an ordered map takes, which compares a dozen strings. It has an order of its own
/// that means nothing: never iterate over it.
pub type PathMap<V> = GenericHashMap<Path, V, FixedHash, ArcK>;

/// The same hash in every run and on every machine.
#[derive(Clone, Copy, Debug, Default)]
pub struct FixedHash;

/// Hashes one path.
#[derive(Debug)]
pub struct PathHasher(u64);

impl BuildHasher for FixedHash {
    type Hasher = PathHasher;

    fn build_hasher(&self) -> PathHasher {
        PathHasher(0)
    }
}

impl Hasher for PathHasher {
    fn write(&mut self, bytes: &[u8]) {
        self.0 = xxh64(bytes, self.0);
    }

    /// The mark behind a string: it ends here anyway.
    fn write_u8(&mut self, _: u8) {}

    fn finish(&self) -> u64 {
        self.0
    }
}
