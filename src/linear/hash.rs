//! A hash that is the same on every machine and in every build: it decides no verdict, but the order of work must not differ.

use std::hash::{Hash, Hasher};

/// Both halves of a product, folded: every bit of the operands moves every bit of the result.
#[inline]
pub fn mix(one: u64, other: u64) -> u64 {
    let product = u128::from(one ^ 0x2d35_8dcc_aa6c_78a5) * u128::from(other ^ 0x8bb8_4b93_962e_acc9);
    (product >> 64) as u64 ^ product as u64
}

pub fn hash(item: &impl Hash) -> u64 {
    let mut hasher = Folded(0);
    item.hash(&mut hasher);
    hasher.0
}

struct Folded(u64);

impl Hasher for Folded {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        let word =
            |bytes: &[u8]| bytes.try_into().map_or_else(|_| bytes.iter().fold(1, |word, byte| word << 8 | u64::from(*byte)), u64::from_le_bytes);
        for chunk in bytes.chunks(16) {
            let (one, other) = chunk.split_at(chunk.len().min(8));
            self.0 = mix(self.0 ^ word(one), word(other));
        }
    }

    fn write_u8(&mut self, byte: u8) {
        self.write_u64(u64::from(byte));
    }

    fn write_u64(&mut self, word: u64) {
        self.0 = mix(self.0, word);
    }

    fn write_i32(&mut self, word: i32) {
        self.write_i64(i64::from(word));
    }

    fn write_i64(&mut self, word: i64) {
        self.write_u64(word.cast_unsigned());
    }

    // The discriminant of an enum; as wide on every machine.
    fn write_isize(&mut self, word: isize) {
        self.write_i64(word as i64);
    }
}
