//! From the bytes of a compressed record to those that a plain one would hold.

use std::borrow::Cow;

use super::{SqlType, scsu, vardecimal};
use crate::catalog::Column;
use crate::error::DataError;

/// Gives a value its full width again. `max_length_bytes` of (max) types is −1; they are never compressed.
pub fn expand<'a>(column: &Column, bytes: Cow<'a, [u8]>) -> Result<Cow<'a, [u8]>, DataError> {
    let width = usize::from(column.sql_type.fixed_bytes(column.max_length_bytes));
    let is_max = column.max_length_bytes < 0;
    match column.sql_type {
        SqlType::SmallInt
        | SqlType::Int
        | SqlType::BigInt
        | SqlType::Money
        | SqlType::SmallMoney
        | SqlType::DateTime => excess(&bytes, width).map(Cow::Owned),
        SqlType::Decimal | SqlType::Numeric => decimal(&bytes, column, width).map(Cow::Owned),
        // The lowest bytes come first, and those that are zero are left out.
        SqlType::Real | SqlType::Float | SqlType::SmallDateTime => pad(bytes, width, Side::Front, 0),
        // The highest byte of a rowversion comes first.
        SqlType::Timestamp => pad(bytes, width, Side::Front, 0),
        SqlType::TinyInt
        | SqlType::Bit
        | SqlType::Date
        | SqlType::Time
        | SqlType::DateTime2
        | SqlType::DateTimeOffset
        | SqlType::UniqueIdentifier
        | SqlType::Binary => pad(bytes, width, Side::Back, 0),
        SqlType::Char => pad(bytes, width, Side::Back, b' '),
        SqlType::NChar => {
            let text = scsu::decode(&bytes)?;
            let mut wide: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
            while wide.len() < width {
                wide.extend([b' ', 0]);
            }
            Ok(Cow::Owned(wide))
        }
        SqlType::NVarChar if !is_max => {
            let text = scsu::decode(&bytes)?;
            Ok(Cow::Owned(text.encode_utf16().flat_map(u16::to_le_bytes).collect()))
        }
        _ => Ok(bytes),
    }
}

/// Integers: highest byte first, in as few bytes as hold it, zero in the middle of their range. A datetime is
/// one of eight bytes, its days the higher half.
fn excess(bytes: &[u8], width: usize) -> Result<Vec<u8>, DataError> {
    if bytes.len() > width || width > 8 {
        return Err(too_long(bytes, width));
    }
    let value = bytes.iter().fold(0_i128, |value, byte| value << 8 | i128::from(*byte));
    let middle = if bytes.is_empty() { 0 } else { 1_i128 << (8 * bytes.len() - 1) };
    Ok((value - middle).to_le_bytes()[..width].to_vec())
}

fn decimal(bytes: &[u8], column: &Column, width: usize) -> Result<Vec<u8>, DataError> {
    let decimal = vardecimal::decode(bytes, column.scale).filter(|decimal| {
        let digits = width.saturating_sub(1).min(16);
        digits > 0 && (digits == 16 || decimal.magnitude >> (8 * digits) == 0)
    });
    let Some(decimal) = decimal else {
        let shown: Vec<String> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        return Err(DataError::damaged(format!("{} is no compressed decimal", shown.concat())));
    };
    let mut wide = vec![u8::from(!decimal.is_negative)];
    wide.extend(decimal.magnitude.to_le_bytes());
    wide.truncate(width);
    Ok(wide)
}

#[derive(Clone, Copy, PartialEq)]
enum Side {
    Front,
    Back,
}

fn pad<'a>(bytes: Cow<'a, [u8]>, width: usize, side: Side, with: u8) -> Result<Cow<'a, [u8]>, DataError> {
    match bytes.len() {
        length if length > width => Err(too_long(&bytes, width)),
        length if length == width => Ok(bytes),
        length => {
            let padding = vec![with; width - length];
            let parts = if side == Side::Front { [&padding[..], &bytes] } else { [&bytes[..], &padding] };
            Ok(Cow::Owned(parts.concat()))
        }
    }
}

