//! `rclone test info`: which names, lengths and ways of uploading a place can take, found out by trying.

use std::path::Path;

use libtest_mimic::Failed;
use serde_json::{Value, json};

use crate::site::Site;
use crate::tool;
use crate::{Check, Judge};

pub const JUDGE: Judge =
    Judge { name: "rclone test info", missing: || tool::missing(&["rclone"]), checks: || Ok(checks()) };
const ANSWERS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/conformance/rclone_info");
const QUESTIONS: [&str; 4] =
    ["--check-length", "--check-control", "--check-normalization", "--check-streaming"];

fn checks() -> Vec<Check> {
    vec![
        // It sets times unless told not to, which by default is refused, and then everything would fail.
        Check::new("what the default settings take", || {
            same("default.txt", json!({}), &["--sftp-set-modtime=false"])
        }),
        Check::new("what the preset posix takes", || same("posix.txt", json!({ "preset": "posix" }), &[])),
        Check::new("what is taken where files show when they are closed", || {
            let settings = json!({ "endpoint": { "visibility": "on-close" } });
            same("on-close.txt", settings, &["--sftp-set-modtime=false"])
        }),
        Check::new("what comes of times that are refused", || same("refused-times.txt", json!({}), &[])),
    ]
}

/// Its answer is the one in the file; `UPDATE_GOLDEN` writes it there.
fn same(file: &str, settings: Value, options: &[&str]) -> Result<(), Failed> {
    let found = answer(settings, options)?;
    let path = Path::new(ANSWERS).join(file);
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&path, &found)?;
    }
    let expected = std::fs::read_to_string(&path)?;
    if found == expected {
        return Ok(());
    }
    Err(format!("expected, as in {}:\n{expected}\nfound:\n{found}", path.display()).into())
}

fn answer(settings: Value, options: &[&str]) -> Result<String, Failed> {
    let site = Site::start(settings, "CITY")?;
    let sftp = site.sftp()?;
    std::fs::create_dir(site.inbox()?.join("Spatial/info"))?;
    let mut command = tool::bounded(60, "rclone");
    command.env("RCLONE_CONFIG", "/dev/null").args(["test", "info"]).args(QUESTIONS).args(options);
    command.args(["--sftp-host", &sftp.host, "--sftp-port", &sftp.port.to_string()]);
    command.args(["--sftp-user", &site.user]).arg("--sftp-key-file").arg(&site.pair.private);
    command.arg("--sftp-known-hosts-file").arg(site.known_hosts()).arg(":sftp:/Spatial/info");
    let words = tool::succeeded(command)?;
    // Its log is dated, and its first line names the place by a random word.
    let drop = |line: &str| line.starts_with("//") || line.starts_with(|first: char| first.is_ascii_digit());
    let lines = words.lines().filter(|line| !drop(line));
    Ok(lines.map(|line| format!("{line}\n")).collect())
}
