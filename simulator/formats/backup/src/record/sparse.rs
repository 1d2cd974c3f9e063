//! The vector of a row's sparse columns: numbers, end offsets, values.

use crate::error::DataError;
use crate::value::Bytes;

/// The bytes of sparse column `column`; `None` where it is NULL, and so not in the vector.
///
/// Layout: word 5, count, that many column numbers (rising), that many end offsets from the vector's start.
pub fn sparse_column(vector: &[u8], column: u16) -> Result<Option<&[u8]>, DataError> {
    let words = Bytes(vector);
    let cut = || DataError::damaged("the vector of sparse columns is cut short");
    let count = usize::from(words.u16(2).ok_or_else(cut)?);
    let ends_at = 4 + 2 * count;
    let values_at = ends_at + 2 * count;
    for index in 0..count {
        if words.u16(4 + 2 * index).ok_or_else(cut)? != column {
            continue;
        }
        let begin = match index {
            0 => values_at,
            _ => usize::from(words.u16(ends_at + 2 * (index - 1)).ok_or_else(cut)?),
        };
        let end = usize::from(words.u16(ends_at + 2 * index).ok_or_else(cut)?);
        return vector.get(begin..end).map(Some).ok_or_else(cut);
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sparse_values_are_found_by_number() {
        let vector = [5, 0, 2, 0, 3, 0, 9, 0, 14, 0, 15, 0, 0xAA, 0xBB, 0xCC];
        assert_eq!(sparse_column(&vector, 3).expect("whole"), Some(&[0xAA, 0xBB][..]));
        assert_eq!(sparse_column(&vector, 9).expect("whole"), Some(&[0xCC][..]));
        assert_eq!(sparse_column(&vector, 4).expect("whole"), None);
        assert!(sparse_column(&vector[..14], 9).is_err());
    }
}
