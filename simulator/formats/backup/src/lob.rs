//! Values that are not in their row: text pointers, row overflow, and the trees of large values.

use std::io::{Read, Seek};

use crate::error::DataError;
use crate::page::{Page, PageId};
use crate::record::RecordKind;
use crate::store::{EXTENT_BYTES, PageReader, Pages};
use crate::value::Bytes;

/// Bytes of a text pointer.
const TEXT_POINTER_BYTES: usize = 16;
/// Deepest tree there can be; 2 GB need no more than four levels.
const MOST_LEVELS: u32 = 16;

/// Types of in-row pointers, by their first byte.
const OVERFLOW: u8 = 2;
const INLINE_ROOT: u8 = 4;
/// Types of records on large-value pages.
mod node {
    pub const SMALL_ROOT: u16 = 0;
    pub const INTERNAL: u16 = 2;
    pub const DATA: u16 = 3;
    /// As databases from SQL Server 2000 have it; laid out as [`LARGE_ROOT`].
    pub const LARGE_ROOT_2000: u16 = 4;
    pub const LARGE_ROOT: u16 = 5;
    pub const NULL: u16 = 8;
}

/// How links are laid out: where they begin, bytes of each, and where in one the address is.
#[derive(Clone, Copy)]
struct Links {
    begin: usize,
    bytes: usize,
    address: usize,
}

const INLINE_LINKS: Links = Links { begin: 12, bytes: 12, address: 4 };
const ROOT_LINKS: Links = Links { begin: 24, bytes: 12, address: 4 };
const INTERNAL_LINKS: Links = Links { begin: 20, bytes: 16, address: 8 };

/// A record's address.
#[derive(Clone, Copy)]
struct Address {
    page: PageId,
    slot: u16,
}

impl Address {
    fn read(bytes: &[u8], at: usize) -> Option<Address> {
        Some(Address { page: PageId::from_bytes(bytes, at)?, slot: Bytes(bytes).u16(at + 6)? })
    }
}

/// A child and where its bytes end, counted from its parent's first.
struct Link {
    end: u64,
    child: Address,
}

impl Links {
    fn read(self, bytes: &[u8], count: usize) -> Result<Vec<Link>, DataError> {
        let link = |index: usize| {
            let at = self.begin + index * self.bytes;
            let end = Bytes(bytes).u32(at)?;
            Some(Link { end: u64::from(end), child: Address::read(bytes, at + self.address)? })
        };
        let most = bytes.len() / self.bytes;
        let links: Option<Vec<Link>> = (0..count.min(most + 1)).map(link).collect();
        links.ok_or_else(|| DataError::damaged(format!("{count} links do not fit, or one leads nowhere")))
    }
}

/// Reads the large values of a table's rows.
pub struct LargeReader<'d, S> {
    pub pages: PageReader<'d, S>,
    /// Bytes that may still be read.
    left: u64,
}

/// How often the bytes of a database may be read as large values in one walk over a table. Values share no
/// records, so once is enough for a reader that asks for each value once; damage can make all rows point to
/// the same large one.
const MOST_TIMES: u64 = 64;

