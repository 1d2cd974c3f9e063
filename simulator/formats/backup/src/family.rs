//! What reading one backup file finds: its media, sets, checks and problems.

use crate::block::Name;
use crate::configuration::{DatabaseFile, Filegroup, Header};
use crate::media::Media;
use crate::value::{DateTime, Guid};

/// How much is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Depth {
    /// Headers; data is passed over. Cut files are noticed, damaged data is not.
    Headers,
    /// Everything, with every checksum there is, as RESTORE VERIFYONLY WITH CHECKSUM does.
    Everything,
}

/// One file of a backup: a media family, as one stripe is called.
#[derive(Clone, Debug, Default)]
pub struct Family {
    /// Its media header; `None` where the file has none.
    pub media: Option<Media>,
    /// Its backup sets.
    pub sets: Vec<Set>,
    /// What is wrong with it, in order.
    pub problems: Vec<Problem>,
    /// What was checked.
    pub checks: Checks,
}

/// A backup set.
#[derive(Clone, Debug)]
pub struct Set {
    /// Place in the file, from 1; what `RESTORE … WITH FILE =` takes.
    pub position: u32,
    /// Its number, as the set header tells it.
    pub number: u16,
    /// Name given with NAME.
    pub name: Option<String>,
    /// Description given with DESCRIPTION.
    pub description: Option<String>,
    /// Who wrote it.
    pub user_name: Option<String>,
    /// Identifies the set.
    pub guid: Option<Guid>,
    /// Attribute bits of the set header.
    pub attributes: u32,
    /// When writing began.
    pub start_date: Option<DateTime>,
    /// When writing ended.
    pub finish_date: Option<DateTime>,
    /// Signed quarters of an hour the server's clock was ahead of UTC; 127: unknown.
    pub time_zone_quarter_hours: i8,
    /// Drive or device.
    pub device_name: Option<String>,
    /// Machine.
    pub machine_name: Option<String>,
    /// Its description; `None` where the file ends before it.
    pub header: Option<Header>,
    /// Groups of database files.
    pub filegroups: Vec<Filegroup>,
    /// Database files.
    pub files: Vec<DatabaseFile>,
    /// Its blocks in order; equal neighbours are counted.
    pub blocks: Vec<(Name, u32)>,
    /// Bytes of data pages in this file.
    pub data_bytes: u64,
    /// Bytes of log in this file.
    pub log_bytes: u64,
    /// Whether its end was reached.
    pub is_whole: bool,
    /// Where its pages are, in the order of the tape.
    pub(crate) spans: Vec<Span>,
}

/// A stretch of database pages on the tape: one MQDA stream without its lead bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Span {
    /// Logical offset of the first page.
    pub at: u64,
    /// Bytes, as the stream's header tells; the file may end before.
    pub length: u64,
    /// Which MSDA block of the set it belongs to, from 1.
    pub block: u32,
}

/// What was checked, and how often it was right. Wrong ones are among the problems.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Checks {
    /// Block headers.
    pub blocks: u64,
    /// Stream headers.
    pub streams: u64,
    /// Data streams that a backup WITH CHECKSUM vouches for.
    pub data_streams: u64,
    /// Pages that carry a checksum.
    pub pages: u64,
}

/// Something wrong with a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// What kind.
    pub kind: ProblemKind,
    /// Byte of the backup's contents; of a compressed file, after decompression.
    pub at: u64,
    /// What was expected and what came.
    pub message: String,
}

/// Kinds of problem.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProblemKind {
    /// The file is no backup at all.
    NotABackup,
    /// It ends too early.
    Truncated,
    /// A header is damaged.
    Header,
    /// A database page is damaged.
    Page,
    /// A data stream differs from its checksum.
    DataStream,
    /// It is encrypted.
    Encrypted,
    /// It is compressed in a way not known here.
    Compression,
    /// Bytes follow that belong to no set.
    Leftover,
}
