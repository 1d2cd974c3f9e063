//! Whether tonight's load would take a backup, and if not, why: contract C-41 and C-44.

use crate::configuration::BackupType;
use crate::family::{Family, Problem, ProblemKind, Set};

/// Newest supported internal database version: SQL Server 2019 (C-41).
pub const NEWEST_DATABASE_VERSION: u16 = 904;

/// The judgement over the files of one backup.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// Whether the load would take it.
    pub accepted: bool,
    /// Why not; empty where it would.
    pub reasons: Vec<Reason>,
    /// What the load takes and its sender should still know.
    pub warnings: Vec<String>,
}

/// One reason against.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reason {
    /// SQL Server's error number for it.
    pub error: u32,
    /// What is wrong and what to do.
    pub message: String,
    /// Which byte, page or set.
    pub place: String,
}

/// Judges the files that together should be one backup. `names` are for the places, one for each file.
pub fn judge(families: &[Family], names: &[String]) -> Verdict {
    let name = |index: usize| names.get(index).map_or("the file", String::as_str);
    let mut reasons = Vec::new();
    let mut warnings = Vec::new();
    for (index, family) in families.iter().enumerate() {
        for problem in &family.problems {
            match from_problem(problem, name(index)) {
                Ok(reason) => reasons.push(reason),
                Err(warning) => warnings.push(warning),
            }
        }
    }
    reasons.extend(stripes(families, names));
    if families.len() > 1 {
        warnings.push("the nightly load takes one file, not stripes: back up to a single file".to_owned());
    }
    // RESTORE without FILE = takes the first set; all stripes tell the same of it.
    if let Some((index, set)) =
        families.iter().enumerate().find_map(|(index, family)| Some((index, family.sets.first()?)))
    {
        let place = format!("{}, set {}", name(index), set.position);
        reasons.extend(from_set(set, &place));
        let count = families[index].sets.len();
        if count > 1 {
            warnings.push(format!(
                "{} holds {count} backup sets; the load takes the first, of {}. Back up WITH INIT, so that each night's file holds that night alone",
                name(index),
                set.start_date.map_or_else(|| "an unknown date".to_owned(), |date| date.to_string().replace('T', " "))
            ));
        }
    }
    Verdict { accepted: reasons.is_empty(), reasons, warnings }
}

fn from_problem(problem: &Problem, name: &str) -> Result<Reason, String> {
    let Problem { kind, at, message } = problem;
    let (error, advice) = match kind {
        ProblemKind::NotABackup => (3242, "send the file that BACKUP DATABASE wrote"),
        ProblemKind::Truncated => (3203, "upload it again whole, and compare sizes"),
        ProblemKind::Header => {
            (3241, "upload it again in binary mode; if that does not help, make a new backup")
        }
        ProblemKind::Page => (3183, "run DBCC CHECKDB on the source and make a new backup"),
        ProblemKind::DataStream => (3189, "upload it again; if that does not help, make a new backup"),
        ProblemKind::Encrypted => (33111, "make the backup without ENCRYPTION"),
        ProblemKind::Compression => {
            (3241, "make the backup on SQL Server 2019 or earlier, or WITH NO_COMPRESSION")
        }
        ProblemKind::Leftover => {
            return Err(format!("{name}: byte {at}: {message}; what follows is ignored"));
        }
    };
    Ok(Reason { error, message: format!("{message}: {advice}"), place: format!("{name}, byte {at}") })
}

fn from_set(set: &Set, place: &str) -> Option<Reason> {
    let header = set.header.as_ref()?;
    let reason = |error, message: String| Some(Reason { error, message, place: place.to_owned() });
    if header.database_version > NEWEST_DATABASE_VERSION {
        let (major, minor, build) =
            (header.software_version_major, header.software_version_minor, header.software_version_build);
        return reason(
            3169,
            format!(
                "the backup comes from SQL Server {major}.{minor}.{build} (database version {}), which is newer than 2019 (database version {NEWEST_DATABASE_VERSION}): back the database up on 2019 or earlier",
                header.database_version
            ),
        );
    }
    match header.backup_type {
        BackupType::Full => None,
        BackupType::Differential => reason(
            3136,
            "this is a differential backup, useless without its full one: make a full backup".to_owned(),
        ),
        BackupType::Log => reason(3117, "this is a log backup: make a full database backup".to_owned()),
        kind @ BackupType::Other(b'F' | b'P') => {
            reason(3118, format!("this is a {} backup: make a full database backup", kind.name()))
        }
        kind @ BackupType::Other(b'G' | b'Q') => {
            reason(3136, format!("this is a {} backup: make a full database backup", kind.name()))
        }
        BackupType::Other(letter) => reason(
            3241,
            format!("backup type {:?} is not known: make a full database backup", letter as char),
        ),
    }
}

fn stripes(families: &[Family], names: &[String]) -> Option<Reason> {
    let media: Vec<_> = families.iter().filter_map(|family| family.media.as_ref()).collect();
    let first = media.first()?;
    let place = names.join(", ");
    let foreign = media.iter().position(|media| media.media_set_id != first.media_set_id);
    if let Some(index) = foreign {
        let message = format!(
            "{} belongs to another media set than {}: give the stripes of one backup",
            names.get(index).map_or("a file", String::as_str),
            names.first().map_or("the first", String::as_str)
        );
        return Some(Reason { error: 3231, message, place });
    }
    let mut given: Vec<u16> = media.iter().map(|media| media.family_sequence_number).collect();
    given.sort_unstable();
    given.dedup();
    let count = first.family_count;
    if usize::from(count) <= given.len() {
        return None;
    }
    let given_text = given.iter().map(u16::to_string).collect::<Vec<_>>().join(", ");
    let message = format!(
        "the backup is striped over {count} files and only stripe {given_text} is here: back up to a single file, since the load takes one"
    );
    Some(Reason { error: 3132, message, place })
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;
    use crate::writer::{LEAST_SIZE_BYTES, Spec, write};
    use crate::{Depth, read};

    /// The letter is told in both copies of the configuration; no checksum is over it.
    #[test]
    fn backups_of_parts_are_named() {
        let mut bytes = Vec::new();
        write(&Spec { seed: 1, size_bytes: LEAST_SIZE_BYTES, damage: None }, &mut bytes).expect("memory");
        let tags = bytes.windows(4).enumerate().filter(|(_, tag)| tag == b"SCIN");
        let places: Vec<usize> = tags.map(|(at, _)| at + 87).collect();
        assert_eq!(places.len(), 2);
        for (letter, number, error, words) in [
            (b'F', Some(4), 3118, "a file or filegroup backup"),
            (b'G', Some(6), 3136, "a differential file backup"),
            (b'P', Some(7), 3118, "a partial backup"),
            (b'Q', Some(8), 3136, "a differential partial backup"),
            (b'X', None, 3241, "backup type 'X' is not known"),
        ] {
            places.iter().for_each(|at| bytes[*at] = letter);
            let family = read(Cursor::new(&bytes), Depth::Headers).expect("memory does not fail");
            let header = family.sets[0].header.as_ref().expect("a header");
            assert_eq!(header.backup_type.number(), number);
            let verdict = judge(&[family], &[]);
            assert_eq!(verdict.reasons[0].error, error);
            assert!(verdict.reasons[0].message.contains(words), "{verdict:?}");
        }
    }
}
