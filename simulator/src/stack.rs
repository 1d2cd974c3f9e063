//! A whole stack: opens the data folder, starts everything in order, stops it in reverse.

use std::fs::File;
use std::io::{self, Read, Seek, Write};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use jiff::tz::TimeZone;
use rustix::fs::{FlockOperation, flock};
use rustix::process::{Signal, getpid, kill_process};
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinHandle;

use crate::clock::{Clock, ClockFile};
use crate::config::{Config, Pace};
use crate::control::{self, EndpointCard};
use crate::dashboard;
use crate::endpoint::{self, Endpoint};
use crate::fault::{Effects, FaultError, Faults};
use crate::journal::{Fact, Journal};
use crate::mover::{self, Mover, Movers, Target};
use crate::site::{SiteError, Sites};
use crate::sql::calibration::{Calibration, CalibrationError};
use crate::sql::{self, Instance, Sql};
use crate::warehouse::Warehouse;

/// File in the data folder that is locked while a stack runs on it.
const LOCK_FILE: &str = "lock";
/// How often a clock that runs by itself is written down.
const CLOCK_EVERY: std::time::Duration = std::time::Duration::from_secs(1);

/// Why a stack could not be started.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The data folder cannot be used.
    #[error("cannot use the data folder {path}: {error}; choose one that you may write to, with --data DIR")]
    Data {
        /// The folder.
        path: PathBuf,
        /// What the operating system answered.
        error: io::Error,
    },
    /// Another stack runs on it.
    #[error(
        "the data folder {path} is in use by process {process}: stop that stack first, or choose another folder with --data DIR"
    )]
    InUse {
        /// The folder.
        path: PathBuf,
        /// Process number, as it wrote it down.
        process: String,
    },
    /// No such time zone.
    #[error("clock.time-zone {found:?} is not known: expected a name such as Australia/Sydney")]
    TimeZone {
        /// What came.
        found: String,
    },
    /// The API's address cannot be listened on.
    #[error(
        "cannot listen on {address} for the control API: {error}; choose another with --http ADDRESS:PORT, or port 0 for any free one"
    )]
    Listen {
        /// The address.
        address: SocketAddr,
        /// What the operating system answered.
        error: io::Error,
    },
    /// A site of the configuration was refused.
    #[error("site {code}: {error}")]
    Site {
        /// Its code.
        code: String,
        /// Why.
        error: SiteError,
    },
    /// The sites could not be opened.
    #[error(transparent)]
    Sites(#[from] SiteError),
    /// The movers could not start.
    #[error(transparent)]
    Movers(#[from] mover::StartError),
    /// A fault of the configuration cannot be armed.
    #[error(transparent)]
    Fault(#[from] FaultError),
    /// The endpoint could not start.
    #[error(transparent)]
    Endpoint(#[from] endpoint::StartError),
    /// The SQL server could not start.
    #[error(transparent)]
    Sql(#[from] sql::StartError),
    /// Recorded answers cannot be read.
    #[error(transparent)]
    Calibration(#[from] CalibrationError),
}

/// A running stack. Stop it with [`Stack::stop`]; dropped, its servers end with the runtime.
pub struct Stack {
    clock_file: ClockFile,
    _lock: Lock,
    endpoint: Endpoint,
    card: Arc<EndpointCard>,
    http: SocketAddr,
    token: Option<String>,
    journal: Journal,
    clock: Clock,
    serving: JoinHandle<()>,
    stop_serving: watch::Sender<bool>,
    keeping: Vec<JoinHandle<()>>,
    sql: Option<Sql>,
}

impl Stack {
    /// Starts a stack on the folder `data`. What an earlier stack left there is found as it was. The control API
    /// demands the `token`, if there is one; beyond loopback it makes its own where none is given. With `may_kill`
    /// nothing else lives in this process, and a fault may end it.
    pub async fn start(
        config: Config,
        data: &Path,
        http: SocketAddr,
        token: Option<String>,
        may_kill: bool,
    ) -> Result<Stack, StartError> {
        let lock = lock(data)?;
        let clock_file = ClockFile::below(data);
        let clock = clock(&config, &clock_file)?;
        let disk = |error| StartError::Data { path: data.to_owned(), error };
        let journal = Journal::new(clock.clone(), Some(&data.join("events.jsonl"))).map_err(disk)?;
        let sites = Sites::open(data, journal.clone(), clock.clone(), config.endpoint.layout)?;
        add_sites(&config, &sites)?;
        let warehouse = Warehouse::new(config.warehouse.clone(), journal.clone(), clock.clone());
        let movers =
            Movers::start(config.movers.clone(), warehouse, sites.clone(), journal.clone(), clock.clone())?;
        let listener =
            TcpListener::bind(http).await.map_err(|error| StartError::Listen { address: http, error })?;
        let http = listener.local_addr().map_err(|error| StartError::Listen { address: http, error })?;
        let faults = Faults::new(config.seed, journal.clone(), may_kill);
        for fault in &config.faults {
            faults.arm(fault.clone())?;
        }
        let effects = Arc::new(FaultEffects {
            movers: movers.clone(),
            clock: clock.clone(),
            clock_file: clock_file.clone(),
        });
        let endpoint = Endpoint::start(
            config.endpoint.clone(),
            sites.clone(),
            journal.clone(),
            clock.clone(),
            (faults.clone(), effects),
            data,
        )
        .await?;
        let sql = match config.sql.listen {
            Some(listen) => {
                let recorded = config.sql.calibration.as_deref().map(Calibration::read).transpose()?;
                let instance = Instance::open(
                    sites.clone(),
                    journal.clone(),
                    data,
                    config.warehouse.kept_generations,
                    recorded.unwrap_or_default(),
                );
                let instance = Arc::new(instance.map_err(disk)?);
                Some(Sql::start(listen, config.sql.clone(), instance, clock.clone()).await?)
            }
            None => None,
        };
        let card = Arc::new(EndpointCard {
            host: endpoint.address().ip().to_string(),
            port: endpoint.address().port(),
            host_key: endpoint.host_key().to_owned(),
            host_key_fingerprint: endpoint.host_key_fingerprint().to_owned(),
            host_keys: endpoint.host_keys().to_vec(),
            legacy_ftp: endpoint.legacy_ftp(),
        });
        let token = token.or_else(|| (!http.ip().is_loopback()).then(new_token));
        let state = control::State {
            sites,
            journal: journal.clone(),
            clock: clock.clone(),
            movers: movers.clone(),
            faults,
            config: Arc::new(config),
            clock_file: clock_file.clone(),
            endpoint: card.clone(),
            sql: sql.as_ref().map(Sql::address),
            token: token.clone(),
            streams: Arc::new(Semaphore::new(control::MOST_STREAMS)),
        };
        let (stop_serving, mut stopped) = watch::channel(false);
        let serving = tokio::spawn(async move {
            let until = async move {
                let _ = stopped.wait_for(|stop| *stop).await;
            };
            // Ends only when told to; there is nobody left to tell of an error then.
            let _ = axum::serve(listener, control::router(state, dashboard::router()))
                .with_graceful_shutdown(until)
                .await;
        });
        journal.record(None, Fact::StackStarted {});
        movers.catch_up().await;
        let keeping = vec![
            tokio::spawn(async move { movers.keep_time().await }),
            tokio::spawn(keep_clock(clock.clone(), clock_file.clone())),
        ];
        Ok(Stack {
            clock_file,
            _lock: lock,
            endpoint,
            card,
            http,
            token,
            journal,
            clock,
            serving,
            stop_serving,
            keeping,
            sql,
        })
    }

    /// How clients reach the endpoint.
    pub fn card(&self) -> &EndpointCard {
        &self.card
    }

    /// Where the control API listens.
    pub fn http(&self) -> SocketAddr {
        self.http
    }

    /// The token the API demands: the one given, or its own where it listens beyond loopback.
    pub fn token(&self) -> Option<&str> {
        self.token.as_deref()
    }

    /// Ends every connection, puts everything away, writes simulated time down.
    pub async fn stop(self) -> io::Result<()> {
        for task in &self.keeping {
            task.abort();
        }
        drop(self.sql);
        self.endpoint.stop().await;
        self.journal.record(None, Fact::StackStopped {});
        self.stop_serving.send_replace(true);
        // Whoever still waits for an event has had their answer delayed long enough.
        let _ = tokio::time::timeout(std::time::Duration::from_secs(1), self.serving).await;
        self.clock_file.write(self.clock.now())
    }
}

/// What faults do beyond the endpoint.
struct FaultEffects {
    movers: Movers,
    clock: Clock,
    clock_file: ClockFile,
}

#[async_trait]
impl Effects for FaultEffects {
    async fn run_mover(&self, mover: &str) {
        if let Some(mover) = Mover::named(mover) {
            self.movers.run(mover).await;
        }
    }

    async fn advance_clock(&self, by: &str) {
        // Checked when the fault was armed. A span that leads out of the calendar moves nothing.
        if let Ok(span) = by.parse() {
            let _ = self.movers.advance(Target::By(span)).await;
            let _ = self.clock_file.write(self.clock.now());
        }
    }

    fn kill_process(&self) {
        let _ = kill_process(getpid(), Signal::KILL);
    }
}

/// The lock of a data folder. Given back by hand: a program that is being started elsewhere in this process
/// holds a copy of every open file for a moment, and closing ours alone would leave the folder locked.
struct Lock(File);

impl Drop for Lock {
    fn drop(&mut self) {
        // What cannot be unlocked is unlocked when the last copy is closed.
        let _ = flock(&self.0, FlockOperation::Unlock);
    }
}

fn lock(data: &Path) -> Result<Lock, StartError> {
    let disk = |error| StartError::Data { path: data.to_owned(), error };
    std::fs::create_dir_all(data).map_err(disk)?;
    let path = data.join(LOCK_FILE);
    let mut file =
        File::options().create(true).truncate(false).read(true).write(true).open(path).map_err(disk)?;
    if flock(&file, FlockOperation::NonBlockingLockExclusive).is_err() {
        let mut process = String::new();
        let _ = file.read_to_string(&mut process);
        return Err(StartError::InUse { path: data.to_owned(), process: process.trim().to_owned() });
    }
    let number = format!("{}\n", std::process::id());
    file.set_len(0)
        .and_then(|()| file.rewind())
        .and_then(|()| file.write_all(number.as_bytes()))
        .map_err(disk)?;
    Ok(Lock(file))
}

/// Simulated time goes on where it stood; a later start in the settings moves it forward.
fn clock(config: &Config, file: &ClockFile) -> Result<Clock, StartError> {
    let name = &config.clock.time_zone;
    let zone = TimeZone::get(name).map_err(|_| StartError::TimeZone { found: name.clone() })?;
    let kept = file.read().map_err(|error| StartError::Data { path: file.path().to_owned(), error })?;
    let asked = config.clock.start.as_ref().map(jiff::ZonedDateTime::timestamp);
    let wall = || Clock::wall();
    let start = match (kept, asked) {
        (Some(kept), Some(asked)) => kept.max(asked),
        (Some(kept), None) if config.clock.pace == Pace::Real => kept.max(wall()),
        (Some(kept), None) => kept,
        (None, Some(asked)) => asked,
        (None, None) => wall(),
    };
    Ok(Clock::new(start, config.clock.pace, zone))
}

fn add_sites(config: &Config, sites: &Sites) -> Result<(), StartError> {
    for (code, site) in &config.sites {
        if sites.get(code).is_some() {
            continue;
        }
        let delay_hours = if site.provisioned { 0 } else { config.provisioning.delay_hours };
        sites
            .request(code, &site.keys, &site.from, site.attributes.clone(), delay_hours)
            .and_then(|_| if site.provisioned { sites.provision(code) } else { Ok(()) })
            .map_err(|error| StartError::Site { code: code.clone(), error })?;
    }
    Ok(())
}

/// Writes simulated time down now and then, so that a killed stack loses little of it.
async fn keep_clock(clock: Clock, file: ClockFile) {
    let mut written = None;
    loop {
        let now = clock.now();
        if written != Some(now) && file.write(now).is_ok() {
            written = Some(now);
        }
        tokio::time::sleep(CLOCK_EVERY).await;
    }
}

fn new_token() -> String {
    format!("{:032x}", rand::random::<u128>())
}
