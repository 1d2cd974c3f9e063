//! The subcommands: one file each.

mod advise;
mod calibrate;
mod check;
mod clients;
mod clock;
mod contract;
mod events;
mod fault;
mod generate;
mod health;
mod inspect;
mod key;
mod load;
mod merge;
mod mover;
mod record;
mod report;
mod run;
mod shell;
mod site;
mod sql;
mod up;
mod warehouse;

use std::io::IsTerminal;

use clap::{Args, CommandFactory, Subcommand};
use serde_json::Value;
use spatialcloud_harness::api::{Api, ApiError};
use spatialcloud_harness::report::terminal::Style;

use crate::exit::Exit;

/// What the program can do.
#[derive(Subcommand)]
pub enum Command {
    /// Run scenarios and report what would go wrong
    Run(run::Arguments),
    /// Start a Spatial Cloud on this machine and print how to reach it
    Up(up::Arguments),
    /// Read scenario files and show mistakes; run nothing
    Check(check::Arguments),
    /// Show what tonight's load would make of a backup
    Inspect(inspect::Arguments),
    /// Write a synthetic backup of any size
    Generate(generate::Arguments),
    /// Say how long an upload will take, and which setting is the brake
    Advise(advise::Arguments),
    /// Put many sessions at once on a simulated cloud, and measure them
    Load(load::Arguments),
    /// Join what the shards of a load measured
    Merge(merge::Arguments),
    /// Check a public key before handing it over
    Key(key::Arguments),
    /// Show which clients can be used here, and why others cannot
    Clients(clients::Arguments),
    /// Write what a client asks of the server as a profile
    Record(record::Arguments),
    /// Make reports again from the JSON one
    Report(report::Arguments),
    /// Show every rule of the contract with the scenarios that prove it
    Contract(contract::Arguments),
    /// Show and change the sites of a running stack
    Site(site::Arguments),
    /// Show and run the movers of a running stack
    Mover(mover::Arguments),
    /// Show and advance the clock of a running stack
    Clock(clock::Arguments),
    /// Arm and disarm faults of a running stack
    Fault(fault::Arguments),
    /// Show the production tables, snapshots and loads of a site in a running stack
    Warehouse(warehouse::Arguments),
    /// Ask the warehouse of a running stack, or any SQL Server, in SQL
    Sql(sql::Arguments),
    /// Record what a SQL Server says to damaged backups, for the stand-in to answer alike
    Calibrate(calibrate::Arguments),
    /// Show what happened in a running stack
    Events(events::Arguments),
    /// Print what completes this command line in a shell
    Completions(shell::Completions),
    /// Print the manual, for man
    Manual,
    /// Say whether a stack answers: for containers' health checks
    Health(health::Arguments),
}

/// Hands over to the subcommand.
pub async fn perform(command: Command) -> Exit {
    match command {
        Command::Run(arguments) => run::perform(arguments).await,
        Command::Up(arguments) => up::perform(arguments).await,
        Command::Record(arguments) => record::perform(arguments).await,
        Command::Report(arguments) => report::perform(&arguments),
        Command::Advise(arguments) => advise::perform(&arguments),
        Command::Check(arguments) => check::perform(&arguments),
        Command::Inspect(arguments) => inspect::perform(&arguments),
        Command::Generate(arguments) => generate::perform(&arguments),
        Command::Load(arguments) => load::perform(arguments).await,
        Command::Merge(arguments) => merge::perform(&arguments),
        Command::Key(arguments) => key::perform(&arguments),
        Command::Clients(arguments) => clients::perform(&arguments).await,
        Command::Contract(arguments) => contract::perform(&arguments),
        Command::Site(arguments) => site::perform(arguments).await,
        Command::Mover(arguments) => mover::perform(arguments).await,
        Command::Clock(arguments) => clock::perform(arguments).await,
        Command::Fault(arguments) => fault::perform(arguments).await,
        Command::Warehouse(arguments) => warehouse::perform(arguments).await,
        Command::Sql(arguments) => sql::perform(arguments).await,
        Command::Calibrate(arguments) => calibrate::perform(arguments).await,
        Command::Events(arguments) => events::perform(arguments).await,
        Command::Completions(arguments) => shell::completions(&arguments, crate::Arguments::command()),
        Command::Manual => shell::manual(crate::Arguments::command()),
        Command::Health(arguments) => health::perform(&arguments).await,
    }
}

/// Where the running stack is.
#[derive(Args, Clone)]
pub struct Target {
    /// Control API of the running stack
    #[arg(
        long,
        global = true,
        value_name = "URL",
        default_value = "http://127.0.0.1:8022",
        env = "SPATIALCLOUD_API"
    )]
    api: String,
}

impl Target {
    fn api(&self) -> Api {
        Api::new(&self.api)
    }
}

/// Waits for Ctrl-C, or to be told to end.
async fn ended() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let Ok(mut terminate) = signal(SignalKind::terminate()) {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = tokio::signal::ctrl_c() => {}
            }
            return;
        }
    }
    let _ = tokio::signal::ctrl_c().await;
}

/// Shows an answer of the API with `show`, or its error.
fn answered(answer: Result<Value, ApiError>, as_json: bool, show: impl Fn(&Value)) -> Exit {
    match answer {
        Ok(answer) if as_json => {
            println!("{answer}");
            Exit::Passed
        }
        Ok(answer) => {
            show(&answer);
            Exit::Passed
        }
        Err(error @ ApiError::Unreachable { .. }) => fail(Exit::NoStack, error),
        Err(error) => fail(Exit::WrongUse, error),
    }
}

/// Says what went wrong, on standard error.
fn fail(exit: Exit, message: impl std::fmt::Display) -> Exit {
    let style = error_style();
    eprintln!("{} {message}", style.bad("error:"));
    exit
}

/// Colours for standard output.
fn style() -> Style {
    Style::new(wants_colour(std::io::stdout().is_terminal()))
}

/// Colours for standard error.
fn error_style() -> Style {
    Style::new(wants_colour(std::io::stderr().is_terminal()))
}

fn wants_colour(is_terminal: bool) -> bool {
    is_terminal && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}

fn text<'v>(value: &'v Value, name: &str) -> &'v str {
    value[name].as_str().unwrap_or_default()
}