fn too_long(bytes: &[u8], width: usize) -> DataError {
    DataError::damaged(format!("a compressed value has {} bytes, its type {width}", bytes.len()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::{CodePage, decode};

    fn column(sql_type: SqlType, max_length_bytes: i16, scale: u8) -> Column {
        Column {
            id: 1,
            name: "c".to_owned(),
            sql_type,
            type_name: None,
            max_length_bytes,
            precision: 0,
            scale,
            is_nullable: true,
            is_computed: false,
            is_stored: true,
            is_sparse: false,
            collation_id: 0,
            code_page: Some(CodePage(1252)),
            identity: None,
        }
    }

    /// The value as a debugging string.
    fn value(sql_type: SqlType, max_length_bytes: i16, scale: u8, bytes: &[u8]) -> String {
        let column = column(sql_type, max_length_bytes, scale);
        let wide = expand(&column, Cow::Borrowed(bytes)).expect("a compressed value");
        format!("{:?}", decode(sql_type, scale, column.code_page, wide).expect("a value"))
    }

    #[test]
    fn integers_are_in_the_middle_of_their_range() {
        for (bytes, expected) in [
            (&b""[..], 0),
            (b"\x81", 1),
            (b"\xFF", 127),
            (b"\x80\x80", 128),
            (b"\x83\xE8", 1000),
            (b"\x7F", -1),
            (b"\x00", -128),
            (b"\x00\x00", -32768),
            (b"\xFF\xFF\xFF\xFF", i32::MAX),
            (b"\x00\x00\x00\x00", i32::MIN),
        ] {
            assert_eq!(value(SqlType::Int, 4, 0, bytes), format!("Integer({expected})"));
        }
        assert_eq!(value(SqlType::BigInt, 8, 0, b"\x80\x00\x01"), "Integer(1)");
        assert_eq!(value(SqlType::TinyInt, 1, 0, b"\xFF"), "Integer(255)");
        assert!(expand(&column(SqlType::SmallInt, 2, 0), Cow::Borrowed(&[0; 3])).is_err());
    }

    #[test]
    fn dates_and_times_get_their_width_back() {
        let date_time = |bytes: &[u8]| {
            let wide = expand(&column(SqlType::DateTime, 8, 3), Cow::Borrowed(bytes)).expect("a datetime");
            match decode(SqlType::DateTime, 3, None, wide) {
                Ok(crate::types::Value::DateTime(date, time)) => format!("{date} {time}"),
                other => format!("{other:?}"),
            }
        };
        // Values that SQL Server wrote, as OrcaMDF's tests tell.
        assert_eq!(date_time(b"\x7F\x2E\x46\x00\x00\x00\x00"), "1753-01-01 00:00:00.000");
        assert_eq!(date_time(b""), "1900-01-01 00:00:00.000");
        assert_eq!(date_time(b"\x7E\x94\x01\x2E\xB9\x69"), "1899-01-02 18:22:11.123");
        assert_eq!(date_time(b"\x81\x6F\x50\xF2"), "1900-01-01 22:17:21.447");
        assert!(value(SqlType::Date, 3, 0, b"\x75\x25\x0B").contains("730485"));
        assert!(value(SqlType::Time, 4, 3, b"\x01").contains("ticks: 10000,"));
        assert!(value(SqlType::DateTime2, 7, 3, b"\xE1\x1A\x76\x00\x75\x25\x0B").contains("730485"));
        assert!(value(SqlType::SmallDateTime, 4, 0, b"\x01\x00").contains("693596"));
    }

    #[test]
    fn the_rest_gets_its_width_back() {
        assert_eq!(value(SqlType::Real, 4, 0, b"\x80\x3F"), "Real(1.0)");
        assert_eq!(value(SqlType::Float, 8, 0, b"\xF8\xBF"), "Float(-1.5)");
        assert_eq!(value(SqlType::Char, 5, 0, b"ab"), "Text(\"ab   \")");
        assert_eq!(value(SqlType::Binary, 4, 0, b"\x01\x02"), "Binary([1, 2, 0, 0])");
        assert_eq!(value(SqlType::Timestamp, 8, 0, b"\x07\xE2"), "Binary([0, 0, 0, 0, 0, 0, 7, 226])");
        assert_eq!(value(SqlType::NChar, 10, 0, b"abc"), "Text(\"abc  \")");
        assert_eq!(value(SqlType::NVarChar, 80, 0, b"Gray\x10"), "Text(\"Gray\")");
        assert_eq!(value(SqlType::NVarChar, -1, 0, b"a\0"), "Text(\"a\")");
        assert_eq!(value(SqlType::Bit, 1, 0, b""), "Bit(false)");
        assert_eq!(
            value(SqlType::Decimal, 5, 3, b"\x41\x03\x15\x90"),
            "Decimal(Decimal { is_negative: true, magnitude: 12345, scale: 3 })"
        );
        assert!(expand(&column(SqlType::Decimal, 5, 0), Cow::Borrowed(b"\xD0\x00\x40")).is_err());
    }
}
