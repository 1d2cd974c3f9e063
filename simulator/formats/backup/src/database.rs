//! A database in a backup: its tables, and their rows.

use std::io::{Read, Seek};

use crate::catalog::{self, Boot, Catalog, Table};
use crate::configuration::{BackupType, Header};
use crate::error::DataError;
use crate::family::{Family, ProblemKind, Set};
use crate::rows::Rows;
use crate::store::{Pages, Sources};
use crate::value::Lsn;
use crate::verdict::NEWEST_DATABASE_VERSION;

/// Oldest internal database version: SQL Server 2005.
pub const OLDEST_DATABASE_VERSION: u16 = 611;

/// The files of one backup, and which of the sets in them is meant.
#[derive(Clone, Debug)]
pub struct Backup<S> {
    /// All stripes, in any order.
    pub files: Vec<S>,
    /// Position of the set, from 1: what `RESTORE … WITH FILE =` takes.
    pub position: u32,
}

impl<S> Backup<S> {
    /// The first set of a backup that is not striped.
    pub fn file(file: S) -> Backup<S> {
        Backup { files: vec![file], position: 1 }
    }

    /// The first set of a backup with these stripes.
    pub fn stripes(files: Vec<S>) -> Backup<S> {
        Backup { files, position: 1 }
    }

    /// Another set of the same files.
    pub fn at_position(self, position: u32) -> Backup<S> {
        Backup { position, ..self }
    }
}

/// A database in a backup.
///
/// Memory does not grow with the backup but for an index: 24 bytes for each stretch of neighbouring extents,
/// and of a compressed file five bytes for each 64 KiB; 256 MiB are enough for more than a terabyte. To put
/// stripes together takes 40 bytes for each 64 KiB while the backup is opened: 400 GB in 256 MiB. Several threads can read tables of one database at once;
/// each [`Rows`] has windows of its own, and the file is locked only while an extent is read.
pub struct Database<S> {
    pages: Pages<S>,
    catalog: Catalog,
    boot: Boot,
    header: Header,
}

impl<S: Read + Seek> Database<S> {
    /// Opens a full backup and reads its catalog.
    pub fn open(backup: Backup<S>) -> Result<Database<S>, DataError> {
        let sources = Sources::open(backup.files)?;
        let header = restorable(&sources, backup.position, BackupType::Full)?;
        let pages = Pages::open(sources, backup.position)?;
        Database::over(pages, header)
    }

    /// Opens a differential backup laid over the full one it is based on.
    pub fn open_with_differential(
        full: Backup<S>,
        differential: Backup<S>,
    ) -> Result<Database<S>, DataError> {
        let full_sources = Sources::open(full.files)?;
        let full_header = restorable(&full_sources, full.position, BackupType::Full)?;
        let sources = Sources::open(differential.files)?;
        let header = restorable(&sources, differential.position, BackupType::Differential)?;
        if header.database_backup_lsn != full_header.checkpoint_lsn {
            let shown = |lsn: Option<Lsn>| lsn.map_or_else(|| "none".to_owned(), |lsn| lsn.to_string());
            return Err(DataError::not_restorable(format!(
                "the differential backup is based on a full one with checkpoint {}, this one has {}",
                shown(header.database_backup_lsn),
                shown(full_header.checkpoint_lsn)
            )));
        }
        let newer = Pages::open(sources, differential.position)?;
        let pages = Pages::open(full_sources, full.position)?.under(newer);
        Database::over(pages, header)
    }

    fn over(pages: Pages<S>, header: Header) -> Result<Database<S>, DataError> {
        let (boot, catalog) = catalog::load(&pages, header.unicode_locale_id)?;
        Ok(Database { pages, catalog, boot, header })
    }

    /// The set's header; of the differential, if there is one.
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// Internal version of the database, by its boot page.
    pub fn version(&self) -> u16 {
        self.boot.version
    }

    /// The user tables, by schema and name.
    pub fn tables(&self) -> &[Table] {
        &self.catalog.tables
    }

    /// The table of that name.
    pub fn table(&self, schema: &str, name: &str) -> Option<&Table> {
        self.tables().iter().find(|table| table.schema == schema && table.name == name)
    }

    /// The rows of a table of this database.
    pub fn rows<'d>(&'d self, table: &'d Table) -> Result<Rows<'d, S>, DataError> {
        Rows::new(&self.pages, table)
    }
}

/// Why the files given cannot be read as such a backup, or its header.
fn restorable<S: Read + Seek>(
    sources: &Sources<S>,
    position: u32,
    wanted: BackupType,
) -> Result<Header, DataError> {
    whole_media(&sources.families)?;
    let sets = sources.set(position)?;
    for set in &sets {
        whole_set(set)?;
    }
    let header = sets[0].header.clone().ok_or_else(|| DataError::not_restorable("the set has no header"))?;
    if header.backup_type != wanted {
        return Err(DataError::not_restorable(format!(
            "a {} backup is wanted, set {position} is a {} one",
            wanted.name(),
            header.backup_type.name()
        )));
    }
    let versions = OLDEST_DATABASE_VERSION..=NEWEST_DATABASE_VERSION;
    if !versions.contains(&header.database_version) {
        return Err(DataError::unsupported(format!(
            "database version {} is not among {} (SQL Server 2005) to {} (2019)",
            header.database_version,
            versions.start(),
            versions.end()
        )));
    }
    Ok(header)
}

fn whole_set(set: &Set) -> Result<(), DataError> {
    if set.is_whole {
        return Ok(());
    }
    Err(DataError::not_restorable(format!("the file ends inside set {}", set.position)))
}

/// All stripes, each once, of the same media set, and nothing in them that cannot be read.
fn whole_media(families: &[Family]) -> Result<(), DataError> {
    for (index, family) in families.iter().enumerate() {
        let refused = |kind| {
            matches!(kind, ProblemKind::NotABackup | ProblemKind::Encrypted | ProblemKind::Compression)
        };
        if let Some(problem) = family.problems.iter().find(|problem| refused(problem.kind)) {
            let message = format!("{} (file {})", problem.message, index + 1);
            return Err(match problem.kind {
                ProblemKind::NotABackup => DataError::not_restorable(message),
                _ => DataError::unsupported(message),
            });
        }
    }
    let media: Vec<_> = families.iter().filter_map(|family| family.media.as_ref()).collect();
    let Some(first) = media.first() else {
        return Err(DataError::not_restorable("no file is given"));
    };
    let mut given: Vec<u16> = media.iter().map(|media| media.family_sequence_number).collect();
    given.sort_unstable();
    let is_one_set = media.iter().all(|media| media.media_set_id == first.media_set_id);
    let wanted: Vec<u16> = (1..=first.family_count).collect();
    if !is_one_set || given != wanted {
        return Err(DataError::not_restorable(format!(
            "the backup is striped over {} files; those given are {given:?}{}",
            first.family_count,
            if is_one_set { "" } else { ", and of different media sets" }
        )));
    }
    Ok(())
}
