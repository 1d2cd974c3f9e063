//! How the records of system base tables are shaped, found without the reader: pages by their headers alone.

use std::collections::{BTreeMap, BTreeSet};

const PAGE_BYTES: usize = 8192;
/// Data stream: header and two lead bytes.
const STREAM_LEAD_BYTES: usize = 24;
/// The base tables that tell of tables.
const BASE_TABLES: [u32; 10] = [3, 5, 7, 34, 41, 50, 54, 55, 60, 64];

/// By base table: end of the fixed part and count of columns of its records.
pub type Shapes = BTreeMap<u32, BTreeSet<(u16, u16)>>;

/// Of a plain backup, by its first data stream.
pub fn shapes(backup: &[u8]) -> Shapes {
    let mut shapes = Shapes::new();
    let start = backup.windows(4).position(|name| name == b"MQDA").expect("a data stream");
    let length = u64::from_le_bytes(backup[start + 8..start + 16].try_into().expect("eight bytes")) as usize;
    let data = &backup[start + STREAM_LEAD_BYTES..][..length - 2];
    for page in data.chunks_exact(PAGE_BYTES) {
        let object = u32::from_le_bytes([page[24], page[25], page[26], page[27]]);
        let is_rows = page[..2] == [1, 1] && page[7] == 0 && BASE_TABLES.contains(&object);
        let u16_at = |at: usize| u16::from_le_bytes([page[at], page[at + 1]]);
        for slot in (0..usize::from(u16_at(22))).filter(|_| is_rows) {
            let record = usize::from(u16_at(PAGE_BYTES - 2 * (slot + 1)));
            // A row with a bitmap, with or without variable columns.
            if record > 0 && page[record] & !0x20 == 0x10 {
                let fixed_end = u16_at(record + 2);
                let columns = u16_at(record + usize::from(fixed_end));
                shapes.entry(object).or_default().insert((fixed_end, columns));
            }
        }
    }
    shapes
}

/// What a catalog says of where the base tables' columns are: by rowset and column, the words of sys.sysrscols from
/// its type on, but for the collation.
pub fn descriptions(backup: &[u8]) -> BTreeMap<(u64, u32), Vec<u8>> {
    let mut found = BTreeMap::new();
    let start = backup.windows(4).position(|name| name == b"MQDA").expect("a data stream");
    let length = u64::from_le_bytes(backup[start + 8..start + 16].try_into().expect("eight bytes")) as usize;
    let data = &backup[start + STREAM_LEAD_BYTES..][..length - 2];
    for page in
        data.chunks_exact(PAGE_BYTES).filter(|page| page[..2] == [1, 1] && page[24..28] == [3, 0, 0, 0])
    {
        for slot in 0..usize::from(u16::from_le_bytes([page[22], page[23]])) {
            let place = PAGE_BYTES - 2 * (slot + 1);
            let at = usize::from(u16::from_le_bytes([page[place], page[place + 1]]));
            let Some(record) = page.get(at..at + 54).filter(|record| record[0] & !0x20 == 0x10) else {
                continue;
            };
            let rowset = u64::from_le_bytes(record[4..12].try_into().expect("eight bytes"));
            let column = u32::from_le_bytes(record[12..16].try_into().expect("four bytes"));
            let object = (rowset >> 16) as u32;
            if BASE_TABLES.contains(&object) && rowset >> 48 < 2 {
                // Physical column, type, place in the key; offset, bit in the bitmap, bit.
                found.insert(
                    (rowset, column),
                    [&record[16..20], &record[28..32], &record[36..38], &record[44..]].concat(),
                );
            }
        }
    }
    found
}
