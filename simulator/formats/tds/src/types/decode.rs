//! Bytes to values.

use std::borrow::Cow;

use super::encode::time_bytes;
use super::time::ticks_per_step;
use super::type_info::{TypeInfo, token};
use super::{Collation, ColumnType, Date, Decimal, Guid, Length, Time, Value, Variant, frame};
use crate::error::ProtocolError;
use crate::input::{Input, utf16};

/// The value that stands next.
pub(crate) fn read_value(input: &mut Input<'_>, info: &TypeInfo) -> Result<Value<'static>, ProtocolError> {
    let at = input.at();
    let Some(bytes) = frame::read(input, info.form)? else { return Ok(Value::Null) };
    let value = match info.column_type {
        ColumnType::SqlVariant => variant(&bytes),
        _ => value(&info.column_type, &bytes),
    };
    value.ok_or_else(|| ProtocolError::Wrong {
        what: "value of a parameter",
        expected: "one that its type has",
        got: format!("{} bytes for {}", bytes.len(), info.column_type.name()),
        at,
    })
}

/// A value of its bytes alone; `None` where they are none.
fn value(column_type: &ColumnType, bytes: &[u8]) -> Option<Value<'static>> {
    Some(match column_type {
        ColumnType::Null | ColumnType::SqlVariant => return None,
        ColumnType::Bit => match bytes {
            [byte] => Value::Bit(*byte != 0),
            _ => return None,
        },
        ColumnType::TinyInt => Value::Integer(u8::from_le_bytes(bytes.try_into().ok()?).into()),
        ColumnType::SmallInt => Value::Integer(i16::from_le_bytes(bytes.try_into().ok()?).into()),
        ColumnType::Int => Value::Integer(i32::from_le_bytes(bytes.try_into().ok()?).into()),
        ColumnType::BigInt => Value::Integer(i64::from_le_bytes(bytes.try_into().ok()?)),
        ColumnType::Real => Value::Real(f32::from_le_bytes(bytes.try_into().ok()?)),
        ColumnType::Float => Value::Float(f64::from_le_bytes(bytes.try_into().ok()?)),
        ColumnType::SmallMoney => {
            Value::Decimal(Decimal::from_units(i32::from_le_bytes(bytes.try_into().ok()?).into(), 4))
        }
        ColumnType::Money => {
            let units = i64::from_le_bytes(bytes.try_into().ok()?).rotate_left(32);
            Value::Decimal(Decimal::from_units(units, 4))
        }
        ColumnType::Decimal { scale, .. } | ColumnType::Numeric { scale, .. } => decimal(bytes, *scale)?,
        ColumnType::Date => Value::Date(days(bytes)?),
        ColumnType::Time { scale } => Value::Time(time(bytes, *scale)?),
        ColumnType::DateTime2 { scale } => {
            let (time_part, date) = bytes.split_at_checked(time_bytes(*scale))?;
            Value::DateTime(days(date)?, time(time_part, *scale)?)
        }
        ColumnType::DateTimeOffset { scale } => date_time_offset(bytes, *scale)?,
        ColumnType::DateTime => date_time(bytes)?,
        ColumnType::SmallDateTime => small_date_time(bytes)?,
        ColumnType::UniqueIdentifier => Value::Guid(Guid(bytes.try_into().ok()?)),
        ColumnType::Char { collation, .. }
        | ColumnType::VarChar { collation, .. }
        | ColumnType::Text { collation } => Value::from(collation.decode(bytes).into_owned()),
        ColumnType::NChar { .. } | ColumnType::NVarChar { .. } | ColumnType::NText { .. } => {
            Value::from(utf16_even(bytes)?)
        }
        ColumnType::Xml => Value::from(xml(bytes)?),
        ColumnType::Binary { .. } | ColumnType::VarBinary { .. } | ColumnType::Image | ColumnType::Udt(_) => {
            Value::Binary(Cow::Owned(bytes.to_owned()))
        }
    })
}

fn utf16_even(bytes: &[u8]) -> Option<String> {
    bytes.len().is_multiple_of(2).then(|| utf16(bytes))
}

/// Clients send it as UTF-16 with its mark, or in what its declaration says; without either it is UTF-8.
fn xml(bytes: &[u8]) -> Option<String> {
    match bytes.strip_prefix(&[0xFF, 0xFE]) {
        Some(rest) => utf16_even(rest),
        None if bytes.starts_with(b"<\0") => utf16_even(bytes),
        None => Some(String::from_utf8_lossy(bytes).into_owned()),
    }
}

fn decimal(bytes: &[u8], scale: u8) -> Option<Value<'static>> {
    let (sign, digits) = bytes.split_first()?;
    let mut wide = [0; 16];
    wide.get_mut(..digits.len())?.copy_from_slice(digits);
    let magnitude = u128::from_le_bytes(wide);
    let decimal = Decimal { is_negative: *sign == 0 && magnitude > 0, magnitude, scale };
    (decimal.digits() <= super::number::MOST_DIGITS).then_some(Value::Decimal(decimal))
}

fn days(bytes: &[u8]) -> Option<Date> {
    let &[a, b, c] = bytes else { return None };
    Date::from_days(u32::from_le_bytes([a, b, c, 0]))
}

