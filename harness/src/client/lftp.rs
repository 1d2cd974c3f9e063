//! `lftp`, which runs OpenSSH underneath. Arguments of an upload are commands that come before it.

use async_trait::async_trait;

use super::{Availability, Client, Login, Operation, Outcome, Place, openssh, process};

/// The `lftp` program.
pub struct Lftp;

#[async_trait]
impl Client for Lftp {
    fn name(&self) -> &str {
        "lftp"
    }

    fn availability_at(&self, place: &Place) -> Availability {
        match process::version(place, "lftp", &["--version"], "apt-get install lftp") {
            Availability::Usable { version } => {
                let number = version.split_whitespace().nth(3).unwrap_or_default();
                Availability::Usable { version: format!("lftp {number}") }
            }
            missing => missing,
        }
    }

    fn can(&self, login: Option<&Login>, operation: &Operation) -> Result<(), &'static str> {
        match operation {
            _ if login.is_some_and(|login| login.password.is_some()) => {
                Err("lftp answers OpenSSH's password prompt on a terminal only")
            }
            Operation::SetTimes { .. } => Err("lftp has no command that sets times"),
            _ => Ok(()),
        }
    }

    async fn perform(&self, login: &Login, operation: &Operation) -> Outcome {
        let options = match openssh::options(login) {
            Ok(options) => options,
            Err(error) => return Outcome::failed(error.to_string()),
        };
        let options: Vec<String> = options.iter().map(|option| format!("-o {option}")).collect();
        let script = format!(
            "set sftp:connect-program \"ssh -a -x -F /dev/null {}\"\n\
             set net:max-retries 2\nset net:reconnect-interval-base 1\nset cmd:fail-exit yes\n\
             open -u {},none -p {} sftp://{}\n{}\n",
            options.join(" "),
            quoted(&login.user),
            login.port,
            login.host,
            commands(operation)
        );
        let path = login.work.join("lftp.script");
        if let Err(error) = std::fs::write(&path, script) {
            return Outcome::failed(format!("{}: {error}", path.display()));
        }
        let mut command = login.command("lftp");
        command.arg("-f").arg(path);
        let mut outcome = process::run(command, "").await;
        if matches!(operation, Operation::List { .. }) {
            outcome.listing = outcome
                .output
                .lines()
                .map(|line| line.trim_end_matches('/').rsplit('/').next().unwrap_or(line).to_owned())
                .collect();
        }
        outcome
    }
}

fn commands(operation: &Operation) -> String {
    match operation {
        // `open` alone connects to nobody.
        Operation::Connect => "cls -1".to_owned(),
        Operation::Upload { local, remote, resume, arguments, .. } => {
            let mut lines = arguments.clone();
            let flag = if *resume { " -c" } else { "" };
            let local = quoted(&local.display().to_string());
            lines.push(format!("put{flag} {local} -o {}", quoted(remote)));
            lines.join("\n")
        }
        Operation::Download { remote, local } => {
            format!("get {} -o {}", quoted(remote), quoted(&local.display().to_string()))
        }
        Operation::List { path } => format!("cls -1 {}", quoted(&format!("{path}/"))),
        Operation::Rename { from, to } => format!("mv {} {}", quoted(from), quoted(to)),
        Operation::Remove { path } => format!("rm {}", quoted(path)),
        Operation::MakeDirectory { path } => format!("mkdir {}", quoted(path)),
        Operation::RemoveDirectory { path } => format!("rmdir {}", quoted(path)),
        Operation::SetTimes { .. } => String::new(),
    }
}

/// One word; a leading dash would read as an option, so relative names get `./`.
fn quoted(text: &str) -> String {
    let text = if text.starts_with('-') { format!("./{text}") } else { text.to_owned() };
    let escaped: String =
        text.chars().flat_map(|c| if matches!(c, '"' | '\\') { vec!['\\', c] } else { vec![c] }).collect();
    format!("\"{escaped}\"")
}
