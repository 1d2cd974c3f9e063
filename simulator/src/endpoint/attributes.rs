//! File attributes: what listings show, and how requests to change them are answered (C-23).

use std::fs::FileTimes;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};
use russh_sftp::protocol::{File, FileAttributes, OpenFlags, StatusCode};

use crate::config::{AttributeAnswer, AttributeAnswers};

const REGULAR: u32 = 0o100_000;
const DIRECTORY: u32 = 0o040_000;
/// `ls -l` shows the year instead of the hour for files older than this.
const RECENT_DAYS: i32 = 182;

/// Attributes of a file or folder on disk. Owner numbers are the endpoint's own business: always 0.
/// Without a time of access, that of the last change stands for it.
pub fn of(
    is_dir: bool,
    length_bytes: u64,
    mode: u32,
    modified: Option<SystemTime>,
    accessed: Option<SystemTime>,
) -> FileAttributes {
    let seconds = |time: Option<SystemTime>| {
        time.and_then(|time| time.duration_since(UNIX_EPOCH).ok())
            .map_or(0, |since| u32::try_from(since.as_secs()).unwrap_or(u32::MAX))
    };
    FileAttributes {
        size: Some(if is_dir { 0 } else { length_bytes }),
        uid: Some(0),
        gid: Some(0),
        permissions: Some(if is_dir { DIRECTORY } else { REGULAR } | (mode & 0o7777)),
        atime: Some(seconds(accessed.or(modified))),
        mtime: Some(seconds(modified)),
        user: None,
        group: None,
    }
}

/// The attributes of a listing entry or of STAT.
pub fn of_entry(metadata: &cap_std::fs::Metadata, tells_access_time: bool) -> FileAttributes {
    use cap_std::fs::PermissionsExt as _;
    let modified = metadata.modified().ok().map(cap_std::time::SystemTime::into_std);
    let accessed = metadata.accessed().ok().map(cap_std::time::SystemTime::into_std);
    let accessed = accessed.filter(|_| tells_access_time);
    of(metadata.is_dir(), metadata.len(), metadata.permissions().mode(), modified, accessed)
}

/// The attributes of an open file.
pub fn of_open(metadata: &std::fs::Metadata, tells_access_time: bool) -> FileAttributes {
    let (modified, accessed) = (metadata.modified().ok(), metadata.accessed().ok());
    let accessed = accessed.filter(|_| tells_access_time);
    of(metadata.is_dir(), metadata.len(), metadata.permissions().mode(), modified, accessed)
}

/// What a client sent as attributes, in words: which of them, and the mode bits in octal.
pub fn told(attributes: &FileAttributes) -> Vec<String> {
    let mut words = Vec::new();
    if attributes.size.is_some() {
        words.push("size".to_owned());
    }
    if attributes.uid.is_some() || attributes.gid.is_some() {
        words.push("ownership".to_owned());
    }
    if let Some(mode) = attributes.permissions {
        words.push(format!("permissions={mode:o}"));
    }
    if attributes.atime.is_some() || attributes.mtime.is_some() {
        words.push("times".to_owned());
    }
    words
}

/// The flags of an OPEN, in the words of the draft.
pub fn flag_names(flags: OpenFlags) -> Vec<String> {
    [
        (OpenFlags::READ, "read"),
        (OpenFlags::WRITE, "write"),
        (OpenFlags::APPEND, "append"),
        (OpenFlags::CREATE, "creat"),
        (OpenFlags::TRUNCATE, "trunc"),
        (OpenFlags::EXCLUDE, "excl"),
    ]
    .into_iter()
    .filter(|(flag, _)| flags.contains(*flag))
    .map(|(_, name)| name.to_owned())
    .collect()
}

/// A listing entry with its long name in the columns of `ls -l`, as OpenSSH's server writes it.
pub fn listed(
    name: String,
    attributes: FileAttributes,
    owner: &str,
    now: Timestamp,
    zone: &TimeZone,
) -> File {
    let kind = if attributes.is_dir() { 'd' } else { '-' };
    let time = Timestamp::from_second(i64::from(attributes.mtime.unwrap_or(0)))
        .unwrap_or(Timestamp::UNIX_EPOCH)
        .to_zoned_datetime(zone.clone());
    let oldest = now.to_zoned_datetime(zone.clone()).checked_sub(RECENT_DAYS.days());
    let recent = oldest.is_ok_and(|oldest| time >= oldest) && time.timestamp() <= now;
    let date = time.strftime(if recent { "%b %e %H:%M" } else { "%b %e  %Y" });
    let longname = format!(
        "{kind}{} {:>4} {owner:<8} {owner:<8} {:>8} {date} {name}",
        attributes.permissions(),
        if attributes.is_dir() { 2 } else { 1 },
        attributes.size.unwrap_or(0),
    );
    File { filename: name, longname, attrs: attributes }
}

