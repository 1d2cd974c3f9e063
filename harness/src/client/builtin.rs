//! The built-in client: pipelined, and able to stop in the middle of an upload.

use std::path::Path;
use std::time::Instant;

use async_trait::async_trait;
use russh::keys::HashAlg;
use tokio::io::{AsyncReadExt, AsyncSeekExt, AsyncWriteExt};

use super::sftp::{self, Attributes, Reply, Request, SftpError, Writes};
use super::ssh::{ConnectError, Connection, Manner};
use super::{
    Availability, Client, InContainers, Login, Operation, Outcome, Place, modified_seconds, read_full,
};

/// Data in one WRITE: what OpenSSH's server allows.
const WRITE_BYTES: usize = 255 * 1024;
/// WRITEs that wait for their reply at once.
const IN_FLIGHT: usize = 64;
/// Data asked for in one READ.
const READ_BYTES: u32 = 32 * 1024;

const MANNER: Manner<'_> = Manner { banner: None, signatures: &[Some(HashAlg::Sha512)], version: 3 };

/// The built-in client.
pub struct BuiltIn;

/// Why it failed, in the words its user sees.
#[derive(Debug, thiserror::Error)]
enum BuiltInError {
    #[error(transparent)]
    Connect(#[from] ConnectError),
    #[error("{0}")]
    File(#[from] std::io::Error),
    #[error("{path}: {error}")]
    Sftp { path: String, error: SftpError },
}

struct Session(Connection);

fn at(path: &str) -> impl Fn(SftpError) -> BuiltInError + '_ {
    move |error| BuiltInError::Sftp { path: path.to_owned(), error }
}

async fn connect(login: &Login) -> Result<Session, BuiltInError> {
    Ok(Session(Connection::open(login, &MANNER).await?))
}

impl Session {
    async fn open_for_upload(&self, remote: &str, resume: bool) -> Result<(Vec<u8>, u64), BuiltInError> {
        let flags = if resume { sftp::WRITE } else { sftp::WRITE | sftp::CREATE_TRUNCATE };
        let sftp = &self.0.sftp;
        let handle =
            sftp.open(Request::Open(remote, flags, Attributes::default())).await.map_err(at(remote))?;
        let reached = if resume {
            sftp.attributes(Request::Fstat(&handle)).await.map_err(at(remote))?.size.unwrap_or(0)
        } else {
            0
        };
        Ok((handle, reached))
    }

    /// Sends `local` from `from_bytes` up to `until_bytes`, many WRITEs at once.
    async fn send(
        &self,
        local: &Path,
        remote: &str,
        handle: &[u8],
        from_bytes: u64,
        until_bytes: u64,
    ) -> Result<(), BuiltInError> {
        let mut file = tokio::fs::File::open(local).await?;
        file.set_max_buf_size(WRITE_BYTES);
        file.seek(std::io::SeekFrom::Start(from_bytes)).await?;
        let mut file = file.take(until_bytes.saturating_sub(from_bytes));
        let mut writes = Writes::new(&self.0.sftp, handle, IN_FLIGHT);
        let mut offset = from_bytes;
        let mut piece = vec![0; WRITE_BYTES];
        loop {
            let filled = read_full(&mut file, &mut piece).await?;
            if filled == 0 {
                break;
            }
            writes.push(offset, &piece[..filled]).await.map_err(at(remote))?;
            offset += filled as u64;
        }
        writes.finish().await.map_err(at(remote))
    }

    async fn download(&self, remote: &str, local: &Path) -> Result<(), BuiltInError> {
        let sftp = &self.0.sftp;
        let open = Request::Open(remote, sftp::READ, Attributes::default());
        let handle = sftp.open(open).await.map_err(at(remote))?;
        let mut file = tokio::fs::File::create(local).await?;
        let mut offset = 0;
        loop {
            match sftp.ask(Request::Read(&handle, offset, READ_BYTES)).await {
                Ok(Reply::Data(data)) => {
                    offset += data.len() as u64;
                    file.write_all(&data).await?;
                }
                Err(SftpError::Status(sftp::EOF, _)) => break,
                Ok(_) => return Err(at(remote)(SftpError::Malformed("no data"))),
                Err(error) => return Err(at(remote)(error)),
            }
        }
        file.flush().await?;
        self.ask(remote, Request::Close(&handle)).await
    }

    async fn list(&self, path: &str) -> Result<Vec<String>, BuiltInError> {
        let sftp = &self.0.sftp;
        let handle = sftp.open(Request::Opendir(path)).await.map_err(at(path))?;
        let mut names = Vec::new();
        while let Some(entries) = sftp.names(&handle).await.map_err(at(path))? {
            names.extend(entries.into_iter().map(|entry| entry.name));
        }
        self.ask(path, Request::Close(&handle)).await?;
        Ok(names)
    }

