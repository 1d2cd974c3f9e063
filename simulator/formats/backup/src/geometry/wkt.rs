//! Well-known text as SQL Server writes it.

use super::model::{Geometry, Position, Ring, Section, Shape};
use super::number::round_trip;

impl Geometry {
    /// `ToString()` and `AsTextZM()`: with elevations and measures, each position for itself.
    pub fn to_wkt(&self) -> String {
        text(&self.shape, true)
    }

    /// `STAsText()`: x and y only.
    pub fn to_wkt_2d(&self) -> String {
        text(&self.shape, false)
    }
}

fn text(shape: &Shape, z_m: bool) -> String {
    let mut writer = Writer { output: String::new(), z_m };
    writer.shape(shape);
    writer.output
}

struct Writer {
    output: String,
    z_m: bool,
}

impl Writer {
    fn shape(&mut self, shape: &Shape) {
        match shape {
            Shape::Point(position) => {
                self.name("POINT ");
                self.list(position.as_slice(), Writer::position);
            }
            Shape::LineString(positions) => {
                self.name("LINESTRING ");
                self.list(positions, Writer::position);
            }
            Shape::CircularString(positions) => {
                self.name("CIRCULARSTRING ");
                self.list(positions, Writer::position);
            }
            Shape::CompoundCurve(sections) => {
                self.name("COMPOUNDCURVE ");
                self.list(sections, Writer::section);
            }
            Shape::Polygon(rings) => {
                self.name("POLYGON ");
                self.list(rings, |writer, ring| writer.positions(ring));
            }
            Shape::CurvePolygon(rings) => {
                self.name("CURVEPOLYGON ");
                self.list(rings, Writer::ring);
            }
            Shape::MultiPoint(points) => {
                self.name("MULTIPOINT ");
                self.list(points, |writer, point| writer.list(point.as_slice(), Writer::position));
            }
            Shape::MultiLineString(lines) => {
                self.name("MULTILINESTRING ");
                self.list(lines, |writer, line| writer.positions(line));
            }
            Shape::MultiPolygon(polygons) => {
                self.name("MULTIPOLYGON ");
                self.list(polygons, |writer, rings| {
                    writer.list(rings, |writer, ring| writer.positions(ring))
                });
            }
            Shape::GeometryCollection(members) => {
                self.name("GEOMETRYCOLLECTION ");
                self.list(members, Writer::shape);
            }
            Shape::FullGlobe => self.name("FULLGLOBE"),
        }
    }

    fn name(&mut self, name: &str) {
        self.output.push_str(name);
    }

    /// `(a, b)`, or `EMPTY`.
    fn list<T>(&mut self, items: &[T], write: impl Fn(&mut Self, &T)) {
        if items.is_empty() {
            return self.name("EMPTY");
        }
        for (index, item) in items.iter().enumerate() {
            self.name(if index == 0 { "(" } else { ", " });
            write(self, item);
        }
        self.name(")");
    }

    fn positions(&mut self, positions: &[Position]) {
        self.list(positions, Writer::position);
    }

    fn ring(&mut self, ring: &Ring) {
        match ring {
            Ring::Plain(section) => self.section(section),
            Ring::Compound(sections) => {
                self.name("COMPOUNDCURVE ");
                self.list(sections, Writer::section);
            }
        }
    }

    fn section(&mut self, section: &Section) {
        if let Section::Arc(_) = section {
            self.name("CIRCULARSTRING ");
        }
        self.list(section.positions(), Writer::position);
    }

    fn position(&mut self, position: &Position) {
        self.name(&round_trip(position.x));
        self.name(" ");
        self.name(&round_trip(position.y));
        let (z, m) = if self.z_m { (position.z, position.m) } else { (None, None) };
        if z.is_some() || m.is_some() {
            self.name(" ");
            self.name(&z.map_or_else(|| "NULL".to_owned(), round_trip));
        }
        if let Some(m) = m {
            self.name(" ");
            self.name(&round_trip(m));
        }
    }
}
