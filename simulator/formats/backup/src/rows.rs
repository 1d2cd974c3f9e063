//! The rows of a table, one after the other.

use std::borrow::Cow;
use std::cell::RefCell;
use std::io::{Read, Seek};

use crate::catalog::{Layout, Rowset, Storage, Stored, StoredSlot, Table};
use crate::error::DataError;
use crate::lob::LargeReader;
use crate::page::{Page, PageId};
use crate::record::{
    COMPACT, Cell, Compact, CompactRecord, PageCompression, Record, RecordKind, Variable, is_compact_row,
    read_cells, sparse_column,
};
use crate::scan::Scan;
use crate::store::{PageReader, Pages};
use crate::types::{self, SqlType, Value};

/// First word of the vector that holds a row's sparse columns.
const SPARSE_VECTOR: u16 = 5;

/// Reads the rows of a table.
///
/// [`Rows::next_row`] lends rows that borrow from the page they are on; as an [`Iterator`] it gives owned
/// values. After an error about one row the next one can still be read; after one about a page, the rows of a
/// heap's other pages, while the order of a clustered table ends there.
pub struct Rows<'d, S> {
    table: &'d Table,
    reader: PageReader<'d, S>,
    /// For values outside their row, while the row is lent.
    large: RefCell<LargeReader<'d, S>>,
    /// Rowsets to come, and the one in hand.
    rowsets: std::slice::Iter<'d, Rowset>,
    current: Option<(&'d Rowset, Scan)>,
    page: Option<PageId>,
    /// Where that page's bytes are.
    place: Option<(usize, u64)>,
    slot: u16,
    slot_count: u16,
    /// Of a page with PAGE compression.
    compression: Option<PageCompression>,
    /// Of the compressed record in hand.
    cells: Vec<Cell>,
}

impl<'d, S: Read + Seek> Rows<'d, S> {
    pub(crate) fn new(pages: &'d Pages<S>, table: &'d Table) -> Result<Rows<'d, S>, DataError> {
        if let Some(reason) = &table.unsupported {
            let name = format!("{}.{}", table.schema, table.name);
            return Err(DataError::unsupported(format!("{name}: {reason}")));
        }
        Ok(Rows {
            table,
            reader: PageReader::new(pages),
            large: RefCell::new(LargeReader::new(pages)),
            rowsets: table.rowsets.iter(),
            current: None,
            page: None,
            place: None,
            slot: 0,
            slot_count: 0,
            compression: None,
            cells: Vec::new(),
        })
    }

    /// The table.
    pub fn table(&self) -> &'d Table {
        self.table
    }

    /// Whether rows given so far are from pages changed after the backup's checkpoint: changes that a restore
    /// would undo may be among them, and others missing.
    pub fn is_fuzzy(&self) -> bool {
        self.reader.is_fuzzy() || self.large.borrow().pages.is_fuzzy()
    }

    /// Lends the next row.
    pub fn next_row(&mut self) -> Option<Result<Row<'_, 'd, S>, DataError>> {
        match self.advance() {
            Ok(None) => None,
            Ok(Some((id, slot, layout))) => {
                let place = self.place;
                let body =
                    read_body(&mut self.reader, &mut self.cells, self.compression.as_ref(), (id, slot));
                let (table, large) = (self.table, &self.large);
                let row = body.map(|body| Row { table, layout, body, large, page: id, slot });
                Some(row.map_err(|error| error.in_slot(id, place, slot)))
            }
            Err(error) => Some(Err(error)),
        }
    }

    /// Goes to the next slot that holds a row.
    fn advance(&mut self) -> Result<Option<(PageId, u16, &'d Layout)>, DataError> {
        loop {
            if let (Some(id), Some((rowset, _))) = (self.page, &self.current) {
                while self.slot < self.slot_count {
                    let slot = self.slot;
                    self.slot += 1;
                    let page = Page(self.reader.page(id)?);
                    let place = page.slot(slot);
                    let holds_row = match place {
                        Ok(bytes) => bytes.is_some_and(|bytes| is_row(bytes[0])),
                        Err(error) => return Err(error.in_slot(id, self.place, slot)),
                    };
                    if holds_row {
                        return Ok(Some((id, slot, &rowset.layout)));
                    }
                }
                self.page = None;
            }
            if !self.next_page()? {
                return Ok(None);
            }
        }
    }

    fn next_page(&mut self) -> Result<bool, DataError> {
        /// PAGE, as the catalog numbers compressions.
        const PAGE_COMPRESSION: u8 = 2;
        loop {
            let Some((rowset, scan)) = &mut self.current else {
                let Some(rowset) = self.rowsets.next() else { return Ok(false) };
                self.current = Some((rowset, scan_of(self.table, rowset, self.reader.pages())));
                continue;
            };
            let Some(id) = scan.next(&mut self.reader)? else {
                self.current = None;
                continue;
            };
            self.slot = 0;
            let is_page_compressed = rowset.compression == PAGE_COMPRESSION;
            let place = self.reader.place(id);
            let page = Page(self.reader.page(id)?);
            let on_page = |error: DataError| DataError { at: place, ..error.on(id) };
            self.slot_count = page.checked_slot_count().map_err(on_page)?;
            self.compression = None;
            if is_page_compressed {
                self.compression = PageCompression::read(page).map_err(on_page)?;
            }
            (self.page, self.place) = (Some(id), place);
            return Ok(true);
        }
    }
}

