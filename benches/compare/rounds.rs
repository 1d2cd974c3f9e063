//! What is measured with what, and the rounds: every pair once in each, so that a busy machine is busy for all.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rand::Rng;
use serde_json::json;
use spatialcloud_harness::throughput::Habit;

use crate::distance::{Proxy, Trip};
use crate::figures::{Line, Sample};
use crate::peer::{CEILING, Ground, OURS, PEERS, Peer, SSHD, Server, free_port};
use crate::process::{Taken, Watch};
use crate::report::Table;
use crate::visit::{self, Account, Errand, PIPELINED, STOCK, VISITORS, Visit, Visitor};

/// What was asked for.
pub struct Plan {
    /// Interleaved rounds.
    pub rounds: usize,
    /// Bytes of an upload.
    pub size_bytes: u64,
    /// Only tables whose name contains this.
    pub only: String,
    /// Folder on tmpfs.
    pub memory: PathBuf,
    /// Folder on a disk.
    pub disk: PathBuf,
    /// The folder of `ci/install`.
    pub cache: PathBuf,
}

/// Set when the programme is to end early.
static ENDING: AtomicBool = AtomicBool::new(false);

/// Logins of one measurement, and how many at once.
const HANDSHAKES: usize = 60;
const HANDSHAKES_AT_ONCE: usize = 4;
/// Bytes that each of many sessions uploads.
const SESSION_BYTES: u64 = 2 << 20;
/// Sessions at once.
const SESSIONS: [usize; 4] = [1, 10, 100, 500];

/// Ctrl-C and a termination let the measurement at hand end, then the servers, then the programme.
pub fn end_with_the_programme() -> Result<(), String> {
    use tokio::signal::unix::{SignalKind, signal};
    let (ready, is_ready) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().ok()?;
        runtime.block_on(async move {
            let mut interrupt = signal(SignalKind::interrupt()).ok()?;
            let mut terminate = signal(SignalKind::terminate()).ok()?;
            let _ = ready.send(());
            tokio::select! { _ = interrupt.recv() => {}, _ = terminate.recv() => {} }
            ENDING.store(true, Ordering::Relaxed);
            Some(())
        })
    });
    is_ready.recv().map_err(|_| "signals cannot be listened to".to_owned())
}

fn go_on() -> Result<(), String> {
    if ENDING.load(Ordering::Relaxed) {
        Err("ended before its time; nothing is written".to_owned())
    } else {
        Ok(())
    }
}

/// Round trips that are tried, with the bytes of an upload: some two seconds each.
const DISTANCES: [(u64, u64); 3] = [(10, 64 << 20), (50, 32 << 20), (150, 16 << 20)];
/// Rounds over a long line: it is the line that takes the time, and that is the same in each.
const DISTANCE_ROUNDS: usize = 2;

/// Runs all of it.
pub fn run(plan: &Plan) -> Result<(Vec<Table>, Vec<Trip>), String> {
    let (mut tables, mut trips) = (Vec::new(), Vec::new());
    for (name, folder) in [("tmpfs", &plan.memory), ("disk", &plan.disk)] {
        let wanted = |table: &str| table.contains(plan.only.as_str());
        let names = [
            format!("uploads to {name}"),
            "handshakes".to_owned(),
            "sessions at once".to_owned(),
            "distance".to_owned(),
        ];
        let more = name == "tmpfs";
        if !names.iter().take(if more { names.len() } else { 1 }).any(|name| wanted(name)) {
            continue;
        }
        let site = Site::prepare(folder, plan).map_err(|error| format!("{}: {error}", folder.display()))?;
        let started = site.start(name == "disk");
        let servers: Vec<&Server> = started.iter().filter_map(|(_, server)| server.as_ref().ok()).collect();
        let absent: Vec<(&str, String)> = started
            .iter()
            .filter_map(|(name, server)| Some((*name, server.as_ref().err()?.clone())))
            .collect();
        for (name, reason) in &absent {
            eprintln!("{name}: not measured: {reason}");
        }
        if wanted(&names[0]) {
            tables.push(uploads(plan, &names[0], &site, &servers, &absent)?);
        }
        if more && wanted(&names[1]) {
            tables.push(handshakes(plan, &names[1], &site, &servers)?);
        }
        if more && wanted(&names[2]) {
            tables.push(sessions(plan, &names[2], &site, &servers)?);
        }
        if more && wanted(&names[3]) {
            trips = distances(&site, &servers)?;
        }
    }
    Ok((tables, trips))
}

