//! Text of xml values, which SQL Server stores as Binary XML ([MS-BINXML]).
//!
//! Names are defined once and then meant by number; values are strings or, in typed xml, of SQL's types. What
//! only document type declarations and XML Schema's own types need is not read: SQL Server keeps no former, and
//! the latter are told as not supported.

use std::borrow::Cow;

use super::{CodePage, SqlType, Value, decode, utf16};
use crate::error::DataError;
use crate::value::Bytes;

/// Signature, then a version and the code page of names: UTF-16.
const SIGNATURE: [u8; 2] = [0xDF, 0xFF];
const VERSIONS: std::ops::RangeInclusive<u8> = 1..=2;
const CODE_PAGE_UTF16: u16 = 1200;
/// Text that is longer than this and more than [`MOST_GROWTH`] times its binary form is no real document: two
/// bytes can mean a name of any length.
const ALWAYS_ALLOWED_BYTES: usize = 16 << 20;
const MOST_GROWTH: usize = 256;

/// Tokens, section 2.2.
mod token {
    pub const XML_DECLARATION: u8 = 0xFE;
    pub const ENCODING: u8 = 0xFD;
    pub const ELEMENT: u8 = 0xF8;
    pub const END_ELEMENT: u8 = 0xF7;
    pub const ATTRIBUTE: u8 = 0xF6;
    pub const END_ATTRIBUTES: u8 = 0xF5;
    pub const INSTRUCTION: u8 = 0xF4;
    pub const COMMENT: u8 = 0xF3;
    pub const CDATA: u8 = 0xF2;
    pub const END_CDATA: u8 = 0xF1;
    pub const NAME: u8 = 0xF0;
    pub const QUALIFIED_NAME: u8 = 0xEF;
    pub const EXTENSION: u8 = 0xEA;
    pub const FLUSH_NAMES: u8 = 0xE9;
    pub const CHAR: u8 = 0x0D;
    pub const VARCHAR: u8 = 0x10;
    pub const TEXT: u8 = 0x16;
    pub const NCHAR: u8 = 0x0E;
    pub const NVARCHAR: u8 = 0x11;
    pub const NTEXT: u8 = 0x18;
    pub const DECIMAL: u8 = 0x0A;
    pub const NUMERIC: u8 = 0x0B;
    pub const BOOLEAN: u8 = 0x86;
    pub const XSD_DECIMAL: u8 = 0x87;
    pub const XSD_QNAME: u8 = 0x8C;
    pub const XSD_BINHEX: u8 = 0x84;
    /// Dates and times of SQL Server 2008 and later; of 2005 there are others, which are not known here.
    pub const DATE: u8 = 0x7F;
    pub const TIME: u8 = 0x7D;
    pub const DATE_TIME: u8 = 0x7E;
    pub const TIME_OFFSET: u8 = 0x7A;
    pub const DATE_TIME_OFFSET: u8 = 0x7B;
    pub const DATE_OFFSET: u8 = 0x7C;
}

/// Tokens of values of fixed length: token, type, bytes.
const FIXED: &[(u8, SqlType, usize)] = &[
    (0x01, SqlType::SmallInt, 2),
    (0x02, SqlType::Int, 4),
    (0x03, SqlType::Real, 4),
    (0x04, SqlType::Float, 8),
    (0x05, SqlType::Money, 8),
    (0x06, SqlType::Bit, 1),
    (0x07, SqlType::TinyInt, 1),
    (0x08, SqlType::BigInt, 8),
    (0x09, SqlType::UniqueIdentifier, 16),
    (0x14, SqlType::SmallMoney, 4),
];

