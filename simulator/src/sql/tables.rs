//! The tables that are served: whoever has them tells what they are and gives their rows.

use std::sync::Arc;

use spatialcloud_tds::{Column, Value};

use super::instance::{Changes, Instance};

/// A table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Table {
    /// Its schema, such as `dbo`.
    pub schema: String,
    /// Its name.
    pub name: String,
    /// Its columns, in order.
    pub columns: Vec<Column>,
    /// Its keys and indexes.
    pub indexes: Vec<TableIndex>,
}

/// A key or an index of a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TableIndex {
    /// Its name.
    pub name: String,
    /// Its kind, as sys.indexes names it, in small letters.
    pub kind: String,
    /// Whether keys are there once.
    pub is_unique: bool,
    /// Whether it is the primary key.
    pub is_primary_key: bool,
    /// Its columns in order, and whether they descend.
    pub keys: Vec<(String, bool)>,
    /// Columns carried along.
    pub included: Vec<String>,
}

impl TableIndex {
    /// A primary key of these columns, called as usual.
    pub fn primary_key(table: &str, columns: &[&str]) -> TableIndex {
        TableIndex {
            name: format!("PK_{table}"),
            kind: "clustered".to_owned(),
            is_unique: true,
            is_primary_key: true,
            keys: columns.iter().map(|column| ((*column).to_owned(), false)).collect(),
            included: Vec::new(),
        }
    }
}

impl Table {
    /// Its primary key, if it has one.
    pub fn primary_key(&self) -> Option<&TableIndex> {
        self.indexes.iter().find(|index| index.is_primary_key)
    }
}

/// Rows, one after the other. An error is in words for people, and the last.
pub type Rows = Box<dyn Iterator<Item = Result<Vec<Value<'static>>, String>> + Send>;

/// Whoever has databases. Sessions ask at the same time.
pub trait Databases: Send + Sync {
    /// All tables as they are now: what one statement reads. Of a database it sees one state from its first look to
    /// its last, however long it takes (C-46).
    /// What the session itself has changed in a transaction it sees as it has left it.
    fn snapshot(self: Arc<Self>, own: &Changes) -> Arc<dyn Tables>;

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
    fn snapshot(self: Arc<Self>, _own: &Changes) -> Arc<dyn Tables> {
        self.0.clone()
    }
}
