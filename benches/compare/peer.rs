//! The servers that are compared: one line each in [`PEERS`], each a child process bound to loopback.

use std::fs;
use std::io::{self, Read};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::process;
use crate::visit::Account;

/// How long a server may take until it answers.
const START: Duration = Duration::from_secs(20);
/// How long it may take to end when it is asked to.
const END: Duration = Duration::from_secs(5);
/// Name of the file that is uploaded.
pub const NAME: &str = "IntraMapsSpatialCloud.bak";

/// What a server is started with.
pub struct Ground<'a> {
    /// A folder of its own.
    pub folder: PathBuf,
    /// Public key that is let in, in OpenSSH form, and the pair's file.
    pub public: &'a str,
    /// A host key, OpenSSH form.
    pub host_key: &'a Path,
    /// Python's environment is in it: the folder of `ci/install`.
    pub cache: &'a Path,
    /// What `ci/peers` unpacked, or nothing.
    pub peers: &'a Path,
    /// A port nobody listens on.
    pub port: u16,
}

/// A command that serves, whom it lets in, and where an upload goes.
pub struct Start {
    command: Command,
    user: String,
    /// Path as clients name it.
    remote: String,
    /// The same file, here.
    stored: PathBuf,
}

/// A kind of server.
pub struct Peer {
    /// Its name in the table.
    pub name: &'static str,
    /// How it is started; why it cannot be, where it cannot.
    start: fn(&Ground<'_>) -> Result<Start, String>,
}

/// The name of our own.
pub const OURS: &str = "spatialcloud";
/// What ratios are told against.
pub const SSHD: &str = "OpenSSH sshd";
/// No SSH server at all.
pub const CEILING: &str = "ceiling";

/// Every server, in the order of the table.
pub const PEERS: &[Peer] = &[
    Peer { name: OURS, start: spatialcloud },
    Peer { name: SSHD, start: sshd },
    Peer { name: "ProFTPD mod_sftp", start: proftpd },
    Peer { name: "rclone serve sftp", start: rclone },
    Peer { name: "asyncssh", start: asyncssh },
    Peer { name: CEILING, start: ceiling },
];

/// A server that runs. Dropped, it and all its children end.
pub struct Server {
    /// Its name in the table.
    pub name: &'static str,
    /// How to reach it.
    pub account: Account,
    /// Where an upload lies afterwards.
    pub stored: PathBuf,
    child: Child,
}

impl Server {
    /// Its process.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let group = nix::unistd::Pid::from_raw(i32::try_from(self.child.id()).unwrap_or_default());
        let _ = nix::sys::signal::killpg(group, nix::sys::signal::Signal::SIGTERM);
        let since = Instant::now();
        while matches!(self.child.try_wait(), Ok(None)) && since.elapsed() < END {
            std::thread::sleep(Duration::from_millis(10));
        }
        let _ = nix::sys::signal::killpg(group, nix::sys::signal::Signal::SIGKILL);
        let _ = self.child.wait();
    }
}

/// A port nobody listens on just now.
pub fn free_port() -> io::Result<u16> {
    Ok(TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port())
}

