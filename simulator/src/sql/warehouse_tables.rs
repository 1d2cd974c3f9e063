//! Production tables as databases, one for each site: what the nightly load brought.

use spatialcloud_backup::{self as backup, SqlType};
use spatialcloud_tds::{Column, Value};

use super::backup_tables::{column_type, value_of};
use super::tables::{Rows, Table, Tables};
use crate::site::Sites;
use crate::warehouse::generation::{Generation, Generations, TABLES};
use crate::warehouse::table::{ColumnRecord, TableReader, TableRecord};

/// The warehouses of all sites. Each table is read from the night that is current when its rows are asked for; a join
/// that meets the switch can see two nights.
pub struct WarehouseTables {
    sites: Sites,
}

impl WarehouseTables {
    /// Those of these sites.
    pub fn new(sites: Sites) -> WarehouseTables {
        WarehouseTables { sites }
    }

    fn current(&self, database: &str) -> Result<Option<(std::path::PathBuf, Generation)>, String> {
        let site = self.sites.get(database).ok_or_else(|| format!("there is no database {database}"))?;
        Generations::below(&site.warehouse).current().map_err(|error| error.to_string())
    }
}

impl Tables for WarehouseTables {
    fn databases(&self) -> Vec<String> {
        self.sites.all().iter().map(|site| site.code.clone()).collect()
    }

    fn tables(&self, database: &str) -> Result<Vec<Table>, String> {
        let Some((_, generation)) = self.current(database)? else { return Ok(Vec::new()) };
        Ok(generation.tables.iter().map(|table| described(database, table)).collect())
    }

    fn rows(&self, database: &str, table: &Table) -> Result<Rows, String> {
        let full_name = format!("{}.{}", table.schema, table.name);
        let gone = || format!("there is no table {full_name} any more");
        let (folder, generation) = self.current(database)?.ok_or_else(gone)?;
        let record = generation.tables.iter().find(|record| record.full_name() == full_name);
        let record = record.ok_or_else(gone)?;
        let file = record.file.as_ref().ok_or_else(|| record.warnings.join("; "))?;
        let reader = TableReader::open(&folder.join(TABLES).join(file), &record.columns);
        Ok(Box::new(Reading { reader: reader.map_err(|error| error.to_string())? }))
    }
}

/// A table's file, held open: the night it is of may end meanwhile.
struct Reading {
    reader: TableReader,
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

fn described(database: &str, table: &TableRecord) -> Table {
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
    let key = table.indexes.iter().find(|index| index.is_primary_key);
    Table {
        schema: table.schema.clone(),
        name: table.name.clone(),
        columns: table.columns.iter().map(column).collect(),
        primary_key: key.map(|key| key.keys.iter().map(|key| undirected(key)).collect()).unwrap_or_default(),
    }
}

/// Without the direction behind a key column's name.
fn undirected(key: &str) -> String {
    key.strip_suffix(" DESC").unwrap_or(key).to_owned()
}
