//! One visit of a client to a server, in a process of its own: so its CPU time and memory are its own.

use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use nix::sys::resource::{Usage, UsageWho, getrusage};
use nix::sys::time::TimeValLike;
use serde::{Deserialize, Serialize};
use spatialcloud_harness::client::{self, Availability, HeldUpload, Login, Operation, Outcome, Place};

use crate::ceiling;

/// How to reach a server.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Account {
    /// Port of 127.0.0.1.
    pub port: u16,
    /// Who logs in.
    pub user: String,
    /// Path of the upload, as clients name it.
    pub remote: String,
    /// Host key in OpenSSH form.
    pub host_key: String,
    /// `SHA256:…` of it.
    pub fingerprint: String,
    /// The key to log in with; absent: the programme's own.
    pub private_key: Option<PathBuf>,
    /// The control API, of a server that has one.
    pub api: Option<String>,
}

impl Account {
    /// An account of a server whose host key is the pair at `host_key`.
    pub fn new(port: u16, user: String, remote: String, host_key: &Path) -> io::Result<Account> {
        let line = std::fs::read_to_string(host_key.with_added_extension("pub"))?;
        let host_key = line.split_whitespace().take(2).collect::<Vec<_>>().join(" ");
        let fingerprint = fingerprint(&host_key)?;
        Ok(Account { port, user, remote, host_key, fingerprint, private_key: None, api: None })
    }

    fn login(&self, work: &Path) -> io::Result<Login> {
        let private_key =
            self.private_key.clone().ok_or_else(|| io::Error::other("no key to log in with"))?;
        let ppk = private_key.with_added_extension("ppk");
        Ok(Login {
            host: "127.0.0.1".to_owned(),
            port: self.port,
            user: self.user.clone(),
            ppk: ppk.exists().then_some(ppk),
            private_key,
            host_key: self.host_key.clone(),
            host_key_fingerprint: self.fingerprint.clone(),
            host_keys: vec![self.host_key.clone()],
            source_address: None,
            password: None,
            work: work.to_owned(),
            clock: None,
            place: Place::Here,
        })
    }
}

/// The fingerprint of a key in OpenSSH form, as `ssh-keygen` tells it.
pub fn fingerprint(key: &str) -> io::Result<String> {
    use std::io::Write;
    let mut child =
        Command::new("ssh-keygen").args(["-lf", "-"]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
    if let Some(mut stdin) = child.stdin.take() {
        writeln!(stdin, "{key}")?;
    }
    let said = child.wait_with_output()?;
    let said = String::from_utf8_lossy(&said.stdout).into_owned();
    said.split_whitespace()
        .find(|word| word.starts_with("SHA256:"))
        .map(str::to_owned)
        .ok_or_else(|| io::Error::other(format!("ssh-keygen gave no fingerprint: {said}")))
}

/// A client of the table: a driver of the harness and what its user writes.
pub struct Visitor {
    /// Its name in the table.
    pub name: &'static str,
    /// The driver's name.
    pub driver: &'static str,
    /// More arguments of the upload.
    pub arguments: &'static [&'static str],
}

/// The built-in pipelined client.
pub const PIPELINED: &str = "built-in, 255 KiB × 64";
/// OpenSSH as it comes.
pub const STOCK: &str = "sftp";
/// What the ceiling is measured with.
const BARE: &str = "no SSH";

/// Every client, in the order of the table.
pub const VISITORS: &[Visitor] = &[
    Visitor { name: STOCK, driver: "openssh", arguments: &[] },
    Visitor { name: "sftp -B 261120 -R 256", driver: "sftp", arguments: &["-B", "261120", "-R", "256"] },
    Visitor { name: "sftp -c aes128-gcm", driver: "sftp", arguments: &["-c", "aes128-gcm@openssh.com"] },
    Visitor { name: "sftp -c aes256-ctr", driver: "sftp", arguments: &["-c", "aes256-ctr"] },
    Visitor { name: "rclone", driver: "rclone", arguments: &[] },
    Visitor {
        name: "rclone, 255 KiB × 64",
        driver: "rclone",
        arguments: &["--sftp-chunk-size", "255k", "--sftp-concurrency", "64"],
    },
    Visitor { name: "psftp", driver: "putty", arguments: &[] },
    Visitor { name: "lftp", driver: "lftp", arguments: &[] },
    Visitor { name: "curl", driver: "curl", arguments: &[] },
    Visitor { name: PIPELINED, driver: client::BUILT_IN, arguments: &[] },
    Visitor { name: BARE, driver: BARE, arguments: &[] },
];

