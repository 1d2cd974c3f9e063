//! asyncssh's own tests of SFTP, put to the endpoint instead of to asyncssh's server.

use std::path::PathBuf;

use libtest_mimic::Failed;
use serde_json::{Value, json};

use crate::cases::{Cases, Verdicts};
use crate::site::Site;
use crate::tool;
use crate::{Check, Judge};

pub const JUDGE: Judge =
    Judge { name: "asyncssh's tests", missing, checks: || Ok(vec![Check::new("SFTP version 3", judge)]) };
const CASES: &str = include_str!("asyncssh_tests/cases.yaml");
const DRIVE: &str = include_str!("asyncssh_tests/drive.py");

/// The environment with asyncssh, and the source of the same version, which its tests come with.
fn parts() -> (PathBuf, PathBuf) {
    (tool::cache().join("venv/bin/python"), tool::cache().join("asyncssh-source"))
}

fn missing() -> Option<String> {
    let (python, source) = parts();
    let here = python.exists() && source.join("tests/test_sftp.py").exists();
    (!here).then(|| "no asyncssh with its tests; ci/install gets it".to_owned())
}

fn judge() -> Result<(), Failed> {
    let cases = Cases::read(CASES)?;
    let site = Site::start(json!({ "preset": "posix" }), "CITY")?;
    let (python, source) = parts();
    let mut command = tool::bounded(120, python);
    command
        .args(["-W", "ignore", "-B", "-c", DRIVE])
        .arg(source)
        .arg(site.inbox()?)
        .arg(site.sftp()?.port.to_string())
        .arg(&site.user)
        .arg(&site.pair.private)
        .arg(site.known_hosts())
        .args(cases.listed("left-out"))
        .env("HOME", site.folder()?);
    let words = tool::succeeded(command)?;
    let verdict = |line: &str| {
        let told: Value = serde_json::from_str(line).ok()?;
        let failed = told["failed"].as_array()?.iter().map(|failure| failure.to_string()).collect();
        Some((told["case"].as_str()?.to_owned(), failed))
    };
    let found: Verdicts = words.lines().filter_map(verdict).collect();
    let wrong = cases.wrong(&found, |_| true);
    if wrong.is_empty() { Ok(()) } else { Err(format!("{}\n{words}", wrong.join("\n")).into()) }
}
