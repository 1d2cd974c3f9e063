//! What a transaction has changed of a database, before others see it; and how it becomes a generation.
//!
//! Nobody is locked out meanwhile: whoever commits first wins, and a later transaction that began from the tables of
//! before is told to begin anew. The nightly load is such a winner too.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use super::Instance;
use super::view::{StoredTable, View};
use crate::journal::Fact;
use crate::sql::Halt;
use crate::sql::error::TABLES;
use crate::warehouse::generation::{Generation, Writer};
use crate::warehouse::replace::{Placed, replace};
use crate::warehouse::table::{ColumnRecord, TableRecord, TableWriter, key};

/// The changes of a transaction, by database.
pub type Changes = BTreeMap<String, Change>;

/// A database as a transaction has left it.
#[derive(Clone)]
pub struct Change {
    /// Its name.
    pub database: String,
    view: View,
    folder: Arc<ChangeFolder>,
    next_file: u64,
}

/// Where the files of changes are; gone when nobody needs them any more.
#[derive(Debug)]
pub struct ChangeFolder(PathBuf);

impl Drop for ChangeFolder {
    fn drop(&mut self) {
        // What cannot be removed now is removed at the next start.
        let _ = fs::remove_dir_all(&self.0);
    }
}

impl Change {
    /// Its tables, for whoever reads.
    pub fn view(&self) -> Arc<View> {
        Arc::new(self.view.clone())
    }

    /// The table of that name.
    pub fn find(&self, schema: &str, name: &str) -> Option<&StoredTable> {
        self.view.find(schema, name)
    }

    /// A file for rows, and where it is.
    ///
    /// # Errors
    /// The disk's.
    pub fn writer(&mut self, columns: &[ColumnRecord]) -> Result<(TableWriter, PathBuf), Halt> {
        let path = self.folder.0.join(format!("{}.arrow", self.next_file));
        self.next_file += 1;
        // A savepoint that was come back to has left its later files.
        if path.exists() {
            fs::remove_file(&path).map_err(disk)?;
        }
        let writer = TableWriter::create(&path, columns).map_err(|error| disk(io::Error::other(error)))?;
        Ok((writer, path))
    }

    /// A table is there, in place of the one that had its name.
    pub fn put(&mut self, record: TableRecord, path: Option<PathBuf>) {
        self.remove(&record.schema, &record.name);
        self.view.tables.push(StoredTable { record, path });
        self.view.tables.sort_by_key(|table| table.record.key());
    }

    /// A table is gone; `false`: there was none.
    pub fn remove(&mut self, schema: &str, name: &str) -> bool {
        let (key, before) = (key(schema, name), self.view.tables.len());
        self.view.tables.retain(|table| table.record.key() != key);
        self.view.tables.len() < before
    }
}

/// The disk's fault.
pub fn disk(error: io::Error) -> Halt {
    Halt::error(TABLES, format!("the tables cannot be written: {error}"))
}

impl Instance {
    /// Begins to change a database.
    ///
    /// # Errors
    /// The disk's.
    pub fn begin_change(&self, database: &str) -> Result<Change, Halt> {
        let mut view = self.view(database).map_err(|words| Halt::error(TABLES, words))?;
        let folder = Arc::new(ChangeFolder(self.new_folder("changes").map_err(disk)?));
        view.changed = Some(folder.clone());
        Ok(Change { database: database.to_owned(), view, folder, next_file: 1 })
    }

    /// Makes changes what everybody sees: a generation for each database, all tables of it in one step.
    ///
    /// # Errors
    /// 3960, where somebody else has changed one of the databases since; then nothing is changed. The disk's: then
    /// databases that come later by name are not changed.
    pub fn commit(&self, changes: Changes, at: &str, user: &str) -> Result<(), Halt> {
        let mut locked: Vec<(Change, Writer)> = Vec::new();
        for (database, change) in changes {
            let generations = self.generations(&database).map_err(|words| Halt::error(TABLES, words))?;
            let writer = generations.lock().map_err(disk)?;
            let current = generations.current().map_err(disk)?.map(|(_, generation)| generation.load);
            let base = change.view.base.as_ref().map(|base| base.generation.load);
            if current != base {
                let words = format!(
                    "Snapshot isolation transaction aborted due to update conflict: the tables of database '{database}' have been replaced meanwhile, by another transaction or by the nightly load. Nothing of this transaction has been done. Retry it."
                );
                return Err(Halt::error(3960, words));
            }
            locked.push((change, writer));
        }
        for (change, writer) in locked {
            let database = &change.database;
            let generations = self.generations(database).map_err(|words| Halt::error(TABLES, words))?;
            let kept = if self.restored(database).is_some() { 1 } else { self.kept_generations };
            let tables: Vec<Placed> =
                change.view.tables.iter().map(|table| (table.record.clone(), table.path.clone())).collect();
            let base = change.view.base.as_deref();
            let generation = replace(&generations, &writer, base, tables, None, at, kept).map_err(disk)?;
            if self.restored(database).is_none() {
                let before = base.map_or(&[][..], |base| &base.generation.tables);
                self.journal.record(Some(database), changed(&generation, before, user));
            }
        }
        Ok(())
    }
}

/// What is other than before, as the journal tells it.
fn changed(generation: &Generation, before: &[TableRecord], user: &str) -> Fact {
    let is_as_before = |table: &&TableRecord| {
        let same = |known: &TableRecord| TableRecord { file: table.file.clone(), ..known.clone() } == **table;
        before.iter().any(same)
    };
    let tables = generation.tables.iter().filter(|table| !is_as_before(table)).map(TableRecord::full_name);
    let is_gone = |table: &&TableRecord| !generation.tables.iter().any(|known| known.key() == table.key());
    Fact::WarehouseChanged {
        load: generation.load,
        user: user.to_owned(),
        tables: tables.collect(),
        removed: before.iter().filter(is_gone).map(TableRecord::full_name).collect(),
    }
}
