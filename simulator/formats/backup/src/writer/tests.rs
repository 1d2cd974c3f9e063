//! Backups as written, read back.

mod described;
mod differential;
mod pages;
mod tables;

use std::io::Cursor;

use super::*;
use crate::verdict::judge;
use crate::{Depth, read};

/// What is described, in memory.
pub fn described(description: &Description) -> Vec<u8> {
    let mut bytes = Vec::new();
    let count = write_described(description, &mut bytes).expect("memory does not fail");
    assert_eq!(count, bytes.len() as u64);
    bytes
}

fn written(spec: &Spec) -> Vec<u8> {
    let mut bytes = Vec::new();
    let count = write(spec, &mut bytes).expect("memory does not fail");
    assert_eq!(count, bytes.len() as u64);
    bytes
}

#[test]
fn the_same_seed_writes_the_same_bytes_within_the_size_asked_for() {
    for size_bytes in [1, LEAST_SIZE_BYTES, 1 << 20, (3 << 20) + 12345] {
        let spec = Spec { seed: 7, size_bytes, damage: None };
        let bytes = written(&spec);
        assert_eq!(bytes, written(&spec));
        assert_ne!(bytes, written(&Spec { seed: 8, ..spec }));
        let most = size_bytes.max(LEAST_SIZE_BYTES);
        assert!((most - 128 * 1024..=most).contains(&(bytes.len() as u64)), "{} of {most}", bytes.len());
    }
}

#[test]
fn an_undamaged_backup_is_accepted_and_every_checksum_is_right() {
    let bytes = written(&Spec { seed: 7, size_bytes: 2 << 20, damage: None });
    let family = read(Cursor::new(&bytes), Depth::Everything).expect("memory does not fail");
    assert_eq!(family.problems, []);
    assert_eq!(family.checks.data_streams, 2);
    let set = &family.sets[0];
    let header = set.header.as_ref().expect("a whole set has a header");
    assert_eq!(header.backup_size, place(&bytes, b"MSLS") - place(&bytes, b"SSET"));
    assert_eq!(set.data_bytes, u64::from(set.files[0].pages_in_backup) * 8192);
    // All but free pages carry a checksum: two at the front, one beside the boot page, one behind the small
    // tables, and some of the last extent.
    let free = set.data_bytes / 8192 - family.checks.pages;
    assert!((4..12).contains(&free), "{free} pages without checksum");
    assert!(set.description.as_ref().is_some_and(|text| text.contains("synthetic")));
    assert!(judge(&[family], &[]).accepted);
}

fn place(bytes: &[u8], name: &[u8]) -> u64 {
    bytes.windows(4).position(|window| window == name).unwrap_or(0) as u64
}

#[test]
fn every_damage_is_told_by_its_own_error() {
    for ((damage, _, error, _), is_compressed) in
        DAMAGES.iter().flat_map(|damage| [(damage, false), (damage, true)])
    {
        let spec = Spec { seed: 7, size_bytes: 1 << 20, damage: Some(*damage) };
        let bytes = described(&Description { is_compressed, ..Description::from(&spec) });
        let family = read(Cursor::new(&bytes), Depth::Everything).expect("memory does not fail");
        let verdict = judge(&[family], &["x.bak".to_owned()]);
        let errors: Vec<u32> = verdict.reasons.iter().map(|reason| reason.error).collect();
        let told = format!("{damage:?}, compressed: {is_compressed}: {verdict:?}");
        match error {
            Some(error) => assert!(errors.contains(error), "{error} expected: {told}"),
            // Rows are not read here.
            None => {
                let warnings = usize::from(*damage == Damage::TwoSets);
                assert!(verdict.accepted && verdict.warnings.len() == warnings, "{told}");
            }
        }
    }
}

#[test]
fn a_broken_row_is_met_by_reading_it() {
    for is_compressed in [false, true] {
        let spec = Spec { seed: 7, size_bytes: 1 << 20, damage: Some(Damage::RowBit) };
        let bytes = described(&Description { is_compressed, ..Description::from(&spec) });
        let database =
            crate::Database::open(crate::Backup::file(Cursor::new(&bytes[..]))).expect("a catalog");
        let parcels = database.table("dbo", "parcels").expect("parcels");
        let mut rows = database.rows(parcels).expect("rows");
        let first = rows.next_row().expect("a row");
        assert!(first.is_err_and(|error| error.kind == crate::DataErrorKind::Damaged));
        assert!(rows.next_row().expect("a row").is_ok());
    }
}

