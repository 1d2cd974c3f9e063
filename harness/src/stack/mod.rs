//! A stack to test against. Whoever uses one cannot tell where it runs.

pub mod attached;
mod builder;
mod containers;
mod in_process;
mod process;
mod running;

use std::fs::File;
use std::net::IpAddr;

use serde_json::Value;
use spatialcloud_backup::{DataError, Database};
use spatialcloud_sql_client::{Encryption, Login, SqlError};

use crate::api::{Api, ApiError};
pub use attached::Attached;
pub use builder::{Builder, Stacks};
pub use containers::{Containers, NetworkFault};
pub use process::set_program;
pub use running::Stack;

/// Where clients connect.
#[derive(Clone, Debug)]
pub struct SftpAddress {
    /// Host or address.
    pub host: String,
    /// Port.
    pub port: u16,
    /// Host key in OpenSSH form.
    pub host_key: String,
    /// `SHA256:…`
    pub host_key_fingerprint: String,
    /// Every host key the endpoint has.
    pub host_keys: Vec<String>,
}

impl SftpAddress {
    /// As the stack behind `api` tells it.
    pub async fn of(api: &Api) -> Result<SftpAddress, ApiError> {
        let endpoint = api.get("endpoint").await?;
        let text = |name: &str| endpoint[name].as_str().unwrap_or_default().to_owned();
        Ok(SftpAddress {
            host: text("host"),
            port: u16::try_from(endpoint["port"].as_u64().unwrap_or(0)).unwrap_or(0),
            host_key: text("host_key"),
            host_key_fingerprint: text("host_key_fingerprint"),
            host_keys: endpoint["host_keys"]
                .as_array()
                .map(|keys| keys.iter().filter_map(|key| Some(key.as_str()?.to_owned())).collect())
                .unwrap_or_default(),
        })
    }
}

/// Where SQL clients connect, and as whom.
#[derive(Clone, Debug)]
pub struct SqlAddress {
    /// Host or address.
    pub host: String,
    /// Port.
    pub port: u16,
    /// User name.
    pub user: String,
    /// Password.
    pub password: String,
}

impl SqlAddress {
    /// As the stack behind `api` tells it; nothing where no SQL client gets in.
    ///
    /// # Errors
    /// When the API does not answer.
    pub async fn of(api: &Api) -> Result<Option<SqlAddress>, ApiError> {
        let sql = match api.get("sql").await {
            Ok(sql) => sql,
            Err(ApiError::Refused { status: 404, .. }) => return Ok(None),
            Err(error) => return Err(error),
        };
        let text = |name: &str| sql[name].as_str().unwrap_or_default().to_owned();
        let host = text("host");
        // It listens on every address there; the one that its API answers on is one of them.
        let is_unspecified = host.parse::<IpAddr>().is_ok_and(|address| address.is_unspecified());
        Ok(Some(SqlAddress {
            host: if is_unspecified { attached::host_of(api.url()).to_owned() } else { host },
            port: u16::try_from(sql["port"].as_u64().unwrap_or(0)).unwrap_or(0),
            user: text("user"),
            password: text("password"),
        }))
    }

    /// A login there, in a database or in the user's own.
    pub fn login(&self, database: Option<&str>) -> Login {
        Login {
            host: self.host.clone(),
            port: self.port,
            user: self.user.clone(),
            password: self.password.clone(),
            database: database.map(str::to_owned),
            encryption: Encryption::default(),
        }
    }
}

