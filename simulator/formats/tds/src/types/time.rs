//! Dates and times of day.

use std::fmt;

/// A day, counted from 0001-01-01 in the Gregorian calendar.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Date {
    /// Days since 0001-01-01; at most [`Date::LAST`].
    days: u32,
}

/// Days from 0001-01-01 to 1900-01-01, from which datetime counts.
pub(crate) const DAYS_TO_1900: i64 = 693_595;

impl Date {
    /// 9999-12-31, in days since 0001-01-01.
    pub const LAST: u32 = 3_652_058;

    /// From days since 0001-01-01; `None` beyond the year 9999.
    pub fn from_days(days: u32) -> Option<Date> {
        (days <= Date::LAST).then_some(Date { days })
    }

    /// From year, month and day; `None` where there is no such day.
    pub fn from_parts(year: u16, month: u8, day: u8) -> Option<Date> {
        if !(1..=9999).contains(&year) || !(1..=12).contains(&month) || day == 0 {
            return None;
        }
        // Years that begin in March have their leap day last, so that days follow from months by a line.
        let (month, year) = if month > 2 {
            (u32::from(month) - 3, u32::from(year))
        } else {
            (u32::from(month) + 9, u32::from(year) - 1)
        };
        let day_of_year = (153 * month + 2) / 5 + u32::from(day) - 1;
        let days = year * 365 + year / 4 - year / 100 + year / 400 + day_of_year;
        let date = Date::from_days(days.checked_sub(DAYS_TO_MARCH)?)?;
        // A day behind its month's last is one of the next month's.
        (date.parts().2 == day).then_some(date)
    }

    /// Days since 0001-01-01.
    pub fn days(self) -> u32 {
        self.days
    }

    /// Year, month and day.
    pub fn parts(self) -> (u16, u8, u8) {
        let days = self.days + DAYS_TO_MARCH;
        let (era, day_of_era) = (days / 146_097, days % 146_097);
        let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let from_march = (5 * day_of_year + 2) / 153;
        let day = day_of_year - (153 * from_march + 2) / 5 + 1;
        let month = if from_march < 10 { from_march + 3 } else { from_march - 9 };
        let year = era * 400 + year_of_era + u32::from(month <= 2);
        (year as u16, month as u8, day as u8)
    }

    /// Days since 1900-01-01; below zero before.
    pub(crate) fn days_since_1900(self) -> i64 {
        i64::from(self.days) - DAYS_TO_1900
    }

    pub(crate) fn from_days_since_1900(days: i64) -> Option<Date> {
        Date::from_days(u32::try_from(days + DAYS_TO_1900).ok()?)
    }
}

/// Days from the first of March of the year 0 to the first day.
const DAYS_TO_MARCH: u32 = 306;

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
    /// Ticks in a minute.
    pub(crate) const TICKS_PER_MINUTE: u64 = 60 * Time::TICKS_PER_SECOND;
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

/// Ticks between two times that a type of that scale can tell apart.
pub(crate) fn ticks_per_step(scale: u8) -> u64 {
    10_u64.pow(u32::from(7_u8.saturating_sub(scale)))
}

/// With as many digits behind the second as its type has.
impl fmt::Display for Time {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.ticks / Time::TICKS_PER_SECOND;
        let (hour, minute, second) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
        write!(formatter, "{hour:02}:{minute:02}:{second:02}")?;
        if self.scale > 0 {
            let fraction = self.ticks % Time::TICKS_PER_SECOND / ticks_per_step(self.scale);
            write!(formatter, ".{fraction:0width$}", width = usize::from(self.scale))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_day_has_one_date() {
        // Every 97th: all days of months and all months of leap years come up.
        for days in (0..=Date::LAST).step_by(97).chain([0, Date::LAST]) {
            let date = Date::from_days(days).expect("within the calendar");
            let (year, month, day) = date.parts();
            assert_eq!(Date::from_parts(year, month, day), Some(date), "{date}");
        }
        let date = |year, month, day| Date::from_parts(year, month, day).map(|date| date.to_string());
        assert_eq!(date(2000, 2, 29).as_deref(), Some("2000-02-29"));
        assert_eq!(
            (date(1900, 2, 29), date(2026, 4, 31), date(2026, 13, 1), date(0, 1, 1)),
            (None, None, None, None)
        );
        assert_eq!(Date::from_days_since_1900(0).map(|date| date.to_string()).as_deref(), Some("1900-01-01"));
        assert_eq!(Date::from_days(Date::LAST + 1), None);
    }

    #[test]
    fn times_show_their_scale() {
        let time = |ticks, scale| Time::from_ticks(ticks, scale).map(|time| time.to_string());
        assert_eq!(time(0, 0).as_deref(), Some("00:00:00"));
        assert_eq!(time(Time::TICKS_PER_DAY - 1, 7).as_deref(), Some("23:59:59.9999999"));
        assert_eq!(time(12_300_000, 3).as_deref(), Some("00:00:01.230"));
        assert_eq!((time(Time::TICKS_PER_DAY, 7), time(0, 8)), (None, None));
    }
}
