//! TYPE_INFO: a type as column descriptions and parameters have it (\[MS-TDS\] 2.2.5.6).

use super::number::MOST_DIGITS;
use super::{Collation, ColumnType, Length, UdtType};
use crate::error::ProtocolError;
use crate::input::Input;
use crate::output::{b_varchar, us_varchar};

/// Types as they are numbered on the wire.
pub(crate) mod token {
    pub const NULL: u8 = 0x1F;
    pub const INT1: u8 = 0x30;
    pub const BIT: u8 = 0x32;
    pub const INT2: u8 = 0x34;
    pub const INT4: u8 = 0x38;
    pub const SMALL_DATE_TIME: u8 = 0x3A;
    pub const FLOAT4: u8 = 0x3B;
    pub const MONEY: u8 = 0x3C;
    pub const DATE_TIME: u8 = 0x3D;
    pub const FLOAT8: u8 = 0x3E;
    pub const SMALL_MONEY: u8 = 0x7A;
    pub const INT8: u8 = 0x7F;
    pub const GUID: u8 = 0x24;
    pub const INT_N: u8 = 0x26;
    pub const DATE: u8 = 0x28;
    pub const TIME: u8 = 0x29;
    pub const DATE_TIME_2: u8 = 0x2A;
    pub const DATE_TIME_OFFSET: u8 = 0x2B;
    pub const OLD_VARBINARY: u8 = 0x25;
    pub const OLD_VARCHAR: u8 = 0x27;
    pub const OLD_BINARY: u8 = 0x2D;
    pub const OLD_CHAR: u8 = 0x2F;
    pub const BIT_N: u8 = 0x68;
    pub const DECIMAL: u8 = 0x6A;
    pub const NUMERIC: u8 = 0x6C;
    pub const OLD_DECIMAL: u8 = 0x37;
    pub const OLD_NUMERIC: u8 = 0x3F;
    pub const FLOAT_N: u8 = 0x6D;
    pub const MONEY_N: u8 = 0x6E;
    pub const DATE_TIME_N: u8 = 0x6F;
    pub const VARBINARY: u8 = 0xA5;
    pub const VARCHAR: u8 = 0xA7;
    pub const BINARY: u8 = 0xAD;
    pub const CHAR: u8 = 0xAF;
    pub const NVARCHAR: u8 = 0xE7;
    pub const NCHAR: u8 = 0xEF;
    pub const XML: u8 = 0xF1;
    pub const UDT: u8 = 0xF0;
    pub const TABLE: u8 = 0xF3;
    pub const TEXT: u8 = 0x23;
    pub const IMAGE: u8 = 0x22;
    pub const NTEXT: u8 = 0x63;
    pub const VARIANT: u8 = 0x62;
}

/// What stands before a value's bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// Nothing, and no bytes either.
    Nothing,
    /// Nothing: there are always so many bytes.
    Fixed(usize),
    /// Their number in one byte; 0 is NULL.
    Byte,
    /// Their number in two bytes; 0xFFFF is NULL.
    Short,
    /// Their number in four bytes; 0xFFFFFFFF is NULL.
    Long,
    /// Their number in four bytes; 0 is NULL.
    Variant,
    /// Pieces (PLP).
    Partial,
}

/// Length of the types with a length in two bytes: they come in pieces.
const PARTIAL: u16 = 0xFFFF;
/// A sql_variant with all that belongs to it.
const VARIANT_BYTES: u32 = 8009;
/// Text, ntext and image.
const LARGE_BYTES: u32 = 0x7FFF_FFFF;

/// A type, and the form of its values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TypeInfo {
    pub column_type: ColumnType,
    pub form: Form,
}

