//! SFTP clients under test: one file each, one line each in [`CLIENTS`].

mod builtin;
mod filezilla;
mod openssh;
mod paramiko;
mod process;
mod putty;

use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use async_trait::async_trait;

use crate::keys::KeyPair;
use crate::stack::SftpAddress;
pub use builtin::HeldUpload;

/// Every client there is, in the order of reports.
pub const CLIENTS: &[&dyn Client] =
    &[&openssh::OpenSsh, &putty::Putty, &filezilla::FileZilla, &paramiko::Paramiko, &builtin::BuiltIn];

/// The name of the client that is always there.
pub const BUILT_IN: &str = "built-in";

/// The client of that name.
pub fn named(name: &str) -> Option<&'static dyn Client> {
    CLIENTS.iter().copied().find(|client| client.name() == name)
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
#[derive(Clone, Debug)]
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
    /// Address to connect from, where it is not the usual one.
    pub source_address: Option<IpAddr>,
    /// Tries this password instead of the key.
    pub password: Option<String>,
    /// A folder of its own for the client's files.
    pub work: PathBuf,
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
            source_address: None,
            password: None,
            work: work.to_owned(),
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

/// An SFTP client that can be driven.
#[async_trait]
pub trait Client: Sync {
    /// The name used in scenarios and reports.
    fn name(&self) -> &'static str;

    /// Whether it can be used here.
    fn availability(&self) -> Availability;

    /// Whether it can do this as this login; the reason where it cannot.
    fn can(&self, login: Option<&Login>, operation: &Operation) -> Result<(), &'static str>;

    /// Does it. Every failure is an outcome: what the client says is what counts.
    async fn perform(&self, login: &Login, operation: &Operation) -> Outcome;
}
