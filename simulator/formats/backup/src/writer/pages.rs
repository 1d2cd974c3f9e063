//! The pages of a unit one after the other, in the order in which they stand in the file.

use std::collections::VecDeque;
use std::io;

use super::page::{FILE, PageMaker};
use super::rowset::{self, CHILD_BYTES, IN_ROW, Key, OVERFLOW, Rowset, Unit};
use super::table_record::{Cursors, Outside, OutsideRecord, RecordMaker};
use super::tables::Table;
use crate::page::{PageBytes, page_type};

/// Records of a rowset, by their numbers.
pub enum Records<'r> {
    /// Of a base table, and where in them the key is.
    Base { records: &'r [Vec<u8>], key: &'static [(usize, usize)] },
    /// Of a table.
    Table { table: &'r Table, seed: u64 },
}

impl Records<'_> {
    fn fixed_end(&self) -> usize {
        match self {
            Records::Base { records, .. } => {
                records.first().map_or(4, |record| usize::from(u16::from_le_bytes([record[2], record[3]])))
            }
            Records::Table { table, .. } => table.layout.fixed_end,
        }
    }

    fn record(
        &self,
        index: u64,
        cursors: &mut Cursors,
        rowset: &Rowset,
        outside: &mut dyn FnMut(OutsideRecord),
    ) -> io::Result<(Vec<u8>, Key)> {
        match self {
            Records::Base { records, key } => {
                let record = records.get(index as usize).cloned().unwrap_or_default();
                let parts: Vec<&[u8]> = key.iter().filter_map(|part| record.get(part.0..part.1)).collect();
                let fixed = parts.concat();
                Ok((record, Key { fixed, variable: Vec::new() }))
            }
            Records::Table { table, seed } => {
                let row = table.row(*seed, index);
                let page_of = |unit: Outside, page: u32| rowset.outside_page(unit, page);
                let mut maker = RecordMaker::new(table, *cursors, &page_of);
                let record = maker
                    .record(index, &row, outside)
                    .map_err(|message| rowset::wrong_row(table, index, &message))?;
                *cursors = maker.cursors();
                Ok((record, rowset::key_of(table, &row)))
            }
        }
    }
}

/// A walk over a rowset's rows that makes one of its units' pages.
#[derive(Default)]
pub struct Pages {
    /// Place of the next page in the unit.
    next: u32,
    row: u64,
    cursors: Cursors,
    /// A record that did not fit on the last leaf.
    held: Option<(Vec<u8>, Key)>,
    leaf: u32,
    /// Pages above the leaves that come next: level and index.
    complete: VecDeque<(u8, u32)>,
    /// Entries of the open page of each level above the leaves.
    open: Vec<Vec<(Key, u32)>>,
    /// Records of large values whose page has not come yet.
    outside: VecDeque<OutsideRecord>,
}

impl Pages {
    /// Place of the next page.
    pub fn next(&self) -> u32 {
        self.next
    }

    /// Fills the next page.
    pub fn fill(
        &mut self,
        bytes: &mut PageBytes,
        rowset: &Rowset,
        unit: &Unit,
        records: &Records<'_>,
    ) -> io::Result<()> {
        if unit.kind != IN_ROW {
            self.fill_outside(bytes, rowset, unit, records)?;
        } else if let Some((level, index)) = self.complete.pop_front() {
            self.fill_index(bytes, rowset, unit, (level, index));
        } else {
            self.fill_leaf(bytes, rowset, unit, records)?;
        }
        self.next += 1;
        Ok(())
    }

