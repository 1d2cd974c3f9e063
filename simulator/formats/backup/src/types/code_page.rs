//! Code pages of collations, and text in them.
//!
//! A collation's number has the sort order of an old "SQL_" collation in its highest byte, or else the index
//! of a Windows locale in its lowest seven bits. Bit 8 says that the text is UTF-8 (2019). Sort orders are in
//! SQL Server's documentation. The indexes rise with the locale numbers, and fourteen of them are confirmed by
//! databases whose collations are known, so those between are certain; others are not guessed, but that of the
//! database itself is known by its locale's number.

use std::borrow::Cow;

use encoding_rs::{
    BIG5, EUC_KR, Encoding, GBK, SHIFT_JIS, UTF_8, WINDOWS_874, WINDOWS_1250, WINDOWS_1251, WINDOWS_1252,
    WINDOWS_1253, WINDOWS_1254, WINDOWS_1255, WINDOWS_1256, WINDOWS_1257, WINDOWS_1258,
};

/// How bytes become text: a code page's number in Windows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CodePage(pub u16);

/// The code page of UTF-8.
const UTF8: u16 = 65001;
/// Bit of a collation's number: its text is UTF-8.
const UTF8_FLAG: u32 = 0x100;

/// Sort orders of "SQL_" collations, from and to, and their code page.
const SORT_ORDERS: &[(u8, u8, u16)] = &[
    (30, 35, 437),
    (40, 49, 850),
    (50, 54, 1252),
    (55, 61, 850),
    (71, 75, 1252),
    (80, 98, 1250),
    (104, 108, 1251),
    (112, 124, 1253),
    (128, 130, 1254),
    (136, 138, 1255),
    (144, 146, 1256),
    (152, 160, 1257),
    (183, 186, 1252),
    (192, 193, 932),
    (194, 195, 949),
    (196, 197, 950),
    (198, 199, 936),
    (200, 200, 932),
    (201, 201, 949),
    (202, 202, 950),
    (203, 203, 936),
    (204, 206, 874),
    (210, 217, 1252),
];

/// Windows locales: index in collations (0: not known), number, code page.
const LOCALES: &[(u8, u16, u16)] = &[
    (0x01, 0x0401, 1256), // Arabic
    (0x00, 0x0402, 1251), // Bulgarian
    (0x03, 0x0404, 950),  // Chinese (Taiwan)
    (0x04, 0x0405, 1250), // Czech
    (0x05, 0x0406, 1252), // Danish
    (0x06, 0x0407, 1252), // German
    (0x07, 0x0408, 1253), // Greek
    (0x08, 0x0409, 1252), // English, as Latin1_General
    (0x09, 0x040A, 1252), // Spanish, traditional
    (0x0A, 0x040B, 1252), // Finnish
    (0x0B, 0x040C, 1252), // French
    (0x0C, 0x040D, 1255), // Hebrew
    (0x0D, 0x040E, 1250), // Hungarian
    (0x0E, 0x040F, 1252), // Icelandic
    (0x0F, 0x0410, 1252), // Italian
    (0x10, 0x0411, 932),  // Japanese
    (0x11, 0x0412, 949),  // Korean
    (0x12, 0x0414, 1252), // Norwegian
    (0x13, 0x0415, 1250), // Polish
    (0x14, 0x0418, 1250), // Romanian
    (0x15, 0x0419, 1251), // Russian, as Cyrillic_General
    (0x16, 0x041A, 1250), // Croatian
    (0x17, 0x041B, 1250), // Slovak
    (0x18, 0x041C, 1250), // Albanian
    (0x00, 0x041D, 1252), // Swedish
    (0x19, 0x041E, 874),  // Thai
    (0x1A, 0x041F, 1254), // Turkish
    (0x1B, 0x0422, 1251), // Ukrainian
    (0x1C, 0x0424, 1250), // Slovenian
    (0x1D, 0x0425, 1257), // Estonian
    (0x1E, 0x0426, 1257), // Latvian
    (0x1F, 0x0427, 1257), // Lithuanian
    (0x20, 0x042A, 1258), // Vietnamese
    (0x00, 0x042F, 1251), // Macedonian
    (0x24, 0x0804, 936),  // Chinese (PRC)
    (0x00, 0x0C04, 950),  // Chinese (Hong Kong)
    (0x00, 0x0C0A, 1252), // Spanish, modern
    (0x00, 0x1004, 936),  // Chinese (Singapore)
    (0x00, 0x1404, 950),  // Chinese (Macao)
];

impl CodePage {
    /// Of a collation's number; `None` where its locale is not known.
    pub(crate) fn of_collation(id: u32) -> Option<CodePage> {
        if id & UTF8_FLAG != 0 {
            return Some(CodePage(UTF8));
        }
        let sort_order = (id >> 24) as u8;
        if let Some((.., page)) = SORT_ORDERS.iter().find(|(from, to, _)| (*from..=*to).contains(&sort_order))
        {
            return Some(CodePage(*page));
        }
        let index = (id & 0x7F) as u8;
        let known = LOCALES.iter().find(|(known, ..)| *known == index && index > 0);
        known.map(|(.., page)| CodePage(*page))
    }

