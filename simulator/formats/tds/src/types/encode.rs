//! Values to bytes.

use super::number::{MOST_DIGITS, magnitude_bytes};
use super::time::ticks_per_step;
use super::type_info::{TypeInfo, token};
use super::{ColumnType, Date, Decimal, Length, Time, Value, Variant, frame};
use crate::error::EncodeError;
use crate::output::utf16;

/// Why a value does not go into its column.
pub(super) enum Misfit {
    /// It is of another type.
    Type,
    /// It is too large.
    Range,
}

/// What stands before a value of an old large type: a pointer of 16 bytes and a timestamp, of no use to anyone.
const TEXT_POINTER: [u8; 25] = *b"\x10spatialcloud-tdsmomentum";

/// The value with all that stands before and between its bytes. `in_row`: old large types have their pointer.
pub(crate) fn write_value(
    output: &mut Vec<u8>,
    name: &str,
    info: &TypeInfo,
    value: &Value<'_>,
    in_row: bool,
) -> Result<(), EncodeError> {
    let has_pointer = in_row && info.column_type.has_text_pointer();
    if value.is_null() {
        if has_pointer {
            output.push(0);
        } else if !frame::write_null(output, info.form) {
            return Err(EncodeError::Null { column: name.to_owned() });
        }
        return Ok(());
    }
    if has_pointer {
        output.extend(TEXT_POINTER);
    }
    let written = frame::write(output, info.form, |body| match (&info.column_type, value) {
        (ColumnType::SqlVariant, Value::Variant(variant)) => write_variant(body, variant),
        (column_type, value) => write_body(body, column_type, value),
    });
    let misfit = match written {
        Ok(Ok(())) => return Ok(()),
        Ok(Err(_too_many)) => Misfit::Range,
        Err(misfit) => misfit,
    };
    let (column, expected) = (name.to_owned(), info.column_type.name());
    let got = crate::output::first_units(&value.to_string(), 60).to_owned();
    Err(match misfit {
        Misfit::Type => EncodeError::Type { column, expected, got },
        Misfit::Range => EncodeError::Range { column, expected, got },
    })
}

/// The value's bytes alone.
fn write_body(output: &mut Vec<u8>, column_type: &ColumnType, value: &Value<'_>) -> Result<(), Misfit> {
    let from = output.len();
    match (column_type, value) {
        (ColumnType::Bit, Value::Bit(bit)) => output.push(u8::from(*bit)),
        (ColumnType::TinyInt, Value::Integer(value)) => output.extend(integer::<u8>(*value)?.to_le_bytes()),
        (ColumnType::SmallInt, Value::Integer(value)) => output.extend(integer::<i16>(*value)?.to_le_bytes()),
        (ColumnType::Int, Value::Integer(value)) => output.extend(integer::<i32>(*value)?.to_le_bytes()),
        (ColumnType::BigInt, Value::Integer(value)) => output.extend(value.to_le_bytes()),
        (ColumnType::Real, Value::Real(value)) => output.extend(value.to_le_bytes()),
        (ColumnType::Float, Value::Float(value)) => output.extend(value.to_le_bytes()),
        (ColumnType::SmallMoney, Value::Decimal(value)) => {
            output.extend(integer::<i32>(money(*value)?)?.to_le_bytes());
        }
        (ColumnType::Money, Value::Decimal(value)) => {
            // The upper half comes first.
            output.extend(money(*value)?.rotate_left(32).to_le_bytes());
        }
        (
            ColumnType::Decimal { precision, scale } | ColumnType::Numeric { precision, scale },
            Value::Decimal(value),
        ) => decimal(output, *value, *precision, *scale)?,
        (ColumnType::Date, Value::Date(date)) => days(output, *date),
        (ColumnType::Time { scale }, Value::Time(time)) => steps(output, *time, *scale),
        (ColumnType::DateTime2 { scale }, Value::DateTime(date, time)) => {
            steps(output, *time, *scale);
            days(output, *date);
        }
        (ColumnType::DateTimeOffset { scale }, Value::DateTimeOffset(date, time, offset)) => {
            date_time_offset(output, (*date, *time, *offset), *scale)?;
        }
        (ColumnType::DateTime, Value::DateTime(date, time)) => date_time(output, *date, *time)?,
        (ColumnType::SmallDateTime, Value::DateTime(date, time)) => small_date_time(output, *date, *time)?,
        (ColumnType::UniqueIdentifier, Value::Guid(guid)) => output.extend(guid.0),
        (ColumnType::Char { length, collation }, Value::Text(text)) => {
            output.extend(collation.encode(text).iter());
            pad(output, from, (*length).into(), b" ")?;
        }
        (ColumnType::NChar { length, .. }, Value::Text(text)) => {
            utf16(output, text);
            pad(output, from, usize::from(*length) * 2, b" \0")?;
        }
        (ColumnType::Binary { length }, Value::Binary(bytes)) => {
            output.extend(bytes.iter());
            pad(output, from, (*length).into(), b"\0")?;
        }
        (ColumnType::VarChar { length, collation }, Value::Text(text)) => {
            let bytes = collation.encode(text);
            within(*length, bytes.len())?;
            output.extend(bytes.iter());
        }
        (ColumnType::NVarChar { length, .. }, Value::Text(text)) => {
            within(*length, text.encode_utf16().count())?;
            utf16(output, text);
        }
        (ColumnType::VarBinary { length }, Value::Binary(bytes)) => {
            within(*length, bytes.len())?;
            output.extend(bytes.iter());
        }
        (ColumnType::Text { collation }, Value::Text(text)) => output.extend(collation.encode(text).iter()),
        // Without a byte order mark: FreeTDS and others would show it.
        (ColumnType::NText { .. } | ColumnType::Xml, Value::Text(text)) => utf16(output, text),
        (ColumnType::Image | ColumnType::Udt(_), Value::Binary(bytes)) => output.extend(bytes.iter()),
        _ => return Err(Misfit::Type),
    }
    Ok(())
}

