//! Several streams, or an order that the maps contradict: headers help to say who has which extent.

use std::collections::BTreeSet;
use std::io::{Read, Seek};
use std::ops::RangeInclusive;

use super::align::{NONE, align};
use super::bitmap::{BITMAP_EXTENTS, MapBits};
use super::claims::{Claim, claim, map_page};
use super::layer::{Layer, Place};
use super::placement::{Map, Placed, Stream, extents_of, map_number};
use crate::configuration::DatabaseFile;
use crate::contents::Contents;
use crate::error::DataError;
use crate::page::PageId;

/// The extents that a set holds of one file, rising.
struct Held {
    file: u16,
    extents: Vec<u32>,
}

/// What a first pass over the units tells.
#[derive(Default)]
struct Survey {
    /// Extents that may begin with a map; few, so they are remembered.
    maps: Vec<(u16, u32, Place)>,
    /// Database files that any unit claims to be of.
    files: BTreeSet<u16>,
    /// Units in each MSDA block that are no filling.
    blocks: Vec<u64>,
}

/// Places the units by what they claim.
pub fn by_claims<S: Read + Seek>(
    contents: &[Contents<S>],
    streams: &[Stream],
    files: &[&DatabaseFile],
    map: Map,
) -> Result<Placed, DataError> {
    let all = streams.iter().map(Stream::blocks).max().unwrap_or(0);
    let mut survey = Survey { blocks: vec![0; all as usize], ..Survey::default() };
    for block in 1..=all {
        for_each_unit(contents, streams, block..=block, |_, place, claim| {
            if let Claim::Extent { file, extent } = claim {
                survey.files.insert(file);
                if extent % BITMAP_EXTENTS == 0 {
                    survey.maps.push((file, extent, place));
                }
            }
            survey.blocks[block as usize - 1] += u64::from(claim != Claim::Fill);
        })?;
    }
    let mut held = Vec::new();
    for (index, file) in files.iter().enumerate() {
        // What is no file of pages, as a FILESTREAM container, has none here; the first always has.
        let is_seen = u16::try_from(file.file_id).is_ok_and(|id| survey.files.contains(&id));
        if is_seen || index == 0 {
            held.push(held_extents(contents, &survey.maps, file, map)?);
        }
    }
    let count = held.iter().map(|held| held.extents.len()).sum::<usize>();
    let blocks = blocks_for(count as u64, &survey.blocks);
    let starts: Vec<u32> = held
        .iter()
        .scan(0, |start, held| Some(std::mem::replace(start, *start + held.extents.len() as u32)))
        .collect();
    let rank = |claim| match claim {
        Claim::Extent { file, extent } => {
            let index = held.iter().position(|held| held.file == file)?;
            Some(starts[index] + held[index].extents.binary_search(&extent).ok()? as u32)
        }
        Claim::Fill | Claim::Nothing => None,
    };
    let mut claimed = vec![Vec::new(); streams.len()];
    for_each_unit(contents, streams, 1..=blocks, |stream, _, claim| {
        if claim != Claim::Fill {
            claimed[stream].push(rank(claim).unwrap_or(NONE));
        }
    })?;
    let placed = align(claimed, &starts, count as u32);
    let mut layer = Layer::default();
    let mut next = vec![0; streams.len()];
    for_each_unit(contents, streams, 1..=blocks, |stream, place, claim| {
        if claim == Claim::Fill {
            return;
        }
        let rank = placed[stream].get(next[stream]).copied().unwrap_or(NONE);
        next[stream] += 1;
        if rank == NONE {
            layer.unplaced += 1;
        } else {
            let file = starts.partition_point(|start| *start <= rank) - 1;
            layer.push(held[file].file, held[file].extents[(rank - starts[file]) as usize], place);
        }
    })?;
    Ok((layer, blocks))
}

/// The first blocks that together have as many units as the maps call held; those behind repeat some.
fn blocks_for(count: u64, units: &[u64]) -> u32 {
    let mut total = 0;
    for (index, units) in units.iter().enumerate() {
        total += units;
        if total >= count {
            return index as u32 + 1;
        }
    }
    units.len() as u32
}

/// Reads what each unit claims. Three passes over headers are cheaper than what they say is large.
fn for_each_unit<S: Read + Seek>(
    contents: &[Contents<S>],
    streams: &[Stream],
    blocks: RangeInclusive<u32>,
    mut take: impl FnMut(usize, Place, Claim),
) -> Result<(), DataError> {
    for (index, stream) in streams.iter().enumerate() {
        for place in blocks.clone().flat_map(|block| stream.units(block)) {
            take(index, place, claim(contents, place)?);
        }
    }
    Ok(())
}

/// The extents of a file that the backup holds, by the maps that claims lead to.
fn held_extents<S: Read + Seek>(
    contents: &[Contents<S>],
    maps: &[(u16, u32, Place)],
    file: &DatabaseFile,
    map: Map,
) -> Result<Held, DataError> {
    let file_id = u16::try_from(file.file_id)
        .map_err(|_| DataError::damaged(format!("file number {} is beyond 65535", file.file_id)))?;
    let mut extents = Vec::new();
    let count = extents_of(file);
    for first in (0..count).step_by(BITMAP_EXTENTS as usize) {
        let page = PageId { file: file_id, number: map_number(map, first) };
        let mut bits = None;
        for (.., place) in maps.iter().filter(|(file, extent, _)| (*file, *extent) == (file_id, first)) {
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
        extents.extend(range.filter(|extent| bits.is_set(extent - first) == map.held));
    }
    Ok(Held { file: file_id, extents })
}
