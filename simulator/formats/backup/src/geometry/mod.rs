//! SQL Server's `geometry` and `geography` values: the CLR serialisation of \[MS-SSCLRT\] 2.1, read and written.
//!
//! - [`decode`] and [`encode`] turn stored bytes into a [`Geometry`] and back, versions 1 and 2.
//! - [`Geometry::to_wkt`] is the server's `ToString()`, [`Geometry::to_wkb`] its `AsBinaryZM()`.
//! - [`linear::linearise`] replaces arcs by chords, for formats that have none.
//!
//! **Axis order.** A stored `geography` has latitude first. Here x is always the longitude (easting) and y the
//! latitude (northing); [`decode`] and [`encode`] swap, nothing else does. WKT and WKB follow the model, as the
//! server's do.

mod decode;
mod encode;
mod error;
mod input;
pub mod linear;
mod model;
mod number;
mod parse;
mod tables;
mod wkb;
mod wkt;

pub use decode::{DEEPEST, decode};
pub use encode::encode;
pub use error::{DecodeError, EncodeError};
pub use model::{Geometry, Position, Ring, Section, Shape, SpatialType};
pub use parse::ParseError;

/// The property bits, the sixth byte of a value.
mod property {
    pub const Z: u8 = 0x01;
    pub const M: u8 = 0x02;
    pub const VALID: u8 = 0x04;
    pub const SINGLE_POINT: u8 = 0x08;
    pub const SINGLE_LINE: u8 = 0x10;
    /// Version 2 only.
    pub const LARGER_THAN_HEMISPHERE: u8 = 0x20;
}

/// What a figure is, in version 1: the role of a ring. Readers go by the shape's type instead.
mod role {
    pub const INTERIOR_RING: u8 = 0;
    pub const STROKE: u8 = 1;
    pub const EXTERIOR_RING: u8 = 2;
}

/// What a figure is, in version 2: how its points are joined.
mod joined {
    pub const POINT: u8 = 0;
    pub const LINE: u8 = 1;
    pub const ARC: u8 = 2;
    pub const COMPOSITE: u8 = 3;
}

/// A segment of a composite figure.
mod segment {
    pub const LINE: u8 = 0;
    pub const ARC: u8 = 1;
    pub const FIRST_LINE: u8 = 2;
    pub const FIRST_ARC: u8 = 3;
}

/// OpenGIS types as the shape table numbers them; well-known binary has the same numbers up to 10.
mod kind {
    pub const POINT: u8 = 1;
    pub const LINE_STRING: u8 = 2;
    pub const POLYGON: u8 = 3;
    pub const MULTI_POINT: u8 = 4;
    pub const MULTI_LINE_STRING: u8 = 5;
    pub const MULTI_POLYGON: u8 = 6;
    pub const GEOMETRY_COLLECTION: u8 = 7;
    pub const CIRCULAR_STRING: u8 = 8;
    pub const COMPOUND_CURVE: u8 = 9;
    pub const CURVE_POLYGON: u8 = 10;
    pub const FULL_GLOBE: u8 = 11;
}