/// Why a stack could not be had.
#[derive(Debug, thiserror::Error)]
pub enum StackError {
    /// The settings are not of the documented shape.
    #[error("settings: {0}")]
    Settings(String),
    /// It did not start.
    #[error("the stack could not be started: {0}")]
    Start(String),
    /// No folder for its data.
    #[error("no folder for the stack's data: {0}")]
    Folder(#[from] std::io::Error),
    /// It started, and does not answer.
    #[error(transparent)]
    Api(#[from] ApiError),
    /// No SQL client gets in.
    #[error(transparent)]
    Sql(#[from] SqlError),
    /// It does not listen for SQL.
    #[error("the stack does not listen for SQL: its settings lack sql.listen")]
    NoSql,
}

/// Whether settings are of the documented shape; the reason where they are not.
pub fn check_settings(settings: &Value) -> Result<(), String> {
    in_process::check_settings(settings)
}

/// Settings whole: what is absent is as in their preset.
fn full_settings(settings: &Value) -> Result<Value, String> {
    in_process::full_settings(settings)
}

/// The first setting in which two whole sets differ: its dotted name and both values. Those named in `may_differ` do
/// not count, nor what is below them.
fn difference_of_settings(
    wanted: &Value,
    found: &Value,
    may_differ: &[&str],
) -> Option<(String, Value, Value)> {
    fn first(
        name: &str,
        wanted: &Value,
        found: &Value,
        may_differ: &[&str],
    ) -> Option<(String, Value, Value)> {
        if wanted == found || may_differ.contains(&name) {
            return None;
        }
        match (wanted.as_object(), found.as_object()) {
            (Some(map), Some(_)) => map.iter().find_map(|(key, value)| {
                let name = if name.is_empty() { key.clone() } else { format!("{name}.{key}") };
                first(&name, value, &found[key.as_str()], may_differ)
            }),
            _ => Some((name.to_owned(), wanted.clone(), found.clone())),
        }
    }
    first("", wanted, found, may_differ)
}

/// A kind of event, for references.
#[derive(Clone, Copy, Debug)]
pub struct EventDoc {
    /// Its dotted name.
    pub name: &'static str,
    /// What it tells, in a sentence.
    pub sentence: &'static str,
    /// Its fields.
    pub fields: &'static [&'static str],
    /// Fields that differ from run to run of the same scenario.
    pub volatile: &'static [&'static str],
}

/// Every kind of event.
pub fn event_docs() -> Vec<EventDoc> {
    in_process::event_docs()
}

/// Every kind of fault: its name, what goes wrong, and an example as JSON.
pub fn fault_docs() -> Vec<(&'static str, &'static str, &'static str)> {
    in_process::fault_docs()
}

/// What tonight's load would export from a backup: a sentence for each row of its metadata table, and warnings.
///
/// # Errors
/// When the metadata table cannot be read.
pub fn preview(database: &Database<File>) -> Result<(Vec<String>, Vec<String>), DataError> {
    in_process::preview(database)
}

/// The name of a backup that the nightly load takes whatever else there is.
pub fn recommended_backup_name() -> &'static str {
    in_process::recommended_backup_name()
}

/// What every kind of fault takes: key and meaning.
pub fn fault_parameters() -> &'static [(&'static str, &'static str)] {
    in_process::fault_parameters()
}

/// What is wrong with a fault, if anything.
pub fn check_fault(spec: &Value) -> Result<(), String> {
    in_process::check_fault(spec)
}

/// Every setting with its default.
pub fn default_settings() -> Value {
    in_process::default_settings()
}

/// JSON Schema (draft 7) of settings.
pub fn settings_schema() -> Value {
    in_process::settings_schema()
}

/// JSON Schema (draft 7) of a fault.
pub fn fault_schema() -> Value {
    in_process::fault_schema()
}

/// Every preset of settings: its name, what it is for, and where it differs from the defaults.
pub fn preset_docs() -> Vec<(String, &'static str, Value)> {
    in_process::preset_docs()
}

/// The names of all kinds of event.
pub fn event_kinds() -> Vec<&'static str> {
    event_docs().iter().map(|doc| doc.name).collect()
}

/// What the vendor says to a key: its fingerprint and bits, or the refusal.
pub fn check_key(file: &[u8]) -> Result<AcceptedKey, RefusedKey> {
    in_process::check_key(file)
}

/// A key the vendor takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AcceptedKey {
    /// `SHA256:…`
    pub fingerprint: String,
    /// Length in bits.
    pub bits: u32,
    /// The normalised line.
    pub openssh: String,
}

/// Why the vendor does not take a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefusedKey {
    /// One word for it.
    pub kind: &'static str,
    /// What was found and how to mend it.
    pub message: String,
    /// The key in the right form, where it was only in a wrong one.
    pub converted: Option<String>,
}
