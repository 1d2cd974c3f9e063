//! The movers: they take files from the inbox to the client folders, on time and exactly once (C-30 to C-35).

pub mod schedule;
pub mod transfer;

use std::io;
use std::str::FromStr;
use std::sync::Arc;

use jiff::{SignedDuration, Span, Timestamp, ZonedDateTime};
use tokio::sync::{Mutex, OwnedMutexGuard};

use crate::clock::Clock;
use crate::config::{MoverConfig, Pace};
use crate::journal::{Fact, Journal};
use crate::pattern;
use crate::site::{Site, Sites};
use crate::warehouse::Warehouse;
pub use schedule::{Mover, Schedule, ScheduleError};

/// One run of one mover.
#[derive(Clone, Debug)]
pub struct Run {
    /// Which mover.
    pub mover: Mover,
    /// Its simulated time.
    pub at: ZonedDateTime,
    /// Files moved.
    pub moved: u32,
    /// Files left for the next run.
    pub left: u32,
    /// Files that could not be moved.
    pub failed: u32,
}

/// How far to advance.
#[derive(Clone, Debug)]
pub enum Target {
    /// By a span of time, `5m`.
    By(Span),
    /// To an instant.
    To(Timestamp),
    /// To the next run of a mover, which is performed.
    Next(Mover),
}

impl FromStr for Target {
    type Err = AdvanceError;

    /// A mover's name, or an instant with its zone in brackets.
    fn from_str(text: &str) -> Result<Target, AdvanceError> {
        if let Some(mover) = Mover::named(text) {
            return Ok(Target::Next(mover));
        }
        text.parse::<ZonedDateTime>()
            .map(|time| Target::To(time.timestamp()))
            .or_else(|_| text.parse::<Timestamp>().map(Target::To))
            .map_err(|_| AdvanceError::Target { found: text.to_owned() })
    }
}

/// Why time could not be advanced.
#[derive(Debug, thiserror::Error)]
pub enum AdvanceError {
    /// Not a target.
    #[error(
        "cannot advance to {found:?}: expected nightly, interval, or an instant such as 2026-03-03T01:00[Australia/Sydney]"
    )]
    Target {
        /// What came.
        found: String,
    },
    /// Not a span, or one that is too long.
    #[error("cannot advance by {found:?}: expected a span such as 5m, 1h 30m or 2d")]
    Span {
        /// What came.
        found: String,
    },
    /// The target lies in the past.
    #[error(transparent)]
    Backwards(#[from] crate::clock::Backwards),
}

/// All movers of a stack. Clones share them.
#[derive(Clone)]
pub struct Movers {
    inner: Arc<Inner>,
}

struct Inner {
    config: MoverConfig,
    schedule: Schedule,
    sites: Sites,
    journal: Journal,
    clock: Clock,
    warehouse: Warehouse,
    /// Held by whoever moves time or files: runs never overlap.
    turn: Mutex<()>,
    /// Held from the nightly move to the end of the loads that follow from it. A load can take longer than the
    /// interval mover waits, and is none of its business.
    loading: Arc<Mutex<()>>,
}

/// What a nightly run brought and is still to be loaded.
struct Loads {
    _loading: OwnedMutexGuard<()>,
    arrived: Vec<Arrived>,
}

/// A site, and the paths that were moved into its client folder.
type Arrived = (Arc<Site>, Vec<String>);

/// Something that happens at its own time.
enum Due {
    Provisioning(String),
    Run(Mover),
}

impl Movers {
    /// Movers over `sites`; mends what an earlier process left half done.
    pub fn start(
        config: MoverConfig,
        warehouse: Warehouse,
        sites: Sites,
        journal: Journal,
        clock: Clock,
    ) -> Result<Movers, StartError> {
        let schedule = Schedule::new(&config, clock.time_zone().clone())?;
        for site in sites.all() {
            transfer::recover(&site.cloud, &site.history)
                .map_err(|error| StartError::Recovery { site: site.code.clone(), error })?;
        }
        Ok(Movers {
            inner: Arc::new(Inner {
                config,
                schedule,
                sites,
                journal,
                clock,
                warehouse,
                turn: Mutex::default(),
                loading: Arc::default(),
            }),
        })
    }

    /// Loads what an earlier process moved and did not get to load, in the background. Time is not advanced, and
    /// nothing else loaded, before that is done.
    pub async fn catch_up(&self) {
        let arrived = self.inner.sites.all().into_iter().map(|site| (site, Vec::new())).collect();
        let loads = Loads { _loading: self.inner.loading.clone().lock_owned().await, arrived };
        tokio::spawn(self.clone().load(loads));
    }

