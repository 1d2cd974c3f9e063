//! `.shp` and `.shx`: records of shapes, and where each stands.

use std::io::{self, Seek, SeekFrom, Write};

use spatialcloud_backup::geometry::Position;

use crate::{FilePlan, Kind};

/// Bytes of the header both files begin with.
const HEADER_BYTES: u64 = 100;
/// Bytes in front of a record's content.
const RECORD_HEADER_BYTES: u64 = 8;
/// What stands for no measure: anything below −10³⁸.
const NO_MEASURE: f64 = -1e39;

/// Smallest and largest x and y.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bounds {
    pub least: [f64; 2],
    pub most: [f64; 2],
}

impl Bounds {
    /// Of nothing: any position extends it.
    pub const NONE: Bounds = Bounds { least: [f64::INFINITY; 2], most: [f64::NEG_INFINITY; 2] };

    pub fn add(&mut self, other: &Bounds) {
        for axis in 0..2 {
            self.least[axis] = self.least[axis].min(other.least[axis]);
            self.most[axis] = self.most[axis].max(other.most[axis]);
        }
    }

    fn of(parts: &[Vec<Position>]) -> Bounds {
        let mut bounds = Bounds::NONE;
        for Position { x, y, .. } in parts.iter().flatten() {
            bounds.add(&Bounds { least: [*x, *y], most: [*x, *y] });
        }
        bounds
    }

    /// Zeros where there is nothing.
    fn or_zero(self) -> Bounds {
        if self.least[0] <= self.most[0] { self } else { Bounds { least: [0.0; 2], most: [0.0; 2] } }
    }
}

/// A range of elevations or measures.
#[derive(Clone, Copy, Debug)]
struct Range(f64, f64);

impl Range {
    const NONE: Range = Range(f64::INFINITY, f64::NEG_INFINITY);

    fn of(ordinates: impl Iterator<Item = f64>) -> Range {
        ordinates
            .fold(Range::NONE, |Range(least, most), ordinate| Range(least.min(ordinate), most.max(ordinate)))
    }

    fn add(&mut self, Range(least, most): Range) {
        *self = Range(self.0.min(least), self.1.max(most));
    }

    fn or(self, none: f64) -> [f64; 2] {
        if self.0 <= self.1 { [self.0, self.1] } else { [none, none] }
    }
}

/// A record made ready, and what the headers and the index take from it.
pub struct Record {
    content: Vec<u8>,
    pub bounds: Option<Bounds>,
    z: Range,
    m: Range,
}

/// Both files while they grow.
pub struct Shapes<W> {
    shp: W,
    shx: W,
    plan: FilePlan,
    shp_bytes: u64,
    shx_bytes: u64,
    records: u32,
    bounds: Bounds,
    z: Range,
    m: Range,
}

impl<W: Write + Seek> Shapes<W> {
    /// Begins both files; the headers are filled in at the end.
    pub fn create(mut shp: W, mut shx: W, plan: FilePlan) -> io::Result<Shapes<W>> {
        shp.write_all(&[0; HEADER_BYTES as usize])?;
        shx.write_all(&[0; HEADER_BYTES as usize])?;
        Ok(Shapes {
            shp,
            shx,
            plan,
            shp_bytes: HEADER_BYTES,
            shx_bytes: HEADER_BYTES,
            records: 0,
            bounds: Bounds::NONE,
            z: Range::NONE,
            m: Range::NONE,
        })
    }

    /// Length of `.shp` once the record is written; `.shx` is never longer.
    pub fn bytes_with(&self, record: &Record) -> u64 {
        self.shp_bytes + RECORD_HEADER_BYTES + record.content.len() as u64
    }

