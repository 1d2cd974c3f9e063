//! sys.databases, sys.schemas, sys.tables, sys.columns, sys.types.

use spatialcloud_tds::{Column, ColumnType, Date, Time, Value};

use super::types::{all, facts, is_text};
use super::{column, int, name, object_id, text};
use crate::sql::Halt;
use crate::sql::evaluate::Row;
use crate::sql::world::World;

const COLLATION: &str = "SQL_Latin1_General_CP1_CI_AS";
const BIT: ColumnType = ColumnType::Bit;
const INT: ColumnType = ColumnType::Int;

pub fn database_columns() -> Vec<Column> {
    vec![
        column("name", name()).not_null(),
        column("database_id", INT).not_null(),
        column("create_date", ColumnType::DateTime).not_null(),
        column("compatibility_level", ColumnType::TinyInt).not_null(),
        column("collation_name", name()),
        column("user_access_desc", ColumnType::nvarchar(60)),
        column("is_read_only", BIT),
        column("state", ColumnType::TinyInt),
        column("state_desc", ColumnType::nvarchar(60)),
        column("recovery_model_desc", ColumnType::nvarchar(60)),
    ]
}

pub fn databases(world: &World, _database: &str) -> Result<Vec<Row>, Halt> {
    let rows = world.databases().into_iter().enumerate().map(|(place, database)| {
        vec![
            Value::from(database),
            int(place + 1),
            first_moment(),
            int(150),
            text(COLLATION),
            text("MULTI_USER"),
            Value::Bit(true),
            int(0),
            text("ONLINE"),
            text("SIMPLE"),
        ]
    });
    Ok(rows.collect())
}

/// When nobody has written down when something was made.
fn first_moment() -> Value<'static> {
    let (date, time) = (Date::from_parts(2003, 4, 8), Time::from_ticks(0, 3));
    date.zip(time).map_or(Value::Null, |(date, time)| Value::DateTime(date, time))
}

pub fn schema_columns() -> Vec<Column> {
    vec![column("name", name()).not_null(), column("schema_id", INT).not_null(), column("principal_id", INT)]
}

/// The schemas of a database with their numbers: the system's, then those of its tables.
pub fn schema_list(world: &World, database: &str) -> Result<Vec<(String, i64)>, Halt> {
    let mut list: Vec<(String, i64)> = [("dbo", 1), ("guest", 2), ("INFORMATION_SCHEMA", 3), ("sys", 4)]
        .map(|(name, id)| (name.to_owned(), id))
        .into();
    for table in world.tables(database)? {
        if !list.iter().any(|(known, _)| *known == table.schema) {
            let number = i64::try_from(list.len() + 1).unwrap_or(0);
            list.push((table.schema, number));
        }
    }
    Ok(list)
}

pub fn schemas(world: &World, database: &str) -> Result<Vec<Row>, Halt> {
    let list = schema_list(world, database)?;
    Ok(list.into_iter().map(|(name, id)| vec![Value::from(name), int(id), int(1)]).collect())
}

pub fn object_columns() -> Vec<Column> {
    vec![
        column("name", name()).not_null(),
        column("object_id", INT).not_null(),
        column("principal_id", INT),
        column("schema_id", INT).not_null(),
        column("parent_object_id", INT).not_null(),
        column("type", ColumnType::Char { length: 2, collation: spatialcloud_tds::Collation::LATIN1 }),
        column("type_desc", ColumnType::nvarchar(60)),
        column("create_date", ColumnType::DateTime).not_null(),
        column("modify_date", ColumnType::DateTime).not_null(),
        column("is_ms_shipped", BIT).not_null(),
        column("temporal_type", ColumnType::TinyInt),
        column("is_external", BIT).not_null(),
    ]
}

pub fn tables(world: &World, database: &str) -> Result<Vec<Row>, Halt> {
    let schemas = schema_list(world, database)?;
    let rows = world.tables(database)?.into_iter().enumerate().map(|(place, table)| {
        let schema = schemas.iter().find(|(name, _)| *name == table.schema).map_or(1, |(_, id)| *id);
        vec![
            Value::from(table.name),
            int(object_id(place)),
            Value::Null,
            int(schema),
            int(0),
            text("U "),
            text("USER_TABLE"),
            first_moment(),
            first_moment(),
            Value::Bit(false),
            int(0),
            Value::Bit(false),
        ]
    });
    Ok(rows.collect())
}

pub fn column_columns() -> Vec<Column> {
    vec![
        column("object_id", INT).not_null(),
        column("name", name()),
        column("column_id", INT).not_null(),
        column("system_type_id", ColumnType::TinyInt).not_null(),
        column("user_type_id", INT).not_null(),
        column("max_length", ColumnType::SmallInt).not_null(),
        column("precision", ColumnType::TinyInt).not_null(),
        column("scale", ColumnType::TinyInt).not_null(),
        column("collation_name", name()),
        column("is_nullable", BIT),
        column("is_rowguidcol", BIT).not_null(),
        column("is_identity", BIT).not_null(),
        column("is_computed", BIT).not_null(),
        column("is_sparse", BIT),
        column("default_object_id", INT).not_null(),
    ]
}

pub fn columns(world: &World, database: &str) -> Result<Vec<Row>, Halt> {
    let mut rows = Vec::new();
    for (place, table) in world.tables(database)?.into_iter().enumerate() {
        for (number, column) in table.columns.iter().enumerate() {
            let facts = facts(&column.column_type);
            rows.push(vec![
                int(object_id(place)),
                text(&column.name),
                int(number + 1),
                int(facts.system_type),
                int(facts.user_type),
                int(facts.max_length),
                int(facts.precision),
                int(facts.scale),
                if is_text(&column.column_type) { text(COLLATION) } else { Value::Null },
                Value::Bit(column.is_nullable),
                Value::Bit(false),
                Value::Bit(column.is_identity),
                Value::Bit(column.is_computed),
                Value::Bit(false),
                int(0),
            ]);
        }
    }
    Ok(rows)
}

pub fn type_columns() -> Vec<Column> {
    vec![
        column("name", name()).not_null(),
        column("system_type_id", ColumnType::TinyInt).not_null(),
        column("user_type_id", INT).not_null(),
        column("schema_id", INT).not_null(),
        column("max_length", ColumnType::SmallInt).not_null(),
        column("precision", ColumnType::TinyInt).not_null(),
        column("scale", ColumnType::TinyInt).not_null(),
        column("collation_name", name()),
        column("is_nullable", BIT),
        column("is_user_defined", BIT).not_null(),
        column("is_assembly_type", BIT).not_null(),
        column("is_table_type", BIT).not_null(),
    ]
}

pub fn types(_world: &World, _database: &str) -> Result<Vec<Row>, Halt> {
    let rows = all().into_iter().map(|column_type| {
        let facts = facts(&column_type);
        vec![
            Value::from(facts.name),
            int(facts.system_type),
            int(facts.user_type),
            int(4),
            int(facts.max_length),
            int(facts.precision),
            int(facts.scale),
            if is_text(&column_type) { text(COLLATION) } else { Value::Null },
            Value::Bit(true),
            Value::Bit(false),
            Value::Bit(matches!(column_type, ColumnType::Udt(_))),
            Value::Bit(false),
        ]
    });
    Ok(rows.collect())
}