/// Index entries of compressed tables are compressed too, so their leaves are found by allocation instead.
fn scan_of<S: Read + Seek>(table: &Table, rowset: &Rowset, pages: &Pages<S>) -> Scan {
    let is_ordered = table.storage == Storage::Clustered && rowset.compression == 0;
    if is_ordered {
        Scan::leaves(&rowset.unit, pages.extent_count())
    } else {
        Scan::allocated(&rowset.unit, pages.extent_count())
    }
}

/// Whether a record is a row, by its first byte.
fn is_row(status: u8) -> bool {
    if status & COMPACT != 0 {
        return is_compact_row(status);
    }
    matches!(RecordKind::of(status), RecordKind::Primary | RecordKind::Forwarded)
}

fn read_body<'r, S: Read + Seek>(
    reader: &'r mut PageReader<'_, S>,
    cells: &'r mut Vec<Cell>,
    page: Option<&'r PageCompression>,
    (id, slot): (PageId, u16),
) -> Result<Body<'r>, DataError> {
    let empty = || DataError::damaged("the slot is not in use");
    let bytes = Page(reader.page(id)?).slot(slot)?.ok_or_else(empty)?;
    if bytes[0] & COMPACT == 0 {
        return Record::read(bytes).map(Body::Plain);
    }
    read_cells(bytes, cells)?;
    Ok(Body::Compact(CompactRecord { bytes, cells, page }))
}

/// Owned rows.
impl<S: Read + Seek> Iterator for Rows<'_, S> {
    type Item = Result<Vec<Value<'static>>, DataError>;

    fn next(&mut self) -> Option<Self::Item> {
        let row = self.next_row()?;
        Some(row.and_then(|row| (0..row.len()).map(|index| Ok(row.value(index)?.into_owned())).collect()))
    }
}

