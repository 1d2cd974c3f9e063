//! Bytes to shapes: the header, then the tree that the tables describe.

use super::error::DecodeError;
use super::input::Input;
use super::model::{Geometry, Position, Ring, Section, Shape, SpatialType};
use super::tables::{self, Entry, Figure};
use super::{kind, property};

/// Deepest nesting of collections. Each level costs stack wherever a shape is walked; data has one or two.
pub const DEEPEST: usize = 64;

/// Reads a stored value. The four bytes of SRID −1 are how the type itself spells NULL: `None`.
///
/// # Errors
/// Whatever is not a whole value of version 1 or 2, with the byte where it stops being one.
pub fn decode(bytes: &[u8], spatial_type: SpatialType) -> Result<Option<Geometry>, DecodeError> {
    let mut input = Input { bytes, at: 0 };
    let srid = input.i32("a spatial reference identifier")?;
    if srid == -1 && bytes.len() == 4 {
        return Ok(None);
    }
    let version = input.u8("a version")?;
    if !matches!(version, 1 | 2) {
        return Err(DecodeError::new(4, "version 1 or 2", version));
    }
    let properties = input.u8("properties")?;
    let known = if version == 1 { 0x1F } else { 0x3F };
    if properties & !known != 0 {
        let expected = format!("no property bits but 0x{known:02X}");
        return Err(DecodeError::new(5, expected, format!("0x{properties:02X}")));
    }
    let short = properties & (property::SINGLE_POINT | property::SINGLE_LINE);
    let shape = match short {
        0 => {
            let (entries, figures) = tables::read(&mut input, version, properties, spatial_type)?;
            assemble(&entries, figures, spatial_type)?
        }
        property::SINGLE_POINT => Shape::Point(input.positions(1, properties, spatial_type)?.pop()),
        property::SINGLE_LINE => Shape::LineString(input.positions(2, properties, spatial_type)?),
        _ => return Err(DecodeError::new(5, "a single point or a single line", "both")),
    };
    if input.at != bytes.len() {
        let got = format!("{} bytes more", bytes.len() - input.at);
        return Err(DecodeError::new(input.at, "the end of the value", got));
    }
    Ok(Some(Geometry {
        srid,
        valid: properties & property::VALID != 0,
        larger_than_hemisphere: properties & property::LARGER_THAN_HEMISPHERE != 0,
        shape,
    }))
}

/// Gives each shape its figures and its members. Members follow their parents, so the last shape is built first.
fn assemble(
    entries: &[Entry],
    mut figures: Vec<Figure>,
    spatial_type: SpatialType,
) -> Result<Shape, DecodeError> {
    check_nesting(entries)?;
    let mut starts: Vec<usize> =
        entries.iter().filter(|entry| !entry.is_collection()).filter_map(|entry| entry.figure).collect();
    starts.sort_unstable();
    if starts.first().unwrap_or(&figures.len()) != &0 && !figures.is_empty() {
        return Err(DecodeError::new(figures[0].at, "a shape for each figure", "none for the first"));
    }
    let mut members: Vec<Vec<Shape>> = entries.iter().map(|_| Vec::new()).collect();
    for index in (0..entries.len()).rev() {
        let entry = &entries[index];
        let inside: Vec<Shape> = std::mem::take(&mut members[index]).into_iter().rev().collect();
        let shape = if entry.is_collection() {
            collection(entry, inside)?
        } else {
            let own = match entry.figure {
                None => &mut [][..],
                Some(start) => {
                    let after = starts.partition_point(|other| other <= &start);
                    if after >= 2 && starts[after - 2] == start {
                        return Err(DecodeError::new(entry.at + 4, "a figure of its own", start));
                    }
                    let end = starts.get(after).copied().unwrap_or(figures.len());
                    &mut figures[start..end]
                }
            };
            leaf(entry, own, spatial_type)?
        };
        match entry.parent {
            Some(parent) => members[parent].push(shape),
            None => return Ok(shape),
        }
    }
    Err(DecodeError::new(0, "a first shape", "none"))
}

