//! The results of LABELONLY, HEADERONLY and FILELISTONLY: columns in order, as an engine of 2019 sends them.
//!
//! Wire types are those that were measured on an engine; they differ from the documentation in places. What a backup
//! file does not tell, or nobody knows where it tells it, is NULL.

use std::fs;

use spatialcloud_backup::{self as backup, BackupType, DatabaseFile, FileType, Header, Lsn, Set};
use spatialcloud_tds::{Collation, Column, ColumnType, Date, Decimal, Guid, Length, Time, Value};

use super::media::Media;

type Row = Vec<Value<'static>>;

const BIT: ColumnType = ColumnType::Bit;
const TINYINT: ColumnType = ColumnType::TinyInt;
const SMALLINT: ColumnType = ColumnType::SmallInt;
const INT: ColumnType = ColumnType::Int;
const BIGINT: ColumnType = ColumnType::BigInt;
const GUID: ColumnType = ColumnType::UniqueIdentifier;
const DATETIME: ColumnType = ColumnType::DateTime;
const LSN: ColumnType = ColumnType::Numeric { precision: 25, scale: 0 };
const THUMBPRINT: ColumnType = ColumnType::VarBinary { length: Length::Of(20) };

/// A file on disk, as SQL Server numbers devices.
const DISK: i64 = 2;
/// MaxSize of a data file and of a log without a limit, in bytes.
const MOST_DATA_BYTES: i64 = 35_184_372_080_640;
const MOST_LOG_BYTES: i64 = 2_199_023_255_552;

fn named(length: u16) -> ColumnType {
    ColumnType::nvarchar(length)
}

fn columns(list: &[(&str, ColumnType)]) -> Vec<Column> {
    list.iter().map(|(name, column_type)| Column::new(*name, column_type.clone())).collect()
}

pub fn label_columns() -> Vec<Column> {
    columns(&[
        ("MediaName", named(128)),
        ("MediaSetId", GUID),
        ("FamilyCount", INT),
        ("FamilySequenceNumber", INT),
        ("MediaFamilyId", GUID),
        ("MediaSequenceNumber", INT),
        ("MediaLabelPresent", TINYINT),
        ("MediaDescription", named(255)),
        ("SoftwareName", named(128)),
        ("SoftwareVendorId", INT),
        ("MediaDate", DATETIME),
        ("MirrorCount", INT),
        ("IsCompressed", BIT),
    ])
}

/// Of the first device: RESTORE LABELONLY takes one.
pub fn label(media: &Media) -> Vec<Row> {
    let labels = media.families.iter().take(1).filter_map(|family| family.media.as_ref());
    let rows = labels.map(|label| {
        // SQL Server shows the family's number as the beginning of an identifier.
        let mut family = [0; 16];
        if let Some(place) = family.first_chunk_mut() {
            *place = label.media_family_id.to_le_bytes();
        }
        vec![
            text(&label.media_name),
            guid(label.media_set_id),
            int(label.family_count),
            int(label.family_sequence_number),
            Value::Guid(Guid(family)),
            int(label.media_sequence_number),
            // A Tape Format media description in place of a name has another form, which SQL Server never writes.
            int(0_u8),
            text(&label.media_description),
            text(&label.software_name),
            int(label.software_vendor_id),
            date(label.media_date),
            int(label.mirror_count),
            Value::Bit(label.is_compressed),
        ]
    });
    rows.collect()
}

