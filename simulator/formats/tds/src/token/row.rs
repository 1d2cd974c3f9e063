//! ROW, and NBCROW where many values are NULL (\[MS-TDS\] 2.2.7.19, 2.2.7.13).

use super::Column;
use crate::error::EncodeError;
use crate::login::Version;
use crate::types::{Value, write_value};

const ROW: u8 = 0xD1;
const ROW_WITHOUT_NULLS: u8 = 0xD2;

pub(super) fn write(
    output: &mut Vec<u8>,
    version: Version,
    columns: &[Column],
    values: &[Value<'_>],
) -> Result<(), EncodeError> {
    if columns.len() != values.len() {
        return Err(EncodeError::Count { expected: columns.len(), got: values.len() });
    }
    if version.has_compressed_rows() && is_shorter(columns, values) {
        output.push(ROW_WITHOUT_NULLS);
        for eight in values.chunks(8) {
            let bits = eight.iter().enumerate().map(|(bit, value)| u8::from(value.is_null()) << bit);
            output.push(bits.sum());
        }
        for (column, value) in columns.iter().zip(values) {
            if value.is_null() {
                if !column.is_nullable {
                    return Err(EncodeError::Null { column: column.name.clone() });
                }
                continue;
            }
            write_value(output, &column.name, &column.info(), value, true)?;
        }
        return Ok(());
    }
    output.push(ROW);
    for (column, value) in columns.iter().zip(values) {
        write_value(output, &column.name, &column.info(), value, true)?;
    }
    Ok(())
}

/// Whether the bits cost less than what the nulls would.
fn is_shorter(columns: &[Column], values: &[Value<'_>]) -> bool {
    use crate::types::ColumnType::*;
    use crate::types::Length::Max;
    let nulls = columns.iter().zip(values).filter(|(_, value)| value.is_null());
    let bytes: usize = nulls
        .map(|(column, _)| match column.column_type {
            VarChar { length: Max, .. } | NVarChar { length: Max, .. } | VarBinary { length: Max } => 8,
            Xml | Udt(_) => 8,
            SqlVariant => 4,
            Char { .. }
            | VarChar { .. }
            | NChar { .. }
            | NVarChar { .. }
            | Binary { .. }
            | VarBinary { .. } => 2,
            _ => 1,
        })
        .sum();
    bytes > values.len().div_ceil(8)
}
