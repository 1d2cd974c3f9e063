//! Backups as written, read back.

mod pages;
mod tables;

use std::io::Cursor;

use super::*;
use crate::verdict::judge;
use crate::{Depth, read};

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
    for (damage, _, error, _) in DAMAGES {
        let bytes = written(&Spec { seed: 7, size_bytes: 1 << 20, damage: Some(*damage) });
        let family = read(Cursor::new(&bytes), Depth::Everything).expect("memory does not fail");
        let verdict = judge(&[family], &["x.bak".to_owned()]);
        let errors: Vec<u32> = verdict.reasons.iter().map(|reason| reason.error).collect();
        match error {
            Some(error) => {
                assert!(errors.contains(error), "{damage:?}: {error} expected, got {verdict:?}")
            }
            None => assert!(verdict.accepted && verdict.warnings.len() == 1, "{damage:?}: {verdict:?}"),
        }
    }
}
