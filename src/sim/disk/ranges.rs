//! Which bytes of a file wait for the medium.

use std::collections::BTreeMap;
use std::ops::Range;

use super::SECTOR;

/// A set of bytes as disjoint ranges that do not touch, so a log appended to for an hour is one range.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ByteRanges(BTreeMap<u64, u64>);

impl ByteRanges {
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn insert(&mut self, range: Range<u64>) {
        if range.is_empty() {
            return;
        }
        let Range { mut start, mut end } = range;
        // Ranges that overlap or touch the new one are among those that start at or before its end.
        while let Some((&other_start, &other_end)) = self.0.range(..=end).next_back()
            && other_end >= start
        {
            self.0.remove(&other_start);
            (start, end) = (start.min(other_start), end.max(other_end));
        }
        self.0.insert(start, end);
    }

    pub fn add(&mut self, other: &ByteRanges) {
        for (&start, &end) in &other.0 {
            self.insert(start..end);
        }
    }

    /// Forgets the bytes at `end` and beyond.
    pub fn cut(&mut self, end: u64) {
        self.0.split_off(&end);
        if let Some(mut last) = self.0.last_entry() {
            *last.get_mut() = (*last.get()).min(end);
        }
    }

    /// How many bytes.
    pub fn count(&self) -> u64 {
        self.0.iter().map(|(start, end)| end - start).sum()
    }

    /// How many of them lie in `range`.
    pub fn count_within(&self, range: Range<u64>) -> u64 {
        self.0.range(..range.end).map(|(&start, &end)| end.min(range.end).saturating_sub(start.max(range.start))).sum()
    }

    /// The numbers of the 512-byte sectors that hold any of them, ascending, each once.
    pub fn sectors(&self) -> Vec<u64> {
        let mut sectors: Vec<u64> = self.0.iter().flat_map(|(&start, &end)| start / SECTOR..end.div_ceil(SECTOR)).collect();
        sectors.dedup();
        sectors
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ranges(parts: &[(u64, u64)]) -> ByteRanges {
        let mut ranges = ByteRanges::default();
        parts.iter().for_each(|(start, end)| ranges.insert(*start..*end));
        ranges
    }

    #[test]
    fn ranges_that_touch_become_one() {
        assert_eq!(ranges(&[(0, 10), (10, 20), (30, 40)]).0, BTreeMap::from([(0, 20), (30, 40)]));
        assert_eq!(ranges(&[(0, 10), (30, 40), (50, 60), (5, 55)]).0, BTreeMap::from([(0, 60)]));
        assert_eq!(ranges(&[(5, 6), (0, 10), (3, 4)]).0, BTreeMap::from([(0, 10)]));
        assert_eq!(ranges(&[(30, 40), (0, 10)]).0, BTreeMap::from([(0, 10), (30, 40)]));
        assert!(ranges(&[(7, 7)]).is_empty());
    }

    #[test]
    fn cutting_and_counting() {
        let mut dirty = ranges(&[(0, 100), (500, 600), (2000, 2001)]);
        assert_eq!(dirty.count(), 201);
        assert_eq!(dirty.count_within(50..550), 100);
        assert_eq!(dirty.sectors(), [0, 1, 3]);
        dirty.cut(550);
        assert_eq!(dirty, ranges(&[(0, 100), (500, 550)]));
        dirty.cut(500);
        assert_eq!(dirty, ranges(&[(0, 100)]));
    }
}
