//! Shapes to bytes, in the version and form that SQL Server chooses.

use super::error::EncodeError;
use super::model::{Geometry, Position, Ring, Section, Shape, SpatialType};
use super::{DEEPEST, joined, property, role, segment};

/// NULL among elevations or measures: the not-a-number of .NET, whose sign is set.
const NULL: f64 = f64::from_bits(0xFFF8_0000_0000_0000);

/// Writes a value as SQL Server stores it: a point and a line of two points in the short forms, version 2 only
/// where version 1 cannot hold the shape.
///
/// # Errors
/// What has no stored form: see [`EncodeError`].
pub fn encode(geometry: &Geometry, spatial_type: SpatialType) -> Result<Vec<u8>, EncodeError> {
    let curved = geometry.shape.is_curved() || geometry.shape == Shape::FullGlobe;
    let version = if curved || geometry.larger_than_hemisphere { 2 } else { 1 };
    let (z, m) = geometry.has_z_m();
    let mut properties = 0;
    for (bit, set) in [
        (property::Z, z),
        (property::M, m),
        (property::VALID, geometry.valid),
        (property::LARGER_THAN_HEMISPHERE, geometry.larger_than_hemisphere),
    ] {
        properties |= if set { bit } else { 0 };
    }
    let mut body = Body { spatial_type, properties, output: Vec::new() };
    match &geometry.shape {
        Shape::Point(Some(position)) if version == 1 => {
            body.header(geometry.srid, version, properties | property::SINGLE_POINT);
            body.positions(&[*position])?;
        }
        Shape::LineString(positions) if version == 1 && positions.len() == 2 => {
            body.header(geometry.srid, version, properties | property::SINGLE_LINE);
            body.positions(positions)?;
        }
        shape => {
            let mut tables = Tables { version, ..Tables::default() };
            tables.shape(shape, None, 0)?;
            if matches!(shape, Shape::FullGlobe) && spatial_type == SpatialType::Geometry {
                return Err(EncodeError::FullGlobe);
            }
            body.header(geometry.srid, version, properties);
            body.tables(&tables)?;
        }
    }
    Ok(body.output)
}

/// The tables while they grow.
#[derive(Default)]
struct Tables {
    version: u8,
    points: Vec<Position>,
    /// Attribute and first point.
    figures: Vec<(u8, usize)>,
    /// Parent, first figure, type.
    shapes: Vec<(Option<usize>, Option<usize>, u8)>,
    segments: Vec<u8>,
}

impl Tables {
    /// Lays a shape and its members out, depth first.
    fn shape(&mut self, shape: &Shape, parent: Option<usize>, depth: usize) -> Result<(), EncodeError> {
        if depth > DEEPEST {
            return Err(EncodeError::TooDeep);
        }
        if *shape == Shape::FullGlobe && parent.is_some() {
            return Err(EncodeError::FullGlobe);
        }
        let (index, figure) = (self.shapes.len(), self.figures.len());
        self.shapes.push((parent, Some(figure), shape.kind()));
        match shape {
            Shape::Point(position) => self.strokes(position.as_slice()),
            Shape::LineString(positions) => self.strokes(positions),
            Shape::CircularString(positions) if positions.is_empty() => {}
            Shape::CircularString(positions) => self.arc(positions)?,
            Shape::CompoundCurve(sections) if sections.is_empty() => {}
            Shape::CompoundCurve(sections) => self.compound(sections)?,
            Shape::Polygon(rings) => self.rings(rings),
            Shape::CurvePolygon(rings) => rings.iter().try_for_each(|ring| self.ring(ring))?,
            Shape::MultiPoint(points) => {
                for point in points {
                    self.shape(&Shape::Point(*point), Some(index), depth + 1)?;
                }
            }
            Shape::MultiLineString(lines) => {
                for line in lines {
                    self.shape(&Shape::LineString(line.clone()), Some(index), depth + 1)?;
                }
            }
            Shape::MultiPolygon(polygons) => {
                for rings in polygons {
                    self.shape(&Shape::Polygon(rings.clone()), Some(index), depth + 1)?;
                }
            }
            Shape::GeometryCollection(members) => {
                for member in members {
                    self.shape(member, Some(index), depth + 1)?;
                }
            }
            Shape::FullGlobe => {}
        }
        if self.figures.len() == figure {
            self.shapes[index].1 = None;
        }
        Ok(())
    }

    fn figure(&mut self, attribute: u8, positions: &[Position]) {
        self.figures.push((attribute, self.points.len()));
        self.points.extend_from_slice(positions);
    }

    /// A point or line; nothing when it is empty.
    fn strokes(&mut self, positions: &[Position]) {
        if !positions.is_empty() {
            self.figure(if self.version == 1 { role::STROKE } else { joined::LINE }, positions);
        }
    }

    fn rings(&mut self, rings: &[Vec<Position>]) {
        for (index, ring) in rings.iter().enumerate() {
            let attribute = match (self.version, index) {
                (1, 0) => role::EXTERIOR_RING,
                (1, _) => role::INTERIOR_RING,
                _ => joined::LINE,
            };
            self.figure(attribute, ring);
        }
    }

