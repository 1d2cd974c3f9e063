//! Writes synthetic backups: deterministic from a seed, streamed to any size in constant memory.
//!
//! They are shape-correct, not restorable: container, headers, page headers and checksums are as SQL
//! Server 2016 writes them WITH CHECKSUM; the pages hold random records, the log is a stub. Their name
//! and description say so.

mod damage;
mod layout;
mod pages;

use std::io::{self, Write};

pub use damage::{DAMAGES, Damage};

use crate::value::{DateTime, Guid, Lsn};
use layout::{Kind, SetSpec, Tape};
pub use pages::Random;

/// Smallest backup that can be written: headers and two extents.
pub const LEAST_SIZE_BYTES: u64 = 256 * 1024;
/// Bytes of everything but data pages, rounded up.
const OVERHEAD_BYTES: u64 = 96 * 1024;
/// Pages of an extent; a backup holds whole extents.
const EXTENT_PAGES: u64 = 8;

/// What to write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Spec {
    /// Everything in the backup follows from it.
    pub seed: u64,
    /// About how many bytes: never more, and at most 128 KiB less.
    pub size_bytes: u64,
    /// What is wrong with it, if anything.
    pub damage: Option<Damage>,
}

/// Writes a backup and returns how many bytes it has. Sizes below [`LEAST_SIZE_BYTES`] are raised to it.
pub fn write<W: Write>(spec: &Spec, out: W) -> io::Result<u64> {
    let mut out = damage::Damaging::new(out, spec);
    if spec.damage == Some(Damage::NotABackup) {
        return write_random(spec, &mut out);
    }
    let sets = if spec.damage == Some(Damage::TwoSets) { 2 } else { 1 };
    let size_bytes = spec.size_bytes.max(LEAST_SIZE_BYTES) / sets;
    let pages = (size_bytes - OVERHEAD_BYTES) / 8192 / EXTENT_PAGES * EXTENT_PAGES;
    let mut random = Random::new(spec.seed);
    let mut tape =
        Tape::begin(&mut out, random.guid(), if spec.damage == Some(Damage::Stripe) { 2 } else { 1 })?;
    let base = SetSpec {
        position: 1,
        kind: match spec.damage {
            Some(Damage::Differential) => Kind::Differential,
            Some(Damage::Log) => Kind::Log,
            _ => Kind::Full,
        },
        is_newer: spec.damage == Some(Damage::Newer),
        is_encrypted: spec.damage == Some(Damage::Encrypted),
        description: format!("synthetic, seed {}: for tests, not restorable", spec.seed),
        pages: pages as u32,
        guid: Guid([0; 16]),
        database: random.guid(),
        date: DateTime { year: 2026, month: 3, day: 1, hour: 20, minute: 0, second: 0 },
        first_lsn: Lsn { file: 37, block: 1112, slot: 1 },
        last_lsn: Lsn { file: 37, block: 1136, slot: 1 },
    };
    for position in 1..=sets {
        let set = SetSpec { position: position as u16, guid: random.guid(), ..base.clone() };
        tape.set(&set, &mut random)?;
    }
    out.flush()?;
    Ok(out.written())
}

fn write_random<W: Write>(spec: &Spec, out: &mut damage::Damaging<W>) -> io::Result<u64> {
    let mut random = Random::new(spec.seed);
    let mut piece = [0; 8192];
    let mut left = spec.size_bytes;
    while left > 0 {
        random.fill(&mut piece);
        // A zip archive: what people send instead of a backup.
        if left == spec.size_bytes {
            piece[..4].copy_from_slice(b"PK\x03\x04");
        }
        let count = left.min(piece.len() as u64) as usize;
        out.write_all(&piece[..count])?;
        left -= count as u64;
    }
    out.flush()?;
    Ok(out.written())
}

#[cfg(test)]
mod tests {
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
        // All but the two unused pages at the front of a database carry a checksum.
        assert_eq!(family.checks.pages, set.data_bytes / 8192 - 2);
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
}
