//! What the rows hold: each follows from the seed, its table and its number alone.

use std::io;

use super::random::Random;
use super::record::RecordMaker;
use super::tables::{ColumnType, LARGE, TableSpec};
use crate::geometry::{Geometry, Position, Shape, SpatialType, encode};

/// The longest record of the large table.
pub const LONGEST_PARCEL_BYTES: u32 = 347;
/// Rows on each leaf of it: so many fit however long they are, each with its slot.
pub const ROWS_PER_LEAF: u32 = (8192 - 96) / (LONGEST_PARCEL_BYTES + 2);
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

/// A value of a row.
#[derive(Clone, Debug, PartialEq)]
pub enum Cell {
    Null,
    Int(i32),
    Text(String),
    /// In hundredths.
    Decimal(u64),
    /// Days since 0001-01-01, ticks of 100 ns since midnight.
    DateTime(u32, u64),
    Spatial(Geometry),
}

/// Row `index` of a table, from 0; keys count from 1.
pub fn row(seed: u64, table: &TableSpec, index: u32) -> Vec<Cell> {
    let salt = table.name.bytes().fold(0_u64, |salt, byte| salt.rotate_left(8) ^ u64::from(byte));
    let mut random = Random::new(seed ^ salt.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ u64::from(index) << 20);
    let id = Cell::Int(index.cast_signed().wrapping_add(1));
    match table.name {
        LARGE => parcel(id, index, &mut random),
        "roads" => road(id, index, &mut random),
        "hydrants" => hydrant(id, index, &mut random),
        "suburbs" => suburb(id, index, &mut random),
        _ => listing(index),
    }
}

/// Where a thing of a grid of 25 metres stands.
fn corner(index: u32) -> (f64, f64) {
    (300_000.0 + 25.0 * f64::from(index % 8192), 5_800_000.0 + 25.0 * f64::from(index / 8192 % 8192))
}

/// A lot with three boundary marks on each side.
fn parcel(id: Cell, index: u32, random: &mut Random) -> Vec<Cell> {
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
        0 => Cell::Null,
        number => Cell::Text(OWNERS[number as usize % OWNERS.len()].to_owned()),
    };
    vec![
        id,
        Cell::Text(format!("{}", 1 + index % 500)),
        Cell::Text(format!("DP{}", 100_000 + index / 500)),
        owner,
        Cell::Decimal((width * depth * 100.0) as u64),
        moment(random),
        Cell::Spatial(Geometry::new(MGA_55, Shape::Polygon(vec![ring]))),
    ]
}

fn road(id: Cell, index: u32, random: &mut Random) -> Vec<Cell> {
    let (mut x, mut y) = corner(index * 300);
    let mut points = Vec::new();
    for _ in 0..2 + random.below(4) {
        points.push(Position::xy(x, y));
        x += 20.0 + f64::from(random.below(400)) / 4.0;
        y += f64::from(random.below(400)) / 4.0 - 50.0;
    }
    let surface = match random.below(4) {
        0 => Cell::Null,
        number => Cell::Text(SURFACES[number as usize - 1].to_owned()),
    };
    let name = format!("{} Street {}", STREETS[index as usize % STREETS.len()], index + 1);
    vec![id, Cell::Text(name), surface, Cell::Spatial(Geometry::new(MGA_55, Shape::LineString(points)))]
}

fn hydrant(id: Cell, index: u32, random: &mut Random) -> Vec<Cell> {
    let degrees = |random: &mut Random| f64::from(random.below(1 << 20)) / f64::from(1 << 22);
    let position = Position::xy(145.0 + degrees(random), -38.0 + degrees(random));
    // Some were listed and never surveyed.
    let location = match index % 20 {
        19 => Cell::Null,
        _ => Cell::Spatial(Geometry::new(GDA94, Shape::Point(Some(position)))),
    };
    vec![id, Cell::Text(format!("HYD-{:05}", index + 1)), moment(random), location]
}

fn suburb(id: Cell, index: u32, random: &mut Random) -> Vec<Cell> {
    let rate = if index.is_multiple_of(7) { Cell::Null } else { Cell::Decimal(random.next() % 1_000_000) };
    let street = STREETS[random.below(STREETS.len() as u32) as usize];
    vec![id, Cell::Text(format!("{street} Vale {}", index + 1)), rate]
}

/// Which layers to export. The last row is blank, which asks for nothing.
fn listing(index: u32) -> Vec<Cell> {
    let layers = [
        ["Cadastre", "Parcels", LARGE],
        ["Transport", "Roads", "roads"],
        ["Utilities", "Hydrants", "hydrants"],
    ];
    match layers.get(index as usize) {
        Some(texts) => texts.iter().map(|text| Cell::Text((*text).to_owned())).collect(),
        None => vec![Cell::Null, Cell::Text(String::new()), Cell::Null],
    }
}

/// A moment of the years 2010 to 2025.
fn moment(random: &mut Random) -> Cell {
    const FIRST_DAY: u32 = 733_772;
    let day = FIRST_DAY + random.below(16 * 365);
    Cell::DateTime(day, u64::from(random.below(86_400_000)) * 10_000)
}

/// Lays a row out as a record.
pub fn record<'m>(table: &TableSpec, row: &[Cell], maker: &'m mut RecordMaker) -> io::Result<&'m [u8]> {
    maker.begin();
    for (column, cell) in table.columns.iter().zip(row) {
        match (column.column_type, cell) {
            (column_type, Cell::Null) => match column_type.fixed_bytes() {
                Some(bytes) => maker.null(bytes),
                None => maker.variable(None),
            },
            (_, Cell::Int(value)) => maker.fixed(&value.to_le_bytes()),
            (ColumnType::VarChar(_), Cell::Text(text)) => maker.variable(Some(text.as_bytes())),
            (_, Cell::Text(text)) => maker.text(text),
            (_, Cell::Decimal(hundredths)) => {
                let mut bytes = [1; 9];
                bytes[1..].copy_from_slice(&hundredths.to_le_bytes());
                maker.fixed(&bytes)
            }
            (_, Cell::DateTime(days, ticks)) => {
                let mut bytes = [0; 8];
                bytes[..5].copy_from_slice(&ticks.to_le_bytes()[..5]);
                bytes[5..].copy_from_slice(&days.to_le_bytes()[..3]);
                maker.fixed(&bytes)
            }
            (column_type, Cell::Spatial(geometry)) => {
                let spatial_type = match column_type {
                    ColumnType::Spatial(spatial_type) => spatial_type,
                    _ => SpatialType::Geometry,
                };
                let bytes = encode(geometry, spatial_type).map_err(io::Error::other)?;
                maker.variable(Some(&bytes))
            }
        };
    }
    Ok(maker.finish())
}
