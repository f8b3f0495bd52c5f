//! Moments as XML Schema and RFC 3339 write them.

const SECONDS_PER_DAY: i64 = 86_400;

/// Seconds since 1970 of `YYYY-MM-DDThh:mm:ss[.fraction][Z|±hh:mm]` or `YYYY-MM-DD`; no zone means UTC, years are 1 to 9999.
pub(crate) fn parse(text: &str) -> Option<i64> {
    let (date, rest) = text.split_at_checked(10)?;
    let days = parse_date(date)?;
    if rest.is_empty() {
        return Some(days * SECONDS_PER_DAY);
    }
    let (time, rest) = rest.strip_prefix(['T', 't', ' '])?.split_at_checked(8)?;
    let seconds = parse_time(time)?;
    let offset = parse_zone(skip_fraction(rest)?)?;
    Some(days * SECONDS_PER_DAY + seconds - offset)
}

/// `YYYY-MM-DDThh:mm:ssZ`, clamped to the years 1 to 9999.
pub(crate) fn format(unix_seconds: i64) -> String {
    let seconds = unix_seconds.clamp(-62_135_596_800, 253_402_300_799);
    let (year, month, day) = civil(seconds.div_euclid(SECONDS_PER_DAY));
    let clock = seconds.rem_euclid(SECONDS_PER_DAY);
    let (hour, minute, second) = (clock / 3600, clock / 60 % 60, clock % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}

fn parse_date(text: &str) -> Option<i64> {
    let (year, rest) = text.split_once('-')?;
    let (month, day) = rest.split_once('-')?;
    let (year, month, day) = (number(year, 4)?, number(month, 2)?, number(day, 2)?);
    let days = days_from_civil(year, month, day);
    ((1..=9999).contains(&year) && civil(days) == (year, month, day)).then_some(days)
}

fn parse_time(text: &str) -> Option<i64> {
    let (hour, rest) = text.split_once(':')?;
    let (minute, second) = rest.split_once(':')?;
    let (hour, minute, second) = (number(hour, 2)?, number(minute, 2)?, number(second, 2)?);
    // 60 is a leap second, 24:00:00 the end of a day in XML Schema.
    let valid = (hour < 24 && minute < 60 && second <= 60) || (hour, minute, second) == (24, 0, 0);
    valid.then_some(hour * 3600 + minute * 60 + second)
}

fn skip_fraction(text: &str) -> Option<&str> {
    let Some(fraction) = text.strip_prefix('.') else {
        return Some(text);
    };
    let rest = fraction.trim_start_matches(|c: char| c.is_ascii_digit());
    (rest.len() < fraction.len()).then_some(rest)
}

fn parse_zone(text: &str) -> Option<i64> {
    if matches!(text, "" | "Z" | "z") {
        return Some(0);
    }
    let (sign, zone) = match text.strip_prefix('-') {
        Some(zone) => (-1, zone),
        None => (1, text.strip_prefix('+')?),
    };
    let (hour, minute) = zone.split_once(':')?;
    let (hour, minute) = (number(hour, 2)?, number(minute, 2)?);
    (hour <= 14 && minute < 60).then_some(sign * (hour * 3600 + minute * 60))
}

fn number(text: &str, len: usize) -> Option<i64> {
    (text.len() == len && text.bytes().all(|byte| byte.is_ascii_digit()))
        .then(|| text.parse().ok())
        .flatten()
}

/// Days since 1970 of a Gregorian date; years are counted from March, so that the leap day comes last.
fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let month = (month + 9) % 12;
    365 * year + year.div_euclid(4) - year.div_euclid(100)
        + year.div_euclid(400)
        + (153 * month + 2) / 5
        + day
        - 719_469
}

/// Year, month and day of the days since 1970, by eras of 400 years, whose length is fixed.
fn civil(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let of_era = days.rem_euclid(146_097);
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * of_year + 2) / 153;
    let month = if shifted < 10 {
        shifted + 3
    } else {
        shifted - 9
    };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (year, month, of_year - (153 * shifted + 2) / 5 + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_read_in_every_usual_form() {
        for (text, expected) in [
            ("1970-01-01T00:00:00Z", 0),
            ("2006-05-01T00:00:00Z", 1_146_441_600),
            ("2006-05-01", 1_146_441_600),
            ("2006-05-01T00:00:00", 1_146_441_600),
            ("2006-05-01t02:00:00.250+02:00", 1_146_441_600),
            ("2006-04-30T19:00:00-05:00", 1_146_441_600),
            ("2024-02-29T12:00:00Z", 1_709_208_000),
            ("2000-02-29T00:00:00Z", 951_782_400),
            ("1969-12-31T23:59:59Z", -1),
            ("0001-01-01T00:00:00Z", -62_135_596_800),
            ("9999-12-31T23:59:59Z", 253_402_300_799),
        ] {
            assert_eq!(parse(text), Some(expected), "{text}");
        }
    }

    #[test]
    fn what_is_no_moment_is_refused() {
        for text in [
            "",
            "2006",
            "2006-13-01",
            "2006-02-29",
            "1900-02-29",
            "2006-05-00",
            "2006-05-01T",
            "2006-05-01T25:00:00Z",
            "2006-05-01T00:60:00Z",
            "2006-05-01T00:00:00X",
            "2006-05-01T00:00:00.Z",
            "2006-05-01T00:00:00+15:00",
            "0000-01-01",
            "２006-05-01",
            "2006-05-0é",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    #[test]
    fn a_moment_reads_back_what_it_prints() {
        for seconds in (-62_135_596_800..=253_402_300_799).step_by(86_400 * 97 + 12_345) {
            assert_eq!(
                parse(&format(seconds)),
                Some(seconds),
                "{}",
                format(seconds)
            );
        }
        assert_eq!(format(i64::MAX), "9999-12-31T23:59:59Z");
    }
}
