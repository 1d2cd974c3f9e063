//! The tables of a synthetic database: names, columns, keys.

use crate::geometry::SpatialType;

/// The table that takes up whatever room there is.
pub const LARGE: &str = "parcels";
/// The table that lists the spatial ones.
pub const OGR_METADATA: &str = "ogr_metadata";
/// Collation of all text: SQL_Latin1_General_CP1_CI_AS.
pub const COLLATION: u32 = 0x3400_D008;

/// Type of a column; lengths in characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ColumnType {
    Int,
    VarChar(i16),
    NVarChar(i16),
    /// With 12 digits, 2 behind the point.
    Decimal,
    DateTime2,
    Spatial(SpatialType),
}

/// How the catalog numbers and measures a type.
pub struct TypeNumbers {
    pub system: u8,
    pub user: u32,
    /// −1: up to 2 GB.
    pub length_bytes: i16,
    pub precision: u8,
    pub scale: u8,
    pub collation: u32,
}

impl ColumnType {
    /// Bytes in the fixed part; `None` for variable ones.
    pub fn fixed_bytes(self) -> Option<usize> {
        match self {
            ColumnType::Int => Some(4),
            ColumnType::Decimal => Some(9),
            ColumnType::DateTime2 => Some(8),
            _ => None,
        }
    }

    pub fn numbers(self) -> TypeNumbers {
        let (system, user, length_bytes, precision, scale, collation) = match self {
            ColumnType::Int => (56, 56, 4, 10, 0, 0),
            ColumnType::VarChar(length) => (167, 167, length, 0, 0, COLLATION),
            ColumnType::NVarChar(length) => (231, 231, 2 * length, 0, 0, COLLATION),
            ColumnType::Decimal => (106, 106, 9, 12, 2, 0),
            ColumnType::DateTime2 => (42, 42, 8, 27, 7, 0),
            ColumnType::Spatial(SpatialType::Geometry) => (240, 129, -1, 0, 0, 0),
            ColumnType::Spatial(SpatialType::Geography) => (240, 130, -1, 0, 0, 0),
        };
        TypeNumbers { system, user, length_bytes, precision, scale, collation }
    }
}

/// A column.
#[derive(Clone, Copy, Debug)]
pub struct ColumnSpec {
    pub name: &'static str,
    pub column_type: ColumnType,
    pub is_nullable: bool,
}

/// A table. With a key it is clustered by its first column, else a heap.
#[derive(Clone, Copy, Debug)]
pub struct TableSpec {
    pub name: &'static str,
    pub has_key: bool,
    pub columns: &'static [ColumnSpec],
    /// Rows of a small table; those of the large one are as many as fit.
    pub rows: u32,
}

impl TableSpec {
    /// End of the fixed part of its records.
    pub fn fixed_end(&self) -> usize {
        4 + self.columns.iter().filter_map(|column| column.column_type.fixed_bytes()).sum::<usize>()
    }
}

const fn column(name: &'static str, column_type: ColumnType) -> ColumnSpec {
    ColumnSpec { name, column_type, is_nullable: false }
}

const fn nullable(name: &'static str, column_type: ColumnType) -> ColumnSpec {
    ColumnSpec { name, column_type, is_nullable: true }
}

const SHAPE: ColumnSpec = nullable("shape", ColumnType::Spatial(SpatialType::Geometry));

/// All of them, the large one first.
pub const TABLES: &[TableSpec] = &[
    TableSpec {
        name: LARGE,
        has_key: true,
        columns: &[
            column("id", ColumnType::Int),
            column("lot", ColumnType::VarChar(20)),
            column("plan_number", ColumnType::NVarChar(20)),
            nullable("owner", ColumnType::NVarChar(60)),
            column("area", ColumnType::Decimal),
            column("updated", ColumnType::DateTime2),
            SHAPE,
        ],
        rows: 0,
    },
    TableSpec {
        name: "roads",
        has_key: true,
        columns: &[
            column("id", ColumnType::Int),
            column("name", ColumnType::NVarChar(60)),
            nullable("surface", ColumnType::VarChar(20)),
            SHAPE,
        ],
        rows: 40,
    },
    TableSpec {
        name: "hydrants",
        has_key: true,
        columns: &[
            column("id", ColumnType::Int),
            column("asset", ColumnType::VarChar(20)),
            column("inspected", ColumnType::DateTime2),
            nullable("location", ColumnType::Spatial(SpatialType::Geography)),
        ],
        rows: 60,
    },
    TableSpec {
        name: "suburbs",
        has_key: true,
        columns: &[
            column("id", ColumnType::Int),
            column("name", ColumnType::NVarChar(60)),
            nullable("rate", ColumnType::Decimal),
        ],
        rows: 25,
    },
    TableSpec {
        name: OGR_METADATA,
        has_key: false,
        columns: &[
            nullable("FilePath", ColumnType::NVarChar(260)),
            nullable("FileName", ColumnType::NVarChar(128)),
            nullable("TableName", ColumnType::NVarChar(128)),
        ],
        rows: 4,
    },
];
