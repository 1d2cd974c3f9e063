//! The file header page and the boot page.

use super::page::{PageMaker, SYSTEM};
use super::tables::COLLATION;
use crate::page::{PageBytes, page_type};

/// Bytes of the boot page's record.
const RECORD_BYTES: u16 = 1644;
/// Name of the database.
pub const NAME: &str = "IntraMapsSpatialCloud";

/// The page where everything else begins.
pub fn fill_boot(bytes: &mut PageBytes, number: u32, version: u16, first_allocation_units: u32) {
    let mut record = vec![0; usize::from(RECORD_BYTES)];
    let mut put = |at: usize, bytes: &[u8]| record[at..at + bytes.len()].copy_from_slice(bytes);
    put(2, &RECORD_BYTES.to_le_bytes());
    put(4, &version.to_le_bytes());
    put(6, &version.to_le_bytes());
    // 128 characters, padded with blanks.
    let name: Vec<u8> = format!("{NAME:128}").encode_utf16().flat_map(u16::to_le_bytes).collect();
    put(52, &name);
    put(392, &COLLATION.to_le_bytes());
    put(516, &super::page::pointer(Some(first_allocation_units)));
    let mut page = PageMaker::new(bytes, number, page_type::BOOT, SYSTEM, 0);
    let _fits = page.push(&record);
    page.finish();
}

/// The file header: the number of the file and of its filegroup, nothing more.
pub fn fill_file_header(bytes: &mut PageBytes) {
    let mut record = vec![0; 24];
    record[2..4].copy_from_slice(&24_u16.to_le_bytes());
    record[4..6].copy_from_slice(&super::page::FILE.to_le_bytes());
    record[6..8].copy_from_slice(&1_u16.to_le_bytes());
    let mut page = PageMaker::new(bytes, 0, page_type::FILE_HEADER, SYSTEM, 0);
    let _fits = page.push(&record);
    page.finish();
}
