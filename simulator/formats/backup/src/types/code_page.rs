//! Code pages of collations, and text in them.
//!
//! A collation's number has the sort order of an old "SQL_" collation in its highest byte, or else the index
//! of a Windows locale in its lowest seven bits. Bit 8 says that the text is UTF-8 (2019). Sort orders are in
//! SQL Server's documentation; the indexes rise with the locale numbers, and fifteen of them are confirmed by
//! databases whose collations are known.

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

/// Indexes of Windows locales whose code page is not 1252.
const LOCALES: &[(u8, u16)] = &[
    (0x01, 1256), // Arabic
    (0x02, 1251), // Bulgarian
    (0x03, 950),  // Chinese (Taiwan)
    (0x04, 1250), // Czech
    (0x07, 1253), // Greek
    (0x0C, 1255), // Hebrew
    (0x0D, 1250), // Hungarian
    (0x10, 932),  // Japanese
    (0x11, 949),  // Korean
    (0x13, 1250), // Polish
    (0x14, 1250), // Romanian
    (0x15, 1251), // Cyrillic
    (0x16, 1250), // Croatian
    (0x17, 1250), // Slovak
    (0x18, 1250), // Albanian
    (0x19, 874),  // Thai
    (0x1A, 1254), // Turkish
    (0x1B, 1251), // Ukrainian
    (0x1C, 1250), // Slovenian
    (0x1D, 1257), // Estonian
    (0x1E, 1257), // Latvian
    (0x1F, 1257), // Lithuanian
    (0x20, 1258), // Vietnamese
    (0x24, 936),  // Chinese (PRC)
];

impl CodePage {
    pub(crate) fn of_collation(id: u32) -> CodePage {
        if id & UTF8_FLAG != 0 {
            return CodePage(UTF8);
        }
        let sort_order = (id >> 24) as u8;
        if let Some((.., page)) = SORT_ORDERS.iter().find(|(from, to, _)| (*from..=*to).contains(&sort_order))
        {
            return CodePage(*page);
        }
        let index = (id & 0x7F) as u8;
        CodePage(LOCALES.iter().find(|(known, _)| *known == index).map_or(1252, |(_, page)| *page))
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
            assert_eq!(CodePage::of_collation(id), CodePage(page), "0x{id:08x}");
        }
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