/// Files and keys of a run.
struct Site<'p> {
    folder: tempfile::TempDir,
    /// Bytes that no compression makes shorter.
    source: PathBuf,
    small: PathBuf,
    key: PathBuf,
    public: String,
    host_key: PathBuf,
    /// A copy of the folder of `ci/install` where servers that run as another user can read it.
    peers: tempfile::TempDir,
    plan: &'p Plan,
}

impl<'p> Site<'p> {
    fn prepare(folder: &Path, plan: &'p Plan) -> io::Result<Site<'p>> {
        let folder = tempfile::Builder::new().prefix("spatialcloud-bench-").tempdir_in(folder)?;
        // Servers that run as another user have to get in.
        fs::set_permissions(folder.path(), std::os::unix::fs::PermissionsExt::from_mode(0o755))?;
        let at = |name: &str| folder.path().join(name);
        for (name, size_bytes) in [("source", plan.size_bytes), ("small", SESSION_BYTES)] {
            fill(&at(name), size_bytes)?;
        }
        let key = spatialcloud_harness::keys::make(&at("key"), &["-t", "rsa", "-b", "2048"])?;
        spatialcloud_harness::keys::make(&at("host"), &["-t", "ed25519"])?;
        let peers = tempfile::Builder::new().prefix("spatialcloud-bench-peers-").tempdir()?;
        fs::set_permissions(peers.path(), std::os::unix::fs::PermissionsExt::from_mode(0o755))?;
        let unpacked = plan.cache.join("peers");
        if unpacked.is_dir() {
            let copied =
                std::process::Command::new("cp").arg("-a").arg(unpacked).arg(peers.path()).status()?;
            if !copied.success() {
                return Err(io::Error::other("the servers that ci/peers unpacked could not be copied"));
            }
        }
        Ok(Site {
            peers,
            source: at("source"),
            small: at("small"),
            key: key.private,
            public: key.public,
            host_key: at("host"),
            folder,
            plan,
        })
    }

    fn start(&self, few: bool) -> Vec<(&'static str, Result<Server, String>)> {
        let wanted = |peer: &&Peer| !few || matches!(peer.name, OURS | SSHD | CEILING);
        PEERS.iter().filter(wanted).map(|peer| (peer.name, self.start_one(peer))).collect()
    }

    fn start_one(&self, peer: &Peer) -> Result<Server, String> {
        let ground = Ground {
            folder: self.folder.path().join(peer.name.replace(' ', "-")),
            public: &self.public,
            host_key: &self.host_key,
            cache: &self.plan.cache,
            peers: &self.peers.path().join("peers"),
            port: free_port().map_err(|error| error.to_string())?,
        };
        let mut server = peer.start(&ground)?;
        server.account.private_key.get_or_insert_with(|| self.key.clone());
        Ok(server)
    }
}

fn fill(path: &Path, size_bytes: u64) -> io::Result<()> {
    let mut random = rand::rng();
    let mut file = File::create(path)?;
    let mut piece = vec![0; 1 << 20];
    let mut left = size_bytes;
    while left > 0 {
        random.fill_bytes(&mut piece);
        let count = left.min(piece.len() as u64);
        file.write_all(piece.get(..count as usize).unwrap_or_default())?;
        left -= count;
    }
    Ok(())
}

/// Which pairs are measured: everything against us and `sshd`; the others with the two clients that tell most.
fn is_pair(server: &str, visitor: &Visitor, few: bool) -> bool {
    let telling = matches!(visitor.name, STOCK | PIPELINED);
    match (server, visitor.name) {
        (CEILING, "no SSH") => true,
        (CEILING, _) | (_, "no SSH") => false,
        (OURS | SSHD, _) => !few || telling,
        _ => telling,
    }
}

fn uploads(
    plan: &Plan,
    name: &str,
    site: &Site<'_>,
    servers: &[&Server],
    absent: &[(&str, String)],
) -> Result<Table, String> {
    let few = name.ends_with("disk");
    let mut pairs = Vec::new();
    for visitor in VISITORS {
        if let Err(reason) = visit::usable(visitor) {
            eprintln!("{}: not measured: {reason}", visitor.name);
            continue;
        }
        for server in servers.iter().filter(|server| is_pair(server.name, visitor, few)) {
            pairs.push((visitor, *server, Line::new(visitor.name, server.name)));
        }
    }
    for round in 0..plan.rounds {
        for (visitor, server, line) in &mut pairs {
            go_on()?;
            if line.failure.is_some() {
                continue;
            }
            eprint!("{name}: round {} of {}: {} → {}: ", round + 1, plan.rounds, visitor.name, server.name);
            match upload(visitor, server, &site.source) {
                Ok(sample) => {
                    eprintln!("{:.0} MB/s", sample.rate);
                    line.samples.push(Sample { round, ..sample });
                }
                Err(failure) => {
                    eprintln!("{failure}");
                    line.failure = Some(failure);
                }
            }
        }
    }
    let mut lines: Vec<Line> = pairs.into_iter().map(|(_, _, line)| line).collect();
    lines.extend(
        absent
            .iter()
            .map(|(server, reason)| Line { failure: Some(reason.clone()), ..Line::new("any", server) }),
    );
    Ok(Table { name: name.to_owned(), unit: "MB/s", work: "GiB", lines })
}

/// Clients over longer and longer lines to our endpoint.
fn distances(site: &Site<'_>, servers: &[&Server]) -> Result<Vec<Trip>, String> {
    let Some(server) = servers.iter().find(|server| server.name == OURS) else { return Ok(Vec::new()) };
    let mut trips = Vec::new();
    for (milliseconds, size_bytes) in DISTANCES {
        let round_trip = Duration::from_millis(milliseconds);
        let source = site.folder.path().join(format!("{milliseconds}ms"));
        fill(&source, size_bytes).map_err(|error| error.to_string())?;
        let proxy = Proxy::start(server.account.port, round_trip).map_err(|error| error.to_string())?;
        let account = Account { port: proxy.port, ..server.account.clone() };
        for visitor in VISITORS {
            // The model knows clients as they come.
            let known = visitor.arguments.is_empty() && Habit::of(visitor.driver).is_some();
            if !known || visit::usable(visitor).is_err() {
                continue;
            }
            let mut line = Line::new(visitor.name, server.name);
            for round in 0..DISTANCE_ROUNDS {
                go_on()?;
                eprint!("{milliseconds} ms: round {} of {DISTANCE_ROUNDS}: {}: ", round + 1, line.case);
                match over(visitor, &account, &source, &server.stored) {
                    Ok(rate) => {
                        eprintln!("{rate:.1} MB/s");
                        line.samples.push(Sample { round, rate, ..Sample::default() });
                    }
                    Err(failure) => {
                        eprintln!("{failure}");
                        line.failure = Some(failure);
                        break;
                    }
                }
            }
            trips.push(Trip { habit: visitor.driver, round_trip, size_bytes, line });
        }
    }
    Ok(trips)
}

fn over(visitor: &Visitor, account: &Account, source: &Path, stored: &Path) -> Result<f64, String> {
    let made = |errand| {
        let visit = visit::make(visitor.name, account, errand).map_err(|error| error.to_string())?;
        visit.failure.clone().map_or(Ok(visit), Err)
    };
    let login = made(&Errand::Connect)?;
    let _ = fs::remove_file(stored);
    let visit = made(&Errand::Upload(source.to_owned()))?;
    same(source, stored)?;
    let seconds = if visit.with_set_up { visit.seconds - login.seconds } else { visit.seconds };
    let size_bytes = fs::metadata(source).map_err(|error| error.to_string())?.len() as f64;
    Ok(size_bytes / 1e6 / seconds.max(1e-3))
}

/// A visit and what the server spent on it.
fn visited(
    visitor: &str,
    server: &Server,
    account: &Account,
    errand: &Errand,
) -> Result<(Visit, Taken), String> {
    let watch = Watch::start(server.pid());
    let visit = visit::make(visitor, account, errand);
    let taken = watch.stop();
    let visit = visit.map_err(|error| error.to_string())?;
    match visit.failure {
        Some(failure) => Err(failure),
        None => Ok((visit, taken)),
    }
}

/// One upload, what a mere login costs taken off where it is in the figures, and its bytes compared.
fn upload(visitor: &Visitor, server: &Server, source: &Path) -> Result<Sample, String> {
    let (login, for_login) = visited(visitor.name, server, &server.account, &Errand::Connect)?;
    // Outside the clock for all: cutting an old file short takes time that depends on what lay there.
    let _ = fs::remove_file(&server.stored);
    let errand = Errand::Upload(source.to_owned());
    let (visit, taken) = visited(visitor.name, server, &server.account, &errand)?;
    same(source, &server.stored)?;
    let size_bytes = fs::metadata(source).map_err(|error| error.to_string())?.len() as f64;
    let seconds = if visit.with_set_up { visit.seconds - login.seconds } else { visit.seconds };
    let gib = size_bytes / f64::from(1 << 30);
    Ok(Sample {
        round: 0,
        rate: size_bytes / 1e6 / seconds.max(1e-3),
        server_cpu: (taken.cpu_seconds - for_login.cpu_seconds).max(0.0) / gib,
        client_cpu: (visit.cpu_seconds - login.cpu_seconds).max(0.0) / gib,
        server_peak_bytes: taken.peak_bytes,
        client_peak_bytes: visit.peak_bytes,
    })
}

/// Fails where two files differ, and says where.
fn same(sent: &Path, stored: &Path) -> Result<(), String> {
    let open = |path: &Path| File::open(path).map_err(|error| format!("{}: {error}", path.display()));
    let (mut sent, mut kept) = (open(sent)?, open(stored)?);
    let (mut left, mut right) = (vec![0; 1 << 20], vec![0; 1 << 20]);
    let mut offset = 0_u64;
    loop {
        let read = |file: &mut File, buffer: &mut Vec<u8>| {
            buffer.clear();
            Read::by_ref(file).take(1 << 20).read_to_end(buffer).map_err(|error| error.to_string())
        };
        let count = read(&mut sent, &mut left)?;
        read(&mut kept, &mut right)?;
        if left != right {
            return Err(format!("what was stored differs from what was sent, in the MiB at byte {offset}"));
        }
        if count == 0 {
            return Ok(());
        }
        offset += count as u64;
    }
}

/// Lines of us and of `sshd`, for each case, measured round by round.
fn against_sshd<C: Copy>(
    plan: &Plan,
    name: &str,
    servers: &[&Server],
    cases: &[(String, C)],
    mut measure: impl FnMut(&Server, C) -> Result<Sample, String>,
) -> Result<Vec<Line>, String> {
    let mut lines = Vec::new();
    for (case, of) in cases {
        for server in servers.iter().filter(|server| matches!(server.name, OURS | SSHD)) {
            lines.push((*of, *server, Line::new(case, server.name)));
        }
    }
    for round in 0..plan.rounds {
        for (of, server, line) in &mut lines {
            go_on()?;
            if line.failure.is_some() {
                continue;
            }
            eprint!("{name}: round {} of {}: {} → {}: ", round + 1, plan.rounds, line.case, server.name);
            match measure(server, *of) {
                Ok(sample) => {
                    eprintln!("{:.1}", sample.rate);
                    line.samples.push(Sample { round, ..sample });
                }
                Err(failure) => {
                    eprintln!("{failure}");
                    line.failure = Some(failure);
                }
            }
        }
    }
    Ok(lines.into_iter().map(|(_, _, line)| line).collect())
}

fn handshakes(plan: &Plan, name: &str, site: &Site<'_>, servers: &[&Server]) -> Result<Table, String> {
    let mut cases = Vec::new();
    for bits in ["2048", "3072", "4096"] {
        let path = site.folder.path().join(format!("rsa-{bits}"));
        let pair = spatialcloud_harness::keys::make(&path, &["-t", "rsa", "-b", bits])
            .map_err(|error| error.to_string())?;
        for server in servers {
            let let_in = match (server.name, &server.account.api) {
                (SSHD, _) => {
                    let keys = site.folder.path().join(SSHD.replace(' ', "-")).join("authorized_keys");
                    let file = fs::OpenOptions::new().append(true).open(keys);
                    file.and_then(|mut file| writeln!(file, "{}", pair.public))
                        .map_err(|error| error.to_string())
                }
                (OURS, Some(api)) => {
                    let api = spatialcloud_harness::api::Api::new(api);
                    add_key(&api, &server.account.user, &pair.public)
                }
                _ => Ok(()),
            };
            let_in?;
        }
        cases.push((format!("RSA {bits}"), bits));
    }
    let lines = against_sshd(plan, name, servers, &cases, |server, bits| {
        let mut account = server.account.clone();
        account.private_key = Some(site.folder.path().join(format!("rsa-{bits}")));
        let errand = Errand::Handshakes(HANDSHAKES, HANDSHAKES_AT_ONCE);
        let (visit, taken) = visited(PIPELINED, server, &account, &errand)?;
        let thousands = HANDSHAKES as f64 / 1000.0;
        Ok(Sample {
            round: 0,
            rate: HANDSHAKES as f64 / visit.seconds,
            server_cpu: taken.cpu_seconds / thousands,
            client_cpu: visit.cpu_seconds / thousands,
            server_peak_bytes: taken.peak_bytes,
            client_peak_bytes: visit.peak_bytes,
        })
    })?;
    Ok(Table { name: name.to_owned(), unit: "logins/s", work: "1000 logins", lines })
}

fn add_key(api: &spatialcloud_harness::api::Api, site: &str, key: &str) -> Result<(), String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| error.to_string())?;
    runtime
        .block_on(api.post(&format!("sites/{site}/keys"), json!({"key": key})))
        .map(|_| ())
        .map_err(|error| error.to_string())
}

fn sessions(plan: &Plan, name: &str, site: &Site<'_>, servers: &[&Server]) -> Result<Table, String> {
    let cases: Vec<(String, usize)> =
        SESSIONS.iter().map(|&count| (format!("{count} × 2 MiB"), count)).collect();
    let lines = against_sshd(plan, name, servers, &cases, |server, count| {
        let errand = Errand::Sessions(site.small.clone(), count);
        let (visit, taken) = visited(PIPELINED, server, &server.account, &errand)?;
        for number in 0..count {
            let mut stored = server.stored.clone().into_os_string();
            stored.push(format!(".{number}"));
            same(&site.small, Path::new(&stored))?;
            let _ = fs::remove_file(&stored);
        }
        let bytes = SESSION_BYTES as f64 * count as f64;
        let gib = bytes / f64::from(1 << 30);
        Ok(Sample {
            round: 0,
            rate: bytes / 1e6 / visit.seconds,
            server_cpu: taken.cpu_seconds / gib,
            client_cpu: visit.cpu_seconds / gib,
            server_peak_bytes: taken.peak_bytes,
            client_peak_bytes: visit.peak_bytes,
        })
    })?;
    Ok(Table { name: name.to_owned(), unit: "MB/s", work: "GiB", lines })
}