impl TypeInfo {
    /// Reads that of a parameter.
    pub fn read(input: &mut Input<'_>) -> Result<TypeInfo, ProtocolError> {
        let token = input.u8("type of a parameter")?;
        let (column_type, form) = match token {
            token::NULL => (ColumnType::Null, Form::Nothing),
            token::INT1 => (ColumnType::TinyInt, Form::Fixed(1)),
            token::BIT => (ColumnType::Bit, Form::Fixed(1)),
            token::INT2 => (ColumnType::SmallInt, Form::Fixed(2)),
            token::INT4 => (ColumnType::Int, Form::Fixed(4)),
            token::INT8 => (ColumnType::BigInt, Form::Fixed(8)),
            token::FLOAT4 => (ColumnType::Real, Form::Fixed(4)),
            token::FLOAT8 => (ColumnType::Float, Form::Fixed(8)),
            token::SMALL_MONEY => (ColumnType::SmallMoney, Form::Fixed(4)),
            token::MONEY => (ColumnType::Money, Form::Fixed(8)),
            token::SMALL_DATE_TIME => (ColumnType::SmallDateTime, Form::Fixed(4)),
            token::DATE_TIME => (ColumnType::DateTime, Form::Fixed(8)),
            token::DATE => (ColumnType::Date, Form::Byte),
            token::GUID => (sized(input, &[(16, ColumnType::UniqueIdentifier)])?, Form::Byte),
            token::BIT_N => (sized(input, &[(1, ColumnType::Bit)])?, Form::Byte),
            token::INT_N => {
                let types = [
                    (1, ColumnType::TinyInt),
                    (2, ColumnType::SmallInt),
                    (4, ColumnType::Int),
                    (8, ColumnType::BigInt),
                ];
                (sized(input, &types)?, Form::Byte)
            }
            token::FLOAT_N => (sized(input, &[(4, ColumnType::Real), (8, ColumnType::Float)])?, Form::Byte),
            token::MONEY_N => {
                (sized(input, &[(4, ColumnType::SmallMoney), (8, ColumnType::Money)])?, Form::Byte)
            }
            token::DATE_TIME_N => {
                (sized(input, &[(4, ColumnType::SmallDateTime), (8, ColumnType::DateTime)])?, Form::Byte)
            }
            token::TIME => (ColumnType::Time { scale: scale(input)? }, Form::Byte),
            token::DATE_TIME_2 => (ColumnType::DateTime2 { scale: scale(input)? }, Form::Byte),
            token::DATE_TIME_OFFSET => (ColumnType::DateTimeOffset { scale: scale(input)? }, Form::Byte),
            token::DECIMAL | token::OLD_DECIMAL => {
                let (precision, scale) = precision(input)?;
                (ColumnType::Decimal { precision, scale }, Form::Byte)
            }
            token::NUMERIC | token::OLD_NUMERIC => {
                let (precision, scale) = precision(input)?;
                (ColumnType::Numeric { precision, scale }, Form::Byte)
            }
            token::OLD_CHAR | token::OLD_VARCHAR => {
                let length = Length::Of(input.u8("length of a parameter")?.into());
                (ColumnType::VarChar { length, collation: Collation::LATIN1 }, Form::Byte)
            }
            token::OLD_BINARY | token::OLD_VARBINARY => {
                let length = Length::Of(input.u8("length of a parameter")?.into());
                (ColumnType::VarBinary { length }, Form::Byte)
            }
            token::CHAR | token::VARCHAR | token::NCHAR | token::NVARCHAR => text(token, input)?,
            token::BINARY => (ColumnType::Binary { length: length(input)? }, Form::Short),
            token::VARBINARY => match input.u16("length of a parameter")? {
                PARTIAL => (ColumnType::VarBinary { length: Length::Max }, Form::Partial),
                length => (ColumnType::VarBinary { length: Length::Of(length) }, Form::Short),
            },
            token::TEXT | token::NTEXT => {
                input.u32("length of a parameter")?;
                let collation = collation(input)?;
                match token {
                    token::TEXT => (ColumnType::Text { collation }, Form::Long),
                    _ => (ColumnType::NText { collation }, Form::Long),
                }
            }
            token::IMAGE => {
                input.u32("length of a parameter")?;
                (ColumnType::Image, Form::Long)
            }
            token::VARIANT => {
                input.u32("length of a parameter")?;
                (ColumnType::SqlVariant, Form::Variant)
            }
            token::XML => {
                xml_schema(input)?;
                (ColumnType::Xml, Form::Partial)
            }
            token::UDT => (ColumnType::Udt(udt(input)?), Form::Partial),
            token::TABLE => {
                return Err(ProtocolError::Unsupported {
                    what: "a parameter that is a table",
                    remedy: "give its rows as parameters of their own",
                });
            }
            other => {
                return Err(input.wrong(
                    "type of a parameter",
                    "a type of TDS 7.4",
                    format_args!("0x{other:02x}"),
                    1,
                ));
            }
        };
        Ok(TypeInfo { column_type, form })
    }

