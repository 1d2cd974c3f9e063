//! The Standard Compression Scheme for Unicode (Unicode Technical Standard #6), as ROW compression uses it.
//!
//! SQL Server compresses a value only if that makes it shorter, and sees to it that the length is odd then:
//! an even number of bytes is plain UTF-16. What it appends for that is a tag that does nothing.

use super::text::utf16;
use crate::error::DataError;

/// Where the fixed windows begin.
const STATIC_WINDOWS: [u32; 8] = [0x0000, 0x0080, 0x0100, 0x0300, 0x2000, 0x2080, 0x2100, 0x3000];
/// Where the movable windows begin at first.
const DYNAMIC_WINDOWS: [u32; 8] = [0x0080, 0x00C0, 0x0400, 0x0600, 0x0900, 0x3040, 0x30A0, 0xFF00];
/// Windows of the offset bytes 0xF9 to 0xFF.
const SPECIAL_OFFSETS: [u32; 7] = [0x00C0, 0x0250, 0x0370, 0x0530, 0x3040, 0x30A0, 0xFF60];

/// Text of an nchar or nvarchar value in a compressed record.
pub fn decode(bytes: &[u8]) -> Result<String, DataError> {
    if bytes.len().is_multiple_of(2) {
        return Ok(utf16(bytes).into_owned());
    }
    let mut decoder = Decoder {
        bytes: bytes.iter().copied(),
        windows: DYNAMIC_WINDOWS,
        active: 0,
        is_unicode: false,
        units: Vec::with_capacity(bytes.len()),
    };
    // A tag whose operands are missing ends the text: it is what was appended.
    while decoder.step()?.is_some() {}
    let text = char::decode_utf16(decoder.units).map(|unit| unit.unwrap_or('\u{FFFD}'));
    Ok(text.collect())
}

struct Decoder<I> {
    bytes: I,
    windows: [u32; 8],
    active: usize,
    is_unicode: bool,
    units: Vec<u16>,
}

impl<I: Iterator<Item = u8>> Decoder<I> {
    fn step(&mut self) -> Result<Option<()>, DataError> {
        let Some(byte) = self.bytes.next() else { return Ok(None) };
        if self.is_unicode { self.unicode(byte) } else { self.single(byte) }
    }

    /// Single-byte mode.
    fn single(&mut self, byte: u8) -> Result<Option<()>, DataError> {
        match byte {
            0x00 | 0x09 | 0x0A | 0x0D | 0x20..=0x7F => self.push(u32::from(byte)),
            0x80..=0xFF => self.push(self.windows[self.active] + u32::from(byte - 0x80)),
            // Quote one character of a window.
            0x01..=0x08 => {
                let window = usize::from(byte - 0x01);
                let Some(quoted) = self.bytes.next() else { return Ok(None) };
                self.push(match quoted {
                    0x00..=0x7F => STATIC_WINDOWS[window] + u32::from(quoted),
                    _ => self.windows[window] + u32::from(quoted - 0x80),
                });
            }
            0x0B => return self.define_extended(),
            0x0E => return Ok(self.quote_unit()),
            0x0F => self.is_unicode = true,
            0x10..=0x17 => self.active = usize::from(byte - 0x10),
            0x18..=0x1F => return self.define(usize::from(byte - 0x18)),
            _ => return Err(reserved(byte)),
        }
        Ok(Some(()))
    }

    /// Unicode mode: pairs of bytes, the higher first.
    fn unicode(&mut self, byte: u8) -> Result<Option<()>, DataError> {
        match byte {
            0xE0..=0xE7 => {
                self.active = usize::from(byte - 0xE0);
                self.is_unicode = false;
            }
            0xE8..=0xEF => return self.define(usize::from(byte - 0xE8)),
            0xF0 => return Ok(self.quote_unit()),
            0xF1 => return self.define_extended(),
            0xF2 => return Err(reserved(byte)),
            _ => {
                let Some(low) = self.bytes.next() else { return Ok(None) };
                self.units.push(u16::from_be_bytes([byte, low]));
            }
        }
        Ok(Some(()))
    }

    fn quote_unit(&mut self) -> Option<()> {
        let (high, low) = (self.bytes.next()?, self.bytes.next()?);
        self.units.push(u16::from_be_bytes([high, low]));
        Some(())
    }

    fn define(&mut self, window: usize) -> Result<Option<()>, DataError> {
        let Some(offset) = self.bytes.next() else { return Ok(None) };
        self.windows[window] = match offset {
            0x01..=0x67 => u32::from(offset) * 0x80,
            0x68..=0xA7 => u32::from(offset) * 0x80 + 0xAC00,
            0xF9..=0xFF => SPECIAL_OFFSETS[usize::from(offset - 0xF9)],
            _ => return Err(reserved(offset)),
        };
        (self.active, self.is_unicode) = (window, false);
        Ok(Some(()))
    }

    /// A window beyond the first 65,536 characters: three bits of number, thirteen of place.
    fn define_extended(&mut self) -> Result<Option<()>, DataError> {
        let (Some(high), Some(low)) = (self.bytes.next(), self.bytes.next()) else { return Ok(None) };
        let window = usize::from(high >> 5);
        self.windows[window] = 0x1_0000 + (u32::from(high & 0x1F) << 8 | u32::from(low)) * 0x80;
        (self.active, self.is_unicode) = (window, false);
        Ok(Some(()))
    }

    fn push(&mut self, code: u32) {
        let character = char::from_u32(code).unwrap_or('\u{FFFD}');
        self.units.extend_from_slice(character.encode_utf16(&mut [0; 2]));
    }
}

fn reserved(byte: u8) -> DataError {
    DataError::damaged(format!("compressed text has the reserved byte 0x{byte:02x}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn compressed_text_of_many_scripts() {
        // The first seven are values that SQL Server wrote, as a public reader's tests tell; the German and
        // Japanese ones are the examples of the standard.
        let cases: &[(&[u8], &str)] = &[
            (b"Gray\x10", "Gray"),
            (b"name1", "name1"),
            (b"\x12\x9F\xC0\xB8\xB2\xB5\xC2", "Привет"),
            (b"Hi\x0E\x5C\x71", "Hi山"),
            (b"\x13\xC5\xB1\xAD\xA8\xA7\x10", "مرحبا"),
            (b"\x71\x5C\x30\x75", "山田"),
            (b"\x11\x62\x81\x89\x4B\x6D\xD5\x8B", "我要测试"),
            (b"\xD6l flie\xDFt", "Öl fließt"),
            (
                b"\x08\x00\x1B\x4C\xEA\x16\xCA\xD3\x94\x0F\x53\xEF\x61\x1B\xE5\x84\xC4",
                "\u{3000}♪リンゴ可愛いや",
            ),
            (b"\x0B\x00\x00\x80\x10", "\u{10000}"),
            (b"", ""),
        ];
        for (bytes, text) in cases {
            // An even length would be UTF-16, so the tag is appended where the standard's example has one.
            let needs_tag =
                bytes.len() % 2 == 0 && bytes.first().is_some_and(|byte| matches!(byte, 0x08 | 0xD6));
            let bytes = if needs_tag { [bytes, &b"\x10"[..]].concat() } else { bytes.to_vec() };
            assert_eq!(decode(&bytes).ok().as_deref(), Some(*text), "{bytes:02x?}");
        }
    }

    #[test]
    fn reserved_bytes_are_damage() {
        assert!(decode(b"\x0C").is_err());
        assert!(decode(b"\x18\x00\x41").is_err());
        assert!(decode(b"\x0F\xF2\x41").is_err());
    }
}
