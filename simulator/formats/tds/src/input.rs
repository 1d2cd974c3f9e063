//! Bytes of a message, read with bounds.

use crate::error::ProtocolError;

/// A message and the place reached in it.
#[derive(Clone, Debug)]
pub(crate) struct Input<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Input<'a> {
    pub fn new(bytes: &'a [u8]) -> Input<'a> {
        Input { bytes, at: 0 }
    }

    /// The place reached.
    pub fn at(&self) -> usize {
        self.at
    }

    /// What has not been read.
    pub fn rest(&self) -> &'a [u8] {
        self.bytes.get(self.at..).unwrap_or_default()
    }

    pub fn is_empty(&self) -> bool {
        self.rest().is_empty()
    }

    pub fn take(&mut self, length: usize, what: &'static str) -> Result<&'a [u8], ProtocolError> {
        let rest = self.rest();
        let taken = rest.get(..length).ok_or(ProtocolError::Ended {
            what,
            at: self.at,
            expected: length,
            got: rest.len(),
        })?;
        self.at += length;
        Ok(taken)
    }

    /// Bytes that are anywhere in the message, as offsets in headers point to them.
    pub fn slice(&self, at: usize, length: usize, what: &'static str) -> Result<&'a [u8], ProtocolError> {
        let end = at.saturating_add(length);
        self.bytes.get(at..end).ok_or(ProtocolError::Ended {
            what,
            at,
            expected: length,
            got: self.bytes.len().saturating_sub(at),
        })
    }

    pub fn array<const N: usize>(&mut self, what: &'static str) -> Result<[u8; N], ProtocolError> {
        let mut array = [0; N];
        array.copy_from_slice(self.take(N, what)?);
        Ok(array)
    }

    pub fn u8(&mut self, what: &'static str) -> Result<u8, ProtocolError> {
        Ok(u8::from_le_bytes(self.array(what)?))
    }

    pub fn u16(&mut self, what: &'static str) -> Result<u16, ProtocolError> {
        Ok(u16::from_le_bytes(self.array(what)?))
    }

    /// In network order, as packet headers and PRELOGIN have it.
    pub fn u16_big(&mut self, what: &'static str) -> Result<u16, ProtocolError> {
        Ok(u16::from_be_bytes(self.array(what)?))
    }

    pub fn u32(&mut self, what: &'static str) -> Result<u32, ProtocolError> {
        Ok(u32::from_le_bytes(self.array(what)?))
    }

    pub fn i32(&mut self, what: &'static str) -> Result<i32, ProtocolError> {
        Ok(i32::from_le_bytes(self.array(what)?))
    }

    pub fn u64(&mut self, what: &'static str) -> Result<u64, ProtocolError> {
        Ok(u64::from_le_bytes(self.array(what)?))
    }

    /// So many bytes as a 32-bit length says.
    pub fn length32(&mut self, what: &'static str) -> Result<usize, ProtocolError> {
        // What does not fit is beyond every message's end.
        Ok(usize::try_from(self.u32(what)?).unwrap_or(usize::MAX))
    }

    /// UTF-16 with its length in units before it, in one byte.
    pub fn b_varchar(&mut self, what: &'static str) -> Result<String, ProtocolError> {
        let units = usize::from(self.u8(what)?);
        Ok(utf16(self.take(units * 2, what)?))
    }

    /// UTF-16 with its length in units before it, in two bytes.
    pub fn us_varchar(&mut self, what: &'static str) -> Result<String, ProtocolError> {
        let units = usize::from(self.u16(what)?);
        Ok(utf16(self.take(units * 2, what)?))
    }

    /// An error about a value that begins so many bytes before the place reached.
    pub fn wrong(
        &self,
        what: &'static str,
        expected: &'static str,
        got: impl ToString,
        back: usize,
    ) -> ProtocolError {
        ProtocolError::Wrong { what, expected, got: got.to_string(), at: self.at.saturating_sub(back) }
    }
}

/// Text of UTF-16, lowest byte first. What is not well formed becomes U+FFFD; an odd last byte is dropped.
pub(crate) fn utf16(bytes: &[u8]) -> String {
    let units = bytes.chunks_exact(2).map(|unit| match unit {
        [low, high] => u16::from_le_bytes([*low, *high]),
        _ => 0xFFFD,
    });
    char::decode_utf16(units).map(|unit| unit.unwrap_or(char::REPLACEMENT_CHARACTER)).collect()
}
