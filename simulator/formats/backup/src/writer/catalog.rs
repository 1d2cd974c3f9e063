//! The rows of the system base tables, as SQL Server 2008 to 2019 lay them out.
//!
//! Which column is where was measured on real catalogs. Like there, base tables are described too; those that no
//! reader of tables needs are left out.

use super::base_tables;
use super::column_type::ColumnType;
use super::layout;
use super::page::pointer;
use super::record::RecordMaker;
use super::rowset::{IN_ROW, Of, Rowset, Unit};
use super::tables::{ColumnSpec, IndexSpec, Table};
use crate::types::SqlType;

/// Filegroup of everything.
const PRIMARY: u16 = 1;
/// The schemas dbo and sys.
const DBO: u32 = 1;
const SYS: u32 = 4;
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

    /// Where the parts of the key are in a record: from and to.
    pub fn key(object: u32) -> &'static [(usize, usize)] {
        match object {
            // The physical column's number comes behind the column's.
            COLUMN_PLACES => &[(4, 12), (16, 20)],
            INDEX_COLUMNS => &[(4, 16)],
            COLUMNS => &[(4, 14)],
            ROWSETS | UNITS | INDEXES => &[(4, 12)],
            CLASSES => &[(4, 9)],
            VALUES => &[(4, 17)],
            _ => &[(4, 8)],
        }
    }

    /// Bytes of the key.
    pub fn key_bytes(object: u32) -> usize {
        key(object).iter().map(|(from, to)| to - from).sum()
    }
}

/// Index part of the identifiers of user tables' units.
pub const USER_INDEX: u16 = 0x100;

/// The tables that are described, and their rowsets.
type Described<'r> = Vec<(&'r Rowset, &'r Table)>;

/// In the order of their object numbers.
fn described<'r>(tables: &'r [Table], system: &'r [(u32, Table)], rowsets: &'r [Rowset]) -> Described<'r> {
    let mut described: Described<'r> =
        rowsets.iter().filter_map(|rowset| Some((rowset, table_of(tables, system, rowset)?))).collect();
    described.sort_by_key(|(rowset, _)| rowset.object_id);
    described
}

fn table_of<'t>(tables: &'t [Table], system: &'t [(u32, Table)], rowset: &Rowset) -> Option<&'t Table> {
    match rowset.of {
        Of::Table(place) => tables.get(place),
        Of::Base(object) => system.iter().find(|(known, _)| *known == object).map(|(_, table)| table),
    }
}

/// The schemas of these tables, with their numbers.
fn schemas(tables: &[Table]) -> Vec<(u32, &str)> {
    let mut schemas = vec![(DBO, "dbo"), (SYS, "sys")];
    for table in tables {
        if !schemas.iter().any(|(_, known)| *known == table.schema) {
            // Those of users begin behind the system's.
            schemas.push((schemas.len() as u32 + 3, &table.schema));
        }
    }
    schemas
}

/// The records of a base table.
pub fn records(object: u32, tables: &[Table], rowsets: &[Rowset]) -> Vec<Vec<u8>> {
    let mut maker = RecordMaker::default();
    let system: Vec<(u32, Table)> =
        base::ALL.iter().filter_map(|object| Some((*object, base_tables::described(*object)?))).collect();
    let described = described(tables, &system, rowsets);
    match object {
        base::COLUMN_PLACES => {
            // By their rowsets.
            let mut places: Vec<Place> =
                described.iter().flat_map(|(rowset, table)| places(rowset, table)).collect();
            places.sort_by_key(|place| (place.rowset, place.physical_id));
            places.iter().map(|place| place.record(&mut maker)).collect()
        }
        base::ROWSETS => {
            rowsets.iter().map(|found| rowset(found, table_of(tables, &system, found), &mut maker)).collect()
        }
        base::UNITS => rowsets
            .iter()
            .flat_map(|rowset| rowset.units.iter().map(move |unit| (rowset, unit)))
            .map(|(rowset, found)| unit(rowset, found, &mut maker))
            .collect(),
        base::OBJECTS => {
            let schemas = schemas(tables);
            described
                .iter()
                .map(|(rowset, table)| {
                    let schema = schemas.iter().find(|(_, name)| *name == table.schema);
                    object_row(rowset, table, schema.map_or(DBO, |(id, _)| *id), &mut maker)
                })
                .collect()
        }
        base::COLUMNS => described
            .iter()
            .flat_map(|(rowset, table)| (1..).zip(&table.columns).map(move |column| (rowset, column)))
            .map(|(rowset, (id, spec))| column(rowset, id, spec, &mut maker))
            .collect(),
        base::TYPES => SPATIAL_TYPES.iter().map(|(id, name)| scalar_type(*id, name, &mut maker)).collect(),
        base::INDEXES => {
            described.iter().flat_map(|(rowset, table)| indexes(rowset, table, &mut maker)).collect()
        }
        base::INDEX_COLUMNS => {
            described.iter().flat_map(|(rowset, table)| index_columns(rowset, table, &mut maker)).collect()
        }
        base::CLASSES => schemas(tables).iter().map(|(id, name)| schema(*id, name, &mut maker)).collect(),
        // Nothing has a definition: no views, no defaults.
        _ => Vec::new(),
    }
}