    /// Makes a record: rings or lines, or points of one position each. Nothing at all is a null shape.
    pub fn record(&self, parts: &[Vec<Position>]) -> Record {
        let mut record = Record { content: Vec::new(), bounds: None, z: Range::NONE, m: Range::NONE };
        let Some(kind) = self.plan.kind.filter(|_| !parts.is_empty()) else {
            record.content.extend(0_i32.to_le_bytes());
            return record;
        };
        let positions = || parts.iter().flatten();
        let bounds = Bounds::of(parts);
        record.bounds = Some(bounds);
        record.z = Range::of(positions().map(elevation));
        record.m = Range::of(positions().filter_map(|position| position.m));
        let content = &mut record.content;
        content.extend(shape_type(&self.plan).to_le_bytes());
        if kind == Kind::Points && !self.plan.many {
            // One position, and no box.
            for Position { x, y, .. } in positions().take(1) {
                doubles(content, [*x, *y]);
            }
            if self.plan.z {
                doubles(content, positions().take(1).map(elevation));
            }
            if self.plan.z || self.plan.m {
                doubles(content, positions().take(1).map(measure));
            }
            return record;
        }
        doubles(content, bounds.least.into_iter().chain(bounds.most));
        if kind != Kind::Points {
            content.extend((parts.len() as u32).to_le_bytes());
        }
        content.extend((positions().count() as u32).to_le_bytes());
        if kind != Kind::Points {
            let mut start = 0_u32;
            for part in parts {
                content.extend(start.to_le_bytes());
                start += part.len() as u32;
            }
        }
        doubles(content, positions().flat_map(|position| [position.x, position.y]));
        if self.plan.z {
            doubles(content, record.z.or(0.0));
            doubles(content, positions().map(elevation));
        }
        if self.plan.m {
            doubles(content, record.m.or(NO_MEASURE));
            doubles(content, positions().map(measure));
        }
        record
    }

    /// Writes a record.
    pub fn write(&mut self, record: &Record) -> io::Result<()> {
        self.records += 1;
        let words = (record.content.len() / 2) as u32;
        self.shp.write_all(&self.records.to_be_bytes())?;
        self.shp.write_all(&words.to_be_bytes())?;
        self.shp.write_all(&record.content)?;
        self.shx.write_all(&((self.shp_bytes / 2) as u32).to_be_bytes())?;
        self.shx.write_all(&words.to_be_bytes())?;
        self.shp_bytes = self.bytes_with(record);
        self.shx_bytes += RECORD_HEADER_BYTES;
        if let Some(bounds) = &record.bounds {
            self.bounds.add(bounds);
            self.z.add(record.z);
            self.m.add(record.m);
        }
        Ok(())
    }

    /// Fills the headers in.
    pub fn finish(mut self) -> io::Result<()> {
        for (sink, bytes) in [(&mut self.shp, self.shp_bytes), (&mut self.shx, self.shx_bytes)] {
            let mut header = Vec::with_capacity(HEADER_BYTES as usize);
            header.extend(9994_u32.to_be_bytes());
            header.extend([0; 20]);
            header.extend(((bytes / 2) as u32).to_be_bytes());
            header.extend(1000_u32.to_le_bytes());
            header.extend(shape_type(&self.plan).to_le_bytes());
            let bounds = self.bounds.or_zero();
            doubles(&mut header, bounds.least.into_iter().chain(bounds.most));
            doubles(&mut header, if self.plan.z { self.z.or(0.0) } else { [0.0; 2] });
            doubles(&mut header, if self.plan.m { self.m.or(NO_MEASURE) } else { [0.0; 2] });
            sink.seek(SeekFrom::Start(0))?;
            sink.write_all(&header)?;
            sink.flush()?;
        }
        Ok(())
    }
}

/// ESRI's number: ten more with elevations (and room for measures), twenty more with measures alone.
fn shape_type(plan: &FilePlan) -> i32 {
    let plane = match plan.kind {
        None => return 0,
        Some(Kind::Points) if plan.many => 8,
        Some(Kind::Points) => 1,
        Some(Kind::Lines) => 3,
        Some(Kind::Polygons) => 5,
    };
    match (plan.z, plan.m) {
        (true, _) => plane + 10,
        (false, true) => plane + 20,
        (false, false) => plane,
    }
}

fn elevation(position: &Position) -> f64 {
    position.z.unwrap_or(0.0)
}

fn measure(position: &Position) -> f64 {
    position.m.unwrap_or(NO_MEASURE)
}

fn doubles(output: &mut Vec<u8>, ordinates: impl IntoIterator<Item = f64>) {
    for ordinate in ordinates {
        output.extend(ordinate.to_le_bytes());
    }
}
