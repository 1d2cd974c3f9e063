//! Values to text and back.

use spatialcloud_tds::{Collation, ColumnType, Date, Decimal, Time, Value};

use crate::sql::Halt;
use crate::sql::error::unsupported;

/// A value as text, in a style of CONVERT.
pub fn text_of(value: Value<'static>, from: &ColumnType, style: i64) -> Result<String, Halt> {
    Ok(match value {
        Value::Text(text) => text.into_owned(),
        Value::Real(number) => float_text(f64::from(number), 6),
        Value::Float(number) => float_text(number, if style == 0 { 6 } else { 15 }),
        Value::Decimal(decimal) if matches!(from, ColumnType::Money | ColumnType::SmallMoney) => {
            // Money is shown with two digits unless more are asked for.
            let scale = if style == 2 { 4 } else { 2 };
            decimal.rescaled(scale).unwrap_or(decimal).to_string()
        }
        Value::Binary(bytes) => match style {
            0 => Collation::LATIN1.decode(&bytes).into_owned(),
            1 => Value::Binary(bytes).to_string(),
            2 => Value::Binary(bytes).to_string().split_off(2),
            _ => return Err(style_error(style, "binary")),
        },
        Value::DateTime(date, time) => date_time_text(date, time, from, style)?,
        Value::Date(_) | Value::Time(_) | Value::DateTimeOffset(..) => match style {
            0 | 20 | 21 | 23 | 120 | 121 | 126 => value.to_string(),
            _ => return Err(style_error(style, from.name())),
        },
        other => other.to_string(),
    })
}

fn style_error(style: i64, of: &str) -> Halt {
    unsupported(format_args!("style {style} of CONVERT for {of}"))
}

const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

fn date_time_text(date: Date, time: Time, from: &ColumnType, style: i64) -> Result<String, Halt> {
    let is_new = matches!(from, ColumnType::DateTime2 { .. });
    let whole_seconds = time.to_string().chars().take(8).collect::<String>();
    Ok(match style {
        0 if is_new => format!("{date} {time}"),
        0 | 100 => {
            let (year, month, day) = date.parts();
            let minutes = time.ticks() / Time::TICKS_PER_SECOND / 60;
            let (hour, minute) = (minutes / 60, minutes % 60);
            let month = MONTHS.get(usize::from(month) - 1).copied().unwrap_or_default();
            let half = if hour < 12 { "AM" } else { "PM" };
            let hour = if hour % 12 == 0 { 12 } else { hour % 12 };
            format!("{month} {day:>2} {year} {hour:>2}:{minute:02}{half}")
        }
        20 | 120 => format!("{date} {whole_seconds}"),
        21 | 25 | 121 => format!("{date} {time}"),
        23 => date.to_string(),
        126 => format!("{date}T{time}"),
        112 => date.to_string().replace('-', ""),
        108 => whole_seconds,
        _ => return Err(style_error(style, from.name())),
    })
}

/// With so many digits that count, as C's `%g` writes them.
fn float_text(number: f64, digits: i32) -> String {
    if number == 0.0 {
        return "0".to_owned();
    }
    let exponent = number.abs().log10().floor() as i32;
    if (-5..digits).contains(&exponent) {
        let text = format!("{number:.*}", usize::try_from(digits - 1 - exponent).unwrap_or(0));
        return match text.contains('.') {
            true => text.trim_end_matches('0').trim_end_matches('.').to_owned(),
            false => text,
        };
    }
    let text = format!("{number:.*e}", usize::try_from(digits - 1).unwrap_or(0));
    let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let mantissa = mantissa.trim_end_matches('0').trim_end_matches('.');
    let (sign, size) = exponent.strip_prefix('-').map_or(('+', exponent), |size| ('-', size));
    format!("{mantissa}e{sign}{size:0>3}")
}

/// Digits with a sign and a point.
pub fn number_of_text(text: &str) -> Option<Decimal> {
    let (is_negative, digits) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let all = [whole, fraction].concat();
    if all.is_empty() || !all.bytes().all(|byte| byte.is_ascii_digit()) || fraction.len() > 38 {
        return None;
    }
    let magnitude: u128 = all.parse().ok()?;
    // Zero has no sign.
    let decimal =
        Decimal { is_negative: is_negative && magnitude > 0, magnitude, scale: fraction.len() as u8 };
    (decimal.digits() <= 38).then_some(decimal)
}

/// Bytes of a text: its letters, or what its hexadecimal digits say in the styles 1 and 2.
pub fn bytes_of_text(text: &str, from: &ColumnType, style: i64) -> Option<Vec<u8>> {
    let digits = match style {
        1 => text.strip_prefix("0x").or_else(|| text.strip_prefix("0X"))?,
        2 => text,
        _ => {
            return Some(match from {
                ColumnType::NChar { .. } | ColumnType::NVarChar { .. } | ColumnType::NText { .. } => {
                    text.encode_utf16().flat_map(u16::to_le_bytes).collect()
                }
                _ => Collation::LATIN1.encode(text).into_owned(),
            });
        }
    };
    if digits.len() % 2 != 0 {
        return None;
    }
    let pairs = digits.as_bytes().chunks(2);
    pairs.map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()).collect()
}

