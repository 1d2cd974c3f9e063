//! Tables as others see them.

use crate::scan::Unit;
use crate::types::{CodePage, SqlType};

/// The catalog of a database.
#[derive(Clone, Debug, Default)]
pub struct Catalog {
    /// User tables, by schema and name.
    pub tables: Vec<Table>,
    /// Whether pages of it were changed after the backup's checkpoint.
    pub is_fuzzy: bool,
}

/// A user table.
#[derive(Clone, Debug)]
pub struct Table {
    /// Schema.
    pub schema: String,
    /// Name.
    pub name: String,
    /// Object number.
    pub object_id: i32,
    /// How its rows are kept.
    pub storage: Storage,
    /// Columns in their order; dropped ones are not among them.
    pub columns: Vec<Column>,
    /// Indexes, primary key and unique constraints among them.
    pub indexes: Vec<Index>,
    /// Rows, as the catalog counts them.
    pub row_count: u64,
    /// Pages that it uses with its large values, as the catalog counts them.
    pub used_pages: u64,
    /// Why its rows cannot be read; `None` where they can.
    pub unsupported: Option<String>,
    /// One for each partition.
    pub(crate) rowsets: Vec<Rowset>,
}

impl Table {
    /// The primary key's columns, in key order.
    pub fn primary_key(&self) -> Option<Vec<&str>> {
        let index = self.indexes.iter().find(|index| index.is_primary_key)?;
        Some(index.keys.iter().map(String::as_str).collect())
    }

    /// Partitions; a table that is not partitioned has one.
    pub fn partition_count(&self) -> usize {
        self.rowsets.len()
    }

    /// The column of that name, and its place in rows.
    pub fn column(&self, name: &str) -> Option<(usize, &Column)> {
        self.columns.iter().enumerate().find(|(_, column)| column.name == name)
    }
}

/// How a table's rows are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Storage {
    /// In no order.
    Heap,
    /// In the order of its clustered index.
    Clustered,
    /// By columns.
    Columnstore,
    /// Nowhere in the data pages: in memory, or outside the database.
    Elsewhere,
}

impl Storage {
    /// The word for it.
    pub fn name(self) -> &'static str {
        match self {
            Storage::Heap => "heap",
            Storage::Clustered => "clustered",
            Storage::Columnstore => "columnstore",
            Storage::Elsewhere => "elsewhere",
        }
    }
}

/// A column.
#[derive(Clone, Debug)]
pub struct Column {
    /// Number; those of dropped columns are not given again.
    pub id: i32,
    /// Name.
    pub name: String,
    /// Type.
    pub sql_type: SqlType,
    /// Name of the alias type or CLR type it was declared with.
    pub type_name: Option<String>,
    /// Greatest length in bytes; −1: (max) types, xml and CLR types.
    pub max_length_bytes: i16,
    /// Precision of numbers, digits of times.
    pub precision: u8,
    /// Digits behind the point.
    pub scale: u8,
    /// Whether it can be NULL.
    pub is_nullable: bool,
    /// Whether it is computed.
    pub is_computed: bool,
    /// Whether rows hold it: computed columns are stored only if persisted.
    pub is_stored: bool,
    /// Whether it is sparse.
    pub is_sparse: bool,
    /// The collation's number; 0: none.
    pub collation_id: u32,
    /// Of types that are not Unicode: how their bytes become text.
    pub code_page: Option<CodePage>,
    /// Its counter.
    pub identity: Option<Identity>,
}

impl Column {
    /// Its type as Transact-SQL declares it, such as `nvarchar(50)` or `decimal(10,2)`.
    pub fn declaration(&self) -> String {
        let name = self.type_name.as_deref().unwrap_or(self.sql_type.name());
        let length = |unit: i16| match self.max_length_bytes {
            -1 => "(max)".to_owned(),
            bytes => format!("({})", bytes / unit),
        };
        let detail = match self.sql_type {
            _ if self.type_name.is_some() => String::new(),
            SqlType::NVarChar | SqlType::NChar => length(2),
            SqlType::VarChar | SqlType::Char | SqlType::VarBinary | SqlType::Binary => length(1),
            SqlType::Decimal | SqlType::Numeric => format!("({},{})", self.precision, self.scale),
            SqlType::Time | SqlType::DateTime2 | SqlType::DateTimeOffset => format!("({})", self.scale),
            _ => String::new(),
        };
        format!("{name}{detail}")
    }
}

