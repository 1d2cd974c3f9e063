//! Reading system base tables: fixed places for fixed columns, numbers for variable ones.

use std::io::{Read, Seek};

use crate::error::DataError;
use crate::page::Page;
use crate::record::{Record, RecordKind};
use crate::scan::Scan;
use crate::store::PageReader;
use crate::types::utf16;

/// A row of a base table.
#[derive(Clone, Copy)]
pub struct BaseRow<'a>(pub Record<'a>);

/// Base tables have no NULL where these are used; a missing column is damage.
impl<'a> BaseRow<'a> {
    fn cut<T>(value: Option<T>, at: usize) -> Result<T, DataError> {
        value.ok_or_else(|| DataError::damaged(format!("a catalog row has no column at byte {at}")))
    }

    pub fn u8(&self, at: usize) -> Result<u8, DataError> {
        Self::cut(self.0.fixed_part().u8(at), at)
    }

    pub fn i16(&self, at: usize) -> Result<i16, DataError> {
        Self::cut(self.0.fixed_part().u16(at), at).map(u16::cast_signed)
    }

    pub fn u32(&self, at: usize) -> Result<u32, DataError> {
        Self::cut(self.0.fixed_part().u32(at), at)
    }

    pub fn i32(&self, at: usize) -> Result<i32, DataError> {
        self.u32(at).map(u32::cast_signed)
    }

    pub fn i64(&self, at: usize) -> Result<i64, DataError> {
        Self::cut(self.0.fixed_part().u64(at), at).map(u64::cast_signed)
    }

    pub fn bytes(&self, at: usize, length: usize) -> Result<&'a [u8], DataError> {
        Self::cut(self.0.fixed(at, length), at)
    }

    /// A variable column's bytes; empty where there is none.
    pub fn variable(&self, index: u16) -> Result<&'a [u8], DataError> {
        Ok(self.0.variable(index)?.map_or(&[][..], |column| column.bytes))
    }

    pub fn name(&self, index: u16) -> Result<String, DataError> {
        Ok(utf16(self.variable(index)?).into_owned())
    }
}

/// Calls `take` with every row. A damaged catalog is told, never half read.
pub fn rows<S: Read + Seek>(
    reader: &mut PageReader<'_, S>,
    mut scan: Scan,
    mut take: impl FnMut(BaseRow<'_>) -> Result<(), DataError>,
) -> Result<(), DataError> {
    while let Some(id) = scan.next(reader)? {
        let place = reader.place(id);
        let page = Page(reader.page(id)?);
        for slot in 0..page.checked_slot_count().map_err(|error| error.on(id))? {
            let taken = page.slot(slot).and_then(|bytes| match bytes.map(|bytes| (bytes, bytes[0])) {
                Some((_, status)) if status & 1 == 1 => {
                    Err(DataError::unsupported("a catalog row is compressed, which no known version does"))
                }
                Some((bytes, status)) if RecordKind::of(status) == RecordKind::Primary => {
                    take(BaseRow(Record::read(bytes)?))
                }
                _ => Ok(()),
            });
            taken.map_err(|error| error.in_slot(id, place, slot))?;
        }
    }
    Ok(())
}
