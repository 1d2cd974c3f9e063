//! How a backup comes into production on a SQL Server; one recipe, for the stand-in and for Microsoft's own:
//!
//! ```text
//! HEADERONLY → FILELISTONLY → VERIFYONLY → RESTORE … WITH MOVE → compare → replace tables → drop
//! ```
//!
//! The backup is restored beside production. What it then holds is compared with what our own reader found in the file
//! ([`Contents`]); only then tables of production are replaced, all in one transaction. Whatever comes in between,
//! production stays as it was, and the database beside it is dropped.

mod compare;
mod contents;
mod production;

use std::fmt::Write;

pub use compare::Difference;
pub use contents::{ColumnContents, Contents, IndexContents, Integers, Spatial, TableContents};

use crate::answer::{Answer, Item, Results, ServerError};
use crate::{Cell, Connection, SqlError};

/// A full backup of a database, as HEADERONLY tells it.
const DATABASE_BACKUP: i64 = 1;
/// Numbers of errors that speak against the server's own state, not against the backup: it cannot be reached, has no
/// room, or somebody uses the database.
const OF_THE_SERVER: [u32; 8] = [3101, 3102, 3201, 3257, 1105, 262, 18456, 4060];
/// The error that follows all others when BACKUP or RESTORE ends.
pub const TERMINATING: u32 = 3013;

/// What is to be restored, and where to.
#[derive(Clone, Debug)]
pub struct Restore<'r> {
    /// The backup's path, as the server sees it.
    pub device: &'r str,
    /// The database whose tables are replaced; made where there is none.
    pub production: &'r str,
    /// What our own reader found in the backup. Where it can read none of it the server only says what it thinks:
    /// nothing is replaced.
    pub contents: Option<&'r Contents>,
    /// Tables that are not for production, as `schema.name`: the metadata table.
    pub withheld: &'r [String],
}

/// How far it is, for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Progress {
    /// A step begins.
    Step(&'static str),
    /// What the server says meanwhile, such as "10 percent processed."
    Told(String),
}

/// What was done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Restored {
    /// What the server says of itself.
    pub server: String,
    /// Tables that are in production now.
    pub tables: u64,
    /// Rows in them.
    pub rows: u64,
}

/// Why production stays as it was.
#[derive(Debug, thiserror::Error)]
pub enum RecipeError {
    /// The server refuses the backup.
    #[error("{}", refusal(.step, .errors))]
    Refused {
        /// The statement that it refuses.
        step: &'static str,
        /// Its words; not empty.
        errors: Vec<ServerError>,
    },
    /// The server cannot do it, whatever the backup is like.
    #[error("{}", refusal(.step, .errors))]
    Server {
        /// What it cannot do.
        step: &'static str,
        /// Its words; not empty.
        errors: Vec<ServerError>,
    },
    /// What the server restored is not what our reader found.
    #[error("the server has restored something other than the backup holds: {0}")]
    Differs(Difference),
    /// The server answers in a shape that nobody knows.
    #[error("{step}: expected {expected}, got {got}")]
    Shape {
        /// The statement.
        step: &'static str,
        /// What was expected.
        expected: &'static str,
        /// What came.
        got: String,
    },
    /// The connection.
    #[error(transparent)]
    Sql(#[from] SqlError),
}

impl RecipeError {
    /// Whether the backup is to blame: the same file would be refused again.
    pub fn is_refusal(&self) -> bool {
        matches!(self, RecipeError::Refused { .. } | RecipeError::Differs(_))
    }
}

fn refusal(step: &str, errors: &[ServerError]) -> String {
    let told: Vec<String> =
        errors.iter().filter(|error| error.number != TERMINATING).map(ServerError::to_string).collect();
    let told = if told.is_empty() { errors.iter().map(ServerError::to_string).collect() } else { told };
    format!("{} (the server's answer to {step})", told.join("; "))
}

/// Restores a backup and puts its tables into production. `progress` hears of each step.
///
/// # Errors
/// [`RecipeError`]; then production is as it was.
pub async fn restore(
    connection: &mut Connection,
    plan: &Restore<'_>,
    progress: &mut (dyn FnMut(Progress) + Send),
) -> Result<Restored, RecipeError> {
    let mut recipe = Recipe { connection, plan, staging: staging(plan.production), progress };
    let version = recipe.ask("SELECT @@VERSION", "SELECT @@VERSION").await?;
    let server = version.value().map(Cell::to_string).unwrap_or_default();
    recipe.judge().await?;
    recipe.drop_staging().await?;
    let done = recipe.restore().await;
    // It is dropped whatever came of it; what went wrong first is what is told.
    let dropped = recipe.drop_staging().await;
    let (tables, rows) = done?;
    dropped?;
    Ok(Restored { server, tables, rows })
}

/// Where a backup is restored, beside production.
fn staging(production: &str) -> String {
    format!("{production}_restoring")
}

struct Recipe<'r> {
    connection: &'r mut Connection,
    plan: &'r Restore<'r>,
    staging: String,
    progress: &'r mut (dyn FnMut(Progress) + Send),
}

