//! A server with tables in it, for one visit.

use std::path::Path;
use std::sync::Arc;

use libtest_mimic::Failed;
use spatialcloud_backup::writer::{LEAST_SIZE_BYTES, Spec, write};
use spatialcloud_simulator::clock::Clock;
use spatialcloud_simulator::config::{Layout, Pace, SqlConfig, WarehouseConfig};
use spatialcloud_simulator::journal::Journal;
use spatialcloud_simulator::site::Sites;
use spatialcloud_simulator::sql::calibration::Calibration;
use spatialcloud_simulator::sql::{Databases, Instance, Sql, Unchanging};
use spatialcloud_simulator::warehouse::RECOMMENDED_PATH;
use spatialcloud_simulator::warehouse::generation::{BackupFile, Generations};
use spatialcloud_simulator::warehouse::load::load;
use tempfile::TempDir;
use tokio::runtime::Runtime;

use crate::memory::{CITY, Memory};

/// A running server. Dropped, it is gone.
pub struct Server {
    // Ends before the runtime that it runs on.
    sql: Sql,
    pub runtime: Runtime,
    folder: TempDir,
}

impl Server {
    /// Starts one over tables of every type.
    pub fn start(config: SqlConfig) -> Result<Server, Failed> {
        let folder = tempfile::Builder::new().prefix("spatialcloud-sql-").tempdir()?;
        let tables = Arc::new(Unchanging(Memory::new(folder.path())?));
        Server::over(config, folder, tables)
    }

    /// Starts one over the instance of a stack with the site CITY, whose backup has been loaded.
    pub fn production(config: SqlConfig) -> Result<Server, Failed> {
        let folder = tempfile::Builder::new().prefix("spatialcloud-sql-").tempdir()?;
        let site = folder.path().join("sites").join(CITY);
        let cloud = site.join("cloud");
        std::fs::create_dir_all(cloud.join("Database"))?;
        let record = r#"{"state":"tested","keys":[],"addresses":[],"attributes":null}"#;
        std::fs::write(site.join("site.json"), record)?;
        let file = std::fs::File::create(cloud.join(RECOMMENDED_PATH))?;
        write(&Spec { seed: 7, size_bytes: LEAST_SIZE_BYTES, damage: None }, file)?;
        let at = "2026-03-02T22:00[Australia/Sydney]".parse()?;
        let backup = BackupFile::at(&cloud, RECOMMENDED_PATH)?;
        let generations = Generations::below(&site.join("warehouse"));
        load(&cloud, &generations, backup, &WarehouseConfig::default(), &at)?;
        let clock = Clock::new(Clock::wall(), Pace::Manual, jiff::tz::TimeZone::UTC);
        let journal = Journal::new(clock.clone(), None)?;
        let sites = Sites::open(folder.path(), journal.clone(), clock, Layout::Standard)?;
        let instance = Instance::open(sites, journal, folder.path(), 2, Calibration::default())?;
        Server::over(config, folder, Arc::new(instance))
    }

    fn over(config: SqlConfig, folder: TempDir, tables: Arc<dyn Databases>) -> Result<Server, Failed> {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
        let clock = Clock::new(Clock::wall(), Pace::Manual, jiff::tz::TimeZone::UTC);
        let sql = runtime.block_on(Sql::start(([127, 0, 0, 1], 0).into(), config, tables, clock))?;
        Ok(Server { sql, runtime, folder })
    }

    /// Its folder.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Host, port, user and password.
    pub fn login(&self) -> [String; 4] {
        let (user, password) = self.sql.login();
        let address = self.sql.address();
        [address.ip().to_string(), address.port().to_string(), user.to_owned(), password.to_owned()]
    }

    /// Its port.
    pub fn port(&self) -> u16 {
        self.sql.address().port()
    }
}
