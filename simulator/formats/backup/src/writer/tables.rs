//! Tables to write: names, columns, keys, rows.

use super::column_type::ColumnType;
use super::council;
use super::layout::RecordLayout;
use super::random::Random;
use super::random_rows;
use super::{compare, encode};
use crate::types::Value;

/// The table that lists the spatial ones.
pub const OGR_METADATA: &str = "ogr_metadata";
/// The schema of everything that names no other.
pub const DBO: &str = "dbo";
/// Collation of all text: SQL_Latin1_General_CP1_CI_AS.
pub const COLLATION: u32 = 0x3400_D008;
/// Most tables of a database: the catalog and their first pages must fit before the second PFS page.
pub const MOST_TABLES: usize = 250;
/// Most columns of a table, and of a key.
const MOST_COLUMNS: usize = 1024;
const MOST_KEY_COLUMNS: usize = 16;
/// Most bytes of a key.
const MOST_KEY_BYTES: usize = 900;
/// Longest name, in UTF-16 units.
const MOST_NAME_UNITS: usize = 128;

/// A column.
#[derive(Clone, Debug, PartialEq)]
pub struct ColumnSpec {
    /// Name.
    pub name: String,
    /// Type.
    pub column_type: ColumnType,
    /// Whether it may be NULL.
    pub is_nullable: bool,
}

/// An index besides the primary key. It is in the catalog alone: it has no pages, since nothing here reads any.
#[derive(Clone, Debug, PartialEq)]
pub struct IndexSpec {
    /// Name.
    pub name: String,
    /// Places of its columns; a spatial index has one.
    pub columns: Vec<usize>,
    /// Whether it is unique.
    pub is_unique: bool,
}

/// A table.
#[derive(Clone, Debug, PartialEq)]
pub struct TableSpec {
    /// Schema.
    pub schema: String,
    /// Name.
    pub name: String,
    /// Columns in their order.
    pub columns: Vec<ColumnSpec>,
    /// Places of the key's columns; without a key the table is a heap.
    pub primary_key: Vec<usize>,
    /// Other indexes.
    pub indexes: Vec<IndexSpec>,
    /// Rows.
    pub rows: Rows,
}

/// What a table holds.
#[derive(Clone, Debug, PartialEq)]
pub enum Rows {
    /// So many, which follow from the seed.
    Random(u64),
    /// These; a table with a key has them in the key's order.
    Given(Vec<Vec<Value<'static>>>),
}

/// A mistake in a table.
#[derive(Clone, Debug, PartialEq)]
pub struct Mistake {
    /// Where.
    pub part: Part,
    /// What was expected and what came.
    pub message: String,
}

/// A part of a table's description.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// All of it.
    Table,
    /// A column.
    Column(usize),
    /// The primary key.
    Key,
    /// An index.
    Index(usize),
    /// A row.
    Row(usize),
    /// A value: row and column.
    Value(usize, usize),
}

impl TableSpec {
    /// Everything that keeps it from being written, the first found.
    ///
    /// # Errors
    /// A name that is empty, too long or twice there, a key that its types do not allow, rows that do not fit their
    /// columns or have a key twice.
    pub fn check(&self) -> Result<(), Mistake> {
        let wrong = |part, message: String| Err(Mistake { part, message });
        for name in [&self.schema, &self.name] {
            if let Some(message) = wrong_name(name) {
                return wrong(Part::Table, message);
            }
        }
        if self.columns.is_empty() || self.columns.len() > MOST_COLUMNS {
            return wrong(
                Part::Table,
                format!("a table has 1 to {MOST_COLUMNS} columns, not {}", self.columns.len()),
            );
        }
        for (index, column) in self.columns.iter().enumerate() {
            if let Some(message) = wrong_name(&column.name) {
                return wrong(Part::Column(index), message);
            }
            let is_named = |other: &ColumnSpec| other.name.to_lowercase() == column.name.to_lowercase();
            if self.columns[..index].iter().any(is_named) {
                return wrong(Part::Column(index), format!("there are two columns {:?}", column.name));
            }
        }
        self.check_key()?;
        for (index, spec) in self.indexes.iter().enumerate() {
            if let Some(message) = wrong_name(&spec.name).or_else(|| self.wrong_index(spec)) {
                return wrong(Part::Index(index), message);
            }
        }
        let layout = RecordLayout::of(&self.columns, &self.primary_key);
        if layout.least_bytes() > super::table_record::MOST_ROW_BYTES {
            return wrong(
                Part::Table,
                format!("its rows have {} bytes at least, more than a page holds", layout.least_bytes()),
            );
        }
        match &self.rows {
            Rows::Random(count) => {
                match self.primary_key.first().and_then(|column| self.columns.get(*column)) {
                    Some(key) if random_rows::most_keys(key.column_type) < *count => {
                        let most = random_rows::most_keys(key.column_type);
                        let sql_type = key.column_type.sql_type.name();
                        wrong(
                            Part::Key,
                            format!(
                                "{count} rows, where the key {} ({sql_type}) tells {most} apart",
                                key.name
                            ),
                        )
                    }
                    _ => Ok(()),
                }
            }
            Rows::Given(rows) => self.check_rows(rows),
        }
    }

