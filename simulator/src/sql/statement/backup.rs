//! BACKUP DATABASE: the tables of a database as a synthetic backup, in the server's own folder.
//!
//! The file is what the writer of synthetic backups makes: readers of backups read it, ours and others', and no SQL
//! Server restores it. What it does not carry is told: the database's own name, columns that count by themselves, and
//! tables with a column of a type that the writer has none of.

use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::PathBuf;

use spatialcloud_backup::writer::{
    ColumnSpec, ColumnType, Description, IndexSpec, Rows, Stripe, TableSpec, write_described,
};
use spatialcloud_backup::{SqlType, Value, writer};
use spatialcloud_tds::{Command, Message, NOT_SERVED};

use super::Statement;
use super::options::{self, Known, Taken, WithOption};
use super::restore::processed;
use crate::clock::Clock;
use crate::sql::Halt;
use crate::sql::backend::Answer;
use crate::sql::error::{TABLES, no_database, unsupported};
use crate::sql::instance::Instance;
use crate::sql::instance::view::{StoredTable, View};
use crate::sql::interpreter::Interpreter;
use crate::sql::language::{Cursor, Expression};
use crate::warehouse::table::{IndexRecord, TableReader, TableRecord};

/// Options of BACKUP DATABASE.
const OPTIONS: Known = &[
    ("BLOCKSIZE", Taken::Ignored),
    ("BUFFERCOUNT", Taken::Ignored),
    // Always so.
    ("CHECKSUM", Taken::Ignored),
    ("COMPRESSION", Taken::Served),
    ("CONTINUE_AFTER_ERROR", Taken::Ignored),
    ("COPY_ONLY", Taken::Ignored),
    ("CREDENTIAL", Taken::Refused),
    ("DESCRIPTION", Taken::Served),
    ("DIFFERENTIAL", Taken::Refused),
    ("ENCRYPTION", Taken::Refused),
    ("EXPIREDATE", Taken::Ignored),
    ("FILE_SNAPSHOT", Taken::Refused),
    ("FORMAT", Taken::Served),
    ("INIT", Taken::Served),
    ("MAXTRANSFERSIZE", Taken::Ignored),
    ("MEDIADESCRIPTION", Taken::Ignored),
    ("MEDIANAME", Taken::Ignored),
    ("NAME", Taken::Served),
    ("NOFORMAT", Taken::Ignored),
    ("NOINIT", Taken::Ignored),
    ("NOREWIND", Taken::Ignored),
    ("NOSKIP", Taken::Ignored),
    ("NOUNLOAD", Taken::Ignored),
    ("NO_CHECKSUM", Taken::Ignored),
    ("NO_COMPRESSION", Taken::Ignored),
    ("RESTART", Taken::Ignored),
    ("RETAINDAYS", Taken::Ignored),
    ("REWIND", Taken::Ignored),
    ("SKIP", Taken::Ignored),
    ("STATS", Taken::Served),
    ("STOP_ON_ERROR", Taken::Ignored),
    ("UNLOAD", Taken::Ignored),
];

/// Ends each part of the answer (CurCmd), as an engine sent it.
const BACKUP: Command = Command(228);
/// What is not carried.
const NOT_CARRIED: i32 = NOT_SERVED + 4;
/// The writer holds the rows it is given: a database is small, or it is not backed up here.
const MOST_BYTES: u64 = 256 << 20;
const PAGE_BYTES: u64 = 8192;

struct Backup {
    name: Expression,
    devices: Vec<Expression>,
    options: Vec<WithOption>,
}

pub fn parse(cursor: &mut Cursor<'_>) -> Result<Box<dyn Statement>, Halt> {
    cursor.expect_word("BACKUP")?;
    if !cursor.take_word("DATABASE") {
        return Err(cursor.at_line(unsupported("BACKUP but DATABASE")));
    }
    let name = options::database_name(cursor)?;
    cursor.expect_word("TO")?;
    let devices = options::devices(cursor)?;
    let options = options::parse(cursor, "BACKUP", OPTIONS)?;
    Ok(Box::new(Backup { name, devices, options }))
}

