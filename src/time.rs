//! Calendar dates and clock times of timestamps, for people.

use engine::number::Timestamp;

const NS_PER_SECOND: u64 = 1_000_000_000;
const SECONDS_PER_DAY: i64 = 86_400;

/// A date of the Gregorian calendar.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Date {
    year: i64,
    month: i64,
    day: i64,
}

/// The date of `time` as YYYYMMDD, `offset_minutes` away from UTC.
pub(crate) fn date(time: Timestamp, offset_minutes: i32) -> u32 {
    let seconds = (time.0 / NS_PER_SECOND) as i64 + i64::from(offset_minutes) * 60;
    let Date { year, month, day } = civil(seconds.div_euclid(SECONDS_PER_DAY));
    u32::try_from(year * 10_000 + month * 100 + day).unwrap_or(0)
}

/// Days since 1970 to a date YYYYMMDD; `None` where the calendar has no such date.
pub(crate) fn day_number(date: u32) -> Option<i64> {
    let [year, month, day] = [date / 10_000, date / 100 % 100, date % 100].map(i64::from);
    let wanted = Date { year, month, day };
    let number = days(wanted);
    (year >= 1970 && (1..=12).contains(&month) && civil(number) == wanted).then_some(number)
}

/// `time` as RFC 3339 in UTC, with nanoseconds.
pub(crate) fn rfc3339(time: Timestamp) -> String {
    let seconds = (time.0 / NS_PER_SECOND) as i64;
    let Date { year, month, day } = civil(seconds.div_euclid(SECONDS_PER_DAY));
    let of_day = seconds.rem_euclid(SECONDS_PER_DAY);
    format!(
        "{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}.{:09}Z",
        of_day / 3600,
        of_day / 60 % 60,
        of_day % 60,
        time.0 % NS_PER_SECOND
    )
}

/// The time that `text` names: RFC 3339 with up to nine decimals (`Z` or an offset), or nanoseconds
/// since 1970.
pub(crate) fn parse(text: &str) -> Option<Timestamp> {
    if text.bytes().all(|byte| byte.is_ascii_digit()) {
        return text.parse().ok().map(Timestamp);
    }
    let (date, rest) = text.split_once(['T', ' '])?;
    let zone_at = rest.find(['Z', '+', '-'])?;
    let (clock, zone) = rest.split_at(zone_at);
    let (clock, fraction) = clock.split_once('.').unwrap_or((clock, ""));
    let [year, month, day] = numbers(date, '-')?;
    let [hour, minute, second] = numbers(clock, ':')?;
    let valid = (1970..2500).contains(&year)
        && (1..=12).contains(&month)
        && (1..=31).contains(&day)
        && hour < 24
        && minute < 60
        && second < 60
        && fraction.len() <= 9
        && fraction.bytes().all(|byte| byte.is_ascii_digit());
    if !valid {
        return None;
    }
    let seconds = days(Date { year, month, day }) * SECONDS_PER_DAY + hour * 3600 + minute * 60 + second;
    let seconds = u64::try_from(seconds - offset_seconds(zone)?).ok()?;
    let nanoseconds: u64 = format!("{fraction:0<9}").parse().ok()?;
    Some(Timestamp(seconds.checked_mul(NS_PER_SECOND)? + nanoseconds))
}

fn numbers(text: &str, separator: char) -> Option<[i64; 3]> {
    let mut parts = text.split(separator).map(|part| part.parse().ok());
    let all = [parts.next()??, parts.next()??, parts.next()??];
    (parts.next().is_none() && !text.contains('+')).then_some(all)
}

fn offset_seconds(zone: &str) -> Option<i64> {
    if zone == "Z" {
        return Some(0);
    }
    let (sign, rest) = zone.split_at_checked(1)?;
    let (hours, minutes) = rest.split_once(':')?;
    let seconds = hours.parse::<i64>().ok()? * 3600 + minutes.parse::<i64>().ok()? * 60;
    Some(if sign == "-" { -seconds } else { seconds })
}

/// Days since 1970-01-01 to a date: eras of 400 years that begin in March, so that a leap day is last.
fn civil(days_since_1970: i64) -> Date {
    let days = days_since_1970 + 719_468;
    let era = days.div_euclid(146_097);
    let of_era = days.rem_euclid(146_097);
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    Date { year: era * 400 + year_of_era + i64::from(month <= 2), month, day }
}

/// A date to days since 1970-01-01.
fn days(date: Date) -> i64 {
    let year = date.year - i64::from(date.month <= 2);
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let month_from_march = if date.month > 2 { date.month - 3 } else { date.month + 9 };
    let of_year = (153 * month_from_march + 2) / 5 + date.day - 1;
    let of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + of_year;
    era * 146_097 + of_era - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;

    const EVENING: Timestamp = Timestamp(1_777_689_383_000_000_005);

    #[test]
    fn dates_follow_the_zone() {
        assert_eq!(date(EVENING, 0), 20_260_502);
        assert_eq!(date(EVENING, -180), 20_260_501);
        assert_eq!(date(Timestamp(0), 0), 19_700_101);
        assert_eq!(date(Timestamp(951_782_400_000_000_000), 0), 20_000_229);
    }

    #[test]
    fn times_are_written_and_read() {
        let text = "2026-05-02T02:36:23.000000005Z";
        assert_eq!(rfc3339(EVENING), text);
        assert_eq!(parse(text), Some(EVENING));
        assert_eq!(parse("2026-05-02T04:36:23.000000005+02:00"), Some(EVENING));
        assert_eq!(parse("1777689383000000005"), Some(EVENING));
        for text in
            ["", "today", "2026-05-02", "2026-05-02T25:00:00Z", "2026-13-02T02:00:00Z", "2026-05-02T02:36:23"]
        {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    #[test]
    fn days_and_dates_agree() {
        for day in -1000..40_000 {
            assert_eq!(days(civil(day)), day);
        }
    }
}
