//! The tables of a small council, and their rows: each follows from the seed, its table and its number alone.
//!
//! `parcels` (polygons, MGA zone 55) takes up whatever room there is, `roads` (lines), `hydrants` (points, GDA94),
//! `suburbs` without shapes, and `ogr_metadata`, which lists the spatial ones and has a blank row.

use std::borrow::Cow;

use super::column_type::ColumnType;
use super::random::Random;
use super::tables::{ColumnSpec, OGR_METADATA, metadata_columns};
use crate::geometry::{Geometry, Position, Shape, SpatialType, encode};
use crate::types::{Date, Decimal, Time, Value};

/// The table that takes up whatever room there is.
pub const LARGE: &str = "parcels";
/// The longest record of the large table.
pub const LONGEST_PARCEL_BYTES: u32 = 347;
/// Rows on each leaf of it: so many fit however long they are, each with its slot.
pub const ROWS_PER_LEAF: u32 = (8192 - 96) / (LONGEST_PARCEL_BYTES + 2);
/// Names and types of columns; those that may be NULL have a question mark.
type Columns = &'static [(&'static str, &'static str)];
/// A table: name, whether its first column is its key, columns, and rows (of the large one: as many as fit).
pub const TABLES: &[(&str, bool, Columns, u32)] = &[
    (
        LARGE,
        true,
        &[
            ("id", "int"),
            ("lot", "varchar(20)"),
            ("plan_number", "nvarchar(20)"),
            ("owner", "nvarchar(60)?"),
            ("area", "decimal(12,2)"),
            ("updated", "datetime2"),
            ("shape", "geometry?"),
        ],
        0,
    ),
    (
        "roads",
        true,
        &[("id", "int"), ("name", "nvarchar(60)"), ("surface", "varchar(20)?"), ("shape", "geometry?")],
        40,
    ),
    (
        "hydrants",
        true,
        &[("id", "int"), ("asset", "varchar(20)"), ("inspected", "datetime2"), ("location", "geography?")],
        60,
    ),
    ("suburbs", true, &[("id", "int"), ("name", "nvarchar(60)"), ("rate", "decimal(12,2)?")], 25),
    (OGR_METADATA, false, &[], 4),
];

/// The columns of one of them.
pub fn columns(name: &str) -> Vec<ColumnSpec> {
    if name == OGR_METADATA {
        return metadata_columns();
    }
    let known =
        TABLES.iter().find(|(known, ..)| *known == name).map_or(&[][..], |(_, _, columns, _)| columns);
    let column = |(name, declared): &(&str, &str)| {
        let column_type = ColumnType::parse(declared.trim_end_matches('?')).ok()?;
        Some(ColumnSpec { name: (*name).to_owned(), column_type, is_nullable: declared.ends_with('?') })
    };
    known.iter().filter_map(column).collect()
}

/// GDA94 / MGA zone 55.
const MGA_55: i32 = 28355;
/// GDA94.
const GDA94: i32 = 4283;

const OWNERS: [&str; 8] = [
    "City of Example",
    "J. Nguyễn",
    "A. Müller",
    "O'Brien Holdings Pty Ltd",
    "K. Papadopoulos",
    "S. Singh",
    "山田 花子",
    "Crown land",
];
const STREETS: [&str; 6] = ["Acacia", "Banksia", "Correa", "Grevillea", "Hakea", "Waratah"];
const SURFACES: [&str; 3] = ["sealed", "gravel", "concrete"];

/// Row `index` of a table, from 0; keys count from 1.
pub fn row(seed: u64, name: &str, index: u32) -> Vec<Value<'static>> {
    let mut random = Random::of_row(seed, name, u64::from(index));
    let id = Value::Integer(i64::from(index) + 1);
    match name {
        LARGE => parcel(id, index, &mut random),
        "roads" => road(id, index, &mut random),
        "hydrants" => hydrant(id, index, &mut random),
        "suburbs" => suburb(id, index, &mut random),
        _ => listing(index),
    }
}

fn text(text: impl Into<Cow<'static, str>>) -> Value<'static> {
    Value::Text(text.into())
}

fn hundredths(magnitude: u64) -> Value<'static> {
    Value::Decimal(Decimal { is_negative: false, magnitude: u128::from(magnitude), scale: 2 })
}

/// Shapes made here can all be stored.
fn spatial(geometry: &Geometry, spatial_type: SpatialType) -> Value<'static> {
    encode(geometry, spatial_type).map_or(Value::Null, |bytes| Value::Binary(Cow::Owned(bytes)))
}

