//! What SQL Server says to a damaged backup: by our table, or as it was recorded.
//!
//! Which error a given damage yields is not known without the engine. [`ANSWERS`] is what we take it to be,
//! *uncalibrated*; a file of recorded answers ([`Recorded`]) overrides it, line by line. `spatialcloud calibrate` writes
//! such a file: for each kind of damage that the writer of synthetic backups knows, and each statement, the errors that
//! the engine sent. The setting `sql.calibration` names the file.
//!
//! ```json
//! {
//!   "format": 1,
//!   "engine": "Microsoft SQL Server 2019 …, as @@VERSION tells",
//!   "recorded": "2026-11-25T10:00:00Z",
//!   "answers": [
//!     {
//!       "damage": "cut",
//!       "statement": "verify-only",
//!       "errors": [{ "number": 3203, "class": 16, "state": 1, "text": "Read on \"{device}\" failed: …" }]
//!     }
//!   ]
//! }
//! ```
//!
//! In texts `{device}` stands for the path as the statement wrote it, and `{database}` for the database's name. Errors
//! are in the order in which the engine sent them, without the last, 3013; of clients that hear only the first error
//! (tiberius) one is enough. No errors at all: the engine found nothing wrong.

use std::fs;
use std::path::Path;

use serde::{Deserialize, Serialize};
use spatialcloud_backup::writer::Damage;
use spatialcloud_tds::Message;

/// The statements that read a backup.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[allow(missing_docs)]
pub enum Asked {
    LabelOnly,
    HeaderOnly,
    FileListOnly,
    VerifyOnly,
    Database,
}

/// All of them: as they are written, and their number at the end of an answer (CurCmd), as an engine sent it. That of
/// LABELONLY is not known.
pub const ASKED: [(Asked, &str, u16); 5] = [
    (Asked::LabelOnly, "RESTORE LABELONLY", 0),
    (Asked::HeaderOnly, "RESTORE HEADERONLY", 250),
    (Asked::FileListOnly, "RESTORE FILELISTONLY", 376),
    (Asked::VerifyOnly, "RESTORE VERIFYONLY", 377),
    (Asked::Database, "RESTORE DATABASE", 229),
];

impl Asked {
    /// As it is written.
    pub fn text(self) -> &'static str {
        ASKED.iter().find(|(asked, ..)| *asked == self).map_or("RESTORE", |(_, text, _)| text)
    }

    /// Its number at the end of an answer.
    pub fn command(self) -> u16 {
        ASKED.iter().find(|(asked, ..)| *asked == self).map_or(0, |(.., command)| *command)
    }
}

/// What can be wrong with a backup, as far as a reader can tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Finding {
    NotABackup,
    Truncated,
    Header,
    /// A header of a compressed file, or one of its chunks.
    Chunk,
    Page,
    /// A page is whole, and what stands on it is not.
    Row,
    DataStream,
    Encrypted,
    Compression,
    StripeMissing,
    ForeignStripe,
    Newer,
    Older,
    Differential,
    Log,
    /// A backup of files or filegroups, or a partial one.
    Part,
}

