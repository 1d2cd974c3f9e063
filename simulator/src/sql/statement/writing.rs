//! What statements that write have in common.

use spatialcloud_tds::{Column, Message, Value};

use super::table::kept_columns;
use crate::sql::Halt;
use crate::sql::backend::Answer;
use crate::sql::error::TABLES;
use crate::sql::instance::change::{Change, disk};
use crate::sql::instance::columns::stored;
use crate::sql::instance::view::{Reading, StoredTable};
use crate::sql::interpreter::Interpreter;
use crate::sql::language::Name;
use crate::sql::world::DEFAULT_SCHEMA;
use crate::warehouse::table::{TableRecord, TableWriter};

/// Rows between two looks at whether the client still wants it.
pub const ROWS_BETWEEN_LOOKS: u64 = 4096;

/// Where a table is.
pub struct TableName {
    pub database: String,
    pub schema: String,
    pub name: String,
}

impl TableName {
    /// A name as a session means it.
    pub fn new(name: &Name, session: &Interpreter) -> Result<TableName, Halt> {
        let database = match &name.database {
            Some(database) => session.world().database(database)?,
            None => session.database.clone(),
        };
        let schema = name.schema.clone().unwrap_or_else(|| DEFAULT_SCHEMA.to_owned());
        Ok(TableName { database, schema, name: name.name.clone() })
    }

    /// A table of that name that there was none of.
    pub fn new_record(&self, change: &Change, columns: &[Column]) -> Result<TableRecord, Halt> {
        if change.find(&self.schema, &self.name).is_some() {
            let words = format!("There is already an object named '{}' in the database.", self.name);
            return Err(Halt::Failed(Box::new(Message { state: 6, ..Message::error(2714, words) })));
        }
        Ok(TableRecord {
            schema: self.schema.clone(),
            name: self.name.clone(),
            load: 0,
            rows: 0,
            size_bytes: 0,
            file: None,
            columns: kept_columns(columns, &self.name)?,
            indexes: Vec::new(),
            warnings: Vec::new(),
        })
    }
}

/// Ends a table's file, and completes its record.
pub fn write_all(writer: TableWriter, record: &mut TableRecord) -> Result<(), Halt> {
    let (rows, size_bytes) = writer.finish().map_err(|error| disk(std::io::Error::other(error)))?;
    (record.rows, record.size_bytes, record.load) = (rows, size_bytes, 0);
    record.warnings.clear();
    Ok(())
}

/// Writes a row whose values are of their columns' types.
pub fn write_row(
    writer: &mut TableWriter,
    record: &TableRecord,
    row: Vec<Value<'static>>,
) -> Result<(), Halt> {
    let values = row.into_iter().zip(&record.columns).map(|(value, column)| stored(value, column));
    let values = values.collect::<Result<Vec<_>, _>>()?;
    writer.push(&values).map_err(|error| disk(std::io::Error::other(error)))
}

/// Gives each row of a table to `see`.
pub fn read_rows(
    table: &StoredTable,
    answer: &mut Answer<'_>,
    mut see: impl FnMut(Vec<Value<'static>>) -> Result<(), Halt>,
) -> Result<(), Halt> {
    let rows = Reading::open(table).map_err(|words| Halt::error(TABLES, words))?;
    for (count, row) in (1_u64..).zip(rows) {
        see(row.map_err(|words| Halt::error(TABLES, words))?)?;
        if count.is_multiple_of(ROWS_BETWEEN_LOOKS) {
            answer.go_on()?;
        }
    }
    Ok(())
}
