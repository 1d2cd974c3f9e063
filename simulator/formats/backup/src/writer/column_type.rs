//! Types of columns: as Transact-SQL declares them, and as the catalog numbers and measures them.

use super::tables::COLLATION;
use crate::geometry::SpatialType;
use crate::types::SqlType;

/// A type with its length, precision and scale.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ColumnType {
    /// The type.
    pub sql_type: SqlType,
    /// Greatest length in bytes; −1: (max) types and spatial ones.
    pub length_bytes: i16,
    /// Digits of numbers and of times as text.
    pub precision: u8,
    /// Digits behind the point.
    pub scale: u8,
}

/// What may stand in parentheses behind a type's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Detail {
    Nothing,
    /// A length in units of so many bytes, 1 if absent; whether it may be `max`.
    Length(i16, bool),
    /// Precision and scale, (18,0) if absent.
    Decimal,
    /// Digits behind the second, 7 if absent.
    Scale,
    /// Bits of the mantissa, 53 if absent.
    Mantissa,
}

/// Types that can be written: type, what may follow, length in bytes, precision, scale.
const WRITTEN: &[(SqlType, Detail, i16, u8, u8)] = &[
    (SqlType::Bit, Detail::Nothing, 1, 1, 0),
    (SqlType::TinyInt, Detail::Nothing, 1, 3, 0),
    (SqlType::SmallInt, Detail::Nothing, 2, 5, 0),
    (SqlType::Int, Detail::Nothing, 4, 10, 0),
    (SqlType::BigInt, Detail::Nothing, 8, 19, 0),
    (SqlType::Decimal, Detail::Decimal, 0, 0, 0),
    (SqlType::Numeric, Detail::Decimal, 0, 0, 0),
    (SqlType::Money, Detail::Nothing, 8, 19, 4),
    (SqlType::SmallMoney, Detail::Nothing, 4, 10, 4),
    (SqlType::Real, Detail::Nothing, 4, 24, 0),
    (SqlType::Float, Detail::Mantissa, 8, 53, 0),
    (SqlType::Date, Detail::Nothing, 3, 10, 0),
    (SqlType::Time, Detail::Scale, 0, 8, 0),
    (SqlType::DateTime, Detail::Nothing, 8, 23, 3),
    (SqlType::SmallDateTime, Detail::Nothing, 4, 16, 0),
    (SqlType::DateTime2, Detail::Scale, 3, 19, 0),
    (SqlType::DateTimeOffset, Detail::Scale, 5, 26, 0),
    (SqlType::Char, Detail::Length(1, false), 0, 0, 0),
    (SqlType::VarChar, Detail::Length(1, true), 0, 0, 0),
    (SqlType::NChar, Detail::Length(2, false), 0, 0, 0),
    (SqlType::NVarChar, Detail::Length(2, true), 0, 0, 0),
    (SqlType::Binary, Detail::Length(1, false), 0, 0, 0),
    (SqlType::VarBinary, Detail::Length(1, true), 0, 0, 0),
    (SqlType::Text, Detail::Nothing, 16, 0, 0),
    (SqlType::NText, Detail::Nothing, 16, 0, 0),
    (SqlType::Image, Detail::Nothing, 16, 0, 0),
    (SqlType::UniqueIdentifier, Detail::Nothing, 16, 0, 0),
    (SqlType::Timestamp, Detail::Nothing, 8, 0, 0),
    (SqlType::Geometry, Detail::Nothing, -1, 0, 0),
    (SqlType::Geography, Detail::Nothing, -1, 0, 0),
];

/// Most bytes of a column that is not (max).
const MOST_BYTES: i16 = 8000;

/// How the catalog numbers and measures a type.
pub struct TypeNumbers {
    pub system: u8,
    pub user: u32,
    /// Type of the stored bytes.
    pub stored: u8,
    pub collation: u32,
    /// What sys.sysrscols has above the type's number.
    pub detail: u32,
}

impl ColumnType {
    /// As Transact-SQL declares it: `int`, `nvarchar(50)`, `varbinary(max)`, `decimal(12,2)`, `geometry`.
    ///
    /// # Errors
    /// What is wrong with the text, for people.
    pub fn parse(text: &str) -> Result<ColumnType, String> {
        let (name, detail) = match text.trim().split_once('(') {
            None => (text.trim(), None),
            Some((name, rest)) => {
                let inner = rest.trim_end().strip_suffix(')').ok_or("a closing parenthesis is missing")?;
                (name.trim_end(), Some(inner.trim()))
            }
        };
        let lower = name.to_ascii_lowercase();
        let known = WRITTEN.iter().find(|(sql_type, ..)| sql_type.name() == lower);
        let Some((sql_type, allowed, length_bytes, precision, scale)) = known.copied() else {
            return Err(format!("unknown type {name:?}; known: {}", names().collect::<Vec<_>>().join(", ")));
        };
        let base = ColumnType { sql_type, length_bytes, precision, scale };
        match (allowed, detail) {
            (Detail::Nothing, None) => Ok(base),
            (Detail::Nothing, Some(_)) => Err(format!("{lower} takes nothing in parentheses")),
            (Detail::Length(_, true), Some("max" | "MAX")) => Ok(ColumnType { length_bytes: -1, ..base }),
            (Detail::Length(unit, _), detail) => {
                let most = MOST_BYTES / unit;
                let length = number(detail.unwrap_or("1"), 1..=most, "length")?;
                Ok(ColumnType { length_bytes: length * unit, ..base })
            }
            (Detail::Decimal, detail) => {
                let (precision, scale) = match detail.unwrap_or("18").split_once(',') {
                    None => (detail.unwrap_or("18"), "0"),
                    Some((precision, scale)) => (precision.trim(), scale.trim()),
                };
                let precision = number(precision, 1..=38, "precision")? as u8;
                let scale = number(scale, 0..=i16::from(precision), "scale")? as u8;
                let length_bytes = match precision {
                    0..=9 => 5,
                    10..=19 => 9,
                    20..=28 => 13,
                    _ => 17,
                };
                Ok(ColumnType { sql_type, length_bytes, precision, scale })
            }
            (Detail::Scale, detail) => {
                let scale = number(detail.unwrap_or("7"), 0..=7, "scale")? as u8;
                let time_bytes = match scale {
                    0..=2 => 3,
                    3..=4 => 4,
                    _ => 5,
                };
                let digits = if scale > 0 { scale + 1 } else { 0 };
                Ok(ColumnType {
                    sql_type,
                    length_bytes: length_bytes + time_bytes,
                    precision: precision + digits,
                    scale,
                })
            }
            (Detail::Mantissa, detail) => match number(detail.unwrap_or("53"), 1..=53, "mantissa")? {
                ..=24 => ColumnType::parse("real"),
                _ => Ok(base),
            },
        }
    }

