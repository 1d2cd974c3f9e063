//! A table's rows as records; values that do not fit in their row go to pages of their own.

use super::layout::{Place, RecordLayout};
use super::page::FILE;
use super::tables::Table;
use crate::checksum::PAGE_BYTES;
use crate::page::PAGE_HEADER_BYTES;
use crate::types::Value;

/// Longest record.
pub const MOST_ROW_BYTES: usize = 8060;
/// Bytes of a page for records and their slots.
pub const ROOM_BYTES: usize = PAGE_BYTES - PAGE_HEADER_BYTES;
/// Longest (max) value that may stay in its row.
const MOST_IN_ROW_BYTES: usize = 8000;
/// Bytes of a value in one record of a large-value page.
const PIECE_BYTES: usize = 8040;
/// Records that a root leads to.
const ROOT_LINKS: usize = 5;
/// Records that a record in between leads to.
const INTERNAL_LINKS: usize = 500;
/// Most bytes of a value here: two levels below the root.
pub const MOST_VALUE_BYTES: usize = ROOT_LINKS * INTERNAL_LINKS * PIECE_BYTES;
/// Value that fits in a text pointer's root itself.
const SMALL_ROOT_BYTES: usize = 64;
/// Bytes of a text pointer, and of what stands in a row for a value that overflows.
const TEXT_POINTER_BYTES: usize = 16;
const OVERFLOW_BYTES: usize = 24;

/// Which of a table's allocation units, besides that of its rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outside {
    /// (max) types, spatial ones, text.
    Large,
    /// Values of limited types whose row would be too long.
    Overflow,
}

/// Where the next record of a unit goes: page of the unit, bytes free on it, slot.
#[derive(Clone, Copy, Debug, Default)]
pub struct Cursor {
    page: u32,
    used: usize,
    slots: u16,
}

impl Cursor {
    /// Takes room for a record; its page and slot.
    fn take(&mut self, bytes: usize) -> (u32, u16) {
        let wanted = bytes + 2;
        if self.used + wanted > ROOM_BYTES {
            *self = Cursor { page: self.page + 1, used: 0, slots: 0 };
        }
        self.used += wanted;
        self.slots += 1;
        (self.page, self.slots - 1)
    }

    /// Pages touched so far.
    pub fn pages(&self) -> u32 {
        if self.slots == 0 { self.page } else { self.page + 1 }
    }
}

/// The cursors of a table's units outside its rows.
#[derive(Clone, Copy, Debug, Default)]
pub struct Cursors {
    pub large: Cursor,
    pub overflow: Cursor,
}

/// A record of a large-value page.
pub struct OutsideRecord {
    pub unit: Outside,
    pub page: u32,
    pub bytes: Vec<u8>,
}

/// A link to such a record: where its bytes end in the value, page of the unit, slot.
type Link = (u32, u32, u16);

/// What a record has in the place of a value.
enum Cell {
    Null,
    Here(Vec<u8>),
    /// A pointer of so many bytes, until it is known where it leads.
    Elsewhere {
        unit: Outside,
        bytes: Vec<u8>,
        is_text: bool,
    },
}

/// Makes records of a table's rows, one after the other.
pub struct RecordMaker<'t> {
    table: &'t Table,
    cursors: Cursors,
    /// Page number of a page of a unit.
    page_of: &'t dyn Fn(Outside, u32) -> u32,
}