    /// Loads what arrived, site by site; a site to which nothing came is asked whether an earlier load waits.
    async fn load(self, loads: Loads) {
        // File work blocks; the endpoint must not wait for it. A panic in it is told by its thread.
        let _ = tokio::task::spawn_blocking(move || {
            for (site, arrived) in &loads.arrived {
                self.inner.warehouse.after_the_move(site, arrived);
            }
        })
        .await;
    }

    /// When each mover runs next.
    pub fn next(&self) -> Vec<(Mover, ZonedDateTime)> {
        let (inner, now) = (&self.inner, self.inner.clock.now());
        let zone = inner.clock.time_zone();
        Mover::ALL
            .map(|mover| (mover, inner.schedule.next(mover, now).to_zoned_datetime(zone.clone())))
            .to_vec()
    }

    /// Runs a mover now, out of turn.
    pub async fn run(&self, mover: Mover) -> Run {
        let _turn = self.inner.turn.lock().await;
        self.perform_and_load(mover).await
    }

    async fn perform_and_load(&self, mover: Mover) -> Run {
        let (run, loads) = self.perform(mover).await;
        if let Some(loads) = loads {
            self.clone().load(loads).await;
        }
        run
    }

    /// Moves time forward; every run and provisioning that falls due is done in order, at its own time.
    pub async fn advance(&self, target: Target) -> Result<Vec<Run>, AdvanceError> {
        let inner = &self.inner;
        let _turn = inner.turn.lock().await;
        drop(inner.loading.lock().await);
        let from = inner.clock.now();
        let until = match target {
            Target::To(instant) => instant,
            Target::Next(mover) => inner.schedule.next(mover, from),
            Target::By(span) => from
                .to_zoned_datetime(inner.clock.time_zone().clone())
                .checked_add(span)
                .map_err(|_| AdvanceError::Span { found: span.to_string() })?
                .timestamp(),
        };
        if until < from {
            return Err(crate::clock::Backwards { now: from, asked: until }.into());
        }
        let mut runs = Vec::new();
        let mut reached = from;
        while let Some((at, due)) = self.next_due(reached, until) {
            inner.clock.move_to(at)?;
            reached = at;
            for due in due {
                match due {
                    Due::Provisioning(code) => self.provision(&code),
                    Due::Run(mover) => runs.push(self.perform_and_load(mover).await),
                }
            }
        }
        inner.clock.move_to(until)?;
        let text = |time: Timestamp| time.to_zoned_datetime(inner.clock.time_zone().clone()).to_string();
        inner.journal.record(None, Fact::ClockAdvanced { from: text(from), to: text(until) });
        Ok(runs)
    }

    /// Lets time pass by itself, for clocks that do: performs each run when it falls due. Never returns.
    pub async fn keep_time(&self) {
        let inner = &self.inner;
        if inner.clock.pace() == Pace::Manual {
            return std::future::pending().await;
        }
        let mut reached = inner.clock.now();
        loop {
            let Some((at, due)) = self.next_due(reached, Timestamp::MAX) else {
                return std::future::pending().await;
            };
            // Sites may be added meanwhile, with provisionings that fall due earlier.
            let horizon = at.min(inner.clock.now().checked_add(SignedDuration::from_secs(1)).unwrap_or(at));
            inner.clock.wait_until(horizon).await;
            if horizon < at {
                continue;
            }
            let _turn = inner.turn.lock().await;
            reached = reached.max(at);
            for due in due {
                match due {
                    Due::Provisioning(code) => self.provision(&code),
                    // Advanced past it meanwhile: `advance` has performed it.
                    Due::Run(mover) if inner.schedule.next(mover, at) <= inner.clock.now() => {}
                    Due::Run(mover) => {
                        if let (_, Some(loads)) = self.perform(mover).await {
                            tokio::spawn(self.clone().load(loads));
                        }
                    }
                }
            }
        }
    }

    /// Everything due at the first such instant after `reached`, at `until` at the latest: runs of both
    /// movers can fall on the same one. Late provisionings come at once.
    fn next_due(&self, reached: Timestamp, until: Timestamp) -> Option<(Timestamp, Vec<Due>)> {
        let provisionings = self.inner.sites.due_provisionings().into_iter();
        let provisionings = provisionings.map(|(at, code)| (at.max(reached), Due::Provisioning(code)));
        let runs = Mover::ALL.map(|mover| (self.inner.schedule.next(mover, reached), Due::Run(mover)));
        let all: Vec<_> = provisionings.chain(runs).filter(|(at, _)| *at <= until).collect();
        let first = all.iter().map(|(at, _)| *at).min()?;
        Some((first, all.into_iter().filter(|(at, _)| *at == first).map(|(_, due)| due).collect()))
    }

