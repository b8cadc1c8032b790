//! Times of transactions as people read them.

/// `2026-11-22T05:02:56.628Z` for milliseconds since 1970. Every number is some date: years before 0 get a sign, those after 9999 more digits.
pub fn utc(millis: i64) -> String {
    let (day, of_day) = (millis.div_euclid(86_400_000), millis.rem_euclid(86_400_000));
    let (year, month, day) = civil(day);
    let (hour, minute, second, milli) = (of_day / 3_600_000, of_day / 60_000 % 60, of_day / 1000 % 60, of_day % 1000);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{milli:03}Z")
}

/// `Sun Nov 22 05:02:56 UTC 2026` for milliseconds since 1970: as Java prints a `Date`, and with it zkCli.
pub fn java(millis: i64) -> String {
    const DAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
    const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let (day, second) = (millis.div_euclid(86_400_000), millis.rem_euclid(86_400_000) / 1000);
    let (year, month, of_month) = civil(day);
    let (weekday, month) = (DAYS[day.rem_euclid(7) as usize], MONTHS[month as usize - 1]);
    format!("{weekday} {month} {of_month:02} {:02}:{:02}:{:02} UTC {year}", second / 3600, second / 60 % 60, second % 60)
}

/// Year, month and day of the day `days` after 1970-01-01, in the Gregorian calendar. Years are counted from the first of March, so that
/// the leap day is the last one.
fn civil(days: i64) -> (i64, i64, i64) {
    const ERA: i64 = 146_097;
    let days = days + 719_468;
    let (era, of_era) = (days.div_euclid(ERA), days.rem_euclid(ERA));
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let from_march = (5 * of_year + 2) / 153;
    let month = if from_march < 10 { from_march + 3 } else { from_march - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (year, month, of_year - (153 * from_march + 2) / 5 + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_those_of_the_calendar() {
        let table = [
            (0, "1970-01-01T00:00:00.000Z"),
            (1_795_310_976_628, "2026-11-22T01:29:36.628Z"),
            (951_782_399_999, "2000-02-28T23:59:59.999Z"),
            (951_782_400_000, "2000-02-29T00:00:00.000Z"),
            (-1, "1969-12-31T23:59:59.999Z"),
            (4_107_542_400_000, "2100-03-01T00:00:00.000Z"),
        ];
        for (millis, expected) in table {
            assert_eq!(utc(millis), expected);
        }
        for extreme in [i64::MIN, i64::MAX] {
            assert!(utc(extreme).ends_with('Z'));
            assert!(java(extreme).contains("UTC"));
        }
    }

    #[test]
    fn java_tells_the_day_of_the_week() {
        let table = [
            (0, "Thu Jan 01 00:00:00 UTC 1970"),
            (1_795_310_976_628, "Sun Nov 22 01:29:36 UTC 2026"),
            (951_782_399_999, "Mon Feb 28 23:59:59 UTC 2000"),
            (-1, "Wed Dec 31 23:59:59 UTC 1969"),
        ];
        for (millis, expected) in table {
            assert_eq!(java(millis), expected);
        }
    }
}
