//! Backup files as databases.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread;

use spatialcloud_backup::{self as backup, Backup, Database, SqlType};
use spatialcloud_tds::{
    Collation, Column, ColumnType, Date, Decimal, Guid, Length, Time, UdtType, Value, Variant,
};

use super::tables::{Rows, Table, TableIndex, Tables};

/// Databases, each the contents of a backup file.
pub struct BackupTables {
    files: BTreeMap<String, PathBuf>,
}

/// Rows that are read ahead of whoever wants them.
const ROWS_AHEAD: usize = 256;

impl BackupTables {
    /// A database by each name, from the file beside it.
    pub fn new(files: impl IntoIterator<Item = (String, PathBuf)>) -> BackupTables {
        BackupTables { files: files.into_iter().collect() }
    }

    fn path(&self, database: &str) -> Result<&Path, String> {
        self.files
            .get(database)
            .map(PathBuf::as_path)
            .ok_or_else(|| format!("there is no database {database}"))
    }
}

impl Tables for BackupTables {
    fn databases(&self) -> Vec<String> {
        self.files.keys().cloned().collect()
    }

    fn tables(&self, database: &str) -> Result<Vec<Table>, String> {
        let opened = open(self.path(database)?)?;
        Ok(opened.tables().iter().map(|table| described(database, table)).collect())
    }

    fn rows(&self, database: &str, table: &Table) -> Result<Rows, String> {
        let path = self.path(database)?.to_owned();
        let (schema, name) = (table.schema.clone(), table.name.clone());
        let (send, receive) = sync_channel(ROWS_AHEAD);
        // Rows borrow the file they are read from; a thread has both, and ends when nobody wants its rows any more.
        let reading = move || {
            if let Err(words) = send_rows(&path, &schema, &name, &send) {
                let _ = send.send(Err(words));
            }
        };
        let spawned = thread::Builder::new().name("sql-rows".to_owned()).spawn(reading);
        spawned.map_err(|error| format!("no thread to read the rows: {error}"))?;
        Ok(Box::new(receive.into_iter()))
    }
}

type Sender = SyncSender<Result<Vec<Value<'static>>, String>>;

fn open(path: &Path) -> Result<Database<File>, String> {
    let file = File::open(path).map_err(|error| format!("{}: {error}", path.display()))?;
    Database::open(Backup::file(file)).map_err(|error| format!("{}: {error}", path.display()))
}

fn send_rows(path: &Path, schema: &str, name: &str, send: &Sender) -> Result<(), String> {
    let database = open(path)?;
    let table =
        database.table(schema, name).ok_or_else(|| format!("there is no table {schema}.{name} any more"))?;
    let mut rows = database.rows(table).map_err(|error| error.to_string())?;
    while let Some(row) = rows.next_row() {
        let row = row.map_err(|error| error.to_string())?;
        let values = (0..row.len()).map(|index| {
            let value = row.value(index).map_err(|error| error.to_string())?;
            value_of(value)
        });
        if send.send(Ok(values.collect::<Result<_, String>>()?)).is_err() {
            return Ok(());
        }
    }
    Ok(())
}

fn described(database: &str, table: &backup::Table) -> Table {
    let columns = table.columns.iter().map(|column| Column {
        is_nullable: column.is_nullable,
        is_identity: column.identity.is_some(),
        is_computed: column.is_computed,
        ..Column::new(
            column.name.clone(),
            column_type(database, column.sql_type, column.max_length_bytes, column.precision, column.scale),
        )
    });
    Table {
        schema: table.schema.clone(),
        name: table.name.clone(),
        columns: columns.collect(),
        indexes: table.indexes.iter().map(index).collect(),
    }
}

fn index(index: &backup::Index) -> TableIndex {
    let descending = index.descending.iter().copied().chain(std::iter::repeat(false));
    TableIndex {
        name: index.name.clone(),
        kind: index.index_type.name().to_owned(),
        is_unique: index.is_unique,
        is_primary_key: index.is_primary_key,
        keys: index.keys.iter().cloned().zip(descending).collect(),
        included: index.included.clone(),
    }
}

