//! `fsx`, the file system exerciser: thousands of random reads, writes, cuts and mappings of one file, each
//! read compared with what must be there. The file lies at the endpoint, mounted by `sshfs`.

use libtest_mimic::Failed;
use serde_json::json;

use crate::site::{self, Site};
use crate::tool;
use crate::{Check, Judge};

pub const JUDGE: Judge = Judge {
    name: "fsx",
    missing: || site::cannot_mount().or_else(|| tool::missing(&["fsx"])),
    checks: || Ok(checks()),
};
const SETTINGS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/conformance/fsx");
const OPERATIONS: u32 = 2000;
const SEED: u32 = 7;

fn checks() -> Vec<Check> {
    vec![
        Check::new("as programs use a mounted folder", || exercise("cached.toml", &[])),
        Check::new("with every read and write sent to the endpoint", || {
            exercise("direct.toml", &["direct_io"])
        }),
    ]
}

fn exercise(settings: &str, options: &[&str]) -> Result<(), Failed> {
    let site = Site::start(json!({ "preset": "posix" }), "CITY")?;
    let mount = site.mount(options)?;
    let program = tool::program("fsx").ok_or("no fsx")?;
    let mut command = tool::bounded(60, program);
    command.args(["-N", &OPERATIONS.to_string(), "-S", &SEED.to_string()]);
    command.arg("-f").arg(std::path::Path::new(SETTINGS).join(settings));
    command.arg("-P").arg(site.folder()?).arg(mount.path().join("exercised"));
    tool::succeeded(command)?;
    let size_bytes = std::fs::metadata(site.inbox()?.join("exercised"))?.len();
    if size_bytes == 0 { Err("nothing was written".into()) } else { Ok(()) }
}
