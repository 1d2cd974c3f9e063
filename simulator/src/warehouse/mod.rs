//! After the nightly move: what arrived in Database is judged, and loaded or refused (C-40 to C-46).

pub mod answer;
mod file_names;
pub mod generation;
pub mod load;
pub mod metadata;
mod out;
pub mod preview;
pub mod replace;
mod snapshot;
mod sql_server;
pub mod table;
pub mod target;

#[cfg(test)]
mod tests;

use std::fs::File;
use std::io::{self, BufReader};

use spatialcloud_backup::verdict::{self, Reason};
use spatialcloud_backup::{Backup, DataError, Database, Depth, Family};

use generation::{BackupFile, Generations, LoadRecord, Outcome};
use load::{Loaded, load};
use preview::Preview;

use crate::clock::Clock;
use crate::config::WarehouseConfig;
use crate::journal::{Fact, Journal};
use crate::site::Site;

/// The name the vendor's guide recommends, and the one that is loaded.
pub const RECOMMENDED_NAME: &str = "IntraMapsSpatialCloud.bak";
/// Where it lies in a client folder.
pub const RECOMMENDED_PATH: &str = "Database/IntraMapsSpatialCloud.bak";
/// Bytes read from disk at once while a backup is inspected.
const READ_BYTES: usize = 1 << 20;

/// The warehouse of every site.
pub struct Warehouse {
    config: WarehouseConfig,
    journal: Journal,
    clock: Clock,
}

impl Warehouse {
    /// With these settings.
    pub fn new(config: WarehouseConfig, journal: Journal, clock: Clock) -> Warehouse {
        Warehouse { config, journal, clock }
    }

    /// Looks at what a nightly run brought; `arrived` are paths such as `Database/x.bak`. A load that failed for a
    /// reason of ours is tried again, whether or not something arrived.
    pub fn after_the_move(&self, site: &Site, arrived: &[String]) {
        for path in arrived.iter().filter(|path| *path != RECOMMENDED_PATH) {
            let reason =
                format!("moved, and not loaded: only {RECOMMENDED_NAME} is; rename it at the source");
            self.journal.record(Some(&site.code), Fact::DatabaseWarned { path: path.clone(), reason });
        }
        if arrived.iter().any(|path| path == RECOMMENDED_PATH) {
            self.take(site);
        } else {
            self.catch_up(site);
        }
    }

    /// Takes the backup in the client folder if nobody knows what came of it: a kill or a full disk came between.
    fn catch_up(&self, site: &Site) {
        let generations = Generations::below(&site.warehouse);
        let waits = BackupFile::at(&site.cloud, RECOMMENDED_PATH)
            .and_then(|backup| generations.is_settled(&backup).map(|settled| !settled));
        match waits {
            Ok(true) => self.take(site),
            Err(error) if error.kind() != io::ErrorKind::NotFound => self.fail(site, vec![error.to_string()]),
            _ => {}
        }
    }

    /// Judges the backup in the client folder, and loads it if nothing speaks against it.
    fn take(&self, site: &Site) {
        let generations = Generations::below(&site.warehouse);
        let since = Clock::stopwatch();
        let at = self.clock.zoned();
        let (fact, reasons) = self.inspect(site);
        self.journal.record(Some(&site.code), fact);
        let backup = match BackupFile::at(&site.cloud, RECOMMENDED_PATH) {
            Ok(backup) => backup,
            Err(error) => return self.fail(site, vec![error.to_string()]),
        };
        let loaded = match self.on_server(site, reasons) {
            Some(refused) => Err(refused),
            None => load(&site.cloud, &generations, backup.clone(), &self.config, &at)
                .map_err(|error| (error.outcome(), vec![error.to_string()])),
        };
        let mut record = LoadRecord {
            at: at.to_string(),
            backup,
            outcome: Outcome::Loaded,
            load: None,
            tables: 0,
            rows: 0,
            snapshots: 0,
            reasons: Vec::new(),
        };
        match loaded {
            Ok(Loaded { generation, tables, rows, snapshots, facts }) => {
                record = LoadRecord { load: Some(generation.load), tables, rows, snapshots, ..record };
                for fact in facts {
                    self.journal.record(Some(&site.code), fact);
                }
                let fact = Fact::WarehouseLoaded {
                    load: generation.load,
                    path: RECOMMENDED_PATH.to_owned(),
                    tables,
                    rows,
                    snapshots,
                    kept_tables: generation.tables.len() as u64 - tables,
                    kept_snapshots: generation.snapshots.len() as u64 - snapshots,
                    duration_ms: since.elapsed_ms(),
                };
                self.journal.record(Some(&site.code), fact);
            }
            Err((outcome, reasons)) => {
                record = LoadRecord { outcome, reasons: reasons.clone(), ..record };
                self.fail(site, reasons);
            }
        }
        if let Err(error) = generations.record(&record) {
            self.fail(site, vec![format!("the history of loads cannot be written: {error}")]);
        }
    }

