//! A stack to test against. Whoever uses one cannot tell where it runs.

mod in_process;
mod process;

use std::fs::File;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::Value;
use spatialcloud_backup::{DataError, Database};
use spatialcloud_sql_client::{Answer, Connection, Encryption, Login, SqlError};

use crate::api::{Api, ApiError};
use in_process::InProcess;
use process::Process;
pub use process::set_program;

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

/// Where a stack runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Home {
    /// In this process, beside others.
    #[default]
    Shared,
    /// In this process, which is nothing else.
    Whole,
    /// In a process that is started for it.
    Own,
}

/// Describes a stack that is still to be started.
#[derive(Default)]
pub struct Builder {
    settings: Value,
    data: Option<PathBuf>,
    http: Option<SocketAddr>,
    sites: Vec<(String, String, Vec<String>)>,
    home: Home,
}

impl Builder {
    /// Settings, as in the file that `up --config` reads.
    pub fn settings(mut self, settings: Value) -> Builder {
        self.settings = settings;
        self
    }

    /// Keeps its data in `folder`, rather than in a temporary one that is removed at the end.
    pub fn data(mut self, folder: &Path) -> Builder {
        self.data = Some(folder.to_owned());
        self
    }

    /// This process is nothing but the stack: a fault may kill it.
    pub fn alone(mut self) -> Builder {
        self.home = Home::Whole;
        self
    }

    /// Its control API listens there, rather than on any free port of loopback.
    pub fn http(mut self, address: SocketAddr) -> Builder {
        self.http = Some(address);
        self
    }

    /// It listens for SQL, on any free port of loopback unless its settings say where.
    pub fn sql(mut self) -> Builder {
        if self.settings["sql"]["listen"].is_null() {
            self.settings["sql"]["listen"] = "127.0.0.1:0".into();
        }
        self
    }

    /// A provisioned site: its code, its public key in OpenSSH form, the addresses it connects from.
    pub fn site<A: Into<String>>(
        mut self,
        code: &str,
        key: &str,
        from: impl IntoIterator<Item = A>,
    ) -> Builder {
        self.sites.push((code.to_owned(), key.to_owned(), from.into_iter().map(Into::into).collect()));
        self
    }

    /// Starts it.
    pub async fn start(self) -> Result<Stack, StackError> {
        let temporary = match &self.data {
            Some(_) => None,
            None => Some(tempfile::Builder::new().prefix("spatialcloud-").tempdir()?),
        };
        let data = match (&self.data, &temporary) {
            (Some(data), _) => data.clone(),
            (None, Some(folder)) => folder.path().to_owned(),
            (None, None) => return Err(StackError::Start("no folder".to_owned())),
        };
        let http = self.http.unwrap_or(SocketAddr::from(([127, 0, 0, 1], 0)));
        let mut settings = self.settings;
        if self.home == Home::Own {
            for (code, key, from) in &self.sites {
                settings["sites"][code] = serde_json::json!({ "keys": [key], "from": from });
            }
        }
        let Begun { running, api, sftp, sql } = begin(self.home, &settings, &data, http).await?;
        if self.home != Home::Own {
            for (code, key, from) in &self.sites {
                api.create_site(code, key, from, true).await?;
            }
        }
        Ok(Stack {
            running: Some(running),
            api,
            sftp,
            sql,
            settings,
            home: self.home,
            data,
            http,
            _temporary: temporary,
        })
    }
}

/// Where it runs.
enum Running {
    InProcess(InProcess),
    Process(Process),
}

/// A stack that has just been started.
struct Begun {
    running: Running,
    api: Api,
    sftp: SftpAddress,
    sql: Option<SqlAddress>,
}

async fn begin(home: Home, settings: &Value, data: &Path, http: SocketAddr) -> Result<Begun, StackError> {
    let (running, api) = if home == Home::Own {
        let process = Process::start(settings, data, http).await?;
        let api = process.api().clone();
        (Running::Process(process), api)
    } else {
        let stack = InProcess::start(settings, data, http, home == Home::Whole).await?;
        let api = stack.api();
        (Running::InProcess(stack), api)
    };
    let sftp = address(&api).await?;
    let sql = sql_address(&api).await?;
    Ok(Begun { running, api, sftp, sql })
}

/// A running stack. Dropped, everything of it is gone.
pub struct Stack {
    running: Option<Running>,
    api: Api,
    sftp: SftpAddress,
    sql: Option<SqlAddress>,
    settings: Value,
    home: Home,
    data: PathBuf,
    http: SocketAddr,
    _temporary: Option<tempfile::TempDir>,
}

impl Stack {
    /// A stack inside this process.
    pub fn in_process() -> Builder {
        Builder::default()
    }

    /// A stack in a process of its own, which can be killed. A program other than `spatialcloud` names it with
    /// [`set_program`] first.
    pub fn in_own_process() -> Builder {
        Builder { home: Home::Own, ..Builder::default() }
    }

    /// Its control API.
    pub fn api(&self) -> &Api {
        &self.api
    }

    /// The folder with all its data.
    pub fn data(&self) -> &Path {
        &self.data
    }

