//! One connection of a load: logs in, uploads, thinks, uploads again; each stage with its time.

use std::sync::Arc;
use std::time::{Duration, Instant};

use russh::keys::HashAlg;
use sha2::{Digest, Sha256};

use super::Campaign;
use super::figures::Stage;
use crate::client::Login;
use crate::client::sftp::{self, Attributes, Request, SftpError, Writes};
use crate::client::ssh::{ConnectError, Connection, Manner};

/// Data of one WRITE.
const WRITE_BYTES: usize = 32 * 1024;
/// WRITEs that wait for their reply at once: together 2 MiB, what OpenSSH's client has in flight.
const IN_FLIGHT: usize = 64;

const MANNER: Manner<'_> = Manner { banner: None, signatures: &[Some(HashAlg::Sha512)], version: 3 };

/// What one connection does.
pub struct Course {
    pub login: Login,
    /// Its number among the connections of its site.
    pub session: u32,
    pub campaign: Campaign,
    pub pattern: Arc<[u8]>,
}

/// What came of it.
#[derive(Debug, Default)]
pub struct Account {
    pub times: Vec<(Stage, Duration)>,
    pub uploads: u64,
    pub bytes: u64,
    /// Where and why it ended early.
    pub error: Option<String>,
}

/// Which of the sizes an upload has.
pub fn turn(campaign: &Campaign, session: u32, upload: u32) -> usize {
    let number = u64::from(session) * u64::from(campaign.uploads) + u64::from(upload);
    (number % campaign.sizes_bytes.len().max(1) as u64) as usize
}

fn path(session: u32, upload: u32) -> String {
    format!("Spatial/session-{session}-upload-{upload}.bin")
}

/// Session and upload that a path was made for.
pub fn numbers(path: &str) -> Option<(u32, u32)> {
    let rest = path.strip_prefix("Spatial/session-")?.strip_suffix(".bin")?;
    let (session, upload) = rest.split_once("-upload-")?;
    Some((session.parse().ok()?, upload.parse().ok()?))
}

/// SHA-256 of an upload of that size.
pub fn hash(pattern: &[u8], size_bytes: u64) -> String {
    let mut hash = Sha256::new();
    let mut left = size_bytes;
    while left > 0 {
        let count = left.min(pattern.len() as u64);
        hash.update(&pattern[..count as usize]);
        left -= count;
    }
    crate::hash::hex(hash.finalize())
}

impl Course {
    /// Runs it to its end, good or bad.
    pub async fn run(self) -> Account {
        let mut account = Account::default();
        let since = Instant::now();
        let connection = match Connection::open(&self.login, &MANNER).await {
            Ok(connection) => connection,
            Err(error) => {
                account.error = Some(format!("connect: {}", kind_of_connect(&error)));
                return account;
            }
        };
        account.times.push((Stage::Handshake, since.elapsed()));
        for upload in 0..self.campaign.uploads {
            if upload > 0 {
                tokio::time::sleep(Duration::from_millis(self.campaign.think_ms)).await;
            }
            if let Err((at, error)) = self.upload(&connection, upload, &mut account).await {
                account.error = Some(format!("{at}: {}", kind(&error)));
                break;
            }
        }
        connection.close().await;
        account
    }

    async fn upload(
        &self,
        connection: &Connection,
        upload: u32,
        account: &mut Account,
    ) -> Result<(), (&'static str, SftpError)> {
        let size_bytes =
            self.campaign.sizes_bytes.get(turn(&self.campaign, self.session, upload)).copied().unwrap_or(0);
        let sftp = &connection.sftp;
        let path = path(self.session, upload);
        let since = Instant::now();
        let flags = sftp::WRITE | sftp::CREATE_TRUNCATE;
        let open = Request::Open(&path, flags, Attributes::default());
        let handle = sftp.open(open).await.map_err(|error| ("open", error))?;
        let mut writes = Writes::new(sftp, &handle, IN_FLIGHT);
        let mut offset = 0;
        while offset < size_bytes {
            // The pattern's length is a multiple of a WRITE's: none reaches over its end.
            let start = (offset % self.pattern.len() as u64) as usize;
            let count = (size_bytes - offset).min(WRITE_BYTES as u64) as usize;
            writes
                .push(offset, &self.pattern[start..start + count])
                .await
                .map_err(|error| ("write", error))?;
            if offset == 0 {
                // Costs the pipeline one round trip at its start: the time to the first acknowledged byte.
                writes.finish().await.map_err(|error| ("write", error))?;
                account.times.push((Stage::FirstByte, since.elapsed()));
            }
            offset += count as u64;
        }
        writes.finish().await.map_err(|error| ("write", error))?;
        let closing = Instant::now();
        sftp.ask(Request::Close(&handle)).await.map_err(|error| ("close", error))?;
        account.times.push((Stage::Close, closing.elapsed()));
        account.times.push((Stage::Upload, since.elapsed()));
        account.uploads += 1;
        account.bytes += size_bytes;
        Ok(())
    }
}

/// The kind of an error: the same for every session that met it, so that kinds can be counted.
fn kind(error: &SftpError) -> String {
    match error {
        SftpError::Status(code, _) => format!("{} (status {code})", sftp::status_words(*code)),
        other => other.to_string(),
    }
}

fn kind_of_connect(error: &ConnectError) -> String {
    match error {
        // Words of the system may hold ports, which would make each a kind of its own.
        ConnectError::Connect(error) if error.kind() != std::io::ErrorKind::Other => error.kind().to_string(),
        ConnectError::Refused { .. } => "the login was refused".to_owned(),
        ConnectError::Sftp(error) => kind(error),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_path_tells_whose_it_is() {
        assert_eq!(numbers(&path(3, 12)), Some((3, 12)));
        assert_eq!(numbers("Spatial/other.bin"), None);
    }

    #[test]
    fn the_hash_is_of_the_pattern_over_and_over() {
        let whole = [b"abc".as_slice(), b"abc", b"a"].concat();
        assert_eq!(hash(b"abc", 7), crate::hash::hex(Sha256::digest(whole)));
    }
}
