//! Bitmaps of extents: GAM, differential map and IAM pages have them at the same place.

use crate::checksum::PAGE_BYTES;
use crate::page::PageBytes;

/// Where the bitmap begins: behind the page's header, a first record of 94 bytes and 4 of the second.
const BITMAP_AT: usize = 194;
/// Extents that one bitmap tells of: 7,988 bytes.
pub const BITMAP_EXTENTS: u32 = 63_904;

/// The bits of a map page, one for each extent.
pub struct MapBits<'a>(pub &'a PageBytes);

impl MapBits<'_> {
    /// Bit of extent `index` of this map's range; beyond it is clear.
    pub fn is_set(&self, index: u32) -> bool {
        let at = BITMAP_AT + index as usize / 8;
        index < BITMAP_EXTENTS && at < PAGE_BYTES && self.0[at] >> (index % 8) & 1 == 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits_begin_with_the_lowest() {
        let mut page = [0; PAGE_BYTES];
        page[194] = 0b10;
        page[194 + 7987] = 0x80;
        let bits = MapBits(&page);
        assert!(bits.is_set(1) && bits.is_set(63_903));
        assert!(!bits.is_set(0) && !bits.is_set(63_904) && !bits.is_set(u32::MAX));
    }
}
