//! A production table: what is known of it, and its rows as an Arrow IPC file (C-43).
//!
//! Arrow, because its types hold all that SQL Server's do, exactly; because batches are written as rows come and
//! found again by number, in memory that does not grow with the table; and because other programs open the file.
//! Parquet would be smaller, but is a larger library, and packs rows that are read again the same minute.
//!
//! | SQL Server | Arrow |
//! |---|---|
//! | bit | Boolean |
//! | tinyint, smallint, int, bigint | UInt8, Int16, Int32, Int64 |
//! | decimal, numeric, money, smallmoney | Decimal128 |
//! | real, float | Float32, Float64 |
//! | date, time | Date32, Time64 in nanoseconds |
//! | datetime, smalldatetime, datetime2, datetimeoffset | a struct of date, time and, of the last, offset_minutes: no timestamp of Arrow has both their range and their digits |
//! | uniqueidentifier | FixedSizeBinary(16), as stored |
//! | texts, xml | LargeUtf8 |
//! | bytes, CLR types, geometry and geography as stored | LargeBinary |
//! | sql_variant | a struct of type and value, both text |

mod array;
mod read;
mod write;

use arrow_schema::ArrowError;
use serde::{Deserialize, Serialize};
use spatialcloud_backup::{Column, DataError, Index, SqlType, Table};

pub use read::TableReader;
pub use write::TableWriter;

/// A production table, as its generation's record tells it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TableRecord {
    /// Its schema.
    pub schema: String,
    /// Its name.
    pub name: String,
    /// The load that brought it.
    pub load: u64,
    /// Its rows.
    pub rows: u64,
    /// Bytes of its file.
    pub size_bytes: u64,
    /// The file with its rows, beside the record; absent where its rows cannot be read.
    pub file: Option<String>,
    /// Its columns.
    pub columns: Vec<ColumnRecord>,
    /// Its keys and indexes, spatial ones among them.
    pub indexes: Vec<IndexRecord>,
    /// What somebody should know of its rows.
    pub warnings: Vec<String>,
}

/// A column of a production table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ColumnRecord {
    /// Its name.
    pub name: String,
    /// Its type's own name, such as `nvarchar`; of alias types that of the type below.
    pub sql_type: String,
    /// Its type as Transact-SQL declares it, such as `nvarchar(50)`.
    pub declaration: String,
    /// Greatest length in bytes; −1 without a limit.
    pub max_length_bytes: i16,
    /// Precision of numbers.
    pub precision: u8,
    /// Digits behind the point, or the second.
    pub scale: u8,
    /// Whether it can be NULL.
    pub is_nullable: bool,
    /// Whether it counts by itself.
    pub is_identity: bool,
    /// Whether it is computed.
    pub is_computed: bool,
}

/// A key or an index of a production table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IndexRecord {
    /// Its name.
    pub name: String,
    /// Kind, as sys.indexes names it.
    pub index_type: String,
    /// Whether keys are unique.
    pub is_unique: bool,
    /// Whether it is the primary key.
    pub is_primary_key: bool,
    /// Key columns in key order; ` DESC` behind those that descend.
    pub keys: Vec<String>,
    /// Columns carried along.
    pub included: Vec<String>,
}

impl TableRecord {
    /// A table of an upload before its rows are read.
    pub fn of(table: &Table, load: u64) -> TableRecord {
        let computed = table.columns.iter().filter(|column| !column.is_stored);
        let mut warnings: Vec<String> = computed
            .map(|column| format!("column {} is computed and not stored: it is NULL here", column.name))
            .collect();
        warnings
            .extend(table.unsupported.iter().map(|reason| format!("its rows cannot be read here: {reason}")));
        TableRecord {
            schema: table.schema.clone(),
            name: table.name.clone(),
            load,
            rows: 0,
            size_bytes: 0,
            file: None,
            columns: table.columns.iter().map(ColumnRecord::of).collect(),
            indexes: table.indexes.iter().map(IndexRecord::of).collect(),
            warnings,
        }
    }

    /// `dbo.parcels`
    pub fn full_name(&self) -> String {
        format!("{}.{}", self.schema, self.name)
    }

    /// What tables of one name have in common: SQL Server's usual collations do not tell case apart.
    pub fn key(&self) -> String {
        key(&self.schema, &self.name)
    }
}

/// The key of the table of that name, before there is a record of it.
pub fn key(schema: &str, name: &str) -> String {
    format!("{schema}.{name}").to_lowercase()
}

impl ColumnRecord {
    fn of(column: &Column) -> ColumnRecord {
        ColumnRecord {
            name: column.name.clone(),
            sql_type: column.sql_type.name().to_owned(),
            declaration: column.declaration(),
            max_length_bytes: column.max_length_bytes,
            precision: column.precision,
            scale: column.scale,
            is_nullable: column.is_nullable,
            is_identity: column.identity.is_some(),
            is_computed: column.is_computed,
        }
    }

    /// Its type.
    pub fn sql_type(&self) -> SqlType {
        SqlType::named(&self.sql_type)
    }
}

impl IndexRecord {
    fn of(index: &Index) -> IndexRecord {
        let descending = index.descending.iter().copied().chain(std::iter::repeat(false));
        let keys = index.keys.iter().zip(descending);
        IndexRecord {
            name: index.name.clone(),
            index_type: index.index_type.name().to_owned(),
            is_unique: index.is_unique,
            is_primary_key: index.is_primary_key,
            keys: keys
                .map(|(key, descends)| format!("{key}{}", if descends { " DESC" } else { "" }))
                .collect(),
            included: index.included.clone(),
        }
    }
}

/// Why a table could not be written or read.
#[derive(Debug, thiserror::Error)]
pub enum TableError {
    /// The backup's row.
    #[error(transparent)]
    Data(#[from] DataError),
    /// A value of another type than its column has.
    #[error("{found} does not fit its column")]
    Mismatch {
        /// The value.
        found: String,
    },
    /// The file.
    #[error("the table's file: {0}")]
    File(#[from] std::io::Error),
    /// What stands in the file.
    #[error("the table's file: {0}")]
    Arrow(#[from] ArrowError),
}

#[cfg(test)]
mod tests;