/// The counter of an identity column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Identity {
    /// First value.
    pub seed: i64,
    /// Step.
    pub increment: i64,
    /// The last value given, or the seed before any was.
    pub last: i64,
}

/// An index.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Index {
    /// Number: 1 is the clustered one.
    pub id: i32,
    /// Name.
    pub name: String,
    /// Kind.
    pub index_type: IndexType,
    /// Whether keys are unique.
    pub is_unique: bool,
    /// Whether it is the primary key.
    pub is_primary_key: bool,
    /// Whether it is a unique constraint.
    pub is_unique_constraint: bool,
    /// Whether it is disabled.
    pub is_disabled: bool,
    /// Key columns in key order.
    pub keys: Vec<String>,
    /// Which of the keys are descending, in the same order.
    pub descending: Vec<bool>,
    /// Columns carried along.
    pub included: Vec<String>,
}

/// Kinds of index, as sys.indexes numbers them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IndexType {
    /// The rows themselves.
    Clustered,
    /// Keys that lead to rows.
    Nonclustered,
    /// Of an xml column.
    Xml,
    /// Of a geometry or geography column.
    Spatial,
    /// The rows themselves, by columns.
    ClusteredColumnstore,
    /// A copy by columns.
    NonclusteredColumnstore,
    /// Of a table in memory.
    Hash,
    /// One that is not known here.
    Other(u8),
}

impl IndexType {
    pub(crate) fn of(number: u8) -> IndexType {
        match number {
            1 => IndexType::Clustered,
            2 => IndexType::Nonclustered,
            3 => IndexType::Xml,
            4 => IndexType::Spatial,
            5 => IndexType::ClusteredColumnstore,
            6 => IndexType::NonclusteredColumnstore,
            7 => IndexType::Hash,
            other => IndexType::Other(other),
        }
    }

    /// The word for it, as in sys.indexes.
    pub fn name(self) -> &'static str {
        match self {
            IndexType::Clustered => "clustered",
            IndexType::Nonclustered => "nonclustered",
            IndexType::Xml => "xml",
            IndexType::Spatial => "spatial",
            IndexType::ClusteredColumnstore => "clustered columnstore",
            IndexType::NonclusteredColumnstore => "nonclustered columnstore",
            IndexType::Hash => "nonclustered hash",
            IndexType::Other(_) => "unknown",
        }
    }
}

/// The rows of one partition.
#[derive(Clone, Debug, Default)]
pub struct Rowset {
    /// 0 none, 1 ROW, 2 PAGE, 3 and 4 columnstore.
    pub compression: u8,
    /// Where its rows are.
    pub unit: Unit,
    /// How each of the table's columns is stored, in their order.
    pub layout: Layout,
}

/// How the columns of a table are stored in a rowset.
#[derive(Clone, Debug, Default)]
pub struct Layout {
    pub columns: Vec<Stored>,
}

/// How a column is stored.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Stored {
    /// Place of the column.
    pub slot: StoredSlot,
    /// Number in the null bitmap, from 1; 0: none.
    pub null_bit: u16,
    /// What rows hold that were written before the column was added: the bytes of its default.
    pub default: Option<Vec<u8>>,
}

/// Where in a record a column is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum StoredSlot {
    /// Nowhere: it is computed.
    #[default]
    None,
    /// Bytes of the fixed part.
    Fixed { at: u16, length: u16 },
    /// One bit of the fixed part.
    Bit { at: u16, bit: u8 },
    /// The variable column of this index.
    Variable(u16),
    /// In the vector of sparse columns, by column number.
    Sparse(u16),
}
