//! Records on pages: how they divide into columns, whatever the columns mean.

mod compact;
mod fixed;
mod page_compression;
mod sparse;

pub use compact::{COMPACT, Cell, Compact, CompactRecord, is_row as is_compact_row, read_cells};
pub use fixed::{Record, RecordKind, Variable};
pub use page_compression::PageCompression;
pub use sparse::sparse_column;
