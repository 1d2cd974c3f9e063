//! An index of extents: for each stretch of neighbours in database file and stream, where it begins.

use super::EXTENT_BYTES;

/// Where an extent's bytes are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// Index of the file.
    pub source: u16,
    /// Logical offset.
    pub at: u64,
}

/// Extents that follow each other both in a database file and in a stream: 24 bytes, however many.
#[derive(Clone, Copy, Debug)]
struct Run {
    at: u64,
    extent: u32,
    count: u32,
    file: u16,
    source: u16,
}

impl Run {
    fn continues_with(&self, file: u16, extent: u32, place: Place) -> bool {
        (self.file, self.source) == (file, place.source)
            && u64::from(self.extent) + u64::from(self.count) == u64::from(extent)
            && self.at + u64::from(self.count) * EXTENT_BYTES as u64 == place.at
    }
}

/// Where a set's extents are; of the first MSDA block or of the one that repeats.
#[derive(Debug, Default)]
pub struct Layer {
    /// Sorted by file and extent once [`Layer::finish`] was called.
    runs: Vec<Run>,
    /// Units of which nobody can say what extent they are.
    pub unplaced: u64,
}

impl Layer {
    pub fn push(&mut self, file: u16, extent: u32, place: Place) {
        match self.runs.last_mut() {
            Some(run) if run.continues_with(file, extent, place) => run.count += 1,
            _ => self.runs.push(Run { at: place.at, extent, count: 1, file, source: place.source }),
        }
    }

    /// Makes extents findable. Of one pushed twice the later wins, if neither is part of a longer run.
    pub fn finish(mut self) -> Layer {
        self.runs.sort_by_key(|run| (run.file, run.extent));
        self.runs.shrink_to_fit();
        self
    }

    pub fn find(&self, file: u16, extent: u32) -> Option<Place> {
        let index =
            self.runs.partition_point(|run| (run.file, run.extent) <= (file, extent)).checked_sub(1)?;
        let run = self.runs[index];
        let offset = extent.checked_sub(run.extent).filter(|_| run.file == file)?;
        let at = run.at + u64::from(offset) * EXTENT_BYTES as u64;
        (offset < run.count).then_some(Place { source: run.source, at })
    }

    pub fn extent_count(&self) -> u64 {
        self.runs.iter().map(|run| u64::from(run.count)).sum()
    }

    /// The same, with its sources counted from `by` on.
    pub fn moved_by(mut self, by: u16) -> Layer {
        for run in &mut self.runs {
            run.source = run.source.saturating_add(by);
        }
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EXTENT: u64 = EXTENT_BYTES as u64;

    #[test]
    fn neighbours_are_one_run() {
        let mut layer = Layer::default();
        for (unit, (file, extent)) in [(2, 0), (2, 1), (1, 0), (1, 5), (1, 6)].into_iter().enumerate() {
            layer.push(file, extent, Place { source: 0, at: 100 + unit as u64 * EXTENT });
        }
        let layer = layer.finish();
        assert_eq!((layer.runs.len(), layer.extent_count()), (3, 5));
        assert_eq!(layer.find(2, 1), Some(Place { source: 0, at: 100 + EXTENT }));
        assert_eq!(layer.find(1, 6), Some(Place { source: 0, at: 100 + 4 * EXTENT }));
        for (file, extent) in [(1, 1), (1, 7), (2, 2), (0, 0), (3, 0), (2, u32::MAX)] {
            assert_eq!(layer.find(file, extent), None, "{file} {extent}");
        }
        assert_eq!(layer.moved_by(3).find(1, 0), Some(Place { source: 3, at: 100 + 2 * EXTENT }));
    }
}
