//! What the pages of an extent say of themselves. Evidence only: an extent may hold stale images.

use std::io::{Read, Seek};

use super::{EXTENT_PAGES, layer::Place};
use crate::checksum::PAGE_BYTES;
use crate::contents::Contents;
use crate::error::DataError;
use crate::page::{PAGE_HEADER_BYTES, PageId};
use crate::value::Bytes;

/// Page type of what fills up a stream; it belongs to file 0.
const FILL: u8 = 0x65;

/// What an extent's headers say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Claim {
    /// It is extent `extent` of file `file`.
    Extent { file: u16, extent: u32 },
    /// It fills up the stream.
    Fill,
    /// Nothing that could be believed.
    Nothing,
}

/// Reads the first header of an extent that says something.
pub fn claim<S: Read + Seek>(contents: &[Contents<S>], place: Place) -> Result<Claim, DataError> {
    for index in 0..EXTENT_PAGES {
        let at = place.at + u64::from(index) * PAGE_BYTES as u64;
        let mut header = [0; PAGE_HEADER_BYTES];
        contents[usize::from(place.source)]
            .read_at(at, &mut header)
            .map_err(|error| DataError::from_tape(error, usize::from(place.source), at))?;
        let number = Bytes(&header).u32(32).unwrap_or(0);
        let file = Bytes(&header).u16(36).unwrap_or(0);
        if header[1] == FILL && file == 0 {
            return Ok(Claim::Fill);
        }
        if header[0] == 1 && (1..=20).contains(&header[1]) && file > 0 && number % EXTENT_PAGES == index {
            return Ok(Claim::Extent { file, extent: number / EXTENT_PAGES });
        }
    }
    Ok(Claim::Nothing)
}

/// Reads a page whose own header must say what and where it is: a map of extents.
pub fn map_page<S: Read + Seek>(
    contents: &[Contents<S>],
    place: Place,
    page: PageId,
    page_type: u8,
) -> Result<Option<Box<[u8; PAGE_BYTES]>>, DataError> {
    let at = place.at + u64::from(page.number % EXTENT_PAGES) * PAGE_BYTES as u64;
    let mut bytes = Box::new([0; PAGE_BYTES]);
    contents[usize::from(place.source)]
        .read_at(at, &mut bytes[..])
        .map_err(|error| DataError::from_tape(error, usize::from(place.source), at).on(page))?;
    let header = crate::page::Page(&bytes);
    if header.0[0] != 1 || header.page_type() != page_type || header.id() != Some(page) {
        return Ok(None);
    }
    crate::page::protect(&mut bytes)
        .map_err(|error| DataError { at: Some((usize::from(place.source), at)), ..error.on(page) })?;
    Ok(Some(bytes))
}
