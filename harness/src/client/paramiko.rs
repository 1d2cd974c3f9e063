//! Python's `paramiko`, through a small script of ours.

use std::path::PathBuf;
use std::process::Stdio;
use std::sync::OnceLock;

use async_trait::async_trait;
use serde_json::{Value, json};

use super::{Availability, Client, Login, Operation, Outcome, process};

const SCRIPT: &str = include_str!("paramiko.py");
const REMEDY: &str = "ci/test makes an environment; or set SPATIALCLOUD_PYTHON to a Python that has paramiko";

/// paramiko.
pub struct Paramiko;

/// The first Python that can import paramiko, and its version.
fn python() -> Option<&'static (PathBuf, String)> {
    static FOUND: OnceLock<Option<(PathBuf, String)>> = OnceLock::new();
    FOUND
        .get_or_init(|| {
            let cache = std::env::var_os("SPATIALCLOUD_CACHE").map(PathBuf::from).or_else(|| {
                std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".cache/spatialcloud"))
            });
            let candidates = [
                std::env::var_os("SPATIALCLOUD_PYTHON").map(PathBuf::from),
                cache.map(|cache| cache.join("venv/bin/python")),
                Some(PathBuf::from("python3")),
            ];
            candidates.into_iter().flatten().find_map(|python| {
                let asked = std::process::Command::new(&python)
                    .args(["-c", "import paramiko; print(paramiko.__version__)"])
                    .stdin(Stdio::null())
                    .output()
                    .ok()?;
                let version = String::from_utf8_lossy(&asked.stdout).trim().to_owned();
                asked.status.success().then_some((python, version))
            })
        })
        .as_ref()
}

#[async_trait]
impl Client for Paramiko {
    fn name(&self) -> &'static str {
        "paramiko"
    }

    fn availability(&self) -> Availability {
        match python() {
            Some((_, version)) => Availability::Usable { version: format!("paramiko {version}") },
            None => Availability::Missing {
                reason: "no Python here can import paramiko".to_owned(),
                remedy: REMEDY,
            },
        }
    }

    fn can(&self, _login: Option<&Login>, _operation: &Operation) -> Result<(), &'static str> {
        Ok(())
    }

    async fn perform(&self, login: &Login, operation: &Operation) -> Outcome {
        let Some((python, _)) = python() else { return Outcome::failed(REMEDY) };
        let job = json!({
            "login": {
                "host": login.host, "port": login.port, "user": login.user, "host_key": login.host_key,
                "private_key": login.private_key, "password": login.password,
                "source_address": login.source_address,
            },
            "do": described(operation),
        });
        let mut command = process::command(&python.to_string_lossy(), &login.work);
        command.args(["-c", SCRIPT]);
        let mut outcome = process::run(command, &job.to_string()).await;
        if matches!(operation, Operation::List { .. }) && outcome.succeeded {
            outcome.listing = outcome.output.lines().map(str::to_owned).collect();
        }
        outcome
    }
}

fn described(operation: &Operation) -> Value {
    match operation {
        Operation::Connect => json!({"kind": "connect"}),
        Operation::Upload { local, remote, preserve_times, resume } => {
            json!({"kind": "upload", "local": local, "remote": remote, "preserve_times": preserve_times, "resume": resume})
        }
        Operation::Download { remote, local } => {
            json!({"kind": "download", "remote": remote, "local": local})
        }
        Operation::List { path } => json!({"kind": "list", "path": path}),
        Operation::Rename { from, to } => json!({"kind": "rename", "from": from, "to": to}),
        Operation::Remove { path } => json!({"kind": "remove", "path": path}),
        Operation::MakeDirectory { path } => json!({"kind": "make-directory", "path": path}),
        Operation::RemoveDirectory { path } => json!({"kind": "remove-directory", "path": path}),
        Operation::SetTimes { path, modified } => {
            json!({"kind": "set-times", "path": path, "modified": modified})
        }
    }
}
