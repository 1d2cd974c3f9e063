//! Key pairs for sites under test; made once per process, since RSA keys take their time.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Mutex, PoisonError};

use russh::keys::PrivateKey;
use russh::keys::key::safe_rng;
use russh::keys::ssh_key::private::RsaKeypair;
use russh::keys::ssh_key::{self, LineEnding};

/// A private key on disk and its public line.
#[derive(Clone, Debug)]
pub struct KeyPair {
    /// Private key, OpenSSH form.
    pub private: PathBuf,
    /// The same for PuTTY, where `puttygen` is at hand.
    pub ppk: Option<PathBuf>,
    /// `ssh-rsa AAAA…`
    pub public: String,
}

/// The kinds of key a scenario can ask for: name, `ssh-keygen` arguments.
pub const KINDS: &[(&str, &[&str])] = &[
    ("rsa-2048", &["-t", "rsa", "-b", "2048"]),
    ("rsa-3072", &["-t", "rsa", "-b", "3072"]),
    ("rsa-4096", &["-t", "rsa", "-b", "4096"]),
    ("rsa-1024", &["-t", "rsa", "-b", "1024"]),
    ("ed25519", &["-t", "ed25519"]),
    ("ecdsa", &["-t", "ecdsa"]),
    // A second pair of the usual kind, for rotation and for strangers.
    ("rsa-other", &["-t", "rsa", "-b", "2048"]),
];

/// The names of those kinds.
pub fn names() -> Vec<&'static str> {
    KINDS.iter().map(|(name, _)| *name).collect()
}

static MADE: Mutex<BTreeMap<String, KeyPair>> = Mutex::new(BTreeMap::new());
static FOLDER: Mutex<Option<tempfile::TempDir>> = Mutex::new(None);

/// The pair of that kind, made at the first call: with `ssh-keygen`, as the vendor's guide tells.
pub fn pair(kind: &str) -> io::Result<KeyPair> {
    let Some((_, arguments)) = KINDS.iter().find(|(name, _)| *name == kind) else {
        return Err(io::Error::new(io::ErrorKind::NotFound, format!("no key kind {kind}")));
    };
    // One at a time: two threads making the same key would cross.
    let mut made = MADE.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(pair) = made.get(kind) {
        return Ok(pair.clone());
    }
    let pair = make(&folder()?.join(kind), arguments)?;
    made.insert(kind.to_owned(), pair.clone());
    Ok(pair)
}

/// A pair of RSA-2048 made without any other program, for where there is none.
pub fn own() -> io::Result<KeyPair> {
    let wrong = |error: ssh_key::Error| io::Error::other(error.to_string());
    let made = RsaKeypair::random(&mut safe_rng(), 2048).map_err(wrong)?;
    let private = PrivateKey::from(made);
    let path = folder()?.join("rsa-own");
    private.write_openssh_file(&path, LineEnding::LF).map_err(wrong)?;
    let public = private.public_key().to_openssh().map_err(wrong)?;
    Ok(KeyPair { private: path, ppk: None, public })
}

/// The folder that they are in.
pub fn folder() -> io::Result<PathBuf> {
    let mut folder = FOLDER.lock().unwrap_or_else(PoisonError::into_inner);
    let folder = match &mut *folder {
        Some(folder) => folder,
        empty => empty.insert(tempfile::Builder::new().prefix("spatialcloud-keys-").tempdir()?),
    };
    Ok(folder.path().to_owned())
}

/// Removes the keys; called once, at the end of a run.
pub fn remove() {
    MADE.lock().unwrap_or_else(PoisonError::into_inner).clear();
    // A folder that cannot be removed holds only keys nobody else knows.
    drop(FOLDER.lock().unwrap_or_else(PoisonError::into_inner).take());
}

/// Makes a pair at `path` and `path.pub`.
pub fn make(path: &Path, arguments: &[&str]) -> io::Result<KeyPair> {
    let made = Command::new("ssh-keygen")
        .args(["-q", "-N", "", "-C", "spatialcloud-test", "-f"])
        .arg(path)
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .map_err(|error| {
            io::Error::new(error.kind(), format!("ssh-keygen: {error}; install openssh-client"))
        })?;
    if !made.status.success() {
        return Err(io::Error::other(String::from_utf8_lossy(&made.stderr).trim().to_owned()));
    }
    let public = std::fs::read_to_string(path.with_added_extension("pub"))?.trim().to_owned();
    let ppk = path.with_added_extension("ppk");
    let converted = Command::new("puttygen")
        .arg(path)
        .args(["-O", "private", "-o"])
        .arg(&ppk)
        .stdin(Stdio::null())
        .output()
        .is_ok_and(|output| output.status.success());
    Ok(KeyPair { private: path.to_owned(), ppk: converted.then_some(ppk), public })
}