impl Statement for Backup {
    fn run(&self, session: &mut Interpreter, answer: &mut Answer<'_>) -> Result<(), Halt> {
        let databases = session.databases.clone();
        let Some(instance) = databases.instance() else {
            return Err(unsupported("BACKUP where tables are all there is"));
        };
        let written = self.write(instance, session, answer);
        written.map_err(|halt| match halt {
            Halt::Failed(message) => {
                answer.message(&message);
                Halt::error(3013, "BACKUP DATABASE is terminating abnormally.")
            }
            other => other,
        })
    }
}

impl Backup {
    fn has(&self, name: &str) -> bool {
        self.options.iter().any(|option| option.name == name)
    }

    fn write(&self, instance: &Instance, session: &Interpreter, answer: &mut Answer<'_>) -> Result<(), Halt> {
        let since = Clock::stopwatch();
        if session.transactions.depth > 0 {
            let words = "Cannot perform a backup or restore operation within a transaction.";
            return Err(Halt::Failed(Box::new(Message { state: 0, ..Message::error(3021, words) })));
        }
        let name = options::text(&self.name, session)?;
        let known = instance.databases().into_iter().find(|known| known.eq_ignore_ascii_case(&name));
        let name = known.ok_or_else(|| no_database(&name))?;
        let mut places: Vec<PathBuf> = Vec::new();
        for device in &self.devices {
            let written = options::text(device, session)?;
            let place = instance.device_to_write(&written).map_err(|error| Halt::Failed(Box::new(error)))?;
            if place.exists() && !self.has("INIT") && !self.has("FORMAT") {
                return Err(unsupported(format_args!(
                    "a second backup set in {written}: say WITH INIT to write it anew"
                )));
            }
            places.push(place);
        }
        let view = instance.view(&name).map_err(|words| Halt::error(TABLES, words))?;
        let tables = specs(&view, answer)?;
        answer.message(&told(&format!(
            "the file says that it is a synthetic backup of IntraMapsSpatialCloud, not of {name}, and carries no name or description of yours"
        )));
        let count = u16::try_from(places.len()).unwrap_or(u16::MAX);
        let mut bytes = 0;
        for (number, place) in (1..).zip(&places) {
            let description = Description {
                tables: Some(tables.clone()),
                is_compressed: self.has("COMPRESSION"),
                stripe: Stripe { number, count },
                ..Description::default()
            };
            answer.go_on()?;
            bytes += write_file(place, &description)?;
        }
        self.done(&name, bytes, since.elapsed_ms(), session, answer)
    }

    fn done(
        &self,
        name: &str,
        bytes: u64,
        elapsed_ms: u64,
        session: &Interpreter,
        answer: &mut Answer<'_>,
    ) -> Result<(), Halt> {
        let every = match self.options.iter().find(|option| option.name == "STATS") {
            Some(option) => Some(u64::from(option.number(session)?.unwrap_or(10).clamp(1, 100))),
            None => None,
        };
        if let Some(every) = every {
            // It is written before anything can be said of how far it is: small, or refused.
            for percent in (1..).map(|step| step * every).take_while(|percent| *percent < 100).chain([100]) {
                answer
                    .progress(&Message::information(3211, format!("{percent} percent processed.")), BACKUP)?;
            }
        }
        let pages = bytes / PAGE_BYTES;
        let words =
            format!("Processed {pages} pages for database '{name}', file 'IntraMapsSpatialCloud' on file 1.");
        answer.progress(&Message::information(4035, words), BACKUP)?;
        answer.message(&Message::information(3014, processed("BACKUP DATABASE", pages, elapsed_ms)));
        answer.done(BACKUP, None);
        Ok(())
    }
}

fn told(words: &str) -> Message {
    Message::information(NOT_CARRIED, format!("The simulated warehouse adds: {words}."))
}

