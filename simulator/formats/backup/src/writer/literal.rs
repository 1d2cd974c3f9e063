//! Values as people write them in descriptions of tables.

use std::borrow::Cow;

use super::column_type::ColumnType;
use super::encode::encode;
use crate::geometry::{self, Geometry, SpatialType};
use crate::types::{Date, Decimal, SqlType, Time, Value, decode};
use crate::value::Guid;

/// Reads a value as SQL Server's tools print it: `2026-03-02 10:00:00`, `0xCAFE`, `SRID=28355;POINT (1 2)`. It is
/// what a reader of the backup will find: a datetime rounded to three-hundredths of a second, a char with its blanks.
///
/// # Errors
/// What was expected and what came, for people.
pub fn parse(column_type: ColumnType, text: &str) -> Result<Value<'static>, String> {
    let wrong =
        |expected: &str| format!("{text:?} is no {}: expected {expected}", column_type.sql_type.name());
    let scale = column_type.scale;
    let value = match column_type.sql_type {
        SqlType::Bit => match text {
            "0" | "false" => Value::Bit(false),
            "1" | "true" => Value::Bit(true),
            _ => return Err(wrong("0, 1, false or true")),
        },
        SqlType::TinyInt | SqlType::SmallInt | SqlType::Int | SqlType::BigInt => {
            Value::Integer(text.parse().map_err(|_| wrong("a whole number"))?)
        }
        SqlType::Decimal | SqlType::Numeric | SqlType::Money | SqlType::SmallMoney => Value::Decimal(
            decimal(text, scale)
                .ok_or_else(|| wrong(&format!("a number with at most {scale} digits behind the point")))?,
        ),
        SqlType::Real => {
            let number = text.parse::<f32>().ok().filter(|number| number.is_finite());
            Value::Real(number.ok_or_else(|| wrong("a number"))?)
        }
        SqlType::Float => {
            let number = text.parse::<f64>().ok().filter(|number| number.is_finite());
            Value::Float(number.ok_or_else(|| wrong("a number"))?)
        }
        SqlType::Date => Value::Date(date(text).ok_or_else(|| wrong("a day such as 2026-03-02"))?),
        SqlType::Time => Value::Time(time(text, scale).ok_or_else(|| {
            wrong(&format!("a time such as 10:00:00, with at most {scale} digits behind the second"))
        })?),
        SqlType::DateTime | SqlType::SmallDateTime | SqlType::DateTime2 | SqlType::DateTimeOffset => {
            return moment(column_type, text);
        }
        SqlType::UniqueIdentifier => Value::Guid(
            guid(text).ok_or_else(|| wrong("an identifier such as 01234567-89ab-cdef-0123-456789abcdef"))?,
        ),
        SqlType::Geometry | SqlType::Geography => Value::Binary(Cow::Owned(spatial(column_type, text)?)),
        SqlType::Binary | SqlType::VarBinary | SqlType::Image | SqlType::Timestamp => {
            Value::Binary(Cow::Owned(bytes(text).ok_or_else(|| wrong("0x and hexadecimal digits"))?))
        }
        _ => Value::Text(Cow::Owned(text.to_owned())),
    };
    stored(column_type, &value)
}

