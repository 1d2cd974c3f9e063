//! Rows of any table from a seed: each follows from the seed, the table's name and the row's number.

use std::borrow::Cow;

use super::column_type::ColumnType;
use super::literal;
use super::random::Random;
use super::tables::ColumnSpec;
use crate::geometry::{Geometry, Position, Ring, Section, Shape, SpatialType, encode};
use crate::types::{Date, Decimal, SqlType, Time, Value};
use crate::value::Guid;

/// One value in so many is NULL, where it may be.
const NULL_IN: u32 = 8;
/// One (max) value in so many is longer than a page.
const LONG_IN: u32 = 16;
/// Longest such value, in bytes.
const MOST_LONG_BYTES: u32 = 20_000;
/// Longest of the others.
const MOST_SHORT: u32 = 40;
const LETTERS: &[char] = &['a', 'b', 'c', 'e', 'n', 'r', 's', 't', ' ', 'A', 'B', '0', '7', 'é', 'ü', '€'];
/// Letters that no code page of one byte has.
const FAR_LETTERS: &[char] = &['山', 'Ж', 'ễ', '😀'];

/// A row: its key tells rows apart and rises with the row's number.
pub fn row(columns: &[ColumnSpec], key: &[usize], index: u64, random: &mut Random) -> Vec<Value<'static>> {
    let value = |(place, column): (usize, &ColumnSpec)| {
        if key.first() == Some(&place) {
            return key_value(column.column_type, index);
        }
        let is_null = column.is_nullable && random.below(NULL_IN) == 0;
        if is_null { Value::Null } else { any(column.column_type, random) }
    };
    columns.iter().enumerate().map(value).collect()
}

/// How many rows the first column of a key can tell apart.
pub fn most_keys(column_type: ColumnType) -> u64 {
    let length = u32::try_from(column_type.length_bytes).unwrap_or(0);
    match column_type.sql_type {
        SqlType::Bit => 2,
        SqlType::TinyInt => 255,
        SqlType::SmallInt | SqlType::SmallDateTime => 32_767,
        SqlType::Decimal | SqlType::Numeric => {
            10_u64.checked_pow(u32::from(column_type.precision)).map_or(u64::MAX, |count| count - 1)
        }
        SqlType::Real => 1 << 24,
        SqlType::Date => u64::from(Date::LAST) - FIRST_DAY,
        SqlType::Time => 86_400,
        SqlType::Char | SqlType::VarChar => 10_u64.checked_pow(length).map_or(u64::MAX, |count| count - 1),
        SqlType::NChar | SqlType::NVarChar => {
            10_u64.checked_pow(length / 2).map_or(u64::MAX, |count| count - 1)
        }
        SqlType::Binary | SqlType::VarBinary => {
            256_u64.checked_pow(length).map_or(u64::MAX, |count| count - 1)
        }
        SqlType::Int | SqlType::SmallMoney => i32::MAX as u64,
        _ => i64::MAX as u64 >> 16,
    }
}

/// 1900-01-01.
const FIRST_DAY: u64 = 693_595;

/// The `index`-th value of a key.
fn key_value(column_type: ColumnType, index: u64) -> Value<'static> {
    let number = index.cast_signed().saturating_add(1);
    let seconds = |day: u64| {
        let date = Date::from_days((day + index / 86_400) as u32);
        let time = Time::from_ticks(index % 86_400 * Time::TICKS_PER_SECOND, column_type.scale);
        date.zip(time)
    };
    let digits = |length: usize| {
        // As many digits as there are at most, so that their order is that of the numbers.
        format!("{number:0>width$}", width = length.min(12))
    };
    let length = usize::try_from(column_type.length_bytes).unwrap_or(0);
    let value = match column_type.sql_type {
        SqlType::Bit => Value::Bit(index > 0),
        SqlType::Decimal | SqlType::Numeric | SqlType::Money | SqlType::SmallMoney => {
            Value::Decimal(Decimal {
                is_negative: false,
                magnitude: number.unsigned_abs().into(),
                scale: column_type.scale,
            })
        }
        SqlType::Real => Value::Real(number as f32),
        SqlType::Float => Value::Float(number as f64),
        SqlType::Date => Date::from_days((FIRST_DAY + index) as u32).map_or(Value::Null, Value::Date),
        SqlType::Time => seconds(FIRST_DAY).map_or(Value::Null, |(_, time)| Value::Time(time)),
        SqlType::DateTime => {
            seconds(FIRST_DAY).map_or(Value::Null, |(date, time)| Value::DateTime(date, time))
        }
        SqlType::SmallDateTime => {
            // A day apart.
            let day = Date::from_days((FIRST_DAY + index) as u32);
            day.zip(Time::from_ticks(0, 3)).map_or(Value::Null, |(date, time)| Value::DateTime(date, time))
        }
        SqlType::DateTime2 => {
            seconds(FIRST_DAY).map_or(Value::Null, |(date, time)| Value::DateTime2(date, time))
        }
        SqlType::DateTimeOffset => {
            seconds(FIRST_DAY).map_or(Value::Null, |(date, time)| Value::DateTimeOffset(date, time, 600))
        }
        SqlType::UniqueIdentifier => {
            let mut bytes = [0; 16];
            bytes[10..].copy_from_slice(&number.to_be_bytes()[2..]);
            bytes[..8].copy_from_slice(&number.wrapping_mul(0x9E37_79B9).to_le_bytes());
            Value::Guid(Guid(bytes))
        }
        SqlType::Char | SqlType::VarChar => Value::Text(digits(length).into()),
        SqlType::NChar | SqlType::NVarChar => Value::Text(digits(length / 2).into()),
        SqlType::Binary | SqlType::VarBinary => {
            let bytes = number.to_be_bytes();
            Value::Binary(Cow::Owned(bytes[8 - length.min(8)..].to_vec()))
        }
        _ => Value::Integer(number),
    };
    literal::stored(column_type, &value).unwrap_or(Value::Null)
}

