//! JSch, the Java library of Debian's package, through a small program of ours.

use std::io;
use std::path::{Path, PathBuf};

use async_trait::async_trait;
use tokio::sync::OnceCell;

use super::{Availability, Client, InContainers, Login, Operation, Outcome, Place, process};
use crate::hash::sha256_of;

/// JSch.
pub struct Jsch;

const JAR: &str = "/usr/share/java/jsch.jar";
const PROGRAM: &str = include_str!("Jsch.java");
const REMEDY: &str = "apt-get install libjsch-java default-jdk-headless";

#[async_trait]
impl Client for Jsch {
    fn name(&self) -> &str {
        "jsch"
    }

    fn in_containers(&self) -> InContainers {
        InContainers::No("it needs a JDK, which the clients' image does not have")
    }

    fn availability_at(&self, _place: &Place) -> Availability {
        let missing = |reason: String| Availability::Missing { reason, remedy: REMEDY };
        if !process::is_on_path("javac") {
            return missing("javac is not on the path".to_owned());
        }
        // The package's link names the version.
        match std::fs::canonicalize(JAR) {
            Ok(path) => {
                let name = path.file_stem().unwrap_or_default().to_string_lossy().replace('-', " ");
                Availability::Usable { version: name }
            }
            Err(error) => missing(format!("{JAR}: {error}")),
        }
    }

    fn signs_with_sha1_only(&self, _place: &Place) -> bool {
        true
    }

    fn can(&self, login: Option<&Login>, operation: &Operation) -> Result<(), &'static str> {
        match operation {
            _ if login.is_some_and(|login| login.source_address.is_some()) => {
                Err("our program with JSch does not choose the address it connects from")
            }
            Operation::Upload { arguments, .. } if !arguments.is_empty() => {
                Err("our program with JSch takes no arguments")
            }
            _ => Ok(()),
        }
    }

    async fn perform(&self, login: &Login, operation: &Operation) -> Outcome {
        static CLASSES: OnceCell<PathBuf> = OnceCell::const_new();
        let classes = match CLASSES.get_or_try_init(classes).await {
            Ok(classes) => classes,
            Err(reason) => return Outcome::failed(reason),
        };
        let files = match prepare(login) {
            Ok(files) => files,
            Err(error) => return Outcome::failed(error.to_string()),
        };
        let mut command = login.command("java");
        command
            // Most of its life is starting: neither the second compiler nor shared garbage collection pays.
            .args(["-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-cp"])
            .arg(format!("{JAR}:{}", classes.display()))
            .arg("Jsch")
            .args([&login.host, &login.port.to_string(), &login.user])
            .arg(&files.key)
            .arg(&files.known_hosts)
            .arg(login.password.as_deref().unwrap_or_default())
            .args(words(operation));
        let mut outcome = process::run(command, "").await;
        if matches!(operation, Operation::List { .. }) {
            outcome.listing = outcome.output.lines().map(str::to_owned).collect();
        }
        outcome
    }
}

/// The folder with the compiled program; compiled where none was from this source before.
async fn classes() -> Result<PathBuf, String> {
    let cache = process::cache().unwrap_or_else(std::env::temp_dir);
    let folder = cache.join(format!("jsch-{}", sha256_of(PROGRAM.as_bytes())));
    if folder.join("Jsch.class").exists() {
        return Ok(folder);
    }
    let shown = |error: io::Error| format!("{}: {error}", folder.display());
    std::fs::create_dir_all(&cache).map_err(shown)?;
    // Made elsewhere and renamed: another process may be at it too, and none must see half of it.
    let made = tempfile::tempdir_in(&cache).map_err(shown)?;
    std::fs::write(made.path().join("Jsch.java"), PROGRAM).map_err(shown)?;
    let mut command = Place::Here.command("javac", made.path());
    command.args(["--release", "17", "-cp", JAR, "Jsch.java"]);
    let compiled = process::run(command, "").await;
    if !compiled.succeeded {
        return Err(format!("javac: {}", compiled.output));
    }
    let renamed = std::fs::rename(made.path(), &folder);
    if folder.join("Jsch.class").exists() { Ok(folder) } else { renamed.map_err(shown).map(|()| folder) }
}

struct Files {
    key: PathBuf,
    known_hosts: PathBuf,
}

/// JSch of this age reads only PEM keys, and knows hosts by their RSA key alone.
fn prepare(login: &Login) -> io::Result<Files> {
    let files = Files { key: login.work.join("key.pem"), known_hosts: login.work.join("known_hosts.jsch") };
    let known = login.host_keys.iter().map(|key| format!("[{}]:{} {key}\n", login.host, login.port));
    std::fs::write(&files.known_hosts, known.collect::<String>())?;
    if !files.key.exists() {
        pem(&login.private_key, &files.key)?;
    }
    Ok(files)
}

fn pem(from: &Path, to: &Path) -> io::Result<()> {
    std::fs::copy(from, to)?;
    let converted = std::process::Command::new("ssh-keygen")
        .args(["-q", "-p", "-N", "", "-m", "PEM", "-f"])
        .arg(to)
        .output()?;
    if converted.status.success() {
        Ok(())
    } else {
        Err(io::Error::other(String::from_utf8_lossy(&converted.stderr).into_owned()))
    }
}

fn words(operation: &Operation) -> Vec<String> {
    let words: Vec<&str> = match operation {
        Operation::Connect => vec!["connect"],
        Operation::Upload { local, remote, preserve_times, resume, .. } => {
            let mut words = vec![
                (if *resume { "resume" } else { "upload" }).to_owned(),
                local.display().to_string(),
                remote.clone(),
            ];
            if *preserve_times {
                words.push(super::modified_seconds(local).to_string());
            }
            return words;
        }
        Operation::Download { remote, local } => {
            return vec!["download".to_owned(), remote.clone(), local.display().to_string()];
        }
        Operation::List { path } => vec!["list", path],
        Operation::Rename { from, to } => vec!["rename", from, to],
        Operation::Remove { path } => vec!["remove", path],
        Operation::MakeDirectory { path } => vec!["make-directory", path],
        Operation::RemoveDirectory { path } => vec!["remove-directory", path],
        Operation::SetTimes { path, modified } => {
            return vec!["set-times".to_owned(), path.clone(), modified.to_string()];
        }
    };
    words.into_iter().map(str::to_owned).collect()
}
