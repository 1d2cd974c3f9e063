//! Pages of allocation: file header, PFS, GAM, SGAM, differential and bulk maps, IAM.

use std::ops::Range;

use super::page::{Neighbours, Owner, PageMaker, SYSTEM, pointer};
use super::space::{EXTENT_PAGES, GAM_EXTENTS, GAM_INTERVAL, PFS_INTERVAL, Space, Use, is_system};
use crate::page::{PageBytes, page_type};

/// Bytes of a map's bits.
const BITMAP_BYTES: usize = GAM_EXTENTS as usize / 8;
/// Bytes of a map's first record.
const HEAD_BYTES: u16 = 94;

/// Most pages that a unit has in mixed extents.
pub const MOST_SINGLES: usize = 8;

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

/// Makes maps.
pub struct Maps<'d> {
    pub space: Space,
    /// PFS bytes of the pages in mixed extents.
    pub mixed: &'d [u8],
    /// Which pages of the runs are in use, by ranges of their places.
    pub runs: &'d [Range<u32>],
    /// Extents that count as changed since the last full backup; `None`: all.
    pub changed: Option<&'d Changes>,
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
            Use::Sgam => {
                (page_type::SGAM, Bits::of(range, extents, |extent| self.has_free_mixed_page(extent)))
            }
            Use::DifferentialMap => (
                page_type::DIFFERENTIAL_MAP,
                Bits::of(range, extents, |extent| {
                    self.is_differential && self.changed.is_none_or(|changes| changes.has(extent))
                }),
            ),
            Use::BulkMap => (page_type::BULK_MAP, Bits::clear()),
            _ => return false,
        };
        let page = PageMaker::new(bytes, number, page_type, SYSTEM, usize::from(HEAD_BYTES) - 4);
        finish(page, &[], &bits);
        true
    }

    fn has_free_mixed_page(&self, extent: u32) -> bool {
        if extent >= self.space.mixed_extents {
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
        if number >= self.space.extents * EXTENT_PAGES {
            return 0;
        }
        match self.space.use_of(number) {
            Use::Mixed => self.mixed.get(number as usize).copied().unwrap_or(0),
            Use::Run(index) => {
                let run = self.runs.partition_point(|run| run.start <= index).checked_sub(1);
                let is_used = run.and_then(|run| self.runs.get(run)).is_some_and(|run| run.contains(&index));
                if is_used { pfs::ALLOCATED } else { 0 }
            }
            Use::Nothing => 0,
            _ => pfs::ALLOCATED | pfs::FULL,
        }
    }
}

/// Extents that differ from a full backup's.
#[derive(Clone, Debug, Default)]
pub struct Changes(Vec<u64>);

impl Changes {
    pub fn add(&mut self, extent: u32) {
        let word = extent as usize / 64;
        if self.0.len() <= word {
            self.0.resize(word + 1, 0);
        }
        self.0[word] |= 1 << (extent % 64);
    }

    pub fn has(&self, extent: u32) -> bool {
        self.0.get(extent as usize / 64).is_some_and(|word| word >> (extent % 64) & 1 == 1)
    }

    pub fn count(&self) -> u32 {
        self.0.iter().map(|word| word.count_ones()).sum()
    }
}

/// An IAM page: place in its chain, the range of extents it tells of, the unit's single pages where it is the first,
/// and which extents of the range are the unit's.
pub struct Iam<'u> {
    pub number: u32,
    pub owner: Owner,
    pub neighbours: Neighbours,
    pub place_in_chain: u32,
    pub range: u32,
    pub singles: &'u [u32],
}

impl Iam<'_> {
    pub fn fill(&self, bytes: &mut PageBytes, extents: u32, is_owned: impl Fn(u32) -> bool) {
        let page =
            PageMaker::new(bytes, self.number, page_type::IAM, self.owner, usize::from(HEAD_BYTES) - 4)
                .chained(0, self.neighbours);
        // From the record's fifth byte, which is the page's hundredth: the range is told at 136, pages at 142.
        let mut head = vec![0; 42 + 6 * MOST_SINGLES];
        head[..4].copy_from_slice(&self.place_in_chain.to_le_bytes());
        head[36..42].copy_from_slice(&pointer(Some(self.range * GAM_INTERVAL)));
        for (place, number) in self.singles.iter().take(MOST_SINGLES).enumerate() {
            let at = 42 + 6 * place;
            head[at..at + 6].copy_from_slice(&pointer(Some(*number)));
        }
        finish(page, &head, &Bits::of(self.range, extents, is_owned));
    }
}
