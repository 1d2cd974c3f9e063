//! The second pass: rows into the files of the plan.

use std::io::{self, Seek, Write};

use spatialcloud_backup::geometry::Geometry;

use crate::dbf::{self, Table};
use crate::notice::Notices;
use crate::parts::Parts;
use crate::projection::projection;
use crate::quadtree::Quadtree;
use crate::shp::Shapes;
use crate::{FilePlan, Kind, Notice, Plan, Value, What, WriteError};

/// What `.cpg` says of the text in `.dbf`.
const CODE_PAGE: &[u8] = b"UTF-8";

/// A file of the set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Extension {
    /// Shapes.
    Shp,
    /// Where each shape stands.
    Shx,
    /// Attributes.
    Dbf,
    /// Spatial reference.
    Prj,
    /// Encoding of the attributes.
    Cpg,
    /// Spatial index.
    Qix,
}

impl Extension {
    /// Without a point.
    pub fn as_str(self) -> &'static str {
        match self {
            Extension::Shp => "shp",
            Extension::Shx => "shx",
            Extension::Dbf => "dbf",
            Extension::Prj => "prj",
            Extension::Cpg => "cpg",
            Extension::Qix => "qix",
        }
    }
}

/// What was written.
#[derive(Clone, Debug, PartialEq)]
pub struct Report {
    /// The sets, the one with the table's own name first.
    pub files: Vec<Written>,
    /// What was changed or lost.
    pub notices: Vec<Notice>,
}

/// One set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    /// What was planned.
    pub plan: FilePlan,
    /// Records in it.
    pub records: u32,
    /// Those of them that are null shapes.
    pub null_shapes: u32,
    /// Whether it has a `.prj`.
    pub projection: bool,
    /// Whether it has a `.qix`.
    pub index: bool,
}

/// A table on its way into shapefiles. Dropped before [`Layer::finish`] it leaves files no reader takes.
pub struct Layer<W, Open> {
    plan: Plan,
    open: Open,
    files: Vec<Set<W>>,
    rows: u64,
    notices: Notices,
}

struct Set<W> {
    plan: FilePlan,
    shapes: Shapes<W>,
    table: Table<W>,
    index: Quadtree,
    null_shapes: u32,
}

impl<W: Write + Seek, Open: FnMut(&str, Extension) -> io::Result<W>> Layer<W, Open> {
    /// Begins the files. `open` makes the sink for a suffix and an extension, when it is needed; each is written
    /// in small pieces, so it should be buffered.
    ///
    /// # Errors
    /// What the sinks say.
    pub fn create(plan: Plan, mut open: Open) -> Result<Layer<W, Open>, WriteError> {
        let mut files = Vec::new();
        for file in &plan.files {
            let mut sink = |extension| open(file.suffix, extension);
            files.push(Set {
                plan: *file,
                shapes: Shapes::create(sink(Extension::Shp)?, sink(Extension::Shx)?, *file)?,
                table: Table::create(sink(Extension::Dbf)?, &plan.fields, plan.settings.last_update)?,
                index: Quadtree::default(),
                null_shapes: 0,
            });
        }
        let notices = plan.notices.clone();
        Ok(Layer { plan, open, files, rows: 0, notices })
    }

