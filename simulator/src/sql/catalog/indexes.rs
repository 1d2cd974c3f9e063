//! sys.indexes, sys.index_columns and sys.key_constraints.

use spatialcloud_tds::{Collation, Column, ColumnType, Value};

use super::{column, int, name, object_id, text};
use crate::sql::Halt;
use crate::sql::evaluate::Row;
use crate::sql::tables::{Table, TableIndex};
use crate::sql::world::World;

const BIT: ColumnType = ColumnType::Bit;
const INT: ColumnType = ColumnType::Int;
const TINYINT: ColumnType = ColumnType::TinyInt;

/// Kinds of index, and their numbers in sys.indexes.
const KINDS: [(&str, i64); 7] = [
    ("clustered", 1),
    ("nonclustered", 2),
    ("xml", 3),
    ("spatial", 4),
    ("clustered columnstore", 5),
    ("nonclustered columnstore", 6),
    ("nonclustered hash", 7),
];

/// The indexes of a table with their numbers; the clustered one is 1, and the others follow.
fn numbered(table: &Table) -> Vec<(i64, &TableIndex)> {
    let is_first = |index: &&TableIndex| index.kind.starts_with("clustered");
    let first = table.indexes.iter().filter(is_first).map(|index| (1, index));
    let others = (2..).zip(table.indexes.iter().filter(|index| !is_first(index)));
    first.chain(others).collect()
}

pub fn index_columns() -> Vec<Column> {
    vec![
        column("object_id", INT).not_null(),
        column("name", name()),
        column("index_id", INT).not_null(),
        column("type", TINYINT).not_null(),
        column("type_desc", ColumnType::nvarchar(60)),
        column("is_unique", BIT),
        column("data_space_id", INT),
        column("ignore_dup_key", BIT),
        column("is_primary_key", BIT),
        column("is_unique_constraint", BIT),
        column("fill_factor", TINYINT).not_null(),
        column("is_padded", BIT),
        column("is_disabled", BIT),
        column("is_hypothetical", BIT),
        column("has_filter", BIT),
        column("filter_definition", ColumnType::nvarchar(4000)),
    ]
}

pub fn indexes(world: &World, database: &str) -> Result<Vec<Row>, Halt> {
    let mut rows = Vec::new();
    for (place, table) in world.tables(database)?.iter().enumerate() {
        let numbered = numbered(table);
        let mut row =
            |name: Value<'static>, number: i64, kind: i64, words: &str, unique: bool, primary: bool| {
                rows.push(vec![
                    int(object_id(place)),
                    name,
                    int(number),
                    int(kind),
                    Value::from(words.to_uppercase()),
                    Value::Bit(unique),
                    int(1),
                    Value::Bit(false),
                    Value::Bit(primary),
                    Value::Bit(false),
                    int(0),
                    Value::Bit(false),
                    Value::Bit(false),
                    Value::Bit(false),
                    Value::Bit(false),
                    Value::Null,
                ]);
            };
        if numbered.first().is_none_or(|(number, _)| *number != 1) {
            row(Value::Null, 0, 0, "heap", false, false);
        }
        for (number, index) in numbered {
            let kind = KINDS.iter().find(|(kind, _)| *kind == index.kind).map_or(0, |(_, kind)| *kind);
            row(text(&index.name), number, kind, &index.kind, index.is_unique, index.is_primary_key);
        }
    }
    Ok(rows)
}

pub fn key_columns() -> Vec<Column> {
    vec![
        column("object_id", INT).not_null(),
        column("index_id", INT).not_null(),
        column("index_column_id", INT).not_null(),
        column("column_id", INT).not_null(),
        column("key_ordinal", TINYINT).not_null(),
        column("partition_ordinal", TINYINT).not_null(),
        column("is_descending_key", BIT),
        column("is_included_column", BIT),
    ]
}

pub fn keys(world: &World, database: &str) -> Result<Vec<Row>, Halt> {
    let mut rows = Vec::new();
    for (place, table) in world.tables(database)?.iter().enumerate() {
        for (number, index) in numbered(table) {
            let keys = index.keys.iter().map(|(name, descends)| (name, *descends, false));
            let columns = keys.chain(index.included.iter().map(|name| (name, false, true)));
            for (at, (name, descends, is_included)) in (1..).zip(columns) {
                let known = table.columns.iter().position(|column| column.name.eq_ignore_ascii_case(name));
                rows.push(vec![
                    int(object_id(place)),
                    int(number),
                    int(at),
                    known.map_or(Value::Null, |known| int(known + 1)),
                    int(if is_included { 0 } else { at }),
                    int(0),
                    Value::Bit(descends),
                    Value::Bit(is_included),
                ]);
            }
        }
    }
    // A column that an index names and the table has lost is in no row.
    rows.retain(|row: &Row| row.get(3).is_some_and(|column| !column.is_null()));
    Ok(rows)
}

pub fn constraint_columns() -> Vec<Column> {
    vec![
        column("name", name()).not_null(),
        column("object_id", INT).not_null(),
        column("schema_id", INT).not_null(),
        column("parent_object_id", INT).not_null(),
        column("type", ColumnType::Char { length: 2, collation: Collation::LATIN1 }),
        column("type_desc", ColumnType::nvarchar(60)),
        column("unique_index_id", INT),
        column("is_system_named", BIT).not_null(),
    ]
}

/// Numbers of constraints begin where those of tables have come to their end.
const FIRST_CONSTRAINT: i64 = 500_000_000;

pub fn constraints(world: &World, database: &str) -> Result<Vec<Row>, Halt> {
    let schemas = super::system::schema_list(world, database)?;
    let mut rows = Vec::new();
    for (place, table) in world.tables(database)?.iter().enumerate() {
        let schema = schemas.iter().find(|(name, _)| *name == table.schema).map_or(1, |(_, id)| *id);
        let numbered = numbered(table);
        for (number, index) in numbered.into_iter().filter(|(_, index)| index.is_primary_key) {
            rows.push(vec![
                text(&index.name),
                int(FIRST_CONSTRAINT + object_id(place)),
                int(schema),
                int(object_id(place)),
                text("PK"),
                text("PRIMARY_KEY_CONSTRAINT"),
                int(number),
                Value::Bit(false),
            ]);
        }
    }
    Ok(rows)
}
