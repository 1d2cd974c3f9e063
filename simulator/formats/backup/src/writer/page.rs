//! Making a page: header, records, slots, checksum.

use crate::checksum::{self, PAGE_BYTES};
use crate::page::page_type::DATA;
use crate::page::{PAGE_HEADER_BYTES, PageBytes};

/// The data file; there is one.
pub const FILE: u16 = 1;
/// Flag: bytes 60 to 63 hold a checksum.
const HAS_CHECKSUM: u16 = 0x200;

/// What the third byte of nearly all data pages is.
const DATA_PAGE: u8 = 4;

/// Who a page belongs to, as allocation unit identifiers and page headers have it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Owner {
    pub object: u32,
    pub index: u16,
}

/// What pages of allocation and boot pages carry.
pub const SYSTEM: Owner = Owner { object: 99, index: 0 };

impl Owner {
    /// The identifier of its allocation unit.
    pub fn unit_id(self) -> u64 {
        u64::from(self.index) << 48 | u64::from(self.object) << 16
    }
}

/// The page numbers before and behind a page of a chain.
pub type Neighbours = (Option<u32>, Option<u32>);

/// A page number and its file, as pages and records have it; zeros for none.
pub fn pointer(page: Option<u32>) -> [u8; 6] {
    let mut bytes = [0; 6];
    if let Some(page) = page {
        bytes[..4].copy_from_slice(&page.to_le_bytes());
        bytes[4..].copy_from_slice(&FILE.to_le_bytes());
    }
    bytes
}

/// A page being filled.
pub struct PageMaker<'p> {
    bytes: &'p mut PageBytes,
    free: usize,
    slots: usize,
}

impl<'p> PageMaker<'p> {
    /// Begins a page of which `fixed_length` is the end of its records' fixed parts.
    pub fn new(
        bytes: &'p mut PageBytes,
        number: u32,
        page_type: u8,
        owner: Owner,
        fixed_length: usize,
    ) -> PageMaker<'p> {
        bytes.fill(0);
        let mut page = PageMaker { bytes, free: PAGE_HEADER_BYTES, slots: 0 };
        page.put(0, &[1, page_type, if page_type == DATA { DATA_PAGE } else { 0 }]);
        page.put(4, &HAS_CHECKSUM.to_le_bytes());
        page.put(6, &owner.index.to_le_bytes());
        page.put(14, &(fixed_length as u16).to_le_bytes());
        page.put(24, &owner.object.to_le_bytes());
        page.put(32, &pointer(Some(number)));
        page.put(40, &37_u32.to_le_bytes());
        page.put(44, &1000_u32.to_le_bytes());
        page.put(48, &1_u16.to_le_bytes());
        page
    }

    /// Places it in a chain of an index level; rows are level 0.
    pub fn chained(mut self, level: u8, (previous, next): Neighbours) -> PageMaker<'p> {
        self.bytes[3] = level;
        self.put(8, &pointer(previous));
        self.put(16, &pointer(next));
        self
    }

    /// Appends a record; whether it fits.
    #[must_use]
    pub fn push(&mut self, record: &[u8]) -> bool {
        let slots_at = PAGE_BYTES - 2 * (self.slots + 1);
        if self.free + record.len() > slots_at {
            return false;
        }
        self.put(self.free, record);
        self.put(slots_at, &(self.free as u16).to_le_bytes());
        self.slots += 1;
        self.free += record.len();
        true
    }

    /// Counts, and the checksum over all.
    pub fn finish(mut self) {
        let free_bytes = PAGE_BYTES - self.free - 2 * self.slots;
        self.put(22, &(self.slots as u16).to_le_bytes());
        self.put(28, &(free_bytes as u16).to_le_bytes());
        self.put(30, &(self.free as u16).to_le_bytes());
        let sum = checksum::page(self.bytes);
        self.put(60, &sum.to_le_bytes());
    }

    fn put(&mut self, at: usize, bytes: &[u8]) {
        self.bytes[at..at + bytes.len()].copy_from_slice(bytes);
    }
}
