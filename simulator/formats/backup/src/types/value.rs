//! Values as rows give them.

use std::borrow::Cow;
use std::fmt;

use super::{Date, Decimal, SqlType, Time};
use crate::value::Guid;

/// A value. What it borrows is on the page; what had to be put together is owned.
#[derive(Clone, Debug, PartialEq)]
pub enum Value<'a> {
    /// No value.
    Null,
    /// bit.
    Bit(bool),
    /// tinyint, smallint, int, bigint.
    Integer(i64),
    /// decimal, numeric; money and smallmoney with four digits behind the point.
    Decimal(Decimal),
    /// real.
    Real(f32),
    /// float.
    Float(f64),
    /// date.
    Date(Date),
    /// time.
    Time(Time),
    /// datetime, to three hundredths of a second, and smalldatetime, to minutes.
    DateTime(Date, Time),
    /// datetime2.
    DateTime2(Date, Time),
    /// datetimeoffset: date and time on the clock of its zone, and that zone's minutes ahead of UTC.
    DateTimeOffset(Date, Time, i16),
    /// uniqueidentifier.
    Guid(Guid),
    /// Text of every type. UTF-16 that is not well formed has U+FFFD in those places.
    Text(Cow<'a, str>),
    /// binary, varbinary, image, timestamp, and CLR types as they are serialized.
    Binary(Cow<'a, [u8]>),
    /// xml, as SQL Server stores it; [`crate::xml_text`] makes text of it.
    Xml(Cow<'a, [u8]>),
    /// sql_variant.
    Variant(Box<Variant<'a>>),
}

/// What a sql_variant holds.
#[derive(Clone, Debug, PartialEq)]
pub struct Variant<'a> {
    /// Its type; never another sql_variant.
    pub base_type: SqlType,
    /// Its value.
    pub value: Value<'a>,
}

impl Value<'_> {
    /// The same, with nothing borrowed.
    pub fn into_owned(self) -> Value<'static> {
        match self {
            Value::Null => Value::Null,
            Value::Bit(value) => Value::Bit(value),
            Value::Integer(value) => Value::Integer(value),
            Value::Decimal(value) => Value::Decimal(value),
            Value::Real(value) => Value::Real(value),
            Value::Float(value) => Value::Float(value),
            Value::Date(date) => Value::Date(date),
            Value::Time(time) => Value::Time(time),
            Value::DateTime(date, time) => Value::DateTime(date, time),
            Value::DateTime2(date, time) => Value::DateTime2(date, time),
            Value::DateTimeOffset(date, time, offset) => Value::DateTimeOffset(date, time, offset),
            Value::Guid(guid) => Value::Guid(guid),
            Value::Text(text) => Value::Text(Cow::Owned(text.into_owned())),
            Value::Binary(bytes) => Value::Binary(Cow::Owned(bytes.into_owned())),
            Value::Xml(bytes) => Value::Xml(Cow::Owned(bytes.into_owned())),
            Value::Variant(variant) => Value::Variant(Box::new(Variant {
                base_type: variant.base_type,
                value: variant.value.into_owned(),
            })),
        }
    }
}

/// As SQL Server's tools show values: bytes in hexadecimal, `NULL` for none.
impl fmt::Display for Value<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Value::Null => formatter.write_str("NULL"),
            Value::Bit(bit) => write!(formatter, "{}", u8::from(*bit)),
            Value::Integer(value) => write!(formatter, "{value}"),
            Value::Decimal(value) => write!(formatter, "{value}"),
            Value::Real(value) => write!(formatter, "{value}"),
            Value::Float(value) => write!(formatter, "{value}"),
            Value::Date(date) => write!(formatter, "{date}"),
            Value::Time(time) => write!(formatter, "{time}"),
            Value::DateTime(date, time) | Value::DateTime2(date, time) => write!(formatter, "{date} {time}"),
            Value::DateTimeOffset(date, time, offset) => {
                let (sign, minutes) = (if *offset < 0 { '-' } else { '+' }, offset.unsigned_abs());
                write!(formatter, "{date} {time} {sign}{:02}:{:02}", minutes / 60, minutes % 60)
            }
            Value::Guid(guid) => write!(formatter, "{guid}"),
            Value::Text(text) => formatter.write_str(text),
            Value::Xml(bytes) => match super::xml_text(bytes) {
                Ok(text) => formatter.write_str(&text),
                Err(_) => hexadecimal(bytes, formatter),
            },
            Value::Binary(bytes) => hexadecimal(bytes, formatter),
            Value::Variant(variant) => variant.value.fmt(formatter),
        }
    }
}

fn hexadecimal(bytes: &[u8], formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
    formatter.write_str("0x")?;
    bytes.iter().try_for_each(|byte| write!(formatter, "{byte:02X}"))
}
