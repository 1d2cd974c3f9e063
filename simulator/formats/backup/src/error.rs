//! What can be wrong with the data in a backup, and where.

use std::fmt;
use std::io;

use crate::page::PageId;
use crate::tape::TapeError;

/// Something in a backup that cannot be read, and its place.
#[derive(Debug)]
pub struct DataError {
    /// What kind.
    pub kind: DataErrorKind,
    /// What was expected and what came.
    pub message: String,
    /// Which of the given files, counted from 0, and the byte in its contents (decompressed, if it is a
    /// compressed one).
    pub at: Option<(usize, u64)>,
    /// Page of the database.
    pub page: Option<PageId>,
    /// Slot on the page.
    pub slot: Option<u16>,
}

/// Kinds of error in data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DataErrorKind {
    /// The disk failed.
    Io,
    /// The given files do not make a whole full backup.
    NotRestorable,
    /// The backup does not hold a page that something points to.
    Missing,
    /// A checksum or torn-page signature is wrong.
    Checksum,
    /// Structures contradict each other.
    Damaged,
    /// A feature that is recognised and not read.
    Unsupported,
}

impl DataError {
    pub(crate) fn new(kind: DataErrorKind, message: impl Into<String>) -> DataError {
        DataError { kind, message: message.into(), at: None, page: None, slot: None }
    }

    pub(crate) fn damaged(message: impl Into<String>) -> DataError {
        DataError::new(DataErrorKind::Damaged, message)
    }

    pub(crate) fn unsupported(message: impl Into<String>) -> DataError {
        DataError::new(DataErrorKind::Unsupported, message)
    }

    pub(crate) fn not_restorable(message: impl Into<String>) -> DataError {
        DataError::new(DataErrorKind::NotRestorable, message)
    }

    /// The failure of reading file number `source` at `at`.
    pub(crate) fn from_tape(error: TapeError, source: usize, at: u64) -> DataError {
        let (kind, message) = match error {
            TapeError::Io(error) => (DataErrorKind::Io, error.to_string()),
            TapeError::Ended => (DataErrorKind::Missing, "the file ends before this page".to_owned()),
            TapeError::Damaged { at, what } => {
                (DataErrorKind::Damaged, format!("{what} is wrong, at byte {at} of the compressed file"))
            }
            TapeError::Unknown { at, what } => {
                (DataErrorKind::Unsupported, format!("{what}, at byte {at} of the compressed file"))
            }
        };
        DataError { at: Some((source, at)), ..DataError::new(kind, message) }
    }

    /// The same error, with its page told where it was not.
    pub(crate) fn on(mut self, page: PageId) -> DataError {
        self.page.get_or_insert(page);
        self
    }

    /// The same error, with its place told where it was not.
    pub(crate) fn in_slot(mut self, page: PageId, at: Option<(usize, u64)>, slot: u16) -> DataError {
        if self.page.is_none() {
            self.page = Some(page);
            self.slot = Some(slot);
            self.at = self.at.or(at);
        }
        self
    }
}

impl From<io::Error> for DataError {
    fn from(error: io::Error) -> DataError {
        DataError::new(DataErrorKind::Io, error.to_string())
    }
}

impl fmt::Display for DataError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(page) = self.page {
            write!(formatter, "page {page}")?;
            if let Some(slot) = self.slot {
                write!(formatter, " slot {slot}")?;
            }
            if let Some((source, at)) = self.at {
                write!(formatter, " (file {}, byte {at})", source + 1)?;
            }
            formatter.write_str(": ")?;
        } else if let Some((source, at)) = self.at {
            write!(formatter, "file {}, byte {at}: ", source + 1)?;
        }
        formatter.write_str(&self.message)
    }
}

impl std::error::Error for DataError {}
