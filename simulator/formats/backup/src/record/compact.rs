//! The record of ROW and PAGE compression: four bits for each column, then short values, then long ones.
//!
//! Not documented by Microsoft in full; laid out as "SQL Server 2008 Internals" (Delaney et al.) tells, and as
//! the public readers OrcaMDF, Internals Viewer and mssqlbak have measured.

use std::borrow::Cow;

use super::page_compression::PageCompression;
use crate::error::DataError;
use crate::value::Bytes;

/// Header bit of this format.
pub const COMPACT: u8 = 0x01;
/// Header bit: long values follow.
const HAS_LONG: u8 = 0x20;
/// Columns of which one byte tells the length of all short values, or the number of long ones.
const CLUSTER_COLUMNS: usize = 30;
/// Bit of an end offset: the column points elsewhere.
const COMPLEX: u16 = 0x8000;

/// Whether the header is that of a row, or of one that moved here; all others are deleted, stubs or entries.
pub fn is_row(header: u8) -> bool {
    matches!(header >> 2 & 7, 0 | 4)
}

/// Where in the record a column's value is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cell {
    /// NULL.
    Null,
    /// No bytes: zero, empty, or, under an anchor, the anchor's value.
    Empty,
    /// A bit that is set.
    True,
    /// A number in the page's dictionary.
    Symbol(u8),
    /// Bytes.
    Inline { at: u16, length: u16 },
    /// Bytes that point elsewhere.
    Complex { at: u16, length: u16 },
}

/// Divides a record into its cells, one for each column it has.
pub fn read_cells(record: &[u8], cells: &mut Vec<Cell>) -> Result<(), DataError> {
    parse(record, cells).ok_or_else(|| DataError::damaged("a compressed record goes beyond its end"))?
}

/// `None` where the record is cut short.
fn parse(record: &[u8], cells: &mut Vec<Cell>) -> Option<Result<(), DataError>> {
    let fields = Bytes(record);
    cells.clear();
    let header = fields.u8(0)?;
    let (count, mut at) = match fields.u8(1)? {
        byte if byte & 0x80 == 0 => (usize::from(byte), 2),
        byte => (usize::from(byte & 0x7F) << 8 | usize::from(fields.u8(2)?), 3),
    };
    let descriptors = fields.slice(at, count.div_ceil(2))?;
    at += descriptors.len();
    let clusters = count.saturating_sub(1) / CLUSTER_COLUMNS;
    at += clusters;
    let mut long_count = 0;
    for column in 0..count {
        let cell = match descriptors[column / 2] >> (4 * (column % 2)) & 15 {
            0 => Cell::Null,
            1 => Cell::Empty,
            length @ 2..=9 => {
                let length = u16::from(length) - 1;
                let cell = Cell::Inline { at: u16::try_from(at).ok()?, length };
                at += usize::from(length);
                cell
            }
            10 => {
                // Its place follows below; the length counts the long ones for now.
                long_count += 1;
                Cell::Inline { at: u16::MAX, length: long_count - 1 }
            }
            11 => Cell::True,
            12 => {
                at += 1;
                Cell::Symbol(fields.u8(at - 1)?)
            }
            other => {
                let message = format!("column descriptor {other} of compressed records is not known");
                return Some(Err(DataError::unsupported(message)));
            }
        };
        cells.push(cell);
    }
    if at > record.len() {
        return None;
    }
    if long_count == 0 {
        return Some(Ok(()));
    }
    if header & HAS_LONG == 0 {
        return Some(Err(DataError::damaged("a compressed record has long columns and no place for them")));
    }
    let entries = fields.u16(at + 1)?;
    let ends_at = at + 3;
    let data_at = ends_at + 2 * usize::from(entries) + clusters;
    for cell in cells.iter_mut() {
        if let Cell::Inline { at: u16::MAX, length: index } = *cell {
            let end_of =
                |index: u16| (index < entries).then(|| fields.u16(ends_at + 2 * usize::from(index)))?;
            let begin = if index == 0 { 0 } else { usize::from(end_of(index - 1)? & !COMPLEX) };
            let end = end_of(index)?;
            let length = usize::from(end & !COMPLEX).checked_sub(begin)?;
            fields.slice(data_at + begin, length)?;
            let (at, length) = (u16::try_from(data_at + begin).ok()?, u16::try_from(length).ok()?);
            *cell =
                if end & COMPLEX == 0 { Cell::Inline { at, length } } else { Cell::Complex { at, length } };
        }
    }
    Some(Ok(()))
}

