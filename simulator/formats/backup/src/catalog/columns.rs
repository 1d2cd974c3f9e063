//! Columns: what they are (sys.syscolpars, 41) and where records have them (sys.sysrscols, 3; before 2008
//! sys.sysrowsetcolumns, 4, and sys.syshobtcolumns, 13).

use std::collections::BTreeMap;

use super::base::BaseRow;
use super::model::{Column, Identity, Stored, StoredSlot};
use crate::error::DataError;
use crate::types::{CodePage, Decimal, SqlType};

/// Status bits of sys.syscolpars.
const NOT_NULL: u32 = 0x1;
const IDENTITY: u32 = 0x4;
const COMPUTED: u32 = 0x10;
const SPARSE: u32 = 0x0100_0000;
/// Status bits of sys.sysrscols and sys.sysrowsetcolumns.
const DROPPED: u32 = 0x2;
const UNIQUIFIER: u32 = 0x10;
const FILESTREAM: u32 = 0x20;

/// The database's own collation, which columns have unless they say otherwise.
#[derive(Clone, Copy, Debug)]
pub struct DatabaseCollation {
    pub id: u32,
    /// Its Windows locale, by the backup's header.
    pub locale: u32,
}

impl DatabaseCollation {
    fn code_page(&self, column_collation: u32) -> Option<CodePage> {
        let id = if column_collation == 0 { self.id } else { column_collation };
        CodePage::of_collation(id).or_else(|| CodePage::of_locale(self.locale).filter(|_| id == self.id))
    }
}

/// A column as sys.syscolpars has it.
pub struct ColumnRow {
    pub object_id: i32,
    pub user_type: i32,
    pub column: Column,
}

impl ColumnRow {
    /// `None` for parameters of procedures, which the table holds too.
    pub fn read(row: BaseRow<'_>, database: DatabaseCollation) -> Result<Option<ColumnRow>, DataError> {
        if row.i16(8)? != 0 {
            return Ok(None);
        }
        let status = row.u32(27)?;
        let collation_id = row.u32(23)?;
        let user_type = row.i32(15)?;
        let sql_type = SqlType::of(row.u8(14)?, user_type);
        let scale = row.u8(22)?;
        let code_page = database.code_page(collation_id).filter(|_| sql_type.has_code_page());
        let column = Column {
            id: row.i32(10)?,
            name: row.name(0)?,
            sql_type,
            type_name: None,
            max_length_bytes: row.i16(19)?,
            precision: row.u8(21)?,
            scale,
            is_nullable: status & NOT_NULL == 0,
            is_computed: status & COMPUTED != 0,
            is_stored: false,
            is_sparse: status & SPARSE != 0,
            collation_id,
            code_page,
            identity: if status & IDENTITY != 0 { identity(sql_type, row.variable(1)?) } else { None },
        };
        Ok(Some(ColumnRow { object_id: row.i32(4)?, user_type, column }))
    }
}

/// The last value, the increment and the seed, each as wide as a third of the bytes, and a flag.
fn identity(sql_type: SqlType, bytes: &[u8]) -> Option<Identity> {
    let width = bytes.len().checked_sub(1)? / 3;
    let number = |index: usize| {
        let bytes = bytes.get(index * width..(index + 1) * width)?;
        if matches!(sql_type, SqlType::Decimal | SqlType::Numeric) {
            let decimal = Decimal::from_bytes(bytes, 0)?;
            let value = i64::try_from(decimal.magnitude).ok()?;
            return Some(if decimal.is_negative { -value } else { value });
        }
        // A tinyint has no sign.
        let is_negative = sql_type != SqlType::TinyInt && bytes.last()? & 0x80 != 0;
        let mut wide = [if is_negative { 0xFF } else { 0 }; 8];
        wide.get_mut(..width)?.copy_from_slice(bytes);
        Some(i64::from_le_bytes(wide))
    };
    Some(Identity { last: number(0)?, increment: number(1)?, seed: number(2)? })
}

/// A column of a rowset.
#[derive(Clone, Copy, Debug)]
pub struct StoredRow {
    pub rowset: i64,
    pub column_id: i32,
    /// Number among the rowset's physical columns.
    pub physical_id: i32,
    pub status: u32,
    /// Type of the stored bytes.
    pub stored_type: u8,
    pub offset: i16,
    pub null_bit: u16,
    pub bit: u8,
}

impl StoredRow {
    /// From sys.sysrscols.
    pub fn read(row: BaseRow<'_>) -> Result<StoredRow, DataError> {
        let type_info = row.u32(28)?.to_le_bytes();
        Ok(StoredRow {
            rowset: row.i64(4)?,
            column_id: row.i32(12)?,
            physical_id: row.i32(16)?,
            status: row.u32(40)?,
            stored_type: type_info[0],
            // The low halves are those of leaf pages.
            offset: row.i16(44)?,
            null_bit: row.i16(48)?.cast_unsigned(),
            bit: row.u8(52)?,
        })
    }

