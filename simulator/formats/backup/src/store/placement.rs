//! Which extent of which database file each unit of the data streams is.
//!
//! A full backup holds the extents that GAM pages call allocated, a differential those that its differential
//! maps call changed: file by file, in the order of the file list. With one file in one stream that order
//! is all there is to know. Stripes take extents as they come; there, headers help to tell who has which
//! ([`super::align`]). Since 2019 a second MSDA block repeats some extents; what it says is newer.

use std::io::{Read, Seek};

use super::align::align;
use super::bitmap::{BITMAP_EXTENTS, MapBits};
use super::claims::{Claim, claim, map_page};
use super::source::Place;
use super::{EXTENT_BYTES, EXTENT_PAGES};
use crate::checksum::PAGE_BYTES;
use crate::configuration::{BackupType, DatabaseFile, FileType};
use crate::contents::Contents;
use crate::error::DataError;
use crate::family::{Set, Span};
use crate::page::{PageId, page_type};

/// Extents that follow each other both in a database file and in a stream.
#[derive(Clone, Copy, Debug)]
struct Run {
    file: u16,
    extent: u32,
    count: u32,
    place: Place,
}

/// Where a set's extents are; of the first MSDA block or of the one that repeats.
#[derive(Debug, Default)]
pub struct Layer {
    /// Sorted by file and extent, without overlap.
    runs: Vec<Run>,
}

impl Layer {
    fn new(mut extents: Vec<(u16, u32, Place)>) -> Layer {
        // Later ones of the same extent win: the sort is stable, and the lookup takes the last.
        extents.sort_by_key(|(file, extent, _)| (*file, *extent));
        let mut runs: Vec<Run> = Vec::new();
        for (file, extent, place) in extents {
            match runs.last_mut() {
                Some(run) if run.continues_with(file, extent, place) => run.count += 1,
                Some(run) if run.file == file && run.extent == extent && run.count == 1 => run.place = place,
                _ => runs.push(Run { file, extent, count: 1, place }),
            }
        }
        Layer { runs }
    }

    pub fn find(&self, file: u16, extent: u32) -> Option<Place> {
        let index =
            self.runs.partition_point(|run| (run.file, run.extent) <= (file, extent)).checked_sub(1)?;
        let run = self.runs[index];
        let offset = extent.checked_sub(run.extent).filter(|_| run.file == file)?;
        let at = run.place.at + u64::from(offset) * EXTENT_BYTES as u64;
        (offset < run.count).then_some(Place { at, ..run.place })
    }

    pub fn extent_count(&self) -> u64 {
        self.runs.iter().map(|run| u64::from(run.count)).sum()
    }

    /// The same, with its sources counted from `by` on.
    pub fn moved_by(mut self, by: usize) -> Layer {
        for run in &mut self.runs {
            run.place.source += by;
        }
        self
    }
}

impl Run {
    fn continues_with(&self, file: u16, extent: u32, place: Place) -> bool {
        self.file == file
            && u64::from(self.extent) + u64::from(self.count) == u64::from(extent)
            && self.place.source == place.source
            && self.place.at + u64::from(self.count) * EXTENT_BYTES as u64 == place.at
    }
}

/// The units of one file's data streams, MSDA block by block.
struct Stream {
    source: usize,
    spans: Vec<Span>,
}

impl Stream {
    fn units(&self, block: u32) -> impl Iterator<Item = Place> + '_ {
        let spans = self.spans.iter().filter(move |span| span.block == block);
        spans.flat_map(|span| {
            let count = span.length / EXTENT_BYTES as u64;
            (0..count).map(|unit| Place { source: self.source, at: span.at + unit * EXTENT_BYTES as u64 })
        })
    }

    fn blocks(&self) -> u32 {
        self.spans.iter().map(|span| span.block).max().unwrap_or(0)
    }
}

/// Which maps tell what a set holds.
#[derive(Clone, Copy)]
struct Map {
    /// Page of the first map in its range.
    page: u32,
    page_type: u8,
    /// What a bit says of an extent that the backup holds.
    held: bool,
}

/// The layers of a set, newest first. `sets` is the set as each of `contents` has it.
pub fn layers<S: Read + Seek>(contents: &[Contents<S>], sets: &[&Set]) -> Result<Vec<Layer>, DataError> {
    let header = sets.first().and_then(|set| set.header.as_ref());
    let map = match header.map(|header| header.backup_type) {
        Some(BackupType::Full) => Map { page: 2, page_type: page_type::GAM, held: false },
        Some(BackupType::Differential) => Map { page: 6, page_type: page_type::DIFFERENTIAL_MAP, held: true },
        _ => return Err(DataError::not_restorable("the set is neither a full nor a differential backup")),
    };
    let streams: Vec<Stream> =
        sets.iter().enumerate().map(|(source, set)| Stream { source, spans: set.spans.clone() }).collect();
    let files: Vec<&DatabaseFile> = sets[0].files.iter().filter(|file| has_pages(file)).collect();
    let placed = match &streams[..] {
        [stream] => in_order(contents, stream, &files, map)?,
        _ => None,
    };
    let (extents, blocks) = match placed {
        Some(placed) => placed,
        None => by_claims(contents, &streams, &files, map)?,
    };
    let mut repeated = Vec::new();
    for stream in &streams {
        for place in (blocks + 1..=stream.blocks()).flat_map(|block| stream.units(block)) {
            if let Claim::Extent { file, extent } = claim(contents, place)? {
                repeated.push((file, extent, place));
            }
        }
    }
    Ok(vec![Layer::new(repeated), Layer::new(extents)])
}

