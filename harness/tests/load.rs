//! A load split among several processes, as machines would run it, has the figures of one run over the same work.
#![allow(clippy::unwrap_used)] // A test that cannot go on says where.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use serde_json::json;
use spatialcloud_harness::Stack;
use spatialcloud_harness::load::{Figures, Stage};

const CAMPAIGN: [&str; 12] = [
    "--sites",
    "6",
    "--sessions",
    "2",
    "--uploads",
    "3",
    "--size",
    "1KiB,40KiB,100KiB",
    "--arrival",
    "around=2ms",
    "--think",
    "1ms",
];

fn start(arguments: &[&str], variables: &[(&str, &str)]) -> Child {
    let mut command = Command::new(env!("CARGO_BIN_EXE_spatialcloud"));
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    // What the pipeline that runs this test says of itself is not meant for the programs under test.
    for name in ["SHARD_INDEX", "SHARD_TOTAL", "CI_NODE_INDEX", "CI_NODE_TOTAL", "SPATIALCLOUD_API"] {
        command.env_remove(name);
    }
    command.envs(variables.iter().copied()).spawn().unwrap()
}

fn ended(child: Child, code: i32) -> Output {
    let output = child.wait_with_output().unwrap();
    let text =
        String::from_utf8_lossy(&output.stderr).into_owned() + &String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(code), "{text}");
    output
}

fn figures(path: &Path) -> Figures {
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

/// How often each stage was counted: what does not depend on how fast the machine is.
fn counts(figures: &Figures) -> BTreeMap<Stage, u64> {
    figures
        .stages
        .iter()
        .map(|(stage, times)| (*stage, times.iter().map(|(_, number)| number).sum()))
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn machines_that_share_a_load_have_the_figures_of_one() {
    let stack = Stack::in_process()
        .settings(json!({ "clock": { "pace": "manual" }, "endpoint": { "limits": { "sessions-per-address": 100 } } }))
        .start()
        .await
        .unwrap();
    // The second upload of each session of one site fails at CLOSE.
    let fault = json!({
        "fault": "status", "at": "close", "site": "LOAD0004", "path": "Spatial/session-*-upload-1.bin", "status": 4
    });
    stack.api().post("faults", fault).await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str| folder.path().join(name);
    let url = stack.api().url().to_owned();
    let load = |shard: &[&str], out: &PathBuf, variables: &[(&str, &str)]| {
        let out = out.to_str().unwrap();
        let arguments = [&["load", "--api", &url, "--json", out][..], &CAMPAIGN, shard].concat();
        start(&arguments, variables)
    };
    ended(load(&[], &file("whole"), &[]), 4);
    let whole = figures(&file("whole"));
    assert_eq!((whole.sessions, whole.uploads, whole.verified), (12, 32, 32), "{:?}", whole.errors);
    assert_eq!(whole.errors, BTreeMap::from([("close: Failure (status 4)".to_owned(), 2)]));

    // Side by side, each told its part in another way.
    let parts = [
        load(&["--shard", "1/3"], &file("1"), &[]),
        load(&[], &file("2"), &[("SHARD_INDEX", "2"), ("SHARD_TOTAL", "3")]),
        load(&[], &file("3"), &[("JOB_COMPLETION_INDEX", "2"), ("SHARD_TOTAL", "3")]),
    ];
    // The site whose sessions fail is the second shard's.
    for (child, code) in parts.into_iter().zip([0, 4, 0]) {
        ended(child, code);
    }
    let [first, second, third, joined] =
        ["1", "2", "3", "joined"].map(|name| file(name).display().to_string());
    let merged = ended(start(&["merge", &first, &second, &third, "--json", &joined], &[]), 4);
    let told = String::from_utf8_lossy(&merged.stdout).into_owned();
    assert!(
        told.contains("12 sessions, 32 uploads") && told.contains("2 × close: Failure (status 4)"),
        "{told}"
    );
    let joined = figures(Path::new(&joined));
    assert_eq!(
        (joined.sessions, joined.uploads, joined.bytes, joined.verified, &joined.errors, counts(&joined)),
        (whole.sessions, whole.uploads, whole.bytes, whole.verified, &whole.errors, counts(&whole))
    );

    let short = ended(start(&["merge", &first, &third], &[]), 4);
    let said = String::from_utf8_lossy(&short.stderr).into_owned();
    assert!(said.contains("parts 2 of 3"), "{said}");
    let twice = ended(start(&["merge", &first, &first], &[]), 1);
    assert!(String::from_utf8_lossy(&twice.stderr).contains("shard 1 is in"), "{twice:?}");

    let sites = stack.api().get("sites").await.unwrap();
    assert!(!sites.to_string().contains("LOAD"), "sites are left: {sites}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_load_that_is_ended_early_takes_its_sites_away() {
    let stack = Stack::in_process().settings(json!({ "clock": { "pace": "manual" } })).start().await.unwrap();
    let think = ["load", "--api", stack.api().url(), "--sites", "2", "--sessions", "1", "--think", "600s"];
    let child = start(&think, &[]);
    let uploaded = stack.api().wait("kind=upload.finished", Duration::from_secs(60)).await.unwrap();
    assert!(uploaded.is_some(), "no upload has finished");
    let sent = Command::new("kill").args(["-TERM", &child.id().to_string()]).status().unwrap();
    assert!(sent.success());
    ended(child, 130);
    let sites = stack.api().get("sites").await.unwrap();
    assert!(!sites.to_string().contains("LOAD"), "sites are left: {sites}");
}

#[test]
fn a_share_that_cannot_be_is_refused_before_anything_runs() {
    let output = ended(start(&["load", "--shard", "3/4", "--sites", "2"], &[]), 1);
    assert!(String::from_utf8_lossy(&output.stderr).contains("fewer shards"));
    let output = ended(start(&["load"], &[("SHARD_INDEX", "2")]), 1);
    assert!(String::from_utf8_lossy(&output.stderr).contains("SHARD_TOTAL"));
}
