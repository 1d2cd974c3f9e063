//! sql_variant: a value that carries its type, [MS-TDS] 2.2.5.5.4 with a version byte.

use std::borrow::Cow;

use super::{CodePage, SqlType, Value, Variant, decode::decode as decode_value};
use crate::error::DataError;
use crate::value::Bytes;

/// The only version of the layout.
const VERSION: u8 = 1;

/// What stands in front of a variant's value.
struct Header {
    base_type: SqlType,
    scale: u8,
    code_page: Option<CodePage>,
    /// Where the value begins.
    at: usize,
}

fn header(bytes: &[u8]) -> Option<Header> {
    let bytes = Bytes(bytes);
    let base_type = SqlType::of(bytes.u8(0)?, 0);
    if bytes.u8(1)? != VERSION {
        return None;
    }
    let (scale, at) = match base_type {
        SqlType::Time | SqlType::DateTime2 | SqlType::DateTimeOffset => (bytes.u8(2)?, 3),
        SqlType::Decimal | SqlType::Numeric => (bytes.u8(3)?, 4),
        SqlType::Binary | SqlType::VarBinary => (0, 4),
        // Two bytes of greatest length, four of collation.
        SqlType::Char | SqlType::VarChar | SqlType::NChar | SqlType::NVarChar => (0, 8),
        SqlType::Bit
        | SqlType::TinyInt
        | SqlType::SmallInt
        | SqlType::Int
        | SqlType::BigInt
        | SqlType::Money
        | SqlType::SmallMoney
        | SqlType::Real
        | SqlType::Float
        | SqlType::Date
        | SqlType::DateTime
        | SqlType::SmallDateTime
        | SqlType::UniqueIdentifier => (0, 2),
        _ => return None,
    };
    let code_page = CodePage::of_collation(bytes.u32(4).unwrap_or(0)).filter(|_| base_type.has_code_page());
    Some(Header { base_type, scale, code_page, at })
}

/// Decodes a variant.
pub fn decode(bytes: Cow<'_, [u8]>) -> Result<Value<'_>, DataError> {
    let Some(header) = header(&bytes).filter(|header| header.at <= bytes.len()) else {
        let start: Vec<String> = bytes.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
        return Err(DataError::damaged(format!(
            "a sql_variant of an unknown kind begins {}",
            start.concat()
        )));
    };
    let value = match bytes {
        Cow::Borrowed(bytes) => Cow::Borrowed(&bytes[header.at..]),
        Cow::Owned(mut bytes) => Cow::Owned(bytes.split_off(header.at)),
    };
    let value = decode_value(header.base_type, header.scale, header.code_page, value)?;
    Ok(Value::Variant(Box::new(Variant { base_type: header.base_type, value })))
}

/// The value's bytes alone, as a column of its type would store them.
pub fn stored_bytes(bytes: &[u8]) -> Option<Vec<u8>> {
    bytes.get(header(bytes)?.at..).map(<[u8]>::to_vec)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn variant(bytes: &[u8]) -> Option<Variant<'_>> {
        match decode(Cow::Borrowed(bytes)) {
            Ok(Value::Variant(variant)) => Some(*variant),
            _ => None,
        }
    }

    #[test]
    fn variants_know_their_type() {
        let int = variant(&[56, 1, 42, 0, 0, 0]).expect("an int");
        assert_eq!((int.base_type, int.value), (SqlType::Int, Value::Integer(42)));
        let decimal = variant(&[108, 1, 5, 2, 1, 0x39, 0x30, 0, 0]).expect("a numeric");
        assert_eq!(decimal.base_type, SqlType::Numeric);
        let text = variant(&[167, 1, 20, 0, 0x07, 0xD0, 0, 0, 0xE1]).expect("Greek text");
        assert_eq!(text.value, Value::Text("α".into()));
        assert_eq!(variant(&[56, 2, 0, 0, 0, 0]), None);
        assert_eq!(variant(&[241, 1, 0]), None);
        assert_eq!(variant(&[108, 1, 5]), None);
    }
}
