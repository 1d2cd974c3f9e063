//! Judges that are not ours: what others wrote to find out whether a server, a file system or a schema is a sound one.
//!
//! A judge that is missing is a test shown as ignored, with the reason; with `SPATIALCLOUD_REQUIRE=all` it fails.

mod asyncssh_tests;
mod cases;
mod fsx;
mod json_schema;
mod openssh_tests;
mod paramiko_tests;
mod pjdfstest;
mod rclone_info;
mod schemathesis;
mod site;
mod ssh_audit;
mod tool;

use std::process::ExitCode;

use libtest_mimic::{Arguments, Failed, Trial};
use spatialcloud_harness::keys;

/// One question put to a judge.
struct Check {
    title: String,
    ask: Box<dyn FnOnce() -> Result<(), Failed> + Send>,
}

impl Check {
    fn new(title: impl Into<String>, ask: impl FnOnce() -> Result<(), Failed> + Send + 'static) -> Check {
        Check { title: title.into(), ask: Box::new(ask) }
    }
}

/// Somebody else's program.
struct Judge {
    name: &'static str,
    /// What of it is not here, and how to get it.
    missing: fn() -> Option<String>,
    checks: fn() -> Result<Vec<Check>, Failed>,
}

const JUDGES: &[Judge] = &[
    ssh_audit::JUDGE,
    openssh_tests::JUDGE,
    asyncssh_tests::JUDGE,
    paramiko_tests::JUDGE,
    rclone_info::JUDGE,
    fsx::JUDGE,
    pjdfstest::JUDGE,
    json_schema::JUDGE,
    schemathesis::JUDGE,
];

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let required = std::env::var("SPATIALCLOUD_REQUIRE").is_ok_and(|value| value == "all");
    let trials = JUDGES.iter().flat_map(|judge| trials(judge, required)).collect();
    let exit = libtest_mimic::run(&arguments, trials).exit_code();
    keys::remove();
    exit
}

fn trials(judge: &Judge, required: bool) -> Vec<Trial> {
    let checks = match (judge.checks)() {
        Ok(checks) => checks,
        Err(reason) => vec![Check::new("what it is asked", move || Err(reason))],
    };
    let missing = (judge.missing)();
    checks
        .into_iter()
        .map(|Check { title, ask }| {
            let title = format!("{}: {title}", judge.name);
            match missing.clone() {
                None => Trial::test(title, ask),
                Some(reason) => {
                    let title = format!("{title} (not run here: {reason})");
                    Trial::test(title, move || Err(reason.into())).with_ignored_flag(!required)
                }
            }
        })
        .collect()
}