#[test]
fn each_version_says_which_it_is() {
    for version in VERSIONS {
        let bytes = described(&Description { version: *version, ..Description::default() });
        let family = read(Cursor::new(&bytes), Depth::Everything).expect("memory does not fail");
        let header = family.sets[0].header.clone().expect("a header");
        let software =
            (header.software_version_major, header.software_version_minor, header.software_version_build);
        assert_eq!((software, header.database_version), (version.software, version.database));
        assert_eq!(header.compatibility_level, u16::from(version.compatibility));
        let verdict = judge(&[family], &[]);
        let is_newer = version.database > crate::verdict::NEWEST_DATABASE_VERSION;
        assert_eq!(verdict.accepted, !is_newer, "{}: {verdict:?}", version.name);
        assert!(verdict.reasons.iter().all(|reason| reason.error == 3169), "{verdict:?}");
        if !is_newer {
            let database = crate::Database::open(crate::Backup::file(Cursor::new(bytes))).expect("tables");
            assert_eq!(database.version(), version.database);
        }
    }
}

#[test]
fn stripes_together_are_the_backup() {
    for (count, is_compressed) in [(2, false), (3, true)] {
        let stripe = |number| {
            let stripe = Stripe { number, count };
            described(&Description { size_bytes: 3 << 20, stripe, is_compressed, ..Description::default() })
        };
        let files: Vec<Cursor<Vec<u8>>> = (1..=count).map(|number| Cursor::new(stripe(number))).collect();
        let families: Vec<crate::Family> = files
            .iter()
            .map(|file| read(file.clone(), Depth::Everything).expect("memory does not fail"))
            .collect();
        let verdict = judge(&families, &vec!["x".to_owned(); files.len()]);
        assert!(verdict.accepted, "{verdict:?}");
        let halved = judge(&families[1..], &vec!["x".to_owned(); files.len() - 1]);
        assert!(halved.reasons.iter().any(|reason| reason.error == 3132), "{halved:?}");
        let database = crate::Database::open(crate::Backup::stripes(files)).expect("all stripes");
        let whole = described(&Description { size_bytes: 3 << 20, ..Description::default() });
        let whole = crate::Database::open(crate::Backup::file(Cursor::new(whole))).expect("a backup");
        assert_eq!(database.tables().len(), whole.tables().len());
        for (table, same) in database.tables().iter().zip(whole.tables()) {
            let rows =
                |database: &crate::Database<Cursor<Vec<u8>>>, table| -> Vec<Vec<crate::Value<'static>>> {
                    database.rows(table).expect("rows").map(|row| row.expect("a row")).collect()
                };
            assert_eq!(rows(&database, table), rows(&whole, same), "{}", table.name);
        }
    }
}

#[test]
fn stripes_are_read_as_they_are_written() {
    assert_eq!(Stripe::parse("2/3"), Ok(Stripe { number: 2, count: 3 }));
    for text in ["", "1", "0/2", "3/2", "1/65", "a/b"] {
        assert!(Stripe::parse(text).is_err_and(|error| error.contains("such as 1/2")), "{text}");
    }
}

#[test]
fn compressed_backups_hold_the_same_in_fewer_bytes() {
    let spec = Spec { seed: 7, size_bytes: 3 << 20, damage: None };
    let plain = written(&spec);
    let compressed = described(&Description { is_compressed: true, ..Description::from(&spec) });
    assert!(compressed.len() * 2 < plain.len(), "{} of {}", compressed.len(), plain.len());
    let family = |bytes: &[u8]| read(Cursor::new(bytes), Depth::Everything).expect("memory does not fail");
    let (plain, compressed) = (family(&plain), family(&compressed));
    assert_eq!(plain.checks, compressed.checks);
    assert_eq!(format!("{:?}", plain.sets), format!("{:?}", compressed.sets));
}
