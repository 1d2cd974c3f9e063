//! The one simulated clock, and the only place that asks the operating system for the time (C-50).

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, ZonedDateTime};
use tokio::sync::watch;

use crate::config::Pace;

/// Longest single sleep while waiting: re-read the clock at least this often.
const LONGEST_SLEEP: Duration = Duration::from_secs(60);

/// Simulated time. Clones share it.
#[derive(Clone)]
pub struct Clock {
    inner: Arc<Inner>,
}

struct Inner {
    /// Simulated time at a real instant; the rest follows from the pace.
    anchor: Mutex<(Timestamp, Instant)>,
    pace: Pace,
    time_zone: TimeZone,
    moved: watch::Sender<()>,
}

/// The clock was asked to go backwards.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "simulated time is {now} already and never goes backwards: {asked} cannot be reached; reset the stack to start earlier"
)]
pub struct Backwards {
    /// Simulated time now.
    pub now: Timestamp,
    /// The instant asked for.
    pub asked: Timestamp,
}

impl Clock {
    /// A clock that shows `start` now and passes at `pace`.
    pub fn new(start: Timestamp, pace: Pace, time_zone: TimeZone) -> Clock {
        let anchor = Mutex::new((start, Instant::now()));
        Clock { inner: Arc::new(Inner { anchor, pace, time_zone, moved: watch::channel(()).0 }) }
    }

    /// The present by the wall clock: where a stack starts that was told no other time.
    pub fn wall() -> Timestamp {
        Timestamp::now()
    }

    fn anchor(&self) -> MutexGuard<'_, (Timestamp, Instant)> {
        // Two values written together: a panic elsewhere leaves them whole.
        self.inner.anchor.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Simulated time now.
    pub fn now(&self) -> Timestamp {
        let (time, since) = *self.anchor();
        let factor = match self.inner.pace {
            Pace::Manual => return time,
            Pace::Real => 1,
            Pace::Times(factor) => factor,
        };
        let passed = since.elapsed().saturating_mul(factor);
        let passed = SignedDuration::try_from(passed).unwrap_or(SignedDuration::MAX);
        time.checked_add(passed).unwrap_or(Timestamp::MAX)
    }

    /// Simulated time now, by the vendor's clock.
    pub fn zoned(&self) -> ZonedDateTime {
        self.zoned_at(self.now())
    }

    /// An instant by the vendor's clock.
    pub fn zoned_at(&self, instant: Timestamp) -> ZonedDateTime {
        instant.to_zoned_datetime(self.inner.time_zone.clone())
    }

    /// The vendor's time zone.
    pub fn time_zone(&self) -> &TimeZone {
        &self.inner.time_zone
    }

    /// How time passes.
    pub fn pace(&self) -> Pace {
        self.inner.pace
    }

    /// Moves time forward to `to`; staying where it is counts as forward.
    pub fn move_to(&self, to: Timestamp) -> Result<(), Backwards> {
        let now = self.now();
        if to < now {
            // A running clock may have passed a due instant while its run was prepared.
            return if self.inner.pace == Pace::Manual { Err(Backwards { now, asked: to }) } else { Ok(()) };
        }
        *self.anchor() = (to, Instant::now());
        self.inner.moved.send_replace(());
        Ok(())
    }

    /// Resolves when simulated time has reached `when`.
    pub async fn wait_until(&self, when: Timestamp) {
        let mut moved = self.inner.moved.subscribe();
        loop {
            let left = when.duration_since(self.now());
            if !left.is_positive() {
                return;
            }
            let real = match self.inner.pace {
                Pace::Manual => LONGEST_SLEEP,
                Pace::Real => left.unsigned_abs(),
                Pace::Times(factor) => left.unsigned_abs() / factor,
            };
            tokio::select! {
                () = tokio::time::sleep(real.min(LONGEST_SLEEP).max(Duration::from_millis(1))) => {}
                _ = moved.changed() => {}
            }
        }
    }

    /// Measures real time, for fields marked volatile.
    pub fn stopwatch() -> Stopwatch {
        Stopwatch(Instant::now())
    }
}

/// Real time since it was made.
pub struct Stopwatch(Instant);

impl Stopwatch {
    /// So far.
    pub fn elapsed(&self) -> Duration {
        self.0.elapsed()
    }

    /// Whole milliseconds so far.
    pub fn elapsed_ms(&self) -> u64 {
        u64::try_from(self.0.elapsed().as_millis()).unwrap_or(u64::MAX)
    }
}

/// The file that holds simulated time between one process and the next.
#[derive(Clone, Debug)]
pub struct ClockFile {
    path: PathBuf,
    /// The last instant written: the ticking and an advance write at the same time.
    last: Arc<Mutex<Timestamp>>,
}

impl ClockFile {
    /// In the data folder.
    pub fn below(data: &Path) -> ClockFile {
        ClockFile { path: data.join("clock"), last: Arc::new(Mutex::new(Timestamp::MIN)) }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What an earlier process wrote; `None` where none did.
    pub fn read(&self) -> io::Result<Option<Timestamp>> {
        match std::fs::read_to_string(&self.path) {
            Ok(text) => Ok(text.trim().parse().ok()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Writes it, whole or not at all, and never an earlier instant over a later one.
    pub fn write(&self, now: Timestamp) -> io::Result<()> {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if *last > now {
            return Ok(());
        }
        let beside = self.path.with_extension("new");
        std::fs::write(&beside, format!("{now}\n"))?;
        std::fs::rename(beside, &self.path)?;
        *last = now;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn a_manual_clock_moves_only_forward() {
        let clock = Clock::new(at(100), Pace::Manual, TimeZone::UTC);
        assert_eq!(clock.now(), at(100));
        clock.move_to(at(160)).unwrap();
        clock.move_to(at(160)).unwrap();
        assert_eq!(clock.move_to(at(159)), Err(Backwards { now: at(160), asked: at(159) }));
        assert_eq!(clock.now(), at(160));
    }

    #[tokio::test]
    async fn waiting_ends_when_time_is_moved() {
        let clock = Clock::new(at(0), Pace::Manual, TimeZone::UTC);
        let waiting = tokio::spawn({
            let clock = clock.clone();
            async move { clock.wait_until(at(3600)).await }
        });
        clock.move_to(at(3600)).unwrap();
        waiting.await.unwrap();
    }

    #[test]
    fn a_fast_clock_runs_ahead() {
        let clock = Clock::new(at(0), Pace::Times(1_000_000), TimeZone::UTC);
        while clock.now() < at(60) {
            std::hint::spin_loop();
        }
    }
}
