//! paramiko's own tests of SFTP, put to the endpoint instead of to the server in them; one connection for all.

use libtest_mimic::Failed;
use serde_json::json;

use crate::cases::{self, Cases};
use crate::site::Site;
use crate::tool::{self, Ended};
use crate::{Check, Judge};

pub const JUDGE: Judge = Judge {
    name: "paramiko's tests",
    missing: || tool::python("paramiko").err(),
    checks: || Ok(vec![Check::new("small files and big ones", judge)]),
};
const CASES: &str = include_str!("paramiko_tests/cases.yaml");
const ENDPOINT: &str = include_str!("paramiko_tests/endpoint.py");
/// How pytest ends when all passed, and when some failed.
const ENDS: [Option<i32>; 2] = [Some(0), Some(1)];

fn judge() -> Result<(), Failed> {
    let cases = Cases::read(CASES)?;
    let site = Site::start(json!({ "preset": "posix" }), "CITY")?;
    let (python, source) = tool::python("paramiko")?;
    site.script("endpoint.py", ENDPOINT)?;
    let verdicts = site.folder()?.join("verdicts");
    let left_out: Vec<String> = cases.listed("left-out").into_iter().collect();
    let mut command = tool::bounded(120, python);
    command
        .args([
            "-W",
            "ignore",
            "-B",
            "-m",
            "pytest",
            "--quiet",
            "--tb=line",
            "--noconftest",
            "-c",
            "/dev/null",
        ])
        .args(["-p", "endpoint", "-p", "no:cacheprovider", "tests/test_sftp.py", "tests/test_sftp_big.py"])
        .args(["--rootdir", ".", "-k", &format!("not ({})", left_out.join(" or "))])
        .current_dir(source)
        .env("HOME", site.folder()?)
        .env("PYTHONPATH", site.folder()?)
        .env("ENDPOINT_AREA", site.inbox()?)
        .env("ENDPOINT_PORT", site.sftp()?.port.to_string())
        .env("ENDPOINT_USER", &site.user)
        .env("ENDPOINT_KEY", &site.pair.private)
        .env("ENDPOINT_VERDICTS", &verdicts);
    let Ended { code, words } = tool::run(command)?;
    if !ENDS.contains(&code) {
        return Err(format!("pytest: exit {code:?}\n{words}").into());
    }
    let wrong = cases.wrong(&cases::told(&std::fs::read_to_string(&verdicts)?), |_| true);
    if wrong.is_empty() { Ok(()) } else { Err(format!("{}\n{words}", wrong.join("\n")).into()) }
}
