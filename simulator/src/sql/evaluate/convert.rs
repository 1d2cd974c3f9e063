//! Values of one type to another.

use spatialcloud_tds::{ColumnType, Date, Decimal, Guid, Length, Time, Value, Variant};

use super::convert_text::{bytes_of_text, date_time_of_text, number_of_text, text_of};
use super::precedence::{is_binary, is_text, length};
use crate::sql::Halt;
use crate::sql::error::unsupported;

/// The value as one of type `to`. `style` is the third argument of CONVERT, 0 elsewhere.
pub fn convert(
    value: Value<'static>,
    from: &ColumnType,
    to: &ColumnType,
    style: i64,
) -> Result<Value<'static>, Halt> {
    use ColumnType::{
        BigInt, Binary, Bit, Char, DateTime, DateTime2, DateTimeOffset, Float, Image, Int, Money, NChar,
        NText, NVarChar, Null, Numeric, Real, SmallDateTime, SmallInt, SmallMoney, SqlVariant, Text, TinyInt,
        Udt, UniqueIdentifier, VarBinary, VarChar, Xml,
    };
    if value.is_null() || (from == to && !matches!(to, SqlVariant)) {
        return Ok(value);
    }
    // What a sql_variant holds has a type of its own.
    if let Value::Variant(variant) = value {
        let Variant { base_type, value } = *variant;
        return match to {
            SqlVariant => Ok(Value::Variant(Box::new(Variant { base_type, value }))),
            _ => convert(value, &base_type, to, style),
        };
    }
    match to {
        Null => Ok(value),
        SqlVariant => match from {
            Xml | Udt(_) | Text { .. } | NText { .. } | Image => Err(impossible(from, to)),
            _ => Ok(Value::Variant(Box::new(Variant { base_type: from.clone(), value }))),
        },
        Bit => to_bit(&value, from),
        TinyInt => to_integer(&value, from, to, (0, 255)),
        SmallInt => to_integer(&value, from, to, (i16::MIN.into(), i16::MAX.into())),
        Int => to_integer(&value, from, to, (i32::MIN.into(), i32::MAX.into())),
        BigInt => to_integer(&value, from, to, (i64::MIN, i64::MAX)),
        Money => to_decimal(&value, from, to, 19, 4),
        SmallMoney => to_decimal(&value, from, to, 10, 4),
        ColumnType::Decimal { precision, scale } | Numeric { precision, scale } => {
            to_decimal(&value, from, to, *precision, *scale)
        }
        Real => Ok(Value::Real(to_float(&value, from, to)? as f32)),
        Float => to_float(&value, from, to).map(Value::Float),
        ColumnType::Date
        | ColumnType::Time { .. }
        | DateTime
        | SmallDateTime
        | DateTime2 { .. }
        | DateTimeOffset { .. } => to_moment(value, from, to),
        UniqueIdentifier => to_guid(&value, from, to),
        Char { .. } | VarChar { .. } | NChar { .. } | NVarChar { .. } | Text { .. } | NText { .. } => {
            to_text(value, from, to, style)
        }
        Binary { .. } | VarBinary { .. } | Image => to_binary(value, from, to, style),
        Xml => match value {
            Value::Text(text) => Ok(Value::Text(text)),
            _ => Err(impossible(from, to)),
        },
        Udt(to_type) => match (value, from) {
            // The same type, in another database.
            (value, Udt(from_type)) if from_type.name == to_type.name => Ok(value),
            (Value::Binary(bytes), from) if is_binary(from) => Ok(Value::Binary(bytes)),
            _ => Err(unsupported(format_args!("making a {} of a {}", to_type.name, from.name()))),
        },
    }
}

/// 529.
fn impossible(from: &ColumnType, to: &ColumnType) -> Halt {
    let words =
        format!("Explicit conversion from data type {} to {} is not allowed.", from.name(), to.name());
    Halt::error(529, words)
}

