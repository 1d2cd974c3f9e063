//! Where a client's program runs: on this machine, or in a container in which the case's folders have the same paths.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use tokio::process::Command;

/// Where a client's program runs.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// On this machine.
    #[default]
    Here,
    /// In a container that runs already.
    Container {
        /// Its name or number.
        name: String,
        /// A folder that it has at the same path as this machine.
        folder: PathBuf,
    },
}

impl std::fmt::Display for Place {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Place::Here => Ok(()),
            Place::Container { .. } => formatter.write_str(" in the clients' image"),
        }
    }
}

impl Place {
    /// A command that sees nothing of this user's settings: no agent, no home, no language but plain UTF-8. Arguments
    /// that are added reach the program; variables do not everywhere, so none are.
    pub fn command(&self, program: &str, work: &Path) -> Command {
        let mut command = match self {
            Place::Here => {
                let mut command = Command::new(program);
                let path = std::env::var_os("PATH").unwrap_or_default();
                command.env_clear().env("PATH", path).env("HOME", work).env("LC_ALL", "C.UTF-8");
                command.current_dir(work);
                command
            }
            Place::Container { name, folder } => {
                // `docker` itself keeps this user's settings: they may say where the engine is.
                let mut command = Command::new("docker");
                let home = format!("HOME={}", work.display());
                let temporary = format!("TMPDIR={}", folder.display());
                command.args(["exec", "--interactive", "--env", "LC_ALL=C.UTF-8"]);
                command.args(["--env", &home, "--env", &temporary]);
                command.arg("--workdir").arg(work).args([name, program]);
                command
            }
        };
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .process_group(0);
        command
    }

    /// Whether an exit code says that the program could not be found.
    pub fn is_missing(&self, exit_code: Option<i32>) -> bool {
        // What could not be started here has no exit code; `docker exec` and shells answer these.
        matches!(self, Place::Container { .. }) && matches!(exit_code, Some(126 | 127))
    }

    /// A folder for what is no case's own.
    pub fn folder(&self) -> PathBuf {
        match self {
            Place::Here => std::env::temp_dir(),
            Place::Container { folder, .. } => folder.clone(),
        }
    }

    /// The same for a question that is asked once, and answered at once.
    pub fn question(&self, program: &str) -> std::process::Command {
        match self {
            Place::Here => std::process::Command::new(program),
            Place::Container { name, .. } => {
                let mut command = std::process::Command::new("docker");
                command.args(["exec", name, program]);
                command
            }
        }
    }
}