    /// Of a column, or of a value that is given back. Columns that can have no NULL are of the fixed types.
    pub fn of(column_type: &ColumnType, is_nullable: bool) -> TypeInfo {
        use ColumnType::*;
        let fixed = |bytes| if is_nullable { Form::Byte } else { Form::Fixed(bytes) };
        let form = match column_type {
            Null => Form::Nothing,
            Bit | TinyInt => fixed(1),
            SmallInt => fixed(2),
            Int | Real | SmallMoney | SmallDateTime => fixed(4),
            BigInt | Float | Money | DateTime => fixed(8),
            Decimal { .. } | Numeric { .. } | Date | Time { .. } | DateTime2 { .. } => Form::Byte,
            DateTimeOffset { .. } | UniqueIdentifier => Form::Byte,
            VarChar { length: Length::Max, .. } | NVarChar { length: Length::Max, .. } => Form::Partial,
            VarBinary { length: Length::Max } | Xml | Udt(_) => Form::Partial,
            Char { .. } | VarChar { .. } | NChar { .. } | NVarChar { .. } => Form::Short,
            Binary { .. } | VarBinary { .. } => Form::Short,
            Text { .. } | NText { .. } | Image => Form::Long,
            SqlVariant => Form::Variant,
        };
        TypeInfo { column_type: column_type.clone(), form }
    }

    /// Writes that of a column.
    pub fn write(&self, output: &mut Vec<u8>) {
        use ColumnType::*;
        let sized = |nullable: u8, fixed: u8, bytes: u8| match self.form {
            Form::Fixed(_) => vec![fixed],
            _ => vec![nullable, bytes],
        };
        match &self.column_type {
            Null => output.push(token::NULL),
            Bit => output.extend(sized(token::BIT_N, token::BIT, 1)),
            TinyInt => output.extend(sized(token::INT_N, token::INT1, 1)),
            SmallInt => output.extend(sized(token::INT_N, token::INT2, 2)),
            Int => output.extend(sized(token::INT_N, token::INT4, 4)),
            BigInt => output.extend(sized(token::INT_N, token::INT8, 8)),
            Real => output.extend(sized(token::FLOAT_N, token::FLOAT4, 4)),
            Float => output.extend(sized(token::FLOAT_N, token::FLOAT8, 8)),
            SmallMoney => output.extend(sized(token::MONEY_N, token::SMALL_MONEY, 4)),
            Money => output.extend(sized(token::MONEY_N, token::MONEY, 8)),
            SmallDateTime => output.extend(sized(token::DATE_TIME_N, token::SMALL_DATE_TIME, 4)),
            DateTime => output.extend(sized(token::DATE_TIME_N, token::DATE_TIME, 8)),
            UniqueIdentifier => output.extend([token::GUID, 16]),
            Date => output.push(token::DATE),
            Time { scale } => output.extend([token::TIME, *scale]),
            DateTime2 { scale } => output.extend([token::DATE_TIME_2, *scale]),
            DateTimeOffset { scale } => output.extend([token::DATE_TIME_OFFSET, *scale]),
            Decimal { precision, scale } => {
                output.extend([token::DECIMAL, decimal_bytes(*precision), *precision, *scale])
            }
            Numeric { precision, scale } => {
                output.extend([token::NUMERIC, decimal_bytes(*precision), *precision, *scale])
            }
            Char { length, collation } => with_length(output, token::CHAR, *length, Some(*collation)),
            VarChar { length, collation } => {
                with_length(output, token::VARCHAR, bytes(*length, 1), Some(*collation))
            }
            NChar { length, collation } => {
                with_length(output, token::NCHAR, length.saturating_mul(2), Some(*collation))
            }
            NVarChar { length, collation } => {
                with_length(output, token::NVARCHAR, bytes(*length, 2), Some(*collation))
            }
            Binary { length } => with_length(output, token::BINARY, *length, None),
            VarBinary { length } => with_length(output, token::VARBINARY, bytes(*length, 1), None),
            Text { collation } => large(output, token::TEXT, Some(*collation)),
            NText { collation } => large(output, token::NTEXT, Some(*collation)),
            Image => large(output, token::IMAGE, None),
            SqlVariant => {
                output.push(token::VARIANT);
                output.extend(VARIANT_BYTES.to_le_bytes());
            }
            // Of no schema collection.
            Xml => output.extend([token::XML, 0]),
            Udt(udt) => {
                output.push(token::UDT);
                output.extend(PARTIAL.to_le_bytes());
                b_varchar(output, &udt.database);
                b_varchar(output, &udt.schema);
                b_varchar(output, &udt.name);
                us_varchar(output, &udt.assembly);
            }
        }
    }
}