    fn ring(&mut self, ring: &Ring) -> Result<(), EncodeError> {
        match ring {
            Ring::Plain(Section::Line(positions)) => {
                self.figure(joined::LINE, positions);
                Ok(())
            }
            Ring::Plain(Section::Arc(positions)) => self.arc(positions),
            Ring::Compound(sections) => self.compound(sections),
        }
    }

    fn arc(&mut self, positions: &[Position]) -> Result<(), EncodeError> {
        check_arc(positions)?;
        self.figure(joined::ARC, positions);
        Ok(())
    }

    /// The point that two sections share is stored once.
    fn compound(&mut self, sections: &[Section]) -> Result<(), EncodeError> {
        self.figure(joined::COMPOSITE, &[]);
        let mut end: Option<Position> = None;
        for (index, section) in sections.iter().enumerate() {
            let positions = section.positions();
            let (first, following, step) = match section {
                Section::Line(_) if positions.len() < 2 => {
                    return Err(EncodeError::LinePoints(positions.len()));
                }
                Section::Line(_) => (segment::FIRST_LINE, segment::LINE, 1),
                Section::Arc(_) => (segment::FIRST_ARC, segment::ARC, 2),
            };
            if step == 2 {
                check_arc(positions)?;
            }
            match end {
                None => self.points.extend_from_slice(positions),
                Some(end) if end == positions[0] => self.points.extend_from_slice(&positions[1..]),
                Some(_) => return Err(EncodeError::Apart { section: index }),
            }
            let count = (positions.len() - 1) / step;
            self.segments.push(first);
            self.segments.extend(std::iter::repeat_n(following, count - 1));
            end = positions.last().copied();
        }
        Ok(())
    }
}

fn check_arc(positions: &[Position]) -> Result<(), EncodeError> {
    let whole = positions.len() >= 3 && positions.len() % 2 == 1;
    whole.then_some(()).ok_or(EncodeError::ArcPoints(positions.len()))
}

/// The value's bytes while they grow.
struct Body {
    spatial_type: SpatialType,
    properties: u8,
    output: Vec<u8>,
}

impl Body {
    fn header(&mut self, srid: i32, version: u8, properties: u8) {
        self.output.extend(srid.to_le_bytes());
        self.output.extend([version, properties]);
    }

    fn tables(&mut self, tables: &Tables) -> Result<(), EncodeError> {
        self.count(tables.points.len())?;
        self.positions(&tables.points)?;
        self.count(tables.figures.len())?;
        for (attribute, start) in &tables.figures {
            self.output.push(*attribute);
            self.count(*start)?;
        }
        self.count(tables.shapes.len())?;
        for (parent, figure, kind) in &tables.shapes {
            self.index(*parent)?;
            self.index(*figure)?;
            self.output.push(*kind);
        }
        // The table is there whenever a figure is composite, even one of no points at all.
        if tables.version == 2 && tables.figures.iter().any(|(attribute, _)| *attribute == joined::COMPOSITE)
        {
            self.count(tables.segments.len())?;
            self.output.extend(&tables.segments);
        }
        Ok(())
    }

    fn count(&mut self, count: usize) -> Result<(), EncodeError> {
        let count = i32::try_from(count).map_err(|_| EncodeError::TooMany)?;
        self.output.extend(count.to_le_bytes());
        Ok(())
    }

    fn index(&mut self, index: Option<usize>) -> Result<(), EncodeError> {
        match index {
            Some(index) => self.count(index),
            None => {
                self.output.extend((-1_i32).to_le_bytes());
                Ok(())
            }
        }
    }

    /// Pairs of all points, then the elevations of all, then the measures of all; NULL is not-a-number.
    fn positions(&mut self, positions: &[Position]) -> Result<(), EncodeError> {
        for Position { x, y, .. } in positions {
            if !x.is_finite() || !y.is_finite() {
                return Err(EncodeError::NotFinite);
            }
            let (first, second) = match self.spatial_type {
                SpatialType::Geometry => (x, y),
                SpatialType::Geography => (y, x),
            };
            self.output.extend(first.to_le_bytes());
            self.output.extend(second.to_le_bytes());
        }
        if self.properties & property::Z != 0 {
            self.optional(positions.iter().map(|position| position.z))?;
        }
        if self.properties & property::M != 0 {
            self.optional(positions.iter().map(|position| position.m))?;
        }
        Ok(())
    }

    fn optional(&mut self, ordinates: impl Iterator<Item = Option<f64>>) -> Result<(), EncodeError> {
        for ordinate in ordinates {
            if ordinate.is_some_and(|ordinate| !ordinate.is_finite()) {
                return Err(EncodeError::NotFinite);
            }
            self.output.extend(ordinate.unwrap_or(NULL).to_le_bytes());
        }
        Ok(())
    }
}
