//! The digest: one 64-bit number for all that the kernel did.

use std::fmt;

use xxhash_rust::xxh64::Xxh64;

/// XXH64 (seed 0) over the kernel's records, each a sequence of 64-bit words in little-endian bytes.
///
/// Notes, checks and recording are not part of it. Two runs are the same run when their digests are equal.
#[derive(Clone)]
pub struct Digest {
    hash: Xxh64,
    /// Words that the hash has not seen yet: it is several times faster on many bytes at once.
    waiting: [[u8; 8]; BATCH],
    /// How many of `waiting` there are.
    count: usize,
}

const BATCH: usize = 256;

/// Words that XXH64 takes in at a time.
const STRIPE: usize = 4;

impl Default for Digest {
    fn default() -> Digest {
        Digest { hash: Xxh64::new(0), waiting: [[0; 8]; BATCH], count: 0 }
    }
}

impl Digest {
    /// Adds one word.
    #[inline]
    pub fn word(&mut self, word: u64) {
        self.words([word]);
    }

    /// Adds several words, at most 64, in their order.
    #[inline]
    pub fn words<const N: usize>(&mut self, words: [u64; N]) {
        if self.count + N > BATCH {
            self.flush();
        }
        for (place, word) in self.waiting[self.count..self.count + N].iter_mut().zip(words) {
            *place = word.to_le_bytes();
        }
        self.count += N;
    }

    /// Hands on what fills whole stripes, so that the hash has nothing to put aside.
    #[inline(never)]
    fn flush(&mut self) {
        let whole = self.count / STRIPE * STRIPE;
        self.hash.update(self.waiting[..whole].as_flattened());
        self.waiting.copy_within(whole..self.count, 0);
        self.count -= whole;
    }

    /// The value so far; may be asked at any time.
    pub fn value(&self) -> u64 {
        let mut hash = self.hash.clone();
        hash.update(self.waiting[..self.count].as_flattened());
        hash.digest()
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
        let mut digest = Digest::default();
        let mut bytes = Vec::new();
        // Past some batches, which end after a single word, between pairs of words and before one, asking every time.
        for word in (0..3 * BATCH as u64).map(|word| word << 56 | word) {
            assert_eq!(digest.value(), xxhash_rust::xxh64::xxh64(&bytes, 0));
            digest.word(word);
            digest.words([word + 1, word + 2]);
            [word, word + 1, word + 2].iter().for_each(|word| bytes.extend(word.to_le_bytes()));
        }
        assert_eq!(digest.value(), xxhash_rust::xxh64::xxh64(&bytes, 0));
    }
}
