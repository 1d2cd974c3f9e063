//! A SQL Server in a container: Microsoft's own, or the stand-in's image where that stands for it. The same code runs
//! both, so that all but the engine itself is tried wherever there is Docker.

mod container;
mod preflight;
mod sweep;

use std::path::PathBuf;

pub use container::{Engine, put};
pub use preflight::{Found, look};

/// Names another image of Microsoft's.
pub const IMAGE_VARIABLE: &str = "SPATIALCLOUD_SQL_SERVER_IMAGE";
/// Says `Y` where its user has accepted Microsoft's licence; the name is Microsoft's own.
pub const LICENCE_VARIABLE: &str = "ACCEPT_EULA";
/// SQL Server 2019, the newest whose backups the vendor takes (C-41); a build that runs on kernels of today.
pub const MICROSOFT: &str = "mcr.microsoft.com/mssql/server:2019-CU28-ubuntu-20.04";

/// An image with a SQL Server in it, and how it is run.
#[derive(Clone, Debug)]
pub struct Image {
    /// Its name and tag.
    pub name: String,
    /// What it is, for people.
    pub what: &'static str,
    /// Whether a licence must be accepted before it may run.
    pub is_licensed: bool,
    /// Memory that the machine must have.
    pub least_memory_bytes: u64,
    /// Words in its log before it lets anybody in.
    ready: &'static [&'static str],
    command: &'static [&'static str],
    user: Option<&'static str>,
    /// Where the folder of backups is mounted.
    folder: &'static str,
    /// A file of settings in that folder, and what is written there; `{password}` in it.
    settings: Option<(&'static str, &'static str)>,
}

impl Image {
    /// Microsoft's: the one that the environment names, or [`MICROSOFT`].
    pub fn microsoft() -> Image {
        let named = std::env::var(IMAGE_VARIABLE).ok().filter(|name| !name.is_empty());
        Image {
            name: named.unwrap_or_else(|| MICROSOFT.to_owned()),
            what: "Microsoft SQL Server",
            is_licensed: true,
            // It ends at once where it finds less.
            least_memory_bytes: 2_000_000_000,
            ready: &["SQL Server is now ready for client connections", "Recovery is complete"],
            command: &[],
            user: None,
            folder: "/var/opt/mssql/backup",
            settings: None,
        }
    }

    /// The simulator's own image, whose warehouse stands in for the server.
    pub fn stand_in(name: &str) -> Image {
        Image {
            name: name.to_owned(),
            what: "the stand-in",
            is_licensed: false,
            least_memory_bytes: 0,
            ready: &["The Spatial Cloud is up"],
            command: &[
                "up",
                "--data",
                "/data",
                "--config",
                "/data/sql/backup/settings.yaml",
                "--listen",
                "127.0.0.1:2222",
                "--http",
                "127.0.0.1:8022",
                "--no-demo",
            ],
            // The folder that is mounted below its own data is not its user's.
            user: Some("0:0"),
            folder: "/data/sql/backup",
            settings: Some((
                "settings.yaml",
                "sql: { listen: \"0.0.0.0:1433\", password: \"{password}\" }\n",
            )),
        }
    }
}

/// Why there is no engine.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// Nothing that the user could not have known before.
    #[error("{0}")]
    Environment(String),
    /// Nobody has accepted its licence.
    #[error(
        "{image} is under a licence of its own, which only you can accept: read https://go.microsoft.com/fwlink/?linkid=857698 \
         and say so with {LICENCE_VARIABLE}=Y"
    )]
    Licence {
        /// The image.
        image: String,
    },
    /// The container did not start, or ended.
    #[error("{image} {reason}{}", after(.log))]
    Container {
        /// The image.
        image: String,
        /// What came of it.
        reason: String,
        /// Its last words.
        log: String,
    },
    /// The folder of backups.
    #[error("{folder}: {error}")]
    Folder {
        /// The folder.
        folder: PathBuf,
        /// What the operating system answered.
        error: std::io::Error,
    },
}

fn after(log: &str) -> String {
    if log.is_empty() { String::new() } else { format!("; its last words:\n{log}") }
}

/// Whether the user has said that they accept Microsoft's licence. Nobody else says it for them.
pub fn is_licence_accepted() -> bool {
    std::env::var(LICENCE_VARIABLE).is_ok_and(|said| said.eq_ignore_ascii_case("y"))
}
