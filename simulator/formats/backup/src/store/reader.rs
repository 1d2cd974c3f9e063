//! A window on the pages: a few extents, read whole, their pages checked when first looked at.

use std::io::{Read, Seek};

use super::layer::Place;
use super::source::Pages;
use super::{EXTENT_BYTES, EXTENT_PAGES};
use crate::checksum::PAGE_BYTES;
use crate::error::DataError;
use crate::page::{self, Page, PageBytes, PageId, page_type};
use crate::value::Lsn;

/// Extents kept: enough for a scan, its allocation maps and what its rows point to.
const WINDOWS: usize = 4;

struct Window {
    file: u16,
    extent: u32,
    place: Place,
    /// One bit for each page that is checked.
    checked: u8,
    /// Counts up whenever one is used; the lowest is replaced.
    used: u64,
    bytes: Vec<u8>,
}

/// Reads pages of one database. Each thread has its own.
pub struct PageReader<'d, S> {
    pages: &'d Pages<S>,
    windows: Vec<Window>,
    clock: u64,
    /// Where the backup's checkpoint was.
    checkpoint: Option<Lsn>,
    is_fuzzy: bool,
}

impl<'d, S: Read + Seek> PageReader<'d, S> {
    pub fn new(pages: &'d Pages<S>) -> PageReader<'d, S> {
        PageReader { pages, windows: Vec::new(), clock: 0, checkpoint: pages.checkpoint(), is_fuzzy: false }
    }

    /// Whether a page with rows or large values was changed after the checkpoint. Restoring would redo and
    /// undo the log over it; that is not done here.
    pub fn is_fuzzy(&self) -> bool {
        self.is_fuzzy
    }

    pub fn pages(&self) -> &'d Pages<S> {
        self.pages
    }

    /// A page, checked.
    pub fn page(&mut self, id: PageId) -> Result<&PageBytes, DataError> {
        let window = self.window(id)?;
        let window = &mut self.windows[window];
        let index = (id.number % EXTENT_PAGES) as usize;
        let bytes = &mut window.bytes[index * PAGE_BYTES..(index + 1) * PAGE_BYTES];
        let bytes: &mut PageBytes = bytes.try_into().map_err(|_| DataError::damaged("a short extent"))?;
        if window.checked >> index & 1 == 0 {
            let at = window.place.at + (index * PAGE_BYTES) as u64;
            page::protect(bytes).map_err(|error| DataError {
                at: Some((usize::from(window.place.source), at)),
                ..error.on(id)
            })?;
            window.checked |= 1 << index;
            let page = Page(bytes);
            let has_rows =
                page.page_type() == page_type::DATA || page_type::LARGE_VALUES.contains(&page.page_type());
            if has_rows && self.checkpoint.zip(page.lsn()).is_some_and(|(checkpoint, lsn)| lsn > checkpoint) {
                self.is_fuzzy = true;
            }
        }
        Ok(bytes)
    }

    /// Where a page's bytes are, for error messages.
    pub fn place(&self, id: PageId) -> Option<(usize, u64)> {
        let place = self.pages.place_of(id)?;
        Some((usize::from(place.source), place.at + u64::from(id.number % EXTENT_PAGES) * PAGE_BYTES as u64))
    }

    fn window(&mut self, id: PageId) -> Result<usize, DataError> {
        self.clock += 1;
        let extent = id.number / EXTENT_PAGES;
        if let Some(index) =
            self.windows.iter().position(|window| (window.file, window.extent) == (id.file, extent))
        {
            self.windows[index].used = self.clock;
            return Ok(index);
        }
        let oldest = (0..self.windows.len()).min_by_key(|index| self.windows[*index].used);
        let mut bytes = match oldest.filter(|_| self.windows.len() >= WINDOWS) {
            Some(oldest) => self.windows.swap_remove(oldest).bytes,
            None => vec![0; EXTENT_BYTES],
        };
        let place = self.pages.read_extent(id, &mut bytes)?;
        self.windows.push(Window { file: id.file, extent, place, checked: 0, used: self.clock, bytes });
        Ok(self.windows.len() - 1)
    }
}