impl Recipe<'_> {
    /// Sends a statement. What speaks against the backup is a refusal in RESTORE, and the server's own matter elsewhere.
    async fn ask(&mut self, step: &'static str, sql: &str) -> Result<Answer, RecipeError> {
        let mut answer = Answer::default();
        let progress = &mut *self.progress;
        let each = &mut |item: Item| {
            if let Item::Message(words) = &item {
                progress(Progress::Told(words.clone()));
            }
            answer.take(item);
            std::ops::ControlFlow::Continue(())
        };
        self.connection.stream(sql, each).await?;
        let Some(first) = answer.errors.first() else { return Ok(answer) };
        let is_of_server = !step.starts_with("RESTORE") || OF_THE_SERVER.contains(&first.number);
        let errors = std::mem::take(&mut answer.errors);
        Err(match is_of_server {
            true => RecipeError::Server { step, errors },
            false => RecipeError::Refused { step, errors },
        })
    }

    async fn step(&mut self, step: &'static str, sql: &str) -> Result<Answer, RecipeError> {
        (self.progress)(Progress::Step(step));
        self.ask(step, sql).await
    }

    /// HEADERONLY and VERIFYONLY: what the server thinks of the file before anything is made of it.
    async fn judge(&mut self) -> Result<(), RecipeError> {
        const HEADER: &str = "RESTORE HEADERONLY";
        let device = text(self.plan.device);
        let answer = self.step(HEADER, &format!("RESTORE HEADERONLY FROM DISK = {device}")).await?;
        let header = first(answer, HEADER)?;
        let number = |name: &str| header.column(name).next().and_then(Cell::as_integer);
        let kind = number("BackupType").ok_or_else(|| RecipeError::Shape {
            step: HEADER,
            expected: "a column BackupType",
            got: columns(&header),
        })?;
        // Others are refused by RESTORE itself, with the number that says why; VERIFYONLY would be content with them.
        let checksum = match (kind, number("HasBackupChecksums")) {
            (DATABASE_BACKUP, Some(1)) => ", CHECKSUM",
            _ => "",
        };
        let sql = format!("RESTORE VERIFYONLY FROM DISK = {device} WITH FILE = 1{checksum}");
        self.step("RESTORE VERIFYONLY", &sql).await.map(drop)
    }

    async fn restore(&mut self) -> Result<(u64, u64), RecipeError> {
        self.beside().await?;
        let Some(contents) = self.plan.contents else { return Ok((0, 0)) };
        (self.progress)(Progress::Step("compare"));
        self.compare(contents).await?;
        self.replace(contents).await
    }

    /// FILELISTONLY and RESTORE: the database, beside production. Its files are named after it, wherever those of the
    /// backup were: on the site's own server, with drives of its own.
    async fn beside(&mut self) -> Result<(), RecipeError> {
        const FILES: &str = "RESTORE FILELISTONLY";
        let device = text(self.plan.device);
        let sql = format!("RESTORE FILELISTONLY FROM DISK = {device} WITH FILE = 1");
        let files = first(self.step(FILES, &sql).await?, FILES)?;
        let (data, log) = self.folders().await?;
        let mut moves = String::new();
        for (place, name) in (1..).zip(files.column("LogicalName")) {
            let is_log =
                files.column("Type").nth(place - 1).is_some_and(|kind| kind.to_string().trim() == "L");
            let (folder, extension) = if is_log { (&log, "ldf") } else { (&data, "mdf") };
            let path = format!("{folder}{}_{place}.{extension}", self.staging);
            let _ = write!(moves, ", MOVE {} TO {}", text(&name.to_string()), text(&path));
        }
        if moves.is_empty() {
            let expected = "a column LogicalName and a row for each file";
            return Err(RecipeError::Shape { step: FILES, expected, got: columns(&files) });
        }
        let staging = name(&self.staging);
        let sql = format!(
            "RESTORE DATABASE {staging} FROM DISK = {device} WITH FILE = 1{moves}, REPLACE, RECOVERY, STATS = 10"
        );
        self.step("RESTORE DATABASE", &sql).await.map(drop)
    }

    /// Where the server keeps files of databases: of data and of logs.
    async fn folders(&mut self) -> Result<(String, String), RecipeError> {
        let sql = "SELECT CAST(SERVERPROPERTY('InstanceDefaultDataPath') AS nvarchar(400)), \
                   CAST(SERVERPROPERTY('InstanceDefaultLogPath') AS nvarchar(400))";
        let answer = self.ask("SELECT SERVERPROPERTY", sql).await?;
        let row = answer.results.into_iter().next().and_then(|results| results.rows.into_iter().next());
        let mut paths = row.into_iter().flatten().filter_map(|cell| match cell {
            Cell::Text(path) => Some(path),
            _ => None,
        });
        match (paths.next(), paths.next()) {
            (Some(data), Some(log)) => Ok((data, log)),
            _ => Err(RecipeError::Shape {
                step: "SELECT SERVERPROPERTY",
                expected: "InstanceDefaultDataPath and InstanceDefaultLogPath",
                got: "NULL".to_owned(),
            }),
        }
    }

    async fn has_database(&mut self, database: &str) -> Result<bool, RecipeError> {
        let sql = format!("SELECT DB_ID({})", text(database));
        let answer = self.ask("SELECT DB_ID", &sql).await?;
        Ok(answer.value().is_some_and(|value| *value != Cell::Null))
    }

    async fn drop_staging(&mut self) -> Result<(), RecipeError> {
        let staging = self.staging.clone();
        if !self.has_database(&staging).await? {
            return Ok(());
        }
        // Nobody may be in what is dropped, this connection neither.
        self.ask("USE", "USE [master]").await?;
        self.step("DROP DATABASE", &format!("DROP DATABASE {}", name(&staging))).await.map(drop)
    }
}

fn first(answer: Answer, step: &'static str) -> Result<Results, RecipeError> {
    match answer.results.into_iter().next() {
        Some(results) if !results.rows.is_empty() => Ok(results),
        _ => Err(RecipeError::Shape { step, expected: "a row", got: "none".to_owned() }),
    }
}

fn columns(results: &Results) -> String {
    results.columns.iter().map(|column| column.name.as_str()).collect::<Vec<_>>().join(", ")
}

/// A text as Transact-SQL writes it.
pub fn text(text: &str) -> String {
    format!("N'{}'", text.replace('\'', "''"))
}

/// A name as Transact-SQL writes it.
pub fn name(name: &str) -> String {
    format!("[{}]", name.replace(']', "]]"))
}
