//! `pjdfstest`: what each call of a file system must do and must refuse, put to the endpoint mounted by `sshfs`.
//!
//! Much of it SFTP cannot carry, to whatever server. So the same is put to OpenSSH's own `sftp-server`, behind the
//! same `sshfs`, and the answers are compared.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use libtest_mimic::Failed;
use serde_json::{Value, json};
use spatialcloud_harness::scenario::node;

use crate::site::{self, Mount, Site};
use crate::tool;
use crate::{Check, Judge};

pub const JUDGE: Judge = Judge {
    name: "pjdfstest",
    missing,
    checks: || Ok(vec![Check::new("the endpoint does as sftp-server does", compare)]),
};
const CASES: &str = include_str!("pjdfstest/cases.yaml");
const SETTINGS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/conformance/pjdfstest/settings.toml");

/// So many cases pass at both at least; with fewer, something else is wrong and nothing has been compared.
const FEWEST: usize = 30;

/// OpenSSH's server: taken out of its package, or installed.
fn server() -> Option<PathBuf> {
    let path = "usr/lib/openssh/sftp-server";
    tool::found([tool::cache().join("openssh-sftp-server").join(path), Path::new("/").join(path)])
}

fn missing() -> Option<String> {
    if server().is_none() {
        return Some("no sftp-server of OpenSSH; ci/install gets it".to_owned());
    }
    site::cannot_mount().or_else(|| tool::missing(&["pjdfstest"]))
}

fn compare() -> Result<(), Failed> {
    let cases: Value = node::parse(CASES).map_err(|mistake| mistake.message)?.to_json();
    let site = Site::start(json!({ "preset": "posix" }), "CITY")?;
    // Only root lets others into what it mounts; for anyone else the cases about others are skipped, at both.
    let options: &[&str] = if site::is_root() { &["allow_other"] } else { &[] };
    let ours = answers(&cases, &site.mount(options)?)?;
    let server = server().ok_or("no sftp-server")?;
    let folder = site.folder()?.join("files");
    std::fs::create_dir(&folder)?;
    let reference = format!("#!/bin/sh\nexec '{}' -d '{}'\n", server.display(), folder.display());
    let theirs =
        answers(&cases, &Mount::new(&site.script("reference", &reference)?, "reference:", options)?)?;
    held_against(&cases, &ours, &theirs)
}

/// What came of each case: `ok`, `FAILED` or `skipped`.
type Answers = BTreeMap<String, String>;

fn answers(cases: &Value, mount: &Mount) -> Result<Answers, Failed> {
    let mut command = tool::bounded(60, tool::program("pjdfstest").ok_or("no pjdfstest")?);
    command.args(["-c", SETTINGS, "-p"]).arg(mount.path());
    command.args(cases["cases"].as_array().into_iter().flatten().filter_map(Value::as_str));
    let words = tool::run(command)?.words;
    if !words.contains("Summary") {
        return Err(format!("it broke off:\n{words}").into());
    }
    let answer = |line: &str| {
        let (case, answer) = line.split_once(' ')?;
        let answer = answer.trim();
        let known = case.contains("::") && ["ok", "FAILED", "skipped"].contains(&answer);
        known.then(|| (case.to_owned(), answer.to_owned()))
    };
    Ok(words.lines().filter_map(answer).collect())
}

fn held_against(cases: &Value, ours: &Answers, theirs: &Answers) -> Result<(), Failed> {
    let parts = |part: &str| cases[part].as_object().into_iter().flat_map(|reasons| reasons.keys());
    let has = |case: &str, part: &str| parts(part).any(|known| case.contains(known.as_str()));
    let mut wrong = Vec::new();
    let mut same = 0;
    for (case, reference) in theirs.iter().filter(|(case, _)| !has(case, "left-out")) {
        let found = ours.get(case).map_or("missing", String::as_str);
        if found == reference {
            same += usize::from(found == "ok");
        } else if !has(case, "differs") {
            wrong.push(format!("{case}: sftp-server {reference}, the endpoint {found}"));
        }
    }
    for known in parts("differs") {
        let mut about =
            theirs.iter().filter(|(case, answer)| case.contains(known) && *answer != "skipped").peekable();
        if about.peek().is_some() && about.all(|(case, answer)| ours.get(case) == Some(answer)) {
            wrong.push(format!("{known}: no longer different, and cases.yaml says that it is"));
        }
    }
    if same < FEWEST {
        wrong.push(format!("only {same} cases pass at both: expected {FEWEST} or more"));
    }
    if wrong.is_empty() { Ok(()) } else { Err(wrong.join("\n").into()) }
}
