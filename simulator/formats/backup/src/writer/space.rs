//! How the data file is divided: mixed extents in front, then runs of extents of one allocation unit each.
//!
//! In the mixed extents are allocation pages, boot page, all IAM pages, and units of at most eight pages. Behind
//! them the units follow each other, but for the extents in which SQL Server has PFS and GAM pages; nothing else is
//! in those, so that places are arithmetic, at a cost of one page in a thousand.

/// Pages of an extent.
pub const EXTENT_PAGES: u32 = 8;
/// Pages from one PFS page to the next, and in extents.
pub const PFS_INTERVAL: u32 = 8088;
const PFS_EXTENTS: u32 = PFS_INTERVAL / EXTENT_PAGES;
/// Pages from one GAM page to the next, and in extents.
pub const GAM_INTERVAL: u32 = GAM_EXTENTS * EXTENT_PAGES;
pub const GAM_EXTENTS: u32 = 63_904;

/// What a page is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Use {
    /// In the mixed extents.
    Mixed,
    Pfs,
    Gam,
    Sgam,
    DifferentialMap,
    BulkMap,
    /// Page of a unit's run, counted from the first run's first.
    Run(u32),
    Nothing,
}

/// A data file of whole extents.
#[derive(Clone, Copy, Debug)]
pub struct Space {
    pub extents: u32,
    /// How many of them, in front, are mixed.
    pub mixed_extents: u32,
}

impl Space {
    /// The least file that has room for so many pages of runs.
    pub fn with_room(mixed_extents: u32, run_pages: u32) -> Space {
        let behind = run_page(mixed_extents, run_pages.next_multiple_of(EXTENT_PAGES));
        Space { extents: (behind / EXTENT_PAGES).max(mixed_extents), mixed_extents }
    }

    /// Pages that runs can have.
    pub fn run_pages(self) -> u32 {
        let last = self.extents.saturating_sub(1);
        (last + 1).saturating_sub(self.mixed_extents + system_extents(last)) * EXTENT_PAGES
    }

    /// What a page is for.
    pub fn use_of(self, number: u32) -> Use {
        let (extent, place) = (number / EXTENT_PAGES, number % EXTENT_PAGES);
        if extent < self.mixed_extents {
            return Use::Mixed;
        }
        if self.is_run(extent) {
            return Use::Run((extent - system_extents(extent) - self.mixed_extents) * EXTENT_PAGES + place);
        }
        match (number % PFS_INTERVAL, number % GAM_INTERVAL) {
            (0, _) => Use::Pfs,
            (_, 0) => Use::Gam,
            (_, 1) => Use::Sgam,
            (_, 6) => Use::DifferentialMap,
            (_, 7) => Use::BulkMap,
            _ => Use::Nothing,
        }
    }

    /// Whether an extent is one of a run.
    fn is_run(self, extent: u32) -> bool {
        extent >= self.mixed_extents && extent < self.extents && !is_system(extent)
    }
}

/// Number of a page of the runs.
pub fn run_page(mixed_extents: u32, index: u32) -> u32 {
    let wanted = index / EXTENT_PAGES + mixed_extents;
    let mut extent = wanted;
    // Each step adds the system's extents passed over; few are left to find after the first.
    loop {
        let next = wanted + system_extents(extent);
        if next == extent {
            return extent * EXTENT_PAGES + index % EXTENT_PAGES;
        }
        extent = next;
    }
}

/// Whether an extent behind the mixed ones has a PFS or a GAM page.
pub fn is_system(extent: u32) -> bool {
    extent > 0 && (extent.is_multiple_of(PFS_EXTENTS) || extent.is_multiple_of(GAM_EXTENTS))
}

/// Whether an extent has a map of what changed since the last full backup.
pub fn has_differential_map(extent: u32) -> bool {
    extent.is_multiple_of(GAM_EXTENTS)
}

/// How many extents with a PFS or a GAM page there are up to `extent`.
fn system_extents(extent: u32) -> u32 {
    // The two intervals have no common divisor.
    extent / PFS_EXTENTS + extent / GAM_EXTENTS - extent / (PFS_EXTENTS * GAM_EXTENTS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_page_of_the_runs_has_one_place() {
        let space = Space { extents: 3 * GAM_EXTENTS + 5000, mixed_extents: 5 };
        let mut expected = 0;
        for number in 5 * EXTENT_PAGES..space.extents * EXTENT_PAGES {
            if let Use::Run(index) = space.use_of(number) {
                assert_eq!(index, expected, "page {number}");
                assert_eq!(run_page(5, index), number);
                expected += 1;
            }
        }
        assert_eq!(expected, space.run_pages());
    }

    #[test]
    fn a_file_is_as_large_as_its_runs_need() {
        for pages in [0, 1, 8, 9, 7000, 8100, 600_000] {
            let space = Space::with_room(9, pages);
            assert!(space.run_pages() >= pages, "{pages}");
            assert!(Space { extents: space.extents - 1, ..space }.run_pages() < pages.max(1), "{pages}");
        }
    }

    #[test]
    fn allocation_pages_are_where_sql_server_has_them() {
        let space = Space { extents: 2 * GAM_EXTENTS, mixed_extents: 5 };
        assert_eq!(space.use_of(8088), Use::Pfs);
        assert_eq!(space.use_of(8089), Use::Nothing);
        assert_eq!(space.use_of(511_232), Use::Gam);
        assert_eq!(space.use_of(511_233), Use::Sgam);
        assert_eq!(space.use_of(511_238), Use::DifferentialMap);
        assert_eq!(space.use_of(511_239), Use::BulkMap);
    }
}