impl<'t> RecordMaker<'t> {
    pub fn new(
        table: &'t Table,
        cursors: Cursors,
        page_of: &'t dyn Fn(Outside, u32) -> u32,
    ) -> RecordMaker<'t> {
        RecordMaker { table, cursors, page_of }
    }

    pub fn cursors(&self) -> Cursors {
        self.cursors
    }

    /// A row's record. What goes elsewhere is handed to `outside`.
    ///
    /// # Errors
    /// A row that does not fit, for people.
    pub fn record(
        &mut self,
        index: u64,
        row: &[Value<'_>],
        outside: &mut dyn FnMut(OutsideRecord),
    ) -> Result<Vec<u8>, String> {
        let mut cells = Vec::with_capacity(row.len());
        for (column, value) in self.table.columns.iter().zip(row) {
            let stored = super::encode::encode(column.column_type, value)?;
            cells.push(match stored {
                None => Cell::Null,
                Some(bytes) if column.column_type.is_text_pointer() => {
                    Cell::Elsewhere { unit: Outside::Large, bytes, is_text: true }
                }
                Some(bytes) if bytes.len() > MOST_IN_ROW_BYTES => {
                    Cell::Elsewhere { unit: Outside::Large, bytes, is_text: false }
                }
                Some(bytes) => Cell::Here(bytes),
            });
            if let Some(Cell::Elsewhere { bytes, .. }) = cells.last()
                && bytes.len() > MOST_VALUE_BYTES
            {
                return Err(format!(
                    "{}: {} bytes, where {MOST_VALUE_BYTES} can be written",
                    column.name,
                    bytes.len()
                ));
            }
        }
        self.fit(&mut cells)?;
        let mut laid = Vec::with_capacity(cells.len());
        for (column, cell) in cells.into_iter().enumerate() {
            let blob = (index + 1) << 16 | column as u64;
            laid.push(match cell {
                Cell::Null => None,
                Cell::Here(bytes) => Some((bytes, false)),
                Cell::Elsewhere { unit, bytes, is_text } => {
                    Some((self.store(unit, &bytes, is_text, blob, outside), true))
                }
            });
        }
        Ok(lay(&self.table.layout, &laid))
    }

    /// Moves values out of the row until it fits: of large types first, the longest first.
    fn fit(&self, cells: &mut [Cell]) -> Result<(), String> {
        loop {
            let bytes = self.record_bytes(cells);
            if bytes <= MOST_ROW_BYTES {
                return Ok(());
            }
            let candidate = |is_large: bool| {
                let movable = |(column, cell): (usize, &Cell)| {
                    let column_type = self.table.columns.get(column)?.column_type;
                    match cell {
                        // A key stays; index pages would need it.
                        Cell::Here(bytes)
                            if column_type.fixed_bytes().is_none()
                                && column_type.is_large() == is_large
                                && bytes.len() > OVERFLOW_BYTES
                                && !self.table.primary_key.contains(&column) =>
                        {
                            Some((bytes.len(), column))
                        }
                        _ => None,
                    }
                };
                cells.iter().enumerate().filter_map(movable).max()
            };
            let found = candidate(true).map(|found| (found, Outside::Large));
            let found = found.or_else(|| candidate(false).map(|found| (found, Outside::Overflow)));
            let Some(((_, column), unit)) = found else {
                return Err(format!("the row has {bytes} bytes, where {MOST_ROW_BYTES} fit on a page"));
            };
            if let Cell::Here(moved) = std::mem::replace(&mut cells[column], Cell::Null) {
                cells[column] = Cell::Elsewhere { unit, bytes: moved, is_text: false };
            }
        }
    }

    fn record_bytes(&self, cells: &[Cell]) -> usize {
        let layout = &self.table.layout;
        let variable = cells.iter().enumerate().filter_map(|(column, cell)| match layout.places[column] {
            Place::Variable(_) => Some(match cell {
                Cell::Null => 0,
                Cell::Here(bytes) => bytes.len(),
                Cell::Elsewhere { is_text: true, .. } => TEXT_POINTER_BYTES,
                Cell::Elsewhere { unit: Outside::Overflow, .. } => OVERFLOW_BYTES,
                Cell::Elsewhere { bytes, .. } => 12 + 12 * root_links(bytes.len()),
            }),
            _ => None,
        });
        let offsets = if layout.variable_count > 0 { 2 + 2 * layout.variable_count } else { 0 };
        layout.least_bytes() + offsets + variable.sum::<usize>()
    }

    /// Writes a value to large-value pages; what stands in the row for it.
    fn store(
        &mut self,
        unit: Outside,
        value: &[u8],
        is_text: bool,
        blob: u64,
        outside: &mut dyn FnMut(OutsideRecord),
    ) -> Vec<u8> {
        if is_text && value.len() <= SMALL_ROOT_BYTES {
            let mut record = head(blob, 0);
            record.extend((value.len() as u16).to_le_bytes());
            record.extend([0; 4]);
            record.extend_from_slice(value);
            record.resize(record.len().max(20 + SMALL_ROOT_BYTES), 0);
            let (page, slot) = self.put(unit, record, outside);
            return self.text_pointer(blob, page, slot);
        }
        let mut links: Vec<Link> = Vec::new();
        let mut end = 0;
        for piece in value.chunks(PIECE_BYTES) {
            let mut record = head(blob, 3);
            record.extend_from_slice(piece);
            end += piece.len() as u32;
            let (page, slot) = self.put(unit, record, outside);
            links.push((end, page, slot));
        }
        if links.is_empty() {
            let (page, slot) = self.put(unit, head(blob, 3), outside);
            links.push((0, page, slot));
        }
        if links.len() > ROOT_LINKS {
            links =
                links.chunks(INTERNAL_LINKS).map(|group| self.between(unit, group, blob, outside)).collect();
        }
        if is_text {
            let mut record = head(blob, 5);
            for number in [ROOT_LINKS as u16, links.len() as u16, 1, 0, 0] {
                record.extend(number.to_le_bytes());
            }
            for (end, page, slot) in &links {
                record.extend(end.to_le_bytes());
                record.extend(self.address(unit, *page, *slot));
            }
            record.resize(24 + 12 * ROOT_LINKS, 0);
            let (page, slot) = self.put(unit, record, outside);
            return self.text_pointer(blob, page, slot);
        }
        let kind = if unit == Outside::Overflow { 2 } else { 4 };
        let mut pointer = vec![kind, 0, 0, 0, 1, 0, 0, 0];
        pointer.extend_from_slice(&blob.to_le_bytes()[..4]);
        for (end, page, slot) in links {
            pointer.extend(end.to_le_bytes());
            pointer.extend(self.address(unit, page, slot));
        }
        pointer
    }

    /// A record between root and data; ends are told from its own first byte.
    fn between(
        &mut self,
        unit: Outside,
        group: &[Link],
        blob: u64,
        outside: &mut dyn FnMut(OutsideRecord),
    ) -> Link {
        let first = group.first().map_or(0, |(end, ..)| *end);
        // All but a value's last piece are of one length.
        let before = first - (first.saturating_sub(1) % PIECE_BYTES as u32 + 1);
        let mut record = head(blob, 2);
        for number in [INTERNAL_LINKS as u16, group.len() as u16, 0] {
            record.extend(number.to_le_bytes());
        }
        for (end, page, slot) in group {
            record.extend(u64::from(end - before).to_le_bytes());
            record.extend(self.address(unit, *page, *slot));
        }
        let end = group.last().map_or(0, |(end, ..)| *end);
        let (page, slot) = self.put(unit, record, outside);
        (end, page, slot)
    }

    fn put(
        &mut self,
        unit: Outside,
        mut record: Vec<u8>,
        outside: &mut dyn FnMut(OutsideRecord),
    ) -> (u32, u16) {
        let length = record.len() as u16;
        record[2..4].copy_from_slice(&length.to_le_bytes());
        let cursor = match unit {
            Outside::Large => &mut self.cursors.large,
            Outside::Overflow => &mut self.cursors.overflow,
        };
        let (page, slot) = cursor.take(record.len());
        outside(OutsideRecord { unit, page, bytes: record });
        (page, slot)
    }

    fn address(&self, unit: Outside, page: u32, slot: u16) -> [u8; 8] {
        let mut bytes = [0; 8];
        bytes[..4].copy_from_slice(&(self.page_of)(unit, page).to_le_bytes());
        bytes[4..6].copy_from_slice(&FILE.to_le_bytes());
        bytes[6..].copy_from_slice(&slot.to_le_bytes());
        bytes
    }

    fn text_pointer(&self, blob: u64, page: u32, slot: u16) -> Vec<u8> {
        let mut pointer = blob.to_le_bytes().to_vec();
        pointer.extend(self.address(Outside::Large, page, slot));
        pointer
    }
}