    fn fill_leaf(
        &mut self,
        bytes: &mut PageBytes,
        rowset: &Rowset,
        unit: &Unit,
        records: &Records<'_>,
    ) -> io::Result<()> {
        let number = unit.page(self.next);
        let mut page = PageMaker::new(bytes, number, page_type::DATA, unit.owner, records.fixed_end());
        if let Some(tree) = &rowset.tree {
            let (before, behind) = tree.neighbours(0, self.leaf);
            page =
                page.chained(0, (before.map(|place| unit.page(place)), behind.map(|place| unit.page(place))));
        }
        let mut count = 0;
        let mut first_key = None;
        while rowset.rows_per_leaf.is_none_or(|most| count < most) {
            let next = match self.held.take() {
                Some(held) => Some(held),
                None if self.row < rowset.rows => {
                    self.row += 1;
                    Some(records.record(self.row - 1, &mut self.cursors, rowset, &mut |_| {})?)
                }
                None => None,
            };
            let Some((record, key)) = next else { break };
            if !page.push(&record) {
                self.held = Some((record, key));
                break;
            }
            count += 1;
            first_key.get_or_insert(key);
        }
        page.finish();
        if let Some(tree) = &rowset.tree {
            self.complete.extend(tree.completed_by(self.leaf));
            if tree.root_level() > 0 {
                self.enter(0, first_key.unwrap_or_default(), number);
            }
        }
        self.leaf += 1;
        Ok(())
    }

    /// Notes a page for the one above it.
    fn enter(&mut self, level: u8, key: Key, number: u32) {
        let level = usize::from(level);
        if self.open.len() <= level {
            self.open.resize(level + 1, Vec::new());
        }
        self.open[level].push((key, number));
    }

    fn fill_index(&mut self, bytes: &mut PageBytes, rowset: &Rowset, unit: &Unit, place: (u8, u32)) {
        const INDEX_RECORD: u8 = 0x06;
        const HAS_VARIABLE: u8 = 0x20;
        let (level, index) = place;
        let Some(tree) = &rowset.tree else { return };
        let entries = self.open.get_mut(usize::from(level) - 1).map(std::mem::take).unwrap_or_default();
        let number = unit.page(self.next);
        let fixed_end = 1 + CHILD_BYTES + entries.first().map_or(0, |(key, _)| key.fixed.len());
        let (before, behind) = tree.neighbours(level, index);
        let neighbours = (before.map(|place| unit.page(place)), behind.map(|place| unit.page(place)));
        let mut page =
            PageMaker::new(bytes, number, page_type::INDEX, unit.owner, fixed_end).chained(level, neighbours);
        for (key, child) in &entries {
            let mut entry = vec![INDEX_RECORD];
            entry.extend_from_slice(&key.fixed);
            entry.extend(child.to_le_bytes());
            entry.extend(FILE.to_le_bytes());
            if !key.variable.is_empty() {
                entry[0] |= HAS_VARIABLE;
                entry.extend((key.variable.len() as u16).to_le_bytes());
                let mut end = entry.len() + 2 * key.variable.len();
                for value in &key.variable {
                    end += value.len();
                    entry.extend((end as u16).to_le_bytes());
                }
                entry.extend(key.variable.concat());
            }
            // There are no more than fit however long the keys are.
            let _fits = page.push(&entry);
        }
        page.finish();
        if level < tree.root_level() {
            let first = entries.into_iter().next().map(|(key, _)| key).unwrap_or_default();
            self.enter(level, first, number);
        }
    }

    fn fill_outside(
        &mut self,
        bytes: &mut PageBytes,
        rowset: &Rowset,
        unit: &Unit,
        records: &Records<'_>,
    ) -> io::Result<()> {
        let wanted = if unit.kind == OVERFLOW { Outside::Overflow } else { Outside::Large };
        // Rows on, until one is met that leads beyond this page.
        while self.row < rowset.rows && self.outside.back().is_none_or(|last| last.page <= self.next) {
            let outside = &mut self.outside;
            records.record(self.row, &mut self.cursors, rowset, &mut |record| {
                if record.unit == wanted {
                    outside.push_back(record);
                }
            })?;
            self.row += 1;
        }
        let number = unit.page(self.next);
        let mut page = PageMaker::new(bytes, number, page_type::TEXT_MIX, unit.owner, 0);
        while self.outside.front().is_some_and(|record| record.page == self.next) {
            let Some(record) = self.outside.pop_front() else { break };
            if !page.push(&record.bytes) {
                return Err(io::Error::other(format!("the large values of page {number} do not fit on it")));
            }
        }
        page.finish();
        Ok(())
    }
}
