//! A value of a result, as text and as JSON.

use std::fmt;

use jiff::Span;
use jiff::civil;
use serde_json::{Number, Value as Json, json};
use tiberius::{ColumnData, ColumnType};

/// A value.
#[derive(Clone, Debug, PartialEq)]
pub enum Cell {
    /// NULL.
    Null,
    /// bit
    Flag(bool),
    /// tinyint, smallint, int, bigint
    Integer(i64),
    /// real
    Real(f32),
    /// float
    Float(f64),
    /// decimal, numeric, money: its digits, all of them.
    Decimal(String),
    /// Texts; dates and times as CONVERT's style 121 writes them; uniqueidentifier in capitals; xml.
    Text(String),
    /// Bytes, and CLR types as they are stored.
    Bytes(Vec<u8>),
}

impl fmt::Display for Cell {
    /// As SQL Server's own tools write it.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Cell::Null => formatter.write_str("NULL"),
            Cell::Flag(flag) => write!(formatter, "{}", u8::from(*flag)),
            Cell::Integer(value) => write!(formatter, "{value}"),
            Cell::Real(value) => write!(formatter, "{value}"),
            Cell::Float(value) => write!(formatter, "{value}"),
            Cell::Decimal(text) | Cell::Text(text) => formatter.write_str(text),
            Cell::Bytes(bytes) => {
                formatter.write_str("0x")?;
                bytes.iter().try_for_each(|byte| write!(formatter, "{byte:02X}"))
            }
        }
    }
}

impl Cell {
    /// Decimals are text, since JSON's numbers are not exact everywhere; so are bytes, dates and times.
    pub fn to_json(&self) -> Json {
        let number = |value: f64| Number::from_f64(value).map_or(Json::Null, Json::Number);
        match self {
            Cell::Null => Json::Null,
            Cell::Flag(flag) => json!(flag),
            Cell::Integer(value) => json!(value),
            // By way of text, so that 0.1 stays 0.1.
            Cell::Real(value) => value.to_string().parse().map_or(Json::Null, number),
            Cell::Float(value) => number(*value),
            Cell::Decimal(_) | Cell::Text(_) | Cell::Bytes(_) => json!(self.to_string()),
        }
    }

    /// Whether a scenario file means this value by `wanted`: numbers by what they are worth, all else as text.
    pub fn is(&self, wanted: &Json) -> bool {
        let text = match wanted {
            Json::Null => return *self == Cell::Null,
            _ if *self == Cell::Null => return false,
            Json::Bool(wanted) => return *self == Cell::Flag(*wanted),
            Json::String(text) => text.clone(),
            other => other.to_string(),
        };
        let own = self.to_string();
        match self {
            Cell::Text(_) => own == text,
            Cell::Bytes(_) => own.eq_ignore_ascii_case(&text),
            Cell::Decimal(_) | Cell::Integer(_) => trimmed(&own) == trimmed(&text),
            _ => own == text || own.parse::<f64>().is_ok_and(|own| text.parse() == Ok(own)),
        }
    }

    /// Whether it is a number.
    pub fn as_integer(&self) -> Option<i64> {
        match self {
            Cell::Integer(value) => Some(*value),
            Cell::Flag(flag) => Some(i64::from(*flag)),
            Cell::Decimal(text) => text.parse().ok(),
            _ => None,
        }
    }

