//! Puts the catalog together from the base tables.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{Read, Seek};

use super::base::{BaseRow, rows};
use super::boot::{BOOT_PAGE, Boot};
use super::columns::{self, ColumnRow, Columns2005, DatabaseCollation, DefaultKey, StoredRow};
use super::indexes::{IndexColumns, IndexRow};
use super::model::{Catalog, Column, Index, IndexType, Layout, Rowset, Storage, Stored, Table};
use super::rowsets::{RowsetRow, Units};
use crate::error::DataError;
use crate::scan::{Scan, Unit};
use crate::store::{PageReader, Pages};
use crate::types::{SqlType, variant};

/// Last internal version of SQL Server 2005.
const LAST_2005: u16 = 612;
/// Schema of the system's own objects.
const SYS_SCHEMA: i32 = 4;

/// Base tables read here, by object number.
mod table {
    pub const COLUMN_PLACES: i32 = 3;
    pub const ROWSET_COLUMNS_2005: i32 = 4;
    pub const ROWSETS: i32 = 5;
    pub const ADDED_DEFAULTS: i32 = 9;
    pub const HOBT_COLUMNS_2005: i32 = 13;
    pub const OBJECTS: i32 = 34;
    pub const COLUMNS: i32 = 41;
    pub const TYPES: i32 = 50;
    pub const INDEXES: i32 = 54;
    pub const INDEX_COLUMNS: i32 = 55;
    pub const CLASSES: i32 = 64;
}

struct Object {
    name: String,
    schema: i32,
}

/// Everything read from the base tables, before it becomes tables.
struct Loader<'d, S> {
    reader: PageReader<'d, S>,
    units: Units,
    boot: Boot,
    collation: DatabaseCollation,
}

/// Reads the catalog. `locale` is the database's, by the backup's header.
pub fn load<S: Read + Seek>(pages: &Pages<S>, locale: u32) -> Result<(Boot, Catalog), DataError> {
    let mut reader = PageReader::new(pages);
    let boot = Boot::read(reader.page(BOOT_PAGE)?)?;
    let units = Units::read(&mut reader, boot.first_allocation_units, pages.extent_count())?;
    let collation = DatabaseCollation { id: boot.collation_id, locale };
    let mut loader = Loader { reader, units, boot, collation };
    let tables = loader.tables()?;
    Ok((boot, Catalog { tables, is_fuzzy: loader.reader.is_fuzzy() }))
}

