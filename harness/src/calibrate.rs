//! Records what a SQL Server says to backups: to a sound one, and to each kind of damage that `generate` can make. The
//! stand-in answers as recorded where the setting `sql.calibration` names the file; its format is documented there.

use std::fs::File;
use std::io::{self, BufWriter};
use std::path::Path;

use serde_json::{Value, json};
use spatialcloud_backup::writer::{self, DAMAGES, Damage, Description};
use spatialcloud_sql_client::recipe::{self, TERMINATING};
use spatialcloud_sql_client::{Answer, Cell, Connection, SqlError};

use crate::engine;

/// The number of the file's format.
const FORMAT: u32 = 1;
/// Size of each backup, and the seed of its rows.
const SIZE_BYTES: u64 = 1 << 20;
const SEED: u64 = 7;
/// Where backups are restored on the server, if it takes them.
const DATABASE: &str = "spatialcloud_calibrating";
/// What each backup is called on the server.
const FILE: &str = "spatialcloud-calibrating.bak";

/// The statements, as the file names them and as they are written.
const STATEMENTS: [(&str, &str); 5] = [
    ("label-only", "RESTORE LABELONLY FROM DISK = {device}"),
    ("header-only", "RESTORE HEADERONLY FROM DISK = {device}"),
    ("file-list-only", "RESTORE FILELISTONLY FROM DISK = {device}"),
    ("verify-only", "RESTORE VERIFYONLY FROM DISK = {device}{with}"),
    ("database", "RESTORE DATABASE {database} FROM DISK = {device} WITH FILE = 1{moves}, REPLACE"),
];

/// The folder of backups, as this machine and as the server see it.
#[derive(Clone, Copy, Debug)]
pub struct Folder<'f> {
    /// Here.
    pub here: &'f Path,
    /// On the server.
    pub there: &'f str,
}

/// Why nothing was recorded.
#[derive(Debug, thiserror::Error)]
pub enum CalibrateError {
    /// The connection.
    #[error(transparent)]
    Sql(#[from] SqlError),
    /// The backups.
    #[error("{folder}: {error}")]
    Folder {
        /// The folder.
        folder: String,
        /// What the operating system answered.
        error: io::Error,
    },
    /// The server cannot even read a sound backup there.
    #[error(
        "the server refuses a sound backup: {0}; does it see the same folder, and may its user read what is in it?"
    )]
    Sound(String),
}

/// Asks the server for everything; `progress` hears of each backup.
///
/// # Errors
/// [`CalibrateError`]; what the server says to damage is no error.
pub async fn record(
    connection: &mut Connection,
    folder: Folder<'_>,
    progress: &mut (dyn FnMut(&str) + Send),
) -> Result<Value, CalibrateError> {
    let version = connection.run("SELECT @@VERSION").await?.value().map(Cell::to_string).unwrap_or_default();
    let mut shapes = Vec::new();
    let mut inside = String::new();
    progress("a sound backup");
    for (statement, answer) in ask(connection, folder, None).await? {
        if let Some(error) = answer.errors.first() {
            return Err(CalibrateError::Sound(error.to_string()));
        }
        if let Some(name) = answer.results.first().and_then(|results| results.column("DatabaseName").next()) {
            inside = name.to_string();
        }
        let columns = answer.results.first().map(|results| &results.columns[..]).unwrap_or_default();
        let columns = columns.iter().map(|column| json!({ "name": column.name, "type": column.wire_type }));
        shapes.push(json!({
            "statement": statement,
            "columns": columns.collect::<Vec<_>>(),
            "messages": answer.messages,
        }));
    }
    let mut answers = Vec::new();
    for (damage, name, ..) in DAMAGES {
        progress(name);
        for (statement, answer) in ask(connection, folder, Some(*damage)).await? {
            answers.push(
                json!({ "damage": name, "statement": statement, "errors": errors(&answer, folder, &inside) }),
            );
        }
    }
    let recorded = jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
    Ok(
        json!({ "format": FORMAT, "engine": version, "recorded": recorded, "shapes": shapes, "answers": answers }),
    )
}

