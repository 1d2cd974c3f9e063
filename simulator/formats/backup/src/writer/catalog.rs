//! The rows of the system base tables, as SQL Server 2008 to 2019 lay them out.
//!
//! Which column is where was measured on real catalogs. Base tables are told where they are, but not, as real
//! catalogs do, described by themselves.

use super::page::{Owner, pointer};
use super::record::RecordMaker;
use super::tables::{ColumnSpec, ColumnType, TableSpec};

/// Filegroup of everything.
const PRIMARY: u16 = 1;
/// The schema dbo.
const DBO: u32 = 1;
/// 2026-01-01, as datetime has it.
const CREATED: [u8; 8] = [0, 0, 0, 0, 0xC5, 0xB3, 0, 0];

/// Base tables: object number and whether they are clustered by an index.
pub mod base {
    pub const COLUMN_PLACES: u32 = 3;
    pub const ROWSETS: u32 = 5;
    pub const UNITS: u32 = 7;
    pub const OBJECTS: u32 = 34;
    pub const COLUMNS: u32 = 41;
    pub const TYPES: u32 = 50;
    pub const INDEXES: u32 = 54;
    pub const INDEX_COLUMNS: u32 = 55;
    pub const VALUES: u32 = 60;
    pub const CLASSES: u32 = 64;
    pub const ALL: [u32; 10] =
        [COLUMN_PLACES, ROWSETS, UNITS, OBJECTS, COLUMNS, TYPES, INDEXES, INDEX_COLUMNS, VALUES, CLASSES];
}

/// A rowset and where it is.
#[derive(Clone, Copy, Debug)]
pub struct Placed {
    /// `None` for base tables.
    pub table: Option<TableSpec>,
    pub object_id: u32,
    pub owner: Owner,
    /// Identifier of the rowset.
    pub rowset: u64,
    pub first: u32,
    /// `None` for heaps.
    pub root: Option<u32>,
    pub first_iam: u32,
    pub used_pages: u64,
    pub data_pages: u64,
    pub rows: u64,
}

impl Placed {
    fn index_id(&self) -> u32 {
        u32::from(self.root.is_some())
    }

    /// Those that describe a table, and it.
    fn described(all: &[Placed]) -> impl Iterator<Item = (&Placed, TableSpec)> {
        all.iter().filter_map(|placed| placed.table.map(|table| (placed, table)))
    }
}

/// The records of a base table, and the end of their fixed parts.
pub fn records(table: u32, all: &[Placed]) -> Vec<Vec<u8>> {
    let mut maker = RecordMaker::default();
    match table {
        base::COLUMN_PLACES => Placed::described(all)
            .flat_map(|(placed, table)| places(placed, &table))
            .map(|place| place.record(&mut maker))
            .collect(),
        base::ROWSETS => all.iter().map(|placed| rowset(placed, &mut maker)).collect(),
        base::UNITS => all.iter().map(|placed| unit(placed, &mut maker)).collect(),
        base::OBJECTS => {
            Placed::described(all).map(|(placed, table)| object(placed, &table, &mut maker)).collect()
        }
        base::COLUMNS => Placed::described(all)
            .flat_map(|(placed, table)| (1..).zip(table.columns).map(move |column| (placed, column)))
            .map(|(placed, (id, spec))| column(placed.object_id, id, spec, &mut maker))
            .collect(),
        base::TYPES => SPATIAL_TYPES.iter().map(|(id, name)| scalar_type(*id, name, &mut maker)).collect(),
        base::INDEXES => {
            Placed::described(all).map(|(placed, table)| index(placed, &table, &mut maker)).collect()
        }
        base::INDEX_COLUMNS => Placed::described(all)
            .filter(|(_, table)| table.has_key)
            .map(|(placed, _)| index_column(placed.object_id, &mut maker))
            .collect(),
        base::CLASSES => SCHEMAS.iter().map(|(id, name)| schema(*id, name, &mut maker)).collect(),
        // Nothing has a definition: no views, no defaults.
        _ => Vec::new(),
    }
}

/// Schemas, and types of the CLR, by number.
const SCHEMAS: [(u32, &str); 2] = [(DBO, "dbo"), (4, "sys")];
const SPATIAL_TYPES: [(u32, &str); 2] = [(129, "geometry"), (130, "geography")];

