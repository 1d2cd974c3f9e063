//! Loads as the night does them: readers during the switch, kills, full disks.
#![allow(clippy::unwrap_used)] // A test that cannot go on says where.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};

use jiff::ZonedDateTime;
use spatialcloud_backup::writer::{Description, write_described};

use super::generation::{BackupFile, Generation, Generations, LoadRecord, OUT, Outcome, TABLES};
use super::load::{LoadError, Loaded, load};
use super::{RECOMMENDED_NAME, RECOMMENDED_PATH};
use crate::config::WarehouseConfig;

struct Site {
    folder: tempfile::TempDir,
}

impl Site {
    fn new() -> Site {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir_all(folder.path().join("cloud/Database")).unwrap();
        Site { folder }
    }

    fn cloud(&self) -> PathBuf {
        self.folder.path().join("cloud")
    }

    fn generations(&self) -> Generations {
        Generations::below(&self.folder.path().join("warehouse"))
    }

    /// As the mover does it: a new file under the old name, so that a reader of the old one is not disturbed.
    fn bring(&self, bytes: &[u8]) {
        let place = self.cloud().join(RECOMMENDED_PATH);
        fs::write(place.with_extension("new"), bytes).unwrap();
        fs::rename(place.with_extension("new"), place).unwrap();
    }

    fn load(&self) -> Result<Loaded, LoadError> {
        let at: ZonedDateTime = "2026-03-02T22:00[Australia/Sydney]".parse().unwrap();
        let backup = BackupFile::at(&self.cloud(), RECOMMENDED_PATH).unwrap();
        load(&self.cloud(), &self.generations(), backup, &WarehouseConfig::default(), &at)
    }

    fn seen(&self) -> Option<Generation> {
        self.generations().current().unwrap().map(|(_, generation)| generation)
    }
}

fn backup(seed: u64, without: &[&str]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let without = without.iter().map(|name| (*name).to_owned()).collect();
    let description = Description { seed, size_bytes: 1 << 20, without, ..Description::default() };
    write_described(&description, &mut bytes).unwrap();
    bytes
}

#[test]
fn a_reader_sees_one_whole_night_however_often_it_looks() {
    let site = Site::new();
    // Nights differ in the number of parcels' rows: the seed makes their size.
    let nights = [backup(1, &[]), backup(2, &[])];
    site.bring(&nights[0]);
    let first = site.load().unwrap().rows;
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let readers: Vec<_> = (0..2)
            .map(|_| {
                scope.spawn(|| {
                    let mut looks = 0_u64;
                    let mut last = 0;
                    while !stop.load(Ordering::Relaxed) {
                        let held = site.generations().hold().unwrap().unwrap();
                        let (folder, generation) = (&held.folder, &held.generation);
                        assert!(generation.load >= last, "back from {last} to {}", generation.load);
                        last = generation.load;
                        assert_eq!((generation.tables.len(), generation.snapshots.len()), (4, 3));
                        let of_one_night = generation.tables.iter().map(|table| table.load);
                        let of_one_night = of_one_night.chain(generation.snapshots.iter().map(|it| it.load));
                        assert!(of_one_night.into_iter().all(|load| load == generation.load));
                        for snapshot in &generation.snapshots {
                            for file in &snapshot.files {
                                // However many nights have passed meanwhile: it is held.
                                assert!(folder.join(OUT).join(file).exists(), "{file}");
                            }
                        }
                        looks += 1;
                    }
                    looks
                })
            })
            .collect();
        for night in 0..10 {
            site.bring(&nights[night % 2]);
            site.load().unwrap();
        }
        stop.store(true, Ordering::Relaxed);
        for reader in readers {
            assert!(reader.join().unwrap() > 0);
        }
    });
    // A night that was still read when the last came is tidied away by the next.
    site.load().unwrap();
    assert_eq!(site.seen().unwrap().load, 12);
    assert!(first > 0);
    let kept = fs::read_dir(site.folder.path().join("warehouse/generations")).unwrap().count();
    assert_eq!(kept, 2);
}