fn bytes(length: Length, unit: u16) -> u16 {
    match length {
        Length::Of(length) => length.saturating_mul(unit),
        Length::Max => PARTIAL,
    }
}

fn decimal_bytes(precision: u8) -> u8 {
    // A sign, and at most sixteen bytes.
    super::number::magnitude_bytes(precision) as u8 + 1
}

fn with_length(output: &mut Vec<u8>, token: u8, length: u16, collation: Option<Collation>) {
    output.push(token);
    output.extend(length.to_le_bytes());
    output.extend(collation.map(Collation::to_bytes).into_iter().flatten());
}

fn large(output: &mut Vec<u8>, token: u8, collation: Option<Collation>) {
    output.push(token);
    output.extend(LARGE_BYTES.to_le_bytes());
    output.extend(collation.map(Collation::to_bytes).into_iter().flatten());
}

/// The type of the size that stands next.
fn sized(input: &mut Input<'_>, types: &[(u8, ColumnType)]) -> Result<ColumnType, ProtocolError> {
    let size = input.u8("size of a parameter")?;
    let found = types.iter().find(|(bytes, _)| *bytes == size).map(|(_, column_type)| column_type.clone());
    found.ok_or_else(|| input.wrong("size of a parameter", "a size that its type has", size, 1))
}

fn scale(input: &mut Input<'_>) -> Result<u8, ProtocolError> {
    let scale = input.u8("scale of a parameter")?;
    if scale <= 7 { Ok(scale) } else { Err(input.wrong("scale of a parameter", "0 to 7", scale, 1)) }
}

/// Size, which follows from precision, then precision and scale.
fn precision(input: &mut Input<'_>) -> Result<(u8, u8), ProtocolError> {
    let [_, precision, scale] = input.array("precision of a parameter")?;
    if (1..=MOST_DIGITS).contains(&precision) && scale <= precision {
        return Ok((precision, scale));
    }
    let got = format!("{precision} digits, {scale} behind the point");
    Err(input.wrong("precision of a parameter", "1 to 38 digits, no more behind the point", got, 2))
}

fn length(input: &mut Input<'_>) -> Result<u16, ProtocolError> {
    match input.u16("length of a parameter")? {
        PARTIAL => Err(input.wrong("length of a parameter", "a length, not max", PARTIAL, 2)),
        length => Ok(length),
    }
}

fn collation(input: &mut Input<'_>) -> Result<Collation, ProtocolError> {
    input.array("collation of a parameter").map(Collation::from_bytes)
}

fn text(token: u8, input: &mut Input<'_>) -> Result<(ColumnType, Form), ProtocolError> {
    let length = match token {
        token::CHAR | token::NCHAR => length(input)?,
        _ => input.u16("length of a parameter")?,
    };
    let collation = collation(input)?;
    let varying = |unit| if length == PARTIAL { Length::Max } else { Length::Of(length / unit) };
    let column_type = match token {
        token::CHAR => ColumnType::Char { length, collation },
        token::NCHAR => ColumnType::NChar { length: length / 2, collation },
        token::VARCHAR => ColumnType::VarChar { length: varying(1), collation },
        _ => ColumnType::NVarChar { length: varying(2), collation },
    };
    Ok((column_type, if length == PARTIAL { Form::Partial } else { Form::Short }))
}

fn xml_schema(input: &mut Input<'_>) -> Result<(), ProtocolError> {
    if input.u8("schema of an xml parameter")? != 0 {
        input.b_varchar("schema of an xml parameter")?;
        input.b_varchar("schema of an xml parameter")?;
        input.us_varchar("schema of an xml parameter")?;
    }
    Ok(())
}

/// In parameters there is neither a length before it nor an assembly behind it.
fn udt(input: &mut Input<'_>) -> Result<UdtType, ProtocolError> {
    Ok(UdtType {
        database: input.b_varchar("CLR type of a parameter")?,
        schema: input.b_varchar("CLR type of a parameter")?,
        name: input.b_varchar("CLR type of a parameter")?,
        assembly: String::new(),
    })
}