/// sys.sysallocunits.
fn unit(placed: &Placed, maker: &mut RecordMaker) -> Vec<u8> {
    maker
        .begin()
        .fixed(&placed.owner.unit_id().to_le_bytes())
        .fixed(&[1]) // in-row data
        .fixed(&placed.rowset.to_le_bytes())
        .fixed(&0_u32.to_le_bytes())
        .fixed(&PRIMARY.to_le_bytes())
        .fixed(&pointer(Some(placed.first)))
        .fixed(&pointer(placed.root))
        .fixed(&pointer(Some(placed.first_iam)))
        .fixed(&placed.used_pages.to_le_bytes())
        .fixed(&placed.data_pages.to_le_bytes())
        .fixed(&placed.used_pages.to_le_bytes())
        .finish()
        .to_vec()
}

/// sys.sysrowsets.
fn rowset(placed: &Placed, maker: &mut RecordMaker) -> Vec<u8> {
    let columns = placed.table.map_or(0, |table| table.columns.len()) as u16;
    let fixed_end = placed.table.map_or(0, |table| table.fixed_end()) as u16;
    let key_end: u16 = if placed.root.is_some() { 11 } else { 0 };
    maker
        .begin()
        .fixed(&placed.rowset.to_le_bytes())
        .fixed(&[1])
        .fixed(&placed.object_id.to_le_bytes())
        .fixed(&placed.index_id().to_le_bytes())
        .fixed(&1_u32.to_le_bytes()) // the only partition
        .fixed(&0_u32.to_le_bytes())
        .fixed(&0_u16.to_le_bytes())
        .fixed(&placed.rows.to_le_bytes())
        .fixed(&[0]) // not compressed
        .fixed(&[0])
        .fixed(&columns.to_le_bytes())
        .fixed(&8060_u32.to_le_bytes())
        .fixed(&key_end.to_le_bytes())
        .fixed(&fixed_end.to_le_bytes())
        .fixed(&key_end.to_le_bytes())
        .fixed(&0_u32.to_le_bytes())
        .variable(None)
        .variable(None)
        .finish()
        .to_vec()
}

/// sys.sysschobjs.
fn object(placed: &Placed, table: &TableSpec, maker: &mut RecordMaker) -> Vec<u8> {
    maker
        .begin()
        .fixed(&placed.object_id.to_le_bytes())
        .fixed(&DBO.to_le_bytes())
        .fixed(&[0])
        .fixed(&0_u32.to_le_bytes())
        .fixed(b"U ")
        .fixed(&0_u32.to_le_bytes())
        .fixed(&[1])
        .fixed(&(table.columns.len() as u32).to_le_bytes())
        .fixed(&CREATED)
        .fixed(&CREATED)
        .fixed(&0_u32.to_le_bytes())
        .text(table.name)
        .finish()
        .to_vec()
}

/// sys.syscolpars.
fn column(object_id: u32, id: u32, column: &ColumnSpec, maker: &mut RecordMaker) -> Vec<u8> {
    const NOT_NULL: u32 = 1;
    let numbers = column.column_type.numbers();
    maker
        .begin()
        .fixed(&object_id.to_le_bytes())
        .fixed(&0_u16.to_le_bytes())
        .fixed(&id.to_le_bytes())
        .fixed(&[numbers.system])
        .fixed(&numbers.user.to_le_bytes())
        .fixed(&numbers.length_bytes.to_le_bytes())
        .fixed(&[numbers.precision])
        .fixed(&[numbers.scale])
        .fixed(&numbers.collation.to_le_bytes())
        .fixed(&if column.is_nullable { 0 } else { NOT_NULL }.to_le_bytes())
        .fixed(&numbers.length_bytes.to_le_bytes())
        .fixed(&0_u32.to_le_bytes())
        .fixed(&0_u32.to_le_bytes())
        .fixed(&0_u32.to_le_bytes())
        .text(column.name)
        .variable(None)
        .finish()
        .to_vec()
}

/// Where records have a column.
struct Place {
    rowset: u64,
    column_id: u32,
    key_ordinal: u16,
    type_info: u32,
    collation: u32,
    /// From the record's start; negative: place among the variable ones.
    offset: i16,
}

fn places(placed: &Placed, table: &TableSpec) -> Vec<Place> {
    let (mut fixed, mut variable) = (4, 0);
    let mut place = |(column_id, column): (u32, &ColumnSpec)| {
        let offset = match column.column_type.fixed_bytes() {
            Some(bytes) => {
                fixed += bytes as i16;
                fixed - bytes as i16
            }
            None => {
                variable -= 1;
                variable
            }
        };
        let numbers = column.column_type.numbers();
        let size = match column.column_type {
            ColumnType::Int => 0,
            ColumnType::Decimal => u32::from(numbers.precision) | u32::from(numbers.scale) << 8,
            ColumnType::DateTime2 => u32::from(numbers.scale),
            _ => u32::from(numbers.length_bytes.cast_unsigned()),
        };
        Place {
            rowset: placed.rowset,
            column_id,
            key_ordinal: u16::from(table.has_key && column_id == 1),
            type_info: u32::from(numbers.system) | size << 8,
            collation: numbers.collation,
            offset,
        }
    };
    (1..).zip(table.columns).map(&mut place).collect()
}

