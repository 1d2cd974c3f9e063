//! The tables of a database at one moment, whoever changes them meanwhile (C-46).

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use spatialcloud_backup::{self as backup, SqlType};
use spatialcloud_tds::{Column, Value};

use super::Instance;
use super::change::ChangeFolder;
use crate::sql::backup_tables::{column_type, value_of};
use crate::sql::tables::{Rows, Table, TableIndex, Tables};
use crate::warehouse::generation::{Held, TABLES};
use crate::warehouse::table::{ColumnRecord, IndexRecord, TableReader, TableRecord};

/// A table and its file.
#[derive(Clone, Debug)]
pub struct StoredTable {
    /// What is known of it.
    pub record: TableRecord,
    /// The file with its rows; `None` where they cannot be read here.
    pub path: Option<PathBuf>,
}

/// The tables of a database as they are at one moment. Their files stay as long as it does.
#[derive(Clone, Debug, Default)]
pub struct View {
    /// The tables, by schema and name.
    pub tables: Vec<StoredTable>,
    /// The generation it began with; `None` before the first.
    pub base: Option<Arc<Held>>,
    /// The files of a transaction that nobody else sees.
    pub changed: Option<Arc<ChangeFolder>>,
}

impl View {
    /// A generation.
    pub fn of(held: Option<Held>) -> View {
        let tables = held.iter().flat_map(|held| {
            held.generation.tables.iter().map(|record| StoredTable {
                record: record.clone(),
                path: record.file.as_ref().map(|file| held.folder.join(TABLES).join(file)),
            })
        });
        View { tables: tables.collect(), base: held.map(Arc::new), changed: None }
    }

    /// The table of that name, in any letters.
    pub fn find(&self, schema: &str, name: &str) -> Option<&StoredTable> {
        let key = crate::warehouse::table::key(schema, name);
        self.tables.iter().find(|table| table.record.key() == key)
    }
}

/// What one statement sees: of each database what it was when the statement first asked for it.
pub struct Snapshot {
    instance: Arc<Instance>,
    views: Mutex<BTreeMap<String, Arc<View>>>,
}

impl Snapshot {
    /// As everything is now; but of some databases what is given.
    pub fn new(instance: Arc<Instance>, views: BTreeMap<String, Arc<View>>) -> Snapshot {
        Snapshot { instance, views: Mutex::new(views) }
    }

    fn view(&self, database: &str) -> Result<Arc<View>, String> {
        let mut views = self.views.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(view) = views.get(database) {
            return Ok(view.clone());
        }
        let view = Arc::new(self.instance.view(database)?);
        views.insert(database.to_owned(), view.clone());
        Ok(view)
    }
}

impl Tables for Snapshot {
    fn databases(&self) -> Vec<String> {
        self.instance.databases()
    }

    fn tables(&self, database: &str) -> Result<Vec<Table>, String> {
        Ok(self.view(database)?.tables.iter().map(|table| described(database, &table.record)).collect())
    }

    fn rows(&self, database: &str, table: &Table) -> Result<Rows, String> {
        let view = self.view(database)?;
        let stored = view.find(&table.schema, &table.name);
        let stored = stored.ok_or_else(|| format!("there is no table {}.{}", table.schema, table.name))?;
        let reading = Reading::open(stored)?;
        Ok(Box::new(Reading { _view: Some(view), ..reading }))
    }
}

/// A table's file while it is read.
pub struct Reading {
    reader: TableReader,
    _view: Option<Arc<View>>,
}

impl Reading {
    /// Opens it; whoever asks holds what it is of.
    pub fn open(stored: &StoredTable) -> Result<Reading, String> {
        let path = stored.path.as_ref().ok_or_else(|| stored.record.warnings.join("; "))?;
        let reader = TableReader::open(path, &stored.record.columns).map_err(|error| error.to_string())?;
        Ok(Reading { reader, _view: None })
    }
}

impl Iterator for Reading {
    type Item = Result<Vec<Value<'static>>, String>;

    fn next(&mut self) -> Option<Self::Item> {
        match self.reader.next_row() {
            Ok(row) => Some(row?.into_iter().map(served).collect()),
            Err(error) => Some(Err(error.to_string())),
        }
    }
}

/// Production keeps what a sql_variant holds as it is printed.
fn served(value: backup::Value<'_>) -> Result<Value<'static>, String> {
    match value {
        backup::Value::Variant(mut variant) => {
            variant.base_type = SqlType::NVarChar;
            value_of(backup::Value::Variant(variant))
        }
        other => value_of(other),
    }
}

/// A stored table as sessions see it.
pub fn described(database: &str, table: &TableRecord) -> Table {
    let column = |column: &ColumnRecord| {
        let length = column.max_length_bytes;
        let column_type = column_type(database, column.sql_type(), length, column.precision, column.scale);
        Column {
            is_nullable: column.is_nullable,
            is_identity: column.is_identity,
            is_computed: column.is_computed,
            ..Column::new(column.name.clone(), column_type)
        }
    };
    let index = |index: &IndexRecord| TableIndex {
        name: index.name.clone(),
        kind: index.index_type.clone(),
        is_unique: index.is_unique,
        is_primary_key: index.is_primary_key,
        keys: index.keys.iter().map(|key| directed(key)).collect(),
        included: index.included.clone(),
    };
    Table {
        schema: table.schema.clone(),
        name: table.name.clone(),
        columns: table.columns.iter().map(column).collect(),
        indexes: table.indexes.iter().map(index).collect(),
    }
}

/// A key column, and whether it descends.
fn directed(key: &str) -> (String, bool) {
    match key.strip_suffix(" DESC") {
        Some(name) => (name.to_owned(), true),
        None => (key.to_owned(), false),
    }
}