/// Any value of a type but NULL.
pub fn any(column_type: ColumnType, random: &mut Random) -> Value<'static> {
    let scale = column_type.scale;
    let length = column_type.length_bytes;
    let value = match column_type.sql_type {
        SqlType::Bit => Value::Bit(random.below(2) == 1),
        SqlType::TinyInt => Value::Integer(i64::from(random.below(256))),
        SqlType::SmallInt => Value::Integer(i64::from(random.next() as i16)),
        SqlType::Int => Value::Integer(i64::from(random.next() as i32)),
        SqlType::BigInt => Value::Integer(random.next().cast_signed()),
        SqlType::Decimal | SqlType::Numeric => decimal(column_type, random),
        SqlType::Money => Value::Decimal(Decimal::from_units(random.next().cast_signed(), 4)),
        SqlType::SmallMoney => Value::Decimal(Decimal::from_units(i64::from(random.next() as i32), 4)),
        SqlType::Real => Value::Real(random.next() as i32 as f32 / 1024.0),
        SqlType::Float => Value::Float(random.next() as i32 as f64 / 4096.0),
        SqlType::Date => day(0..Date::LAST, random).map_or(Value::Null, Value::Date),
        SqlType::Time => time(scale, random).map_or(Value::Null, Value::Time),
        // What has no place in the calendar of a type is left out: the years 1753 to 9999, 1900 to 2078.
        SqlType::DateTime => moment(639_905..Date::LAST, 3, random)
            .map_or(Value::Null, |(date, time)| Value::DateTime(date, time)),
        SqlType::SmallDateTime => moment(693_595..758_000, 0, random)
            .map_or(Value::Null, |(date, time)| Value::DateTime(date, time)),
        SqlType::DateTime2 => moment(0..Date::LAST, scale, random)
            .map_or(Value::Null, |(date, time)| Value::DateTime2(date, time)),
        SqlType::DateTimeOffset => {
            let offset = random.below(2 * 14 * 60 + 1) as i16 - 14 * 60;
            moment(1..Date::LAST - 1, scale, random)
                .map_or(Value::Null, |(date, time)| Value::DateTimeOffset(date, time, offset))
        }
        SqlType::UniqueIdentifier => Value::Guid(random.guid()),
        SqlType::Geometry => spatial(SpatialType::Geometry, random),
        SqlType::Geography => spatial(SpatialType::Geography, random),
        SqlType::Char | SqlType::VarChar | SqlType::Text => {
            let count = count(column_type, length, random);
            Value::Text(text(count, false, random).into())
        }
        SqlType::NChar | SqlType::NVarChar | SqlType::NText => {
            let count = count(column_type, if length > 0 { length / 2 } else { length }, random);
            Value::Text(text(count, true, random).into())
        }
        _ => {
            let mut bytes = vec![0; count(column_type, length, random)];
            random.fill(&mut bytes);
            Value::Binary(Cow::Owned(bytes))
        }
    };
    literal::stored(column_type, &value).unwrap_or(Value::Null)
}

/// How many bytes or letters.
fn count(column_type: ColumnType, most: i16, random: &mut Random) -> usize {
    let count = match u32::try_from(most) {
        _ if column_type.is_large() => match random.below(LONG_IN) {
            0 => random.below(MOST_LONG_BYTES),
            _ => random.below(MOST_SHORT),
        },
        Ok(most) if column_type.fixed_bytes().is_some() => most,
        Ok(most) => random.below(most.min(MOST_SHORT) + 1),
        Err(_) => 0,
    };
    count as usize
}

