//! A database in a backup: its tables, and their rows.

use std::io::{Read, Seek};

use crate::catalog::{self, Boot, Catalog, Table};
use crate::configuration::{BackupType, Header};
use crate::error::{DataError, DataErrorKind};
use crate::family::{Family, ProblemKind};
use crate::rows::Rows;
use crate::store::{PageReader, Pages, Sources};
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
/// stripes together takes 40 bytes for each 64 KiB while the backup is opened: 400 GB in 256 MiB. A large
/// value is held whole while it is looked at.
///
/// Several threads can read tables of one database at once; each [`Rows`] has windows of its own, and the file
/// is locked only while an extent is read.
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

    /// Reads its pages as they are.
    pub(crate) fn page_reader(&self) -> PageReader<'_, S> {
        PageReader::new(&self.pages)
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

    /// Whether pages of the catalog were changed after the backup's checkpoint: a table that was being made or
    /// altered may be missing, or be told as it was before. Statistics alone can be the reason.
    pub fn is_catalog_fuzzy(&self) -> bool {
        self.catalog.is_fuzzy
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
    let sets = sources.set(position).map_err(|error| problem(&sources.families).unwrap_or(error))?;
    if sets.iter().any(|set| !set.is_whole) {
        let cut = || DataError::not_restorable(format!("the file ends inside set {position}"));
        return Err(problem(&sources.families).unwrap_or_else(cut));
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

/// What kept a file from being walked to its end.
fn problem(families: &[Family]) -> Option<DataError> {
    let mut problems = families
        .iter()
        .enumerate()
        .flat_map(|(file, family)| family.problems.iter().map(move |it| (file, it)));
    let (file, problem) = problems.find(|(_, problem)| problem.kind != ProblemKind::Leftover)?;
    let kind = match problem.kind {
        ProblemKind::Encrypted | ProblemKind::Compression => DataErrorKind::Unsupported,
        ProblemKind::Header | ProblemKind::Page | ProblemKind::DataStream => DataErrorKind::Damaged,
        ProblemKind::NotABackup | ProblemKind::Truncated | ProblemKind::Leftover => {
            DataErrorKind::NotRestorable
        }
    };
    Some(DataError { at: Some((file, problem.at)), ..DataError::new(kind, problem.message.clone()) })
}

/// All stripes, each once, of the same media set.
fn whole_media(families: &[Family]) -> Result<(), DataError> {
    let media: Option<Vec<_>> = families.iter().map(|family| family.media.as_ref()).collect();
    let Some(media) = media.filter(|media| !media.is_empty()) else {
        let none = || DataError::not_restorable("no file is given");
        return Err(problem(families).unwrap_or_else(none));
    };
    let first = media[0];
    let mut given: Vec<u16> = media.iter().map(|media| media.family_sequence_number).collect();
    given.sort_unstable();
    let is_one_set = media.iter().all(|media| media.media_set_id == first.media_set_id);
    if !is_one_set || !given.iter().copied().eq(1..=first.family_count) {
        return Err(DataError::not_restorable(format!(
            "the backup is striped over {} files; those given are {given:?}{}",
            first.family_count,
            if is_one_set { "" } else { ", and of different media sets" }
        )));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;
    use crate::writer::{Damage, LEAST_SIZE_BYTES, Spec, write};

    fn open(bytes: Vec<u8>) -> DataError {
        Database::open(Backup::file(Cursor::new(bytes))).err().expect("a backup with such damage")
    }

    #[test]
    fn what_cannot_be_opened_is_told_by_kind() {
        for (damage, kind) in [
            (Damage::Encrypted, DataErrorKind::Unsupported),
            (Damage::Newer, DataErrorKind::Unsupported),
            (Damage::Differential, DataErrorKind::NotRestorable),
            (Damage::Log, DataErrorKind::NotRestorable),
            (Damage::Stripe, DataErrorKind::NotRestorable),
            (Damage::Cut, DataErrorKind::NotRestorable),
            (Damage::HeaderBit, DataErrorKind::Damaged),
            (Damage::NotABackup, DataErrorKind::NotRestorable),
        ] {
            let mut bytes = Vec::new();
            let spec = Spec { seed: 1, size_bytes: LEAST_SIZE_BYTES, damage: Some(damage) };
            write(&spec, &mut bytes).expect("memory does not fail");
            let error = open(bytes);
            assert_eq!(error.kind, kind, "{damage:?}: {error}");
        }
        assert_eq!(open(Vec::new()).kind, DataErrorKind::NotRestorable);
        assert_eq!(open(b"MSSQLBAK".to_vec()).kind, DataErrorKind::NotRestorable);
        let nothing: Vec<Cursor<Vec<u8>>> = Vec::new();
        assert!(Database::open(Backup::stripes(nothing)).is_err());
    }
}