impl<S: Read + Seek> Loader<'_, S> {
    /// Where a base table's rows are. A rowset of the system has its object's number, shifted, and that of
    /// its clustered index above it, where it has one.
    fn unit(&self, object: i32) -> Option<Unit> {
        let heap = i64::from(object) << 16;
        self.units.in_row(heap).or_else(|| self.units.in_row(1 << 48 | heap)).copied()
    }

    /// Rows of a base table.
    fn each(
        &mut self,
        object: i32,
        take: impl FnMut(BaseRow<'_>) -> Result<(), DataError>,
    ) -> Result<(), DataError> {
        let unit = self.unit(object).ok_or_else(|| {
            DataError::damaged(format!("the catalog has no place for system table {object}"))
        })?;
        let scan = Scan::leaves(&unit, self.reader.pages().extent_count());
        rows(&mut self.reader, scan, take)
    }

    fn tables(&mut self) -> Result<Vec<Table>, DataError> {
        let objects = self.objects()?;
        let mut schemas = BTreeMap::new();
        self.each(table::CLASSES, |row| {
            /// Class of schemas.
            const SCHEMA: u8 = 50;
            if row.u8(4)? == SCHEMA {
                schemas.insert(row.i32(5)?, row.name(0)?);
            }
            Ok(())
        })?;
        let mut rowsets: BTreeMap<i32, Vec<RowsetRow>> = BTreeMap::new();
        self.each(table::ROWSETS, |row| {
            let rowset = RowsetRow::read(row)?;
            // 0 is a heap, 1 a clustered index; all others are copies.
            if objects.contains_key(&rowset.object_id) && rowset.index_id <= 1 {
                rowsets.entry(rowset.object_id).or_default().push(rowset);
            }
            Ok(())
        })?;
        let wanted: BTreeSet<i64> = rowsets.values().flatten().map(|rowset| rowset.id).collect();
        let stored = self.stored(&wanted)?;
        let mut columns = self.columns(&objects)?;
        let mut indexes = self.indexes(&columns)?;
        let defaults = self.added_defaults(&wanted)?;
        let mut tables = Vec::new();
        for (id, object) in objects {
            let parts = Parts {
                columns: columns.remove(&id).unwrap_or_default(),
                indexes: indexes.remove(&id).unwrap_or_default(),
                rowsets: rowsets.remove(&id).unwrap_or_default(),
            };
            let schema = schemas.get(&object.schema).cloned();
            let schema = schema.unwrap_or_else(|| format!("schema {}", object.schema));
            tables.push(parts.table(id, schema, object.name, &stored, &defaults, &self.units));
        }
        tables.sort_by(|one, other| (&one.schema, &one.name).cmp(&(&other.schema, &other.name)));
        Ok(tables)
    }

    fn objects(&mut self) -> Result<BTreeMap<i32, Object>, DataError> {
        let mut objects = BTreeMap::new();
        self.each(table::OBJECTS, |row| {
            let schema = row.i32(8)?;
            if row.bytes(17, 2)? == b"U " && schema != SYS_SCHEMA {
                objects.insert(row.i32(4)?, Object { name: row.name(0)?, schema });
            }
            Ok(())
        })?;
        Ok(objects)
    }

    fn columns(&mut self, objects: &BTreeMap<i32, Object>) -> Result<BTreeMap<i32, Vec<Column>>, DataError> {
        let mut types = BTreeMap::new();
        self.each(table::TYPES, |row| {
            let (id, name) = columns::type_name(row)?;
            types.insert(id, name);
            Ok(())
        })?;
        /// Types with higher numbers are made by users.
        const LAST_SYSTEM_TYPE: i32 = 256;
        let collation = self.collation;
        let mut columns: BTreeMap<i32, Vec<Column>> = BTreeMap::new();
        self.each(table::COLUMNS, |row| {
            let object_id = row.i32(4)?;
            if !objects.contains_key(&object_id) {
                return Ok(());
            }
            let Some(ColumnRow { object_id, user_type, mut column }) = ColumnRow::read(row, collation)?
            else {
                return Ok(());
            };
            if user_type > LAST_SYSTEM_TYPE || column.sql_type == SqlType::Clr {
                column.type_name = types.get(&user_type).cloned();
            }
            columns.entry(object_id).or_default().push(column);
            Ok(())
        })?;
        for columns in columns.values_mut() {
            columns.sort_by_key(|column| column.id);
        }
        Ok(columns)
    }

    fn indexes(
        &mut self,
        columns: &BTreeMap<i32, Vec<Column>>,
    ) -> Result<BTreeMap<i32, Vec<Index>>, DataError> {
        let mut index_columns = IndexColumns::default();
        self.each(table::INDEX_COLUMNS, |row| index_columns.take(row))?;
        let mut indexes: BTreeMap<i32, Vec<Index>> = BTreeMap::new();
        self.each(table::INDEXES, |row| {
            let IndexRow { object_id, mut index, is_index } = IndexRow::read(row)?;
            if let Some(columns) = columns.get(&object_id).filter(|_| is_index) {
                let names = columns.iter().map(|column| (column.id, column.name.as_str())).collect();
                index_columns.name(object_id, &mut index, &names);
                indexes.entry(object_id).or_default().push(index);
            }
            Ok(())
        })?;
        Ok(indexes)
    }

    /// The physical columns of the rowsets, by rowset.
    fn stored(&mut self, wanted: &BTreeSet<i64>) -> Result<BTreeMap<i64, Vec<StoredRow>>, DataError> {
        let mut stored: BTreeMap<i64, Vec<StoredRow>> = BTreeMap::new();
        let mut take = |row: StoredRow| {
            if wanted.contains(&row.rowset) && row.is_column() {
                stored.entry(row.rowset).or_default().push(row);
            }
        };
        if self.boot.version > LAST_2005 {
            self.each(table::COLUMN_PLACES, |row| {
                take(StoredRow::read(row)?);
                Ok(())
            })?;
        } else {
            let mut columns = Columns2005::default();
            self.each(table::HOBT_COLUMNS_2005, |row| columns.take(row))?;
            self.each(table::ROWSET_COLUMNS_2005, |row| {
                if let Some(row) = columns.read(row)? {
                    take(row);
                }
                Ok(())
            })?;
        }
        Ok(stored)
    }

    /// Defaults that rows written before their column do not hold (2012 and later), by rowset and column.
    fn added_defaults(&mut self, wanted: &BTreeSet<i64>) -> Result<BTreeMap<DefaultKey, Vec<u8>>, DataError> {
        let mut defaults = BTreeMap::new();
        if self.unit(table::ADDED_DEFAULTS).is_none() {
            return Ok(defaults);
        }
        self.each(table::ADDED_DEFAULTS, |row| {
            if let Some((key, value)) = columns::added_default(row)?
                && wanted.contains(&key.0)
            {
                defaults.insert(key, value);
            }
            Ok(())
        })?;
        Ok(defaults)
    }
}