/// 245: text that is not what it should be.
pub fn failed(value: &Value<'_>, from: &ColumnType, to: &ColumnType) -> Halt {
    let shown: String = value.to_string().chars().take(100).collect();
    let (from, to) = (from.name(), to.name());
    Halt::error(
        245,
        format!("Conversion failed when converting the {from} value '{shown}' to data type {to}."),
    )
}

/// 8115.
pub fn overflow(to: &ColumnType) -> Halt {
    Halt::error(8115, format!("Arithmetic overflow error converting expression to data type {}.", to.name()))
}

fn to_bit(value: &Value<'static>, from: &ColumnType) -> Result<Value<'static>, Halt> {
    let bit = match value {
        Value::Bit(bit) => *bit,
        Value::Text(text) if text.trim().eq_ignore_ascii_case("true") => true,
        Value::Text(text) if text.trim().eq_ignore_ascii_case("false") => false,
        other => to_float(other, from, &ColumnType::Bit)? != 0.0,
    };
    Ok(Value::Bit(bit))
}

fn to_integer(
    value: &Value<'static>,
    from: &ColumnType,
    to: &ColumnType,
    (least, most): (i64, i64),
) -> Result<Value<'static>, Halt> {
    let integer = match value {
        Value::Bit(bit) => Some(i64::from(*bit)),
        Value::Integer(integer) => Some(*integer),
        Value::Decimal(decimal) => {
            let power = 10_u128.checked_pow(decimal.scale.into()).ok_or_else(|| overflow(to))?;
            Decimal { magnitude: decimal.magnitude / power, scale: 0, ..*decimal }.units()
        }
        Value::Real(number) => whole(f64::from(*number)),
        Value::Float(number) => whole(*number),
        Value::Text(text) => {
            let text = text.trim();
            let text = if text.is_empty() { "0" } else { text };
            Some(text.parse().map_err(|_| failed(value, from, to))?)
        }
        // The last bytes count.
        Value::Binary(bytes) => {
            let last = bytes.get(bytes.len().saturating_sub(8)..).unwrap_or_default();
            Some(last.iter().fold(0_i64, |number, byte| (number << 8) | i64::from(*byte)))
        }
        _ => return Err(impossible(from, to)),
    };
    let fits = integer.filter(|integer| (least..=most).contains(integer));
    fits.map(Value::Integer).ok_or_else(|| overflow(to))
}

fn whole(number: f64) -> Option<i64> {
    let number = number.trunc();
    ((-9.3e18..9.3e18).contains(&number) && number.abs() < 9_223_372_036_854_775_807.0)
        .then_some(number as i64)
}

fn to_decimal(
    value: &Value<'static>,
    from: &ColumnType,
    to: &ColumnType,
    precision: u8,
    scale: u8,
) -> Result<Value<'static>, Halt> {
    let decimal = match value {
        Value::Bit(bit) => Some(Decimal::from_units((*bit).into(), 0)),
        Value::Integer(integer) => Some(Decimal::from_units(*integer, 0)),
        Value::Decimal(decimal) => Some(*decimal),
        Value::Real(number) => number_of_text(&format!("{number:.*}", usize::from(scale))),
        Value::Float(number) => number_of_text(&format!("{number:.*}", usize::from(scale))),
        Value::Text(text) => Some(number_of_text(text.trim()).ok_or_else(|| match from {
            _ if matches!(to, ColumnType::Money | ColumnType::SmallMoney) => {
                Halt::error(235, "Cannot convert a char value to money. The char value has incorrect syntax.")
            }
            from => {
                Halt::error(8114, format!("Error converting data type {} to {}.", from.name(), to.name()))
            }
        })?),
        _ => return Err(impossible(from, to)),
    };
    let fits = decimal
        .and_then(|decimal| decimal.rescaled(scale))
        .filter(|decimal| decimal.digits() <= precision)
        .filter(|decimal| match to {
            ColumnType::Money => decimal.units().is_some(),
            ColumnType::SmallMoney => decimal.units().is_some_and(|units| i32::try_from(units).is_ok()),
            _ => true,
        });
    fits.map(Value::Decimal).ok_or_else(|| overflow(to))
}

