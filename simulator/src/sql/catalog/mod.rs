//! Views of the system over the tables: one line each in [`VIEWS`].

mod indexes;
pub mod information_schema;
mod system;
pub mod types;

use spatialcloud_tds::{Column, ColumnType, Value};

use super::Halt;
use super::evaluate::Row;
use super::tables::Table;
use super::world::World;

/// A view.
pub struct View {
    schema: &'static str,
    name: &'static str,
    columns: fn() -> Vec<Column>,
    /// Its rows in a database.
    pub rows: fn(&World, &str) -> Result<Vec<Row>, Halt>,
}

const INFORMATION_SCHEMA: &str = "INFORMATION_SCHEMA";
const SYS: &str = "sys";

macro_rules! view {
    ($schema:expr, $name:literal, $module:ident :: $columns:ident, $rows:ident) => {
        View { schema: $schema, name: $name, columns: $module::$columns, rows: $module::$rows }
    };
}

static VIEWS: &[View] = &[
    view!(SYS, "databases", system::database_columns, databases),
    view!(SYS, "schemas", system::schema_columns, schemas),
    view!(SYS, "tables", system::object_columns, tables),
    view!(SYS, "objects", system::object_columns, tables),
    view!(SYS, "all_objects", system::object_columns, tables),
    view!(SYS, "columns", system::column_columns, columns),
    view!(SYS, "all_columns", system::column_columns, columns),
    view!(SYS, "types", system::type_columns, types),
    view!(SYS, "indexes", indexes::index_columns, indexes),
    view!(SYS, "index_columns", indexes::key_columns, keys),
    view!(SYS, "key_constraints", indexes::constraint_columns, constraints),
    view!(INFORMATION_SCHEMA, "SCHEMATA", information_schema::schemata_columns, schemata),
    view!(INFORMATION_SCHEMA, "TABLES", information_schema::table_columns, tables),
    view!(INFORMATION_SCHEMA, "COLUMNS", information_schema::column_columns, columns),
    view!(INFORMATION_SCHEMA, "TABLE_CONSTRAINTS", information_schema::constraint_columns, constraints),
    view!(INFORMATION_SCHEMA, "KEY_COLUMN_USAGE", information_schema::key_columns, keys),
];

pub use system::schema_list as schemas;

/// The view of that name.
pub fn view(schema: Option<&str>, name: &str) -> Option<&'static View> {
    let schema = schema?;
    VIEWS.iter().find(|view| view.schema.eq_ignore_ascii_case(schema) && view.name.eq_ignore_ascii_case(name))
}

impl View {
    /// It as a table.
    pub fn table(&self) -> Table {
        Table {
            schema: self.schema.to_owned(),
            name: self.name.to_owned(),
            columns: (self.columns)(),
            indexes: Vec::new(),
        }
    }
}

/// The number of a table, by its place among those of its database.
pub fn object_id(place: usize) -> i64 {
    /// Where SQL Server's numbers for users' tables begin to look like.
    const FIRST: i64 = 1_000_000;
    FIRST + i64::try_from(place).unwrap_or(0)
}

/// A column of a view, by its name and type.
fn column(name: &str, column_type: ColumnType) -> Column {
    Column::new(name, column_type)
}

/// A name.
fn name() -> ColumnType {
    ColumnType::nvarchar(128)
}

/// An int.
fn int(number: impl TryInto<i64>) -> Value<'static> {
    number.try_into().map_or(Value::Null, Value::Integer)
}

/// A text.
fn text(text: &str) -> Value<'static> {
    Value::from(text.to_owned())
}

/// An int or nothing.
fn maybe(number: Option<i64>) -> Value<'static> {
    number.map_or(Value::Null, Value::Integer)
}