/// The text of an xml value.
pub fn text(bytes: &[u8]) -> Result<String, DataError> {
    let fields = Bytes(bytes);
    let version = fields.u8(2).filter(|version| VERSIONS.contains(version));
    if !bytes.starts_with(&SIGNATURE) || version.is_none() || fields.u16(3) != Some(CODE_PAGE_UTF16) {
        return Err(DataError::damaged("this is no Binary XML: its signature is another"));
    }
    let most = ALWAYS_ALLOWED_BYTES.max(bytes.len().saturating_mul(MOST_GROWTH));
    let mut reader = Reader {
        bytes,
        at: 5,
        names: vec![String::new()],
        qualified: vec![String::new()],
        open: Vec::new(),
        state: State::Content,
        closed_at: usize::MAX,
        text: String::new(),
    };
    while reader.at < bytes.len() {
        reader.token()?;
        if reader.text.len() > most {
            return Err(DataError::damaged("the text of an xml value grows beyond all measure"));
        }
    }
    reader.close_tag();
    match reader.open.len() {
        0 => Ok(reader.text),
        open => Err(DataError::damaged(format!("an xml value ends inside {open} elements"))),
    }
}

/// Where the text stands.
#[derive(Clone, Copy, PartialEq)]
enum State {
    Content,
    /// Behind a start tag's name or attributes, before its `>`.
    Tag,
    /// In an attribute's value.
    Attribute,
    Cdata,
}

struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
    names: Vec<String>,
    /// With prefix, as they stand in text.
    qualified: Vec<String>,
    /// Open elements, by their qualified names.
    open: Vec<String>,
    state: State,
    /// How long the text was when a start tag was closed last.
    closed_at: usize,
    text: String,
}

impl<'a> Reader<'a> {
    fn token(&mut self) -> Result<(), DataError> {
        let at = self.at;
        match self.take(1)?[0] {
            token::NAME => {
                let name = self.wide_text()?.into_owned();
                self.names.push(name);
            }
            token::QUALIFIED_NAME => self.define_qualified()?,
            token::FLUSH_NAMES => {
                self.names.truncate(1);
                self.qualified.truncate(1);
            }
            token::EXTENSION => {
                let length = self.number()?;
                self.take(length)?;
            }
            token::ELEMENT => {
                self.close_tag();
                let name = self.qualified_name()?;
                self.text.push('<');
                self.text.push_str(&name);
                self.open.push(name);
                self.state = State::Tag;
            }
            token::ATTRIBUTE => {
                self.end_attribute();
                if self.state != State::Tag {
                    return Err(DataError::damaged("an xml attribute stands outside a tag"));
                }
                let name = self.qualified_name()?;
                self.text.push(' ');
                self.text.push_str(&name);
                self.text.push_str("=\"");
                self.state = State::Attribute;
            }
            token::END_ATTRIBUTES => {
                self.end_attribute();
                self.close_tag();
            }
            token::END_ELEMENT => self.end_element()?,
            token::CDATA => {
                self.close_tag();
                if self.state != State::Cdata {
                    self.text.push_str("<![CDATA[");
                }
                self.state = State::Cdata;
                let text = self.wide_text()?;
                self.text.push_str(&text);
            }
            token::END_CDATA => {
                self.text.push_str("]]>");
                self.state = State::Content;
            }
            token::COMMENT => {
                self.close_tag();
                let text = self.wide_text()?;
                self.text.push_str(&format!("<!--{text}-->"));
            }
            token::INSTRUCTION => {
                self.close_tag();
                let name = self.name()?;
                let text = self.wide_text()?;
                let gap = if text.is_empty() { "" } else { " " };
                self.text.push_str(&format!("<?{name}{gap}{text}?>"));
            }
            token::XML_DECLARATION => self.declaration()?,
            token => {
                let value = self.value(token, at)?;
                if self.state == State::Tag {
                    self.close_tag();
                }
                escape(&value, self.state == State::Attribute, &mut self.text);
            }
        }
        Ok(())
    }