fn integer<T: TryFrom<i64>>(value: i64) -> Result<T, Misfit> {
    T::try_from(value).map_err(|_| Misfit::Range)
}

fn money(value: Decimal) -> Result<i64, Misfit> {
    value.rescaled(4).and_then(Decimal::units).ok_or(Misfit::Range)
}

fn decimal(output: &mut Vec<u8>, value: Decimal, precision: u8, scale: u8) -> Result<(), Misfit> {
    let value = value.rescaled(scale).ok_or(Misfit::Range)?;
    if value.digits() > precision.min(MOST_DIGITS) {
        return Err(Misfit::Range);
    }
    output.push(u8::from(!value.is_negative));
    let bytes = value.magnitude.to_le_bytes();
    output.extend(bytes.iter().take(magnitude_bytes(precision)));
    Ok(())
}

fn days(output: &mut Vec<u8>, date: Date) {
    output.extend(date.days().to_le_bytes().iter().take(3));
}

/// The time of day, counted in what its scale can tell apart; what is finer is cut off.
fn steps(output: &mut Vec<u8>, time: Time, scale: u8) {
    let steps = time.ticks() / ticks_per_step(scale);
    output.extend(steps.to_le_bytes().iter().take(time_bytes(scale)));
}

pub(super) fn time_bytes(scale: u8) -> usize {
    match scale {
        0..=2 => 3,
        3..=4 => 4,
        _ => 5,
    }
}

/// On the wire it is on the clock of UTC.
fn date_time_offset(
    output: &mut Vec<u8>,
    (date, time, offset): (Date, Time, i16),
    scale: u8,
) -> Result<(), Misfit> {
    let minutes = i64::from(offset) * i64::try_from(Time::TICKS_PER_MINUTE).unwrap_or_default();
    let ticks = i128::from(date.days()) * i128::from(Time::TICKS_PER_DAY) + i128::from(time.ticks())
        - i128::from(minutes);
    let (days_utc, ticks) =
        (ticks.div_euclid(Time::TICKS_PER_DAY.into()), ticks.rem_euclid(Time::TICKS_PER_DAY.into()));
    let date = u32::try_from(days_utc).ok().and_then(Date::from_days).ok_or(Misfit::Range)?;
    let time = u64::try_from(ticks).ok().and_then(|ticks| Time::from_ticks(ticks, 7)).ok_or(Misfit::Range)?;
    steps(output, time, scale);
    days(output, date);
    output.extend(offset.to_le_bytes());
    Ok(())
}

