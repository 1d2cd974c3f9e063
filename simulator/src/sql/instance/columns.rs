//! Columns and values of sessions, as tables keep them.

use spatialcloud_backup::{self as backup, SqlType};
use spatialcloud_tds::{Column, ColumnType, Length, Value};

use crate::sql::Halt;
use crate::sql::catalog::types::{Facts, facts};
use crate::sql::error::INTERNAL;
use crate::sql::evaluate::convert;
use crate::warehouse::table::ColumnRecord;

/// A column as tables keep it.
pub fn kept(column: &Column) -> ColumnRecord {
    let Facts { name, max_length, precision, scale, .. } = facts(&column.column_type);
    let byte = |number: i64| u8::try_from(number).unwrap_or(0);
    ColumnRecord {
        name: column.name.clone(),
        declaration: declaration(&column.column_type, &name),
        sql_type: name,
        max_length_bytes: i16::try_from(max_length).unwrap_or(-1),
        precision: byte(precision),
        scale: byte(scale),
        is_nullable: column.is_nullable,
        is_identity: column.is_identity,
        is_computed: false,
    }
}

/// A type as Transact-SQL declares it.
fn declaration(column_type: &ColumnType, name: &str) -> String {
    let of = |length: &Length| match length {
        Length::Of(length) => format!("{name}({length})"),
        Length::Max => format!("{name}(max)"),
    };
    match column_type {
        ColumnType::Decimal { precision, scale } | ColumnType::Numeric { precision, scale } => {
            format!("{name}({precision},{scale})")
        }
        ColumnType::Time { scale }
        | ColumnType::DateTime2 { scale }
        | ColumnType::DateTimeOffset { scale } => {
            format!("{name}({scale})")
        }
        ColumnType::Char { length, .. }
        | ColumnType::NChar { length, .. }
        | ColumnType::Binary { length } => {
            format!("{name}({length})")
        }
        ColumnType::VarChar { length, .. }
        | ColumnType::NVarChar { length, .. }
        | ColumnType::VarBinary { length } => of(length),
        _ => name.to_owned(),
    }
}

/// A value as a column takes it: converted, and not cut off without a word.
///
/// # Errors
/// 2628 and those of conversions.
pub fn assigned(
    value: Value<'static>,
    from: &ColumnType,
    column: &Column,
    table: &str,
) -> Result<Value<'static>, Halt> {
    let length = match &value {
        Value::Text(text) => Some((text.trim_end_matches(' ').encode_utf16().count(), text.to_string())),
        Value::Binary(bytes) => Some((bytes.len(), Value::Binary(bytes.as_ref().into()).to_string())),
        _ => None,
    };
    let room = match &column.column_type {
        ColumnType::Char { length, .. }
        | ColumnType::NChar { length, .. }
        | ColumnType::Binary { length } => Some(*length),
        ColumnType::VarChar { length: Length::Of(length), .. }
        | ColumnType::NVarChar { length: Length::Of(length), .. }
        | ColumnType::VarBinary { length: Length::Of(length) } => Some(*length),
        _ => None,
    };
    if let (Some((length, shown)), Some(room)) = (length, room)
        && length > usize::from(room)
    {
        let shown: String = shown.chars().take(usize::from(room)).collect();
        let words = format!(
            "String or binary data would be truncated in table '{table}', column '{}'. Truncated value: '{shown}'.",
            column.name
        );
        return Err(Halt::error(2628, words));
    }
    convert(value, from, &column.column_type, 0)
}

/// A value that is of its column's type, as files keep it.
///
/// # Errors
/// A value that no column has: ours.
pub fn stored(value: Value<'static>, column: &ColumnRecord) -> Result<backup::Value<'static>, Halt> {
    let wrong = || Halt::error(INTERNAL, format!("a value of column {} cannot be kept", column.name));
    let date = |date: spatialcloud_tds::Date| backup::Date::from_days(date.days()).ok_or_else(wrong);
    let time =
        |time: spatialcloud_tds::Time| backup::Time::from_ticks(time.ticks(), time.scale()).ok_or_else(wrong);
    Ok(match value {
        Value::Null => backup::Value::Null,
        Value::Bit(bit) => backup::Value::Bit(bit),
        Value::Integer(number) => backup::Value::Integer(number),
        Value::Decimal(number) => {
            let number = number.rescaled(column.scale).ok_or_else(wrong)?;
            backup::Value::Decimal(backup::Decimal {
                is_negative: number.is_negative,
                magnitude: number.magnitude,
                scale: number.scale,
            })
        }
        Value::Real(number) => backup::Value::Real(number),
        Value::Float(number) => backup::Value::Float(number),
        Value::Date(day) => backup::Value::Date(date(day)?),
        Value::Time(moment) => backup::Value::Time(time(moment)?),
        Value::DateTime(day, moment) if column.sql_type() == SqlType::DateTime2 => {
            backup::Value::DateTime2(date(day)?, time(moment)?)
        }
        Value::DateTime(day, moment) => backup::Value::DateTime(date(day)?, time(moment)?),
        Value::DateTimeOffset(day, moment, offset) => {
            backup::Value::DateTimeOffset(date(day)?, time(moment)?, offset)
        }
        Value::Guid(guid) => backup::Value::Guid(backup::Guid(guid.0)),
        Value::Text(text) => backup::Value::Text(text.into_owned().into()),
        Value::Binary(bytes) => backup::Value::Binary(bytes.into_owned().into()),
        Value::Variant(variant) => {
            let base_type = SqlType::named(variant.base_type.name());
            let text = variant.value.to_string();
            backup::Value::Variant(Box::new(backup::Variant {
                base_type,
                value: backup::Value::Text(text.into()),
            }))
        }
    })
}
