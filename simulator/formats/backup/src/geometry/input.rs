//! Reading a spatial value: bytes with a place, bounded before every step.

use super::error::DecodeError;
use super::model::{Position, SpatialType};
use super::property;

/// The bytes and how far they are read.
pub struct Input<'a> {
    pub bytes: &'a [u8],
    pub at: usize,
}

impl<'a> Input<'a> {
    fn take(&mut self, length: usize, what: &str) -> Result<&'a [u8], DecodeError> {
        let end = self.at.checked_add(length).filter(|end| *end <= self.bytes.len());
        let Some(end) = end else {
            let left = self.bytes.len() - self.at;
            let expected = format!("{length} bytes of {what}");
            return Err(DecodeError::new(self.at, expected, format!("{left} until the end")));
        };
        let slice = &self.bytes[self.at..end];
        self.at = end;
        Ok(slice)
    }

    fn array<const N: usize>(&mut self, what: &str) -> Result<[u8; N], DecodeError> {
        let mut array = [0; N];
        array.copy_from_slice(self.take(N, what)?);
        Ok(array)
    }

    pub fn u8(&mut self, what: &str) -> Result<u8, DecodeError> {
        self.array(what).map(|[byte]| byte)
    }

    pub fn i32(&mut self, what: &str) -> Result<i32, DecodeError> {
        self.array(what).map(i32::from_le_bytes)
    }

    /// A count of things of `each` bytes, which must all fit in what follows.
    pub fn count(&mut self, what: &str, each: usize) -> Result<usize, DecodeError> {
        let at = self.at;
        let count = u32::from_le_bytes(self.array(what)?) as usize;
        let most = (self.bytes.len() - self.at) / each;
        if count > most {
            let expected =
                format!("at most {most} {what} in the {} bytes that follow", self.bytes.len() - self.at);
            return Err(DecodeError::new(at, expected, count));
        }
        Ok(count)
    }

    /// An index below `end`, or −1 for none.
    pub fn index(&mut self, what: &str, end: usize) -> Result<Option<usize>, DecodeError> {
        let at = self.at;
        match self.i32(what)? {
            -1 => Ok(None),
            index => match usize::try_from(index) {
                Ok(index) if index < end => Ok(Some(index)),
                _ => Err(DecodeError::new(at, format!("{what} below {end}, or -1"), index)),
            },
        }
    }

    /// Pairs of all points, then the elevations of all, then the measures of all.
    pub fn positions(
        &mut self,
        count: usize,
        properties: u8,
        spatial_type: SpatialType,
    ) -> Result<Vec<Position>, DecodeError> {
        let mut positions = Vec::with_capacity(count.min(self.bytes.len() / 16));
        for _ in 0..count {
            let first = self.finite("a coordinate")?;
            let second = self.finite("a coordinate")?;
            let (x, y) = match spatial_type {
                SpatialType::Geometry => (first, second),
                SpatialType::Geography => (second, first),
            };
            positions.push(Position::xy(x, y));
        }
        if properties & property::Z != 0 {
            for position in &mut positions {
                position.z = self.optional("an elevation")?;
            }
        }
        if properties & property::M != 0 {
            for position in &mut positions {
                position.m = self.optional("a measure")?;
            }
        }
        Ok(positions)
    }

    fn finite(&mut self, what: &str) -> Result<f64, DecodeError> {
        let at = self.at;
        let number = f64::from_le_bytes(self.array(what)?);
        let wrong = || DecodeError::new(at, format!("{what} that is a finite number"), number);
        number.is_finite().then_some(number).ok_or_else(wrong)
    }

    /// NULL is stored as not-a-number.
    fn optional(&mut self, what: &str) -> Result<Option<f64>, DecodeError> {
        let at = self.at;
        let number = f64::from_le_bytes(self.array(what)?);
        if number.is_infinite() {
            return Err(DecodeError::new(at, format!("{what} that is finite, or NaN for NULL"), number));
        }
        Ok((!number.is_nan()).then_some(number))
    }
}

/// Bytes of a point with the ordinates that the properties tell of.
pub fn point_bytes(properties: u8) -> usize {
    16 + 8 * (properties & (property::Z | property::M)).count_ones() as usize
}