    /// Of a Windows locale.
    pub(crate) fn of_locale(locale: u32) -> Option<CodePage> {
        let known = LOCALES.iter().find(|(_, known, _)| u32::from(*known) == locale);
        known.map(|(.., page)| CodePage(*page))
    }

    fn encoding(self) -> &'static Encoding {
        match self.0 {
            874 => WINDOWS_874,
            932 => SHIFT_JIS,
            936 => GBK,
            949 => EUC_KR,
            950 => BIG5,
            1250 => WINDOWS_1250,
            1251 => WINDOWS_1251,
            1253 => WINDOWS_1253,
            1254 => WINDOWS_1254,
            1255 => WINDOWS_1255,
            1256 => WINDOWS_1256,
            1257 => WINDOWS_1257,
            1258 => WINDOWS_1258,
            UTF8 => UTF_8,
            _ => WINDOWS_1252,
        }
    }

    /// Text of bytes in this code page; what is not in it becomes U+FFFD.
    pub fn decode(self, bytes: &[u8]) -> Cow<'_, str> {
        match self.0 {
            437 => single_bytes(bytes, CODE_PAGE_437),
            850 => single_bytes(bytes, CODE_PAGE_850),
            _ => self.encoding().decode_without_bom_handling(bytes).0,
        }
    }
}

fn single_bytes<'a>(bytes: &'a [u8], upper: &str) -> Cow<'a, str> {
    if let Ok(text) = std::str::from_utf8(bytes)
        && text.is_ascii()
    {
        return Cow::Borrowed(text);
    }
    let decoded = bytes.iter().map(|byte| match byte.checked_sub(0x80) {
        None => char::from(*byte),
        Some(index) => upper.chars().nth(usize::from(index)).unwrap_or('\u{FFFD}'),
    });
    Cow::Owned(decoded.collect())
}

/// Characters 0x80 to 0xFF of the code page of MS-DOS, United States.
const CODE_PAGE_437: &str = concat!(
    "ÇüéâäàåçêëèïîìÄÅÉæÆôöòûùÿÖÜ¢£¥₧ƒ",
    "áíóúñÑªº¿⌐¬½¼¡«»░▒▓│┤╡╢╖╕╣║╗╝╜╛┐",
    "└┴┬├─┼╞╟╚╔╩╦╠═╬╧╨╤╥╙╘╒╓╫╪┘┌█▄▌▐▀",
    "αßΓπΣσµτΦΘΩδ∞φε∩≡±≥≤⌠⌡÷≈°∙·√ⁿ²■\u{A0}",
);

/// Characters 0x80 to 0xFF of the code page of MS-DOS, Western Europe.
const CODE_PAGE_850: &str = concat!(
    "ÇüéâäàåçêëèïîìÄÅÉæÆôöòûùÿÖÜø£Ø×ƒ",
    "áíóúñÑªº¿®¬½¼¡«»░▒▓│┤ÁÂÀ©╣║╗╝¢¥┐",
    "└┴┬├─┼ãÃ╚╔╩╦╠═╬¤ðÐÊËÈıÍÎÏ┘┌█▄¦Ì▀",
    "ÓßÔÒõÕµþÞÚÛÙýÝ¯´\u{AD}±‗¾¶§÷¸°¨·¹³²■\u{A0}",
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn collations_lead_to_code_pages() {
        for (id, page) in [
            (0x3400_D008, 1252), // SQL_Latin1_General_CP1_CI_AS
            (0x0000_D008, 1252), // Latin1_General_CI_AS
            (0x0000_D007, 1253), // Greek_CI_AS
            (0x0000_D010, 932),  // Japanese_CI_AS
            (0x0000_D011, 949),  // Korean_Wansung_CI_AS
            (0x0000_D013, 1250), // Polish_CI_AS
            (0x0000_D024, 936),  // Chinese_PRC_CI_AS
            (0x0000_D020, 1258), // Vietnamese_CI_AS
            (0x0004_D188, UTF8), // Latin1_General_100_CI_AS_SC_UTF8
            (0x1E00_0008, 437),  // SQL_Latin1_General_CP437_BIN
        ] {
            assert_eq!(CodePage::of_collation(id), Some(CodePage(page)), "0x{id:08x}");
        }
        assert_eq!(CodePage::of_collation(0x0000_D07F), None);
        assert_eq!(CodePage::of_locale(0x042F), Some(CodePage(1251)));
        assert_eq!(CodePage::of_locale(0x0C0C), None);
    }

    #[test]
    fn bytes_become_text() {
        for (page, bytes, text) in [
            (1252, &b"caf\xE9 \x80"[..], "café €"),
            (437, b"\x82\xB0\xFF", "é░\u{A0}"),
            (850, b"\xD5\x9B", "ıø"),
            (932, b"\x82\xB1", "こ"),
            (1251, b"\xC6", "Ж"),
            (UTF8, "naïve".as_bytes(), "naïve"),
            (UTF8, b"A\xFF", "A\u{FFFD}"),
        ] {
            assert_eq!(CodePage(page).decode(bytes), text, "{page}");
        }
        assert_eq!((CODE_PAGE_437.chars().count(), CODE_PAGE_850.chars().count()), (128, 128));
    }
}