/// A column's value as the record has it: compressed still, but whole.
#[derive(Debug, PartialEq, Eq)]
pub enum Compact<'a> {
    /// NULL.
    Null,
    /// Not in the record: it was written before the column was added.
    Missing,
    /// A bit that is set.
    True,
    /// Bytes, fewer than the type has.
    Bytes(Cow<'a, [u8]>),
    /// A pointer to bytes elsewhere.
    Complex(&'a [u8]),
}

/// A compressed record divided into cells.
#[derive(Clone, Copy)]
pub struct CompactRecord<'a> {
    pub bytes: &'a [u8],
    pub cells: &'a [Cell],
    pub page: Option<&'a PageCompression>,
}

impl<'a> CompactRecord<'a> {
    /// The column with this number in the null bitmap, from 1, as plain records would number it.
    pub fn column(&self, null_bit: u16) -> Result<Compact<'a>, DataError> {
        let index = usize::from(null_bit).wrapping_sub(1);
        let Some(cell) = self.cells.get(index) else { return Ok(Compact::Missing) };
        let slice = |at: u16, length: u16| {
            Bytes(self.bytes)
                .slice(usize::from(at), usize::from(length))
                .ok_or_else(|| DataError::damaged("a compressed record goes beyond its end"))
        };
        let stored = match *cell {
            Cell::Null => return Ok(Compact::Null),
            Cell::True => return Ok(Compact::True),
            Cell::Complex { at, length } => return slice(at, length).map(Compact::Complex),
            Cell::Empty => None,
            Cell::Symbol(symbol) => {
                let page = self.page.ok_or_else(|| {
                    DataError::damaged("a record refers to a dictionary that its page does not have")
                })?;
                Some(page.symbol(symbol)?)
            }
            Cell::Inline { at, length } => Some(slice(at, length)?),
        };
        match self.page.and_then(|page| page.anchor(index)) {
            None => Ok(Compact::Bytes(Cow::Borrowed(stored.unwrap_or(&[])))),
            Some(anchor) => anchored(anchor, stored).map(Compact::Bytes),
        }
    }
}

