//! `pjdfstest`: what each call of a file system must do and must refuse, put to the endpoint mounted by `sshfs`.
//!
//! Much of it SFTP cannot carry, to whatever server. So the same is put to OpenSSH's own `sftp-server`, behind the
//! same `sshfs`, and the answers are compared.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use libtest_mimic::Failed;
use serde_json::json;

use crate::cases::Cases;
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

/// So often a case must fail here and pass there before it counts.
const ROUNDS: u32 = 3;

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
    let cases = Cases::read(CASES)?;
    let site = Site::start(json!({ "preset": "posix" }), "CITY")?;
    // Only root lets others into what it mounts; for anyone else the cases about others are skipped, at both.
    let options: &[&str] = if site::is_root() { &["allow_other"] } else { &[] };
    let endpoint = site.mount(options)?;
    let server = server().ok_or("no sftp-server")?;
    let folder = site.folder()?.join("files");
    std::fs::create_dir(&folder)?;
    let script = format!("#!/bin/sh\nexec '{}' -d '{}'\n", server.display(), folder.display());
    let reference = Mount::new(&site.script("reference", &script)?, "reference:", options)?;

    let groups: Vec<String> = cases.listed("cases").into_iter().collect();
    let (ours, theirs) = (answers(&endpoint, &groups)?, answers(&reference, &groups)?);
    let mut wrong = unlike_the_list(&cases, &ours, &theirs);
    let mut worse = worse(&cases, &ours, &theirs);
    // Times are told in whole seconds: at the turn of one, a case about times passes that else does not.
    for _ in 1..ROUNDS {
        if !worse.is_empty() {
            let (ours, theirs) = (answers(&endpoint, &worse)?, answers(&reference, &worse)?);
            worse = self::worse(&cases, &ours, &theirs);
        }
    }
    wrong.extend(
        worse.into_iter().map(|case| format!("{case}: it passes with sftp-server, not with the endpoint")),
    );
    if wrong.is_empty() { Ok(()) } else { Err(wrong.join("\n").into()) }
}

/// What came of each case: `ok`, `FAILED` or `skipped`.
type Answers = BTreeMap<String, String>;

/// Puts the cases whose names have one of these parts.
fn answers(mount: &Mount, parts: &[String]) -> Result<Answers, Failed> {
    let mut command = tool::bounded(60, tool::program("pjdfstest").ok_or("no pjdfstest")?);
    command.args(["-c", SETTINGS, "-p"]).arg(mount.path()).args(parts);
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

fn is_listed(cases: &Cases, part: &str, case: &str) -> bool {
    cases.listed(part).iter().any(|known| case.contains(known))
}

fn passes(answers: &Answers, case: &str) -> bool {
    answers.get(case).is_some_and(|answer| answer == "ok")
}

/// Cases that pass with OpenSSH's server and not with the endpoint, for no reason that is listed.
fn worse(cases: &Cases, ours: &Answers, theirs: &Answers) -> Vec<String> {
    let unlisted = |case: &str| !is_listed(cases, "left-out", case) && !is_listed(cases, "differs", case);
    theirs
        .keys()
        .filter(|case| passes(theirs, case) && !passes(ours, case) && unlisted(case))
        .cloned()
        .collect()
}

/// Where the list says that something differs and nothing does; and whether enough was compared.
fn unlike_the_list(cases: &Cases, ours: &Answers, theirs: &Answers) -> Vec<String> {
    let mut wrong = Vec::new();
    for part in cases.listed("differs") {
        let mut passed = theirs.keys().filter(|case| case.contains(&part) && passes(theirs, case)).peekable();
        if passed.peek().is_some() && passed.all(|case| passes(ours, case)) {
            wrong.push(format!("{part}: no longer different, and cases.yaml says that it is"));
        }
    }
    let same = theirs.keys().filter(|case| passes(theirs, case) && passes(ours, case)).count();
    if same < FEWEST {
        wrong.push(format!("only {same} cases pass at both: expected {FEWEST} or more"));
    }
    wrong
}
