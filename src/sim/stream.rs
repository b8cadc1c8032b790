//! Named random streams: the one door through which chance enters a run.

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use xxhash_rust::xxh64::xxh64;

use crate::proto::{Micros, Span};

/// A ChaCha8 stream of its own for one concern (a connection incarnation, a disk, a stage, a node).
///
/// Seeded from the run's seed and the stream's name alone, so a draw on one stream never shifts another:
/// taking a fault out of a scenario leaves the rest as it was as far as causality allows.
#[derive(Clone, Debug)]
pub struct Stream(ChaCha8Rng);

impl Stream {
    pub fn named(seed: u64, name: &str) -> Stream {
        let mut key = [0; 32];
        for (index, word) in key.chunks_exact_mut(8).enumerate() {
            word.copy_from_slice(&xxh64(name.as_bytes(), seed.wrapping_add(index as u64)).to_le_bytes());
        }
        key[..8].copy_from_slice(&seed.to_le_bytes());
        Stream(ChaCha8Rng::from_seed(key))
    }

    /// A number in `0..bound`; zero when `bound` is zero.
    ///
    /// Multiply-shift on one 64-bit word: our own few lines, so that no upgrade of a library changes a replay.
    /// The bias is below `bound / 2^64`.
    #[inline]
    pub fn below(&mut self, bound: u64) -> u64 {
        ((u128::from(self.0.next_u64()) * u128::from(bound)) >> 64) as u64
    }

    /// A time within `span`, both ends included. Draws also when both ends are equal, so that changing a span never shifts the stream.
    #[inline]
    pub fn within(&mut self, span: Span) -> Micros {
        let width = (span.high.0 - span.low.0).saturating_add(1);
        Micros(span.low.0 + self.below(width))
    }

    /// True with a probability of `ppm` parts per million.
    pub fn chance(&mut self, ppm: u32) -> bool {
        self.below(1_000_000) < u64::from(ppm)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_is_its_seed_and_name() {
        let draws = |seed, name| {
            let mut stream = Stream::named(seed, name);
            [stream.below(1_000), stream.below(1_000), stream.below(1_000), stream.below(1_000)]
        };
        assert_eq!(draws(7, "disk s1"), draws(7, "disk s1"));
        assert_ne!(draws(7, "disk s1"), draws(7, "disk s2"));
        assert_ne!(draws(7, "disk s1"), draws(8, "disk s1"));
        // Pinned: replays made by an older build must stay replays.
        assert_eq!(draws(7, "disk s1"), [839, 603, 792, 127]);
    }

    #[test]
    fn spans_include_both_ends() {
        let mut stream = Stream::named(1, "test");
        let span = Span::new(Micros(3), Micros(5));
        let mut seen = [false; 3];
        for _ in 0..200 {
            seen[(stream.within(span).0 - 3) as usize] = true;
        }
        assert_eq!(seen, [true; 3]);
    }
}
