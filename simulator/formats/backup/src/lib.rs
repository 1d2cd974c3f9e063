//! SQL Server backup files (`.bak`) of SQL Server 2005 to 2019: what RESTORE LABELONLY, HEADERONLY and
//! FILELISTONLY tell, whether a nightly load would take them, their tables and rows, and a writer of synthetic
//! ones.
//!
//! No I/O but [`std::io::Read`], [`std::io::Seek`] and [`std::io::Write`]; no clock. Every length is
//! bounded before use, so hostile files cost no more than their own size.
//!
//! - [`read`] reads one file's headers: its [`Media`], its [`Set`]s and every [`Problem`] met on the way.
//! - [`verdict::judge`] says whether tonight's load would take the files, and if not, why.
//! - [`Database`] reads the tables of a backup, stripes and differentials included.
//! - [`geometry`] decodes and encodes spatial values.
//! - [`writer::write`] makes a deterministic backup of any size.
//!
//! ```no_run
//! use spatialcloud_backup::{Backup, Database, Value};
//!
//! let database = Database::open(Backup::file(std::fs::File::open("tonight.bak")?))?;
//! for table in database.tables() {
//!     println!("{}.{}: {} rows", table.schema, table.name, table.row_count);
//! }
//! let parcels = database.table("dbo", "parcels").ok_or("no parcels")?;
//! let mut rows = database.rows(parcels)?;
//! while let Some(row) = rows.next_row() {
//!     if let Value::Text(owner) = row?.value(1)? {
//!         println!("{owner}");
//!     }
//! }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Rows as the pages hold them: the log is not replayed, and [`Rows::is_fuzzy`] says when that may matter.
//! Columnstores, memory-optimized tables, FILESTREAM, Always Encrypted and encrypted databases are named as
//! unsupported, table by table where possible; so is what SQL Server 2022 and later write.
//!
//! Sources: Microsoft Tape Format 1.00a, \[MS-XCA\] for compression, \[MS-BINXML\] for xml, the SQL Server
//! documentation, and measurements on real files. What SQL Server puts where inside MQCI, pages and its catalog
//! is measured, not documented.

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
pub mod geometry;
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
pub use types::{CodePage, Date, Decimal, SqlType, Time, Value, Variant, xml_text};
pub use value::{DateTime, Guid, Lsn};
