//! Placement of streams laid by hand: several files, stripes, repeats, differentials.

use std::io::Cursor;

use super::layers;
use crate::checksum::PAGE_BYTES;
use crate::configuration::{BackupType, DatabaseFile};
use crate::contents::Contents;
use crate::family::{Depth, Set, Span};
use crate::page::page_type;
use crate::store::EXTENT_BYTES;
use crate::writer::{LEAST_SIZE_BYTES, Spec, write};

/// A unit of a stream; what its first byte behind the headers is tells it from stale copies.
fn unit(file: u16, extent: u32, mark: u8) -> Vec<u8> {
    let mut unit = vec![0; EXTENT_BYTES];
    for page in 0..8_u32 {
        let at = page as usize * PAGE_BYTES;
        unit[at..at + 2].copy_from_slice(&[1, page_type::DATA]);
        unit[at + 32..at + 36].copy_from_slice(&(extent * 8 + page).to_le_bytes());
        unit[at + 36..at + 38].copy_from_slice(&file.to_le_bytes());
        unit[at + 96] = mark;
    }
    unit
}

/// Extent 0 of a file whose GAM, or differential map, has these extents.
fn first_unit(file: u16, held: &[u32], page_type: u8) -> Vec<u8> {
    let (page, is_clear) = if page_type == page_type::GAM { (2, true) } else { (6, false) };
    let mut unit = unit(file, 0, 0);
    let map = &mut unit[page * PAGE_BYTES..(page + 1) * PAGE_BYTES];
    map[1] = page_type;
    map[PAGE_BYTES - 4] = 190;
    map[194..194 + 7988].fill(if is_clear { 0xFF } else { 0 });
    for extent in held {
        map[194 + *extent as usize / 8] ^= 1 << (extent % 8);
    }
    unit
}

fn fill() -> Vec<u8> {
    let mut unit = unit(0, 0, 0);
    for page in unit.chunks_mut(PAGE_BYTES) {
        page[1] = 0x65;
    }
    unit
}

/// A set over one file of MSDA blocks; sizes of database files are in extents.
fn set(blocks: &[Vec<Vec<u8>>], sizes: &[u64], backup_type: BackupType) -> (Contents<Cursor<Vec<u8>>>, Set) {
    let mut backup = Vec::new();
    write(&Spec { seed: 1, size_bytes: LEAST_SIZE_BYTES, damage: None }, &mut backup).expect("memory");
    let family = crate::read(Cursor::new(backup), Depth::Headers).expect("memory");
    let mut set = family.sets.into_iter().next().expect("a set");
    let template = set.files[0].clone();
    set.files = sizes
        .iter()
        .enumerate()
        .map(|(index, size)| DatabaseFile {
            file_id: index as u32 + 1,
            size: size * EXTENT_BYTES as u64,
            ..template.clone()
        })
        .collect();
    set.header.as_mut().expect("a header").backup_type = backup_type;
    let mut bytes = vec![0; 512];
    set.spans.clear();
    for (index, units) in blocks.iter().enumerate() {
        let at = bytes.len() as u64;
        bytes.extend(units.concat());
        let length = bytes.len() as u64 - at;
        set.spans.push(Span { at, length, block: index as u32 + 1 });
    }
    (Contents::plain(Cursor::new(bytes)), set)
}

/// The marks of these extents, newest layer first; −1: not held.
fn marks(sets: Vec<(Contents<Cursor<Vec<u8>>>, Set)>, extents: &[(u16, u32)]) -> Result<Vec<i32>, String> {
    let (contents, sets): (Vec<_>, Vec<_>) = sets.into_iter().unzip();
    let layers = layers(&contents, &sets.iter().collect::<Vec<_>>()).map_err(|error| error.to_string())?;
    let mark = |(file, extent): &(u16, u32)| {
        let Some(place) = layers.iter().find_map(|layer| layer.find(*file, *extent)) else { return -1 };
        let mut byte = [0];
        contents[usize::from(place.source)].read_at(place.at + 96, &mut byte).expect("within the file");
        i32::from(byte[0])
    };
    Ok(extents.iter().map(mark).collect())
}

#[test]
fn one_file_is_in_the_order_of_its_map() {
    let units = vec![
        first_unit(1, &[0, 2, 3, 9], page_type::GAM),
        unit(1, 2, 2),
        // Stale: it says that it is another extent, and zeros say nothing.
        unit(1, 2, 3),
        vec![0; EXTENT_BYTES],
        fill(),
    ];
    let found = marks(
        vec![set(&[units], &[12], BackupType::Full)],
        &[(1, 2), (1, 3), (1, 9), (1, 1), (1, 4), (2, 2)],
    );
    assert_eq!(found, Ok(vec![2, 3, 0, -1, -1, -1]));
}

