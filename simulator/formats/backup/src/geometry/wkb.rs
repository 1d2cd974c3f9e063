//! Well-known binary: ISO 13249-3, with 1000 added for z and 2000 for m, little-endian, as `AsBinaryZM()` writes it.

use super::kind;
use super::model::{Geometry, Position, Ring, Section, Shape};

/// The type that SQL Server gives FULLGLOBE; no standard knows it.
const FULL_GLOBE: u32 = 126;

impl Geometry {
    /// `AsBinaryZM()`. An absent ordinate where another position has one is not-a-number, as is an empty point.
    pub fn to_wkb(&self) -> Vec<u8> {
        let (z, m) = self.has_z_m();
        let mut writer = Writer { output: Vec::new(), z, m };
        writer.shape(&self.shape);
        writer.output
    }

    /// `STAsBinary()`: x and y only.
    pub fn to_wkb_2d(&self) -> Vec<u8> {
        let mut writer = Writer { output: Vec::new(), z: false, m: false };
        writer.shape(&self.shape);
        writer.output
    }
}

struct Writer {
    output: Vec<u8>,
    z: bool,
    m: bool,
}

impl Writer {
    fn shape(&mut self, shape: &Shape) {
        match shape {
            Shape::FullGlobe => {
                self.output.push(1);
                self.output.extend(FULL_GLOBE.to_le_bytes());
                return;
            }
            _ => self.header(shape.kind()),
        }
        match shape {
            Shape::Point(position) => {
                self.position(position.as_ref().unwrap_or(&Position::xy(f64::NAN, f64::NAN)));
            }
            Shape::LineString(positions) | Shape::CircularString(positions) => self.positions(positions),
            Shape::CompoundCurve(sections) => self.list(sections, Writer::section),
            Shape::Polygon(rings) => self.list(rings, |writer, ring| writer.positions(ring)),
            Shape::CurvePolygon(rings) => self.list(rings, Writer::ring),
            Shape::MultiPoint(points) => {
                self.list(points, |writer, point| writer.shape(&Shape::Point(*point)));
            }
            Shape::MultiLineString(lines) => self.list(lines, |writer, line| {
                writer.header(kind::LINE_STRING);
                writer.positions(line);
            }),
            Shape::MultiPolygon(polygons) => self.list(polygons, |writer, rings| {
                writer.header(kind::POLYGON);
                writer.list(rings, |writer, ring| writer.positions(ring));
            }),
            Shape::GeometryCollection(members) => self.list(members, Writer::shape),
            Shape::FullGlobe => {}
        }
    }

    fn header(&mut self, kind: u8) {
        let number = u32::from(kind) + u32::from(self.z) * 1000 + u32::from(self.m) * 2000;
        self.output.push(1);
        self.output.extend(number.to_le_bytes());
    }

    fn list<T>(&mut self, items: &[T], write: impl Fn(&mut Self, &T)) {
        self.output.extend((items.len() as u32).to_le_bytes());
        for item in items {
            write(self, item);
        }
    }

    fn positions(&mut self, positions: &[Position]) {
        self.list(positions, Writer::position);
    }

    fn ring(&mut self, ring: &Ring) {
        match ring {
            Ring::Plain(section) => self.section(section),
            Ring::Compound(sections) => {
                self.header(kind::COMPOUND_CURVE);
                self.list(sections, Writer::section);
            }
        }
    }

    fn section(&mut self, section: &Section) {
        self.header(match section {
            Section::Line(_) => kind::LINE_STRING,
            Section::Arc(_) => kind::CIRCULAR_STRING,
        });
        self.positions(section.positions());
    }

    fn position(&mut self, position: &Position) {
        let z = self.z.then_some(position.z.unwrap_or(f64::NAN));
        let m = self.m.then_some(position.m.unwrap_or(f64::NAN));
        for ordinate in [Some(position.x), Some(position.y), z, m].into_iter().flatten() {
            self.output.extend(ordinate.to_le_bytes());
        }
    }
}