    /// Bytes in the fixed part; `None` for variable ones. A bit shares its byte.
    pub fn fixed_bytes(self) -> Option<usize> {
        let is_variable = self.is_large()
            || matches!(
                self.sql_type,
                SqlType::VarChar | SqlType::NVarChar | SqlType::VarBinary | SqlType::SqlVariant
            );
        if is_variable { None } else { usize::try_from(self.length_bytes).ok() }
    }

    /// Whether its values can be of any size, and are kept out of their rows where they do not fit.
    pub fn is_large(self) -> bool {
        self.length_bytes == -1 || self.is_text_pointer()
    }

    /// Whether rows have a text pointer instead of its values, always.
    pub fn is_text_pointer(self) -> bool {
        matches!(self.sql_type, SqlType::Text | SqlType::NText | SqlType::Image)
    }

    /// The spatial type, if it is one.
    pub fn spatial(self) -> Option<SpatialType> {
        match self.sql_type {
            SqlType::Geometry => Some(SpatialType::Geometry),
            SqlType::Geography => Some(SpatialType::Geography),
            _ => None,
        }
    }

    /// Why it cannot be a column of a key; `None` where it can.
    pub fn no_key(self) -> Option<String> {
        let is_none = self.is_large() || self.sql_type == SqlType::Timestamp;
        is_none.then(|| format!("{} cannot be part of a key", self.sql_type.name()))
    }

    /// How the catalog numbers it.
    pub fn numbers(self) -> TypeNumbers {
        let (system, user) = self.sql_type.numbers();
        let has_collation = self.sql_type.has_code_page() || self.sql_type.is_unicode();
        let length = u32::from(self.length_bytes.cast_unsigned());
        let detail = match self.sql_type {
            SqlType::Decimal | SqlType::Numeric => u32::from(self.precision) | u32::from(self.scale) << 8,
            SqlType::Time | SqlType::DateTime2 | SqlType::DateTimeOffset => u32::from(self.scale),
            _ if self.is_large() || self.sql_type == SqlType::SqlVariant => 0,
            _ if self.fixed_bytes().is_none() => length,
            SqlType::Char | SqlType::NChar | SqlType::Binary => length,
            _ => 0,
        };
        let stored = if self.spatial().is_some() { SqlType::VarBinary.numbers().0 } else { system };
        TypeNumbers { system, user, stored, collation: if has_collation { COLLATION } else { 0 }, detail }
    }
}

/// Names of the types that can be written.
pub fn names() -> impl Iterator<Item = &'static str> {
    WRITTEN.iter().map(|(sql_type, ..)| sql_type.name())
}

fn number(text: &str, range: std::ops::RangeInclusive<i16>, what: &str) -> Result<i16, String> {
    text.parse().ok().filter(|number| range.contains(number)).ok_or_else(|| {
        format!("{what} {text:?}: expected a number from {} to {}", range.start(), range.end())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_are_read_as_they_are_declared() {
        for (text, length_bytes, precision, scale) in [
            ("int", 4, 10, 0),
            ("NVARCHAR(50)", 100, 0, 0),
            ("varchar(max)", -1, 0, 0),
            ("nchar", 2, 0, 0),
            ("decimal(12, 2)", 9, 12, 2),
            ("numeric", 9, 18, 0),
            ("datetime2", 8, 27, 7),
            ("datetime2(0)", 6, 19, 0),
            ("time(3)", 4, 12, 3),
            ("datetimeoffset (7)", 10, 34, 7),
            ("float(24)", 4, 24, 0),
            ("geography", -1, 0, 0),
        ] {
            let found = ColumnType::parse(text).expect(text);
            assert_eq!(
                (found.length_bytes, found.precision, found.scale),
                (length_bytes, precision, scale),
                "{text}"
            );
        }
        for (text, words) in [
            ("integer", "unknown type \"integer\""),
            ("int(4)", "nothing in parentheses"),
            ("nvarchar(5000)", "from 1 to 4000"),
            ("nchar(max)", "from 1 to 4000"),
            ("decimal(39)", "from 1 to 38"),
            ("decimal(5,6)", "from 0 to 5"),
            ("time(8)", "from 0 to 7"),
            ("varchar(10", "closing parenthesis"),
            ("xml", "unknown type"),
        ] {
            let error = ColumnType::parse(text).expect_err(text);
            assert!(error.contains(words), "{text}: {error}");
        }
    }
}
