//! A geometry as a shapefile sees it: points, lines and rings, arcs stroked, rings in ESRI's direction.

use std::fmt;

use spatialcloud_backup::geometry::linear::linearise;
use spatialcloud_backup::geometry::{Geometry, Position, Shape, SpatialType};

use crate::What;

/// What one file can hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// Areas.
    Polygons,
    /// Lines.
    Lines,
    /// Points, one or many a record.
    Points,
}

impl Kind {
    /// What follows the table's name where the kind is not that of most rows.
    pub fn suffix(self) -> &'static str {
        match self {
            Kind::Polygons => "_polygon",
            Kind::Lines => "_line",
            Kind::Points => "_point",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Kind::Polygons => "polygons",
            Kind::Lines => "lines",
            Kind::Points => "points",
        })
    }
}

/// A geometry taken apart.
#[derive(Debug, Default)]
pub(crate) struct Parts {
    pub points: Vec<Vec<Position>>,
    pub lines: Vec<Vec<Position>>,
    pub rings: Vec<Vec<Position>>,
    /// Whether it has a multipoint, of however many points.
    pub multipoint: bool,
}

impl Parts {
    /// Takes a geometry apart; tells `note` what is not as it was.
    pub fn of(
        geometry: &Geometry,
        spatial_type: SpatialType,
        tolerance: f64,
        note: &mut dyn FnMut(What),
    ) -> Parts {
        let mut parts = Parts::default();
        let stroked = linearise(&geometry.shape, tolerance);
        if stroked.is_some() {
            note(What::Stroked { tolerance_billionths: (tolerance * 1e9) as u64 });
        }
        parts.add(stroked.as_ref().unwrap_or(&geometry.shape), spatial_type, note);
        if spatial_type == SpatialType::Geography && parts.all().any(|part| jumps(part)) {
            note(What::Antimeridian);
        }
        if geometry.shape == Shape::FullGlobe {
            note(What::FullGlobe);
        } else if parts.all().next().is_none() {
            note(What::Empty);
        }
        if parts.kinds().count() > 1 {
            note(What::CollectionSplit);
        }
        parts
    }

    /// Kinds it has something of.
    pub fn kinds(&self) -> impl Iterator<Item = Kind> {
        [Kind::Polygons, Kind::Lines, Kind::Points].into_iter().filter(|kind| !self.of_kind(*kind).is_empty())
    }

    /// Rings, lines, or each point by itself.
    pub fn of_kind(&self, kind: Kind) -> &[Vec<Position>] {
        match kind {
            Kind::Polygons => &self.rings,
            Kind::Lines => &self.lines,
            Kind::Points => &self.points,
        }
    }

    fn all(&self) -> impl Iterator<Item = &Vec<Position>> {
        self.points.iter().chain(&self.lines).chain(&self.rings)
    }

    fn add(&mut self, shape: &Shape, spatial_type: SpatialType, note: &mut dyn FnMut(What)) {
        match shape {
            Shape::Point(position) => self.points.extend(position.map(|position| vec![position])),
            Shape::MultiPoint(points) => {
                self.multipoint = true;
                self.points.extend(points.iter().flatten().map(|position| vec![*position]));
            }
            Shape::LineString(positions) => self.line(positions),
            Shape::MultiLineString(lines) => lines.iter().for_each(|line| self.line(line)),
            Shape::Polygon(rings) => self.polygon(rings, spatial_type, note),
            Shape::MultiPolygon(polygons) => {
                polygons.iter().for_each(|rings| self.polygon(rings, spatial_type, note));
            }
            Shape::GeometryCollection(members) => {
                members.iter().for_each(|member| self.add(member, spatial_type, note));
            }
            // Stroked before.
            Shape::CircularString(_) | Shape::CompoundCurve(_) | Shape::CurvePolygon(_) => {}
            Shape::FullGlobe => {}
        }
    }

    fn line(&mut self, positions: &[Position]) {
        if !positions.is_empty() {
            self.lines.push(positions.to_vec());
        }
    }

