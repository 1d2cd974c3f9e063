//! `rclone` with its sftp back end.

use async_trait::async_trait;

use super::{Availability, Client, Login, Operation, Outcome, Place, openssh, process};

/// The `rclone` program.
pub struct Rclone;

#[async_trait]
impl Client for Rclone {
    fn name(&self) -> &str {
        "rclone"
    }

    fn availability_at(&self, place: &Place) -> Availability {
        process::version(place, "rclone", &["version"], "apt-get install rclone")
    }

    fn can(&self, login: Option<&Login>, operation: &Operation) -> Result<(), &'static str> {
        if login.is_some_and(|login| login.password.is_some()) {
            return Err("rclone takes passwords only in its own disguised form");
        }
        match operation {
            Operation::Upload { resume: true, .. } => Err("rclone cannot resume"),
            _ => Ok(()),
        }
    }

    async fn perform(&self, login: &Login, operation: &Operation) -> Outcome {
        let known_hosts = match openssh::known_hosts(login) {
            Ok(path) => path,
            Err(error) => return Outcome::failed(error.to_string()),
        };
        let mut command = login.command("rclone");
        command.args(["--config", "/dev/null", "--contimeout", "15s"]);
        for (name, value) in [
            ("host", login.host.clone()),
            ("port", login.port.to_string()),
            ("user", login.user.clone()),
            ("key-file", login.private_key.display().to_string()),
            ("known-hosts-file", known_hosts.display().to_string()),
        ] {
            command.arg(format!("--sftp-{name}")).arg(value);
        }
        if let Some(address) = login.source_address {
            command.args(["--bind", &address.to_string()]);
        }
        let there = |path: &str| format!(":sftp:/{}", path.trim_start_matches('/'));
        match operation {
            Operation::Connect => command.args(["lsf", &there("")]),
            Operation::List { path } => {
                command.args(["lsf", &there(if path == "." { "" } else { path.as_str() })])
            }
            Operation::Upload { local, remote, preserve_times, arguments, .. } => {
                command.arg("copyto").args(arguments);
                // It sets times unless it is told not to.
                if !preserve_times {
                    command.arg("--sftp-set-modtime=false");
                }
                command.arg(local).arg(there(remote))
            }
            Operation::Download { remote, local } => command.arg("copyto").arg(there(remote)).arg(local),
            Operation::Rename { from, to } => command.args(["moveto", &there(from), &there(to)]),
            Operation::Remove { path } => command.args(["deletefile", &there(path)]),
            Operation::MakeDirectory { path } => command.args(["mkdir", &there(path)]),
            Operation::RemoveDirectory { path } => command.args(["rmdir", &there(path)]),
            Operation::SetTimes { path, modified } => command.args([
                "touch",
                "--no-create",
                "--timestamp",
                &super::date(u64::from(*modified), "%Y-%m-%dT%H:%M:%S"),
                &there(path),
            ]),
        };
        let mut outcome = process::run(command, "").await;
        if matches!(operation, Operation::List { .. }) {
            let lines = outcome.output.lines().filter(|line| !line.contains(" NOTICE: "));
            outcome.listing = lines.map(|line| line.trim_end_matches('/').to_owned()).collect();
        }
        outcome
    }
}
