//! A backup as RESTORE LABELONLY, HEADERONLY and FILELISTONLY show it: column names are SQL Server's.
//!
//! Columns whose value a backup file is not known to hold are left out rather than guessed.
//!
//! The keys: `media` (LABELONLY), `sets` with `header` (HEADERONLY), `files` (FILELISTONLY) and, of the set whose tables are shown,
//! `catalog_fuzzy` and `tables`; `stripes` where there are several files; `verdict` with `accepted`, `reasons` and
//! `warnings`; `exports`, a sentence for each row of the metadata table. A table has `shapes` where its rows were read.

use serde_json::{Value, json};
use spatialcloud_backup::verdict::Verdict;
use spatialcloud_backup::{DatabaseFile, Family, FileType, Header, Media, Set, Table};

use super::shapes::Shapes;
use super::tables;

/// Flag bits of RESTORE HEADERONLY's column Flags.
const FLAGS: &[(u32, &str)] = &[
    (0x001, "HasBulkLoggedData"),
    (0x002, "IsSnapshot"),
    (0x004, "IsReadOnly"),
    (0x008, "IsSingleUser"),
    (0x010, "HasBackupChecksums"),
    (0x020, "IsDamaged"),
];

/// A table, and the shapes in it where its rows were read.
pub type Looked<'c> = (&'c Table, Option<&'c [Shapes]>);

/// What one of the sets holds.
#[derive(Clone, Debug, Default)]
pub struct Contents<'c> {
    /// Position of the set, from 1.
    pub set: u32,
    /// Its tables, where they could be read.
    pub tables: Option<Vec<Looked<'c>>>,
    /// Whether pages of the catalog are newer than the checkpoint.
    pub is_catalog_fuzzy: bool,
    /// What becomes of each row of the metadata table.
    pub exports: Vec<String>,
}

/// The files of one backup, the tables of one of its sets where they could be read, the verdict, and what becomes of
/// each row of its metadata table.
pub fn report(families: &[Family], names: &[String], verdict: &Verdict, contents: &Contents<'_>) -> Value {
    let stripes: Vec<Value> = families
        .iter()
        .zip(names)
        .map(|(family, name)| json!({"file": name, "media": family.media.as_ref().map(media), "sets": sets(family)}))
        .collect();
    let first = stripes.first().cloned().unwrap_or_default();
    let mut report = json!({"media": first["media"], "sets": first["sets"]});
    let Contents { set, tables, is_catalog_fuzzy, exports } = contents;
    if let (Some(tables), Some(set)) = (tables, report["sets"].get_mut(set.saturating_sub(1) as usize)) {
        set["catalog_fuzzy"] = json!(is_catalog_fuzzy);
        set["tables"] = tables.iter().map(|(table, shapes)| tables::table(table, *shapes)).collect();
    }
    if stripes.len() > 1 {
        report["stripes"] = json!(stripes);
    }
    report["verdict"] = json!({
        "accepted": verdict.accepted,
        "reasons": verdict.reasons.iter().map(|reason| json!({
            "error": reason.error, "message": reason.message, "where": reason.place,
        })).collect::<Vec<_>>(),
        "warnings": verdict.warnings,
    });
    report["exports"] = json!(exports);
    report
}

fn shown(value: Option<impl ToString>) -> Value {
    value.map_or(Value::Null, |value| json!(value.to_string()))
}

fn media(media: &Media) -> Value {
    json!({
        "MediaName": media.media_name,
        "MediaSetId": shown(media.media_set_id),
        "FamilyCount": media.family_count,
        "FamilySequenceNumber": media.family_sequence_number,
        "MediaFamilyId": format!("{:08x}-0000-0000-0000-000000000000", media.media_family_id),
        "MediaSequenceNumber": media.media_sequence_number,
        "MediaDescription": media.media_description,
        "SoftwareName": media.software_name,
        "SoftwareVendorId": media.software_vendor_id,
        "MediaDate": shown(media.media_date),
        "MirrorCount": media.mirror_count,
        "IsCompressed": media.is_compressed,
    })
}

fn sets(family: &Family) -> Vec<Value> {
    family
        .sets
        .iter()
        .map(|set| {
            let is_compressed = family.media.as_ref().is_some_and(|media| media.is_compressed);
            json!({
                "header": set.header.as_ref().map(|found| header(set, found, is_compressed)),
                "files": set.files.iter().map(file).collect::<Vec<_>>(),
            })
        })
        .collect()
}

fn header(set: &Set, header: &Header, is_compressed: bool) -> Value {
    let mut shown_header = json!({
        "BackupName": set.name,
        "BackupDescription": set.description,
        "BackupType": header.backup_type.number(),
        "BackupTypeDescription": header.backup_type.name(),
        "Compressed": is_compressed,
        "Position": set.position,
        "UserName": set.user_name,
        "ServerName": header.server_name,
        "DatabaseName": header.database_name,
        "DatabaseVersion": header.database_version,
        "DatabaseCreationDate": shown(header.database_creation_date),
        "BackupSize": header.backup_size,
        "FirstLSN": shown(header.first_lsn),
        "LastLSN": shown(header.last_lsn),
        "CheckpointLSN": shown(header.checkpoint_lsn),
        "DatabaseBackupLSN": shown(header.database_backup_lsn),
        "BackupStartDate": shown(set.start_date),
        "BackupFinishDate": shown(set.finish_date),
        "SortOrder": header.sort_order,
        "UnicodeLocaleId": header.unicode_locale_id,
        "UnicodeComparisonStyle": header.unicode_comparison_style,
        "CompatibilityLevel": header.compatibility_level,
        "SoftwareVersionMajor": header.software_version_major,
        "SoftwareVersionMinor": header.software_version_minor,
        "SoftwareVersionBuild": header.software_version_build,
        "MachineName": set.machine_name,
        "Flags": header.flags,
        "BindingID": shown(header.binding_id),
        "RecoveryForkID": shown(header.recovery_fork_id),
        "FamilyGUID": shown(header.family_guid),
        "BackupSetGUID": shown(set.guid),
    });
    for (bit, name) in FLAGS {
        shown_header[*name] = json!(header.flags & bit != 0);
    }
    shown_header
}

fn file(file: &DatabaseFile) -> Value {
    let is_data = file.file_type == FileType::Data;
    json!({
        "LogicalName": file.logical_name,
        "PhysicalName": file.physical_name,
        "Type": if is_data { "D" } else { "L" },
        // SQL Server shows logs in no group.
        "FileGroupId": if is_data { file.file_group_id } else { 0 },
        "Size": file.size,
        "FileId": file.file_id,
        "UniqueId": shown(file.unique_id),
        "BackupSizeInBytes": file.backup_size_in_bytes.max(file.announced_size_in_bytes),
        "SourceBlockSize": file.source_block_size,
        "DifferentialBaseLSN": shown(file.differential_base_lsn),
        "DifferentialBaseGUID": shown(file.differential_base_guid),
    })
}
