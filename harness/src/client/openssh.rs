//! OpenSSH's `sftp`, fed with a batch.

use async_trait::async_trait;

use super::{Availability, Client, Login, Operation, Outcome, process};

/// The `sftp` program.
pub struct OpenSsh;

#[async_trait]
impl Client for OpenSsh {
    fn name(&self) -> &'static str {
        "openssh"
    }

    fn availability(&self) -> Availability {
        // `sftp` has no option that prints a version; `ssh` of the same package has.
        match process::version("ssh", &["-V"], "apt-get install openssh-client") {
            Availability::Usable { version } => {
                let version = version.split([',', ' ']).next().unwrap_or_default().to_owned();
                Availability::Usable { version }
            }
            missing => missing,
        }
    }

    fn can(&self, _login: Option<&Login>, operation: &Operation) -> Result<(), &'static str> {
        match operation {
            Operation::SetTimes { .. } => Err("sftp has no command that sets times"),
            _ => Ok(()),
        }
    }

    async fn perform(&self, login: &Login, operation: &Operation) -> Outcome {
        let known_hosts = login.work.join("known_hosts");
        let line = format!("[{}]:{} {}\n", login.host, login.port, login.host_key);
        if let Err(error) = std::fs::write(&known_hosts, line) {
            return Outcome::failed(format!("{}: {error}", known_hosts.display()));
        }
        let mut command = process::command("sftp", &login.work);
        command.args(["-F", "/dev/null", "-b", "-", "-P", &login.port.to_string()]);
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
            // Without a terminal `sftp` cannot be given a password; offering none but that method shows the refusal.
            Some(_) => options.push("PreferredAuthentications=password,keyboard-interactive".to_owned()),
        }
        if let Some(address) = login.source_address {
            options.push(format!("BindAddress={address}"));
        }
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
        Operation::Upload { local, remote, preserve_times, resume } => {
            let command = if *resume { "reput" } else { "put" };
            let flag = if *preserve_times { " -p" } else { "" };
            format!("{command}{flag} {} {}\n", quoted(&local.display().to_string()), quoted(remote))
        }
        Operation::Download { remote, local } => {
            format!("get {} {}\n", quoted(remote), quoted(&local.display().to_string()))
        }
        Operation::List { path } => format!("ls -1 {}\n", quoted(path)),
        Operation::Rename { from, to } => format!("rename {} {}\n", quoted(from), quoted(to)),
        Operation::Remove { path } => format!("rm {}\n", quoted(path)),
        Operation::MakeDirectory { path } => format!("mkdir {}\n", quoted(path)),
        Operation::RemoveDirectory { path } => format!("rmdir {}\n", quoted(path)),
        Operation::SetTimes { .. } => String::new(),
    }
}

/// A name as one word. Between quotes `sftp` takes pattern characters as they stand.
fn quoted(text: &str) -> String {
    let escaped: String =
        text.chars().flat_map(|c| if matches!(c, '"' | '\\') { vec!['\\', c] } else { vec![c] }).collect();
    format!("\"{escaped}\"")
}
