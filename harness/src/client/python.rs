//! Python's SFTP libraries, each through a small script of ours beside this file.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use async_trait::async_trait;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;
use tokio::sync::Mutex as AsyncMutex;

use super::{Availability, Client, Login, Operation, Outcome, Place, process};

const COMMON: &str = include_str!("python/common.py");
const REMEDY: &str = "ci/test makes an environment; or set SPATIALCLOUD_PYTHON to a Python that has it";

/// Where `docker/build` has `ci/install` put its environments in the clients' image.
const CACHE_OF_IMAGE: &str = "/opt/spatialcloud";

/// A library.
pub struct Python {
    name: &'static str,
    /// Python that prints the version, and fails where the library is missing.
    version: &'static str,
    script: &'static str,
    /// pysftp needs an older paramiko than paramiko's own tests do, so there are two environments.
    environment: &'static str,
    can: fn(Option<&Login>, &Operation) -> Result<(), &'static str>,
    found: Mutex<BTreeMap<Place, Option<Interpreter>>>,
    servers: AsyncMutex<BTreeMap<Place, Arc<Server>>>,
}

/// A Python that has the library: where it is, and the library's version.
type Interpreter = (PathBuf, String);

/// A Python that has imported the library, and forks for each visit. It ends with its standard input: when
/// this process does, however that comes.
struct Server {
    socket: PathBuf,
    _child: std::process::Child,
}

/// paramiko.
pub static PARAMIKO: Python = Python {
    name: "paramiko",
    version: "import paramiko; print('paramiko', paramiko.__version__)",
    script: include_str!("python/paramiko.py"),
    environment: "venv",
    can: |_, _| Ok(()),
    found: Mutex::new(BTreeMap::new()),
    servers: AsyncMutex::const_new(BTreeMap::new()),
};

/// pysftp, no longer kept up and still in many scripts.
pub static PYSFTP: Python = Python {
    name: "pysftp",
    version: "import pysftp, paramiko; print('pysftp', pysftp.__version__, '(paramiko', paramiko.__version__ + ')')",
    script: include_str!("python/pysftp.py"),
    environment: "venv-pysftp",
    can: |login, operation| match operation {
        _ if login.is_some_and(|login| login.source_address.is_some()) => {
            Err("pysftp cannot choose the address it connects from")
        }
        Operation::Upload { resume: true, .. } => Err("pysftp cannot resume"),
        _ => Ok(()),
    },
    found: Mutex::new(BTreeMap::new()),
    servers: AsyncMutex::const_new(BTreeMap::new()),
};

/// asyncssh.
pub static ASYNCSSH: Python = Python {
    name: "asyncssh",
    version: "import asyncssh; print('asyncssh', asyncssh.__version__)",
    script: include_str!("python/asyncssh.py"),
    environment: "venv",
    can: |_, operation| match operation {
        Operation::Upload { resume: true, .. } => Err("asyncssh cannot resume"),
        _ => Ok(()),
    },
    found: Mutex::new(BTreeMap::new()),
    servers: AsyncMutex::const_new(BTreeMap::new()),
};

/// A current libcurl with libssh2, as in curl of today; Debian's own program is older.
pub static LIBCURL: Python = Python {
    name: "libcurl",
    version: "import pycurl; v = pycurl.version.split(); print(v[1], [p for p in v if 'ssh' in p][0])",
    script: include_str!("python/libcurl.py"),
    environment: "venv",
    can: |_, operation| match operation {
        Operation::Upload { arguments, .. } if !arguments.is_empty() => {
            Err("arguments are for the curl program")
        }
        _ => Ok(()),
    },
    found: Mutex::new(BTreeMap::new()),
    servers: AsyncMutex::const_new(BTreeMap::new()),
};

impl Python {
    /// The first Python there that has the library.
    fn interpreter(&self, place: &Place) -> Option<Interpreter> {
        let mut found = self.found.lock().unwrap_or_else(PoisonError::into_inner);
        let look = || {
            let below = |folder: PathBuf| folder.join(self.environment).join("bin/python");
            let candidates = match place {
                Place::Here => [
                    std::env::var_os("SPATIALCLOUD_PYTHON").map(PathBuf::from),
                    process::cache().map(below),
                    Some(PathBuf::from("python3")),
                ],
                Place::Container { .. } => [Some(below(PathBuf::from(CACHE_OF_IMAGE))), None, None],
            };
            candidates.into_iter().flatten().find_map(|python| {
                let asked = place
                    .question(&python.to_string_lossy())
                    .args(["-W", "ignore", "-c", self.version])
                    .stdin(Stdio::null())
                    .output()
                    .ok()?;
                let version = String::from_utf8_lossy(&asked.stdout).trim().to_owned();
                asked.status.success().then_some((python, version))
            })
        };
        found.entry(place.clone()).or_insert_with(look).clone()
    }

