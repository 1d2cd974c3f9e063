//! Every page of a database, by its place in the backup.
//!
//! Pages are found by position, never by what their headers say: extents that a backup holds may carry stale
//! images of other pages, checksums and all. See [`placement`].

mod align;
mod bitmap;
mod claims;
mod layer;
mod placement;
mod reader;
mod source;
mod stripes;
#[cfg(test)]
pub mod testing;

pub use bitmap::MapBits;
pub use reader::PageReader;
pub use source::{Pages, Sources};

/// Pages of an extent.
pub const EXTENT_PAGES: u32 = 8;
/// Bytes of an extent.
pub const EXTENT_BYTES: usize = EXTENT_PAGES as usize * crate::checksum::PAGE_BYTES;
