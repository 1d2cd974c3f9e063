//! Pages of allocation: file header, PFS, GAM, SGAM, differential and bulk maps, IAM.

use super::page::{Owner, PageMaker, SYSTEM, pointer};
use super::space::{
    EXTENT_PAGES, GAM_EXTENTS, GAM_INTERVAL, IAM_IN_RANGE, MIXED_EXTENTS, PFS_INTERVAL, Space, Use, is_system,
};
use super::tree::Tree;
use crate::page::{PageBytes, page_type};

/// Bytes of a map's bits.
const BITMAP_BYTES: usize = GAM_EXTENTS as usize / 8;
/// Bytes of a map's first record.
const HEAD_BYTES: u16 = 94;

/// Bits of a PFS byte.
pub mod pfs {
    pub const ALLOCATED: u8 = 0x40;
    pub const MIXED: u8 = 0x20;
    pub const IAM: u8 = 0x10;
    /// Up to half full; only heaps keep count.
    pub const HALF_FULL: u8 = 0x01;
    pub const FULL: u8 = 0x04;
}

/// A bitmap of a range of extents.
struct Bits(Vec<u8>);

impl Bits {
    fn clear() -> Bits {
        Bits(vec![0; BITMAP_BYTES])
    }

    /// Those extents of a range for which `is_set`.
    fn of(range: u32, end: u32, is_set: impl Fn(u32) -> bool) -> Bits {
        let mut bits = Bits::clear();
        let first = range * GAM_EXTENTS;
        for extent in first..end.min(first + GAM_EXTENTS) {
            let index = extent - first;
            bits.0[index as usize / 8] |= u8::from(is_set(extent)) << (index % 8);
        }
        bits
    }

    fn inverted(mut self) -> Bits {
        self.0.iter_mut().for_each(|byte| *byte = !*byte);
        self
    }
}

/// The two records of a map.
fn finish(mut page: PageMaker<'_>, head: &[u8], bits: &Bits) {
    let mut first = vec![0; usize::from(HEAD_BYTES)];
    first[2..4].copy_from_slice(&HEAD_BYTES.to_le_bytes());
    first[4..4 + head.len()].copy_from_slice(head);
    let mut second = vec![0, 0];
    second.extend((BITMAP_BYTES as u16 + 4).to_le_bytes());
    second.extend_from_slice(&bits.0);
    // Ten bytes are left over.
    let _fits = page.push(&first) && page.push(&second);
    page.finish();
}

/// Which maps a page's range has, and how it is told in the first five extents.
pub struct Maps<'d> {
    pub space: Space,
    pub tree: &'d Tree,
    /// PFS bytes of the pages in mixed extents.
    pub mixed: &'d [u8],
    /// Whether all extents count as changed since the last full backup.
    pub is_differential: bool,
}

impl Maps<'_> {
    /// Fills a PFS, GAM, SGAM, differential or bulk map; whether `number` is one.
    pub fn fill(&self, bytes: &mut PageBytes, number: u32, kind: Use) -> bool {
        let range = number / GAM_INTERVAL;
        let extents = self.space.extents;
        let (page_type, bits) = match kind {
            Use::Pfs => {
                self.fill_pfs(bytes, number);
                return true;
            }
            // A clear bit: allocated.
            Use::Gam => (page_type::GAM, Bits::of(range, extents, |_| true).inverted()),
            Use::Sgam => (9, Bits::of(range, extents, |extent| self.has_free_mixed_page(extent))),
            Use::DifferentialMap => {
                (page_type::DIFFERENTIAL_MAP, Bits::of(range, extents, |_| self.is_differential))
            }
            Use::BulkMap => (17, Bits::clear()),
            _ => return false,
        };
        let page = PageMaker::new(bytes, number, page_type, SYSTEM, usize::from(HEAD_BYTES) - 4);
        finish(page, &[], &bits);
        true
    }

    fn has_free_mixed_page(&self, extent: u32) -> bool {
        if extent >= MIXED_EXTENTS {
            return is_system(extent);
        }
        let first = (extent * EXTENT_PAGES) as usize;
        // The two pages that no database uses are not free.
        extent > 0 && self.mixed[first..first + EXTENT_PAGES as usize].contains(&0)
    }

    fn fill_pfs(&self, bytes: &mut PageBytes, number: u32) {
        let mut page = PageMaker::new(bytes, number, page_type::PFS, SYSTEM, 0);
        let mut record = vec![0, 0];
        record.extend((PFS_INTERVAL as u16 + 4).to_le_bytes());
        let first = number / PFS_INTERVAL * PFS_INTERVAL;
        record.extend((first..first + PFS_INTERVAL).map(|number| self.pfs_byte(number)));
        let _fits = page.push(&record);
        page.finish();
    }

    fn pfs_byte(&self, number: u32) -> u8 {
        if number >= self.space.pages() {
            return 0;
        }
        match self.space.use_of(number) {
            Use::Mixed => self.mixed.get(number as usize).copied().unwrap_or(0),
            Use::Table(index) if index < self.tree.pages() => pfs::ALLOCATED,
            Use::Table(_) | Use::Nothing => 0,
            Use::Iam(_) => pfs::ALLOCATED | pfs::MIXED | pfs::IAM,
            _ => pfs::ALLOCATED | pfs::FULL,
        }
    }
}

/// The large table's IAM page for a range; that for the first is `first_iam`.
pub fn fill_large_iam(bytes: &mut PageBytes, space: Space, owner: Owner, first_iam: u32, range: u32) {
    let number = |range: u32| if range == 0 { first_iam } else { range * GAM_INTERVAL + IAM_IN_RANGE };
    let next = (range + 1 < space.ranges()).then(|| number(range + 1));
    let page = PageMaker::new(bytes, number(range), page_type::IAM, owner, usize::from(HEAD_BYTES) - 4)
        .chained(0, (range.checked_sub(1).map(number), next));
    let bits = Bits::of(range, space.extents, |extent| space.is_table(extent));
    finish(page, &iam_head(range * GAM_INTERVAL, range, None), &bits);
}

/// The IAM page of what has one page, in a mixed extent.
pub fn fill_small_iam(bytes: &mut PageBytes, number: u32, owner: Owner, only: u32) {
    let page = PageMaker::new(bytes, number, page_type::IAM, owner, usize::from(HEAD_BYTES) - 4);
    finish(page, &iam_head(0, 0, Some(only)), &Bits::clear());
}

/// Place in the chain, first page of the range, and the single pages.
fn iam_head(start: u32, place_in_chain: u32, single: Option<u32>) -> Vec<u8> {
    // From the record's fifth byte, which is the page's hundredth: the range is told at 136, pages at 142.
    let mut head = vec![0; 42 + 6];
    head[..4].copy_from_slice(&place_in_chain.to_le_bytes());
    head[36..42].copy_from_slice(&pointer(Some(start)));
    head[42..48].copy_from_slice(&pointer(single));
    head
}
