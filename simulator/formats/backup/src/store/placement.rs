//! Which extent of which database file each unit of the data streams is.
//!
//! A full backup holds the extents that GAM pages call allocated, a differential those that its differential
//! maps call changed: file by file, in the order of the file list. With one file in one stream that order
//! is all there is to know. Stripes take extents as they come; there, headers help to tell who has which
//! ([`super::stripes`]). Since 2019 a second MSDA block repeats some extents; what it says is newer.

use std::io::{Read, Seek};

use super::bitmap::{BITMAP_EXTENTS, MapBits};
use super::claims::{Claim, claim, map_page};
use super::layer::{Layer, Place};
use super::stripes::by_claims;
use super::{EXTENT_BYTES, EXTENT_PAGES};
use crate::configuration::{BackupType, DatabaseFile, FileType};
use crate::contents::Contents;
use crate::error::DataError;
use crate::family::{Set, Span};
use crate::page::{PageId, page_type};

/// The units of one file's data streams, MSDA block by block.
pub struct Stream {
    source: u16,
    spans: Vec<Span>,
}

impl Stream {
    pub fn units(&self, block: u32) -> impl Iterator<Item = Place> + '_ {
        let spans = self.spans.iter().filter(move |span| span.block == block);
        spans.flat_map(|span| {
            let count = span.length / EXTENT_BYTES as u64;
            (0..count).map(|unit| Place { source: self.source, at: span.at + unit * EXTENT_BYTES as u64 })
        })
    }

    pub fn blocks(&self) -> u32 {
        self.spans.iter().map(|span| span.block).max().unwrap_or(0)
    }
}

/// Which maps tell what a set holds.
#[derive(Clone, Copy)]
pub struct Map {
    /// Page of the first map in its range.
    page: u32,
    pub page_type: u8,
    /// What a bit says of an extent that the backup holds.
    pub held: bool,
}

/// The layers of a set, newest first. `sets` is the set as each of `contents` has it.
pub fn layers<S: Read + Seek>(contents: &[Contents<S>], sets: &[&Set]) -> Result<Vec<Layer>, DataError> {
    let header = sets.first().and_then(|set| set.header.as_ref());
    let map = match header.map(|header| header.backup_type) {
        Some(BackupType::Full) => Map { page: 2, page_type: page_type::GAM, held: false },
        Some(BackupType::Differential) => Map { page: 6, page_type: page_type::DIFFERENTIAL_MAP, held: true },
        _ => return Err(DataError::not_restorable("the set is neither a full nor a differential backup")),
    };
    let streams: Vec<Stream> = sets
        .iter()
        .enumerate()
        .map(|(source, set)| Stream { source: source as u16, spans: set.spans.clone() })
        .collect();
    let files: Vec<&DatabaseFile> = sets[0].files.iter().filter(|file| has_pages(file)).collect();
    let placed = match &streams[..] {
        [stream] => in_order(contents, stream, &files, map)?,
        _ => None,
    };
    let (layer, blocks) = match placed {
        Some(placed) => placed,
        None => by_claims(contents, &streams, &files, map)?,
    };
    let mut repeated = Layer::default();
    for stream in &streams {
        for place in (blocks + 1..=stream.blocks()).flat_map(|block| stream.units(block)) {
            if let Claim::Extent { file, extent } = claim(contents, place)? {
                repeated.push(file, extent, place);
            }
        }
    }
    Ok(vec![repeated.finish(), layer.finish()])
}

fn has_pages(file: &DatabaseFile) -> bool {
    file.file_type == FileType::Data && file.announced_pages.max(file.pages_in_backup) > 0
}

/// Extents of a database file.
pub fn extents_of(file: &DatabaseFile) -> u32 {
    let extents = file.size.div_ceil(EXTENT_BYTES as u64);
    u32::try_from(extents).unwrap_or(u32::MAX).min(u32::MAX / EXTENT_PAGES)
}

/// Extents and the number of MSDA blocks they fill.
pub type Placed = (Layer, u32);

/// One stream, by order alone. `None` where the maps do not fit the order, so that headers must be asked.
fn in_order<S: Read + Seek>(
    contents: &[Contents<S>],
    stream: &Stream,
    files: &[&DatabaseFile],
    map: Map,
) -> Result<Option<Placed>, DataError> {
    let mut units =
        (1..=stream.blocks()).flat_map(|block| stream.units(block).map(move |place| (block, place)));
    let (mut layer, mut last_block) = (Layer::default(), 0);
    for file in files {
        let Ok(file_id) = u16::try_from(file.file_id) else { return Ok(None) };
        let mut bits = None;
        for extent in 0..extents_of(file) {
            let index = extent % BITMAP_EXTENTS;
            let mut unit = None;
            if index == 0 {
                // The map's own extent is always held, so its place is known before its bits are.
                let Some((block, place)) = units.next() else { return Ok(None) };
                let page = PageId { file: file_id, number: map_number(map, extent) };
                bits = map_page(contents, place, page, map.page_type)?;
                unit = Some((block, place));
            }
            let Some(map_bytes) = &bits else { return Ok(None) };
            let is_held = MapBits::read(map_bytes)?.is_set(index) == map.held;
            if index == 0 && !is_held {
                return Ok(None);
            }
            if is_held {
                let Some((block, place)) = unit.or_else(|| units.next()) else { return Ok(None) };
                layer.push(file_id, extent, place);
                last_block = block;
            }
        }
    }
    // What is left of the last block must be filling; else the order was another one.
    for (_, place) in units.take_while(|(block, _)| *block == last_block) {
        if claim(contents, place)? != Claim::Fill {
            return Ok(None);
        }
    }
    Ok(Some((layer, last_block)))
}

/// Page of the map that tells of `extent`, the first of its range. Only in the first range do other pages
/// come before the GAM page.
pub fn map_number(map: Map, extent: u32) -> u32 {
    let first = extent * EXTENT_PAGES;
    match (first, map.page_type) {
        (0, _) => map.page,
        (_, page_type::GAM) => first,
        _ => first + map.page,
    }
}

#[cfg(test)]
mod tests;
