//! How the data file is divided: extents of the system, and those of the one table that grows.
//!
//! The first five extents are mixed: allocation pages, boot page, catalog, small tables. All others belong to
//! the large table, but for the extents in which SQL Server has PFS and GAM pages; nothing else is in those, so
//! that places are arithmetic, at a cost of one page in a thousand.

/// Pages of an extent.
pub const EXTENT_PAGES: u32 = 8;
/// Extents in front of the large table.
pub const MIXED_EXTENTS: u32 = 5;
/// Pages in them.
pub const MIXED_PAGES: u32 = MIXED_EXTENTS * EXTENT_PAGES;
/// Pages from one PFS page to the next, and in extents.
pub const PFS_INTERVAL: u32 = 8088;
const PFS_EXTENTS: u32 = PFS_INTERVAL / EXTENT_PAGES;
/// Pages from one GAM page to the next, and in extents.
pub const GAM_INTERVAL: u32 = GAM_EXTENTS * EXTENT_PAGES;
pub const GAM_EXTENTS: u32 = 63_904;
/// Place in an extent with a GAM page of the IAM page for the same range.
pub const IAM_IN_RANGE: u32 = 2;

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
    /// IAM page of the large table for this range.
    Iam(u32),
    /// Page of the large table, counted from 0.
    Table(u32),
    Nothing,
}

/// A data file of whole extents.
#[derive(Clone, Copy, Debug)]
pub struct Space {
    pub extents: u32,
}

impl Space {
    /// Pages of the file.
    pub fn pages(self) -> u32 {
        self.extents * EXTENT_PAGES
    }

    /// Pages that the large table can have.
    pub fn table_pages(self) -> u32 {
        let last = self.extents.saturating_sub(1);
        (last + 1).saturating_sub(MIXED_EXTENTS + system_extents(last)) * EXTENT_PAGES
    }

    /// Ranges of a GAM page each.
    pub fn ranges(self) -> u32 {
        self.extents.div_ceil(GAM_EXTENTS)
    }

    /// What a page is for.
    pub fn use_of(self, number: u32) -> Use {
        let (extent, place) = (number / EXTENT_PAGES, number % EXTENT_PAGES);
        if extent < MIXED_EXTENTS {
            return Use::Mixed;
        }
        if self.is_table(extent) {
            return Use::Table((extent - system_extents(extent) - MIXED_EXTENTS) * EXTENT_PAGES + place);
        }
        match (number % PFS_INTERVAL, number % GAM_INTERVAL) {
            (0, _) => Use::Pfs,
            (_, 0) => Use::Gam,
            (_, 1) => Use::Sgam,
            (_, IAM_IN_RANGE) => Use::Iam(number / GAM_INTERVAL),
            (_, 6) => Use::DifferentialMap,
            (_, 7) => Use::BulkMap,
            _ => Use::Nothing,
        }
    }

    /// Whether an extent is the large table's.
    pub fn is_table(self, extent: u32) -> bool {
        extent >= MIXED_EXTENTS && extent < self.extents && !is_system(extent)
    }
}

/// Number of the large table's page with this place in it.
pub fn table_page(index: u32) -> u32 {
    let wanted = index / EXTENT_PAGES + MIXED_EXTENTS;
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

/// How many of those there are up to `extent`.
fn system_extents(extent: u32) -> u32 {
    // The two intervals have no common divisor.
    extent / PFS_EXTENTS + extent / GAM_EXTENTS - extent / (PFS_EXTENTS * GAM_EXTENTS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_page_of_the_table_has_one_place() {
        let space = Space { extents: 3 * GAM_EXTENTS + 5000 };
        let mut expected = 0;
        for number in MIXED_PAGES..space.pages() {
            if let Use::Table(index) = space.use_of(number) {
                assert_eq!(index, expected, "page {number}");
                assert_eq!(table_page(index), number);
                expected += 1;
            }
        }
        assert_eq!(expected, space.table_pages());
    }

    #[test]
    fn allocation_pages_are_where_sql_server_has_them() {
        let space = Space { extents: 2 * GAM_EXTENTS };
        assert_eq!(space.use_of(8088), Use::Pfs);
        assert_eq!(space.use_of(8089), Use::Nothing);
        assert_eq!(space.use_of(511_232), Use::Gam);
        assert_eq!(space.use_of(511_233), Use::Sgam);
        assert_eq!(space.use_of(511_238), Use::DifferentialMap);
        assert_eq!(space.use_of(511_239), Use::BulkMap);
    }
}