fn clustered(rowset: &Rowset) -> u32 {
    u32::from(rowset.is_clustered)
}

/// Types of the CLR, by number.
const SPATIAL_TYPES: [(u32, &str); 2] = [(129, "geometry"), (130, "geography")];

/// sys.sysallocunits.
fn unit(rowset: &Rowset, unit: &Unit, maker: &mut RecordMaker) -> Vec<u8> {
    let at = |index: u32| (unit.pages > 0).then(|| unit.page(index));
    let is_rows = unit.kind == IN_ROW;
    let first = match &rowset.tree {
        Some(tree) if is_rows => at(tree.place(0, 0)),
        _ => at(0),
    };
    let root = match &rowset.tree {
        Some(tree) if is_rows => at(tree.pages() - 1),
        _ => None,
    };
    let used = u64::from(unit.pages) + unit.iams.len() as u64;
    let data = if is_rows { rowset.leaves } else { unit.pages };
    maker
        .begin()
        .fixed(&unit.owner.unit_id().to_le_bytes())
        .fixed(&[unit.kind])
        .fixed(&rowset.id().to_le_bytes())
        .fixed(&0_u32.to_le_bytes())
        .fixed(&PRIMARY.to_le_bytes())
        .fixed(&pointer(first))
        .fixed(&pointer(root))
        .fixed(&pointer(unit.iams.first().map(|(number, _)| *number)))
        .fixed(&used.to_le_bytes())
        .fixed(&u64::from(data).to_le_bytes())
        .fixed(&used.to_le_bytes())
        .finish()
        .to_vec()
}

