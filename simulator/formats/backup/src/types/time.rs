//! Dates and times of day.

use std::fmt;

/// A day, counted from 0001-01-01 in the Gregorian calendar.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Date {
    /// Days since 0001-01-01; at most [`Date::LAST`].
    days: u32,
}

/// Days from 0001-01-01 to 1900-01-01, from which datetime counts.
const DAYS_TO_1900: i64 = 693_595;

impl Date {
    /// 9999-12-31.
    pub const LAST: u32 = 3_652_058;

    /// From days since 0001-01-01; `None` beyond the year 9999.
    pub fn from_days(days: u32) -> Option<Date> {
        (days <= Date::LAST).then_some(Date { days })
    }

    /// From days since 1900-01-01, as datetime counts.
    pub(crate) fn from_days_since_1900(days: i32) -> Option<Date> {
        Date::from_days(u32::try_from(i64::from(days) + DAYS_TO_1900).ok()?)
    }

    /// From a year, month and day; `None` where the calendar has no such day, or not in these years.
    pub fn from_parts(year: u16, month: u8, day: u8) -> Option<Date> {
        if year == 0 || !(1..=12).contains(&month) || day == 0 {
            return None;
        }
        // Years that begin in March, as in `parts`.
        let (shifted, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
        let (era, year_of_era) = (u32::from(shifted) / 400, u32::from(shifted) % 400);
        let day_of_year = (153 * u32::from(month) + 2) / 5 + u32::from(day) - 1;
        let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
        let found = Date::from_days((era * 146_097 + day_of_era).checked_sub(306)?)?;
        let expected = if month < 10 { month + 3 } else { month - 9 };
        (found.parts() == (year, expected, day)).then_some(found)
    }

    /// Days since 1900-01-01, as datetime counts.
    pub(crate) fn days_since_1900(self) -> i32 {
        (i64::from(self.days) - DAYS_TO_1900) as i32
    }

    /// Days since 0001-01-01.
    pub fn days(self) -> u32 {
        self.days
    }

    /// Year, month and day.
    pub fn parts(self) -> (u16, u8, u8) {
        // Years that begin in March have their leap day last, so that months follow from days by a line.
        let days = self.days + 306;
        let (era, day_of_era) = (days / 146_097, days % 146_097);
        let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let month_from_march = (5 * day_of_year + 2) / 153;
        let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
        let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
        let year = era * 400 + year_of_era + u32::from(month <= 2);
        (year as u16, month as u8, day as u8)
    }
}

impl fmt::Display for Date {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (year, month, day) = self.parts();
        write!(formatter, "{year:04}-{month:02}-{day:02}")
    }
}

/// A time of day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Time {
    /// Tenths of microseconds since midnight.
    ticks: u64,
    /// How many digits behind the second its type has.
    scale: u8,
}

impl Time {
    /// Ticks in a second.
    pub const TICKS_PER_SECOND: u64 = 10_000_000;
    /// Ticks in a day.
    pub const TICKS_PER_DAY: u64 = 86_400 * Time::TICKS_PER_SECOND;

    /// From tenths of microseconds since midnight; `None` beyond a day.
    pub fn from_ticks(ticks: u64, scale: u8) -> Option<Time> {
        (ticks < Time::TICKS_PER_DAY && scale <= 7).then_some(Time { ticks, scale })
    }

    /// Tenths of microseconds since midnight.
    pub fn ticks(self) -> u64 {
        self.ticks
    }

    /// Digits behind the second.
    pub fn scale(self) -> u8 {
        self.scale
    }
}

/// With as many digits behind the second as its type has.
impl fmt::Display for Time {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.ticks / Time::TICKS_PER_SECOND;
        let (hour, minute, second) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
        write!(formatter, "{hour:02}:{minute:02}:{second:02}")?;
        if self.scale > 0 {
            let fraction = self.ticks % Time::TICKS_PER_SECOND / 10_u64.pow(7 - u32::from(self.scale));
            write!(formatter, ".{fraction:0width$}", width = usize::from(self.scale))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_dates() {
        let date = |days| Date::from_days(days).map(|date| date.to_string());
        assert_eq!(date(0).as_deref(), Some("0001-01-01"));
        assert_eq!(date(693_595).as_deref(), Some("1900-01-01"));
        assert_eq!(date(730_178).as_deref(), Some("2000-02-29"));
        assert_eq!(date(Date::LAST).as_deref(), Some("9999-12-31"));
        assert_eq!(date(Date::LAST + 1), None);
        assert_eq!(
            Date::from_days_since_1900(-53_690).map(|date| date.to_string()).as_deref(),
            Some("1753-01-01")
        );
    }

    #[test]
    fn parts_are_dates() {
        for days in (0..=Date::LAST).step_by(17).chain([Date::LAST]) {
            let date = Date::from_days(days).expect("a day");
            let (year, month, day) = date.parts();
            assert_eq!(Date::from_parts(year, month, day), Some(date), "{date}");
        }
        for (year, month, day) in
            [(2026, 2, 29), (2026, 4, 31), (2026, 13, 1), (2026, 0, 1), (0, 1, 1), (10_000, 1, 1)]
        {
            assert_eq!(Date::from_parts(year, month, day), None, "{year}-{month}-{day}");
        }
    }

    #[test]
    fn times_show_their_scale() {
        let time = |ticks, scale| Time::from_ticks(ticks, scale).map(|time| time.to_string());
        assert_eq!(time(0, 0).as_deref(), Some("00:00:00"));
        assert_eq!(time(Time::TICKS_PER_DAY - 1, 7).as_deref(), Some("23:59:59.9999999"));
        assert_eq!(time(12_300_000, 3).as_deref(), Some("00:00:01.230"));
        assert_eq!(time(Time::TICKS_PER_DAY, 7), None);
    }
}