/// What a visit is for.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Errand {
    /// Connect, log in, go.
    Connect,
    /// Upload a file.
    Upload(PathBuf),
    /// Log in that often, that many at once, and go.
    Handshakes(usize, usize),
    /// Upload a file that often at once, to names of their own.
    Sessions(PathBuf, usize),
}

/// What the process of a visit prints when it has ended.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Visit {
    /// What was measured, in seconds; connection set-up is outside where the client allows to tell it apart.
    pub seconds: f64,
    /// Whether the set-up is in `seconds` and has to be taken off.
    pub with_set_up: bool,
    /// CPU of the client, in seconds, set-up included.
    pub cpu_seconds: f64,
    /// Its peak memory in bytes.
    pub peak_bytes: u64,
    /// Why it failed.
    pub failure: Option<String>,
}

/// Which of [`VISITORS`] can be used here.
pub fn usable(visitor: &Visitor) -> Result<(), String> {
    let driver = if visitor.driver == "sftp" { "openssh" } else { visitor.driver };
    if driver == BARE {
        return Ok(());
    }
    let found = client::all().into_iter().find(|client| client.name() == driver && !client.is_profile());
    if found.is_some_and(|client| client.signs_with_sha1_only(&Place::Here)) {
        return Err("it knows no signature but SHA-1's, which these servers refuse".to_owned());
    }
    match found.map(|client| client.availability()) {
        Some(Availability::Usable { .. }) => Ok(()),
        Some(Availability::Missing { reason, .. }) => Err(reason),
        None => Err(format!("there is no driver {driver}")),
    }
}

/// Makes a visit in a process of its own.
pub fn make(visitor: &str, account: &Account, errand: &Errand) -> io::Result<Visit> {
    let order = serde_json::to_string(&(visitor, account, errand))?;
    let child = Command::new(std::env::current_exe()?)
        .args(["visit", &order])
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()?;
    serde_json::from_slice(&child.stdout).map_err(|error| {
        io::Error::other(format!("the visit of {visitor} said nothing that can be read: {error}"))
    })
}

/// The other side of [`make`].
pub async fn perform(order: &str) -> Result<Visit, String> {
    let (name, account, errand): (String, Account, Errand) =
        serde_json::from_str(order).map_err(|error| error.to_string())?;
    let visitor = VISITORS.iter().find(|visitor| visitor.name == name).ok_or("no such client")?;
    let work = tempfile::Builder::new().prefix("spatialcloud-bench-visit-").tempdir();
    let work = work.map_err(|error| error.to_string())?;
    let mut visit = match visitor.driver {
        BARE => bare(&account, &errand)?,
        client::BUILT_IN => pipelined(&account, &errand, work.path()).await?,
        _ => real(visitor, &account, &errand, work.path()).await?,
    };
    let who = if visit.with_set_up { UsageWho::RUSAGE_CHILDREN } else { UsageWho::RUSAGE_SELF };
    let usage = getrusage(who).map_err(|error| error.to_string())?;
    visit.cpu_seconds = seconds(&usage);
    visit.peak_bytes = u64::try_from(usage.max_rss()).unwrap_or_default() * 1024;
    Ok(visit)
}

fn seconds(usage: &Usage) -> f64 {
    (usage.user_time().num_microseconds() + usage.system_time().num_microseconds()) as f64 / 1e6
}

fn bare(account: &Account, errand: &Errand) -> Result<Visit, String> {
    let stream = ceiling::connect(account.port).map_err(|error| error.to_string())?;
    let Errand::Upload(local) = errand else { return Ok(Visit::default()) };
    let since = Instant::now();
    ceiling::send(stream, local).map_err(|error| error.to_string())?;
    Ok(Visit { seconds: since.elapsed().as_secs_f64(), ..Visit::default() })
}