/// The value as it comes back from a backup.
pub fn stored(column_type: ColumnType, value: &Value<'_>) -> Result<Value<'static>, String> {
    let Some(bytes) = encode(column_type, value)? else { return Ok(Value::Null) };
    let page = crate::types::CodePage(1252);
    decode(column_type.sql_type, column_type.scale, Some(page), Cow::Owned(bytes))
        .map(Value::into_owned)
        .map_err(|error| error.to_string())
}

fn spatial(column_type: ColumnType, text: &str) -> Result<Vec<u8>, String> {
    /// WGS 84, which `geography` has unless told otherwise.
    const WGS_84: i32 = 4326;
    let (spatial_type, srid) = match column_type.spatial() {
        Some(SpatialType::Geography) => (SpatialType::Geography, WGS_84),
        _ => (SpatialType::Geometry, 0),
    };
    let shape = Geometry::from_wkt(text, srid).map_err(|error| error.to_string())?;
    geometry::encode(&shape, spatial_type).map_err(|error| error.to_string())
}

fn decimal(text: &str, scale: u8) -> Option<Decimal> {
    let (is_negative, digits) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let scale_digits = usize::from(scale);
    let is_number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    if !is_number || (whole.is_empty() && fraction.is_empty()) || fraction.len() > scale_digits {
        return None;
    }
    let magnitude: u128 = format!("{whole}{fraction:0<scale_digits$}").parse().ok()?;
    Some(Decimal { is_negative: is_negative && magnitude > 0, magnitude, scale })
}

fn date(text: &str) -> Option<Date> {
    let mut parts = text.split('-');
    let (year, month, day) = (parts.next()?, parts.next()?, parts.next()?);
    if parts.next().is_some() || year.len() != 4 {
        return None;
    }
    Date::from_parts(year.parse().ok()?, month.parse().ok()?, day.parse().ok()?)
}

/// Hours and minutes, seconds or not, digits behind them or not.
fn time(text: &str, scale: u8) -> Option<Time> {
    let (clock, fraction) = text.split_once('.').unwrap_or((text, ""));
    let mut parts = clock.split(':').map(|part| part.parse::<u64>().ok().filter(|_| part.len() == 2));
    let (hour, minute) = (parts.next()??, parts.next()??);
    let second = match parts.next() {
        None => 0,
        Some(second) => second?,
    };
    let is_time = parts.next().is_none() && hour < 24 && minute < 60 && second < 60;
    let is_fraction =
        fraction.len() <= usize::from(scale) && fraction.bytes().all(|byte| byte.is_ascii_digit());
    if !is_time || !is_fraction {
        return None;
    }
    let ticks: u64 = format!("{fraction:0<7}").parse().ok()?;
    Time::from_ticks((hour * 3600 + minute * 60 + second) * Time::TICKS_PER_SECOND + ticks, scale)
}

fn moment(column_type: ColumnType, text: &str) -> Result<Value<'static>, String> {
    let scale = match column_type.sql_type {
        SqlType::DateTime => 3,
        SqlType::SmallDateTime => 0,
        _ => column_type.scale,
    };
    let has_offset = column_type.sql_type == SqlType::DateTimeOffset;
    let wrong = || {
        let offset = if has_offset { " +10:00" } else { "" };
        format!(
            "{text:?} is no {}: expected one such as 2026-03-02 10:00:00{offset}, with at most {scale} digits behind the second",
            column_type.sql_type.name()
        )
    };
    let (day, rest) = text.split_once([' ', 'T']).unwrap_or((text, "00:00"));
    let (at, offset) = match (has_offset, rest.trim().find([' ', '+', '-', 'Z'])) {
        (true, Some(split)) => (rest[..split].trim(), offset(rest[split..].trim()).ok_or_else(wrong)?),
        _ => (rest.trim(), 0),
    };
    let (day, at) = (date(day).ok_or_else(wrong)?, time(at, scale).ok_or_else(wrong)?);
    let value = match column_type.sql_type {
        SqlType::DateTime2 => Value::DateTime2(day, at),
        SqlType::DateTimeOffset => Value::DateTimeOffset(day, at, offset),
        _ => Value::DateTime(day, at),
    };
    stored(column_type, &value)
}

/// Minutes ahead of UTC.
fn offset(text: &str) -> Option<i16> {
    if text == "Z" {
        return Some(0);
    }
    let (sign, rest) = match text.split_at_checked(1)? {
        ("+", rest) => (1, rest),
        ("-", rest) => (-1, rest),
        _ => return None,
    };
    let (hours, minutes) = rest.split_once(':')?;
    let minutes = hours.parse::<i16>().ok()?.checked_mul(60)?.checked_add(minutes.parse::<i16>().ok()?)?;
    /// Fourteen hours.
    const MOST_MINUTES: i16 = 14 * 60;
    (0..=MOST_MINUTES).contains(&minutes).then_some(sign * minutes)
}

fn bytes(text: &str) -> Option<Vec<u8>> {
    hexadecimal(text.strip_prefix("0x").or_else(|| text.strip_prefix("0X"))?)
}

fn hexadecimal(digits: &str) -> Option<Vec<u8>> {
    if !digits.len().is_multiple_of(2) || !digits.is_ascii() {
        return None;
    }
    (0..digits.len()).step_by(2).map(|at| u8::from_str_radix(&digits[at..at + 2], 16).ok()).collect()
}

