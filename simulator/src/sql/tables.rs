//! The tables that are served: whoever has them tells what they are and gives their rows.

use spatialcloud_tds::{Column, Value};

/// A table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Table {
    /// Its schema, such as `dbo`.
    pub schema: String,
    /// Its name.
    pub name: String,
    /// Its columns, in order.
    pub columns: Vec<Column>,
    /// The columns of its primary key, in order; empty: it has none.
    pub primary_key: Vec<String>,
}

/// Rows, one after the other. An error is in words for people, and the last.
pub type Rows = Box<dyn Iterator<Item = Result<Vec<Value<'static>>, String>> + Send>;

/// Whoever has tables. Sessions ask at the same time, and again for each statement: what changes is seen by the
/// next one.
pub trait Tables: Send + Sync {
    /// The databases. There is always a `master` besides, with nothing in it.
    fn databases(&self) -> Vec<String>;

    /// The tables of a database; an error is in words for people.
    fn tables(&self, database: &str) -> Result<Vec<Table>, String>;

    /// The rows of a table: values of its columns, in their order.
    fn rows(&self, database: &str, table: &Table) -> Result<Rows, String>;
}
