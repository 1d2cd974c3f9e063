//! Why a spatial value cannot be read, or a shape not be stored.

use std::fmt;

/// Why bytes are no spatial value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DecodeError {
    /// Byte of the value where it stops making sense.
    pub offset: usize,
    /// What should be there.
    pub expected: String,
    /// What is there.
    pub got: String,
}

impl DecodeError {
    pub(super) fn new(offset: usize, expected: impl Into<String>, got: impl fmt::Display) -> DecodeError {
        DecodeError { offset, expected: expected.into(), got: got.to_string() }
    }
}

impl fmt::Display for DecodeError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let DecodeError { offset, expected, got } = self;
        write!(formatter, "spatial value, byte {offset}: expected {expected}, got {got}")
    }
}

impl std::error::Error for DecodeError {}

/// Why a shape has no stored form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EncodeError {
    /// An x or y that is no number, or an infinite z or m.
    NotFinite,
    /// An arc needs an odd number of points, three at least.
    ArcPoints(usize),
    /// A line inside a compound curve needs two points.
    LinePoints(usize),
    /// A section of a compound curve begins where the one before it does not end.
    Apart {
        /// Which section, from 0.
        section: usize,
    },
    /// FullGlobe inside a collection, or as `geometry`.
    FullGlobe,
    /// More points, figures, shapes or segments than a 32-bit count holds.
    TooMany,
    /// Collections within collections beyond [`DEEPEST`](super::DEEPEST).
    TooDeep,
}

impl fmt::Display for EncodeError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            EncodeError::NotFinite => formatter.write_str("a coordinate is not a finite number"),
            EncodeError::ArcPoints(points) => {
                write!(formatter, "an arc needs an odd number of points, at least 3, got {points}")
            }
            EncodeError::LinePoints(points) => {
                write!(formatter, "a line in a compound curve needs at least 2 points, got {points}")
            }
            EncodeError::Apart { section } => {
                write!(
                    formatter,
                    "section {section} of a compound curve begins where the one before it does not end"
                )
            }
            EncodeError::FullGlobe => formatter
                .write_str("FULLGLOBE is a whole geography, neither a geometry nor part of a collection"),
            EncodeError::TooMany => {
                formatter.write_str("more than 2,147,483,647 points, figures, shapes or segments")
            }
            EncodeError::TooDeep => {
                write!(formatter, "collections nest deeper than {} levels", super::DEEPEST)
            }
        }
    }
}

impl std::error::Error for EncodeError {}
