//! Database pages: system pages where SQL Server has them, pages of random records elsewhere.

use crate::checksum::{self, PAGE_BYTES};
use crate::value::Guid;

/// Bytes of a page's header.
const HEADER_BYTES: usize = 96;
/// Pages from one PFS page to the next.
const PFS_INTERVAL: u32 = 8088;
/// Pages from one GAM page to the next.
const GAM_INTERVAL: u32 = 511_232;
/// Object the random records belong to; user objects have high numbers.
const OBJECT_ID: u32 = 245_575_913;

/// SplitMix64: every byte of a backup follows from its seed, on every machine.
pub struct Random(u64);

impl Random {
    /// A stream of bytes that follows from `seed`.
    pub fn new(seed: u64) -> Random {
        Random(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ mixed >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ mixed >> 31
    }

    /// Fills `bytes` with the next ones.
    pub fn fill(&mut self, bytes: &mut [u8]) {
        for piece in bytes.chunks_mut(8) {
            let value = self.next().to_le_bytes();
            piece.copy_from_slice(&value[..piece.len()]);
        }
    }

    /// A random identifier, version 4.
    pub fn guid(&mut self) -> Guid {
        let mut bytes = [0; 16];
        self.fill(&mut bytes);
        bytes[7] = bytes[7] & 0x0F | 0x40;
        bytes[8] = bytes[8] & 0x3F | 0x80;
        Guid(bytes)
    }
}

/// The type of the page at a place in a data file; `None` for the two that no database uses.
fn page_type(number: u32) -> Option<u8> {
    match (number, number % GAM_INTERVAL) {
        (0, _) => Some(15),
        (9, _) => Some(13),
        (4 | 5, _) => None,
        (2, _) => Some(8),
        (3, _) => Some(9),
        (number, 0) if number > 0 => Some(8),
        (number, 1) if number > 1 => Some(9),
        (_, 6) => Some(16),
        (_, 7) => Some(17),
        (1, _) => Some(11),
        (number, _) if number.is_multiple_of(PFS_INTERVAL) => Some(11),
        _ => Some(1),
    }
}

/// Fills `page` with page `number` of file 1.
pub fn fill(page: &mut [u8; PAGE_BYTES], number: u32, random: &mut Random) {
    page.fill(0);
    let Some(page_type) = page_type(number) else { return };
    let is_data = page_type == 1;
    let mut put = |at: usize, bytes: &[u8]| page[at..at + bytes.len()].copy_from_slice(bytes);
    put(0, &[1, page_type]);
    put(4, &0x200_u16.to_le_bytes());
    put(24, &if is_data { OBJECT_ID } else { 99 }.to_le_bytes());
    put(32, &number.to_le_bytes());
    put(36, &1_u16.to_le_bytes());
    put(40, &37_u32.to_le_bytes());
    put(44, &1000_u32.to_le_bytes());
    put(48, &1_u16.to_le_bytes());
    if is_data {
        records(page, random);
    } else {
        // Everything is allocated and full: each bit and byte of the maps says so.
        page[HEADER_BYTES + 4..PAGE_BYTES - 4].fill(if page_type == 11 { 0x44 } else { 0 });
    }
    let sum = checksum::page(page);
    page[60..64].copy_from_slice(&sum.to_le_bytes());
}

/// One record of fixed length and random bytes, and its slot.
fn records(page: &mut [u8; PAGE_BYTES], random: &mut Random) {
    /// Status, end of fixed data, column count, null bitmap.
    const AROUND_BYTES: usize = 4 + 2 + 1;
    let fixed_end = PAGE_BYTES - HEADER_BYTES - 2 - AROUND_BYTES + 4;
    let record = &mut page[HEADER_BYTES..];
    record[..4].copy_from_slice(&[0x10, 0, fixed_end as u8, (fixed_end >> 8) as u8]);
    random.fill(&mut record[4..fixed_end]);
    record[fixed_end..fixed_end + 2].copy_from_slice(&1_u16.to_le_bytes());
    record[fixed_end + 2] = 0;
    let free = (HEADER_BYTES + fixed_end + 3) as u16;
    page[14..16].copy_from_slice(&(fixed_end as u16).to_le_bytes());
    page[22..24].copy_from_slice(&1_u16.to_le_bytes());
    page[30..32].copy_from_slice(&free.to_le_bytes());
    page[PAGE_BYTES - 2..].copy_from_slice(&(HEADER_BYTES as u16).to_le_bytes());
}
