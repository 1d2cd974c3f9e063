//! `sshfs`: the endpoint mounted as a folder, and ordinary commands on it.

use std::path::Path;

use async_trait::async_trait;

use super::{Availability, Client, InContainers, Login, Operation, Outcome, Place, openssh, process};

/// The `sshfs` program.
pub struct Sshfs;

const REMEDY: &str = "apt-get install sshfs, as a user who may open /dev/fuse";
/// Mounts, does what the arguments after the fourth say, and unmounts whatever happened.
///
/// The kernel hands a close to sshfs by itself, when the program that wrote has ended already; to unmount meanwhile
/// loses it, and the server takes the upload for interrupted. What is asked after the close is answered after it.
const SCRIPT: &str = r#"
mount="$1"; ssh="$2"; port="$3"; from="$4"; shift 4
mkdir -p "$mount"
sshfs "$from" "$mount" -p "$port" -o ssh_command="$ssh" || exit 1
"$@"; status=$?
for name in .closed-1 .closed-2 .closed-3; do [ -e "$mount/$name" ]; done
fusermount3 -u "$mount" || fusermount3 -u -z "$mount"
exit $status
"#;

#[async_trait]
impl Client for Sshfs {
    fn name(&self) -> &str {
        "sshfs"
    }

    fn in_containers(&self) -> InContainers {
        InContainers::No("it needs /dev/fuse and the right to mount, which its container does not have")
    }

    fn availability_at(&self, place: &Place) -> Availability {
        if std::fs::File::options().read(true).write(true).open("/dev/fuse").is_err() {
            return Availability::Missing { reason: "/dev/fuse cannot be opened".to_owned(), remedy: REMEDY };
        }
        // The first line is another program's version.
        match process::words(place, "sshfs", &["--version"], REMEDY) {
            Ok(text) => {
                let version = text.lines().find_map(|line| line.strip_prefix("SSHFS version "));
                Availability::Usable { version: format!("sshfs {}", version.unwrap_or("?")) }
            }
            Err(missing) => missing,
        }
    }

    fn can(&self, login: Option<&Login>, operation: &Operation) -> Result<(), &'static str> {
        match operation {
            _ if login.is_some_and(|login| login.password.is_some()) => {
                Err("sshfs answers OpenSSH's password prompt on a terminal only")
            }
            Operation::Upload { resume: true, .. } => Err("cp cannot resume"),
            _ => Ok(()),
        }
    }

    async fn perform(&self, login: &Login, operation: &Operation) -> Outcome {
        let options = match openssh::options(login) {
            Ok(options) => options,
            Err(error) => return Outcome::failed(error.to_string()),
        };
        let options: Vec<String> = options.iter().map(|option| format!("-o {option}")).collect();
        let mount = login.work.join("mount");
        let mut command = login.command("sh");
        command
            .args(["-c", SCRIPT, "sshfs"])
            .arg(&mount)
            .arg(format!("ssh -F /dev/null {}", options.join(" ")))
            .arg(login.port.to_string())
            .arg(format!("{}@{}:/", login.user, login.host))
            .args(words(&mount, operation));
        let mut outcome = process::run(command, "").await;
        if matches!(operation, Operation::List { .. }) {
            outcome.listing = outcome.output.lines().map(str::to_owned).collect();
        }
        outcome
    }
}

/// The command that does it, on the mounted folder.
fn words(mount: &Path, operation: &Operation) -> Vec<String> {
    let there = |path: &str| mount.join(path.trim_start_matches('/')).display().to_string();
    let command = |words: &[&str], paths: &[String]| {
        words.iter().map(|word| (*word).to_owned()).chain(paths.iter().cloned()).collect()
    };
    match operation {
        Operation::Connect => command(&["ls"], &[there("")]),
        Operation::List { path } => command(&["ls", "-1"], &[there(path)]),
        Operation::Upload { local, remote, preserve_times, arguments, .. } => {
            let mut words = vec!["cp"];
            if *preserve_times {
                words.push("--preserve=timestamps");
            }
            words.extend(arguments.iter().map(String::as_str));
            command(&words, &[local.display().to_string(), there(remote)])
        }
        Operation::Download { remote, local } => {
            command(&["cp"], &[there(remote), local.display().to_string()])
        }
        Operation::Rename { from, to } => command(&["mv"], &[there(from), there(to)]),
        Operation::Remove { path } => command(&["rm"], &[there(path)]),
        Operation::MakeDirectory { path } => command(&["mkdir"], &[there(path)]),
        Operation::RemoveDirectory { path } => command(&["rmdir"], &[there(path)]),
        Operation::SetTimes { path, modified } => {
            command(&["touch", "--no-create", "--date", &format!("@{modified}")], &[there(path)])
        }
    }
}
