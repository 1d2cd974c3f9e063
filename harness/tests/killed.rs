//! A stack that is killed at any instant and started again has every file on exactly one side, whole (C-26, C-34).
#![allow(clippy::unwrap_used)] // A test that cannot go on says where.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Cursor};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};
use spatialcloud_backup::writer::{Random, Spec};
use spatialcloud_backup::{Backup, Database};
use spatialcloud_harness::api::Api;
use spatialcloud_harness::client::{Login, Operation, named};
use spatialcloud_harness::keys;
use spatialcloud_harness::stack::SftpAddress;

/// How often the stack is killed in the middle of a mover's run.
const KILLS: u64 = 25;
/// Files that each run has to move.
const FILES: usize = 200;
/// How often the stack is killed in the middle of a load.
const LOAD_KILLS: u64 = 12;
/// Files that a load stages: four tables, three snapshots of six files.
const STAGED_FILES: usize = 22;

/// A stack in a process of its own, killed when dropped.
struct Process {
    child: Child,
    card: Value,
}

impl Process {
    fn start(folder: &Path) -> Process {
        let mut child = Command::new(env!("CARGO_BIN_EXE_spatialcloud"))
            .args(["up", "--json", "--listen", "127.0.0.1:0", "--http", "127.0.0.1:0"])
            .arg("--data")
            .arg(folder.join("data"))
            .arg("--config")
            .arg(folder.join("config.yaml"))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let card = serde_json::from_str(&line).unwrap_or_else(|error| panic!("{line:?}: {error}"));
        Process { child, card }
    }

    fn api(&self) -> Api {
        Api::new(self.card["http"].as_str().unwrap())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // SIGKILL: nothing is put away.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn folder(public_key: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let config = json!({
        "clock": {"pace": "manual", "start": "2026-03-02T16:01[Australia/Sydney]"},
        "sites": {"CITY": {"keys": [public_key], "from": ["127.0.0.1"]}},
    });
    std::fs::write(folder.path().join("config.yaml"), config.to_string()).unwrap();
    folder
}

/// Contents by path below a folder; empty where there is none.
fn contents(folder: &Path) -> BTreeMap<PathBuf, String> {
    let mut found = BTreeMap::new();
    let mut open = vec![folder.to_owned()];
    while let Some(next) = open.pop() {
        for entry in std::fs::read_dir(&next).into_iter().flatten() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
            } else {
                let text = std::fs::read_to_string(&path).unwrap();
                found.insert(path.strip_prefix(folder).unwrap().to_owned(), text);
            }
        }
    }
    found
}

fn written(file: usize, round: u64) -> String {
    format!("file {file} of round {round}\n").repeat(50)
}

