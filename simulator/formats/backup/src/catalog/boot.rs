//! The boot page: where everything else begins.

use crate::error::DataError;
use crate::page::{Page, PageBytes, PageId, page_type};
use crate::value::Bytes;

/// The boot page of every database.
pub const BOOT_PAGE: PageId = PageId { file: 1, number: 9 };
/// Where its record begins.
const RECORD_AT: usize = 96;

/// What the boot page tells.
#[derive(Clone, Copy, Debug)]
pub struct Boot {
    /// Internal version of the database.
    pub version: u16,
    /// Collation of the database.
    pub collation_id: u32,
    /// First page of sys.sysallocunits.
    pub first_allocation_units: PageId,
}

impl Boot {
    pub fn read(bytes: &PageBytes) -> Result<Boot, DataError> {
        let page = Page(bytes);
        if page.page_type() != page_type::BOOT {
            let message = format!("the boot page was expected, this has type {}", page.page_type());
            return Err(DataError::damaged(message).on(BOOT_PAGE));
        }
        let record = Bytes(&bytes[RECORD_AT..]);
        let first = PageId::from_bytes(record.0, 516)
            .ok_or_else(|| DataError::damaged("it does not tell where the catalog begins").on(BOOT_PAGE))?;
        Ok(Boot {
            version: record.u16(4).unwrap_or(0),
            collation_id: record.u32(392).unwrap_or(0),
            first_allocation_units: first,
        })
    }
}