async fn pipelined(account: &Account, errand: &Errand, work: &Path) -> Result<Visit, String> {
    let login = account.login(work).map_err(|error| error.to_string())?;
    let mut since = Instant::now();
    match errand {
        Errand::Connect => log_in(&login).await?,
        Errand::Upload(local) => {
            let held = HeldUpload::start(&login, local, &account.remote, 0).await?;
            since = Instant::now();
            held.finish().await?;
        }
        Errand::Handshakes(count, at_once) => {
            let each = (0..*at_once).map(|_| {
                let login = login.clone();
                let share = count / at_once;
                tokio::spawn(async move {
                    for _ in 0..share {
                        log_in(&login).await?;
                    }
                    Ok::<(), String>(())
                })
            });
            all(each.collect()).await?;
        }
        Errand::Sessions(local, count) => {
            let each = (0..*count).map(|number| {
                let (login, local) = (login.clone(), local.clone());
                let remote = format!("{}.{number}", account.remote);
                tokio::spawn(
                    async move { HeldUpload::start(&login, &local, &remote, 0).await?.finish().await },
                )
            });
            all(each.collect()).await?;
        }
    }
    Ok(Visit { seconds: since.elapsed().as_secs_f64(), ..Visit::default() })
}

async fn all(tasks: Vec<tokio::task::JoinHandle<Result<(), String>>>) -> Result<(), String> {
    for task in tasks {
        task.await.map_err(|error| error.to_string())??;
    }
    Ok(())
}

async fn log_in(login: &Login) -> Result<(), String> {
    said(driver(client::BUILT_IN)?.perform(login, &Operation::Connect).await)
}

fn driver(name: &str) -> Result<&'static dyn client::Client, String> {
    let found = client::all().into_iter().find(|client| client.name() == name && !client.is_profile());
    found.ok_or_else(|| format!("there is no driver {name}"))
}

fn said(outcome: Outcome) -> Result<(), String> {
    if outcome.succeeded { Ok(()) } else { Err(outcome.output) }
}

async fn real(visitor: &Visitor, account: &Account, errand: &Errand, work: &Path) -> Result<Visit, String> {
    let login = account.login(work).map_err(|error| error.to_string())?;
    let since = Instant::now();
    if visitor.driver == "sftp" {
        sftp(&login, visitor.arguments, account, errand)?;
    } else {
        let operation = match errand {
            Errand::Upload(local) => Operation::Upload {
                local: local.clone(),
                remote: account.remote.clone(),
                preserve_times: false,
                resume: false,
                arguments: visitor.arguments.iter().map(|&word| word.to_owned()).collect(),
            },
            _ => Operation::Connect,
        };
        said(driver(visitor.driver)?.perform(&login, &operation).await)?;
    }
    Ok(Visit { seconds: since.elapsed().as_secs_f64(), with_set_up: true, ..Visit::default() })
}

/// `sftp` with flags of its own; the driver of the harness has none.
fn sftp(login: &Login, arguments: &[&str], account: &Account, errand: &Errand) -> Result<(), String> {
    let known = login.work.join("known_hosts");
    std::fs::write(&known, format!("[127.0.0.1]:{} {}\n", account.port, account.host_key))
        .map_err(|error| error.to_string())?;
    let batch = login.work.join("batch");
    let text = match errand {
        Errand::Upload(local) => format!("put \"{}\" \"{}\"\n", local.display(), account.remote),
        _ => "pwd\n".to_owned(),
    };
    std::fs::write(&batch, text).map_err(|error| error.to_string())?;
    let output = Command::new("sftp")
        .args(["-F", "/dev/null", "-q", "-P", &account.port.to_string(), "-b"])
        .arg(&batch)
        .args(arguments)
        .args(["-o", "IdentitiesOnly=yes", "-o", "IdentityAgent=none", "-o", "StrictHostKeyChecking=yes"])
        .args(["-o", &format!("UserKnownHostsFile={}", known.display())])
        .args(["-o", &format!("IdentityFile={}", login.private_key.display())])
        .arg(format!("{}@127.0.0.1", login.user))
        .stdin(Stdio::null())
        .output()
        .map_err(|error| format!("sftp: {error}"))?;
    if output.status.success() { Ok(()) } else { Err(String::from_utf8_lossy(&output.stderr).into_owned()) }
}
