//! The tables of a spatial value: points, figures, shapes, segments.

use super::error::DecodeError;
use super::input::{Input, point_bytes};
use super::model::{Position, Ring, Section, SpatialType};
use super::{joined, kind, segment};

/// Bytes of a figure and of a shape in their tables.
const FIGURE_BYTES: usize = 5;
const SHAPE_BYTES: usize = 9;

/// A figure: where it stands and what it draws.
pub struct Figure {
    pub at: usize,
    pub ring: Ring,
}

/// A line of the shape table.
pub struct Entry {
    pub at: usize,
    pub parent: Option<usize>,
    /// First figure of it or of its members; `None` when there is none.
    pub figure: Option<usize>,
    pub kind: u8,
}

impl Entry {
    pub fn is_collection(&self) -> bool {
        matches!(
            self.kind,
            kind::MULTI_POINT | kind::MULTI_LINE_STRING | kind::MULTI_POLYGON | kind::GEOMETRY_COLLECTION
        )
    }
}

/// Reads all tables: the figures with their points, and the shapes that refer to them.
pub fn read(
    input: &mut Input<'_>,
    version: u8,
    properties: u8,
    spatial_type: SpatialType,
) -> Result<(Vec<Entry>, Vec<Figure>), DecodeError> {
    let count = input.count("points", point_bytes(properties))?;
    let points = input.positions(count, properties, spatial_type)?;
    let table = figure_table(input, points.len())?;
    let entries = shape_table(input, table.len())?;
    let composite = version == 2 && table.iter().any(|(_, attribute, _)| *attribute == joined::COMPOSITE);
    let segments = if composite { segment_table(input)? } else { Input { bytes: &[], at: 0 } };
    let figures = figures(&table, &points, version, segments)?;
    Ok((entries, figures))
}

/// Place, attribute and first point of each figure; the points of one end where those of the next begin.
fn figure_table(input: &mut Input<'_>, points: usize) -> Result<Vec<(usize, u8, usize)>, DecodeError> {
    let count = input.count("figures", FIGURE_BYTES)?;
    let mut table = Vec::with_capacity(count);
    let mut least = 0;
    for index in 0..count {
        let (at, attribute) = (input.at, input.u8("a figure's attribute")?);
        let start = input.i32("a figure's first point")?;
        let fits = usize::try_from(start)
            .ok()
            .filter(|start| (least..=points).contains(start) && (index > 0 || *start == 0));
        least = fits.ok_or_else(|| {
            let expected =
                if index == 0 { "point 0".to_owned() } else { format!("a point from {least} to {points}") };
            DecodeError::new(at + 1, expected, start)
        })?;
        table.push((at, attribute, least));
    }
    if count == 0 && points > 0 {
        return Err(DecodeError::new(input.at, "figures for the points", format!("none for {points}")));
    }
    Ok(table)
}

fn shape_table(input: &mut Input<'_>, figures: usize) -> Result<Vec<Entry>, DecodeError> {
    let counted_at = input.at;
    let count = input.count("shapes", SHAPE_BYTES)?;
    if count == 0 {
        return Err(DecodeError::new(counted_at, "at least one shape", 0));
    }
    let mut entries: Vec<Entry> = Vec::with_capacity(count);
    for index in 0..count {
        let at = input.at;
        let parent = input.index("a parent", index)?;
        let figure = input.index("a figure", figures)?;
        let kind = input.u8("a shape's type")?;
        if parent.is_none() != (index == 0) {
            let expected = if index == 0 { "no parent (-1)" } else { "a parent" };
            return Err(DecodeError::new(at, expected, parent.map_or(-1, |parent| parent as i64)));
        }
        entries.push(Entry { at, parent, figure, kind });
    }
    Ok(entries)
}

/// The segments, as an input of their own.
fn segment_table<'a>(input: &mut Input<'a>) -> Result<Input<'a>, DecodeError> {
    let count = input.count("segments", 1)?;
    let segments = Input { bytes: &input.bytes[..input.at + count], at: input.at };
    input.at += count;
    Ok(segments)
}

fn figures(
    table: &[(usize, u8, usize)],
    points: &[Position],
    version: u8,
    mut segments: Input<'_>,
) -> Result<Vec<Figure>, DecodeError> {
    let mut figures = Vec::with_capacity(table.len());
    for (index, (at, attribute, start)) in table.iter().enumerate() {
        let end = table.get(index + 1).map_or(points.len(), |(_, _, next)| *next);
        let positions = &points[*start..end];
        let ring = match (version, *attribute) {
            (1, 0..=2) | (2, joined::POINT | joined::LINE) => Ring::Plain(Section::Line(positions.to_vec())),
            (2, joined::ARC) if positions.len() >= 3 && positions.len() % 2 == 1 => {
                Ring::Plain(Section::Arc(positions.to_vec()))
            }
            (2, joined::ARC) => {
                let expected = "an odd number of points, at least 3, for arcs";
                return Err(DecodeError::new(*at, expected, positions.len()));
            }
            (2, joined::COMPOSITE) if positions.len() == 1 => {
                return Err(DecodeError::new(*at, "no points, or at least 2, for a composite figure", 1));
            }
            (2, joined::COMPOSITE) => Ring::Compound(sections(positions, &mut segments)?),
            _ => return Err(DecodeError::new(*at, format!("a figure of version {version}"), attribute)),
        };
        figures.push(Figure { at: *at, ring });
    }
    if segments.at != segments.bytes.len() {
        return Err(DecodeError::new(segments.at, "no more segments than the figures have", "more"));
    }
    Ok(figures)
}

/// Takes segments until a composite figure's points are used up: a line takes one more point, an arc two.
fn sections(positions: &[Position], segments: &mut Input<'_>) -> Result<Vec<Section>, DecodeError> {
    let mut sections: Vec<Section> = Vec::new();
    let mut used = 1;
    while used < positions.len() {
        let (at, next) = (segments.at, segments.u8("a segment")?);
        let arc = match next {
            segment::LINE | segment::FIRST_LINE => false,
            segment::ARC | segment::FIRST_ARC => true,
            _ => return Err(DecodeError::new(at, "a segment of type 0 to 3", next)),
        };
        let end = used + if arc { 2 } else { 1 };
        let Some(more) = positions.get(used..end) else {
            return Err(DecodeError::new(at, "a segment with points left for it", "an arc with one"));
        };
        match (sections.last_mut(), next) {
            (Some(Section::Line(points)), segment::LINE) | (Some(Section::Arc(points)), segment::ARC) => {
                points.extend_from_slice(more);
            }
            _ => {
                let points = positions[used - 1..end].to_vec();
                sections.push(if arc { Section::Arc(points) } else { Section::Line(points) });
            }
        }
        used = end;
    }
    Ok(sections)
}