fn has_pages(file: &DatabaseFile) -> bool {
    file.file_type == FileType::Data && file.announced_pages.max(file.pages_in_backup) > 0
}

fn extents_of(file: &DatabaseFile) -> u32 {
    let extents = file.size.div_ceil(EXTENT_BYTES as u64);
    u32::try_from(extents).unwrap_or(u32::MAX).min(u32::MAX / EXTENT_PAGES)
}

/// Extents and the number of MSDA blocks they fill.
type Placed = (Vec<(u16, u32, Place)>, u32);

/// One stream, by order alone. `None` where the maps do not fit the order, so that headers must be asked.
fn in_order<S: Read + Seek>(
    contents: &[Contents<S>],
    stream: &Stream,
    files: &[&DatabaseFile],
    map: Map,
) -> Result<Option<Placed>, DataError> {
    let mut units =
        (1..=stream.blocks()).flat_map(|block| stream.units(block).map(move |place| (block, place)));
    let (mut extents, mut last_block) = (Vec::new(), 0);
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
                extents.push((file_id, extent, place));
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
    Ok(Some((extents, last_block)))
}

/// Page of the map that tells of `extent`, the first of its range. Only in the first range do other pages
/// come before the GAM page.
fn map_number(map: Map, extent: u32) -> u32 {
    let first = extent * EXTENT_PAGES;
    match (first, map.page_type) {
        (0, _) => map.page,
        (_, page_type::GAM) => first,
        _ => first + map.page,
    }
}

/// Several streams, or an order that the maps contradict: headers say who has which.
fn by_claims<S: Read + Seek>(
    contents: &[Contents<S>],
    streams: &[Stream],
    files: &[&DatabaseFile],
    map: Map,
) -> Result<Placed, DataError> {
    let mut units: Vec<Vec<(Place, Claim)>> = Vec::new();
    for stream in streams {
        let mut found = Vec::new();
        for place in stream.units(1) {
            match claim(contents, place)? {
                Claim::Fill => {}
                claim => found.push((place, claim)),
            }
        }
        units.push(found);
    }
    let mut held: Vec<(u16, u32)> = Vec::new();
    let mut starts = Vec::new();
    for file in files {
        starts.push(held.len() as u32);
        held.extend(held_extents(contents, &units, file, map)?);
    }
    let rank = |claim: &Claim| match claim {
        Claim::Extent { file, extent } => {
            let from = files.iter().position(|known| known.file_id == u32::from(*file))?;
            let to = starts.get(from + 1).map_or(held.len(), |start| *start as usize);
            let from = starts[from] as usize;
            held[from..to].binary_search(&(*file, *extent)).ok().map(|index| (from + index) as u32)
        }
        Claim::Fill | Claim::Nothing => None,
    };
    let claimed: Vec<Vec<Option<u32>>> =
        units.iter().map(|units| units.iter().map(|(_, claim)| rank(claim)).collect()).collect();
    let placed = align(&claimed, &starts, held.len() as u32);
    let mut extents = Vec::new();
    for (units, ranks) in units.iter().zip(placed) {
        for ((place, _), rank) in units.iter().zip(ranks) {
            if let Some(rank) = rank {
                let (file, extent) = held[rank as usize];
                extents.push((file, extent, *place));
            }
        }
    }
    Ok((extents, 1))
}

/// The extents of a file that the backup holds, by the maps that claims lead to.
fn held_extents<S: Read + Seek>(
    contents: &[Contents<S>],
    units: &[Vec<(Place, Claim)>],
    file: &DatabaseFile,
    map: Map,
) -> Result<Vec<(u16, u32)>, DataError> {
    let file_id = u16::try_from(file.file_id)
        .map_err(|_| DataError::damaged(format!("file number {} is beyond 65535", file.file_id)))?;
    let mut held = Vec::new();
    let count = extents_of(file);
    for first in (0..count).step_by(BITMAP_EXTENTS as usize) {
        let page = PageId { file: file_id, number: map_number(map, first) };
        let wanted = Claim::Extent { file: file_id, extent: first };
        let mut bits = None;
        for (place, _) in units.iter().flatten().filter(|(_, claim)| *claim == wanted) {
            bits = bits.or(map_page(contents, *place, page, map.page_type)?);
        }
        let Some(bits) = bits else {
            let message = format!(
                "the allocation map of file {file_id} is in none of the files given; are all stripes here?"
            );
            return Err(DataError::not_restorable(message).on(page));
        };
        let bits = MapBits::read(&bits).map_err(|error| error.on(page))?;
        let range = first..count.min(first.saturating_add(BITMAP_EXTENTS));
        held.extend(
            range.filter(|extent| bits.is_set(extent - first) == map.held).map(|extent| (file_id, extent)),
        );
    }
    Ok(held)
}

const _: () = assert!(EXTENT_BYTES == EXTENT_PAGES as usize * PAGE_BYTES);
