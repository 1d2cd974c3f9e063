//! schemathesis: the API answers as its own description says, to what fits it and to what does not.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use libtest_mimic::Failed;
use serde_json::json;

use crate::site::Site;
use crate::{Check, Judge, tool};

pub const JUDGE: Judge = Judge {
    name: "schemathesis",
    missing,
    checks: || {
        Ok(vec![
            Check::new("every operation's example", || judge(&["--phases", "examples"])),
            // What takes the site away would leave nothing to ask about.
            Check::new("made up requests, right and wrong", || {
                let kept = ["--exclude-method", "DELETE", "--exclude-path", "/api/v1/reset"];
                judge(&[&["--phases", "coverage,fuzzing"], &kept[..]].concat())
            }),
        ])
    },
};

/// Requests are about the site there is, and no event is waited for.
const CONFIG: &str = r#"
[parameters]
"path.code" = "CITY"

[[operations]]
include-path = "/api/v1/events/wait"
parameters = { "query.timeout_ms" = 0 }
"#;

fn program() -> PathBuf {
    tool::cache().join("venv-page/bin/schemathesis")
}

fn missing() -> Option<String> {
    let asked = Command::new(program()).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
    let is_here = asked.is_ok_and(|status| status.success());
    (!is_here).then(|| "no schemathesis; ci/install gets it".to_owned())
}

fn judge(options: &[&str]) -> Result<(), Failed> {
    let site = Site::start(json!({"clock": {"pace": "manual"}}), "CITY")?;
    let folder: &Path = &site.folder()?;
    let config = folder.join("schemathesis.toml");
    std::fs::write(&config, CONFIG)?;
    let mut command = tool::bounded(120, program());
    command
        .arg("--config-file")
        .arg(config)
        .arg("run")
        .arg(format!("{}/api/v1/openapi.json", site.stack()?.api().url()))
        .args(["--seed", "1", "--max-examples", "8", "--no-color"])
        // It never ends; the harness's own tests read it.
        .args(["--exclude-path", "/api/v1/events/stream"])
        // A schema cannot say which key is strong enough, or which day is in the future.
        .args(["--exclude-checks", "positive_data_acceptance"])
        .args(options)
        .current_dir(folder)
        .env("HOME", folder);
    tool::succeeded(command).map(|_| ())
}