impl Peer {
    /// Starts one and waits until it answers; the reason where that is not possible here.
    pub fn start(&self, ground: &Ground<'_>) -> Result<Server, String> {
        let failed = |error: io::Error| format!("{}: {error}", self.name);
        fs::create_dir_all(ground.folder.join("Database")).map_err(failed)?;
        let Start { command, user, remote, stored } = (self.start)(ground)?;
        let log = fs::File::create(ground.folder.join("log")).map_err(failed)?;
        let child = lasting(command, log).spawn().map_err(failed)?;
        let mut server = Server {
            name: self.name,
            account: Account::new(ground.port, user, remote, ground.host_key).map_err(failed)?,
            stored,
            child,
        };
        let since = Instant::now();
        while !answers(ground.port) {
            let ended = server.child.try_wait().map_err(failed)?.is_some();
            if ended || since.elapsed() > START {
                let log = fs::read_to_string(ground.folder.join("log")).unwrap_or_default();
                return Err(format!("{}: no answer on port {}: {}", self.name, ground.port, log.trim()));
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        if self.name == OURS {
            server.account = ours(server.account.clone(), &ground.folder).map_err(failed)?;
        }
        // What served the question above has to go first.
        process::rest(server.pid());
        Ok(server)
    }
}

fn answers(port: u16) -> bool {
    let Ok(mut stream) = TcpStream::connect(("127.0.0.1", port)) else { return false };
    let _ = stream.set_read_timeout(Some(Duration::from_millis(500)));
    // The ceiling says nothing; that it listens is enough.
    !matches!(stream.read(&mut [0; 4]), Ok(0))
}

/// The command in a process group of its own, ended by the kernel should this process be killed.
fn lasting(command: Command, log: fs::File) -> Command {
    use std::os::unix::process::CommandExt;
    let mut outer = Command::new("setpriv");
    outer.args(["--pdeathsig", "TERM"]);
    outer.arg(command.get_program()).args(command.get_args());
    for (name, value) in command.get_envs() {
        if let Some(value) = value {
            outer.env(name, value);
        }
    }
    outer.process_group(0).stdin(Stdio::null());
    if let Ok(also) = log.try_clone() {
        outer.stdout(also);
    }
    outer.stderr(log);
    outer
}

/// Writes a file that only its owner may read: some servers demand it.
fn write(path: &Path, text: &str) -> Result<(), String> {
    use std::os::unix::fs::PermissionsExt;
    fs::write(path, text)
        .and_then(|()| fs::set_permissions(path, fs::Permissions::from_mode(0o600)))
        .map_err(|error| format!("{}: {error}", path.display()))
}

/// The user that servers run as which will not run as the superuser without being installed.
fn ordinary(folder: &Path) -> Result<(String, Vec<String>), String> {
    let user = nix::unistd::getuid();
    if !user.is_root() {
        let user = nix::unistd::User::from_uid(user).ok().flatten().ok_or("this user has no name")?;
        return Ok((user.name, Vec::new()));
    }
    // Not `nobody`: sshd holds its account for locked where it may not read the shadow file.
    let user = nix::unistd::User::from_name("daemon").ok().flatten().ok_or("there is no user daemon")?;
    let all = Command::new("chown").arg("-R").arg(format!("{}", user.uid)).arg(folder).status();
    all.map_err(|error| error.to_string())?;
    let flags =
        vec![format!("--reuid={}", user.uid), format!("--regid={}", user.gid), "--clear-groups".to_owned()];
    Ok((user.name, flags))
}

/// A copy of the host key that only the server's user may read.
fn own_host_key(ground: &Ground<'_>) -> Result<PathBuf, String> {
    use std::os::unix::fs::PermissionsExt;
    let own = ground.folder.join("host_key");
    fs::copy(ground.host_key, &own)
        .and_then(|_| fs::set_permissions(&own, fs::Permissions::from_mode(0o600)))
        .map_err(|error| format!("{}: {error}", own.display()))?;
    Ok(own)
}

/// A server that `ci/peers` unpacked, or that is installed.
fn unpacked(ground: &Ground<'_>, path: &str) -> Result<PathBuf, String> {
    [ground.peers.to_owned(), PathBuf::from("/")]
        .into_iter()
        .map(|root| root.join(path))
        .find(|path| path.exists())
        .ok_or_else(|| format!("/{path} is not here: ci/peers {} unpacks it", ground.cache.display()))
}

/// Libraries that the unpacked programs need and an installed package would bring.
fn libraries(ground: &Ground<'_>) -> String {
    let roots = ["usr/lib", "lib"].map(|root| fs::read_dir(ground.peers.join(root)));
    let folders = roots.into_iter().flatten().flatten().flatten().map(|entry| entry.path());
    folders.filter(|path| path.is_dir()).map(|path| path.display().to_string()).collect::<Vec<_>>().join(":")
}

fn beside(ground: &Ground<'_>) -> (String, PathBuf) {
    let stored = ground.folder.join("Database").join(NAME);
    (stored.display().to_string(), stored)
}

fn spatialcloud(ground: &Ground<'_>) -> Result<Start, String> {
    let program = std::env::current_exe().map_err(|error| error.to_string())?.with_file_name("spatialcloud");
    let config = ground.folder.join("up.json");
    let many = 2000;
    let settings = json!({"endpoint": {"limits": {"sessions-per-site": many, "sessions-per-address": many}}});
    write(&config, &settings.to_string())?;
    let mut command = Command::new(program);
    command.args([
        "up",
        "--json",
        "--listen",
        &format!("127.0.0.1:{}", ground.port),
        "--http",
        "127.0.0.1:0",
    ]);
    command.arg("--config").arg(config).arg("--data").arg(ground.folder.join("data"));
    Ok(Start {
        command,
        user: "DEMO".to_owned(),
        remote: format!("Database/{NAME}"),
        stored: ground.folder.join("data/sites/DEMO/inbox/Database").join(NAME),
    })
}

/// Our own has a key pair and a host key of its own; its card says which.
fn ours(mut account: Account, folder: &Path) -> io::Result<Account> {
    let since = Instant::now();
    let card: Value = loop {
        let text = fs::read_to_string(folder.join("log"))?;
        match serde_json::from_str(text.lines().next().unwrap_or_default()) {
            Ok(card) => break card,
            Err(_) if since.elapsed() < START => std::thread::sleep(Duration::from_millis(20)),
            Err(error) => return Err(io::Error::other(format!("{error}: {text}"))),
        }
    };
    account.host_key = card["sftp"]["host_key"].as_str().unwrap_or_default().to_owned();
    account.fingerprint = crate::visit::fingerprint(&account.host_key)?;
    account.private_key = card["sftp"]["key"].as_str().map(PathBuf::from);
    account.api = card["http"].as_str().map(str::to_owned);
    Ok(account)
}

fn sshd(ground: &Ground<'_>) -> Result<Start, String> {
    let program = unpacked(ground, "usr/sbin/sshd")?;
    own_host_key(ground)?;
    let folder = ground.folder.display();
    write(&ground.folder.join("authorized_keys"), &format!("{}\n", ground.public))?;
    let config = ground.folder.join("sshd_config");
    let lines = [
        format!("HostKey {folder}/host_key"),
        format!("AuthorizedKeysFile {folder}/authorized_keys"),
        "StrictModes no\nUsePAM no\nPidFile none\nPasswordAuthentication no\nUseDNS no".to_owned(),
        "MaxStartups 2000\nMaxSessions 2000\nLogLevel ERROR\nSubsystem sftp internal-sftp".to_owned(),
    ];
    write(&config, &lines.join("\n"))?;
    let (user, flags) = ordinary(&ground.folder)?;
    let mut command = Command::new("setpriv");
    command.args(flags).arg(program).arg("-D").arg("-e").arg("-f").arg(config);
    command.args(["-p", &ground.port.to_string(), "-o", "ListenAddress=127.0.0.1"]);
    command.env("LD_LIBRARY_PATH", libraries(ground));
    let (remote, stored) = beside(ground);
    Ok(Start { command, user, remote, stored })
}

fn proftpd(ground: &Ground<'_>) -> Result<Start, String> {
    let program = unpacked(ground, "usr/sbin/proftpd")?;
    let crypto = unpacked(ground, "usr/lib/proftpd/mod_sftp.so")?;
    let modules = crypto.parent().unwrap_or(&crypto);
    own_host_key(ground)?;
    let folder = ground.folder.display();
    let plain = ground.folder.join("key.pub");
    write(&plain, ground.public)?;
    let converted = Command::new("ssh-keygen").args(["-e", "-f"]).arg(&plain).output();
    let converted = converted.map_err(|error| format!("ssh-keygen: {error}"))?;
    write(&ground.folder.join("authorized_keys"), &String::from_utf8_lossy(&converted.stdout))?;
    // It wants to be the superuser and becomes this user by itself.
    let (user, _) = ordinary(&ground.folder)?;
    let (uid, gid) = nix::unistd::User::from_name(&user)
        .ok()
        .flatten()
        .map_or((0, 0), |user| (user.uid.as_raw(), user.gid.as_raw()));
    write(&ground.folder.join("passwd"), &format!("{user}:*:{uid}:{gid}::{folder}:/bin/sh\n"))?;
    write(&ground.folder.join("group"), &format!("{user}:*:{gid}:\n"))?;
    let config = ground.folder.join("proftpd.conf");
    let text = format!(
        "User {user}\nGroup {user}\nModulePath {}\nLoadModule mod_sftp.c\nServerType standalone\nDefaultAddress 127.0.0.1\nSocketBindTight on\n\
         Port {}\nUseIPv6 off\nScoreboardFile {folder}/scoreboard\nPidFile {folder}/pid\nDelayEngine off\n\
         ControlsEngine off\nControlsSocket {folder}/controls\n\
         UseReverseDNS off\nWtmpLog off\nTransferLog none\nSystemLog {folder}/system.log\nAuthOrder mod_auth_file.c\n\
         RequireValidShell off\nMaxInstances 50\nAuthUserFile {folder}/passwd\nAuthGroupFile {folder}/group\n\
         SFTPEngine on\nSFTPLog {folder}/sftp.log\nSFTPHostKey {folder}/host_key\nSFTPAuthMethods publickey\n\
         SFTPAuthorizedUserKeys file:{folder}/authorized_keys\nAllowOverwrite on\nAllowStoreRestart on\n",
        modules.display(),
        ground.port
    );
    write(&config, &text)?;
    for name in ["passwd", "group", "host_key"] {
        // Read before it becomes the other user: these have to be the superuser's own, if that starts it.
        std::os::unix::fs::chown(ground.folder.join(name), Some(nix::unistd::getuid().as_raw()), None)
            .map_err(|error| format!("{name}: {error}"))?;
    }
    let mut command = Command::new(program);
    command.args(["--nodaemon", "--quiet", "--config"]).arg(config);
    command.env("LD_LIBRARY_PATH", libraries(ground));
    let (remote, stored) = beside(ground);
    Ok(Start { command, user, remote, stored })
}

fn rclone(ground: &Ground<'_>) -> Result<Start, String> {
    let host_key = own_host_key(ground)?;
    let keys = ground.folder.join("authorized_keys");
    write(&keys, &format!("{}\n", ground.public))?;
    let mut command = Command::new("rclone");
    command.env("RCLONE_CONFIG", "/dev/null");
    command.args(["serve", "sftp"]).arg(&ground.folder);
    command.args(["--addr", &format!("127.0.0.1:{}", ground.port)]);
    command.arg("--key").arg(host_key).arg("--authorized-keys").arg(keys);
    let stored = beside(ground).1;
    Ok(Start { command, user: "bench".to_owned(), remote: format!("Database/{NAME}"), stored })
}

const ASYNCSSH: &str = include_str!("asyncssh_server.py");

fn asyncssh(ground: &Ground<'_>) -> Result<Start, String> {
    let python = ground.cache.join("venv/bin/python");
    if !python.is_file() {
        return Err(format!(
            "{} is not here: ci/install {} makes it",
            python.display(),
            ground.cache.display()
        ));
    }
    let host_key = own_host_key(ground)?;
    let keys = ground.folder.join("authorized_keys");
    write(&keys, &format!("{}\n", ground.public))?;
    let mut command = Command::new(python);
    command.args(["-c", ASYNCSSH, &ground.port.to_string()]).arg(host_key).arg(keys).arg(&ground.folder);
    let stored = beside(ground).1;
    Ok(Start { command, user: "bench".to_owned(), remote: format!("Database/{NAME}"), stored })
}

fn ceiling(ground: &Ground<'_>) -> Result<Start, String> {
    let program = std::env::current_exe().map_err(|error| error.to_string())?;
    let (remote, stored) = beside(ground);
    let mut command = Command::new(program);
    command.args(["ceiling", &ground.port.to_string()]).arg(&stored);
    Ok(Start { command, user: String::new(), remote, stored })
}
