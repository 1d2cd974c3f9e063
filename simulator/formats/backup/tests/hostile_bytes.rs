//! Whatever the bytes are, reading ends, neither panics nor loops, and damage never turns into acceptance.

use std::io::Cursor;

use proptest::prelude::*;
use spatialcloud_backup::verdict::judge;
use spatialcloud_backup::writer::{LEAST_SIZE_BYTES, Spec, write};
use spatialcloud_backup::{Backup, Database, Depth, read};

fn backup(seed: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    write(&Spec { seed, size_bytes: LEAST_SIZE_BYTES, damage: None }, &mut bytes)
        .expect("memory does not fail");
    bytes
}

fn accepted(bytes: &[u8]) -> bool {
    let family = read(Cursor::new(bytes), Depth::Everything).expect("memory does not fail");
    // Its tables are read too, as far as they go; damaged real files have a test of their own.
    if let Ok(database) = Database::open(Backup::file(Cursor::new(bytes))) {
        for table in database.tables() {
            if let Ok(rows) = database.rows(table) {
                rows.for_each(drop);
            }
        }
    }
    judge(&[family], &[]).accepted
}

/// A compressed container around arbitrary chunks.
fn container(chunks: &[(u8, u8, Vec<u8>)]) -> Vec<u8> {
    let mut bytes = b"MSSQLBAK".to_vec();
    bytes.resize(0x1E0, 0);
    for (kind, size, data) in chunks {
        bytes.extend([*kind, *size]);
        bytes.extend((data.len() as u16).to_le_bytes());
        bytes.resize(bytes.len() + 24, 0);
        bytes.extend(data);
    }
    bytes
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn random_bytes_are_no_backup(bytes in proptest::collection::vec(any::<u8>(), 0..4096)) {
        prop_assert!(!accepted(&bytes));
    }

    #[test]
    fn random_bytes_behind_a_true_beginning_are_no_backup(keep in 0_usize..8192, tail in proptest::collection::vec(any::<u8>(), 1..4096)) {
        let mut bytes = backup(1);
        bytes.truncate(keep);
        bytes.extend(tail);
        prop_assert!(!accepted(&bytes));
    }

    #[test]
    fn random_chunks_are_no_backup(chunks in proptest::collection::vec((prop_oneof![Just(0x21_u8), Just(0x24), Just(0x2C), any::<u8>()], any::<u8>(), proptest::collection::vec(any::<u8>(), 0..600)), 0..6)) {
        prop_assert!(!accepted(&container(&chunks)));
    }

    #[test]
    fn a_cut_backup_is_refused(seed in 0_u64..4, at in 0_usize..LEAST_SIZE_BYTES as usize) {
        let bytes = backup(seed);
        let at = at % bytes.len();
        prop_assert!(!accepted(&bytes[..at]));
    }

    /// Pages and log are wholly under checksums; headers are not (names, for one), so they only must not panic.
    #[test]
    fn a_flipped_bit_in_data_is_refused(seed in 0_u64..4, at in any::<prop::sample::Index>(), bit in 0_u8..8) {
        let mut bytes = backup(seed);
        let first_page = 0x1E00;
        let pages_end = bytes.windows(4).position(|window| window == b"CSUM").expect("a CSUM stream");
        let at = first_page + at.index(pages_end - first_page);
        bytes[at] ^= 1 << bit;
        prop_assert!(!accepted(&bytes));
    }

    #[test]
    fn a_flipped_bit_anywhere_does_no_harm(seed in 0_u64..4, at in any::<prop::sample::Index>(), bit in 0_u8..8) {
        let mut bytes = backup(seed);
        let at = at.index(bytes.len());
        bytes[at] ^= 1 << bit;
        accepted(&bytes);
    }
}