/// Every place where a kill leaves something else on the disk.
#[test]
fn what_a_kill_leaves_is_mended_by_the_next_load() {
    let site = Site::new();
    site.bring(&backup(1, &[]));
    site.load().unwrap();
    let before = site.seen().unwrap();
    let generations = site.folder.path().join("warehouse/generations");
    // Killed while staging: half a folder.
    let staged = site.generations().stage().unwrap();
    fs::write(staged.folder.join(TABLES).join("dbo.parcels.arrow"), b"ARR").unwrap();
    std::mem::forget(staged);
    assert_eq!(site.seen().unwrap(), before);
    // Killed after the folder got its number, before the link turned.
    fs::create_dir_all(generations.join("2/tables")).unwrap();
    assert_eq!(site.seen().unwrap(), before);
    // Killed after the new link was made, before it replaced the old.
    symlink("generations/2", site.folder.path().join("warehouse/current.next")).unwrap();
    assert_eq!(site.seen().unwrap(), before);
    site.bring(&backup(2, &["hydrants"]));
    let waiting = BackupFile::at(&site.cloud(), RECOMMENDED_PATH).unwrap();
    assert!(!site.generations().is_settled(&waiting).unwrap());
    site.load().unwrap();
    let after = site.seen().unwrap();
    assert_eq!((after.load, after.tables.len()), (2, 4));
    assert_eq!(after.tables.iter().filter(|table| table.load == 1).count(), 1);
    // Killed before the line was written to the history: the generation itself tells.
    assert!(site.generations().is_settled(&waiting).unwrap());
    assert_eq!(site.generations().loads().unwrap(), []);
    let names: Vec<_> = fs::read_dir(&generations).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert!(names.iter().all(|name| !name.to_string_lossy().contains("staged")), "{names:?}");
}

#[test]
fn a_history_that_a_kill_cut_off_goes_on() {
    let site = Site::new();
    site.bring(b"x");
    let record = |load| LoadRecord {
        at: "2026-03-02T22:00".to_owned(),
        backup: BackupFile::at(&site.cloud(), RECOMMENDED_PATH).unwrap(),
        outcome: Outcome::Failed,
        load: Some(load),
        tables: 0,
        rows: 0,
        snapshots: 0,
        reasons: vec!["disk".to_owned()],
    };
    let generations = site.generations();
    generations.record(&record(1)).unwrap();
    let path = site.folder.path().join("warehouse/loads.jsonl");
    let whole = fs::read_to_string(&path).unwrap();
    fs::write(&path, format!("{whole}{}", &whole[..whole.len() / 2])).unwrap();
    assert_eq!(generations.loads().unwrap(), [record(1)]);
    generations.record(&record(2)).unwrap();
    assert_eq!(generations.loads().unwrap(), [record(1), record(2)]);
    assert!(!generations.is_settled(&record(1).backup).unwrap());
}

#[test]
fn a_disk_that_fails_is_our_fault_and_changes_nothing() {
    let site = Site::new();
    site.bring(&backup(1, &[]));
    site.load().unwrap();
    let before = site.seen().unwrap();
    // A file where the next generation's folder belongs fails even for root, as a full disk would.
    let place = site.folder.path().join("warehouse/generations/2.staged");
    fs::write(&place, b"").unwrap();
    site.bring(&backup(2, &[]));
    let error = site.load().err().unwrap();
    assert_eq!(error.outcome(), Outcome::Failed, "{error}");
    assert!(error.to_string().contains("tried again"), "{error}");
    assert_eq!(site.seen().unwrap(), before);
    fs::remove_file(place).unwrap();
    assert_eq!(site.load().unwrap().generation.load, 2);
    assert_eq!(RECOMMENDED_PATH, format!("Database/{RECOMMENDED_NAME}"));
}

#[test]
fn names_of_table_files_suit_every_system() {
    let site = Site::new();
    site.bring(&backup(1, &[]));
    site.load().unwrap();
    let (folder, generation) = site.generations().current().unwrap().unwrap();
    for table in &generation.tables {
        assert_eq!(table.file.as_deref(), Some(format!("{}.arrow", table.full_name()).as_str()));
        let size_bytes = fs::metadata(folder.join(TABLES).join(table.file.as_ref().unwrap())).unwrap().len();
        assert_eq!(size_bytes, table.size_bytes);
    }
}