/// Number and text of the error for each finding. *Uncalibrated*: numbers and texts are SQL Server's, which of them it
/// chooses is our guess.
const ANSWERS: &[(Finding, i32, &str)] = &[
    (
        Finding::NotABackup,
        3242,
        "The file on device '{device}' is not a valid Microsoft Tape Format backup set.",
    ),
    (Finding::Truncated, 3203, "Read on \"{device}\" failed: 38(Reached the end of the file.)"),
    (
        Finding::Header,
        3241,
        "The media family on device '{device}' is incorrectly formed. SQL Server cannot process this media family.",
    ),
    (
        Finding::Chunk,
        3241,
        "The media family on device '{device}' is incorrectly formed. SQL Server cannot process this media family.",
    ),
    (
        Finding::Page,
        3183,
        "RESTORE detected an error on a page in database \"{database}\" as read from the backup set.",
    ),
    (
        Finding::Row,
        3183,
        "RESTORE detected an error on a page in database \"{database}\" as read from the backup set.",
    ),
    (Finding::DataStream, 3189, "Damage to the backup set was detected."),
    (Finding::Encrypted, 33111, "Cannot find server certificate with the thumbprint that the backup names."),
    (
        Finding::Compression,
        3241,
        "The media family on device '{device}' is incorrectly formed. SQL Server cannot process this media family.",
    ),
    (
        Finding::StripeMissing,
        3132,
        "The media set has more media families than are provided. All members must be provided.",
    ),
    (
        Finding::ForeignStripe,
        3231,
        "The media loaded on \"{device}\" is formatted to support another number of media families than expected according to the backup device specification.",
    ),
    (
        Finding::Newer,
        3169,
        "The database was backed up on a server running a newer version. That version is incompatible with this server, which is running version 15.00. Either restore the database on a server that supports the backup, or use a backup that is compatible with this server.",
    ),
    (
        Finding::Older,
        3169,
        "The database was backed up on a server whose version is incompatible with this server, which is running version 15.00.",
    ),
    (
        Finding::Differential,
        3118,
        "The database \"{database}\" does not exist. RESTORE can only create a database when restoring either a full backup or a file backup of the primary file.",
    ),
    (
        Finding::Log,
        3118,
        "The database \"{database}\" does not exist. RESTORE can only create a database when restoring either a full backup or a file backup of the primary file.",
    ),
    (
        Finding::Part,
        3118,
        "The database \"{database}\" does not exist. RESTORE can only create a database when restoring either a full backup or a file backup of the primary file.",
    ),
];

/// Which finding each damage of the writer leads to; those without one are no damage to a reader.
const FINDINGS: &[(Damage, Finding)] = &[
    (Damage::Cut, Finding::Truncated),
    (Damage::HeaderBit, Finding::Header),
    (Damage::PageBit, Finding::Page),
    (Damage::RowBit, Finding::Row),
    (Damage::ChunkBit, Finding::Chunk),
    (Damage::LogBit, Finding::DataStream),
    (Damage::Stripe, Finding::StripeMissing),
    (Damage::Newer, Finding::Newer),
    (Damage::Differential, Finding::Differential),
    (Damage::Log, Finding::Log),
    (Damage::Encrypted, Finding::Encrypted),
    (Damage::NotABackup, Finding::NotABackup),
];

/// The number of the file's format.
pub const FORMAT: u32 = 1;

/// A file of recorded answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recorded {
    /// [`FORMAT`].
    pub format: u32,
    /// What the engine says of itself: `@@VERSION`.
    pub engine: String,
    /// When, as RFC 3339 has it.
    pub recorded: String,
    /// What a sound backup gives: columns of each statement's result.
    #[serde(default)]
    pub shapes: Vec<RecordedShape>,
    /// What it said.
    pub answers: Vec<RecordedAnswer>,
}

/// What the engine answered to one statement over a sound backup.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RecordedShape {
    /// The statement.
    pub statement: Asked,
    /// The columns of its result.
    pub columns: Vec<RecordedColumn>,
    /// What it said beside it.
    pub messages: Vec<String>,
}

/// One column.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RecordedColumn {
    /// Its name.
    pub name: String,
    /// Its type on the wire, in capitals.
    #[serde(rename = "type")]
    pub wire_type: String,
}

/// What the engine said to one statement over one damaged backup.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RecordedAnswer {
    /// The damage, as `spatialcloud generate --damage` names it.
    pub damage: String,
    /// The statement: `label-only`, `header-only`, `file-list-only`, `verify-only` or `database`.
    pub statement: Asked,
    /// Its errors without 3013; none: it found nothing wrong.
    pub errors: Vec<RecordedError>,
}

/// One error.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct RecordedError {
    pub number: i32,
    pub class: u8,
    pub state: u8,
    /// With `{device}` and `{database}` where those were.
    pub text: String,
}

/// Why a file of answers cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("sql.calibration: {path}: {reason}; `spatialcloud calibrate` writes such files")]
pub struct CalibrationError {
    /// The file.
    pub path: String,
    /// What is wrong.
    pub reason: String,
}

/// What is said to damage.
#[derive(Clone, Debug, Default)]
pub struct Calibration {
    recorded: Vec<(Finding, RecordedAnswer)>,
}