#[test]
fn a_killed_mover_leaves_every_file_on_exactly_one_side() {
    let seed = std::env::var("SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(1);
    println!("seed {seed}; again: SEED={seed} cargo test -p spatialcloud-harness --test killed");
    let mut random = Random::new(seed);
    let mut below = |limit: u64| {
        let mut bytes = [0; 8];
        random.fill(&mut bytes);
        u64::from_le_bytes(bytes) % limit
    };
    let folder = folder(&keys::pair("rsa-2048").unwrap().public);
    let runtime = tokio::runtime::Runtime::new().unwrap();
    drop(Process::start(folder.path()));
    let site = folder.path().join("data/sites/CITY");
    let mut cut_off = 0;
    for round in 1..=KILLS {
        for file in 0..FILES {
            std::fs::write(site.join(format!("inbox/Spatial/{file}.tif")), written(file, round)).unwrap();
        }
        let stack = Process::start(folder.path());
        let runner = stack.api();
        let mut run = runtime.spawn(async move { runner.post("movers/interval/run", json!({})).await });
        // Killed after so many files, or as soon as the run has ended.
        let left = FILES - below(FILES as u64) as usize;
        while !run.is_finished() && std::fs::read_dir(site.join("inbox/Spatial")).unwrap().count() > left {
            std::hint::spin_loop();
        }
        drop(stack);
        let _ = runtime.block_on(&mut run);

        let stack = Process::start(folder.path());
        let [inbox, cloud, history] = ["inbox", "cloud", "history"].map(|area| contents(&site.join(area)));
        cut_off += u64::from(!inbox.is_empty() && inbox.len() < FILES);
        for file in 0..FILES {
            let name = PathBuf::from(format!("Spatial/{file}.tif"));
            let [new, old] = [round, round - 1].map(|round| written(file, round));
            let arrived = cloud.get(&name) == Some(&new);
            let waits = inbox.get(&name) == Some(&new);
            assert!(
                arrived != waits,
                "seed {seed}, round {round}, {name:?}: arrived {arrived}, waits {waits}"
            );
            assert!(
                inbox.contains_key(&name) == waits,
                "seed {seed}, round {round}, {name:?}: torn in the inbox"
            );
            if round > 1 {
                let kept = history
                    .iter()
                    .filter(|(path, text)| path.starts_with("Spatial") && **text == old)
                    .count();
                let current = usize::from(cloud.get(&name) == Some(&old));
                assert_eq!(kept + current, 1, "seed {seed}, round {round}, {name:?}: the file before it");
            }
        }
        let ran = runtime.block_on(stack.api().post("movers/interval/run", json!({}))).unwrap();
        assert_eq!((ran["left"].as_u64(), ran["failed"].as_u64()), (Some(0), Some(0)), "{ran}");
        let cloud = contents(&site.join("cloud"));
        for file in 0..FILES {
            assert_eq!(cloud[&PathBuf::from(format!("Spatial/{file}.tif"))], written(file, round));
        }
        assert!(contents(&site.join("inbox")).is_empty());
    }
    assert!(
        cut_off > KILLS / 2,
        "only {cut_off} of {KILLS} kills came in the middle of a run: nothing was tested"
    );
}

/// Files that a load has staged so far.
fn staged(warehouse: &Path) -> usize {
    let folders = std::fs::read_dir(warehouse.join("generations")).into_iter().flatten().flatten();
    let staged = folders.filter(|folder| folder.file_name().to_string_lossy().ends_with(".staged"));
    staged.map(|folder| paths(&folder.path()).len()).sum()
}

/// Files below a folder that others may be writing to.
fn paths(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        match entry.file_type() {
            Ok(kind) if kind.is_dir() => found.extend(paths(&entry.path())),
            _ => found.push(entry.path()),
        }
    }
    found
}

/// Load and rows of parcels that a reader sees, every file of them being there; `None` before the first load.
fn seen(warehouse: &Path) -> Option<(u64, u64)> {
    let folder = std::fs::canonicalize(warehouse.join("current")).ok()?;
    let generation: Value =
        serde_json::from_slice(&std::fs::read(folder.join("generation.json")).unwrap()).unwrap();
    let tables = generation["tables"].as_array().unwrap();
    for table in tables {
        let file = folder.join("tables").join(table["file"].as_str().unwrap());
        assert_eq!(std::fs::metadata(file).unwrap().len(), table["size_bytes"].as_u64().unwrap());
    }
    for file in
        generation["snapshots"].as_array().unwrap().iter().flat_map(|it| it["files"].as_array().unwrap())
    {
        assert!(folder.join("OUT").join(file.as_str().unwrap()).exists(), "{file}");
    }
    let parcels = tables.iter().find(|table| table["name"] == "parcels").unwrap();
    Some((generation["load"].as_u64().unwrap(), parcels["rows"].as_u64().unwrap()))
}

