//! What PAGE compression keeps once for a whole page: prefixes of columns, and values that occur often.
//!
//! Behind the page's header stand flags, a count of changes, the dictionary's offset where there is one, and
//! the size; then the anchor, a compressed record of prefixes; then the dictionary.

use super::compact::{COMPACT, Cell, Compact, CompactRecord, read_cells};
use crate::error::DataError;
use crate::page::{PAGE_HEADER_BYTES, Page};
use crate::value::Bytes;

/// Flag: an anchor follows.
const HAS_ANCHOR: u8 = 0x02;
/// Flag: a dictionary follows.
const HAS_DICTIONARY: u8 = 0x04;

/// A page's prefixes and dictionary.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct PageCompression {
    /// For each column, what its values share; `None`: they share nothing.
    anchor: Vec<Option<Vec<u8>>>,
    /// For each symbol, its value; under an anchor with its shared length in front.
    dictionary: Vec<Vec<u8>>,
}

impl PageCompression {
    /// Reads it from a page; `None` where the page has none, as small or fresh ones.
    pub fn read(page: Page<'_>) -> Result<Option<PageCompression>, DataError> {
        let bytes = &page.0[PAGE_HEADER_BYTES..];
        let begins_with_record = (0..page.slot_count()).any(|slot| page.begins_at(slot) == PAGE_HEADER_BYTES);
        if begins_with_record || bytes[0] & COMPACT != 0 || bytes[0] & HAS_ANCHOR == 0 {
            return Ok(None);
        }
        let cut = || DataError::damaged("the page's compression information is cut short");
        parse(bytes).ok_or_else(cut)?.map(Some)
    }

    /// What values of a physical column share.
    pub fn anchor(&self, column: usize) -> Option<&[u8]> {
        self.anchor.get(column)?.as_deref()
    }

    /// A value of the dictionary.
    pub fn symbol(&self, symbol: u8) -> Result<&[u8], DataError> {
        self.dictionary.get(usize::from(symbol)).map(Vec::as_slice).ok_or_else(|| {
            let count = self.dictionary.len();
            DataError::damaged(format!("symbol {symbol} is not in the page's dictionary of {count}"))
        })
    }
}

fn parse(bytes: &[u8]) -> Option<Result<PageCompression, DataError>> {
    let fields = Bytes(bytes);
    let has_dictionary = bytes[0] & HAS_DICTIONARY != 0;
    let (anchor_at, size) = if has_dictionary { (7, fields.u16(5)?) } else { (5, fields.u16(3)?) };
    let size = usize::from(size);
    let anchor_end = if has_dictionary { usize::from(fields.u16(3)?) } else { size };
    let anchor = match read_anchor(bytes.get(anchor_at..anchor_end)?) {
        Ok(anchor) => anchor,
        Err(error) => return Some(Err(error)),
    };
    let dictionary = if has_dictionary { read_dictionary(bytes.get(anchor_end..size)?)? } else { Vec::new() };
    Some(Ok(PageCompression { anchor, dictionary }))
}

fn read_anchor(record: &[u8]) -> Result<Vec<Option<Vec<u8>>>, DataError> {
    let mut cells: Vec<Cell> = Vec::new();
    read_cells(record, &mut cells)?;
    let parts = CompactRecord { bytes: record, cells: &cells, page: None };
    (1..=cells.len() as u16)
        .map(|bit| match parts.column(bit)? {
            Compact::Bytes(bytes) => Ok(Some(bytes.into_owned())),
            _ => Ok(None),
        })
        .collect()
}

/// A count, that many end offsets from the dictionary's start, the values.
fn read_dictionary(bytes: &[u8]) -> Option<Vec<Vec<u8>>> {
    let fields = Bytes(bytes);
    let count = usize::from(fields.u16(0)?);
    let mut begin = 2 + 2 * count;
    let mut dictionary = Vec::new();
    for index in 0..count {
        let end = usize::from(fields.u16(2 + 2 * index)?);
        dictionary.push(bytes.get(begin..end)?.to_vec());
        begin = end;
    }
    Some(dictionary)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checksum::PAGE_BYTES;

    /// Anchor of three columns, the last of which shares "val1", and a dictionary of "val0" and "val2".
    fn information() -> Vec<u8> {
        let anchor = [0x01, 3, 0x00, 0x15, b'v', b'a', b'l', b'1'];
        let dictionary = [2, 0, 8, 0, 10, 0, 3, b'0', 3, b'2'];
        let dictionary_at = 7 + anchor.len() as u8;
        let size = dictionary_at + dictionary.len() as u8;
        let mut bytes = vec![0x06, 0, 0, dictionary_at, 0, size, 0];
        bytes.extend(anchor);
        bytes.extend(dictionary);
        bytes
    }

    fn page(information: &[u8], record: &[u8]) -> [u8; PAGE_BYTES] {
        let mut page = [0; PAGE_BYTES];
        let at = PAGE_HEADER_BYTES + information.len();
        page[PAGE_HEADER_BYTES..at].copy_from_slice(information);
        page[at..at + record.len()].copy_from_slice(record);
        page[22] = 1;
        page[PAGE_BYTES - 2..].copy_from_slice(&(at as u16).to_le_bytes());
        page
    }

    fn third_column(page: &[u8; PAGE_BYTES]) -> Vec<u8> {
        let found = PageCompression::read(Page(page)).expect("not damaged").expect("there is one");
        let record = Page(page).slot(0).expect("in bounds").expect("a record");
        let mut cells = Vec::new();
        read_cells(record, &mut cells).expect("a record");
        let record = CompactRecord { bytes: record, cells: &cells, page: Some(&found) };
        assert_eq!(record.column(1).expect("a column"), Compact::Bytes(b"\x81"[..].into()));
        match record.column(3).expect("a column") {
            Compact::Bytes(bytes) => bytes.into_owned(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn values_come_from_anchor_and_dictionary() {
        assert_eq!(third_column(&page(&information(), &[0x01, 3, 0x22, 0x01, 0x81, 0x81])), b"val1");
        assert_eq!(third_column(&page(&information(), &[0x01, 3, 0x22, 0x0C, 0x81, 0x81, 1])), b"val2");
        assert_eq!(third_column(&page(&information(), &[0x01, 3, 0x22, 0x03, 0x81, 0x81, 2, b'x'])), b"vax");
    }

    #[test]
    fn an_anchor_may_stand_alone() {
        let anchor = [0x01, 3, 0x20, 0x06, 0xAB, b'n', b'a', b'm', b'e', b'1'];
        let mut information = vec![0x02, 0, 0, 15, 0];
        information.extend(anchor);
        let bytes = page(&information, &[0x01, 3, 0x10, 0x01]);
        let found = PageCompression::read(Page(&bytes)).expect("not damaged").expect("there is one");
        assert_eq!(found.anchor(2), Some(&b"name1"[..]));
        assert_eq!(found.anchor(0), None);
        assert!(found.symbol(0).is_err());
    }

    #[test]
    fn pages_of_plain_records_have_none() {
        let bytes = page(&[], &[0x01, 1, 0x02, 0x81]);
        assert_eq!(PageCompression::read(Page(&bytes)).expect("not damaged"), None);
        let mut bytes = page(&information(), &[0x01, 1, 0x02, 0x81]);
        bytes[PAGE_HEADER_BYTES + 3] = 0xFF;
        bytes[PAGE_HEADER_BYTES + 4] = 0xFF;
        assert!(PageCompression::read(Page(&bytes)).is_err());
    }
}
