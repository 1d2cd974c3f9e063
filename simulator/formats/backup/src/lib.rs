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

mod allocation;
mod block;
mod catalog;
mod checksum;
mod chunk;
mod compressed;
mod configuration;
mod contents;
mod database;
mod error;
mod family;
mod lob;
mod media;
mod page;
mod reader;
mod record;
mod rows;
mod scan;
mod store;
mod tape;
mod types;
mod value;
pub mod verdict;
pub mod writer;
mod xpress;

pub use catalog::{Column, Identity, Index, IndexType, Storage, Table};
pub use configuration::{BackupType, DatabaseFile, FileType, Filegroup, Header};
pub use database::{Backup, Database, OLDEST_DATABASE_VERSION};
pub use error::{DataError, DataErrorKind};
pub use family::{Checks, Depth, Family, Problem, ProblemKind, Set};
pub use media::Media;
pub use page::PageId;
pub use reader::read;
pub use rows::{Row, Rows};
pub use types::{CodePage, Date, Decimal, SqlType, Time, Value, Variant};
pub use value::{DateTime, Guid, Lsn};
