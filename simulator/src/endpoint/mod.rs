//! The SFTP endpoint: listens, lets in only listed addresses (C-10), and runs an SSH server for each.

mod attributes;
pub mod bare;
mod channel;
mod disk_pace;
mod extension;
pub mod frame;
mod host_key;
mod login;
mod operations;
mod session;
mod wire;

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use russh::keys::{Algorithm, HashAlg, PrivateKey};
use russh::server::Config as SshConfig;
use russh::{MethodKind, MethodSet, cipher};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, watch};

use crate::clock::Clock;
use crate::config::{EndpointConfig, Refusal};
use crate::fault::{Effects, Faults, Point, Question, Verdict};
use crate::journal::{Fact, Journal};
use crate::site::Sites;
pub use host_key::HostKeyError;
use wire::{Ending, Line, Wire};

/// Every refused login takes this long, whoever asks: known and unknown names look alike (C-13).
const REJECTION_TIME: Duration = Duration::from_millis(100);
/// Largest SSH packet payload we take; the value every implementation supports.
const SSH_PACKET_BYTES: u32 = 65_535;
/// Ciphers, the client choosing. russh leaves AES-128-GCM out by itself, which Go's clients ask for first: without it
/// they take ChaCha20, and twice the time.
const CIPHERS: &[cipher::Name] = &[
    cipher::CHACHA20_POLY1305,
    cipher::AES_256_GCM,
    cipher::AES_128_GCM,
    cipher::AES_256_CTR,
    cipher::AES_192_CTR,
    cipher::AES_128_CTR,
];
/// Connections held silent at once under the `blackhole` manner; more are closed.
const BLACKHOLES: usize = 256;
/// How long a stop waits for sessions to put their files away.
const STOP_GRACE: Duration = Duration::from_secs(10);

/// Why the endpoint could not be started.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The address cannot be listened on.
    #[error(
        "cannot listen on {address}: {error}; choose another with --listen ADDRESS:PORT, or port 0 for any free one"
    )]
    Listen {
        /// The address that was asked for.
        address: SocketAddr,
        /// What the operating system answered.
        error: std::io::Error,
    },
    /// The host key cannot be had.
    #[error(transparent)]
    HostKey(#[from] HostKeyError),
}

/// What all connections share.
pub(crate) struct Shared {
    pub settings: Arc<EndpointConfig>,
    pub sites: Sites,
    pub journal: Journal,
    pub clock: Clock,
    pub faults: Faults,
    pub effects: Arc<dyn Effects>,
    counts: Mutex<Counts>,
    next_session: AtomicU64,
    cut: watch::Sender<bool>,
}

#[derive(Default)]
struct Counts {
    of_site: BTreeMap<String, u32>,
    of_address: BTreeMap<IpAddr, u32>,
    /// Connections that have not logged in yet; the grace timer cuts them.
    waiting: BTreeSet<u64>,
    /// Connections being served: [`Endpoint::stop`] waits for none.
    open: usize,
    blackholes: usize,
}

impl Shared {
    fn counts(&self) -> std::sync::MutexGuard<'_, Counts> {
        // Counters are changed in one step each: a panic elsewhere leaves them right.
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn sessions_of(&self, code: &str) -> u32 {
        self.counts().of_site.get(code).copied().unwrap_or(0)
    }

    fn entered(&self, code: &str) {
        *self.counts().of_site.entry(code.to_owned()).or_default() += 1;
    }

    fn left(&self, code: &str) {
        if let Some(count) = self.counts().of_site.get_mut(code) {
            *count = count.saturating_sub(1);
        }
    }

    fn authenticated(&self, session: u64) {
        self.counts().waiting.remove(&session);
    }
}

/// A running endpoint.
pub struct Endpoint {
    shared: Arc<Shared>,
    address: SocketAddr,
    host_keys: Vec<String>,
    fingerprint: String,
    accepting: tokio::task::JoinHandle<()>,
    legacy: Option<(SocketAddr, tokio::task::JoinHandle<()>)>,
}

impl Endpoint {
    /// Listens on `settings.listen`; host keys lie in `data`.
    pub async fn start(
        settings: EndpointConfig,
        sites: Sites,
        journal: Journal,
        clock: Clock,
        (faults, effects): (Faults, Arc<dyn Effects>),
        data: &Path,
    ) -> Result<Endpoint, StartError> {
        let keys = host_key::load_or_make(data, settings.allow_ssh_rsa)?;
        let host_keys = keys.iter().map(|key| key.public_key().to_openssh().unwrap_or_default()).collect();
        let fingerprint = keys[0].public_key().fingerprint(HashAlg::Sha256).to_string();
        let listen = settings.listen;
        let failed = |error| StartError::Listen { address: listen, error };
        let listener = TcpListener::bind(listen).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let ssh = Arc::new(ssh_config(&settings, keys));
        let legacy_ftp = settings.legacy_ftp;
        let (cut, _) = watch::channel(false);
        let shared = Arc::new(Shared {
            settings: Arc::new(settings),
            sites,
            journal,
            clock,
            faults,
            effects,
            counts: Mutex::default(),
            next_session: AtomicU64::new(1),
            cut,
        });
        let legacy = match legacy_ftp {
            None => None,
            Some(address) => {
                let failed = |error| StartError::Listen { address, error };
                let listener = TcpListener::bind(address).await.map_err(failed)?;
                let bound = listener.local_addr().map_err(failed)?;
                Some((bound, tokio::spawn(refuse_ftp(listener, shared.clone()))))
            }
        };
        let accepting = tokio::spawn(accept(listener, shared.clone(), ssh));
        Ok(Endpoint { shared, address, host_keys, fingerprint, accepting, legacy })
    }

