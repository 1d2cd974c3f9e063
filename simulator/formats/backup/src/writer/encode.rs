//! From a value to its stored bytes: what [`crate::types::decode`] turns back.

use std::borrow::Cow;

use encoding_rs::WINDOWS_1252;

use super::column_type::ColumnType;
use crate::types::{Date, Decimal, SqlType, Time, Value};

/// Stored bytes; `None` is NULL.
///
/// # Errors
/// Why the type cannot hold the value, for people.
pub fn encode(column_type: ColumnType, value: &Value<'_>) -> Result<Option<Vec<u8>>, String> {
    let scale = column_type.scale;
    let bytes = match (column_type.sql_type, value) {
        (_, Value::Null) => return Ok(None),
        (SqlType::Bit, Value::Bit(bit)) => vec![u8::from(*bit)],
        (SqlType::TinyInt, Value::Integer(value)) => narrow::<u8>(*value)?.to_le_bytes().to_vec(),
        (SqlType::SmallInt, Value::Integer(value)) => narrow::<i16>(*value)?.to_le_bytes().to_vec(),
        (SqlType::Int, Value::Integer(value)) => narrow::<i32>(*value)?.to_le_bytes().to_vec(),
        (SqlType::BigInt, Value::Integer(value)) => value.to_le_bytes().to_vec(),
        (SqlType::Decimal | SqlType::Numeric, Value::Decimal(value)) => decimal(column_type, *value)?,
        (SqlType::Money, Value::Decimal(value)) => {
            narrow_units::<i64>(units(*value, 4)?)?.to_le_bytes().to_vec()
        }
        (SqlType::SmallMoney, Value::Decimal(value)) => {
            narrow_units::<i32>(units(*value, 4)?)?.to_le_bytes().to_vec()
        }
        (SqlType::Real, Value::Real(value)) => value.to_le_bytes().to_vec(),
        (SqlType::Float, Value::Float(value)) => value.to_le_bytes().to_vec(),
        (SqlType::Date, Value::Date(value)) => date(*value),
        (SqlType::Time, Value::Time(value)) => time(*value, scale)?,
        (SqlType::DateTime, Value::DateTime(day, at)) => {
            // Three-hundredths of a second, the nearest.
            let milliseconds = at.ticks() / 10_000;
            let ticks = (milliseconds * 3 + 5) / 10;
            let mut bytes = (ticks as u32).to_le_bytes().to_vec();
            bytes.extend(day.days_since_1900().to_le_bytes());
            bytes
        }
        (SqlType::SmallDateTime, Value::DateTime(day, at)) => {
            let minutes = at.ticks() / (60 * Time::TICKS_PER_SECOND);
            let days = u16::try_from(day.days_since_1900()).map_err(|_| {
                format!("{day} is not among the days of smalldatetime, 1900-01-01 to 2079-06-06")
            })?;
            let mut bytes = (minutes as u16).to_le_bytes().to_vec();
            bytes.extend(days.to_le_bytes());
            bytes
        }
        (SqlType::DateTime2, Value::DateTime2(day, at)) => [time(*at, scale)?, date(*day)].concat(),
        (SqlType::DateTimeOffset, Value::DateTimeOffset(day, at, offset)) => {
            let local = i128::from(day.days()) * i128::from(Time::TICKS_PER_DAY) + i128::from(at.ticks());
            let utc = local - i128::from(*offset) * 60 * i128::from(Time::TICKS_PER_SECOND);
            let ticks = i128::from(Time::TICKS_PER_DAY);
            let day = u32::try_from(utc.div_euclid(ticks)).ok().and_then(Date::from_days);
            let at = Time::from_ticks(utc.rem_euclid(ticks) as u64, scale);
            let (Some(day), Some(at)) = (day, at) else {
                return Err("in UTC it is beyond the years 1 to 9999".to_owned());
            };
            [time(at, scale)?, date(day), offset.to_le_bytes().to_vec()].concat()
        }
        (SqlType::UniqueIdentifier, Value::Guid(guid)) => guid.0.to_vec(),
        (SqlType::NChar | SqlType::NVarChar | SqlType::NText, Value::Text(text)) => {
            padded(column_type, utf16(text), &[b' ', 0])?
        }
        (SqlType::Char | SqlType::VarChar | SqlType::Text, Value::Text(text)) => {
            padded(column_type, code_page(text)?.into_owned(), b" ")?
        }
        (
            SqlType::Binary
            | SqlType::VarBinary
            | SqlType::Image
            | SqlType::Timestamp
            | SqlType::Geometry
            | SqlType::Geography,
            Value::Binary(bytes),
        ) => padded(column_type, bytes.to_vec(), &[0])?,
        (sql_type, value) => return Err(format!("{value} is no value of type {}", sql_type.name())),
    };
    Ok(Some(bytes))
}