/// Days since 1900 and three hundredths of a second, rounded.
fn date_time(output: &mut Vec<u8>, date: Date, time: Time) -> Result<(), Misfit> {
    const PER_DAY: u64 = 300 * 86_400;
    let thirds = (time.ticks() * 3 + 50_000) / 100_000;
    let days = date.days_since_1900() + i64::from(thirds == PER_DAY);
    let days = i32::try_from(days).ok().filter(|_| days <= LAST_DAY).ok_or(Misfit::Range)?;
    output.extend(days.to_le_bytes());
    output.extend(((thirds % PER_DAY) as u32).to_le_bytes());
    Ok(())
}

/// 9999-12-31, counted from 1900.
const LAST_DAY: i64 = Date::LAST as i64 - super::time::DAYS_TO_1900;

/// Days since 1900 and minutes, rounded.
fn small_date_time(output: &mut Vec<u8>, date: Date, time: Time) -> Result<(), Misfit> {
    const PER_DAY: u64 = 24 * 60;
    let minutes = (time.ticks() + Time::TICKS_PER_MINUTE / 2) / Time::TICKS_PER_MINUTE;
    let days = date.days_since_1900() + i64::from(minutes == PER_DAY);
    output.extend(u16::try_from(days).map_err(|_| Misfit::Range)?.to_le_bytes());
    output.extend(((minutes % PER_DAY) as u16).to_le_bytes());
    Ok(())
}

/// Fills what was written from `from` on up to the column's length.
fn pad(output: &mut Vec<u8>, from: usize, length: usize, with: &[u8]) -> Result<(), Misfit> {
    let missing = (from + length).checked_sub(output.len()).ok_or(Misfit::Range)?;
    output.extend(with.iter().cycle().take(missing));
    Ok(())
}

fn within(length: Length, got: usize) -> Result<(), Misfit> {
    match length {
        Length::Of(most) if got > usize::from(most) => Err(Misfit::Range),
        _ => Ok(()),
    }
}

/// Base type, properties, bytes (\[MS-TDS\] 2.2.5.5.4).
fn write_variant(output: &mut Vec<u8>, variant: &Variant<'_>) -> Result<(), Misfit> {
    use ColumnType::*;
    let text =
        |collation: &super::Collation, bytes: u16| [&collation.to_bytes()[..], &bytes.to_le_bytes()].concat();
    let of = |length: Length, unit: u16| match length {
        Length::Of(length) => Ok(length.saturating_mul(unit)),
        // A sql_variant holds nothing large.
        Length::Max => Err(Misfit::Range),
    };
    let (token, properties) = match &variant.base_type {
        Bit => (token::BIT, vec![]),
        TinyInt => (token::INT1, vec![]),
        SmallInt => (token::INT2, vec![]),
        Int => (token::INT4, vec![]),
        BigInt => (token::INT8, vec![]),
        Real => (token::FLOAT4, vec![]),
        Float => (token::FLOAT8, vec![]),
        SmallMoney => (token::SMALL_MONEY, vec![]),
        Money => (token::MONEY, vec![]),
        SmallDateTime => (token::SMALL_DATE_TIME, vec![]),
        DateTime => (token::DATE_TIME, vec![]),
        UniqueIdentifier => (token::GUID, vec![]),
        Date => (token::DATE, vec![]),
        Time { scale } => (token::TIME, vec![*scale]),
        DateTime2 { scale } => (token::DATE_TIME_2, vec![*scale]),
        DateTimeOffset { scale } => (token::DATE_TIME_OFFSET, vec![*scale]),
        Decimal { precision, scale } => (token::DECIMAL, vec![*precision, *scale]),
        Numeric { precision, scale } => (token::NUMERIC, vec![*precision, *scale]),
        Char { length, collation } => (token::CHAR, text(collation, *length)),
        VarChar { length, collation } => (token::VARCHAR, text(collation, of(*length, 1)?)),
        NChar { length, collation } => (token::NCHAR, text(collation, length.saturating_mul(2))),
        NVarChar { length, collation } => (token::NVARCHAR, text(collation, of(*length, 2)?)),
        Binary { length } => (token::BINARY, length.to_le_bytes().to_vec()),
        VarBinary { length } => (token::VARBINARY, of(*length, 1)?.to_le_bytes().to_vec()),
        Null | Text { .. } | NText { .. } | Image | Xml | SqlVariant | Udt(_) => return Err(Misfit::Type),
    };
    output.push(token);
    output.push(properties.len() as u8);
    output.extend(properties);
    write_body(output, &variant.base_type, &variant.value)
}
