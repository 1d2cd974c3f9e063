//! Bitmaps of extents: GAM, differential map and IAM pages hold them in their second record.

use crate::checksum::PAGE_BYTES;
use crate::error::DataError;
use crate::page::{Page, PageBytes};

/// Where the second record can begin: behind the page's header and a first record of 94 or 96 bytes.
const RECORD_AT: std::ops::RangeInclusive<usize> = 190..=192;
/// Bytes of the record in front of the bitmap.
const RECORD_HEADER_BYTES: usize = 4;
/// Extents that one bitmap tells of: 7,988 bytes.
pub const BITMAP_EXTENTS: u32 = 63_904;

/// The bits of a map page, one for each extent.
#[derive(Clone, Copy)]
pub struct MapBits<'a> {
    bytes: &'a PageBytes,
    at: usize,
}

impl<'a> MapBits<'a> {
    /// Of a page whose header and checksum are right.
    pub fn read(bytes: &'a PageBytes) -> Result<MapBits<'a>, DataError> {
        let at = Page(bytes).begins_at(1);
        if !RECORD_AT.contains(&at) {
            return Err(DataError::unsupported(
                "the header is that of an allocation map and what follows is none: \
                 the database is encrypted (TDE), or of a version not known",
            ));
        }
        Ok(MapBits { bytes, at: at + RECORD_HEADER_BYTES })
    }

    /// Bit of extent `index` of this map's range; beyond it is clear.
    pub fn is_set(&self, index: u32) -> bool {
        let at = self.at + index as usize / 8;
        index < BITMAP_EXTENTS && at < PAGE_BYTES && self.bytes[at] >> (index % 8) & 1 == 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits_begin_with_the_lowest() {
        let mut page = [0; PAGE_BYTES];
        assert!(MapBits::read(&page).is_err());
        page[PAGE_BYTES - 4] = 190;
        page[194] = 0b10;
        page[194 + 7987] = 0x80;
        let bits = MapBits::read(&page).expect("a map");
        assert!(bits.is_set(1) && bits.is_set(63_903));
        assert!(!bits.is_set(0) && !bits.is_set(63_904) && !bits.is_set(u32::MAX));
        page[PAGE_BYTES - 4] = 192;
        let bits = MapBits::read(&page).expect("a map");
        assert!(!bits.is_set(1));
    }
}
