//! Which pages an allocation unit has: IAM chains, checked against PFS pages.

use std::io::{Read, Seek};

use crate::error::DataError;
use crate::page::{Page, PageBytes, PageId, page_type};
use crate::store::{EXTENT_PAGES, MapBits, PageReader};
use crate::value::Bytes;

/// Pages that one PFS page tells of.
const PFS_INTERVAL: u32 = 8088;
/// Where a PFS page's bytes begin: header and the record's four bytes.
const PFS_AT: usize = 100;
/// PFS bit: the page is allocated.
const PFS_ALLOCATED: u8 = 0x40;
/// Where an IAM page tells the first page of its range.
const IAM_START_AT: usize = 136;
/// Where its single pages are, from mixed extents.
const IAM_SINGLES_AT: usize = 142;
/// How many.
const IAM_SINGLES: usize = 8;
/// Extents of one IAM page's range.
const IAM_EXTENTS: u32 = 63_904;

/// Tells whether pages are allocated; keeps the PFS page used last.
#[derive(Default)]
pub struct Pfs {
    last: Option<(PageId, Box<PageBytes>)>,
}

impl Pfs {
    pub fn is_allocated<S: Read + Seek>(
        &mut self,
        reader: &mut PageReader<'_, S>,
        page: PageId,
    ) -> Result<bool, DataError> {
        let number = match page.number / PFS_INTERVAL * PFS_INTERVAL {
            0 => 1,
            number => number,
        };
        let id = PageId { number, ..page };
        if self.last.as_ref().is_none_or(|(known, _)| *known != id) {
            let bytes = reader.page(id)?;
            is_a(Page(bytes), id, page_type::PFS, "a PFS page")?;
            self.last = Some((id, Box::new(*bytes)));
        }
        let bytes = self.last.as_ref().map(|(_, bytes)| bytes);
        Ok(bytes
            .is_some_and(|bytes| bytes[PFS_AT + (page.number % PFS_INTERVAL) as usize] & PFS_ALLOCATED != 0))
    }
}

/// A page that others are judged by must be the one it is taken for.
fn is_a(page: Page<'_>, id: PageId, page_type: u8, what: &str) -> Result<(), DataError> {
    if page.page_type() == page_type && page.id() == Some(id) {
        return Ok(());
    }
    let found = page.id().map_or_else(|| "none".to_owned(), |page| page.to_string());
    let message = format!("{what} was expected; this has type {} and calls itself {found}", page.page_type());
    Err(DataError::damaged(message).on(id))
}

/// Walks the pages of an allocation unit in the order of its allocation maps.
pub struct IamWalk {
    next_iam: Option<PageId>,
    /// The IAM page walked, and how far: single pages, then pages of extents.
    iam: Option<Box<PageBytes>>,
    single: usize,
    extent: u32,
    page: u32,
    pfs: Pfs,
    /// IAM pages, and pages that they name, that may still come: no more than the database has. A chain that
    /// comes back to itself would name them for ever.
    left: u64,
}

impl IamWalk {
    pub fn new(first_iam: Option<PageId>, extent_count: u64) -> IamWalk {
        IamWalk {
            next_iam: first_iam,
            iam: None,
            single: 0,
            extent: 0,
            page: 0,
            pfs: Pfs::default(),
            left: extent_count.saturating_mul(u64::from(2 * EXTENT_PAGES)),
        }
    }

    fn spend(&mut self) -> Result<(), DataError> {
        let left = self.left.checked_sub(1);
        let Some(left) = left else {
            (self.iam, self.next_iam) = (None, None);
            return Err(DataError::damaged(
                "IAM pages name more pages than the database has, so it is a loop",
            ));
        };
        self.left = left;
        Ok(())
    }

    /// The next allocated page.
    pub fn next<S: Read + Seek>(
        &mut self,
        reader: &mut PageReader<'_, S>,
    ) -> Result<Option<PageId>, DataError> {
        loop {
            // An IAM page that cannot be understood is done with, or its error would come again and again.
            let candidate = self.candidate().inspect_err(|_| self.iam = None)?;
            let Some(candidate) = candidate else {
                if !self.load(reader)? {
                    return Ok(None);
                }
                continue;
            };
            self.spend().map_err(|error| error.on(candidate))?;
            if self.pfs.is_allocated(reader, candidate)? {
                return Ok(Some(candidate));
            }
        }
    }

    /// The next page that the IAM page in hand names.
    fn candidate(&mut self) -> Result<Option<PageId>, DataError> {
        let Some(iam) = self.iam.as_deref() else { return Ok(None) };
        while self.single < IAM_SINGLES {
            let page = PageId::from_bytes(iam, IAM_SINGLES_AT + 6 * self.single);
            self.single += 1;
            if page.is_some() {
                return Ok(page);
            }
        }
        let start = PageId {
            number: Bytes(iam).u32(IAM_START_AT).unwrap_or(0),
            file: Bytes(iam).u16(IAM_START_AT + 4).unwrap_or(0),
        };
        let bits = MapBits::read(iam)?;
        while self.extent < IAM_EXTENTS {
            if bits.is_set(self.extent) && self.page < EXTENT_PAGES {
                let number = start.number.saturating_add(self.extent * EXTENT_PAGES + self.page);
                self.page += 1;
                return Ok(Some(PageId { number, ..start }));
            }
            self.extent += 1;
            self.page = 0;
        }
        Ok(None)
    }

    fn load<S: Read + Seek>(&mut self, reader: &mut PageReader<'_, S>) -> Result<bool, DataError> {
        self.iam = None;
        let Some(id) = self.next_iam else { return Ok(false) };
        // Whatever goes wrong, the walk does not come back here.
        self.next_iam = None;
        self.spend().map_err(|error| error.on(id))?;
        let bytes = reader.page(id)?;
        let page = Page(bytes);
        is_a(page, id, page_type::IAM, "an IAM page")?;
        let next = page.next();
        self.iam = Some(Box::new(*bytes));
        (self.next_iam, self.single, self.extent, self.page) = (next, 0, 0, 0);
        Ok(true)
    }
}
