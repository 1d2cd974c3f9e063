//! SFTP clients under test: one file each, one line each in [`CLIENTS`]; profiles of others beside them.

mod builtin;
mod curl;
mod filezilla;
mod jsch;
mod lftp;
mod openssh;
mod place;
mod process;
pub mod profile;
mod pscp;
mod putty;
mod python;
mod rclone;
mod scp;
pub(crate) mod sftp;
pub(crate) mod ssh;
mod sshfs;
mod winscp;

use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::{LazyLock, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use serde_json::json;

use crate::api::Api;
use crate::keys::KeyPair;
use crate::stack::SftpAddress;
pub use builtin::HeldUpload;
pub use place::Place;
pub use profile::Profile;

/// Every real client there is a driver for, in the order of reports.
static CLIENTS: &[&dyn Client] = &[
    &openssh::OpenSsh,
    &scp::Scp,
    &putty::Putty,
    &pscp::Pscp,
    &filezilla::FileZilla,
    &lftp::Lftp,
    &rclone::Rclone,
    &sshfs::Sshfs,
    &curl::Curl,
    &python::LIBCURL,
    &python::PARAMIKO,
    &python::PYSFTP,
    &python::ASYNCSSH,
    &jsch::Jsch,
    &builtin::BuiltIn,
];

/// The name of the client that is always there.
pub const BUILT_IN: &str = "built-in";

/// Profiles that users brought.
static ADDED: Mutex<Vec<&'static Profile>> = Mutex::new(Vec::new());

/// Every client: the real ones, then the profiles that come with the program, then those that were added.
///
/// WinSCP stands among the real ones where it is on the path; elsewhere its profile bears the name.
pub fn all() -> Vec<&'static dyn Client> {
    let added = ADDED.lock().unwrap_or_else(PoisonError::into_inner);
    // Looked for once: this is asked for every case, and the path may be long.
    static HAS_WINSCP: LazyLock<bool> = LazyLock::new(|| process::is_on_path(winscp::PROGRAM));
    let winscp: Option<&dyn Client> = HAS_WINSCP.then_some(&winscp::WinScp);
    let real: Vec<&dyn Client> = CLIENTS.iter().copied().chain(winscp).collect();
    let is_real = |profile: &&Profile| winscp.is_some_and(|winscp| winscp.name() == profile.name);
    let profiles = profile::PROFILES.iter().chain(added.iter().copied()).filter(|profile| !is_real(profile));
    let profiles: Vec<&dyn Client> = profiles.map(|profile| profile as &dyn Client).collect();
    [real, profiles].concat()
}

/// The names of all.
pub fn names() -> Vec<&'static str> {
    all().into_iter().map(Client::name).collect()
}

/// The client of that name.
pub fn named(name: &str) -> Option<&'static dyn Client> {
    all().into_iter().find(|client| client.name() == name)
}

/// Makes a profile a client like any other, for as long as the process lives.
pub fn add(profile: Profile) -> Result<(), String> {
    if named(&profile.name).is_some() {
        return Err(format!("there is a client {:?} already: give the profile another name", profile.name));
    }
    ADDED.lock().unwrap_or_else(PoisonError::into_inner).push(Box::leak(Box::new(profile)));
    Ok(())
}

/// Whether a client can be used on this machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Availability {
    /// Yes, in this version.
    Usable {
        /// As the program tells it.
        version: String,
    },
    /// No.
    Missing {
        /// What was looked for and not found.
        reason: String,
        /// How to get it.
        remedy: &'static str,
    },
}

/// As whom, from where and to where a client connects.
#[derive(Clone, Debug, Default)]
pub struct Login {
    /// Host or address of the endpoint.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// User name: the site's code.
    pub user: String,
    /// Private key in OpenSSH form.
    pub private_key: PathBuf,
    /// The same for PuTTY.
    pub ppk: Option<PathBuf>,
    /// The endpoint's key, `ssh-ed25519 AAAA…`, known in advance.
    pub host_key: String,
    /// `SHA256:…` of it.
    pub host_key_fingerprint: String,
    /// That key and the others the endpoint has.
    pub host_keys: Vec<String>,
    /// Address to connect from, where it is not the usual one.
    pub source_address: Option<IpAddr>,
    /// Tries this password instead of the key.
    pub password: Option<String>,
    /// A folder of its own for the client's files.
    pub work: PathBuf,
    /// Where its program runs.
    pub place: Place,
    /// The stack whose clock is moved by hand, if it is: what our own client waits passes by that clock.
    pub clock: Option<Api>,
}

impl Login {
    /// A login with a key pair, from the usual address.
    pub fn new(sftp: &SftpAddress, user: &str, pair: KeyPair, work: &Path) -> Login {
        Login {
            host: sftp.host.clone(),
            port: sftp.port,
            user: user.to_owned(),
            private_key: pair.private,
            ppk: pair.ppk,
            host_key: sftp.host_key.clone(),
            host_key_fingerprint: sftp.host_key_fingerprint.clone(),
            host_keys: sftp.host_keys.clone(),
            source_address: None,
            password: None,
            work: work.to_owned(),
            place: Place::Here,
            clock: None,
        }
    }

    /// A command of the client's: see [`Place::command`].
    fn command(&self, program: &str) -> tokio::process::Command {
        self.place.command(program, &self.work)
    }