/// A row's record.
enum Body<'r> {
    Plain(Record<'r>),
    Compact(CompactRecord<'r>),
}

/// A row, lent. Values are decoded when asked for.
pub struct Row<'r, 'd, S> {
    table: &'d Table,
    layout: &'d Layout,
    body: Body<'r>,
    large: &'r RefCell<LargeReader<'d, S>>,
    page: PageId,
    slot: u16,
}

impl<'r, S: Read + Seek> Row<'r, '_, S> {
    /// How many columns the table has.
    pub fn len(&self) -> usize {
        self.table.columns.len()
    }

    /// Whether the table has no columns, which none does.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Where the row is.
    pub fn place(&self) -> (PageId, u16) {
        (self.page, self.slot)
    }

    /// The value of column `index`, in the order of the table's columns. Columns that are not stored are NULL.
    pub fn value(&self, index: usize) -> Result<Value<'r>, DataError> {
        let column = &self.table.columns[index];
        match self.bytes(index).map_err(|error| self.placed(error, index))? {
            None => Ok(Value::Null),
            Some(bytes) => types::decode(column.sql_type, column.scale, column.code_page, bytes)
                .map_err(|error| self.placed(error, index)),
        }
    }

    fn placed(&self, error: DataError, index: usize) -> DataError {
        let message = format!("column {}: {}", self.table.columns[index].name, error.message);
        let place = self.large.borrow().pages.place(self.page);
        DataError { message, ..error }.in_slot(self.page, place, self.slot)
    }

    /// The stored bytes of column `index`: put together where they are not in the row, and as wide as in a row
    /// that is not compressed. `None` is NULL.
    pub fn bytes(&self, index: usize) -> Result<Option<Cow<'r, [u8]>>, DataError> {
        let stored = &self.layout.columns[index];
        match &self.body {
            Body::Plain(record) => self.plain_bytes(record, index, stored),
            Body::Compact(record) => self.compact_bytes(record, index, stored),
        }
    }

    fn plain_bytes(
        &self,
        record: &Record<'r>,
        index: usize,
        stored: &Stored,
    ) -> Result<Option<Cow<'r, [u8]>>, DataError> {
        if let StoredSlot::Sparse(column) = stored.slot {
            return sparse(record, column);
        }
        match record.is_null(stored.null_bit) {
            Some(true) => return Ok(None),
            None => return self.added_later(index, stored),
            Some(false) => {}
        }
        let short = || DataError::damaged("the record's fixed part ends before it");
        match stored.slot {
            StoredSlot::None | StoredSlot::Sparse(_) => Ok(None),
            StoredSlot::Fixed { at, length } => {
                let bytes = record.fixed(usize::from(at), usize::from(length)).ok_or_else(short)?;
                Ok(Some(Cow::Borrowed(bytes)))
            }
            StoredSlot::Bit { at, bit } => {
                let byte = record.fixed(usize::from(at), 1).ok_or_else(short)?[0];
                let bits: &'static [u8] = if byte >> (bit & 7) & 1 == 1 { &[1] } else { &[0] };
                Ok(Some(Cow::Borrowed(bits)))
            }
            StoredSlot::Variable(place) => {
                let Variable { bytes, is_complex } =
                    record.variable(place)?.unwrap_or(Variable { bytes: &[], is_complex: false });
                if is_complex {
                    return self.large(bytes);
                }
                let column = &self.table.columns[index];
                let bytes = Cow::Borrowed(bytes);
                // The vardecimal format of SQL Server 2005 makes decimals variable.
                if matches!(column.sql_type, SqlType::Decimal | SqlType::Numeric) {
                    return types::expand(column, bytes).map(Some);
                }
                Ok(Some(bytes))
            }
        }
    }

    fn compact_bytes(
        &self,
        record: &CompactRecord<'r>,
        index: usize,
        stored: &Stored,
    ) -> Result<Option<Cow<'r, [u8]>>, DataError> {
        if stored.slot == StoredSlot::None {
            return Ok(None);
        }
        match record.column(stored.null_bit)? {
            Compact::Null => Ok(None),
            Compact::Missing => self.added_later(index, stored),
            Compact::True => Ok(Some(Cow::Borrowed(&[1]))),
            Compact::Complex(pointer) => self.large(pointer),
            Compact::Bytes(bytes) => types::expand(&self.table.columns[index], bytes).map(Some),
        }
    }

    /// What the row has of a column that was added after it was written.
    fn added_later(&self, index: usize, stored: &Stored) -> Result<Option<Cow<'r, [u8]>>, DataError> {
        if stored.default.is_none() && !self.table.columns[index].is_nullable {
            return Err(DataError::unsupported(
                "the row was written before the column was added, and the catalog does not tell its default",
            ));
        }
        Ok(stored.default.clone().map(Cow::Owned))
    }

    fn large(&self, pointer: &[u8]) -> Result<Option<Cow<'r, [u8]>>, DataError> {
        self.large.borrow_mut().read(pointer).map(|bytes| Some(Cow::Owned(bytes)))
    }
}

/// A column in the sparse vector; those that are NULL are not in it.
fn sparse<'r>(record: &Record<'r>, column: u16) -> Result<Option<Cow<'r, [u8]>>, DataError> {
    let mut index = 0;
    while let Some(Variable { bytes, is_complex }) = record.variable(index)? {
        if is_complex && bytes.get(..2) == Some(&SPARSE_VECTOR.to_le_bytes()) {
            return sparse_column(bytes, column).map(|found| found.map(Cow::Borrowed));
        }
        index += 1;
    }
    Ok(None)
}

/// How a column is stored, for tests of layouts.
impl Table {
    /// Offset of a column on leaf pages as the catalog has it (negative: the n-th variable one), and its
    /// number in the null bitmap.
    #[doc(hidden)]
    pub fn leaf_place(&self, index: usize) -> Option<(i32, u16)> {
        let Stored { slot, null_bit, .. } = self.rowsets.first()?.layout.columns.get(index)?;
        let offset = match slot {
            StoredSlot::None => return None,
            StoredSlot::Fixed { at, .. } | StoredSlot::Bit { at, .. } => i32::from(*at),
            StoredSlot::Variable(index) => -i32::from(*index) - 1,
            StoredSlot::Sparse(_) => 0,
        };
        Some((offset, *null_bit))
    }
}

#[cfg(test)]
mod tests;
