//! A server with tables in it, for one visit.

use libtest_mimic::Failed;
use spatialcloud_simulator::clock::Clock;
use spatialcloud_simulator::config::{Pace, SqlConfig};
use spatialcloud_simulator::sql::{Sql, Unchanging};
use tokio::runtime::Runtime;

use crate::memory::Memory;

/// A running server. Dropped, it is gone.
pub struct Server {
    // Ends before the runtime that it runs on.
    sql: Sql,
    pub runtime: Runtime,
    _folder: tempfile::TempDir,
}

impl Server {
    /// Starts one.
    pub fn start(config: SqlConfig) -> Result<Server, Failed> {
        let folder = tempfile::Builder::new().prefix("spatialcloud-sql-").tempdir()?;
        let tables = std::sync::Arc::new(Unchanging(Memory::new(folder.path())?));
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
        let clock = Clock::new(Clock::wall(), Pace::Manual, jiff::tz::TimeZone::UTC);
        let sql = runtime.block_on(Sql::start(([127, 0, 0, 1], 0).into(), config, tables, clock))?;
        Ok(Server { sql, runtime, _folder: folder })
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