/// Under an anchor values begin with how many of its bytes they share; no bytes at all are all of it.
fn anchored<'a>(anchor: &'a [u8], stored: Option<&'a [u8]>) -> Result<Cow<'a, [u8]>, DataError> {
    let Some(stored) = stored.filter(|stored| !stored.is_empty()) else { return Ok(Cow::Borrowed(anchor)) };
    let (shared, rest) = match *stored {
        [first, ref rest @ ..] if first & 0x80 == 0 => (usize::from(first), rest),
        [first, second, ref rest @ ..] => (usize::from(first & 0x7F) << 8 | usize::from(second), rest),
        _ => return Err(DataError::damaged("a value shares a prefix of unknown length")),
    };
    let prefix = anchor.get(..shared).ok_or_else(|| {
        DataError::damaged(format!("a value shares {shared} bytes of an anchor with {}", anchor.len()))
    })?;
    match (prefix, rest) {
        ([], rest) => Ok(Cow::Borrowed(rest)),
        (prefix, []) => Ok(Cow::Borrowed(prefix)),
        (prefix, rest) => Ok(Cow::Owned([prefix, rest].concat())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn columns(record: &[u8], page: Option<&PageCompression>) -> Vec<Compact<'static>> {
        let mut cells = Vec::new();
        read_cells(record, &mut cells).expect("a record");
        let parts = CompactRecord { bytes: record, cells: &cells, page };
        let owned = |column| match column {
            Compact::Null => Compact::Null,
            Compact::Missing => Compact::Missing,
            Compact::True => Compact::True,
            Compact::Bytes(bytes) => Compact::Bytes(Cow::Owned(bytes.into_owned())),
            Compact::Complex(bytes) => Compact::Complex(bytes.to_vec().leak()),
        };
        (1..=cells.len() as u16 + 1).map(|bit| owned(parts.column(bit).expect("a column"))).collect()
    }

    fn bytes(bytes: &[u8]) -> Compact<'static> {
        Compact::Bytes(Cow::Owned(bytes.to_vec()))
    }

    #[test]
    fn short_values_follow_their_descriptors() {
        // Two ints of one byte and a varchar of four.
        let record = [0x01, 3, 0x22, 0x05, 0x81, 0x81, b'v', b'a', b'l', b'1'];
        assert_eq!(
            columns(&record, None),
            [bytes(b"\x81"), bytes(b"\x81"), bytes(b"val1"), Compact::Missing]
        );
        assert_eq!(columns(&[0x01, 3, 0x01, 0x0B], None)[..3], [bytes(b""), Compact::Null, Compact::True]);
    }

    #[test]
    fn long_values_follow_their_end_offsets() {
        let mut record = vec![0x21, 3, 0xAA, 0x0A, 0x01, 3, 0];
        record.extend([0x06, 0x80, 0x0C, 0x80, 0x10, 0x00]);
        record.extend([[0xAA; 6], [0xBB; 6]].concat());
        record.extend([0xCC; 4]);
        let found = columns(&record, None);
        assert_eq!(found[0], Compact::Complex(&[0xAA; 6]));
        assert_eq!(found[1], Compact::Complex(&[0xBB; 6]));
        assert_eq!(found[2], bytes(&[0xCC; 4]));
    }

    #[test]
    fn more_than_thirty_columns_have_clusters() {
        let mut record = vec![0x01, 32];
        record.extend([0x22; 16]);
        record.push(30);
        record.extend(1..=32);
        let found = columns(&record, None);
        assert_eq!((&found[0], &found[31]), (&bytes(&[1]), &bytes(&[32])));
    }

    #[test]
    fn more_than_127_columns_have_a_count_of_two_bytes() {
        let mut record = vec![0x01, 0x80, 130];
        record.extend([0x11; 65]);
        record.extend([0; 4]);
        assert_eq!(columns(&record, None).len(), 131);
    }

    #[test]
    fn prefixes_come_from_the_anchor() {
        assert_eq!(*anchored(b"val1", None).expect("all"), *b"val1");
        assert_eq!(*anchored(b"val1", Some(b"\x032")).expect("some"), *b"val2");
        assert_eq!(*anchored(b"val1", Some(b"\x00x")).expect("none"), *b"x");
        assert_eq!(*anchored(b"val1", Some(b"\x00")).expect("empty"), *b"");
        assert_eq!(
            *anchored(&[7; 140], Some(b"\x80\x8Cnew")).expect("long"),
            [&[7; 140][..], b"new"].concat()
        );
        assert!(anchored(b"val1", Some(b"\x05")).is_err());
        assert!(anchored(b"val1", Some(b"\x80")).is_err());
    }

    #[test]
    fn cut_records_are_errors() {
        let record = [0x21, 2, 0xA3, 1, 2, 0x01, 1, 0, 3, 0, 7, 7, 7];
        let mut cells = Vec::new();
        assert!(read_cells(&record, &mut cells).is_ok());
        for length in 0..record.len() {
            assert!(read_cells(&record[..length], &mut cells).is_err(), "{length}");
        }
        assert!(read_cells(&[0x01, 1, 0x0F], &mut cells).is_err());
    }
}
