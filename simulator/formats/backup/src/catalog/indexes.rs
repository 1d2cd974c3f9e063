//! Indexes: sys.sysidxstats (54) and their columns, sys.sysiscols (55).

use std::collections::BTreeMap;

use super::base::BaseRow;
use super::model::{Index, IndexType};
use crate::error::DataError;

/// Status bits of sys.sysidxstats.
const IS_INDEX: u32 = 0x1;
const UNIQUE: u32 = 0x8;
const PRIMARY_KEY: u32 = 0x20;
const UNIQUE_CONSTRAINT: u32 = 0x40;
const DISABLED: u32 = 0x80;
/// Status bits of sys.sysiscols.
const DESCENDING: u32 = 0x4;
const INCLUDED: u32 = 0x10;

/// A row of sys.sysidxstats.
pub struct IndexRow {
    pub object_id: i32,
    pub index: Index,
    /// Heaps and statistics are in the table too.
    pub is_index: bool,
}

impl IndexRow {
    pub fn read(row: BaseRow<'_>) -> Result<IndexRow, DataError> {
        let status = row.u32(12)?;
        let id = row.i32(8)?;
        let number = row.u8(21)?;
        let index = Index {
            id,
            name: row.name(0)?,
            index_type: IndexType::of(number),
            is_unique: status & UNIQUE != 0,
            is_primary_key: status & PRIMARY_KEY != 0,
            is_unique_constraint: status & UNIQUE_CONSTRAINT != 0,
            is_disabled: status & DISABLED != 0,
            keys: Vec::new(),
            descending: Vec::new(),
            included: Vec::new(),
        };
        Ok(IndexRow { object_id: row.i32(4)?, index, is_index: status & IS_INDEX != 0 && number != 0 })
    }
}

/// A column of an index.
#[derive(Clone, Copy, Debug)]
pub struct IndexColumn {
    pub column_id: i32,
    /// Place in the key, from 1; 0: not in it.
    pub key_ordinal: u8,
    status: u32,
}

/// Columns of indexes by object and index.
#[derive(Default)]
pub struct IndexColumns(BTreeMap<(i32, i32), Vec<IndexColumn>>);

impl IndexColumns {
    pub fn take(&mut self, row: BaseRow<'_>) -> Result<(), DataError> {
        let column = IndexColumn { column_id: row.i32(20)?, key_ordinal: row.u8(24)?, status: row.u32(16)? };
        self.0.entry((row.i32(4)?, row.i32(8)?)).or_default().push(column);
        Ok(())
    }

    /// Names the columns of an index.
    pub fn name(&self, object_id: i32, index: &mut Index, names: &BTreeMap<i32, &str>) {
        let mut columns = self.0.get(&(object_id, index.id)).cloned().unwrap_or_default();
        columns.sort_by_key(|column| column.key_ordinal);
        for column in columns {
            let Some(name) = names.get(&column.column_id) else { continue };
            if column.key_ordinal > 0 {
                index.keys.push((*name).to_owned());
                index.descending.push(column.status & DESCENDING != 0);
            } else if column.status & INCLUDED != 0 {
                index.included.push((*name).to_owned());
            }
        }
    }
}
