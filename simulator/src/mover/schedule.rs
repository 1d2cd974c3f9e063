//! When the movers run, by the vendor's clock; daylight saving neither skips nor doubles a night (C-30, C-31).

use jiff::civil::Time;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};

use crate::config::MoverConfig;

const MINUTES_A_DAY: u32 = 24 * 60;

/// The two movers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Mover {
    /// Every few minutes: Spatial and Web.
    Interval,
    /// Once a night: Database.
    Nightly,
}

impl Mover {
    /// Both, in the order they run when due at the same instant.
    pub const ALL: [Mover; 2] = [Mover::Interval, Mover::Nightly];

    /// The word used in the API, scenarios and events.
    pub fn name(self) -> &'static str {
        match self {
            Mover::Interval => "interval",
            Mover::Nightly => "nightly",
        }
    }

    /// The mover of that name.
    pub fn named(name: &str) -> Option<Mover> {
        Mover::ALL.into_iter().find(|mover| mover.name() == name)
    }

    /// The folders it empties.
    pub fn folders(self) -> &'static [&'static str] {
        match self {
            Mover::Interval => &["Spatial", "Web"],
            Mover::Nightly => &["Database"],
        }
    }
}

/// A setting that makes no schedule.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ScheduleError {
    /// Not a time of day.
    #[error("movers.nightly-at {found:?}: expected a time of day such as 22:00")]
    Nightly {
        /// What came.
        found: String,
    },
    /// Not a divisor of a day.
    #[error("movers.interval-minutes {found}: expected 1 to 1440, and a divisor of 1440 such as 5")]
    Interval {
        /// What came.
        found: u32,
    },
}

/// When each mover is due.
#[derive(Clone, Debug)]
pub struct Schedule {
    interval_seconds: i64,
    nightly_at: Time,
    time_zone: TimeZone,
}

impl Schedule {
    /// Reads the settings.
    pub fn new(config: &MoverConfig, time_zone: TimeZone) -> Result<Schedule, ScheduleError> {
        let minutes = config.interval_minutes;
        if minutes == 0 || !MINUTES_A_DAY.is_multiple_of(minutes) {
            return Err(ScheduleError::Interval { found: minutes });
        }
        let nightly_at = config
            .nightly_at
            .parse()
            .map_err(|_| ScheduleError::Nightly { found: config.nightly_at.clone() })?;
        Ok(Schedule { interval_seconds: i64::from(minutes) * 60, nightly_at, time_zone })
    }

    /// The first run strictly after `after`.
    pub fn next(&self, mover: Mover, after: Timestamp) -> Timestamp {
        match mover {
            Mover::Interval => {
                // Whole minutes since the epoch are whole minutes in every zone of today.
                let step = self.interval_seconds;
                let next = (after.as_second().div_euclid(step) + 1) * step;
                Timestamp::from_second(next).unwrap_or(Timestamp::MAX)
            }
            Mover::Nightly => self.next_night(after),
        }
    }

    /// The last run at `at` or before.
    pub fn last(&self, mover: Mover, at: Timestamp) -> Timestamp {
        match mover {
            Mover::Interval => {
                let last = at.as_second().div_euclid(self.interval_seconds) * self.interval_seconds;
                Timestamp::from_second(last).unwrap_or(Timestamp::MIN)
            }
            Mover::Nightly => {
                // Three days hold two nights at least, whatever the clocks do.
                let mut last = self.next_night(at.checked_sub(72.hours()).unwrap_or(at));
                loop {
                    match self.next_night(last) {
                        next if next <= at => last = next,
                        _ => return last,
                    }
                }
            }
        }
    }

