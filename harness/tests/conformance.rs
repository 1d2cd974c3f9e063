//! Judges that are not ours: `ssh-audit` on what the endpoint offers.
//!
//! A judge that is missing is a test shown as ignored; with `SPATIALCLOUD_REQUIRE=all` it fails.

use std::process::{Command, ExitCode, Stdio};

use libtest_mimic::{Arguments, Failed, Trial};
use spatialcloud_harness::{Stack, keys};

const POLICY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/conformance/ssh-audit.policy");

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let required = std::env::var("SPATIALCLOUD_REQUIRE").is_ok_and(|value| value == "all");
    let present = Command::new("ssh-audit").arg("--help").stdin(Stdio::null()).output().is_ok();
    let trials = [
        ("ssh-audit: what is offered is what the policy says", offered as fn() -> Result<(), Failed>),
        ("ssh-audit: nothing weak is offered", nothing_weak),
    ];
    let trials = trials
        .into_iter()
        .map(|(title, test)| Trial::test(title, test).with_ignored_flag(!present && !required));
    let exit = libtest_mimic::run(&arguments, trials.collect()).exit_code();
    keys::remove();
    exit
}

fn offered() -> Result<(), Failed> {
    let (succeeded, words) = audit(&["--policy", POLICY])?;
    if succeeded { Ok(()) } else { Err(format!("expected what {POLICY} says, got:\n{words}").into()) }
}

fn nothing_weak() -> Result<(), Failed> {
    let (_, words) = audit(&["--no-colors"])?;
    let weak: Vec<&str> = words.lines().filter(|line| line.contains("[fail]")).collect();
    if !words.contains("kex-strict-s-v00@openssh.com") {
        return Err(format!("strict key exchange is not offered:\n{words}").into());
    }
    if weak.is_empty() { Ok(()) } else { Err(weak.join("\n").into()) }
}

/// Whether it was content, and its words.
fn audit(arguments: &[&str]) -> Result<(bool, String), Failed> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    // Without a site that lists this address the endpoint hangs up before it says anything.
    let key = keys::pair("rsa-2048")?.public;
    let stack = runtime.block_on(Stack::in_process().site("CITY", &key, ["127.0.0.1"]).start())?;
    let sftp = stack.sftp();
    let asked = Command::new("ssh-audit")
        .args(arguments)
        .args(["--port", &sftp.port.to_string(), &sftp.host])
        .stdin(Stdio::null())
        .output();
    runtime.block_on(stack.stop())?;
    let output = asked.map_err(|error| format!("ssh-audit: {error}; apt-get install ssh-audit"))?;
    let words = [output.stdout, output.stderr].concat();
    Ok((output.status.success(), String::from_utf8_lossy(&words).into_owned()))
}