    /// The server there, started by the first visit.
    async fn server(&self, place: &Place) -> Result<Arc<Server>, String> {
        let mut servers = self.servers.lock().await;
        if let Some(server) = servers.get(place) {
            return Ok(server.clone());
        }
        let (python, _) = self.interpreter(place).ok_or(REMEDY)?;
        let failed = format!("{} could not be started: ", python.display());
        let (there, script) = (place.clone(), self.script);
        let started = tokio::task::spawn_blocking(move || Server::start(&there, &python, script)).await;
        let started = started.map_err(|error| error.to_string())?;
        let server = Arc::new(started.map_err(|error| failed + &error.to_string())?);
        servers.insert(place.clone(), server.clone());
        Ok(server)
    }

    /// Has the server do a job, and answers exit code and words of whoever did it.
    async fn visit(&self, place: &Place, job: &Value) -> Result<(i32, Vec<u8>), String> {
        let server = self.server(place).await?;
        let talk = async {
            let mut stream = UnixStream::connect(&server.socket).await?;
            stream.write_all(format!("{job}\n").as_bytes()).await?;
            let exit_code = stream.read_i32_le().await?;
            let mut words = Vec::new();
            stream.read_to_end(&mut words).await?;
            Ok::<_, std::io::Error>((exit_code, words))
        };
        match tokio::time::timeout(process::LONGEST, talk).await {
            Ok(answer) => answer.map_err(|error| format!("the Python of {} has gone: {error}", self.name)),
            Err(_) => Err(process::no_end()),
        }
    }
}

impl Server {
    fn start(place: &Place, python: &Path, script: &str) -> std::io::Result<Server> {
        use std::io::{BufRead, BufReader};
        let mut command = place.command(&python.to_string_lossy(), &place.folder()).into_std();
        command.args(["-c", &format!("{COMMON}\n{script}")]).stderr(Stdio::inherit());
        let mut child = command.spawn()?;
        let mut socket = String::new();
        if let Some(stdout) = child.stdout.take() {
            BufReader::new(stdout).read_line(&mut socket)?;
        }
        match socket.strip_suffix('\n') {
            Some(socket) => Ok(Server { socket: socket.into(), _child: child }),
            None => Err(std::io::Error::other("it ended before it said where it listens")),
        }
    }
}

#[async_trait]
impl Client for Python {
    fn name(&self) -> &str {
        self.name
    }

    fn availability_at(&self, place: &Place) -> Availability {
        match self.interpreter(place) {
            Some((_, version)) => Availability::Usable { version },
            None => Availability::Missing {
                reason: format!("no Python here can import {}", self.name),
                remedy: REMEDY,
            },
        }
    }

    fn can(&self, login: Option<&Login>, operation: &Operation) -> Result<(), &'static str> {
        (self.can)(login, operation)
    }

    async fn perform(&self, login: &Login, operation: &Operation) -> Outcome {
        let job = json!({
            "login": {
                "host": login.host, "port": login.port, "user": login.user, "host_key": login.host_key,
                "private_key": login.private_key, "password": login.password,
                "source_address": login.source_address,
            },
            "do": described(operation),
            "work": login.work,
        });
        let since = Instant::now();
        let mut outcome = match self.visit(&login.place, &job).await {
            Ok((exit_code, words)) => process::ended(Some(exit_code), &words),
            Err(reason) => Outcome::failed(reason),
        };
        outcome.duration = since.elapsed();
        if matches!(operation, Operation::List { .. }) && outcome.succeeded {
            outcome.listing = outcome.output.lines().map(str::to_owned).collect();
        }
        outcome
    }
}

fn described(operation: &Operation) -> Value {
    match operation {
        Operation::Connect => json!({"kind": "connect"}),
        Operation::Upload { local, remote, preserve_times, resume, arguments } => json!({
            "kind": "upload", "local": local, "remote": remote, "preserve_times": preserve_times,
            "resume": resume, "arguments": arguments,
        }),
        Operation::Download { remote, local } => {
            json!({"kind": "download", "remote": remote, "local": local})
        }
        Operation::List { path } => json!({"kind": "list", "path": path}),
        Operation::Rename { from, to } => json!({"kind": "rename", "from": from, "to": to}),
        Operation::Remove { path } => json!({"kind": "remove", "path": path}),
        Operation::MakeDirectory { path } => json!({"kind": "make-directory", "path": path}),
        Operation::RemoveDirectory { path } => json!({"kind": "remove-directory", "path": path}),
        Operation::SetTimes { path, modified } => {
            json!({"kind": "set-times", "path": path, "modified": modified})
        }
    }
}
