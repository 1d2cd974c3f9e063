//! Rowsets and allocation units: sys.sysrowsets (5) and sys.sysallocunits (7).

use std::collections::BTreeMap;
use std::io::{Read, Seek};

use super::base::{BaseRow, rows};
use crate::error::DataError;
use crate::page::PageId;
use crate::scan::{Scan, Unit};
use crate::store::PageReader;

/// Allocation units by the rowset that owns them.
#[derive(Default)]
pub struct Units {
    in_row: BTreeMap<i64, Unit>,
    used_pages: BTreeMap<i64, u64>,
}

/// Type of the unit that holds the rows themselves; 2 holds large values, 3 what overflows.
const IN_ROW: u8 = 1;

impl Units {
    pub fn read<S: Read + Seek>(
        reader: &mut PageReader<'_, S>,
        first: PageId,
        extent_count: u64,
    ) -> Result<Units, DataError> {
        let mut units = Units::default();
        rows(reader, Scan::chain(first, extent_count), |row| {
            let owner = row.i64(13)?;
            let used = u64::try_from(row.i64(45)?).unwrap_or(0);
            let total = units.used_pages.entry(owner).or_default();
            *total = total.saturating_add(used);
            if row.u8(12)? == IN_ROW {
                units.in_row.insert(owner, unit(row)?);
            }
            Ok(())
        })?;
        Ok(units)
    }

    pub fn in_row(&self, rowset: i64) -> Option<&Unit> {
        self.in_row.get(&rowset)
    }

    /// Pages of all units of a rowset.
    pub fn used_pages(&self, rowset: i64) -> u64 {
        self.used_pages.get(&rowset).copied().unwrap_or(0)
    }
}

fn unit(row: BaseRow<'_>) -> Result<Unit, DataError> {
    let count = |at| row.i64(at).map(|count| u64::try_from(count).unwrap_or(0));
    Ok(Unit {
        first: PageId::from_bytes(row.bytes(27, 6)?, 0),
        root: PageId::from_bytes(row.bytes(33, 6)?, 0),
        first_iam: PageId::from_bytes(row.bytes(39, 6)?, 0),
        used_pages: count(45)?,
        data_pages: count(53)?,
    })
}

/// A row of sys.sysrowsets.
#[derive(Clone, Copy, Debug)]
pub struct RowsetRow {
    pub id: i64,
    pub object_id: i32,
    pub index_id: i32,
    pub partition: i32,
    pub row_count: u64,
    pub compression: u8,
}

impl RowsetRow {
    pub fn read(row: BaseRow<'_>) -> Result<RowsetRow, DataError> {
        Ok(RowsetRow {
            id: row.i64(4)?,
            object_id: row.i32(13)?,
            index_id: row.i32(17)?,
            partition: row.i32(21)?,
            row_count: u64::try_from(row.i64(31)?).unwrap_or(0),
            // SQL Server 2005 ends before this column.
            compression: row.u8(39).unwrap_or(0),
        })
    }
}
