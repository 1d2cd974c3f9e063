//! The files of a backup as a statement names them, and what is wrong with them.

use std::fs::File;
use std::io::BufReader;
use std::path::PathBuf;

use spatialcloud_backup::verdict::NEWEST_DATABASE_VERSION;
use spatialcloud_backup::{
    BackupType, Depth, Family, OLDEST_DATABASE_VERSION, Problem, ProblemKind, Set, read,
};
use spatialcloud_tds::{Message, NOT_SERVED};

use crate::sql::backend::Answer;
use crate::sql::calibration::{Asked, Finding};
use crate::sql::instance::Instance;
use crate::sql::instance::media::cannot_open;

/// Bytes read from disk at once.
const READ_BYTES: usize = 1 << 20;
/// The flag of a set made WITH CHECKSUM.
pub const HAS_CHECKSUMS: u32 = 0x10;
/// What the reader has found, told beside SQL Server's own words.
const FOUND: i32 = NOT_SERVED + 3;

/// What the reader has found, as a message.
pub fn found(told: &str) -> Message {
    Message::information(FOUND, format!("The simulated warehouse found: {told}."))
}

/// The files of one backup.
pub struct Media {
    /// As the statement writes them, and where they are.
    pub devices: Vec<(String, PathBuf)>,
    /// What each tells.
    pub families: Vec<Family>,
    /// The database that is to come of it, where one is.
    pub target: Option<String>,
}

impl Media {
    /// Opens the devices and reads as much of them as `depth` says.
    ///
    /// # Errors
    /// 3201 and 3203.
    pub fn open(
        instance: &Instance,
        written: &[String],
        database: &str,
        depth: Depth,
    ) -> Result<Media, Message> {
        let mut media = Media { devices: Vec::new(), families: Vec::new(), target: None };
        for device in written {
            let path = instance.device(device, database)?;
            let failed = |error: std::io::Error| {
                cannot_open(device, &format!("{}({error})", error.raw_os_error().unwrap_or(0)), "")
            };
            let file = File::open(&path).map_err(failed)?;
            let family = read(BufReader::with_capacity(READ_BYTES, file), depth)
                .map_err(|error| Message::error(3203, format!("Read on \"{device}\" failed: {error}")))?;
            media.families.push(family);
            media.devices.push((device.clone(), path));
        }
        Ok(media)
    }

    /// The set at that place; all stripes tell the same of it.
    ///
    /// # Errors
    /// 3287.
    pub fn set(&self, position: u32) -> Result<&Set, Message> {
        let sets = self.families.first().map_or(&[][..], |family| &family.sets[..]);
        let set = sets.iter().find(|set| set.position == position);
        set.ok_or_else(|| {
            let device = self.written();
            Message::error(
                3287,
                format!(
                    "The file ID {position} on device '{device}' is incorrectly formed and can not be read."
                ),
            )
        })
    }

    /// The first device as it was written.
    pub fn written(&self) -> &str {
        self.devices.first().map_or("", |(written, _)| written)
    }

    /// The name of the database that errors speak of: of the first set, where none is to come of it.
    pub fn database(&self) -> &str {
        if let Some(target) = &self.target {
            return target;
        }
        let header = self.families.iter().flat_map(|family| &family.sets).find_map(|set| set.header.as_ref());
        header.and_then(|header| header.database_name.as_deref()).unwrap_or_default()
    }

    fn has_checksums(&self) -> bool {
        let headers =
            self.families.iter().flat_map(|family| &family.sets).filter_map(|set| set.header.as_ref());
        headers.into_iter().any(|header| header.flags & HAS_CHECKSUMS != 0)
    }

    /// The first thing that keeps a statement from being answered, and which device has it.
    pub fn first_finding(&self, asked: Asked) -> Option<(Finding, usize)> {
        for (device, family) in self.families.iter().enumerate() {
            for problem in &family.problems {
                if let Some(finding) = finding(problem, family)
                    && self.matters(finding, family, asked)
                {
                    return Some((finding, device));
                }
            }
        }
        // One stripe tells its label and the headers of all.
        if matches!(asked, Asked::LabelOnly | Asked::HeaderOnly) { None } else { self.stripes() }
    }

