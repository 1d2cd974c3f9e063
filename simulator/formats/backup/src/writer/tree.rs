//! The clustered index of the large table: which of its pages is which, by arithmetic alone.
//!
//! The root comes first, then each lower level, then the leaves in order.

use super::page::Neighbours;
use super::space::table_page;

/// Entries of an index page: an int and a page number in 11 bytes, and a slot.
pub const FANOUT: u32 = 8096 / 13;

/// An index over so many leaves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tree {
    /// Pages of each level from the leaves up; the last is 1.
    levels: Vec<u32>,
}

impl Tree {
    /// With as many leaves as fit in `pages`, at least one, together with the levels above.
    pub fn within(pages: u32) -> Tree {
        let (mut least, mut most) = (1, pages.max(1));
        while least < most {
            let middle = least + (most - least).div_ceil(2);
            if Tree::over(middle).pages() <= pages { least = middle } else { most = middle - 1 }
        }
        Tree::over(least)
    }

    fn over(leaves: u32) -> Tree {
        let mut levels = vec![leaves];
        let mut count = leaves;
        while count > 1 {
            count = count.div_ceil(FANOUT);
            levels.push(count);
        }
        Tree { levels }
    }

    pub fn leaves(&self) -> u32 {
        self.levels[0]
    }

    /// Level of the root; 0 where it is the only leaf.
    pub fn root_level(&self) -> u8 {
        self.levels.len() as u8 - 1
    }

    /// Pages of all levels.
    pub fn pages(&self) -> u32 {
        self.levels.iter().sum()
    }

    /// Level of a page of the table, and its place there; `None` behind the last.
    pub fn place(&self, mut index: u32) -> Option<(u8, u32)> {
        for (level, count) in self.levels.iter().enumerate().rev() {
            if index < *count {
                return Some((level as u8, index));
            }
            index -= count;
        }
        None
    }

    /// Page number of a place.
    pub fn page(&self, level: u8, index: u32) -> u32 {
        let above: u32 = self.levels[usize::from(level) + 1..].iter().sum();
        table_page(above + index)
    }

    pub fn neighbours(&self, level: u8, index: u32) -> Neighbours {
        let previous = index.checked_sub(1).map(|index| self.page(level, index));
        let next = (index + 1 < self.levels[usize::from(level)]).then(|| self.page(level, index + 1));
        (previous, next)
    }

    /// The pages of the level below that an index page leads to.
    pub fn children(&self, level: u8, index: u32) -> std::ops::Range<u32> {
        let first = index * FANOUT;
        first..(first + FANOUT).min(self.levels[usize::from(level) - 1])
    }

    /// Leaves under each page of a level, but for the last.
    pub fn leaves_under(level: u8) -> u64 {
        u64::from(FANOUT).pow(u32::from(level))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_many_leaves_as_fit() {
        for (pages, leaves) in [(1, 1), (2, 1), (3, 2), (623, 622), (624, 622), (626, 623), (627, 624)] {
            assert_eq!(Tree::within(pages).leaves(), leaves, "{pages}");
        }
        let tree = Tree::within(1_000_000);
        assert!((999_998..=1_000_000).contains(&tree.pages()));
        assert_eq!(tree.place(0), Some((3, 0)));
        assert_eq!(tree.place(tree.pages()), None);
        assert_eq!(tree.place(tree.pages() - 1), Some((0, tree.leaves() - 1)));
    }
}