/// What becomes one table.
struct Parts {
    columns: Vec<Column>,
    indexes: Vec<Index>,
    rowsets: Vec<RowsetRow>,
}

impl Parts {
    fn table(
        mut self,
        object_id: i32,
        schema: String,
        name: String,
        stored: &BTreeMap<i64, Vec<StoredRow>>,
        defaults: &BTreeMap<DefaultKey, Vec<u8>>,
        units: &Units,
    ) -> Table {
        self.rowsets.sort_by_key(|rowset| rowset.partition);
        let storage = self.storage();
        let mut unsupported = unsupported(storage);
        let mut rowsets = Vec::new();
        for row in &self.rowsets {
            let mut layout = Layout::default();
            for column in &mut self.columns {
                let found = stored.get(&row.id).into_iter().flatten().find(|row| row.column_id == column.id);
                let mut place = Stored::default();
                if let Some(found) = found {
                    column.is_stored = true;
                    place = found.stored(column);
                    let default = defaults.get(&(row.id, i64::from(found.physical_id)));
                    place.default = default.and_then(|value| variant::stored_bytes(value));
                    unsupported = unsupported.or_else(|| found.unsupported(column));
                }
                layout.columns.push(place);
            }
            rowsets.push(Rowset {
                compression: row.compression,
                unit: units.in_row(row.id).copied().unwrap_or_default(),
                layout,
            });
        }
        Table {
            schema,
            name,
            object_id,
            storage,
            row_count: self.rowsets.iter().map(|row| row.row_count).fold(0, u64::saturating_add),
            used_pages: self.rowsets.iter().map(|row| units.used_pages(row.id)).fold(0, u64::saturating_add),
            columns: self.columns,
            indexes: self.indexes,
            unsupported,
            rowsets,
        }
    }

    fn storage(&self) -> Storage {
        let is_columnstore = self.rowsets.iter().any(|rowset| rowset.compression > 2)
            || self.indexes.iter().any(|index| index.index_type == IndexType::ClusteredColumnstore);
        match self.rowsets.first() {
            None => Storage::Elsewhere,
            Some(_) if is_columnstore => Storage::Columnstore,
            Some(rowset) if rowset.index_id == 0 => Storage::Heap,
            Some(_) => Storage::Clustered,
        }
    }
}

fn unsupported(storage: Storage) -> Option<String> {
    match storage {
        Storage::Heap | Storage::Clustered => None,
        Storage::Columnstore => Some("the table is a columnstore, which is not read".to_owned()),
        Storage::Elsewhere => {
            Some("the table is memory-optimized or external: the data pages hold no rows of it".to_owned())
        }
    }
}
