//! Databases that SQL clients made: restored from a backup, or created empty.

use std::fs;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use spatialcloud_backup::Guid;

use super::Instance;
use crate::warehouse::generation::{BackupFile, Generation, Generations};
use crate::warehouse::replace::{Placed, replace};

/// Who may use a database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Everybody.
    Multi,
    /// One session, of that number.
    Single(u16),
}

/// A database beside those of the sites.
#[derive(Clone, Debug)]
pub struct Restored {
    /// Its name, as it was written.
    pub name: String,
    /// Its folder of generations.
    pub folder: PathBuf,
    /// Which family of databases it is of: that of the backup. An empty one is of none.
    pub family: Option<Guid>,
    /// Its files: logical names, and the places that MOVE gave them. No such files exist; they are claimed.
    pub files: Vec<(String, String)>,
    /// Who may use it.
    pub access: Access,
}

impl Instance {
    /// The database of that name, if it is none of the sites'.
    pub fn restored(&self, name: &str) -> Option<Arc<Restored>> {
        self.lock().get(&name.to_lowercase()).cloned()
    }

    /// All of them.
    pub fn all_restored(&self) -> Vec<Arc<Restored>> {
        self.lock().values().cloned().collect()
    }

    /// A folder for a database in the making.
    ///
    /// # Errors
    /// The disk's.
    pub fn stage_database(&self) -> io::Result<StagedDatabase> {
        Ok(StagedDatabase { folder: self.new_folder("databases")?, is_kept: false })
    }

    /// The database is there, in place of the one that had its name.
    ///
    /// # Errors
    /// The disk's; then it is not.
    pub fn add(
        &self,
        mut staged: StagedDatabase,
        database: Restored,
        tables: Vec<Placed>,
        backup: Option<BackupFile>,
        at: &str,
    ) -> io::Result<Generation> {
        let generations = Generations::below(&staged.folder);
        let writer = generations.lock()?;
        let generation = replace(&generations, &writer, None, tables, backup, at, 1)?;
        drop(writer);
        // Linked into the generation.
        remove(&staged.rows())?;
        staged.is_kept = true;
        let database = Restored { folder: staged.folder.clone(), ..database };
        let replaced = self.lock().insert(database.name.to_lowercase(), Arc::new(database));
        if let Some(replaced) = replaced {
            remove(&replaced.folder)?;
        }
        Ok(generation)
    }

    /// The database is gone, with its files; `false`: there is none.
    ///
    /// # Errors
    /// The disk's; its folder is removed at the next start then.
    pub fn drop_database(&self, name: &str) -> io::Result<bool> {
        let Some(database) = self.lock().remove(&name.to_lowercase()) else { return Ok(false) };
        remove(&database.folder)?;
        Ok(true)
    }

    /// Changes who may use a database.
    pub fn set_access(&self, name: &str, access: Access) {
        if let Some(database) = self.lock().get_mut(&name.to_lowercase()) {
            *database = Arc::new(Restored { access, ..Restored::clone(database) });
        }
    }
}

fn remove(folder: &std::path::Path) -> io::Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// A database in the making; dropped, it is gone.
pub struct StagedDatabase {
    folder: PathBuf,
    is_kept: bool,
}

impl StagedDatabase {
    /// Where its tables' files are written first.
    pub fn rows(&self) -> PathBuf {
        self.folder.join("rows")
    }

    /// Its folder.
    pub fn folder(&self) -> &std::path::Path {
        &self.folder
    }
}

impl Drop for StagedDatabase {
    fn drop(&mut self) {
        if !self.is_kept {
            // What cannot be removed now is removed at the next start.
            let _ = remove(&self.folder);
        }
    }
}