pub fn header_columns() -> Vec<Column> {
    columns(&[
        ("BackupName", named(128)),
        ("BackupDescription", named(255)),
        ("BackupType", TINYINT),
        ("ExpirationDate", DATETIME),
        ("Compressed", TINYINT),
        ("Position", SMALLINT),
        ("DeviceType", TINYINT),
        ("UserName", named(128)),
        ("ServerName", named(128)),
        ("DatabaseName", named(128)),
        ("DatabaseVersion", INT),
        ("DatabaseCreationDate", DATETIME),
        ("BackupSize", BIGINT),
        ("FirstLSN", LSN),
        ("LastLSN", LSN),
        ("CheckpointLSN", LSN),
        ("DatabaseBackupLSN", LSN),
        ("BackupStartDate", DATETIME),
        ("BackupFinishDate", DATETIME),
        ("SortOrder", SMALLINT),
        ("CodePage", SMALLINT),
        ("UnicodeLocaleId", INT),
        ("UnicodeComparisonStyle", INT),
        ("CompatibilityLevel", TINYINT),
        ("SoftwareVendorId", INT),
        ("SoftwareVersionMajor", INT),
        ("SoftwareVersionMinor", INT),
        ("SoftwareVersionBuild", INT),
        ("MachineName", named(128)),
        ("Flags", INT),
        ("BindingID", GUID),
        ("RecoveryForkID", GUID),
        ("Collation", named(128)),
        ("FamilyGUID", GUID),
        ("HasBulkLoggedData", BIT),
        ("IsSnapshot", BIT),
        ("IsReadOnly", BIT),
        ("IsSingleUser", BIT),
        ("HasBackupChecksums", BIT),
        ("IsDamaged", BIT),
        ("BeginsLogChain", BIT),
        ("HasIncompleteMetaData", BIT),
        ("IsForceOffline", BIT),
        ("IsCopyOnly", BIT),
        ("FirstRecoveryForkID", GUID),
        ("ForkPointLSN", LSN),
        ("RecoveryModel", named(60)),
        ("DifferentialBaseLSN", LSN),
        ("DifferentialBaseGUID", GUID),
        ("BackupTypeDescription", named(128)),
        ("BackupSetGUID", GUID),
        ("CompressedBackupSize", BIGINT),
        ("Containment", TINYINT),
        ("KeyAlgorithm", named(32)),
        ("EncryptorThumbprint", THUMBPRINT),
        ("EncryptorType", named(32)),
    ])
}

/// A row for each set; of one place where one is asked for.
pub fn headers(media: &Media, position: Option<u32>) -> Vec<Row> {
    let sets = media.families.first().map_or(&[][..], |family| &family.sets[..]);
    let wanted = sets.iter().filter(|set| position.is_none_or(|position| set.position == position));
    wanted.filter_map(|set| Some(header(media, set, set.header.as_ref()?))).collect()
}

/// Bits of `Flags`, in the order of the columns that tell them apart. Copy-only is measured, the others documented.
const FLAGS: [u32; 10] = [0x1, 0x2, 0x4, 0x8, 0x10, 0x20, 0x40, 0x80, 0x100, 0x400];

fn header(media: &Media, set: &Set, header: &Header) -> Row {
    let label = media.families.first().and_then(|family| family.media.as_ref());
    let is_compressed = label.is_some_and(|label| label.is_compressed);
    let is_differential = header.backup_type == BackupType::Differential;
    let base = set.files.iter().find(|file| is_differential && file.file_type == FileType::Data);
    let stored = media.devices.iter().map(|(_, path)| fs::metadata(path).map_or(0, |file| file.len())).sum();
    let mut row = vec![
        text(&set.name),
        text(&set.description),
        header.backup_type.number().map_or(Value::Null, int),
        Value::Null,
        int(is_compressed),
        int(set.position),
        int(DISK),
        text(&set.user_name),
        text(&header.server_name),
        text(&header.database_name),
        int(header.database_version),
        date(header.database_creation_date),
        int(header.backup_size),
        lsn(header.first_lsn),
        lsn(header.last_lsn),
        lsn(header.checkpoint_lsn),
        lsn(header.database_backup_lsn),
        date(set.start_date),
        date(set.finish_date.or(header.backup_date)),
        int(header.sort_order),
        int(0_u8),
        int(header.unicode_locale_id),
        int(header.unicode_comparison_style),
        int(header.compatibility_level),
        label.map_or(Value::Null, |label| int(label.software_vendor_id)),
        int(header.software_version_major),
        int(header.software_version_minor),
        int(header.software_version_build),
        text(&set.machine_name),
        int(header.flags),
        guid(header.binding_id),
        guid(header.recovery_fork_id),
        collation(header),
        guid(header.family_guid),
    ];
    row.extend(FLAGS.map(|flag| Value::Bit(header.flags & flag != 0)));
    row.extend([
        guid(header.recovery_fork_id),
        Value::Null,
        Value::Null,
        base.map_or(Value::Null, |file| lsn(file.differential_base_lsn)),
        base.map_or(Value::Null, |file| guid(file.differential_base_guid)),
        Value::from(kind(header.backup_type)),
        guid(set.guid),
        int(if is_compressed { stored } else { header.backup_size }),
        int(0_u8),
        Value::Null,
        Value::Null,
        Value::Null,
    ]);
    row
}

