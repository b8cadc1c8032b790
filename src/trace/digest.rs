//! The digest: one 64-bit number for all that the kernel did.

use std::fmt;

use xxhash_rust::xxh64::Xxh64;

/// XXH64 (seed 0) over the kernel's records, each a sequence of 64-bit words in little-endian bytes.
///
/// Notes, checks and recording are not part of it. Two runs are the same run when their digests are equal.
#[derive(Clone)]
pub struct Digest(Xxh64);

impl Default for Digest {
    fn default() -> Digest {
        Digest(Xxh64::new(0))
    }
}

impl Digest {
    /// Adds one word.
    #[inline]
    pub fn word(&mut self, word: u64) {
        self.0.update(&word.to_le_bytes());
    }

    /// Adds several words at once.
    #[inline]
    pub fn words<const N: usize>(&mut self, words: [u64; N]) {
        let mut bytes = [[0; 8]; N];
        for (to, word) in bytes.iter_mut().zip(words) {
            *to = word.to_le_bytes();
        }
        self.0.update(bytes.as_flattened());
    }

    /// The value so far; may be asked at any time.
    pub fn value(&self) -> u64 {
        self.0.digest()
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, out: &mut fmt::Formatter) -> fmt::Result {
        write!(out, "{:016x}", self.value())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_little_endian_bytes_of_xxh64() {
        let mut one_by_one = Digest::default();
        one_by_one.word(1);
        one_by_one.word(2);
        let mut at_once = Digest::default();
        at_once.words([1, 2]);
        assert_eq!(one_by_one.value(), at_once.value());
        let bytes = [1, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0];
        assert_eq!(at_once.value(), xxhash_rust::xxh64::xxh64(&bytes, 0));
    }
}