/// A column's type as clients are told it.
pub(super) fn column_type(
    database: &str,
    sql_type: SqlType,
    max_length_bytes: i16,
    precision: u8,
    scale: u8,
) -> ColumnType {
    let collation = Collation::LATIN1;
    let bytes = u16::try_from(max_length_bytes).ok();
    let fixed = bytes.unwrap_or(1);
    let varying = |unit: u16| bytes.map_or(Length::Max, |bytes| Length::Of(bytes / unit));
    match sql_type {
        SqlType::Image => ColumnType::Image,
        SqlType::Text => ColumnType::Text { collation },
        SqlType::NText => ColumnType::NText { collation },
        SqlType::UniqueIdentifier => ColumnType::UniqueIdentifier,
        SqlType::Date => ColumnType::Date,
        SqlType::Time => ColumnType::Time { scale },
        SqlType::DateTime2 => ColumnType::DateTime2 { scale },
        SqlType::DateTimeOffset => ColumnType::DateTimeOffset { scale },
        SqlType::TinyInt => ColumnType::TinyInt,
        SqlType::SmallInt => ColumnType::SmallInt,
        SqlType::Int => ColumnType::Int,
        SqlType::BigInt => ColumnType::BigInt,
        SqlType::SmallDateTime => ColumnType::SmallDateTime,
        SqlType::DateTime => ColumnType::DateTime,
        SqlType::Real => ColumnType::Real,
        SqlType::Float => ColumnType::Float,
        SqlType::Money => ColumnType::Money,
        SqlType::SmallMoney => ColumnType::SmallMoney,
        SqlType::Bit => ColumnType::Bit,
        SqlType::Decimal => ColumnType::Decimal { precision, scale },
        SqlType::Numeric => ColumnType::Numeric { precision, scale },
        SqlType::VarBinary => ColumnType::VarBinary { length: varying(1) },
        SqlType::VarChar => ColumnType::VarChar { length: varying(1), collation },
        SqlType::NVarChar => ColumnType::NVarChar { length: varying(2), collation },
        SqlType::Binary => ColumnType::Binary { length: fixed },
        SqlType::Char => ColumnType::Char { length: fixed, collation },
        SqlType::NChar => ColumnType::NChar { length: fixed / 2, collation },
        SqlType::Timestamp => ColumnType::Binary { length: 8 },
        SqlType::Xml => ColumnType::Xml,
        SqlType::SqlVariant => ColumnType::SqlVariant,
        SqlType::HierarchyId => ColumnType::Udt(UdtType::hierarchy_id(database)),
        SqlType::Geometry => ColumnType::Udt(UdtType::geometry(database)),
        SqlType::Geography => ColumnType::Udt(UdtType::geography(database)),
        // The bytes as they are serialized: nobody has the code that reads them.
        SqlType::Clr | SqlType::Unknown(_) => ColumnType::VarBinary { length: Length::Max },
    }
}

pub(super) fn value_of(value: backup::Value<'_>) -> Result<Value<'static>, String> {
    let date = |date: backup::Date| Date::from_days(date.days()).ok_or("a date beyond the calendar");
    let time =
        |time: backup::Time| Time::from_ticks(time.ticks(), time.scale()).ok_or("a time beyond the day");
    Ok(match value {
        backup::Value::Null => Value::Null,
        backup::Value::Bit(bit) => Value::Bit(bit),
        backup::Value::Integer(value) => Value::Integer(value),
        backup::Value::Decimal(backup::Decimal { is_negative, magnitude, scale }) => {
            Value::Decimal(Decimal { is_negative, magnitude, scale })
        }
        backup::Value::Real(value) => Value::Real(value),
        backup::Value::Float(value) => Value::Float(value),
        backup::Value::Date(day) => Value::Date(date(day)?),
        backup::Value::Time(moment) => Value::Time(time(moment)?),
        backup::Value::DateTime(day, moment) | backup::Value::DateTime2(day, moment) => {
            Value::DateTime(date(day)?, time(moment)?)
        }
        backup::Value::DateTimeOffset(day, moment, offset) => {
            Value::DateTimeOffset(date(day)?, time(moment)?, offset)
        }
        backup::Value::Guid(guid) => Value::Guid(Guid(guid.0)),
        backup::Value::Text(text) => Value::from(text.into_owned()),
        backup::Value::Binary(bytes) => Value::Binary(bytes.into_owned().into()),
        backup::Value::Xml(bytes) => {
            Value::from(backup::xml_text(&bytes).map_err(|error| error.to_string())?)
        }
        backup::Value::Variant(variant) => {
            let value = value_of(variant.value)?;
            let base_type = base_type(variant.base_type, &value);
            Value::Variant(Box::new(Variant { base_type, value }))
        }
    })
}

/// The type of what a sql_variant holds; what its column would say of lengths is told by the value.
fn base_type(sql_type: SqlType, value: &Value<'_>) -> ColumnType {
    let collation = Collation::LATIN1;
    let length = |length: usize, most: u16| u16::try_from(length).unwrap_or(most).clamp(1, most);
    match (sql_type, value) {
        (SqlType::TinyInt, _) => ColumnType::TinyInt,
        (SqlType::SmallInt, _) => ColumnType::SmallInt,
        (SqlType::Int, _) => ColumnType::Int,
        (SqlType::Money, _) => ColumnType::Money,
        (SqlType::SmallMoney, _) => ColumnType::SmallMoney,
        (SqlType::DateTime, _) => ColumnType::DateTime,
        (SqlType::SmallDateTime, _) => ColumnType::SmallDateTime,
        (_, Value::Integer(_)) => ColumnType::BigInt,
        (_, Value::Bit(_)) => ColumnType::Bit,
        (_, Value::Decimal(decimal)) => ColumnType::Decimal { precision: 38, scale: decimal.scale },
        (_, Value::Real(_)) => ColumnType::Real,
        (_, Value::Float(_)) => ColumnType::Float,
        (_, Value::Date(_)) => ColumnType::Date,
        (_, Value::Time(time)) => ColumnType::Time { scale: time.scale() },
        (_, Value::DateTime(_, time)) => ColumnType::DateTime2 { scale: time.scale() },
        (_, Value::DateTimeOffset(_, time, _)) => ColumnType::DateTimeOffset { scale: time.scale() },
        (_, Value::Guid(_)) => ColumnType::UniqueIdentifier,
        (_, Value::Binary(bytes)) => ColumnType::VarBinary { length: Length::Of(length(bytes.len(), 8000)) },
        (SqlType::VarChar | SqlType::Char, Value::Text(text)) => {
            ColumnType::VarChar { length: Length::Of(length(text.len(), 8000)), collation }
        }
        (_, Value::Text(text)) => ColumnType::nvarchar(length(text.encode_utf16().count(), 4000)),
        (_, Value::Null | Value::Variant(_)) => ColumnType::Null,
    }
}