    pub(crate) fn of(value: &ColumnData<'_>, column_type: ColumnType) -> Cell {
        let is_money = matches!(column_type, ColumnType::Money | ColumnType::Money4);
        let cell = match value {
            ColumnData::U8(value) => value.map(|value| Cell::Integer(value.into())),
            ColumnData::I16(value) => value.map(|value| Cell::Integer(value.into())),
            ColumnData::I32(value) => value.map(|value| Cell::Integer(value.into())),
            ColumnData::I64(value) => value.map(Cell::Integer),
            ColumnData::F32(value) => value.map(Cell::Real),
            ColumnData::F64(value) if is_money => value.map(|value| Cell::Decimal(format!("{value:.4}"))),
            ColumnData::F64(value) => value.map(Cell::Float),
            ColumnData::Bit(value) => value.map(Cell::Flag),
            ColumnData::String(value) => value.as_ref().map(|text| Cell::Text(text.to_string())),
            ColumnData::Guid(value) => value.map(|value| Cell::Text(value.to_string().to_uppercase())),
            ColumnData::Binary(value) => value.as_ref().map(|bytes| Cell::Bytes(bytes.to_vec())),
            ColumnData::Numeric(value) => {
                value.map(|value| Cell::Decimal(decimal(value.value(), value.scale())))
            }
            ColumnData::Xml(value) => value.as_ref().map(|value| Cell::Text(value.to_string())),
            ColumnData::DateTime(value) => value.map(|value| Cell::Text(datetime(value))),
            ColumnData::SmallDateTime(value) => value.map(|value| {
                let date = date_from(1900, i64::from(value.days()));
                let minutes = value.seconds_fragments();
                Cell::Text(format!("{date} {:02}:{:02}:00", minutes / 60, minutes % 60))
            }),
            ColumnData::Time(value) => value.map(|value| Cell::Text(time(value))),
            ColumnData::Date(value) => value.map(|value| Cell::Text(date_from(1, i64::from(value.days())))),
            ColumnData::DateTime2(value) => value.map(|value| {
                Cell::Text(format!("{} {}", date_from(1, i64::from(value.date().days())), time(value.time())))
            }),
            ColumnData::DateTimeOffset(value) => value.map(|value| Cell::Text(datetimeoffset(value))),
        };
        cell.unwrap_or(Cell::Null)
    }
}

/// A number's digits without those that change nothing.
fn trimmed(number: &str) -> &str {
    let number = match number.contains('.') {
        true => number.trim_end_matches('0').trim_end_matches('.'),
        false => number,
    };
    if number == "-0" { "0" } else { number }
}

fn decimal(value: i128, scale: u8) -> String {
    let scale = usize::from(scale);
    let digits = value.unsigned_abs().to_string();
    let digits = format!("{digits:0>width$}", width = scale + 1);
    let (whole, behind) = digits.split_at(digits.len() - scale);
    let sign = if value < 0 { "-" } else { "" };
    if behind.is_empty() { format!("{sign}{whole}") } else { format!("{sign}{whole}.{behind}") }
}

/// The day so many days after the first of January of `year`; servers send none outside the years 1 to 9999.
fn date_from(year: i16, days: i64) -> String {
    let day = Span::new().try_days(days).ok().and_then(|days| civil::date(year, 1, 1).checked_add(days).ok());
    day.map_or_else(|| format!("day {days} after {year}"), |day| day.to_string())
}

fn datetime(value: tiberius::time::DateTime) -> String {
    // Three hundredths of a second, shown in milliseconds as SQL Server rounds them.
    let ticks = value.seconds_fragments();
    let milliseconds = (u64::from(ticks) * 10 + 1) / 3;
    let (seconds, milliseconds) = (milliseconds / 1000, milliseconds % 1000);
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    let date = date_from(1900, i64::from(value.days()));
    format!("{date} {hours:02}:{minutes:02}:{seconds:02}.{milliseconds:03}")
}

fn time(value: tiberius::time::Time) -> String {
    let scale = u32::from(value.scale());
    let unit = 10_u64.pow(scale.min(9));
    let (seconds, behind) = (value.increments() / unit, value.increments() % unit);
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    match scale {
        0 => format!("{hours:02}:{minutes:02}:{seconds:02}"),
        scale => format!("{hours:02}:{minutes:02}:{seconds:02}.{behind:0width$}", width = scale as usize),
    }
}

/// On the wire it is in universal time; people write the time of the place.
fn datetimeoffset(value: tiberius::time::DateTimeOffset) -> String {
    let (utc, offset) = (value.datetime2(), value.offset());
    let sign = if offset < 0 { '-' } else { '+' };
    let zone = format!("{sign}{:02}:{:02}", offset.unsigned_abs() / 60, offset.unsigned_abs() % 60);
    let unit = 10_i64.pow(u32::from(utc.time().scale()).min(9));
    let day = 86_400 * unit;
    let local = i64::try_from(utc.time().increments()).unwrap_or(0) + i64::from(offset) * 60 * unit;
    let days = i64::from(utc.date().days()) + local.div_euclid(day);
    let increments = u64::try_from(local.rem_euclid(day)).unwrap_or(0);
    let time = time(tiberius::time::Time::new(increments, utc.time().scale()));
    format!("{} {time} {zone}", date_from(1, days))
}

