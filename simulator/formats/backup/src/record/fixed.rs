//! The plain record: fixed part, null bitmap, variable part.

use crate::error::DataError;
use crate::value::Bytes;

/// Status bit: a null bitmap follows the fixed part.
const HAS_NULL_BITMAP: u8 = 0x10;
/// Status bit: a variable part follows.
const HAS_VARIABLE: u8 = 0x20;
/// Bit of an end offset: the column points elsewhere.
const COMPLEX: u16 = 0x8000;

/// What a record is, by bits 1 to 3 of its status byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RecordKind {
    /// A row.
    Primary,
    /// A row that moved here; a stub elsewhere points to it.
    Forwarded,
    /// Points to where a row moved.
    Stub,
    /// An entry of an index.
    Index,
    /// Part of a large value.
    Blob,
    /// Deleted, and not yet cleared away.
    Ghost,
}

impl RecordKind {
    pub fn of(status: u8) -> RecordKind {
        match status >> 1 & 7 {
            0 => RecordKind::Primary,
            1 => RecordKind::Forwarded,
            2 => RecordKind::Stub,
            3 => RecordKind::Index,
            4 => RecordKind::Blob,
            _ => RecordKind::Ghost,
        }
    }
}

/// A variable column's bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Variable<'a> {
    pub bytes: &'a [u8],
    /// Whether they point elsewhere.
    pub is_complex: bool,
}

/// A record divided into its parts.
#[derive(Clone, Copy, Debug)]
pub struct Record<'a> {
    bytes: &'a [u8],
    fixed_end: usize,
    column_count: u16,
    bitmap_at: usize,
    variable_count: u16,
    /// Where the end offsets of variable columns are.
    ends_at: usize,
}

impl<'a> Record<'a> {
    /// `bytes` begin with the record and may go on behind it.
    pub fn read(bytes: &'a [u8]) -> Result<Record<'a>, DataError> {
        let record = Bytes(bytes);
        let cut = || DataError::damaged("the record goes beyond the end of its page");
        let status = record.u8(0).ok_or_else(cut)?;
        let fixed_end = usize::from(record.u16(2).ok_or_else(cut)?);
        if fixed_end < 4 || fixed_end > bytes.len() {
            return Err(DataError::damaged(format!(
                "the record's fixed part ends at {fixed_end}, not within 4 to {}",
                bytes.len()
            )));
        }
        let mut parts =
            Record { bytes, fixed_end, column_count: 0, bitmap_at: fixed_end, variable_count: 0, ends_at: 0 };
        let mut at = fixed_end;
        if status & HAS_NULL_BITMAP != 0 {
            parts.column_count = record.u16(at).ok_or_else(cut)?;
            parts.bitmap_at = at + 2;
            at += 2 + usize::from(parts.column_count).div_ceil(8);
        }
        if status & HAS_VARIABLE != 0 {
            parts.variable_count = record.u16(at).ok_or_else(cut)?;
            parts.ends_at = at + 2;
            at += 2 + 2 * usize::from(parts.variable_count);
        }
        if at > bytes.len() { Err(cut()) } else { Ok(parts) }
    }

    /// Whether the column with this number in the null bitmap, from 1, is NULL; those not stored are `None`. A
    /// record without bitmap has no NULL.
    pub fn is_null(&self, null_bit: u16) -> Option<bool> {
        if self.bytes[0] & HAS_NULL_BITMAP == 0 {
            return Some(false);
        }
        if null_bit == 0 || null_bit > self.column_count {
            return None;
        }
        let index = usize::from(null_bit - 1);
        Some(self.bytes[self.bitmap_at + index / 8] >> (index % 8) & 1 == 1)
    }

    /// Bytes of the fixed part, counted from the record's start.
    pub fn fixed(&self, at: usize, length: usize) -> Option<&'a [u8]> {
        let end = at.checked_add(length)?;
        if at < 4 || end > self.fixed_end { None } else { Some(&self.bytes[at..end]) }
    }

    /// The whole fixed part, with the four bytes in front of it.
    pub fn fixed_part(&self) -> Bytes<'a> {
        Bytes(&self.bytes[..self.fixed_end])
    }

    /// Variable column `index`; `None` where the record has fewer, which means empty.
    pub fn variable(&self, index: u16) -> Result<Option<Variable<'a>>, DataError> {
        if index >= self.variable_count {
            return Ok(None);
        }
        let end_of = |index: u16| {
            let at = self.ends_at + 2 * usize::from(index);
            u16::from_le_bytes([self.bytes[at], self.bytes[at + 1]])
        };
        let begin = match index {
            0 => self.ends_at + 2 * usize::from(self.variable_count),
            _ => usize::from(end_of(index - 1) & !COMPLEX),
        };
        let end = end_of(index);
        let bytes = self.bytes.get(begin..usize::from(end & !COMPLEX)).ok_or_else(|| {
            DataError::damaged(format!(
                "variable column {index} reaches from byte {begin} to {} of a record with at most {}",
                end & !COMPLEX,
                self.bytes.len()
            ))
        })?;
        Ok(Some(Variable { bytes, is_complex: end & COMPLEX != 0 }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Status, fixed end 8, int 7, 3 columns (the third NULL), two variable columns: "ab" and complex "xyz".
    const RECORD: [u8; 23] =
        [0x30, 0, 8, 0, 7, 0, 0, 0, 3, 0, 0b100, 2, 0, 19, 0, 0x16, 0x80, b'a', b'b', b'x', b'y', b'z', 0xFF];

    #[test]
    fn a_record_divides_into_columns() {
        let record = Record::read(&RECORD).expect("a record");
        assert_eq!(record.fixed(4, 4), Some(&[7, 0, 0, 0][..]));
        assert_eq!(record.fixed(6, 4), None);
        assert_eq!(
            (record.is_null(1), record.is_null(3), record.is_null(4)),
            (Some(false), Some(true), None)
        );
        let first = record.variable(0).expect("bounds").expect("a column");
        assert_eq!((first.bytes, first.is_complex), (&b"ab"[..], false));
        let second = record.variable(1).expect("bounds").expect("a column");
        assert_eq!((second.bytes, second.is_complex), (&b"xyz"[..], true));
        assert_eq!(record.variable(2).expect("bounds"), None);
    }

    #[test]
    fn cut_records_are_errors() {
        for length in 0..17 {
            assert!(Record::read(&RECORD[..length]).is_err(), "{length}");
        }
        assert!(Record::read(&RECORD[..18]).expect("a record").variable(0).is_err());
    }
}
