//! OpenSSH's `sftp`, fed with a batch, and what `scp`, `lftp` and `sshfs` share with it.

use std::io;
use std::path::Path;

use async_trait::async_trait;

use super::{Availability, Client, Login, Operation, Outcome, Place, process};

/// The `sftp` program.
pub struct OpenSsh;

/// The version of the package's programs; only `ssh` has an option that prints it.
pub fn version(place: &Place) -> Availability {
    match process::version(place, "ssh", &["-V"], "apt-get install openssh-client") {
        Availability::Usable { version } => {
            let version = version.split([',', ' ']).next().unwrap_or_default().to_owned();
            Availability::Usable { version }
        }
        missing => missing,
    }
}

/// The settings every OpenSSH program gets, as `NAME=VALUE`. Writes the file of known hosts.
pub fn options(login: &Login) -> io::Result<Vec<String>> {
    let known_hosts = known_hosts(login)?;
    let mut options = vec![
        format!("UserKnownHostsFile={}", known_hosts.display()),
        "GlobalKnownHostsFile=/dev/null".to_owned(),
        "StrictHostKeyChecking=yes".to_owned(),
        "IdentitiesOnly=yes".to_owned(),
        "IdentityAgent=none".to_owned(),
        "BatchMode=yes".to_owned(),
        "ConnectTimeout=15".to_owned(),
        "LogLevel=ERROR".to_owned(),
    ];
    match &login.password {
        None => options.push(format!("IdentityFile={}", login.private_key.display())),
        // Without a terminal nobody can be asked for a password; offering none but that method shows the refusal.
        Some(_) => options.push("PreferredAuthentications=password,keyboard-interactive".to_owned()),
    }
    if let Some(address) = login.source_address {
        options.push(format!("BindAddress={address}"));
    }
    Ok(options)
}

/// Writes the endpoint's key to a file of known hosts; answers the file.
pub fn known_hosts(login: &Login) -> io::Result<std::path::PathBuf> {
    let path = login.work.join("known_hosts");
    // The usual port is not named there.
    let host = match login.port {
        22 => login.host.clone(),
        port => format!("[{}]:{port}", login.host),
    };
    let lines = login.host_keys.iter().map(|key| format!("{host} {key}\n"));
    std::fs::write(&path, lines.collect::<String>())
        .map_err(|error| io::Error::new(error.kind(), format!("{}: {error}", path.display())))?;
    Ok(path)
}

#[async_trait]
impl Client for OpenSsh {
    fn name(&self) -> &str {
        "openssh"
    }

    fn availability_at(&self, place: &Place) -> Availability {
        version(place)
    }

    fn can(&self, _login: Option<&Login>, operation: &Operation) -> Result<(), &'static str> {
        match operation {
            Operation::SetTimes { .. } => Err("sftp has no command that sets times"),
            _ => Ok(()),
        }
    }

    async fn perform(&self, login: &Login, operation: &Operation) -> Outcome {
        let options = match options(login) {
            Ok(options) => options,
            Err(error) => return Outcome::failed(error.to_string()),
        };
        let mut command = login.command("sftp");
        command.args(["-F", "/dev/null", "-b", "-", "-P", &login.port.to_string()]);
        for option in options {
            command.args(["-o", &option]);
        }
        command.arg(format!("{}@{}", login.user, login.host));
        let mut outcome = process::run(command, &batch(operation)).await;
        if matches!(operation, Operation::List { .. }) {
            outcome.listing = outcome
                .output
                .lines()
                .filter(|line| !line.starts_with("sftp>"))
                .map(|line| line.rsplit('/').next().unwrap_or(line).trim().to_owned())
                .filter(|name| !name.is_empty())
                .collect();
        }
        outcome
    }
}

fn batch(operation: &Operation) -> String {
    match operation {
        Operation::Connect => "pwd\n".to_owned(),
        Operation::Upload { local, remote, preserve_times, resume, arguments } => {
            let command = if *resume { "reput" } else { "put" };
            let mut flags = arguments.clone();
            if *preserve_times {
                flags.push("-p".to_owned());
            }
            format!("{command} {} {} {}\n", flags.join(" "), local_name(local), quoted(remote))
        }
        Operation::Download { remote, local } => {
            format!("get {} {}\n", quoted(remote), local_name(local))
        }
        Operation::List { path } => format!("ls -1 {}\n", quoted(path)),
        Operation::Rename { from, to } => format!("rename {} {}\n", quoted(from), quoted(to)),
        Operation::Remove { path } => format!("rm {}\n", quoted(path)),
        Operation::MakeDirectory { path } => format!("mkdir {}\n", quoted(path)),
        Operation::RemoveDirectory { path } => format!("rmdir {}\n", quoted(path)),
        Operation::SetTimes { .. } => String::new(),
    }
}

fn local_name(path: &Path) -> String {
    quoted(&path.display().to_string())
}

/// A name as one word. Between quotes `sftp` takes pattern characters as they stand.
fn quoted(text: &str) -> String {
    let escaped: String =
        text.chars().flat_map(|c| if matches!(c, '"' | '\\') { vec!['\\', c] } else { vec![c] }).collect();
    format!("\"{escaped}\"")
}