/// The four things SETSTAT and FSETSTAT can carry, each with an answer of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Aspect {
    /// SSH_FILEXFER_ATTR_SIZE: truncate or extend.
    Size,
    /// SSH_FILEXFER_ATTR_PERMISSIONS
    Permissions,
    /// SSH_FILEXFER_ATTR_ACMODTIME
    Times,
    /// SSH_FILEXFER_ATTR_UIDGID
    Ownership,
}

impl Aspect {
    /// The word used in settings and events.
    pub fn name(self) -> &'static str {
        match self {
            Aspect::Size => "size",
            Aspect::Permissions => "permissions",
            Aspect::Times => "times",
            Aspect::Ownership => "ownership",
        }
    }

    fn answer(self, answers: &AttributeAnswers) -> AttributeAnswer {
        match self {
            Aspect::Size => answers.size,
            Aspect::Permissions => answers.permissions,
            Aspect::Times => answers.times,
            Aspect::Ownership => answers.ownership,
        }
    }

    /// What the person whose client sent it should do.
    pub fn advice(self) -> &'static str {
        match self {
            Aspect::Times => {
                "the file is stored; only its time was not set. Switch it off: WinSCP -nopreservetime, sftp/scp/pscp without -p, \
                 rclone --sftp-set-modtime=false, FileZilla 'Preserve timestamps' off"
            }
            Aspect::Permissions => {
                "the file is stored; only its permissions were not set. Switch it off: WinSCP -nopermissions, sftp/scp without -p, no chmod"
            }
            Aspect::Size => {
                "a file cannot be cut or stretched here: scp overwriting a longer file would leave its tail; remove the old file first, or use sftp"
            }
            Aspect::Ownership => "the file is stored; owners cannot be set here: leave out chown and chgrp",
        }
    }
}

/// The aspects a request carries, in the order OpenSSH's server applies them.
pub fn aspects(attributes: &FileAttributes) -> Vec<Aspect> {
    [
        (Aspect::Size, attributes.size.is_some()),
        (Aspect::Permissions, attributes.permissions.is_some()),
        (Aspect::Times, attributes.atime.is_some() || attributes.mtime.is_some()),
        (Aspect::Ownership, attributes.uid.is_some() || attributes.gid.is_some()),
    ]
    .into_iter()
    .filter_map(|(aspect, present)| present.then_some(aspect))
    .collect()
}

/// What becomes of a request: which aspects are refused (and with what), ignored, applied.
#[derive(Debug, Default)]
pub struct Decision {
    /// Refused aspects; the first one's status is the answer.
    pub refused: Vec<(Aspect, StatusCode)>,
    /// Answered with success and not done.
    pub ignored: Vec<Aspect>,
    /// To be done.
    pub applied: Vec<Aspect>,
}

/// Decides each aspect by its own setting.
pub fn decide(attributes: &FileAttributes, answers: &AttributeAnswers) -> Decision {
    let mut decision = Decision::default();
    for aspect in aspects(attributes) {
        match aspect.answer(answers) {
            AttributeAnswer::OpUnsupported => decision.refused.push((aspect, StatusCode::OpUnsupported)),
            AttributeAnswer::PermissionDenied => {
                decision.refused.push((aspect, StatusCode::PermissionDenied));
            }
            AttributeAnswer::Failure => decision.refused.push((aspect, StatusCode::Failure)),
            AttributeAnswer::NoOp => decision.ignored.push(aspect),
            AttributeAnswer::Apply => decision.applied.push(aspect),
        }
    }
    decision
}

/// Carries out the aspects that are to be applied.
pub fn apply(file: &std::fs::File, attributes: &FileAttributes, aspects: &[Aspect]) -> io::Result<()> {
    for aspect in aspects {
        match aspect {
            Aspect::Size => file.set_len(attributes.size.unwrap_or(0))?,
            Aspect::Permissions => {
                let mode = attributes.permissions.unwrap_or(0) & 0o7777;
                file.set_permissions(std::fs::Permissions::from_mode(mode))?;
            }
            Aspect::Times => {
                let at =
                    |seconds: Option<u32>| UNIX_EPOCH + Duration::from_secs(u64::from(seconds.unwrap_or(0)));
                file.set_times(
                    FileTimes::new().set_accessed(at(attributes.atime)).set_modified(at(attributes.mtime)),
                )?;
            }
            Aspect::Ownership => {
                let uid = attributes.uid.map(rustix::fs::Uid::from_raw);
                let gid = attributes.gid.map(rustix::fs::Gid::from_raw);
                rustix::fs::fchown(file, uid, gid)?;
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn times_that_were_set_are_told_apart_only_where_they_can_be_set() {
        let file = tempfile::tempfile().unwrap();
        let wanted = FileAttributes { atime: Some(1), mtime: Some(2), ..FileAttributes::empty() };
        apply(&file, &wanted, &[Aspect::Times]).unwrap();
        let told = |tells_access_time| {
            let attributes = of_open(&file.metadata().unwrap(), tells_access_time);
            (attributes.atime.unwrap(), attributes.mtime.unwrap())
        };
        assert_eq!((told(true), told(false)), ((1, 2), (2, 2)));
    }
}
