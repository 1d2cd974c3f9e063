//! The generated catalog's records are shaped as those of a real catalog, which `SPATIALCLOUD_BACKUPS` has.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Cursor;
use std::path::Path;

use crate::checksum::PAGE_BYTES;
use crate::page::{Page, page_type};
use crate::writer::catalog::base;
use crate::writer::{LEAST_SIZE_BYTES, Spec, write};
use crate::{Depth, read};

/// By base table: end of the fixed part and count of columns of its records.
type Shapes = BTreeMap<u32, BTreeSet<(u16, u16)>>;

fn shapes(bytes: &[u8]) -> Shapes {
    let mut shapes = Shapes::new();
    let family = read(Cursor::new(bytes), Depth::Headers).expect("memory does not fail");
    for span in family.sets.iter().flat_map(|set| &set.spans) {
        for bytes in bytes[span.at as usize..][..span.length as usize].as_chunks::<PAGE_BYTES>().0 {
            let page = Page(bytes);
            let object = u32::from_le_bytes([bytes[24], bytes[25], bytes[26], bytes[27]]);
            let is_rows = page.looks_like_one() && page.page_type() == page_type::DATA && bytes[7] == 0;
            if !is_rows || !base::ALL.contains(&object) {
                continue;
            }
            if let Ok(Some(record)) = page.slot(0)
                && record[0] & !0x20 == 0x10
            {
                let fixed_end = u16::from_le_bytes([record[2], record[3]]);
                let at = usize::from(fixed_end);
                let columns = u16::from_le_bytes([record[at], record[at + 1]]);
                shapes.entry(object).or_default().insert((fixed_end, columns));
            }
        }
    }
    shapes
}

#[test]
fn base_tables_are_shaped_as_real_ones() {
    let Some(folder) = std::env::var_os("SPATIALCLOUD_BACKUPS") else {
        eprintln!("not compared with real backups, since SPATIALCLOUD_BACKUPS is not set");
        return;
    };
    let mut backup = Vec::new();
    write(&Spec { seed: 1, size_bytes: LEAST_SIZE_BYTES, damage: None }, &mut backup).expect("memory");
    let ours = shapes(&backup);
    assert_eq!(ours.len(), base::ALL.len() - 1, "all but the empty one: {ours:?}");
    // Later builds append a column to two of them, earlier ones lack one of another.
    let name = "sql2017_world.bak";
    let real = shapes(&std::fs::read(Path::new(&folder).join(name)).expect(name));
    for (object, ours) in &ours {
        let real = real.get(object).unwrap_or_else(|| panic!("{name} lacks base table {object}"));
        assert_eq!(ours, real, "{name}, base table {object}");
    }
}