    /// Writes the next row, the same that the survey saw.
    ///
    /// # Errors
    /// [`WriteError::TooLarge`] before a file would pass its limit; a row that the survey did not see; the sinks'.
    pub fn write(&mut self, geometry: Option<&Geometry>, values: &[Value<'_>]) -> Result<(), WriteError> {
        self.rows += 1;
        let row = self.rows;
        if values.len() != self.plan.columns.len() {
            return Err(WriteError::Values { row, expected: self.plan.columns.len(), got: values.len() });
        }
        let notices = &mut self.notices;
        let parts = geometry.map_or_else(Parts::default, |geometry| {
            let (spatial_type, tolerance) = (self.plan.settings.spatial_type, self.plan.tolerance);
            // One mention a row, however many rings were turned.
            let mut told = Vec::new();
            let parts = Parts::of(geometry, spatial_type, tolerance, &mut |what| {
                if !told.contains(&what) {
                    told.push(what);
                }
            });
            told.into_iter().for_each(|what| notices.add_row(what, row));
            parts
        });
        let mut kinds: Vec<Option<Kind>> = parts.kinds().map(Some).collect();
        if kinds.is_empty() {
            // A null shape, in the table's own file.
            kinds.push(self.plan.files[0].kind);
        }
        for kind in kinds {
            let set = self.files.iter_mut().find(|set| set.plan.kind == kind);
            let set = set.ok_or(WriteError::NotSurveyed { row })?;
            set.write(&self.plan, &parts, values, row, &mut self.notices)?;
        }
        Ok(())
    }

    /// Ends the files, and writes those that need the whole: `.prj`, `.cpg`, `.qix`.
    ///
    /// # Errors
    /// What the sinks say.
    pub fn finish(mut self) -> Result<Report, WriteError> {
        let projection = self.plan.srid.and_then(projection);
        if let (None, Some(srid)) = (&projection, self.plan.srid) {
            self.notices.add(What::NoProjection { srid });
        }
        let mut files = Vec::new();
        for set in self.files {
            let mut sink = |extension| (self.open)(set.plan.suffix, extension);
            let records = set.table.next_record();
            set.shapes.finish()?;
            set.table.finish()?;
            let mut code_page = sink(Extension::Cpg)?;
            code_page.write_all(CODE_PAGE)?;
            code_page.flush()?;
            if let Some(text) = &projection {
                let mut prj = sink(Extension::Prj)?;
                prj.write_all(text.as_bytes())?;
                prj.flush()?;
            }
            let most = self.plan.settings.most_indexed;
            let index = set.index.len() <= most;
            if index {
                set.index.write(sink(Extension::Qix)?)?;
            } else {
                let shapes = u64::from(records - set.null_shapes);
                self.notices.add(What::NoIndex { shapes, most: most as u64 });
            }
            let (plan, null_shapes) = (set.plan, set.null_shapes);
            files.push(Written { plan, records, null_shapes, projection: projection.is_some(), index });
        }
        Ok(Report { files, notices: self.notices.into_list() })
    }
}

impl<W: Write + Seek> Set<W> {
    fn write(
        &mut self,
        plan: &Plan,
        parts: &Parts,
        values: &[Value<'_>],
        row: u64,
        notices: &mut Notices,
    ) -> Result<(), WriteError> {
        let own = self.plan.kind.map_or(&[][..], |kind| parts.of_kind(kind));
        let positions = || own.iter().flatten();
        if (own.len() > 1 && self.plan.kind == Some(Kind::Points) && !self.plan.many)
            || positions().any(|position| {
                (position.z.is_some() && !self.plan.z) || (position.m.is_some() && !self.plan.m)
            })
        {
            return Err(WriteError::NotSurveyed { row });
        }
        if self.plan.z && positions().any(|position| position.z.is_none()) {
            notices.add_row(What::ElevationZero, row);
        }
        let shape = self.shapes.record(own);
        let number = self.table.next_record();
        let attributes = dbf::record(&plan.fields, &plan.columns, values, number, row, notices)?;
        let most_bytes = plan.settings.most_bytes;
        for (extension, bytes) in
            [("shp", self.shapes.bytes_with(&shape)), ("dbf", self.table.bytes_with_next())]
        {
            if bytes > most_bytes {
                return Err(WriteError::TooLarge { extension, row, most_bytes });
            }
        }
        self.shapes.write(&shape)?;
        self.table.write(&attributes)?;
        match shape.bounds {
            None => self.null_shapes += 1,
            // One more than is indexed tells that there are too many.
            Some(bounds) if self.index.len() <= plan.settings.most_indexed => self.index.add(number, bounds),
            Some(_) => {}
        }
        Ok(())
    }
}
