//! asyncssh's own tests of SFTP, put to the endpoint instead of to asyncssh's server.

use libtest_mimic::Failed;
use serde_json::json;

use crate::cases::{self, Cases};
use crate::site::Site;
use crate::tool;
use crate::{Check, Judge};

pub const JUDGE: Judge = Judge {
    name: "asyncssh's tests",
    missing: || tool::python("asyncssh").err(),
    checks: || Ok(vec![Check::new("SFTP version 3", judge)]),
};
const CASES: &str = include_str!("asyncssh_tests/cases.yaml");
const DRIVE: &str = include_str!("asyncssh_tests/drive.py");

fn judge() -> Result<(), Failed> {
    let cases = Cases::read(CASES)?;
    let site = Site::start(json!({ "preset": "posix" }), "CITY")?;
    let (python, source) = tool::python("asyncssh")?;
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
    let wrong = cases.wrong(&cases::told(&words), |_| true);
    if wrong.is_empty() { Ok(()) } else { Err(format!("{}\n{words}", wrong.join("\n")).into()) }
}