    fn take(&mut self, count: usize) -> Result<&'a [u8], DataError> {
        let taken = Bytes(self.bytes).slice(self.at, count);
        let taken = taken.ok_or_else(|| DataError::damaged("an xml value is cut short"))?;
        self.at += count;
        Ok(taken)
    }

    /// Seven bits in each byte, the lowest first.
    fn number(&mut self) -> Result<usize, DataError> {
        let mut number = 0_u64;
        for shift in (0..35).step_by(7) {
            let byte = self.take(1)?[0];
            number |= u64::from(byte & 0x7F) << shift;
            if byte & 0x80 == 0 {
                return usize::try_from(number).map_err(|_| DataError::damaged("a number too large"));
            }
        }
        Err(DataError::damaged("a number in an xml value has more than five bytes"))
    }

    /// UTF-16 with its length in characters in front.
    fn wide_text(&mut self) -> Result<Cow<'static, str>, DataError> {
        let length = self.number()?.saturating_mul(2);
        Ok(utf16(self.take(length)?))
    }

    fn name(&mut self) -> Result<String, DataError> {
        let number = self.number()?;
        let name = self.names.get(number).cloned();
        name.ok_or_else(|| DataError::damaged(format!("name {number} of an xml value is not defined")))
    }

    /// Namespace, prefix and local name; the first says nothing that attributes do not say again.
    fn define_qualified(&mut self) -> Result<(), DataError> {
        let (_, prefix, local) = (self.name()?, self.name()?, self.name()?);
        self.qualified.push(if prefix.is_empty() { local } else { format!("{prefix}:{local}") });
        Ok(())
    }

    fn qualified_name(&mut self) -> Result<String, DataError> {
        let number = self.number()?;
        let name = self.qualified.get(number).filter(|name| !name.is_empty()).cloned();
        name.ok_or_else(|| {
            DataError::damaged(format!("qualified name {number} of an xml value is not defined"))
        })
    }

    fn end_attribute(&mut self) {
        if self.state == State::Attribute {
            self.text.push('"');
            self.state = State::Tag;
        }
    }

    fn close_tag(&mut self) {
        self.end_attribute();
        if self.state == State::Tag {
            self.text.push('>');
            self.closed_at = self.text.len();
            self.state = State::Content;
        }
    }

    fn end_element(&mut self) -> Result<(), DataError> {
        self.end_attribute();
        let name = self
            .open
            .pop()
            .ok_or_else(|| DataError::damaged("an xml value ends an element that is not open"))?;
        if self.state == State::Tag {
            self.text.push_str("/>");
        } else if self.closed_at == self.text.len() {
            // END_ATTRIBUTES has closed the tag already, and nothing followed it.
            self.text.pop();
            self.text.push_str("/>");
        } else {
            self.text.push_str(&format!("</{name}>"));
        }
        self.state = State::Content;
        Ok(())
    }

    /// Version, perhaps an encoding, and whether it stands alone. Text here is always Unicode, so only the
    /// version is kept.
    fn declaration(&mut self) -> Result<(), DataError> {
        let version = self.wide_text()?;
        if self.bytes.get(self.at) == Some(&token::ENCODING) {
            self.take(1)?;
            self.wide_text()?;
        }
        self.take(1)?;
        self.text.push_str(&format!("<?xml version=\"{version}\"?>"));
        Ok(())
    }

    fn value(&mut self, token: u8, at: usize) -> Result<Cow<'a, str>, DataError> {
        match token {
            token::NCHAR | token::NVARCHAR | token::NTEXT => self.wide_text(),
            token::CHAR | token::VARCHAR | token::TEXT => {
                let length = self.number()?;
                let bytes = self.take(length)?;
                let (page, text) = bytes
                    .split_at_checked(4)
                    .ok_or_else(|| DataError::damaged("text in an xml value has no code page"))?;
                Ok(CodePage(u16::from_le_bytes([page[0], page[1]])).decode(text))
            }
            token::BOOLEAN => Ok(Cow::Borrowed(if self.take(1)?[0] == 0 { "false" } else { "true" })),
            token::XSD_QNAME => self.qualified_name().map(Cow::Owned),
            token::XSD_BINHEX => {
                let length = self.number()?;
                let digits = self.take(length)?.iter().map(|byte| format!("{byte:02X}"));
                Ok(Cow::Owned(digits.collect()))
            }
            0x88 => Ok(Cow::Owned(self.take(1)?[0].cast_signed().to_string())),
            0x89 => self.unsigned(2),
            0x8A => self.unsigned(4),
            0x8B => self.unsigned(8),
            token::DATE
            | token::TIME
            | token::DATE_TIME
            | token::TIME_OFFSET
            | token::DATE_TIME_OFFSET
            | token::DATE_OFFSET => self.date_time(token).map(Cow::Owned),
            token::DECIMAL | token::NUMERIC | token::XSD_DECIMAL => {
                let length = self.number()?;
                let bytes = self.take(length)?;
                // Precision and scale stand in front of what columns hold.
                let value = bytes.get(2..).map(Cow::Borrowed);
                let value =
                    value.ok_or_else(|| DataError::damaged("a decimal in an xml value is cut short"))?;
                Ok(Cow::Owned(decode(SqlType::Decimal, bytes[1], None, value)?.to_string()))
            }
            _ => {
                let known = FIXED.iter().find(|(known, ..)| *known == token);
                let Some((_, sql_type, length)) = known else {
                    return Err(DataError::unsupported(format!(
                        "token 0x{token:02x} at byte {at} of an xml value is not known"
                    )));
                };
                let value: Value<'_> = decode(*sql_type, 0, None, Cow::Borrowed(self.take(*length)?))?;
                Ok(Cow::Owned(value.to_string()))
            }
        }
    }
}