/// What the server says to each statement over a backup with this damage.
async fn ask(
    connection: &mut Connection,
    folder: Folder<'_>,
    damage: Option<Damage>,
) -> Result<Vec<(&'static str, Answer)>, CalibrateError> {
    let failed = |error| CalibrateError::Folder { folder: folder.here.display().to_string(), error };
    let description = Description { seed: SEED, size_bytes: SIZE_BYTES, damage, ..Description::default() };
    let written = tempfile::NamedTempFile::new().map_err(failed)?;
    let out = BufWriter::new(File::create(written.path()).map_err(failed)?);
    writer::write_described(&description, out).map_err(failed)?;
    let placed = engine::put(written.path(), folder.here, FILE).map_err(failed)?;
    let asked = ask_all(connection, &device(folder)).await;
    std::fs::remove_file(placed).map_err(failed)?;
    asked
}

async fn ask_all(
    connection: &mut Connection,
    device: &str,
) -> Result<Vec<(&'static str, Answer)>, CalibrateError> {
    let mut answers: Vec<(&'static str, Answer)> = Vec::new();
    for (name, statement) in STATEMENTS {
        let answer_to =
            |name: &str| answers.iter().find(|(known, _)| *known == name).map(|(_, answer)| answer);
        let sql = statement
            .replace("{device}", &recipe::text(device))
            .replace("{with}", checksum(answer_to("header-only")))
            .replace("{moves}", &moves(answer_to("file-list-only")))
            .replace("{database}", &recipe::name(DATABASE));
        answers.push((name, connection.run(&sql).await?));
    }
    // There is none where the server has refused it; that is no news.
    connection.run(&format!("DROP DATABASE {}", recipe::name(DATABASE))).await?;
    Ok(answers)
}

/// As the recipe asks: for checksums where the header says that there are.
fn checksum(header: Option<&Answer>) -> &'static str {
    let results = header.and_then(|answer| answer.results.first());
    let value = results.and_then(|results| results.column("HasBackupChecksums").next());
    if value.and_then(Cell::as_integer) == Some(1) { " WITH CHECKSUM" } else { "" }
}

/// Files go where the server keeps its own; names that are not full are taken so.
fn moves(files: Option<&Answer>) -> String {
    let results = files.and_then(|answer| answer.results.first());
    let names = results.into_iter().flat_map(|results| results.column("LogicalName"));
    let to = |(place, name): (usize, &Cell)| {
        let path = format!("{DATABASE}_{place}.dat");
        format!(", MOVE {} TO {}", recipe::text(&name.to_string()), recipe::text(&path))
    };
    (1..).zip(names).map(to).collect()
}

fn device(folder: Folder<'_>) -> String {
    let separator = if folder.there.contains('\\') { '\\' } else { '/' };
    format!("{}{separator}{FILE}", folder.there.trim_end_matches(['/', '\\']))
}

/// The first error, of which alone class and state are known; the last of each answer tells nothing. The database is
/// called as it was backed up, or as it is restored.
fn errors(answer: &Answer, folder: Folder<'_>, inside: &str) -> Vec<Value> {
    let told = answer.errors.iter().find(|error| error.number != TERMINATING);
    let text = |message: &str| {
        let told = message.replace(&device(folder), "{device}").replace(DATABASE, "{database}");
        // In quotes: the names of its files begin with it.
        let quoted = |told: String, quote: char| {
            told.replace(&format!("{quote}{inside}{quote}"), &format!("{quote}{{database}}{quote}"))
        };
        if inside.is_empty() { told } else { quoted(quoted(told, '"'), '\'') }
    };
    told.map(|error| {
        json!({
            "number": error.number,
            "class": error.class.unwrap_or(16),
            "state": error.state.unwrap_or(1),
            "text": text(&error.message),
        })
    })
    .into_iter()
    .collect()
}
