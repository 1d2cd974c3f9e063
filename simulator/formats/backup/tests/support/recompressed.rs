//! Lays the rows of a real table out anew with PAGE compression: prefixes, a dictionary, compact records.
//!
//! What SQL Server would write is not known byte for byte; this writes what its readers are documented to take.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Cursor;

use spatialcloud_backup::{Backup, Column, Database, PageId, SqlType, Table};

const PAGE_BYTES: usize = 8192;
const HEADER_BYTES: usize = 96;

/// A compressed value; `None` is NULL.
type Compact = Option<Vec<u8>>;

/// The backup with that table compressed; the count tells pages laid out anew.
pub fn recompress(bytes: &[u8], schema: &str, name: &str) -> Result<(Vec<u8>, usize), String> {
    let database = Database::open(Backup::file(Cursor::new(bytes))).map_err(|error| error.to_string())?;
    let table = database.table(schema, name).ok_or("no such table")?;
    let pages = rows_by_page(&database, table)?;
    let mut copy = bytes.to_vec();
    let first = copy.windows(4).position(|window| window == b"MQDA").ok_or("a stream")? + 24;
    let length = u64::from_le_bytes(copy[first - 16..first - 8].try_into().expect("eight bytes")) as usize;
    let places: BTreeMap<(u32, u16), usize> = (0..length / PAGE_BYTES)
        .map(|page| first + page * PAGE_BYTES)
        .map(|at| (page_id(&copy[at..at + PAGE_BYTES]), at))
        .collect();
    for (page, rows) in &pages {
        let at = *places.get(&(page.number, page.file)).ok_or("a page")?;
        lay(&mut copy[at..at + PAGE_BYTES], rows).ok_or_else(|| format!("page {page} is too full"))?;
    }
    let mut marked = 0;
    for at in places.values() {
        marked += mark(&mut copy[*at..*at + PAGE_BYTES], table.object_id);
    }
    if marked != 1 { Err(format!("{marked} rowsets marked")) } else { Ok((copy, pages.len())) }
}

fn page_id(page: &[u8]) -> (u32, u16) {
    let number = u32::from_le_bytes(page[32..36].try_into().expect("four bytes"));
    (number, u16::from_le_bytes([page[36], page[37]]))
}

fn rows_by_page(
    database: &Database<Cursor<&[u8]>>,
    table: &Table,
) -> Result<BTreeMap<PageId, Vec<Vec<Compact>>>, String> {
    let mut pages: BTreeMap<PageId, Vec<Vec<Compact>>> = BTreeMap::new();
    let bits: Vec<Option<u16>> =
        (0..table.columns.len()).map(|index| table.leaf_place(index).map(|(_, bit)| bit)).collect();
    let count = bits.iter().flatten().max().copied().unwrap_or(0);
    let mut rows = database.rows(table).map_err(|error| error.to_string())?;
    while let Some(row) = rows.next_row() {
        let row = row.map_err(|error| error.to_string())?;
        let mut cells: Vec<Compact> = vec![None; usize::from(count)];
        for (index, bit) in bits.iter().enumerate() {
            let bytes = row.bytes(index).map_err(|error| error.to_string())?;
            if let Some(bit) = bit {
                cells[usize::from(*bit) - 1] = bytes.map(|bytes| compress(&table.columns[index], &bytes));
            }
        }
        pages.entry(row.place().0).or_default().push(cells);
    }
    Ok(pages)
}

/// The reverse of what the reader does.
fn compress(column: &Column, bytes: &[u8]) -> Vec<u8> {
    let without_last = |with: u8| {
        let end = bytes.iter().rposition(|byte| *byte != with).map_or(0, |last| last + 1);
        bytes[..end].to_vec()
    };
    let without_first = || bytes[bytes.iter().position(|byte| *byte != 0).unwrap_or(bytes.len())..].to_vec();
    match column.sql_type {
        SqlType::SmallInt
        | SqlType::Int
        | SqlType::BigInt
        | SqlType::Money
        | SqlType::SmallMoney
        | SqlType::DateTime => excess(bytes),
        SqlType::Decimal | SqlType::Numeric => vardecimal(bytes, column.scale),
        SqlType::Real | SqlType::Float | SqlType::SmallDateTime | SqlType::Timestamp => without_first(),
        SqlType::TinyInt
        | SqlType::Bit
        | SqlType::Date
        | SqlType::Time
        | SqlType::DateTime2
        | SqlType::DateTimeOffset
        | SqlType::Binary => without_last(0),
        SqlType::Char => without_last(b' '),
        SqlType::NChar => {
            let mut bytes = bytes;
            while let [rest @ .., b' ', 0] = bytes {
                bytes = rest;
            }
            unicode(bytes)
        }
        SqlType::NVarChar => unicode(bytes),
        _ => bytes.to_vec(),
    }
}

