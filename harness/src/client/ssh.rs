//! Logs in over SSH for the clients that are ours: the built-in one, and profiles of others.

use std::borrow::Cow;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use russh::client::{Config, Handle, Handler, connect_stream};
use russh::keys::{HashAlg, PrivateKeyWithHashAlg, PublicKey, PublicKeyOrCertificate, load_secret_key};
use russh::{ChannelMsg, Preferred, SshId, cipher};
use tokio::net::TcpSocket;

use super::Login;
use super::sftp::{Sftp, SftpError};

/// How a client appears on the wire.
#[derive(Clone, Debug)]
pub struct Manner<'a> {
    /// Identification string, without line end; absent: our own.
    pub banner: Option<&'a str>,
    /// Signatures to try, one after the other: hash of each, absent for SHA-1's `ssh-rsa`.
    pub signatures: &'a [Option<HashAlg>],
    /// SFTP version asked for.
    pub version: u32,
}

/// Why there is no session.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// No connection.
    #[error("cannot connect: {0}")]
    Connect(#[from] std::io::Error),
    /// The server's key is not the one that is known.
    #[error("the host key is not the one that is known")]
    HostKey,
    /// SSH went wrong.
    #[error("SSH: {0}")]
    Ssh(russh::Error),
    /// The private key cannot be used.
    #[error("key: {0}")]
    Key(#[from] russh::keys::Error),
    /// Not let in.
    #[error("the server refused the login as {user}")]
    Refused {
        /// Who.
        user: String,
    },
    /// The SFTP session did not begin.
    #[error("INIT: {0}")]
    Sftp(#[from] SftpError),
}

impl From<russh::Error> for ConnectError {
    fn from(error: russh::Error) -> ConnectError {
        if matches!(error, russh::Error::UnknownKey) {
            ConnectError::HostKey
        } else {
            ConnectError::Ssh(error)
        }
    }
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

/// A connection that is logged in, with an SFTP session.
pub struct Connection {
    ssh: Handle<KnownHost>,
    /// The session.
    pub sftp: Sftp,
}

impl Connection {
    /// Connects, logs in and starts the session.
    pub async fn open(login: &Login, manner: &Manner<'_>) -> Result<Connection, ConnectError> {
        let host = address_of(&login.host, login.port).await?;
        let socket = if host.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
        if let Some(source) = login.source_address {
            socket.bind(SocketAddr::new(source, 0))?;
        }
        let stream = socket.connect(SocketAddr::new(host, login.port)).await?;
        stream.set_nodelay(true)?;
        // AES-GCM takes a third of ChaCha20's time on processors of today; russh asks for it second.
        let preferred = Preferred {
            cipher: Cow::Borrowed(&[cipher::AES_256_GCM, cipher::CHACHA20_POLY1305, cipher::AES_256_CTR]),
            ..Preferred::default()
        };
        let mut config = Config { nodelay: true, preferred, ..Config::default() };
        if let Some(banner) = manner.banner {
            config.client_id = SshId::Standard(Cow::Owned(banner.to_owned()));
        }
        let known = PublicKey::from_openssh(&login.host_key).map_err(russh::keys::Error::from)?;
        let mut ssh = connect_stream(Arc::new(config), stream, KnownHost(known)).await?;
        if !authenticate(&mut ssh, login, manner.signatures).await? {
            return Err(ConnectError::Refused { user: login.user.clone() });
        }
        let channel = ssh.channel_open_session().await?;
        channel.request_subsystem(true, "sftp").await?;
        let sftp = Sftp::start(channel.into_stream(), manner.version).await?;
        Ok(Connection { ssh, sftp })
    }

    /// Asks for a program to be run, as clients do that look for checksum tools; whether the server agreed.
    pub async fn exec(&self, command: &str) -> Result<bool, ConnectError> {
        let mut channel = self.ssh.channel_open_session().await?;
        channel.exec(true, command).await?;
        loop {
            match channel.wait().await {
                Some(ChannelMsg::Success) => return Ok(true),
                Some(ChannelMsg::Failure) | None => return Ok(false),
                Some(_) => {}
            }
        }
    }

    /// Says good-bye.
    pub async fn close(self) {
        // The server may have ended it first; there is nothing left to do then.
        let _ = self.ssh.disconnect(russh::Disconnect::ByApplication, "", "en").await;
    }
}

/// The first address of a host.
async fn address_of(host: &str, port: u16) -> std::io::Result<IpAddr> {
    if let Ok(address) = host.parse() {
        return Ok(address);
    }
    let mut found = tokio::net::lookup_host((host, port)).await?;
    let first = found.next().map(|address| address.ip());
    first.ok_or_else(|| std::io::Error::new(std::io::ErrorKind::NotFound, format!("{host} has no address")))
}

async fn authenticate(
    ssh: &mut Handle<KnownHost>,
    login: &Login,
    signatures: &[Option<HashAlg>],
) -> Result<bool, ConnectError> {
    if let Some(password) = &login.password {
        return Ok(ssh.authenticate_password(&login.user, password).await?.success());
    }
    let key = Arc::new(load_secret_key(&login.private_key, None)?);
    for hash in signatures {
        let key = PrivateKeyWithHashAlg::new(key.clone(), *hash);
        if ssh.authenticate_publickey(&login.user, key).await?.success() {
            return Ok(true);
        }
    }
    Ok(false)
}
