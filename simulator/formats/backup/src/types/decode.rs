//! From stored bytes to a value.

use std::borrow::Cow;

use super::{CodePage, Date, Decimal, SqlType, Time, Value, utf16, variant};
use crate::error::DataError;
use crate::value::{Bytes, Guid};

/// Decodes the stored bytes of a value that is not NULL.
pub fn decode(
    sql_type: SqlType,
    scale: u8,
    code_page: Option<CodePage>,
    bytes: Cow<'_, [u8]>,
) -> Result<Value<'_>, DataError> {
    let wrong = || {
        let shown: Vec<String> = bytes.iter().take(24).map(|byte| format!("{byte:02x}")).collect();
        DataError::damaged(format!(
            "{} bytes ({}{}) are no {} value",
            bytes.len(),
            shown.concat(),
            if bytes.len() > 24 { "…" } else { "" },
            sql_type.name()
        ))
    };
    let value = match sql_type {
        SqlType::Bit => bytes.first().map(|byte| Value::Bit(byte & 1 == 1)),
        SqlType::TinyInt | SqlType::SmallInt | SqlType::Int | SqlType::BigInt => integer(sql_type, &bytes),
        SqlType::Decimal | SqlType::Numeric => Decimal::from_bytes(&bytes, scale).map(Value::Decimal),
        SqlType::Money => long(&bytes).map(|units| Value::Decimal(Decimal::from_units(units, 4))),
        SqlType::SmallMoney => int(&bytes).map(|units| Value::Decimal(Decimal::from_units(units.into(), 4))),
        SqlType::Real => exact(&bytes).map(|bytes| Value::Real(f32::from_le_bytes(bytes))),
        SqlType::Float => exact(&bytes).map(|bytes| Value::Float(f64::from_le_bytes(bytes))),
        SqlType::Date => date(&bytes).map(Value::Date),
        SqlType::Time => time(&bytes, scale).map(Value::Time),
        SqlType::DateTime => date_time(&bytes),
        SqlType::SmallDateTime => small_date_time(&bytes),
        SqlType::DateTime2 => date_time_2(&bytes, scale).map(|(date, time)| Value::DateTime2(date, time)),
        SqlType::DateTimeOffset => date_time_offset(&bytes, scale),
        SqlType::UniqueIdentifier => exact(&bytes).map(|bytes| Value::Guid(Guid(bytes))),
        SqlType::NChar | SqlType::NVarChar | SqlType::NText => Some(Value::Text(utf16(&bytes))),
        SqlType::Char | SqlType::VarChar | SqlType::Text => {
            // All code pages agree on ASCII.
            let page = code_page.or(bytes.is_ascii().then_some(CodePage(1252))).ok_or_else(|| {
                DataError::unsupported("the code page of its collation is not known, and it is not ASCII")
            })?;
            return Ok(Value::Text(code_page_text(page, bytes)));
        }
        SqlType::SqlVariant => return variant::decode(bytes),
        SqlType::Xml => return Ok(Value::Xml(bytes)),
        SqlType::Binary
        | SqlType::VarBinary
        | SqlType::Image
        | SqlType::Timestamp
        | SqlType::HierarchyId
        | SqlType::Geometry
        | SqlType::Geography
        | SqlType::Clr => return Ok(Value::Binary(bytes)),
        SqlType::Unknown(number) => {
            return Err(DataError::unsupported(format!("type number {number} is not known")));
        }
    };
    value.ok_or_else(wrong)
}

