//! The `curl` program with whatever libssh2 it was built with.

use std::process::Stdio;

use async_trait::async_trait;

use super::{Availability, Client, Login, Operation, Outcome, Place, openssh, process};

/// The `curl` program.
pub struct Curl;

const REMEDY: &str = "apt-get install curl, or a curl that is built with libssh2";

/// `curl 7.88.1` and `libssh2/1.10.0`.
fn versions(place: &Place) -> Option<(String, String)> {
    let asked = place.question("curl").arg("-V").stdin(Stdio::null()).output().ok()?;
    let text = String::from_utf8_lossy(&asked.stdout).into_owned();
    let line = text.lines().next()?;
    let ssh = line.split_whitespace().find(|word| word.contains("ssh"))?;
    Some((line.split_whitespace().take(2).collect::<Vec<_>>().join(" "), ssh.to_owned()))
}

#[async_trait]
impl Client for Curl {
    fn name(&self) -> &str {
        "curl"
    }

    fn availability_at(&self, place: &Place) -> Availability {
        match versions(place) {
            Some((curl, ssh)) => Availability::Usable { version: format!("{curl} {ssh}") },
            None => Availability::Missing {
                reason: "there is no curl on the path that speaks SFTP".to_owned(),
                remedy: REMEDY,
            },
        }
    }

    fn signs_with_sha1_only(&self, place: &Place) -> bool {
        // libssh2 learned rsa-sha2 in 1.11.
        versions(place).is_some_and(|(_, ssh)| {
            let minor =
                ssh.strip_prefix("libssh2/1.").and_then(|rest| rest.split('.').next()?.parse::<u32>().ok());
            minor.is_some_and(|minor| minor < 11)
        })
    }

    fn can(&self, _login: Option<&Login>, _operation: &Operation) -> Result<(), &'static str> {
        Ok(())
    }

    async fn perform(&self, login: &Login, operation: &Operation) -> Outcome {
        // curl reads known hosts from the home folder, and takes no other file.
        let home = login.work.join(".ssh");
        let prepared = std::fs::create_dir_all(&home)
            .and_then(|()| openssh::known_hosts(login))
            .and_then(|known| std::fs::copy(known, home.join("known_hosts")));
        if let Err(error) = prepared {
            return Outcome::failed(format!("{}: {error}", home.display()));
        }
        let mut command = login.command("curl");
        command.args(["--silent", "--show-error", "--disable", "--connect-timeout", "15"]);
        match &login.password {
            Some(password) => command.args(["--user", &format!("{}:{password}", login.user)]),
            None => command
                .args(["--user", &format!("{}:", login.user), "--key"])
                .arg(&login.private_key)
                .arg("--pubkey")
                .arg(login.private_key.with_added_extension("pub")),
        };
        if let Some(address) = login.source_address {
            command.args(["--interface", &address.to_string()]);
        }
        let url = |path: &str| {
            format!("sftp://{}:{}/{}", login.host, login.port, encoded(path.trim_start_matches('/')))
        };
        match operation {
            Operation::Connect => command.args(["--list-only", &url("")]),
            Operation::List { path } => {
                let path = path.trim_matches(['.', '/']);
                let folder = if path.is_empty() { String::new() } else { format!("{path}/") };
                command.args(["--list-only", &url(&folder)])
            }
            Operation::Upload { local, remote, preserve_times, resume, arguments } => {
                if *resume {
                    command.args(["--continue-at", "-"]);
                }
                if *preserve_times {
                    let modified = super::modified_seconds(local);
                    command.args(["--quote", &format!("-mtime {} {}", when(modified), quoted(remote))]);
                }
                command.args(arguments).arg("--upload-file").arg(local).arg(url(remote))
            }
            Operation::Download { remote, local } => command.arg(url(remote)).arg("--output").arg(local),
            Operation::Rename { from, to } => {
                quote(&mut command, &url(""), format!("rename {} {}", quoted(from), quoted(to)))
            }
            Operation::Remove { path } => quote(&mut command, &url(""), format!("rm {}", quoted(path))),
            Operation::MakeDirectory { path } => {
                quote(&mut command, &url(""), format!("mkdir {}", quoted(path)))
            }
            Operation::RemoveDirectory { path } => {
                quote(&mut command, &url(""), format!("rmdir {}", quoted(path)))
            }
            Operation::SetTimes { path, modified } => quote(
                &mut command,
                &url(""),
                format!("mtime {} {}", when(u64::from(*modified)), quoted(path)),
            ),
        };
        let mut outcome = process::run(command, "").await;
        if matches!(operation, Operation::List { .. }) {
            let names = outcome.output.lines().filter(|name| !matches!(*name, "." | ".."));
            outcome.listing = names.map(str::to_owned).collect();
        }
        outcome
    }
}

fn quote<'a>(
    command: &'a mut tokio::process::Command,
    url: &str,
    order: String,
) -> &'a mut tokio::process::Command {
    command.args(["--list-only", "--output", "/dev/null", "--quote", &order, url])
}

/// A time as curl reads it.
fn when(seconds: u64) -> String {
    super::date(seconds, "\"%d %b %Y %H:%M:%S GMT\"")
}

fn quoted(path: &str) -> String {
    let escaped = path.trim_start_matches('/').replace('\\', "\\\\").replace('"', "\\\"");
    format!("\"/{escaped}\"")
}

/// Every byte that means something in a URL or to curl's globbing, as `%XX`.
fn encoded(path: &str) -> String {
    path.bytes()
        .map(|byte| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => {
                char::from(byte).to_string()
            }
            _ => format!("%{byte:02X}"),
        })
        .collect()
}
