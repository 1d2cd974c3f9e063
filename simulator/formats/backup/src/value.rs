//! Small values as backups hold them: dates, log sequence numbers, identifiers, integers, strings.

use std::fmt;

/// A date and time without a zone, to the second.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct DateTime {
    /// Year.
    pub year: u16,
    /// Month, from 1.
    pub month: u8,
    /// Day, from 1.
    pub day: u8,
    /// Hour.
    pub hour: u8,
    /// Minute.
    pub minute: u8,
    /// Second.
    pub second: u8,
}

impl DateTime {
    /// From the five bytes of MTF_DATE_TIME: 14, 4, 5, 5, 6 and 6 bits, big-endian. Zero means none.
    pub(crate) fn from_bytes(bytes: [u8; 5]) -> Option<DateTime> {
        let bits = bytes.iter().fold(0_u64, |bits, byte| bits << 8 | u64::from(*byte));
        let part = |shift: u32, width: u32| (bits >> shift & ((1 << width) - 1)) as u8;
        let date = DateTime {
            year: (bits >> 26 & 0x3FFF) as u16,
            month: part(22, 4),
            day: part(17, 5),
            hour: part(12, 5),
            minute: part(6, 6),
            second: part(0, 6),
        };
        let possible = (1..=12).contains(&date.month)
            && (1..=31).contains(&date.day)
            && date.hour < 24
            && date.minute < 60
            && date.second < 62;
        possible.then_some(date)
    }

    pub(crate) fn to_bytes(self) -> [u8; 5] {
        let bits = u64::from(self.year) << 26
            | u64::from(self.month) << 22
            | u64::from(self.day) << 17
            | u64::from(self.hour) << 12
            | u64::from(self.minute) << 6
            | u64::from(self.second);
        let bytes = bits.to_be_bytes();
        [bytes[3], bytes[4], bytes[5], bytes[6], bytes[7]]
    }
}

impl fmt::Display for DateTime {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let DateTime { year, month, day, hour, minute, second } = self;
        write!(formatter, "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}")
    }
}

/// A log sequence number: virtual log file, block, slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Lsn {
    /// Virtual log file.
    pub file: u32,
    /// Block in it.
    pub block: u32,
    /// Slot in the block.
    pub slot: u16,
}

impl Lsn {
    /// From ten bytes; zero means none.
    pub(crate) fn from_bytes(bytes: &Bytes<'_>, at: usize) -> Option<Lsn> {
        let lsn = Lsn { file: bytes.u32(at)?, block: bytes.u32(at + 4)?, slot: bytes.u16(at + 8)? };
        (lsn != Lsn { file: 0, block: 0, slot: 0 }).then_some(lsn)
    }

    pub(crate) fn to_bytes(self) -> [u8; 10] {
        let mut bytes = [0; 10];
        bytes[..4].copy_from_slice(&self.file.to_le_bytes());
        bytes[4..8].copy_from_slice(&self.block.to_le_bytes());
        bytes[8..].copy_from_slice(&self.slot.to_le_bytes());
        bytes
    }
}

/// The decimal form of RESTORE HEADERONLY: numeric(25,0).
impl fmt::Display for Lsn {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let number = u128::from(self.file) * 10_u128.pow(15)
            + u128::from(self.block) * 10_u128.pow(5)
            + u128::from(self.slot);
        write!(formatter, "{number}")
    }
}

/// A unique identifier, stored the way Windows does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Guid(pub [u8; 16]);

impl fmt::Display for Guid {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        const ORDER: [usize; 16] = [3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15];
        for (index, at) in ORDER.into_iter().enumerate() {
            if matches!(index, 4 | 6 | 8 | 10) {
                formatter.write_str("-")?;
            }
            write!(formatter, "{:02x}", self.0[at])?;
        }
        Ok(())
    }
}

/// Bytes read with bounds: everything beyond the end is `None`.
#[derive(Clone, Copy)]
pub(crate) struct Bytes<'a>(pub &'a [u8]);

impl<'a> Bytes<'a> {
    pub fn slice(&self, at: usize, length: usize) -> Option<&'a [u8]> {
        self.0.get(at..at.checked_add(length)?)
    }

    fn array<const N: usize>(&self, at: usize) -> Option<[u8; N]> {
        self.slice(at, N)?.try_into().ok()
    }

    pub fn u8(&self, at: usize) -> Option<u8> {
        self.0.get(at).copied()
    }

    pub fn u16(&self, at: usize) -> Option<u16> {
        self.array(at).map(u16::from_le_bytes)
    }

    pub fn u32(&self, at: usize) -> Option<u32> {
        self.array(at).map(u32::from_le_bytes)
    }

    pub fn u64(&self, at: usize) -> Option<u64> {
        self.array(at).map(u64::from_le_bytes)
    }

    pub fn date(&self, at: usize) -> Option<DateTime> {
        DateTime::from_bytes(self.array(at)?)
    }

    pub fn guid(&self, at: usize) -> Option<Guid> {
        self.array(at).map(Guid).filter(|guid| guid.0 != [0; 16])
    }

    /// UTF-16 text that a {length, offset} pair of 16-bit words at `at` points to. Empty means none.
    pub fn text(&self, at: usize) -> Option<String> {
        let (length, offset) = (usize::from(self.u16(at)?), usize::from(self.u16(at + 2)?));
        let units = self.slice(offset, length)?.chunks_exact(2);
        let units = units.map(|unit| u16::from_le_bytes([unit[0], unit[1]]));
        let text: String = char::decode_utf16(units).map(|unit| unit.unwrap_or('\u{FFFD}')).collect();
        let text = text.trim_end_matches('\0').to_owned();
        (!text.is_empty()).then_some(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_five_bytes() {
        let date = DateTime { year: 2019, month: 5, day: 2, hour: 21, minute: 0, second: 55 };
        assert_eq!(date.to_bytes(), [0x1F, 0x8D, 0x45, 0x50, 0x37]);
        assert_eq!(DateTime::from_bytes(date.to_bytes()), Some(date));
        assert_eq!(DateTime::from_bytes([0; 5]), None);
        assert_eq!(date.to_string(), "2019-05-02T21:00:55");
    }

    #[test]
    fn numbers_print_as_sql_server_prints_them() {
        assert_eq!(Lsn { file: 39, block: 488, slot: 71 }.to_string(), "39000000048800071");
        let largest = Lsn { file: u32::MAX, block: u32::MAX, slot: u16::MAX };
        assert_eq!(largest.to_string(), "4294967295429496729565535");
        let guid =
            Guid([0x51, 0x41, 0xc4, 0xc6, 0x2c, 0x8a, 0x6c, 0x4c, 0x9b, 0xf5, 0x2e, 2, 9, 0xc, 0x8e, 0xbc]);
        assert_eq!(guid.to_string(), "c6c44151-8a2c-4c6c-9bf5-2e02090c8ebc");
    }

    #[test]
    fn nothing_beyond_the_end_is_read() {
        let bytes = Bytes(&[4, 0, 255, 255, 1]);
        assert_eq!(bytes.text(0), None);
        assert_eq!(bytes.u32(2), None);
        assert_eq!(bytes.u64(usize::MAX), None);
    }
}