/// Writes a file whole, or leaves what is there.
fn write_file(place: &PathBuf, description: &Description) -> Result<u64, Halt> {
    let beside = place.with_extension("bak.new");
    let write = || -> std::io::Result<u64> {
        let mut file = BufWriter::new(File::create(&beside)?);
        let bytes = write_described(description, &mut file)?;
        file.flush()?;
        file.get_ref().sync_all()?;
        fs::rename(&beside, place)?;
        Ok(bytes)
    };
    write().map_err(|error| {
        let _ = fs::remove_file(&beside);
        let words = format!("Write on \"{}\" failed: {error}", place.display());
        Halt::error(3202, words)
    })
}

/// The tables as the writer takes them; what is left out is told.
fn specs(view: &View, answer: &mut Answer<'_>) -> Result<Vec<TableSpec>, Halt> {
    let bytes: u64 = view.tables.iter().map(|table| table.record.size_bytes).sum();
    if bytes > MOST_BYTES {
        return Err(unsupported(format_args!(
            "the backup of more than {} MiB of tables ({} MiB are there)",
            MOST_BYTES >> 20,
            bytes >> 20
        )));
    }
    let mut specs = Vec::new();
    for table in &view.tables {
        match spec(table) {
            Ok(spec) => specs.push(spec),
            Err(reason) => {
                let name = table.record.full_name();
                answer.message(&told(&format!("table {name} is left out: {reason}")));
            }
        }
        answer.go_on()?;
    }
    if view.tables.iter().any(|table| table.record.columns.iter().any(|column| column.is_identity)) {
        answer.message(&told("columns that count by themselves are columns like others in the file"));
    }
    Ok(specs)
}

/// A table with its rows, or why it cannot be written.
fn spec(table: &StoredTable) -> Result<TableSpec, String> {
    let record = &table.record;
    let known: Vec<&str> = writer::type_names().collect();
    let mut columns = Vec::new();
    for column in &record.columns {
        let sql_type = column.sql_type();
        if !known.contains(&sql_type.name()) {
            return Err(format!("column {} is of type {}", column.name, column.declaration));
        }
        columns.push(ColumnSpec {
            name: column.name.clone(),
            column_type: ColumnType {
                sql_type,
                length_bytes: column.max_length_bytes,
                precision: column.precision,
                scale: column.scale,
            },
            is_nullable: column.is_nullable,
        });
    }
    let places = |index: &IndexRecord| -> Vec<usize> {
        let plain = |key: &String| key.strip_suffix(" DESC").unwrap_or(key).to_owned();
        let place =
            |key: String| record.columns.iter().position(|column| column.name.eq_ignore_ascii_case(&key));
        index.keys.iter().map(plain).filter_map(place).collect()
    };
    let key = record.indexes.iter().find(|index| index.is_primary_key);
    let others = record.indexes.iter().filter(|index| !index.is_primary_key);
    let path = table.path.as_ref().ok_or_else(|| record.warnings.join("; "))?;
    let spec = TableSpec {
        schema: record.schema.clone(),
        name: record.name.clone(),
        columns,
        primary_key: key.map(&places).unwrap_or_default(),
        indexes: others
            .map(|index| IndexSpec {
                name: index.name.clone(),
                columns: places(index),
                is_unique: index.is_unique,
            })
            .collect(),
        rows: Rows::Given(rows(path, record).map_err(|error| error.to_string())?),
    };
    spec.check().map_err(|mistake| mistake.message)?;
    Ok(spec)
}

fn rows(
    path: &std::path::Path,
    record: &TableRecord,
) -> Result<Vec<Vec<Value<'static>>>, crate::warehouse::table::TableError> {
    let mut reader = TableReader::open(path, &record.columns)?;
    let mut rows = Vec::new();
    while let Some(row) = reader.next_row()? {
        let values =
            row.into_iter().zip(&record.columns).map(|(value, column)| match (value, column.sql_type()) {
                // The writer has one form of these.
                (Value::DateTime2(date, time), SqlType::DateTime | SqlType::SmallDateTime) => {
                    Value::DateTime(date, time)
                }
                (value, _) => value.into_owned(),
            });
        rows.push(values.collect());
    }
    Ok(rows)
}
