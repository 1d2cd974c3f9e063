//! `mover`: shows and runs the movers of a running stack.

use clap::{Args, Subcommand};
use serde_json::Value;

use super::{Target, answered, text};
use crate::exit::Exit;

#[derive(Args)]
pub struct Arguments {
    #[command(subcommand)]
    action: Action,
    #[command(flatten)]
    target: Target,
    /// Print JSON
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Subcommand)]
enum Action {
    /// What each mover takes, and when it runs next
    List,
    /// Run a mover now, out of turn
    Run {
        /// interval or nightly
        name: String,
    },
}

pub async fn perform(arguments: Arguments) -> Exit {
    let api = arguments.target.api();
    match arguments.action {
        Action::List => answered(api.get("movers").await, arguments.json, |answer| {
            for mover in answer["movers"].as_array().into_iter().flatten() {
                let folders: Vec<&str> =
                    mover["folders"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
                println!(
                    "{:<9} {:<12} next {}",
                    text(mover, "name"),
                    folders.join(", "),
                    text(mover, "next")
                );
            }
        }),
        Action::Run { name } => answered(api.run_mover(&name).await, arguments.json, show_run),
    }
}

/// Runs in order. A night has hundreds with nothing to do: those in a row are one line.
pub fn show_runs(runs: &[Value]) {
    let is_idle = |run: &Value| ["moved", "left", "failed"].iter().all(|count| run[*count] == 0);
    for stretch in runs.chunk_by(|one, next| is_idle(one) && is_idle(next) && one["mover"] == next["mover"]) {
        match stretch {
            [first, .., last] => println!(
                "{} mover from {} to {}: {} runs, nothing to move",
                text(first, "mover"),
                text(first, "at"),
                text(last, "at"),
                stretch.len()
            ),
            _ => stretch.iter().for_each(show_run),
        }
    }
}

/// One run in one line.
fn show_run(run: &Value) {
    println!(
        "{} mover at {}: {} moved, {} left, {} failed",
        text(run, "mover"),
        text(run, "at"),
        run["moved"],
        run["left"],
        run["failed"]
    );
}