#[test]
fn a_killed_load_shows_one_whole_night_and_is_made_up_for() {
    let seed = std::env::var("SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(1);
    println!("seed {seed}; again: SEED={seed} cargo test -p spatialcloud-harness --test killed");
    let mut random = Random::new(seed);
    let mut below = |limit: usize| {
        let mut bytes = [0; 8];
        random.fill(&mut bytes);
        usize::try_from(u64::from_le_bytes(bytes) % limit as u64).unwrap()
    };
    let folder = folder(&keys::pair("rsa-2048").unwrap().public);
    let runtime = tokio::runtime::Runtime::new().unwrap();
    drop(Process::start(folder.path()));
    let site = folder.path().join("data/sites/CITY");
    let warehouse = site.join("warehouse");
    let mut cut_off = 0;
    let mut last = None;
    for round in 1..=LOAD_KILLS {
        // Each night is larger than the one before, so that its number of rows tells it.
        let mut backup = Vec::new();
        let spec = Spec { seed: round, size_bytes: (1 << 20) + round * 65_536, damage: None };
        spatialcloud_backup::writer::write(&spec, &mut backup).unwrap();
        let name = "Database/IntraMapsSpatialCloud.bak";
        std::fs::write(site.join("inbox").join(name), &backup).unwrap();
        let database = Database::open(Backup::file(Cursor::new(backup))).unwrap();
        let rows = database.table("dbo", "parcels").unwrap().row_count;

        let stack = Process::start(folder.path());
        let runner = stack.api();
        let mut run = runtime.spawn(async move { runner.run_mover("nightly").await });
        let enough = below(STAGED_FILES);
        while !run.is_finished() && staged(&warehouse) <= enough {
            std::hint::spin_loop();
        }
        drop(stack);
        let _ = runtime.block_on(&mut run);
        let now = seen(&warehouse);
        let is_tonight = now.is_some_and(|(_, found)| found == rows);
        assert!(
            is_tonight || now == last,
            "seed {seed}, round {round}: {now:?} is neither night, last {last:?}"
        );
        cut_off += u64::from(!is_tonight);

        // What was cut off is loaded by the start, before any mover runs; the backup still in the inbox by the mover.
        let stack = Process::start(folder.path());
        runtime.block_on(stack.api().run_mover("nightly")).unwrap();
        let mended = seen(&warehouse);
        assert_eq!(mended.map(|(_, found)| found), Some(rows), "seed {seed}, round {round}: not made up for");
        assert!(mended.map(|(load, _)| load) > last.map(|(load, _)| load), "{mended:?} after {last:?}");
        assert_eq!(staged(&warehouse), 0);
        last = mended;
    }
    assert!(
        cut_off > LOAD_KILLS / 2,
        "only {cut_off} of {LOAD_KILLS} kills came in the middle of a load: nothing was tested"
    );
}

#[test]
fn an_acknowledged_upload_survives_a_kill() {
    let pair = keys::pair("rsa-2048").unwrap();
    let folder = folder(&pair.public);
    let local = folder.path().join("warehouse.bak");
    std::fs::write(&local, written(1, 1).repeat(600)).unwrap();
    let stack = Process::start(folder.path());
    let card = &stack.card["sftp"];
    let sftp = SftpAddress {
        host: "127.0.0.1".to_owned(),
        port: u16::try_from(card["port"].as_u64().unwrap()).unwrap(),
        host_key: card["host_key"].as_str().unwrap().to_owned(),
        host_key_fingerprint: String::new(),
        host_keys: Vec::new(),
    };
    let login = Login::new(&sftp, "CITY", pair, folder.path());
    let upload = Operation::upload(local.clone(), "Database/IntraMapsSpatialCloud.bak");
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let outcome = runtime.block_on(named("built-in").unwrap().perform(&login, &upload));
    drop(stack);
    assert!(outcome.succeeded, "{}", outcome.output);
    let stack = Process::start(folder.path());
    runtime.block_on(stack.api().advance(json!({"to": "nightly"}))).unwrap();
    let moved = folder.path().join("data/sites/CITY/cloud/Database/IntraMapsSpatialCloud.bak");
    assert_eq!(std::fs::read(moved).unwrap(), std::fs::read(local).unwrap());
}

#[test]
fn time_that_was_advanced_survives_a_kill() {
    let folder = folder(&keys::pair("rsa-2048").unwrap().public);
    let runtime = tokio::runtime::Runtime::new().unwrap();
    for hour in 1..=5 {
        let stack = Process::start(folder.path());
        let now = runtime.block_on(stack.api().advance(json!({"by": "1h"}))).unwrap();
        let expected = format!("2026-03-02T{}:01:00+11:00[Australia/Sydney]", 16 + hour);
        assert_eq!(now["now"], expected);
    }
}