/// The name of the one collation that its sort order tells.
fn collation(header: &Header) -> Value<'static> {
    match (header.sort_order, header.unicode_locale_id) {
        (52, 1033) => Value::from("SQL_Latin1_General_CP1_CI_AS"),
        _ => Value::Null,
    }
}

fn kind(backup_type: BackupType) -> &'static str {
    match backup_type {
        BackupType::Full => "Database",
        BackupType::Log => "Transaction Log",
        BackupType::Differential => "Database Differential",
        BackupType::Other(b'F') => "File or Filegroup",
        BackupType::Other(b'G') => "File Differential",
        BackupType::Other(b'P') => "Partial",
        BackupType::Other(b'Q') => "Partial Differential",
        BackupType::Other(_) => "Unknown",
    }
}

pub fn file_columns() -> Vec<Column> {
    let letter = ColumnType::NChar { length: 1, collation: Collation::LATIN1 };
    columns(&[
        ("LogicalName", named(128)),
        ("PhysicalName", named(260)),
        ("Type", letter),
        ("FileGroupName", named(128)),
        ("Size", BIGINT),
        ("MaxSize", BIGINT),
        ("FileId", BIGINT),
        ("CreateLSN", LSN),
        ("DropLSN", LSN),
        ("UniqueId", GUID),
        ("ReadOnlyLSN", LSN),
        ("ReadWriteLSN", LSN),
        ("BackupSizeInBytes", BIGINT),
        ("SourceBlockSize", INT),
        ("FileGroupId", INT),
        ("LogGroupGUID", GUID),
        ("DifferentialBaseLSN", LSN),
        ("DifferentialBaseGUID", GUID),
        ("IsReadOnly", BIT),
        ("IsPresent", BIT),
        ("TDEThumbprint", THUMBPRINT),
        ("SnapshotUrl", named(336)),
    ])
}

/// A row for each file of a set.
pub fn files(set: &Set) -> Vec<Row> {
    set.files.iter().map(|file| file_row(set, file)).collect()
}

fn file_row(set: &Set, file: &DatabaseFile) -> Row {
    let is_data = file.file_type == FileType::Data;
    let group = set.filegroups.iter().find(|group| is_data && group.id == file.file_group_id);
    // Nobody knows where in a backup these stand; an engine sends zeros for files that were never touched.
    let zero = || lsn_number(0);
    vec![
        text(&file.logical_name),
        text(&file.physical_name),
        Value::from(if is_data { "D" } else { "L" }),
        group.map_or(Value::Null, |group| text(&group.name)),
        int(file.size),
        int(if is_data { MOST_DATA_BYTES } else { MOST_LOG_BYTES }),
        int(file.file_id),
        zero(),
        zero(),
        guid(file.unique_id),
        zero(),
        zero(),
        int(file.backup_size_in_bytes.max(file.announced_size_in_bytes)),
        int(file.source_block_size),
        int(if is_data { file.file_group_id } else { 0 }),
        Value::Null,
        file.differential_base_lsn.map_or_else(zero, |base| lsn(Some(base))),
        file.differential_base_guid.map_or(Value::Guid(Guid([0; 16])), |base| guid(Some(base))),
        Value::Bit(false),
        Value::Bit(true),
        Value::Null,
        Value::Null,
    ]
}

fn int(number: impl TryInto<i64>) -> Value<'static> {
    number.try_into().map_or(Value::Null, Value::Integer)
}

fn text(text: &Option<String>) -> Value<'static> {
    text.as_ref().map_or(Value::Null, |text| Value::from(text.clone()))
}

fn guid(guid: Option<backup::Guid>) -> Value<'static> {
    guid.map_or(Value::Null, |guid| Value::Guid(Guid(guid.0)))
}

fn lsn(lsn: Option<Lsn>) -> Value<'static> {
    lsn.and_then(|lsn| lsn.to_string().parse().ok()).map_or(Value::Null, lsn_number)
}

fn lsn_number(magnitude: u128) -> Value<'static> {
    Value::Decimal(Decimal { is_negative: false, magnitude, scale: 0 })
}

fn date(date: Option<backup::DateTime>) -> Value<'static> {
    let moment = date.and_then(|date| {
        let seconds = (u64::from(date.hour) * 60 + u64::from(date.minute)) * 60 + u64::from(date.second);
        let time = Time::from_ticks(seconds * Time::TICKS_PER_SECOND, 3)?;
        Some(Value::DateTime(Date::from_parts(date.year, date.month, date.day)?, time))
    });
    moment.unwrap_or(Value::Null)
}
