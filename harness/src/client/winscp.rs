//! WinSCP itself, where `winscp.com` is on the path: on Windows, or under Wine. Elsewhere its profile plays it.
//!
//! Not run where this was written: the script is as WinSCP's scripting manual says, and tests hold its text.

use async_trait::async_trait;

use super::putty::{listed_name, quoted};
use super::{Availability, Client, InContainers, Login, Operation, Outcome, Place, process};

/// The program.
pub const PROGRAM: &str = "winscp.com";

/// The real WinSCP.
pub struct WinScp;

#[async_trait]
impl Client for WinScp {
    fn name(&self) -> &str {
        "winscp"
    }

    fn in_containers(&self) -> InContainers {
        InContainers::No("it runs on Windows")
    }

    fn availability_at(&self, place: &Place) -> Availability {
        // Its help begins with name and version.
        process::version(place, PROGRAM, &["/help"], "install WinSCP, and put winscp.com on the path")
    }

    fn can(&self, login: Option<&Login>, operation: &Operation) -> Result<(), &'static str> {
        if login.is_some_and(|login| login.source_address.is_some()) {
            return Err("winscp.com cannot choose the address it connects from");
        }
        match operation {
            Operation::SetTimes { .. } => Err("WinSCP scripts have no command that sets times"),
            _ => Ok(()),
        }
    }

    async fn perform(&self, login: &Login, operation: &Operation) -> Outcome {
        let file = login.work.join("winscp.script");
        let written = script(login, operation)
            .and_then(|script| std::fs::write(&file, script).map_err(|error| error.to_string()));
        if let Err(reason) = written {
            return Outcome::failed(reason);
        }
        let mut command = login.command(PROGRAM);
        command.arg("/ini=nul").arg(format!("/script={}", windows_path(&file.display().to_string())));
        let mut outcome = process::run(command, "").await;
        if matches!(operation, Operation::List { .. }) {
            outcome.listing = outcome.output.lines().filter_map(listed_name).collect();
        }
        outcome
    }
}

/// The script: errors end it with exit code 1, and nothing is asked.
fn script(login: &Login, operation: &Operation) -> Result<String, String> {
    let (secret, host_key) = match (&login.password, &login.ppk) {
        (Some(password), _) => (format!("-password={}", quoted(password)), host_key(login)?),
        (None, Some(key)) => {
            let key = windows_path(&key.display().to_string());
            (format!("-privatekey={}", quoted(&key)), host_key(login)?)
        }
        (None, None) => return Err("puttygen could not convert the key".to_owned()),
    };
    let open = format!(
        "open sftp://{}@{}:{}/ {secret} -hostkey={}",
        login.user,
        login.host,
        login.port,
        quoted(&host_key)
    );
    Ok(format!("option batch abort\noption confirm off\n{open}\n{}exit\n", command(operation)))
}

/// Algorithm, bits, SHA-256 in base64, as WinSCP writes host keys.
fn host_key(login: &Login) -> Result<String, String> {
    let algorithm = login.host_key.split(' ').next().unwrap_or_default();
    let hash = login.host_key_fingerprint.strip_prefix("SHA256:").unwrap_or(&login.host_key_fingerprint);
    match algorithm {
        "ssh-ed25519" => Ok(format!("ssh-ed25519 255 {hash}=")),
        other => Err(format!("host keys of kind {other} are not written for WinSCP yet")),
    }
}

fn command(operation: &Operation) -> String {
    match operation {
        Operation::Connect => String::new(),
        Operation::Upload { local, remote, preserve_times, resume, arguments } => {
            let times = if *preserve_times { "-preservetime" } else { "-nopreservetime -nopermissions" };
            let resume = if *resume { " -resume" } else { "" };
            let local = windows_path(&local.display().to_string());
            // Raw settings take all that follows, so what the user wrote stands last.
            let arguments: String = arguments.iter().map(|argument| format!(" {argument}")).collect();
            format!("put {times}{resume} {} {}{arguments}\n", quoted(&local), quoted(&from_root(remote)))
        }
        Operation::Download { remote, local } => {
            let local = windows_path(&local.display().to_string());
            format!("get {} {}\n", quoted(&from_root(remote)), quoted(&local))
        }
        Operation::List { path } => format!("ls {}\n", quoted(&from_root(path))),
        Operation::Rename { from, to } => {
            format!("mv {} {}\n", quoted(&from_root(from)), quoted(&from_root(to)))
        }
        Operation::Remove { path } => format!("rm {}\n", quoted(&from_root(path))),
        Operation::MakeDirectory { path } => format!("mkdir {}\n", quoted(&from_root(path))),
        Operation::RemoveDirectory { path } => format!("rmdir {}\n", quoted(&from_root(path))),
        Operation::SetTimes { .. } => String::new(),
    }
}

fn from_root(path: &str) -> String {
    if path.starts_with('/') { path.to_owned() } else { format!("/{path}") }
}

/// Wine shows the whole file system as drive Z.
fn windows_path(path: &str) -> String {
    if path.starts_with('/') { format!("Z:{}", path.replace('/', "\\")) } else { path.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_script_says_all_that_a_nightly_job_must_say() {
        let login = Login {
            host: "127.0.0.1".to_owned(),
            port: 2222,
            user: "CITY".to_owned(),
            ppk: Some("/tmp/key.ppk".into()),
            host_key: "ssh-ed25519 AAAA".to_owned(),
            host_key_fingerprint: "SHA256:abc".to_owned(),
            ..Login::default()
        };
        let mut upload = Operation::upload("/tmp/warehouse.bak".into(), "Database/IntraMapsSpatialCloud.bak");
        let expected = "option batch abort\noption confirm off\n\
            open sftp://CITY@127.0.0.1:2222/ -privatekey=\"Z:\\tmp\\key.ppk\" -hostkey=\"ssh-ed25519 255 abc=\"\n\
            put -nopreservetime -nopermissions \"Z:\\tmp\\warehouse.bak\" \"/Database/IntraMapsSpatialCloud.bak\"\nexit\n";
        assert_eq!(script(&login, &upload).as_deref(), Ok(expected));
        if let Operation::Upload { preserve_times, arguments, .. } = &mut upload {
            *preserve_times = true;
            *arguments = vec!["-rawtransfersettings".to_owned(), "IgnorePermErrors=1".to_owned()];
        }
        let told = script(&login, &upload).expect("a script");
        assert!(told.contains("put -preservetime "), "{told}");
        assert!(told.contains("\" -rawtransfersettings IgnorePermErrors=1\n"), "{told}");
        assert!(script(&Login { ppk: None, ..login }, &upload).is_err());
    }
}
