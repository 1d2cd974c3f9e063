//! Collations: how text is compared, and in which code page char, varchar and text are (\[MS-TDS\] 2.2.5.1.2).

use std::borrow::Cow;

use encoding_rs::{
    BIG5, EUC_KR, Encoding, GBK, SHIFT_JIS, UTF_8, WINDOWS_874, WINDOWS_1250, WINDOWS_1251, WINDOWS_1252,
    WINDOWS_1253, WINDOWS_1254, WINDOWS_1255, WINDOWS_1256, WINDOWS_1257, WINDOWS_1258,
};

/// A collation as it is on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Collation {
    /// Locale in 20 bits, then flags, then a version.
    pub locale_and_flags: u32,
    /// Sort order of an old "SQL_" collation; 0: that of the locale.
    pub sort_order: u8,
}

/// Flag: its text is UTF-8.
const UTF8_FLAG: u32 = 1 << 26;
const LOCALE_BITS: u32 = 0xF_FFFF;

/// Sort orders of "SQL_" collations, from and to, and their text. Code pages 437 and 850 are not among what
/// browsers know; their letters beyond ASCII are taken for Western Europe's.
const SORT_ORDERS: &[(u8, u8, &Encoding)] = &[
    (80, 98, WINDOWS_1250),
    (104, 108, WINDOWS_1251),
    (112, 124, WINDOWS_1253),
    (128, 130, WINDOWS_1254),
    (136, 138, WINDOWS_1255),
    (144, 146, WINDOWS_1256),
    (152, 160, WINDOWS_1257),
    (192, 193, SHIFT_JIS),
    (194, 195, EUC_KR),
    (196, 197, BIG5),
    (198, 199, GBK),
    (200, 200, SHIFT_JIS),
    (201, 201, EUC_KR),
    (202, 202, BIG5),
    (203, 203, GBK),
    (204, 206, WINDOWS_874),
];

/// Windows locales whose text is not Western European.
const LOCALES: &[(u16, &Encoding)] = &[
    (0x0401, WINDOWS_1256),
    (0x0402, WINDOWS_1251),
    (0x0404, BIG5),
    (0x0405, WINDOWS_1250),
    (0x0408, WINDOWS_1253),
    (0x040D, WINDOWS_1255),
    (0x040E, WINDOWS_1250),
    (0x0411, SHIFT_JIS),
    (0x0412, EUC_KR),
    (0x0415, WINDOWS_1250),
    (0x0418, WINDOWS_1250),
    (0x0419, WINDOWS_1251),
    (0x041A, WINDOWS_1250),
    (0x041B, WINDOWS_1250),
    (0x041C, WINDOWS_1250),
    (0x041E, WINDOWS_874),
    (0x041F, WINDOWS_1254),
    (0x0422, WINDOWS_1251),
    (0x0424, WINDOWS_1250),
    (0x0425, WINDOWS_1257),
    (0x0426, WINDOWS_1257),
    (0x0427, WINDOWS_1257),
    (0x042A, WINDOWS_1258),
    (0x042F, WINDOWS_1251),
    (0x0804, GBK),
    (0x0C04, BIG5),
    (0x1004, GBK),
    (0x1404, BIG5),
];

impl Collation {
    /// SQL_Latin1_General_CP1_CI_AS, what servers in English are installed with.
    pub const LATIN1: Collation = Collation { locale_and_flags: 0x00D0_0409, sort_order: 52 };
    /// Latin1_General_100_CI_AS_SC_UTF8: every letter fits a varchar.
    pub const UTF8: Collation = Collation { locale_and_flags: 0x24D0_0409, sort_order: 0 };

    /// From its five bytes.
    pub fn from_bytes(bytes: [u8; 5]) -> Collation {
        let [a, b, c, d, sort_order] = bytes;
        Collation { locale_and_flags: u32::from_le_bytes([a, b, c, d]), sort_order }
    }

    /// Its five bytes.
    pub fn to_bytes(self) -> [u8; 5] {
        let [a, b, c, d] = self.locale_and_flags.to_le_bytes();
        [a, b, c, d, self.sort_order]
    }

    /// The Windows locale.
    pub fn locale(self) -> u32 {
        self.locale_and_flags & LOCALE_BITS
    }

    fn encoding(self) -> &'static Encoding {
        if self.locale_and_flags & UTF8_FLAG != 0 {
            return UTF_8;
        }
        let by_order = || {
            let order = |&&(from, to, _): &&(u8, u8, _)| (from..=to).contains(&self.sort_order);
            SORT_ORDERS.iter().find(order).map(|(.., encoding)| *encoding)
        };
        let by_locale = || {
            let locale = |&&(locale, _): &&(u16, _)| u32::from(locale) == self.locale();
            LOCALES.iter().find(locale).map(|(_, encoding)| *encoding)
        };
        let found = if self.sort_order == 0 { by_locale() } else { by_order() };
        found.unwrap_or(WINDOWS_1252)
    }

    /// Text of bytes in its code page; what is not in it becomes U+FFFD.
    pub fn decode(self, bytes: &[u8]) -> Cow<'_, str> {
        self.encoding().decode_without_bom_handling(bytes).0
    }

    /// Bytes of a text in its code page; what is not in it becomes a question mark, as SQL Server has it.
    pub fn encode(self, text: &str) -> Cow<'_, [u8]> {
        if text.is_ascii() {
            return Cow::Borrowed(text.as_bytes());
        }
        let encoding = self.encoding();
        let (bytes, _, has_unmappable) = encoding.encode(text);
        if !has_unmappable {
            return match bytes {
                Cow::Borrowed(_) => Cow::Borrowed(text.as_bytes()),
                Cow::Owned(bytes) => Cow::Owned(bytes),
            };
        }
        let mut bytes = Vec::new();
        let mut buffer = [0; 4];
        for character in text.chars() {
            match encoding.encode(character.encode_utf8(&mut buffer)) {
                (_, _, true) => bytes.push(b'?'),
                (mapped, ..) => bytes.extend(mapped.iter()),
            }
        }
        Cow::Owned(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_those_of_real_servers() {
        assert_eq!(Collation::LATIN1.to_bytes(), [0x09, 0x04, 0xD0, 0x00, 0x34]);
        assert_eq!(Collation::from_bytes([0x09, 0x04, 0xD0, 0x00, 0x34]), Collation::LATIN1);
        assert_eq!(Collation::LATIN1.locale(), 0x0409);
    }

    #[test]
    fn text_is_in_the_code_page() {
        let greek = Collation { locale_and_flags: 0xD0_0408, sort_order: 0 };
        let russian = Collation { locale_and_flags: 0xD0_0409, sort_order: 105 };
        for (collation, text, bytes) in [
            (Collation::LATIN1, "café €", &b"caf\xE9 \x80"[..]),
            (Collation::UTF8, "café", "café".as_bytes()),
            (greek, "αβ", b"\xE1\xE2"),
            (russian, "Ж", b"\xC6"),
        ] {
            assert_eq!(*collation.encode(text), *bytes, "{text}");
            assert_eq!(collation.decode(bytes), text);
        }
        assert_eq!(*Collation::LATIN1.encode("aЖé"), *b"a?\xE9");
    }
}