    /// Where it listens, with the port the system chose if 0 was asked for.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where legacy FTP is refused, if that is set (C-06).
    pub fn legacy_ftp(&self) -> Option<SocketAddr> {
        self.legacy.as_ref().map(|(address, _)| *address)
    }

    /// The host key in OpenSSH form: `ssh-ed25519 AAAA…`.
    pub fn host_key(&self) -> &str {
        self.host_keys.first().map_or("", String::as_str)
    }

    /// All host keys; more than one where SHA-1 clients are let in.
    pub fn host_keys(&self) -> &[String] {
        &self.host_keys
    }

    /// The host key's fingerprint: `SHA256:…`.
    pub fn host_key_fingerprint(&self) -> &str {
        &self.fingerprint
    }

    /// Stops listening, cuts every connection and waits until each has put its files away.
    pub async fn stop(self) {
        self.accepting.abort();
        if let Some((_, refusing)) = &self.legacy {
            refusing.abort();
        }
        self.shared.cut.send_replace(true);
        let all_gone = async {
            while self.shared.counts().open > 0 {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        let _ = tokio::time::timeout(STOP_GRACE, all_gone).await;
    }
}

fn ssh_config(settings: &EndpointConfig, keys: Vec<PrivateKey>) -> SshConfig {
    let limits = &settings.limits;
    let mut signatures = vec![
        Algorithm::Ed25519,
        Algorithm::Rsa { hash: Some(HashAlg::Sha512) },
        Algorithm::Rsa { hash: Some(HashAlg::Sha256) },
    ];
    if settings.allow_ssh_rsa {
        signatures.push(Algorithm::Rsa { hash: None });
    }
    SshConfig {
        server_id: russh::SshId::Standard(concat!("SSH-2.0-spatialcloud_", env!("CARGO_PKG_VERSION")).into()),
        methods: MethodSet::from(&[MethodKind::PublicKey][..]),
        auth_rejection_time: REJECTION_TIME,
        auth_rejection_time_initial: Some(Duration::ZERO),
        keys,
        // Bytes of payload. AES-GCM is safe far beyond; ChaCha20 and old ciphers are why it is bounded at all.
        limits: russh::Limits {
            rekey_write_limit: limits.rekey_bytes as usize,
            rekey_read_limit: limits.rekey_bytes as usize,
            rekey_time_limit: Duration::from_secs(limits.rekey_seconds),
        },
        window_size: channel::WINDOW_BYTES,
        maximum_packet_size: SSH_PACKET_BYTES,
        event_buffer_size: channel::REPLY_QUEUE,
        channel_buffer_size: channel::PACKET_QUEUE,
        preferred: russh::Preferred {
            // Announced as server-sig-algs too. Short on purpose: libssh2 1.11.1 crashes on long lists.
            key: signatures.into(),
            cipher: CIPHERS.into(),
            ..russh::Preferred::default()
        },
        max_auth_attempts: limits.authentication_attempts as usize,
        inactivity_timeout: Some(Duration::from_secs(limits.idle_timeout_seconds)),
        nodelay: true,
        ..SshConfig::default()
    }
}

async fn accept(listener: TcpListener, shared: Arc<Shared>, ssh: Arc<SshConfig>) {
    loop {
        match listener.accept().await {
            Ok((stream, peer)) => {
                tokio::spawn(serve(stream, peer, shared.clone(), ssh.clone()));
            }
            // Out of file descriptors, most likely: let others end before trying again.
            Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
        }
    }
}

async fn serve(stream: TcpStream, peer: SocketAddr, shared: Arc<Shared>, ssh: Arc<SshConfig>) {
    let address = peer.ip().to_canonical();
    if !shared.sites.admits(address) {
        let manner = shared.settings.unlisted_address;
        if manner != Refusal::Auth {
            let reason =
                "no provisioned site lists this address: add it to the site, or connect from a listed one";
            return refuse(stream, peer, address, manner, reason, &shared).await;
        }
    }
    let limit = shared.settings.limits.sessions_per_address;
    let admitted = {
        let mut counts = shared.counts();
        let count = counts.of_address.entry(address).or_default();
        let admitted = *count < limit;
        if admitted {
            *count += 1;
            counts.open += 1;
        }
        admitted
    };
    if !admitted {
        let reason = format!("{limit} connections from this address are open already: close one first");
        return refuse(stream, peer, address, Refusal::Close, &reason, &shared).await;
    }
    let session = shared.next_session.fetch_add(1, Ordering::Relaxed);
    let since = Clock::stopwatch();
    shared
        .journal
        .record(None, Fact::ConnectionOpened { session, address: address.to_string(), port: peer.port() });
    let reason = converse(stream, address, session, &shared, ssh).await;
    {
        let mut counts = shared.counts();
        counts.waiting.remove(&session);
        counts.open -= 1;
        if let Some(count) = counts.of_address.get_mut(&address) {
            *count -= 1;
            if *count == 0 {
                counts.of_address.remove(&address);
            }
        }
    }
    let duration_ms = since.elapsed_ms();
    shared
        .journal
        .record(None, Fact::ConnectionClosed { session, address: address.to_string(), reason, duration_ms });
}

/// Runs the SSH server on one connection; answers why it ended.
async fn converse(
    stream: TcpStream,
    address: IpAddr,
    session: u64,
    shared: &Arc<Shared>,
    ssh: Arc<SshConfig>,
) -> String {
    // Small replies must not wait for the acknowledgement of earlier ones.
    let _ = stream.set_nodelay(true);
    let mut ssh = ssh;
    let question =
        Question { point: Point::Connection, site: None, session, operation: "", path: "", range: None };
    for verdict in shared.faults.ask(&question) {
        match verdict {
            Verdict::Wait(time) => tokio::time::sleep(time).await,
            Verdict::OtherHostKey => match PrivateKey::random(&mut rand::rng(), Algorithm::Ed25519) {
                Ok(key) => ssh = Arc::new(ssh_config(&shared.settings, vec![key])),
                Err(error) => return error.to_string(),
            },
            _ => {}
        }
    }
    let line = Line::new();
    let (busy, mut idle) = mpsc::channel(1);
    let handler = login::Connection::new(shared.clone(), session, address, line.clone(), busy);
    let grace = Duration::from_secs(shared.settings.limits.login_grace_seconds);
    shared.counts().waiting.insert(session);
    let timer = {
        let shared = shared.clone();
        let line = line.clone();
        let mut all = shared.cut.subscribe();
        tokio::spawn(async move {
            let stopped = async { all.wait_for(|cut| *cut).await.is_ok() };
            tokio::pin!(stopped);
            let late = tokio::select! {
                () = tokio::time::sleep(grace) => shared.counts().waiting.contains(&session),
                _ = &mut stopped => true,
            };
            // Once logged in, only a stop of the endpoint ends it from outside.
            if late || stopped.await {
                line.end(Ending::Cut);
            }
        })
    };
    let ended = match russh::server::run_stream(
        ssh,
        Wire::new(stream, line.clone(), session, shared.faults.clone()),
        handler,
    )
    .await
    {
        Ok(running) => running.await,
        Err(error) => Err(error),
    };
    timer.abort();
    line.has_ended();
    // The end of the connection is told after the ends of its files, always in that order.
    let _ = idle.recv().await;
    match ended {
        Ok(()) => "the client disconnected".to_owned(),
        Err(error) => error.to_string(),
    }
}

/// Turns a connection away before SSH begins, in the manner of the setting (C-10).
async fn refuse(
    stream: TcpStream,
    peer: SocketAddr,
    address: IpAddr,
    manner: Refusal,
    reason: &str,
    shared: &Arc<Shared>,
) {
    shared.journal.record(
        None,
        Fact::ConnectionRefused {
            address: address.to_string(),
            reason: reason.to_owned(),
            manner: manner.name().to_owned(),
            port: peer.port(),
        },
    );
    match manner {
        Refusal::Close | Refusal::Auth => drop(stream),
        Refusal::Reset => {
            // With a zero linger time, closing sends a reset.
            let _ = stream.set_zero_linger();
        }
        Refusal::Blackhole => blackhole(stream, shared).await,
    }
}

/// Takes what comes and never speaks, until the client gives up.
async fn blackhole(mut stream: TcpStream, shared: &Arc<Shared>) {
    {
        let mut counts = shared.counts();
        if counts.blackholes >= BLACKHOLES {
            return;
        }
        counts.blackholes += 1;
    }
    let mut cut = shared.cut.subscribe();
    let mut ignored = [0; 512];
    loop {
        tokio::select! {
            read = stream.read(&mut ignored) => if !matches!(read, Ok(1..)) { break },
            _ = cut.wait_for(|cut| *cut) => break,
        }
    }
    shared.counts().blackholes -= 1;
}

/// The legacy FTP service is shut down (C-06): says so, where the setting asks for a listener.
async fn refuse_ftp(listener: TcpListener, shared: Arc<Shared>) {
    loop {
        let Ok((mut stream, peer)) = listener.accept().await else { continue };
        shared.journal.record(
            None,
            Fact::ConnectionRefused {
                address: peer.ip().to_canonical().to_string(),
                reason: "the legacy FTP service is shut down; upload by SFTP".to_owned(),
                manner: "legacy-ftp".to_owned(),
                port: peer.port(),
            },
        );
        let _ = stream.write_all(b"421 FTP is shut down here; use SFTP.\r\n").await;
    }
}
