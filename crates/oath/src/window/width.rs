//! Widths of a time window, in steps to each side of its centre (authentication.md 8.1).

const SECONDS_PER_HOUR: u64 = 3600;
const SECONDS_PER_DAY: u64 = 86_400;
/// The clock of an idle authenticator is taken to wander by at most this many seconds a day, both sides together.
const WANDER_PER_DAY: u64 = 8;

/// Steps per side of the ordinary window of total width `width` steps.
#[must_use]
pub fn normal_side(width: u32) -> u64 {
    u64::from(width / 2)
}

/// Steps per side of the window of the first use after import or reset; `period` in seconds, `hours` the total width wished.
#[must_use]
pub fn initial_side(hours: u32, width: u32, period: u32) -> u64 {
    side(initial_seconds(hours, width, period), period)
}

/// Steps per side after `idle` seconds without success; never below the ordinary window nor above the initial one.
#[must_use]
pub fn dynamic_side(idle: u64, hours: u32, width: u32, period: u32) -> u64 {
    let wandered =
        u64::from(period).saturating_add(idle.saturating_mul(WANDER_PER_DAY) / SECONDS_PER_DAY);
    let seconds = wandered
        .max(ordinary_seconds(width, period))
        .min(initial_seconds(hours, width, period));
    side(seconds, period)
}

fn initial_seconds(hours: u32, width: u32, period: u32) -> u64 {
    ordinary_seconds(width, period).max(u64::from(hours) * SECONDS_PER_HOUR)
}

fn ordinary_seconds(width: u32, period: u32) -> u64 {
    u64::from(width) * u64::from(period)
}

fn side(seconds: u64, period: u32) -> u64 {
    seconds / (2 * u64::from(period.max(1)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_initial_window_of_the_worked_example() {
        assert_eq!(initial_side(6, 20, 30), 360);
        assert_eq!(initial_side(6, 10, 36), 300);
        assert_eq!(initial_side(0, 20, 30), 10, "never narrower than W");
    }

    #[test]
    fn the_table_of_the_dynamic_window() {
        // step, W, [(seconds idle, steps per side)]
        let day = SECONDS_PER_DAY;
        let table = [
            (
                36,
                10,
                [
                    (0, 5),
                    (40 * day + day / 2, 5),
                    (100 * day, 11),
                    (365 * day, 41),
                    (36_500 * day, 300),
                ],
            ),
            (
                30,
                20,
                [
                    (0, 10),
                    (71 * day + day / 4, 10),
                    (100 * day, 13),
                    (365 * day, 49),
                    (36_500 * day, 360),
                ],
            ),
        ];
        for (period, width, rows) in table {
            for (idle, expected) in rows {
                assert_eq!(
                    dynamic_side(idle, 6, width, period),
                    expected,
                    "step {period}, {idle} s idle"
                );
            }
        }
    }

    #[test]
    fn odd_widths_round_down_and_extremes_do_not_overflow() {
        assert_eq!(normal_side(21), 10);
        assert_eq!(normal_side(1), 0);
        assert_eq!(
            dynamic_side(u64::MAX, u32::MAX, u32::MAX, u32::MAX),
            normal_side(u32::MAX)
        );
        assert_eq!(dynamic_side(0, 0, 0, 0), 0);
    }
}