/// Where a thing of a grid of 25 metres stands.
fn corner(index: u32) -> (f64, f64) {
    (300_000.0 + 25.0 * f64::from(index % 8192), 5_800_000.0 + 25.0 * f64::from(index / 8192 % 8192))
}

/// A lot with three boundary marks on each side.
fn parcel(id: Value<'static>, index: u32, random: &mut Random) -> Vec<Value<'static>> {
    let (x, y) = corner(index);
    let (width, depth) = (15.0 + f64::from(random.below(8)), 15.0 + f64::from(random.below(8)));
    let third = |of: f64, step: u32| of * f64::from(step) / 4.0;
    let mut ring = Vec::with_capacity(13);
    ring.extend((0..3).map(|step| Position::xy(x + third(width, step), y)));
    ring.extend((0..3).map(|step| Position::xy(x + width, y + third(depth, step))));
    ring.extend((0..3).map(|step| Position::xy(x + width - third(width, step), y + depth)));
    ring.extend((0..3).map(|step| Position::xy(x, y + depth - third(depth, step))));
    ring.push(ring[0]);
    let owner = match random.below(10) {
        0 => Value::Null,
        number => text(OWNERS[number as usize % OWNERS.len()]),
    };
    vec![
        id,
        text((1 + index % 500).to_string()),
        text(format!("DP{}", 100_000 + index / 500)),
        owner,
        hundredths((width * depth * 100.0) as u64),
        moment(random),
        spatial(&Geometry::new(MGA_55, Shape::Polygon(vec![ring])), SpatialType::Geometry),
    ]
}

fn road(id: Value<'static>, index: u32, random: &mut Random) -> Vec<Value<'static>> {
    let (mut x, mut y) = corner(index * 300);
    let mut points = Vec::new();
    for _ in 0..2 + random.below(4) {
        points.push(Position::xy(x, y));
        x += 20.0 + f64::from(random.below(400)) / 4.0;
        y += f64::from(random.below(400)) / 4.0 - 50.0;
    }
    let surface = match random.below(4) {
        0 => Value::Null,
        number => text(SURFACES[number as usize - 1]),
    };
    let name = format!("{} Street {}", STREETS[index as usize % STREETS.len()], index + 1);
    vec![
        id,
        text(name),
        surface,
        spatial(&Geometry::new(MGA_55, Shape::LineString(points)), SpatialType::Geometry),
    ]
}

fn hydrant(id: Value<'static>, index: u32, random: &mut Random) -> Vec<Value<'static>> {
    let degrees = |random: &mut Random| f64::from(random.below(1 << 20)) / f64::from(1 << 22);
    let position = Position::xy(145.0 + degrees(random), -38.0 + degrees(random));
    // Some were listed and never surveyed.
    let location = match index % 20 {
        19 => Value::Null,
        _ => spatial(&Geometry::new(GDA94, Shape::Point(Some(position))), SpatialType::Geography),
    };
    vec![id, text(format!("HYD-{:05}", index + 1)), moment(random), location]
}

fn suburb(id: Value<'static>, index: u32, random: &mut Random) -> Vec<Value<'static>> {
    let rate = if index.is_multiple_of(7) { Value::Null } else { hundredths(random.next() % 1_000_000) };
    let street = STREETS[random.below(STREETS.len() as u32) as usize];
    vec![id, text(format!("{street} Vale {}", index + 1)), rate]
}

/// Which layers to export. The last row is blank, which asks for nothing.
fn listing(index: u32) -> Vec<Value<'static>> {
    let layers = [
        ["Cadastre", "Parcels", LARGE],
        ["Transport", "Roads", "roads"],
        ["Utilities", "Hydrants", "hydrants"],
    ];
    match layers.get(index as usize) {
        Some(texts) => texts.iter().map(|text| self::text(*text)).collect(),
        None => vec![Value::Null, text(""), Value::Null],
    }
}

/// A moment of the years 2010 to 2025.
fn moment(random: &mut Random) -> Value<'static> {
    const FIRST_DAY: u32 = 733_772;
    let day = FIRST_DAY + random.below(16 * 365);
    let ticks = u64::from(random.below(86_400_000)) * 10_000;
    match (Date::from_days(day), Time::from_ticks(ticks, 7)) {
        (Some(date), Some(time)) => Value::DateTime2(date, time),
        _ => Value::Null,
    }
}
