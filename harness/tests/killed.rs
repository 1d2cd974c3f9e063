//! A stack that is killed at any instant and started again has every file on exactly one side, whole (C-26, C-34).
#![allow(clippy::unwrap_used)] // A test that cannot go on says where.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};
use spatialcloud_backup::writer::Random;
use spatialcloud_harness::api::Api;
use spatialcloud_harness::client::{Login, Operation, named};
use spatialcloud_harness::keys;
use spatialcloud_harness::stack::SftpAddress;

/// How often the stack is killed in the middle of a mover's run.
const KILLS: u64 = 25;
/// Files that each run has to move.
const FILES: usize = 200;

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
