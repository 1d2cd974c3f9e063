//! The files of one backup set, and the pages of one database over one or two such sets.

use std::io::{Read, Seek};

use super::layer::{Layer, Place};
use super::placement;
use super::{EXTENT_BYTES, EXTENT_PAGES};
use crate::contents::Contents;
use crate::error::{DataError, DataErrorKind};
use crate::family::{Family, Set};
use crate::page::PageId;
use crate::value::Lsn;

/// All files of one backup, opened.
pub struct Sources<S> {
    pub contents: Vec<Contents<S>>,
    pub families: Vec<Family>,
}

impl<S: Read + Seek> Sources<S> {
    pub fn open(files: Vec<S>) -> Result<Sources<S>, DataError> {
        let mut sources = Sources { contents: Vec::new(), families: Vec::new() };
        /// SQL Server itself stops at 64.
        const MOST_FILES: usize = 1024;
        if files.len() > MOST_FILES {
            return Err(DataError::not_restorable(format!("more than {MOST_FILES} files are given")));
        }
        for file in files {
            let (contents, family) = Contents::open(file)?;
            sources.contents.push(contents);
            sources.families.push(family);
        }
        Ok(sources)
    }

    /// The set at `position` (from 1) as each file has it.
    pub fn set(&self, position: u32) -> Result<Vec<&Set>, DataError> {
        let sets: Option<Vec<&Set>> = self
            .families
            .iter()
            .map(|family| family.sets.iter().find(|set| set.position == position))
            .collect();
        sets.filter(|sets| !sets.is_empty()).ok_or_else(|| {
            DataError::not_restorable(format!("there is no backup set {position} in every file given"))
        })
    }
}

/// The pages of a database.
pub struct Pages<S> {
    contents: Vec<Contents<S>>,
    /// Newest first: what is not in one is in the next.
    layers: Vec<Layer>,
    checkpoint: Option<Lsn>,
}

impl<S: Read + Seek> Pages<S> {
    /// The pages of one set.
    pub fn open(sources: Sources<S>, position: u32) -> Result<Pages<S>, DataError> {
        let sets = sources.set(position)?;
        let layers = placement::layers(&sources.contents, &sets)?;
        let checkpoint = sets[0].header.as_ref().and_then(|header| header.checkpoint_lsn);
        Ok(Pages { contents: sources.contents, layers, checkpoint })
    }

    /// Pages laid by hand.
    #[cfg(test)]
    pub fn of(contents: Vec<Contents<S>>, layers: Vec<Layer>, checkpoint: Option<Lsn>) -> Pages<S> {
        Pages { contents, layers, checkpoint }
    }

    /// Up to where changes are certainly in the pages.
    pub fn checkpoint(&self) -> Option<Lsn> {
        self.checkpoint
    }

    /// These pages under those of a differential backup.
    pub fn under(self, newer: Pages<S>) -> Pages<S> {
        let mut contents = newer.contents;
        let mut layers = newer.layers;
        let moved = contents.len() as u16;
        contents.extend(self.contents);
        layers.extend(self.layers.into_iter().map(|layer| layer.moved_by(moved)));
        Pages { contents, layers, checkpoint: newer.checkpoint }
    }

    /// Where the extent of a page is.
    pub fn place_of(&self, page: PageId) -> Option<Place> {
        let extent = page.number / EXTENT_PAGES;
        self.layers.iter().find_map(|layer| layer.find(page.file, extent))
    }

    /// Extents there are: no walk over pages can be longer.
    pub fn extent_count(&self) -> u64 {
        self.layers.iter().map(Layer::extent_count).sum()
    }

    /// Reads the extent of a page; its pages are not checked yet.
    pub fn read_extent(&self, page: PageId, to: &mut [u8]) -> Result<Place, DataError> {
        let place = self.place_of(page).ok_or_else(|| self.missing(page))?;
        self.contents[usize::from(place.source)]
            .read_at(place.at, &mut to[..EXTENT_BYTES])
            .map_err(|error| DataError::from_tape(error, usize::from(place.source), place.at).on(page))?;
        Ok(place)
    }

    fn missing(&self, page: PageId) -> DataError {
        let unplaced: u64 = self.layers.iter().map(|layer| layer.unplaced).sum();
        let message = match unplaced {
            0 => "the backup does not hold this page".to_owned(),
            count => format!(
                "the backup does not hold this page, or it is in one of {count} extents that cannot be told apart"
            ),
        };
        DataError::new(DataErrorKind::Missing, message).on(page)
    }
}
