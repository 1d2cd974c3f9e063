//! The data pages of a heap or a clustered index, one after the other.

use std::io::{Read, Seek};

use crate::allocation::IamWalk;
use crate::error::DataError;
use crate::page::{Page, PageId, page_type};
use crate::store::{EXTENT_PAGES, PageReader};

/// Deepest index there can be; real ones have fewer than ten levels.
const MOST_LEVELS: u32 = 64;

/// Where a rowset's pages are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Unit {
    /// First leaf page; can be stale.
    pub first: Option<PageId>,
    /// Root page of an index.
    pub root: Option<PageId>,
    /// First page of the IAM chain.
    pub first_iam: Option<PageId>,
    /// Pages used, as the catalog counts them.
    pub used_pages: u64,
    /// Pages of data, likewise.
    pub data_pages: u64,
}

/// A walk over data pages.
pub enum Scan {
    /// All data pages that the allocation maps name.
    Allocated(IamWalk),
    /// The leaves of a clustered index, in its order.
    Leaves {
        /// Where to descend from, before the first leaf is known.
        root: Option<PageId>,
        next: Option<PageId>,
        /// Pages that may still come; a longer chain is a loop.
        left: u64,
    },
}

impl Scan {
    /// By the allocation maps.
    pub fn allocated(unit: &Unit, extent_count: u64) -> Scan {
        Scan::Allocated(IamWalk::new(unit.first_iam, extent_count))
    }

    /// In index order, where there is a root to descend from.
    pub fn leaves(unit: &Unit, extent_count: u64) -> Scan {
        if unit.root.is_none() {
            return Scan::allocated(unit, extent_count);
        }
        Scan::Leaves {
            root: unit.root,
            next: None,
            left: extent_count.saturating_mul(u64::from(EXTENT_PAGES)),
        }
    }

    /// A chain of leaves from its first page.
    pub fn chain(first: PageId, extent_count: u64) -> Scan {
        Scan::Leaves {
            root: None,
            next: Some(first),
            left: extent_count.saturating_mul(u64::from(EXTENT_PAGES)),
        }
    }

    /// The next data page.
    pub fn next<S: Read + Seek>(
        &mut self,
        reader: &mut PageReader<'_, S>,
    ) -> Result<Option<PageId>, DataError> {
        match self {
            Scan::Allocated(walk) => {
                while let Some(id) = walk.next(reader)? {
                    let page = Page(reader.page(id)?);
                    if page.page_type() != page_type::DATA {
                        continue;
                    }
                    is_itself(page, id)?;
                    return Ok(Some(id));
                }
                Ok(None)
            }
            Scan::Leaves { root, next, left } => {
                if let Some(root) = root.take() {
                    *next = Some(first_leaf(reader, root)?);
                }
                let Some(id) = next.take() else { return Ok(None) };
                *left = left.checked_sub(1).ok_or_else(|| {
                    DataError::damaged("the chain of pages is longer than the database, so it is a loop")
                        .on(id)
                })?;
                let page = Page(reader.page(id)?);
                is_itself(page, id)?;
                if page.page_type() != page_type::DATA {
                    let message = format!("a data page was expected, this has type {}", page.page_type());
                    return Err(DataError::damaged(message).on(id));
                }
                *next = page.next();
                Ok(Some(id))
            }
        }
    }
}

/// A page of a table must be the one it is taken for.
fn is_itself(page: Page<'_>, id: PageId) -> Result<(), DataError> {
    match page.id() {
        Some(found) if found == id && page.looks_like_one() => Ok(()),
        found => Err(DataError::damaged(format!(
            "the header is that of page {}; the backup holds something else here",
            found.map_or_else(|| "none".to_owned(), |page| page.to_string())
        ))
        .on(id)),
    }
}

/// Descends along the first entries. The lowest index level may call itself level 0, so types decide.
fn first_leaf<S: Read + Seek>(reader: &mut PageReader<'_, S>, root: PageId) -> Result<PageId, DataError> {
    let mut id = root;
    for _ in 0..MOST_LEVELS {
        let page = Page(reader.page(id)?);
        is_itself(page, id)?;
        match page.page_type() {
            page_type::DATA => return Ok(id),
            page_type::INDEX => {}
            other => {
                let message = format!("an index page was expected, this has type {other}");
                return Err(DataError::damaged(message).on(id));
            }
        }
        let child = page.fixed_length().checked_sub(6);
        let entry = page.slot(0).map_err(|error| error.in_slot(id, None, 0))?;
        id = child
            .zip(entry)
            .and_then(|(at, entry)| PageId::from_bytes(entry, at))
            .ok_or_else(|| DataError::damaged("its first entry points to no page").in_slot(id, None, 0))?;
    }
    Err(DataError::damaged(format!("the index is deeper than {MOST_LEVELS} levels, so it is a loop"))
        .on(root))
}