    /// The token its control API demands, where it listens beyond loopback.
    pub fn token(&self) -> Option<&str> {
        match self.running.as_ref()? {
            Running::InProcess(stack) => stack.token(),
            Running::Process(_) => None,
        }
    }

    /// Where SQL clients connect, if the settings let them.
    pub fn sql(&self) -> Option<&SqlAddress> {
        self.sql.as_ref()
    }

    /// Asks the warehouse as a SQL client does; each site has a database by its code.
    ///
    /// ```
    /// # let runtime = tokio::runtime::Runtime::new().unwrap();
    /// # runtime.block_on(async {
    /// use spatialcloud_harness::Stack;
    ///
    /// let stack = Stack::in_process().sql().start().await?;
    /// let answer = stack.query("SELECT name FROM sys.databases WHERE name = 'master'").await?;
    /// assert_eq!(answer.results[0].rows[0][0].to_string(), "master");
    /// # Ok::<(), spatialcloud_harness::stack::StackError>(())
    /// # }).unwrap();
    /// ```
    ///
    /// # Errors
    /// Where it does not listen for SQL. What the server itself refuses is in [`Answer::errors`].
    pub async fn query(&self, sql: &str) -> Result<Answer, StackError> {
        self.query_in(None, sql).await
    }

    /// The same, in a database.
    ///
    /// # Errors
    /// As [`Stack::query`]; also where there is no such database.
    pub async fn query_in(&self, database: Option<&str>, sql: &str) -> Result<Answer, StackError> {
        let address = self.sql.as_ref().ok_or(StackError::NoSql)?;
        let mut connection = Connection::open(&address.login(database)).await?;
        Ok(connection.run(sql).await?)
    }

    /// Where clients connect.
    pub fn sftp(&self) -> &SftpAddress {
        &self.sftp
    }

    /// Moves time on by a span such as `5m`; every run that falls due has finished when it answers.
    pub async fn advance(&self, by: &str) -> Result<(), ApiError> {
        self.api.advance(serde_json::json!({"by": by})).await.map(|_| ())
    }

    /// Stops it in an orderly way and starts it again on the same data.
    pub async fn restart(&mut self) -> Result<(), StackError> {
        stopped(self.running.take()).await?;
        self.start_again().await
    }

    /// Kills its process and starts it again on the same data. With `during` a mover runs, and is killed as soon as
    /// it has moved a file, or has found none to move.
    ///
    /// # Errors
    /// Also where it has no process of its own.
    pub async fn kill(&mut self, during: Option<&str>) -> Result<(), StackError> {
        if !matches!(self.running, Some(Running::Process(_))) {
            return Err(StackError::Start("only a stack in a process of its own can be killed".to_owned()));
        }
        if let Some(mover) = during {
            let last =
                self.api.events("").await?.last().map_or(0, |event| event["sequence"].as_u64().unwrap_or(0));
            let (path, query) = (format!("movers/{mover}/run"), format!("kind=file.moved&after={last}"));
            tokio::select! {
                run = self.api.post(&path, serde_json::json!({})) => run.map(|_| ())?,
                moved = self.api.wait(&query, LONGEST_RUN) => moved.map(|_| ())?,
            }
        }
        if let Some(Running::Process(process)) = self.running.take() {
            process.kill().await?;
        }
        self.start_again().await
    }

    async fn start_again(&mut self) -> Result<(), StackError> {
        let begun = begin(self.home, &self.settings, &self.data, self.http).await?;
        (self.running, self.api) = (Some(begun.running), begun.api);
        (self.sftp, self.sql) = (begun.sftp, begun.sql);
        Ok(())
    }

    /// Stops it in an orderly way.
    pub async fn stop(mut self) -> Result<(), StackError> {
        stopped(self.running.take()).await
    }
}

/// Longest wait for a mover to move its first file.
const LONGEST_RUN: Duration = Duration::from_secs(60);

async fn stopped(running: Option<Running>) -> Result<(), StackError> {
    match running {
        Some(Running::InProcess(stack)) => stack.stop().await,
        Some(Running::Process(process)) => process.stop().await,
        None => Ok(()),
    }
}

/// Whether settings are of the documented shape; the reason where they are not.
pub fn check_settings(settings: &Value) -> Result<(), String> {
    in_process::check_settings(settings)
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

/// Where the stack behind an API listens for SQL, if it does.
///
/// # Errors
/// When the API does not answer.
pub async fn sql_address(api: &Api) -> Result<Option<SqlAddress>, ApiError> {
    let sql = match api.get("sql").await {
        Ok(sql) => sql,
        Err(ApiError::Refused { status: 404, .. }) => return Ok(None),
        Err(error) => return Err(error),
    };
    let text = |name: &str| sql[name].as_str().unwrap_or_default().to_owned();
    Ok(Some(SqlAddress {
        host: text("host"),
        port: u16::try_from(sql["port"].as_u64().unwrap_or(0)).unwrap_or(0),
        user: text("user"),
        password: text("password"),
    }))
}

async fn address(api: &Api) -> Result<SftpAddress, StackError> {
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
