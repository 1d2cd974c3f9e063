//! The configuration stream MQCI: what RESTORE HEADERONLY and FILELISTONLY tell of a set.
//!
//! Offsets are measured on real files of SQL Server 2005 to 2025; nothing of this is documented.

use crate::value::{Bytes, DateTime, Guid, Lsn};

/// What was backed up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BackupType {
    /// The whole database.
    Full,
    /// What changed since a full backup.
    Differential,
    /// The transaction log.
    Log,
    /// Something else: the letter found.
    Other(u8),
}

/// Kinds of backup of parts of a database: letter in msdb.dbo.backupset, number in RESTORE HEADERONLY, words.
const PARTS: &[(u8, u8, &str)] = &[
    (b'F', 4, "file or filegroup"),
    (b'G', 6, "differential file"),
    (b'P', 7, "partial"),
    (b'Q', 8, "differential partial"),
];

impl BackupType {
    /// The number of RESTORE HEADERONLY's column BackupType; `None` for kinds not known here.
    pub fn number(self) -> Option<u8> {
        match self {
            BackupType::Full => Some(1),
            BackupType::Log => Some(2),
            BackupType::Differential => Some(5),
            BackupType::Other(letter) => {
                PARTS.iter().find(|(known, ..)| *known == letter).map(|(_, number, _)| *number)
            }
        }
    }

    /// The word for it.
    pub fn name(self) -> &'static str {
        match self {
            BackupType::Full => "full",
            BackupType::Differential => "differential",
            BackupType::Log => "log",
            BackupType::Other(letter) => {
                PARTS.iter().find(|(known, ..)| *known == letter).map_or("unknown", |(.., name)| name)
            }
        }
    }
}

/// A set's description. Field names are the columns of RESTORE HEADERONLY, where it has them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    /// What was backed up.
    pub backup_type: BackupType,
    /// Flag bits as SQL Server tells them; 0x10: backup checksums are present.
    pub flags: u32,
    /// Database name.
    pub database_name: Option<String>,
    /// Server name.
    pub server_name: Option<String>,
    /// Database number on that server.
    pub database_id: u16,
    /// Internal version of the database: 904 is SQL Server 2019.
    pub database_version: u16,
    /// Compatibility level.
    pub compatibility_level: u16,
    /// When the database was made.
    pub database_creation_date: Option<DateTime>,
    /// When the backup was written, by its configuration.
    pub backup_date: Option<DateTime>,
    /// Bytes of the backup.
    pub backup_size: u64,
    /// Server version, major.
    pub software_version_major: u8,
    /// Server version, minor.
    pub software_version_minor: u8,
    /// Server version, build.
    pub software_version_build: u16,
    /// First log record.
    pub first_lsn: Option<Lsn>,
    /// First log record after the backup.
    pub last_lsn: Option<Lsn>,
    /// Where redo begins.
    pub checkpoint_lsn: Option<Lsn>,
    /// Of the full backup this one is based on.
    pub database_backup_lsn: Option<Lsn>,
    /// Sort order.
    pub sort_order: u8,
    /// Locale.
    pub unicode_locale_id: u32,
    /// Comparison style.
    pub unicode_comparison_style: u32,
    /// Identifies the database.
    pub binding_id: Option<Guid>,
    /// Identifies the recovery path at the end.
    pub recovery_fork_id: Option<Guid>,
    /// Identifies the database for all its life.
    pub family_guid: Option<Guid>,
}

/// A group of database files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Filegroup {
    /// Number.
    pub id: u16,
    /// Name.
    pub name: Option<String>,
}

/// Data or log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileType {
    /// Pages.
    Data,
    /// Log.
    Log,
}

/// A database file. Field names are the columns of RESTORE FILELISTONLY, where it has them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DatabaseFile {
    /// Logical name.
    pub logical_name: Option<String>,
    /// Where it was.
    pub physical_name: Option<String>,
    /// Data or log.
    pub file_type: FileType,
    /// Number of its filegroup, as the backup tells it.
    pub file_group_id: u16,
    /// Size of the file in bytes.
    pub size: u64,
    /// Number.
    pub file_id: u32,
    /// Identifies the file.
    pub unique_id: Option<Guid>,
    /// Bytes of it in the backup, as told when the set ended.
    pub backup_size_in_bytes: u64,
    /// Pages of it in the backup, as told when the set ended.
    pub pages_in_backup: u32,
    /// Bytes of it as told when the set began. Since 2019 the end tells only of pages sent again.
    pub announced_size_in_bytes: u64,
    /// Pages of it as told when the set began, likewise.
    pub announced_pages: u32,
    /// Sector size of the disk.
    pub source_block_size: u32,
    /// Bytes of a page.
    pub page_size: u32,
    /// Of the full backup this one is based on.
    pub differential_base_lsn: Option<Lsn>,
    /// Of the full backup this one is based on.
    pub differential_base_guid: Option<Guid>,
}

