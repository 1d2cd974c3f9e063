//! A database page: its header, its slots, and whether it is what its protection says it should be.

use std::fmt;

use crate::checksum::{self, PAGE_BYTES, SECTOR_BYTES};
use crate::error::{DataError, DataErrorKind};
use crate::value::{Bytes, Lsn};

/// Bytes of a page's header.
pub const PAGE_HEADER_BYTES: usize = 96;
/// Header flag: bytes 60 to 63 hold torn-page bits.
const HAS_TORN_BITS: u16 = 0x100;
/// Header flag: bytes 60 to 63 hold a checksum.
const HAS_CHECKSUM: u16 = 0x200;

/// Which page of a database: file and number in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PageId {
    /// Database file.
    pub file: u16,
    /// Page in the file.
    pub number: u32,
}

/// As SQL Server's messages write it.
impl fmt::Display for PageId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "({}:{})", self.file, self.number)
    }
}

impl PageId {
    /// From four bytes of page number and two of file number; page 0 of file 0 means none.
    pub(crate) fn from_bytes(bytes: &[u8], at: usize) -> Option<PageId> {
        let bytes = Bytes(bytes);
        let page = PageId { number: bytes.u32(at)?, file: bytes.u16(at + 4)? };
        (page != PageId { file: 0, number: 0 }).then_some(page)
    }
}

/// Types of page that are told apart here.
pub mod page_type {
    pub const DATA: u8 = 1;
    pub const INDEX: u8 = 2;
    /// Large values, as new pages have it.
    pub const TEXT_MIX: u8 = 3;
    pub const LARGE_VALUES: std::ops::RangeInclusive<u8> = 3..=4;
    pub const GAM: u8 = 8;
    pub const SGAM: u8 = 9;
    pub const IAM: u8 = 10;
    pub const PFS: u8 = 11;
    pub const BOOT: u8 = 13;
    pub const FILE_HEADER: u8 = 15;
    pub const DIFFERENTIAL_MAP: u8 = 16;
    pub const BULK_MAP: u8 = 17;
}

/// The bytes of a page.
pub type PageBytes = [u8; PAGE_BYTES];

/// A page read with bounds.
#[derive(Clone, Copy)]
pub struct Page<'a>(pub &'a PageBytes);

impl<'a> Page<'a> {
    fn u16(&self, at: usize) -> u16 {
        u16::from_le_bytes([self.0[at], self.0[at + 1]])
    }

    pub fn page_type(&self) -> u8 {
        self.0[1]
    }

    pub fn fixed_length(&self) -> usize {
        usize::from(self.u16(14))
    }

    pub fn slot_count(&self) -> u16 {
        self.u16(22)
    }

    /// The same, if so many slots fit on the page.
    pub fn checked_slot_count(&self) -> Result<u16, DataError> {
        const MOST: usize = (PAGE_BYTES - PAGE_HEADER_BYTES) / 2;
        match self.slot_count() {
            count if usize::from(count) <= MOST => Ok(count),
            count => Err(DataError::damaged(format!("a page with {count} slots, where {MOST} fit"))),
        }
    }

    pub fn next(&self) -> Option<PageId> {
        PageId::from_bytes(self.0, 16)
    }

    /// Which page its header says it is.
    pub fn id(&self) -> Option<PageId> {
        PageId::from_bytes(self.0, 32)
    }

    pub fn lsn(&self) -> Option<Lsn> {
        Lsn::from_bytes(&Bytes(self.0), 40)
    }

    /// Whether the header has a page's version and a type there is.
    pub fn looks_like_one(&self) -> bool {
        self.0[0] == 1 && (1..=20).contains(&self.0[1])
    }

    /// Where a slot's record begins; 0 where it is not in use or no slot.
    pub fn begins_at(&self, slot: u16) -> usize {
        let at = PAGE_BYTES.checked_sub(2 * (usize::from(slot) + 1)).filter(|at| *at >= PAGE_HEADER_BYTES);
        at.map_or(0, |at| usize::from(self.u16(at)))
    }