/// As a number with a floating point.
pub fn to_float(value: &Value<'static>, from: &ColumnType, to: &ColumnType) -> Result<f64, Halt> {
    match value {
        Value::Bit(bit) => Ok(f64::from(u8::from(*bit))),
        Value::Integer(integer) => Ok(*integer as f64),
        Value::Decimal(decimal) => decimal.to_string().parse().map_err(|_| overflow(to)),
        Value::Real(number) => Ok(f64::from(*number)),
        Value::Float(number) => Ok(*number),
        Value::Text(text) => {
            let number: Option<f64> = text.trim().parse().ok();
            let number = number.filter(|number| number.is_finite());
            let words = format!("Error converting data type {} to {}.", from.name(), to.name());
            number.ok_or_else(|| Halt::error(8114, words))
        }
        _ => Err(impossible(from, to)),
    }
}

/// A date, a time of day, minutes ahead of UTC.
type Moment = (Date, Time, i16);

fn to_moment(value: Value<'static>, from: &ColumnType, to: &ColumnType) -> Result<Value<'static>, Halt> {
    let midnight = || Time::from_ticks(0, 0).ok_or_else(|| overflow(to));
    let first_day = || Date::from_parts(1900, 1, 1).ok_or_else(|| overflow(to));
    let (date, time, offset): Moment = match &value {
        Value::Date(date) => (*date, midnight()?, 0),
        Value::Time(time) => (first_day()?, *time, 0),
        Value::DateTime(date, time) => (*date, *time, 0),
        Value::DateTimeOffset(date, time, offset) => (*date, *time, *offset),
        Value::Text(text) => date_time_of_text(text.trim()).ok_or_else(|| {
            Halt::error(241, "Conversion failed when converting date and/or time from character string.")
        })?,
        // Days since 1900, as old programs count.
        Value::Integer(days) if matches!(to, ColumnType::DateTime | ColumnType::SmallDateTime) => {
            let days = days.checked_add(693_595).and_then(|days| u32::try_from(days).ok());
            (days.and_then(Date::from_days).ok_or_else(|| overflow(to))?, midnight()?, 0)
        }
        _ => return Err(impossible(from, to)),
    };
    let scaled = |scale: u8| {
        let step = 10_u64.pow(u32::from(7 - scale.min(7)));
        // Rounded, as SQL Server does; the last moment of a day stays in it.
        let rounded = (time.ticks() + step / 2) / step * step;
        let ticks = if rounded >= Time::TICKS_PER_DAY { time.ticks() / step * step } else { rounded };
        Time::from_ticks(ticks, scale).ok_or_else(|| overflow(to))
    };
    Ok(match to {
        ColumnType::Date => Value::Date(date),
        ColumnType::Time { scale } => Value::Time(scaled(*scale)?),
        ColumnType::DateTime2 { scale } => Value::DateTime(date, scaled(*scale)?),
        ColumnType::DateTimeOffset { scale } => Value::DateTimeOffset(date, scaled(*scale)?, offset),
        ColumnType::DateTime if date.parts().0 < 1753 => return Err(out_of_range(to)),
        ColumnType::DateTime => {
            let thirds = (time.ticks() * 3 + 50_000) / 100_000;
            let milliseconds = ((thirds * 10 + 1) / 3).min(86_399_997);
            Value::DateTime(date, Time::from_ticks(milliseconds * 10_000, 3).ok_or_else(|| overflow(to))?)
        }
        _ if !(1900..2079).contains(&date.parts().0) => return Err(out_of_range(to)),
        _ => {
            let minute = 60 * Time::TICKS_PER_SECOND;
            let minutes = ((time.ticks() + minute / 2) / minute).min(24 * 60 - 1);
            Value::DateTime(date, Time::from_ticks(minutes * minute, 0).ok_or_else(|| overflow(to))?)
        }
    })
}

/// 242.
fn out_of_range(to: &ColumnType) -> Halt {
    let words = format!("The conversion to a {} data type resulted in an out-of-range value.", to.name());
    Halt::error(242, words)
}

fn to_guid(value: &Value<'static>, from: &ColumnType, to: &ColumnType) -> Result<Value<'static>, Halt> {
    match value {
        Value::Guid(guid) => Ok(Value::Guid(*guid)),
        Value::Binary(bytes) => {
            let bytes = <[u8; 16]>::try_from(&bytes[..]).map_err(|_| failed(value, from, to))?;
            Ok(Value::Guid(Guid(bytes)))
        }
        Value::Text(text) => {
            let text = text.trim().trim_start_matches('{').trim_end_matches('}');
            let groups: Vec<usize> = text.split('-').map(str::len).collect();
            let wrong = || {
                Halt::error(
                    8169,
                    "Conversion failed when converting from a character string to uniqueidentifier.",
                )
            };
            if groups != [8, 4, 4, 4, 12] {
                return Err(wrong());
            }
            let number = u128::from_str_radix(&text.replace('-', ""), 16).map_err(|_| wrong())?;
            let [a, b, c, d, e, f, g, h, rest @ ..] = number.to_be_bytes();
            let mut bytes = [d, c, b, a, f, e, h, g, 0, 0, 0, 0, 0, 0, 0, 0];
            if let Some(place) = bytes.get_mut(8..) {
                place.copy_from_slice(&rest);
            }
            Ok(Value::Guid(Guid(bytes)))
        }
        _ => Err(impossible(from, to)),
    }
}

fn to_text(
    value: Value<'static>,
    from: &ColumnType,
    to: &ColumnType,
    style: i64,
) -> Result<Value<'static>, Halt> {
    let is_number = !is_text(from) && !is_binary(from) && !matches!(from, ColumnType::Xml);
    let text = text_of(value, from, style)?;
    let most = match length(to) {
        Some(Length::Of(most)) => usize::from(most),
        _ => usize::MAX,
    };
    let units = text.encode_utf16().count();
    if units <= most {
        return Ok(Value::from(text));
    }
    if is_number && !matches!(from, ColumnType::UniqueIdentifier) {
        return Err(overflow(to));
    }
    Ok(Value::from(text.chars().take(most).collect::<String>()))
}

fn to_binary(
    value: Value<'static>,
    from: &ColumnType,
    to: &ColumnType,
    style: i64,
) -> Result<Value<'static>, Halt> {
    let (bytes, counts_from_end) = match value {
        Value::Binary(bytes) => (bytes.into_owned(), false),
        Value::Text(text) => {
            (bytes_of_text(&text, from, style).ok_or_else(|| failed(&Value::Text(text), from, to))?, false)
        }
        Value::Guid(guid) => (guid.0.to_vec(), false),
        Value::Bit(bit) => (vec![u8::from(bit)], true),
        Value::Integer(number) => {
            let size = match from {
                ColumnType::TinyInt => 1,
                ColumnType::SmallInt => 2,
                ColumnType::Int => 4,
                _ => 8,
            };
            (number.to_be_bytes().into_iter().skip(8 - size).collect(), true)
        }
        _ => return Err(impossible(from, to)),
    };
    let most = match length(to) {
        Some(Length::Of(most)) => usize::from(most),
        _ => usize::MAX,
    };
    let cut = match bytes.len().checked_sub(most) {
        // Numbers lose what is first.
        Some(excess) if counts_from_end => bytes.get(excess..).unwrap_or_default().to_vec(),
        Some(_) => bytes.get(..most).unwrap_or_default().to_vec(),
        None => bytes,
    };
    let padded = match to {
        ColumnType::Binary { length } if cut.len() < usize::from(*length) => {
            let zeros = vec![0; usize::from(*length) - cut.len()];
            if counts_from_end { [zeros, cut].concat() } else { [cut, zeros].concat() }
        }
        _ => cut,
    };
    Ok(Value::Binary(padded.into()))
}