impl<'d, S: Read + Seek> LargeReader<'d, S> {
    pub fn new(pages: &'d Pages<S>) -> LargeReader<'d, S> {
        let left = database_bytes(pages).saturating_mul(MOST_TIMES);
        LargeReader { pages: PageReader::new(pages), left }
    }

    /// Puts a value together. `pointer` is what the row has in its place.
    pub fn read(&mut self, pointer: &[u8]) -> Result<Vec<u8>, DataError> {
        let shared = || {
            DataError::damaged(format!(
                "rows have {MOST_TIMES} times as many bytes in large values as the database, so they share some"
            ))
        };
        if self.left == 0 {
            return Err(shared());
        }
        let bytes = read(&mut self.pages, pointer)?;
        let left = self.left.checked_sub(bytes.len() as u64);
        self.left = left.unwrap_or(0);
        left.map(|_| bytes).ok_or_else(shared)
    }
}

fn database_bytes<S: Read + Seek>(pages: &Pages<S>) -> u64 {
    pages.extent_count().saturating_mul(EXTENT_BYTES as u64)
}

fn read<S: Read + Seek>(reader: &mut PageReader<'_, S>, pointer: &[u8]) -> Result<Vec<u8>, DataError> {
    // A value shares its records with no other, so none can be larger than the database.
    let most_bytes = database_bytes(reader.pages());
    let mut value = Value { reader, bytes: Vec::new(), most_bytes };
    if pointer.len() == TEXT_POINTER_BYTES {
        match Address::read(pointer, 8) {
            Some(root) => value.append(root, 0)?,
            None => return Err(DataError::damaged("a text pointer leads nowhere")),
        }
        return Ok(value.bytes);
    }
    match pointer.first() {
        Some(&(OVERFLOW | INLINE_ROOT)) => {
            let count = pointer.len().saturating_sub(INLINE_LINKS.begin) / INLINE_LINKS.bytes;
            let links = INLINE_LINKS.read(pointer, count)?;
            value.append_all(links, 0)?;
            Ok(value.bytes)
        }
        other => Err(DataError::damaged(format!(
            "a pointer of {} bytes and type {other:?} is none of a large value",
            pointer.len()
        ))),
    }
}

struct Value<'r, 'd, S> {
    reader: &'r mut PageReader<'d, S>,
    bytes: Vec<u8>,
    most_bytes: u64,
}

impl<S: Read + Seek> Value<'_, '_, S> {
    fn append_all(&mut self, links: Vec<Link>, level: u32) -> Result<(), DataError> {
        let begin = self.bytes.len() as u64;
        let mut before = 0;
        // Only an empty value has a link without bytes; any other could lead on for ever.
        let is_empty = matches!(&links[..], [link] if link.end == 0);
        for link in links {
            if link.end <= before && !is_empty {
                return Err(DataError::damaged("the links of a large value do not rise"));
            }
            self.append(link.child, level + 1)?;
            let length = self.bytes.len() as u64 - begin;
            if length != link.end {
                return Err(DataError::damaged(format!(
                    "a large value should have {} bytes here and has {length}",
                    link.end
                ))
                .in_slot(link.child.page, None, link.child.slot));
            }
            before = link.end;
        }
        Ok(())
    }

    fn append(&mut self, address: Address, level: u32) -> Result<(), DataError> {
        let place = self.reader.place(address.page);
        self.append_record(address, level).map_err(|error| error.in_slot(address.page, place, address.slot))
    }

    fn append_record(&mut self, address: Address, level: u32) -> Result<(), DataError> {
        if level > MOST_LEVELS {
            return Err(DataError::damaged("the tree of a large value is too deep, so it is a loop"));
        }
        let page = Page(self.reader.page(address.page)?);
        if page.id() != Some(address.page) || address.slot >= page.slot_count() {
            return Err(DataError::damaged("a large value leads to a page or slot that does not exist"));
        }
        let record = page.slot(address.slot)?.map(blob);
        let record = record.ok_or_else(|| DataError::damaged("a large value leads to an empty slot"))??;
        let cut = || DataError::damaged("a record of a large value is cut short");
        let fields = Bytes(record);
        let links = match fields.u16(12).ok_or_else(cut)? {
            node::DATA => {
                let data = record.get(14..).ok_or_else(cut)?;
                return append_bytes(&mut self.bytes, data, self.most_bytes);
            }
            node::SMALL_ROOT => {
                let length = usize::from(fields.u16(14).ok_or_else(cut)?);
                let data = fields.slice(20, length).ok_or_else(cut)?;
                return append_bytes(&mut self.bytes, data, self.most_bytes);
            }
            node::NULL => return Ok(()),
            node::INTERNAL => INTERNAL_LINKS,
            node::LARGE_ROOT | node::LARGE_ROOT_2000 => ROOT_LINKS,
            other => {
                return Err(DataError::unsupported(format!(
                    "records of type {other} in large values are not known"
                )));
            }
        };
        let count = usize::from(fields.u16(16).ok_or_else(cut)?);
        let links = links.read(record, count)?;
        self.append_all(links, level)
    }
}

fn append_bytes(to: &mut Vec<u8>, data: &[u8], most: u64) -> Result<(), DataError> {
    if to.len() as u64 + data.len() as u64 > most {
        return Err(DataError::damaged("a large value is larger than the database, so it is a loop"));
    }
    to.extend_from_slice(data);
    Ok(())
}

/// A record of a large-value page, cut to its own length.
fn blob(bytes: &[u8]) -> Result<&[u8], DataError> {
    let length = Bytes(bytes).u16(2).map_or(0, usize::from);
    if RecordKind::of(bytes[0]) != RecordKind::Blob {
        return Err(DataError::damaged("a large value leads to a record that is no part of one"));
    }
    bytes.get(..length).ok_or_else(|| DataError::damaged("a record of a large value is cut short"))
}