fn time(bytes: &[u8], scale: u8) -> Option<Time> {
    let mut wide = [0; 8];
    wide.get_mut(..bytes.len())?.copy_from_slice(bytes);
    let whole = bytes.len() == time_bytes(scale);
    let ticks = u64::from_le_bytes(wide).checked_mul(ticks_per_step(scale))?;
    Time::from_ticks(ticks, scale).filter(|_| whole)
}

/// On the wire it is on the clock of UTC.
fn date_time_offset(bytes: &[u8], scale: u8) -> Option<Value<'static>> {
    let (time_part, rest) = bytes.split_at_checked(time_bytes(scale))?;
    let (date, offset) = rest.split_at_checked(3)?;
    let offset = i16::from_le_bytes(offset.try_into().ok()?);
    if offset.unsigned_abs() > 14 * 60 {
        return None;
    }
    let ticks = i64::try_from(time(time_part, scale)?.ticks()).ok()?
        + i64::from(offset) * i64::try_from(Time::TICKS_PER_MINUTE).ok()?;
    let day = i64::try_from(Time::TICKS_PER_DAY).ok()?;
    let days = i64::from(days(date)?.days()) + ticks.div_euclid(day);
    let date = Date::from_days(u32::try_from(days).ok()?)?;
    Some(Value::DateTimeOffset(
        date,
        Time::from_ticks(u64::try_from(ticks.rem_euclid(day)).ok()?, scale)?,
        offset,
    ))
}

/// Days since 1900 and three hundredths of a second; shown to the millisecond, as SQL Server rounds it.
fn date_time(bytes: &[u8]) -> Option<Value<'static>> {
    let (days, thirds) = bytes.split_at_checked(4)?;
    let days = i32::from_le_bytes(days.try_into().ok()?);
    let thirds = u64::from(u32::from_le_bytes(thirds.try_into().ok()?));
    let milliseconds = (thirds * 10 + 1) / 3;
    let time = Time::from_ticks(milliseconds * 10_000, 3)?;
    Some(Value::DateTime(Date::from_days_since_1900(days.into())?, time))
}

fn small_date_time(bytes: &[u8]) -> Option<Value<'static>> {
    let &[a, b, c, d] = bytes else { return None };
    let date = Date::from_days_since_1900(u16::from_le_bytes([a, b]).into())?;
    let ticks = u64::from(u16::from_le_bytes([c, d])) * Time::TICKS_PER_MINUTE;
    Some(Value::DateTime(date, Time::from_ticks(ticks, 0)?))
}

/// Base type, properties, bytes (\[MS-TDS\] 2.2.5.5.4).
fn variant(bytes: &[u8]) -> Option<Value<'static>> {
    let (&[token, count], rest) = bytes.split_first_chunk::<2>()?;
    let (properties, body) = rest.split_at_checked(count.into())?;
    let base_type = match (token, properties) {
        (token::BIT, []) => ColumnType::Bit,
        (token::INT1, []) => ColumnType::TinyInt,
        (token::INT2, []) => ColumnType::SmallInt,
        (token::INT4, []) => ColumnType::Int,
        (token::INT8, []) => ColumnType::BigInt,
        (token::FLOAT4, []) => ColumnType::Real,
        (token::FLOAT8, []) => ColumnType::Float,
        (token::SMALL_MONEY, []) => ColumnType::SmallMoney,
        (token::MONEY, []) => ColumnType::Money,
        (token::SMALL_DATE_TIME, []) => ColumnType::SmallDateTime,
        (token::DATE_TIME, []) => ColumnType::DateTime,
        (token::GUID, []) => ColumnType::UniqueIdentifier,
        (token::DATE, []) => ColumnType::Date,
        (token::TIME, [scale @ 0..=7]) => ColumnType::Time { scale: *scale },
        (token::DATE_TIME_2, [scale @ 0..=7]) => ColumnType::DateTime2 { scale: *scale },
        (token::DATE_TIME_OFFSET, [scale @ 0..=7]) => ColumnType::DateTimeOffset { scale: *scale },
        (token::DECIMAL, [precision @ 1..=38, scale]) if scale <= precision => {
            ColumnType::Decimal { precision: *precision, scale: *scale }
        }
        (token::NUMERIC, [precision @ 1..=38, scale]) if scale <= precision => {
            ColumnType::Numeric { precision: *precision, scale: *scale }
        }
        (token::BINARY, &[low, high]) => ColumnType::Binary { length: u16::from_le_bytes([low, high]) },
        (token::VARBINARY, &[low, high]) => {
            ColumnType::VarBinary { length: Length::Of(u16::from_le_bytes([low, high])) }
        }
        (_, &[a, b, c, d, e, low, high]) => {
            let collation = Collation::from_bytes([a, b, c, d, e]);
            let length = u16::from_le_bytes([low, high]);
            match token {
                token::CHAR => ColumnType::Char { length, collation },
                token::VARCHAR => ColumnType::VarChar { length: Length::Of(length), collation },
                token::NCHAR => ColumnType::NChar { length: length / 2, collation },
                token::NVARCHAR => ColumnType::NVarChar { length: Length::Of(length / 2), collation },
                _ => return None,
            }
        }
        _ => return None,
    };
    let value = value(&base_type, body)?;
    Some(Value::Variant(Box::new(Variant { base_type, value })))
}
