//! Where two files differ first, shown in hex and as text.

use std::fmt;
use std::io::{self, Read};

/// Bytes shown from either side.
const SHOWN_BYTES: usize = 16;
/// Bytes compared at once.
const PIECE_BYTES: usize = 64 * 1024;

/// The first place where what came is not what was expected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// Byte, from 0.
    pub at: u64,
    /// What should stand there; empty where the expected file ends.
    pub expected: Vec<u8>,
    /// What stands there; empty where the file that came ends.
    pub got: Vec<u8>,
}

/// Compares two streams; `None` where they are the same.
pub fn first(mut expected: impl Read, mut got: impl Read) -> io::Result<Option<Difference>> {
    let mut at = 0;
    let [mut wanted, mut came] = [Vec::new(), Vec::new()];
    loop {
        fill(&mut expected, &mut wanted)?;
        fill(&mut got, &mut came)?;
        let same = wanted.iter().zip(&came).take_while(|(wanted, came)| wanted == came).count();
        let ended = wanted.len() < PIECE_BYTES && came.len() < PIECE_BYTES;
        let is_whole = same == wanted.len() && same == came.len();
        if is_whole && ended {
            return Ok(None);
        }
        if !is_whole {
            // What is shown may reach into the next piece.
            wanted.drain(..same);
            came.drain(..same);
            fill(&mut expected, &mut wanted)?;
            fill(&mut got, &mut came)?;
            wanted.truncate(SHOWN_BYTES);
            came.truncate(SHOWN_BYTES);
            return Ok(Some(Difference { at: at + same as u64, expected: wanted, got: came }));
        }
        at += same as u64;
        wanted.clear();
        came.clear();
    }
}

/// Reads until the buffer holds a piece or the stream ends.
fn fill(stream: &mut impl Read, buffer: &mut Vec<u8>) -> io::Result<()> {
    let missing = PIECE_BYTES.saturating_sub(buffer.len());
    stream.take(missing as u64).read_to_end(buffer)?;
    Ok(())
}

impl fmt::Display for Difference {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Difference { at, expected, got } = self;
        write!(formatter, "first difference at byte {at}: expected {}, got {}", shown(expected), shown(got))
    }
}

fn shown(bytes: &[u8]) -> String {
    if bytes.is_empty() {
        return "the end".to_owned();
    }
    let hex: Vec<String> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    let letter = |byte: &u8| if byte.is_ascii_graphic() || *byte == b' ' { *byte as char } else { '.' };
    let text: String = bytes.iter().map(letter).collect();
    format!("{} |{text}|", hex.join(" "))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn at(expected: &[u8], got: &[u8]) -> Option<u64> {
        first(expected, got).unwrap().map(|difference| difference.at)
    }

    #[test]
    fn the_first_byte_that_differs_is_found() {
        let long = vec![7; 3 * PIECE_BYTES + 5];
        let mut other = long.clone();
        other[2 * PIECE_BYTES] = 0;
        let table: [(&[u8], &[u8], Option<u64>); 8] = [
            (b"", b"", None),
            (b"abc", b"abc", None),
            (b"abc", b"abd", Some(2)),
            (b"abc", b"ab", Some(2)),
            (b"", b"a", Some(0)),
            (&long, &long, None),
            (&long, &other, Some(2 * PIECE_BYTES as u64)),
            (&long[..PIECE_BYTES], &long[..PIECE_BYTES + 1], Some(PIECE_BYTES as u64)),
        ];
        for (expected, got, wanted) in table {
            assert_eq!(at(expected, got), wanted, "{} and {} bytes", expected.len(), got.len());
        }
    }

    #[test]
    fn it_is_shown_in_hex_and_as_text() {
        let difference = first(&b"roads"[..], &b"ro\0"[..]).unwrap().unwrap();
        let text = "first difference at byte 2: expected 61 64 73 |ads|, got 00 |.|";
        assert_eq!(difference.to_string(), text);
        let cut = first(&b"roads"[..], &b"ro"[..]).unwrap().unwrap();
        assert!(cut.to_string().ends_with("got the end"));
    }
}