    async fn set_times(&self, path: &str, modified: u32) -> Result<(), BuiltInError> {
        let times = Attributes { times: Some((modified, modified)), ..Attributes::default() };
        self.ask(path, Request::Setstat(path, times)).await
    }

    async fn ask(&self, path: &str, request: Request<'_>) -> Result<(), BuiltInError> {
        self.0.sftp.ask(request).await.map(|_| ()).map_err(at(path))
    }

    async fn perform(&self, operation: &Operation) -> Result<Vec<String>, BuiltInError> {
        match operation {
            Operation::Connect => self.ask(".", Request::Realpath(".")).await?,
            Operation::Upload { local, remote, preserve_times, resume, .. } => {
                let (handle, from_bytes) = self.open_for_upload(remote, *resume).await?;
                let sent = self.send(local, remote, &handle, from_bytes, u64::MAX).await;
                let closed = self.ask(remote, Request::Close(&handle)).await;
                sent?;
                closed?;
                if *preserve_times {
                    let seconds = u32::try_from(modified_seconds(local)).unwrap_or(u32::MAX);
                    self.set_times(remote, seconds).await?;
                }
            }
            Operation::Download { remote, local } => self.download(remote, local).await?,
            Operation::List { path } => return self.list(path).await,
            Operation::Rename { from, to } => self.ask(from, Request::Rename(from, to)).await?,
            Operation::Remove { path } => self.ask(path, Request::Remove(path)).await?,
            Operation::MakeDirectory { path } => {
                self.ask(path, Request::Mkdir(path, Attributes::default())).await?;
            }
            Operation::RemoveDirectory { path } => self.ask(path, Request::Rmdir(path)).await?,
            Operation::SetTimes { path, modified } => self.set_times(path, *modified).await?,
        }
        Ok(Vec::new())
    }
}

#[async_trait]
impl Client for BuiltIn {
    fn name(&self) -> &str {
        super::BUILT_IN
    }

    fn in_containers(&self) -> InContainers {
        InContainers::Ours
    }

    fn availability_at(&self, _place: &Place) -> Availability {
        Availability::Usable { version: format!("spatialcloud {}", env!("CARGO_PKG_VERSION")) }
    }

    fn can(&self, _login: Option<&Login>, operation: &Operation) -> Result<(), &'static str> {
        match operation {
            Operation::Upload { arguments, .. } if !arguments.is_empty() => {
                Err("the built-in client takes no arguments")
            }
            _ => Ok(()),
        }
    }

    async fn perform(&self, login: &Login, operation: &Operation) -> Outcome {
        let since = Instant::now();
        let done = match connect(login).await {
            Ok(session) => {
                let done = session.perform(operation).await;
                session.0.close().await;
                done
            }
            Err(error) => Err(error),
        };
        let duration = since.elapsed();
        match done {
            Ok(listing) => Outcome { succeeded: true, listing, duration, ..Outcome::default() },
            Err(error) => Outcome { duration, ..Outcome::failed(error.to_string()) },
        }
    }
}

/// An upload that has stopped in the middle with the file still open. Dropped, the connection is cut.
pub struct HeldUpload {
    session: Session,
    handle: Vec<u8>,
    local: std::path::PathBuf,
    remote: String,
    sent_bytes: u64,
}

impl HeldUpload {
    /// Uploads the first `hold_at_bytes` and stops, every WRITE acknowledged.
    pub async fn start(
        login: &Login,
        local: &Path,
        remote: &str,
        hold_at_bytes: u64,
    ) -> Result<HeldUpload, String> {
        let start = async {
            let session = connect(login).await?;
            let (handle, _) = session.open_for_upload(remote, false).await?;
            session.send(local, remote, &handle, 0, hold_at_bytes).await?;
            Ok::<_, BuiltInError>(HeldUpload {
                session,
                handle,
                local: local.to_owned(),
                remote: remote.to_owned(),
                sent_bytes: hold_at_bytes,
            })
        };
        start.await.map_err(|error| error.to_string())
    }

    /// Uploads the rest and closes the file.
    pub async fn finish(self) -> Result<(), String> {
        let HeldUpload { session, handle, local, remote, sent_bytes } = self;
        let finish = async {
            session.send(&local, &remote, &handle, sent_bytes, u64::MAX).await?;
            session.ask(&remote, Request::Close(&handle)).await?;
            session.0.close().await;
            Ok::<_, BuiltInError>(())
        };
        finish.await.map_err(|error| error.to_string())
    }

    /// Ends the connection with the file open, as Ctrl-C or a lost line would.
    pub async fn cut(self) {
        self.session.0.close().await;
    }
}
