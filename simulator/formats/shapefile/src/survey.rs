//! The first pass: what a shapefile must know before its first record.

use std::collections::BTreeMap;

use spatialcloud_backup::geometry::linear::{TOLERANCE_DEGREES, TOLERANCE_METRES};
use spatialcloud_backup::geometry::{Geometry, SpatialType};

use crate::field::{Extent, Field, fields};
use crate::notice::Notices;
use crate::parts::Parts;
use crate::projection::is_in_degrees;
use crate::{Column, Kind, Value, What, WriteError};

/// Different spatial references counted apart; tables have one, and hostile ones must not grow the count.
const MOST_SRIDS: usize = 64;

/// How to write.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// The spatial column's type.
    pub spatial_type: SpatialType,
    /// How far chords may be from the arcs they replace, in map units; `None`: about a millimetre.
    pub tolerance: Option<f64>,
    /// Year, month and day for the attribute table's header.
    pub last_update: (u16, u8, u8),
    /// Most bytes of `.shp` and `.dbf`.
    pub most_bytes: u64,
    /// Most shapes that get a spatial index, at about 50 bytes of memory each.
    pub most_indexed: usize,
}

impl Settings {
    /// The customary limits: 2 GB a file, an index for up to four million shapes (200 MB).
    pub fn new(spatial_type: SpatialType, last_update: (u16, u8, u8)) -> Settings {
        Settings {
            spatial_type,
            tolerance: None,
            last_update,
            most_bytes: i32::MAX as u64,
            most_indexed: 4_000_000,
        }
    }
}

/// The first pass over a table's rows.
#[derive(Debug)]
pub struct Survey {
    columns: Vec<Column>,
    settings: Settings,
    rows: u64,
    srids: BTreeMap<i32, u64>,
    kinds: BTreeMap<Kind, Seen>,
    extents: Vec<Extent>,
}

/// What was seen of a kind.
#[derive(Clone, Copy, Debug, Default)]
struct Seen {
    rows: u64,
    z: bool,
    m: bool,
    many: bool,
}

/// What the second pass will write.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The files, the one with the table's own name first.
    pub files: Vec<FilePlan>,
    /// The spatial reference that most rows have.
    pub srid: Option<i32>,
    pub(crate) columns: Vec<Column>,
    pub(crate) fields: Vec<Field>,
    pub(crate) settings: Settings,
    pub(crate) tolerance: f64,
    pub(crate) notices: Notices,
}

/// One shapefile set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FilePlan {
    /// What follows the table's name: nothing, or [`Kind::suffix`].
    pub suffix: &'static str,
    /// What it holds; `None` when no row has a geometry.
    pub kind: Option<Kind>,
    /// Several points a record.
    pub many: bool,
    /// With elevations.
    pub z: bool,
    /// With measures.
    pub m: bool,
}

impl Survey {
    /// A survey of a table with these columns, the exported spatial one left aside.
    pub fn new(columns: Vec<Column>, settings: Settings) -> Survey {
        let extents = vec![Extent::default(); columns.len()];
        Survey { columns, settings, rows: 0, srids: BTreeMap::new(), kinds: BTreeMap::new(), extents }
    }

    /// Sees the next row; `None` is a NULL geometry.
    ///
    /// # Errors
    /// [`WriteError::Values`] when there is not one value for each column.
    pub fn see(&mut self, geometry: Option<&Geometry>, values: &[Value<'_>]) -> Result<(), WriteError> {
        self.rows += 1;
        if values.len() != self.columns.len() {
            let (expected, got) = (self.columns.len(), values.len());
            return Err(WriteError::Values { row: self.rows, expected, got });
        }
        for (extent, value) in self.extents.iter_mut().zip(values) {
            extent.see(value);
        }
        if let Some(geometry) = geometry {
            self.geometry(geometry);
        }
        Ok(())
    }

    fn geometry(&mut self, geometry: &Geometry) {
        if self.srids.len() < MOST_SRIDS || self.srids.contains_key(&geometry.srid) {
            *self.srids.entry(geometry.srid).or_default() += 1;
        }
        // The tolerance decides how many chords there are, never which kinds; a coarse one is cheap.
        let parts = Parts::of(geometry, self.settings.spatial_type, f64::MAX, &mut |_| {});
        for kind in parts.kinds() {
            let seen = self.kinds.entry(kind).or_default();
            let of_kind = parts.of_kind(kind);
            seen.rows += 1;
            seen.z |= of_kind.iter().flatten().any(|position| position.z.is_some());
            seen.m |= of_kind.iter().flatten().any(|position| position.m.is_some());
            seen.many |= kind == Kind::Points && (parts.multipoint || of_kind.len() > 1);
        }
    }

    /// Decides on files and fields.
    pub fn finish(self) -> Plan {
        let mut notices = Notices::default();
        let fields = fields(&self.columns, &self.extents, &mut notices);
        let most_rows = |(srid, rows): &(&i32, &u64)| (**rows, std::cmp::Reverse(**srid));
        let srid = self.srids.iter().max_by_key(most_rows).map(|(srid, _)| *srid);
        if let Some(taken) = srid
            && self.srids.len() > 1
        {
            let others = self.srids.iter().filter(|(srid, _)| **srid != taken).map(|(_, rows)| rows).sum();
            notices.add(What::MixedProjections { taken, others });
        }
        let usual = if srid.is_some_and(is_in_degrees) || self.settings.spatial_type == SpatialType::Geography
        {
            TOLERANCE_DEGREES
        } else {
            TOLERANCE_METRES
        };
        let files = self.files(&mut notices);
        let tolerance = self.settings.tolerance.unwrap_or(usual);
        Plan { files, srid, columns: self.columns, fields, settings: self.settings, tolerance, notices }
    }

    fn files(&self, notices: &mut Notices) -> Vec<FilePlan> {
        // Of kinds with as many rows the one of more dimensions: `Kind` begins with polygons.
        let main = self.kinds.iter().rev().max_by_key(|(_, seen)| seen.rows).map(|(kind, _)| *kind);
        let Some(main) = main else {
            notices.add(What::NoGeometry);
            return vec![FilePlan { suffix: "", kind: None, many: false, z: false, m: false }];
        };
        let mut files = Vec::new();
        for (kind, Seen { rows, z, m, many }) in &self.kinds {
            let suffix = if *kind == main { "" } else { kind.suffix() };
            let file = FilePlan { suffix, kind: Some(*kind), many: *many, z: *z, m: *m };
            if *kind == main {
                files.insert(0, file);
            } else {
                notices.add(What::Split { kind: *kind, suffix, records: *rows });
                files.push(file);
            }
        }
        files
    }
}