fn guid(text: &str) -> Option<Guid> {
    let parts: Vec<usize> = text.split('-').map(str::len).collect();
    if parts != [8, 4, 4, 4, 12] {
        return None;
    }
    let mut bytes: [u8; 16] = hexadecimal(&text.replace('-', ""))?.try_into().ok()?;
    // The first three parts are numbers, lowest byte first.
    bytes[..4].reverse();
    bytes[4..6].reverse();
    bytes[6..8].reverse();
    Some(Guid(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is printed is what was written, but for what the type rounds or fills up.
    #[test]
    fn values_are_read_as_they_are_printed() {
        for (column_type, text, printed) in [
            ("bit", "true", "1"),
            ("tinyint", "255", "255"),
            ("bigint", "-9223372036854775808", "-9223372036854775808"),
            ("decimal(10,2)", "-12.5", "-12.50"),
            ("money", "922337203685477.5807", "922337203685477.5807"),
            ("real", "0.1", "0.1"),
            ("float", "1e10", "10000000000"),
            ("date", "0001-01-01", "0001-01-01"),
            ("time(3)", "23:59:59.5", "23:59:59.500"),
            ("datetime", "2026-03-02 10:00:00.124", "2026-03-02 10:00:00.123"),
            ("smalldatetime", "2026-03-02T10:07", "2026-03-02 10:07:00.000"),
            ("datetime2(0)", "2026-03-02", "2026-03-02 00:00:00"),
            ("datetimeoffset(1)", "2026-03-02 10:00:00.5 +10:30", "2026-03-02 10:00:00.5 +10:30"),
            ("datetimeoffset(0)", "2026-03-02T10:00:00-03:00", "2026-03-02 10:00:00 -03:00"),
            ("char(4)", "ab", "ab  "),
            ("varchar(4)", "é€", "é€"),
            ("nchar(3)", "山", "山  "),
            ("binary(3)", "0xCAFE", "0xCAFE00"),
            (
                "uniqueidentifier",
                "01234567-89ab-cdef-0123-456789abcdef",
                "01234567-89ab-cdef-0123-456789abcdef",
            ),
        ] {
            let column_type = ColumnType::parse(column_type).expect(column_type);
            let value = parse(column_type, text).expect(text).to_string();
            assert!(value.starts_with(printed), "{text}: {value}");
        }
    }

    #[test]
    fn what_does_not_fit_is_told() {
        for (column_type, text, words) in [
            ("bit", "2", "0, 1, false or true"),
            ("tinyint", "256", "beyond the type's range"),
            ("int", "1.5", "a whole number"),
            ("decimal(4,2)", "123.45", "more than 4 digits"),
            ("decimal(4,2)", "1.234", "at most 2 digits"),
            ("smallmoney", "300000", "beyond the type's range"),
            ("float", "inf", "a number"),
            ("date", "2026-02-29", "a day such as"),
            ("time(0)", "10:00:00.5", "at most 0 digits"),
            ("datetime2", "yesterday", "one such as 2026-03-02 10:00:00"),
            ("smalldatetime", "2100-01-01", "days of smalldatetime"),
            ("datetimeoffset", "2026-03-02 10:00:00 +15:00", "one such as"),
            ("datetimeoffset", "0001-01-01 00:00:00 +10:00", "years 1 to 9999"),
            ("varchar(3)", "abcd", "4 bytes, where 3 fit"),
            ("varchar(3)", "山", "code page 1252"),
            ("nvarchar(2)", "abc", "3 characters, where 2 fit"),
            ("varbinary(2)", "0xCAF", "hexadecimal digits"),
            ("uniqueidentifier", "1234", "an identifier"),
            ("geometry", "POINT 1 2", "character 7: expected an opening parenthesis or EMPTY, got \"1 2\""),
            ("geometry", "POINT (1 2", "a comma or a closing parenthesis, got the end"),
            ("geometry", "SRID=x;POINT (1 2)", "a number behind SRID="),
            ("geometry", "CIRCULARSTRING (0 0, 1 1)", "arc"),
        ] {
            let parsed = ColumnType::parse(column_type).expect(column_type);
            let error = parse(parsed, text).expect_err(text);
            assert!(error.contains(words), "{column_type} {text}: {error}");
        }
    }
}