/// `2026-03-02`, `20260302`, `16:00`, `16:00:01.5`, both with a space or a T between them, and `+10:00` or Z.
pub fn date_time_of_text(text: &str) -> Option<(Date, Time, i16)> {
    let (text, offset) = split_offset(text)?;
    let (date, time) = match text.split_once(['T', ' ']) {
        Some((date, time)) => (Some(date), Some(time.trim())),
        None if text.contains(':') => (None, Some(text)),
        None => (Some(text), None),
    };
    let date = match date {
        Some(date) => date_of_text(date)?,
        None => Date::from_parts(1900, 1, 1)?,
    };
    let time = match time {
        Some(time) => time_of_text(time)?,
        None => Time::from_ticks(0, 0)?,
    };
    Some((date, time, offset))
}

fn split_offset(text: &str) -> Option<(&str, i16)> {
    if let Some(text) = text.strip_suffix('Z') {
        return Some((text, 0));
    }
    // A sign behind a colon: those of dates stand before any.
    let Some(colon) = text.find(':') else { return Some((text, 0)) };
    let Some(sign) = text.get(colon..)?.find(['+', '-']).map(|at| at + colon) else { return Some((text, 0)) };
    let (before, offset) = text.split_at_checked(sign)?;
    let (hours, minutes) = offset.get(1..)?.split_once(':')?;
    let (hours, minutes): (i16, i16) = (hours.parse().ok()?, minutes.parse().ok()?);
    let total = hours.checked_mul(60)?.checked_add(minutes)?;
    if !(0..60).contains(&minutes) || !(0..=840).contains(&total) {
        return None;
    }
    Some((before.trim_end(), if offset.starts_with('-') { -total } else { total }))
}

fn date_of_text(text: &str) -> Option<Date> {
    let parts: Vec<&str> = match text.len() {
        8 if text.is_ascii() && !text.contains('-') => vec![text.get(..4)?, text.get(4..6)?, text.get(6..)?],
        _ => text.split('-').collect(),
    };
    let [year, month, day] = parts[..] else { return None };
    if year.len() != 4 {
        return None;
    }
    Date::from_parts(year.parse().ok()?, month.parse().ok()?, day.parse().ok()?)
}

fn time_of_text(text: &str) -> Option<Time> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    if fraction.len() > 7 || !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let mut parts = whole.split(':');
    let hour: u64 = parts.next()?.parse().ok()?;
    let minute: u64 = parts.next()?.parse().ok()?;
    let second: u64 = parts.next().map_or(Some(0), |second| second.parse().ok())?;
    if parts.next().is_some() || hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let fraction: u64 = format!("{fraction:0<7}").parse().ok()?;
    Time::from_ticks(((hour * 60 + minute) * 60 + second) * Time::TICKS_PER_SECOND + fraction, 7)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn floats_are_written_as_sql_server_writes_them() {
        let six = |number| float_text(number, 6);
        assert_eq!((six(1.5), six(0.0), six(-2.0)), ("1.5".to_owned(), "0".to_owned(), "-2".to_owned()));
        assert_eq!((six(1_234_567.0), six(0.1 + 0.2)), ("1.23457e+006".to_owned(), "0.3".to_owned()));
        assert_eq!(six(0.000_001), "1e-006");
    }

    #[test]
    fn dates_are_read() {
        let read =
            |text| date_time_of_text(text).map(|(date, time, offset)| format!("{date} {time} {offset}"));
        assert_eq!(read("2026-03-02").as_deref(), Some("2026-03-02 00:00:00 0"));
        assert_eq!(read("20260302 16:00").as_deref(), Some("2026-03-02 16:00:00.0000000 0"));
        assert_eq!(read("2026-03-02T16:00:01.5+10:00").as_deref(), Some("2026-03-02 16:00:01.5000000 600"));
        assert_eq!(read("16:00:01").as_deref(), Some("1900-01-01 16:00:01.0000000 0"));
        for wrong in ["", "2026-02-30", "26-03-02", "24:00", "2026-03-02 1", "1:2:3:4", "10:00+99:00"] {
            assert_eq!(read(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn numbers_are_read() {
        let read = |text| number_of_text(text).map(|number| number.to_string());
        assert_eq!(read("-12.50").as_deref(), Some("-12.50"));
        assert_eq!(read("+.5").as_deref(), Some("0.5"));
        assert_eq!((read(""), read("."), read("1e3"), read("--1")), (None, None, None, None));
    }
}