    fn check_key(&self) -> Result<(), Mistake> {
        let wrong = |message: String| Err(Mistake { part: Part::Key, message });
        if self.primary_key.len() > MOST_KEY_COLUMNS {
            return wrong(format!("a key has at most {MOST_KEY_COLUMNS} columns"));
        }
        let mut bytes = 0;
        for (index, place) in self.primary_key.iter().enumerate() {
            let Some(column) = self.columns.get(*place) else {
                return wrong(format!("there is no column number {}", place + 1));
            };
            if self.primary_key[..index].contains(place) {
                return wrong(format!("{} is there twice", column.name));
            }
            if let Some(message) = column.column_type.no_key() {
                return wrong(format!("{}: {message}", column.name));
            }
            if column.is_nullable {
                return wrong(format!("{} may be NULL, which a key's column may not", column.name));
            }
            bytes += usize::try_from(column.column_type.length_bytes).unwrap_or(usize::MAX);
        }
        if bytes > MOST_KEY_BYTES {
            return wrong(format!("the key can have {bytes} bytes, more than {MOST_KEY_BYTES}"));
        }
        Ok(())
    }

    fn wrong_index(&self, spec: &IndexSpec) -> Option<String> {
        let columns: Option<Vec<&ColumnSpec>> =
            spec.columns.iter().map(|place| self.columns.get(*place)).collect();
        let Some(columns) = columns.filter(|columns| !columns.is_empty()) else {
            return Some("an index has columns of its table".to_owned());
        };
        match columns[..] {
            [column] if column.column_type.spatial().is_some() => self
                .primary_key
                .is_empty()
                .then(|| "a spatial index needs a table with a primary key".to_owned()),
            _ => columns.iter().find_map(|column| {
                column.column_type.no_key().map(|message| format!("{}: {message}", column.name))
            }),
        }
    }

