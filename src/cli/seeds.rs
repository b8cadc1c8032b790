//! Ranges of seeds, written as in Rust: `1..=200`, `1..201`.

use std::ops::RangeInclusive;
use std::str::FromStr;

/// At least one seed, in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seeds {
    first: u64,
    last: u64,
}

impl Seeds {
    /// How many; the largest number when there are more.
    pub fn count(self) -> u64 {
        (self.last - self.first).saturating_add(1)
    }

    /// One after the other.
    pub fn all(self) -> RangeInclusive<u64> {
        self.first..=self.last
    }

    /// The same seeds in pieces of at most `size`.
    pub fn chunks(self, size: u64) -> impl Iterator<Item = RangeInclusive<u64>> {
        let mut next = Some(self.first);
        std::iter::from_fn(move || {
            let first = next?;
            let last = self.last.min(first.saturating_add(size - 1));
            next = (last < self.last).then(|| last + 1);
            Some(first..=last)
        })
    }
}

/// Reads one seed of a command line.
pub fn seed(text: &str) -> Result<u64, String> {
    text.parse().map_err(|_| format!("a seed is a whole number, 0..={}", u64::MAX))
}

impl FromStr for Seeds {
    type Err = String;

    fn from_str(text: &str) -> Result<Seeds, String> {
        let form = "a range of seeds is written 1..=200 or 1..201";
        let Some((first, last)) = text.split_once("..") else {
            return Err(if text.parse::<u64>().is_ok() { format!("{form}; for one seed use --seed {text}") } else { form.into() });
        };
        let number = |text: &str| text.parse::<u64>().map_err(|_| format!("`{text}` is not a seed (0..=18446744073709551615); {form}"));
        let first = number(first)?;
        let last = match last.strip_prefix('=') {
            Some(last) => Some(number(last)?),
            None => number(last)?.checked_sub(1),
        };
        last.filter(|last| first <= *last).map(|last| Seeds { first, last }).ok_or_else(|| "no seed lies in it".into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_read_as_in_rust() {
        let parse = |text: &str| text.parse::<Seeds>();
        assert_eq!(parse("1..=200"), parse("1..201"));
        assert_eq!(parse("1..=200").map(Seeds::count), Ok(200));
        assert_eq!(parse("0..=18446744073709551615").map(Seeds::count), Ok(u64::MAX));
        for wrong in ["", "7", "1..", "..5", "..=5", "5..=4", "5..5", "0..0", "a..b", "-1..=3", "1...5", "1..=18446744073709551616"] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
        assert!(parse("7").is_err_and(|why| why.contains("--seed 7")));
    }

    #[test]
    fn pieces_cover_the_range_to_its_very_end() {
        let pieces = |text: &str, size| text.parse::<Seeds>().expect("a range").chunks(size).collect::<Vec<_>>();
        assert_eq!(pieces("1..=5", 2), [1..=2, 3..=4, 5..=5]);
        assert_eq!(pieces("18446744073709551614..=18446744073709551615", 1), [u64::MAX - 1..=u64::MAX - 1, u64::MAX..=u64::MAX]);
    }
}