fn excess(bytes: &[u8]) -> Vec<u8> {
    let mut wide = [if bytes.last().is_some_and(|byte| byte & 0x80 != 0) { 0xFF } else { 0 }; 8];
    wide[..bytes.len()].copy_from_slice(bytes);
    let value = i128::from(i64::from_le_bytes(wide));
    if value == 0 {
        return Vec::new();
    }
    let length = (1..=8).find(|length| (-(1 << (8 * length - 1))..1 << (8 * length - 1)).contains(&value));
    let length = length.expect("a value of eight bytes");
    let shifted = value + (1 << (8 * length - 1));
    shifted.to_be_bytes()[16 - length..].to_vec()
}

/// Latin-1 is its own compression, of an odd length; everything else stays UTF-16.
fn unicode(bytes: &[u8]) -> Vec<u8> {
    let is_latin = bytes.chunks(2).all(|unit| unit[1] == 0 && (unit[0] >= 0x20 || unit[0] == b'\n'));
    if !is_latin || bytes.is_empty() {
        return bytes.to_vec();
    }
    let mut short: Vec<u8> = bytes.chunks(2).map(|unit| unit[0]).collect();
    if short.len().is_multiple_of(2) {
        short.push(0x10);
    }
    short
}

fn vardecimal(bytes: &[u8], scale: u8) -> Vec<u8> {
    let mut wide = [0; 16];
    wide[..bytes.len() - 1].copy_from_slice(&bytes[1..]);
    let magnitude = u128::from_le_bytes(wide);
    if magnitude == 0 {
        return Vec::new();
    }
    let mut digits = magnitude.to_string();
    let exponent = digits.len() as i32 - 1 - i32::from(scale);
    while digits.len() % 3 != 0 {
        digits.push('0');
    }
    let sign = if bytes[0] == 0 { 0 } else { 0x80 };
    let mut packed = vec![sign | (exponent + 64) as u8];
    let mut bits: Vec<bool> = Vec::new();
    for group in digits.as_bytes().chunks(3) {
        let value: u32 = std::str::from_utf8(group).expect("digits").parse().expect("digits");
        bits.extend((0..10).rev().map(|bit| value >> bit & 1 == 1));
    }
    for byte in bits.chunks(8) {
        packed.push(byte.iter().enumerate().fold(0, |value, (bit, set)| value | u8::from(*set) << (7 - bit)));
    }
    while packed.len() > 1 && packed.last() == Some(&0) {
        packed.pop();
    }
    packed
}

/// Writes compression information, records and slots; `None` where they do not fit.
fn lay(page: &mut [u8], rows: &[Vec<Compact>]) -> Option<()> {
    let anchor = anchor(rows);
    let rows: Vec<Vec<Compact>> = rows
        .iter()
        .map(|row| row.iter().zip(&anchor).map(|(cell, anchor)| under(cell, anchor)).collect())
        .collect();
    let mut counts: BTreeMap<&[u8], usize> = BTreeMap::new();
    for cell in rows.iter().flatten().flatten().filter(|cell| cell.len() > 2) {
        *counts.entry(cell).or_default() += 1;
    }
    let dictionary: Vec<&[u8]> =
        counts.into_iter().filter(|(_, count)| *count > 2).map(|(cell, _)| cell).take(200).collect();
    let symbols: BTreeSet<&[u8]> = dictionary.iter().copied().collect();
    let mut bytes = information(&anchor, &dictionary);
    let mut slots = Vec::new();
    for row in &rows {
        slots.push((HEADER_BYTES + bytes.len()) as u16);
        bytes.extend(record(row, |cell| {
            symbols
                .contains(cell)
                .then(|| dictionary.iter().position(|known| *known == cell).expect("known") as u8)
        }));
    }
    if HEADER_BYTES + bytes.len() + 2 * slots.len() > PAGE_BYTES {
        return None;
    }
    page[HEADER_BYTES..].fill(0);
    page[HEADER_BYTES..HEADER_BYTES + bytes.len()].copy_from_slice(&bytes);
    page[22..24].copy_from_slice(&(slots.len() as u16).to_le_bytes());
    for (index, slot) in slots.iter().enumerate() {
        let at = PAGE_BYTES - 2 * (index + 1);
        page[at..at + 2].copy_from_slice(&slot.to_le_bytes());
    }
    // No checksum is needed where the page says that it has none.
    page[4..6].fill(0);
    Some(())
}

