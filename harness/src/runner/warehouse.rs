//! A SQL Server that the cases of a run load their backups into, rather than have them read here. Each case has databases
//! of its own there.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use serde_json::{Value, json};
use spatialcloud_sql_client::{Answer, Connection, Login, SqlError, recipe};

use crate::engine::Engine;

/// The server of a run.
pub struct Warehouse {
    engine: Engine,
    cases: AtomicU64,
}

impl Warehouse {
    /// One that was started for this run.
    pub fn new(engine: Engine) -> Warehouse {
        Warehouse { engine, cases: AtomicU64::new(1) }
    }

    /// Ends the server, and waits until it is gone.
    pub async fn stop(&self) {
        self.engine.stop().await;
    }

    /// Begins a case: its sites' databases are there and empty, as they are where backups are read here.
    pub(super) async fn begin(self: &Arc<Warehouse>, sites: Vec<String>) -> Result<Databases, String> {
        let prefix = format!("case{}_", self.cases.fetch_add(1, Ordering::Relaxed));
        let databases = Databases { warehouse: self.clone(), prefix, sites };
        databases.each("CREATE DATABASE").await?;
        Ok(databases)
    }
}

impl fmt::Debug for Warehouse {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Warehouse")
    }
}

/// The databases of one case.
pub struct Databases {
    warehouse: Arc<Warehouse>,
    prefix: String,
    sites: Vec<String>,
}

impl Databases {
    /// As the settings of the case's stack name the server.
    pub(super) fn settings(&self) -> Value {
        let engine = &self.warehouse.engine;
        let login = engine.login();
        json!({
            "host": login.host,
            "port": login.port,
            "user": login.user,
            "password": login.password,
            "shared-folder": engine.folder(),
            "folder-on-server": engine.folder_on_server(),
            "database-prefix": self.prefix,
        })
    }

    /// Asks a site's database, or another of the server's.
    ///
    /// # Errors
    /// Where there is no answer; what the server refuses is part of the answer.
    pub async fn query(&self, database: &str, sql: &str) -> Result<Answer, SqlError> {
        let is_site = self.sites.iter().any(|site| site == database);
        let name = if is_site { format!("{}{database}", self.prefix) } else { database.to_owned() };
        let login = Login { database: Some(name), ..self.warehouse.engine.login().clone() };
        Connection::open(&login).await?.run(sql).await
    }

    /// Removes them.
    pub(super) async fn end(&self) -> Result<(), String> {
        self.each("DROP DATABASE").await
    }

    async fn each(&self, statement: &str) -> Result<(), String> {
        let opened = Connection::open(self.warehouse.engine.login()).await;
        let mut connection = opened.map_err(|error| error.to_string())?;
        for site in &self.sites {
            let name = recipe::name(&format!("{}{site}", self.prefix));
            let answer = connection.run(&format!("{statement} {name}")).await;
            let answer = answer.map_err(|error| error.to_string())?;
            if let Some(error) = answer.errors.first() {
                return Err(format!("{statement} {name}: {error}"));
            }
        }
        Ok(())
    }
}
