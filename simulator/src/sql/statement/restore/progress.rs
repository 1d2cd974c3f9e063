//! What a restore says while it goes on, and at its end.

use std::fs::File;

use spatialcloud_backup::{Database, FileType, Set};
use spatialcloud_tds::{Command, Message};

use crate::sql::Halt;
use crate::sql::backend::Answer;

/// Ends each part of the answer (CurCmd), as an engine sent it.
const RESTORE: Command = Command(229);
/// Rows between two looks at whether the client still wants it.
const ROWS_BETWEEN_LOOKS: u64 = 4096;
/// Bytes of a page.
const PAGE_BYTES: u64 = 8192;

/// How far it is, told every few percent.
pub struct Progress {
    rows: u64,
    of: u64,
    every: Option<u64>,
    told: u64,
}

impl Progress {
    pub fn new(database: &Database<File>, every: Option<u32>) -> Progress {
        let of = database.tables().iter().map(|table| table.row_count).sum::<u64>().max(1);
        Progress { rows: 0, of, every: every.map(|every| u64::from(every.clamp(1, 100))), told: 0 }
    }

    /// One row more.
    pub fn row(&mut self, answer: &mut Answer<'_>) -> Result<(), Halt> {
        self.rows += 1;
        if self.rows.is_multiple_of(ROWS_BETWEEN_LOOKS) {
            answer.go_on()?;
        }
        let percent = self.rows.min(self.of).saturating_mul(100) / self.of;
        while let Some(every) = self.every
            && self.told + every < percent.min(100)
        {
            self.tell(self.told + every, answer)?;
        }
        Ok(())
    }

    fn tell(&mut self, percent: u64, answer: &mut Answer<'_>) -> Result<(), Halt> {
        self.told = percent;
        answer.progress(&Message::information(3211, format!("{percent} percent processed.")), RESTORE)
    }

    /// What is missing to a hundred.
    pub fn end(&mut self, answer: &mut Answer<'_>) -> Result<(), Halt> {
        let Some(every) = self.every else { return Ok(()) };
        while self.told + every < 100 {
            self.tell(self.told + every, answer)?;
        }
        self.tell(100, answer)
    }
}

/// Pages of a file in the backup.
pub fn pages(file: &spatialcloud_backup::DatabaseFile) -> u32 {
    let by_bytes = u32::try_from(file.backup_size_in_bytes / PAGE_BYTES).unwrap_or(u32::MAX);
    match file.file_type {
        FileType::Data => file.pages_in_backup.max(file.announced_pages),
        FileType::Log => by_bytes,
    }
}

/// 4035 for each file, and 3014.
pub fn done(
    set: &Set,
    name: &str,
    position: u32,
    elapsed_ms: u64,
    answer: &mut Answer<'_>,
) -> Result<(), Halt> {
    for file in &set.files {
        let logical = file.logical_name.as_deref().unwrap_or_default();
        let words = format!(
            "Processed {} pages for database '{name}', file '{logical}' on file {position}.",
            pages(file)
        );
        answer.progress(&Message::information(4035, words), RESTORE)?;
    }
    let all: u64 = set.files.iter().map(|file| u64::from(pages(file))).sum();
    answer.message(&Message::information(3014, processed("RESTORE DATABASE", all, elapsed_ms)));
    answer.done(RESTORE, None);
    Ok(())
}

/// The text of 3014.
pub fn processed(statement: &str, pages: u64, elapsed_ms: u64) -> String {
    // Thousandths of a megabyte for each second.
    let rate =
        (u128::from(pages) * u128::from(PAGE_BYTES) * 1_000_000) / (u128::from(elapsed_ms.max(1)) << 20);
    format!(
        "{statement} successfully processed {pages} pages in {}.{:03} seconds ({}.{:03} MB/sec).",
        elapsed_ms / 1000,
        elapsed_ms % 1000,
        rate / 1000,
        rate % 1000
    )
}