impl Reader<'_> {
    fn unsigned(&mut self, count: usize) -> Result<Cow<'static, str>, DataError> {
        let value = self.take(count)?.iter().rev().fold(0_u64, |value, byte| value << 8 | u64::from(*byte));
        Ok(Cow::Owned(value.to_string()))
    }

    /// As columns of those types store them, behind the scale; dates alone have none.
    fn date_time(&mut self, token: u8) -> Result<String, DataError> {
        let scale = if token == token::DATE { 0 } else { self.take(1)?[0] };
        let time_bytes = match scale {
            0..=2 => 3,
            3..=4 => 4,
            5..=7 => 5,
            _ => return Err(DataError::damaged(format!("a time in an xml value has scale {scale}"))),
        };
        let (sql_type, length) = match token {
            token::DATE => (SqlType::Date, 3),
            token::TIME => (SqlType::Time, time_bytes),
            token::DATE_TIME => (SqlType::DateTime2, time_bytes + 3),
            _ => (SqlType::DateTimeOffset, time_bytes + 5),
        };
        let value: Value<'_> = decode(sql_type, scale, None, Cow::Borrowed(self.take(length)?))?;
        Ok(match value {
            Value::DateTime2(date, time) => format!("{date}T{time}"),
            Value::DateTimeOffset(date, time, offset) => {
                let zone = match (offset, offset.unsigned_abs()) {
                    (0, _) => "Z".to_owned(),
                    (_, minutes) => {
                        let sign = if offset < 0 { '-' } else { '+' };
                        format!("{sign}{:02}:{:02}", minutes / 60, minutes % 60)
                    }
                };
                match token {
                    token::DATE_OFFSET => format!("{date}{zone}"),
                    token::TIME_OFFSET => format!("{time}{zone}"),
                    _ => format!("{date}T{time}{zone}"),
                }
            }
            other => other.to_string(),
        })
    }
}

/// As SQL Server entitizes: what would end the text or be normalized away.
fn escape(text: &str, is_attribute: bool, to: &mut String) {
    for character in text.chars() {
        match character {
            '&' => to.push_str("&amp;"),
            '<' => to.push_str("&lt;"),
            '>' => to.push_str("&gt;"),
            '\r' => to.push_str("&#x0D;"),
            '"' if is_attribute => to.push_str("&quot;"),
            '\n' if is_attribute => to.push_str("&#x0A;"),
            '\t' if is_attribute => to.push_str("&#x09;"),
            other => to.push(other),
        }
    }
}

#[cfg(test)]
mod tests;
