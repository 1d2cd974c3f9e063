//! Arcs to chords, for formats and programs that have no arcs.
//!
//! An arc is replaced by equal chords, each no further than the tolerance from it; the first, middle and last
//! point stay what they are. z and m grow evenly along each half. The circle is taken in the plane of x and y,
//! for `geography` too, where SQL Server's own arcs are sections of the sphere: over the size of a parcel the
//! difference is far below a millimetre, over hundreds of kilometres it is not.

use std::f64::consts::{PI, TAU};

use super::model::{Position, Ring, Section, Shape};

/// A millimetre, for coordinates in metres.
pub const TOLERANCE_METRES: f64 = 0.001;
/// About a millimetre at the equator, for coordinates in degrees.
pub const TOLERANCE_DEGREES: f64 = 1e-8;
/// Most chords for one half of an arc, whatever the tolerance: a half circle's are then within
/// radius / 3,400,000 of it.
const MOST_CHORDS: f64 = 2048.0;

/// The shape without arcs; `None` if it has none to begin with.
pub fn linearise(shape: &Shape, tolerance: f64) -> Option<Shape> {
    if !shape.is_curved() {
        return None;
    }
    Some(match shape {
        Shape::CircularString(positions) => Shape::LineString(arcs(positions, tolerance)),
        Shape::CompoundCurve(sections) => Shape::LineString(joined(sections, tolerance)),
        Shape::CurvePolygon(rings) => {
            Shape::Polygon(rings.iter().map(|ring| joined(Ring::sections(ring), tolerance)).collect())
        }
        Shape::GeometryCollection(members) => Shape::GeometryCollection(
            members
                .iter()
                .map(|member| linearise(member, tolerance).unwrap_or_else(|| member.clone()))
                .collect(),
        ),
        other => other.clone(),
    })
}

fn joined(sections: &[Section], tolerance: f64) -> Vec<Position> {
    let mut output: Vec<Position> = Vec::new();
    for section in sections {
        let positions = match section {
            Section::Line(positions) => positions.clone(),
            Section::Arc(positions) => arcs(positions, tolerance),
        };
        let shared = usize::from(output.last().is_some() && output.last() == positions.first());
        output.extend_from_slice(&positions[shared..]);
    }
    output
}

fn arcs(positions: &[Position], tolerance: f64) -> Vec<Position> {
    let mut output: Vec<Position> = positions.first().copied().into_iter().collect();
    for arc in positions.windows(3).step_by(2) {
        let [start, middle, end] = [arc[0], arc[1], arc[2]];
        match circle(start, middle, end) {
            None => output.extend([middle, end]),
            Some(circle) => {
                half(&mut output, &circle, start, middle, tolerance);
                half(&mut output, &circle, middle, end, tolerance);
            }
        }
    }
    output
}

/// A circle and the way round it.
struct Circle {
    x: f64,
    y: f64,
    radius: f64,
    anticlockwise: bool,
}

/// The circle through three points; `None` where they lie on a line. Where the first is the last, the two points
/// are a diameter, as ISO 13249-3 has it.
fn circle(start: Position, middle: Position, end: Position) -> Option<Circle> {
    // Relative to the start, since map coordinates are large and arcs small.
    let (bx, by) = (middle.x - start.x, middle.y - start.y);
    let (cx, cy) = (end.x - start.x, end.y - start.y);
    if cx == 0.0 && cy == 0.0 {
        let radius = bx.hypot(by) / 2.0;
        let centre = (start.x + bx / 2.0, start.y + by / 2.0);
        return (radius > 0.0).then_some(Circle { x: centre.0, y: centre.1, radius, anticlockwise: true });
    }
    let cross = bx * cy - by * cx;
    let (b, c) = (bx * bx + by * by, cx * cx + cy * cy);
    let x = (cy * b - by * c) / (2.0 * cross);
    let y = (bx * c - cx * b) / (2.0 * cross);
    let radius = x.hypot(y);
    // A radius beyond a million chords is a line as far as doubles can tell.
    let curved = radius.is_finite() && radius < 1e6 * c.sqrt().max(b.sqrt());
    curved.then_some(Circle { x: start.x + x, y: start.y + y, radius, anticlockwise: cross > 0.0 })
}

/// Points after `from` up to and including `to`.
fn half(output: &mut Vec<Position>, circle: &Circle, from: Position, to: Position, tolerance: f64) {
    let angle = |position: Position| (position.y - circle.y).atan2(position.x - circle.x);
    let mut sweep = (angle(to) - angle(from)).rem_euclid(TAU);
    if !circle.anticlockwise {
        sweep -= TAU;
    }
    let chords = chords(circle.radius, sweep.abs(), tolerance);
    for step in 1..chords {
        let part = f64::from(step) / f64::from(chords);
        let (sin, cos) = (angle(from) + sweep * part).sin_cos();
        let between = |from: Option<f64>, to: Option<f64>| Some(from? + (to? - from?) * part);
        output.push(Position {
            x: circle.x + circle.radius * cos,
            y: circle.y + circle.radius * sin,
            z: between(from.z, to.z),
            m: between(from.m, to.m),
        });
    }
    output.push(to);
}

/// How many chords keep the sagitta `radius · (1 − cos(angle / 2))` within the tolerance.
fn chords(radius: f64, sweep: f64, tolerance: f64) -> u32 {
    let cosine = 1.0 - tolerance.max(0.0) / radius;
    let widest = if cosine > -1.0 { 2.0 * cosine.acos() } else { PI };
    // A quarter circle at least: a coarse tolerance must not turn a small round into a line.
    let widest = widest.min(PI / 2.0);
    (sweep / widest).ceil().clamp(1.0, MOST_CHORDS) as u32
}