impl Calibration {
    /// From a file of recorded answers.
    ///
    /// # Errors
    /// When it cannot be read, or is of another format, or names a damage that nobody knows.
    pub fn read(path: &Path) -> Result<Calibration, CalibrationError> {
        let wrong = |reason: String| CalibrationError { path: path.display().to_string(), reason };
        let text = fs::read(path).map_err(|error| wrong(error.to_string()))?;
        let recorded: Recorded = serde_json::from_slice(&text).map_err(|error| wrong(error.to_string()))?;
        if recorded.format != FORMAT {
            return Err(wrong(format!("it is of format {}, expected {FORMAT}", recorded.format)));
        }
        let mut known = Vec::new();
        for answer in recorded.answers {
            let damage = Damage::named(&answer.damage)
                .ok_or_else(|| wrong(format!("there is no damage {:?}", answer.damage)))?;
            // What is no damage to a reader has nothing to override.
            if let Some((_, finding)) = FINDINGS.iter().find(|(known, _)| *known == damage) {
                known.push((*finding, answer));
            }
        }
        Ok(Calibration { recorded: known })
    }

    /// The errors for a finding; none where an engine was heard to find nothing wrong.
    pub fn errors(&self, finding: Finding, asked: Asked, device: &str, database: &str) -> Vec<Message> {
        let filled = |text: &str| text.replace("{device}", device).replace("{database}", database);
        let recorded =
            self.recorded.iter().find(|(known, answer)| *known == finding && answer.statement == asked);
        if let Some((_, answer)) = recorded {
            let errors = answer.errors.iter().map(|error| Message {
                class: error.class,
                state: error.state,
                ..Message::error(error.number, filled(&error.text))
            });
            return errors.collect();
        }
        let known = ANSWERS.iter().filter(|(known, ..)| *known == finding);
        known.map(|(_, number, text)| Message::error(*number, filled(text))).collect()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use spatialcloud_backup::writer::DAMAGES;

    use super::*;

    #[test]
    fn every_damage_has_an_answer_or_is_none() {
        for (damage, name, error, _) in DAMAGES {
            let finding = FINDINGS.iter().find(|(known, _)| known == damage);
            assert!(finding.is_some() || (error.is_none() && *name == "two-sets"), "{name}");
            if let Some((_, finding)) = finding {
                let errors = Calibration::default().errors(*finding, Asked::Database, "x", "y");
                assert_eq!(errors.len(), 1, "{name}");
            }
        }
    }

    #[test]
    fn what_was_recorded_comes_first() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("answers.json");
        let recorded = Recorded {
            format: FORMAT,
            engine: "an engine".to_owned(),
            recorded: "2026-11-25T10:00:00Z".to_owned(),
            shapes: Vec::new(),
            answers: vec![
                RecordedAnswer {
                    damage: "cut".to_owned(),
                    statement: Asked::VerifyOnly,
                    errors: vec![RecordedError {
                        number: 3256,
                        class: 16,
                        state: 2,
                        text: "{device} is incomplete".to_owned(),
                    }],
                },
                RecordedAnswer {
                    damage: "page-bit".to_owned(),
                    statement: Asked::VerifyOnly,
                    errors: Vec::new(),
                },
            ],
        };
        fs::write(&path, serde_json::to_vec(&recorded).unwrap()).unwrap();
        let calibration = Calibration::read(&path).unwrap();
        let numbers = |finding, asked| {
            let errors = calibration.errors(finding, asked, "a.bak", "CITY");
            errors.into_iter().map(|error| (error.number, error.text)).collect::<Vec<_>>()
        };
        let told = vec![(3256, "a.bak is incomplete".to_owned())];
        assert_eq!(numbers(Finding::Truncated, Asked::VerifyOnly), told);
        assert_eq!(numbers(Finding::Truncated, Asked::Database)[0].0, 3203);
        assert!(numbers(Finding::Page, Asked::VerifyOnly).is_empty());
        fs::write(&path, r#"{"format":1,"engine":"","recorded":"","answers":[{"damage":"rust","statement":"database","errors":[]}]}"#).unwrap();
        let error = Calibration::read(&path).unwrap_err().to_string();
        assert!(error.contains("there is no damage \"rust\""), "{error}");
    }
}