/// What every record of a large-value page begins with: status, length (later), identifier, type.
fn head(blob: u64, kind: u16) -> Vec<u8> {
    let mut record = vec![0x08, 0, 0, 0];
    record.extend(blob.to_le_bytes());
    record.extend(kind.to_le_bytes());
    record
}

fn root_links(bytes: usize) -> usize {
    let pieces = bytes.div_ceil(PIECE_BYTES).max(1);
    if pieces > ROOT_LINKS { pieces.div_ceil(INTERNAL_LINKS) } else { pieces }
}

/// Fixed part, null bitmap, variable part; the flag tells pointers.
fn lay(layout: &RecordLayout, cells: &[Option<(Vec<u8>, bool)>]) -> Vec<u8> {
    const HAS_NULL_BITMAP: u8 = 0x10;
    const HAS_VARIABLE: u8 = 0x20;
    const COMPLEX: u16 = 0x8000;
    let mut record = vec![0; layout.fixed_end];
    record[2..4].copy_from_slice(&(layout.fixed_end as u16).to_le_bytes());
    record.extend((layout.order.len() as u16).to_le_bytes());
    let bitmap_at = record.len();
    record.resize(bitmap_at + layout.order.len().div_ceil(8), 0);
    let mut variable: Vec<&Option<(Vec<u8>, bool)>> = Vec::with_capacity(layout.variable_count);
    for (bit, column) in layout.order.iter().enumerate() {
        let cell = &cells[*column];
        if cell.is_none() {
            record[bitmap_at + bit / 8] |= 1 << (bit % 8);
        }
        match (layout.places[*column], cell) {
            (Place::Variable(_), _) => variable.push(cell),
            (Place::Fixed { at, bytes }, Some((value, _))) => record[at..at + bytes].copy_from_slice(value),
            (Place::Bit { at, bit }, Some((value, _))) => {
                record[at] |= (value.first().copied().unwrap_or(0) & 1) << bit;
            }
            (_, None) => {}
        }
    }
    // Like SQL Server, without the empty ones at the end.
    while variable.last().is_some_and(|cell| cell.as_ref().is_none_or(|(bytes, _)| bytes.is_empty())) {
        variable.pop();
    }
    record[0] = HAS_NULL_BITMAP;
    if variable.is_empty() {
        return record;
    }
    record[0] |= HAS_VARIABLE;
    record.extend((variable.len() as u16).to_le_bytes());
    let mut end = record.len() + 2 * variable.len();
    for cell in &variable {
        let (length, is_pointer) =
            cell.as_ref().map_or((0, false), |(bytes, pointer)| (bytes.len(), *pointer));
        end += length;
        record.extend((end as u16 | if is_pointer { COMPLEX } else { 0 }).to_le_bytes());
    }
    for (bytes, _) in variable.into_iter().flatten() {
        record.extend_from_slice(bytes);
    }
    record
}
