//! PuTTY's `psftp`, fed with a batch; stands for the family of WinSCP and FileZilla too.

use async_trait::async_trait;
use tokio::process::Command;

use super::{Availability, Client, Login, Operation, Outcome, Place, process};

/// The `psftp` program.
pub struct Putty;

/// The version of a program of the package.
pub fn version(place: &Place, program: &str) -> Availability {
    match process::version(place, program, &["-V"], "apt-get install putty-tools") {
        Availability::Usable { version } => {
            let number = version.rsplit(' ').next().unwrap_or_default();
            Availability::Usable { version: format!("{program} {number}") }
        }
        missing => missing,
    }
}

/// Tells a program of the package where to go, whom to expect, and how to log in.
pub fn identify(command: &mut Command, login: &Login) -> Result<(), &'static str> {
    command.args(["-batch", "-P", &login.port.to_string(), "-hostkey", &login.host_key_fingerprint]);
    match (&login.password, &login.ppk) {
        (Some(password), _) => command.args(["-pw", password]),
        (None, Some(key)) => command.arg("-i").arg(key),
        (None, None) => return Err("puttygen could not convert the key"),
    };
    Ok(())
}

#[async_trait]
impl Client for Putty {
    fn name(&self) -> &str {
        "putty"
    }

    fn availability_at(&self, place: &Place) -> Availability {
        version(place, "psftp")
    }

    fn can(&self, login: Option<&Login>, operation: &Operation) -> Result<(), &'static str> {
        if login.is_some_and(|login| login.source_address.is_some()) {
            return Err("psftp cannot choose the address it connects from");
        }
        match operation {
            Operation::Upload { preserve_times: true, .. } => Err("psftp put never sets times"),
            Operation::Upload { arguments, .. } if !arguments.is_empty() => {
                Err("psftp put takes no arguments")
            }
            Operation::SetTimes { .. } => Err("psftp has no command that sets times"),
            _ => Ok(()),
        }
    }

    async fn perform(&self, login: &Login, operation: &Operation) -> Outcome {
        let mut command = login.command("psftp");
        if let Err(reason) = identify(&mut command, login) {
            return Outcome::failed(reason);
        }
        // -be goes on after an error, which would hide it; -bc echoes the commands.
        let script = login.work.join("psftp.batch");
        if let Err(error) = std::fs::write(&script, batch(operation)) {
            return Outcome::failed(format!("{}: {error}", script.display()));
        }
        command.arg("-b").arg(&script).arg(format!("{}@{}", login.user, login.host));
        let mut outcome = process::run(command, "").await;
        if matches!(operation, Operation::List { .. }) {
            outcome.listing = outcome.output.lines().filter_map(listed_name).collect();
        }
        outcome
    }
}

/// The name in an `ls -l` line, which may contain blanks: everything after the eighth column.
pub fn listed_name(line: &str) -> Option<String> {
    if !line.starts_with(['-', 'd']) {
        return None;
    }
    let mut rest = line;
    for _ in 0..8 {
        rest = rest.trim_start().split_once(' ')?.1;
    }
    Some(rest.trim_start().to_owned())
}

fn batch(operation: &Operation) -> String {
    match operation {
        Operation::Connect => "pwd\n".to_owned(),
        Operation::Upload { local, remote, resume, .. } => {
            let command = if *resume { "reput" } else { "put" };
            format!("{command} {} {}\n", quoted(&local.display().to_string()), quoted(remote))
        }
        Operation::Download { remote, local } => {
            format!("get {} {}\n", quoted(remote), quoted(&local.display().to_string()))
        }
        Operation::List { path } => format!("ls {}\n", quoted(path)),
        Operation::Rename { from, to } => format!("mv {} {}\n", quoted(from), quoted(to)),
        Operation::Remove { path } => format!("rm {}\n", quoted(path)),
        Operation::MakeDirectory { path } => format!("mkdir {}\n", quoted(path)),
        Operation::RemoveDirectory { path } => format!("rmdir {}\n", quoted(path)),
        Operation::SetTimes { .. } => String::new(),
    }
}

/// PuTTY's family doubles quotes inside quotes.
pub fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('"', "\"\""))
}