    /// One run for each civil date. An hour that daylight saving skips runs right after the gap; one
    /// that it repeats runs the first time round.
    fn next_night(&self, after: Timestamp) -> Timestamp {
        let today = after.to_zoned_datetime(self.time_zone.clone()).date();
        // Yesterday's run can lie after today's midnight where a gap spans midnight.
        let mut date = today.checked_sub(1.day()).unwrap_or(today);
        for _ in 0..4 {
            let run = self.time_zone.to_ambiguous_timestamp(date.to_datetime(self.nightly_at)).compatible();
            match run {
                Ok(run) if run > after => return run,
                _ => {}
            }
            match date.tomorrow() {
                Ok(next) => date = next,
                Err(_) => break,
            }
        }
        Timestamp::MAX
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;

    fn schedule(nightly_at: &str, zone: &str) -> Schedule {
        let config = MoverConfig { nightly_at: nightly_at.to_owned(), ..MoverConfig::default() };
        Schedule::new(&config, TimeZone::get(zone).unwrap()).unwrap()
    }

    fn nights(schedule: &Schedule, from: &str, count: usize) -> Vec<String> {
        let mut at: Timestamp = from.parse().unwrap();
        (0..count)
            .map(|_| {
                at = schedule.next(Mover::Nightly, at);
                at.to_zoned_datetime(schedule.time_zone.clone()).strftime("%m-%d %H:%M").to_string()
            })
            .collect()
    }

    #[test]
    fn daylight_saving_neither_skips_nor_doubles_a_night() {
        // Sydney: 02:00 to 03:00 does not exist on 2026-10-04; 02:00 to 03:00 comes twice on 2026-04-05.
        let half_past_two = schedule("02:30", "Australia/Sydney");
        assert_eq!(
            nights(&half_past_two, "2026-10-02T20:00:00Z", 3),
            ["10-04 03:30", "10-05 02:30", "10-06 02:30"]
        );
        assert_eq!(
            nights(&half_past_two, "2026-04-03T20:00:00Z", 3),
            ["04-05 02:30", "04-06 02:30", "04-07 02:30"]
        );
        let ten = schedule("22:00", "Australia/Sydney");
        assert_eq!(nights(&ten, "2026-04-04T00:00:00Z", 2), ["04-04 22:00", "04-05 22:00"]);
    }

    #[test]
    fn every_five_minutes_on_the_five_minutes() {
        let schedule = schedule("22:00", "Australia/Sydney");
        let next = |text: &str| schedule.next(Mover::Interval, text.parse().unwrap()).to_string();
        assert_eq!(next("2026-03-02T05:00:00Z"), "2026-03-02T05:05:00Z");
        assert_eq!(next("2026-03-02T05:04:59.9Z"), "2026-03-02T05:05:00Z");
    }

    #[test]
    fn settings_that_make_no_schedule_are_refused() {
        let zone = TimeZone::UTC;
        let bad = MoverConfig { nightly_at: "late".into(), ..MoverConfig::default() };
        assert!(Schedule::new(&bad, zone.clone()).unwrap_err().to_string().contains("22:00"));
        for interval_minutes in [0, 7, 2000] {
            let bad = MoverConfig { interval_minutes, ..MoverConfig::default() };
            assert!(Schedule::new(&bad, zone.clone()).is_err(), "{interval_minutes}");
        }
    }

    proptest! {
        /// Over two years, in any zone and at any hour: exactly one run for each civil date.
        #[test]
        fn one_run_for_each_date(minute in 0i8..60, hour in 0i8..24, zone in prop::sample::select(vec![
            "Australia/Sydney", "Australia/Lord_Howe", "Europe/Berlin", "America/Sao_Paulo", "UTC",
        ])) {
            let schedule = schedule(&format!("{hour:02}:{minute:02}"), zone);
            let mut at: Timestamp = "2017-01-01T00:00:00Z".parse().unwrap();
            let mut dates = Vec::new();
            for _ in 0..730 {
                let next = schedule.next(Mover::Nightly, at);
                prop_assert!(next > at);
                dates.push(next.to_zoned_datetime(schedule.time_zone.clone()).date());
                at = next;
            }
            // Where a gap swallows midnight itself, the run of that date still falls on it.
            for pair in dates.windows(2) {
                prop_assert_eq!(pair[0].tomorrow().unwrap(), pair[1]);
            }
        }
    }
}
