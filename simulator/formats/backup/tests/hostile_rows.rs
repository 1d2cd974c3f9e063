//! Whatever is wrong with a backup's pages, reading its tables ends, without panic and in bounded work.
//!
//! Real files with random damage; `SPATIALCLOUD_BACKUPS` names their folder. Page checksums are made right
//! again after most damage, since otherwise nothing behind them would be reached.

#[path = "support/recompressed.rs"]
mod recompressed;

use std::io::Cursor;
use std::path::{Path, PathBuf};

use libtest_mimic::{Arguments, Failed, Trial};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use spatialcloud_backup::{Backup, Database};

/// One of each layout: 2005, compact lists of columns, torn pages, spatial, many large values.
const FILES: &[&str] = &[
    "sql2005_northwind.bak",
    "sql2008_northwind.bak",
    "sql2012_pubs_4k.bak",
    "sql2016_geography_testdb.bak",
    "sql2019_northwind_torn.bak",
    "sql2014_compressed.bak",
];
/// Damaged copies of each file.
const CASES: u32 = 16;
/// Damaged copies with wrong checksums.
const WRONG_CHECKSUMS: usize = 12;

fn main() {
    let arguments = Arguments::from_args();
    let trials = match std::env::var_os("SPATIALCLOUD_BACKUPS").map(PathBuf::from) {
        Some(folder) => FILES.iter().map(|name| trial(&folder, name)).chain([compressed(&folder)]).collect(),
        None => vec![
            Trial::test("damaged rows: not run here, since SPATIALCLOUD_BACKUPS is not set", || Ok(()))
                .with_ignored_flag(true),
        ],
    };
    libtest_mimic::run(&arguments, trials).exit();
}

fn trial(folder: &Path, name: &'static str) -> Trial {
    let path = folder.join(name);
    Trial::test(format!("{name} damaged at random"), move || damaged(&std::fs::read(&path)?))
}

/// No real file at hand has compressed tables, so one is given some.
fn compressed(folder: &Path) -> Trial {
    let path = folder.join("sql2017_world.bak");
    Trial::test("tables with PAGE compression damaged at random", move || {
        let mut bytes = std::fs::read(&path)?;
        for table in ["city", "country", "countrylanguage"] {
            bytes = recompressed::recompress(&bytes, "dbo", table)?.0;
        }
        damaged(&bytes)
    })
}

fn damaged(bytes: &[u8]) -> Result<(), Failed> {
    let undamaged = read_all(bytes);
    if undamaged.rows == 0 || undamaged.errors > 0 {
        return Err(format!("undamaged: {undamaged:?}").into());
    }
    let config = Config { cases: CASES, failure_persistence: None, ..Config::default() };
    let (mut damaged, mut noticed) = (0, 0);
    TestRunner::new(config)
        .run(&damages(), |damages| {
            let mut copy = bytes.to_vec();
            for damage in &damages {
                damage.apply(&mut copy);
            }
            read_all(&copy);
            Ok(())
        })
        .map_err(|error| Failed::from(error.to_string()))?;
    // Damage under checksums must not go unnoticed; databases with torn-page bits have none.
    for page in 0..WRONG_CHECKSUMS {
        let mut copy = bytes.to_vec();
        if (Damage { page: page * 7919, at: 200, value: 0x55, is_forged: false }).apply(&mut copy) {
            damaged += 1;
            let found = read_all(&copy);
            noticed += u32::from(found.errors > 0 || found.is_refused);
        }
    }
    match (damaged, noticed) {
        (1.., 0) => Err(format!("none of {damaged} damaged pages was noticed").into()),
        _ => Ok(()),
    }
}

/// A byte of a page that is changed.
#[derive(Clone, Debug)]
struct Damage {
    page: usize,
    at: usize,
    value: u8,
    /// Whether the page's checksum is made right again.
    is_forged: bool,
}

fn damages() -> impl Strategy<Value = Vec<Damage>> {
    // Headers, slots and the first bytes of records decide more than the rest.
    let at = prop_oneof![0_usize..160, 8000_usize..8192, 0_usize..8192];
    let damage = (any::<usize>(), at, any::<u8>(), prop::bool::weighted(0.9))
        .prop_map(|(page, at, value, is_forged)| Damage { page, at, value, is_forged });
    prop::collection::vec(damage, 1..40)
}

impl Damage {
    /// Changes the copy; false where there is no such page.
    fn apply(&self, bytes: &mut [u8]) -> bool {
        let Some(first) = bytes.windows(4).position(|window| window == b"MQDA").map(|at| at + 24) else {
            // Compressed: anything, anywhere.
            let at = self.page % bytes.len();
            bytes[at] ^= self.value;
            return true;
        };
        let length =
            u64::from_le_bytes(bytes[first - 16..first - 8].try_into().expect("eight bytes")) as usize;
        let count = length / 8192;
        let start = first + self.page % count * 8192;
        let page = &mut bytes[start..start + 8192];
        let has_checksum = page[0] == 1 && page[5] & 2 != 0;
        page[self.at] ^= self.value;
        if self.is_forged && has_checksum {
            let sum = checksum(page);
            page[60..64].copy_from_slice(&sum.to_le_bytes());
        }
        has_checksum
    }
}

/// The page checksum, written down once more for the test.
fn checksum(page: &[u8]) -> u32 {
    let mut sum = 0;
    for (sector, bytes) in page.chunks(512).enumerate() {
        let mut xor = 0;
        for (word, bytes) in bytes.chunks(4).enumerate() {
            if (sector, word) != (0, 15) {
                xor ^= u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]);
            }
        }
        sum ^= u32::rotate_left(xor, 15 - sector as u32);
    }
    sum
}

#[derive(Debug, Default)]
struct Found {
    rows: u64,
    errors: u64,
    is_refused: bool,
}

/// Reads every value of every table, on after errors.
fn read_all(bytes: &[u8]) -> Found {
    let mut found = Found::default();
    let Ok(database) = Database::open(Backup::file(Cursor::new(bytes))) else {
        return Found { is_refused: true, ..found };
    };
    for table in database.tables() {
        let Ok(mut rows) = database.rows(table) else {
            found.errors += 1;
            continue;
        };
        while let Some(row) = rows.next_row() {
            // More than all slots of all pages: an error that comes again and again.
            assert!(found.rows + found.errors < 20_000_000, "there is no end to {}", table.name);
            match row {
                Ok(row) => {
                    found.rows += 1;
                    found.errors += (0..row.len()).filter(|index| row.value(*index).is_err()).count() as u64;
                }
                Err(_) => found.errors += 1,
            }
        }
    }
    found
}
