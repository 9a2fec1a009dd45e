//! The lengths of candles, with Binance's names.

const SECOND_MS: u64 = 1_000;
const MINUTE_MS: u64 = 60 * SECOND_MS;
const HOUR_MS: u64 = 60 * MINUTE_MS;
const DAY_MS: u64 = 24 * HOUR_MS;
/// 1970-01-01 was a Thursday; weeks begin on Mondays.
const MONDAY_MS: u64 = 4 * DAY_MS;

/// Names and lengths in ms; a month has none that is fixed.
const LENGTHS: [(&str, u64); Interval::COUNT] = [
    ("1s", SECOND_MS),
    ("1m", MINUTE_MS),
    ("3m", 3 * MINUTE_MS),
    ("5m", 5 * MINUTE_MS),
    ("15m", 15 * MINUTE_MS),
    ("30m", 30 * MINUTE_MS),
    ("1h", HOUR_MS),
    ("2h", 2 * HOUR_MS),
    ("4h", 4 * HOUR_MS),
    ("6h", 6 * HOUR_MS),
    ("8h", 8 * HOUR_MS),
    ("12h", 12 * HOUR_MS),
    ("1d", DAY_MS),
    ("3d", 3 * DAY_MS),
    ("1w", 7 * DAY_MS),
    ("1M", 0),
];
const WEEK: u8 = 14;
const MONTH: u8 = 15;

/// The length of a candle.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Interval(u8);

impl Interval {
    /// How many there are.
    pub const COUNT: usize = 16;
    /// One minute.
    pub const MINUTE: Self = Self(1);

    /// All, shortest first.
    pub fn all() -> impl Iterator<Item = Self> {
        (0..=MONTH).map(Self)
    }

    /// The interval of this name, such as `15m`.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::all().find(|interval| interval.name() == name)
    }

    /// Its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        LENGTHS[self.index()].0
    }

    /// Its place among all.
    #[must_use]
    pub const fn index(self) -> usize {
        self.0 as usize
    }

    /// Where the candle that holds `time_ms` (since 1970, UTC) begins.
    #[must_use]
    pub const fn open_ms(self, time_ms: u64) -> u64 {
        match self.0 {
            WEEK if time_ms < MONDAY_MS => 0,
            WEEK => time_ms - (time_ms - MONDAY_MS) % (7 * DAY_MS),
            MONTH => month(time_ms, 0),
            _ => time_ms - time_ms % LENGTHS[self.index()].1,
        }
    }

    /// Where the candle that begins at `open_ms` ends: the beginning of the next.
    #[must_use]
    pub const fn end_ms(self, open_ms: u64) -> u64 {
        match self.0 {
            WEEK if open_ms < MONDAY_MS => MONDAY_MS,
            MONTH => month(open_ms, 1),
            _ => open_ms + LENGTHS[self.index()].1,
        }
    }
}

/// The first moment of the month that holds `time_ms`, or of a month `after` it (0 or 1).
const fn month(time_ms: u64, after: u64) -> u64 {
    // Years that begin in March have their leap day at their end, so that months have a formula
    // (Howard Hinnant, "chrono-compatible low-level date algorithms").
    let days = time_ms / DAY_MS + 719_468;
    let era = days / 146_097;
    let of_era = days % 146_097;
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let from_march = (5 * of_year + 2) / 153;
    let (year, from_march) = if from_march + after > 11 {
        (era * 400 + year_of_era + 1, from_march + after - 12)
    } else {
        (era * 400 + year_of_era, from_march + after)
    };
    let (era, year_of_era) = (year / 400, year % 400);
    let of_year = (153 * from_march + 2) / 5;
    let days = era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + of_year;
    (days - 719_468) * DAY_MS
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `date -u +%s` of the moment, of the beginning of its candle and of the next.
    #[track_caller]
    fn check(name: &str, time_s: u64, open_s: u64, end_s: u64) {
        let interval = Interval::parse(name).expect("a name");
        let open_ms = interval.open_ms(time_s * 1000 + 7);
        assert_eq!((open_ms, interval.end_ms(open_ms)), (open_s * 1000, end_s * 1000), "{name} {time_s}");
    }

    #[test]
    fn candles_begin_where_the_calendar_says() {
        // 2026-11-26 12:34:56, a Thursday.
        let time = 1_795_696_496;
        check("1s", time, time, time + 1);
        check("15m", time, 1_795_696_200, 1_795_697_100);
        check("1d", time, 1_795_651_200, 1_795_737_600);
        // 2026-11-23 and 2026-11-30; 2026-11-01 and 2026-12-01.
        check("1w", time, 1_795_392_000, 1_795_996_800);
        check("1M", time, 1_793_491_200, 1_796_083_200);
        // 2024-02-29 00:00: of February; 2025-12-31 23:59:59: to 2026-01-01; 1970-01-01 is of its week.
        check("1M", 1_709_164_800, 1_706_745_600, 1_709_251_200);
        check("1M", 1_767_225_599, 1_764_547_200, 1_767_225_600);
        check("1M", 0, 0, 2_678_400);
        check("1w", 0, 0, 345_600);
    }

    #[test]
    fn every_name_is_its_own() {
        for interval in Interval::all() {
            assert_eq!(Interval::parse(interval.name()), Some(interval));
        }
        assert_eq!(Interval::parse("1M").map(Interval::index), Some(15));
        assert_eq!(Interval::parse("2m"), None);
    }
}