fn check_nesting(entries: &[Entry]) -> Result<(), DecodeError> {
    let mut depths: Vec<usize> = Vec::with_capacity(entries.len());
    for entry in entries {
        let depth = entry.parent.map_or(0, |parent| depths[parent] + 1);
        if depth > DEEPEST {
            let expected = format!("collections nested at most {DEEPEST} deep");
            return Err(DecodeError::new(entry.at, expected, "a deeper one"));
        }
        if let Some(parent) = entry.parent.map(|parent| &entries[parent]) {
            let holds = match parent.kind {
                kind::MULTI_POINT => entry.kind == kind::POINT,
                kind::MULTI_LINE_STRING => entry.kind == kind::LINE_STRING,
                kind::MULTI_POLYGON => entry.kind == kind::POLYGON,
                kind::GEOMETRY_COLLECTION => entry.kind != kind::FULL_GLOBE,
                _ => false,
            };
            if !holds {
                let expected = format!("a member that type {} can have", parent.kind);
                return Err(DecodeError::new(entry.at + 8, expected, format!("type {}", entry.kind)));
            }
        }
        depths.push(depth);
    }
    Ok(())
}

fn collection(entry: &Entry, members: Vec<Shape>) -> Result<Shape, DecodeError> {
    let points = |shape| match shape {
        Shape::Point(position) => Some(position),
        _ => None,
    };
    let lines = |shape| match shape {
        Shape::LineString(positions) => Some(positions),
        _ => None,
    };
    let polygons = |shape| match shape {
        Shape::Polygon(rings) => Some(rings),
        _ => None,
    };
    let members = members.into_iter();
    Ok(match entry.kind {
        kind::MULTI_POINT => Shape::MultiPoint(members.filter_map(points).collect()),
        kind::MULTI_LINE_STRING => Shape::MultiLineString(members.filter_map(lines).collect()),
        kind::MULTI_POLYGON => Shape::MultiPolygon(members.filter_map(polygons).collect()),
        _ => Shape::GeometryCollection(members.collect()),
    })
}

fn leaf(entry: &Entry, figures: &mut [Figure], spatial_type: SpatialType) -> Result<Shape, DecodeError> {
    let most = match entry.kind {
        kind::POLYGON | kind::CURVE_POLYGON => usize::MAX,
        kind::FULL_GLOBE => 0,
        _ => 1,
    };
    if figures.len() > most {
        let expected = format!("at most {most} figures for a shape of type {}", entry.kind);
        return Err(DecodeError::new(entry.at + 4, expected, figures.len()));
    }
    let mut rings = figures
        .iter_mut()
        .map(|figure| (figure.at, std::mem::replace(&mut figure.ring, Ring::Compound(Vec::new()))));
    match entry.kind {
        kind::POINT => match rings.next() {
            None => Ok(Shape::Point(None)),
            Some((at, ring)) => match straight(at, ring)?[..] {
                [position] => Ok(Shape::Point(Some(position))),
                ref positions => Err(DecodeError::new(at, "one position for a point", positions.len())),
            },
        },
        kind::LINE_STRING => {
            let ring = rings.next().map(|(at, ring)| straight(at, ring)).transpose()?;
            Ok(Shape::LineString(ring.unwrap_or_default()))
        }
        kind::CIRCULAR_STRING => match rings.next() {
            None => Ok(Shape::CircularString(Vec::new())),
            Some((_, Ring::Plain(Section::Arc(positions)))) => Ok(Shape::CircularString(positions)),
            Some((at, _)) => Err(DecodeError::new(at, "an arc for a circular string", "another figure")),
        },
        kind::COMPOUND_CURVE => match rings.next() {
            None => Ok(Shape::CompoundCurve(Vec::new())),
            Some((_, Ring::Compound(sections))) => Ok(Shape::CompoundCurve(sections)),
            Some((_, Ring::Plain(section))) if section.positions().len() >= 2 => {
                Ok(Shape::CompoundCurve(vec![section]))
            }
            Some((at, _)) => Err(DecodeError::new(at, "at least 2 points for a compound curve", "fewer")),
        },
        kind::POLYGON => {
            Ok(Shape::Polygon(rings.map(|(at, ring)| straight(at, ring)).collect::<Result<_, _>>()?))
        }
        kind::CURVE_POLYGON => Ok(Shape::CurvePolygon(rings.map(|(_, ring)| ring).collect())),
        kind::FULL_GLOBE if spatial_type == SpatialType::Geography => Ok(Shape::FullGlobe),
        kind::FULL_GLOBE => Err(DecodeError::new(entry.at + 8, "a shape of a geometry", "FULLGLOBE")),
        other => Err(DecodeError::new(entry.at + 8, "a shape of type 1 to 11", other)),
    }
}

fn straight(at: usize, ring: Ring) -> Result<Vec<Position>, DecodeError> {
    match ring {
        Ring::Plain(Section::Line(positions)) => Ok(positions),
        _ => Err(DecodeError::new(at, "straight lines for a shape without curves", "an arc")),
    }
}
