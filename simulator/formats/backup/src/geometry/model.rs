//! What a spatial value is: positions, sections of curves, rings, shapes.

use super::kind;

/// Which of the two spatial types a column has. They store the same structure with the axes swapped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SpatialType {
    /// Planar; x, then y.
    Geometry,
    /// Ellipsoidal; stored latitude first.
    Geography,
}

/// A position. NULL in z or m is `None`, as SQL Server has it for each point apart.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Position {
    /// Easting or longitude.
    pub x: f64,
    /// Northing or latitude.
    pub y: f64,
    /// Elevation.
    pub z: Option<f64>,
    /// Measure.
    pub m: Option<f64>,
}

impl Position {
    /// A position in the plane.
    pub fn xy(x: f64, y: f64) -> Position {
        Position { x, y, z: None, m: None }
    }
}

/// A run of points of one kind within a curve.
#[derive(Clone, Debug, PartialEq)]
pub enum Section {
    /// Straight from point to point.
    Line(Vec<Position>),
    /// Arcs through three points each, the last of one being the first of the next: an odd number of points.
    Arc(Vec<Position>),
}

impl Section {
    /// Its points.
    pub fn positions(&self) -> &[Position] {
        match self {
            Section::Line(positions) | Section::Arc(positions) => positions,
        }
    }
}

/// A ring of a curve polygon.
#[derive(Clone, Debug, PartialEq)]
pub enum Ring {
    /// All of one kind.
    Plain(Section),
    /// Sections joined end to start; each repeats the point it shares with the one before.
    Compound(Vec<Section>),
}

impl Ring {
    /// Its sections.
    pub fn sections(&self) -> &[Section] {
        match self {
            Ring::Plain(section) => std::slice::from_ref(section),
            Ring::Compound(sections) => sections,
        }
    }
}

/// A shape. An empty vector (or `None`) is what SQL Server writes as `EMPTY`. Polygons begin with the exterior
/// ring in `geometry`; in `geography` the ring's direction counts, not its place.
#[derive(Clone, Debug, PartialEq)]
#[allow(missing_docs)] // the names are the OGC's
pub enum Shape {
    Point(Option<Position>),
    LineString(Vec<Position>),
    CircularString(Vec<Position>),
    /// Sections joined end to start; each repeats the point it shares with the one before.
    CompoundCurve(Vec<Section>),
    Polygon(Vec<Vec<Position>>),
    CurvePolygon(Vec<Ring>),
    MultiPoint(Vec<Option<Position>>),
    MultiLineString(Vec<Vec<Position>>),
    MultiPolygon(Vec<Vec<Vec<Position>>>),
    GeometryCollection(Vec<Shape>),
    /// The whole earth; `geography` only, and never inside a collection.
    FullGlobe,
}

/// A spatial value.
#[derive(Clone, Debug, PartialEq)]
pub struct Geometry {
    /// Spatial reference identifier, an EPSG code as a rule.
    pub srid: i32,
    /// Whether the server found it valid (`STIsValid`).
    pub valid: bool,
    /// A `geography` that no hemisphere holds: often a ring given in the wrong direction.
    pub larger_than_hemisphere: bool,
    /// The shape.
    pub shape: Shape,
}

impl Geometry {
    /// A valid one.
    pub fn new(srid: i32, shape: Shape) -> Geometry {
        Geometry { srid, valid: true, larger_than_hemisphere: false, shape }
    }

    /// Whether any position has an elevation, and whether any has a measure.
    pub fn has_z_m(&self) -> (bool, bool) {
        let (mut z, mut m) = (false, false);
        self.shape.each_position(&mut |position| {
            z |= position.z.is_some();
            m |= position.m.is_some();
        });
        (z, m)
    }
}

impl Shape {
    /// Its number in the shape table.
    pub(super) fn kind(&self) -> u8 {
        match self {
            Shape::Point(_) => kind::POINT,
            Shape::LineString(_) => kind::LINE_STRING,
            Shape::CircularString(_) => kind::CIRCULAR_STRING,
            Shape::CompoundCurve(_) => kind::COMPOUND_CURVE,
            Shape::Polygon(_) => kind::POLYGON,
            Shape::CurvePolygon(_) => kind::CURVE_POLYGON,
            Shape::MultiPoint(_) => kind::MULTI_POINT,
            Shape::MultiLineString(_) => kind::MULTI_LINE_STRING,
            Shape::MultiPolygon(_) => kind::MULTI_POLYGON,
            Shape::GeometryCollection(_) => kind::GEOMETRY_COLLECTION,
            Shape::FullGlobe => kind::FULL_GLOBE,
        }
    }

    /// What the OGC calls it, as `STGeometryType` tells.
    pub fn name(&self) -> &'static str {
        match self {
            Shape::Point(_) => "Point",
            Shape::LineString(_) => "LineString",
            Shape::CircularString(_) => "CircularString",
            Shape::CompoundCurve(_) => "CompoundCurve",
            Shape::Polygon(_) => "Polygon",
            Shape::CurvePolygon(_) => "CurvePolygon",
            Shape::MultiPoint(_) => "MultiPoint",
            Shape::MultiLineString(_) => "MultiLineString",
            Shape::MultiPolygon(_) => "MultiPolygon",
            Shape::GeometryCollection(_) => "GeometryCollection",
            Shape::FullGlobe => "FullGlobe",
        }
    }

    /// Whether only version 2 can hold it.
    pub fn is_curved(&self) -> bool {
        match self {
            Shape::CircularString(_) | Shape::CompoundCurve(_) | Shape::CurvePolygon(_) => true,
            Shape::GeometryCollection(members) => members.iter().any(Shape::is_curved),
            _ => false,
        }
    }

    /// Whether there is no point in it, as `STIsEmpty` says.
    pub fn is_empty(&self) -> bool {
        let mut points = 0_u64;
        self.each_position(&mut |_| points += 1);
        points == 0 && *self != Shape::FullGlobe
    }

    /// Every position in stored order. A point that two sections share comes twice.
    pub fn each_position(&self, see: &mut impl FnMut(&Position)) {
        // Through `dyn`, since a generic function that calls itself with `&mut see` would never end unfolding.
        fn walk(shape: &Shape, see: &mut dyn FnMut(&Position)) {
            match shape {
                Shape::Point(position) => position.iter().for_each(see),
                Shape::LineString(positions) | Shape::CircularString(positions) => {
                    positions.iter().for_each(see);
                }
                Shape::CompoundCurve(sections) => {
                    sections.iter().flat_map(Section::positions).for_each(see);
                }
                Shape::Polygon(rings) | Shape::MultiLineString(rings) => {
                    rings.iter().flatten().for_each(see);
                }
                Shape::CurvePolygon(rings) => {
                    rings.iter().flat_map(Ring::sections).flat_map(Section::positions).for_each(see);
                }
                Shape::MultiPoint(points) => points.iter().flatten().for_each(see),
                Shape::MultiPolygon(polygons) => polygons.iter().flatten().flatten().for_each(see),
                Shape::GeometryCollection(members) => {
                    members.iter().for_each(|member| walk(member, see));
                }
                Shape::FullGlobe => {}
            }
        }
        walk(self, see);
    }
}
