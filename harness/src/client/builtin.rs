//! The built-in client on russh and russh-sftp: pipelined, and able to stop in the middle of an upload.

use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use async_trait::async_trait;
use russh::client::{Config, Handle, Handler, connect_stream};
use russh::keys::{HashAlg, PrivateKeyWithHashAlg, PublicKey, PublicKeyOrCertificate, load_secret_key};
use russh_sftp::client::RawSftpSession;
use russh_sftp::client::error::Error as SftpError;
use russh_sftp::protocol::{FileAttributes, OpenFlags, StatusCode};
use tokio::io::AsyncReadExt;
use tokio::net::TcpSocket;
use tokio::task::JoinSet;

use super::{Availability, Client, Login, Operation, Outcome};

/// Data in one WRITE: what OpenSSH's server allows.
const WRITE_BYTES: usize = 255 * 1024;
/// WRITEs that wait for their reply at once.
const IN_FLIGHT: usize = 64;
/// Longest wait for one reply, in seconds.
const REPLY_SECONDS: u64 = 60;

/// The built-in client.
pub struct BuiltIn;

/// Why it failed, in the words its user sees.
#[derive(Debug, thiserror::Error)]
enum BuiltInError {
    #[error("cannot connect: {0}")]
    Connect(#[from] std::io::Error),
    #[error("SSH: {0}")]
    Ssh(#[from] russh::Error),
    #[error("key: {0}")]
    Key(#[from] russh::keys::Error),
    #[error("the server refused the login as {user}")]
    Refused { user: String },
    #[error("{path}: {error}")]
    Sftp { path: String, error: SftpError },
    #[error("an upload task ended early: {0}")]
    Task(#[from] tokio::task::JoinError),
}

struct KnownHost(PublicKey);

impl Handler for KnownHost {
    type Error = russh::Error;

    async fn check_server_key(&mut self, key: &PublicKeyOrCertificate) -> Result<bool, russh::Error> {
        Ok(
            matches!(key, PublicKeyOrCertificate::PublicKey { key, .. } if key.key_data() == self.0.key_data()),
        )
    }
}

struct Session {
    ssh: Handle<KnownHost>,
    sftp: Arc<RawSftpSession>,
}

fn at(path: &str) -> impl Fn(SftpError) -> BuiltInError + '_ {
    move |error| BuiltInError::Sftp { path: path.to_owned(), error }
}

async fn connect(login: &Login) -> Result<Session, BuiltInError> {
    let host: IpAddr = login.host.parse().map_err(|_| std::io::Error::other("the host is not an address"))?;
    let socket = if host.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    if let Some(source) = login.source_address {
        socket.bind(SocketAddr::new(source, 0))?;
    }
    let stream = socket.connect(SocketAddr::new(host, login.port)).await?;
    stream.set_nodelay(true)?;
    let config = Config { nodelay: true, ..Config::default() };
    let known = PublicKey::from_openssh(&login.host_key).map_err(russh::keys::Error::from)?;
    let mut ssh = connect_stream(Arc::new(config), stream, KnownHost(known)).await?;
    let accepted = match &login.password {
        Some(password) => ssh.authenticate_password(&login.user, password).await?,
        None => {
            let key = Arc::new(load_secret_key(&login.private_key, None)?);
            let key = PrivateKeyWithHashAlg::new(key, Some(HashAlg::Sha512));
            ssh.authenticate_publickey(&login.user, key).await?
        }
    };
    if !accepted.success() {
        return Err(BuiltInError::Refused { user: login.user.clone() });
    }
    let channel = ssh.channel_open_session().await?;
    channel.request_subsystem(true, "sftp").await?;
    let sftp = RawSftpSession::new(channel.into_stream());
    sftp.set_timeout(REPLY_SECONDS);
    sftp.init().await.map_err(at("INIT"))?;
    Ok(Session { ssh, sftp: Arc::new(sftp) })
}

impl Session {
    async fn end(self) {
        // The server may have ended it first; there is nothing left to do then.
        let _ = self.ssh.disconnect(russh::Disconnect::ByApplication, "", "en").await;
    }

    async fn open_for_upload(&self, remote: &str, resume: bool) -> Result<(String, u64), BuiltInError> {
        if !resume {
            let flags = OpenFlags::WRITE | OpenFlags::CREATE | OpenFlags::TRUNCATE;
            let opened = self.sftp.open(remote, flags, FileAttributes::empty()).await.map_err(at(remote))?;
            return Ok((opened.handle, 0));
        }
        let opened =
            self.sftp.open(remote, OpenFlags::WRITE, FileAttributes::empty()).await.map_err(at(remote))?;
        let found = self.sftp.fstat(&opened.handle).await.map_err(at(remote))?;
        Ok((opened.handle, found.attrs.size.unwrap_or(0)))
    }

    /// Sends `local` from `from_bytes` up to `until_bytes`, many WRITEs at once.
    async fn send(
        &self,
        local: &Path,
        remote: &str,
        handle: &str,
        from_bytes: u64,
        until_bytes: u64,
    ) -> Result<(), BuiltInError> {
        use tokio::io::AsyncSeekExt;
        let mut file = tokio::fs::File::open(local).await?;
        file.seek(std::io::SeekFrom::Start(from_bytes)).await?;
        let mut offset = from_bytes;
        let mut waiting: JoinSet<Result<(), SftpError>> = JoinSet::new();
        while offset < until_bytes {
            let length = usize::try_from(until_bytes - offset).unwrap_or(WRITE_BYTES).min(WRITE_BYTES);
            let mut piece = vec![0; length];
            let mut filled = 0;
            while filled < length {
                match file.read(&mut piece[filled..]).await? {
                    0 => break,
                    count => filled += count,
                }
            }
            if filled == 0 {
                break;
            }
            piece.truncate(filled);
            if waiting.len() >= IN_FLIGHT
                && let Some(done) = waiting.join_next().await
            {
                done?.map_err(at(remote))?;
            }
            let (sftp, handle) = (self.sftp.clone(), handle.to_owned());
            waiting.spawn(async move { sftp.write(handle, offset, piece).await.map(|_| ()) });
            offset += filled as u64;
        }
        while let Some(done) = waiting.join_next().await {
            done?.map_err(at(remote))?;
        }
        Ok(())
    }

    async fn download(&self, remote: &str, local: &Path) -> Result<(), BuiltInError> {
        use tokio::io::AsyncWriteExt;
        let opened =
            self.sftp.open(remote, OpenFlags::READ, FileAttributes::empty()).await.map_err(at(remote))?;
        let mut file = tokio::fs::File::create(local).await?;
        let mut offset = 0;
        loop {
            match self.sftp.read(&opened.handle, offset, 32 * 1024).await {
                Ok(data) => {
                    offset += data.data.len() as u64;
                    file.write_all(&data.data).await?;
                }
                Err(SftpError::Status(status)) if status.status_code == StatusCode::Eof => break,
                Err(error) => return Err(at(remote)(error)),
            }
        }
        file.flush().await?;
        self.sftp.close(opened.handle).await.map_err(at(remote)).map(|_| ())
    }

    async fn list(&self, path: &str) -> Result<Vec<String>, BuiltInError> {
        let opened = self.sftp.opendir(path).await.map_err(at(path))?;
        let mut names = Vec::new();
        loop {
            match self.sftp.readdir(&opened.handle).await {
                Ok(piece) => names.extend(piece.files.into_iter().map(|file| file.filename)),
                Err(SftpError::Status(status)) if status.status_code == StatusCode::Eof => break,
                Err(error) => return Err(at(path)(error)),
            }
        }
        self.sftp.close(opened.handle).await.map_err(at(path))?;
        Ok(names)
    }

    async fn set_times(&self, path: &str, modified: u32) -> Result<(), BuiltInError> {
        let times =
            FileAttributes { atime: Some(modified), mtime: Some(modified), ..FileAttributes::empty() };
        self.sftp.setstat(path, times).await.map_err(at(path)).map(|_| ())
    }

    async fn perform(&self, operation: &Operation) -> Result<Vec<String>, BuiltInError> {
        match operation {
            Operation::Connect => {
                self.sftp.realpath(".").await.map_err(at("."))?;
            }
            Operation::Upload { local, remote, preserve_times, resume, .. } => {
                let (handle, from_bytes) = self.open_for_upload(remote, *resume).await?;
                let sent = self.send(local, remote, &handle, from_bytes, u64::MAX).await;
                let closed = self.sftp.close(handle).await.map_err(at(remote));
                sent?;
                closed?;
                if *preserve_times {
                    let modified = std::fs::metadata(local)?.modified()?;
                    let seconds =
                        modified.duration_since(std::time::UNIX_EPOCH).unwrap_or_default().as_secs();
                    self.set_times(remote, u32::try_from(seconds).unwrap_or(u32::MAX)).await?;
                }
            }
            Operation::Download { remote, local } => self.download(remote, local).await?,
            Operation::List { path } => return self.list(path).await,
            Operation::Rename { from, to } => {
                self.sftp.rename(from, to).await.map_err(at(from))?;
            }
            Operation::Remove { path } => {
                self.sftp.remove(path).await.map_err(at(path))?;
            }
            Operation::MakeDirectory { path } => {
                self.sftp.mkdir(path, FileAttributes::empty()).await.map_err(at(path))?;
            }
            Operation::RemoveDirectory { path } => {
                self.sftp.rmdir(path).await.map_err(at(path))?;
            }
            Operation::SetTimes { path, modified } => self.set_times(path, *modified).await?,
        }
        Ok(Vec::new())
    }
}

#[async_trait]
impl Client for BuiltIn {
    fn name(&self) -> &'static str {
        super::BUILT_IN
    }

    fn availability(&self) -> Availability {
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
                session.end().await;
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
    handle: String,
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
            session.sftp.close(handle).await.map_err(at(&remote))?;
            session.end().await;
            Ok::<_, BuiltInError>(())
        };
        finish.await.map_err(|error| error.to_string())
    }

    /// Ends the connection with the file open, as Ctrl-C or a lost line would.
    pub async fn cut(self) {
        self.session.end().await;
    }
}
