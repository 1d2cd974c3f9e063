//! `spatialcloud-bench`: our endpoint against real servers in the same run, round by round, interleaved.

mod ceiling;
mod chart;
mod distance;
mod figures;
mod peer;
mod process;
mod report;
mod rounds;
mod visit;

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Measures our endpoint against real servers, and writes table, JSON and chart.
#[derive(Parser)]
struct Arguments {
    /// Interleaved rounds; fewer than five make no ratio
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// Size of an upload in MiB
    #[arg(long, value_name = "MIB", default_value_t = 256)]
    size: u64,
    /// Only tables whose name contains this: tmpfs, disk, handshakes, sessions, distance
    #[arg(long, value_name = "WORD")]
    only: Option<String>,
    /// Folder on tmpfs
    #[arg(long, value_name = "DIR", default_value = "/dev/shm")]
    memory: PathBuf,
    /// Folder on a disk
    #[arg(long, value_name = "DIR", default_value = "/var/tmp")]
    disk: PathBuf,
    /// The folder that `ci/install` was given
    #[arg(long, value_name = "DIR", env = "SPATIALCLOUD_CACHE")]
    cache: Option<PathBuf>,
    /// Write README.md, results.json and chart.svg here
    #[arg(long, value_name = "DIR")]
    write: Option<PathBuf>,
    #[command(subcommand)]
    role: Option<Role>,
}

/// What the programme starts itself as.
#[derive(Subcommand)]
enum Role {
    /// One visit of a client
    #[command(hide = true)]
    Visit {
        /// JSON
        order: String,
    },
    /// The server without SSH
    #[command(hide = true)]
    Ceiling {
        /// Where it listens on loopback
        port: u16,
        /// What it writes
        file: PathBuf,
    },
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let done = match &arguments.role {
        Some(Role::Visit { order }) => visit(order),
        Some(Role::Ceiling { port, file }) => TcpListener::bind(("127.0.0.1", *port))
            .and_then(|listener| ceiling::serve(&listener, file))
            .map_err(|error| error.to_string()),
        None => measure(&arguments),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("error: {message}");
            ExitCode::FAILURE
        }
    }
}

fn visit(order: &str) -> Result<(), String> {
    let runtime = tokio::runtime::Runtime::new().map_err(|error| error.to_string())?;
    let visit = runtime
        .block_on(visit::perform(order))
        .unwrap_or_else(|failure| visit::Visit { failure: Some(failure), ..visit::Visit::default() });
    println!("{}", serde_json::to_string(&visit).map_err(|error| error.to_string())?);
    Ok(())
}

fn measure(arguments: &Arguments) -> Result<(), String> {
    build_ours()?;
    let home = std::env::var_os("HOME").map(PathBuf::from).unwrap_or_default();
    let plan = rounds::Plan {
        rounds: arguments.rounds,
        size_bytes: arguments.size << 20,
        only: arguments.only.clone().unwrap_or_default(),
        memory: arguments.memory.clone(),
        disk: arguments.disk.clone(),
        cache: arguments.cache.clone().unwrap_or_else(|| home.join(".cache/spatialcloud")),
    };
    rounds::end_with_the_programme()?;
    let (tables, trips) = rounds::run(&plan)?;
    let mut text = report::markdown(&tables);
    if !trips.is_empty() {
        text.push_str(&distance::markdown(&trips));
    }
    print!("{text}");
    if let Some(folder) = &arguments.write {
        write(folder, &text, &chart::svg(&tables), &report::json(&tables, &trips, &plan))?;
    }
    Ok(())
}

/// What users run is measured, so it has to be built; `cargo run` builds only this package's own binary.
fn build_ours() -> Result<(), String> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml");
    let built = std::process::Command::new(cargo)
        // Both packages are named so that features, and with them what is built already, are the same. This program is
        // not built again: each visit is this file started anew, and cargo would put another in its place.
        .args([
            "build",
            "--release",
            "--quiet",
            "-p",
            "spatialcloud-harness",
            "-p",
            "spatialcloud-benches",
            "--bin",
            "spatialcloud",
        ])
        .arg("--manifest-path")
        .arg(manifest)
        .status();
    match built {
        Ok(status) if status.success() => Ok(()),
        Ok(_) => Err("`spatialcloud` could not be built".to_owned()),
        Err(error) => Err(format!("cargo: {error}")),
    }
}

/// Between these lines the programme writes; the rest of the file is people's.
const BEGIN: &str = "<!-- made by spatialcloud-bench -->";
const END: &str = "<!-- end -->";

fn write(folder: &Path, tables: &str, chart: &str, results: &str) -> Result<(), String> {
    let put = |name: &str, text: &str| {
        let path = folder.join(name);
        std::fs::write(&path, text).map_err(|error| format!("{}: {error}", path.display()))
    };
    put("results.json", results)?;
    put("chart.svg", chart)?;
    let path = folder.join("README.md");
    let text = std::fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
    let (before, rest) =
        text.split_once(BEGIN).ok_or_else(|| format!("{}: no line {BEGIN}", path.display()))?;
    let (_, after) = rest.split_once(END).ok_or_else(|| format!("{}: no line {END}", path.display()))?;
    put("README.md", &format!("{before}{BEGIN}\n\n{tables}{END}{after}"))
}
