//! The tables that are served: whoever has them tells what they are and gives their rows.

use std::sync::Arc;

use spatialcloud_tds::{Column, Value};

use super::instance::Instance;

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

/// Whoever has databases. Sessions ask at the same time.
pub trait Databases: Send + Sync {
    /// All tables as they are now: what one statement reads. Of a database it sees one state from its first look to
    /// its last, however long it takes (C-46).
    fn snapshot(self: Arc<Self>) -> Arc<dyn Tables>;

    /// Who restores, and changes tables; `None` where everything is as it is.
    fn instance(&self) -> Option<&Instance> {
        None
    }
}

/// All tables, for the length of a statement.
pub trait Tables: Send + Sync {
    /// The databases. There is always a `master` besides, with nothing in it.
    fn databases(&self) -> Vec<String>;

    /// The tables of a database; an error is in words for people.
    fn tables(&self, database: &str) -> Result<Vec<Table>, String>;

    /// The rows of a table: values of its columns, in their order.
    fn rows(&self, database: &str, table: &Table) -> Result<Rows, String>;
}

/// Tables that never change.
pub struct Unchanging(pub Arc<dyn Tables>);

impl Databases for Unchanging {
    fn snapshot(self: Arc<Self>) -> Arc<dyn Tables> {
        self.0.clone()
    }
}
