//! SQL Server backup files (`.bak`): what RESTORE LABELONLY, HEADERONLY and FILELISTONLY tell, whether a
//! nightly load would take them, and a writer of synthetic ones.
//!
//! No I/O but [`std::io::Read`], [`std::io::Seek`] and [`std::io::Write`]; no clock. Every length is
//! bounded before use, so hostile files cost no more than their own size.
//!
//! - [`read`] reads one file: its [`Media`], its [`Set`]s and every [`Problem`] met on the way.
//! - [`verdict::judge`] says whether tonight's load would take the files, and if not, why.
//! - [`writer::write`] makes a deterministic backup of any size.
//!
//! Sources: Microsoft Tape Format 1.00a, \[MS-XCA\] for compression, the SQL Server documentation, and
//! measurements on real files. What SQL Server puts where inside MQCI is measured, not documented.

mod block;
mod checksum;
mod compressed;
mod configuration;
pub mod geometry;
mod media;
mod reader;
mod tape;
mod value;
pub mod verdict;
pub mod writer;
mod xpress;

pub use configuration::{BackupType, DatabaseFile, FileType, Filegroup, Header};
pub use media::Media;
pub use reader::{Checks, Depth, Family, Problem, ProblemKind, Set, read};
pub use value::{DateTime, Guid, Lsn};
