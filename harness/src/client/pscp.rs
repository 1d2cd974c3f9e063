//! PuTTY's `pscp` in its SFTP mode.

use async_trait::async_trait;

use super::{Availability, Client, Login, Operation, Outcome, Place, process, putty};

/// The `pscp` program.
pub struct Pscp;

const NO_OTHER: &str = "pscp only copies and lists";

#[async_trait]
impl Client for Pscp {
    fn name(&self) -> &str {
        "pscp"
    }

    fn availability_at(&self, place: &Place) -> Availability {
        putty::version(place, "pscp")
    }

    fn can(&self, login: Option<&Login>, operation: &Operation) -> Result<(), &'static str> {
        if login.is_some_and(|login| login.source_address.is_some()) {
            return Err("pscp cannot choose the address it connects from");
        }
        match operation {
            Operation::Upload { resume: true, .. } => Err("pscp cannot resume"),
            Operation::Connect
            | Operation::Upload { .. }
            | Operation::Download { .. }
            | Operation::List { .. } => Ok(()),
            _ => Err(NO_OTHER),
        }
    }

    async fn perform(&self, login: &Login, operation: &Operation) -> Outcome {
        let mut command = login.command("pscp");
        if let Err(reason) = putty::identify(&mut command, login) {
            return Outcome::failed(reason);
        }
        // Without -unsafe a listing of a name with a pattern character is refused; -sftp never falls back to exec.
        command.args(["-q", "-sftp"]);
        let there = |path: &str| format!("{}@{}:{path}", login.user, login.host);
        match operation {
            Operation::Connect => command.args(["-ls", &there(".")]),
            Operation::List { path } => command.args(["-ls", &there(path)]),
            Operation::Upload { local, remote, preserve_times, arguments, .. } => {
                if *preserve_times {
                    command.arg("-p");
                }
                command.args(arguments).arg(local).arg(there(remote))
            }
            Operation::Download { remote, local } => command.arg(there(&escaped(remote))).arg(local),
            _ => return Outcome::failed(NO_OTHER),
        };
        let mut outcome = process::run(command, "").await;
        if matches!(operation, Operation::List { .. }) {
            outcome.listing = outcome.output.lines().filter_map(putty::listed_name).collect();
        }
        outcome
    }
}

/// The source of a download may be a pattern; a backslash takes a sign's meaning away.
fn escaped(path: &str) -> String {
    path.chars()
        .flat_map(|c| if matches!(c, '*' | '?' | '[' | '\\') { vec!['\\', c] } else { vec![c] })
        .collect()
}
