//! Types as they are written: `decimal(10, 2)`, `nvarchar(max)`.

use spatialcloud_tds::{Collation, ColumnType, Length, UdtType};

use super::Cursor;
use crate::sql::Halt;

/// The type that stands next.
pub fn column_type(cursor: &mut Cursor<'_>) -> Result<ColumnType, Halt> {
    let mut name = cursor.name()?;
    if cursor.take_symbol(".") {
        // The schema of the system's own types.
        name = cursor.name()?;
    }
    let name = name.to_ascii_lowercase();
    let (first, second) = arguments(cursor)?;
    let collation = Collation::LATIN1;
    // In CAST a text without a length has 30 characters, elsewhere one; 30 lose less.
    let length = |most: u16| match first {
        None => Ok(Length::Of(30)),
        Some(Argument::Max) => Ok(Length::Max),
        Some(Argument::Number(number)) => match u16::try_from(number) {
            Ok(number) if (1..=most).contains(&number) => Ok(Length::Of(number)),
            _ => Err(too_long(&name, number)),
        },
    };
    let fixed = |most| match length(most)? {
        Length::Of(length) => Ok(length),
        Length::Max => Err(too_long(&name, u32::MAX)),
    };
    let scale = || match first {
        None => Ok(7),
        Some(Argument::Number(scale @ 0..=7)) => Ok(scale as u8),
        _ => Err(Halt::error(1002, format!("Specified scale for {name} is invalid: expected 0 to 7."))),
    };
    let precision = || match (first, second) {
        (None, _) => Ok((18, 0)),
        (Some(Argument::Number(precision @ 1..=38)), second) => match second.unwrap_or(0) {
            scale if scale <= precision => Ok((precision as u8, scale as u8)),
            _ => Err(Halt::error(192, "The scale must be less than or equal to the precision.")),
        },
        _ => Err(Halt::error(1007, "The precision is out of range: expected 1 to 38.")),
    };
    Ok(match name.as_str() {
        "bit" => ColumnType::Bit,
        "tinyint" => ColumnType::TinyInt,
        "smallint" => ColumnType::SmallInt,
        "int" | "integer" => ColumnType::Int,
        "bigint" => ColumnType::BigInt,
        "real" => ColumnType::Real,
        "float" => match first {
            Some(Argument::Number(..=24)) => ColumnType::Real,
            _ => ColumnType::Float,
        },
        "money" => ColumnType::Money,
        "smallmoney" => ColumnType::SmallMoney,
        "decimal" | "dec" => {
            let (precision, scale) = precision()?;
            ColumnType::Decimal { precision, scale }
        }
        "numeric" => {
            let (precision, scale) = precision()?;
            ColumnType::Numeric { precision, scale }
        }
        "date" => ColumnType::Date,
        "time" => ColumnType::Time { scale: scale()? },
        "datetime" => ColumnType::DateTime,
        "smalldatetime" => ColumnType::SmallDateTime,
        "datetime2" => ColumnType::DateTime2 { scale: scale()? },
        "datetimeoffset" => ColumnType::DateTimeOffset { scale: scale()? },
        "uniqueidentifier" => ColumnType::UniqueIdentifier,
        "char" | "character" => ColumnType::Char { length: fixed(8000)?, collation },
        "varchar" => ColumnType::VarChar { length: length(8000)?, collation },
        "nchar" => ColumnType::NChar { length: fixed(4000)?, collation },
        "nvarchar" => ColumnType::NVarChar { length: length(4000)?, collation },
        "sysname" => ColumnType::nvarchar(128),
        "binary" => ColumnType::Binary { length: fixed(8000)? },
        "varbinary" => ColumnType::VarBinary { length: length(8000)? },
        "text" => ColumnType::Text { collation },
        "ntext" => ColumnType::NText { collation },
        "image" => ColumnType::Image,
        "xml" => ColumnType::Xml,
        "sql_variant" => ColumnType::SqlVariant,
        "geometry" => ColumnType::Udt(UdtType::geometry("")),
        "geography" => ColumnType::Udt(UdtType::geography("")),
        "hierarchyid" => ColumnType::Udt(UdtType::hierarchy_id("")),
        _ => return Err(Halt::error(243, format!("Type {name} is not a defined system type."))),
    })
}

#[derive(Clone, Copy)]
enum Argument {
    Number(u32),
    Max,
}

fn arguments(cursor: &mut Cursor<'_>) -> Result<(Option<Argument>, Option<u32>), Halt> {
    if !cursor.take_symbol("(") {
        return Ok((None, None));
    }
    let first = if cursor.take_word("max") { Argument::Max } else { Argument::Number(cursor.integer()?) };
    let second = if cursor.take_symbol(",") { Some(cursor.integer()?) } else { None };
    cursor.expect_symbol(")")?;
    Ok((Some(first), second))
}

fn too_long(name: &str, length: u32) -> Halt {
    let text =
        format!("The size ({length}) given to the type '{name}' exceeds the maximum allowed, or is 0.");
    Halt::error(131, text)
}
