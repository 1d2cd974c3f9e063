//! All that a query may read: the tables, and the views of the system over them.

use std::sync::Arc;

use super::Halt;
use super::catalog;
use super::error::{TABLES, no_database, no_object};
use super::evaluate::Row;
use super::language::Name;
use super::tables::{Table, Tables};

/// The database that is always there.
pub const MASTER: &str = "master";
/// The schema where none is named.
pub const DEFAULT_SCHEMA: &str = "dbo";

/// The tables as one session sees them.
pub struct World {
    pub tables: Arc<dyn Tables>,
    /// The database it is in.
    pub database: String,
}

/// Rows of a table or a view.
pub type Rows<'a> = Box<dyn Iterator<Item = Result<Row, Halt>> + 'a>;

impl World {
    /// All databases; `master` is the first.
    pub fn databases(&self) -> Vec<String> {
        let others = self.tables.databases().into_iter().filter(|name| !name.eq_ignore_ascii_case(MASTER));
        std::iter::once(MASTER.to_owned()).chain(others).collect()
    }

    /// A database, in its own writing.
    pub fn database(&self, name: &str) -> Result<String, Halt> {
        let found = self.databases().into_iter().find(|known| known.eq_ignore_ascii_case(name));
        found.ok_or_else(|| no_database(name))
    }

    /// The tables of a database.
    pub fn tables(&self, database: &str) -> Result<Vec<Table>, Halt> {
        if database.eq_ignore_ascii_case(MASTER)
            && !self.tables.databases().iter().any(|name| name == database)
        {
            return Ok(Vec::new());
        }
        self.tables.tables(database).map_err(|words| Halt::error(TABLES, words))
    }

    /// A table or a view by its name, and its rows.
    pub fn open(&self, name: &Name) -> Result<(Table, Rows<'_>), Halt> {
        let database = match &name.database {
            Some(database) => self.database(database)?,
            None => self.database.clone(),
        };
        let schema = name.schema.as_deref().unwrap_or(DEFAULT_SCHEMA);
        if let Some(view) = catalog::view(name.schema.as_deref(), &name.name) {
            let table = view.table();
            let rows = (view.rows)(self, &database)?;
            return Ok((table, Box::new(rows.into_iter().map(Ok))));
        }
        let same = |left: &str, right: &str| left.eq_ignore_ascii_case(right);
        let tables = self.tables(&database)?;
        let table =
            tables.into_iter().find(|table| same(&table.schema, schema) && same(&table.name, &name.name));
        let table = table.ok_or_else(|| no_object(&name.to_string()))?;
        let rows = self.tables.rows(&database, &table).map_err(|words| Halt::error(TABLES, words))?;
        let count = table.columns.len();
        let checked = rows.map(move |row| match row {
            Ok(row) if row.len() == count => Ok(row),
            Ok(row) => {
                Err(Halt::error(TABLES, format!("a row has {} values, the table {count} columns", row.len())))
            }
            Err(words) => Err(Halt::error(TABLES, words)),
        });
        Ok((table, Box::new(checked)))
    }

    /// The number of a schema of the session's database.
    pub fn schema_id(&self, name: &str) -> Option<i64> {
        let schemas = catalog::schemas(self, &self.database).ok()?;
        schemas.into_iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, number)| number)
    }

    /// The number of a table, by its written name.
    pub fn object_id(&self, written: &str) -> Option<i64> {
        let parts: Vec<String> =
            written.split('.').map(|part| part.trim_matches(['[', ']', '"', ' ']).to_owned()).collect();
        let mut parts = parts.into_iter().rev();
        let (name, schema, database) = (parts.next()?, parts.next(), parts.next());
        let schema = schema.filter(|schema| !schema.is_empty()).unwrap_or_else(|| DEFAULT_SCHEMA.to_owned());
        let database = database.filter(|name| !name.is_empty()).unwrap_or_else(|| self.database.clone());
        let tables = self.tables(&self.database(&database).ok()?).ok()?;
        let at = tables.iter().position(|table| {
            table.schema.eq_ignore_ascii_case(&schema) && table.name.eq_ignore_ascii_case(&name)
        })?;
        Some(catalog::object_id(at))
    }
}