    fn provision(&self, code: &str) {
        // A site removed in the meantime needs no provisioning; a disk error shows at the next change.
        let _ = self.inner.sites.provision(code);
    }

    async fn perform(&self, mover: Mover) -> (Run, Option<Loads>) {
        let loading = match mover {
            // Before a file takes the place of one that is being read.
            Mover::Nightly => Some(self.inner.loading.clone().lock_owned().await),
            Mover::Interval => None,
        };
        let movers = self.clone();
        let at = self.inner.clock.zoned();
        // File work blocks; the endpoint must not wait for it.
        let worked = tokio::task::spawn_blocking(move || movers.sweep(mover)).await;
        let ((moved, left, failed), arrived) = worked.unwrap_or(((0, 0, 1), Vec::new()));
        self.inner
            .journal
            .record(None, Fact::MoverFinished { mover: mover.name().to_owned(), moved, left, failed });
        (Run { mover, at, moved, left, failed }, loading.map(|_loading| Loads { _loading, arrived }))
    }

    /// Moves what is due at every site; answers how many files were moved, left and failed, and what arrived where.
    fn sweep(&self, mover: Mover) -> ((u32, u32, u32), Vec<Arrived>) {
        let mut totals = (0, 0, 0);
        let mut brought = Vec::new();
        for site in self.inner.sites.all() {
            let mut arrived = Vec::new();
            for folder in mover.folders() {
                match site.area.movable(folder) {
                    Ok(files) => {
                        for file in files {
                            match self.take(mover, &site, &file.path) {
                                Ok(None) => {
                                    totals.0 += 1;
                                    arrived.push(file.path);
                                }
                                Ok(Some(reason)) => {
                                    totals.1 += 1;
                                    self.leave(mover, &site, file.path, reason);
                                }
                                Err(error) => {
                                    totals.2 += 1;
                                    self.fail(mover, &site, file.path, &error);
                                }
                            }
                        }
                    }
                    Err(error) => {
                        totals.2 += 1;
                        self.fail(mover, &site, (*folder).to_owned(), &error);
                    }
                }
            }
            brought.push((site, arrived));
        }
        (totals, brought)
    }

    fn leave(&self, mover: Mover, site: &Site, path: String, reason: &'static str) {
        let fact = Fact::FileLeft { mover: mover.name().to_owned(), path, reason: reason.to_owned() };
        self.inner.journal.record(Some(&site.code), fact);
    }

    fn fail(&self, mover: Mover, site: &Site, path: String, error: &io::Error) {
        let fact = Fact::MoveFailed { mover: mover.name().to_owned(), path, error: error.to_string() };
        self.inner.journal.record(Some(&site.code), fact);
    }

    /// Moves one file, or says why it stays. Names are held still from the look to the move.
    fn take(&self, mover: Mover, site: &Site, path: &str) -> io::Result<Option<&'static str>> {
        let config = &self.inner.config;
        let name = path.rsplit('/').next().unwrap_or(path);
        if !config.move_temporary_names
            && config.temporary_names.iter().any(|pattern| pattern::fits(pattern, name))
        {
            return Ok(Some("temporary-name"));
        }
        let mut names = site.area.lock_names();
        if !config.move_open_files && names.open_for_writing(path) {
            return Ok(Some("open"));
        }
        let inbox = site.area.root();
        let size_bytes = std::fs::symlink_metadata(inbox.join(path))?.len();
        if config.settle_seconds > 0 {
            let settle = SignedDuration::from_secs(i64::try_from(config.settle_seconds).unwrap_or(i64::MAX));
            let age = self.inner.clock.now().duration_since(names.last_written(path));
            if names.open_for_writing(path) || age < settle {
                return Ok(Some("settling"));
            }
        }
        let replaced = transfer::move_file(inbox, &site.cloud, &site.history, path)?;
        names.forget(path);
        drop(names);
        let fact =
            Fact::FileMoved { mover: mover.name().to_owned(), path: path.to_owned(), size_bytes, replaced };
        self.inner.journal.record(Some(&site.code), fact);
        Ok(None)
    }
}

/// Why the movers could not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The settings make no schedule.
    #[error(transparent)]
    Schedule(#[from] ScheduleError),
    /// A half-done move could not be mended.
    #[error(
        "site {site}: cannot mend moves that were cut off: {error}; check the disk and the rights on the data folder"
    )]
    Recovery {
        /// The site's code.
        site: String,
        /// What the operating system answered.
        error: io::Error,
    },
}
