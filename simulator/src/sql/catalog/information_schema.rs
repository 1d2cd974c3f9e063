//! INFORMATION_SCHEMA.

use spatialcloud_tds::{Column, ColumnType, Value};

use super::types::{facts, is_moment, is_number, is_text, is_unicode};
use super::{column, int, maybe, name, text};
use crate::sql::Halt;
use crate::sql::evaluate::Row;
use crate::sql::world::World;

const INT: ColumnType = ColumnType::Int;

pub fn schemata_columns() -> Vec<Column> {
    vec![
        column("CATALOG_NAME", name()),
        column("SCHEMA_NAME", name()).not_null(),
        column("SCHEMA_OWNER", name()),
        column("DEFAULT_CHARACTER_SET_CATALOG", name()),
        column("DEFAULT_CHARACTER_SET_SCHEMA", name()),
        column("DEFAULT_CHARACTER_SET_NAME", name()),
    ]
}

pub fn schemata(world: &World, database: &str) -> Result<Vec<Row>, Halt> {
    let mut schemas: Vec<String> = ["dbo", "guest", "INFORMATION_SCHEMA", "sys"].map(str::to_owned).into();
    for table in world.tables(database)? {
        if !schemas.contains(&table.schema) {
            schemas.push(table.schema);
        }
    }
    let rows = schemas.into_iter().map(|schema| {
        let null = || Value::Null;
        vec![text(database), Value::from(schema), text("dbo"), null(), null(), text("iso_1")]
    });
    Ok(rows.collect())
}

pub fn table_columns() -> Vec<Column> {
    vec![
        column("TABLE_CATALOG", name()),
        column("TABLE_SCHEMA", name()),
        column("TABLE_NAME", name()).not_null(),
        column("TABLE_TYPE", ColumnType::varchar(10)),
    ]
}

pub fn tables(world: &World, database: &str) -> Result<Vec<Row>, Halt> {
    let tables = world.tables(database)?.into_iter();
    Ok(tables
        .map(|table| {
            vec![text(database), Value::from(table.schema), Value::from(table.name), text("BASE TABLE")]
        })
        .collect())
}

pub fn column_columns() -> Vec<Column> {
    vec![
        column("TABLE_CATALOG", name()),
        column("TABLE_SCHEMA", name()),
        column("TABLE_NAME", name()).not_null(),
        column("COLUMN_NAME", name()),
        column("ORDINAL_POSITION", INT),
        column("COLUMN_DEFAULT", ColumnType::nvarchar(4000)),
        column("IS_NULLABLE", ColumnType::varchar(3)),
        column("DATA_TYPE", name()),
        column("CHARACTER_MAXIMUM_LENGTH", INT),
        column("CHARACTER_OCTET_LENGTH", INT),
        column("NUMERIC_PRECISION", ColumnType::TinyInt),
        column("NUMERIC_PRECISION_RADIX", ColumnType::SmallInt),
        column("NUMERIC_SCALE", INT),
        column("DATETIME_PRECISION", ColumnType::SmallInt),
        column("CHARACTER_SET_NAME", name()),
        column("COLLATION_NAME", name()),
    ]
}

pub fn columns(world: &World, database: &str) -> Result<Vec<Row>, Halt> {
    let mut rows = Vec::new();
    for table in world.tables(database)? {
        for (place, column) in table.columns.iter().enumerate() {
            let column_type = &column.column_type;
            let facts = facts(column_type);
            let has_length = is_text(column_type) || is_bytes(column_type);
            let bytes = has_length.then_some(facts.max_length);
            let units = match bytes {
                Some(bytes @ 0..) if is_unicode(column_type) => Some(bytes / 2),
                bytes => bytes,
            };
            let number = |number: i64| maybe(is_number(column_type).then_some(number));
            let is_approximate = matches!(column_type, ColumnType::Real | ColumnType::Float);
            let collated = |what: &str| if is_text(column_type) { text(what) } else { Value::Null };
            rows.push(vec![
                text(database),
                text(&table.schema),
                text(&table.name),
                text(&column.name),
                int(place + 1),
                Value::Null,
                text(if column.is_nullable { "YES" } else { "NO" }),
                Value::from(facts.name),
                maybe(units),
                maybe(bytes),
                number(facts.precision),
                number(if is_approximate { 2 } else { 10 }),
                if is_approximate { Value::Null } else { number(facts.scale) },
                maybe(is_moment(column_type).then_some(facts.scale)),
                collated(if is_unicode(column_type) { "UNICODE" } else { "iso_1" }),
                collated("SQL_Latin1_General_CP1_CI_AS"),
            ]);
        }
    }
    Ok(rows)
}

/// Whether it is bytes.
fn is_bytes(column_type: &ColumnType) -> bool {
    matches!(column_type, ColumnType::Binary { .. } | ColumnType::VarBinary { .. } | ColumnType::Image)
}

pub fn constraint_columns() -> Vec<Column> {
    let names = [
        "CONSTRAINT_CATALOG",
        "CONSTRAINT_SCHEMA",
        "CONSTRAINT_NAME",
        "TABLE_CATALOG",
        "TABLE_SCHEMA",
        "TABLE_NAME",
    ];
    let mut columns: Vec<Column> = names.into_iter().map(|known| column(known, name())).collect();
    columns.push(column("CONSTRAINT_TYPE", ColumnType::varchar(11)));
    columns.push(column("IS_DEFERRABLE", ColumnType::varchar(2)));
    columns.push(column("INITIALLY_DEFERRED", ColumnType::varchar(2)));
    columns
}

pub fn constraints(world: &World, database: &str) -> Result<Vec<Row>, Halt> {
    let rows = world.tables(database)?.into_iter().filter_map(|table| {
        let key = Value::from(table.primary_key()?.name.clone());
        let schema = Value::from(table.schema);
        let of_table = [text(database), schema.clone(), Value::from(table.name)];
        let mut row = vec![text(database), schema, key];
        row.extend(of_table);
        row.extend([text("PRIMARY KEY"), text("NO"), text("NO")]);
        Some(row)
    });
    Ok(rows.collect())
}

pub fn key_columns() -> Vec<Column> {
    let names = [
        "CONSTRAINT_CATALOG",
        "CONSTRAINT_SCHEMA",
        "CONSTRAINT_NAME",
        "TABLE_CATALOG",
        "TABLE_SCHEMA",
        "TABLE_NAME",
        "COLUMN_NAME",
    ];
    let mut columns: Vec<Column> = names.into_iter().map(|known| column(known, name())).collect();
    columns.push(column("ORDINAL_POSITION", INT));
    columns
}

pub fn keys(world: &World, database: &str) -> Result<Vec<Row>, Halt> {
    let mut rows = Vec::new();
    for table in world.tables(database)? {
        let Some(primary_key) = table.primary_key() else { continue };
        for (place, (key, _)) in primary_key.keys.iter().enumerate() {
            rows.push(vec![
                text(database),
                text(&table.schema),
                text(&primary_key.name),
                text(database),
                text(&table.schema),
                text(&table.name),
                text(key),
                int(place + 1),
            ]);
        }
    }
    Ok(rows)
}