fn narrow<T: TryFrom<i64>>(value: i64) -> Result<T, String> {
    T::try_from(value).map_err(|_| format!("{value} is beyond the type's range"))
}

fn narrow_units<T: TryFrom<i128>>(units: i128) -> Result<T, String> {
    T::try_from(units).map_err(|_| format!("{units} ten-thousandths are beyond the type's range"))
}

/// Counts of the last digit.
fn units(value: Decimal, scale: u8) -> Result<i128, String> {
    if value.scale != scale {
        return Err(format!("{value} has {} digits behind the point, where {scale} are stored", value.scale));
    }
    let magnitude = i128::try_from(value.magnitude).map_err(|_| format!("{value} is too large"))?;
    Ok(if value.is_negative { -magnitude } else { magnitude })
}

fn decimal(column_type: ColumnType, value: Decimal) -> Result<Vec<u8>, String> {
    let ColumnType { precision, scale, length_bytes, .. } = column_type;
    if value.scale != scale {
        return Err(format!("{value} has {} digits behind the point, where {scale} are stored", value.scale));
    }
    if value.magnitude >= 10_u128.pow(u32::from(precision)) {
        return Err(format!("{value} has more than {precision} digits"));
    }
    let mut bytes = vec![u8::from(!value.is_negative)];
    let digits = usize::try_from(length_bytes - 1).unwrap_or(0);
    bytes.extend_from_slice(&value.magnitude.to_le_bytes()[..digits]);
    Ok(bytes)
}

fn date(value: Date) -> Vec<u8> {
    value.days().to_le_bytes()[..3].to_vec()
}

fn time(value: Time, scale: u8) -> Result<Vec<u8>, String> {
    let step = 10_u64.pow(7 - u32::from(scale.min(7)));
    if !value.ticks().is_multiple_of(step) {
        return Err(format!("{value} is more exact than {scale} digits behind the second"));
    }
    let bytes = match scale {
        0..=2 => 3,
        3..=4 => 4,
        _ => 5,
    };
    Ok((value.ticks() / step).to_le_bytes()[..bytes].to_vec())
}

pub fn utf16(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_le_bytes).collect()
}

/// In the code page of all text here.
fn code_page(text: &str) -> Result<Cow<'_, [u8]>, String> {
    let (bytes, _, has_unknown) = WINDOWS_1252.encode(text);
    if !has_unknown {
        return Ok(bytes);
    }
    let unknown = text.chars().find(|letter| WINDOWS_1252.encode(&letter.to_string()).2);
    Err(format!(
        "{:?} is not in code page 1252: take nvarchar or nchar for it",
        unknown.unwrap_or('\u{FFFD}')
    ))
}

/// At most as long as the column; of fixed length exactly so.
fn padded(column_type: ColumnType, mut bytes: Vec<u8>, filling: &[u8]) -> Result<Vec<u8>, String> {
    if column_type.is_large() {
        return Ok(bytes);
    }
    let most = usize::try_from(column_type.length_bytes).unwrap_or(usize::MAX);
    if bytes.len() > most {
        let (units, unit) = if column_type.sql_type.is_unicode() { (2, "characters") } else { (1, "bytes") };
        return Err(format!("{} {unit}, where {} fit", bytes.len() / units, most / units));
    }
    if column_type.fixed_bytes().is_some() {
        while bytes.len() < most {
            bytes.extend_from_slice(filling);
        }
    }
    Ok(bytes)
}