/// What all values of a column begin with; bits share nothing.
fn anchor(rows: &[Vec<Compact>]) -> Vec<Compact> {
    (0..rows[0].len())
        .map(|column| {
            let mut values = rows.iter().filter_map(|row| row[column].as_ref());
            let first = values.next()?;
            let shared = values.fold(first.len(), |shared, value| {
                shared.min(first.iter().zip(value).take_while(|(one, other)| one == other).count())
            });
            (shared > 0 && first.len() > 1).then(|| first[..shared].to_vec())
        })
        .collect()
}

fn under(cell: &Compact, anchor: &Compact) -> Compact {
    let (Some(cell), Some(anchor)) = (cell, anchor) else { return cell.clone() };
    if cell == anchor {
        return Some(Vec::new());
    }
    let length = anchor.len();
    let mut bytes =
        if length < 128 { vec![length as u8] } else { vec![0x80 | (length >> 8) as u8, length as u8] };
    bytes.extend(&cell[length..]);
    Some(bytes)
}

fn information(anchor: &[Compact], dictionary: &[&[u8]]) -> Vec<u8> {
    let anchor = record(anchor, |_| None);
    let dictionary_at = 7 + anchor.len();
    let mut entries = (dictionary.len() as u16).to_le_bytes().to_vec();
    let mut end = 2 + 2 * dictionary.len();
    for entry in dictionary {
        end += entry.len();
        entries.extend((end as u16).to_le_bytes());
    }
    entries.extend(dictionary.concat());
    let mut bytes = vec![0x06, 0, 0];
    bytes.extend((dictionary_at as u16).to_le_bytes());
    bytes.extend(((dictionary_at + entries.len()) as u16).to_le_bytes());
    bytes.extend(anchor);
    bytes.extend(entries);
    bytes
}

fn record(cells: &[Compact], symbol: impl Fn(&[u8]) -> Option<u8>) -> Vec<u8> {
    let (mut descriptors, mut short, mut long) = (Vec::new(), Vec::new(), Vec::new());
    for cell in cells {
        descriptors.push(match cell {
            None => 0,
            Some(cell) => match symbol(cell) {
                Some(symbol) => {
                    short.push(vec![symbol]);
                    12
                }
                None if cell.len() > 8 => {
                    long.push(cell.clone());
                    10
                }
                None => {
                    short.push(cell.clone());
                    1 + cell.len() as u8
                }
            },
        });
    }
    assert!(cells.len() <= 30, "clusters are tested elsewhere");
    let mut record = vec![if long.is_empty() { 0x01 } else { 0x21 }, cells.len() as u8];
    record.extend(descriptors.chunks(2).map(|pair| pair[0] | pair.get(1).copied().unwrap_or(0) << 4));
    record.extend(short.concat());
    if !long.is_empty() {
        record.push(0x01);
        record.extend((long.len() as u16).to_le_bytes());
        let mut end = 0;
        for value in &long {
            end += value.len() as u16;
            record.extend(end.to_le_bytes());
        }
        record.extend(long.concat());
    }
    record
}

/// Marks the table's rowset as compressed, on a page of sys.sysrowsets; how many were.
fn mark(page: &mut [u8], object_id: i32) -> usize {
    if page[0] != 1 || page[1] != 1 || page[24..28] != [5, 0, 0, 0] {
        return 0;
    }
    let mut marked = 0;
    for slot in 0..usize::from(u16::from_le_bytes([page[22], page[23]])) {
        let at = PAGE_BYTES - 2 * (slot + 1);
        let record = usize::from(u16::from_le_bytes([page[at], page[at + 1]]));
        let is_table = page[record + 13..record + 17] == object_id.to_le_bytes()
            && page[record + 17..record + 21] < [2, 0, 0, 0][..];
        if is_table {
            page[record + 39] = 2;
            marked += 1;
        }
    }
    if marked > 0 {
        page[4..6].fill(0);
    }
    marked
}