    fn check_rows(&self, rows: &[Vec<Value<'static>>]) -> Result<(), Mistake> {
        let wrong = |part, message: String| Err(Mistake { part, message });
        for (index, row) in rows.iter().enumerate() {
            if row.len() != self.columns.len() {
                let (values, columns) = (row.len(), self.columns.len());
                return wrong(Part::Row(index), format!("{values} values for {columns} columns"));
            }
            for (place, (column, value)) in self.columns.iter().zip(row).enumerate() {
                if *value == Value::Null && !column.is_nullable {
                    return wrong(Part::Value(index, place), format!("{} may not be NULL", column.name));
                }
                if let Err(message) = encode::encode(column.column_type, value) {
                    return wrong(Part::Value(index, place), format!("{}: {message}", column.name));
                }
            }
        }
        if self.primary_key.is_empty() {
            return Ok(());
        }
        let mut order: Vec<usize> = (0..rows.len()).collect();
        order.sort_by(|one, other| self.compare(&rows[*one], &rows[*other]));
        let twice = order.windows(2).find(|pair| self.compare(&rows[pair[0]], &rows[pair[1]]).is_eq());
        match twice {
            Some(pair) => {
                let (first, second) = (pair[0].min(pair[1]), pair[0].max(pair[1]));
                wrong(Part::Row(second), format!("it has the same key as row {}", first + 1))
            }
            None => Ok(()),
        }
    }

    fn compare(&self, one: &[Value<'_>], other: &[Value<'_>]) -> std::cmp::Ordering {
        compare::by_key(&self.primary_key, one, other)
    }
}

fn wrong_name(name: &str) -> Option<String> {
    let units = name.encode_utf16().count();
    (units == 0 || units > MOST_NAME_UNITS)
        .then(|| format!("{name:?}: a name has 1 to {MOST_NAME_UNITS} characters"))
}

/// The columns of [`OGR_METADATA`], unless it is described as any other table.
pub fn metadata_columns() -> Vec<ColumnSpec> {
    let text = |name: &str, length: i16| ColumnSpec {
        name: name.to_owned(),
        column_type: ColumnType {
            sql_type: crate::types::SqlType::NVarChar,
            length_bytes: 2 * length,
            precision: 0,
            scale: 0,
        },
        is_nullable: true,
    };
    vec![text("FilePath", 260), text("FileName", 128), text("TableName", 128)]
}

/// A table with these rows, as [`OGR_METADATA`] has them.
pub fn metadata_table(rows: Vec<Vec<Value<'static>>>) -> TableSpec {
    TableSpec {
        schema: DBO.to_owned(),
        name: OGR_METADATA.to_owned(),
        columns: metadata_columns(),
        primary_key: Vec::new(),
        indexes: Vec::new(),
        rows: Rows::Given(rows),
    }
}

/// A table ready to be written.
pub struct Table {
    pub schema: String,
    pub name: String,
    pub columns: Vec<ColumnSpec>,
    pub primary_key: Vec<usize>,
    pub indexes: Vec<IndexSpec>,
    pub layout: RecordLayout,
    source: Source,
}

/// Where its rows come from.
enum Source {
    Given(Vec<Vec<Value<'static>>>),
    Random(u64),
    /// One of the council's; without a count it takes up the room there is.
    Council(Option<u32>),
}

impl Table {
    /// Of a description that was checked.
    pub fn new(spec: &TableSpec) -> Table {
        let source = match &spec.rows {
            Rows::Random(count) => Source::Random(*count),
            Rows::Given(rows) => {
                let mut rows = rows.clone();
                rows.sort_by(|one, other| compare::by_key(&spec.primary_key, one, other));
                Source::Given(rows)
            }
        };
        Table {
            schema: spec.schema.clone(),
            name: spec.name.clone(),
            columns: spec.columns.clone(),
            primary_key: spec.primary_key.clone(),
            indexes: spec.indexes.clone(),
            layout: RecordLayout::of(&spec.columns, &spec.primary_key),
            source,
        }
    }

    /// The council's tables.
    pub fn council() -> impl Iterator<Item = Table> {
        council::TABLES.iter().map(|(name, has_key, _, rows)| {
            let columns = council::columns(name);
            let primary_key = if *has_key { vec![0] } else { Vec::new() };
            Table {
                schema: DBO.to_owned(),
                name: (*name).to_owned(),
                layout: RecordLayout::of(&columns, &primary_key),
                columns,
                primary_key,
                indexes: Vec::new(),
                source: Source::Council((*name != council::LARGE).then_some(*rows)),
            }
        })
    }

    /// A base table; its rows are the catalog's.
    pub fn base(
        name: &str,
        columns: Vec<ColumnSpec>,
        primary_key: Vec<usize>,
        layout: RecordLayout,
    ) -> Table {
        Table {
            schema: "sys".to_owned(),
            name: name.to_owned(),
            columns,
            primary_key,
            indexes: Vec::new(),
            layout,
            source: Source::Given(Vec::new()),
        }
    }

    /// How many rows it has; `None`: as many as there is room for.
    pub fn row_count(&self) -> Option<u64> {
        match &self.source {
            Source::Given(rows) => Some(rows.len() as u64),
            Source::Random(count) => Some(*count),
            Source::Council(count) => count.map(u64::from),
        }
    }

    /// A row, from 0, in the table's order.
    pub fn row(&self, seed: u64, index: u64) -> Vec<Value<'static>> {
        match &self.source {
            Source::Given(rows) => {
                usize::try_from(index).ok().and_then(|index| rows.get(index)).cloned().unwrap_or_default()
            }
            Source::Random(_) => {
                let mut random = Random::of_row(seed, &self.name, index);
                random_rows::row(&self.columns, &self.primary_key, index, &mut random)
            }
            Source::Council(_) => council::row(seed, &self.name, index as u32),
        }
    }

    pub fn is_clustered(&self) -> bool {
        !self.primary_key.is_empty()
    }
}