fn code_page_text(page: CodePage, bytes: Cow<'_, [u8]>) -> Cow<'_, str> {
    match bytes {
        Cow::Borrowed(bytes) => page.decode(bytes),
        Cow::Owned(bytes) => Cow::Owned(page.decode(&bytes).into_owned()),
    }
}

/// All of the bytes, if there are as many as wanted.
fn exact<const N: usize>(bytes: &[u8]) -> Option<[u8; N]> {
    bytes.try_into().ok()
}

fn int(bytes: &[u8]) -> Option<i32> {
    exact(bytes).map(i32::from_le_bytes)
}

fn long(bytes: &[u8]) -> Option<i64> {
    exact(bytes).map(i64::from_le_bytes)
}

fn integer(sql_type: SqlType, bytes: &[u8]) -> Option<Value<'static>> {
    let value = match sql_type {
        SqlType::TinyInt => i64::from(exact(bytes).map(u8::from_le_bytes)?),
        SqlType::SmallInt => i64::from(exact(bytes).map(i16::from_le_bytes)?),
        SqlType::Int => i64::from(int(bytes)?),
        _ => long(bytes)?,
    };
    Some(Value::Integer(value))
}

/// Up to eight bytes, lowest first.
fn short_number(bytes: &[u8]) -> Option<u64> {
    let mut wide = [0; 8];
    wide.get_mut(..bytes.len())?.copy_from_slice(bytes);
    Some(u64::from_le_bytes(wide))
}

fn date(bytes: &[u8]) -> Option<Date> {
    if bytes.len() != 3 {
        return None;
    }
    Date::from_days(short_number(bytes)? as u32)
}

/// Counts of 10^−scale seconds, in three to five bytes.
fn time(bytes: &[u8], scale: u8) -> Option<Time> {
    let wanted = match scale {
        0..=2 => 3,
        3..=4 => 4,
        5..=7 => 5,
        _ => return None,
    };
    if bytes.len() != wanted {
        return None;
    }
    let count = short_number(bytes)?;
    Time::from_ticks(count.checked_mul(10_u64.pow(7 - u32::from(scale)))?, scale)
}

/// Three-hundredths of a second since midnight, then days since 1900. Shown to milliseconds, rounded.
fn date_time(bytes: &[u8]) -> Option<Value<'static>> {
    let bytes: [u8; 8] = exact(bytes)?;
    let ticks = u64::from(Bytes(&bytes).u32(0)?);
    let date = Date::from_days_since_1900(int(&bytes[4..])?)?;
    let milliseconds = (ticks * 10 + 1) / 3;
    Some(Value::DateTime(date, Time::from_ticks(milliseconds * 10_000, 3)?))
}

/// Minutes since midnight, then days since 1900.
fn small_date_time(bytes: &[u8]) -> Option<Value<'static>> {
    let bytes: [u8; 4] = exact(bytes)?;
    let (minutes, days) = (Bytes(&bytes).u16(0)?, Bytes(&bytes).u16(2)?);
    let date = Date::from_days_since_1900(days.into())?;
    Some(Value::DateTime(date, Time::from_ticks(u64::from(minutes) * 60 * Time::TICKS_PER_SECOND, 3)?))
}

fn date_time_2(bytes: &[u8], scale: u8) -> Option<(Date, Time)> {
    let split = bytes.len().checked_sub(3)?;
    Some((date(&bytes[split..])?, time(&bytes[..split], scale)?))
}

/// Stored in UTC; the offset is of the clock that it is shown on.
fn date_time_offset(bytes: &[u8], scale: u8) -> Option<Value<'static>> {
    let split = bytes.len().checked_sub(2)?;
    let offset = i16::from_le_bytes([bytes[split], bytes[split + 1]]);
    let (date, time) = date_time_2(&bytes[..split], scale)?;
    let day = i128::from(Time::TICKS_PER_DAY);
    let shift = i128::from(offset) * 60 * i128::from(Time::TICKS_PER_SECOND);
    let local = i128::from(date.days()) * day + i128::from(time.ticks()) + shift;
    let local_date = Date::from_days(u32::try_from(local.div_euclid(day)).ok()?)?;
    let local_time = Time::from_ticks(u64::try_from(local.rem_euclid(day)).ok()?, scale)?;
    Some(Value::DateTimeOffset(local_date, local_time, offset))
}
