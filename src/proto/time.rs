//! Virtual time in whole microseconds, and its text form.

use std::fmt;
use std::ops::{Add, AddAssign, Sub};

use serde::{Deserialize, Serialize};

/// A point in virtual time or a length of it, in microseconds; zero is the start of the run.
///
/// The text form is a decimal number with a unit (`us`, `ms`, `s`, `min`, `h`), exact to the microsecond: `"1234.567ms"`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Micros(pub u64);

/// Units of the text form, longest first, with their length in microseconds.
const UNITS: [(&str, u64); 5] = [("min", 60_000_000), ("ms", 1_000), ("us", 1), ("h", 3_600_000_000), ("s", 1_000_000)];

impl Micros {
    pub const ZERO: Micros = Micros(0);
    pub const MAX: Micros = Micros(u64::MAX);

    pub const fn from_millis(millis: u64) -> Micros {
        Micros(millis * 1_000)
    }

    pub const fn from_secs(secs: u64) -> Micros {
        Micros(secs * 1_000_000)
    }

    pub const fn saturating_sub(self, other: Micros) -> Micros {
        Micros(self.0.saturating_sub(other.0))
    }

    pub const fn saturating_add(self, other: Micros) -> Micros {
        Micros(self.0.saturating_add(other.0))
    }

    /// `self * factor`, or the largest value when that does not fit.
    pub const fn times(self, factor: u64) -> Micros {
        Micros(self.0.saturating_mul(factor))
    }

    /// Reads the text form; the error says what is wrong with it, without naming the place.
    pub fn parse(text: &str) -> Result<Micros, String> {
        let (number, scale) = UNITS
            .iter()
            .find_map(|(unit, scale)| text.strip_suffix(unit).map(|number| (number, *scale)))
            .ok_or_else(|| format!("`{text}` is not a time: a number with a unit, one of us, ms, s, min, h (\"250ms\", \"1.5s\")"))?;
        let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
        let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
        if !digits(whole) || (number.contains('.') && !digits(fraction)) {
            return Err(format!("`{text}` is not a time: `{number}` is not a decimal number"));
        }
        let too_long = || format!("`{text}` is too long a time");
        let mut micros = whole.parse::<u64>().ok().and_then(|whole| whole.checked_mul(scale)).ok_or_else(too_long)?;
        let mut place = scale;
        for digit in fraction.bytes().map(|byte| u64::from(byte - b'0')) {
            if place % 10 != 0 && digit != 0 && place * digit % 10 != 0 {
                return Err(format!("`{text}` is finer than a microsecond"));
            }
            micros = micros.checked_add(place * digit / 10).ok_or_else(too_long)?;
            place /= 10;
        }
        Ok(Micros(micros))
    }
}

/// The shortest text form that reads back to the same value: `0us`, `250ms`, `1.5s`.
impl fmt::Display for Micros {
    fn fmt(&self, out: &mut fmt::Formatter) -> fmt::Result {
        let (unit, scale) = match self.0 {
            0..1_000 => ("us", 1),
            1_000..1_000_000 => ("ms", 1_000),
            _ => ("s", 1_000_000),
        };
        let (whole, rest) = (self.0 / scale, self.0 % scale);
        if rest == 0 {
            return out.pad(&format!("{whole}{unit}"));
        }
        let width = if scale == 1_000 { 3 } else { 6 };
        let fraction = format!("{rest:0width$}");
        out.pad(&format!("{whole}.{}{unit}", fraction.trim_end_matches('0')))
    }
}

impl Add for Micros {
    type Output = Micros;
    fn add(self, other: Micros) -> Micros {
        self.saturating_add(other)
    }
}

impl AddAssign for Micros {
    fn add_assign(&mut self, other: Micros) {
        *self = *self + other;
    }
}

impl Sub for Micros {
    type Output = Micros;
    fn sub(self, other: Micros) -> Micros {
        Micros(self.0 - other.0)
    }
}

/// Both ends included; `low <= high`. Text form `1ms..10ms`, or one time when both ends are equal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span {
    pub low: Micros,
    pub high: Micros,
}

impl Span {
    pub const fn exactly(time: Micros) -> Span {
        Span { low: time, high: time }
    }

    pub const fn new(low: Micros, high: Micros) -> Span {
        Span { low, high }
    }

    /// Reads `LOW..HIGH` or a single time.
    pub fn parse(text: &str) -> Result<Span, String> {
        let Some((low, high)) = text.split_once("..") else {
            return Micros::parse(text).map(Span::exactly);
        };
        let (low, high) = (Micros::parse(low)?, Micros::parse(high)?);
        if low > high {
            return Err(format!("`{text}` runs backwards: {low} is longer than {high}"));
        }
        Ok(Span { low, high })
    }
}

impl fmt::Display for Span {
    fn fmt(&self, out: &mut fmt::Formatter) -> fmt::Result {
        if self.low == self.high { write!(out, "{}", self.low) } else { write!(out, "{}..{}", self.low, self.high) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_form_is_exact() {
        for (text, micros) in
            [("0us", 0), ("1ms", 1_000), ("1234.567ms", 1_234_567), ("1.5s", 1_500_000), ("2min", 120_000_000), ("0.25h", 900_000_000)]
        {
            assert_eq!(Micros::parse(text), Ok(Micros(micros)), "{text}");
            assert_eq!(Micros::parse(&Micros(micros).to_string()), Ok(Micros(micros)));
        }
    }

    #[test]
    fn what_is_not_a_time_is_refused() {
        for text in ["", "5", "ms", "-1ms", "1.ms", ".5ms", "1.2345ms", "0.5us", "1e3ms", "99999999999999999999s", "5 ms", "5999999999h"] {
            assert!(Micros::parse(text).is_err(), "{text}");
        }
        assert!(Span::parse("10ms..1ms").is_err());
        assert_eq!(Span::parse("1ms..10ms").map(|span| span.to_string()), Ok("1ms..10ms".into()));
    }
}