/// Everything MQCI tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Configuration {
    pub header: Header,
    pub filegroups: Vec<Filegroup>,
    pub files: Vec<DatabaseFile>,
}

/// Bytes of a record's tag and length.
const RECORD_START_BYTES: usize = 8;

impl Configuration {
    /// Reads the chain of records: each begins with a tag and its length.
    pub fn read(stream: &[u8]) -> Result<Configuration, String> {
        let mut header = None;
        let (mut filegroups, mut files) = (Vec::new(), Vec::new());
        let mut at = 0;
        while at + RECORD_START_BYTES <= stream.len() {
            let tag = &stream[at..at + 4];
            let length = Bytes(stream).u32(at + 4).unwrap_or(0) as usize;
            let Some(record) = Bytes(stream).slice(at, length).filter(|_| length >= RECORD_START_BYTES)
            else {
                return Err(format!(
                    "a {} record of {length} bytes where {} are left",
                    tag.escape_ascii(),
                    stream.len() - at
                ));
            };
            let record = Bytes(record);
            match tag {
                b"SCIN" => header = Some(self::header(&record).ok_or("the record SCIN is too short")?),
                b"SFGI" => filegroups.push(filegroup(&record).ok_or("a record SFGI is too short")?),
                b"SFIN" => files.push(file(&record).ok_or("a record SFIN is too short")?),
                // Full-text catalogs and what later versions add; nothing here needs them.
                _ => {}
            }
            at += length;
        }
        let header = header.ok_or("the record SCIN is missing")?;
        Ok(Configuration { header, filegroups, files })
    }
}

fn header(record: &Bytes<'_>) -> Option<Header> {
    Some(Header {
        flags: record.u32(8)?,
        software_version_build: record.u16(24)?,
        software_version_minor: record.u8(26)?,
        software_version_major: record.u8(27)?,
        first_lsn: Lsn::from_bytes(record, 32),
        last_lsn: Lsn::from_bytes(record, 42),
        checkpoint_lsn: Lsn::from_bytes(record, 52),
        database_backup_lsn: Lsn::from_bytes(record, 62),
        database_creation_date: record.date(72),
        backup_date: record.date(77),
        backup_type: match record.u8(87)? {
            b'D' => BackupType::Full,
            b'I' => BackupType::Differential,
            b'L' => BackupType::Log,
            other => BackupType::Other(other),
        },
        sort_order: record.u8(88)?,
        compatibility_level: u16::from(record.u8(91)?),
        database_id: record.u16(92)?,
        database_version: record.u16(94)?,
        backup_size: record.u64(96)?,
        database_name: record.text(104),
        server_name: record.text(108),
        unicode_locale_id: record.u32(116)?,
        unicode_comparison_style: record.u32(120)?,
        binding_id: record.guid(124),
        recovery_fork_id: record.guid(156),
        family_guid: record.guid(224),
    })
}

fn filegroup(record: &Bytes<'_>) -> Option<Filegroup> {
    Some(Filegroup { id: record.u16(20)?, name: record.text(16) })
}

fn file(record: &Bytes<'_>) -> Option<DatabaseFile> {
    /// Set on data files in the second word of the record; log files have it clear.
    const DATA: u32 = 0x80;
    let backup_size_in_bytes = record.u64(250).unwrap_or(0);
    let pages_in_backup = record.u32(24)?;
    Some(DatabaseFile {
        logical_name: record.text(48),
        physical_name: record.text(52),
        file_type: if record.u32(8)? & DATA == 0 && record.u32(36)? == 0 {
            FileType::Log
        } else {
            FileType::Data
        },
        page_size: record.u32(16)?,
        file_id: record.u32(20)?,
        pages_in_backup,
        announced_pages: pages_in_backup,
        file_group_id: record.u16(28)?,
        source_block_size: record.u32(32)?,
        size: record.u64(40)?,
        differential_base_lsn: Lsn::from_bytes(record, 158),
        differential_base_guid: record.guid(170),
        unique_id: record.guid(186),
        backup_size_in_bytes,
        announced_size_in_bytes: backup_size_in_bytes,
    })
}
