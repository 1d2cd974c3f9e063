//! What the tests share: writing a table into a folder, and a small reader that knows nothing of the writer.

#![allow(dead_code)] // each test uses its own part

use std::fs::File;
use std::io::BufWriter;
use std::path::Path;

use spatialcloud_backup::geometry::{Geometry, Position, Shape, SpatialType};
use spatialcloud_shapefile::{Column, ColumnType, Layer, Report, Settings, Survey, Value, WriteError};

pub type Row<'a> = (Option<Geometry>, Vec<Value<'a>>);

pub fn settings(spatial_type: SpatialType) -> Settings {
    Settings::new(spatial_type, (2026, 3, 2))
}

pub fn column(name: &str, column_type: ColumnType) -> Column {
    Column { name: name.to_owned(), column_type }
}

pub fn xy(x: f64, y: f64) -> Position {
    Position::xy(x, y)
}

pub fn geometry(shape: Shape) -> Option<Geometry> {
    Some(Geometry::new(28355, shape))
}

/// Both passes; files are `FOLDER/NAME[_kind].extension`.
pub fn write(
    folder: &Path,
    name: &str,
    settings: Settings,
    columns: &[Column],
    rows: &[Row<'_>],
) -> Result<Report, WriteError> {
    let mut survey = Survey::new(columns.to_vec(), settings);
    for (geometry, values) in rows {
        survey.see(geometry.as_ref(), values)?;
    }
    let mut layer = Layer::create(survey.finish(), |suffix, extension| {
        let path = folder.join(format!("{name}{suffix}.{}", extension.as_str()));
        File::create(path).map(BufWriter::new)
    })?;
    for (geometry, values) in rows {
        layer.write(geometry.as_ref(), values)?;
    }
    layer.finish()
}

/// A record of `.shp`: its type, parts, and points as x, y, z, m.
#[derive(Debug, Clone, PartialEq)]
pub struct Record {
    pub shape_type: i32,
    pub parts: Vec<Vec<[f64; 4]>>,
    pub bounds: [f64; 4],
}

fn i32_le(bytes: &[u8], at: usize) -> i32 {
    i32::from_le_bytes(bytes[at..at + 4].try_into().expect("four bytes"))
}

fn i32_be(bytes: &[u8], at: usize) -> i32 {
    i32::from_be_bytes(bytes[at..at + 4].try_into().expect("four bytes"))
}

fn f64_le(bytes: &[u8], at: usize) -> f64 {
    f64::from_le_bytes(bytes[at..at + 8].try_into().expect("eight bytes"))
}

/// Type in the header, and all records; checks lengths, numbers and `.shx` on the way.
pub fn read_shp(shp: &[u8], shx: &[u8]) -> (i32, Vec<Record>) {
    for file in [shp, shx] {
        assert_eq!((i32_be(file, 0), i32_le(file, 28)), (9994, 1000));
        assert_eq!(i32_be(file, 24) as usize * 2, file.len(), "the header tells the file's length");
    }
    assert_eq!(shp[28..100], shx[28..100], "both headers say the same");
    let (mut at, mut records) = (100, Vec::new());
    while at < shp.len() {
        let length = i32_be(shp, at + 4) as usize * 2;
        let entry = 100 + records.len() * 8;
        assert_eq!(i32_be(shp, at) as usize, records.len() + 1);
        assert_eq!((i32_be(shx, entry) as usize * 2, i32_be(shx, entry + 4) as usize * 2), (at, length));
        records.push(read_record(&shp[at + 8..at + 8 + length]));
        at += 8 + length;
    }
    assert_eq!(shx.len(), 100 + records.len() * 8);
    let shapes = || records.iter().filter(|record| record.shape_type != 0);
    for record in shapes() {
        assert_eq!(record.bounds, bounds(record.parts.iter().flatten().map(|[x, y, ..]| [*x, *y, *x, *y])));
    }
    if shapes().next().is_some() {
        let header = std::array::from_fn(|index| f64_le(shp, 36 + index * 8));
        assert_eq!(bounds(shapes().map(|record| record.bounds)), header);
    }
    (i32_le(shp, 32), records)
}

fn bounds(boxes: impl Iterator<Item = [f64; 4]>) -> [f64; 4] {
    let none = [f64::INFINITY, f64::INFINITY, f64::NEG_INFINITY, f64::NEG_INFINITY];
    boxes.fold(none, |[a, b, c, d], [l, u, r, t]| [a.min(l), b.min(u), c.max(r), d.max(t)])
}

fn read_record(content: &[u8]) -> Record {
    let shape_type = i32_le(content, 0);
    let (z, m) = ((11..20).contains(&shape_type), shape_type > 10);
    let mut record = Record { shape_type, parts: Vec::new(), bounds: [0.0; 4] };
    let mut at = 4;
    let mut next = |bytes: usize| {
        at += bytes;
        at - bytes
    };
    let plane = shape_type % 10;
    if plane == 0 {
        assert_eq!(content.len(), 4);
        return record;
    }
    if plane == 1 {
        let mut point = [f64_le(content, next(8)), f64_le(content, next(8)), 0.0, f64::NAN];
        if z {
            point[2] = f64_le(content, next(8));
        }
        if m {
            point[3] = f64_le(content, next(8));
        }
        assert_eq!(next(0), content.len());
        record.bounds = [point[0], point[1], point[0], point[1]];
        record.parts = vec![vec![point]];
        return record;
    }
    record.bounds = std::array::from_fn(|_| f64_le(content, next(8)));
    let parts = if plane == 8 { 1 } else { i32_le(content, next(4)) as usize };
    let count = i32_le(content, next(4)) as usize;
    let mut starts: Vec<usize> =
        if plane == 8 { vec![0] } else { (0..parts).map(|_| i32_le(content, next(4)) as usize).collect() };
    starts.push(count);
    let mut points: Vec<[f64; 4]> =
        (0..count).map(|_| [f64_le(content, next(8)), f64_le(content, next(8)), 0.0, f64::NAN]).collect();
    for axis in [2, 3] {
        if (axis == 2 && z) || (axis == 3 && m && next(0) < content.len()) {
            next(16);
            points.iter_mut().for_each(|point| point[axis] = f64_le(content, next(8)));
        }
    }
    assert_eq!(next(0), content.len(), "a record is exactly as long as it says");
    record.parts = starts.windows(2).map(|pair| points[pair[0]..pair[1]].to_vec()).collect();
    record
}

/// Name, type, width, decimals.
pub type Field = (String, char, u8, u8);

/// Fields and rows of a `.dbf`, blanks around values taken off.
pub fn read_dbf(bytes: &[u8]) -> (Vec<Field>, Vec<Vec<String>>) {
    let records = i32_le(bytes, 4) as usize;
    let header = usize::from(u16::from_le_bytes([bytes[8], bytes[9]]));
    let length = usize::from(u16::from_le_bytes([bytes[10], bytes[11]]));
    let field = |field: &[u8]| {
        let name = field[..11].split(|byte| *byte == 0).next().expect("a first part");
        (String::from_utf8_lossy(name).into_owned(), char::from(field[11]), field[16], field[17])
    };
    let fields: Vec<_> = bytes[32..header - 1].chunks(32).map(field).collect();
    assert_eq!((bytes[header - 1], bytes.last()), (0x0D, Some(&0x1A)));
    assert_eq!(bytes.len(), header + records * length + 1);
    let row = |record: &[u8]| {
        assert_eq!(record[0], b' ', "not deleted");
        let mut at = 1;
        let mut values = Vec::new();
        for (_, _, width, _) in &fields {
            let value = &record[at..at + usize::from(*width)];
            values.push(str::from_utf8(value).expect("UTF-8").trim().to_owned());
            at += usize::from(*width);
        }
        assert_eq!(at, length);
        values
    };
    let rows = bytes[header..bytes.len() - 1].chunks(length).map(row).collect();
    (fields, rows)
}

/// Records of a `.qix` whose nodes meet the box, as MapServer searches it.
pub fn search_qix(bytes: &[u8], area: [f64; 4]) -> Vec<u32> {
    assert_eq!(&bytes[..8], b"SQT\x01\x01\0\0\0");
    let (mut at, mut found) = (16, Vec::new());
    search_node(bytes, &mut at, area, &mut found);
    assert_eq!(at, bytes.len(), "the tree is the rest of the file");
    found
}

fn search_node(bytes: &[u8], at: &mut usize, area: [f64; 4], found: &mut Vec<u32>) {
    let below = i32_le(bytes, *at) as usize;
    let [left, bottom, right, top]: [f64; 4] =
        std::array::from_fn(|index| f64_le(bytes, *at + 4 + index * 8));
    let count = i32_le(bytes, *at + 36) as usize;
    let after = *at + 40 + count * 4 + 4;
    if right < area[0] || left > area[2] || top < area[1] || bottom > area[3] {
        // Skipped by its length, as readers do.
        *at = after + below;
        return;
    }
    found.extend((0..count).map(|index| i32_le(bytes, *at + 40 + index * 4) as u32));
    let quarters = i32_le(bytes, after - 4);
    *at = after;
    for _ in 0..quarters {
        search_node(bytes, at, area, found);
    }
    assert_eq!(*at, after + below, "a node tells how long its quarters are");
}
