//! Values of columns and parameters.

use std::borrow::Cow;
use std::fmt;

use super::{ColumnType, Date, Decimal, Time};

/// A uniqueidentifier, in SQL Server's order of bytes: the first three groups lowest byte first.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Guid(pub [u8; 16]);

/// As SQL Server shows it.
impl fmt::Display for Guid {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [d, c, b, a, f, e, h, g, rest @ ..] = self.0;
        for (index, byte) in [a, b, c, d, e, f, g, h].into_iter().chain(rest).enumerate() {
            if matches!(index, 4 | 6 | 8 | 10) {
                formatter.write_str("-")?;
            }
            write!(formatter, "{byte:02X}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Guid {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Guid({self})")
    }
}

/// A value. What is borrowed is the caller's.
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
    /// datetime, smalldatetime, datetime2.
    DateTime(Date, Time),
    /// datetimeoffset: date and time on the clock of its zone, and that zone's minutes ahead of UTC.
    DateTimeOffset(Date, Time, i16),
    /// uniqueidentifier.
    Guid(Guid),
    /// Text of every type, xml too.
    Text(Cow<'a, str>),
    /// binary, varbinary, image, timestamp, and CLR types as they are serialized.
    Binary(Cow<'a, [u8]>),
    /// sql_variant.
    Variant(Box<Variant<'a>>),
}

/// What a sql_variant holds.
#[derive(Clone, Debug, PartialEq)]
pub struct Variant<'a> {
    /// Its type; never another sql_variant, nor a large one.
    pub base_type: ColumnType,
    /// Its value; never NULL, since that is a value of the sql_variant itself.
    pub value: Value<'a>,
}

impl Value<'_> {
    /// Whether it is NULL.
    pub fn is_null(&self) -> bool {
        matches!(self, Value::Null)
    }

    /// The same, with nothing borrowed.
    pub fn into_owned(self) -> Value<'static> {
        match self {
            Value::Text(text) => Value::Text(Cow::Owned(text.into_owned())),
            Value::Binary(bytes) => Value::Binary(Cow::Owned(bytes.into_owned())),
            Value::Variant(variant) => Value::Variant(Box::new(Variant {
                base_type: variant.base_type,
                value: variant.value.into_owned(),
            })),
            Value::Null => Value::Null,
            Value::Bit(value) => Value::Bit(value),
            Value::Integer(value) => Value::Integer(value),
            Value::Decimal(value) => Value::Decimal(value),
            Value::Real(value) => Value::Real(value),
            Value::Float(value) => Value::Float(value),
            Value::Date(date) => Value::Date(date),
            Value::Time(time) => Value::Time(time),
            Value::DateTime(date, time) => Value::DateTime(date, time),
            Value::DateTimeOffset(date, time, offset) => Value::DateTimeOffset(date, time, offset),
            Value::Guid(guid) => Value::Guid(guid),
        }
    }
}

impl<'a> From<&'a str> for Value<'a> {
    fn from(text: &'a str) -> Value<'a> {
        Value::Text(Cow::Borrowed(text))
    }
}

impl From<String> for Value<'_> {
    fn from(text: String) -> Self {
        Value::Text(Cow::Owned(text))
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
            Value::DateTime(date, time) => write!(formatter, "{date} {time}"),
            Value::DateTimeOffset(date, time, offset) => {
                let (sign, minutes) = (if *offset < 0 { '-' } else { '+' }, offset.unsigned_abs());
                write!(formatter, "{date} {time} {sign}{:02}:{:02}", minutes / 60, minutes % 60)
            }
            Value::Guid(guid) => write!(formatter, "{guid}"),
            Value::Text(text) => formatter.write_str(text),
            Value::Binary(bytes) => {
                formatter.write_str("0x")?;
                bytes.iter().try_for_each(|byte| write!(formatter, "{byte:02X}"))
            }
            Value::Variant(variant) => variant.value.fmt(formatter),
        }
    }
}
