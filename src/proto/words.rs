//! How what is not a number enters the digest.

/// Feeds the length of `bytes` and then the bytes, eight to a little-endian word, the last one filled up with zeros.
pub fn bytes_as_words(bytes: &[u8], mut word: impl FnMut(u64)) {
    word(bytes.len() as u64);
    let (words, rest) = bytes.as_chunks();
    words.iter().for_each(|bytes| word(u64::from_le_bytes(*bytes)));
    if !rest.is_empty() {
        word(rest.iter().rev().fold(0, |value, byte| value << 8 | u64::from(*byte)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn length_then_eight_bytes_a_word() {
        let mut words = Vec::new();
        bytes_as_words(b"12345678\x01", |word| words.push(word));
        assert_eq!(words, [9, u64::from_le_bytes(*b"12345678"), 1]);
    }
}