/// So many UTF-16 units, or one less.
fn text(units: usize, is_unicode: bool, random: &mut Random) -> String {
    let mut text = String::new();
    let mut left = units;
    while left > 0 {
        let letters = if is_unicode && random.below(8) == 0 { FAR_LETTERS } else { LETTERS };
        let letter = letters[random.below(letters.len() as u32) as usize];
        let Some(rest) = left.checked_sub(letter.len_utf16()) else { break };
        text.push(letter);
        left = rest;
    }
    text
}

fn decimal(column_type: ColumnType, random: &mut Random) -> Value<'static> {
    let wide = u128::from(random.next()) << 64 | u128::from(random.next());
    let digits = 1 + random.below(u32::from(column_type.precision.max(1)));
    let magnitude = wide % 10_u128.pow(digits.min(38));
    let is_negative = magnitude > 0 && random.below(2) == 1;
    Value::Decimal(Decimal { is_negative, magnitude, scale: column_type.scale })
}

fn day(days: std::ops::Range<u32>, random: &mut Random) -> Option<Date> {
    Date::from_days(days.start + random.below(days.end - days.start))
}

fn time(scale: u8, random: &mut Random) -> Option<Time> {
    let step = 10_u64.pow(7 - u32::from(scale.min(7)));
    Time::from_ticks(random.next() % Time::TICKS_PER_DAY / step * step, scale)
}

fn moment(days: std::ops::Range<u32>, scale: u8, random: &mut Random) -> Option<(Date, Time)> {
    // Nearer to midnight a datetime would be rounded into the next day.
    let time = time(scale, random)?;
    let last = Time::TICKS_PER_DAY - Time::TICKS_PER_SECOND;
    let time = if time.ticks() > last { Time::from_ticks(0, scale)? } else { time };
    Some((day(days, random)?, time))
}

fn spatial(spatial_type: SpatialType, random: &mut Random) -> Value<'static> {
    let (srid, x, y, step) = match spatial_type {
        SpatialType::Geometry => (28355, 300_000.0, 5_800_000.0, 16.0),
        SpatialType::Geography => (4326, 144.0, -38.0, 1.0 / 1024.0),
    };
    let corner = (x + step * f64::from(random.below(1024)), y + step * f64::from(random.below(1024)));
    let geometry = Geometry::new(srid, shape(corner, step, 0, random));
    encode(&geometry, spatial_type).map_or(Value::Null, |bytes| Value::Binary(Cow::Owned(bytes)))
}

/// One of every kind of shape.
fn shape((x, y): (f64, f64), step: f64, depth: u32, random: &mut Random) -> Shape {
    let z_m = random.below(4);
    let mut at = |right: f64, up: f64| Position {
        x: x + step * right,
        y: y + step * up,
        z: (z_m == 1 || z_m == 2).then(|| f64::from(random.below(100))),
        m: (z_m == 2).then(|| f64::from(random.below(100))),
    };
    let line = vec![at(0.0, 0.0), at(1.0, 2.0), at(3.0, 2.0)];
    // Counter-clockwise: its inside is on the left.
    let first = at(0.0, 0.0);
    let ring = vec![first, at(4.0, 0.0), at(4.0, 4.0), at(0.0, 4.0), first];
    let hole_first = at(1.0, 1.0);
    let hole = vec![hole_first, at(1.0, 2.0), at(2.0, 2.0), at(2.0, 1.0), hole_first];
    let arc = vec![at(0.0, 0.0), at(1.0, 1.0), at(2.0, 0.0)];
    let end = arc[2];
    let compound = vec![Section::Arc(arc.clone()), Section::Line(vec![end, at(5.0, 0.0)])];
    let circle = vec![first, at(2.0, 2.0), at(4.0, 0.0), at(2.0, -2.0), first];
    match random.below(if depth == 0 { 12 } else { 9 }) {
        0 => Shape::Point(Some(first)),
        1 => Shape::Point(None),
        2 => Shape::LineString(line),
        3 => Shape::Polygon(vec![ring, hole]),
        4 => Shape::MultiPoint(vec![Some(first), Some(end)]),
        5 => Shape::MultiLineString(vec![line, vec![first, end]]),
        6 => Shape::MultiPolygon(vec![vec![ring]]),
        7 => Shape::CircularString(arc),
        8 => Shape::CompoundCurve(compound),
        9 => Shape::CurvePolygon(vec![Ring::Plain(Section::Arc(circle))]),
        10 => Shape::LineString(line[..2].to_vec()),
        _ => {
            let members = 1 + random.below(3);
            Shape::GeometryCollection((0..members).map(|_| shape((x, y), step, depth + 1, random)).collect())
        }
    }
}
