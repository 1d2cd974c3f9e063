//! `ssh-audit`: what the endpoint offers while a connection is made.

use libtest_mimic::Failed;
use serde_json::json;

use crate::site::Site;
use crate::tool::{self, Ended};
use crate::{Check, Judge};

pub const JUDGE: Judge =
    Judge { name: "ssh-audit", missing: || tool::missing(&["ssh-audit"]), checks: || Ok(checks()) };
const POLICY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/conformance/ssh_audit/policy");

fn checks() -> Vec<Check> {
    vec![
        Check::new("what is offered is what the policy says", offered),
        Check::new("nothing weak is offered", nothing_weak),
    ]
}

fn offered() -> Result<(), Failed> {
    match audit(&["--policy", POLICY])? {
        Ended { code: Some(0), .. } => Ok(()),
        Ended { words, .. } => Err(format!("expected what {POLICY} says, got:\n{words}").into()),
    }
}

fn nothing_weak() -> Result<(), Failed> {
    let words = audit(&["--no-colors"])?.words;
    let weak: Vec<&str> = words.lines().filter(|line| line.contains("[fail]")).collect();
    if !words.contains("kex-strict-s-v00@openssh.com") {
        return Err(format!("strict key exchange is not offered:\n{words}").into());
    }
    if weak.is_empty() { Ok(()) } else { Err(weak.join("\n").into()) }
}

fn audit(arguments: &[&str]) -> Result<Ended, Failed> {
    // Without a site that lists this address the endpoint hangs up before it says anything.
    let site = Site::start(json!({}), "CITY")?;
    let sftp = site.sftp()?;
    let mut command = tool::bounded(60, "ssh-audit");
    command.args(arguments).args(["--port", &sftp.port.to_string(), &sftp.host]);
    tool::run(command)
}
