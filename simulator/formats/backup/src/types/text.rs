//! UTF-16 text.

use std::borrow::Cow;

/// Little-endian UTF-16; what is not well formed becomes U+FFFD.
pub fn utf16(bytes: &[u8]) -> Cow<'static, str> {
    let mut text = String::with_capacity(bytes.len() / 2 + bytes.len() / 8);
    let units = bytes.chunks_exact(2).map(|unit| u16::from_le_bytes([unit[0], unit[1]]));
    // Most text is ASCII, for which there is nothing to decode.
    let ascii = bytes.chunks_exact(2).take_while(|unit| unit[1] == 0 && unit[0] < 0x80).count();
    text.extend(bytes[..2 * ascii].chunks_exact(2).map(|unit| char::from(unit[0])));
    text.extend(char::decode_utf16(units.skip(ascii)).map(|unit| unit.unwrap_or('\u{FFFD}')));
    if bytes.len() % 2 == 1 {
        text.push('\u{FFFD}');
    }
    Cow::Owned(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn broken_text_is_marked() {
        assert_eq!(utf16(&[0x41, 0, 0x3D, 0xD8, 0x00, 0xDE]), "A😀");
        assert_eq!(utf16(&[0x41, 0, 0x3D, 0xD8, 0x42, 0]), "A\u{FFFD}B");
        assert_eq!(utf16(&[0x41, 0, 0x42]), "A\u{FFFD}");
    }
}