/// sys.sysrowsets.
fn rowset(rowset: &Rowset, table: Option<&Table>, maker: &mut RecordMaker) -> Vec<u8> {
    let columns = table.map_or(0, |table| table.columns.len()) as u16;
    let fixed_end = table.map_or(0, |table| table.layout.fixed_end) as u16;
    let key_end: u16 = if rowset.is_clustered { 11 } else { 0 };
    maker
        .begin()
        .fixed(&rowset.id().to_le_bytes())
        .fixed(&[1])
        .fixed(&rowset.object_id.to_le_bytes())
        .fixed(&clustered(rowset).to_le_bytes())
        .fixed(&1_u32.to_le_bytes()) // the only partition
        .fixed(&0_u32.to_le_bytes())
        .fixed(&0_u16.to_le_bytes())
        .fixed(&rowset.rows.to_le_bytes())
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
fn object_row(rowset: &Rowset, table: &Table, schema: u32, maker: &mut RecordMaker) -> Vec<u8> {
    /// Status bits of what the system made.
    const SYSTEM: u32 = 0xE0001;
    let (status, kind) = match rowset.of {
        Of::Base(_) => (SYSTEM, b"S "),
        Of::Table(_) => (0, b"U "),
    };
    maker
        .begin()
        .fixed(&rowset.object_id.to_le_bytes())
        .fixed(&schema.to_le_bytes())
        .fixed(&[0])
        .fixed(&status.to_le_bytes())
        .fixed(kind)
        .fixed(&0_u32.to_le_bytes())
        .fixed(&[1])
        .fixed(&(table.columns.len() as u32).to_le_bytes())
        .fixed(&CREATED)
        .fixed(&CREATED)
        .fixed(&0_u32.to_le_bytes())
        .text(&table.name)
        .finish()
        .to_vec()
}

/// sys.syscolpars.
fn column(rowset: &Rowset, id: u32, column: &ColumnSpec, maker: &mut RecordMaker) -> Vec<u8> {
    const NOT_NULL: u32 = 1;
    const ANSI_PADDED: u32 = 2;
    let ColumnType { length_bytes, precision, scale, .. } = column.column_type;
    /// Names in base tables are sysname.
    const SYSNAME: u32 = 256;
    let mut numbers = column.column_type.numbers();
    if matches!(rowset.of, Of::Base(_)) && column.column_type.sql_type == SqlType::NVarChar {
        numbers.user = SYSNAME;
    }
    let is_padded = matches!(
        column.column_type.sql_type,
        SqlType::Char
            | SqlType::VarChar
            | SqlType::NChar
            | SqlType::NVarChar
            | SqlType::Binary
            | SqlType::VarBinary
    );
    let status = if column.is_nullable { 0 } else { NOT_NULL } | if is_padded { ANSI_PADDED } else { 0 };
    maker
        .begin()
        .fixed(&rowset.object_id.to_le_bytes())
        .fixed(&0_u16.to_le_bytes())
        .fixed(&id.to_le_bytes())
        .fixed(&[numbers.system])
        .fixed(&numbers.user.to_le_bytes())
        .fixed(&length_bytes.to_le_bytes())
        .fixed(&[precision])
        .fixed(&[scale])
        .fixed(&numbers.collation.to_le_bytes())
        .fixed(&status.to_le_bytes())
        .fixed(&most_in_row(column.column_type).to_le_bytes())
        .fixed(&0_u32.to_le_bytes())
        .fixed(&0_u32.to_le_bytes())
        .fixed(&0_u32.to_le_bytes())
        .text(&column.name)
        .variable(None)
        .finish()
        .to_vec()
}

/// Most bytes of a value in its row.
fn most_in_row(column_type: ColumnType) -> i16 {
    if column_type.length_bytes == -1 { 8000 } else { column_type.length_bytes }
}

/// Where records have a column.
struct Place {
    rowset: u64,
    column_id: u32,
    physical_id: u32,
    key_ordinal: u16,
    /// Where it differs from what the type tells.
    most_in_row: i16,
    type_info: u32,
    collation: u32,
    /// From the record's start; negative: place among the variable ones.
    offset: i16,
    /// The same on index pages; 0: not there.
    index_offset: i16,
    bit: u8,
}

fn places(rowset: &Rowset, table: &Table) -> Vec<Place> {
    // Index pages have the key behind their status byte.
    let (mut index_fixed, mut index_variable) = (1, 0);
    let place = |column: &usize| {
        let spec = table.columns.get(*column)?;
        let (offset, bit) = match table.layout.places[*column] {
            layout::Place::Fixed { at, .. } => (at as i16, 0),
            layout::Place::Bit { at, bit } => (at as i16, bit),
            layout::Place::Variable(index) => (-(index as i16) - 1, 0),
        };
        let key = table.primary_key.iter().position(|known| known == column);
        let index_offset = match (key, spec.column_type.fixed_bytes()) {
            (None, _) => 0,
            (Some(_), Some(bytes)) => {
                index_fixed += bytes as i16;
                index_fixed - bytes as i16
            }
            (Some(_), None) => {
                index_variable -= 1;
                index_variable
            }
        };
        let numbers = spec.column_type.numbers();
        Some(Place {
            rowset: rowset.id(),
            column_id: *column as u32 + 1,
            physical_id: table.layout.null_bit(*column) as u32,
            key_ordinal: key.map_or(0, |place| place as u16 + 1),
            most_in_row: if spec.column_type.length_bytes == -1 { most_in_row(spec.column_type) } else { 0 },
            type_info: u32::from(numbers.stored) | numbers.detail << 8,
            collation: numbers.collation,
            offset,
            index_offset,
            bit,
        })
    };
    table.layout.order.iter().filter_map(place).collect()
}

impl Place {
    /// sys.sysrscols.
    fn record(&self, maker: &mut RecordMaker) -> Vec<u8> {
        let halves =
            |leaf: i16, index: i16| u32::from(leaf.cast_unsigned()) | u32::from(index.cast_unsigned()) << 16;
        maker
            .begin()
            .fixed(&self.rowset.to_le_bytes())
            .fixed(&self.column_id.to_le_bytes())
            .fixed(&self.physical_id.to_le_bytes())
            .fixed(&0_u64.to_le_bytes())
            .fixed(&self.type_info.to_le_bytes())
            .fixed(&self.collation.to_le_bytes())
            .fixed(&self.key_ordinal.to_le_bytes())
            .fixed(&self.most_in_row.to_le_bytes())
            .fixed(&0x80_u32.to_le_bytes())
            .fixed(&halves(self.offset, self.index_offset).to_le_bytes())
            .fixed(&self.physical_id.to_le_bytes())
            .fixed(&u16::from(self.bit).to_le_bytes())
            .variable(None)
            .finish()
            .to_vec()
    }
}

/// Bits of sys.sysidxstats.
mod index_status {
    pub const INDEX: u32 = 0x1;
    pub const UNIQUE: u32 = 0x8;
    pub const PRIMARY_KEY: u32 = 0x20;
}

/// sys.sysidxstats: the key, or the heap, then what else there is.
fn indexes(rowset: &Rowset, table: &Table, maker: &mut RecordMaker) -> Vec<Vec<u8>> {
    use index_status::{INDEX, PRIMARY_KEY, UNIQUE};
    /// What the system's clustered indexes have besides.
    const SYSTEM: u32 = 0x80002;
    let key = format!("PK_{}", table.name);
    let mut all = vec![if matches!(rowset.of, Of::Base(_)) {
        (1, INDEX | UNIQUE | SYSTEM, kind::CLUSTERED, rowset.id(), Some("clst"))
    } else if rowset.is_clustered {
        (1, INDEX | UNIQUE | PRIMARY_KEY, kind::CLUSTERED, rowset.id(), Some(key.as_str()))
    } else {
        // Heaps have no name.
        (0, 0, kind::HEAP, rowset.id(), None)
    }];
    for (id, index) in numbered(table) {
        let status = INDEX | if index.is_unique { UNIQUE } else { 0 };
        let kind = if is_spatial(table, index) { kind::SPATIAL } else { kind::NONCLUSTERED };
        all.push((id, status, kind, 0, Some(index.name.as_str())));
    }
    all.into_iter()
        .map(|(id, status, kind, rowset_id, name)| {
            maker
                .begin()
                .fixed(&rowset.object_id.to_le_bytes())
                .fixed(&id.to_le_bytes())
                .fixed(&status.to_le_bytes())
                .fixed(&0_u32.to_le_bytes())
                .fixed(&[0])
                .fixed(&[kind])
                .fixed(&[0])
                .fixed(&u32::from(PRIMARY).to_le_bytes())
                .fixed(&0_u32.to_le_bytes())
                .fixed(&rowset_id.to_le_bytes());
            match name {
                Some(name) => maker.text(name),
                None => maker.variable(None),
            }
            .finish()
            .to_vec()
        })
        .collect()
}

/// Kinds of index.
mod kind {
    pub const HEAP: u8 = 0;
    pub const CLUSTERED: u8 = 1;
    pub const NONCLUSTERED: u8 = 2;
    pub const SPATIAL: u8 = 4;
}

/// Indexes besides the key, with their numbers; those of spatial ones begin far behind.
fn numbered(table: &Table) -> Vec<(u32, &IndexSpec)> {
    const FIRST: u32 = 2;
    const FIRST_SPATIAL: u32 = 384_000;
    let mut numbered: Vec<(u32, &IndexSpec)> = table
        .indexes
        .iter()
        .zip(0..)
        .map(|(index, place)| {
            let first = if is_spatial(table, index) { FIRST_SPATIAL } else { FIRST };
            (first + place, index)
        })
        .collect();
    numbered.sort_by_key(|(id, _)| *id);
    numbered
}

fn is_spatial(table: &Table, index: &IndexSpec) -> bool {
    let columns = index.columns.iter().filter_map(|place| table.columns.get(*place));
    columns.into_iter().any(|column| column.column_type.spatial().is_some())
}

/// sys.sysiscols.
fn index_columns(rowset: &Rowset, table: &Table, maker: &mut RecordMaker) -> Vec<Vec<u8>> {
    let mut all = Vec::new();
    if rowset.is_clustered {
        all.push((1, &table.primary_key));
    }
    all.extend(numbered(table).into_iter().map(|(id, index)| (id, &index.columns)));
    let places = all.into_iter().flat_map(|(id, columns)| {
        (1_u32..).zip(columns).map(move |(ordinal, column)| (id, ordinal, *column as u32 + 1))
    });
    places
        .map(|(id, ordinal, column)| {
            maker
                .begin()
                .fixed(&rowset.object_id.to_le_bytes())
                .fixed(&id.to_le_bytes())
                .fixed(&ordinal.to_le_bytes())
                .fixed(&3_u32.to_le_bytes())
                .fixed(&column.to_le_bytes())
                .fixed(&[ordinal as u8])
                .fixed(&[0])
                .fixed(&[0])
                .fixed(&[0])
                .finish()
                .to_vec()
        })
        .collect()
}

/// sys.sysscalartypes.
fn scalar_type(id: u32, name: &str, maker: &mut RecordMaker) -> Vec<u8> {
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
