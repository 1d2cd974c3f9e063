//! The instance: the production databases of all sites, and what SQL clients restore beside them.
//!
//! ```text
//! DATA/sites/CITY/warehouse/   the production database CITY, which the nightly load makes too
//! DATA/sql/databases/1/        a database that was restored or created, in generations as production is
//! DATA/sql/changes/1/          tables of a transaction that nobody else sees yet
//! DATA/sql/backup/             what BACKUP DATABASE writes
//! ```

pub mod change;
pub mod columns;
pub mod media;
mod restored;
mod sessions;
#[cfg(test)]
mod tests;
pub mod view;

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use super::calibration::Calibration;
use super::tables::{Databases, Tables};
use crate::journal::Journal;
use crate::site::Sites;
use crate::warehouse::generation::Generations;
pub use change::Changes;
pub use restored::{Access, Restored};
pub use sessions::Sessions;
use view::{Snapshot, View};

/// The databases of a stack.
pub struct Instance {
    pub(super) sites: Sites,
    journal: Journal,
    folder: PathBuf,
    /// Generations of production that stay for readers of before.
    kept_generations: u64,
    pub(super) calibration: Calibration,
    /// Who is where.
    pub(super) sessions: Sessions,
    /// The databases beside those of the sites, by their names in small letters.
    restored: Mutex<BTreeMap<String, Arc<Restored>>>,
    /// Number of the next folder.
    next: AtomicU64,
}

impl Instance {
    /// Those of these sites; what clients make is kept below `data`. Databases that an earlier stack restored there are
    /// gone: they are scratch, and can be restored again. Backups stay.
    ///
    /// # Errors
    /// The disk's.
    pub fn open(
        sites: Sites,
        journal: Journal,
        data: &Path,
        kept_generations: u64,
        calibration: Calibration,
    ) -> io::Result<Instance> {
        let folder = data.join("sql");
        for scratch in ["databases", "changes"] {
            match fs::remove_dir_all(folder.join(scratch)) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
            fs::create_dir_all(folder.join(scratch))?;
        }
        fs::create_dir_all(folder.join("backup"))?;
        Ok(Instance {
            sites,
            journal,
            folder,
            kept_generations,
            calibration,
            sessions: Sessions::default(),
            restored: Mutex::default(),
            next: AtomicU64::new(1),
        })
    }

    /// The names of all databases: the sites', then the others.
    pub fn databases(&self) -> Vec<String> {
        let mut names: Vec<String> = self.sites.all().iter().map(|site| site.code.clone()).collect();
        names.extend(self.lock().values().map(|database| database.name.clone()));
        names
    }

    /// The folder that BACKUP DATABASE writes into.
    pub fn backup_folder(&self) -> PathBuf {
        self.folder.join("backup")
    }

    /// A folder that nobody has had.
    fn new_folder(&self, kind: &str) -> io::Result<PathBuf> {
        let folder = self.folder.join(kind).join(self.next.fetch_add(1, Ordering::Relaxed).to_string());
        fs::create_dir_all(&folder)?;
        Ok(folder)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<String, Arc<Restored>>> {
        // Entries are replaced whole: a panic elsewhere leaves the map right.
        self.restored.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The site whose production database has that name.
    pub fn site(&self, name: &str) -> Option<String> {
        let sites = self.sites.all();
        sites.iter().find(|site| site.code.eq_ignore_ascii_case(name)).map(|site| site.code.clone())
    }

    /// Where the tables of a database are kept.
    fn generations(&self, database: &str) -> Result<Generations, String> {
        if let Some(restored) = self.restored(database) {
            return Ok(Generations::below(&restored.folder));
        }
        let site = self.sites.get(database).ok_or_else(|| format!("there is no database {database}"))?;
        Ok(Generations::below(&site.warehouse))
    }

    /// The tables of a database as they are now.
    pub(super) fn view(&self, database: &str) -> Result<View, String> {
        let held = self.generations(database)?.hold().map_err(|error| error.to_string())?;
        Ok(View::of(held))
    }
}

impl Databases for Instance {
    fn snapshot(self: Arc<Self>, own: &Changes) -> Arc<dyn Tables> {
        let own = own.iter().map(|(database, change)| (database.clone(), change.view()));
        Arc::new(Snapshot::new(self, own.collect()))
    }

    fn instance(&self) -> Option<&Instance> {
        Some(self)
    }
}
