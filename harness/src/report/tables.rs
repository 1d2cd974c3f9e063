//! Tables of a backup and their rows, as JSON. Names are those of sys.tables, sys.columns and sys.indexes.

use serde_json::{Number, Value as Json, json};
use spatialcloud_backup::geometry::{DecodeError, SpatialType, decode};
use spatialcloud_backup::{Column, Index, SqlType, Table, Value};

use super::shapes::Shapes;

/// Bytes of a database page.
const PAGE_BYTES: u64 = 8192;

/// A table without its rows; `shapes` of its spatial columns, where its rows were read.
pub fn table(table: &Table, shapes: Option<&[Shapes]>) -> Json {
    json!({
        "schema": table.schema,
        "name": table.name,
        "rows": table.row_count,
        "pages": table.used_pages,
        "bytes": table.used_pages * PAGE_BYTES,
        "storage": table.storage.name(),
        "partitions": table.partition_count(),
        "columns": table.columns.iter().map(column).collect::<Vec<_>>(),
        "primary_key": table.primary_key(),
        "indexes": table.indexes.iter().map(index).collect::<Vec<_>>(),
        "shapes": shapes.map(|shapes| shapes.iter().map(Shapes::json).collect::<Vec<_>>()),
        "unsupported": table.unsupported,
    })
}

fn column(column: &Column) -> Json {
    json!({
        "name": column.name,
        "type": column.declaration(),
        "system_type": column.sql_type.name(),
        "max_length": column.max_length_bytes,
        "precision": column.precision,
        "scale": column.scale,
        "is_nullable": column.is_nullable,
        "is_identity": column.identity.is_some(),
        "is_computed": column.is_computed,
        "code_page": column.code_page.map(|page| page.0),
    })
}

fn index(index: &Index) -> Json {
    json!({
        "name": index.name,
        "type": index.index_type.name(),
        "is_unique": index.is_unique,
        "is_primary_key": index.is_primary_key,
        "is_unique_constraint": index.is_unique_constraint,
        "is_disabled": index.is_disabled,
        "keys": index.keys,
        "descending": index.descending,
        "included": index.included,
    })
}

/// Rows of a table.
pub fn rows(table: &Table, rows: Vec<Vec<Json>>, is_fuzzy: bool) -> Json {
    json!({
        "schema": table.schema,
        "name": table.name,
        "columns": table.columns.iter().map(|column| &column.name).collect::<Vec<_>>(),
        "rows": rows,
        "fuzzy": is_fuzzy,
    })
}

/// A spatial value as text, such as `SRID=28355;POINT (1 2)`, or why it is none; `None` for every other value.
pub fn spatial(column: &Column, value: &Value<'_>) -> Option<Result<String, DecodeError>> {
    let spatial_type = match column.sql_type {
        SqlType::Geometry => SpatialType::Geometry,
        SqlType::Geography => SpatialType::Geography,
        _ => return None,
    };
    let Value::Binary(bytes) = value else { return None };
    let decoded = decode(bytes, spatial_type).map(|found| match found {
        Some(geometry) => format!("SRID={};{}", geometry.srid, geometry.to_wkt()),
        None => "NULL".to_owned(),
    });
    Some(decoded)
}

/// A value of a column for people; spatial ones as text.
pub fn shown(column: &Column, value: &Value<'_>) -> String {
    match spatial(column, value) {
        Some(Ok(text)) => text,
        Some(Err(error)) => format!("{value} ({error})"),
        None => value.to_string(),
    }
}

/// A value of a column; spatial ones as text, in hexadecimal where they are none.
pub fn value_of(column: &Column, value: &Value<'_>) -> Json {
    match spatial(column, value) {
        Some(Ok(text)) => json!(text),
        _ => self::value(value),
    }
}

/// A value. Decimals are text, since JSON's numbers are not exact everywhere; so are bytes, dates and times.
fn value(value: &Value<'_>) -> Json {
    let number = |value: f64| Number::from_f64(value).map_or(Json::Null, Json::Number);
    match value {
        Value::Null => Json::Null,
        Value::Bit(bit) => json!(bit),
        Value::Integer(value) => json!(value),
        // By way of text, so that 0.1 stays 0.1.
        Value::Real(value) => value.to_string().parse().map_or(Json::Null, number),
        Value::Float(value) => number(*value),
        Value::Variant(variant) => self::value(&variant.value),
        other => json!(other.to_string()),
    }
}
