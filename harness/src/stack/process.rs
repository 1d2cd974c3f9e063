//! A stack in a process of its own, which can be killed. It ends with its standard input: when this process does,
//! however that comes.

use std::io::Write;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::OnceLock;

use serde_json::Value;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, ChildStdin, Command};

use super::StackError;
use crate::api::Api;

static PROGRAM: OnceLock<PathBuf> = OnceLock::new();

/// Names the `spatialcloud` program, for callers that are not it. The first call counts.
pub fn set_program(program: impl Into<PathBuf>) {
    let _ = PROGRAM.set(program.into());
}

/// That program; absent where nobody has named it.
fn program() -> Option<PathBuf> {
    let own = std::env::current_exe().ok();
    let own = own.filter(|path| path.file_stem().is_some_and(|name| name == "spatialcloud"));
    PROGRAM.get().cloned().or(own)
}

pub(super) struct Process {
    child: Child,
    input: Option<ChildStdin>,
    api: Api,
}

impl Process {
    pub(super) async fn start(
        settings: &Value,
        data: &Path,
        http: SocketAddr,
    ) -> Result<Process, StackError> {
        let mut config = tempfile::NamedTempFile::new()?;
        // YAML reads JSON, and no settings as a map of none.
        config.write_all(settings.to_string().as_bytes())?;
        let listen = settings["endpoint"]["listen"].as_str().unwrap_or("127.0.0.1:0");
        let program = program().ok_or_else(|| {
            StackError::Start(
                "a stack in a process of its own is the program `spatialcloud`: name it with `stack::set_program`"
                    .to_owned(),
            )
        })?;
        let mut command = Command::new(&program);
        command
            .args(["up", "--json", "--until-eof", "--listen", listen, "--http", &http.to_string()])
            .arg("--data")
            .arg(data)
            .arg("--config")
            .arg(config.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true);
        let failed = |reason: &str| StackError::Start(format!("{}: {reason}", program.display()));
        let mut child = command.spawn().map_err(|error| failed(&error.to_string()))?;
        let mut card = String::new();
        if let Some(output) = child.stdout.take() {
            BufReader::new(output).read_line(&mut card).await?;
        }
        let card: Value = serde_json::from_str(&card)
            .map_err(|_| failed("it ended before it was up; its words stand on standard error"))?;
        let token = card["token"].as_str().map(str::to_owned);
        let api = Api::new(card["http"].as_str().unwrap_or_default()).with_token(token);
        Ok(Process { input: child.stdin.take(), child, api })
    }

    pub(super) fn api(&self) -> &Api {
        &self.api
    }

    /// Stops it in an orderly way.
    pub(super) async fn stop(mut self) -> Result<(), StackError> {
        drop(self.input.take());
        let status = self.child.wait().await?;
        if status.success() { Ok(()) } else { Err(StackError::Start(format!("it ended with {status}"))) }
    }

    /// Ends it at once: nothing is put away.
    pub(super) async fn kill(mut self) -> Result<(), StackError> {
        Ok(self.child.kill().await?)
    }
}
