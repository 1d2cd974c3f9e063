//! The FileZilla program on a display of its own, through a small script of ours.

use std::process::{Command, Stdio};

use async_trait::async_trait;
use serde_json::json;

use super::{Availability, Client, InContainers, Login, Operation, Outcome, Place, process};

const SCRIPT: &str = include_str!("filezilla.py");
const REMEDY: &str = "apt-get install filezilla xvfb xdotool python3";

const NO_OTHER: &str =
    "without a person FileZilla opens sites, uploads and downloads; a listing is seen only in its window";

/// FileZilla.
pub struct FileZilla;

#[async_trait]
impl Client for FileZilla {
    fn name(&self) -> &str {
        "filezilla"
    }

    fn in_containers(&self) -> InContainers {
        InContainers::No("it needs a screen, which the clients' image does not have")
    }

    fn availability_at(&self, _place: &Place) -> Availability {
        for program in ["filezilla", "Xvfb", "xdotool", "python3"] {
            if !process::is_on_path(program) {
                return Availability::Missing {
                    reason: format!("{program} is not on the path"),
                    remedy: REMEDY,
                };
            }
        }
        // The program itself needs a display to tell its version; its SFTP engine is of the same package.
        let asked = Command::new("fzsftp").arg("-V").stdin(Stdio::null()).output();
        let text =
            asked.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default();
        match text.lines().find_map(|line| line.strip_prefix("psftp: ")) {
            Some(version) => Availability::Usable { version: format!("FileZilla {version}") },
            None => Availability::Missing {
                reason: "fzsftp does not tell its version".to_owned(),
                remedy: REMEDY,
            },
        }
    }

    fn can(&self, login: Option<&Login>, operation: &Operation) -> Result<(), &'static str> {
        if login.is_some_and(|login| login.source_address.is_some()) {
            return Err("FileZilla cannot choose the address it connects from");
        }
        match operation {
            Operation::Upload { arguments, .. } if !arguments.is_empty() => {
                Err("FileZilla's queue takes no arguments")
            }
            Operation::Connect | Operation::Upload { .. } | Operation::Download { .. } => Ok(()),
            _ => Err(NO_OTHER),
        }
    }

    async fn perform(&self, login: &Login, operation: &Operation) -> Outcome {
        let mut job = match operation {
            Operation::Connect => json!({"kind": "connect"}),
            Operation::Upload { local, remote, preserve_times, resume, .. } => {
                json!({"kind": "upload", "local": local, "remote": remote, "preserve_times": preserve_times, "resume": resume})
            }
            Operation::Download { remote, local } => {
                json!({"kind": "download", "local": local, "remote": remote})
            }
            _ => return Outcome::failed(NO_OTHER),
        };
        job["host"] = json!(login.host);
        job["port"] = json!(login.port);
        job["user"] = json!(login.user);
        job["host_key"] = json!(login.host_key);
        job["ppk"] = json!(login.ppk);
        job["password"] = json!(login.password);
        let mut command = login.command("python3");
        command.args(["-c", SCRIPT]);
        let mut outcome = process::run(command, &job.to_string()).await;
        // The script's code stands for what the window shows; FileZilla itself always ends with 0.
        outcome.exit_code = None;
        outcome
    }
}
