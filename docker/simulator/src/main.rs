//! The program of the simulator's image: starts a Spatial Cloud, and answers the image's health check.
//!
//! `spatialcloud up` does the same and much more, such as driving clients and containers; an image that must be small
//! cannot hold all that.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Parser, Subcommand};
use serde_json::{Value, json};
use spatialcloud_simulator::config::Config;
use spatialcloud_simulator::stack::{Stack, StartError};
use tokio::signal::unix::{SignalKind, signal};

/// Exit codes, as those of `spatialcloud`.
const WRONG_USE: u8 = 1;
const NO_STACK: u8 = 3;
/// Longest wait for an answer to a health check.
const ANSWER: Duration = Duration::from_secs(2);

/// A simulated Spatial Cloud.
#[derive(Parser)]
#[command(name = "spatialcloud-simulator", version, about)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Start a Spatial Cloud; SIGTERM and SIGINT end it
    Up(Up),
    /// Say whether it answers
    Health {
        /// Where the control API listens
        #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:8022")]
        http: SocketAddr,
    },
}

#[derive(clap::Args)]
struct Up {
    /// Settings as YAML, as under `settings:` in a scenario
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Folder that keeps everything
    #[arg(long, value_name = "DIR", default_value = "/data")]
    data: PathBuf,
    /// Where SFTP listens
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "0.0.0.0:2222")]
    listen: SocketAddr,
    /// Where the control API listens
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "0.0.0.0:8022")]
    http: SocketAddr,
    /// How simulated time passes: real, xN (N times faster) or manual
    #[arg(long, value_name = "PACE")]
    clock: Option<String>,
    /// Seed of every random choice
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// Demand this token of whoever calls the control API
    #[arg(long, value_name = "TOKEN", env = "SPATIALCLOUD_TOKEN", hide_env_values = true)]
    token: Option<String>,
    /// Print one line of JSON when ready, and nothing else
    #[arg(long)]
    json: bool,
    /// As `spatialcloud up` has it: here there never is a demonstration site
    #[arg(long, hide = true)]
    no_demo: bool,
}

fn main() -> ExitCode {
    let ended = match Arguments::parse().command {
        Command::Health { http } => health(http).map_err(|error| (NO_STACK, error.to_string())),
        Command::Up(up) => match tokio::runtime::Runtime::new() {
            Ok(runtime) => runtime.block_on(start(up)),
            Err(error) => Err((NO_STACK, error.to_string())),
        },
    };
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err((code, message)) => {
            eprintln!("error: {message}");
            ExitCode::from(code)
        }
    }
}

async fn start(up: Up) -> Result<(), (u8, String)> {
    let config = config(&up).map_err(|reason| (WRONG_USE, reason))?;
    let no_stack = |error: &dyn std::fmt::Display| (NO_STACK, error.to_string());
    // Before anything is started: who ends it in between must not wait in vain.
    let mut terminate = signal(SignalKind::terminate()).map_err(|error| no_stack(&error))?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(|error| no_stack(&error))?;
    let stack = Stack::start(config, &up.data, up.http, up.token, true)
        .await
        .map_err(|error: StartError| no_stack(&error))?;
    println!("{}", if up.json { card(&stack).to_string() } else { words(&stack) });
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    stack.stop().await.map_err(|error| no_stack(&error))
}

fn config(up: &Up) -> Result<Config, String> {
    let mut settings = match &up.config {
        None => json!({}),
        Some(path) => {
            let failed = |error: &dyn std::fmt::Display| format!("{}: {error}", path.display());
            let text = std::fs::read_to_string(path).map_err(|error| failed(&error))?;
            match serde_saphyr::from_str(&text).map_err(|error| failed(&error))? {
                Value::Null => json!({}),
                settings @ Value::Object(_) => settings,
                _ => return Err(failed(&"expected a map of settings")),
            }
        }
    };
    let mut put = |part: &str, name: &str, value: Value| {
        if !settings[part].is_object() {
            settings[part] = json!({});
        }
        settings[part][name] = value;
    };
    put("endpoint", "listen", json!(up.listen));
    if let Some(pace) = &up.clock {
        put("clock", "pace", json!(pace));
    }
    if let Some(seed) = up.seed {
        settings["seed"] = json!(seed);
    }
    let from = up.config.as_ref().map(|path| format!("{}: ", path.display())).unwrap_or_default();
    Config::from_json(settings).map_err(|error| format!("{from}{error}"))
}

/// Where it is, as `spatialcloud up --json` tells it; where SQL clients go, the API tells.
fn card(stack: &Stack) -> Value {
    let (endpoint, http) = (stack.card(), format!("http://{}", stack.http()));
    let mut card = json!({
        "sftp": {"host": endpoint.host, "port": endpoint.port, "host_key": endpoint.host_key},
        "http": http,
    });
    if let Some(token) = stack.token() {
        card["token"] = json!(token);
    }
    card
}

/// The same for whoever reads the container's log.
fn words(stack: &Stack) -> String {
    let mut lines = vec![
        ("SFTP", format!("{}:{}", stack.card().host, stack.card().port)),
        ("host key", stack.card().host_key_fingerprint.clone()),
        ("page, API", format!("http://{}", stack.http())),
    ];
    if let Some(token) = stack.token() {
        lines.push(("API token", token.to_owned()));
    }
    let lines = lines.into_iter().map(|(name, value)| format!("\n  {name:<12} {value}"));
    format!("The Spatial Cloud is up.{}", lines.collect::<String>())
}

/// Asks the control API whether it is ready.
fn health(http: SocketAddr) -> std::io::Result<()> {
    let mut stream = TcpStream::connect_timeout(&http, ANSWER)?;
    stream.set_read_timeout(Some(ANSWER))?;
    stream.write_all(b"GET /api/v1/readyz HTTP/1.0\r\nHost: localhost\r\n\r\n")?;
    let mut answer = String::new();
    stream.take(1 << 16).read_to_string(&mut answer)?;
    let status = answer.lines().next().unwrap_or_default();
    match status.split(' ').nth(1) {
        Some("200") => {
            println!("ok");
            Ok(())
        }
        _ => Err(std::io::Error::other(format!("expected 200 from {http}, got {status:?}"))),
    }
}
