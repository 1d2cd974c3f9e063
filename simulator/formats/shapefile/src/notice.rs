//! What was changed or lost on the way into a shapefile, in sentences for a GIS officer.

use std::collections::BTreeMap;
use std::fmt;

use crate::Kind;

/// One thing that is not in the shapefile as it was in the table.
#[derive(Clone, Debug, PartialEq)]
pub struct Notice {
    /// What it is.
    pub what: What,
    /// The rows it befell; `None` where it befell the whole table.
    pub rows: Option<Rows>,
}

/// Rows something befell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rows {
    /// How many.
    pub count: u64,
    /// The first of them, from 1.
    pub first: u64,
}

/// Why a column has no field.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum LeftOut {
    /// A shapefile has no type for it.
    Type,
    /// 255 fields are taken.
    TooMany,
}

/// What was changed or lost.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum What {
    /// Nobody knows a projection file for the identifier, so there is none.
    NoProjection {
        /// Spatial reference identifier.
        srid: i32,
    },
    /// Rows differ in their spatial reference; the projection file is that of most rows.
    MixedProjections {
        /// The one that was taken.
        taken: i32,
        /// Rows with another one.
        others: u64,
    },
    /// More than one kind of geometry in the table: this one has a file of its own.
    Split {
        /// The kind.
        kind: Kind,
        /// What follows the table's name.
        suffix: &'static str,
        /// Rows in that file.
        records: u64,
    },
    /// No row has a geometry.
    NoGeometry,
    /// A collection of several kinds: its members are in several files.
    CollectionSplit,
    /// The geometry is EMPTY: a null shape.
    Empty,
    /// FULLGLOBE: a null shape.
    FullGlobe,
    /// Arcs became chords.
    Stroked {
        /// How far at most they are from the arcs, in billionths of the coordinate's unit.
        tolerance_billionths: u64,
    },
    /// Rings run the other way now: outer ones clockwise, holes against it.
    RingsTurned,
    /// A ring ended elsewhere than it began, and was closed.
    RingClosed,
    /// A geography in the wrong direction, so that it covers the rest of the earth: its first ring is the outer one now.
    InsideOut,
    /// Longitudes jump from one side of 180° to the other; in the plane the shape spans the world.
    Antimeridian,
    /// Some points have no elevation where others have: it is 0.
    ElevationZero,
    /// A name that does not fit ten letters, digits and underscores, or is taken.
    FieldRenamed {
        /// The column.
        column: String,
        /// The field's name.
        field: String,
    },
    /// A column without a field.
    ColumnLeftOut {
        /// The column.
        column: String,
        /// Why.
        why: LeftOut,
    },
    /// A column that is text in the shapefile and was not before.
    AsText {
        /// The column.
        column: String,
    },
    /// A text longer than its field, cut at a character.
    TextCut {
        /// The column.
        column: String,
        /// The field's width.
        most_bytes: u8,
    },
    /// Blanks at the end, which nobody can tell from the field's own.
    TrailingBlanks {
        /// The column.
        column: String,
    },
    /// An empty text, which nobody can tell from NULL.
    EmptyText {
        /// The column.
        column: String,
    },
    /// NUL characters, which end a text for most readers: blanks now.
    NulCharacters {
        /// The column.
        column: String,
    },
    /// No column can be a field; a shapefile needs one: FID counts the records.
    NoColumns,
    /// No spatial index, because it would take too much memory.
    NoIndex {
        /// Shapes in the file.
        shapes: u64,
        /// Most that are indexed.
        most: u64,
    },
}

impl fmt::Display for Notice {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.what.fmt(formatter)?;
        match self.rows {
            None => Ok(()),
            Some(Rows { count: 1, first }) => write!(formatter, " (row {first})"),
            Some(Rows { count, first }) => write!(formatter, " ({count} rows, the first is row {first})"),
        }
    }
}

impl fmt::Display for What {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut say = |text: &str| formatter.write_str(text);
        match self {
            What::NoProjection { srid: 0 } => {
                say("no .prj: the geometries have SRID 0; set the SRID at the source")
            }
            What::NoProjection { srid } => {
                write!(formatter, "no .prj: SRID {srid} is not among those known here; supply one by hand")
            }
            What::MixedProjections { taken, others } => write!(
                formatter,
                "{others} geometries have another SRID than {taken}, for which the .prj is: they are in the wrong place"
            ),
            What::Split { kind, suffix, records } => {
                write!(formatter, "{records} rows with {kind} are in the file with {suffix} behind its name")
            }
            What::NoGeometry => say("no row has a geometry: the shapefile holds attributes only"),
            What::CollectionSplit => say("a collection of several kinds is in several files"),
            What::Empty => say("an empty geometry is a null shape"),
            What::FullGlobe => say("FULLGLOBE is a null shape"),
            What::Stroked { tolerance_billionths } => {
                let tolerance = *tolerance_billionths as f64 / 1e9;
                write!(formatter, "arcs are drawn as chords, at most {tolerance} map units off")
            }
            What::RingsTurned => {
                say("rings were turned: outer ones run clockwise in a shapefile, holes against it")
            }
            What::RingClosed => say("a ring that was open has been closed"),
            What::InsideOut => {
                say("a geography covers all of the earth but what it outlines; what it outlines was taken: \
                 correct its direction at the source (ReorientObject)")
            }
            What::Antimeridian => {
                say("a geography crosses 180° of longitude and will look as wide as the world")
            }
            What::ElevationZero => say("points without an elevation have 0, since others have one"),
            What::FieldRenamed { column, field } => {
                write!(
                    formatter,
                    "column {column:?} is field {field}: names have ten letters, digits or underscores"
                )
            }
            What::ColumnLeftOut { column, why: LeftOut::Type } => {
                write!(formatter, "column {column:?} is left out: a shapefile has no type for it")
            }
            What::ColumnLeftOut { column, why: LeftOut::TooMany } => {
                write!(formatter, "column {column:?} is left out: a shapefile has at most 255 fields")
            }
            What::AsText { column } => {
                write!(formatter, "column {column:?} is text: a shapefile has no type that holds its values")
            }
            What::TextCut { column, most_bytes } => {
                write!(formatter, "column {column:?}: text was cut to {most_bytes} bytes of UTF-8")
            }
            What::TrailingBlanks { column } => {
                write!(formatter, "column {column:?}: blanks at the end are lost")
            }
            What::EmptyText { column } => write!(formatter, "column {column:?}: empty text reads as NULL"),
            What::NulCharacters { column } => {
                write!(formatter, "column {column:?}: NUL characters became blanks")
            }
            What::NoColumns => say("no column can be a field; FID counts the records"),
            What::NoIndex { shapes, most } => {
                write!(
                    formatter,
                    "no .qix: {shapes} shapes, at most {most} are indexed; maps will draw slowly"
                )
            }
        }
    }
}

/// Notices while they gather; in a fixed order at the end.
#[derive(Clone, Debug, Default)]
pub(crate) struct Notices(BTreeMap<What, Option<Rows>>);

impl Notices {
    pub fn add(&mut self, what: What) {
        self.0.entry(what).or_insert(None);
    }

    pub fn add_row(&mut self, what: What, row: u64) {
        let rows = self.0.entry(what).or_insert(None);
        match rows {
            None => *rows = Some(Rows { count: 1, first: row }),
            Some(rows) => rows.count += 1,
        }
    }

    pub fn into_list(self) -> Vec<Notice> {
        self.0.into_iter().map(|(what, rows)| Notice { what, rows }).collect()
    }
}