#[test]
fn files_follow_each_other() {
    let units = vec![
        first_unit(1, &[0, 1], page_type::GAM),
        unit(1, 1, 11),
        first_unit(2, &[0, 5, 6], page_type::GAM),
        unit(2, 5, 25),
        unit(2, 6, 26),
    ];
    let extents = [(1, 1), (2, 5), (2, 6), (2, 1)];
    let found = marks(vec![set(std::slice::from_ref(&units), &[8, 8], BackupType::Full)], &extents);
    assert_eq!(found, Ok(vec![11, 25, 26, -1]));
    // Even if they are in another order than expected, or mixed; or each in a block of its own.
    for order in [[2, 3, 4, 0, 1], [0, 2, 1, 3, 4], [2, 0, 3, 1, 4]] {
        let mixed = order.map(|index: usize| units[index].clone()).to_vec();
        assert_eq!(
            marks(vec![set(&[mixed], &[8, 8], BackupType::Full)], &extents),
            Ok(vec![11, 25, 26, -1]),
            "{order:?}"
        );
    }
    // A container that holds no pages is in the list of files and not in the stream.
    assert_eq!(
        marks(vec![set(std::slice::from_ref(&units), &[8, 8, 8], BackupType::Full)], &extents),
        Ok(vec![11, 25, 26, -1])
    );
    let turned = [units[2..].to_vec(), units[..2].to_vec(), vec![unit(2, 6, 126)]];
    assert_eq!(marks(vec![set(&turned, &[8, 8], BackupType::Full)], &extents), Ok(vec![11, 25, 126, -1]));
    let blocks = [units[..2].to_vec(), units[2..].to_vec()];
    assert_eq!(marks(vec![set(&blocks, &[8, 8], BackupType::Full)], &extents), Ok(vec![11, 25, 26, -1]));
}

#[test]
fn a_second_block_repeats_what_changed() {
    let blocks = [
        vec![first_unit(1, &[0, 1, 2], page_type::GAM), unit(1, 1, 1), unit(1, 2, 2), fill()],
        vec![first_unit(1, &[0, 1, 2], page_type::GAM), unit(1, 1, 101)],
    ];
    let found = marks(vec![set(&blocks, &[8], BackupType::Full)], &[(1, 1), (1, 2)]);
    assert_eq!(found, Ok(vec![101, 2]));
}

#[test]
fn a_differential_holds_what_its_map_calls_changed() {
    let units = vec![first_unit(1, &[0, 4, 7], page_type::DIFFERENTIAL_MAP), unit(1, 4, 4), unit(1, 4, 7)];
    let found = marks(vec![set(&[units], &[8], BackupType::Differential)], &[(1, 4), (1, 7), (1, 5)]);
    assert_eq!(found, Ok(vec![4, 7, -1]));
}

#[test]
fn stripes_are_put_together_by_their_headers() {
    let all: Vec<Vec<u8>> = std::iter::once(first_unit(1, &(0..8).collect::<Vec<_>>(), page_type::GAM))
        .chain((1..8).map(|extent| unit(1, extent, extent as u8)))
        .collect();
    let pick = |extents: &[usize]| extents.iter().map(|extent| all[*extent].clone()).collect::<Vec<_>>();
    let extents: Vec<(u16, u32)> = (1..8).map(|extent| (1, extent)).collect();
    let stripes = |one: Vec<Vec<u8>>, two: Vec<Vec<u8>>| {
        let sets = [one, two].map(|units| set(&[units], &[8], BackupType::Full)).into();
        marks(sets, &extents)
    };
    let mut first = pick(&[0, 1, 4, 5]);
    let second = pick(&[2, 3, 6, 7]);
    assert_eq!(stripes(first.clone(), second.clone()), Ok((1..8).collect()));
    assert_eq!(stripes(second.clone(), first.clone()), Ok((1..8).collect()));
    // Extent 4 is stale: it holds an image of extent 6. Its neighbours tell what it is.
    first[2] = unit(1, 6, 4);
    assert_eq!(stripes(first.clone(), second.clone()), Ok((1..8).collect()));
    first.push(fill());
    assert_eq!(stripes(first, second), Ok((1..8).collect()));
    // The last extents of both are silent: nobody can say which is which.
    let mut one = pick(&[0, 1, 4, 5]);
    let mut two = pick(&[2, 3, 6, 7]);
    one[3] = vec![0; EXTENT_BYTES];
    two[1] = vec![0; EXTENT_BYTES];
    two[2] = vec![0; EXTENT_BYTES];
    assert_eq!(stripes(one, two).map(|marks| marks[6]), Ok(7));
    let missing = marks(vec![set(&[pick(&[2, 3])], &[8], BackupType::Full)], &extents);
    assert!(missing.is_err_and(|error| error.contains("are all stripes here?")));
}

#[test]
fn an_encrypted_map_is_named() {
    let mut units = vec![first_unit(1, &[0, 1], page_type::GAM), unit(1, 1, 1)];
    units[0][3 * PAGE_BYTES - 4..3 * PAGE_BYTES].fill(0xA7);
    let found = marks(vec![set(&[units], &[8], BackupType::Full)], &[(1, 1)]);
    assert!(found.is_err_and(|error| error.contains("TDE")));
}
