//! Moments and days. The engine is told the time, it never asks for it.

use serde::{Deserialize, Serialize};

/// A moment: microseconds since 1970-01-01T00:00:00Z.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Timestamp(pub i64);

/// A UTC day: days since 1970-01-01.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Day(pub i32);

const MICROS: i64 = 1_000_000;
const DAY_SECONDS: i64 = 86_400;

impl Timestamp {
    /// The moment `seconds` after the epoch; saturates at the ends of the range.
    pub const fn from_seconds(seconds: i64) -> Self {
        Self(seconds.saturating_mul(MICROS))
    }

    /// Whole seconds since the epoch, rounded down.
    pub const fn seconds(self) -> i64 {
        self.0.div_euclid(MICROS)
    }

    /// Whole seconds since the epoch; a moment before it counts as 0.
    pub fn unix(self) -> u64 {
        u64::try_from(self.seconds()).unwrap_or(0)
    }

    /// The moment `seconds` later (earlier if negative).
    pub const fn plus_seconds(self, seconds: i64) -> Self {
        Self(self.0.saturating_add(seconds.saturating_mul(MICROS)))
    }

    /// Microseconds from `earlier` to this moment; negative if it is later.
    pub const fn micros_since(self, earlier: Self) -> i64 {
        self.0.saturating_sub(earlier.0)
    }

    /// The UTC day this moment falls on.
    pub fn day(self) -> Day {
        Day(i32::try_from(self.seconds().div_euclid(DAY_SECONDS)).unwrap_or(i32::MAX))
    }

    /// RFC 3339 in UTC with microseconds, such as `2026-11-24T06:12:29.000123Z`.
    pub fn rfc3339(self) -> String {
        let mut out = Vec::with_capacity(27);
        self.write_rfc3339(&mut out);
        String::from_utf8(out).unwrap_or_default()
    }

    /// Appends [`Timestamp::rfc3339`] to `out` without allocating.
    pub fn write_rfc3339(self, out: &mut Vec<u8>) {
        let (year, month, day) = self.day().civil();
        let in_day = self.seconds().rem_euclid(DAY_SECONDS);
        digits(out, i64::from(year), 4);
        out.push(b'-');
        digits(out, i64::from(month), 2);
        out.push(b'-');
        digits(out, i64::from(day), 2);
        out.push(b'T');
        digits(out, in_day / 3600, 2);
        out.push(b':');
        digits(out, in_day / 60 % 60, 2);
        out.push(b':');
        digits(out, in_day % 60, 2);
        out.push(b'.');
        digits(out, self.0.rem_euclid(MICROS), 6);
        out.push(b'Z');
    }

    /// Reads RFC 3339 (any offset, up to nanoseconds), or `None` if it is not.
    pub fn parse(text: &str) -> Option<Self> {
        let bytes = text.as_bytes();
        let day = Day::parse(text.get(..10)?)?;
        if !matches!(bytes.get(10)?, b'T' | b't' | b' ')
            || bytes.get(13) != Some(&b':')
            || bytes.get(16) != Some(&b':')
        {
            return None;
        }
        let (hour, minute, second) = (
            number(text.get(11..13)?)?,
            number(text.get(14..16)?)?,
            number(text.get(17..19)?)?,
        );
        if hour > 23 || minute > 59 || second > 60 {
            return None;
        }
        let mut rest = text.get(19..)?;
        let mut micros = 0;
        if let Some(fraction) = rest.strip_prefix('.') {
            let size = fraction.bytes().take_while(u8::is_ascii_digit).count();
            if size == 0 || size > 9 {
                return None;
            }
            let taken = fraction.get(..size.min(6))?;
            micros = number(taken)? * 10_i64.pow(6 - u32::try_from(taken.len()).ok()?);
            rest = fraction.get(size..)?;
        }
        let offset = offset_seconds(rest)?;
        let seconds = i64::from(day.0) * DAY_SECONDS + hour * 3600 + minute * 60 + second - offset;
        Some(Self(seconds.checked_mul(MICROS)?.checked_add(micros)?))
    }
}

impl Day {
    /// The day `days` later (earlier if negative).
    pub fn plus(self, days: i32) -> Self {
        Self(self.0.saturating_add(days))
    }

    /// The first moment of the day.
    pub fn start(self) -> Timestamp {
        Timestamp::from_seconds(i64::from(self.0) * DAY_SECONDS)
    }

    /// Reads `YYYY-MM-DD`, or `None` if there is no such day.
    pub fn parse(text: &str) -> Option<Self> {
        let bytes = text.as_bytes();
        if bytes.len() != 10 || bytes.get(4) != Some(&b'-') || bytes.get(7) != Some(&b'-') {
            return None;
        }
        let (year, month, day) = (
            number(text.get(..4)?)?,
            number(text.get(5..7)?)?,
            number(text.get(8..10)?)?,
        );
        let found = Self::from_civil(year, month, day)?;
        let (y, m, d) = found.civil();
        (i64::from(y) == year && i64::from(m) == month && i64::from(d) == day).then_some(found)
    }