#[cfg(test)]
mod tests {
    use super::*;
    use tiberius::numeric::Numeric;
    use tiberius::time::{Date, DateTime, DateTime2, DateTimeOffset, SmallDateTime, Time};

    #[test]
    fn values_are_written_as_sql_server_writes_them() {
        let cell = |value: ColumnData<'static>| Cell::of(&value, ColumnType::Null).to_string();
        let at = |increments, scale| Time::new(increments, scale);
        for (value, text) in [
            (ColumnData::I32(None), "NULL"),
            (ColumnData::Bit(Some(true)), "1"),
            (ColumnData::Numeric(Some(Numeric::new_with_scale(-5, 3))), "-0.005"),
            (ColumnData::Numeric(Some(Numeric::new_with_scale(120_050, 2))), "1200.50"),
            (ColumnData::Numeric(Some(Numeric::new_with_scale(7, 0))), "7"),
            (ColumnData::Binary(Some(vec![1, 0xab].into())), "0x01AB"),
            (ColumnData::Date(Some(Date::new(738_944))), "2024-02-29"),
            (ColumnData::DateTime(Some(DateTime::new(0, 1))), "1900-01-01 00:00:00.003"),
            (ColumnData::DateTime(Some(DateTime::new(-53_690, 299))), "1753-01-01 00:00:00.997"),
            (ColumnData::SmallDateTime(Some(SmallDateTime::new(1, 61))), "1900-01-02 01:01:00"),
            (ColumnData::Time(Some(at(36_610_005, 3))), "10:10:10.005"),
            (ColumnData::Time(Some(at(61, 0))), "00:01:01"),
            (
                ColumnData::DateTime2(Some(DateTime2::new(Date::new(0), at(1, 7)))),
                "0001-01-01 00:00:00.0000001",
            ),
            (
                ColumnData::DateTimeOffset(Some(DateTimeOffset::new(
                    DateTime2::new(Date::new(738_944), at(86_399, 0)),
                    660,
                ))),
                "2024-03-01 10:59:59 +11:00",
            ),
            (
                ColumnData::DateTimeOffset(Some(DateTimeOffset::new(
                    DateTime2::new(Date::new(738_944), at(0, 0)),
                    -90,
                ))),
                "2024-02-28 22:30:00 -01:30",
            ),
        ] {
            assert_eq!(cell(value), text);
        }
        let money = Cell::of(&ColumnData::F64(Some(12.5)), ColumnType::Money);
        assert_eq!(money, Cell::Decimal("12.5000".to_owned()));
    }

    #[test]
    fn numbers_agree_by_what_they_are_worth_and_texts_letter_by_letter() {
        let text = |text: &str| Cell::Text(text.to_owned());
        let decimal = |text: &str| Cell::Decimal(text.to_owned());
        for (cell, wanted, agrees) in [
            (Cell::Integer(1200), json!(1200), true),
            (Cell::Integer(1200), json!("1200"), true),
            (Cell::Integer(0), json!(null), false),
            (Cell::Null, json!(null), true),
            (Cell::Null, json!("NULL"), false),
            (decimal("1.50"), json!(1.5), true),
            (decimal("1.50"), json!("1.5"), true),
            (decimal("1.51"), json!(1.5), false),
            (decimal("100"), json!(1), false),
            (Cell::Float(0.1), json!(0.1), true),
            (Cell::Flag(true), json!(true), true),
            (Cell::Flag(true), json!(1), true),
            (text("1.50"), json!("1.5"), false),
            (text("Zoë"), json!("Zoë"), true),
            (text("Zoë"), json!("zoë"), false),
            (Cell::Bytes(vec![0xab]), json!("0xab"), true),
        ] {
            assert_eq!(cell.is(&wanted), agrees, "{cell:?} and {wanted}");
        }
    }
}