    fn matters(&self, finding: Finding, family: &Family, asked: Asked) -> bool {
        match asked {
            Asked::LabelOnly => family.media.is_none(),
            // Without backup checksums VERIFYONLY looks at no page.
            Asked::VerifyOnly if super::noticed(finding) => self.has_checksums(),
            _ => true,
        }
    }

    fn stripes(&self) -> Option<(Finding, usize)> {
        let media: Vec<_> = self.families.iter().filter_map(|family| family.media.as_ref()).collect();
        let first = media.first()?;
        if let Some(other) = media.iter().position(|media| media.media_set_id != first.media_set_id) {
            return Some((Finding::ForeignStripe, other));
        }
        let mut given: Vec<u16> = media.iter().map(|media| media.family_sequence_number).collect();
        given.sort_unstable();
        let is_whole = given.iter().copied().eq(1..=first.family_count);
        let kind = if given.len() > usize::from(first.family_count) {
            Finding::ForeignStripe
        } else {
            Finding::StripeMissing
        };
        (!is_whole).then_some((kind, 0))
    }

    /// What keeps the set from being restored, though it is read.
    pub fn unfit(set: &Set) -> Option<Finding> {
        let header = set.header.as_ref()?;
        match header.backup_type {
            _ if header.database_version > NEWEST_DATABASE_VERSION => Some(Finding::Newer),
            _ if header.database_version < OLDEST_DATABASE_VERSION => Some(Finding::Older),
            BackupType::Full => None,
            BackupType::Differential => Some(Finding::Differential),
            BackupType::Log => Some(Finding::Log),
            BackupType::Other(_) => Some(Finding::Part),
        }
    }

    /// The errors for a finding, after telling what the reader found where.
    pub fn errors(
        &self,
        instance: &Instance,
        asked: Asked,
        wrong: Finding,
        device: usize,
        answer: &mut Answer<'_>,
    ) -> Vec<Message> {
        let written = self.devices.get(device).map_or("", |(written, _)| written);
        let family = self.families.get(device);
        let problem = family.and_then(|family| {
            family.problems.iter().find(|problem| finding(problem, family) == Some(wrong))
        });
        let told = match (problem, wrong) {
            (Some(Problem { at, message, .. }), _) => Some(format!("{written}, byte {at}: {message}")),
            (None, Finding::StripeMissing | Finding::ForeignStripe) => Some(self.told_stripes()),
            _ => None,
        };
        if let Some(told) = told {
            answer.message(&found(&told));
        }
        instance.calibration.errors(wrong, asked, written, self.database())
    }

    fn told_stripes(&self) -> String {
        let told = self.devices.iter().zip(&self.families).map(|((written, _), family)| {
            family.media.as_ref().map_or_else(
                || format!("{written} has no media header"),
                |media| {
                    format!("{written} is stripe {} of {}", media.family_sequence_number, media.family_count)
                },
            )
        });
        told.collect::<Vec<_>>().join(", ")
    }
}

/// What a problem of a file is called here; `None`: it does not matter.
fn finding(problem: &Problem, family: &Family) -> Option<Finding> {
    let is_compressed = family.media.as_ref().is_some_and(|media| media.is_compressed);
    Some(match problem.kind {
        ProblemKind::NotABackup => Finding::NotABackup,
        ProblemKind::Truncated => Finding::Truncated,
        ProblemKind::Header if is_compressed => Finding::Chunk,
        ProblemKind::Header => Finding::Header,
        ProblemKind::Page => Finding::Page,
        ProblemKind::DataStream => Finding::DataStream,
        ProblemKind::Encrypted => Finding::Encrypted,
        ProblemKind::Compression => Finding::Compression,
        ProblemKind::Leftover => return None,
    })
}