    /// Reads `YYYY-MM-DD` or RFC 3339, of which the UTC date is kept.
    pub fn parse_date_or_time(text: &str) -> Option<Self> {
        Self::parse(text).or_else(|| Timestamp::parse(text).map(Timestamp::day))
    }

    // Howard Hinnant's days-from-civil arithmetic: eras of 400 years that begin on 1 March.
    fn from_civil(year: i64, month: i64, day: i64) -> Option<Self> {
        if !(1..=12).contains(&month) || !(1..=31).contains(&day) {
            return None;
        }
        let year = if month <= 2 { year - 1 } else { year };
        let era = year.div_euclid(400);
        let of_era = year.rem_euclid(400);
        let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
        let day_of_era = of_era * 365 + of_era / 4 - of_era / 100 + of_year;
        i32::try_from(era * 146_097 + day_of_era - 719_468)
            .ok()
            .map(Self)
    }

    /// Year, month and day of the Gregorian calendar.
    pub fn civil(self) -> (i32, u32, u32) {
        let shifted = i64::from(self.0) + 719_468;
        let era = shifted.div_euclid(146_097);
        let of_era = shifted.rem_euclid(146_097);
        let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
        let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let shifted_month = (5 * of_year + 2) / 153;
        let day = of_year - (153 * shifted_month + 2) / 5 + 1;
        let month = if shifted_month < 10 {
            shifted_month + 3
        } else {
            shifted_month - 9
        };
        let year = year_of_era + era * 400 + i64::from(month <= 2);
        (
            i32::try_from(year).unwrap_or(i32::MAX),
            u32::try_from(month).unwrap_or(1),
            u32::try_from(day).unwrap_or(1),
        )
    }
}

impl std::fmt::Display for Day {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (year, month, day) = self.civil();
        write!(f, "{year:04}-{month:02}-{day:02}")
    }
}

fn digits(out: &mut Vec<u8>, value: i64, width: u32) {
    for place in (0..width).rev() {
        let digit = value / 10_i64.pow(place) % 10;
        out.push(b'0' + u8::try_from(digit).unwrap_or(0));
    }
}

fn number(text: &str) -> Option<i64> {
    text.bytes()
        .all(|b| b.is_ascii_digit())
        .then(|| text.parse().ok())?
}

fn offset_seconds(text: &str) -> Option<i64> {
    match text.as_bytes() {
        b"Z" | b"z" => Some(0),
        [sign @ (b'+' | b'-'), _, _, b':', _, _] => {
            let (hours, minutes) = (number(text.get(1..3)?)?, number(text.get(4..6)?)?);
            let seconds = hours * 3600 + minutes * 60;
            (hours < 24 && minutes < 60).then_some(if *sign == b'-' { -seconds } else { seconds })
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writes_and_reads_rfc3339() {
        for (seconds, text) in [
            (0, "1970-01-01T00:00:00.000000Z"),
            (951_782_400, "2000-02-29T00:00:00.000000Z"),
            (1_700_000_010, "2023-11-14T22:13:30.000000Z"),
            (-1, "1969-12-31T23:59:59.000000Z"),
        ] {
            let t = Timestamp::from_seconds(seconds);
            assert_eq!(t.rfc3339(), text);
            assert_eq!(Timestamp::parse(text), Some(t));
        }
        assert_eq!(
            Timestamp::parse("2023-11-14T23:13:30.5+01:00"),
            Some(Timestamp(1_700_000_010_500_000))
        );
    }

    #[test]
    fn refuses_what_is_no_moment() {
        for text in [
            "",
            "2023-13-01T00:00:00Z",
            "2023-02-30T00:00:00Z",
            "2023-02-03",
            "2023-02-03T25:00:00Z",
            "2023-02-03T00:00:00",
            "2023-02-03T00:00:00.Z",
            "é023-02-03T00:00:00Z",
        ] {
            assert_eq!(Timestamp::parse(text), None, "{text}");
        }
    }

    #[test]
    fn days_are_utc_days() {
        assert_eq!(
            Day::parse("2026-11-24").map(|d| d.to_string()).as_deref(),
            Some("2026-11-24")
        );
        assert_eq!(
            Timestamp::parse("2026-11-24T23:30:00-02:00")
                .map(|t| t.day().to_string())
                .as_deref(),
            Some("2026-11-25")
        );
        assert_eq!(Day::parse("2025-02-29"), None);
        assert_eq!(
            Day::parse_date_or_time("2026-11-24T01:00:00Z"),
            Day::parse("2026-11-24")
        );
    }
}