    /// Lets time pass for the client: by the stack's clock where that is moved by hand, so that runs fall due and
    /// nobody waits; else on the wall.
    pub async fn wait(&self, span: Duration) {
        match &self.clock {
            // A stack that has gone tells the client so itself, when it connects.
            Some(api) => drop(api.advance(json!({ "by": format!("{}ms", span.as_millis()) })).await),
            None => tokio::time::sleep(span).await,
        }
    }
}

/// One thing to do over SFTP.
#[derive(Clone, Debug, PartialEq)]
pub enum Operation {
    /// Log in, and nothing else.
    Connect,
    /// Send a file.
    Upload {
        /// File here.
        local: PathBuf,
        /// Path there.
        remote: String,
        /// Ask for the file's time and permissions to be set.
        preserve_times: bool,
        /// Go on where an earlier upload stopped.
        resume: bool,
        /// What else the client's user writes, in the client's own way.
        arguments: Vec<String>,
    },
    /// Fetch a file.
    Download {
        /// Path there.
        remote: String,
        /// File here.
        local: PathBuf,
    },
    /// List a folder.
    List {
        /// Folder there.
        path: String,
    },
    /// Give a file another name.
    Rename {
        /// Old path.
        from: String,
        /// New path.
        to: String,
    },
    /// Remove a file.
    Remove {
        /// Path there.
        path: String,
    },
    /// Make a folder.
    MakeDirectory {
        /// Path there.
        path: String,
    },
    /// Remove a folder.
    RemoveDirectory {
        /// Path there.
        path: String,
    },
    /// Set a file's modification time.
    SetTimes {
        /// Path there.
        path: String,
        /// Seconds since 1970.
        modified: u32,
    },
}

impl Operation {
    /// An upload without any wish.
    pub fn upload(local: PathBuf, remote: &str) -> Operation {
        Operation::Upload {
            local,
            remote: remote.to_owned(),
            preserve_times: false,
            resume: false,
            arguments: Vec::new(),
        }
    }
}

/// What the client's user sees.
#[derive(Clone, Debug, Default)]
pub struct Outcome {
    /// Whether the client itself says that it worked.
    pub succeeded: bool,
    /// Its exit code, if it is a program and ended by itself.
    pub exit_code: Option<i32>,
    /// Its own words, control characters escaped.
    pub output: String,
    /// Names, after [`Operation::List`].
    pub listing: Vec<String>,
    /// How long it took.
    pub duration: Duration,
}

impl Outcome {
    /// A failure that the harness itself met.
    pub fn failed(reason: impl Into<String>) -> Outcome {
        Outcome { output: reason.into(), ..Outcome::default() }
    }
}

/// Where a client runs when its stack is in containers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InContainers {
    /// In a container of its own.
    Program,
    /// In this process, which is ours.
    Ours,
    /// Nowhere yet; why.
    No(&'static str),
}

/// An SFTP client that can be driven.
#[async_trait]
pub trait Client: Sync {
    /// The name used in scenarios and reports.
    fn name(&self) -> &str;

    /// Whether it is played from a file rather than run.
    fn is_profile(&self) -> bool {
        false
    }

    /// The real client that a profile is held against; it takes part only where it is named.
    fn stands_for(&self) -> Option<&str> {
        None
    }

    /// Whether it can be used on this machine.
    fn availability(&self) -> Availability {
        self.availability_at(&Place::Here)
    }

    /// Whether it can be used there.
    fn availability_at(&self, place: &Place) -> Availability;

    /// Where it runs when its stack is in containers.
    fn in_containers(&self) -> InContainers {
        InContainers::Program
    }

    /// Whether it knows no signature but SHA-1's, so that only a lenient endpoint lets it in.
    fn signs_with_sha1_only(&self, _place: &Place) -> bool {
        false
    }

    /// Whether it can do this as this login; the reason where it cannot.
    fn can(&self, login: Option<&Login>, operation: &Operation) -> Result<(), &'static str>;

    /// Does it. Every failure is an outcome: what the client says is what counts.
    async fn perform(&self, login: &Login, operation: &Operation) -> Outcome;
}

/// Reads until the buffer is full or the file ends.
async fn read_full(
    file: &mut (impl tokio::io::AsyncRead + Unpin),
    buffer: &mut [u8],
) -> std::io::Result<usize> {
    use tokio::io::AsyncReadExt;
    let mut filled = 0;
    while filled < buffer.len() {
        match file.read(&mut buffer[filled..]).await? {
            0 => break,
            count => filled += count,
        }
    }
    Ok(filled)
}

/// When a file was last changed, in seconds since 1970.
fn modified_seconds(path: &Path) -> u64 {
    let modified = std::fs::metadata(path).and_then(|metadata| metadata.modified());
    let since = modified.map(|time| time.duration_since(std::time::UNIX_EPOCH).unwrap_or_default());
    since.map_or(0, |duration| duration.as_secs())
}

/// Seconds since 1970 in a form such as `%Y-%m-%dT%H:%M:%S`, UTC.
fn date(seconds: u64, form: &str) -> String {
    let seconds = i64::try_from(seconds).unwrap_or_default();
    jiff::Timestamp::from_second(seconds).unwrap_or_default().strftime(form).to_string()
}
