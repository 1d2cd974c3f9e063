//! The pages of a clustered index, in the order in which a walk over its rows can write them.
//!
//! Behind each so many leaves comes the page of the level above that leads to them, and so on; the root is the last.
//! Each page is written when its last child is, so that only one open page of each level is kept in mind.

use super::page::Neighbours;

/// An index over so many leaves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tree {
    fanout: u32,
    /// Pages of each level from the leaves up; the last is 1.
    levels: Vec<u32>,
}

impl Tree {
    /// Over `leaves`, of which each page above leads to at most `fanout`.
    pub fn over(leaves: u32, fanout: u32) -> Tree {
        let mut levels = vec![leaves];
        let mut count = leaves;
        while count > 1 {
            count = count.div_ceil(fanout);
            levels.push(count);
        }
        Tree { fanout, levels }
    }

    /// With as many leaves as fit in `pages`, at least one, together with the levels above.
    pub fn within(pages: u32, fanout: u32) -> Tree {
        let (mut least, mut most) = (1, pages.max(1));
        while least < most {
            let middle = least + (most - least).div_ceil(2);
            if Tree::over(middle, fanout).pages() <= pages { least = middle } else { most = middle - 1 }
        }
        Tree::over(least, fanout)
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

    /// Place of a page among all, from 0.
    pub fn place(&self, level: u8, index: u32) -> u32 {
        let level = usize::from(level);
        let fanout = u64::from(self.fanout);
        let leaves_under = fanout.saturating_pow(level as u32);
        let (first, end) = (u64::from(index) * leaves_under, (u64::from(index) + 1) * leaves_under);
        let end = end.min(u64::from(self.leaves()));
        // Below, all that lead to leaves up to its last; above, what was full before its first.
        (0..self.levels.len()).fold(0, |place, other| {
            let under = fanout.saturating_pow(other as u32);
            let before = match other.cmp(&level) {
                std::cmp::Ordering::Less => end.div_ceil(under),
                std::cmp::Ordering::Equal => u64::from(index),
                std::cmp::Ordering::Greater => first / under,
            };
            place + before as u32
        })
    }

    /// Places of the pages before and behind a page on its level.
    pub fn neighbours(&self, level: u8, index: u32) -> Neighbours {
        let previous = index.checked_sub(1).map(|index| self.place(level, index));
        let next = (index + 1 < self.levels[usize::from(level)]).then(|| self.place(level, index + 1));
        (previous, next)
    }

    /// The pages above that are complete with leaf `leaf`, lowest first: level and index.
    pub fn completed_by(&self, leaf: u32) -> Vec<(u8, u32)> {
        let mut completed = Vec::new();
        let mut under = u64::from(self.fanout);
        for level in 1..self.levels.len() {
            let is_complete = (u64::from(leaf) + 1).is_multiple_of(under) || leaf + 1 == self.leaves();
            if !is_complete {
                break;
            }
            completed.push((level as u8, (u64::from(leaf) / under) as u32));
            under = under.saturating_mul(u64::from(self.fanout));
        }
        completed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_many_leaves_as_fit() {
        for (pages, leaves) in [(1, 1), (2, 1), (3, 2), (623, 622), (624, 622), (626, 623), (627, 624)] {
            assert_eq!(Tree::within(pages, 622).leaves(), leaves, "{pages}");
        }
        let tree = Tree::within(1_000_000, 622);
        assert!((999_998..=1_000_000).contains(&tree.pages()));
    }

    #[test]
    fn places_are_those_of_the_walk() {
        for (leaves, fanout) in
            [(1, 3), (2, 3), (3, 3), (4, 3), (9, 3), (10, 3), (81, 3), (100, 7), (1000, 8)]
        {
            let tree = Tree::over(leaves, fanout);
            let mut place = 0;
            let mut last = (0, 0);
            for leaf in 0..leaves {
                for (level, index) in std::iter::once((0, leaf)).chain(tree.completed_by(leaf)) {
                    assert_eq!(tree.place(level, index), place, "{leaves}/{fanout} level {level} {index}");
                    place += 1;
                    last = (level, index);
                }
            }
            assert_eq!((place, last), (tree.pages(), (tree.root_level(), 0)), "{leaves}/{fanout}");
        }
    }
}
