//! The endpoint's host keys: made once, kept in the data folder, the same after every restart (C-14).

use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use russh::keys::ssh_key::LineEnding;
use russh::keys::ssh_key::private::RsaKeypair;
use russh::keys::{Algorithm, PrivateKey};

/// File name of the Ed25519 key every client of today takes.
const MODERN: &str = "host_key";
/// File name of the RSA key, made only where SHA-1 clients are let in: they know no other kind.
const LEGACY: &str = "host_key_rsa";

/// Length of that key: what clients of that age expect, and quickly made.
const LEGACY_BITS: usize = 2048;

/// Why the host keys could not be had.
#[derive(Debug, thiserror::Error)]
pub enum HostKeyError {
    /// The file is there and is not a key.
    #[error(
        "{path}: not an OpenSSH private key ({reason}); restore it, or remove it to get a new one (clients will then warn of a changed host key)"
    )]
    Unreadable {
        /// Which file.
        path: PathBuf,
        /// What was wrong with it.
        reason: String,
    },
    /// The data folder cannot be written or read.
    #[error("{path}: {error}")]
    Disk {
        /// Which file.
        path: PathBuf,
        /// What the operating system answered.
        error: std::io::Error,
    },
}

/// Reads the host keys from `folder`, making what is missing.
pub fn load_or_make(folder: &Path, with_legacy: bool) -> Result<Vec<PrivateKey>, HostKeyError> {
    let mut keys = vec![one(&folder.join(MODERN), Algorithm::Ed25519)?];
    if with_legacy {
        keys.push(one(&folder.join(LEGACY), Algorithm::Rsa { hash: None })?);
    }
    Ok(keys)
}

fn make(algorithm: Algorithm) -> Result<PrivateKey, russh::keys::ssh_key::Error> {
    match algorithm {
        Algorithm::Rsa { .. } => Ok(RsaKeypair::random(&mut rand::rng(), LEGACY_BITS)?.into()),
        other => PrivateKey::random(&mut rand::rng(), other),
    }
}

fn one(path: &Path, algorithm: Algorithm) -> Result<PrivateKey, HostKeyError> {
    let disk = |error| HostKeyError::Disk { path: path.to_owned(), error };
    match std::fs::read(path) {
        Ok(text) => PrivateKey::from_openssh(&text)
            .map_err(|error| HostKeyError::Unreadable { path: path.to_owned(), reason: error.to_string() }),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            let key = make(algorithm).map_err(|error| disk(std::io::Error::other(error.to_string())))?;
            let text = key
                .to_openssh(LineEnding::LF)
                .map_err(|error| disk(std::io::Error::other(error.to_string())))?;
            let mut file = std::fs::OpenOptions::new()
                .write(true)
                .create_new(true)
                .mode(0o600)
                .open(path)
                .map_err(disk)?;
            file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).map_err(disk)?;
            Ok(key)
        }
        Err(error) => Err(disk(error)),
    }
}
