//! Pages laid by hand, for tests of what reads them.

use std::collections::BTreeMap;
use std::io::Cursor;

use super::layer::{Layer, Place};
use super::source::Pages;
use super::{EXTENT_BYTES, EXTENT_PAGES};
use crate::checksum::PAGE_BYTES;
use crate::contents::Contents;
use crate::page::{PAGE_HEADER_BYTES, PageBytes, PageId, page_type};
use crate::value::Lsn;

/// A page being laid out.
pub struct TestPage {
    pub id: PageId,
    pub bytes: PageBytes,
    free: usize,
    slots: u16,
}

/// Page `number` of file 1.
pub fn id(number: u32) -> PageId {
    PageId { file: 1, number }
}

/// A page's address as structures hold it.
pub fn address(page: PageId) -> [u8; 6] {
    let number = page.number.to_le_bytes();
    let file = page.file.to_le_bytes();
    [number[0], number[1], number[2], number[3], file[0], file[1]]
}

impl TestPage {
    pub fn new(number: u32, page_type: u8) -> TestPage {
        let mut bytes = [0; PAGE_BYTES];
        bytes[..2].copy_from_slice(&[1, page_type]);
        bytes[32..38].copy_from_slice(&address(id(number)));
        TestPage { id: id(number), bytes, free: PAGE_HEADER_BYTES, slots: 0 }
    }

    /// The page that follows in its chain.
    pub fn next(mut self, number: u32) -> TestPage {
        self.put(16, &address(id(number)));
        self
    }

    pub fn lsn(mut self, file: u32) -> TestPage {
        self.put(40, &Lsn { file, block: 1, slot: 1 }.to_bytes());
        self
    }

    pub fn put(&mut self, at: usize, bytes: &[u8]) {
        self.bytes[at..at + bytes.len()].copy_from_slice(bytes);
    }

    /// Adds bytes that no slot leads to.
    pub fn bytes(mut self, bytes: &[u8]) -> TestPage {
        self.put(self.free, bytes);
        self.free += bytes.len();
        self
    }

    pub fn record(mut self, record: &[u8]) -> TestPage {
        let at = self.free as u16;
        self = self.bytes(record);
        self.slot(at)
    }

    /// Adds a slot that leads anywhere; 0 is one not in use.
    pub fn slot(mut self, at: u16) -> TestPage {
        self.slots += 1;
        self.put(PAGE_BYTES - 2 * usize::from(self.slots), &at.to_le_bytes());
        self.put(22, &self.slots.to_le_bytes());
        self
    }
}

/// The PFS page of the first pages, of which those given are allocated.
pub fn pfs(allocated: &[u32]) -> TestPage {
    let mut page = TestPage::new(1, page_type::PFS);
    for number in allocated {
        page.bytes[100 + *number as usize] = 0x40;
    }
    page
}

/// An IAM page with single pages and whole extents.
pub fn iam(number: u32, singles: &[u32], extents: &[u32]) -> TestPage {
    let mut page = TestPage::new(number, page_type::IAM).slot(96).slot(190);
    page.put(136, &address(id(0)));
    for (index, single) in singles.iter().enumerate() {
        page.put(142 + 6 * index, &address(id(*single)));
    }
    for extent in extents {
        page.bytes[194 + *extent as usize / 8] |= 1 << (extent % 8);
    }
    page
}

/// A store of these pages; all others of their extents are zero.
pub fn store(pages: Vec<TestPage>) -> Pages<Cursor<Vec<u8>>> {
    let mut extents: BTreeMap<(u16, u32), Vec<u8>> = BTreeMap::new();
    for page in pages {
        let extent = extents
            .entry((page.id.file, page.id.number / EXTENT_PAGES))
            .or_insert_with(|| vec![0; EXTENT_BYTES]);
        let at = (page.id.number % EXTENT_PAGES) as usize * PAGE_BYTES;
        extent[at..at + PAGE_BYTES].copy_from_slice(&page.bytes);
    }
    let mut layer = Layer::default();
    let mut bytes = Vec::new();
    for ((file, extent), content) in extents {
        layer.push(file, extent, Place { source: 0, at: bytes.len() as u64 });
        bytes.extend(content);
    }
    let checkpoint = Some(Lsn { file: 50, block: 0, slot: 1 });
    Pages::of(vec![Contents::plain(Cursor::new(bytes))], vec![layer.finish()], checkpoint)
}
