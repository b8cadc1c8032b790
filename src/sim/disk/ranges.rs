//! Which bytes of a file wait for the medium.

use std::ops::Range;

use super::SECTOR;

/// A set of bytes as disjoint ranges that do not touch, so a log appended to for an hour is one range.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ByteRanges(Vec<Range<u64>>);

impl ByteRanges {
    pub fn insert(&mut self, range: Range<u64>) {
        if range.is_empty() {
            return;
        }
        // Those that overlap or touch the new one become one with it.
        let first = self.0.partition_point(|other| other.end < range.start);
        let behind = self.0.partition_point(|other| other.start <= range.end);
        match self.0.get_mut(first..behind) {
            Some([joined, .., last]) => {
                *joined = joined.start.min(range.start)..last.end.max(range.end);
                self.0.drain(first + 1..behind);
            }
            Some([joined]) => *joined = joined.start.min(range.start)..joined.end.max(range.end),
            _ => self.0.insert(first, range),
        }
    }

    pub fn add(&mut self, other: &ByteRanges) {
        other.0.iter().for_each(|range| self.insert(range.clone()));
    }

    /// Room for ranges, if there is none: that of a set which is done with.
    pub fn take_room(&mut self, mut used: ByteRanges) {
        if self.0.capacity() == 0 {
            used.0.clear();
            *self = used;
        }
    }

    /// Forgets the bytes at `end` and beyond.
    pub fn cut(&mut self, end: u64) {
        self.0.truncate(self.0.partition_point(|range| range.start < end));
        if let Some(last) = self.0.last_mut() {
            last.end = last.end.min(end);
        }
    }

    /// How many bytes.
    pub fn count(&self) -> u64 {
        self.count_within(0..u64::MAX)
    }

    /// How many of them lie in `range`.
    pub fn count_within(&self, range: Range<u64>) -> u64 {
        self.0.iter().map(|part| part.end.min(range.end).saturating_sub(part.start.max(range.start))).sum()
    }

    /// The numbers of the 512-byte sectors that hold any of them, ascending, each once.
    pub fn sectors(&self) -> Vec<u64> {
        self.widened_to_sectors().flat_map(|range| range.start / SECTOR..range.end / SECTOR).collect()
    }

    /// All bytes of those sectors, as ranges of which none begins before the end of another.
    pub fn widened_to_sectors(&self) -> impl Iterator<Item = Range<u64>> {
        let mut end = 0;
        self.0.iter().map(move |range| {
            let start = (range.start / SECTOR * SECTOR).max(end);
            end = range.end.next_multiple_of(SECTOR);
            start..end
        })
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
        assert_eq!(ranges(&[(0, 10), (10, 20), (30, 40)]).0, [0..20, 30..40]);
        assert_eq!(ranges(&[(0, 10), (30, 40), (50, 60), (5, 55)]).0, vec![0..60]);
        assert_eq!(ranges(&[(5, 6), (0, 10), (3, 4)]).0, vec![0..10]);
        assert_eq!(ranges(&[(30, 40), (0, 10)]).0, [0..10, 30..40]);
        assert_eq!(ranges(&[(10, 20), (0, 5), (3, 30)]).0, vec![0..30]);
        assert!(ranges(&[(7, 7)]).0.is_empty());
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