    pub fn is_column(&self) -> bool {
        self.column_id > 0 && self.status & (DROPPED | UNIQUIFIER) == 0
    }

    /// Why the column's values are not what is in rows; `None` where they are.
    pub fn unsupported(&self, column: &Column) -> Option<String> {
        /// Stored type of bytes, as encrypted values are.
        const VARBINARY: u8 = 165;
        let is_bytes = matches!(
            column.sql_type,
            SqlType::VarBinary
                | SqlType::Xml
                | SqlType::HierarchyId
                | SqlType::Geometry
                | SqlType::Geography
                | SqlType::Clr
        );
        if self.status & FILESTREAM != 0 {
            return Some(format!("column {} is FILESTREAM: its values are files", column.name));
        }
        if self.stored_type == VARBINARY && !is_bytes {
            return Some(format!(
                "column {} is {} and stored as bytes: it is encrypted (Always Encrypted)",
                column.name,
                column.sql_type.name()
            ));
        }
        None
    }

    /// How records have it, for a column of that description.
    pub fn stored(&self, column: &Column) -> Stored {
        let slot = match self.offset {
            0 if column.is_sparse => StoredSlot::Sparse(self.column_id as u16),
            offset if offset < 0 => StoredSlot::Variable((-(offset + 1)).cast_unsigned()),
            offset if column.sql_type == SqlType::Bit => {
                StoredSlot::Bit { at: offset.cast_unsigned(), bit: self.bit }
            }
            offset => StoredSlot::Fixed {
                at: offset.cast_unsigned(),
                length: column.sql_type.fixed_bytes(column.max_length_bytes),
            },
        };
        Stored { slot, null_bit: self.null_bit, default: None }
    }
}

/// The two tables in which SQL Server 2005 keeps what sys.sysrscols holds later.
#[derive(Default)]
pub struct Columns2005 {
    /// By rowset and physical column.
    physical: BTreeMap<(i64, i32), PhysicalColumn>,
}

#[derive(Clone, Copy)]
struct PhysicalColumn {
    offset: i16,
    null_bit: u16,
    bit: u8,
    stored_type: u8,
}

impl Columns2005 {
    /// Takes a row of sys.syshobtcolumns.
    pub fn take(&mut self, row: BaseRow<'_>) -> Result<(), DataError> {
        let place = PhysicalColumn {
            offset: row.i16(31)?,
            null_bit: row.i16(37)?.cast_unsigned(),
            bit: row.u8(35)?,
            stored_type: row.u8(22)?,
        };
        self.physical.insert((row.i64(4)?, row.i32(12)?), place);
        Ok(())
    }

    /// From a row of sys.sysrowsetcolumns.
    pub fn read(&self, row: BaseRow<'_>) -> Result<Option<StoredRow>, DataError> {
        let (rowset, physical_id) = (row.i64(4)?, row.i32(16)?);
        let Some(place) = self.physical.get(&(rowset, physical_id)).copied() else { return Ok(None) };
        Ok(Some(StoredRow {
            rowset,
            column_id: row.i32(12)?,
            physical_id,
            status: row.u32(20)?,
            stored_type: place.stored_type,
            offset: place.offset,
            null_bit: place.null_bit,
            bit: place.bit,
        }))
    }
}

/// An alias or CLR type: sys.sysscalartypes (50).
pub fn type_name(row: BaseRow<'_>) -> Result<(i32, String), DataError> {
    Ok((row.i32(4)?, row.name(0)?))
}

/// A rowset and a physical column of it.
pub type DefaultKey = (i64, i64);

/// What rows hold of a column added later: sys.sysseobjvalues (9), class 1. The value is a sql_variant.
pub fn added_default(row: BaseRow<'_>) -> Result<Option<(DefaultKey, Vec<u8>)>, DataError> {
    /// Class of defaults that are out of rows.
    const OUT_OF_ROW_DEFAULT: u8 = 1;
    if row.u8(4)? != OUT_OF_ROW_DEFAULT || row.i32(21)? != 0 {
        return Ok(None);
    }
    Ok(Some(((row.i64(5)?, row.i64(13)?), row.variable(0)?.to_vec())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identities_are_as_wide_as_their_type() {
        let read = |sql_type, bytes: &[u8]| {
            let Identity { last, increment, seed } = identity(sql_type, bytes)?;
            Some((last, increment, seed))
        };
        let int = [7, 0, 0, 0, 0xFE, 0xFF, 0xFF, 0xFF, 1, 0, 0, 0, 0];
        assert_eq!(read(SqlType::Int, &int), Some((7, -2, 1)));
        assert_eq!(read(SqlType::TinyInt, &[200, 1, 1, 0]), Some((200, 1, 1)));
        let numeric = [1, 9, 0, 0, 0, 0, 3, 0, 0, 0, 1, 1, 0, 0, 0, 0];
        assert_eq!(read(SqlType::Numeric, &numeric), Some((9, -3, 1)));
        assert_eq!(read(SqlType::Int, &[]), None);
    }
}
