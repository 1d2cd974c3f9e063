//! OpenSSH's `scp`, which speaks SFTP since release 9.0.

use async_trait::async_trait;

use super::{Availability, Client, Login, Operation, Outcome, Place, openssh, process};

/// The `scp` program.
pub struct Scp;

#[async_trait]
impl Client for Scp {
    fn name(&self) -> &str {
        "scp"
    }

    fn availability_at(&self, place: &Place) -> Availability {
        openssh::version(place)
    }

    fn can(&self, _login: Option<&Login>, operation: &Operation) -> Result<(), &'static str> {
        match operation {
            Operation::Upload { resume: true, .. } => Err("scp cannot resume"),
            Operation::Upload { .. } | Operation::Download { .. } => Ok(()),
            _ => Err("scp only copies files"),
        }
    }

    async fn perform(&self, login: &Login, operation: &Operation) -> Outcome {
        let options = match openssh::options(login) {
            Ok(options) => options,
            Err(error) => return Outcome::failed(error.to_string()),
        };
        let mut command = login.command("scp");
        command.args(["-F", "/dev/null", "-P", &login.port.to_string()]);
        for option in options {
            command.args(["-o", &option]);
        }
        let there = |path: &str| format!("{}@{}:{path}", login.user, login.host);
        match operation {
            Operation::Upload { local, remote, preserve_times, arguments, .. } => {
                if *preserve_times {
                    command.arg("-p");
                }
                command.args(arguments).arg(local).arg(there(remote));
            }
            Operation::Download { remote, local } => {
                command.arg(there(remote)).arg(local);
            }
            _ => return Outcome::failed("scp only copies files"),
        }
        process::run(command, "").await
    }
}