    /// In `geometry` the first ring is the outer one, whatever its direction. In `geography` the interior is on
    /// the left, so a ring against the clock is an outer one, whatever its place.
    fn polygon(&mut self, rings: &[Vec<Position>], spatial_type: SpatialType, note: &mut dyn FnMut(What)) {
        let mut rings: Vec<Vec<Position>> = rings.iter().filter(|ring| !ring.is_empty()).cloned().collect();
        for ring in &mut rings {
            let (first, last) = (ring[0], ring[ring.len() - 1]);
            if (first.x, first.y) != (last.x, last.y) {
                ring.push(first);
                note(What::RingClosed);
            }
        }
        let directed = spatial_type == SpatialType::Geography;
        let outlined = rings.iter().any(|ring| doubled_area(ring) > 0.0);
        if directed && !outlined && !rings.is_empty() {
            note(What::InsideOut);
        }
        let mut turned = false;
        for (index, mut ring) in rings.into_iter().enumerate() {
            let area = doubled_area(&ring);
            let outer = if directed && outlined { area > 0.0 } else { index == 0 };
            if (outer && area > 0.0) || (!outer && area < 0.0) {
                ring.reverse();
                turned = true;
            }
            self.rings.push(ring);
        }
        if turned {
            note(What::RingsTurned);
        }
    }
}

/// Twice the area, positive where the ring runs against the clock. From its first point, since map coordinates are
/// large and parcels small.
fn doubled_area(ring: &[Position]) -> f64 {
    let Some(origin) = ring.first() else { return 0.0 };
    let relative = |position: &Position| (position.x - origin.x, position.y - origin.y);
    let across = |pair: &[Position]| {
        let ((ax, ay), (bx, by)) = (relative(&pair[0]), relative(&pair[1]));
        ax * by - bx * ay
    };
    ring.windows(2).map(across).sum()
}

fn jumps(positions: &[Position]) -> bool {
    positions.windows(2).any(|pair| (pair[0].x - pair[1].x).abs() > 180.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ring(corners: &[(f64, f64)]) -> Vec<Position> {
        corners.iter().map(|(x, y)| Position::xy(*x, *y)).collect()
    }

    /// Outer and hole of a square around (500000, 6250000).
    fn square(half: f64, anticlockwise: bool) -> Vec<Position> {
        let (x, y) = (150.0, -33.0);
        let mut corners =
            ring(&[(x - half, y - half), (x + half, y - half), (x + half, y + half), (x - half, y + half)]);
        corners.push(corners[0]);
        if !anticlockwise {
            corners.reverse();
        }
        corners
    }

    #[test]
    fn rings_end_up_in_esris_direction() {
        use SpatialType::{Geography, Geometry as Planar};
        // Type, outer ring first, each ring's half width and whether it runs against the clock; outers expected; inside out.
        for (spatial_type, rings, outers, inside_out) in [
            (Planar, vec![(2.0, true), (1.0, true)], vec![true, false], false),
            (Planar, vec![(2.0, false), (1.0, false)], vec![true, false], false),
            (Planar, vec![(2.0, false), (1.0, true)], vec![true, false], false),
            (Geography, vec![(2.0, true), (1.0, false)], vec![true, false], false),
            (Geography, vec![(1.0, false), (2.0, true)], vec![false, true], false),
            (Geography, vec![(2.0, false)], vec![true], true),
        ] {
            let shape = Shape::Polygon(rings.iter().map(|(half, left)| square(*half, *left)).collect());
            let mut notes = Vec::new();
            let parts =
                Parts::of(&Geometry::new(4283, shape), spatial_type, 0.01, &mut |what| notes.push(what));
            let found: Vec<bool> = parts.rings.iter().map(|ring| doubled_area(ring) < 0.0).collect();
            assert_eq!(found, outers, "{spatial_type:?} {rings:?}");
            assert_eq!(notes.contains(&What::InsideOut), inside_out);
        }
    }

    #[test]
    fn open_rings_are_closed_and_the_date_line_is_told() {
        let open = ring(&[(179.0, 0.0), (179.0, 1.0), (-179.0, 1.0)]);
        let mut notes = Vec::new();
        let geometry = Geometry::new(4167, Shape::Polygon(vec![open]));
        let parts = Parts::of(&geometry, SpatialType::Geography, 0.01, &mut |what| notes.push(what));
        assert_eq!(parts.rings[0].len(), 4);
        assert!(notes.contains(&What::RingClosed) && notes.contains(&What::Antimeridian), "{notes:?}");
    }
}