impl Place {
    /// sys.sysrscols.
    fn record(&self, maker: &mut RecordMaker) -> Vec<u8> {
        // Index pages have the key behind their status byte.
        let on_index_pages: u16 = self.key_ordinal;
        maker
            .begin()
            .fixed(&self.rowset.to_le_bytes())
            .fixed(&self.column_id.to_le_bytes())
            .fixed(&self.column_id.to_le_bytes())
            .fixed(&0_u64.to_le_bytes())
            .fixed(&self.type_info.to_le_bytes())
            .fixed(&self.collation.to_le_bytes())
            .fixed(&self.key_ordinal.to_le_bytes())
            .fixed(&0_u16.to_le_bytes())
            .fixed(&0x80_u32.to_le_bytes())
            .fixed(&(u32::from(self.offset.cast_unsigned()) | u32::from(on_index_pages) << 16).to_le_bytes())
            .fixed(&self.column_id.to_le_bytes())
            .fixed(&0_u16.to_le_bytes())
            .variable(None)
            .finish()
            .to_vec()
    }
}

/// sys.sysidxstats.
fn index(placed: &Placed, table: &TableSpec, maker: &mut RecordMaker) -> Vec<u8> {
    /// An index, unique, of a primary key.
    const KEY: u32 = 0x1 | 0x8 | 0x20;
    let name = format!("PK_{}", table.name);
    maker
        .begin()
        .fixed(&placed.object_id.to_le_bytes())
        .fixed(&placed.index_id().to_le_bytes())
        .fixed(&if table.has_key { KEY } else { 0 }.to_le_bytes())
        .fixed(&0_u32.to_le_bytes())
        .fixed(&[0])
        .fixed(&[u8::from(table.has_key)])
        .fixed(&[0])
        .fixed(&u32::from(PRIMARY).to_le_bytes())
        .fixed(&0_u32.to_le_bytes())
        .fixed(&placed.rowset.to_le_bytes());
    // Heaps have no name.
    if table.has_key { maker.text(&name) } else { maker.variable(None) }.finish().to_vec()
}

/// sys.sysiscols: the key is the first column.
fn index_column(object_id: u32, maker: &mut RecordMaker) -> Vec<u8> {
    maker
        .begin()
        .fixed(&object_id.to_le_bytes())
        .fixed(&1_u32.to_le_bytes())
        .fixed(&1_u32.to_le_bytes())
        .fixed(&3_u32.to_le_bytes())
        .fixed(&1_u32.to_le_bytes())
        .fixed(&[1])
        .fixed(&[0])
        .fixed(&[0])
        .fixed(&[0])
        .finish()
        .to_vec()
}

/// sys.sysscalartypes.
fn scalar_type(id: u32, name: &str, maker: &mut RecordMaker) -> Vec<u8> {
    const SYS: u32 = 4;
    maker
        .begin()
        .fixed(&id.to_le_bytes())
        .fixed(&SYS.to_le_bytes())
        .fixed(&[240])
        .fixed(&(-1_i16).to_le_bytes())
        .fixed(&[0])
        .fixed(&[0])
        .fixed(&0_u32.to_le_bytes())
        .fixed(&0_u32.to_le_bytes())
        .fixed(&CREATED)
        .fixed(&CREATED)
        .fixed(&0_u32.to_le_bytes())
        .fixed(&0_u32.to_le_bytes())
        .text(name)
        .finish()
        .to_vec()
}

/// sys.sysclsobjs: a schema.
fn schema(id: u32, name: &str, maker: &mut RecordMaker) -> Vec<u8> {
    const SCHEMA: u8 = 50;
    maker
        .begin()
        .fixed(&[SCHEMA])
        .fixed(&id.to_le_bytes())
        .fixed(&0_u32.to_le_bytes())
        .fixed(&0_u16.to_le_bytes())
        .fixed(&0_u32.to_le_bytes())
        .fixed(&CREATED)
        .fixed(&CREATED)
        .text(name)
        .finish()
        .to_vec()
}