    /// Has the SQL Server load the backup, where there is one. Answers what speaks against the load: what the server says,
    /// and what our reader has found, `reasons` or more.
    fn on_server(&self, site: &Site, reasons: Option<Refused>) -> Option<Refused> {
        let Some(server) = &self.config.sql_server else { return reasons };
        let since = Clock::stopwatch();
        let backup = site.cloud.join(RECOMMENDED_PATH);
        let (contents, ours) = match reasons {
            Some(refused) => (None, Some(refused)),
            None => match sql_server::contents(&backup) {
                Ok(contents) => (Some(contents), None),
                Err(error) => (None, Some((error.outcome(), vec![error.to_string()]))),
            },
        };
        let metadata_table = &self.config.metadata.table;
        let database = format!("{}{}", server.database_prefix, site.code);
        match sql_server::load(server, &backup, &database, metadata_table, contents.as_ref()) {
            Ok(restored) if ours.is_none() => {
                let fact = Fact::WarehouseRestored {
                    server: restored.server.lines().next().unwrap_or_default().to_owned(),
                    tables: restored.tables,
                    rows: restored.rows,
                    duration_ms: since.elapsed_ms(),
                };
                self.journal.record(Some(&site.code), fact);
                None
            }
            // The server has taken what our reader could not compare.
            Ok(_) => ours,
            Err(error) => {
                let own = if error.is_refusal() { Outcome::Refused } else { Outcome::Failed };
                let (outcome, found) = ours.unwrap_or((own, Vec::new()));
                Some((outcome, [vec![error.to_string()], found].concat()))
            }
        }
    }

    fn fail(&self, site: &Site, reasons: Vec<String>) {
        let current = Generations::below(&site.warehouse).current().ok().flatten();
        let load = current.map(|(_, generation)| generation.load);
        let fact = Fact::WarehouseFailed { path: RECOMMENDED_PATH.to_owned(), reasons, load };
        self.journal.record(Some(&site.code), fact);
    }

    /// Reads the whole backup: a damaged page deep inside must be found before a table is touched. Answers what
    /// speaks against a load, if something does.
    fn inspect(&self, site: &Site) -> (Fact, Option<Refused>) {
        let path = RECOMMENDED_PATH.to_owned();
        let read = File::open(site.cloud.join(&path)).and_then(|file| {
            spatialcloud_backup::read(BufReader::with_capacity(READ_BYTES, file), Depth::Everything)
        });
        let family = match read {
            Ok(family) => family,
            Err(error) => {
                let reasons = vec![format!("3201: the file cannot be read: {error}")];
                let fact = Fact::WarehouseInspected {
                    path,
                    accepted: false,
                    database: None,
                    server_version: None,
                    tables: None,
                    exports: Vec::new(),
                    reasons: reasons.clone(),
                    warnings: Vec::new(),
                };
                return (fact, Some((Outcome::Failed, reasons)));
            }
        };
        let header = header(&family).cloned();
        let mut verdict = verdict::judge(&[family], &[RECOMMENDED_NAME.to_owned()]);
        let mut contents = Contents::default();
        // What is refused has its reasons already.
        if verdict.accepted {
            match self.contents(site, &path) {
                Ok(read) => contents = read,
                Err(error) => verdict.warnings.push(format!("the tables cannot be read: {error}")),
            }
        }
        verdict.warnings.append(&mut contents.preview.warnings);
        let told = |Reason { error, message, place }: &Reason| format!("{error}: {message} ({place})");
        let reasons: Vec<String> = verdict.reasons.iter().map(told).collect();
        let fact = Fact::WarehouseInspected {
            path,
            accepted: verdict.accepted,
            database: header.as_ref().and_then(|header| header.database_name.clone()),
            server_version: header.as_ref().map(|header| {
                let (major, minor) = (header.software_version_major, header.software_version_minor);
                format!("{major}.{minor}.{}", header.software_version_build)
            }),
            tables: contents.tables,
            exports: contents.preview.exports,
            reasons: reasons.clone(),
            warnings: verdict.warnings,
        };
        (fact, (!verdict.accepted).then_some((Outcome::Refused, reasons)))
    }

    fn contents(&self, site: &Site, path: &str) -> Result<Contents, DataError> {
        let file = File::open(site.cloud.join(path))?;
        let database = Database::open(Backup::file(file))?;
        let preview = preview::preview(&database, &self.config.metadata)?;
        Ok(Contents { tables: Some(database.tables().len() as u64), preview })
    }
}

/// What speaks against a load: whose fault it is, and the reasons.
type Refused = (Outcome, Vec<String>);

/// What stands in a backup that would be taken.
#[derive(Default)]
struct Contents {
    tables: Option<u64>,
    preview: Preview,
}

/// The set that RESTORE takes: the first.
fn header(family: &Family) -> Option<&spatialcloud_backup::Header> {
    family.sets.first()?.header.as_ref()
}
