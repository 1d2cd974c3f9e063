//! What our own reader found in a backup, to compare with what a server makes of it.

/// A database.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Contents {
    /// Its user tables.
    pub tables: Vec<TableContents>,
}

/// A table.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TableContents {
    /// Its schema.
    pub schema: String,
    /// Its name.
    pub name: String,
    /// Its rows; nothing where our reader cannot read them.
    pub rows: Option<u64>,
    /// Its columns, those that count something to compare.
    pub columns: Vec<ColumnContents>,
    /// Its keys and indexes.
    pub indexes: Vec<IndexContents>,
}

impl TableContents {
    /// `dbo.parcels`
    pub fn full_name(&self) -> String {
        format!("{}.{}", self.schema, self.name)
    }
}

/// What is in a column.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ColumnContents {
    /// Its name.
    pub name: String,
    /// Values other than NULL.
    pub values: u64,
    /// Of a column of whole numbers, what they come to.
    pub integers: Option<Integers>,
}

/// Whole numbers, summed up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Integers {
    /// Least and greatest; nothing where all are NULL.
    pub range: Option<(i64, i64)>,
    /// Their sum.
    pub sum: i128,
}

impl ColumnContents {
    /// Sees a value that is not NULL.
    pub fn see(&mut self, integer: Option<i64>) {
        self.values += 1;
        if let (Some(integers), Some(value)) = (&mut self.integers, integer) {
            let (least, greatest) = integers.range.unwrap_or((value, value));
            integers.range = Some((least.min(value), greatest.max(value)));
            integers.sum += i128::from(value);
        }
    }
}

/// A key or an index.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct IndexContents {
    /// Its name.
    pub name: String,
    /// Whether it is the primary key.
    pub is_primary_key: bool,
    /// Whether keys are unique.
    pub is_unique: bool,
    /// Whether the table's rows are kept in its order.
    pub is_clustered: bool,
    /// Its columns, and whether they descend.
    pub keys: Vec<(String, bool)>,
    /// Columns carried along.
    pub included: Vec<String>,
    /// Of a spatial index: over what kind of shapes.
    pub spatial: Option<Spatial>,
}

/// Shapes of a spatial index.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Spatial {
    /// On a plane: the least and greatest x and y that the index knows.
    Geometry([f64; 4]),
    /// On the globe.
    Geography,
}

impl Eq for Spatial {}