    /// The bytes from where a slot's record begins to the slots; records bound themselves. A slot that is not
    /// in use, as heaps keep them, has none.
    pub fn slot(&self, slot: u16) -> Result<Option<&'a [u8]>, DataError> {
        let at = PAGE_BYTES.checked_sub(2 * (usize::from(slot) + 1)).filter(|at| *at >= PAGE_HEADER_BYTES);
        let begin = at.map(|at| usize::from(self.u16(at)));
        let end = PAGE_BYTES - 2 * usize::from(self.slot_count()).min(PAGE_BYTES / 2);
        match begin {
            Some(0) => Ok(None),
            Some(begin) if begin >= PAGE_HEADER_BYTES && begin < end => Ok(Some(&self.0[begin..end])),
            _ => Err(DataError::damaged(format!(
                "its record begins at byte {begin:?}, outside the page's {PAGE_HEADER_BYTES} to {end}"
            ))),
        }
    }
}

/// Checks a page against its checksum or torn-page signature, and takes the latter's bits back into place.
pub fn protect(page: &mut PageBytes) -> Result<(), DataError> {
    let flags = u16::from_le_bytes([page[4], page[5]]);
    let stored = u32::from_le_bytes([page[60], page[61], page[62], page[63]]);
    if flags & HAS_CHECKSUM != 0 {
        let computed = checksum::page(page);
        if stored != computed {
            let message = format!("checksum 0x{stored:08x} stored, 0x{computed:08x} computed");
            return Err(DataError::new(DataErrorKind::Checksum, message));
        }
    } else if flags & HAS_TORN_BITS != 0 {
        restore_torn_bits(page, stored)?;
    }
    Ok(())
}

/// Each sector but the first has the signature in the last two bits of its last byte; what belonged there is
/// in the header. A write that was cut leaves sectors with the signature of the write before.
fn restore_torn_bits(page: &mut PageBytes, bits: u32) -> Result<(), DataError> {
    let signature = (bits & 3) as u8;
    for sector in 1..PAGE_BYTES / SECTOR_BYTES {
        let last = &mut page[(sector + 1) * SECTOR_BYTES - 1];
        if *last & 3 != signature {
            let message = format!("torn page: sector {sector} has signature {}, not {signature}", *last & 3);
            return Err(DataError::new(DataErrorKind::Checksum, message));
        }
        *last = *last & !3 | (bits >> (2 * sector) & 3) as u8;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn torn_bits_come_back() {
        let mut page = [0x55; PAGE_BYTES];
        page[4..6].copy_from_slice(&HAS_TORN_BITS.to_le_bytes());
        // Sector n had the bits n mod 4; the signature is 1, as the low bits of 0x55.
        let bits = (1..16).fold(1_u32, |bits, sector| bits | (sector % 4) << (2 * sector));
        page[60..64].copy_from_slice(&bits.to_le_bytes());
        protect(&mut page).expect("all sectors carry the signature");
        for sector in 1..16 {
            assert_eq!(usize::from(page[sector * 512 + 511]), 0x54 | (sector % 4));
        }
        page[1023] = 0x57;
        page[60] = 1;
        let error = protect(&mut page).expect_err("sector 1 is of another write");
        assert_eq!(error.kind, DataErrorKind::Checksum);
    }

    #[test]
    fn slots_stay_on_the_page() {
        let mut page = [0; PAGE_BYTES];
        page[22] = 2;
        assert_eq!(Page(&page).slot(0).expect("not in use"), None);
        page[PAGE_BYTES - 2..].copy_from_slice(&96_u16.to_le_bytes());
        page[PAGE_BYTES - 4..PAGE_BYTES - 2].copy_from_slice(&8190_u16.to_le_bytes());
        let record = Page(&page).slot(0).expect("in bounds").expect("a record");
        assert_eq!(record.len(), PAGE_BYTES - 4 - 96);
        assert!(Page(&page).slot(1).is_err());
        assert!(Page(&page).slot(u16::MAX).is_err());
    }
}
